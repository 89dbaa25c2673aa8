//! The index of ended activations: finds a row by id, and the newest rows of a namespace.
//!
//! Derived data only. It is a function of the log, so it may be deleted, may lag behind and is
//! thrown away whenever it is in doubt; its [`Checkpoint`], stored atomically with the rows, says
//! how far it has come. Bodies are not here: a row names the offset of its terminal record.
//!
//! # How it is laid out
//!
//! Cost per row is what counts, so rows do not stand alone. A batch is cut into *chunks* of at most
//! `chunk::ROWS` rows, and there are three keyspaces:
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `rows` | number of the chunk | its rows, postcard, with a version byte |
//! | `lists` | namespace, newest start (descending), number of the chunk | starts, ids, names and places of one namespace's rows in that chunk, newest first |
//! | `ids` | activation id; and by name the progress, the floor, the format | number of the chunk |
//!
//! Chunk numbers only rise, so `rows` is written at its end and never rewritten by a compaction.
//! A list reads the `lists` of its namespace in key order and merges what overlaps: a block spans
//! at most `chunk::SPAN_MS`, so little does. The filter by name is decided in a block, whose
//! distinct names stand at its head: a second set of keys per name would cost every write for what
//! few reads ask for, and reads pass over a million rows in well under a second.
//!
//! Everything blocks. With a million rows in the page cache a page of 200 takes 0.3 ms and a row
//! 15 to 30 µs, and either may meet a disk: handlers go through `spawn_blocking`. A row written costs
//! 2.5 to 4 µs of processor, all threads together (`examples/index_cost.rs`).
//!
//! Source: `exactly-once.md` §12 "Index", "Retention"; `rest-api.md` §§2.5, 7.3.

use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fjall::config::{BloomConstructionPolicy, HashRatioPolicy};
use fjall::config::{FilterPolicy, FilterPolicyEntry};
use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable as _,
    Snapshot,
};
use serde::{Deserialize, Serialize};

use model::activation::Row;
use model::id::{ActivationId, Offset};
use model::name::Namespace;
use model::time::WallTime;

mod chunk;

use chunk::{Chunk, Found, ListBlock};

/// Rises when what is on disk changes its meaning; an index of another format is begun anew.
const FORMAT: u8 = 2;
const KEY_FORMAT: &[u8] = b"format";
const KEY_PROGRESS: &[u8] = b"progress";
const KEY_FLOOR: &[u8] = b"floor";
/// In `lists`, behind every namespace: the number of the chunk that is written next.
const KEY_NEXT_CHUNK: &[u8] = &[0xff];
/// So many rows are written at once.
const PIECE: usize = 1_024;

/// Chunks removed in one atomic step: bounds what retention holds in memory.
const REMOVED_AT_ONCE: usize = 32;

/// The index in one folder. Cheap to clone; all clones are the same index.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    /// Rows that began at this offset or below are gone, whether their bytes are or not.
    floor: AtomicU64,
    /// Held by whoever writes.
    writer: Mutex<Writer>,
    begun_anew: Option<String>,
}

struct Writer {
    progress: Option<Progress>,
}

/// What is stored with every batch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Progress {
    checkpoint: Checkpoint,
    /// The highest terminal of any row that was ever here: a row behind it is new. Not the
    /// checkpoint, which may go backwards.
    reach: Offset,
    /// Number of the chunk that is written next.
    next_chunk: u64,
}

/// The database and its keyspaces.
struct Store {
    database: Database,
    rows: Keyspace,
    lists: Keyspace,
    ids: Keyspace,
}

/// How far an index has come, and in which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Id of the ledger.
    pub ledger: u128,
    /// The rows of all records up to here, this one included, are in the index.
    pub offset: Offset,
    /// Checksum of the frame at `offset`: tells whether it is the same log.
    pub crc: u32,
}

