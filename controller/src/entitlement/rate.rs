//! How often a namespace may do something per minute.
//!
//! Windows are those of the wall clock: a request is counted first and admitted iff the count is
//! within the limit, so what is refused stays counted. Source: `rest-api.md` §8.2.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::name::Namespace;
use model::time::WallTime;

const MINUTE: i64 = 60_000;

/// What is counted; the two are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Invocations of actions.
    Invocations,
    /// Fires of triggers.
    Fires,
}

/// Why a request is not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// Too many in this minute.
    #[error("Too many requests in the last minute (count: {count}, allowed: {allowed}).")]
    Rate {
        /// Of what.
        of: Counted,
        /// With this one.
        count: u64,
        /// The limit.
        allowed: u64,
        /// How long the minute lasts yet.
        rest: Duration,
    },
    /// Too many at a time.
    #[error("Too many concurrent requests in flight (count: {count}, allowed: {allowed}).")]
    Concurrent {
        /// Without this one.
        count: u64,
        /// The limit.
        allowed: u64,
    },
}

/// The counts of the current minute.
#[derive(Debug, Default)]
pub struct Rates {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    minute: i64,
    of: HashMap<(Namespace, Counted), u64>,
}

impl Rates {
    /// Counts a request and says whether it is admitted.
    ///
    /// # Errors
    /// [`TooMany::Rate`].
    pub fn admit(
        &self,
        now: WallTime,
        namespace: &Namespace,
        counted: Counted,
        allowed: u64,
    ) -> Result<(), TooMany> {
        let minute = now.0.div_euclid(MINUTE);
        // Plain numbers: right at every moment, so poison says nothing.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // A request that came in the minute before, and took its time, is counted in this one. A
        // clock that went back further begins anew.
        if minute > counts.minute || minute + 1 < counts.minute {
            counts.minute = minute;
            counts.of.clear();
        }
        let key = (namespace.clone(), counted);
        let count = counts.of.entry(key).or_default();
        *count += 1;
        if *count <= allowed {
            return Ok(());
        }
        let rest = u64::try_from(MINUTE - now.0.rem_euclid(MINUTE)).unwrap_or(0);
        Err(TooMany::Rate {
            of: counted,
            count: *count,
            allowed,
            rest: Duration::from_millis(rest),
        })
    }
}

/// Whether one more may be open.
///
/// # Errors
/// [`TooMany::Concurrent`].
pub fn has_room(count: u64, allowed: u64) -> Result<(), TooMany> {
    if count < allowed { Ok(()) } else { Err(TooMany::Concurrent { count, allowed }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_stays_counted_and_a_new_minute_begins_at_the_wall_clock() {
        let rates = Rates::default();
        let guest = Namespace::new("guest").unwrap();
        let ask = |at, counted| rates.admit(WallTime(at), &guest, counted, 2);
        let refused = |count, rest| {
            let (of, rest) = (Counted::Invocations, Duration::from_millis(rest));
            Err(TooMany::Rate { of, count, allowed: 2, rest })
        };
        assert_eq!(ask(59_000, Counted::Invocations), Ok(()));
        assert_eq!(ask(59_100, Counted::Invocations), Ok(()));
        assert_eq!(ask(59_200, Counted::Invocations), refused(3, 800));
        assert_eq!(ask(59_300, Counted::Invocations), refused(4, 700));
        assert_eq!(ask(59_400, Counted::Fires), Ok(()));
        assert_eq!(ask(60_000, Counted::Invocations), Ok(()));
        assert_eq!(ask(59_900, Counted::Invocations), Ok(()), "it was late");
        assert_eq!(ask(59_950, Counted::Invocations), refused(3, 50));
        assert_eq!(ask(60_100, Counted::Fires), Ok(()));
        assert_eq!(ask(-600_000, Counted::Invocations), Ok(()), "the clock was set back");
        let text = refused(61, 0).unwrap_err().to_string();
        assert_eq!(text, "Too many requests in the last minute (count: 61, allowed: 2).");
    }

    #[test]
    fn a_limit_of_zero_admits_nothing() {
        let rates = Rates::default();
        let guest = Namespace::new("guest").unwrap();
        assert!(rates.admit(WallTime(0), &guest, Counted::Invocations, 0).is_err());
        assert_eq!(has_room(0, 0), Err(TooMany::Concurrent { count: 0, allowed: 0 }));
        assert_eq!(has_room(29, 30), Ok(()));
    }
}
