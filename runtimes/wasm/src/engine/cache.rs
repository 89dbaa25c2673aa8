//! Compiled code on the disk, by the content that it was made from.
//!
//! A file holds the machine code and the files of the archive, behind a checksum. Derived: any of
//! them may be deleted, and a damaged one is made again.
//!
//! ```text
//! "QUIRLWM1"  crc32c of the rest  0000  length of code (u64)  code  { path, content }*
//! ```

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use model::id::Digest;

use crate::host::files::Files;

const MAGIC: &[u8; 8] = b"QUIRLWM1";
const HEADER: usize = 24;

/// The folder.
pub(crate) struct Cache {
    folder: PathBuf,
    /// Tells configurations and versions of the engine apart.
    compatibility: String,
    written: AtomicU64,
}

/// What a file holds.
pub(crate) struct Kept {
    bytes: Bytes,
    code_end: usize,
    pub(crate) files: Files,
}

/// What was found.
pub(crate) enum Found {
    Kept(Kept),
    Nothing,
    /// Longer than what was to be read.
    Long,
    Damaged(&'static str),
}

impl Kept {
    pub(crate) fn code(&self) -> &[u8] {
        &self.bytes[HEADER..self.code_end]
    }
}

impl Cache {
    /// Uses `folder`, which is made.
    pub(crate) fn open(folder: PathBuf, compatibility: String) -> std::io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, compatibility, written: AtomicU64::new(0) })
    }

    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}-{}.cwasm", self.compatibility))
    }

    /// Reads a file, unless it is longer than `most`.
    pub(crate) fn read(&self, digest: &Digest, most: u64) -> std::io::Result<Found> {
        let mut file = match fs::File::open(self.path(digest)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        if length > most {
            return Ok(Found::Long);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.read_to_end(&mut bytes)?;
        Ok(parse(bytes.into()).map_or_else(Found::Damaged, Found::Kept))
    }

    /// Writes a file in one step: it is there whole or not at all.
    pub(crate) fn write(&self, digest: &Digest, code: &[u8], files: &Files) -> std::io::Result<()> {
        let path = self.path(digest);
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        let result = write_new(&temporary, &format_file(code, files))
            .and_then(|()| fs::rename(&temporary, &path));
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::File::create(path)?.write_all(bytes)
}

fn format_file(code: &[u8], files: &Files) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + code.len() + files.bytes() + 64);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&(code.len() as u64).to_le_bytes());
    bytes.extend_from_slice(code);
    for (path, content) in files.files() {
        bytes.extend_from_slice(&(path.len() as u64).to_le_bytes());
        bytes.extend_from_slice(path.as_bytes());
        bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
        bytes.extend_from_slice(content);
    }
    let checksum = crc32c::crc32c(&bytes[16..]);
    bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn parse(bytes: Bytes) -> Result<Kept, &'static str> {
    if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
        return Err("it does not begin as such a file does");
    }
    let checksum = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if checksum != crc32c::crc32c(&bytes[16..]) {
        return Err("its checksum is wrong");
    }
    let mut rest = bytes.slice(16..);
    let code = take(&mut rest).ok_or("it is too short")?;
    let code_end = HEADER + code.len();
    let mut files = Files::default();
    while !rest.is_empty() {
        let path = take(&mut rest).ok_or("it is too short")?;
        let content = take(&mut rest).ok_or("it is too short")?;
        let path = std::str::from_utf8(&path).map_err(|_| "a path in it is no text")?;
        // Copied, so that the code does not stay in memory with them.
        let content = Bytes::copy_from_slice(&content);
        files.add(path, content).map_err(|_| "two of its files are at one path")?;
    }
    Ok(Kept { bytes, code_end, files })
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    if rest.len() < 8 {
        return None;
    }
    let length = rest.split_to(8);
    let length = u64::from_le_bytes(length[..].try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    (length <= rest.len()).then(|| rest.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_any_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("wasm"), "abc".to_owned()).unwrap();
        let digest = Digest([7; 32]);
        assert!(matches!(cache.read(&digest, u64::MAX).unwrap(), Found::Nothing));
        let mut files = Files::default();
        files.add("data/a.txt", Bytes::from_static(b"hello")).unwrap();
        cache.write(&digest, b"machine code", &files).unwrap();
        let Found::Kept(kept) = cache.read(&digest, u64::MAX).unwrap() else { panic!("not kept") };
        assert_eq!((kept.code(), &kept.files), (&b"machine code"[..], &files));

        let path = cache.path(&digest);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            if (12..16).contains(&at) {
                continue; // nothing stands there
            }
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(
                matches!(cache.read(&digest, u64::MAX).unwrap(), Found::Damaged(_)),
                "byte {at}"
            );
            fs::write(&path, &whole[..at]).unwrap();
            assert!(
                matches!(cache.read(&digest, u64::MAX).unwrap(), Found::Damaged(_)),
                "cut at {at}"
            );
        }
        assert_eq!(fs::read_dir(folder.path().join("wasm")).unwrap().count(), 1, "no rests");
    }
}
