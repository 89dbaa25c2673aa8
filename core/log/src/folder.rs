//! The data folder: what must be in it, in which order it is made, and which folders are refused.
//!
//! A first start makes, each synced before the next: `LOCK`, `secrets/`, `ledger/00`, and `FORMAT`
//! last. A folder without `FORMAT` whose ledger holds no frame was never finished and is begun
//! again, its secrets kept.
//!
//! **Source:** `design.md` §10; `exactly-once.md` §11 and F119.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statfs, statvfs};

use crate::embedded::holds_a_frame;
use crate::lock::{Lock, LockError};

/// The name of the file that says what the folder holds.
pub const FORMAT: &str = "FORMAT";
/// The name of the file that says that the folder was restored from a backup; without [`FORMAT`], that
/// it is not restored to its end.
pub const RESTORED: &str = "RESTORED";
const FORMAT_NAME: &str = "quirl-data";
/// The format that this program writes.
pub const FORMAT_VERSION: u32 = 1;

/// A data folder that is checked, locked and complete.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    first_start: bool,
    _lock: Lock,
}

/// Why a data folder is refused.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something else than a folder is there.
    #[error("{path} is not a folder, so no data can be kept there. Name another one with --data")]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },
    /// The file system cannot be written.
    #[error(
        "{path} is on a read-only file system, so nothing that is accepted could be kept. Mount it for writing, or name another folder with --data"
    )]
    ReadOnly {
        /// What was named.
        path: PathBuf,
    },
    /// A file system on which a sync or a lock does not mean what the ledger needs.
    #[error(
        "{path} is on {kind}, where locks and syncs do not promise enough: after a failure, what was accepted could be gone. Name a folder on a local disk with --data"
    )]
    Network {
        /// What was named.
        path: PathBuf,
        /// Such as `NFS`.
        kind: &'static str,
    },
    /// The user of this process may not write there.
    #[error(
        "{path} may not be written by this user, so nothing that is accepted could be kept. Change its owner (chown) or name another folder with --data"
    )]
    NoPermission {
        /// What was named.
        path: PathBuf,
    },
    /// Another process has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Data of a later program.
    #[error(
        "{path} holds data of format {found}, and this program knows formats up to {known}. Nothing was changed. Install a newer version"
    )]
    Newer {
        /// The data folder.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// `FORMAT` says something unknown.
    #[error(
        "{path}/FORMAT does not read \"quirl-data 1\": the folder holds something else, or the file is damaged. Nothing was changed. Name another folder, or restore the file from a backup"
    )]
    BadFormat {
        /// The data folder.
        path: PathBuf,
    },
    /// `FORMAT` is gone, and there is data.
    #[error(
        "{path} has a ledger with records but no FORMAT: it was deleted, or the folder was copied in part. Nothing was changed. Restore the file from a backup"
    )]
    NoFormat {
        /// The data folder.
        path: PathBuf,
    },
    /// It is being restored, or was when something ended that.
    #[error(
        "{path} was not restored to its end. Nothing was changed. Restore the backup into another folder"
    )]
    HalfRestored {
        /// The data folder.
        path: PathBuf,
    },
    /// `secrets/` is gone from a folder that was complete.
    #[error(
        "{path} has no folder secrets/, without which no key can be checked. Restore it from a backup; or make an empty one (mkdir -m 700) and start with new secrets"
    )]
    NoSecrets {
        /// The data folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{operation}")]
    Io {
        /// What was tried.
        operation: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Folder {
    /// Checks and locks a data folder, and makes in it what a first start makes. `secrets` is
    /// called in a first start with the folder for secrets (0700); it writes and syncs the files
    /// that are not there yet. `address` is what another process is told about this one. Blocks.
    ///
    /// # Errors
    /// Each variant of [`FolderError`] says what to do.
    pub fn open(
        path: &Path,
        address: &str,
        secrets: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Self, FolderError> {
        make(path)?;
        check(path)?;
        let mut lock = Lock::acquire(path, address).map_err(|error| denied(path, error))?;
        let first_start = !is_complete(path)?;
        if first_start {
            begin(path, secrets)?;
            lock.take_format()?;
        } else if !path.join("secrets").is_dir() {
            return Err(FolderError::NoSecrets { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), first_start, _lock: lock })
    }

    /// The data folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the ledger is: for [`embedded::Config::folder`](crate::embedded::Config::folder).
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        ledger(&self.path)
    }

    /// Where the secrets are.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.path.join("secrets")
    }

    /// Whether this start made the folder complete.
    #[must_use]
    pub fn is_first_start(&self) -> bool {
        self.first_start
    }
}

fn ledger(path: &Path) -> PathBuf {
    path.join("ledger").join("00")
}

fn make(path: &Path) -> Result<(), FolderError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(FolderError::NotAFolder { path: path.to_owned() }),
        Err(_) => {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(
                |source| match source.kind() {
                    io::ErrorKind::PermissionDenied => {
                        FolderError::NoPermission { path: path.to_owned() }
                    }
                    io::ErrorKind::ReadOnlyFilesystem => {
                        FolderError::ReadOnly { path: path.to_owned() }
                    }
                    io::ErrorKind::NotADirectory => {
                        FolderError::NotAFolder { path: path.to_owned() }
                    }
                    _ => io_error(format!("make the folder {}", path.display()))(source),
                },
            )
        }
    }
}

