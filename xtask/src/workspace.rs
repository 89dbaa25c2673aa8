//! The repository as cargo and the file system describe it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::shell::Run;
use crate::source::{Source, mark_test_modules};

/// The platform for which versions are counted. One fixed platform gives the same answer everywhere.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
/// How cargo describes a workspace.
const METADATA: &str = "cargo metadata --locked --format-version 1";

/// This repository: where it lies and what cargo knows about it.
pub(crate) struct Workspace {
    /// Its top folder.
    pub(crate) root: PathBuf,
    /// What `cargo metadata` says of our own packages.
    pub(crate) metadata: Metadata,
}

/// The parts of `cargo metadata` that we read.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    /// Ours, or every package of the lock file.
    packages: Vec<Package>,
    /// Where cargo puts what it builds.
    pub(crate) target_directory: PathBuf,
    workspace_root: PathBuf,
    resolve: Option<Resolve>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

/// One package, ours or from a registry.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Package {
    /// Its name, such as `quirl-ledger`.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Cargo's id of it.
    pub(crate) id: String,
    /// Its SPDX expression.
    pub(crate) license: Option<String>,
    /// Where it comes from; nothing for a folder on this disk.
    pub(crate) source: Option<String>,
    /// What its manifest asks for.
    pub(crate) dependencies: Vec<Dependency>,
    /// Its libraries, programs and suites.
    pub(crate) targets: Vec<Target>,
}

/// One line under `[dependencies]` and its sisters.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Dependency {
    /// The name of the package.
    pub(crate) name: String,
    /// `dev` or `build`; nothing for a normal one.
    pub(crate) kind: Option<String>,
}

/// Something that cargo builds.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// `lib`, `bin`, `test` …
    pub(crate) kind: Vec<String>,
}

impl Workspace {
    /// Asks cargo about the workspace around the current folder. Downloads nothing.
    pub(crate) fn find() -> Result<Self> {
        let metadata = read_metadata(&Run::line(METADATA).arg("--no-deps"))?;
        Ok(Self { root: metadata.workspace_root.clone(), metadata })
    }

    /// Our own packages.
    pub(crate) fn members(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// Every file in the repository that is ours: no build output, nothing of git.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        self.walk(Path::new(""), &mut files)?;
        files.sort();
        Ok(files)
    }

    /// Adds the files below `folder`, as paths from the root.
    fn walk(&self, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
        let at = self.root.join(folder);
        for entry in fs::read_dir(&at).with_context(|| format!("list {}", at.display()))? {
            let entry = entry.with_context(|| format!("list {}", at.display()))?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().with_context(|| format!("look at {}", path.display()))?;
            let skipped =
                [".git", "target", "node_modules"].iter().any(|name| path.ends_with(name));
            if kind.is_dir() && !skipped {
                self.walk(&path, files)?;
            } else if kind.is_file() {
                files.push(path);
            }
        }
        Ok(())
    }

    /// Every Rust file of ours, read and taken apart.
    pub(crate) fn sources(&self) -> Result<Vec<Source>> {
        let files = self.files()?;
        let rust = files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
        let sources = rust.map(|path| Ok(Source::new(&path, self.text(&path)?)));
        let mut sources = sources.collect::<Result<Vec<_>>>()?;
        mark_test_modules(&mut sources);
        Ok(sources)
    }

    /// The text of a file; the path starts at the root.
    pub(crate) fn text(&self, path: &Path) -> Result<String> {
        fs::read_to_string(self.root.join(path)).with_context(|| format!("read {}", path.display()))
    }
}

/// Every package of the lock file, for all platforms.
pub(crate) fn packages_everywhere() -> Result<Vec<Package>> {
    Ok(read_metadata(&Run::line(METADATA))?.packages)
}

/// Every package that is compiled on a Linux server, tests included.
pub(crate) fn packages_on_linux() -> Result<Vec<Package>> {
    let run = Run::line(METADATA).args(["--filter-platform", PLATFORM]);
    let Metadata { packages, resolve, .. } = read_metadata(&run)?;
    let nodes = resolve.context("`cargo metadata` resolved nothing")?.nodes;
    let used: BTreeSet<String> = nodes.into_iter().map(|node| node.id).collect();
    Ok(packages.into_iter().filter(|package| used.contains(&package.id)).collect())
}

fn read_metadata(run: &Run) -> Result<Metadata> {
    serde_json::from_str(&run.read()?).with_context(|| format!("understand the answer of {run}"))
}
