//! A log in memory whose time and faults come from whoever holds it, for the simulator and for
//! tests of what stands on a log.
//!
//! Nothing happens by itself: what was appended arrives, and becomes readable, in
//! [`Simulated::tick`]. `Ok` of an append is worth as little as the trait says: the frame may be
//! dropped, doubled, overtaken, or come late.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use futures::{FutureExt, Stream};
use model::id::Offset;
use model::size::ByteSize;

use crate::dice::Dice;
use crate::{Batch, Error, Health, Item, Log, Refused, SegmentInfo, SegmentScan, lock};

/// The longest frame that is accepted.
const MAX_FRAME: ByteSize = ByteSize::mib(2);
/// So many snapshots are kept.
const SNAPSHOTS: usize = 3;

/// What goes wrong, each in so many of a hundred appends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// `Err`, and it is not in the log.
    pub refused: u64,
    /// `Ok`, and it never arrives.
    pub dropped: u64,
    /// `Ok`, and it arrives twice.
    pub doubled: u64,
    /// It arrives behind the one after it.
    pub overtaken: u64,
    /// From its arrival to when it is readable.
    pub read_back: Duration,
    /// A segment is sealed after so many frames; 0: only when asked.
    pub segment_frames: u64,
}

impl Faults {
    /// None at all; a segment ends when somebody asks.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Acknowledges everything, voids a seeded 2 %, and is readable after 50 ms: whoever acts on
    /// an acknowledgement is found out (M6, I16).
    #[must_use]
    pub fn acknowledges_all() -> Self {
        Self { dropped: 2, read_back: Duration::from_millis(50), ..Self::default() }
    }

    /// Some of everything.
    #[must_use]
    pub fn all() -> Self {
        Self {
            refused: 2,
            dropped: 2,
            doubled: 2,
            overtaken: 5,
            read_back: Duration::from_millis(2),
            segment_frames: 100,
        }
    }
}

/// The log; clones are the same log.
#[derive(Clone, Debug)]
pub struct Simulated(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    dice: Dice,
    faults: Faults,
    now: Duration,
    /// Acknowledged, and on the way.
    flight: VecDeque<Bytes>,
    /// Arrived: when each is readable, and the frame.
    written: VecDeque<(Duration, Bytes)>,
    /// Readable; the first has offset 1.
    frames: Vec<Bytes>,
    acknowledged: Vec<Bytes>,
    sealed: Vec<(u64, u64)>,
    seal: bool,
    /// The first that is kept.
    first: u64,
    snapshots: BTreeMap<u64, Bytes>,
    companions: BTreeMap<u64, Bytes>,
    reserved: ByteSize,
    full: bool,
    /// Rises with each power cut: readers of an earlier life end.
    life: u64,
    wakers: Vec<Waker>,
}

impl Simulated {
    /// An empty log.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice: Dice::new(seed),
            faults,
            now: Duration::ZERO,
            flight: VecDeque::new(),
            written: VecDeque::new(),
            frames: Vec::new(),
            acknowledged: Vec::new(),
            sealed: Vec::new(),
            seal: false,
            first: 1,
            snapshots: BTreeMap::new(),
            companions: BTreeMap::new(),
            reserved: ByteSize::default(),
            full: false,
            life: 0,
            wakers: Vec::new(),
        })))
    }

    /// Lets time pass: what is on the way arrives, and what arrived long enough ago is readable.
    pub fn tick(&self, by: Duration) {
        let mut state = lock(&self.0);
        state.now += by;
        state.arrive();
        state.become_readable();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The process and the machine stop: of what is not readable yet, any subset is lost and the
    /// rest is readable from now on; all readers end.
    pub fn power_cut(&self) {
        let mut state = lock(&self.0);
        state.arrive();
        let State { dice, written, frames, .. } = &mut *state;
        let share = [0, 50, 100][dice.index(3)];
        for (_, frame) in written.drain(..) {
            if dice.percent(share) {
                frames.push(frame);
            }
        }
        state.life += 1;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Other faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        lock(&self.0).faults = faults;
    }

    /// Refuses new work as a full disk does, or takes it again.
    pub fn set_full(&self, full: bool) {
        lock(&self.0).full = full;
    }

    /// All that was ever acknowledged, in that order.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<Bytes> {
        lock(&self.0).acknowledged.clone()
    }

    /// All that was ever readable: what is in the log.
    #[must_use]
    pub fn readable(&self) -> Vec<Bytes> {
        lock(&self.0).frames.clone()
    }

    /// How many are acknowledged and neither readable nor lost yet.
    #[must_use]
    pub fn on_the_way(&self) -> usize {
        let state = lock(&self.0);
        state.flight.len() + state.written.len()
    }

    fn take(&self, frame: Bytes, reserved: bool) -> Result<(), Refused> {
        let size = ByteSize::bytes(frame.len() as u64);
        if size > MAX_FRAME {
            return Err(Refused::TooLarge { size, limit: MAX_FRAME });
        }
        let mut state = lock(&self.0);
        if state.full && !reserved {
            return Err(Refused::DiskFull { free: ByteSize::default(), needed: state.reserved });
        }
        let faults = state.faults;
        if state.dice.percent(faults.refused) {
            return Err(Refused::Busy { queued: ByteSize::default() });
        }
        state.acknowledged.push(frame.clone());
        if state.dice.percent(faults.dropped) {
            return Ok(());
        }
        if state.dice.percent(faults.doubled) {
            state.flight.push_back(frame.clone());
        }
        state.flight.push_back(frame);
        Ok(())
    }

    fn sealed_at(&self, first: Offset) -> Result<(u64, u64), Error> {
        let state = lock(&self.0);
        let found = state.sealed.iter().find(|it| it.0 == first.0).copied();
        found.ok_or(Error::NotSealed { first })
    }
}

