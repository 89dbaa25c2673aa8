//! `cargo xtask samples`: the sample modules, built by the command lines of `samples/samples.toml`.
//!
//! The modules are committed, so that nobody needs clang to see the platform work. `samples.lock`
//! holds hashes of what they were built from and with; where the same compiler is at hand, building
//! again has to give the same bytes. A build sees a copy of the sources that `samples.toml` lists
//! and nothing else, which proves that the list is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::shell::Run;
use crate::workspace::Workspace;

/// How to build them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing: compare hashes, and bytes where the locked compiler is at hand
    #[arg(long)]
    check: bool,
}

/// How far to check.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Depth {
    /// Hashes of what lies here.
    Hashes,
    /// Also build again and compare bytes.
    Bytes,
}

/// `samples.toml`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    toolchain: ToolchainWanted,
    #[serde(rename = "sample")]
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolchainWanted {
    compiler: String,
    packages: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    name: String,
    #[serde(rename = "about")]
    _about: String,
    sources: Vec<String>,
    output: String,
    command: Vec<String>,
}

/// `samples.lock`
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Lock {
    toolchain: Toolchain,
    packages: Hashes,
    sources: Hashes,
    modules: Hashes,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Toolchain {
    compiler: String,
}

/// Names with what identifies them: a hash, or a version.
type Hashes = BTreeMap<String, String>;

/// `cargo xtask samples`
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.check {
        return check(workspace, Depth::Bytes);
    }
    let folder = workspace.root.join("samples");
    let manifest = manifest(&folder)?;
    let built = build(workspace, &manifest)?;
    for output in manifest.outputs() {
        let (from, to) = (built.join(&output), folder.join(&output));
        fs::copy(&from, &to).with_context(|| format!("write {}", to.display()))?;
    }
    let lock = observe(&folder, &manifest)?.to_string();
    fs::write(folder.join("samples.lock"), lock).context("write samples/samples.lock")?;
    println!("wrote {} modules and samples/samples.lock", manifest.samples.len());
    Ok(())
}

/// Compares what lies in `samples/` with its lock, and with what the sources give.
///
/// # Errors
/// With every file that differs, or that the lock has and the manifest has not.
pub(crate) fn check(workspace: &Workspace, depth: Depth) -> Result<()> {
    let folder = workspace.root.join("samples");
    let (manifest, lock) = (manifest(&folder)?, lock(&folder)?);
    same(&lock.sources, &sha256(&folder, &manifest.sources())?, "source")?;
    same(&lock.modules, &sha256(&folder, &manifest.outputs())?, "module")?;
    if depth == Depth::Hashes {
        return Ok(());
    }
    if let Some(difference) = other_toolchain(&lock, &manifest) {
        println!("  samples are not built again to compare: {difference}");
        return Ok(());
    }
    let built = build(workspace, &manifest)?;
    same(&lock.modules, &sha256(&built, &manifest.outputs())?, "rebuilt module")
}

impl Manifest {
    fn sources(&self) -> BTreeSet<String> {
        self.samples.iter().flat_map(|sample| &sample.sources).cloned().collect()
    }

    fn outputs(&self) -> BTreeSet<String> {
        self.samples.iter().map(|sample| sample.output.clone()).collect()
    }
}

fn manifest(folder: &Path) -> Result<Manifest> {
    read_toml(&folder.join("samples.toml"))
}

fn lock(folder: &Path) -> Result<Lock> {
    read_toml(&folder.join("samples.lock")).context("`cargo xtask samples` writes it")
}

fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("understand {}", path.display()))
}

/// Builds every sample in a folder of its own, and gives that folder.
fn build(workspace: &Workspace, manifest: &Manifest) -> Result<PathBuf> {
    let folder = workspace.metadata.target_directory.join("samples");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    for source in manifest.sources() {
        let (from, to) = (workspace.root.join("samples").join(&source), folder.join(&source));
        make_parent(&to)?;
        fs::copy(&from, &to).with_context(|| format!("copy {}", from.display()))?;
    }
    for sample in &manifest.samples {
        make_parent(&folder.join(&sample.output))?;
        let program = sample.command.first();
        let program = program.with_context(|| format!("sample {} has no command", sample.name))?;
        Run::new(program).args(&sample.command[1..]).dir(&folder).run_quietly()?;
    }
    println!("  built {} modules", manifest.samples.len());
    Ok(folder)
}

