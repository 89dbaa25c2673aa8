//! The timer of one connection: hyper makes one per request, to bound how long a head may take.
//!
//! Setting a timer of the runtime and taking it back costs as much as parsing the head. Here one
//! stays set: it is moved on when it goes off too early, which is once in that bound.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The one that stays set.
type Alarm = Pin<Box<tokio::time::Sleep>>;

/// The timer of one connection.
#[derive(Default)]
pub(crate) struct HeadTimer(Arc<Mutex<Option<Alarm>>>);

struct HeadSleep {
    alarm: Arc<Mutex<Option<Alarm>>>,
    until: tokio::time::Instant,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HeadSleep { alarm: Arc::clone(&self.0), until: until.into() })
    }
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.until)));
        if alarm.deadline() > self.until {
            alarm.as_mut().reset(self.until);
        }
        while alarm.as_mut().poll(context).is_ready() {
            if alarm.deadline() >= self.until {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(self.until);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_ends_at_its_own_time_whatever_was_set_before() {
        let timer = HeadTimer::default();
        let begin = timer.now();
        let after = |ms| begin + Duration::from_millis(ms);
        drop(timer.sleep_until(after(5)));
        let mut taken_back = timer.sleep_until(after(60_000));
        let polled = std::future::poll_fn(|context| Poll::Ready(taken_back.as_mut().poll(context)));
        assert!(polled.await.is_pending());
        drop(taken_back);
        for ms in [20, 15, 30, 30, 40] {
            timer.sleep_until(after(ms)).await;
            let now = timer.now();
            assert!(after(ms) <= now && now < after(30_000), "{ms}");
        }
    }
}
