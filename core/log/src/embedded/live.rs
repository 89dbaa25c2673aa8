//! What readers share with the writer: how far the log reads, its segments, the newest frames,
//! and who waits for more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use bytes::Bytes;
use model::id::Offset;

use super::segment::Segment;
use crate::{Batch, Error, Item, lock};

/// A reader that lags behind by more than this reads from disk again.
const BACKLOG: usize = 32 << 20;

/// Shared by the writer, the readers and whoever asks.
pub(crate) struct Live {
    end: AtomicU64,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) end: u64,
    pub(crate) closed: bool,
    /// Those in force, oldest first; the last one is being written.
    pub(crate) segments: Vec<Arc<Segment>>,
    recent: Recent,
    subscribers: Vec<Arc<Subscriber>>,
}

/// The newest frames, so that reading what was just written touches no disk.
struct Recent {
    /// Sequence of the first one.
    first: u64,
    frames: VecDeque<Bytes>,
    bytes: usize,
    limit: usize,
}

impl Recent {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        while self.bytes > self.limit {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.len();
            self.first += 1;
        }
    }

    fn get(&self, sequence: u64) -> Option<&Bytes> {
        self.frames.get(usize::try_from(sequence.checked_sub(self.first)?).ok()?)
    }
}

/// A reader that has come to the end and is handed each batch in memory.
#[derive(Default)]
pub(crate) struct Subscriber {
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    batches: VecDeque<Batch>,
    bytes: usize,
    /// Took too much: it must read on from disk.
    overrun: bool,
    closed: bool,
    /// The reader is gone.
    left: bool,
    waker: Option<Waker>,
}

/// What a subscriber finds.
pub(crate) enum Received {
    Batch(Batch),
    Nothing,
    Overrun,
    Closed,
}

impl Subscriber {
    /// Takes the next batch, or leaves word whom to wake.
    pub(crate) fn take(&self, waker: &Waker) -> Received {
        let mut inbox = lock(&self.inbox);
        if inbox.overrun {
            return Received::Overrun;
        }
        if let Some(batch) = inbox.batches.pop_front() {
            inbox.bytes -= size(&batch);
            return Received::Batch(batch);
        }
        if inbox.closed {
            return Received::Closed;
        }
        match &mut inbox.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Received::Nothing
    }

    pub(crate) fn leave(&self) {
        let mut inbox = lock(&self.inbox);
        *inbox = Inbox { left: true, ..Inbox::default() };
    }

    /// Hands a batch over; `None`: this one needs no more.
    fn give(&self, batch: Batch) -> Option<Option<Waker>> {
        let mut inbox = lock(&self.inbox);
        if inbox.left || inbox.overrun {
            return None;
        }
        inbox.bytes += size(&batch);
        inbox.batches.push_back(batch);
        if inbox.bytes > BACKLOG {
            inbox.overrun = true;
            inbox.batches.clear();
        }
        Some(inbox.waker.take())
    }
}

fn size(batch: &Batch) -> usize {
    batch
        .items
        .iter()
        .map(|item| if let Item::Frame(_, bytes) = item { bytes.len() } else { 0 })
        .sum()
}

impl Live {
    pub(crate) fn new(segments: Vec<Arc<Segment>>, end: u64, recent_limit: usize) -> Self {
        let recent =
            Recent { first: end + 1, frames: VecDeque::new(), bytes: 0, limit: recent_limit };
        let state = State { end, closed: false, segments, recent, subscribers: Vec::new() };
        Self { end: AtomicU64::new(end), state: Mutex::new(state) }
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut lock(&self.state))
    }

    /// Makes frames readable: `places` say where each is in the segment that is being written.
    pub(crate) fn deliver(&self, items: Vec<Item>, places: &[(u64, u64)], bytes: u64) {
        let mut state = lock(&self.state);
        for item in &items {
            if let Item::Frame(at, frame) = item {
                state.recent.push(frame.clone());
                state.end = at.0;
            }
        }
        if let Some(segment) = state.segments.last() {
            segment.note(places);
            segment.set_bytes(bytes);
        }
        self.end.store(state.end, Ordering::Release);
        let wakers = state.hand_out(Batch { items });
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Puts `next` behind the segment that is being written, which is sealed at `last`.
    pub(crate) fn switch(&self, next: Arc<Segment>, last: u64, bytes: u64) {
        let mut state = lock(&self.state);
        let mut notice = Batch::default();
        if let Some(segment) = state.segments.last() {
            segment.set_last(last);
            segment.set_bytes(bytes);
            notice.items.push(Item::Sealed { first: Offset(segment.first), last: Offset(last) });
        }
        state.segments.push(next);
        let wakers = state.hand_out(notice);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// No more will come.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let subscribers = std::mem::take(&mut state.subscribers);
        drop(state);
        for subscriber in subscribers {
            let waker = {
                let mut inbox = lock(&subscriber.inbox);
                inbox.closed = true;
                inbox.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// The frame, if it is one of the newest; else the segment that has it.
    pub(crate) fn find(&self, sequence: u64) -> Result<Place, Error> {
        let state = lock(&self.state);
        let at = Offset(sequence);
        if sequence > state.end {
            return Err(Error::Beyond { at, end: Offset(state.end) });
        }
        let first = state.segments.first().map_or(1, |segment| segment.first);
        if sequence < first {
            return Err(Error::Trimmed { at, first: Offset(first) });
        }
        if let Some(frame) = state.recent.get(sequence) {
            return Ok(Place::Memory(frame.clone()));
        }
        let holder = state.segment_of(sequence).cloned();
        holder.map(Place::Segment).ok_or(Error::Trimmed { at, first: Offset(first) })
    }
}

/// Where a frame is found.
pub(crate) enum Place {
    Memory(Bytes),
    Segment(Arc<Segment>),
}

impl State {
    /// The segment in which a sequence is, or will be.
    pub(crate) fn segment_of(&self, sequence: u64) -> Option<&Arc<Segment>> {
        let behind = self.segments.partition_point(|segment| segment.first <= sequence);
        self.segments.get(behind.checked_sub(1)?)
    }

    /// The frame, if it is one of the newest.
    pub(crate) fn recent(&self, sequence: u64) -> Option<&Bytes> {
        self.recent.get(sequence)
    }

    pub(crate) fn subscribe(&mut self) -> Arc<Subscriber> {
        let subscriber = Arc::new(Subscriber::default());
        lock(&subscriber.inbox).closed = self.closed;
        self.subscribers.push(Arc::clone(&subscriber));
        subscriber
    }

    fn hand_out(&mut self, batch: Batch) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let mut batch = Some(batch);
        let mut left = self.subscribers.len();
        self.subscribers.retain(|subscriber| {
            left -= 1;
            // The last one gets the batch itself: mostly there is but one.
            let copy = if left == 0 { batch.take() } else { batch.clone() };
            let Some(waker) = copy.and_then(|batch| subscriber.give(batch)) else { return false };
            wakers.extend(waker);
            true
        });
        wakers
    }
}
