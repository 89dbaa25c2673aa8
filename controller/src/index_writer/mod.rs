//! The index beside the ledger: rows on their way to it, and reads that wait until it has caught up.
//!
//! A row enters [`Pending`] before the lock of the batch that applied its terminal is released and
//! leaves when its own batch is committed, so a GET by id that follows an answer finds it (I23).
//! [`step`] decides when to write; one thread writes.

pub mod step;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use daemon::clock::Clock;
use ledger::fold::Ended;
use model::activation::Row;
use model::id::{ActivationId, Offset};
use store::index::{Checkpoint, Index, Query};
use tokio::sync::watch;

use step::{Effect, Event, Writer};

use crate::read::stats::Tally;

/// A list waits at most so long for the index to catch up.
const LIST_PATIENCE: Duration = Duration::from_secs(1);

/// Rows that were applied and are not in the index yet.
pub struct Pending {
    rows: RwLock<HashMap<ActivationId, Arc<Row>>>,
    queue: Mutex<Queue>,
    wake: Condvar,
    written: watch::Sender<Offset>,
    clock: Clock,
    ledger: u128,
}

struct Queue {
    machine: Writer,
    rows: Vec<Arc<Row>>,
    applied: Offset,
    crc: u32,
    /// While the log before our snapshot is read into the index: percent done.
    building: Option<u8>,
    /// Where the index stands until that is done.
    reached: Checkpoint,
    closed: bool,
    effects: Vec<Effect>,
}

/// The index has not reached what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index is being built, {percent} % done")]
pub struct Building {
    /// How far.
    pub percent: u8,
}

