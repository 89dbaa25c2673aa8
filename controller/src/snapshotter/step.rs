//! When the second fold works: pure.
//!
//! A snapshot is due when so much log lies behind the last one, or so much time with writes in it.
//! The log is sealed first; the second fold then replays sealed segments only.

use std::time::Duration;

use model::id::Offset;
use model::time::Moment;

/// When a snapshot is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    /// After so many bytes of log.
    pub bytes: u64,
    /// After so long, if anything was written.
    pub time: Duration,
}

/// What lies behind the last snapshot.
#[derive(Debug)]
pub struct Snapshotter {
    every: Every,
    since: Moment,
    written: bool,
    bytes: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Sealing,
    Replaying,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many bytes of records were applied.
    Applied {
        /// How many.
        bytes: u64,
    },
    /// Somebody wants a snapshot now. Of no effect while one is being made.
    Asked,
    /// The log sealed a segment that ends here, or its newest ends here with nothing behind it.
    Sealed(Offset),
    /// The log could not be sealed.
    NotSealed,
    /// The second fold has saved a snapshot, or failed to.
    Done,
    /// The moment of [`Snapshotter::wakes_at`] has come.
    Woken,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Seal the log's current segment.
    Seal,
    /// Replay sealed segments up to here, write their companions, save a snapshot.
    Replay {
        /// The last offset of the last of them.
        through: Offset,
    },
}

impl Snapshotter {
    /// One that begins to count now.
    #[must_use]
    pub fn new(every: Every, now: Moment) -> Self {
        Self { every, since: now, written: false, bytes: 0, state: State::Idle }
    }

    /// One event.
    pub fn step(&mut self, now: Moment, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Applied { bytes } => {
                self.bytes += bytes;
                // That a segment was sealed is told like a batch, with nothing in it.
                self.written |= bytes > 0;
            }
            Event::Sealed(through) if self.state == State::Sealing => {
                self.state = State::Replaying;
                self.begin_to_count(now);
                out.push(Effect::Replay { through });
            }
            Event::NotSealed => {
                self.state = State::Idle;
                self.begin_to_count(now);
            }
            Event::Done => self.state = State::Idle,
            Event::Asked | Event::Sealed(_) | Event::Woken => {}
        }
        let late = self.written && self.since + self.every.time <= now;
        let due = self.bytes >= self.every.bytes.max(1) || late || event == Event::Asked;
        if self.state == State::Idle && due {
            self.state = State::Sealing;
            out.push(Effect::Seal);
        }
    }

    fn begin_to_count(&mut self, now: Moment) {
        self.bytes = 0;
        self.written = false;
        self.since = now;
    }

    /// Whether no snapshot is being made.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// When it next wants to look at the clock.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Moment> {
        (self.written && self.state == State::Idle).then(|| self.since + self.every.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn snapshotter() -> Snapshotter {
        Snapshotter::new(Every { bytes: 100, time: Duration::from_secs(600) }, at(0))
    }

    #[test]
    fn a_snapshot_is_due_after_bytes_and_one_works_at_a_time() {
        let (mut it, mut out) = (snapshotter(), Vec::new());
        it.step(at(1), Event::Applied { bytes: 60 }, &mut out);
        assert_eq!(out, []);
        it.step(at(2), Event::Applied { bytes: 60 }, &mut out);
        it.step(at(3), Event::Applied { bytes: 200 }, &mut out);
        assert_eq!(out, [Effect::Seal]);
        it.step(at(4), Event::Sealed(Offset(9)), &mut out);
        it.step(at(5), Event::Applied { bytes: 200 }, &mut out);
        assert_eq!(out, [Effect::Seal, Effect::Replay { through: Offset(9) }]);
        it.step(at(6), Event::Done, &mut out);
        assert_eq!(out.len(), 3, "what came meanwhile is due at once");
    }

    #[test]
    fn who_asks_gets_one_unless_one_is_being_made() {
        let (mut it, mut out) = (snapshotter(), Vec::new());
        it.step(at(1), Event::Asked, &mut out);
        assert_eq!(out, [Effect::Seal], "whether anything was written or not");
        it.step(at(2), Event::Asked, &mut out);
        it.step(at(3), Event::Sealed(Offset(9)), &mut out);
        assert_eq!(out.split_off(1), [Effect::Replay { through: Offset(9) }]);
        it.step(at(4), Event::Asked, &mut out);
        it.step(at(5), Event::Done, &mut out);
        assert!(it.is_idle() && out == [Effect::Seal]);
        it.step(at(6), Event::Asked, &mut out);
        it.step(at(7), Event::NotSealed, &mut out);
        assert!(it.is_idle() && out == [Effect::Seal, Effect::Seal], "it does not try for ever");
    }

    #[test]
    fn an_idle_server_writes_none() {
        let (mut it, mut out) = (snapshotter(), Vec::new());
        assert_eq!(it.wakes_at(), None);
        it.step(at(9_999), Event::Woken, &mut out);
        assert_eq!(out, []);
        it.step(at(10_000), Event::Applied { bytes: 1 }, &mut out);
        assert_eq!(out, [Effect::Seal], "it had been long enough");
        it.step(at(10_001), Event::Sealed(Offset(9)), &mut out);
        it.step(at(10_001), Event::Applied { bytes: 0 }, &mut out);
        it.step(at(10_002), Event::Done, &mut out);
        it.step(at(99_999), Event::Woken, &mut out);
        assert_eq!(out.len(), 2, "the notice of a seal is no write");
        assert_eq!(it.wakes_at(), None);
    }
}
