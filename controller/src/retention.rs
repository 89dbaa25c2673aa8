//! Which sealed segments retention removes: pure.
//!
//! A segment is *due* when it is too old, or when what lies behind it is as much as may be kept. A due
//! segment stays while something that was open at the end of the last due one refers to it: an
//! activation is kept whole until the segment that it ended in is due, however long it ran.
//!
//! Source: `exactly-once.md` §12 "Retention".

use std::time::Duration;

use log::SegmentInfo;
use model::id::Offset;
use model::size::ByteSize;
use model::time::WallTime;

use crate::snapshotter::Marks;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// At most so much of the log; `None`: all of it.
    pub bytes: Option<ByteSize>,
    /// At most so long; `None`: for ever.
    pub age: Option<Duration>,
}

impl Policy {
    /// Whether it keeps everything.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        self.bytes.is_none() && self.age.is_none()
    }

    /// What lies before this offset may go; [`Offset::NONE`] if nothing may. `segments` are the sealed
    /// ones, oldest first, of a log that has `used` in all; `marks` are read when they are needed. A
    /// segment without any is judged by the next one: the second fold makes them in order.
    ///
    /// # Errors
    /// Whatever `marks` fails with.
    pub fn before<E>(
        &self,
        segments: &[SegmentInfo],
        used: ByteSize,
        now: WallTime,
        marks: &mut dyn FnMut(&SegmentInfo) -> Result<Option<Marks>, E>,
    ) -> Result<Offset, E> {
        let most = self.bytes.unwrap_or(ByteSize::bytes(u64::MAX));
        let mut over = used.as_u64().saturating_sub(most.as_u64());
        let is_old = |until| {
            let age = u128::from(now.millis_since(until));
            self.age.is_some_and(|most| age > most.as_millis())
        };
        let mut before = Offset::NONE;
        // The newest stays: the newest snapshot may be of its end.
        for segment in segments.split_last().map_or(&[][..], |(_, older)| older) {
            if over == 0 && self.age.is_none() {
                break;
            }
            if let Some(marks) = marks(segment)? {
                if over == 0 && !is_old(marks.until) {
                    break;
                }
                let behind = segment.last.next();
                before = marks.open_since.map_or(behind, |oldest| oldest.min(behind));
            }
            over = over.saturating_sub(segment.bytes.as_u64());
        }
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    /// Ten records and a KiB each; the n-th was ended n days after the beginning.
    fn segments(count: u64) -> Vec<SegmentInfo> {
        let segment = |n: u64| SegmentInfo {
            first: Offset(n * 10 + 1),
            last: Offset(n * 10 + 10),
            bytes: ByteSize::kib(1),
            path: None,
            companion: None,
        };
        (0..count).map(segment).collect()
    }

    /// What may go of five of them, on the fifth day; `open` says what was open at the end of each.
    fn before(policy: Policy, open: [Option<u64>; 5], unknown: &[u64]) -> (u64, usize) {
        let mut asked = 0;
        let mut marks = |segment: &SegmentInfo| {
            asked += 1;
            let at = segment.first.0 / 10;
            let known = !unknown.contains(&at);
            Ok::<_, ()>(known.then(|| Marks {
                until: WallTime(i64::try_from(at + 1).unwrap() * DAY),
                open_since: open[usize::try_from(at).unwrap()].map(Offset),
            }))
        };
        let now = WallTime(5 * DAY + 1);
        let before = policy.before(&segments(5), ByteSize::kib(6), now, &mut marks).unwrap();
        (before.0, asked)
    }

    fn bytes(kib: u64) -> Policy {
        Policy { bytes: Some(ByteSize::kib(kib)), age: None }
    }

    fn days(days: u64) -> Policy {
        Policy { bytes: None, age: Some(Duration::from_secs(days * 86_400)) }
    }

    #[test]
    fn what_is_too_much_or_too_old_goes() {
        assert!(Policy::default().keeps_all() && !bytes(1).keeps_all() && !days(1).keeps_all());
        assert_eq!(before(Policy::default(), [None; 5], &[]), (0, 0));
        assert_eq!(before(bytes(6), [None; 5], &[]), (0, 0), "nothing is looked at");
        assert_eq!(before(bytes(4), [None; 5], &[]), (21, 2));
        assert_eq!(before(bytes(0), [None; 5], &[]).0, 41, "the newest stays");
        assert_eq!(before(days(2), [None; 5], &[]), (31, 4), "two days and a moment ago");
        assert_eq!(before(days(9), [None; 5], &[]).0, 0);
        let both = Policy { bytes: bytes(5).bytes, age: days(2).age };
        assert_eq!(before(both, [None; 5], &[]).0, 31);
    }

    #[test]
    fn what_ended_in_a_segment_that_stays_is_kept_whole() {
        let spans = |at| [Some(at), Some(at), Some(at), Some(at), None];
        assert_eq!(before(bytes(4), spans(15), &[]).0, 15, "the second segment stays");
        assert_eq!(before(bytes(4), spans(3), &[]).0, 3, "both do");
        let ended = [Some(3), Some(3), Some(3), None, None];
        assert_eq!(before(bytes(1), ended, &[]).0, 41, "by then it had ended");
    }

    #[test]
    fn a_segment_without_marks_is_judged_by_the_next() {
        assert_eq!(before(bytes(4), [None; 5], &[0]).0, 21);
        assert_eq!(before(days(2), [None; 5], &[1]).0, 31);
        assert_eq!(before(bytes(4), [None; 5], &[1]).0, 11);
        assert_eq!(before(bytes(0), [None; 5], &[3, 4]).0, 31, "they are not made yet");
    }
}
