//! The disk as the log sees it: one folder of files.
//!
//! [`Real`] is the folder of a local file system. [`simulated::Simulated`] is its strict fake: it
//! keeps through a power cut only what was synced and any subset of the rest.

use std::io;
use std::sync::Arc;

pub mod simulated;

mod real;

pub use real::Real;
pub(crate) use real::write_zeros;

/// One folder of files, all of them named by plain names without a slash.
pub trait Disk: Send + Sync {
    /// The names of all files.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// What the system says; `NotFound` if there is none.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Makes a new file. Its name is durable only after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// What the system says; `AlreadyExists` if there is one.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, in place of whatever had it. Durable only after
    /// [`Disk::sync_folder`].
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; that there is none is no error. Durable only after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names durable as they are now.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&self) -> io::Result<()>;

    /// Bytes that are left.
    ///
    /// # Errors
    /// What the system says.
    fn free(&self) -> io::Result<u64>;

    /// Where a file of this name is, for people and for backups.
    fn path(&self, name: &str) -> std::path::PathBuf;
}

/// An open file.
pub trait File: Send + Sync {
    /// Reads from `at` on until `buffer` is full or the file ends, and says how many bytes it read.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `bytes` from `at` on. Durable only after [`File::sync`].
    ///
    /// # Errors
    /// What the system says; then any part may have been written.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Makes contents and length durable. An error means that nobody knows what is, and that
    /// trying again proves nothing.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self) -> io::Result<()>;

    /// The length.
    ///
    /// # Errors
    /// What the system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether there is nothing in it.
    ///
    /// # Errors
    /// What the system says.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Cuts or, with zeros, lengthens. Durable only after [`File::sync`].
    ///
    /// # Errors
    /// What the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Lengthens to `len` zeros with the room for them taken from the disk now.
    ///
    /// # Errors
    /// What the system says; `StorageFull` if there is no room.
    fn allocate(&self, len: u64) -> io::Result<()>;
}

/// Writes a whole small file so that it is there whole or not at all: other name, synced, renamed,
/// folder synced.
///
/// # Errors
/// What the system says; the other name is removed as far as that is possible.
pub fn write_whole(disk: &dyn Disk, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let temporary = format!("{name}.tmp");
    let write = || {
        disk.remove(&temporary)?;
        let file = disk.create(&temporary)?;
        let mut at = 0;
        for part in parts {
            file.write_at(part, at)?;
            at += part.len() as u64;
        }
        file.sync()?;
        disk.rename(&temporary, name)?;
        disk.sync_folder()
    };
    write().inspect_err(|_| {
        if let Err(error) = disk.remove(&temporary) {
            tracing::warn!(%error, file = temporary, "a half-written file could not be removed");
        }
    })
}

/// Reads a whole file.
///
/// # Errors
/// What the system says.
pub fn read_whole(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}
