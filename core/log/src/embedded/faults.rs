//! Faults of a disk, one at a time, with the log's threads running (F112–F117, F149, F154).

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use futures::executor::block_on;

use super::tests::{config, eventually};
use super::*;
use crate::Item;
use crate::disk::simulated::Simulated;

fn frame(n: u64) -> Bytes {
    let mut bytes = n.to_le_bytes().to_vec();
    bytes.resize(1_000, 1);
    bytes.into()
}

fn open(disk: &Simulated, change: impl FnOnce(&mut Config)) -> Result<Embedded, OpenError> {
    let mut config = config(Path::new("simulated"));
    change(&mut config);
    Embedded::open_on(Arc::new(disk.clone()), config, None)
}

/// Appends one frame after the other and waits for each.
fn fill(log: &Embedded, from: u64, to: u64) {
    let mut stream = log.read(Offset(from));
    for n in from..=to {
        log.append(frame(n)).expect("taken");
        let is_it = |item: &Item| matches!(item, Item::Frame(at, _) if at.0 == n);
        while !block_on(stream.next()).expect("goes on").expect("reads").items.iter().any(is_it) {}
    }
}

fn read(log: &Embedded, from: u64, to: u64) -> Result<(), Error> {
    let mut stream = log.read(Offset(from));
    let mut next = from;
    while next <= to {
        for item in block_on(stream.next()).expect("goes on")?.items {
            if let Item::Frame(at, bytes) = item {
                assert_eq!((at, &bytes), (Offset(next), &frame(next)));
                next += 1;
            }
        }
    }
    Ok(())
}

#[test]
fn f112_a_failed_sync_stops_the_log_and_what_was_readable_survives_a_power_cut() {
    let disk = Simulated::new(1);
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let log = open(&disk, |config| {
        config.on_fatal = Arc::new(move |fatal| lock(&ear).push(fatal.to_string()));
    })
    .expect("opens");
    fill(&log, 1, 10);
    eventually("a spare", || log.health().spare_ready);
    let mut stream = log.read(Offset(11));
    disk.fail_next_sync();
    log.append(frame(11)).expect("taken: nobody knows yet");
    assert!(block_on(stream.next()).is_none(), "no reader sees it, and all readers end");
    assert_eq!(log.append(frame(12)), Err(Refused::Stopped));
    assert_eq!(lock(&told).len(), 1);
    assert!(lock(&told)[0].contains("sync 0000000001-"), "{told:?}");
    drop(log);
    disk.power_cut();
    let log = open(&disk, |_| ()).expect("opens");
    read(&log, 1, 10).expect("reads");
}

#[test]
fn f113_f154_a_full_disk_refuses_new_work_lets_small_records_through_and_recovers() {
    let disk = Simulated::new(2);
    let kib = ByteSize::kib(16);
    let log = open(&disk, |config| {
        config.balloon = kib;
        config.disk_floor = ByteSize::kib(8);
    })
    .expect("opens");
    fill(&log, 1, 3);
    eventually("spare and balloon", || log.health().spare_ready && log.health().balloon);
    disk.set_capacity(Some(48 << 10)); // the open segment, the spare, the balloon
    log.set_reserved(ByteSize::kib(4));
    eventually("below the floor", || log.health().below_floor);
    assert!(matches!(log.append(frame(4)), Err(Refused::DiskFull { .. })));
    let mut taken = 3;
    eventually("even small records are refused, with the balloon gone", || {
        // One after the other, as what is open comes to its end.
        if log.end().0 < taken {
            return false;
        }
        let refused = log.append_reserved(frame(taken + 1)).is_err();
        taken += u64::from(!refused);
        refused && log.health().stalled
    });
    assert!(!log.health().balloon && taken > 15 * 2, "{taken} records went through");
    assert!(log.append(frame(0)).is_err());
    disk.set_capacity(None);
    eventually("room again", || log.append(frame(taken + 1)).is_ok());
    read(&log, 1, taken + 1).expect("nothing that was taken is lost");
    eventually("a balloon again", || log.health().balloon);
}

#[test]
fn a_log_that_waits_for_room_can_be_closed() {
    let disk = Simulated::new(3);
    let log = open(&disk, |_| ()).expect("opens");
    eventually("a spare", || log.health().spare_ready);
    disk.set_capacity(Some(1));
    for n in 1..=60 {
        if log.append_reserved(frame(n)).is_err() {
            break;
        }
    }
    log.close();
    let end = log.end().0;
    assert!(end >= 15);
    drop(log);
    disk.set_capacity(None);
    read(&open(&disk, |_| ()).expect("opens"), 1, end).expect("reads");
}

