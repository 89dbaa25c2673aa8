//! How rows lie in the values of the index, and lists in its keys.
//!
//! A chunk: version byte, number of rows (2 bytes), for each row where it ends (4 bytes each,
//! little-endian, counted from the first row), then the rows, each in postcard. A row begins with
//! the 16 bytes of its id.
//!
//! A key of a list: namespace, a zero byte (no name has one), the newest start with its order
//! reversed, the number of the chunk. Its value: the distinct names, then the [`Entry`]s, postcard.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use fjall::Slice;
use serde::{Deserialize, Serialize};

use model::activation::Row;
use model::id::{ActivationId, Offset};
use model::name::Namespace;
use model::time::WallTime;

use super::{Error, Query, damaged};

/// The most rows of a chunk: a row by id costs reading one chunk, about 16 KiB.
pub(super) const ROWS: usize = 128;
/// The longest time between the newest and the oldest start in a block of a list, milliseconds.
pub(super) const SPAN_MS: i64 = 60_000;

const VERSION: u8 = 1;
const HEAD: usize = 3;

/// The rows of one chunk, still encoded.
pub(super) struct Chunk {
    bytes: Slice,
    count: usize,
}

impl Chunk {
    pub(super) fn new(bytes: Slice) -> Result<Self, Error> {
        let Some((&[version, low, high], _)) = bytes.split_first_chunk() else {
            return Err(damaged("read rows of the index", "a chunk is too short"));
        };
        if version != VERSION {
            return Err(damaged("read rows of the index", "a chunk is of another version"));
        }
        let count = usize::from(u16::from_le_bytes([low, high]));
        Ok(Self { bytes, count })
    }

    /// The row at this place.
    pub(super) fn row(&self, slot: u16) -> Result<Row, Error> {
        decode(self.encoded(usize::from(slot))?)
    }

    /// The row with this id, if it is here.
    pub(super) fn row_of(&self, id: ActivationId) -> Result<Option<Row>, Error> {
        for slot in 0..self.count {
            let encoded = self.encoded(slot)?;
            if encoded.starts_with(id.as_bytes()) {
                return decode(encoded).map(Some);
            }
        }
        Ok(None)
    }

    /// All of them.
    pub(super) fn rows(&self) -> Result<Vec<Row>, Error> {
        (0..self.count).map(|slot| decode(self.encoded(slot)?)).collect()
    }

    fn encoded(&self, slot: usize) -> Result<&[u8], Error> {
        let rows = HEAD + self.count * 4;
        let end = |slot: usize| -> Option<usize> {
            let bytes = self.bytes.get(HEAD + slot * 4..)?.first_chunk()?;
            usize::try_from(u32::from_le_bytes(*bytes)).ok()
        };
        let from = if slot == 0 { Some(0) } else { end(slot - 1) };
        let range = from.zip(end(slot)).filter(|_| slot < self.count);
        range
            .and_then(|(from, to)| self.bytes.get(rows + from..rows + to))
            .ok_or_else(|| damaged("read rows of the index", "a row lies outside its chunk"))
    }
}

/// The rows of a chunk, encoded. At most [`ROWS`].
pub(super) fn encode_rows(rows: &[&Row]) -> Vec<u8> {
    let count = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let first = HEAD + rows.len() * 4;
    let mut bytes = Vec::with_capacity(first + rows.len() * 160);
    bytes.push(VERSION);
    bytes.extend(count.to_le_bytes());
    bytes.resize(first, 0);
    for (slot, row) in rows.iter().enumerate() {
        bytes = encode_to(*row, bytes);
        let end = u32::try_from(bytes.len() - first).unwrap_or(u32::MAX);
        bytes[HEAD + slot * 4..][..4].copy_from_slice(&end.to_le_bytes());
    }
    bytes
}

/// What a list needs of one row.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// Milliseconds before the newest of the block.
    before: u64,
    id: ActivationId,
    /// [`Row::first`].
    first: Offset,
    /// Which of the names of the block.
    name: u16,
    /// Its place in the chunk.
    slot: u16,
}

/// A row of a list and where it is. The greatest is the first of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: i64,
    pub(super) id: ActivationId,
    pub(super) chunk: u64,
    pub(super) slot: u16,
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.start, Reverse(self.id)).cmp(&(other.start, Reverse(other.id)))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The rows of one namespace in one chunk that started within [`SPAN_MS`].
pub(super) struct ListBlock {
    pub(super) newest: i64,
    pub(super) chunk: u64,
    bytes: Slice,
}

impl ListBlock {
    /// `key` begins behind the namespace.
    pub(super) fn new(key: &[u8], bytes: Slice) -> Result<Self, Error> {
        let parts = key.split_first_chunk::<8>();
        let Some((newest, chunk)) = parts else {
            return Err(damaged("read lists of the index", "a key is too short"));
        };
        let newest = start_of(u64::from_be_bytes(*newest));
        Ok(Self { newest, chunk: number_in(chunk)?, bytes })
    }

