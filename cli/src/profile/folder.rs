//! The data folder of a server on this machine, as seen from outside: who holds it, where that
//! listens, and the first key. Nothing here writes into it.
//!
//! Source: `design.md` §10.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::Environment;

/// Where a root service keeps its data.
const OF_ROOT: &str = "/var/lib/quirl";

/// A data folder, which need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

/// What `LOCK` says about its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its process.
    pub pid: i32,
    /// Where it listens; it is not known yet while it starts.
    pub address: Option<String>,
}

impl Folder {
    /// The folder that is meant where none is named: `quirld` has the same rule.
    pub(crate) fn default_of(environment: &Environment) -> Self {
        if let Some(data) = &environment.data {
            return Self(data.clone());
        }
        if environment.is_root {
            return Self(PathBuf::from(OF_ROOT));
        }
        let home = || environment.home.clone().unwrap_or_default().join(".local/share");
        Self(environment.xdg_data.clone().unwrap_or_else(home).join("quirl"))
    }

    /// This folder.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the server that holds it, or held it last, listens.
    pub(crate) fn address(&self) -> Option<String> {
        self.writer()?.address
    }

    /// The key of `guest`.
    pub(crate) fn key(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.0.join("secrets/guest.auth")).ok()?;
        Some(text.trim().to_owned()).filter(|key| !key.is_empty())
    }

    /// Where its server listens for administrators.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.0.join("admin.sock")
    }

    /// Who holds the folder now. The file outlives its writer; the lock on it does not. It is tried
    /// for an instant, in which nobody else can take it: not to be asked while a server starts.
    pub(crate) fn holder(&self) -> Option<Holder> {
        let file = File::open(self.lock()).ok()?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => None, // nobody; ours ends with the file
            Err(_) => self.writer(),
        }
    }

    /// Who wrote `LOCK`: the holder, if there is one, else the one before.
    pub(crate) fn writer(&self) -> Option<Holder> {
        parse(&std::fs::read_to_string(self.lock()).ok()?)
    }

    /// What the holder says to the terminal goes here when it has none: beside the folder, so
    /// that the folder holds what the server put there and nothing else.
    pub(crate) fn output(&self) -> PathBuf {
        let mut name = self.0.file_name().unwrap_or_default().to_owned();
        name.push(".log");
        self.0.with_file_name(name)
    }

    fn lock(&self) -> PathBuf {
        self.0.join("LOCK")
    }
}

/// Lines `pid=<n>` and `address=<url>`.
fn parse(text: &str) -> Option<Holder> {
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.trim().split_once('='));
        lines.find(|(known, _)| *known == key).map(|(_, value)| value.trim())
    };
    let pid = value("pid")?.parse().ok().filter(|pid| *pid > 0)?;
    let address = value("address").filter(|address| !address.is_empty()).map(str::to_owned);
    Some(Holder { pid, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_read() {
        let holder =
            |pid, address: Option<&str>| Some(Holder { pid, address: address.map(str::to_owned) });
        for (text, expected) in [
            ("pid=12\naddress=http://127.0.0.1:3233\n", holder(12, Some("http://127.0.0.1:3233"))),
            ("pid=12\n", holder(12, None)),
            ("pid=12\naddress=", holder(12, None)),
            ("address=http://x\npid = 1", None),
            ("pid=0", None),
            ("pid=-1", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_a_locked_folder_has_a_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("LOCK");
        std::fs::write(&path, "pid=7\naddress=http://x\n").unwrap();
        let folder = Folder::at(folder.path());
        assert_eq!(folder.holder(), None);
        let file = File::open(&path).unwrap();
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(folder.holder().map(|holder| holder.pid), Some(7));
        drop(file);
        assert_eq!(folder.holder(), None);
        assert_eq!(folder.address().as_deref(), Some("http://x"));
    }

    #[test]
    fn the_default_follows_the_environment() {
        let mut environment = Environment { home: Some("/h".into()), ..Environment::default() };
        let path = |environment: &Environment| Folder::default_of(environment).0;
        assert_eq!(path(&environment), Path::new("/h/.local/share/quirl"));
        environment.xdg_data = Some("/x".into());
        assert_eq!(path(&environment), Path::new("/x/quirl"));
        environment.is_root = true;
        assert_eq!(path(&environment), Path::new("/var/lib/quirl"));
        environment.data = Some("/d".into());
        assert_eq!(path(&environment), Path::new("/d"));
        assert_eq!(Folder::default_of(&environment).output(), Path::new("/d.log"));
    }
}
