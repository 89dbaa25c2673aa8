//! `cargo xtask check`: what has to hold before a push, and numbers for taste.
//!
//! Each rule is a module with a function from the workspace to findings, and with tests that prove
//! that it can fail. All of them run, so that one round shows everything.

mod arrows;
mod docs;
mod duplicates;
mod features;
mod licences;
mod places;
mod purity;
mod taste;
mod words;

use std::fmt;

use anyhow::{Result, bail};

use crate::lock::Depth;
use crate::shell::{Run, complain};
use crate::source::Source;
use crate::workspace::{Workspace, packages_everywhere, packages_on_linux};
use crate::{engine, samples};

/// How to check.
#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Only what needs no compiler: format and invariants (seconds)
    #[arg(long)]
    quick: bool,
}

/// Something that has to change, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    at: String,
    says: String,
}

impl Finding {
    fn new(at: impl fmt::Display, says: impl Into<String>) -> Self {
        Self { at: at.to_string(), says: says.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.says)
    }
}

/// Runs every check; fails if one of them found something.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let sources = workspace.sources()?;
    let mut failed = rules(workspace, &sources)?;
    failed.extend(command("format", &Run::line("cargo fmt --all --check -- -l")));
    let depth = if args.quick { Depth::Hashes } else { Depth::Bytes };
    failed.extend(report("samples", samples::check(workspace, depth).err()));
    failed.extend(report("JavaScript engine", engine::check(workspace, depth).err()));
    if !args.quick {
        let clippy = "cargo clippy --locked --workspace --all-targets -- -D warnings";
        failed.extend(command("clippy", &Run::line(clippy)));
        let doc = Run::line("cargo doc --locked --workspace --no-deps");
        failed.extend(command("docs", &doc.env("RUSTDOCFLAGS", "-D warnings")));
    }
    taste::print(&sources);
    match failed.as_slice() {
        [] => Ok(()),
        failed => bail!("`cargo xtask check` found something: {}", failed.join(", ")),
    }
}

/// The rules that read metadata and text. Returns the names of those that found something.
fn rules(workspace: &Workspace, sources: &[Source]) -> Result<Vec<&'static str>> {
    let found = [
        ("arrows between crates", arrows::check(workspace)),
        ("purity", purity::check(sources)),
        ("places", places::check(workspace, sources)),
        ("module docs", docs::heads(sources)),
        ("paths in documents", docs::paths(workspace)?),
        ("words", words::check(workspace, sources)?),
        ("licences and sources", licences::check(&packages_everywhere()?)),
        ("duplicate crates", duplicates::check(&packages_on_linux()?)),
        ("features", features::check()?),
    ];
    Ok(found.into_iter().filter_map(|(name, findings)| tell(name, &findings)).collect())
}

/// Prints what one rule found. Returns its name if that is something.
fn tell(name: &'static str, findings: &[Finding]) -> Option<&'static str> {
    match findings {
        [] => println!("ok    {name}"),
        findings => println!("FOUND {name}: {}", findings.len()),
    }
    findings.iter().for_each(|finding| println!("      {finding}"));
    (!findings.is_empty()).then_some(name)
}

/// Runs a tool of cargo. Returns its name if it was not content.
fn command(name: &'static str, run: &Run) -> Option<&'static str> {
    report(name, run.run().err())
}

fn report(name: &'static str, error: Option<anyhow::Error>) -> Option<&'static str> {
    let Some(error) = error else {
        println!("ok    {name}");
        return None;
    };
    println!("FOUND {name}");
    complain(&error);
    Some(name)
}
