//! The start: which segments are in force, where the log ends, whether its end is torn or damaged,
//! and the copy that makes what will be replayed durable before it has an effect.
//!
//! Order matters. The folder is synced before any header is believed, because the start before
//! may have died between its rename and its own sync of the folder. The tail behind the last
//! `durable` is copied into a new segment, because what reads well may stand in the page cache
//! only, and pages of a failed sync look clean. No start appends to an old segment.

use std::io;
use std::sync::Arc;

use model::id::Offset;

use super::config::{Checkpoint, Config, Durability, Fatal, Point, Rule};
use super::frame::{DATA_START, HEAD, Header, Seed, encode};
use super::reserve::{CLAIMED, SPARE};
use super::segment::{Segment, Walk, file_name, parse_name};
use super::snapshots;
use super::writer::{Tip, put_in_place};
use crate::Error;
use crate::disk::{Disk, File};

/// Why a log does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something that was synced, and may have had an effect, does not read well any more.
    #[error("the ledger is damaged at frame {sequence} in {file}: {evidence} says that frame {durable} was synced. Nothing was changed. Restore a backup; or salvage, which copies the damaged files aside, lists what they still hold and loses frame {sequence} and all behind it")]
    Damaged {
        /// The first frame that does not read well.
        sequence: Offset,
        /// Where it should be.
        file: String,
        /// What is known to have been synced.
        durable: Offset,
        /// How that is known.
        evidence: Evidence,
    },
    /// Segments of two ledgers lie in one folder.
    #[error("{file} belongs to another ledger than the rest of its folder. Nothing was changed. Move it away, or restore the whole folder from one backup")]
    Foreign {
        /// The file that differs from the newest one.
        file: String,
    },
    /// The disk refused.
    #[error("{operation}. The ledger was not opened; look at the disk and its permissions, then start again")]
    Io {
        /// What was tried, with the file's name.
        operation: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Reading what is in force failed.
    #[error("open the ledger")]
    Read(#[from] Error),
    /// Writing the first new segment failed.
    #[error("open the ledger")]
    Write(#[from] Fatal),
}

/// What says that a frame was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A frame of the log.
    Frame,
    /// The header of a segment.
    Header,
    /// A snapshot.
    Snapshot,
    /// The checkpoint of a derived copy.
    Checkpoint,
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Frame => "a frame behind it",
            Self::Header => "the header of a segment",
            Self::Snapshot => "a snapshot",
            Self::Checkpoint => "the checkpoint of the index",
        })
    }
}

/// What a start found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The last frame.
    pub end: Offset,
    /// The log was torn at this frame, which was never known to be synced, and is cut there.
    pub torn_at: Option<Offset>,
    /// So many frames were copied, because nothing said that they were synced.
    pub copied: u64,
    /// Whether the given checkpoint is in the log.
    pub checkpoint: CheckpointFound,
}

/// What became of the checkpoint that was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckpointFound {
    /// None was given.
    #[default]
    NotGiven,
    /// The frame is there.
    Matches,
    /// Another frame is there: the derived copy is of another history.
    Differs,
    /// The frame is not kept any more: nothing can be said.
    Trimmed,
    /// The log ends before it (only where a power cut may do that).
    Beyond,
}

/// An opened log, before its threads.
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) tip: Tip,
    pub(crate) start: Start,
}

/// A segment as its file tells.
struct Found {
    name: String,
    number: u64,
    first: u64,
    header: Option<Header>,
    file: Arc<dyn File>,
}

/// What the walk over the last segment found.
struct End {
    /// The last good frame.
    last: u64,
    /// Its checksum.
    crc: u32,
    /// Behind it and behind markers.
    place: u64,
    /// The place of each frame.
    places: Vec<u64>,
    /// Checksums of the frames.
    crcs: Vec<u32>,
    /// The highest `durable` of the good frames and of the header.
    durable: u64,
    /// Something lies behind it.
    damaged: bool,
    /// The highest `durable` of what lies behind it.
    behind: u64,
    whole_behind: usize,
}

pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    config: &Config,
    checkpoint: Option<Checkpoint>,
) -> Result<Recovered, OpenError> {
    let claimed = claim(disk.as_ref(), config).map_err(io_error("claim a new segment"))?;
    let mut found = find(disk.as_ref())?;
    if !config.rules.hold(Rule::OrderByNumber) {
        found.sort_by_key(|segment| (segment.first, std::cmp::Reverse(segment.number)));
    }
    let ledger = ledger_of(&found)?.unwrap_or(config.new_ledger_id);
    let dropped = drop_superseded(&mut found);
    let end = judge(disk.as_ref(), config, &found, &ledger, checkpoint)?;

    let mut start = Start { end: Offset(end.last), ..Start::default() };
    if end.damaged {
        start.torn_at = Some(Offset(end.last + 1));
        tracing::warn!(
            at = end.last + 1,
            "the ledger was torn at its end, as a power cut leaves it; it is cut there"
        );
    }
    let number = found.iter().chain(&dropped).map(|it| it.number).max().unwrap_or(0) + 1;
    let recovered = if config.rules.hold(Rule::NewSegmentAtStart) || found.is_empty() {
        begin_segment(disk, config, claimed, &ledger, number, &mut found, &end, &mut start)?
    } else {
        append_to_old(disk, config, &ledger, found, end, start)?
    };
    for old in dropped {
        disk.remove(&old.name).map_err(io_error(format!("remove {}", old.name)))?;
    }
    judge_checkpoint(recovered, checkpoint)
}

/// Takes the spare, or a new file without blocks, under its passing name, and syncs the folder.
fn claim(disk: &dyn Disk, config: &Config) -> io::Result<Arc<dyn File>> {
    let file = take_spare(disk, config)?;
    let early = config.rules.hold(Rule::SyncFolderFirst);
    if config.rules.hold(Rule::SyncFolderAtStart) && early {
        disk.sync_folder()?;
    }
    Ok(file)
}

