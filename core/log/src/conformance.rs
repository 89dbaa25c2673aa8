//! What every log must do, whatever is behind it: one suite for all backends.
//!
//! It looks at a log as its users do, through the trait alone, and panics with the name of the
//! case that failed.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::BoxStream;
use model::id::Offset;

use crate::{Batch, Error, Item, Log, Refused};

/// A fresh, empty log without faults.
pub struct Subject {
    /// The log.
    pub log: Arc<dyn Log>,
    /// Called after appends: lets them happen where they do not by themselves.
    pub settle: Box<dyn Fn()>,
    /// What the log needs as long as it is used, such as its folder.
    pub kept: Box<dyn Any>,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("end", &self.log.end()).finish_non_exhaustive()
    }
}

/// A case of the suite.
type Case = fn(&Subject);

/// All cases, by name.
const CASES: [(&str, Case); 12] = [
    ("frames come in order, each once, from any offset", frames_come_in_order),
    ("a reader that waits gets what comes later", a_waiting_reader_goes_on),
    ("two readers see the same", two_readers_see_the_same),
    ("one frame is got by its offset", one_frame_is_got),
    ("an empty log ends with no offset", an_empty_log_has_no_end),
    ("a seal is told in its place, to early and late readers", a_seal_is_told_in_its_place),
    ("a sealed segment is scanned", a_sealed_segment_is_scanned),
    ("a segment without frames is not sealed", nothing_is_not_sealed),
    ("three snapshots are kept", three_snapshots_are_kept),
    ("companions belong to sealed segments", companions_belong_to_segments),
    ("a trim keeps what the oldest snapshot needs", a_trim_keeps_what_is_needed),
    ("an offset behind the end and a frame too large are refused", the_impossible_is_refused),
];

/// Runs the suite, each case on a log of its own.
///
/// # Panics
/// If the log does not conform.
pub fn check(make: impl Fn() -> Subject) {
    for (name, case) in CASES {
        tracing::debug!(name, "conformance");
        case(&make());
    }
}

fn frame(n: u64) -> Bytes {
    let mut bytes = n.to_le_bytes().to_vec();
    bytes.resize(8 + usize::try_from(n * 31 % 300).unwrap_or(0), 0x5a);
    bytes.into()
}

impl Subject {
    /// Appends the frames `from..=to` and waits until they are readable.
    fn append(&self, from: u64, to: u64) {
        for n in from..=to {
            assert_eq!(self.log.append(frame(n)), Ok(()), "frame {n}");
        }
        (self.settle)();
        self.read(from, to);
        assert_eq!(self.log.end(), Offset(to));
    }

    /// What a new reader sees up to the frame `to`.
    fn read(&self, from: u64, to: u64) -> Vec<Item> {
        items(&mut self.log.read(Offset(from)), to)
    }

    /// Seals at `last`, and waits until it is done.
    fn seal(&self, last: u64) {
        let mut stream = self.log.read(Offset(last));
        assert_eq!(self.log.seal(), Ok(()));
        (self.settle)();
        let is_seal = |item: &Item| matches!(item, Item::Sealed { last: it, .. } if it.0 == last);
        while !next(&mut stream).items.iter().any(is_seal) {}
    }
}

fn next(stream: &mut BoxStream<'static, Result<Batch, Error>>) -> Batch {
    match block_on(stream.next()) {
        Some(Ok(batch)) => batch,
        other => panic!("the reader should go on, and says {other:?}"),
    }
}

fn items(stream: &mut BoxStream<'static, Result<Batch, Error>>, to: u64) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    while !items.iter().any(|item| matches!(item, Item::Frame(at, _) if at.0 >= to)) {
        let batch = next(stream);
        assert!(!batch.items.is_empty(), "a batch has at least one item");
        items.extend(batch.items);
    }
    items
}

