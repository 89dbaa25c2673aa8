//! The stream of one reader: from memory while it keeps up, from the segments while it does not.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use model::id::Offset;

use super::frame::DATA_START;
use super::live::{Live, Received, Subscriber};
use super::segment::Segment;
use crate::{Batch, Error, Item};

/// A batch that is read from disk is about as large as one that was written.
const CHUNK: usize = 1 << 20;

/// Goes through the log from one offset on.
pub(crate) struct Reader {
    live: Arc<Live>,
    next: u64,
    /// Segments that end at or behind this are still to be told as sealed.
    untold: u64,
    mode: Mode,
    /// Where the frame `next` is, if the last chunk came from disk.
    place: Option<(Arc<Segment>, u64)>,
}

enum Mode {
    Behind,
    Live(Arc<Subscriber>),
    Over,
}

/// Where the next chunk comes from.
enum Source {
    Here(Batch),
    Disk { segment: Arc<Segment>, until: u64, sealed: VecDeque<Item> },
    Live(Arc<Subscriber>),
}

impl Reader {
    pub(crate) fn new(live: Arc<Live>, from: Offset) -> Self {
        let from = from.0.max(1);
        Self { live, next: from, untold: from, mode: Mode::Behind, place: None }
    }

    /// What is due now; `None`: it has come to the end and is handed what comes next.
    fn catch_up(&mut self) -> Result<Option<Batch>, Error> {
        let (next, untold) = (self.next, self.untold);
        let source = self.live.with(|state| -> Result<Source, Error> {
            if next > state.end + 1 {
                return Err(Error::Beyond { at: Offset(next), end: Offset(state.end) });
            }
            let first = state.segments.first().map_or(1, |segment| segment.first);
            if next < first {
                return Err(Error::Trimmed { at: Offset(next), first: Offset(first) });
            }
            let mut sealed = VecDeque::new();
            for segment in &state.segments {
                if let Some(last) = segment.last().filter(|last| (untold..next).contains(last)) {
                    sealed.push_back(told(segment, last));
                }
            }
            if next == state.end + 1 {
                if sealed.is_empty() {
                    return Ok(Source::Live(state.subscribe()));
                }
                return Ok(Source::Here(Batch { items: sealed.into() }));
            }
            let Some(segment) = state.segment_of(next) else {
                return Err(Error::Trimmed { at: Offset(next), first: Offset(first) });
            };
            let until = segment.last().unwrap_or(u64::MAX).min(state.end);
            if state.recent(next).is_none() {
                return Ok(Source::Disk { segment: Arc::clone(segment), until, sealed });
            }
            let mut items = Vec::from(sealed);
            let mut bytes = 0;
            for sequence in next..=until {
                let Some(frame) = state.recent(sequence).filter(|_| bytes < CHUNK) else { break };
                bytes += frame.len();
                items.push(Item::Frame(Offset(sequence), frame.clone()));
            }
            Ok(Source::Here(Batch { items }))
        })?;
        match source {
            Source::Here(batch) => Ok(Some(batch)),
            Source::Live(subscriber) => {
                self.mode = Mode::Live(subscriber);
                self.place = None;
                Ok(None)
            }
            Source::Disk { segment, until, sealed } => {
                let mut items = Vec::from(sealed);
                self.read_chunk(&segment, until, &mut items)?;
                Ok(Some(Batch { items }))
            }
        }
    }

    fn read_chunk(
        &mut self,
        segment: &Arc<Segment>,
        until: u64,
        items: &mut Vec<Item>,
    ) -> Result<(), Error> {
        let place = match self.place.take() {
            Some((known, place)) if Arc::ptr_eq(&known, segment) => place,
            _ if self.next == segment.first => DATA_START,
            _ => segment.locate(self.next)?,
        };
        let mut walk = segment.walk(place)?;
        let (mut next, mut bytes) = (self.next, 0);
        while next <= until && bytes < CHUNK {
            let found = walk.frame().map_err(segment.reading())?;
            let due = found.filter(|(head, _)| head.marker || head.sequence == next);
            let Some((head, payload)) = due else {
                if bytes == 0 {
                    return Err(segment.damaged(next));
                }
                break; // what was good comes first, the error next time
            };
            if !head.marker {
                let frame = Bytes::copy_from_slice(walk.payload(payload));
                bytes += frame.len();
                items.push(Item::Frame(Offset(next), frame));
                next += 1;
            }
            walk.skip(&head);
        }
        self.place = Some((Arc::clone(segment), walk.place));
        Ok(())
    }

    /// Keeps account of what goes out, and takes out what was told before.
    fn note(&mut self, batch: &mut Batch) {
        let (next, untold) = (&mut self.next, &mut self.untold);
        batch.items.retain(|item| match item {
            Item::Frame(at, _) => {
                let new = at.0 >= *next;
                *next = (*next).max(at.0 + 1);
                new
            }
            Item::Sealed { last, .. } => {
                let new = last.0 >= *untold;
                *untold = (*untold).max(last.0 + 1);
                new
            }
        });
    }
}

fn told(segment: &Segment, last: u64) -> Item {
    Item::Sealed { first: Offset(segment.first), last: Offset(last) }
}

impl Stream for Reader {
    type Item = Result<Batch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let mut batch = match &this.mode {
                Mode::Over => return Poll::Ready(None),
                Mode::Live(subscriber) => match subscriber.take(context.waker()) {
                    Received::Batch(batch) => batch,
                    Received::Nothing => return Poll::Pending,
                    Received::Closed => {
                        this.mode = Mode::Over;
                        continue;
                    }
                    Received::Overrun => {
                        this.mode = Mode::Behind;
                        continue;
                    }
                },
                Mode::Behind => match this.catch_up() {
                    Ok(Some(batch)) => batch,
                    Ok(None) => continue,
                    Err(error) => {
                        this.mode = Mode::Over;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            };
            this.note(&mut batch);
            if !batch.items.is_empty() {
                return Poll::Ready(Some(Ok(batch)));
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Mode::Live(subscriber) = &self.mode {
            subscriber.leave();
        }
    }
}