impl State {
    fn end(&self) -> u64 {
        self.frames.len() as u64
    }

    fn frame(&self, at: u64) -> Result<Bytes, Error> {
        if at < self.first {
            return Err(Error::Trimmed { at: Offset(at), first: Offset(self.first) });
        }
        let index = usize::try_from(at - 1).unwrap_or(usize::MAX);
        let frame = self.frames.get(index).cloned();
        frame.ok_or(Error::Beyond { at: Offset(at), end: Offset(self.end()) })
    }

    fn arrive(&mut self) {
        let due = self.now + self.faults.read_back;
        while let Some(frame) = self.flight.pop_front() {
            if !self.flight.is_empty() && self.dice.percent(self.faults.overtaken) {
                self.flight.insert(1, frame);
                continue;
            }
            self.written.push_back((due, frame));
        }
    }

    fn become_readable(&mut self) {
        while self.written.front().is_some_and(|(due, _)| *due <= self.now) {
            self.frames.extend(self.written.pop_front().map(|(_, frame)| frame));
            let size = self.faults.segment_frames;
            if size > 0 && self.end() + 1 - self.open_first() >= size {
                self.seal_here();
            }
        }
        if std::mem::take(&mut self.seal) {
            self.seal_here();
        }
    }

    fn open_first(&self) -> u64 {
        self.sealed.last().map_or(self.first, |(_, last)| last + 1)
    }

    fn seal_here(&mut self) {
        let (first, last) = (self.open_first(), self.end());
        if first <= last {
            self.sealed.push((first, last));
        }
    }
}

impl Log for Simulated {
    fn append(&self, frame: Bytes) -> Result<(), Refused> {
        self.take(frame, false)
    }

    fn append_reserved(&self, frame: Bytes) -> Result<(), Refused> {
        self.take(frame, true)
    }

    fn set_reserved(&self, bytes: ByteSize) {
        lock(&self.0).reserved = bytes;
    }

    fn read(&self, from: Offset) -> BoxStream<'static, Result<Batch, Error>> {
        let from = from.0.max(1);
        let life = lock(&self.0).life;
        let log = self.clone();
        Box::pin(Reader { log, next: from, untold: from, life, over: false })
    }

    fn get(&self, at: Offset) -> BoxFuture<'static, Result<Bytes, Error>> {
        ready(lock(&self.0).frame(at.0.max(1))).boxed()
    }

    fn end(&self) -> Offset {
        Offset(lock(&self.0).end())
    }

    fn sealed(&self) -> Vec<SegmentInfo> {
        lock(&self.0).sealed.iter().map(info).collect()
    }

    fn scan(&self, first: Offset) -> Result<SegmentScan, Error> {
        let (first, last) = self.sealed_at(first)?;
        let log = self.clone();
        let frame = move |at| lock(&log.0).frame(at).map(|frame| (Offset(at), frame));
        Ok(Box::new((first..=last).map(frame)))
    }

    fn seal(&self) -> Result<(), Refused> {
        lock(&self.0).seal = true;
        Ok(())
    }

    fn save_snapshot(&self, at: Offset, bytes: &[u8]) -> Result<(), Error> {
        let mut state = lock(&self.0);
        if at.0 > state.end() {
            return Err(Error::Beyond { at, end: Offset(state.end()) });
        }
        state.snapshots.insert(at.0, Bytes::copy_from_slice(bytes));
        while state.snapshots.len() > SNAPSHOTS {
            state.snapshots.pop_first();
        }
        Ok(())
    }

    fn newest_snapshot(&self, at_most: Option<Offset>) -> Result<Option<(Offset, Bytes)>, Error> {
        let at_most = at_most.map_or(u64::MAX, |at| at.0);
        let state = lock(&self.0);
        let newest = state.snapshots.range(..=at_most).next_back();
        Ok(newest.map(|(at, bytes)| (Offset(*at), bytes.clone())))
    }

    fn save_companion(&self, first: Offset, bytes: &[u8]) -> Result<(), Error> {
        self.sealed_at(first)?;
        lock(&self.0).companions.insert(first.0, Bytes::copy_from_slice(bytes));
        Ok(())
    }

    fn companion(&self, first: Offset) -> Result<Option<Bytes>, Error> {
        Ok(lock(&self.0).companions.get(&first.0).cloned())
    }

    fn files(&self, at: Offset) -> Result<Vec<PathBuf>, Error> {
        let is_end = lock(&self.0).sealed.iter().any(|(_, last)| *last == at.0);
        if is_end { Ok(Vec::new()) } else { Err(Error::NotSealed { first: at }) }
    }

    fn trim(&self, before: Offset) -> Result<Vec<SegmentInfo>, Error> {
        let mut state = lock(&self.0);
        let Some((oldest, _)) = state.snapshots.first_key_value() else { return Ok(Vec::new()) };
        let before = before.0.min(oldest + 1);
        let due = state.sealed.iter().take_while(|(_, last)| *last < before).count();
        let removed: Vec<_> = state.sealed.drain(..due).collect();
        for (first, last) in &removed {
            state.companions.remove(first);
            state.first = last + 1;
        }
        Ok(removed.iter().map(info).collect())
    }

    fn health(&self) -> Health {
        let state = lock(&self.0);
        Health {
            reserved: state.reserved,
            below_floor: state.full,
            segments: state.sealed.len() + 1,
            spare_ready: true,
            ..Health::default()
        }
    }
}

