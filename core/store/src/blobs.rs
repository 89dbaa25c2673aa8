//! Blobs: code, and payloads, results and logs that are too large for a record.
//!
//! One file per content, `<folder>/ab/<sha256>`. What [`Blobs::put`] returned is on disk, so the
//! record that names it may follow. A file that is already there is verified and *touched*: its time
//! is set and synced, so the collector does not take it between the `put` and the record.
//! A damaged file is told when it is read and is healed by the next `put` of the same bytes.
//!
//! Left to others: which blobs are named, and by whom ([`Blobs::remove_untouched`] asks).
//!
//! Source: `exactly-once.md` §12 "Blobs", I31, F104, F158.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};
use sha2::{Digest as _, Sha256};

use model::id::Digest;
use model::size::ByteSize;
use model::time::WallTime;

/// Files that are being written, before they have their name.
const NEW: &str = "new";

/// The blobs in one folder. Cheap to clone; all clones are the same blobs.
///
/// The folder belongs to this process: who opens it holds the lock of the data folder.
#[derive(Clone, Debug)]
pub struct Blobs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// One for each folder `ab`, held while a file in it gets its name, is touched or is removed:
    /// the collector never removes a file between its look at the time and its removal.
    /// Inside: whether the folder is known to be on disk.
    folders: Vec<Mutex<bool>>,
    /// Tells apart the files in [`NEW`].
    written: AtomicU64,
}

/// Why a blob could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such blob; its content can be had again only from whoever puts it anew.
    #[error("read blob {digest}: there is no such file; the next put of the same bytes heals it")]
    Missing {
        /// The blob.
        digest: Digest,
    },
    /// The bytes in the file are not those it was named for.
    #[error(
        "read blob {digest}: the bytes in {path} are not those it is named for; \
         the next put of the same bytes heals it"
    )]
    Damaged {
        /// The blob.
        digest: Digest,
        /// Its file.
        path: PathBuf,
    },
    /// The disk refused. Nothing was promised, trying again may help.
    #[error("{doing} {path}")]
    Io {
        /// What was being done, such as "sync blob".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The thread that did the work is gone: the runtime is being shut down.
    #[error("use a blob: the runtime is shutting down")]
    Stopped,
}

impl Error {
    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { .. } => true,
            Self::Missing { .. } | Self::Damaged { .. } | Self::Stopped => false,
        }
    }
}

/// What one pass of the collector did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Files looked at.
    pub seen: u64,
    /// Files removed.
    pub removed: u64,
    /// What they held.
    pub freed: ByteSize,
}

