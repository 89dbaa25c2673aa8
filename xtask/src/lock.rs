//! What committed modules were built from, and with: a lock beside them.
//!
//! A lock holds hashes of sources and modules, and versions of what built them. Where the same
//! toolchain is at hand, building again has to give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::shell::Run;

/// How to build what a lock is about.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing: compare hashes, and bytes where the locked compiler is at hand
    #[arg(long)]
    pub(crate) check: bool,
}

/// How far to check.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Depth {
    /// Hashes of what lies here.
    Hashes,
    /// Also build again and compare bytes.
    Bytes,
}

/// What the bytes depend on beside the sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolchainWanted {
    pub(crate) compiler: String,
    pub(crate) packages: BTreeSet<String>,
}

/// A lock.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub(crate) toolchain: Toolchain,
    pub(crate) packages: Hashes,
    pub(crate) sources: Hashes,
    pub(crate) modules: Hashes,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Toolchain {
    pub(crate) compiler: String,
}

/// Names with what identifies them: a hash, or a version.
pub(crate) type Hashes = BTreeMap<String, String>;

/// A lock's file, and the task that writes it.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) file: &'static str,
    pub(crate) task: &'static str,
}

impl Place<'_> {
    pub(crate) fn read(&self) -> Result<Lock> {
        let read = read_toml(&self.folder.join(self.file));
        read.with_context(|| format!("`cargo xtask {}` writes it", self.task))
    }

    pub(crate) fn write(&self, lock: &Lock) -> Result<()> {
        let path = self.folder.join(self.file);
        fs::write(&path, lock.text(self.task)).with_context(|| format!("write {}", path.display()))
    }

    /// Compares both ways and names every difference.
    pub(crate) fn same(&self, locked: &Hashes, found: &Hashes, what: &str) -> Result<()> {
        let names: BTreeSet<&String> = locked.keys().chain(found.keys()).collect();
        let differ = names.into_iter().filter(|name| locked.get(*name) != found.get(*name));
        let differ: Vec<&str> = differ.map(String::as_str).collect();
        ensure!(
            differ.is_empty(),
            "not as {} has it ({what}): {}. If that is meant: cargo xtask {}",
            self.file,
            differ.join(", "),
            self.task
        );
        Ok(())
    }
}

pub(crate) fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("understand {}", path.display()))
}

impl ToolchainWanted {
    /// What a lock would say of the compiler that is at hand.
    pub(crate) fn observe(&self) -> Result<(Toolchain, Hashes)> {
        let packages = self.packages.iter().map(|name| Ok((name.clone(), package_version(name)?)));
        let compiler = compiler_version(&self.compiler)?;
        Ok((Toolchain { compiler }, packages.collect::<Result<Hashes>>()?))
    }

    /// In what the toolchain at hand differs from the locked one.
    pub(crate) fn differs_from(&self, lock: &Lock) -> Option<String> {
        let compiler = compiler_version(&self.compiler);
        let packages = lock.packages.iter().map(|(name, version)| {
            let here = package_version(name);
            (name.as_str(), version, here)
        });
        let all =
            [("the compiler", &lock.toolchain.compiler, compiler)].into_iter().chain(packages);
        let differs = |(name, locked, here): (&str, &String, Result<String>)| match here {
            Ok(here) if here == *locked => None,
            Ok(here) => Some(format!("{name} is {here}, locked is {locked}")),
            Err(_) => Some(format!("{name} is not here")),
        };
        all.into_iter().find_map(differs)
    }
}

/// The first line of what the compiler says about itself.
fn compiler_version(compiler: &str) -> Result<String> {
    let told = Run::new(compiler).arg("--version").read()?;
    Ok(told.lines().next().unwrap_or_default().to_owned())
}

fn package_version(name: &str) -> Result<String> {
    Run::line("dpkg-query -W -f ${Version}").arg(name).read()
}

/// Hashes of files in `folder`, by a program that every Linux has.
pub(crate) fn sha256(folder: &Path, files: &BTreeSet<String>) -> Result<Hashes> {
    let told = Run::new("sha256sum").arg("--").args(files).dir(folder).read()?;
    let pairs = told.lines().filter_map(|line| line.split_once("  "));
    Ok(pairs.map(|(hash, path)| (path.to_owned(), hash.to_owned())).collect())
}

/// Copies files from one folder to another, with the folders above them.
pub(crate) fn copy_files<'a>(
    from: &Path,
    to: &Path,
    files: impl IntoIterator<Item = &'a String>,
) -> Result<()> {
    for file in files {
        let (from, to) = (from.join(file), to.join(file));
        make_parent(&to)?;
        fs::copy(&from, &to).with_context(|| format!("copy {}", from.display()))?;
    }
    Ok(())
}

/// A folder with nothing in it.
pub(crate) fn empty_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))
}

pub(crate) fn make_parent(path: &Path) -> Result<()> {
    let parent = path.parent().with_context(|| format!("{} has no folder", path.display()))?;
    fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))
}

impl Lock {
    fn text(&self, task: &str) -> String {
        let section = |hashes: &Hashes| {
            hashes.iter().fold(String::new(), |mut text, (name, value)| {
                let _ = writeln!(text, "{name:?} = {value:?}"); // a String takes everything
                text
            })
        };
        let from = format!(
            "# Written by `cargo xtask {task}`: what the committed modules were built from, and with."
        );
        let compiler = &self.toolchain.compiler;
        format!(
            "{from}\n\n[toolchain]\ncompiler = {compiler:?}\n\n[packages]\n{}\n\
             # sha256 of every file that a command reads.\n[sources]\n{}\n\
             # sha256 of every module.\n[modules]\n{}",
            section(&self.packages),
            section(&self.sources),
            section(&self.modules),
        )
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
        let place = Place { folder: Path::new("."), file: "x.lock", task: "x" };
        let locked = hashes(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let found = hashes(&[("a", "1"), ("b", "9"), ("d", "4")]);
        let says = place.same(&locked, &found, "source").unwrap_err().to_string();
        assert!(says.contains("x.lock has it (source): b, c, d."), "{says}");
        place.same(&locked, &locked, "source").unwrap();
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let lock = Lock {
            toolchain: Toolchain { compiler: "clang \"14\"".into() },
            packages: hashes(&[("lld", "1:14")]),
            sources: hashes(&[("a.c", "12")]),
            modules: hashes(&[("a.wasm", "34")]),
        };
        assert_eq!(toml::from_str::<Lock>(&lock.text("x")).unwrap(), lock);
    }
}
