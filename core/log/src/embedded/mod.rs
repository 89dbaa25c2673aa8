//! The log on a local disk: segments, group commit without a timer, and a start that never loses
//! what had an effect.
//!
//! A frame goes [`Embedded::append`] → queue → [`writer`](self) (drain, write, sync) → readers.
//! Promised in mode [`Durability::Sync`]: whatever a reader was handed is in the log after any
//! later crash and power cut (I29); damage at or below what was synced is refused and damage above
//! it is cut (I30). After any error of a write or a sync the process ends
//! ([`Config::on_fatal`]).
//!
//! **Source:** `exactly-once.md` §11.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use model::id::Offset;
use model::size::ByteSize;

use crate::disk::{Disk, Real};
use crate::{Batch, Error, Health, Log, Refused, SegmentInfo, SegmentScan, lock};

mod behind;
mod config;
mod judge;
mod recovery;

mod frame;
mod live;
mod reader;
mod reserve;
mod salvage;
mod scan;
mod segment;
mod snapshots;
mod writer;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod power_cuts;
#[cfg(test)]
mod tests;

pub use config::{
    Checkpoint, Config, Durability, Fatal, Now, OnFatal, OnPoint, OnSync, Point, Rule, Rules,
};
pub use judge::{Evidence, OpenError};
pub use recovery::{CheckpointFound, Start};
pub use salvage::{Salvaged, salvage};

use behind::Behind;
use live::{Live, Place};
use reader::Reader;
use reserve::Reserve;
use writer::Writer;

/// In mode `os`, so often at least what was written is synced.
const OS_SYNC: Duration = Duration::from_secs(1);

/// A log on a local disk. Dropping it writes what was accepted and waits for its threads.
pub struct Embedded {
    shared: Arc<Shared>,
    live: Arc<Live>,
    reserve: Arc<Reserve>,
    disk: Arc<dyn Disk>,
    config: Arc<Config>,
    ledger: [u8; 16],
    start: Start,
    /// Snapshots, companions and trims, one at a time.
    housekeeping: Mutex<()>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What appends share with the writer.
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// The writer waits to be woken.
    sleeping: bool,
    seal: bool,
    closed: bool,
}

impl Embedded {
    /// Opens the log in [`Config::folder`], or begins one there. `checkpoint` is how far the index
    /// has come: it helps to judge damage.
    ///
    /// The caller holds the lock of the data folder. Blocks.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] names the frame from which on what was once durable is damaged.
    pub fn open(config: Config, checkpoint: Option<Checkpoint>) -> Result<Self, OpenError> {
        let folder = config.folder.display().to_string();
        let disk = Real::open(&config.folder)
            .map_err(judge::io_error(format!("open the folder {folder}")))?;
        Self::open_on(Arc::new(disk), config, checkpoint)
    }

    /// As [`Embedded::open`], on any disk; [`Config::folder`] is not looked at.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        config: Config,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Self, OpenError> {
        let config = Arc::new(config);
        let (writer, live, reserve, start, ledger) = assemble(&disk, &config, checkpoint)?;
        reserve.set_helped();
        let shared = Arc::new(Shared { queue: Mutex::default(), wake: Condvar::new() });
        let log = Self {
            shared: Arc::clone(&shared),
            live: Arc::clone(&live),
            reserve: Arc::clone(&reserve),
            disk,
            config: Arc::clone(&config),
            ledger,
            start,
            housekeeping: Mutex::default(),
            threads: Mutex::default(),
        };
        let behind = Arc::new(Behind::new(Arc::clone(&config)));
        let durability = config.durability;
        let thread = Thread {
            shared,
            live,
            reserve: Arc::clone(&reserve),
            behind: Arc::clone(&behind),
            config,
            writer,
        };
        log.spawn("quirl-log", move || thread.run())?;
        if durability == Durability::Os {
            let shared = Arc::clone(&log.shared);
            log.spawn("quirl-log-sync", move || {
                behind.run();
                lock(&shared.queue).closed = true;
                shared.wake.notify_one();
            })?;
        }
        log.spawn("quirl-log-spare", move || reserve.help())?;
        Ok(log)
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(judge::io_error(format!("start the thread {name}")))?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// What the start found.
    #[must_use]
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// The id of the ledger: the same for its whole life.
    #[must_use]
    pub fn ledger_id(&self) -> [u8; 16] {
        self.ledger
    }

