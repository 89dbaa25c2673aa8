//! The judgement of a start: which segments are in force, where the log ends, and whether its end
//! is torn or damaged.
//!
//! Damage at a sequence is corruption if and only if anything says that this sequence was synced:
//! a whole frame or header of this ledger, a snapshot, the checkpoint of the index. Otherwise the
//! log is torn there, as a power cut leaves it. That the last good frame is the end would be
//! wrong: an acknowledged batch with a flipped bit looks like a torn one.

use std::io;
use std::sync::Arc;

use model::id::Offset;

use super::config::{Checkpoint, Config, Durability, Fatal, Rule};
use super::frame::{DATA_START, Header, Seed};
use super::segment::{Walk, parse_name};
use super::snapshots;
use crate::Error;
use crate::disk::{Disk, File};

/// Why a log does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Something that was synced, and may have had an effect, does not read well any more.
    #[error(
        "the ledger is damaged at frame {sequence} in {file}: {evidence} says that frame {durable} was synced. Nothing was changed. Restore a backup; or salvage, which copies the damaged files aside, lists what they still hold and loses frame {sequence} and all behind it"
    )]
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
    #[error(
        "{file} belongs to another ledger than the rest of its folder. Nothing was changed. Move it away, or restore the whole folder from one backup"
    )]
    Foreign {
        /// The file that differs from the newest one.
        file: String,
    },
    /// The disk refused.
    #[error(
        "{operation}. The ledger was not opened; look at the disk and its permissions, then start again"
    )]
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

/// A segment as its file tells.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) first: u64,
    pub(super) header: Option<Header>,
    pub(super) file: Arc<dyn File>,
}

/// What the walk over the last segment found.
pub(super) struct End {
    /// The last good frame.
    pub(super) last: u64,
    /// Its checksum.
    pub(super) crc: u32,
    /// Behind it and behind markers.
    pub(super) place: u64,
    /// The place of each frame.
    pub(super) places: Vec<u64>,
    /// Checksums of the frames.
    pub(super) crcs: Vec<u32>,
    /// The highest `durable` of the good frames and of the header.
    pub(super) durable: u64,
    /// Something lies behind it.
    pub(super) damaged: bool,
    /// The highest `durable` of what lies behind it.
    pub(super) behind: u64,
    pub(super) whole_behind: usize,
}

/// All segments with what their headers say, by number.
pub(super) fn find(disk: &dyn Disk) -> Result<Vec<Found>, OpenError> {
    let mut found = Vec::new();
    for name in disk.list().map_err(io_error("list the folder of the ledger"))? {
        let Some((number, first)) = parse_name(&name) else { continue };
        let file = disk.open(&name).map_err(io_error(format!("open {name}")))?;
        let mut bytes = [0; 64];
        file.read_at(&mut bytes, 0).map_err(io_error(format!("read {name}")))?;
        let header = Header::parse(&bytes).filter(|it| (it.number, it.first) == (number, first));
        found.push(Found { name, number, first, header, file });
    }
    found.sort_by_key(|segment| segment.number);
    Ok(found)
}

pub(super) fn ledger_of(found: &[Found]) -> Result<Option<[u8; 16]>, OpenError> {
    let known = |segment: &Found| segment.header.map(|header| header.ledger);
    let newest = found.iter().rev().find_map(known);
    match found.iter().find(|segment| known(segment).is_some_and(|it| Some(it) != newest)) {
        Some(foreign) => Err(OpenError::Foreign { file: foreign.name.clone() }),
        None => Ok(newest),
    }
}

/// From its first sequence on, the segment with the higher number wins: takes out those of which
/// nothing is left.
pub(super) fn drop_superseded(found: &mut Vec<Found>) -> Vec<Found> {
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
pub(super) fn judge(
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
            let before = found.len().checked_sub(2).and_then(|index| found.get(index));
            let end = walk_to_end(newest, before, seed)
                .map_err(io_error(format!("read {}", newest.name)))?;
            (newest.name.clone(), end)
        }
    };
    let evidence = evidence(disk, config, found, ledger, &end, checkpoint)?;
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
    ledger: &[u8; 16],
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
    if let Some(snapshot) =
        snapshots::newest_by_header(disk, ledger).map_err(io_error("read snapshots"))?
    {
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
pub(super) fn walk_to_end(segment: &Found, before: Option<&Found>, seed: Seed) -> io::Result<End> {
    let mut walk = Walk::new(segment.file.as_ref(), seed, DATA_START);
    // With a damaged header nothing says what the first frame must follow: the segment before it
    // is whole, because this one exists, and ends where its name says.
    let Some(header) = segment.header else {
        let remains = walk.search(|_, _| ())?;
        let crc = before.map_or(Ok(0), |before| crc_of(before, segment.first - 1, seed))?;
        let mut end = End::before(segment.first, crc, segment.first - 1);
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
    let remains = walk.search(|_, _| ())?;
    (end.damaged, end.behind, end.whole_behind) =
        (remains.anything, remains.durable, remains.whole);
    Ok(end)
}

/// The checksum of one frame, as its head says; 0 if it is not found.
fn crc_of(segment: &Found, sequence: u64, seed: Seed) -> io::Result<u32> {
    let mut walk = Walk::new(segment.file.as_ref(), seed, DATA_START);
    while let Some(head) = walk.head()? {
        if head.sequence == sequence && !head.marker {
            return Ok(head.crc);
        }
        walk.skip(&head);
    }
    Ok(0)
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

pub(crate) fn io_error(operation: impl Into<String>) -> impl FnOnce(io::Error) -> OpenError {
    let operation = operation.into();
    |source| OpenError::Io { operation, source }
}
