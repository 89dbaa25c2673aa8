//! The frames of one sealed segment, for a thread that may block.

use std::sync::Arc;
use std::vec;

use bytes::Bytes;
use model::id::Offset;

use super::frame::DATA_START;
use super::segment::Segment;
use crate::{Error, SegmentScan};

const CHUNK: usize = 1 << 20;

struct Scan {
    segment: Arc<Segment>,
    next: u64,
    last: u64,
    place: u64,
    chunk: vec::IntoIter<(Offset, Bytes)>,
    over: bool,
}

pub(crate) fn scan(segment: Arc<Segment>) -> Result<SegmentScan, Error> {
    let first = segment.first;
    let last = segment.last().ok_or(Error::NotSealed { first: Offset(first) })?;
    segment.file()?;
    let chunk = Vec::new().into_iter();
    Ok(Box::new(Scan { segment, next: first, last, place: DATA_START, chunk, over: false }))
}

impl Scan {
    fn read_chunk(&mut self) -> Result<(), Error> {
        let mut frames = Vec::new();
        let mut bytes = 0;
        let mut walk = self.segment.walk(self.place)?;
        while self.next <= self.last && bytes < CHUNK {
            let found = walk.frame().map_err(self.segment.reading())?;
            let due = found.filter(|(head, _)| head.marker || head.sequence == self.next);
            let Some((head, payload)) = due else {
                if frames.is_empty() {
                    return Err(self.segment.damaged(self.next));
                }
                break; // what was good comes first, the error next time
            };
            if !head.marker {
                let frame = Bytes::copy_from_slice(walk.payload(payload));
                bytes += frame.len();
                frames.push((Offset(self.next), frame));
                self.next += 1;
            }
            walk.skip(&head);
        }
        self.place = walk.place;
        self.chunk = frames.into_iter();
        Ok(())
    }
}

impl Iterator for Scan {
    type Item = Result<(Offset, Bytes), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(frame) = self.chunk.next() {
                return Some(Ok(frame));
            }
            if self.over || self.next > self.last {
                return None;
            }
            if let Err(error) = self.read_chunk() {
                self.over = true;
                return Some(Err(error));
            }
        }
    }
}