/// Three sealed segments of ten frames and an open one, marked, on a disk of its own.
fn four_segments() -> Simulated {
    let disk = Simulated::new(4);
    let log = open(&disk, |_| ()).expect("opens");
    for segment in 0..3 {
        fill(&log, segment * 10 + 1, segment * 10 + 10);
        log.seal().expect("open");
        eventually("sealed", || log.sealed().len() > usize::try_from(segment).expect("small"));
    }
    fill(&log, 31, 35);
    drop(log);
    disk
}

fn segment(disk: &Simulated, first: u64) -> String {
    let names = disk.list().expect("lists");
    let is_it = |name: &&String| segment::parse_name(name).is_some_and(|it| it.1 == first);
    names.iter().find(is_it).expect("there").clone()
}

#[test]
fn f115_f153_a_flip_in_what_was_synced_is_refused_and_its_sequence_named() {
    let disk = four_segments();
    // The header takes 512 bytes, each frame 1,040.
    assert!(disk.flip(&segment(&disk, 31), 512 + 4 * 1_040 + 500, 3));
    let Err(OpenError::Damaged { sequence, durable, .. }) = open(&disk, |_| ()) else {
        panic!("must not open")
    };
    assert_eq!((sequence, durable), (Offset(35), Offset(35)));

    let disk = four_segments();
    assert!(disk.flip(&segment(&disk, 11), 512 + 2 * 1_040 + 500, 3));
    let log = open(&disk, |_| ()).expect("its end is good");
    let refused = read(&log, 1, 35).expect_err("must not replay");
    assert!(matches!(refused, Error::Damaged { sequence: Offset(13), .. }), "{refused}");
    let got = block_on(log.get(Offset(13)));
    assert!(matches!(got, Err(Error::Damaged { sequence: Offset(13), .. })), "{got:?}");
    assert_eq!(block_on(log.get(Offset(12))).expect("reads"), frame(12));
    assert_eq!(block_on(log.get(Offset(20))).expect("reads"), frame(20));
}

#[test]
fn a_deleted_segment_is_refused() {
    let disk = four_segments();
    disk.remove(&segment(&disk, 11)).expect("removes");
    let log = open(&disk, |_| ()).expect("its end is good");
    let refused = read(&log, 1, 35).expect_err("must not replay");
    assert!(matches!(refused, Error::Damaged { sequence: Offset(11), .. }), "{refused}");
    drop(log);

    let disk = four_segments();
    disk.remove(&segment(&disk, 31)).expect("removes");
    let mut config = config(Path::new("simulated"));
    config.new_ledger_id = [9; 16];
    let checkpoint = Checkpoint { at: Offset(33), crc: crate::frame_crc(&frame(33)) };
    let refused = Embedded::open_on(Arc::new(disk), config, Some(checkpoint));
    let Err(OpenError::Damaged { sequence, evidence, .. }) = refused else {
        panic!("must not open")
    };
    assert_eq!((sequence, evidence), (Offset(31), Evidence::Checkpoint));
}

#[test]
fn a_damaged_old_segment_that_only_the_archive_needs_does_not_stop_a_start() {
    let disk = four_segments();
    let log = open(&disk, |_| ()).expect("opens");
    log.save_snapshot(Offset(30), b"state").expect("saves");
    drop(log);
    disk.flip(&segment(&disk, 1), 20, 1);
    disk.flip(&segment(&disk, 11), 512 + 500, 1);
    let log = open(&disk, |_| ()).expect("opens");
    read(&log, 31, 35).expect("reads");
    assert_eq!(block_on(log.get(Offset(3))).expect("reads"), frame(3));
    assert!(block_on(log.get(Offset(11))).is_err());
}

#[test]
fn the_checkpoint_of_the_index_is_found_or_not() {
    let disk = four_segments();
    let found = |checkpoint| {
        let config = config(Path::new("simulated"));
        let log = Embedded::open_on(Arc::new(disk.clone()), config, checkpoint).expect("opens");
        log.start().checkpoint
    };
    let at = |n: u64, crc| Some(Checkpoint { at: Offset(n), crc });
    assert_eq!(found(None), CheckpointFound::NotGiven);
    for n in [1, 15, 35] {
        assert_eq!(found(at(n, crate::frame_crc(&frame(n)))), CheckpointFound::Matches);
        assert_eq!(found(at(n, 0)), CheckpointFound::Differs);
    }
}

