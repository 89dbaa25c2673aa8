//! The one writer: drain → write → sync → readers.
//!
//! No timer gathers a batch: while one is synced the next one queues. Every error of a write or a
//! sync is [`Fatal`]; nothing is tried twice, because pages of a failed sync look clean and are
//! not on disk.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use model::id::Offset;

use super::behind::Behind;
use super::config::{Config, Durability, Fatal, Point, Rule};
use super::frame::{DATA_START, HEAD, Header, Seed, encode, frame_size};
use super::live::Live;
use super::reserve::{CLAIMED, Reserve};
use super::segment::{Segment, file_name};
use crate::Item;
use crate::disk::{Disk, File};

/// Where the log goes on.
pub(crate) struct Tip {
    pub(crate) ledger: [u8; 16],
    pub(crate) number: u64,
    pub(crate) file: Arc<dyn File>,
    pub(crate) name: String,
    /// Where the next frame goes.
    pub(crate) place: u64,
    /// Where the segment is full.
    pub(crate) capacity: u64,
    /// Of the next frame.
    pub(crate) next: u64,
    /// Checksum of the frame before.
    pub(crate) previous: u32,
    /// Behind the last frame of this segment; markers may follow.
    pub(crate) data_end: u64,
}

/// Writes frames and makes them durable; one thread has it.
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    config: Arc<Config>,
    live: Arc<Live>,
    reserve: Arc<Reserve>,
    seed: Seed,
    tip: Tip,
    /// The highest sequence known to be synced.
    durable: u64,
    /// What `durable` was when it was last written down.
    written_durable: u64,
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        config: Arc<Config>,
        live: Arc<Live>,
        reserve: Arc<Reserve>,
        tip: Tip,
    ) -> Self {
        let durable = tip.next - 1;
        let seed = Seed::new(&tip.ledger);
        reserve.set_room(tip.capacity.saturating_sub(tip.place));
        Self {
            disk,
            config,
            live,
            reserve,
            seed,
            tip,
            durable,
            written_durable: durable,
            buffer: Vec::new(),
        }
    }

    /// Writes all `frames` and makes them readable; takes them out as it goes on. Returns early,
    /// with frames left, only if the log is closed while it waits for room.
    pub(crate) fn commit(&mut self, frames: &mut VecDeque<Bytes>) -> Result<(), Fatal> {
        while !frames.is_empty() {
            let places = self.encode(frames);
            if places.is_empty() {
                if !self.switch()? {
                    return Ok(());
                }
                continue;
            }
            self.write()?;
            if self.config.durability == Durability::Sync {
                self.sync(places.len())?;
            }
            let items = frames.drain(..places.len()).zip(&places);
            let items = items.map(|(frame, (at, _))| Item::Frame(Offset(*at), frame)).collect();
            self.live.deliver(items, &places, self.tip.place);
            self.config.point(Point::AfterDelivery);
        }
        Ok(())
    }

    /// Puts as many frames into the buffer as the segment has room for; says their places.
    fn encode(&mut self, frames: &VecDeque<Bytes>) -> Vec<(u64, u64)> {
        self.buffer.clear();
        let mut places = Vec::with_capacity(frames.len());
        for frame in frames {
            let place = self.tip.place + self.buffer.len() as u64;
            // A marker must fit behind whatever is the last.
            if place + frame_size(frame.len()) + HEAD as u64 > self.tip.capacity {
                break;
            }
            let sequence = self.tip.next + places.len() as u64;
            let previous = self.tip.previous;
            self.tip.previous =
                encode(&mut self.buffer, self.seed, sequence, self.durable, previous, Some(frame));
            places.push((sequence, place));
        }
        self.tip.next += places.len() as u64;
        places
    }

    fn write(&mut self) -> Result<(), Fatal> {
        self.config.point(Point::BeforeWrite);
        self.tip
            .file
            .write_at(&self.buffer, self.tip.place)
            .map_err(fatal("write", &self.tip.name))?;
        self.tip.place += self.buffer.len() as u64;
        self.tip.data_end = self.tip.place;
        self.written_durable = self.durable;
        self.reserve.set_room(self.tip.capacity - self.tip.place);
        Ok(())
    }

    /// Makes all that was written durable, on behalf of so many frames.
    pub(crate) fn sync(&mut self, frames: usize) -> Result<(), Fatal> {
        sync_file(&self.config, self.tip.file.as_ref(), &self.tip.name, frames)?;
        self.durable = self.tip.next - 1;
        self.config.point(Point::AfterSync);
        Ok(())
    }

    /// Lets another thread make durable what was written.
    pub(crate) fn sync_behind(&self, behind: &Behind) {
        behind.ask(&self.tip.file, &self.tip.name, self.tip.next - 1);
    }

    /// So much was synced by another thread.
    pub(crate) fn note_durable(&mut self, durable: u64) {
        self.durable = self.durable.max(durable);
    }

    /// Whether something was written that is not synced.
    pub(crate) fn is_dirty(&self) -> bool {
        self.durable + 1 < self.tip.next
    }

    /// Notes how far the log is durable, when nothing else will soon. Not synced itself: it is
    /// for the judgement after a kill, and most power cuts find it written back.
    pub(crate) fn mark(&mut self) -> Result<(), Fatal> {
        let due = self.written_durable < self.durable && self.config.rules.hold(Rule::WriteMarker);
        // A marker speaks of the frame before it: of all frames, or of none.
        if !due || self.is_dirty() || self.tip.place + HEAD as u64 > self.tip.capacity {
            return Ok(());
        }
        self.buffer.clear();
        let (durable, previous) = (self.durable, self.tip.previous);
        encode(&mut self.buffer, self.seed, durable, durable, previous, None);
        self.tip
            .file
            .write_at(&self.buffer, self.tip.place)
            .map_err(fatal("write a marker to", &self.tip.name))?;
        self.tip.place += self.buffer.len() as u64;
        self.written_durable = durable;
        self.config.point(Point::AfterMarker);
        Ok(())
    }

    /// Seals the segment and goes on in the next; `false`: closed while there was no room for one.
    pub(crate) fn switch(&mut self) -> Result<bool, Fatal> {
        if self.is_dirty() {
            self.sync(0)?;
        }
        self.config.point(Point::BeforeSwitch);
        let Some(file) = self.reserve.claim().map_err(fatal("claim", CLAIMED))? else {
            return Ok(false);
        };
        self.config.point(Point::AfterClaim);
        let last = self.tip.next - 1;
        let header = Header {
            os_mode: self.config.durability == Durability::Os,
            ledger: self.tip.ledger,
            number: self.tip.number + 1,
            first: self.tip.next,
            previous: self.tip.previous,
            durable: last,
        };
        let name = file_name(header.number, header.first);
        file.write_at(&header.encode(), 0).map_err(fatal("write", &name))?;
        put_in_place(self.disk.as_ref(), &self.config, file.as_ref(), &name)?;
        let capacity = file.len().map_err(fatal("measure", &name))?;
        self.cut_sealed()?;
        let ledger = &self.tip.ledger;
        let segment = Segment::new(Arc::clone(&self.disk), name.clone(), self.tip.next, ledger)
            .with_file(Arc::clone(&file), DATA_START);
        self.live.switch(Arc::new(segment), last, self.tip.data_end);
        self.tip = Tip {
            number: header.number,
            file,
            name,
            place: DATA_START,
            capacity,
            data_end: DATA_START,
            ..self.tip
        };
        self.written_durable = last;
        self.reserve.set_room(capacity - DATA_START);
        Ok(true)
    }

    /// The segment is sealed: its successor is synced, renamed and the folder synced.
    fn cut_sealed(&self) -> Result<(), Fatal> {
        self.tip.file.set_len(self.tip.data_end).map_err(fatal("cut", &self.tip.name))?;
        self.config.point(Point::AfterSeal);
        Ok(())
    }

    /// Whether the open segment has a frame.
    pub(crate) fn can_seal(&self) -> bool {
        self.tip.data_end > DATA_START
    }
}

