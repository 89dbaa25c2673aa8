//! What an embedded log is told when it is opened, and the hooks of tests and metrics.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::id::Offset;
use model::size::ByteSize;

use super::frame::{DATA_START, HEAD, MAX_PAYLOAD};

/// When a frame counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is synced: what had an effect survives a power cut.
    #[default]
    Sync,
    /// When the operating system has it: what had an effect survives the process, not the machine.
    /// A sync each second bounds the loss.
    Os,
}

/// How far a derived copy of the log has come: it helps to judge damage at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last frame that it took in.
    pub at: Offset,
    /// [`frame_crc`](crate::frame_crc) of that frame.
    pub crc: u32,
}

/// Told after each sync of a batch: how long it took and how many frames it was for.
pub type OnSync = Arc<dyn Fn(Duration, usize) + Send + Sync>;
/// Told when the log can not go on; the default ends the process.
pub type OnFatal = Arc<dyn Fn(&Fatal) + Send + Sync>;
/// Told at each named point. Does nothing in release builds.
pub type OnPoint = Arc<dyn Fn(Point) + Send + Sync>;
/// Time since some fixed moment.
pub type Now = Arc<dyn Fn() -> Duration + Send + Sync>;

/// How an embedded log is kept.
#[derive(Clone)]
pub struct Config {
    /// Where the segments lie.
    pub folder: PathBuf,
    /// The id of the ledger, should it begin here: 128 random bits.
    pub new_ledger_id: [u8; 16],
    /// When a frame counts.
    pub durability: Durability,
    /// Bytes of a segment, zero-filled ahead.
    pub segment_size: ByteSize,
    /// The longest frame that is accepted.
    pub max_frame: ByteSize,
    /// The most that is written with one sync.
    pub max_batch: ByteSize,
    /// The most that may wait to be written; more is refused.
    pub max_queued: ByteSize,
    /// The newest frames that are kept in memory.
    pub recent: ByteSize,
    /// So much stays free on the disk: below it new work is refused.
    pub disk_floor: ByteSize,
    /// Size of the file that is given up when not even small records fit any more.
    pub balloon: ByteSize,
    /// For the durations that [`Config::on_sync`] is told.
    pub now: Now,
    /// For metrics.
    pub on_sync: Option<OnSync>,
    /// What happens after an error of a write or a sync.
    pub on_fatal: OnFatal,
    /// For tests that kill or wait at a certain point.
    pub on_point: Option<OnPoint>,
    /// For tests that prove what a rule is for.
    pub rules: Rules,
}

impl Config {
    /// The defaults, in `folder`; `new_ledger_id` are random bits, used only if a ledger begins.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, new_ledger_id: [u8; 16]) -> Self {
        Self {
            folder: folder.into(),
            new_ledger_id,
            durability: Durability::Sync,
            segment_size: ByteSize::mib(64),
            max_frame: ByteSize::mib(2),
            max_batch: ByteSize::mib(1),
            max_queued: ByteSize::mib(64),
            recent: ByteSize::mib(16),
            disk_floor: ByteSize::mib(256),
            balloon: ByteSize::mib(64),
            now: Arc::new(|| Duration::ZERO),
            on_sync: None,
            on_fatal: Arc::new(|fatal| {
                let cause: &dyn std::error::Error = fatal;
                tracing::error!(cause, "the ledger cannot be written; this process ends");
                std::process::abort();
            }),
            on_point: None,
            rules: Rules::default(),
        }
    }

    /// Even the longest frame fits into a segment that has none, with a marker on either side.
    pub(crate) fn longest_frame(&self) -> ByteSize {
        let heads = 3 * HEAD as u64 + 8;
        let room = self.segment_size.as_u64().saturating_sub(DATA_START + heads);
        self.max_frame.min(ByteSize::bytes(room.min(MAX_PAYLOAD as u64)))
    }

    /// Says that a point is reached.
    #[inline]
    pub(crate) fn point(&self, point: Point) {
        #[cfg(debug_assertions)]
        if let Some(on_point) = &self.on_point {
            on_point(point);
        }
        #[cfg(not(debug_assertions))]
        let _ = point;
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("folder", &self.folder)
            .field("durability", &self.durability)
            .field("segment_size", &self.segment_size)
            .field("disk_floor", &self.disk_floor)
            .finish_non_exhaustive()
    }
}

