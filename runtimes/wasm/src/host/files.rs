//! The files of an action's archive: read-only, in memory, at `/`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;

use super::errno::Errno;

/// Longer paths are refused.
const LONGEST_PATH: usize = 4_096;

/// A tree of files. The root has the empty path; no path begins or ends with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files(BTreeMap<String, Node>);

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Folder,
    File(Bytes),
}

/// The path of a file leads through another file, or is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken;

impl Files {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a file and the folders above it. `path` is clean: see `archive`.
    pub(crate) fn add(&mut self, path: &str, content: Bytes) -> Result<(), Taken> {
        self.0.insert(String::new(), Node::Folder);
        for (at, _) in path.match_indices('/') {
            match self.0.entry(path[..at].to_owned()).or_insert(Node::Folder) {
                Node::Folder => {}
                Node::File(_) => return Err(Taken),
            }
        }
        match self.0.entry(path.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(Node::File(content));
                Ok(())
            }
            Entry::Occupied(_) => Err(Taken),
        }
    }

    /// All files, not the folders.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().filter_map(|(path, node)| match node {
            Node::Folder => None,
            Node::File(content) => Some((path.as_str(), content)),
        })
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> usize {
        self.files().map(|(path, content)| path.len() + content.len()).sum()
    }

    /// What `path` leads to, seen from the folder `from`: its clean path, its number and itself.
    pub(crate) fn find(&self, from: &str, path: &[u8]) -> Result<(String, u64, &Node), Errno> {
        if path.len() > LONGEST_PATH {
            return Err(Errno::NAMETOOLONG);
        }
        let path = std::str::from_utf8(path).map_err(|_| Errno::NOENT)?;
        if path.is_empty() {
            return Err(Errno::NOENT);
        }
        if path.starts_with('/') {
            return Err(Errno::NOTCAPABLE);
        }
        let mut clean: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    clean.pop().ok_or(Errno::NOTCAPABLE)?;
                }
                name => {
                    // What a name is looked for in must be a folder, even if `..` follows.
                    if let Some(Node::File(_)) = self.0.get(&clean.join("/")) {
                        return Err(Errno::NOTDIR);
                    }
                    clean.push(name);
                }
            }
        }
        let clean = clean.join("/");
        let number = Self::number(&clean);
        let node = self.0.get(&clean).ok_or(Errno::NOENT)?;
        if path.ends_with('/') && *node != Node::Folder {
            return Err(Errno::NOTDIR);
        }
        Ok((clean, number, node))
    }

    /// The inode number of a clean path.
    pub(crate) fn number(clean: &str) -> u64 {
        // FNV-1a: the same path has the same number, and others hardly ever do.
        clean.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// Names in the folder `clean`, with what they are.
    pub(crate) fn list<'a>(&'a self, clean: &'a str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        self.0.iter().filter_map(move |(path, node)| {
            let rest = path.strip_prefix(clean)?;
            let name = if clean.is_empty() { rest } else { rest.strip_prefix('/')? };
            (!name.is_empty() && !name.contains('/')).then_some((name, node))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let mut files = Files::default();
        for path in ["a.txt", "data/b.txt", "data/deep/c.txt"] {
            files.add(path, Bytes::copy_from_slice(path.as_bytes())).unwrap();
        }
        files
    }

    #[test]
    fn paths_are_followed_inside_and_never_lead_outside() {
        let files = files();
        let found = |from, path: &str| {
            files.find(from, path.as_bytes()).map(|(clean, ..)| clean).map_err(|errno| errno.0)
        };
        assert_eq!(found("", "a.txt"), Ok("a.txt".to_owned()));
        assert_eq!(found("", "./data//deep/../b.txt"), Ok("data/b.txt".to_owned()));
        assert_eq!(found("data", "deep/c.txt"), Ok("data/deep/c.txt".to_owned()));
        assert_eq!(found("data", ".."), Ok(String::new()));
        assert_eq!(found("", ".."), Err(Errno::NOTCAPABLE.0));
        assert_eq!(found("data", "../../etc/passwd"), Err(Errno::NOTCAPABLE.0));
        assert_eq!(found("", "/etc/passwd"), Err(Errno::NOTCAPABLE.0));
        assert_eq!(found("", "a.txt/x"), Err(Errno::NOTDIR.0));
        assert_eq!(found("", "a.txt/"), Err(Errno::NOTDIR.0));
        assert_eq!(found("", "none"), Err(Errno::NOENT.0));
        assert_eq!(found("", ""), Err(Errno::NOENT.0));
    }

    #[test]
    fn a_folder_lists_what_is_in_it_and_nothing_deeper() {
        let files = files();
        let names = |of| files.list(of).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(""), ["a.txt", "data"]);
        assert_eq!(names("data"), ["b.txt", "deep"]);
    }

    #[test]
    fn a_file_cannot_be_a_folder_too() {
        let mut files = files();
        assert_eq!(files.add("a.txt/b", Bytes::new()), Err(Taken));
        assert_eq!(files.add("data", Bytes::new()), Err(Taken));
        assert_eq!(files.add("a.txt", Bytes::new()), Err(Taken));
    }
}