#[test]
fn f25_f116_a_damaged_snapshot_gives_way_to_the_older_one() {
    let disk = four_segments();
    let log = open(&disk, |_| ()).expect("opens");
    for at in [10, 20, 30] {
        log.save_snapshot(Offset(at), &[1; 100]).expect("saves");
    }
    let newest = |log: &Embedded| log.newest_snapshot(None).expect("lists").map(|it| it.0.0);
    assert_eq!(newest(&log), Some(30));
    disk.flip("00000000000000000030.snap", 100, 1);
    assert_eq!(newest(&log), Some(20));
    disk.flip("00000000000000000020.snap", 3, 1);
    assert_eq!(newest(&log), Some(10));
    // A half-written one names nothing.
    disk.stop_after(1);
    assert!(log.save_snapshot(Offset(31), &[1; 100]).is_err());
    disk.kill();
    drop(log);
    let log = open(&disk, |_| ()).expect("opens");
    assert_eq!(newest(&log), Some(10));
    assert!(disk.list().expect("lists").iter().all(|name| !name.ends_with(".snap.tmp")));
}

#[test]
fn segments_of_two_ledgers_are_refused() {
    let (ours, theirs) = (four_segments(), Simulated::new(5));
    let log = open(&theirs, |config| config.new_ledger_id = [9; 16]).expect("opens");
    fill(&log, 1, 3);
    drop(log);
    let bytes = crate::disk::read_whole(&theirs, &segment(&theirs, 1)).expect("reads");
    crate::disk::write_whole(&ours, &segment(&ours, 1), &[&bytes]).expect("writes");
    assert!(matches!(open(&ours, |_| ()), Err(OpenError::Foreign { .. })));
}

#[test]
fn f149_every_point_is_reached() {
    let disk = Simulated::new(6);
    let reached = Arc::new(Mutex::new(std::collections::BTreeSet::new()));
    let ear = Arc::clone(&reached);
    let log = open(&disk, |config| {
        config.on_point = Some(Arc::new(move |point| {
            lock(&ear).insert(point);
        }));
    })
    .expect("opens");
    fill(&log, 1, 30);
    drop(log);
    let missed: Vec<_> =
        Point::ALL.into_iter().filter(|point| !lock(&reached).contains(point)).collect();
    assert_eq!(missed, []);
}

#[test]
fn a_reader_that_lags_far_behind_reads_on_from_disk() {
    let disk = Simulated::new(7);
    let log = open(&disk, |config| {
        config.segment_size = ByteSize::mib(8);
        config.recent = ByteSize::kib(100);
    })
    .expect("opens");
    let mut lazy = log.read(Offset(1));
    assert!(block_on(async { futures::poll!(lazy.next()) }).is_pending());
    let large = |n: u64| {
        let mut bytes = n.to_le_bytes().to_vec();
        bytes.resize(500_000, 7);
        Bytes::from(bytes)
    };
    for n in 1..=100 {
        while log.append(large(n)).is_err() {
            std::thread::yield_now();
        }
    }
    eventually("all written", || log.end() == Offset(100));
    let frames = AtomicUsize::new(0);
    while frames.load(Ordering::Relaxed) < 100 {
        for item in block_on(lazy.next()).expect("goes on").expect("reads").items {
            if let Item::Frame(at, bytes) = item {
                let n = frames.fetch_add(1, Ordering::Relaxed) as u64 + 1;
                assert_eq!((at, bytes), (Offset(n), large(n)));
            }
        }
    }
}

#[test]
fn a_salvage_copies_aside_lists_what_it_drops_and_lets_the_log_start_before_the_damage() {
    for (first, byte, kept, lost) in [
        (31, 512 + 2 * 1_040 + 500, 32, vec![34, 35]), // in the last segment
        (11, 512 + 2 * 1_040 + 500, 12, (14..=35).collect()), // in one before it
        (21, 30, 20, (21..=35).collect()),             // in a header
    ] {
        let disk = four_segments();
        disk.flip(&segment(&disk, first), byte, 3);
        let config = config(Path::new("simulated"));
        let on: Arc<dyn Disk> = Arc::new(disk.clone());
        let salvaged = salvage::salvage_on(&on, &config).expect("salvages");
        assert_eq!(salvaged.end, Offset(kept));
        let listed: Vec<_> = salvaged.lost.iter().map(|it| it.0.0).collect();
        assert_eq!(listed, lost);
        assert!(salvaged.lost.iter().all(|(at, bytes)| *bytes == frame(at.0)));
        assert!(!salvaged.aside.is_empty());
        let log = open(&disk, |_| ()).expect("opens");
        assert_eq!(log.end(), Offset(kept));
        read(&log, 1, kept).expect("reads");
        fill(&log, kept + 1, kept + 20);
        drop(log);
        disk.power_cut();
        let log = open(&disk, |_| ()).expect("opens");
        read(&log, 1, kept + 20).expect("reads");
        drop(log);
        let again = salvage::salvage_on(&on, &config).expect("salvages");
        assert_eq!(again, salvage::Salvaged::default(), "without damage nothing is changed");
    }
}