fn take_spare(disk: &dyn Disk, config: &Config) -> io::Result<Arc<dyn File>> {
    disk.remove(CLAIMED)?;
    let size = config.segment_size.as_u64();
    match disk.open(SPARE) {
        Ok(spare) if spare.len()? == size => {
            disk.rename(SPARE, CLAIMED)?;
            return Ok(spare);
        }
        Ok(_) => disk.remove(SPARE)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = disk.create(CLAIMED)?;
    file.allocate(size)?;
    Ok(file)
}

/// All segments with what their headers say, by number.
fn find(disk: &dyn Disk) -> Result<Vec<Found>, OpenError> {
    let mut found = Vec::new();
    for name in disk.list().map_err(io_error("list the folder of the ledger"))? {
        let Some((number, first)) = parse_name(&name) else { continue };
        let file = disk.open(&name).map_err(io_error(format!("open {name}")))?;
        let mut bytes = [0; 64];
        file.read_at(&mut bytes, 0).map_err(io_error(format!("read {name}")))?;
        let header =
            Header::parse(&bytes).filter(|it| (it.number, it.first) == (number, first));
        found.push(Found { name, number, first, header, file });
    }
    found.sort_by_key(|segment| segment.number);
    Ok(found)
}

fn ledger_of(found: &[Found]) -> Result<Option<[u8; 16]>, OpenError> {
    let known = |segment: &Found| segment.header.map(|header| header.ledger);
    let newest = found.iter().rev().find_map(known);
    match found.iter().find(|segment| known(segment).is_some_and(|it| Some(it) != newest)) {
        Some(foreign) => Err(OpenError::Foreign { file: foreign.name.clone() }),
        None => Ok(newest),
    }
}

/// From its first sequence on, the segment with the higher number wins: takes out those of which
/// nothing is left.
fn drop_superseded(found: &mut Vec<Found>) -> Vec<Found> {
    let mut limit = u64::MAX;
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for segment in found.drain(..).rev() {
        if segment.first < limit {
            limit = segment.first;
            kept.push(segment);
        } else {
            dropped.push(segment);
        }
    }
    kept.reverse();
    *found = kept;
    dropped
}

/// Finds the end, and whether what is missing or damaged there was known to be synced.
fn judge(
    disk: &dyn Disk,
    config: &Config,
    found: &[Found],
    ledger: &[u8; 16],
    checkpoint: Option<Checkpoint>,
) -> Result<End, OpenError> {
    let (file, end) = match found.last() {
        None => ("the folder".to_owned(), End::empty()),
        Some(newest) => {
            let seed = Seed::new(ledger);
            let end = walk_to_end(newest, seed).map_err(io_error(format!("read {}", newest.name)))?;
            (newest.name.clone(), end)
        }
    };
    let evidence = evidence(disk, config, found, &end, checkpoint)?;
    let (durable, evidence) = evidence;
    let refuse = if config.rules.hold(Rule::JudgeByDurable) {
        durable > end.last
    } else {
        end.whole_behind > 0
    };
    if refuse && config.rules.hold(Rule::RefuseCorruption) {
        let (sequence, durable) = (Offset(end.last + 1), Offset(durable));
        return Err(OpenError::Damaged { sequence, file, durable, evidence });
    }
    Ok(end)
}

/// The highest sequence that anything says was synced.
fn evidence(
    disk: &dyn Disk,
    config: &Config,
    found: &[Found],
    end: &End,
    checkpoint: Option<Checkpoint>,
) -> Result<(u64, Evidence), OpenError> {
    let mut best = (end.behind, Evidence::Frame);
    let mut consider = |durable: u64, evidence| {
        if durable > best.0 {
            best = (durable, evidence);
        }
    };
    if config.rules.hold(Rule::BelieveHeaders) {
        for header in found.iter().filter_map(|segment| segment.header) {
            consider(header.durable, Evidence::Header);
        }
    }
    if let Some(snapshot) = snapshots::newest_by_header(disk).map_err(io_error("read snapshots"))? {
        consider(snapshot, Evidence::Snapshot);
    }
    if let Some(checkpoint) = checkpoint.filter(|_| config.durability == Durability::Sync) {
        consider(checkpoint.at.0, Evidence::Checkpoint);
    }
    Ok(best)
}

impl End {
    fn empty() -> Self {
        Self::before(1, 0, 0)
    }

    fn before(first: u64, crc: u32, durable: u64) -> Self {
        Self {
            last: first - 1,
            crc,
            place: DATA_START,
            places: Vec::new(),
            crcs: Vec::new(),
            durable,
            damaged: false,
            behind: 0,
            whole_behind: 0,
        }
    }
}

/// Goes over the last segment as far as each frame follows the one before.
fn walk_to_end(segment: &Found, seed: Seed) -> io::Result<End> {
    let mut walk = Walk::new(segment.file.as_ref(), seed, DATA_START);
    // With a damaged header nothing says what the first frame must follow: the segment before it
    // is whole, because this one exists, and ends where its name says.
    let Some(header) = segment.header else {
        let remains = walk.search()?;
        let mut end = End::before(segment.first, 0, segment.first - 1);
        (end.damaged, end.behind, end.whole_behind) = (true, remains.durable, remains.whole);
        return Ok(end);
    };
    let mut end = End::before(header.first, header.previous, header.durable.min(header.first - 1));
    while let Some((head, _)) = walk.frame()? {
        let follows = if head.marker {
            head.sequence == end.last && head.previous == end.crc
        } else {
            head.sequence == end.last + 1 && head.previous == end.crc
        };
        if !follows {
            break;
        }
        if !head.marker {
            end.places.push(walk.place);
            end.crcs.push(head.crc);
            (end.last, end.crc) = (head.sequence, head.crc);
        }
        end.durable = end.durable.max(head.durable);
        walk.skip(&head);
    }
    end.durable = end.durable.max(header.durable.min(end.last));
    end.place = walk.place;
    let remains = walk.search()?;
    (end.damaged, end.behind, end.whole_behind) =
        (remains.anything, remains.durable, remains.whole);
    Ok(end)
}

/// Copies what is behind the last `durable` into a new segment, and lets it take over.
#[expect(clippy::too_many_arguments, reason = "one step of `recover`, in which each has its name")]
fn begin_segment(
    disk: &Arc<dyn Disk>,
    config: &Config,
    file: Arc<dyn File>,
    ledger: &[u8; 16],
    number: u64,
    found: &mut Vec<Found>,
    end: &End,
    start: &mut Start,
) -> Result<Recovered, OpenError> {
    config.point(Point::StartBeforeCopy);
    let copies = config.rules.hold(Rule::CopyTail) && config.rules.hold(Rule::CopyInsteadOfSync);
    if !config.rules.hold(Rule::CopyInsteadOfSync)
        && let Some(newest) = found.last()
    {
        newest.file.sync().map_err(io_error(format!("sync {}", newest.name)))?;
    }
    let durable = if copies { end.durable.min(end.last) } else { end.last };
    let first = durable + 1;
    let header = Header {
        os_mode: config.durability == Durability::Os,
        ledger: *ledger,
        number,
        first,
        previous: crc_before(found, end, first),
        durable: end.last,
    };
    let mut bytes = header.encode();
    bytes.resize(usize::try_from(DATA_START).unwrap_or(512), 0);
    let places = copy_tail(found, end, first, &mut bytes).map_err(io_error("copy the tail"))?;
    let data_end = bytes.len() as u64;
    start.copied = places.len() as u64;
    if end.last > 0 && config.rules.hold(Rule::BelieveHeaders) {
        // Says the same as the header, should that be damaged later.
        encode(&mut bytes, Seed::new(ledger), end.last, end.last, end.crc, None);
    }
    let place = bytes.len() as u64;
    let capacity = file.len().map_err(io_error("measure a new segment"))?;
    if place + HEAD as u64 > capacity {
        // Segments are smaller by now than the tail of this one.
        file.allocate(place + HEAD as u64).map_err(io_error("make room for the tail"))?;
    }
    let capacity = capacity.max(place);
    let name = file_name(number, first);
    file.write_at(&bytes, 0).map_err(io_error(format!("write {name}")))?;
    if config.rules.hold(Rule::SyncFolderAtStart) {
        put_in_place(disk.as_ref(), config, file.as_ref(), &name)?;
    } else {
        file.sync().map_err(io_error(format!("sync {name}")))?;
        config.point(Point::BeforeRename);
        disk.rename(CLAIMED, &name).map_err(io_error(format!("rename {name}")))?;
    }
    config.point(Point::StartAfterCopy);

    let segments = seal_old(disk, found, end, first)?;
    let active = Segment::new(Arc::clone(disk), name.clone(), &header)
        .with_file(Arc::clone(&file), data_end);
    active.note(&places);
    let tip = Tip {
        ledger: *ledger,
        number,
        file,
        name,
        place,
        capacity,
        next: end.last + 1,
        previous: end.crc,
        data_end,
    };
    let segments = segments.into_iter().chain([Arc::new(active)]).collect();
    Ok(Recovered { segments, tip, start: *start })
}

/// The checksum of the frame before `first`.
fn crc_before(found: &[Found], end: &End, first: u64) -> u32 {
    let begun = end.last + 1 - end.crcs.len() as u64;
    let index = first.checked_sub(begun + 1).and_then(|index| usize::try_from(index).ok());
    let in_walk = index.and_then(|index| end.crcs.get(index).copied());
    let header = found.last().and_then(|newest| newest.header);
    in_walk.unwrap_or_else(|| header.map_or(end.crc, |header| header.previous))
}

/// Puts the frames from `first` on behind `bytes`, as they are; says their new places.
fn copy_tail(
    found: &[Found],
    end: &End,
    first: u64,
    bytes: &mut Vec<u8>,
) -> io::Result<Vec<(u64, u64)>> {
    let mut places = Vec::new();
    let Some(newest) = found.last() else { return Ok(places) };
    let begun = end.last + 1 - end.places.len() as u64;
    for (sequence, place) in (begun..).zip(&end.places).filter(|(it, _)| *it >= first) {
        let mut head = [0; HEAD];
        newest.file.read_at(&mut head, *place)?;
        let size = super::frame::Head::parse(&head).map_or(0, |head| head.size());
        let at = bytes.len();
        places.push((sequence, at as u64));
        bytes.resize(at + usize::try_from(size).map_err(io::Error::other)?, 0);
        newest.file.read_at(&mut bytes[at..], *place)?;
    }
    Ok(places)
}

/// Cuts the segment that was written last, once its successor is in place.
fn seal_old(
    disk: &Arc<dyn Disk>,
    found: &mut Vec<Found>,
    end: &End,
    first: u64,
) -> Result<Vec<Arc<Segment>>, OpenError> {
    if let Some(newest) = found.last() {
        if first <= newest.first {
            // The new one has all that was in it.
            disk.remove(&newest.name).map_err(io_error(format!("remove {}", newest.name)))?;
            found.pop();
        } else {
            let begun = end.last + 1 - end.places.len() as u64;
            let index = usize::try_from(first - begun).unwrap_or(usize::MAX);
            let cut = end.places.get(index).copied().unwrap_or(end.place);
            newest.file.set_len(cut).map_err(io_error(format!("cut {}", newest.name)))?;
        }
    }
    sealed(disk, found, first)
}

fn sealed(
    disk: &Arc<dyn Disk>,
    found: &[Found],
    behind: u64,
) -> Result<Vec<Arc<Segment>>, OpenError> {
    let nexts = found.iter().skip(1).map(|segment| segment.first).chain([behind]);
    let mut segments = Vec::with_capacity(found.len());
    for (old, next) in found.iter().zip(nexts) {
        let Some(header) = old.header else {
            return Err(Error::Damaged { sequence: Offset(old.first), file: old.name.clone() }.into());
        };
        let segment = Segment::new(Arc::clone(disk), old.name.clone(), &header);
        segment.set_last(next - 1);
        segment.set_bytes(old.file.len().map_err(io_error(format!("measure {}", old.name)))?);
        segments.push(Arc::new(segment));
    }
    Ok(segments)
}

/// What a start must never do; only for the test that shows why.
fn append_to_old(
    disk: &Arc<dyn Disk>,
    _config: &Config,
    ledger: &[u8; 16],
    mut found: Vec<Found>,
    end: End,
    start: Start,
) -> Result<Recovered, OpenError> {
    let Some(newest) = found.pop() else {
        return Err(Error::NotSealed { first: Offset(1) }.into());
    };
    let Some(header) = newest.header else {
        return Err(Error::NotSealed { first: Offset(newest.first) }.into());
    };
    let mut segments = sealed(disk, &found, newest.first)?;
    let active = Segment::new(Arc::clone(disk), newest.name.clone(), &header)
        .with_file(Arc::clone(&newest.file), end.place);
    let places: Vec<_> = (newest.first..).zip(end.places.iter().copied()).collect();
    active.note(&places);
    segments.push(Arc::new(active));
    let capacity = newest.file.len().map_err(io_error("measure the old segment"))?;
    let tip = Tip {
        ledger: *ledger,
        number: newest.number,
        file: newest.file,
        name: newest.name,
        place: end.place,
        capacity,
        next: end.last + 1,
        previous: end.crc,
        data_end: end.place,
    };
    Ok(Recovered { segments, tip, start })
}

fn judge_checkpoint(
    mut recovered: Recovered,
    checkpoint: Option<Checkpoint>,
) -> Result<Recovered, OpenError> {
    let Some(checkpoint) = checkpoint.filter(|it| it.at != Offset::NONE) else {
        return Ok(recovered);
    };
    let holder = recovered.segments.iter().rev().find(|it| it.first <= checkpoint.at.0);
    recovered.start.checkpoint = match holder {
        _ if checkpoint.at > recovered.start.end => CheckpointFound::Beyond,
        None => CheckpointFound::Trimmed,
        Some(segment) => {
            let frame = segment.get(checkpoint.at.0)?;
            if crate::frame_crc(&frame) == checkpoint.crc {
                CheckpointFound::Matches
            } else {
                CheckpointFound::Differs
            }
        }
    };
    Ok(recovered)
}

pub(crate) fn io_error(operation: impl Into<String>) -> impl FnOnce(io::Error) -> OpenError {
    let operation = operation.into();
    |source| OpenError::Io { operation, source }
}

/// Whether any segment on this disk has a whole frame of its own ledger, or a header that cannot
/// be read.
pub(crate) fn has_a_frame(disk: &dyn Disk) -> io::Result<bool> {
    let found = find(disk).map_err(io::Error::other)?;
    for segment in &found {
        let Some(header) = segment.header else { return Ok(true) };
        let mut walk = Walk::new(segment.file.as_ref(), Seed::new(&header.ledger), DATA_START);
        if header.first > 1 || walk.frame()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