/// Syncs a file on behalf of so many frames, and tells how long it took.
pub(crate) fn sync_file(
    config: &Config,
    file: &dyn File,
    name: &str,
    frames: usize,
) -> Result<(), Fatal> {
    config.point(Point::AfterWriteBeforeSync);
    let before = (config.now)();
    file.sync().map_err(fatal("sync", name))?;
    if let Some(on_sync) = &config.on_sync {
        on_sync((config.now)().saturating_sub(before), frames);
    }
    Ok(())
}

/// Syncs the claimed file, gives it its name and syncs the folder.
pub(crate) fn put_in_place(
    disk: &dyn Disk,
    config: &Config,
    file: &dyn File,
    name: &str,
) -> Result<(), Fatal> {
    file.sync().map_err(fatal("sync", name))?;
    config.point(Point::BeforeRename);
    disk.rename(CLAIMED, name).map_err(fatal("rename", name))?;
    config.point(Point::AfterRename);
    disk.sync_folder().map_err(fatal("sync the folder of", name))?;
    config.point(Point::AfterFolderSync);
    Ok(())
}

pub(crate) fn fatal(operation: &str, name: &str) -> impl FnOnce(io::Error) -> Fatal {
    let operation = format!("{operation} {name}");
    |source| Fatal::Disk { operation, source }
}