/// Which rows a list or a count is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose.
    pub namespace: Namespace,
    /// Only of this name, as [`Row::filter_name`] says it: `simple` or `package/simple`.
    pub name: Option<String>,
    /// Only those that began behind this offset.
    pub after: Offset,
    /// Only those that started then or later.
    pub since: Option<WallTime>,
    /// Only those that started then or earlier.
    pub upto: Option<WallTime>,
    /// So many of the newest are passed over. Of no effect on [`Index::count`] and [`Index::each`].
    pub skip: usize,
    /// At most so many. Of no effect on [`Index::count`] and [`Index::each`].
    pub limit: usize,
}

/// Why the index could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else has it open.
    #[error("open the index in {folder}: it is in use; is another server running on this folder?")]
    Locked {
        /// Its folder.
        folder: String,
    },
    /// What is on disk makes no sense. It is derived: [`Index::clear`] it and build it anew.
    #[error("{doing}: the index is damaged; it is rebuilt from the ledger")]
    Damaged {
        /// What was being done.
        doing: &'static str,
        /// What makes no sense.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk refused. After a failed write nothing more is written until the index is opened anew.
    #[error("{doing}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What the disk said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Failed { .. } => true,
            Self::Locked { .. } | Self::Damaged { .. } => false,
        }
    }

    fn of(doing: &'static str) -> impl FnOnce(fjall::Error) -> Self {
        move |source| match &source {
            fjall::Error::Locked => Self::Locked { folder: doing.to_owned() },
            fjall::Error::Io(cause) if !shows_damage(cause) => {
                Self::Failed { doing, source: Box::new(source) }
            }
            fjall::Error::Storage(fjall::LsmError::Io(cause)) if !shows_damage(cause) => {
                Self::Failed { doing, source: Box::new(source) }
            }
            fjall::Error::Poisoned => Self::Failed { doing, source: Box::new(source) },
            _ => Self::Damaged { doing, source: Box::new(source) },
        }
    }
}

/// A file that is missing, short or where none should be is damage; a disk that is full, forbidden
/// or does not answer is not.
fn shows_damage(cause: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        cause.kind(),
        Kind::NotFound
            | Kind::AlreadyExists
            | Kind::IsADirectory
            | Kind::NotADirectory
            | Kind::UnexpectedEof
            | Kind::InvalidData
            | Kind::InvalidInput
            | Kind::Other
    )
}