/// Why a read of the index failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not there yet.
    #[error(transparent)]
    Building(#[from] Building),
    /// It cannot be read.
    #[error("read the index")]
    Index(#[from] store::index::Error),
    /// The task that read it was ended.
    #[error("the read of the index was ended")]
    Ended(#[from] tokio::task::JoinError),
}

impl Pending {
    /// Nothing waits; the index has reached `written` of this ledger.
    #[must_use]
    pub fn new(reached: Checkpoint, clock: Clock) -> Arc<Self> {
        let (written, ledger) = (reached.offset, reached.ledger);
        let queue = Queue {
            reached,
            machine: Writer::new(written),
            rows: Vec::new(),
            applied: written,
            crc: 0,
            building: None,
            closed: false,
            effects: Vec::new(),
        };
        Arc::new(Self {
            rows: RwLock::default(),
            queue: Mutex::new(queue),
            wake: Condvar::new(),
            written: watch::Sender::new(written),
            clock,
            ledger,
        })
    }

    /// An activation ended. Called under the lock of the batch that says so.
    pub fn add(&self, ended: &Ended) {
        if !ended.row.stored {
            return;
        }
        self.add_row(Arc::clone(&ended.row));
    }

    /// A row is to be in the index.
    pub fn add_row(&self, row: Arc<Row>) {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).insert(row.id, Arc::clone(&row));
        let mut queue = self.lock();
        queue.rows.push(row);
        self.event(&mut queue, Event::Row);
    }

    /// Everything up to here was applied; the checksum is that of the frame there.
    pub fn applied(&self, at: Offset, crc: u32) {
        let mut queue = self.lock();
        queue.applied = at;
        queue.crc = crc;
        self.event(&mut queue, Event::Applied(at));
    }

    /// The index is being built from older segments; `None`: it is whole.
    pub fn building(&self, percent: Option<u8>) {
        self.lock().building = percent;
    }

    /// A row that the index may not have yet.
    #[must_use]
    pub fn get(&self, id: ActivationId) -> Option<Arc<Row>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// How many records the index is behind.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.lock().machine.lag()
    }

    /// Nothing more comes: the writer writes what it has and ends.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn event(&self, queue: &mut Queue, event: Event) {
        let slept_until = queue.machine.wakes_at();
        let Queue { machine, effects, .. } = queue;
        machine.step(self.clock.now(), event, effects);
        if !queue.effects.is_empty() || slept_until != queue.machine.wakes_at() {
            self.wake.notify_one();
        }
    }

    /// The writing thread: until [`Pending::close`].
    pub fn write_until_closed(&self, index: &Index) {
        while let Some((rows, checkpoint)) = self.next_batch() {
            let wrote = index.write(&rows, checkpoint);
            let mut queue = self.lock();
            match wrote {
                Ok(()) => {
                    self.forget(&rows);
                    self.written.send_replace(checkpoint.offset);
                    self.event(&mut queue, Event::Written(checkpoint.offset));
                }
                Err(error) => {
                    tracing::error!(error = %daemon::shutdown::chain(&error), "the index was not written; it is tried again");
                    let later = std::mem::replace(&mut queue.rows, rows);
                    queue.rows.extend(later);
                    self.event(&mut queue, Event::Failed);
                    if queue.closed {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until there is something to write. `None`: all is written and nothing more comes.
    fn next_batch(&self) -> Option<(Vec<Arc<Row>>, Checkpoint)> {
        let mut queue = self.lock();
        loop {
            if queue.effects.pop().is_some() || (queue.closed && !queue.rows.is_empty()) {
                queue.effects.clear();
                let (offset, crc) = (queue.applied, queue.crc);
                // Rows of older records are still to come: a crash must find that out.
                let checkpoint = match queue.building {
                    Some(_) => queue.reached,
                    None => Checkpoint { ledger: self.ledger, offset, crc },
                };
                return Some((std::mem::take(&mut queue.rows), checkpoint));
            }
            if queue.closed {
                return None;
            }
            let wait = queue.machine.wakes_at().map(|at| at.since(self.clock.now()));
            queue = match wait {
                None => self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    let woken = self.wake.wait_timeout(queue, wait);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            self.event(&mut queue, Event::Woken);
        }
    }

    /// Rows that are in the index leave, unless a newer one of the same id came meanwhile.
    fn forget(&self, written: &[Arc<Row>]) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for row in written {
            if rows.get(&row.id).is_some_and(|known| Arc::ptr_eq(known, row)) {
                rows.remove(&row.id);
            }
        }
    }
}

/// Reads of the index by handlers.
#[derive(Clone)]
pub struct IndexReader {
    index: Index,
    pending: Arc<Pending>,
}

impl IndexReader {
    /// Reads of an index, and of what is on its way there.
    #[must_use]
    pub fn new(index: Index, pending: Arc<Pending>) -> Self {
        Self { index, pending }
    }

    /// The row of an ended activation.
    ///
    /// # Errors
    /// [`ReadError::Building`] if it was not found and the index is not whole.
    pub async fn row(&self, id: ActivationId) -> Result<Option<Arc<Row>>, ReadError> {
        if let Some(row) = self.pending.get(id) {
            return Ok(Some(row));
        }
        let index = self.index.clone();
        let row = tokio::task::spawn_blocking(move || index.row(id)).await??;
        match (row, self.pending.get(id)) {
            (Some(row), _) => Ok(Some(Arc::new(row))),
            (None, Some(row)) => Ok(Some(row)),
            (None, None) => self.whole().map(|()| None),
        }
    }

    /// Rows, the newest first, of everything that was applied when this was called.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn list(&self, query: Query) -> Result<Vec<Row>, ReadError> {
        self.caught_up().await?;
        let index = self.index.clone();
        Ok(tokio::task::spawn_blocking(move || index.list(&query)).await??)
    }

    /// How many rows a list without bounds would have.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn count(&self, query: Query) -> Result<u64, ReadError> {
        self.caught_up().await?;
        let index = self.index.clone();
        Ok(tokio::task::spawn_blocking(move || index.count(&query)).await??)
    }

    /// Figures of the rows that a list without bounds would have.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn tally(&self, query: Query) -> Result<Tally, ReadError> {
        self.caught_up().await?;
        let index = self.index.clone();
        let tallied = tokio::task::spawn_blocking(move || {
            let mut tally = Tally::default();
            index.each(&query, &mut |row| tally.add(&row)).map(|()| tally)
        });
        Ok(tallied.await??)
    }

    /// How many records the index is behind.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.pending.lag()
    }

    /// While the index is being built from older segments: percent done.
    #[must_use]
    pub fn building(&self) -> Option<u8> {
        self.pending.lock().building
    }

    fn whole(&self) -> Result<(), ReadError> {
        match self.building() {
            Some(percent) => Err(Building { percent }.into()),
            None => Ok(()),
        }
    }

    async fn caught_up(&self) -> Result<(), ReadError> {
        self.whole()?;
        let target = {
            let mut queue = self.pending.lock();
            self.pending.event(&mut queue, Event::Hurry);
            queue.applied
        };
        let mut written = self.pending.written.subscribe();
        let until = self.pending.clock.now() + LIST_PATIENCE;
        let reached = written.wait_for(|written| *written >= target);
        match self.pending.clock.within(until, reached).await {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => Err(Building { percent: 99 }.into()),
        }
    }
}
