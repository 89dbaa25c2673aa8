//! The compiled script engine, lent from server to server: each compiles it on a fresh data folder,
//! which takes seconds of two cores, and tests start many of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use sha2::{Digest as _, Sha256};

/// Copies it from beside the program into a data folder; how many files hold it.
///
/// # Errors
/// A folder cannot be used.
pub fn lend(program: &Path, data: &Path) -> Result<usize> {
    copy(&kept(program), &data.join("cache/wasm"))
}

/// Copies it from a data folder to beside the program, unless it is there.
///
/// # Errors
/// A folder cannot be used.
pub fn keep(program: &Path, data: &Path) -> Result<usize> {
    copy(&data.join("cache/wasm"), &kept(program))
}

fn kept(program: &Path) -> PathBuf {
    program.with_file_name("script-engine-of-tests")
}

/// Each file in one step: two tests may do this at a time.
fn copy(from: &Path, to: &Path) -> Result<usize> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    if !from.is_dir() {
        return Ok(0);
    }
    let mut found = 0;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !(name.starts_with(digest()?) && name.ends_with(".cwasm")) {
            continue;
        }
        found += 1;
        let to_file = to.join(name);
        if !to_file.exists() {
            fs::create_dir_all(to)?;
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let part = to_file.with_extension(format!("{}-{number}.tmp", std::process::id()));
            fs::copy(entry.path(), &part)?;
            fs::rename(&part, &to_file)?;
        }
    }
    Ok(found)
}

/// How files of this engine begin.
fn digest() -> Result<&'static str> {
    static DIGEST: OnceLock<String> = OnceLock::new();
    if let Some(digest) = DIGEST.get() {
        return Ok(digest);
    }
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtimes/javascript/engine.wasm");
    let digest = Sha256::digest(fs::read(engine)?);
    let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(DIGEST.get_or_init(|| digest))
}
