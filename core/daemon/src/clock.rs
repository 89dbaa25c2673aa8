//! The clock: moments for deadlines, wall time for people.
//!
//! A [`Clock`] is a cheap handle. The real one asks the system; a [`Manual`] one moves only when it
//! is told to, so tests and the simulator decide what time it is.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use model::time::{Moment, WallTime};

/// Tells the time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// Moments count from here.
    System(Instant),
    Manual(Manual),
}

/// A clock that stands still until it is moved. Cheap to clone; all clones are one clock.
#[derive(Clone, Debug)]
pub struct Manual(Arc<watch::Sender<Times>>);

#[derive(Clone, Copy, Debug)]
struct Times {
    now: Moment,
    wall_ns: i64,
}

impl Clock {
    /// The clock of the system. Its moments count from this call, so they mean nothing to another
    /// clock: make one per process and hand it on.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    pub fn system() -> Self {
        Self(Source::System(Instant::now()))
    }

    /// The moment it is. Never goes back.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System(start) => Moment::after_start(start.elapsed()),
            Source::Manual(manual) => manual.0.borrow().now,
        }
    }

    /// Wall time: what people read. May jump either way.
    #[must_use]
    pub fn wall(&self) -> WallTime {
        WallTime(self.wall_ns().div_euclid(1_000_000))
    }

    /// Wall time in nanoseconds since the Unix epoch, for log lines; exact until the year 2262.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    pub fn wall_ns(&self) -> i64 {
        match &self.0 {
            Source::System(_) => nanos_since_epoch(SystemTime::now()),
            Source::Manual(manual) => manual.0.borrow().wall_ns,
        }
    }

    /// Waits until `moment`; forever if there is none. Cancel-safe: nothing is lost when it is
    /// dropped and asked for again.
    pub async fn reaches(&self, moment: Option<Moment>) {
        match moment {
            Some(moment) => self.sleep_until(moment).await,
            None => pending().await,
        }
    }

    /// Waits until `moment`; not at all if it is past. Cancel-safe.
    pub async fn sleep_until(&self, moment: Moment) {
        match &self.0 {
            Source::System(start) => match start.checked_add(moment.since_start()) {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => pending().await,
            },
            Source::Manual(manual) => {
                let mut times = manual.0.subscribe();
                // Cannot fail: the sender is held by `self`.
                times.wait_for(|times| times.now >= moment).await.ok();
            }
        }
    }

    /// Waits for so long. Cancel-safe, but begins anew with each call.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }

    /// What `work` comes to, if it does so until `moment`.
    pub async fn within<T>(&self, moment: Moment, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased; // what is done is done, also at the last moment
            done = work => Some(done),
            () = self.sleep_until(moment) => None,
        }
    }
}

impl Manual {
    /// A clock that stands at its start, at this wall time.
    #[must_use]
    pub fn new(wall: WallTime) -> Self {
        let times = Times { now: Moment::default(), wall_ns: wall.0.saturating_mul(1_000_000) };
        Self(Arc::new(watch::Sender::new(times)))
    }

    /// The handle that those get who ask for the time.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(self.clone()))
    }

    /// Lets time pass: the moment and the wall time move by as much.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|times| {
            times.now = times.now + by;
            let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
            times.wall_ns = times.wall_ns.saturating_add(by);
        });
    }

    /// Lets time pass until `moment`; nothing happens if that is past.
    pub fn advance_to(&self, moment: Moment) {
        let now = self.0.borrow().now;
        self.advance(moment.since(now));
    }

    /// Sets the wall time and leaves the moment: what an operator or NTP does.
    pub fn set_wall(&self, wall: WallTime) {
        self.0.send_modify(|times| times.wall_ns = wall.0.saturating_mul(1_000_000));
    }
}

fn nanos_since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_system_goes_on_and_knows_the_year() {
        let clock = Clock::system();
        let before = clock.now();
        assert!(clock.now() >= before);
        assert!(clock.wall() > WallTime(1_700_000_000_000), "{:?}", clock.wall());
    }

    #[test]
    fn a_manual_clock_stands_until_it_is_moved() {
        let manual = Manual::new(WallTime(1_000));
        let clock = manual.clock();
        assert_eq!((clock.now(), clock.wall()), (Moment::default(), WallTime(1_000)));

        manual.advance(Duration::from_millis(5));
        assert_eq!(clock.now(), Moment::after_start(Duration::from_millis(5)));
        assert_eq!((clock.wall(), clock.wall_ns()), (WallTime(1_005), 1_005_000_000));

        manual.set_wall(WallTime(-1));
        assert_eq!(clock.now(), Moment::after_start(Duration::from_millis(5)));
        assert_eq!(clock.wall(), WallTime(-1));

        manual.advance_to(Moment::default());
        assert_eq!(clock.now(), Moment::after_start(Duration::from_millis(5)));
    }

    #[tokio::test]
    async fn who_waits_for_a_moment_is_woken_when_it_comes() {
        let manual = Manual::new(WallTime(0));
        let clock = manual.clock();
        let moment = clock.now() + Duration::from_secs(60);
        let waits = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reaches(Some(moment)).await }
        });
        manual.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        manual.advance(Duration::from_secs(1));
        waits.await.unwrap();
        clock.sleep_until(moment).await; // past: at once

        assert_eq!(clock.within(clock.now(), pending::<()>()).await, None);
        assert_eq!(clock.within(clock.now(), async { 1 }).await, Some(1));
    }

    #[tokio::test]
    async fn the_clock_of_the_system_wakes_too() {
        let clock = Clock::system();
        let before = clock.now();
        clock.sleep(Duration::from_millis(2)).await;
        assert!(clock.now().since(before) >= Duration::from_millis(2));
    }
}
