//! Snapshots and companions: whole files beside the segments, each there whole or not at all.

use std::io;

use bytes::Bytes;
use model::id::Offset;

use super::frame::{u32_at, u64_at};
use crate::Error;
use crate::disk::{Disk, read_whole, write_whole};

/// So many snapshots are kept.
const KEPT: usize = 3;
const SNAPSHOT_MAGIC: [u8; 8] = *b"quirlsnp";
const COMPANION_MAGIC: [u8; 8] = *b"quirlrow";
const HEADER: usize = 48;

pub(crate) fn snapshot_name(at: u64) -> String {
    format!("{at:020}.snap")
}

pub(crate) fn companion_name(first: u64) -> String {
    format!("{first:020}.rows")
}

/// magic, ledger id, offset, length, checksum of the body, checksum of all before.
fn header(magic: [u8; 8], ledger: &[u8; 16], at: u64, body: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&magic);
    header[8..24].copy_from_slice(ledger);
    header[24..32].copy_from_slice(&at.to_le_bytes());
    header[32..40].copy_from_slice(&(body.len() as u64).to_le_bytes());
    header[40..44].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
    let crc = crc32c::crc32c(&header[..44]);
    header[44..].copy_from_slice(&crc.to_le_bytes());
    header
}

fn header_is_good(bytes: &[u8], magic: [u8; 8], at: u64) -> bool {
    bytes.len() >= HEADER
        && bytes[..8] == magic
        && u64_at(bytes, 24) == Some(at)
        && u32_at(bytes, 44) == Some(crc32c::crc32c(&bytes[..44]))
}

/// The body, if everything about the file is good.
fn body(bytes: Vec<u8>, magic: [u8; 8], ledger: &[u8; 16], at: u64) -> Option<Bytes> {
    let good = header_is_good(&bytes, magic, at)
        && bytes[8..24] == *ledger
        && u64_at(&bytes, 32) == Some((bytes.len() - HEADER) as u64)
        && u32_at(&bytes, 40) == Some(crc32c::crc32c(&bytes[HEADER..]));
    good.then(|| Bytes::from(bytes).slice(HEADER..))
}

/// Offsets of all snapshots, newest first.
fn offsets(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    let names = disk.list()?;
    let offset = |name: &String| name.strip_suffix(".snap")?.parse().ok();
    let mut offsets: Vec<u64> = names.iter().filter_map(offset).collect();
    offsets.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
    Ok(offsets)
}

pub(crate) fn save(disk: &dyn Disk, ledger: &[u8; 16], at: u64, bytes: &[u8]) -> Result<(), Error> {
    let name = snapshot_name(at);
    let write = || {
        write_whole(disk, &name, &[&header(SNAPSHOT_MAGIC, ledger, at, bytes), bytes])?;
        for old in offsets(disk)?.into_iter().skip(KEPT) {
            disk.remove(&snapshot_name(old))?;
        }
        Ok(())
    };
    write().map_err(Error::io(format!("save snapshot {name}")))
}

pub(crate) fn newest(
    disk: &dyn Disk,
    ledger: &[u8; 16],
    at_most: u64,
) -> Result<Option<(Offset, Bytes)>, Error> {
    for at in offsets(disk).map_err(Error::io("list the snapshots"))? {
        if at > at_most {
            continue;
        }
        let name = snapshot_name(at);
        match read_whole(disk, &name).map(|bytes| body(bytes, SNAPSHOT_MAGIC, ledger, at)) {
            Ok(Some(bytes)) => return Ok(Some((Offset(at), bytes))),
            Ok(None) => tracing::warn!(file = name, "a snapshot is damaged; an older one is taken"),
            Err(error) => {
                tracing::warn!(file = name, %error, "a snapshot cannot be read; an older one is taken");
            }
        }
    }
    Ok(None)
}

/// The offset of the oldest snapshot: what lies behind it must stay.
pub(crate) fn oldest(disk: &dyn Disk) -> io::Result<Option<u64>> {
    Ok(offsets(disk)?.last().copied())
}

/// The files of all snapshots at `from` or behind it.
pub(crate) fn behind(disk: &dyn Disk, from: u64) -> io::Result<Vec<String>> {
    Ok(offsets(disk)?.into_iter().filter(|at| *at >= from).map(snapshot_name).collect())
}

/// The highest offset of a snapshot whose header is good; its body is not judged here.
pub(crate) fn newest_by_header(disk: &dyn Disk, ledger: &[u8; 16]) -> io::Result<Option<u64>> {
    for at in offsets(disk)? {
        let mut bytes = [0; HEADER];
        disk.open(&snapshot_name(at))?.read_at(&mut bytes, 0)?;
        if header_is_good(&bytes, SNAPSHOT_MAGIC, at) && bytes[8..24] == *ledger {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

pub(crate) fn save_companion(
    disk: &dyn Disk,
    ledger: &[u8; 16],
    first: u64,
    bytes: &[u8],
) -> Result<(), Error> {
    let name = companion_name(first);
    write_whole(disk, &name, &[&header(COMPANION_MAGIC, ledger, first, bytes), bytes])
        .map_err(Error::io(format!("save companion {name}")))
}

pub(crate) fn companion(
    disk: &dyn Disk,
    ledger: &[u8; 16],
    first: u64,
) -> Result<Option<Bytes>, Error> {
    let name = companion_name(first);
    match read_whole(disk, &name) {
        Ok(bytes) => {
            let body = body(bytes, COMPANION_MAGIC, ledger, first);
            if body.is_none() {
                tracing::warn!(
                    file = name,
                    "a companion of a segment is damaged; it can be made anew"
                );
            }
            Ok(body)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format!("read companion {name}"))(error)),
    }
}
