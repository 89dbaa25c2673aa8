//! A durable, ordered log of frames: what the ledger is written on.
//!
//! A [`Log`] carries frames and knows no record. It promises one order for everybody who reads,
//! and that whatever it once delivered is there again after any crash (mode [`Durability::Sync`]:
//! after any power cut as well). It leaves to others what a frame means and when to seal, to take
//! a snapshot or to trim.
//!
//! Backends: [`embedded`] (segments on a local disk) and [`simulated`] (in memory, seeded faults).
//! Both pass the suite in [`conformance`]. [`folder`] and [`lock`] look after the data folder in
//! which an embedded log lives.
//!
//! [`Durability::Sync`]: embedded::Durability::Sync

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use model::id::Offset;
use model::size::ByteSize;

pub mod embedded;

pub mod conformance;
pub mod disk;
pub mod folder;
pub mod lock;
pub mod simulated;

mod dice;

/// A durable, ordered sequence of frames, the same for everybody who reads it.
///
/// Offsets are dense: the first frame has [`Offset`] 1, the next 2, and so on.
pub trait Log: Send + Sync {
    /// Hands a frame over, at once or not at all. `Ok` means no more than that: there is no "done"
    /// to act on. The frame counts when [`Log::read`] brings it back; until then it is unknown.
    ///
    /// # Errors
    /// [`Refused`]: the frame is not in the log and never will be.
    fn append(&self, frame: Bytes) -> Result<(), Refused>;

    /// As [`Log::append`], for the small records that bring open activations to their end: these
    /// may use what is kept back when the disk runs full.
    ///
    /// # Errors
    /// [`Refused`]: the frame is not in the log and never will be.
    fn append_reserved(&self, frame: Bytes) -> Result<(), Refused>;

    /// Says how many bytes the open activations may still need for their small records. So much
    /// is kept free on top of the floor: [`Log::append`] refuses before it is touched.
    fn set_reserved(&self, bytes: ByteSize);

    /// Batches from `from` on, in order; each item once, and only when it is durable (or written,
    /// where the log was told that this is enough). Then waits for more. After an error the stream
    /// ends; it also ends when the log is closed. Dropping it loses nothing.
    ///
    /// [`Offset::NONE`] means from the first frame on. An offset below the kept ones brings
    /// [`Error::Trimmed`], one behind the end [`Error::Beyond`].
    fn read(&self, from: Offset) -> BoxStream<'static, Result<Batch, Error>>;

    /// One frame, of any kept segment.
    ///
    /// # Errors
    /// [`Error::Trimmed`], [`Error::Beyond`], [`Error::Damaged`], [`Error::Io`].
    fn get(&self, at: Offset) -> BoxFuture<'static, Result<Bytes, Error>>;

    /// The last offset that is readable now; [`Offset::NONE`] if the log is empty.
    fn end(&self) -> Offset;

    /// The sealed segments in force, oldest first.
    fn sealed(&self) -> Vec<SegmentInfo>;

    /// The frames of the sealed segment that begins with `first`, one after the other. Blocks:
    /// for the thread of the second fold and for rebuilding the index.
    ///
    /// # Errors
    /// [`Error::NotSealed`] if no sealed segment begins there, [`Error::Io`].
    fn scan(&self, first: Offset) -> Result<SegmentScan, Error>;

    /// Asks for a new segment now. [`Item::Sealed`] tells when it happened; a segment without a
    /// frame stays as it is.
    ///
    /// # Errors
    /// [`Refused::Stopped`].
    fn seal(&self) -> Result<(), Refused>;

    /// Saves the state behind the frame `at`, synced. The three newest are kept. Blocks.
    ///
    /// # Errors
    /// [`Error::Beyond`] if `at` is not readable yet, [`Error::Io`]; the older ones stay.
    fn save_snapshot(&self, at: Offset, bytes: &[u8]) -> Result<(), Error>;

    /// The newest good snapshot, at `at_most` or before it. One that is damaged is told in a
    /// warning and passed over. Blocks.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be listed.
    fn newest_snapshot(&self, at_most: Option<Offset>) -> Result<Option<(Offset, Bytes)>, Error>;

    /// Saves what belongs to the sealed segment that begins with `first`, synced. Blocks.
    ///
    /// # Errors
    /// [`Error::NotSealed`], [`Error::Io`].
    fn save_companion(&self, first: Offset, bytes: &[u8]) -> Result<(), Error>;

    /// The companion of the segment that begins with `first`; `None` if there is none, or if it is
    /// damaged (told in a warning; it can be made anew). Blocks.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn companion(&self, first: Offset) -> Result<Option<Bytes>, Error>;

    /// The files that make up the log up to the snapshot `at`, the one that is to be copied first in
    /// front: the snapshot, then the sealed segments with their companions. None where there are no
    /// files. Nothing but [`Log::trim`] and a fourth newer snapshot takes one of them away. Blocks.
    ///
    /// # Errors
    /// [`Error::NotSealed`] if no sealed segment ends there.
    fn files(&self, at: Offset) -> Result<Vec<PathBuf>, Error>;

