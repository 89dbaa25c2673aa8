//! The properties file, `~/.wskprops`: lines `KEY=VALUE`, shared with `wsk`.
//!
//! Only `property set` and `property unset` write it, and they touch no line but those of the
//! keys they are asked for.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The file as text, so that comments and unknown keys stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Props {
    lines: Vec<String>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is there and cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("{} cannot be written", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Props {
    /// Reads the file; one that does not exist is empty.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        match std::fs::read(path) {
            Ok(text) => Ok(Self::parse(&String::from_utf8_lossy(&text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Read { path: path.to_owned(), source }),
        }
    }

    fn parse(text: &str) -> Self {
        Self { lines: text.lines().map(str::to_owned).collect() }
    }

    /// The value of a key: of its last line.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.lines
            .iter()
            .rev()
            .find_map(|line| pair(line).filter(|(known, _)| *known == key))
            .map(|(_, value)| value)
    }

    /// Sets a key in the place of its first line, or at the end.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let line = format!("{key}={value}");
        let is_mine = |line: &String| pair(line).is_some_and(|(known, _)| known == key);
        let Some(place) = self.lines.iter().position(is_mine) else {
            self.lines.push(line);
            return;
        };
        self.lines[place] = line;
        let mut first = true;
        self.lines.retain(|line| !is_mine(line) || std::mem::take(&mut first));
    }

    /// Removes all lines of a key.
    pub(crate) fn unset(&mut self, key: &str) {
        self.lines.retain(|line| pair(line).is_none_or(|(known, _)| known != key));
    }

    /// Writes the file anew, beside itself first; only its owner may read it, for it holds a key.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        // A link, as people have who keep their dot files elsewhere, is followed, not replaced.
        let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let fault = |source| Error::Write { path: path.clone(), source };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        let mut text = self.lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new).map_err(fault)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
        std::fs::rename(&new, path).map_err(fault)
    }
}

/// Key and value of a line that has them: no comment, no empty line.
fn pair(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (key, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
    Some((key.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\nAPIHOST=http://a\n\nUNKNOWN=x=y\n AUTH = u:s \nAPIHOST=http://b\n";

    #[test]
    fn the_last_line_of_a_key_counts() {
        let props = Props::parse(FILE);
        for (key, value) in [
            ("APIHOST", Some("http://b")),
            ("UNKNOWN", Some("x=y")),
            ("AUTH", Some("u:s")),
            ("# mine", None),
        ] {
            assert_eq!(props.get(key), value);
        }
    }

    #[test]
    fn only_the_asked_key_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("props");
        std::fs::write(&path, FILE).unwrap();
        let mut props = Props::read(&path).unwrap();
        props.set("APIHOST", "http://c");
        props.set("NAMESPACE", "ann");
        props.write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\nAPIHOST=http://c\n\nUNKNOWN=x=y\n AUTH = u:s \nNAMESPACE=ann\n");

        props.unset("AUTH");
        props.write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "# mine\nAPIHOST=http://c\n\nUNKNOWN=x=y\nNAMESPACE=ann\n");
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, FILE).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut props = Props::read(&link).unwrap();
        props.set("AUTH", "v:t");
        props.write(&link).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(Props::read(&real).unwrap().get("AUTH"), Some("v:t"));
    }
}
