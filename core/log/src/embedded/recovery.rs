//! The start: what is there is judged, and what will be replayed is made durable before it has an
//! effect.
//!
//! Order matters. The folder is synced before any header is believed, because the start before
//! may have died between its rename and its own sync of the folder. The tail behind the last
//! `durable` is copied into a new segment, because what reads well may stand in the page cache
//! only, and pages of a failed sync look clean. No start appends to an old segment.

use std::io;
use std::sync::Arc;

use model::id::Offset;

use super::config::{Checkpoint, Config, Durability, Point, Rule};
use super::frame::{DATA_START, HEAD, Header, Seed, encode};
use super::judge::{End, Found, OpenError, drop_superseded, find, io_error, judge, ledger_of};
use super::reserve::{CLAIMED, SPARE};
use super::segment::{Segment, file_name};
use super::snapshots;
use super::writer::{Tip, put_in_place};
use crate::Error;
use crate::disk::{Disk, File};

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
        append_to_old(disk, &ledger, found, &end, start)?
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

    let segments = seal_old(disk, ledger, found, end, first)?;
    let active = Segment::new(Arc::clone(disk), name.clone(), first, ledger)
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
    ledger: &[u8; 16],
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
    sealed(disk, ledger, found, first)
}

fn sealed(
    disk: &Arc<dyn Disk>,
    ledger: &[u8; 16],
    found: &[Found],
    behind: u64,
) -> Result<Vec<Arc<Segment>>, OpenError> {
    let oldest = snapshots::oldest(disk.as_ref()).map_err(io_error("list the snapshots"))?;
    let needed_from = oldest.map(|at| at + 1);
    let nexts = found.iter().skip(1).map(|segment| segment.first).chain([behind]);
    let mut segments = Vec::with_capacity(found.len());
    for (old, next) in found.iter().zip(nexts) {
        if old.header.is_none() {
            // What only the archive needs may be damaged: its frames still read by themselves.
            if needed_from.is_none_or(|needed| next > needed) {
                let (sequence, file) = (Offset(old.first), old.name.clone());
                return Err(Error::Damaged { sequence, file }.into());
            }
            tracing::warn!(
                file = old.name,
                "the header of an old segment is damaged; it is read all the same"
            );
        }
        let segment = Segment::new(Arc::clone(disk), old.name.clone(), old.first, ledger);
        segment.set_last(next - 1);
        segment.set_bytes(old.file.len().map_err(io_error(format!("measure {}", old.name)))?);
        segments.push(Arc::new(segment));
    }
    Ok(segments)
}

/// What a start must never do; only for the test that shows why.
fn append_to_old(
    disk: &Arc<dyn Disk>,
    ledger: &[u8; 16],
    mut found: Vec<Found>,
    end: &End,
    start: Start,
) -> Result<Recovered, OpenError> {
    let Some(newest) = found.pop() else {
        return Err(Error::NotSealed { first: Offset(1) }.into());
    };
    let mut segments = sealed(disk, ledger, &found, newest.first)?;
    let active = Segment::new(Arc::clone(disk), newest.name.clone(), newest.first, ledger)
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
