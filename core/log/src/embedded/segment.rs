//! One segment: its file, where its frames are, and the walk over them.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use model::id::Offset;

use super::frame::{DATA_START, HEAD, Head, Seed};
use crate::disk::{Disk, File};
use crate::{Error, lock};

/// The place of every so-many-th frame is remembered.
const STRIDE: u64 = 64;
/// How much is read at once.
const WINDOW: usize = 1 << 18;
/// `last` of the segment that is being written.
const OPEN: u64 = u64::MAX;

/// `<number>-<first>.seg`
pub(crate) fn file_name(number: u64, first: u64) -> String {
    format!("{number:010}-{first:020}.seg")
}

/// Number and first sequence from the name of a segment.
pub(crate) fn parse_name(name: &str) -> Option<(u64, u64)> {
    let (number, first) = name.strip_suffix(".seg")?.split_once('-')?;
    Some((number.parse().ok()?, first.parse().ok()?))
}

/// A segment in force.
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) first: u64,
    seed: Seed,
    disk: Arc<dyn Disk>,
    file: OnceLock<Arc<dyn File>>,
    last: AtomicU64,
    bytes: AtomicU64,
    /// Places of the frames `first + n * STRIDE`; `None` until somebody needs them.
    places: Mutex<Option<Vec<u64>>>,
}

impl Segment {
    pub(crate) fn new(disk: Arc<dyn Disk>, name: String, first: u64, ledger: &[u8; 16]) -> Self {
        Self {
            name,
            first,
            seed: Seed::new(ledger),
            disk,
            file: OnceLock::new(),
            last: AtomicU64::new(OPEN),
            bytes: AtomicU64::new(0),
            places: Mutex::new(None),
        }
    }

    /// With the file that is already open, and no frame in it yet.
    pub(crate) fn with_file(mut self, file: Arc<dyn File>, bytes: u64) -> Self {
        self.file = OnceLock::from(file);
        self.bytes = AtomicU64::new(bytes);
        self.places = Mutex::new(Some(Vec::new()));
        self
    }

    /// The last sequence in force, if it is sealed.
    pub(crate) fn last(&self) -> Option<u64> {
        Some(self.last.load(Ordering::Acquire)).filter(|last| *last != OPEN)
    }

    pub(crate) fn set_last(&self, last: u64) {
        self.last.store(last, Ordering::Release);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn file(&self) -> Result<&Arc<dyn File>, Error> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = self.disk.open(&self.name).map_err(Error::io(format!("open {}", self.name)))?;
        Ok(self.file.get_or_init(|| file))
    }

    /// Notes where a frame is; called for all of them, in order.
    pub(crate) fn note(&self, places: &[(u64, u64)]) {
        let mut noted = lock(&self.places);
        let noted = noted.get_or_insert_default();
        for (sequence, place) in places {
            if (sequence - self.first).is_multiple_of(STRIDE) {
                noted.push(*place);
            }
        }
    }

    /// Whether [`Segment::locate`] needs no walk over the whole file.
    pub(crate) fn knows_places(&self) -> bool {
        lock(&self.places).is_some()
    }

    /// The place of `sequence`, or of one of the `STRIDE` frames before it.
    fn near(&self, sequence: u64) -> Result<u64, Error> {
        if !self.knows_places() {
            let places = self.survey()?;
            // Somebody else may have been faster; both found the same.
            lock(&self.places).get_or_insert(places);
        }
        let index = usize::try_from((sequence - self.first) / STRIDE).unwrap_or(usize::MAX);
        let place = lock(&self.places).as_ref().and_then(|places| places.get(index).copied());
        place.ok_or_else(|| self.damaged(sequence))
    }

    /// Walks over the heads of a sealed segment.
    fn survey(&self) -> Result<Vec<u64>, Error> {
        let mut places = Vec::new();
        let mut walk = self.walk(DATA_START)?;
        while let Some(head) = walk.head().map_err(self.reading())? {
            let due = self.first + places.len() as u64 * STRIDE;
            if !head.marker && head.sequence == due {
                places.push(walk.place);
            }
            walk.skip(&head);
        }
        Ok(places)
    }

    /// The place of a frame, found by its head.
    pub(crate) fn locate(&self, sequence: u64) -> Result<u64, Error> {
        let mut walk = self.walk(self.near(sequence)?)?;
        while let Some(head) = walk.head().map_err(self.reading())? {
            if !head.marker && head.sequence >= sequence {
                break;
            }
            walk.skip(&head);
        }
        Ok(walk.place)
    }

