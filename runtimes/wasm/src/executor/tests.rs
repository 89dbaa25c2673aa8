//! Who comes next, who is ended, who waits: the executor with tasks that are no guests.

use std::sync::mpsc::sync_channel;

use super::*;
use crate::tests::stage::{PATIENCE, outside};

fn namespace() -> Namespace {
    Namespace::new("guest").unwrap()
}

struct Gone(std::sync::mpsc::SyncSender<&'static str>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.send("gone").unwrap();
    }
}

#[test]
fn a_panic_ends_its_own_task_and_no_thread() {
    let executor = Executor::start(1, outside().now_mono, || ()).unwrap();
    let (told, seen) = sync_channel(4);
    let gone = Gone(told.clone());
    executor.spawn(namespace(), |_| {
        Box::pin(async move {
            let _gone = gone;
            panic!("as planned");
        })
    });
    assert_eq!(seen.recv_timeout(PATIENCE), Ok("gone"));
    executor.spawn(namespace(), |_| Box::pin(async move { told.send("next").unwrap() }));
    assert_eq!(seen.recv_timeout(PATIENCE), Ok("next"));
}

#[test]
fn a_task_that_waits_when_all_ends_is_dropped() {
    let executor = Executor::start(2, outside().now_mono, || ()).unwrap();
    let (told, seen) = sync_channel(4);
    for _ in 0..2 {
        let gone = Gone(told.clone());
        executor.spawn(namespace(), |turn| {
            Box::pin(async move {
                gone.0.send("waits").unwrap();
                turn.sleep_until(Duration::MAX).await;
            })
        });
        assert_eq!(seen.recv_timeout(PATIENCE), Ok("waits"));
    }
    drop(executor);
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["gone", "gone"]);
}

/// What it waits for holds its waker, and it holds what it waits for: nobody else would end it.
#[test]
fn a_task_that_is_woken_while_all_ends_is_dropped() {
    let executor = Executor::start(1, outside().now_mono, || ()).unwrap();
    let (told, seen) = sync_channel(4);
    let (wake, woken) = tokio::sync::oneshot::channel::<()>();
    let gone = Gone(told.clone());
    executor.spawn(namespace(), |_| {
        Box::pin(async move {
            gone.0.send("waits").unwrap();
            let _ = woken.await;
            std::future::pending::<()>().await;
        })
    });
    assert_eq!(seen.recv_timeout(PATIENCE), Ok("waits"));
    executor.spawn(namespace(), |turn| {
        Box::pin(async move {
            told.send("busy").unwrap();
            while !turn.shared.is_closed() {
                std::hint::spin_loop();
            }
        })
    });
    assert_eq!(seen.recv_timeout(PATIENCE), Ok("busy"));
    wake.send(()).unwrap();
    drop(executor);
    assert_eq!(seen.recv_timeout(PATIENCE), Ok("gone"));
}

#[test]
fn at_rest_nothing_ticks() {
    let (ticked, ticks) = sync_channel(100_000);
    let tick = move || ticked.send(()).unwrap();
    let executor = Executor::start(1, outside().now_mono, tick).unwrap();
    let (told, seen) = sync_channel(1);
    executor.spawn(namespace(), |turn| {
        Box::pin(async move {
            // Busy until the ticker has been here.
            let until = turn.now() + Duration::from_millis(20);
            while turn.now() < until {
                std::hint::spin_loop();
            }
            told.send(()).unwrap();
        })
    });
    seen.recv_timeout(PATIENCE).unwrap();
    assert!(ticks.recv_timeout(PATIENCE).is_ok(), "it ticks while something runs");
    let limit = (outside().now_mono)() + PATIENCE;
    while executor.shared.ticking.load(Ordering::SeqCst) {
        assert!((outside().now_mono)() < limit, "the ticker goes to sleep");
        std::thread::yield_now();
    }
}

#[test]
fn timers_fire_in_their_order() {
    let executor = Executor::start(1, outside().now_mono, || ()).unwrap();
    let (told, seen) = sync_channel(4);
    let now = (outside().now_mono)();
    for ms in [30, 10, 20] {
        let told = told.clone();
        executor.spawn(namespace(), move |turn| {
            Box::pin(async move {
                turn.sleep_until(now + Duration::from_millis(ms)).await;
                told.send((ms, turn.now() >= now + Duration::from_millis(ms))).unwrap();
            })
        });
    }
    let order: Vec<_> = (0..3).map(|_| seen.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(order, [(10, true), (20, true), (30, true)]);
}
