//! Timers that the ticker fires: for guests that sleep and for limits of time.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Shared, lock};

/// Who is to be woken when.
#[derive(Default)]
pub(super) struct Timers {
    by_time: BTreeMap<(Duration, u64), Waker>,
    number: u64,
}

impl Timers {
    pub(super) fn all(self) -> impl Iterator<Item = Waker> {
        self.by_time.into_values()
    }

    /// Those that are due, and when the next one is.
    pub(super) fn due(&mut self, now: Duration) -> (Vec<Waker>, Option<Duration>) {
        let mut due = Vec::new();
        while let Some(first) = self.by_time.first_entry() {
            if first.key().0 > now {
                return (due, Some(first.key().0));
            }
            due.push(first.remove());
        }
        (due, None)
    }
}

/// Ends at a moment. Dropping it takes the timer back.
pub(crate) struct Sleep {
    shared: Arc<Shared>,
    until: Duration,
    number: Option<u64>,
}

impl Sleep {
    pub(super) fn new(shared: Arc<Shared>, until: Duration) -> Self {
        Self { shared, until, number: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if (self.shared.now)() >= self.until {
            return Poll::Ready(());
        }
        let is_first = {
            let mut timers = lock(&self.shared.timers);
            let number = self.number.unwrap_or_else(|| {
                timers.number += 1;
                timers.number
            });
            let key = (self.until, number);
            timers.by_time.insert(key, context.waker().clone());
            let is_first = timers.by_time.first_key_value().is_some_and(|(first, _)| *first == key);
            drop(timers);
            self.number = Some(number);
            is_first
        };
        // Others are waited for anyway, or the ticker comes by within a millisecond.
        if is_first && let Some(ticker) = self.shared.ticker.get() {
            ticker.unpark();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            lock(&self.shared.timers).by_time.remove(&(self.until, number));
        }
    }
}
