//! Backups: the data folder as it was at one moment, copied while the server works.
//!
//! The moment is that of a snapshot, made for it: sealed segments up to there never change, whatever
//! they name was synced before them, and [`Backups::hold`] keeps retention away meanwhile. A backup is
//! laid out as a data folder is, without what can be made anew; its file [`LIST`] says what is in it,
//! and its `FORMAT` comes last, so that half a backup is none. [`restore`] checks every byte.
//!
//! Source: `own-api.md` §9; `design.md` §10.

mod copy;
pub mod restore;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use daemon::clock::Clock;
use log::Log;
use model::id::Offset;
use model::size::ByteSize;

use crate::snapshotter::{self, Worker};
use copy::{Copier, Item};

/// The file of a backup that says what is in it.
pub const LIST: &str = "BACKUP";
/// So many are remembered.
const REMEMBERED: usize = 100;

/// Why no backup is begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One at a time.
    #[error("A backup is already running ({percent} % done).")]
    Running {
        /// How far it is.
        percent: u64,
    },
    /// Not into this folder.
    #[error("The folder '{folder}' cannot be used for a backup: {reason}.")]
    Folder {
        /// As it was asked for.
        folder: String,
        /// Why.
        reason: Reason,
    },
}

/// Why a folder cannot take a backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The server's own working folder is nobody's business.
    #[error("it is not an absolute path")]
    Relative,
    /// Nothing is written over.
    #[error("it is not empty")]
    NotEmpty,
    /// The system refuses.
    #[error("it cannot be written")]
    Unwritable,
    /// A copy beside the original is none.
    #[error("it lies in the data folder")]
    InData,
    /// The disk is too small.
    #[error("it has {free} bytes free and {needed} are needed")]
    NoRoom {
        /// Bytes.
        free: u64,
        /// Bytes.
        needed: u64,
    },
}

/// Why a backup that was begun came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// There is no snapshot that it could begin with.
    #[error("make a snapshot for the backup")]
    Snapshot(#[from] snapshotter::Error),
    /// The log does not say what its files are.
    #[error("list the files of the ledger")]
    Log(#[from] log::Error),
    /// A file could not be read or written.
    #[error("{doing} {path}", path = path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Failed {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}

/// How far a backup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Percent.
    Running(u64),
    /// It is whole.
    Done {
        /// The last record in it.
        offset: Offset,
        /// What was copied.
        bytes: ByteSize,
    },
    /// It is of no use.
    Failed(String),
}

/// A backup that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Counts from 1 in each life of the server.
    pub number: u64,
    /// How far it is.
    pub state: State,
}

/// Makes backups of one data folder, one at a time.
pub struct Backups {
    data: PathBuf,
    log: Arc<dyn Log>,
    snapshotter: Arc<Worker>,
    clock: Clock,
    asked: Mutex<Vec<Backup>>,
    /// Held by whoever copies the log, or takes something away from it.
    turn: Mutex<()>,
    copied: AtomicU64,
    all: AtomicU64,
}

