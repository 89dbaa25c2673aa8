//! The second fold: replays sealed segments on a thread of its own, beside the live fold.
//!
//! It proves that replay gives the same state (the hash at each seal, I13), keeps what the index
//! and the blob collector need of each segment beside it (companions), and saves snapshots, so that
//! the live fold never pauses. [`step`] decides when.

pub mod step;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use daemon::clock::Clock;
use ledger::fold::Ledger;
use ledger::record::Record;
use log::{Log, SegmentInfo};
use model::activation::Row;
use model::id::{Digest, Offset};
use model::time::WallTime;
use serde::{Deserialize, Serialize};

use step::{Effect, Event, Every, Snapshotter};

/// A companion is its version, [`Marks`], [`Companion`]. The first version had no marks.
const COMPANION_VERSION: u8 = 2;
const WITHOUT_MARKS: u8 = 1;

/// What retention asks of a sealed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// When its last record was written.
    pub until: WallTime,
    /// The oldest record that something refers to which was open at its end; `None` if nothing was.
    pub open_since: Option<Offset>,
}

/// What the valid records of one sealed segment add to the index, and what else is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Companion {
    /// Rows of the activations that ended in it.
    pub rows: Vec<Row>,
    /// Offsets of its void records.
    pub void: Vec<Offset>,
    /// Blobs that its records name.
    pub blobs: Vec<Digest>,
}

impl Companion {
    fn encode(&self, marks: &Marks) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![COMPANION_VERSION];
        bytes.extend(postcard::to_stdvec(&(marks, self)).map_err(|_| Error::Companion)?);
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let decoded = match bytes.split_first() {
            Some((&COMPANION_VERSION, rest)) => {
                postcard::from_bytes::<(Marks, Self)>(rest).map(|(_, it)| it)
            }
            Some((&WITHOUT_MARKS, rest)) => postcard::from_bytes(rest),
            _ => return Err(Error::Companion),
        };
        decoded.map_err(|_| Error::Companion)
    }
}

impl Marks {
    /// Those of a sealed segment. `None` if it has no companion, or one of an earlier program.
    /// Blocks.
    ///
    /// # Errors
    /// [`Error::Log`].
    pub fn of(log: &dyn Log, segment: &SegmentInfo) -> Result<Option<Self>, Error> {
        let Some(bytes) = log.companion(segment.first)? else { return Ok(None) };
        Ok(match bytes.split_first() {
            Some((&COMPANION_VERSION, rest)) => {
                postcard::take_from_bytes(rest).ok().map(|(marks, _)| marks)
            }
            _ => None,
        })
    }
}

