//! `cargo xtask engine`: the JavaScript engine of the wasm driver, built from its sources.
//!
//! QuickJS-NG from a crate that carries its C files, our patch and shim, and the library in
//! JavaScript become one module, which a program of `runtimes/wasm` then evaluates as far as can be
//! done once and for all. `runtimes/javascript/engine.wasm` is committed, so that nobody needs clang;
//! what it was built from and with stands in `engine.lock`. Commands stand in `engine.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::lock::{self, Args, Depth, Lock, Place, ToolchainWanted};
use crate::shell::Run;
use crate::workspace::Workspace;

/// `engine.toml`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    toolchain: ToolchainWanted,
    #[serde(rename = "crate")]
    crate_: Crate,
    /// Ours: files, and folders whose files all count.
    sources: Vec<String>,
    /// From sources to a module, in this order; relative to a copy of the folder.
    commands: Vec<Vec<String>>,
    /// What the commands make.
    module: String,
}

/// A package that is fetched for the files in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Crate {
    name: String,
    version: String,
    /// The folder in it that is used.
    folder: String,
    /// The files of that folder that commands read.
    files: BTreeSet<String>,
    /// Ours, applied to that folder.
    patch: String,
}

/// The program that evaluates the library.
const PRE_INITIALISE: &str = "cargo build --locked --workspace --features quirl-wasm/engine \
                              --bin pre-initialise";
const NPM: &str = "npm ci --ignore-scripts --no-audit --no-fund --silent";
const ENGINE: &str = "engine.wasm";

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("runtimes/javascript")
}

fn place(folder: &Path) -> Place<'_> {
    Place { folder, file: "engine.lock", task: "engine" }
}

/// `cargo xtask engine`
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.check {
        return check(workspace, Depth::Bytes);
    }
    let folder = folder(workspace);
    let manifest = manifest(&folder)?;
    let (_, modules) = build(workspace, &manifest)?;
    let built = built(workspace);
    lock::copy_files(&built, &folder, [&ENGINE.to_owned()])?;
    let (toolchain, packages) = manifest.toolchain.observe()?;
    let sources = lock::sha256(&folder, &manifest.sources(&folder)?)?;
    place(&folder).write(&Lock { toolchain, packages, sources, modules })?;
    println!("wrote runtimes/javascript/engine.wasm and engine.lock");
    Ok(())
}

/// Compares what lies in `runtimes/javascript` with its lock, and with what the sources give.
///
/// # Errors
/// With every file that differs.
pub(crate) fn check(workspace: &Workspace, depth: Depth) -> Result<()> {
    let folder = folder(workspace);
    let (manifest, place) = (manifest(&folder)?, place(&folder));
    let lock = place.read()?;
    place.same(&lock.sources, &lock::sha256(&folder, &manifest.sources(&folder)?)?, "source")?;
    let committed = lock::sha256(&folder, &BTreeSet::from([ENGINE.to_owned()]))?;
    let locked = lock.modules.iter().filter(|(name, _)| *name == ENGINE);
    let locked = locked.map(|(name, hash)| (name.clone(), hash.clone())).collect();
    place.same(&locked, &committed, "module")?;
    if depth == Depth::Hashes {
        return Ok(());
    }
    if let Some(difference) = manifest.toolchain.differs_from(&lock) {
        println!("  the JavaScript engine is not built again to compare: {difference}");
        return Ok(());
    }
    if !Run::line("npm --version").succeeds() {
        println!("  the JavaScript engine is not built again to compare: npm is not here");
        return Ok(());
    }
    let (_, modules) = build(workspace, &manifest)?;
    place.same(&lock.modules, &modules, "rebuilt")
}

fn manifest(folder: &Path) -> Result<Manifest> {
    lock::read_toml(&folder.join("engine.toml"))
}

impl Manifest {
    /// All our files that the engine is built from.
    fn sources(&self, folder: &Path) -> Result<BTreeSet<String>> {
        let mut files = BTreeSet::from(["engine.toml".to_owned()]);
        for source in &self.sources {
            let path = folder.join(source);
            if !path.is_dir() {
                files.insert(source.clone());
                continue;
            }
            let entries =
                fs::read_dir(&path).with_context(|| format!("read {}", path.display()))?;
            for entry in entries {
                let name = entry?.file_name();
                files.insert(format!("{source}/{}", name.to_string_lossy()));
            }
        }
        Ok(files)
    }
}

fn built(workspace: &Workspace) -> PathBuf {
    workspace.metadata.target_directory.join("engine")
}

/// Builds the engine in a folder of its own; gives that folder, and hashes of what was fetched for it
/// and what was made.
fn build(workspace: &Workspace, manifest: &Manifest) -> Result<(PathBuf, lock::Hashes)> {
    let (from, folder) = (folder(workspace), built(workspace));
    lock::empty_folder(&folder)?;
    lock::copy_files(&from, &folder, &manifest.sources(&from)?)?;
    fetch(&manifest.crate_, &folder)?;
    // Outside of any repository, or git would look for the paths of the patch in ours.
    let apply = Run::line("git apply --directory").arg(&manifest.crate_.folder);
    let above = folder.parent().context("the folder has no parent")?;
    apply
        .arg(&manifest.crate_.patch)
        .env("GIT_CEILING_DIRECTORIES", above)
        .dir(&folder)
        .run_quietly()?;
    Run::line(NPM).dir(&folder).run_quietly()?;
    for command in &manifest.commands {
        let program = command.first().context("a command of engine.toml is empty")?;
        Run::new(program).args(&command[1..]).dir(&folder).run_quietly()?;
    }
    Run::line(PRE_INITIALISE).run()?;
    let program = workspace.metadata.target_directory.join("debug/pre-initialise");
    Run::new(program).args([manifest.module.as_str(), ".", ENGINE]).dir(&folder).run_quietly()?;
    println!("  built the JavaScript engine");
    let made = BTreeSet::from([ENGINE.to_owned(), manifest.module.clone()]);
    let hashes = lock::sha256(&folder, &made)?;
    Ok((folder, hashes))
}

/// What of `cargo metadata` is looked at.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// Copies the files of a package from where cargo keeps it.
fn fetch(wanted: &Crate, folder: &Path) -> Result<()> {
    let fetching = folder.join("fetch");
    let (name, version) = (&wanted.name, &wanted.version);
    lock::make_parent(&fetching.join("src/lib.rs"))?;
    fs::write(fetching.join("src/lib.rs"), "")?;
    let text = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [dependencies]\n{name} = \"={version}\"\n[workspace]\n"
    );
    fs::write(fetching.join("Cargo.toml"), text).context("write the manifest that fetches it")?;
    let metadata = Run::line("cargo metadata --format-version 1").dir(&fetching).read()?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("understand cargo metadata")?;
    let found = metadata.packages.into_iter().find(|package| package.name == *name);
    let found = found.with_context(|| format!("cargo did not fetch {name}"))?;
    let from = found.manifest_path.parent().context("a manifest without a folder")?;
    lock::copy_files(&from.join(&wanted.folder), &folder.join(&wanted.folder), &wanted.files)
}