    /// Removes whole sealed segments of which every frame lies before `before`, oldest first, with
    /// their companions, and says which. What the oldest kept snapshot needs stays, and while
    /// there is no snapshot everything does. Blocks.
    ///
    /// # Errors
    /// [`Error::Io`]; what was removed until then is gone.
    fn trim(&self, before: Offset) -> Result<Vec<SegmentInfo>, Error>;

    /// How the log stands, for readiness and metrics.
    fn health(&self) -> Health;
}

/// What became readable with one sync: the unit that shares a write lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In the order of the log.
    pub items: Vec<Item>,
}

/// One step of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The frame with this offset.
    Frame(Offset, Bytes),
    /// The segment with the frames `first..=last` is sealed; `last` was the frame before.
    Sealed {
        /// Its first frame, by which it is named.
        first: Offset,
        /// Its last frame.
        last: Offset,
    },
}

/// A sealed segment in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its first frame, by which it is named.
    pub first: Offset,
    /// Its last frame.
    pub last: Offset,
    /// Its size on disk.
    pub bytes: ByteSize,
    /// Its file; `None` where there are no files.
    pub path: Option<PathBuf>,
    /// The file of its companion, if that was saved.
    pub companion: Option<PathBuf>,
}

/// The frames of one sealed segment; ends after the first error.
pub type SegmentScan = Box<dyn Iterator<Item = Result<(Offset, Bytes), Error>> + Send>;

/// How a log stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Bytes that the disk still has.
    pub free: ByteSize,
    /// Below so many free bytes (and the reserved ones) new work is refused.
    pub floor: ByteSize,
    /// What [`Log::set_reserved`] said last.
    pub reserved: ByteSize,
    /// New work is refused: [`Refused::DiskFull`].
    pub below_floor: bool,
    /// Nothing at all can be written until the disk has room again.
    pub stalled: bool,
    /// The next segment lies ready.
    pub spare_ready: bool,
    /// The balloon file is in place.
    pub balloon: bool,
    /// Bytes of all segments in force.
    pub used: ByteSize,
    /// Segments in force, the open one included.
    pub segments: usize,
    /// The log has stopped and accepts nothing more.
    pub stopped: bool,
}

/// Why a frame was not taken. It is not in the log and never will be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too little room on the disk for new work.
    #[error(
        "append a frame: the disk of the ledger has only {free} left and {needed} are kept for what is already accepted"
    )]
    DiskFull {
        /// Free bytes as last seen.
        free: ByteSize,
        /// Floor and reservations.
        needed: ByteSize,
    },
    /// More bytes than a frame may have.
    #[error("append a frame of {size}: at most {limit} are allowed")]
    TooLarge {
        /// Of the frame.
        size: ByteSize,
        /// The most that is allowed.
        limit: ByteSize,
    },
    /// The disk does not keep up: too much is waiting to be written.
    #[error("append a frame: {queued} are already waiting to be written")]
    Busy {
        /// What waits.
        queued: ByteSize,
    },
    /// The log is closed, or has stopped after an error.
    #[error("append a frame: the log has stopped")]
    Stopped,
}

impl Refused {
    /// Whether the same append may succeed later without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::DiskFull { .. } | Self::Busy { .. } => true,
            Self::TooLarge { .. } | Self::Stopped => false,
        }
    }
}

/// Why something could not be read or saved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The frame was removed by retention.
    #[error("read frame {at}: the log begins with {first}")]
    Trimmed {
        /// What was asked for.
        at: Offset,
        /// The first that is kept.
        first: Offset,
    },
    /// There is no such frame yet.
    #[error("read frame {at}: the log ends with {end}")]
    Beyond {
        /// What was asked for.
        at: Offset,
        /// The last readable one.
        end: Offset,
    },
    /// The frame, or one on the way to it, does not read well.
    #[error(
        "read frame {sequence} from {file}: it is damaged. Restore a backup, or salvage what still reads"
    )]
    Damaged {
        /// The first frame that does not read well.
        sequence: Offset,
        /// Where it should be.
        file: String,
    },
    /// No sealed segment begins there.
    #[error("no sealed segment begins with frame {first}")]
    NotSealed {
        /// What was asked for.
        first: Offset,
    },
    /// The disk refused.
    #[error("{operation}")]
    Io {
        /// What was tried, with the file's name.
        operation: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Whether trying again can help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Beyond { .. } | Self::Io { .. } => true,
            Self::Trimmed { .. } | Self::Damaged { .. } | Self::NotSealed { .. } => false,
        }
    }

    pub(crate) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        |source| Self::Io { operation, source }
    }
}

/// The checksum by which a derived copy remembers the frame it has come to.
#[must_use]
pub fn frame_crc(frame: &[u8]) -> u32 {
    crc32c::crc32c(frame)
}

/// Locks, whether or not another holder panicked: every state behind these locks is whole between
/// any two statements that change it.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
