//! When rows are written to the index: pure.
//!
//! Rows are gathered and written in batches, because one batch of a thousand costs little more
//! than one of ten. Somebody who wants to read hurries it.

use std::time::Duration;

use model::id::Offset;
use model::time::Moment;

/// Rows wait at most so long.
const PATIENCE: Duration = Duration::from_millis(250);
/// So many rows are not kept waiting.
const MANY: usize = 4096;

/// What the index lacks, and what is under way.
#[derive(Debug, Default)]
pub struct Writer {
    waiting: usize,
    since: Option<Moment>,
    hurry: bool,
    busy: bool,
    applied: Offset,
    written: Offset,
}

/// What happens to the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A row is to be written.
    Row,
    /// Everything up to here was applied.
    Applied(Offset),
    /// A reader waits.
    Hurry,
    /// The batch under way is in the index; it reached this offset.
    Written(Offset),
    /// The batch under way failed; it is tried again.
    Failed,
    /// The moment of [`Writer::wakes_at`] has come.
    Woken,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write all rows that wait, with a checkpoint at what is applied now.
    Write,
}

impl Writer {
    /// A writer whose index has reached an offset.
    #[must_use]
    pub fn new(written: Offset) -> Self {
        Self { written, applied: written, ..Self::default() }
    }

    /// One event.
    pub fn step(&mut self, now: Moment, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Row => {
                self.waiting += 1;
                self.since.get_or_insert(now);
            }
            Event::Applied(at) => self.applied = self.applied.max(at),
            Event::Hurry => self.hurry |= self.applied > self.written,
            Event::Written(at) => {
                self.written = self.written.max(at);
                self.busy = false;
            }
            Event::Failed => {
                self.busy = false;
                self.since = Some(now);
            }
            Event::Woken => {}
        }
        let patience_over = self.since.is_some_and(|since| since + PATIENCE <= now);
        if !self.busy && (self.hurry || self.waiting >= MANY || patience_over) {
            out.push(Effect::Write);
            self.busy = true;
            self.waiting = 0;
            self.since = None;
            self.hurry = false;
        }
    }

    /// When it next wants to look at the clock.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Moment> {
        if self.busy { None } else { self.since.map(|since| since + PATIENCE) }
    }

    /// How far the index is behind.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.applied.0.saturating_sub(self.written.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    #[test]
    fn rows_are_gathered_until_patience_or_a_reader_ends_it() {
        let mut writer = Writer::new(Offset(5));
        let mut out = Vec::new();
        writer.step(at(0), Event::Row, &mut out);
        writer.step(at(10), Event::Applied(Offset(7)), &mut out);
        assert_eq!((out.as_slice(), writer.wakes_at(), writer.lag()), (&[][..], Some(at(250)), 2));
        writer.step(at(20), Event::Hurry, &mut out);
        assert_eq!(out, [Effect::Write]);
        writer.step(at(21), Event::Row, &mut out);
        writer.step(at(400), Event::Woken, &mut out);
        assert_eq!(out.len(), 1, "one batch at a time");
        writer.step(at(401), Event::Written(Offset(7)), &mut out);
        assert_eq!(out.len(), 2, "the row that came meanwhile has waited long enough");
    }

    #[test]
    fn a_batch_that_failed_is_tried_again() {
        let mut writer = Writer::new(Offset::NONE);
        let mut out = Vec::new();
        writer.step(at(0), Event::Row, &mut out);
        writer.step(at(250), Event::Woken, &mut out);
        writer.step(at(251), Event::Failed, &mut out);
        assert_eq!((out.len(), writer.wakes_at()), (1, Some(at(501))));
        writer.step(at(501), Event::Woken, &mut out);
        assert_eq!(out.len(), 2);
    }
}