#[track_caller]
fn assert_frames(items: &[Item], from: u64, to: u64) {
    let frames = items.iter().filter(|item| matches!(item, Item::Frame(..)));
    let expected: Vec<_> = (from..=to).map(|n| Item::Frame(Offset(n), frame(n))).collect();
    assert!(frames.eq(expected.iter()), "not the frames {from}..={to}, each once and in order");
}

fn frames_come_in_order(subject: &Subject) {
    subject.append(1, 200);
    for from in [0, 1, 2, 64, 65, 129, 200] {
        assert_frames(&subject.read(from, 200), from.max(1), 200);
    }
}

fn a_waiting_reader_goes_on(subject: &Subject) {
    let mut stream = subject.log.read(Offset(1));
    assert!(block_on(async { futures::poll!(stream.next()) }).is_pending());
    let mut to = 0;
    for count in [1, 1, 30, 1, 100] {
        subject.append(to + 1, to + count);
        assert_frames(&items(&mut stream, to + count), to + 1, to + count);
        to += count;
    }
    assert!(block_on(async { futures::poll!(stream.next()) }).is_pending());
    drop(stream);
    subject.append(to + 1, to + 5); // nobody waits any more
}

fn two_readers_see_the_same(subject: &Subject) {
    let mut early = subject.log.read(Offset::NONE);
    subject.append(1, 40);
    let mut late = subject.log.read(Offset(20));
    subject.append(41, 90);
    assert_frames(&items(&mut early, 90), 1, 90);
    assert_frames(&items(&mut late, 90), 20, 90);
}

fn one_frame_is_got(subject: &Subject) {
    subject.append(1, 150);
    for n in 1..=150 {
        match block_on(subject.log.get(Offset(n))) {
            Ok(bytes) => assert_eq!(bytes, frame(n)),
            Err(error) => panic!("frame {n}: {error}"),
        }
    }
    let beyond = block_on(subject.log.get(Offset(151)));
    assert!(matches!(beyond, Err(Error::Beyond { end: Offset(150), .. })), "{beyond:?}");
}

fn an_empty_log_has_no_end(subject: &Subject) {
    assert_eq!(subject.log.end(), Offset::NONE);
    assert_eq!(subject.log.sealed(), []);
    let beyond = block_on(subject.log.get(Offset(1)));
    assert!(matches!(beyond, Err(Error::Beyond { .. })), "{beyond:?}");
}

fn a_seal_is_told_in_its_place(subject: &Subject) {
    let mut early = subject.log.read(Offset(1));
    subject.append(1, 10);
    subject.seal(10);
    subject.append(11, 12);
    subject.seal(12);
    subject.append(13, 14);
    let sealed = |first, last| Item::Sealed { first: Offset(first), last: Offset(last) };
    for (name, items) in [("early", items(&mut early, 14)), ("late", subject.read(1, 14))] {
        assert_eq!(items.get(10), Some(&sealed(1, 10)), "{name}");
        assert_eq!(items.get(13), Some(&sealed(11, 12)), "{name}");
        assert_eq!(items.len(), 16, "{name}");
    }
    let from_the_next = subject.read(11, 14);
    assert_frames(&from_the_next[..1], 11, 11);
}

fn a_sealed_segment_is_scanned(subject: &Subject) {
    subject.append(1, 130);
    subject.seal(130);
    subject.append(131, 132);
    let sealed: Vec<_> = subject.log.sealed().iter().map(|it| (it.first, it.last)).collect();
    assert_eq!(sealed, [(Offset(1), Offset(130))]);
    let scan = subject.log.scan(Offset(1)).unwrap_or_else(|error| panic!("{error}"));
    let frames: Result<Vec<_>, _> = scan.collect();
    let frames = frames.unwrap_or_else(|error| panic!("{error}"));
    assert!(frames.into_iter().eq((1..=130).map(|n| (Offset(n), frame(n)))));
    for first in [2, 131] {
        let scan = subject.log.scan(Offset(first)).err();
        assert!(matches!(scan, Some(Error::NotSealed { .. })), "{scan:?}");
    }
}

