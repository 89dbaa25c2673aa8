//! The explicit way out when a start refuses: what is damaged is copied aside, what it still holds
//! is listed, and the log goes on before the damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use model::id::Offset;

use super::config::Config;
use super::frame::{DATA_START, Header, Seed, encode};
use super::judge::{Found, OpenError, drop_superseded, find, io_error, ledger_of};
use super::reserve::CLAIMED;
use super::segment::{Walk, file_name};
use super::snapshots;
use super::writer::put_in_place;
use crate::disk::{Disk, Real, read_whole, write_whole};

/// What a salvage did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// The last frame that the log has now.
    pub end: Offset,
    /// Frames that are not in the log any more and still read well, with the places they had.
    pub lost: Vec<(Offset, Bytes)>,
    /// The files that were copied, under the names of their copies.
    pub aside: Vec<PathBuf>,
}

/// Where the frames stop to follow one another.
struct Damage {
    /// Index of the segment.
    index: usize,
    sequence: u64,
    /// Checksum of the last good frame.
    crc: u32,
    /// The good bytes of the segment's frames, behind its header.
    good: Vec<u8>,
    /// The checksum before the first of them.
    previous: u32,
}

/// Cuts the log in `folder` before the first frame behind the newest snapshot that does not read
/// well, and copies aside, as `<name>.salvaged`, every file that it changes. What was synced and
/// may have had an effect is lost from there on: whoever calls it has said that they want that.
/// Without damage nothing is changed. The caller holds the lock of the data folder, and throws
/// the index away. Blocks.
///
/// # Errors
/// [`OpenError::Io`], [`OpenError::Foreign`]; it can be called again.
pub fn salvage(folder: &Path, config: &Config) -> Result<Salvaged, OpenError> {
    let disk =
        Real::open(folder).map_err(io_error(format!("open the folder {}", folder.display())))?;
    salvage_on(&(Arc::new(disk) as Arc<dyn Disk>), config)
}

pub(super) fn salvage_on(disk: &Arc<dyn Disk>, config: &Config) -> Result<Salvaged, OpenError> {
    disk.sync_folder().map_err(io_error("sync the folder of the ledger"))?;
    let mut found = find(disk.as_ref())?;
    let ledger = ledger_of(&found)?.unwrap_or(config.new_ledger_id);
    let number = found.iter().map(|it| it.number).max().unwrap_or(0) + 1;
    drop_superseded(&mut found);
    let seed = Seed::new(&ledger);
    let snapshot = snapshots::newest(disk.as_ref(), &ledger, u64::MAX)?.map_or(0, |it| it.0.0);
    let Some(damage) = find_damage(&found, seed, snapshot).map_err(io_error("read the ledger"))?
    else {
        return Ok(Salvaged::default());
    };
    let mut salvaged = Salvaged { end: Offset(damage.sequence - 1), ..Salvaged::default() };
    let hit = &found[damage.index..];
    for segment in hit {
        let mut walk = Walk::new(segment.file.as_ref(), seed, DATA_START);
        let collect = |head: &super::frame::Head, payload: &[u8]| {
            if !head.marker && head.sequence >= damage.sequence {
                salvaged.lost.push((Offset(head.sequence), Bytes::copy_from_slice(payload)));
            }
        };
        walk.search(collect).map_err(io_error(format!("read {}", segment.name)))?;
        salvaged.aside.push(copy_aside(disk.as_ref(), &segment.name)?);
    }
    salvaged.lost.sort_by_key(|(at, _)| *at);
    salvaged.lost.dedup();
    for name in
        snapshots::behind(disk.as_ref(), damage.sequence).map_err(io_error("list the snapshots"))?
    {
        salvaged.aside.push(copy_aside(disk.as_ref(), &name)?);
        disk.remove(&name).map_err(io_error(format!("remove {name}")))?;
    }
    replace(disk.as_ref(), config, &ledger, number, hit, &damage)?;
    Ok(salvaged)
}

/// The first place behind `from` where the frames in force do not follow one another.
fn find_damage(found: &[Found], seed: Seed, from: u64) -> std::io::Result<Option<Damage>> {
    for (index, segment) in found.iter().enumerate() {
        let next = found.get(index + 1).map(|next| next.first);
        if next.is_some_and(|next| next <= from + 1) {
            continue;
        }
        let previous = segment.header.map_or(0, |header| header.previous);
        let mut damage =
            Damage { index, sequence: segment.first, crc: previous, good: Vec::new(), previous };
        if segment.header.is_none() {
            return Ok(Some(damage));
        }
        let mut walk = Walk::new(segment.file.as_ref(), seed, DATA_START);
        while next.is_none_or(|next| damage.sequence < next) {
            let Some((head, range)) = walk.frame()? else { break };
            if !head.marker {
                if head.sequence != damage.sequence || head.previous != damage.crc {
                    break;
                }
                encode(
                    &mut damage.good,
                    seed,
                    head.sequence,
                    head.durable,
                    head.previous,
                    Some(walk.payload(range)),
                );
                (damage.sequence, damage.crc) = (head.sequence + 1, head.crc);
            }
            walk.skip(&head);
        }
        match next {
            Some(next) if damage.sequence < next => return Ok(Some(damage)),
            Some(_) => {}
            None => {
                let claimed = found.iter().filter_map(|it| it.header).map(|it| it.durable).max();
                let torn = walk.search(|_, _| ())?;
                let synced = torn.durable.max(claimed.unwrap_or(0));
                // What was never synced is cut by any start.
                return Ok((synced >= damage.sequence).then_some(damage));
            }
        }
    }
    Ok(None)
}

fn copy_aside(disk: &dyn Disk, name: &str) -> Result<PathBuf, OpenError> {
    let copy = format!("{name}.salvaged");
    read_whole(disk, name)
        .and_then(|bytes| write_whole(disk, &copy, &[&bytes]))
        .map_err(io_error(format!("copy {name} aside")))?;
    Ok(disk.path(&copy))
}

/// Puts a segment with what is good in place of those that were hit. Its number is higher, so it
/// wins from the moment it has its name.
fn replace(
    disk: &dyn Disk,
    config: &Config,
    ledger: &[u8; 16],
    number: u64,
    hit: &[Found],
    damage: &Damage,
) -> Result<(), OpenError> {
    let first = hit[0].first;
    let header = Header {
        os_mode: false,
        ledger: *ledger,
        number,
        first,
        previous: damage.previous,
        durable: damage.sequence - 1,
    };
    let mut bytes = header.encode();
    bytes.resize(usize::try_from(DATA_START).unwrap_or(512), 0);
    bytes.extend_from_slice(&damage.good);
    let name = file_name(number, first);
    disk.remove(CLAIMED).map_err(io_error("remove what an earlier try left"))?;
    let file = disk.create(CLAIMED).map_err(io_error(format!("make {name}")))?;
    file.write_at(&bytes, 0).map_err(io_error(format!("write {name}")))?;
    put_in_place(disk, config, file.as_ref(), &name)?;
    for old in hit {
        let gone = disk.remove(&old.name);
        gone.map_err(io_error(format!("remove {}", old.name)))?;
    }
    disk.sync_folder().map_err(io_error("sync the folder of the ledger"))
}