    /// Accepts nothing more, writes what was accepted, ends all readers and waits for the threads.
    /// Blocks.
    pub fn close(&self) {
        lock(&self.shared.queue).closed = true;
        self.shared.wake.notify_one();
        self.reserve.closing();
        // First the writer, which lets the helper go when it has written all.
        for thread in lock(&self.threads).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the ledger panicked");
            }
        }
    }

    fn push(&self, frame: Bytes, most: usize) -> Result<(), Refused> {
        let limit = self.config.longest_frame();
        if frame.len() > limit.as_usize() {
            let size = ByteSize::bytes(frame.len() as u64);
            return Err(Refused::TooLarge { size, limit });
        }
        let mut queue = lock(&self.shared.queue);
        if queue.closed {
            return Err(Refused::Stopped);
        }
        if queue.bytes >= most {
            return Err(Refused::Busy { queued: ByteSize::bytes(queue.bytes as u64) });
        }
        queue.bytes += frame.len();
        queue.frames.push_back(frame);
        let wake = std::mem::take(&mut queue.sleeping);
        drop(queue);
        if wake {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    fn disk_full(&self) -> Refused {
        Refused::DiskFull {
            free: ByteSize::bytes(self.reserve.free()),
            needed: ByteSize::bytes(self.reserve.needed()),
        }
    }

    fn sealed_at(&self, first: Offset) -> Result<Arc<segment::Segment>, Error> {
        let found = self.live.with(|state| {
            let found = state.segments.iter().find(|it| it.first == first.0);
            found.filter(|it| it.last().is_some()).cloned()
        });
        found.ok_or(Error::NotSealed { first })
    }

    fn info(&self, segment: &segment::Segment, last: u64) -> SegmentInfo {
        let companion = self.disk.path(&snapshots::companion_name(segment.first));
        SegmentInfo {
            first: Offset(segment.first),
            last: Offset(last),
            bytes: ByteSize::bytes(segment.bytes()),
            path: Some(self.disk.path(&segment.name)),
            companion: Some(companion).filter(|path| Path::exists(path)),
        }
    }
}

/// Whether the folder of a ledger has anything in it that must not be lost.
///
/// # Errors
/// What the system says.
pub fn holds_a_frame(folder: &Path) -> std::io::Result<bool> {
    judge::has_a_frame(&Real::open(folder)?)
}

type Parts = (Writer, Arc<Live>, Arc<Reserve>, Start, [u8; 16]);

/// All but the threads.
fn assemble(
    disk: &Arc<dyn Disk>,
    config: &Arc<Config>,
    checkpoint: Option<Checkpoint>,
) -> Result<Parts, OpenError> {
    let recovered = recovery::recover(disk, config, checkpoint)?;
    let names = disk.list().map_err(judge::io_error("list the folder of the ledger"))?;
    for left in names.iter().filter(|name| name.ends_with(".tmp")) {
        disk.remove(left).map_err(judge::io_error(format!("remove {left}")))?;
    }
    let start = recovered.start;
    let ledger = recovered.tip.ledger;
    let reserve = Arc::new(Reserve::new(Arc::clone(disk), Arc::clone(config), &names));
    let live = Arc::new(Live::new(recovered.segments, start.end.0, config.recent.as_usize()));
    let writer = Writer::new(
        Arc::clone(disk),
        Arc::clone(config),
        Arc::clone(&live),
        Arc::clone(&reserve),
        recovered.tip,
    );
    Ok((writer, live, reserve, start, ledger))
}

impl Log for Embedded {
    fn append(&self, frame: Bytes) -> Result<(), Refused> {
        if self.reserve.below_floor() || self.reserve.stalled() {
            return Err(self.disk_full());
        }
        self.push(frame, self.config.max_queued.as_usize())
    }

    fn append_reserved(&self, frame: Bytes) -> Result<(), Refused> {
        // The open segment may have room when the next one has none.
        if self.reserve.stalled() && !self.reserve.has_room(frame.len()) {
            return Err(self.disk_full());
        }
        self.push(frame, self.config.max_queued.as_usize().saturating_mul(2))
    }

    fn set_reserved(&self, bytes: ByteSize) {
        self.reserve.set_reserved(bytes.as_u64());
    }

    fn read(&self, from: Offset) -> BoxStream<'static, Result<Batch, Error>> {
        Box::pin(Reader::new(Arc::clone(&self.live), from))
    }

    fn get(&self, at: Offset) -> BoxFuture<'static, Result<Bytes, Error>> {
        let at = at.max(Offset(1));
        let segment = match self.live.find(at.0) {
            Ok(Place::Memory(frame)) => return ready(Ok(frame)).boxed(),
            Ok(Place::Segment(segment)) => segment,
            Err(error) => return ready(Err(error)).boxed(),
        };
        let runtime = tokio::runtime::Handle::try_current();
        match runtime {
            // The first look into an old segment goes over all of it.
            Ok(runtime) if !segment.knows_places() => {
                let read = runtime.spawn_blocking(move || segment.get(at.0));
                let gone = |error| Error::io("read an old segment")(std::io::Error::other(error));
                read.map(move |read| read.unwrap_or_else(|error| Err(gone(error)))).boxed()
            }
            _ => ready(segment.get(at.0)).boxed(),
        }
    }

    fn end(&self) -> Offset {
        Offset(self.live.end())
    }

    fn sealed(&self) -> Vec<SegmentInfo> {
        let segments = self.live.with(|state| state.segments.clone());
        let sealed = segments.iter().filter_map(|it| Some((it, it.last()?)));
        sealed.map(|(segment, last)| self.info(segment, last)).collect()
    }

    fn scan(&self, first: Offset) -> Result<SegmentScan, Error> {
        scan::scan(self.sealed_at(first)?)
    }

    fn seal(&self) -> Result<(), Refused> {
        let mut queue = lock(&self.shared.queue);
        if queue.closed {
            return Err(Refused::Stopped);
        }
        queue.seal = true;
        queue.sleeping = false;
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    fn save_snapshot(&self, at: Offset, bytes: &[u8]) -> Result<(), Error> {
        if at > self.end() {
            return Err(Error::Beyond { at, end: self.end() });
        }
        let _alone = lock(&self.housekeeping);
        snapshots::save(self.disk.as_ref(), &self.ledger, at.0, bytes)
    }

    fn newest_snapshot(&self, at_most: Option<Offset>) -> Result<Option<(Offset, Bytes)>, Error> {
        let at_most = at_most.unwrap_or(self.end()).min(self.end());
        snapshots::newest(self.disk.as_ref(), &self.ledger, at_most.0)
    }

    fn save_companion(&self, first: Offset, bytes: &[u8]) -> Result<(), Error> {
        let _alone = lock(&self.housekeeping);
        self.sealed_at(first)?;
        snapshots::save_companion(self.disk.as_ref(), &self.ledger, first.0, bytes)
    }

    fn companion(&self, first: Offset) -> Result<Option<Bytes>, Error> {
        snapshots::companion(self.disk.as_ref(), &self.ledger, first.0)
    }

    fn files(&self, at: Offset) -> Result<Vec<PathBuf>, Error> {
        let mut sealed = self.sealed();
        sealed.retain(|segment| segment.last <= at);
        if sealed.last().is_none_or(|newest| newest.last != at) {
            return Err(Error::NotSealed { first: at });
        }
        let segments = sealed.into_iter().flat_map(|it| it.path.into_iter().chain(it.companion));
        let snapshot = self.disk.path(&snapshots::snapshot_name(at.0));
        Ok(std::iter::once(snapshot).chain(segments).collect())
    }

    fn trim(&self, before: Offset) -> Result<Vec<SegmentInfo>, Error> {
        let _alone = lock(&self.housekeeping);
        let oldest = snapshots::oldest(self.disk.as_ref()).map_err(Error::io("list snapshots"))?;
        let Some(oldest) = oldest else { return Ok(Vec::new()) };
        let before = before.0.min(oldest + 1);
        let mut removed = Vec::new();
        loop {
            let due = self.live.with(|state| state.segments.first().cloned());
            let Some((segment, last)) = due.and_then(|it| it.last().map(|last| (it, last))) else {
                return Ok(removed);
            };
            if last >= before {
                return Ok(removed);
            }
            removed.push(self.info(&segment, last));
            self.live.with(|state| state.segments.retain(|it| !Arc::ptr_eq(it, &segment)));
            // One at a time, so that no power cut leaves a hole between kept ones.
            let remove = || {
                self.disk.remove(&snapshots::companion_name(segment.first))?;
                self.disk.remove(&segment.name)?;
                self.disk.sync_folder()
            };
            remove().map_err(Error::io(format!("remove {}", segment.name)))?;
        }
    }

    fn health(&self) -> Health {
        let (used, segments) = self
            .live
            .with(|state| (state.segments.iter().map(|it| it.bytes()).sum(), state.segments.len()));
        Health {
            free: ByteSize::bytes(self.reserve.free()),
            floor: self.config.disk_floor,
            reserved: ByteSize::bytes(self.reserve.reserved()),
            below_floor: self.reserve.below_floor(),
            stalled: self.reserve.stalled(),
            spare_ready: self.reserve.spare_ready(),
            balloon: self.reserve.has_balloon(),
            used: ByteSize::bytes(used),
            segments,
            stopped: lock(&self.shared.queue).closed,
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("config", &self.config)
            .field("end", &self.live.end())
            .finish_non_exhaustive()
    }
}

/// The thread of the writer.
struct Thread {
    shared: Arc<Shared>,
    live: Arc<Live>,
    reserve: Arc<Reserve>,
    behind: Arc<Behind>,
    config: Arc<Config>,
    writer: Writer,
}

/// What the writer has to do next.
enum Work {
    Frames,
    Seal,
    /// Nothing came for a while, and not all is synced.
    Sync,
    Stop,
}

impl Thread {
    fn run(mut self) {
        // Nobody may go on without the writer, so a panic ends the process like a failed sync.
        let work = std::panic::AssertUnwindSafe(|| self.write_all());
        let ended = std::panic::catch_unwind(work).unwrap_or(Err(Fatal::Panic));
        lock(&self.shared.queue).closed = true;
        if let Err(fatal) = ended {
            (self.config.on_fatal)(&fatal);
        }
        self.reserve.close();
        self.behind.close();
        self.live.close();
    }

    fn write_all(&mut self) -> Result<(), Fatal> {
        let mut frames = VecDeque::new();
        let mut synced_at = (self.config.now)();
        loop {
            match self.next(&mut frames)? {
                Work::Frames => {
                    tracing::trace!(frames = frames.len(), "to be written");
                    self.writer.commit(&mut frames)?;
                }
                Work::Seal if self.writer.can_seal() => {
                    self.writer.switch()?;
                }
                Work::Seal | Work::Sync => {}
                Work::Stop => {
                    if self.writer.is_dirty() {
                        self.writer.sync(0)?;
                    }
                    return self.writer.mark();
                }
            }
            self.writer.note_durable(self.behind.durable());
            if !self.writer.is_dirty() {
                synced_at = (self.config.now)();
            } else if (self.config.now)().saturating_sub(synced_at) >= OS_SYNC {
                self.writer.sync_behind(&self.behind);
                synced_at = (self.config.now)();
            }
        }
    }

    /// Takes what queued, at most so much; writes the marker before it waits for more.
    fn next(&mut self, frames: &mut VecDeque<Bytes>) -> Result<Work, Fatal> {
        let mut marked = false;
        // Who was woken by the last batch may add to the next one; costs nothing if nobody is there.
        std::thread::yield_now();
        let mut queue = lock(&self.shared.queue);
        loop {
            if !queue.frames.is_empty() {
                queue.take(frames, self.config.max_batch.as_usize());
                return Ok(Work::Frames);
            }
            if std::mem::take(&mut queue.seal) {
                return Ok(Work::Seal);
            }
            if queue.closed {
                return Ok(Work::Stop);
            }
            if !marked {
                drop(queue);
                self.writer.mark()?;
                marked = true;
                queue = lock(&self.shared.queue);
                continue;
            }
            queue.sleeping = true;
            if self.writer.is_dirty() {
                let waited = self.shared.wake.wait_timeout(queue, OS_SYNC);
                let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                queue = guard;
                if timeout.timed_out() && queue.frames.is_empty() {
                    queue.sleeping = false;
                    return Ok(Work::Sync);
                }
            } else {
                queue = self.shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            queue.sleeping = false;
        }
    }
}

impl Queue {
    fn take(&mut self, frames: &mut VecDeque<Bytes>, most: usize) {
        if self.bytes <= most && frames.is_empty() {
            std::mem::swap(&mut self.frames, frames);
            self.bytes = 0;
            return;
        }
        let mut taken = 0;
        while let Some(frame) = self.frames.front() {
            if taken > 0 && taken + frame.len() > most {
                break;
            }
            taken += frame.len();
            frames.extend(self.frames.pop_front());
        }
        self.bytes -= taken;
    }
}