impl Index {
    /// The index in `folder`, which is made if it is missing. One that cannot be read, or is of
    /// another format, is removed and begun anew; that is told in a warning and by
    /// [`Index::begun_anew`].
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::Failed`] if the disk refuses.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let locked = |error| match error {
            Error::Locked { .. } => Error::Locked { folder: folder.display().to_string() },
            other => other,
        };
        let why = match Self::open_as_it_is(folder) {
            Ok(index) => return Ok(index),
            Err(Error::Damaged { source, .. }) => source.to_string(),
            Err(error) => return Err(locked(error)),
        };
        tracing::warn!(folder = %folder.display(), why, "index cannot be used, begun anew");
        match fs::remove_dir_all(folder) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Failed {
                    doing: "remove the unusable index",
                    source: Box::new(source),
                });
            }
            _ => {}
        }
        let mut index = Self::open_as_it_is(folder).map_err(locked)?;
        if let Some(shared) = Arc::get_mut(&mut index.shared) {
            shared.begun_anew = Some(why);
        }
        Ok(index)
    }

    /// Why [`Index::open`] threw away what it found, if it did.
    #[must_use]
    pub fn begun_anew(&self) -> Option<&str> {
        self.shared.begun_anew.as_deref()
    }

    /// How far the index has come; `None` if it is empty.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.writer().progress.map(|progress| progress.checkpoint)
    }

    /// Rows that began at this offset or below were removed by [`Index::remove_through`].
    #[must_use]
    pub fn floor(&self) -> Offset {
        Offset(self.shared.floor.load(Ordering::Acquire))
    }

    /// Adds these rows, and moves the checkpoint when all of them are there. A row that is there
    /// already is replaced, so a range of the log may be applied twice, and ranges in any order.
    /// Large batches cost less per row.
    ///
    /// Relies on each activation having one terminal record: a row whose terminal lies behind all
    /// that were ever here is taken to be new without a look.
    ///
    /// Survives the end of the process. After a power cut the index may be further back, or damaged;
    /// both are found out at the next start.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Damaged`]; the checkpoint was not moved.
    pub fn write(&self, rows: &[Arc<Row>], checkpoint: Checkpoint) -> Result<(), Error> {
        let mut writer = self.writer();
        let mut rest = rows;
        // In pieces whose memory is used again and again. Until the last one is there, the index
        // has come no further than before.
        while let Some(before) = writer.progress.filter(|_| rest.len() > PIECE) {
            let piece = rest.split_off(..PIECE).unwrap_or_default();
            self.write_piece(&mut writer, piece, before.checkpoint)?;
        }
        self.write_piece(&mut writer, rest, checkpoint)
    }

    fn write_piece(
        &self,
        writer: &mut Writer,
        rows: &[Arc<Row>],
        checkpoint: Checkpoint,
    ) -> Result<(), Error> {
        let store = &self.shared.store;
        let reach = writer.progress.map_or(Offset::NONE, |progress| progress.reach);
        let floor = self.floor();
        let capacity = rows.len().saturating_mul(2) + 64;
        let mut batch = OwnedWriteBatch::with_capacity(store.database.clone(), capacity)
            .durability(Some(PersistMode::Buffer));

        let mut fresh: Vec<&Row> = Vec::with_capacity(rows.len());
        let mut there: BTreeMap<u64, Vec<&Row>> = BTreeMap::new();
        for row in rows.iter().map(Arc::as_ref).filter(|row| row.first() > floor) {
            let known = if row.terminal > reach { None } else { store.chunk_of(row.id)? };
            match known {
                Some(number) => there.entry(number).or_default().push(row),
                None => fresh.push(row),
            }
        }
        for (number, rows) in there {
            store.replace(number, &rows, &mut batch)?;
        }
        let mut next_chunk = writer.progress.map_or(0, |progress| progress.next_chunk);
        let mut ids: Vec<(ActivationId, u64)> = Vec::with_capacity(fresh.len());
        chunk::keep_last_of_each(&mut fresh);
        for rows in fresh.chunks(chunk::ROWS) {
            ids.extend(rows.iter().map(|row| (row.id, next_chunk)));
            store.insert(next_chunk, rows, &mut batch);
            next_chunk += 1;
        }
        // Sorted, each finds its neighbour in the caches: half the cost of the random order.
        ids.sort_unstable();
        for (id, number) in ids {
            batch.insert(&store.ids, *id.as_bytes(), chunk::encode(&number));
        }
        let reach = rows.iter().map(|row| row.terminal).fold(reach, Offset::max);
        let progress = Progress { checkpoint, reach, next_chunk };
        batch.insert(&store.ids, KEY_PROGRESS, chunk::encode(&progress));
        batch.insert(&store.lists, KEY_NEXT_CHUNK, chunk::encode(&next_chunk));
        batch.commit().map_err(Error::of("write rows to the index"))?;
        writer.progress = Some(progress);
        Ok(())
    }

    /// The row of this activation.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Damaged`].
    pub fn row(&self, id: ActivationId) -> Result<Option<Row>, Error> {
        let store = &self.shared.store;
        let snapshot = store.database.snapshot();
        let found = snapshot.get(&store.ids, id.as_bytes());
        let Some(number) = found.map_err(Error::of("find a row in the index"))? else {
            return Ok(None);
        };
        let Some(chunk) = store.chunk(&snapshot, chunk::decode(&number)?)? else { return Ok(None) };
        Ok(chunk.row_of(id)?.filter(|row| row.first() > self.floor()))
    }

    /// The rows that `query` is about, newest start first, equal starts by id.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Damaged`].
    pub fn list(&self, query: &Query) -> Result<Vec<Row>, Error> {
        let store = &self.shared.store;
        let snapshot = store.database.snapshot();
        let page = self.page(&snapshot, query)?;
        let mut chunks: BTreeMap<u64, Option<Chunk>> = BTreeMap::new();
        let mut rows = Vec::with_capacity(page.len());
        for found in page {
            let chunk = match chunks.entry(found.chunk) {
                std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(store.chunk(&snapshot, found.chunk)?)
                }
            };
            if let Some(chunk) = chunk {
                rows.push(chunk.row(found.slot)?);
            }
        }
        Ok(rows)
    }

    /// How many rows `query` is about, `skip` and `limit` aside.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Damaged`].
    pub fn count(&self, query: &Query) -> Result<u64, Error> {
        let snapshot = self.shared.store.database.snapshot();
        let floor = self.floor().max(query.after);
        let mut count = 0;
        for block in self.shared.store.blocks(&snapshot, query) {
            block?.matching(query, floor, &mut |_| count += 1)?;
        }
        Ok(count)
    }

    /// Calls `visit` with every row that `query` is about, `skip` and `limit` aside, roughly newest
    /// first: for statistics.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Damaged`].
    pub fn each(&self, query: &Query, visit: &mut dyn FnMut(Row)) -> Result<(), Error> {
        let store = &self.shared.store;
        let snapshot = store.database.snapshot();
        let floor = self.floor().max(query.after);
        for block in store.blocks(&snapshot, query) {
            let block = block?;
            let mut slots = Vec::new();
            block.matching(query, floor, &mut |found| slots.push(found.slot))?;
            if slots.is_empty() {
                continue;
            }
            let Some(chunk) = store.chunk(&snapshot, block.chunk)? else { continue };
            for slot in slots {
                visit(chunk.row(slot)?);
            }
        }
        Ok(())
    }

    /// Removes the rows that began at `offset` or before it: those that point into segments that
    /// retention removed. They are hidden at once, and removed chunk by chunk; the number is
    /// that of the rows whose bytes went.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Damaged`]; the rows are hidden all the same, and the next call
    /// goes on.
    pub fn remove_through(&self, offset: Offset) -> Result<u64, Error> {
        let store = &self.shared.store;
        let writer = self.writer();
        // The newest chunk stays: by its number a start knows that `rows` is whole.
        let newest = writer.progress.map_or(0, |progress| progress.next_chunk).saturating_sub(1);
        let floor = self.floor().max(offset);
        let mut batch = store.database.batch();
        batch.insert(&store.ids, KEY_FLOOR, chunk::encode(&floor));
        batch.commit().map_err(Error::of("hide removed rows in the index"))?;
        self.shared.floor.store(floor.0, Ordering::Release);
        // The writer touches a chunk only for rows that began behind the floor; one with such stays.
        drop(writer);

        let mut removed = 0;
        let mut batch = store.database.batch();
        let mut chunks = 0;
        for entry in store.rows.iter() {
            let (key, value) = entry.into_inner().map_err(Error::of("read rows of the index"))?;
            let (number, chunk) = (chunk::number_in(&key)?, Chunk::new(value)?);
            let rows = chunk.rows()?;
            if number >= newest || rows.iter().any(|row| row.first() > floor) {
                break; // what follows was written later and began later, or goes with the next
            }
            removed += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            store.remove(number, &rows, &mut batch);
            chunks += 1;
            if chunks % REMOVED_AT_ONCE == 0 {
                let full = std::mem::replace(&mut batch, store.database.batch());
                full.commit().map_err(Error::of("remove rows from the index"))?;
            }
        }
        batch.commit().map_err(Error::of("remove rows from the index"))?;
        Ok(removed)
    }

    /// Removes everything: the checkpoint, the floor and all rows.
    ///
    /// # Errors
    /// [`Error::Failed`]: what is left is begun anew at the next start.
    pub fn clear(&self) -> Result<(), Error> {
        let mut writer = self.writer();
        let store = &self.shared.store;
        // First the keyspace with the format in it: an index without one is begun anew.
        for keyspace in [&store.ids, &store.lists, &store.rows] {
            keyspace.clear().map_err(Error::of("clear the index"))?;
        }
        self.shared.floor.store(0, Ordering::Release);
        writer.progress = None;
        store.write_format()
    }

    /// Bytes of the index on disk, for metrics.
    #[must_use]
    pub fn disk_space(&self) -> u64 {
        self.shared.store.database.disk_space().unwrap_or(0)
    }

    /// Places of the rows of a page, in its order.
    fn page(&self, snapshot: &Snapshot, query: &Query) -> Result<Vec<Found>, Error> {
        let floor = self.floor().max(query.after);
        let wanted = query.skip.saturating_add(query.limit);
        let mut page = Vec::new();
        let mut passed = 0;
        // The greatest comes out first: newest start, then least id.
        let mut waiting: BinaryHeap<Found> = BinaryHeap::new();
        let mut take = |waiting: &mut BinaryHeap<Found>, behind: Option<i64>| {
            while passed < wanted
                && waiting.peek().is_some_and(|found| behind.is_none_or(|max| found.start > max))
            {
                if let Some(found) = waiting.pop() {
                    passed += 1;
                    if passed > query.skip {
                        page.push(found);
                    }
                }
            }
            passed >= wanted
        };
        for block in self.shared.store.blocks(snapshot, query) {
            let block = block?;
            // Nothing in this block or behind it starts later than its newest.
            if take(&mut waiting, Some(block.newest)) {
                break;
            }
            block.matching(query, floor, &mut |found| waiting.push(found))?;
        }
        take(&mut waiting, None);
        Ok(page)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // Its fields are set together, after the commit, so a panic leaves them right.
        self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_as_it_is(folder: &Path) -> Result<Self, Error> {
        let was_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
        // Without its journal the database starts to count from nothing, and reads miss rows.
        if !was_empty && !has_journal(folder) {
            return Err(damaged("open the index", "its journal is missing"));
        }
        // Damaged files make the database panic in places, and that is no reason not to start.
        let opened = catch_unwind(AssertUnwindSafe(|| Store::open(folder)));
        let store = opened.unwrap_or_else(|_| Err(damaged("open the index", "its files panic")))?;
        if was_empty {
            store.write_format()?;
        } else if store.named::<u8>(KEY_FORMAT)? != Some(FORMAT) {
            return Err(damaged("open the index", "it has another format or was being cleared"));
        }
        let floor: Offset = store.named(KEY_FLOOR)?.unwrap_or_default();
        let progress: Option<Progress> = store.named(KEY_PROGRESS)?;
        store.check_moment(progress)?;
        let writer = Writer { progress };
        let shared = Shared {
            store,
            floor: AtomicU64::new(floor.0),
            writer: Mutex::new(writer),
            begun_anew: None,
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Store {
    fn open(folder: &Path) -> Result<Self, Error> {
        let open = || {
            let database = Database::builder(folder)
                .cache_size(2 << 20)
                .worker_threads(1)
                .max_cached_files(Some(64))
                .max_journaling_size(64 << 20)
                .open()?;
            let rows = database.keyspace("rows", || options(4 << 20))?;
            let lists = database.keyspace("lists", || options(2 << 20))?;
            let ids = database.keyspace("ids", || options(4 << 20))?;
            Ok(Self { database, rows, lists, ids })
        };
        open().map_err(Error::of("open the index"))
    }

    /// A value that stands under a name, not under an id.
    fn named<T: for<'de> Deserialize<'de>>(&self, name: &[u8]) -> Result<Option<T>, Error> {
        let value = self.ids.get(name).map_err(Error::of("read the state of the index"))?;
        value.map(|value| chunk::decode(&value)).transpose()
    }

    fn write_format(&self) -> Result<(), Error> {
        self.ids
            .insert(KEY_FORMAT, chunk::encode(&FORMAT))
            .map_err(Error::of("write the format of the index"))
    }

    /// The database cuts a damaged journal and goes on, each keyspace from where its tables end.
    /// They must all be of the moment of `progress`, which is of the moment of `ids`.
    fn check_moment(&self, progress: Option<Progress>) -> Result<(), Error> {
        let doing = "read the state of the index";
        let expected = progress.map_or(0, |progress| progress.next_chunk);
        let of_rows = match self.rows.last_key_value() {
            Some(last) => chunk::number_in(&last.key().map_err(Error::of(doing))?)? + 1,
            None => 0,
        };
        let of_lists = self.lists.get(KEY_NEXT_CHUNK).map_err(Error::of(doing))?;
        let of_lists: u64 = of_lists.map_or(Ok(0), |number| chunk::decode(&number))?;
        if of_rows == expected && of_lists == expected {
            Ok(())
        } else {
            Err(damaged(doing, "its parts are not of the same moment"))
        }
    }

    fn chunk_of(&self, id: ActivationId) -> Result<Option<u64>, Error> {
        let value = self.ids.get(id.as_bytes()).map_err(Error::of("find a row in the index"))?;
        value.map(|number| chunk::decode(&number)).transpose()
    }

    fn chunk(&self, snapshot: &Snapshot, number: u64) -> Result<Option<Chunk>, Error> {
        let value = snapshot.get(&self.rows, number.to_be_bytes());
        value.map_err(Error::of("read rows of the index"))?.map(Chunk::new).transpose()
    }

    /// The blocks of a namespace that may hold rows in the range of `query`, newest first.
    fn blocks(
        &self,
        snapshot: &Snapshot,
        query: &Query,
    ) -> impl Iterator<Item = Result<ListBlock, Error>> + use<> {
        let range = chunk::list_range(&query.namespace, query.since, query.upto);
        let key_head = chunk::list_key_head(&query.namespace);
        snapshot.range(&self.lists, range).map(move |entry| {
            let (key, value) = entry.into_inner().map_err(Error::of("read lists of the index"))?;
            ListBlock::new(&key[key_head..], value)
        })
    }

    fn insert(&self, number: u64, rows: &[&Row], batch: &mut OwnedWriteBatch) {
        batch.insert(&self.rows, number.to_be_bytes(), chunk::encode_rows(rows));
        for (key, value) in chunk::encode_lists(number, rows) {
            batch.insert(&self.lists, key, value);
        }
    }

    /// Puts other rows in the place of those with the same ids.
    fn replace(
        &self,
        number: u64,
        with: &[&Row],
        batch: &mut OwnedWriteBatch,
    ) -> Result<(), Error> {
        let snapshot = self.database.snapshot();
        let chunk = self.chunk(&snapshot, number)?;
        let before =
            chunk.ok_or_else(|| damaged("replace a row", "its chunk is missing"))?.rows()?;
        let now: Vec<&Row> = before
            .iter()
            .map(|row| with.iter().copied().rfind(|new| new.id == row.id).unwrap_or(row))
            .collect();
        if now.iter().copied().ne(&before) {
            for (key, _) in chunk::encode_lists(number, &before.iter().collect::<Vec<_>>()) {
                batch.remove(&self.lists, key);
            }
            self.insert(number, &now, batch);
        }
        Ok(())
    }

    fn remove(&self, number: u64, rows: &[Row], batch: &mut OwnedWriteBatch) {
        let rows: Vec<&Row> = rows.iter().collect();
        batch.remove(&self.rows, number.to_be_bytes());
        for (key, _) in chunk::encode_lists(number, &rows) {
            batch.remove(&self.lists, key);
        }
        for row in rows {
            batch.remove(&self.ids, *row.id.as_bytes());
        }
    }
}

/// Small in every respect: the server at rest has 64 MiB, and rows are few when it is not busy.
/// Filters of 10 bits a key: a row that is asked for is nearly always there.
fn options(memtable: u64) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(memtable)
        .data_block_hash_ratio_policy(HashRatioPolicy::all(0.0))
        .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(
            BloomConstructionPolicy::BitsPerKey(10.0),
        )))
        .expect_point_read_hits(true)
}

fn has_journal(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|it| it == "jnl"))
}

fn damaged(doing: &'static str, why: &'static str) -> Error {
    Error::Damaged { doing, source: why.into() }
}

#[cfg(test)]
mod tests;