fn info((first, last): &(u64, u64)) -> SegmentInfo {
    SegmentInfo {
        first: Offset(*first),
        last: Offset(*last),
        bytes: ByteSize::default(),
        path: None,
        companion: None,
    }
}

struct Reader {
    log: Simulated,
    next: u64,
    untold: u64,
    life: u64,
    over: bool,
}

impl Reader {
    fn due(&mut self, state: &State) -> Result<Batch, Error> {
        let mut items = Vec::new();
        if self.next > state.end() + 1 {
            return Err(Error::Beyond { at: Offset(self.next), end: Offset(state.end()) });
        }
        loop {
            let told =
                state.sealed.iter().find(|(_, last)| (self.untold..self.next).contains(last));
            if let Some((first, last)) = told {
                items.push(Item::Sealed { first: Offset(*first), last: Offset(*last) });
                self.untold = last + 1;
            } else if self.next <= state.end() {
                items.push(Item::Frame(Offset(self.next), state.frame(self.next)?));
                self.next += 1;
            } else {
                return Ok(Batch { items });
            }
        }
    }
}

impl Stream for Reader {
    type Item = Result<Batch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let log = self.log.clone();
        let mut state = lock(&log.0);
        if self.over || self.life != state.life {
            return Poll::Ready(None);
        }
        match self.due(&state) {
            Ok(batch) if batch.items.is_empty() => {
                state.wakers.push(context.waker().clone());
                Poll::Pending
            }
            Ok(batch) => Poll::Ready(Some(Ok(batch))),
            Err(error) => {
                self.over = true;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{self, Subject};

    #[test]
    fn the_simulated_log_conforms() {
        conformance::check(|| {
            let log = Simulated::new(1, Faults::none());
            let ticked = log.clone();
            let settle = Box::new(move || ticked.tick(Duration::from_millis(1)));
            Subject { log: Arc::new(log), settle, kept: Box::new(()) }
        });
    }

    #[test]
    fn i16_a_log_that_acknowledges_all_voids_two_in_a_hundred_and_answers_late() {
        let log = Simulated::new(3, Faults::acknowledges_all());
        for n in 0..5_000_u32 {
            log.append(Bytes::copy_from_slice(&n.to_le_bytes())).expect("all are taken");
        }
        log.tick(Duration::ZERO);
        log.tick(Duration::from_millis(49));
        assert_eq!(log.end(), Offset::NONE);
        log.tick(Duration::from_millis(1));
        let lost = log.acknowledged().len() - log.readable().len();
        assert!((60..140).contains(&lost), "{lost} of 5,000 voided");
    }

    #[test]
    fn the_same_seed_makes_the_same_faults_and_a_power_cut_keeps_what_was_readable() {
        let run = |seed| {
            let log = Simulated::new(seed, Faults::all());
            let mut kept = Vec::new();
            for n in 0..2_000_u32 {
                let _ = log.append(Bytes::copy_from_slice(&n.to_le_bytes()));
                if n % 10 == 0 {
                    log.tick(Duration::from_millis(1));
                }
                if n % 500 == 499 {
                    kept = log.readable();
                    log.power_cut();
                    assert_eq!(log.readable()[..kept.len()], kept);
                }
            }
            assert!(!kept.is_empty() && !log.sealed().is_empty());
            log.readable()
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
    }
}
