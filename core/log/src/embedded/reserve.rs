//! Room on the disk: the spare segment, the balloon, and when to refuse new work.
//!
//! A helper thread fills the next segment with zeros ahead of time, so that a write never meets a
//! full disk, and looks each second how much is left. Below the floor new work is refused while
//! the small records of what is open still go through; when not even a spare fits any more, the
//! balloon is given up for it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::config::{Config, Point};
use super::frame::{DATA_START, HEAD, frame_size};
use crate::disk::{Disk, File, write_zeros};
use crate::lock;

/// A zero-filled, synced segment without a header.
pub(crate) const SPARE: &str = "spare";
/// What becomes a segment and has not got its name yet. Nothing is written to a file while it is
/// called [`SPARE`], not even after a power cut: the folder is synced behind this rename.
pub(crate) const CLAIMED: &str = "next.tmp";
const FILLING: &str = "spare.tmp";
const BALLOON: &str = "balloon";
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks after the room on the disk.
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    config: Arc<Config>,
    state: Mutex<State>,
    changed: Condvar,
    free: AtomicU64,
    reserved: AtomicU64,
    /// Bytes that the open segment still has room for.
    room: AtomicU64,
    below_floor: AtomicBool,
    stalled: AtomicBool,
}

#[derive(Default)]
struct State {
    spare: Option<Arc<dyn File>>,
    balloon: bool,
    closed: bool,
    /// Nobody waits any more for a disk that is full.
    closing: bool,
    /// A helper thread fills the spare; without one, who needs it does.
    helped: bool,
    /// Asked to look now.
    look: bool,
}

impl Reserve {
    /// `names`: what an earlier life left in the folder.
    pub(crate) fn new(disk: Arc<dyn Disk>, config: Arc<Config>, names: &[String]) -> Self {
        let state = State { balloon: names.iter().any(|it| it == BALLOON), ..State::default() };
        let reserve = Self {
            disk,
            config,
            state: Mutex::new(state),
            changed: Condvar::new(),
            free: AtomicU64::new(0),
            reserved: AtomicU64::new(0),
            room: AtomicU64::new(0),
            below_floor: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        };
        reserve.measure();
        reserve
    }

    pub(crate) fn below_floor(&self) -> bool {
        self.below_floor.load(Ordering::Relaxed)
    }

    pub(crate) fn stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    pub(crate) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    pub(crate) fn reserved(&self) -> u64 {
        self.reserved.load(Ordering::Relaxed)
    }

    pub(crate) fn set_reserved(&self, bytes: u64) {
        self.reserved.store(bytes, Ordering::Relaxed);
        self.below_floor.store(self.free() < self.needed(), Ordering::Relaxed);
    }

    pub(crate) fn set_room(&self, bytes: u64) {
        self.room.store(bytes, Ordering::Relaxed);
    }

    /// Whether the open segment has room for such a frame.
    pub(crate) fn has_room(&self, payload: usize) -> bool {
        frame_size(payload) + HEAD as u64 <= self.room.load(Ordering::Relaxed)
    }

    pub(crate) fn spare_ready(&self) -> bool {
        lock(&self.state).spare.is_some()
    }

    pub(crate) fn has_balloon(&self) -> bool {
        lock(&self.state).balloon
    }

    /// Takes the spare for the next segment, under its passing name. Waits while the disk has no
    /// room for one; `None`: the log was closed meanwhile.
    pub(crate) fn claim(&self) -> io::Result<Option<Arc<dyn File>>> {
        let file = loop {
            let mut state = lock(&self.state);
            if let Some(file) = state.spare.take() {
                // Under the lock: the helper may have the next spare ready at any moment.
                self.disk.rename(SPARE, CLAIMED)?;
                self.set_room(self.config.segment_size.as_u64().saturating_sub(DATA_START));
                state.look = true;
                self.changed.notify_all();
                break file;
            }
            if state.closed || (state.closing && self.stalled()) {
                return Ok(None);
            }
            if !state.helped {
                drop(state);
                self.fill()?;
                continue;
            }
            state.look = true;
            self.changed.notify_all();
            drop(self.changed.wait(state).unwrap_or_else(PoisonError::into_inner));
        };
        self.disk.sync_folder()?;
        Ok(Some(file))
    }

