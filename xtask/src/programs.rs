//! `demo`, `chaos`, `bench`, `simulate`: programs of crate `tests`, built here and started with the
//! paths of what they need.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::install;
use crate::shell::Run;
use crate::workspace::Workspace;

/// The programs that every one of these commands needs. One list: cargo then resolves one set of
/// features, and nothing is compiled twice.
const BUILD: &str = "cargo build --locked -p quirl-quirld -p quirl-cli -p quirl-tests --bins";

/// Start the platform, deploy a real pipeline, feed it real data, show what came out.
#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Stop the server at the end instead of leaving it running until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Compare every figure and every record with an independent Python script
    #[arg(long)]
    check: bool,
    /// More arguments for the program itself, after `--`
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// Kill the server again and again under load.
#[derive(clap::Args)]
pub(crate) struct Chaos {
    /// How often to kill it
    #[arg(long, default_value_t = 30)]
    kills: u32,
    /// Repeats the random choices of another run
    #[arg(long)]
    seed: Option<u64>,
    /// More arguments for the program itself, after `--`
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// Measure against the yardsticks of this machine.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Only these rows, by name, with commas
    #[arg(long)]
    rows: Option<OsString>,
    /// Write the numbers there as well
    #[arg(long, value_name = "FILE", value_parser = from_here)]
    json: Option<PathBuf>,
    /// More arguments for the program itself, after `--`
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// Run whole worlds of faults from seeds.
#[derive(clap::Args)]
pub(crate) struct Simulate {
    /// Arguments for the program itself (`--help` after `--` lists them)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// How the programs are compiled.
#[derive(Clone, Copy, PartialEq)]
enum Profile {
    /// The one profile of demo, tests, editors and CI.
    Dev,
    /// For measuring.
    Release,
}

/// The path as meant in the folder where the command was typed; we go on in the top folder.
fn from_here(path: &str) -> std::io::Result<PathBuf> {
    std::path::absolute(path)
}

/// `cargo xtask demo`
pub(crate) fn demo(workspace: &Workspace, args: &Demo) -> Result<()> {
    if args.check {
        install::packages(&[install::PYTHON])?;
    }
    let flags = [args.exit.then_some("--exit"), args.check.then_some("--check")];
    let run = ready(workspace, "demo", Profile::Dev)?.args(flags.into_iter().flatten());
    Err(run.args(&args.rest).become_it())
}

/// `cargo xtask chaos`
pub(crate) fn chaos(workspace: &Workspace, args: &Chaos) -> Result<()> {
    let mut run = ready(workspace, "chaos", Profile::Dev)?.arg("--kills");
    run = run.arg(args.kills.to_string());
    if let Some(seed) = args.seed {
        run = run.arg("--seed").arg(seed.to_string());
    }
    Err(run.args(&args.rest).become_it())
}

/// `cargo xtask bench`
pub(crate) fn bench(workspace: &Workspace, args: &Bench) -> Result<()> {
    let mut run = ready(workspace, "bench", Profile::Release)?;
    if let Some(rows) = &args.rows {
        run = run.arg("--rows").arg(rows);
    }
    if let Some(json) = &args.json {
        run = run.arg("--json").arg(json);
    }
    Err(run.args(&args.rest).become_it())
}

/// `cargo xtask simulate`
pub(crate) fn simulate(workspace: &Workspace, args: &Simulate) -> Result<()> {
    Err(ready(workspace, "simulate", Profile::Dev)?.args(&args.rest).become_it())
}

/// A step of the reliability phase: one of our own commands, waited for.
pub(crate) fn wait_for(workspace: &Workspace, name: &str, args: &[&str]) -> Result<()> {
    ready(workspace, name, Profile::Dev)?.args(args).run()
}

/// Builds everything and gives the command line of program `name`, with the paths it needs.
fn ready(workspace: &Workspace, name: &str, profile: Profile) -> Result<Run> {
    let usually = match profile {
        Profile::Dev => "a few minutes the first time, seconds afterwards",
        Profile::Release => "optimised: ten minutes the first time, seconds afterwards",
    };
    println!("building quirld, quirl and `{name}` ({usually})");
    build(profile).run()?;
    let folder = folder(workspace, profile);
    let program = folder.join(name);
    ensure!(program.is_file(), "crate `tests` has no program `{name}` (tests/src/bin/{name}.rs)");
    let run = Run::new(program).arg("--quirld").arg(folder.join("quirld"));
    let run = run.arg("--quirl").arg(folder.join("quirl"));
    Ok(run.arg("--samples").arg(workspace.root.join("samples")))
}

fn build(profile: Profile) -> Run {
    let run = Run::line(BUILD);
    if profile == Profile::Release { run.arg("--release") } else { run }
}

/// Where cargo puts the programs of this profile.
fn folder(workspace: &Workspace, profile: Profile) -> PathBuf {
    let name = if profile == Profile::Release { "release" } else { "debug" };
    workspace.metadata.target_directory.join(name)
}

/// Builds the programs, and names the packages that had to be compiled for that.
pub(crate) fn compiled_again() -> Result<Vec<String>> {
    let told = Run::line(BUILD).arg("--message-format=json").read()?;
    Ok(told.lines().filter_map(compiled_package).collect())
}

/// The package that a message of cargo says was compiled just now.
fn compiled_package(message: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let fresh = message.get("fresh")?.as_bool()?;
    let package = message.get("package_id")?.as_str()?;
    (!fresh).then(|| package.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compiled_again_is_named() {
        let stale = r#"{"reason":"compiler-artifact","package_id":"a#1.0.0","fresh":false}"#;
        let fresh = r#"{"reason":"compiler-artifact","package_id":"b#1.0.0","fresh":true}"#;
        assert_eq!(compiled_package(stale).as_deref(), Some("a#1.0.0"));
        assert_eq!(compiled_package(fresh), None);
        assert_eq!(compiled_package(r#"{"reason":"build-finished"}"#), None);
    }
}
