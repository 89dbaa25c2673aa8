//! Compiled code on the disk, by the content that it was made from.
//!
//! A file holds the machine code and the files of the archive, in front of a checksum. The code
//! stands first, so that the file can be mapped. Derived: any of them may be deleted, and a damaged
//! one is made again. None is ever changed: a new one takes its place.
//!
//! ```text
//! code  { length (u64)  path  length (u64)  content }*  length of code (u64)  crc32c of all before it  "QWM2"
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use model::id::Digest;

use crate::host::files::Files;

const MAGIC: &[u8; 4] = b"QWM2";
const FOOTER: usize = 16;
/// What is checked at a time, of a file that is mapped.
const PIECE: usize = 64 << 10;

/// The folder.
pub(crate) struct Cache {
    folder: PathBuf,
    /// Tells configurations and versions of the engine apart.
    compatibility: String,
    written: AtomicU64,
}

/// What a file holds.
pub(crate) struct Kept {
    pub(crate) code: Code,
    pub(crate) files: Files,
}

/// Machine code.
pub(crate) enum Code {
    /// In memory.
    Read(Bytes),
    /// At the beginning of a file, this long.
    File(File, usize),
}

/// What was found.
pub(crate) enum Found {
    Kept(Kept),
    Nothing,
    /// Longer than what was to be read.
    Long,
    Damaged(&'static str),
}

/// What to do with a file that is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Long {
    /// Not now: checking it takes too long.
    Leave,
    /// It stays a file, to be mapped.
    Map,
}

impl Code {
    /// Its length, in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Read(bytes) => bytes.len(),
            Self::File(_, length) => *length,
        }
    }
}

impl Cache {
    /// Uses `folder`, which is made.
    pub(crate) fn open(folder: PathBuf, compatibility: String) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, compatibility, written: AtomicU64::new(0) })
    }

    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}-{}.cwasm", self.compatibility))
    }

    /// Reads a file into memory, unless it is longer than `most`.
    pub(crate) fn read(&self, digest: &Digest, most: u64, long: Long) -> io::Result<Found> {
        let mut file = match File::open(self.path(digest)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        if length <= most {
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
            file.read_to_end(&mut bytes)?;
            return Ok(parse(&bytes.into()).map_or_else(Found::Damaged, Found::Kept));
        }
        match long {
            Long::Leave => Ok(Found::Long),
            Long::Map => check(file, length),
        }
    }

    /// Writes a file in one step: it is there whole or not at all.
    pub(crate) fn write(&self, digest: &Digest, code: &[u8], files: &Files) -> io::Result<()> {
        let path = self.path(digest);
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        let result =
            write_new(&temporary, code, files).and_then(|()| fs::rename(&temporary, &path));
        if result.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        result
    }
}

fn write_new(path: &Path, code: &[u8], files: &Files) -> io::Result<()> {
    let mut rest = Vec::with_capacity(files.bytes() + 64);
    for (path, content) in files.files() {
        rest.extend_from_slice(&(path.len() as u64).to_le_bytes());
        rest.extend_from_slice(path.as_bytes());
        rest.extend_from_slice(&(content.len() as u64).to_le_bytes());
        rest.extend_from_slice(content);
    }
    rest.extend_from_slice(&(code.len() as u64).to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(code), &rest);
    rest.extend_from_slice(&checksum.to_le_bytes());
    rest.extend_from_slice(MAGIC);
    let mut file = File::create(path)?;
    file.write_all(code)?;
    file.write_all(&rest)
}

/// What the end of a file says: where its code ends, and the checksum of what stands before that.
fn footer(bytes: &[u8]) -> Result<(u64, u32), &'static str> {
    let (length, rest) = bytes.split_first_chunk().ok_or(SHORT)?;
    let (checksum, magic) = rest.split_first_chunk().ok_or(SHORT)?;
    if magic != MAGIC {
        return Err("it does not end as such a file does");
    }
    Ok((u64::from_le_bytes(*length), u32::from_le_bytes(*checksum)))
}

const SHORT: &str = "it is too short";
const CHANGED: &str = "its checksum is wrong";

