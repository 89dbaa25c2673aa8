//! The log on a real folder, with its threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use futures::executor::block_on;

use super::*;
use crate::Item;

pub(super) fn config(folder: &Path) -> Config {
    Config {
        segment_size: ByteSize::kib(16),
        disk_floor: ByteSize::bytes(0),
        balloon: ByteSize::bytes(0),
        ..Config::new(folder, [7; 16])
    }
}

fn payload(n: u64) -> Bytes {
    let length = usize::try_from(n * 37 % 700).expect("small");
    let mut bytes = n.to_le_bytes().to_vec();
    bytes.resize(8 + length, u8::try_from(n % 251).expect("small"));
    bytes.into()
}

/// Reads until `end` was read; checks order and contents.
fn read_to(log: &dyn Log, from: u64, end: u64) -> Vec<Item> {
    let mut stream = log.read(Offset(from));
    let mut items = Vec::new();
    let mut next = from;
    while next <= end {
        let batch = block_on(stream.next()).expect("goes on").expect("reads well");
        for item in batch.items {
            if let Item::Frame(at, bytes) = &item {
                assert_eq!((at.0, bytes), (next, &payload(next)));
                next += 1;
            }
            items.push(item);
        }
    }
    items
}

#[test]
fn what_was_appended_is_read_again_after_a_restart_and_by_get() {
    let folder = tempfile::tempdir().expect("a folder");
    for life in 0..4 {
        let log = Embedded::open(config(folder.path()), None).expect("opens");
        assert_eq!(log.end(), Offset(life * 300));
        for n in 1..=300 {
            log.append(payload(life * 300 + n)).expect("taken");
        }
        let end = (life + 1) * 300;
        let items = read_to(&log, 1, end);
        let sealed: Vec<_> = items
            .iter()
            .filter_map(|item| match item {
                Item::Sealed { first, last } => Some((*first, *last)),
                Item::Frame(..) => None,
            })
            .collect();
        let known: Vec<_> = log.sealed().iter().map(|it| (it.first, it.last)).collect();
        assert!(sealed.len() >= known.len().saturating_sub(1) && !known.is_empty());
        assert_eq!(sealed, known[..sealed.len()]);
        for n in (1..=end).step_by(7) {
            assert_eq!(block_on(log.get(Offset(n))).expect("there"), payload(n));
        }
        for info in log.sealed() {
            let frames: Result<Vec<_>, _> = log.scan(info.first).expect("sealed").collect();
            let frames = frames.expect("reads well");
            assert_eq!(frames.first().map(|it| it.0), Some(info.first));
            assert_eq!(frames.last().map(|it| it.0), Some(info.last));
        }
    }
}

#[test]
fn a_closed_log_keeps_what_it_accepted_and_ends_its_readers() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Embedded::open(config(folder.path()), None).expect("opens");
    let stream = log.read(Offset(1));
    for n in 1..=50 {
        log.append(payload(n)).expect("taken");
    }
    log.close();
    assert_eq!(log.append(payload(51)), Err(Refused::Stopped));
    let batches: Vec<_> = block_on(stream.collect());
    let items = batches.into_iter().flat_map(|batch| batch.expect("reads well").items);
    let frames = items.filter(|item| matches!(item, Item::Frame(..))).count();
    assert_eq!((log.end(), frames), (Offset(50), 50));
}

#[test]
fn one_batch_wakes_a_live_reader_once_with_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let syncs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&syncs);
    let config = Config {
        on_sync: Some(Arc::new(move |_, frames| {
            counted.fetch_add(usize::from(frames > 0), Ordering::Relaxed);
        })),
        ..config(folder.path())
    };
    let log = Embedded::open(config, None).expect("opens");
    let mut stream = log.read(Offset(1));
    assert!(block_on(async { futures::poll!(stream.next()) }).is_pending());
    let frame = payload(1);
    log.append(frame.clone()).expect("taken");
    let batch = block_on(stream.next()).expect("goes on").expect("reads well");
    let [Item::Frame(Offset(1), read)] = &batch.items[..] else { panic!("{batch:?}") };
    assert_eq!(read.as_ptr(), frame.as_ptr());
    assert_eq!(syncs.load(Ordering::Relaxed), 1);
}

/// Nobody waits for the syncs of mode `os`, and what one of them covered is older than what is
/// written when it is noted.
#[test]
fn what_is_written_while_another_thread_syncs_is_read_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let seconds = Arc::new(AtomicUsize::new(0));
    let held = Arc::new(AtomicUsize::new(1));
    let synced = Arc::new(AtomicUsize::new(0));
    let config = Config {
        durability: Durability::Os,
        segment_size: ByteSize::kib(256),
        now: Arc::new({
            let seconds = Arc::clone(&seconds);
            move || Duration::from_secs(seconds.load(Ordering::SeqCst) as u64)
        }),
        on_point: Some(Arc::new({
            let held = Arc::clone(&held);
            move |point| {
                while point == Point::AfterWriteBeforeSync && held.load(Ordering::SeqCst) == 1 {
                    std::thread::yield_now();
                }
            }
        })),
        on_sync: Some(Arc::new({
            let synced = Arc::clone(&synced);
            move |_, _| {
                synced.fetch_add(1, Ordering::SeqCst);
            }
        })),
        ..config(folder.path())
    };
    let log = Embedded::open(config, None).expect("opens");
    let append = |n| {
        log.append(payload(n)).expect("taken");
        eventually("it is written", || log.end() == Offset(n));
    };
    append(1);
    seconds.store(2, Ordering::SeqCst);
    append(2);
    append(3);
    held.store(0, Ordering::SeqCst);
    eventually("the other thread has synced", || synced.load(Ordering::SeqCst) == 1);
    (4..=8).for_each(append);
    let left = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(folder.path()).expect("there") {
        let file = file.expect("a file").path();
        std::fs::copy(&file, left.path().join(file.file_name().expect("named"))).expect("copied");
    }
    let again = Embedded::open(self::config(left.path()), None).expect("opens");
    assert_eq!(again.end(), Offset(8));
    read_to(&again, 1, 8);
}

#[test]
fn the_embedded_log_conforms() {
    for durability in [Durability::Sync, Durability::Os] {
        for recent in [0, 1 << 20] {
            crate::conformance::check(|| {
                let folder = tempfile::tempdir().expect("a folder");
                let config = Config {
                    durability,
                    recent: ByteSize::bytes(recent),
                    segment_size: ByteSize::kib(256),
                    ..config(folder.path())
                };
                let log = Arc::new(Embedded::open(config, None).expect("opens"));
                // A wish to seal that the writer has not seen yet would be for what comes next.
                let seen = Arc::clone(&log);
                let is_seen = move || !lock(&seen.shared.queue).seal;
                let settle = Box::new(move || eventually("the writer looks", &is_seen));
                crate::conformance::Subject { log, settle, kept: Box::new(folder) }
            });
        }
    }
}

/// Waits for a state, not for an amount of time; gives up after half a minute.
#[track_caller]
pub(super) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..30_000 {
        if is_so() {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "between two looks, with a limit")]
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("not in 30 seconds: {what}");
}