    /// Makes the spare, unless it is there.
    pub(crate) fn fill(&self) -> io::Result<()> {
        if self.spare_ready() {
            return Ok(());
        }
        self.disk.remove(FILLING)?;
        let file = self.disk.create(FILLING)?;
        let filled = write_zeros(file.as_ref(), self.config.segment_size.as_u64())
            .and_then(|()| file.sync());
        if let Err(error) = filled {
            self.disk.remove(FILLING)?;
            return Err(error);
        }
        self.disk.rename(FILLING, SPARE)?;
        self.disk.sync_folder()?;
        self.config.point(Point::AfterSpare);
        lock(&self.state).spare = Some(file);
        self.changed.notify_all();
        Ok(())
    }

    /// Looks once: at the free bytes, the spare, the balloon.
    pub(crate) fn look(&self) {
        self.measure();
        if let Err(error) = self.fill() {
            let balloon = self.has_balloon();
            if balloon && self.give_up_balloon().is_ok() && self.fill().is_ok() {
                tracing::warn!("the disk of the ledger is full; the balloon was given up for it");
            } else {
                let was = self.stalled.swap(true, Ordering::Relaxed);
                if !was {
                    tracing::warn!(%error, "no room for the next segment of the ledger; what is open waits until the disk has room");
                }
            }
        }
        if self.spare_ready() {
            self.stalled.store(false, Ordering::Relaxed);
        }
        drop(lock(&self.state)); // whoever waits has either seen this or is waiting by now
        self.changed.notify_all();
        self.measure();
        if let Err(error) = self.restore_balloon() {
            tracing::debug!(%error, "no room for the balloon");
        }
    }

    fn measure(&self) {
        // A disk that does not even say what is left is treated as full.
        let free = self.disk.free().unwrap_or(0);
        self.free.store(free, Ordering::Relaxed);
        let was = self.below_floor.swap(free < self.needed(), Ordering::Relaxed);
        if !was && self.below_floor() {
            tracing::warn!(
                free,
                needed = self.needed(),
                "the disk of the ledger is below its floor; new work is refused"
            );
        }
    }

    /// So much must be free for new work.
    pub(crate) fn needed(&self) -> u64 {
        self.config.disk_floor.as_u64().saturating_add(self.reserved())
    }

    fn give_up_balloon(&self) -> io::Result<()> {
        self.disk.remove(BALLOON)?;
        self.disk.sync_folder()?;
        lock(&self.state).balloon = false;
        Ok(())
    }

    fn restore_balloon(&self) -> io::Result<()> {
        let size = self.config.balloon.as_u64();
        let room = self.free() >= self.needed().saturating_add(size);
        if self.has_balloon() || size == 0 || !room {
            return Ok(());
        }
        self.disk.remove(BALLOON)?;
        let file = self.disk.create(BALLOON)?;
        file.allocate(size).or_else(|error| self.disk.remove(BALLOON).and(Err(error)))?;
        lock(&self.state).balloon = true;
        Ok(())
    }

    /// The work of the helper thread; returns when the log is closed.
    pub(crate) fn help(&self) {
        loop {
            self.look();
            let mut state = lock(&self.state);
            if state.closed {
                return;
            }
            if !state.look {
                let waited = self.changed.wait_timeout(state, LOOK_EVERY);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            state.look = false;
            if state.closed {
                return;
            }
        }
    }

    pub(crate) fn set_helped(&self) {
        lock(&self.state).helped = true;
    }

    /// The writer ends when it has written what it can.
    pub(crate) fn closing(&self) {
        lock(&self.state).closing = true;
        self.changed.notify_all();
    }

    /// The helper ends.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}
