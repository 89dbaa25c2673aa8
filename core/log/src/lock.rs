//! One process per data folder.
//!
//! Locked are `LOCK` and `FORMAT`: deleting one of them lets nobody in. The locks go with the
//! process, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The name of the file that says who holds a folder.
pub const LOCK: &str = "LOCK";

/// A child that a killed process was just making holds its files until it begins its own program:
/// so often a look is taken, with a pause before each, whether it has.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Holds a data folder until it is dropped.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    holder: File,
    format: Option<File>,
}

/// Why a folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "{folder} is in use by process {pid} ({address}). Two processes would destroy each other's data. Stop that one, or give this one a folder of its own"
    )]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// Of the process that has it; `?` if that cannot be found out.
        pid: String,
        /// Where it listens, in its own words.
        address: String,
    },
    /// The system refused.
    #[error("lock {file}")]
    Io {
        /// The file that was to be locked.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl LockError {
    /// Whether whoever wrote its pid into `LOCK` has ended.
    fn is_of_a_dead_process(&self) -> bool {
        let Self::Held { pid, .. } = self else { return false };
        pid.parse::<u32>().is_ok_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    }
}

impl Lock {
    /// Locks a data folder. `address` is what another process is told about this one.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process has it: at once if that process is there, and after
    /// a second if only what it left behind is. Blocks.
    pub fn acquire(folder: &Path, address: &str) -> Result<Self, LockError> {
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut holder = options.open(&path).map_err(io_error(&path))?;
        take(folder, &path, &mut holder)?;
        let mut lock = Self { folder: folder.to_owned(), holder, format: None };
        lock.take_format()?;
        let mut write = || {
            let address = address.replace('\n', " ");
            let text = format!("pid={}\naddress={address}\n", std::process::id());
            lock.holder.set_len(0)?;
            lock.holder.rewind()?;
            lock.holder.write_all(text.as_bytes())?;
            lock.holder.sync_all()
        };
        write().map_err(io_error(&path))?;
        Ok(lock)
    }

    /// Locks `FORMAT` as well, if it is there by now.
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    pub fn take_format(&mut self) -> Result<(), LockError> {
        let path = self.folder.join(crate::folder::FORMAT);
        let mut format = match File::open(&path) {
            Ok(format) => format,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error(&path)(error)),
        };
        if self.format.is_none() {
            take(&self.folder, &path, &mut format)?;
            self.format = Some(format);
        }
        Ok(())
    }
}

/// Locks a file, as [`Lock::acquire`] says.
fn take(folder: &Path, path: &Path, file: &mut File) -> Result<(), LockError> {
    let mut looks = 0;
    while !try_to_take(file).map_err(io_error(path))? {
        let error = held(folder, file);
        looks += 1;
        if looks > LOOKS || !error.is_of_a_dead_process() {
            return Err(error);
        }
        #[expect(clippy::disallowed_methods, reason = "nobody tells when a lock comes free")]
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn try_to_take(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Names the holder: by what it wrote into `LOCK`, else by the system's list of locks.
fn held(folder: &Path, file: &mut File) -> LockError {
    let mut text = String::new();
    let _ = file.rewind();
    // What cannot be read is not named; that it is locked is certain.
    let _ = file.read_to_string(&mut text);
    let line = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let pid = line("pid=").filter(|pid| pid.parse::<u32>().is_ok());
    let (pid, address) = match (pid, line("address=")) {
        (Some(pid), Some(address)) => (pid.to_owned(), address.to_owned()),
        _ => (system_knows(file).unwrap_or_else(|| "?".to_owned()), "address unknown".to_owned()),
    };
    LockError::Held { folder: folder.to_owned(), pid, address }
}

/// The pid of whoever has a lock on this file, from `/proc/locks`.
fn system_knows(file: &File) -> Option<String> {
    let inode = file.metadata().ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        // 1: FLOCK  ADVISORY  WRITE 123 08:01:456 0 EOF
        let fields: Vec<_> = line.split_whitespace().collect();
        let at =
            fields.iter().position(|field| field.rsplit(':').next() == Some(&inode.to_string()))?;
        fields.get(at.checked_sub(1)?).map(|pid| (*pid).to_owned())
    })
}

fn io_error(file: &Path) -> impl FnOnce(io::Error) -> LockError {
    let file = file.to_owned();
    |source| LockError::Io { file, source }
}