impl Blobs {
    /// The blobs in `folder`, which is made if it is missing. What a crash left half-written is
    /// removed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let new = folder.join(NEW);
        match fs::remove_dir_all(&new) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove", &new)(source));
            }
            _ => {}
        }
        fs::create_dir_all(&new).map_err(Error::io("make folder", &new))?;
        let folders =
            (0..=u8::MAX).map(|byte| Mutex::new(folder.join(hex(byte)).is_dir())).collect();
        // Folders that are seen now may have been made by a process that died before its sync.
        sync_folder(folder)?;
        if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            sync_folder(above)?;
        }
        let shared = Shared { folder: folder.to_owned(), folders, written: AtomicU64::new(0) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Keeps `bytes` and says by which name. When this returns they are on disk and will be after
    /// a power cut; nothing takes them away for as long as the collector spares the untouched.
    ///
    /// # Errors
    /// [`Error::Io`]: nothing is promised; the bytes may be there or not.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = digest_of(bytes);
        let path = self.path(digest);
        if self.touch_if_same(digest, &path, bytes)? {
            return Ok(digest);
        }
        let new = self.write_new(bytes)?;
        let mut folder_is_there = self.lock(digest);
        self.name(&new, &path, &mut folder_is_there).inspect_err(|_| {
            // It has no name and nobody looks for it; the next start removes what stays.
            fs::remove_file(&new).ok();
        })?;
        Ok(digest)
    }

    /// The bytes that were put under this name, verified.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], [`Error::Io`].
    pub fn get(&self, digest: Digest) -> Result<Bytes, Error> {
        let path = self.path(digest);
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Missing { digest },
            _ => Error::Io { doing: "read blob", path: path.clone(), source },
        })?;
        if digest_of(&bytes) != digest {
            return Err(Error::Damaged { digest, path });
        }
        Ok(bytes.into())
    }

    /// Whether there is a file of this name. What is in it shows only in [`Blobs::get`].
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn exists(&self, digest: Digest) -> Result<bool, Error> {
        let path = self.path(digest);
        path.try_exists().map_err(Error::io("look for blob", &path))
    }

    /// Says that this blob is about to be named (again): spares it as a [`Blobs::put`] would,
    /// for callers that have the name and not the bytes. The content is not verified.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Io`].
    pub fn touch(&self, digest: Digest) -> Result<(), Error> {
        let path = self.path(digest);
        let _held = self.lock(digest);
        match File::open(&path) {
            Ok(file) => touch_open(&file, &path),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(Error::Missing { digest })
            }
            Err(source) => Err(Error::Io { doing: "open blob", path, source }),
        }
    }

    /// One pass of the collector: removes each blob that was last touched before `older_than` and
    /// is not `named`. A name that comes into being meanwhile does so after a `put` or `touch`,
    /// which spares the blob by its time; so `named` need not be exact about the newest ones.
    ///
    /// # Errors
    /// [`Error::Io`]; what was removed until then is gone.
    pub fn remove_untouched(
        &self,
        named: &dyn Fn(Digest) -> bool,
        older_than: WallTime,
    ) -> Result<Collected, Error> {
        let mut collected = Collected::default();
        for byte in 0..=u8::MAX {
            let folder = self.shared.folder.join(hex(byte));
            let entries = match fs::read_dir(&folder) {
                Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(Error::io("list", &folder))?,
            };
            for entry in entries {
                let path = entry.map_err(Error::io("list", &folder))?.path();
                let name = path.file_name().and_then(|name| name.to_str());
                // Whatever is not ours stays: it was put there by a person.
                let Some(digest) = name.and_then(|name| name.parse::<Digest>().ok()) else {
                    continue;
                };
                collected.seen += 1;
                if named(digest) {
                    continue;
                }
                if let Some(size) = self.remove_if_older(digest, &path, older_than)? {
                    collected.removed += 1;
                    collected.freed = ByteSize::bytes(collected.freed.as_u64() + size);
                }
            }
        }
        Ok(collected)
    }

    /// As [`Blobs::put`], on a thread that may block. Dropping the future stops nothing.
    ///
    /// # Errors
    /// As [`Blobs::put`], and [`Error::Stopped`].
    pub async fn put_async(&self, bytes: Bytes) -> Result<Digest, Error> {
        let blobs = self.clone();
        off_thread(move || blobs.put(&bytes)).await
    }

    /// As [`Blobs::get`], on a thread that may block.
    ///
    /// # Errors
    /// As [`Blobs::get`], and [`Error::Stopped`].
    pub async fn get_async(&self, digest: Digest) -> Result<Bytes, Error> {
        let blobs = self.clone();
        off_thread(move || blobs.get(digest)).await
    }

    /// As [`Blobs::exists`], on a thread that may block.
    ///
    /// # Errors
    /// As [`Blobs::exists`], and [`Error::Stopped`].
    pub async fn exists_async(&self, digest: Digest) -> Result<bool, Error> {
        let blobs = self.clone();
        off_thread(move || blobs.exists(digest)).await
    }

    /// As [`Blobs::touch`], on a thread that may block.
    ///
    /// # Errors
    /// As [`Blobs::touch`], and [`Error::Stopped`].
    pub async fn touch_async(&self, digest: Digest) -> Result<(), Error> {
        let blobs = self.clone();
        off_thread(move || blobs.touch(digest)).await
    }

    /// The file of a blob, whether it is there or not: for backups and tests.
    #[must_use]
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.shared.folder.join(hex(digest.0[0])).join(digest.to_string())
    }

    /// Touches the file if it holds exactly these bytes. A damaged one is left to be replaced.
    fn touch_if_same(&self, digest: Digest, path: &Path, bytes: &[u8]) -> Result<bool, Error> {
        let _held = self.lock(digest);
        let file = match File::open(path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file.map_err(Error::io("open blob", path))?,
        };
        // A file that cannot be read is replaced too: that is what heals it.
        if fs::read(path).ok().as_deref() != Some(bytes) {
            return Ok(false);
        }
        touch_open(&file, path)?;
        // Its rename may have been seen without having been synced: by the process before us.
        self.sync_folder_of(path)?;
        Ok(true)
    }

    /// Writes and syncs a file that has no name yet.
    fn write_new(&self, bytes: &[u8]) -> Result<PathBuf, Error> {
        let number = self.shared.written.fetch_add(1, Ordering::Relaxed);
        let new = self.shared.folder.join(NEW).join(number.to_string());
        let mut file = File::create(&new).map_err(Error::io("make file", &new))?;
        let written = file
            .write_all(bytes)
            .map_err(Error::io("write blob", &new))
            .and_then(|()| file.sync_all().map_err(Error::io("sync blob", &new)));
        written.inspect_err(|_| {
            fs::remove_file(&new).ok();
        })?;
        Ok(new)
    }

    /// Gives a synced file its name and syncs that too.
    fn name(&self, new: &Path, path: &Path, folder_is_there: &mut bool) -> Result<(), Error> {
        if !*folder_is_there {
            let folder = path.parent().unwrap_or(&self.shared.folder);
            fs::create_dir_all(folder).map_err(Error::io("make folder", folder))?;
            sync_folder(&self.shared.folder)?;
            *folder_is_there = true;
        }
        fs::rename(new, path).map_err(Error::io("name blob", path))?;
        self.sync_folder_of(path)
    }

    fn sync_folder_of(&self, path: &Path) -> Result<(), Error> {
        sync_folder(path.parent().unwrap_or(&self.shared.folder))
    }

    /// Its size, if it was removed.
    fn remove_if_older(
        &self,
        digest: Digest,
        path: &Path,
        older_than: WallTime,
    ) -> Result<Option<u64>, Error> {
        let _held = self.lock(digest);
        let about = match fs::metadata(path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            about => about.map_err(Error::io("look at blob", path))?,
        };
        let touched = about.modified().map_err(Error::io("look at blob", path))?;
        if wall_time(touched) >= older_than {
            return Ok(None);
        }
        fs::remove_file(path).map_err(Error::io("remove blob", path))?;
        Ok(Some(about.len()))
    }

    fn lock(&self, digest: Digest) -> MutexGuard<'_, bool> {
        // What it guards is a fact about the disk, right at every moment: poison says nothing.
        self.shared.folders[usize::from(digest.0[0])].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Error {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// The name of these bytes.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// As [`digest_of`], on a thread that may block.
///
/// # Errors
/// [`Error::Stopped`].
pub async fn digest_of_async(bytes: Bytes) -> Result<Digest, Error> {
    off_thread(move || Ok(digest_of(&bytes))).await
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

fn touch_open(file: &File, path: &Path) -> Result<(), Error> {
    let now = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    };
    futimens(file, &now).map_err(io::Error::from).map_err(Error::io("touch blob", path))?;
    file.sync_all().map_err(Error::io("sync blob", path))
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::io("sync folder", folder))
}

fn wall_time(time: std::time::SystemTime) -> WallTime {
    let millis = match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    };
    WallTime(millis)
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Stopped),
        },
    }
}

#[cfg(test)]
mod tests;