/// Refuses what could not keep a promise.
fn check(path: &Path) -> Result<(), FolderError> {
    let operation = || format!("ask for the file system of {}", path.display());
    let kind = statfs(path).map_err(|error| io_error(operation())(error.into()))?.f_type;
    if let Some(kind) = network(kind) {
        return Err(FolderError::Network { path: path.to_owned(), kind });
    }
    let mounted = statvfs(path).map_err(|error| io_error(operation())(error.into()))?;
    if mounted.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(FolderError::ReadOnly { path: path.to_owned() });
    }
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
        .map_err(|_| FolderError::NoPermission { path: path.to_owned() })
}

/// The network file systems by their magic numbers.
///
/// **Source:** `linux/magic.h`; `statfs(2)`.
fn network(magic: impl Into<i64>) -> Option<&'static str> {
    match magic.into() & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b => Some("SMB"),
        0xff53_4d42 => Some("CIFS"),
        0xfe53_4d42 => Some("SMB2"),
        0x0102_1997 => Some("9P"),
        0x00c3_6400 => Some("Ceph"),
        0x5346_414f => Some("AFS"),
        0x7375_7245 => Some("Coda"),
        0x6573_5546 => Some("FUSE"),
        0x0bd0_0bd0 => Some("Lustre"),
        _ => None,
    }
}

fn denied(path: &Path, error: LockError) -> FolderError {
    match &error {
        LockError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            FolderError::NoPermission { path: path.to_owned() }
        }
        LockError::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            FolderError::ReadOnly { path: path.to_owned() }
        }
        LockError::Io { .. } | LockError::Held { .. } => FolderError::Lock(error),
    }
}

/// Whether a first start went to its end; an error where that cannot be or must not be.
fn is_complete(path: &Path) -> Result<bool, FolderError> {
    let text = match fs::read_to_string(path.join(FORMAT)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.join(RESTORED).exists() {
                return Err(FolderError::HalfRestored { path: path.to_owned() });
            }
            let ledger = ledger(path);
            let begun = ledger.is_dir()
                && holds_a_frame(&ledger)
                    .map_err(io_error(format!("read {}", ledger.display())))?;
            return if begun {
                Err(FolderError::NoFormat { path: path.to_owned() })
            } else {
                Ok(false)
            };
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(FolderError::BadFormat { path: path.to_owned() });
        }
        Err(error) => return Err(io_error(format!("read {}/FORMAT", path.display()))(error)),
    };
    let version = text.trim().strip_prefix(FORMAT_NAME).map(str::trim).map(str::parse::<u32>);
    match version {
        Some(Ok(FORMAT_VERSION)) => Ok(true),
        Some(Ok(found)) if found > FORMAT_VERSION => {
            Err(FolderError::Newer { path: path.to_owned(), found, known: FORMAT_VERSION })
        }
        _ => Err(FolderError::BadFormat { path: path.to_owned() }),
    }
}

fn begin(path: &Path, secrets: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), FolderError> {
    let failed = |what: &str| io_error(format!("{what} in {}", path.display()));
    sync(path).map_err(failed("sync LOCK"))?;
    let folder = path.join("secrets");
    make_folder(&folder, 0o700).map_err(failed("make secrets/"))?;
    secrets(&folder).map_err(failed("write the secrets"))?;
    sync(&folder).and_then(|()| sync(path)).map_err(failed("sync secrets/"))?;
    let ledgers = path.join("ledger");
    make_folder(&ledgers, 0o700)
        .and_then(|()| make_folder(&ledger(path), 0o700))
        .and_then(|()| sync(&ledgers))
        .and_then(|()| sync(path))
        .map_err(failed("make ledger/00"))?;
    write_format(path).map_err(failed("write FORMAT"))
}

/// What `FORMAT` says in a folder of this program.
#[must_use]
pub fn format_text() -> String {
    format!("{FORMAT_NAME} {FORMAT_VERSION}\n")
}

