//! From the text of `exec.code` to a script, or to the files of one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::archive;
use crate::host::files::{Files, Node};

/// What an action is made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The text of one script.
    Plain(Bytes),
    /// The files of an archive.
    Archive(Files),
}

impl Code {
    /// Reads `exec.code`. What is base64 of an archive is one; everything else is a script.
    ///
    /// # Errors
    /// What is wrong with an archive.
    pub(crate) fn read(code: &Bytes) -> Result<Self, String> {
        let Some(archive) = packed(code) else { return Ok(Self::Plain(code.clone())) };
        let unpacked = if archive.starts_with(GZIP) {
            archive::untar(&archive)
        } else {
            archive::entries(&archive)
        };
        let mut files = Files::default();
        for (path, content) in unpacked.map_err(|what| format!("The archive {what}."))? {
            let added = files.add(&path, content);
            added.map_err(|_| "The archive holds two files at one path.".to_owned())?;
        }
        Ok(Self::Archive(files))
    }

    /// The file at `path`, which is clean.
    pub(crate) fn file(&self, path: &str) -> Option<&Bytes> {
        let Self::Archive(files) = self else { return None };
        match files.find("", path.as_bytes()) {
            Ok((_, _, Node::File(content))) => Some(content),
            _ => None,
        }
    }

    /// The paths of all files, a line each.
    pub(crate) fn paths(&self) -> String {
        let Self::Archive(files) = self else { return String::new() };
        files.files().map(|(path, _)| path).collect::<Vec<_>>().join("\n")
    }

    /// What it takes of memory.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Archive(files) => files.bytes(),
        }
    }
}

const ZIP: &[u8] = b"PK\x03\x04";
const GZIP: &[u8] = b"\x1f\x8b\x08";

/// The archive behind a base64 text, if that is what it is.
fn packed(code: &[u8]) -> Option<Vec<u8>> {
    let text = code.trim_ascii();
    // The beginnings of both in base64: most scripts are told from archives by these.
    if !text.starts_with(b"UEsDB") && !text.starts_with(b"H4sI") {
        return None;
    }
    let unwrapped: Vec<u8> =
        text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(unwrapped).ok()?;
    (bytes.starts_with(ZIP) || bytes.starts_with(GZIP)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_script_even_if_it_looks_like_base64() {
        for text in ["function main() {}", "mainmain", "UEsDBabc", "H4sI(abc)", ""] {
            let code = Code::read(&Bytes::from_static(text.as_bytes())).unwrap();
            assert_eq!(code, Code::Plain(Bytes::from_static(text.as_bytes())), "{text}");
        }
    }
}