fn nothing_is_not_sealed(subject: &Subject) {
    assert_eq!(subject.log.seal(), Ok(()));
    (subject.settle)();
    subject.append(1, 3);
    assert_eq!(subject.log.sealed(), []);
    subject.seal(3);
    assert_eq!(subject.log.seal(), Ok(()));
    (subject.settle)();
    subject.append(4, 4);
    assert_eq!(subject.log.sealed().len(), 1);
}

fn three_snapshots_are_kept(subject: &Subject) {
    subject.append(1, 20);
    let newest = |at_most| match subject.log.newest_snapshot(at_most) {
        Ok(newest) => newest,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(newest(None), None);
    for at in [3, 6, 9, 12] {
        let saved = subject.log.save_snapshot(Offset(at), &frame(at));
        assert!(saved.is_ok(), "{saved:?}");
    }
    assert_eq!(newest(None), Some((Offset(12), frame(12))));
    assert_eq!(newest(Some(Offset(11))), Some((Offset(9), frame(9))));
    assert_eq!(newest(Some(Offset(6))), Some((Offset(6), frame(6))));
    assert_eq!(newest(Some(Offset(5))), None);
    let beyond = subject.log.save_snapshot(Offset(21), b"too early");
    assert!(matches!(beyond, Err(Error::Beyond { .. })), "{beyond:?}");
}

fn companions_belong_to_segments(subject: &Subject) {
    subject.append(1, 5);
    let early = subject.log.save_companion(Offset(1), b"rows");
    assert!(matches!(early, Err(Error::NotSealed { .. })), "{early:?}");
    subject.seal(5);
    assert!(matches!(subject.log.companion(Offset(1)), Ok(None)));
    for rows in ["rows", "rows again", ""] {
        let saved = subject.log.save_companion(Offset(1), rows.as_bytes());
        assert!(saved.is_ok(), "{saved:?}");
        match subject.log.companion(Offset(1)) {
            Ok(Some(read)) => assert_eq!(read, rows),
            other => panic!("{other:?}"),
        }
    }
}

fn a_trim_keeps_what_is_needed(subject: &Subject) {
    for segment in 0..4 {
        subject.append(segment * 10 + 1, segment * 10 + 10);
        subject.seal(segment * 10 + 10);
    }
    let trim = |before| match subject.log.trim(Offset(before)) {
        Ok(removed) => removed.iter().map(|it| it.first.0).collect::<Vec<_>>(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(trim(41), [0; 0], "without a snapshot everything is needed");
    assert!(subject.log.save_snapshot(Offset(20), b"state").is_ok());
    assert_eq!(trim(10), [0; 0], "its last frame is not below");
    assert_eq!(trim(11), [1]);
    assert_eq!(trim(41), [11], "behind the snapshot everything is needed");
    assert_eq!(subject.log.sealed().len(), 2);
    assert!(subject.log.files(Offset(30)).is_ok());
    let inside = subject.log.files(Offset(25));
    assert!(matches!(inside, Err(Error::NotSealed { .. })), "{inside:?}");
    let gone = block_on(subject.log.get(Offset(20)));
    assert!(matches!(gone, Err(Error::Trimmed { first: Offset(21), .. })), "{gone:?}");
    let mut stream = subject.log.read(Offset(1));
    assert!(matches!(block_on(stream.next()), Some(Err(Error::Trimmed { .. }))));
    assert!(block_on(stream.next()).is_none());
    assert_frames(&subject.read(21, 40), 21, 40);
}

fn the_impossible_is_refused(subject: &Subject) {
    subject.append(1, 2);
    let mut stream = subject.log.read(Offset(4));
    assert!(matches!(block_on(stream.next()), Some(Err(Error::Beyond { .. }))));
    let large = subject.log.append(vec![0; 5 << 20].into());
    assert!(matches!(large, Err(Refused::TooLarge { .. })), "{large:?}");
    subject.append(3, 3);
}