fn write_format(path: &Path) -> io::Result<()> {
    let temporary = path.join("FORMAT.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(format_text().as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path.join(FORMAT))?;
    sync(path)
}

fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes what was made in a folder, or removed, certain.
///
/// # Errors
/// What the system said.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn io_error(operation: impl Into<String>) -> impl FnOnce(io::Error) -> FolderError {
    let operation = operation.into();
    |source| FolderError::Io { operation, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<Folder, FolderError> {
        Folder::open(path, "http://127.0.0.1:3233", |secrets| {
            let file = secrets.join("guest.auth");
            if file.exists() { Ok(()) } else { fs::write(file, "kept") }
        })
    }

    #[test]
    fn a_first_start_makes_the_folder_and_a_later_one_finds_it() {
        let temporary = tempfile::tempdir().expect("a folder");
        let path = temporary.path().join("new/data");
        let folder = open(&path).expect("opens");
        assert!(folder.is_first_start() && folder.ledger().is_dir());
        assert_eq!(fs::read_to_string(path.join(FORMAT)).expect("there"), "quirl-data 1\n");
        drop(folder);
        assert!(!open(&path).expect("opens").is_first_start());
        fs::remove_dir_all(path.join("secrets")).expect("removes");
        assert!(matches!(open(&path), Err(FolderError::NoSecrets { .. })));
    }

    #[test]
    fn what_was_not_restored_to_its_end_is_not_begun_anew() {
        let temporary = tempfile::tempdir().expect("a folder");
        fs::write(temporary.path().join(RESTORED), "offset 1\n").expect("written");
        assert!(matches!(open(temporary.path()), Err(FolderError::HalfRestored { .. })));
        fs::remove_file(temporary.path().join(RESTORED)).expect("removed");
        assert!(open(temporary.path()).expect("opens").is_first_start());
    }

    #[test]
    fn f118_a_second_holder_is_told_who_has_the_folder_even_if_a_file_was_deleted() {
        let temporary = tempfile::tempdir().expect("a folder");
        let _folder = open(temporary.path()).expect("opens");
        let pid = std::process::id().to_string();
        let text = open(temporary.path()).expect_err("refused").to_string();
        assert!(text.contains(&pid) && text.contains("127.0.0.1:3233"), "{text}");
        fs::remove_file(temporary.path().join(crate::lock::LOCK)).expect("removes");
        let text = open(temporary.path()).expect_err("refused").to_string();
        assert!(text.contains(&pid), "{text}");
    }

    #[test]
    fn f119_bad_folders_are_refused_with_the_reason() {
        let temporary = tempfile::tempdir().expect("a folder");
        let file = temporary.path().join("file");
        fs::write(&file, "x").expect("writes");
        assert!(matches!(open(&file), Err(FolderError::NotAFolder { .. })));
        assert!(matches!(open(&file.join("below")), Err(FolderError::NotAFolder { .. })));
        assert_eq!(network(0x6969), Some("NFS"));
        assert_eq!(network(0xef53), None);
        // Read-only for everybody, root included.
        if let Err(error) = open(Path::new("/proc/self")) {
            assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn a_format_that_is_newer_or_bad_or_gone_is_refused() {
        let temporary = tempfile::tempdir().expect("a folder");
        let path = temporary.path();
        drop(open(path).expect("opens"));
        fs::write(path.join(FORMAT), "quirl-data 2\n").expect("writes");
        assert!(matches!(open(path), Err(FolderError::Newer { found: 2, known: 1, .. })));
        for bad in ["", "quirl-data", "quirl-data 0", "other 1", "quirl-data x"] {
            fs::write(path.join(FORMAT), bad).expect("writes");
            assert!(matches!(open(path), Err(FolderError::BadFormat { .. })), "{bad}");
        }
        fs::remove_file(path.join(FORMAT)).expect("removes");
        let folder = open(path).expect("an empty ledger is begun again");
        assert!(folder.is_first_start());
        let secret = fs::read_to_string(path.join("secrets/guest.auth")).expect("kept");
        assert_eq!(secret, "kept");
        let config = crate::embedded::Config {
            segment_size: model::size::ByteSize::kib(16),
            disk_floor: model::size::ByteSize::bytes(0),
            balloon: model::size::ByteSize::bytes(0),
            ..crate::embedded::Config::new(folder.ledger(), [1; 16])
        };
        let log = crate::embedded::Embedded::open(config, None).expect("opens");
        crate::Log::append(&log, bytes::Bytes::from_static(b"x")).expect("taken");
        drop((log, folder));
        fs::remove_file(path.join(FORMAT)).expect("removes");
        assert!(matches!(open(path), Err(FolderError::NoFormat { .. })));
    }
}