    /// Calls `take` with the rows of the block that `query` is about, newest first.
    pub(super) fn matching(
        &self,
        query: &Query,
        floor: Offset,
        take: &mut dyn FnMut(Found),
    ) -> Result<(), Error> {
        let (names, rest): (Vec<&str>, _) = take_from(&self.bytes)?;
        let name = match &query.name {
            None => None,
            Some(wanted) => match names.iter().position(|name| name == wanted) {
                None => return Ok(()),
                found => found,
            },
        };
        let since = query.since.map_or(i64::MIN, |since| since.0);
        let upto = query.upto.map_or(i64::MAX, |upto| upto.0);
        let (count, mut rest): (u32, _) = take_from(rest)?;
        for _ in 0..count {
            let (entry, behind): (Entry, _) = take_from(rest)?;
            rest = behind;
            let start = self.newest.saturating_sub_unsigned(entry.before);
            if start < since {
                break; // newest first
            }
            let named = name.is_none_or(|name| usize::from(entry.name) == name);
            if named && start <= upto && entry.first > floor {
                take(Found { start, id: entry.id, chunk: self.chunk, slot: entry.slot });
            }
        }
        Ok(())
    }
}

/// Keys and values of the lists for the rows of a chunk.
pub(super) fn encode_lists(number: u64, rows: &[&Row]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut order: Vec<(&Row, u16)> =
        rows.iter().copied().zip(0..).filter(|(row, _)| row.stored).collect();
    order.sort_by(|(a, _), (b, _)| {
        a.namespace.cmp(&b.namespace).then(b.start.cmp(&a.start)).then(a.id.cmp(&b.id))
    });
    let together = |(a, _): &(&Row, u16), (b, _): &(&Row, u16)| a.namespace == b.namespace;
    let mut blocks = Vec::new();
    for mut of_namespace in order.chunk_by(together) {
        while let Some((newest, _)) = of_namespace.first() {
            let oldest = newest.start.0.saturating_sub(SPAN_MS);
            let size = of_namespace.partition_point(|(row, _)| row.start.0 >= oldest);
            let (block, rest) = of_namespace.split_at(size);
            blocks.push((
                list_key(&newest.namespace, newest.start.0, number),
                encode_block(newest.start, block),
            ));
            of_namespace = rest;
        }
    }
    blocks
}

fn encode_block(newest: WallTime, rows: &[(&Row, u16)]) -> Vec<u8> {
    let mut names: Vec<String> = Vec::new();
    let mut known: BTreeMap<String, u16> = BTreeMap::new();
    let mut entries = Vec::with_capacity(rows.len() * 28);
    for (row, slot) in rows {
        let name = row.filter_name();
        let name = *known.entry(name).or_insert_with_key(|name| {
            names.push(name.clone());
            u16::try_from(names.len() - 1).unwrap_or(u16::MAX)
        });
        let before = newest.millis_since(row.start);
        let entry = Entry { before, id: row.id, first: row.first(), name, slot: *slot };
        entries = encode_to(&entry, entries);
    }
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let mut bytes = encode_to(&(names, count), Vec::with_capacity(entries.len() + 64));
    bytes.append(&mut entries);
    bytes
}

/// Of several rows with one id only the last stays; the order of the others is kept.
pub(super) fn keep_last_of_each(rows: &mut Vec<&Row>) {
    let mut ids: Vec<(ActivationId, usize)> =
        rows.iter().enumerate().map(|(place, row)| (row.id, place)).collect();
    ids.sort_unstable();
    let superseded: Vec<usize> =
        ids.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].1).collect();
    if !superseded.is_empty() {
        let mut place = 0;
        rows.retain(|_| {
            place += 1;
            !superseded.contains(&(place - 1))
        });
    }
}

/// Where in a key of a list the newest start begins.
pub(super) fn list_key_head(namespace: &Namespace) -> usize {
    namespace.as_str().len() + 1
}

/// The keys of blocks that may hold a start between `since` and `upto`.
pub(super) fn list_range(
    namespace: &Namespace,
    since: Option<WallTime>,
    upto: Option<WallTime>,
) -> RangeInclusive<Vec<u8>> {
    // A block that is named by a later start may still reach down to `upto`.
    let newest = upto.map_or(i64::MAX, |upto| upto.0.saturating_add(SPAN_MS));
    let oldest = since.map_or(i64::MIN, |since| since.0);
    // An empty range must not be an inverted one.
    list_key(namespace, newest.max(oldest), 0)..=list_key(namespace, oldest, u64::MAX)
}

fn list_key(namespace: &Namespace, newest: i64, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(list_key_head(namespace) + 16);
    key.extend(namespace.as_str().as_bytes());
    key.push(0);
    key.extend(descending(newest).to_be_bytes());
    key.extend(number.to_be_bytes());
    key
}

/// The later the start, the smaller.
fn descending(start: i64) -> u64 {
    !(start.cast_unsigned() ^ (1 << 63))
}

fn start_of(descending: u64) -> i64 {
    (!descending ^ (1 << 63)).cast_signed()
}

pub(super) fn number_in(key: &[u8]) -> Result<u64, Error> {
    let bytes =
        key.try_into().map_err(|_| damaged("read the index", "a key has a wrong length"))?;
    Ok(u64::from_be_bytes(bytes))
}

pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encode_to(value, Vec::new())
}

/// Appends to `bytes`.
fn encode_to<T: Serialize>(value: &T, bytes: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, bytes).expect("plain data goes into a growing buffer")
}

pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    take_from(bytes).map(|(value, _)| value)
}

fn take_from<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Error> {
    postcard::take_from_bytes(bytes)
        .map_err(|source| Error::Damaged { doing: "read the index", source: Box::new(source) })
}