/// Where a log stands in its work; a failpoint can stop it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Point {
    BeforeWrite,
    AfterWriteBeforeSync,
    AfterSync,
    AfterDelivery,
    AfterMarker,
    BeforeSwitch,
    AfterClaim,
    BeforeRename,
    AfterRename,
    AfterFolderSync,
    AfterSeal,
    AfterSpare,
    StartBeforeCopy,
    StartAfterCopy,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::BeforeWrite,
        Self::AfterWriteBeforeSync,
        Self::AfterSync,
        Self::AfterDelivery,
        Self::AfterMarker,
        Self::BeforeSwitch,
        Self::AfterClaim,
        Self::BeforeRename,
        Self::AfterRename,
        Self::AfterFolderSync,
        Self::AfterSeal,
        Self::AfterSpare,
        Self::StartBeforeCopy,
        Self::StartAfterCopy,
    ];

    /// The name by which a harness asks for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeWrite => "log.before-write",
            Self::AfterWriteBeforeSync => "log.after-write-before-sync",
            Self::AfterSync => "log.after-sync",
            Self::AfterDelivery => "log.after-delivery",
            Self::AfterMarker => "log.after-marker",
            Self::BeforeSwitch => "log.before-switch",
            Self::AfterClaim => "log.after-claim",
            Self::BeforeRename => "log.before-rename",
            Self::AfterRename => "log.after-rename",
            Self::AfterFolderSync => "log.after-folder-sync",
            Self::AfterSeal => "log.after-seal",
            Self::AfterSpare => "log.after-spare",
            Self::StartBeforeCopy => "log.start-before-copy",
            Self::StartAfterCopy => "log.start-after-copy",
        }
    }
}

/// Why the log stopped: nothing can be known any more about what is on disk but by a new start.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A write or a sync failed. It is never tried again: what failed once may look right and not
    /// be on disk.
    #[error(
        "{operation} failed, so that nobody knows what is on disk. Look at the disk and at the system log, then start again: the start judges what is there"
    )]
    Disk {
        /// What was tried, with the file's name.
        operation: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The thread of the writer panicked.
    #[error("the writer of the ledger panicked. Start again, and report this with the log")]
    Panic,
}

/// A rule of the contract that tests can take away, to see that something notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Damage is corruption iff something says that it was synced; without: iff anything whole
    /// lies behind (M33).
    JudgeByDurable,
    /// Damage may be corruption; without: all of it is torn (M34).
    RefuseCorruption,
    /// A marker is written when the queue runs dry (M35).
    WriteMarker,
    /// A start copies the tail before anything replayed is readable (M36).
    CopyTail,
    /// It copies the tail; without: it syncs it where it is (M37).
    CopyInsteadOfSync,
    /// A start never appends to an old segment (M38).
    NewSegmentAtStart,
    /// The folder is synced at start (M39).
    SyncFolderAtStart,
    /// It is synced before any header is believed; without: only after the rename (M40).
    SyncFolderFirst,
    /// `durable` of headers counts (M41).
    BelieveHeaders,
    /// The higher number wins; without: the later first sequence (M42).
    OrderByNumber,
}

/// The rules that are in force: all of them, in every release build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    #[cfg(debug_assertions)]
    removed: Option<Rule>,
}

impl Rules {
    /// All but one.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn without(rule: Rule) -> Self {
        Self { removed: Some(rule) }
    }

    /// Whether a rule is in force.
    #[inline]
    #[must_use]
    pub fn hold(self, rule: Rule) -> bool {
        #[cfg(debug_assertions)]
        return self.removed != Some(rule);
        #[cfg(not(debug_assertions))]
        {
            let _ = rule;
            true
        }
    }
}