fn make_parent(path: &Path) -> Result<()> {
    let parent = path.parent().with_context(|| format!("{} has no folder", path.display()))?;
    fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))
}

/// What the lock would say about the files that lie here and the compiler that is at hand.
fn observe(folder: &Path, manifest: &Manifest) -> Result<Lock> {
    let wanted = &manifest.toolchain;
    let packages = wanted.packages.iter().map(|name| Ok((name.clone(), package_version(name)?)));
    Ok(Lock {
        toolchain: Toolchain { compiler: compiler_version(&wanted.compiler)? },
        packages: packages.collect::<Result<Hashes>>()?,
        sources: sha256(folder, &manifest.sources())?,
        modules: sha256(folder, &manifest.outputs())?,
    })
}

/// The first line of what the compiler says about itself.
fn compiler_version(compiler: &str) -> Result<String> {
    let told = Run::new(compiler).arg("--version").read()?;
    Ok(told.lines().next().unwrap_or_default().to_owned())
}

fn package_version(name: &str) -> Result<String> {
    Run::line("dpkg-query -W -f ${Version}").arg(name).read()
}

/// In what the toolchain at hand differs from the locked one.
fn other_toolchain(lock: &Lock, manifest: &Manifest) -> Option<String> {
    let compiler = compiler_version(&manifest.toolchain.compiler);
    let packages = lock.packages.iter().map(|(name, version)| {
        let here = package_version(name);
        (name.as_str(), version, here)
    });
    let all = [("the compiler", &lock.toolchain.compiler, compiler)].into_iter().chain(packages);
    let differs = |(name, locked, here): (&str, &String, Result<String>)| match here {
        Ok(here) if here == *locked => None,
        Ok(here) => Some(format!("{name} is {here}, locked is {locked}")),
        Err(_) => Some(format!("{name} is not here")),
    };
    all.into_iter().find_map(differs)
}

/// Hashes of files in `folder`, by a program that every Linux has.
fn sha256(folder: &Path, files: &BTreeSet<String>) -> Result<Hashes> {
    let told = Run::new("sha256sum").arg("--").args(files).dir(folder).read()?;
    let pairs = told.lines().filter_map(|line| line.split_once("  "));
    Ok(pairs.map(|(hash, path)| (path.to_owned(), hash.to_owned())).collect())
}

/// Compares both ways and names every difference.
fn same(locked: &Hashes, found: &Hashes, what: &str) -> Result<()> {
    let names: BTreeSet<&String> = locked.keys().chain(found.keys()).collect();
    let differ = names.into_iter().filter(|name| locked.get(*name) != found.get(*name));
    let differ: Vec<&str> = differ.map(String::as_str).collect();
    ensure!(
        differ.is_empty(),
        "not as samples/samples.lock has it ({what}): {}. If that is meant: cargo xtask samples",
        differ.join(", ")
    );
    Ok(())
}

impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let section = |hashes: &Hashes| {
            hashes.iter().fold(String::new(), |mut text, (name, value)| {
                let _ = writeln!(text, "{name:?} = {value:?}"); // a String takes everything
                text
            })
        };
        let from = "# Written by `cargo xtask samples`: what the committed modules were built from, \
                    and with.";
        writeln!(f, "{from}\n\n[toolchain]\ncompiler = {:?}", self.toolchain.compiler)?;
        writeln!(f, "\n[packages]\n{}", section(&self.packages))?;
        let every_source = "# sha256 of every file that a command reads.";
        writeln!(f, "{every_source}\n[sources]\n{}", section(&self.sources))?;
        write!(f, "# sha256 of every module.\n[modules]\n{}", section(&self.modules))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(pairs: &[(&str, &str)]) -> Hashes {
        pairs.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect()
    }

    #[test]
    fn a_changed_a_new_and_a_missing_file_are_named() {
        let locked = hashes(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let found = hashes(&[("a", "1"), ("b", "9"), ("d", "4")]);
        let says = same(&locked, &found, "source").unwrap_err().to_string();
        assert!(says.contains("(source): b, c, d."), "{says}");
        same(&locked, &locked, "source").unwrap();
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let lock = Lock {
            toolchain: Toolchain { compiler: "clang \"14\"".into() },
            packages: hashes(&[("lld", "1:14")]),
            sources: hashes(&[("a.c", "12")]),
            modules: hashes(&[("a.wasm", "34")]),
        };
        assert_eq!(toml::from_str::<Lock>(&lock.to_string()).unwrap(), lock);
    }
}