/// A file in memory.
fn parse(bytes: &Bytes) -> Result<Kept, &'static str> {
    let end = bytes.len().checked_sub(FOOTER).ok_or(SHORT)?;
    let (length, checksum) = footer(&bytes[end..])?;
    if checksum != crc32c::crc32c(&bytes[..end + 8]) {
        return Err(CHANGED);
    }
    let length = usize::try_from(length).map_err(|_| SHORT)?;
    let files = bytes.get(length..end).ok_or(SHORT)?;
    Ok(Kept { files: parse_files(files)?, code: Code::Read(bytes.slice(..length)) })
}

/// A file that is not held in memory.
fn check(file: File, length: u64) -> io::Result<Found> {
    let Some(end) = length.checked_sub(FOOTER as u64) else { return Ok(Found::Damaged(SHORT)) };
    let mut last = [0; FOOTER];
    file.read_exact_at(&mut last, end)?;
    let (code, checksum) = match footer(&last) {
        Ok(found) => found,
        Err(reason) => return Ok(Found::Damaged(reason)),
    };
    let mut found = 0;
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < end + 8 {
        let most = usize::try_from(end + 8 - at).unwrap_or(PIECE).min(PIECE);
        file.read_exact_at(&mut piece[..most], at)?;
        found = crc32c::crc32c_append(found, &piece[..most]);
        at += most as u64;
    }
    if found != checksum {
        return Ok(Found::Damaged(CHANGED));
    }
    let lengths = (usize::try_from(code), end.checked_sub(code).map(usize::try_from));
    let (Ok(length), Some(Ok(of_files))) = lengths else { return Ok(Found::Damaged(SHORT)) };
    let mut files = vec![0; of_files];
    file.read_exact_at(&mut files, code)?;
    Ok(match parse_files(&files) {
        Ok(files) => Found::Kept(Kept { files, code: Code::File(file, length) }),
        Err(reason) => Found::Damaged(reason),
    })
}

fn parse_files(mut rest: &[u8]) -> Result<Files, &'static str> {
    let mut files = Files::default();
    while !rest.is_empty() {
        let path = take(&mut rest).ok_or(SHORT)?;
        let content = take(&mut rest).ok_or(SHORT)?;
        let path = std::str::from_utf8(path).map_err(|_| "a path in it is no text")?;
        // Copied, so that the code does not stay in memory with them.
        let content = Bytes::copy_from_slice(content);
        files.add(path, content).map_err(|_| "two of its files are at one path")?;
    }
    Ok(files)
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (taken, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_any_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("wasm"), "abc".to_owned()).unwrap();
        let digest = Digest([7; 32]);
        let read = |most| cache.read(&digest, most, Long::Map).unwrap();
        assert!(matches!(read(u64::MAX), Found::Nothing));
        let mut files = Files::default();
        files.add("data/a.txt", Bytes::from_static(b"hello")).unwrap();
        cache.write(&digest, b"machine code", &files).unwrap();

        let Found::Kept(kept) = read(u64::MAX) else { panic!("not kept") };
        let Code::Read(code) = &kept.code else { panic!("not read") };
        assert_eq!((&code[..], &kept.files), (&b"machine code"[..], &files));
        let Found::Kept(kept) = read(10) else { panic!("not kept") };
        let Code::File(file, length) = &kept.code else { panic!("read") };
        let mut code = vec![0; *length];
        file.read_exact_at(&mut code, 0).unwrap();
        assert_eq!((&code[..], &kept.files), (&b"machine code"[..], &files));
        assert!(matches!(cache.read(&digest, 10, Long::Leave).unwrap(), Found::Long));

        let path = cache.path(&digest);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            for most in [0, u64::MAX] {
                assert!(matches!(read(most), Found::Damaged(_)), "byte {at}");
            }
            fs::write(&path, &whole[..at]).unwrap();
            for most in [0, u64::MAX] {
                assert!(matches!(read(most), Found::Damaged(_)), "cut at {at}");
            }
        }
        assert_eq!(fs::read_dir(folder.path().join("wasm")).unwrap().count(), 1, "no rests");
    }
}
