//! One file that arrived: which are meant, what is said of it, and the name of its request.

use std::fs::Metadata;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use api::client::Name;
use model::json::Json;

/// The largest content that is sent: in base64 it and all else stay below the 1 MiB that a payload
/// may have.
///
/// Source: `rest-api.md` §3.8.
const MOST_CONTENT: u64 = 700 << 10;
/// The largest text as JSON: with more escapes than that, base64 is shorter.
const MOST_TEXT: usize = 1_000_000;

/// A file as it is fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Path, size and time of change in 16 bytes, and what is done with it.
    pub mark: u128,
    /// What the trigger is fired with.
    pub payload: Json,
    /// Whether its content is too large to be sent.
    pub is_cut: bool,
}

impl File {
    /// The name of the request that fires it: the same for the same file.
    pub(super) fn key(&self) -> String {
        format!("watch-{:032x}", self.mark)
    }
}

/// Whether a name is that of a file that is still being made, or hidden.
pub(super) fn is_passing(name: &str) -> bool {
    name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part")
}

/// Reads a file; `None` if it is none, is gone already, or is being changed: then it is told again.
pub(super) fn read(path: &Path, trigger: &Name, content: bool) -> io::Result<Option<File>> {
    match opened(path, trigger, content) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome,
    }
}

fn opened(path: &Path, trigger: &Name, content: bool) -> io::Result<Option<File>> {
    // Opening what is no file, such as a pipe, could wait for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = std::fs::File::open(path)?;
    let about = file.metadata()?;
    let is_cut = content && about.len() > MOST_CONTENT;
    let mut bytes = None;
    if content && !is_cut {
        let mut read = Vec::new();
        file.take(MOST_CONTENT + 1).read_to_end(&mut read)?;
        if u64::try_from(read.len()) != Ok(about.len()) {
            return Ok(None);
        }
        bytes = Some(read);
    }
    let mark = mark(path, trigger, content, &about);
    Ok(Some(File { mark, payload: payload(path, &about, bytes), is_cut }))
}

/// Two triggers, or two forms of a payload, are two requests.
fn mark(path: &Path, trigger: &Name, content: bool, about: &Metadata) -> u128 {
    let mut hash = Sha256::new();
    for part in [path.as_os_str().as_bytes(), trigger.to_string().as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(about.len().to_le_bytes());
    hash.update(about.mtime().to_le_bytes());
    hash.update(about.mtime_nsec().to_le_bytes());
    hash.update([u8::from(content)]);
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    u128::from_be_bytes(first)
}

fn payload(path: &Path, about: &Metadata, content: Option<Vec<u8>>) -> Json {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let modified = about.mtime() * 1000 + about.mtime_nsec() / 1_000_000;
    let mut members = vec![
        ("name", Json::string(&name)),
        ("path", Json::string(&path.to_string_lossy())),
        ("size", Json::of(&about.len())),
        ("modified", Json::of(&modified)),
    ];
    if let Some(bytes) = content {
        let text = std::str::from_utf8(&bytes).ok().map(Json::string);
        match text.filter(|text| text.as_str().len() <= MOST_TEXT) {
            Some(text) => members.push(("content", text)),
            None => {
                members.push(("content", Json::string(&STANDARD.encode(&bytes))));
                members.push(("encoding", Json::string("base64")));
            }
        }
    }
    Json::object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger() -> Name {
        Name::parse("t", "_").unwrap()
    }

    #[test]
    fn files_that_are_being_made_are_left_out() {
        for (name, passing) in [
            (".hidden", true),
            ("a.tmp", true),
            ("a.csv.part", true),
            ("a.csv", false),
            ("tmp", false),
            ("part.csv", false),
        ] {
            assert_eq!(is_passing(name), passing, "{name}");
        }
    }

    #[test]
    fn content_is_text_or_base64_or_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let most = usize::try_from(MOST_CONTENT).unwrap();
        for (bytes, content, encoding, is_cut) in [
            (b"a\n\"b\"".to_vec(), Some("a\n\"b\"".to_owned()), None, false),
            (b"\xff\x00".to_vec(), Some("/wA=".to_owned()), Some("base64"), false),
            (vec![b'a'; most], Some("a".repeat(most)), None, false),
            (vec![1; most], Some(STANDARD.encode(vec![1; most])), Some("base64"), false),
            (vec![b'a'; most + 1], None, None, true),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            let file = read(&path, &trigger(), true).unwrap().unwrap();
            let text = |name: &str| file.payload.member(name).and_then(|it| it.text());
            assert_eq!(text("content"), content);
            assert_eq!(text("encoding").as_deref(), encoding);
            assert_eq!(file.is_cut, is_cut);
            assert!(file.payload.as_str().len() < 1 << 20);
            assert_eq!(file.payload.member("size").unwrap().as_str(), bytes.len().to_string());
        }
    }

    #[test]
    fn a_request_is_named_after_path_size_and_time_of_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "x").unwrap();
        let first = read(&path, &trigger(), false).unwrap().unwrap();
        assert_eq!(read(&path, &trigger(), false).unwrap().unwrap(), first);
        assert_eq!(first.key().len(), 38);
        let other = Name::parse("other", "_").unwrap();
        assert_ne!(read(&path, &other, false).unwrap().unwrap().mark, first.mark);
        assert_ne!(read(&path, &trigger(), true).unwrap().unwrap().mark, first.mark);
        std::fs::write(&path, "xy").unwrap();
        assert_ne!(read(&path, &trigger(), false).unwrap().unwrap().mark, first.mark);
    }

    #[test]
    fn what_is_no_file_or_gone_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), &trigger(), true).unwrap(), None);
        assert_eq!(read(&folder.path().join("none"), &trigger(), true).unwrap(), None);
    }
}
