//! Reads artefacts: which kind a file is, and how its content is sent.
//!
//! Source of the table: `rest-api.md` §10.2, "Kinds chosen by `wsk` from the file extension".

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A file as an action's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artefact {
    /// The kind that its name or content tells; `None` for what could be of several.
    pub kind: Option<&'static str>,
    /// Source, or base64 of what is binary.
    pub code: String,
}

/// Why a file is no artefact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Extension, kind, whether it is sent as base64.
const KINDS: &[(&str, &str, bool)] = &[
    ("wasm", "wasm:default", true),
    ("js", "nodejs:default", false),
    ("py", "python:default", false),
    ("swift", "swift:default", false),
    ("jar", "java:default", true),
    ("php", "php:default", false),
    ("rb", "ruby:default", false),
    ("go", "go:default", false),
    ("rs", "rust:default", false),
    ("bal", "ballerina:default", false),
    ("balx", "ballerina:default", true),
];

/// What every Wasm file begins with.
const WASM: &[u8] = b"\0asm";

/// Reads a file.
///
/// # Errors
/// [`Error`].
pub(crate) fn read(path: &Path) -> Result<Artefact, Error> {
    let content =
        std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    Ok(artefact(extension, content))
}

fn artefact(extension: &str, content: Vec<u8>) -> Artefact {
    let extension = extension.to_ascii_lowercase();
    let known = KINDS.iter().find(|(known, _, _)| *known == extension);
    let is_wasm = content.starts_with(WASM);
    let kind = match known {
        Some((_, kind, _)) => Some(*kind),
        None if is_wasm => Some("wasm:default"),
        None => None,
    };
    let binary = is_wasm || extension == "zip" || known.is_some_and(|(_, _, binary)| *binary);
    // Text stays text; what cannot be text is binary whatever its name.
    let code = match String::from_utf8(content) {
        Ok(text) if !binary => text,
        Ok(text) => STANDARD.encode(text),
        Err(content) => STANDARD.encode(content.as_bytes()),
    };
    Artefact { kind, code }
}

/// The file name under which code of `kind` is saved.
pub(crate) fn file_name(action: &str, kind: &str, binary: bool) -> String {
    let family = kind.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let of_family = |(_, kind, as_base64): &&(&str, &str, bool)| {
        kind.split(':').next() == Some(&family) && *as_base64 == binary
    };
    match KINDS.iter().find(of_family) {
        Some((extension, _, _)) => format!("{action}.{extension}"),
        None if binary => format!("{action}.zip"),
        None => action.to_owned(),
    }
}

/// The bytes of code as it was before it was sent. Base64 that is none stays as it is.
pub(crate) fn content(code: &str, binary: bool) -> Vec<u8> {
    let decoded = if binary { STANDARD.decode(code.trim()).ok() } else { None };
    decoded.unwrap_or_else(|| code.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_from_extensions_and_content() {
        for (extension, content, kind, code) in [
            ("js", &b"main"[..], Some("nodejs:default"), "main"),
            ("py", b"x", Some("python:default"), "x"),
            ("wasm", b"\0asm\x01\0\0\0", Some("wasm:default"), "AGFzbQEAAAA="),
            ("", b"\0asm\x01\0\0\0", Some("wasm:default"), "AGFzbQEAAAA="),
            ("WASM", b"", Some("wasm:default"), ""),
            ("jar", b"PK", Some("java:default"), "UEs="),
            ("balx", b"PK", Some("ballerina:default"), "UEs="),
            ("zip", b"PK", None, "UEs="),
            ("txt", b"PK", None, "PK"),
            ("txt", b"\xff", None, "/w=="),
            ("rs", b"fn", Some("rust:default"), "fn"),
        ] {
            let expected = Artefact { kind, code: code.to_owned() };
            assert_eq!(artefact(extension, content.to_vec()), expected, "{extension}");
        }
    }

    #[test]
    fn code_is_saved_under_a_name_that_fits_and_as_it_was() {
        for (kind, binary, name) in [
            ("wasm:command", true, "a.wasm"),
            ("nodejs:20", false, "a.js"),
            ("nodejs:20", true, "a.zip"),
            ("java:8", true, "a.jar"),
            ("blackbox", false, "a"),
        ] {
            assert_eq!(file_name("a", kind, binary), name);
        }
        assert_eq!(content("UEs=", true), b"PK");
        assert_eq!(content("UEs=", false), b"UEs=");
        assert_eq!(content("?", true), b"?");
    }
}