/// Why the second fold failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log could not be read or written.
    #[error("replay the ledger")]
    Log(#[from] log::Error),
    /// A snapshot makes no sense.
    #[error("read a snapshot of the ledger")]
    Snapshot(#[from] ledger::snapshot::BadSnapshot),
    /// A record makes no sense.
    #[error("the record at {at} cannot be understood")]
    Record {
        /// Where.
        at: Offset,
        /// Why.
        source: ledger::record::BadRecord,
    },
    /// The snapshot that was asked for could not be made; the log of the server says why.
    #[error("no snapshot of the ledger could be made; the log of the server says why")]
    NotMade,
    /// A companion makes no sense.
    #[error("a companion of a segment cannot be read or written")]
    Companion,
    /// Live fold and replay disagree. Going on would mean to serve a state that nobody can repeat.
    #[error("the state after replaying the ledger up to {at} differs from the live state")]
    Differs {
        /// Where.
        at: Offset,
    },
}

/// Feeds the machine and does what it says.
pub struct Worker {
    inner: Mutex<Inner>,
    wake: Condvar,
    /// A snapshot was saved, or could not be.
    worked: Condvar,
    log: Arc<dyn Log>,
    clock: Clock,
}

struct Inner {
    machine: Snapshotter,
    effects: Vec<Effect>,
    replay: Option<Offset>,
    hashes: BTreeMap<Offset, u128>,
    /// The newest snapshot that was saved here.
    saved: Offset,
    /// How often none could be saved.
    failures: u64,
    closed: bool,
}

impl Worker {
    /// A worker that begins to count now.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, clock: Clock, every: Every) -> Arc<Self> {
        let machine = Snapshotter::new(every, clock.now());
        let inner = Inner {
            machine,
            effects: Vec::new(),
            replay: None,
            hashes: BTreeMap::new(),
            saved: Offset::NONE,
            failures: 0,
            closed: false,
        };
        let (wake, worked) = (Condvar::new(), Condvar::new());
        Arc::new(Self { inner: Mutex::new(inner), wake, worked, log, clock })
    }

    /// So many bytes of records were applied.
    pub fn applied(&self, bytes: u64) {
        self.event(Event::Applied { bytes });
    }

    /// A segment was sealed when the live state had this hash.
    pub fn sealed(&self, last: Offset, hash: u128) {
        self.lock().hashes.insert(last, hash);
        self.event(Event::Sealed(last));
    }

    /// Ends the thread.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
        self.worked.notify_all();
    }

    /// A snapshot of everything that was readable when this was called, at the end of a sealed
    /// segment; says where. Made now, unless the newest is one. Blocks, for as long as that takes.
    ///
    /// # Errors
    /// [`Error::NotMade`]; [`Error::Log`].
    pub fn snapshot(&self) -> Result<Offset, Error> {
        let end = self.log.end();
        let newest = self.log.newest_snapshot(None)?.map(|(at, _)| at);
        if newest == Some(end) {
            return Ok(end);
        }
        let mut inner = self.lock();
        let failures = inner.failures;
        while inner.saved < end {
            // One that is being made may have begun too early.
            if inner.machine.is_idle() {
                self.feed(&mut inner, Event::Asked);
            }
            if inner.closed || inner.failures > failures {
                return Err(Error::NotMade);
            }
            inner = self.worked.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(inner.saved)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn event(&self, event: Event) {
        let mut inner = self.lock();
        self.feed(&mut inner, event);
    }

    fn feed(&self, inner: &mut Inner, event: Event) {
        let slept_until = inner.machine.wakes_at();
        let mut effects = std::mem::take(&mut inner.effects);
        let mut next = Some(event);
        while let Some(event) = next.take() {
            inner.machine.step(self.clock.now(), event, &mut effects);
            for effect in effects.drain(..) {
                match effect {
                    Effect::Seal => next = self.seal(inner),
                    Effect::Replay { through } => {
                        inner.replay = Some(through);
                        self.wake.notify_all();
                    }
                }
            }
        }
        inner.effects = effects;
        if slept_until != inner.machine.wakes_at() {
            self.wake.notify_all();
        }
    }

    /// Has the log sealed; returns what nobody else will tell of it.
    fn seal(&self, inner: &mut Inner) -> Option<Event> {
        // If nothing came since the last seal, there is nothing to be sealed. Looked at before it is
        // asked for: what comes in between is sealed, and told.
        let end = self.log.end();
        if self.log.sealed().last().is_some_and(|newest| newest.last == end) {
            return Some(Event::Sealed(end));
        }
        if let Err(error) = self.log.seal() {
            tracing::warn!(%error, "the ledger could not be sealed for a snapshot");
            inner.failures += 1;
            self.worked.notify_all();
            return Some(Event::NotSealed);
        }
        None
    }

    /// The thread: until [`Worker::close`].
    ///
    /// # Errors
    /// [`Error::Differs`]; every other failure is told, and the next snapshot is tried.
    pub fn work_until_closed(&self) -> Result<(), Error> {
        while let Some(through) = self.next() {
            let hashes = self.lock().hashes.clone();
            let worked = self.replay(through, &hashes);
            match worked {
                Ok(saved) => {
                    let mut inner = self.lock();
                    inner.saved = saved;
                    inner.hashes.retain(|at, _| *at > through);
                }
                Err(differs @ Error::Differs { .. }) => return Err(differs),
                Err(error) => {
                    let error = daemon::shutdown::chain(&error);
                    tracing::error!(error, "no snapshot of the ledger was made; older ones stay");
                    self.lock().failures += 1;
                }
            }
            self.event(Event::Done);
            self.worked.notify_all();
        }
        Ok(())
    }

    fn next(&self) -> Option<Offset> {
        let mut inner = self.lock();
        loop {
            if inner.closed {
                return None;
            }
            if let Some(through) = inner.replay.take() {
                return Some(through);
            }
            let wait = inner.machine.wakes_at().map(|at| at.since(self.clock.now()));
            inner = match wait {
                None => self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    let woken = self.wake.wait_timeout(inner, wait);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            self.feed(&mut inner, Event::Woken);
        }
    }

    fn replay(&self, through: Offset, hashes: &BTreeMap<Offset, u128>) -> Result<Offset, Error> {
        let mut ledger = newest(self.log.as_ref(), None)?;
        for segment in self.log.sealed() {
            if segment.last <= ledger.applied() || segment.last > through {
                continue;
            }
            let (companion, marks) = replay_segment(self.log.as_ref(), &segment, &mut ledger)?;
            if hashes.get(&segment.last).is_some_and(|live| *live != ledger.hash()) {
                return Err(Error::Differs { at: segment.last });
            }
            self.log.save_companion(segment.first, &companion.encode(&marks)?)?;
        }
        let bytes = ledger.snapshot();
        self.log.save_snapshot(ledger.applied(), &bytes)?;
        tracing::info!(offset = %ledger.applied(), bytes = bytes.len(), "a snapshot of the ledger was saved");
        Ok(ledger.applied())
    }
}

/// The state of the newest good snapshot (at most so new), or that before the first record.
///
/// # Errors
/// [`Error`] if a snapshot is there and cannot be used.
pub fn newest(log: &dyn Log, at_most: Option<Offset>) -> Result<Ledger, Error> {
    match log.newest_snapshot(at_most)? {
        Some((_, bytes)) => Ok(Ledger::from_snapshot(&bytes)?),
        None => Ok(Ledger::default()),
    }
}

fn replay_segment(
    log: &dyn Log,
    segment: &SegmentInfo,
    ledger: &mut Ledger,
) -> Result<(Companion, Marks), Error> {
    let mut companion = Companion::default();
    let mut until = WallTime::default();
    for frame in log.scan(segment.first)? {
        let (at, frame) = frame?;
        if at <= ledger.applied() {
            continue;
        }
        let record = Record::decode(&frame).map_err(|source| Error::Record { at, source })?;
        until = record.at;
        companion.blobs.extend(record.body.blobs());
        match ledger.apply(at, &record) {
            Ok(change) => {
                let stored = change.ended().filter(|ended| ended.row.stored);
                companion.rows.extend(stored.map(|ended| Row::clone(&ended.row)));
            }
            Err(_) => companion.void.push(at),
        }
    }
    companion.blobs.sort_unstable();
    companion.blobs.dedup();
    Ok((companion, Marks { until, open_since: ledger.oldest_referred() }))
}

/// Brings to an index, through `add`, the rows behind `from` that no live fold will bring: those
/// of sealed segments up to the snapshot that the live fold begins with. Blocks.
///
/// # Errors
/// [`Error`] if the log cannot be read. A segment whose companion is gone and cannot be made anew
/// is told and passed over.
pub fn rows_behind(
    log: &dyn Log,
    from: Offset,
    snapshot: Offset,
    add: &mut dyn FnMut(Row),
    progress: &mut dyn FnMut(u8),
) -> Result<(), Error> {
    let wanted: Vec<SegmentInfo> = log
        .sealed()
        .into_iter()
        .filter(|segment| segment.last > from && segment.first <= snapshot)
        .collect();
    for (done, segment) in wanted.iter().enumerate() {
        let percent = done * 100 / wanted.len().max(1);
        progress(u8::try_from(percent).unwrap_or(99));
        let Some(companion) = companion_of(log, segment)? else {
            tracing::warn!(
                first = %segment.first, last = %segment.last,
                "rows of a segment are missing from the index: its companion is gone and no \
                 snapshot before it is kept"
            );
            continue;
        };
        let rows = companion.rows.into_iter();
        rows.filter(|row| row.terminal > from && row.terminal <= snapshot).for_each(&mut *add);
    }
    Ok(())
}

/// The companion of a segment: saved, or made anew where a snapshot before it is kept.
fn companion_of(log: &dyn Log, segment: &SegmentInfo) -> Result<Option<Companion>, Error> {
    let saved = log.companion(segment.first)?.map(|bytes| Companion::decode(&bytes));
    if let Some(Ok(companion)) = saved {
        return Ok(Some(companion));
    }
    let before = segment.first.previous();
    let mut ledger = newest(log, Some(before))?;
    let all = log.sealed();
    let is_whole = ledger.applied() != Offset::NONE
        || all.first().is_some_and(|oldest| oldest.first == Offset::NONE.next());
    if !is_whole {
        return Ok(None);
    }
    let begun = ledger.applied();
    for earlier in all.iter().filter(|it| it.last > begun && it.last <= before) {
        replay_segment(log, earlier, &mut ledger)?;
    }
    if ledger.applied() < before {
        return Ok(None);
    }
    let (companion, marks) = replay_segment(log, segment, &mut ledger)?;
    log.save_companion(segment.first, &companion.encode(&marks)?)?;
    Ok(Some(companion))
}
