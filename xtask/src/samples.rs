//! `cargo xtask samples`: the sample modules, built by the command lines of `samples/samples.toml`.
//!
//! The modules are committed, so that nobody needs clang to see the platform work. A build sees a
//! copy of the sources that `samples.toml` lists and nothing else, which proves that the list is
//! whole. What they were built from and with stands in `samples.lock`, see `lock.rs`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::lock::{self, Args, Depth, Lock, Place, ToolchainWanted};
use crate::shell::Run;
use crate::workspace::Workspace;

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
struct Sample {
    name: String,
    #[serde(rename = "about")]
    _about: String,
    sources: Vec<String>,
    output: String,
    command: Vec<String>,
}

fn place(folder: &Path) -> Place<'_> {
    Place { folder, file: "samples.lock", task: "samples" }
}

/// `cargo xtask samples`
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.check {
        return check(workspace, Depth::Bytes);
    }
    let folder = workspace.root.join("samples");
    let manifest = manifest(&folder)?;
    let built = build(workspace, &manifest)?;
    lock::copy_files(&built, &folder, &manifest.outputs())?;
    let (toolchain, packages) = manifest.toolchain.observe()?;
    place(&folder).write(&Lock {
        toolchain,
        packages,
        sources: lock::sha256(&folder, &manifest.sources())?,
        modules: lock::sha256(&folder, &manifest.outputs())?,
    })?;
    println!("wrote {} modules and samples/samples.lock", manifest.samples.len());
    Ok(())
}

/// Compares what lies in `samples/` with its lock, and with what the sources give.
///
/// # Errors
/// With every file that differs, or that the lock has and the manifest has not.
pub(crate) fn check(workspace: &Workspace, depth: Depth) -> Result<()> {
    let folder = workspace.root.join("samples");
    let (manifest, place) = (manifest(&folder)?, place(&folder));
    let lock = place.read()?;
    place.same(&lock.sources, &lock::sha256(&folder, &manifest.sources())?, "source")?;
    place.same(&lock.modules, &lock::sha256(&folder, &manifest.outputs())?, "module")?;
    if depth == Depth::Hashes {
        return Ok(());
    }
    if let Some(difference) = manifest.toolchain.differs_from(&lock) {
        println!("  samples are not built again to compare: {difference}");
        return Ok(());
    }
    let built = build(workspace, &manifest)?;
    place.same(&lock.modules, &lock::sha256(&built, &manifest.outputs())?, "rebuilt module")
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
    lock::read_toml(&folder.join("samples.toml"))
}

/// Builds every sample in a folder of its own, and gives that folder.
fn build(workspace: &Workspace, manifest: &Manifest) -> Result<PathBuf> {
    let folder = workspace.metadata.target_directory.join("samples");
    lock::empty_folder(&folder)?;
    lock::copy_files(&workspace.root.join("samples"), &folder, &manifest.sources())?;
    for sample in &manifest.samples {
        lock::make_parent(&folder.join(&sample.output))?;
        let program = sample.command.first();
        let program = program.with_context(|| format!("sample {} has no command", sample.name))?;
        Run::new(program).args(&sample.command[1..]).dir(&folder).run_quietly()?;
    }
    println!("  built {} modules", manifest.samples.len());
    Ok(folder)
}
