//! From the text of `exec.code` to a module and the files that came with it.

use std::io::{Cursor, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use invoker::driver::Refused;

use crate::host::files::Files;
use crate::inspect::not_a_module;

/// What an archive may unpack to.
const MOST_UNPACKED: u64 = 128 << 20;
/// How many times its packed size a file may have, beyond the first MiB.
const MOST_RATIO: u64 = 200;
/// How many entries an archive may have.
const MOST_ENTRIES: usize = 10_000;
/// The preferred name of the module in an archive.
const MAIN: &str = "main.wasm";

/// A module and the files that it sees at `/`.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) module: Vec<u8>,
    pub(crate) files: Files,
}

/// Reads `exec.code`: base64 of a module, or of a zip with exactly one.
pub(crate) fn unpack(code: &[u8]) -> Result<Unpacked, Refused> {
    let text = code.trim_ascii();
    let was_binary = text.starts_with(b"\0asm")
        || text.starts_with(b"\\u0000asm")
        || text.windows(3).any(|three| three == "\u{fffd}".as_bytes());
    if was_binary {
        return Err(Refused(
            "The code looks like a .wasm file that was sent as text and damaged on the way; send \
             it as base64 or in a zip."
                .to_owned(),
        ));
    }
    let bytes = if text.iter().any(u8::is_ascii_whitespace) {
        let unwrapped: Vec<u8> =
            text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        STANDARD.decode(unwrapped)
    } else {
        STANDARD.decode(text)
    };
    let bytes = bytes.map_err(|_| not_a_module("it is not base64"))?;
    if bytes.starts_with(b"PK") {
        unzip(&bytes)
    } else {
        Ok(Unpacked { module: bytes, files: Files::default() })
    }
}

fn unzip(bytes: &[u8]) -> Result<Unpacked, Refused> {
    let entries = entries(bytes).map_err(|what| bad(&what))?;
    let module = module_name(&entries)?;
    let mut unpacked = Unpacked { module: Vec::new(), files: Files::default() };
    for (path, content) in entries {
        if path == module {
            unpacked.module = content.into();
        } else {
            let added = unpacked.files.add(&path, content);
            added.map_err(|_| bad("holds two files at one path"))?;
        }
    }
    Ok(unpacked)
}

/// The files of a zip, with clean paths.
///
/// # Errors
/// What the archive does that it must not, such as "holds a link".
pub(crate) fn entries(bytes: &[u8]) -> Result<Vec<(String, Bytes)>, String> {
    let unreadable = |_| "cannot be read".to_owned();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut unpacking = Unpacking::default();
    unpacking.check_count(archive.len())?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(unreadable)?;
        let path = entry.name().ok().map(std::borrow::Cow::into_owned);
        // What the directory of an archive says of sizes is not believed.
        let packed = entry.compressed_size();
        if entry.is_symlink() {
            return Err("holds a link".to_owned());
        }
        let is_folder = entry.is_dir();
        unpacking.add(path.as_deref(), is_folder, packed, &mut entry)?;
    }
    Ok(unpacking.files)
}

/// The files of a compressed tar, with clean paths.
///
/// # Errors
/// As [`entries`].
pub(crate) fn untar(bytes: &[u8]) -> Result<Vec<(String, Bytes)>, String> {
    let unreadable = |_| "cannot be read".to_owned();
    let packed = bytes.len() as u64;
    // Headers and padding take room as well.
    let unpacked = flate2::read::GzDecoder::new(bytes).take(2 * MOST_UNPACKED);
    let mut archive = tar::Archive::new(unpacked);
    let mut unpacking = Unpacking::default();
    for (count, entry) in archive.entries().map_err(unreadable)?.enumerate() {
        unpacking.check_count(count)?;
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            return Err("holds a link".to_owned());
        }
        let path = entry.path_bytes().into_owned();
        let path = std::str::from_utf8(&path).ok();
        unpacking.add(path, !kind.is_file(), packed, &mut entry)?;
    }
    Ok(unpacking.files)
}

/// What was unpacked so far.
#[derive(Default)]
struct Unpacking {
    files: Vec<(String, Bytes)>,
    bytes: u64,
}

impl Unpacking {
    fn check_count(&self, count: usize) -> Result<(), String> {
        if count > MOST_ENTRIES {
            return Err(format!("has more than {MOST_ENTRIES} entries"));
        }
        Ok(())
    }