    /// One frame.
    pub(crate) fn get(&self, sequence: u64) -> Result<Bytes, Error> {
        let mut walk = self.walk(self.near(sequence)?)?;
        walk.read_ahead = 1 << 14;
        while let Some(head) = walk.head().map_err(self.reading())? {
            if !head.marker && head.sequence >= sequence {
                break;
            }
            walk.skip(&head);
        }
        match walk.frame().map_err(self.reading())? {
            Some((head, payload)) if head.sequence == sequence && !head.marker => {
                Ok(Bytes::copy_from_slice(walk.payload(payload)))
            }
            _ => Err(self.damaged(sequence)),
        }
    }

    pub(crate) fn walk(&self, place: u64) -> Result<Walk<'_>, Error> {
        Ok(Walk::new(self.file()?.as_ref(), self.seed, place))
    }

    pub(crate) fn damaged(&self, sequence: u64) -> Error {
        Error::Damaged { sequence: Offset(sequence), file: self.name.clone() }
    }

    pub(crate) fn reading(&self) -> impl FnOnce(io::Error) -> Error {
        Error::io(format!("read {}", self.name))
    }
}

/// Goes from frame to frame.
pub(crate) struct Walk<'file> {
    file: &'file dyn File,
    seed: Seed,
    /// Where it stands in the file.
    pub(crate) place: u64,
    pub(crate) read_ahead: usize,
    window: Vec<u8>,
    window_at: u64,
}

impl<'file> Walk<'file> {
    pub(crate) fn new(file: &'file dyn File, seed: Seed, place: u64) -> Self {
        Self { file, seed, place, read_ahead: WINDOW, window: Vec::new(), window_at: 0 }
    }

    /// Up to `count` bytes from here on; fewer only where the file ends.
    fn peek(&mut self, count: usize) -> io::Result<Range<usize>> {
        let end = self.place + count as u64;
        let inside =
            self.window_at <= self.place && end <= self.window_at + self.window.len() as u64;
        if !inside {
            self.window.resize(count.max(self.read_ahead), 0);
            self.window_at = self.place;
            let read = self.file.read_at(&mut self.window, self.place)?;
            self.window.truncate(read);
        }
        let start = usize::try_from(self.place - self.window_at).unwrap_or(0);
        Ok(start..(start + count).min(self.window.len()))
    }

    /// What looks like the head of a frame here; its checksum is not judged.
    pub(crate) fn head(&mut self) -> io::Result<Option<Head>> {
        let range = self.peek(HEAD)?;
        Ok(Head::parse(&self.window[range]))
    }

    /// The whole frame that begins here, if there is one.
    pub(crate) fn frame(&mut self) -> io::Result<Option<(Head, Range<usize>)>> {
        let Some(head) = self.head()? else { return Ok(None) };
        let size = HEAD + head.length as usize;
        let range = self.peek(size)?;
        let frame = &self.window[range.clone()];
        if frame.len() < size || !head.is_whole(self.seed, frame) {
            return Ok(None);
        }
        Ok(Some((head, range.start + HEAD..range.end)))
    }

    /// The payload that [`Walk::frame`] found, until the walk goes on.
    pub(crate) fn payload(&self, range: Range<usize>) -> &[u8] {
        &self.window[range]
    }

    pub(crate) fn skip(&mut self, head: &Head) {
        self.place += head.size();
    }

    /// Looks through all the rest for anything at all, and for whole frames at any place.
    pub(crate) fn search(&mut self, mut whole: impl FnMut(&Head, &[u8])) -> io::Result<Remains> {
        let mut remains = Remains::default();
        loop {
            let range = self.peek(8)?;
            if range.is_empty() {
                return Ok(remains);
            }
            let rest = &self.window[range.start..];
            let zeros = rest.chunks(8).take_while(|eight| is_zero(eight)).count() * 8;
            if zeros > 0 {
                self.place += zeros.min(rest.len()) as u64;
                continue;
            }
            remains.anything = true;
            match self.frame()? {
                Some((head, payload)) => {
                    whole(&head, self.payload(payload));
                    remains.whole += 1;
                    remains.durable = remains.durable.max(head.durable);
                    self.skip(&head);
                }
                None => self.place += 8,
            }
        }
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// What lies behind the end of the frames that follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remains {
    /// Something that is not zero.
    pub(crate) anything: bool,
    /// Whole frames of this ledger.
    pub(crate) whole: usize,
    /// The highest sequence that one of them says was synced.
    pub(crate) durable: u64,
}
