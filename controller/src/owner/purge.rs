//! When old idempotency keys go.
//!
//! A window's keys may go once they have outlived it by the owner's own monotonic clock. So that
//! no copy of a request that was delayed inside the platform can be accepted again, the floor that
//! is raised with it lies behind a record of the owner's own that was *sent* after those windows
//! had ended, and at least a minute ago. Source: `exactly-once.md` §4, "Purge".

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ledger::record::{Body, KeyClass, PurgeWindow};
use model::id::Offset;
use model::time::{Millis, Moment};

/// At least so long ago the barrier must have been sent.
const SETTLE: Duration = Duration::from_secs(60);
/// Keys are purged in groups: no oftener than this.
const EVERY: Duration = Duration::from_secs(60);

/// The keys that live, by window, and a purge in preparation.
#[derive(Debug, Default)]
pub struct Purger {
    windows: BTreeMap<(KeyClass, Millis), VecDeque<(Moment, Offset)>>,
    prepared: Option<Prepared>,
    /// Of the purge that was sent last, until it is applied.
    sent: Vec<(KeyClass, Millis, Offset)>,
    look_again: Option<Moment>,
}

#[derive(Debug)]
struct Prepared {
    windows: Vec<(KeyClass, Millis, Offset)>,
    seq: u64,
    sent: Moment,
    applied: Option<Offset>,
}

impl Purger {
    /// A record was applied: a key may have been used, or our barrier is behind us.
    pub fn applied(&mut self, now: Moment, at: Offset, body: &Body) {
        if let Body::Accept(accept) = body
            && let Some(key) = &accept.key
        {
            self.windows.entry((key.class, key.window)).or_default().push_back((now, at));
            self.look_again.get_or_insert(now + key.window.as_duration());
        }
        if let Body::Purge(_) = body {
            self.sent.clear();
        }
        let Some(prepared) = &mut self.prepared else { return };
        let Some(stamp) = body.stamp().filter(|stamp| stamp.seq >= prepared.seq) else { return };
        if prepared.applied.is_none() {
            prepared.applied = Some(at);
            // If the barrier was lost, a later one serves, which was sent some time before now.
            prepared.sent = if stamp.seq == prepared.seq { prepared.sent } else { now };
        }
    }

    /// After a restart every key lives its whole window again: longer is safe, shorter is not.
    pub fn restart(&mut self, now: Moment, windows: Vec<(KeyClass, Millis, Offset)>) {
        for (class, window, last) in windows {
            self.windows.entry((class, window)).or_default().push_back((now, last));
            let ends = now + window.as_duration();
            let first = self.look_again.map_or(ends, |known| known.min(ends));
            self.look_again = Some(first);
        }
    }

    /// When to look again.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Moment> {
        match &self.prepared {
            Some(prepared) => prepared.applied.map(|_| prepared.sent + SETTLE),
            None => self.look_again,
        }
    }

    /// Whether windows have ended and a barrier is to be sent behind them.
    #[must_use]
    pub fn wants_barrier(&self, now: Moment) -> bool {
        self.prepared.is_none() && self.look_again.is_some_and(|at| at <= now)
    }

    /// The barrier was handed to the log under this sequence number.
    pub fn barrier_sent(&mut self, now: Moment, seq: u64) {
        let mut windows = Vec::new();
        for ((class, window), keys) in &mut self.windows {
            let mut before = None;
            while let Some((accepted, at)) = keys.front().copied() {
                if accepted + window.as_duration() > now {
                    break;
                }
                before = Some(at.next());
                keys.pop_front();
            }
            windows.extend(before.map(|before| (*class, *window, before)));
        }
        self.windows.retain(|_, keys| !keys.is_empty());
        let ends = self.windows.iter().filter_map(|((_, window), keys)| {
            keys.front().map(|(accepted, _)| *accepted + window.as_duration())
        });
        self.look_again = ends.min().map(|ends| ends.max(now + EVERY));
        self.prepared =
            (!windows.is_empty()).then_some(Prepared { windows, seq, sent: now, applied: None });
    }

    /// What to purge now, if the barrier is old enough.
    pub fn due(&mut self, now: Moment) -> Option<Vec<PurgeWindow>> {
        let prepared = self.prepared.as_ref()?;
        let barrier = prepared.applied?;
        if prepared.sent + SETTLE > now {
            return None;
        }
        let windows = self.prepared.take()?.windows;
        self.sent.clone_from(&windows);
        let purge =
            |(class, window, before)| PurgeWindow { class, window, before, floor: barrier.next() };
        Some(windows.into_iter().map(purge).collect())
    }

    /// The purge that was sent last never will be in the ledger: its keys are looked at again.
    pub fn lost(&mut self, now: Moment) {
        for (class, window, before) in self.sent.drain(..) {
            let last = Offset(before.0.saturating_sub(1));
            let ended = now - window.as_duration();
            self.windows.entry((class, window)).or_default().push_front((ended, last));
            let soon = now + EVERY;
            self.look_again = Some(self.look_again.map_or(soon, |known| known.min(soon)));
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::record::Stamp;
    use model::id::{Epoch, NodeId};

    use super::*;

    const WINDOW: Millis = Millis(600_000);

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    /// The next purge, from the moment on at which it may be prepared.
    fn next(purger: &mut Purger, from: u64, seq: u64) -> Option<Offset> {
        assert!(purger.wants_barrier(at(from)));
        purger.barrier_sent(at(from), seq);
        let stamp = Stamp { epoch: Epoch(1), node: NodeId(1), seq };
        purger.applied(at(from + 1), Offset(100 + seq), &Body::Beat(stamp));
        assert_eq!(purger.due(at(from + 59)), None);
        let due = purger.due(at(from + 60))?;
        Some(due.first()?.before)
    }

    #[test]
    fn keys_whose_purge_was_lost_are_purged_by_the_next_one() {
        let mut purger = Purger::default();
        purger.restart(at(0), vec![(KeyClass::Client, WINDOW, Offset(7))]);
        assert!(!purger.wants_barrier(at(599)));
        assert_eq!(next(&mut purger, 600, 1), Some(Offset(8)));
        assert_eq!(purger.wakes_at(), None);
        purger.lost(at(661));
        assert_eq!(purger.wakes_at(), Some(at(721)));
        assert_eq!(next(&mut purger, 721, 2), Some(Offset(8)));
        let stamp = Stamp { epoch: Epoch(1), node: NodeId(1), seq: 3 };
        let purge = ledger::record::Purge { stamp, windows: Vec::new(), dead: Vec::new() };
        purger.applied(at(790), Offset(110), &Body::Purge(purge));
        purger.lost(at(791));
        assert_eq!(purger.wakes_at(), None, "what was applied is not lost");
    }
}