    fn add(
        &mut self,
        path: Option<&str>,
        is_folder: bool,
        packed: u64,
        content: &mut impl Read,
    ) -> Result<(), String> {
        let path = path.and_then(clean).ok_or("holds a path that leads outside")?;
        if is_folder {
            return Ok(());
        }
        let by_ratio = packed.saturating_mul(MOST_RATIO).max(1 << 20);
        let most = (MOST_UNPACKED - self.bytes).min(by_ratio);
        let mut bytes = Vec::new();
        let read = content.take(most + 1).read_to_end(&mut bytes);
        read.map_err(|_| "cannot be read".to_owned())?;
        let length = bytes.len() as u64;
        if length > most {
            return Err(format!(
                "unpacks to more than {} MiB or to more than {MOST_RATIO} times its size",
                MOST_UNPACKED >> 20
            ));
        }
        self.bytes += length;
        self.files.push((path, bytes.into()));
        Ok(())
    }
}

/// Which entry is the module: `main.wasm`, or the only one that ends so.
fn module_name(entries: &[(String, Bytes)]) -> Result<String, Refused> {
    let names = || entries.iter().map(|(path, _)| path);
    let mut modules = names().filter(|name| {
        std::path::Path::new(name).extension().is_some_and(|extension| extension == "wasm")
    });
    let chosen = match (modules.next(), modules.next()) {
        (Some(only), None) => Some(only),
        _ => names().find(|name| *name == MAIN),
    };
    chosen.cloned().ok_or_else(|| {
        Refused(
            "The archive must hold exactly one WebAssembly module: main.wasm, or a single *.wasm."
                .to_owned(),
        )
    })
}

/// A path without `.`, without a slash at its ends; `None` if it leads outside.
fn clean(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', '\0']) {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn bad(what: &str) -> Refused {
    not_a_module(&format!("its archive {what}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        STANDARD.encode(zip.finish().unwrap().into_inner()).into_bytes()
    }

    fn refused(code: &[u8]) -> String {
        unpack(code).unwrap_err().0
    }

    #[test]
    fn base64_of_a_module_is_taken_wrapped_or_not() {
        assert_eq!(unpack(b"AGFzbQEAAAA=").unwrap().module, b"\0asm\x01\0\0\0");
        assert_eq!(unpack(b" AGFz\nbQEAAAA=\n").unwrap().module, b"\0asm\x01\0\0\0");
        assert_eq!(refused(b"(module)"), "The code is not a WebAssembly module: it is not base64.");
    }

    #[test]
    fn a_module_that_was_sent_as_text_is_recognised() {
        let damaged = "The code looks like a .wasm file that was sent as text and damaged on the \
                       way; send it as base64 or in a zip.";
        assert_eq!(refused(b"\0asm\x01\0\0\0"), damaged);
        assert_eq!(refused("x\u{fffd}y".as_bytes()), damaged);
    }

    #[test]
    fn an_archive_holds_one_module_and_files() {
        let unpacked = unpack(&zip(&[("a.txt", b"A"), ("d/x.wasm", b"W"), ("d/b", b"B")])).unwrap();
        assert_eq!(unpacked.module, b"W");
        let files: Vec<_> = unpacked.files.files().map(|(path, _)| path).collect();
        assert_eq!(files, ["a.txt", "d/b"]);

        let several = zip(&[("x.wasm", b"X"), ("main.wasm", b"M")]);
        assert_eq!(unpack(&several).unwrap().module, b"M");
        let one = "The archive must hold exactly one WebAssembly module: main.wasm, or a single \
                   *.wasm.";
        assert_eq!(refused(&zip(&[("x.wasm", b"X"), ("y.wasm", b"Y")])), one);
        assert_eq!(refused(&zip(&[("x", b"X")])), one);
    }

    #[test]
    fn an_archive_that_would_fill_memory_or_leave_its_folder_is_refused() {
        let zeros = vec![0; 4 << 20];
        let bomb = refused(&zip(&[("main.wasm", b"M"), ("zeros", &zeros)]));
        assert!(bomb.contains("200 times its size"), "{bomb}");
        for path in ["../x", "/x", "a/../../x", "a\\b"] {
            let refused = refused(&zip(&[("main.wasm", b"M"), (path, b"")]));
            assert_eq!(
                refused,
                "The code is not a WebAssembly module: its archive holds a path that leads outside."
            );
        }
        let broken = &zip(&[("main.wasm", b"M")])[..40];
        assert!(refused(broken).contains("its archive cannot be read"));
    }
}