impl Backups {
    /// Of this data folder, in which `log` lives.
    #[must_use]
    pub fn new(
        data: PathBuf,
        log: Arc<dyn Log>,
        snapshotter: Arc<Worker>,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            data,
            log,
            snapshotter,
            clock,
            asked: Mutex::default(),
            turn: Mutex::default(),
            copied: AtomicU64::new(0),
            all: AtomicU64::new(0),
        })
    }

    /// Leave to take something away from the log, until it is dropped; `None` while a backup runs.
    pub fn hold(&self) -> Option<MutexGuard<'_, ()>> {
        match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }

    /// Begins a backup into `folder`, on a thread of its own. Blocks while the folder is looked at.
    ///
    /// # Errors
    /// [`Refused`]: nothing was begun.
    pub fn start(self: &Arc<Self>, folder: &str) -> Result<Backup, Refused> {
        self.is_free(&self.lock())?;
        let refused = |reason| Refused::Folder { folder: folder.to_owned(), reason };
        let target = PathBuf::from(folder);
        let size = self.judge(&target).map_err(refused)?;
        let mut asked = self.lock();
        self.is_free(&asked)?;
        self.copied.store(0, Ordering::Relaxed);
        self.all.store(size, Ordering::Relaxed);
        let number = asked.last().map_or(1, |last| last.number + 1);
        let backup = Backup { number, state: State::Running(0) };
        if asked.len() >= REMEMBERED {
            asked.remove(0);
        }
        asked.push(backup.clone());
        drop(asked);
        let me = Arc::clone(self);
        let thread = std::thread::Builder::new().name("quirl-backup".to_owned());
        let spawned = thread.spawn(move || me.work(number, &target));
        if let Err(error) = spawned {
            self.end(number, State::Failed(format!("start a thread: {error}")));
        }
        Ok(backup)
    }

    /// A backup that was asked for in this life of the server.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<Backup> {
        let mut found = self.lock().iter().find(|it| it.number == number).cloned()?;
        if let State::Running(percent) = &mut found.state {
            *percent = self.percent();
        }
        Some(found)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Backup>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_free(&self, asked: &[Backup]) -> Result<(), Refused> {
        match asked.last() {
            Some(Backup { state: State::Running(_), .. }) => {
                Err(Refused::Running { percent: self.percent() })
            }
            _ => Ok(()),
        }
    }

    /// 100 is said only when it is whole.
    fn percent(&self) -> u64 {
        let all = self.all.load(Ordering::Relaxed).max(1);
        (self.copied.load(Ordering::Relaxed).saturating_mul(100) / all).min(99)
    }

    fn end(&self, number: u64, state: State) {
        if let Some(backup) = self.lock().iter_mut().find(|it| it.number == number) {
            backup.state = state;
        }
    }

    fn work(&self, number: u64, target: &Path) {
        let mut ending = Ending { of: self, number, state: None };
        let copier = Copier::new(target, &self.copied);
        let state = match self.copy(&copier) {
            Ok((offset, bytes)) => {
                tracing::info!(folder = %target.display(), %offset, %bytes, "a backup was made");
                State::Done { offset, bytes }
            }
            Err(error) => {
                let error = daemon::shutdown::chain(&error);
                tracing::error!(error, folder = %target.display(), "a backup failed");
                copier.remove();
                State::Failed(error)
            }
        };
        ending.state = Some(state);
    }

    fn copy(&self, copier: &Copier<'_>) -> Result<(Offset, ByteSize), Failed> {
        let at = self.snapshotter.snapshot()?;
        // Not earlier: a full disk may wait for retention before it seals.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let made = self.clock.wall();
        // First what the log keeps only for so long; then what is named in it, which stays.
        let bytes = copier.run(&self.of_the_log(at)?, || self.beside_the_log(), at, made)?;
        Ok((at, ByteSize::bytes(bytes)))
    }

    /// A snapshot, and what lies before it.
    fn of_the_log(&self, at: Offset) -> Result<Vec<Item>, Failed> {
        let files = self.log.files(at)?.into_iter();
        let item = |path: PathBuf| {
            Item::of(&self.data, path.clone()).map_err(Failed::io("look at", &path))
        };
        files.map(item).collect()
    }

    fn beside_the_log(&self) -> Result<Vec<Item>, Failed> {
        let mut items = Vec::new();
        for folder in ["blobs", "secrets"] {
            copy::files_below(&self.data, &self.data.join(folder), &mut items)?;
        }
        Ok(items)
    }

    /// About how much goes there, if it can. Makes the folder.
    fn judge(&self, target: &Path) -> Result<u64, Reason> {
        let is_plain = |part| !matches!(part, Component::ParentDir | Component::CurDir);
        if !target.is_absolute() || !target.components().all(is_plain) {
            return Err(Reason::Relative);
        }
        let there = target.ancestors().find_map(|above| above.canonicalize().ok());
        let data = self.data.canonicalize().unwrap_or_else(|_| self.data.clone());
        if there.is_some_and(|there| there.starts_with(&data)) {
            return Err(Reason::InData);
        }
        let is_new = !target.exists();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(target);
        made.map_err(|_| Reason::Unwritable)?;
        let judged = self.judge_folder(target, &data);
        if judged.is_err() && is_new {
            let _ = fs::remove_dir(target);
        }
        judged
    }

    /// The same of a folder that is there.
    fn judge_folder(&self, target: &Path, data: &Path) -> Result<u64, Reason> {
        let mut entries = fs::read_dir(target).map_err(|_| Reason::Unwritable)?;
        if entries.next().is_some() {
            return Err(Reason::NotEmpty);
        }
        rustix::fs::access(target, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
            .map_err(|_| Reason::Unwritable)?;
        let mounted = rustix::fs::statvfs(target).map_err(|_| Reason::Unwritable)?;
        let free = mounted.f_bavail.saturating_mul(mounted.f_frsize);
        let device = |path: &Path| fs::metadata(path).map(|it| it.dev());
        let health = self.log.health();
        // On the disk of the ledger new work needs room as well.
        let is_shared = matches!((device(target), device(data)), (Ok(a), Ok(b)) if a == b);
        let kept = if is_shared { health.floor.as_u64() + health.reserved.as_u64() } else { 0 };
        let size = self.size();
        let needed = size.saturating_add(kept);
        if free < needed { Err(Reason::NoRoom { free, needed }) } else { Ok(size) }
    }

    /// About what a backup takes now.
    fn size(&self) -> u64 {
        let mut items = Vec::new();
        for folder in ["blobs", "ledger"] {
            // What cannot be listed now is told when it is to be copied.
            let _ = copy::files_below(&self.data, &self.data.join(folder), &mut items);
        }
        items.iter().map(|item| item.bytes).sum()
    }
}

/// Ends a backup, whatever became of the thread that made it.
struct Ending<'a> {
    of: &'a Backups,
    number: u64,
    state: Option<State>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let failed =
            || State::Failed("it came to no end; the log of the server says why".to_owned());
        self.of.end(self.number, self.state.take().unwrap_or_else(failed));
    }
}
