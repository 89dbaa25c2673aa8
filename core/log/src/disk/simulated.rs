//! A disk in memory on which every day is the worst day.
//!
//! After a power cut it has what was synced, and of each sector, length and name that was not, any
//! state since: later ones without earlier ones too. A sync that fails loses what it should have
//! written, and the next one says that all is well. A kill leaves the page cache, still not synced.
//! All chance comes from the seed.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::{Disk, File};
use crate::dice::Dice;
use crate::lock;

/// What the disk writes at once.
const SECTOR: usize = 512;

/// The disk; clones are the same disk.
#[derive(Clone, Debug)]
pub struct Simulated(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    dice: Dice,
    files: Vec<Inode>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    pending_names: Vec<Naming>,
    /// Changes until the machine stops.
    stops_after: Option<u64>,
    stopped: bool,
    fails_next_sync: bool,
    capacity: Option<u64>,
    power_cuts: u64,
}

#[derive(Debug, Default)]
struct Inode {
    /// As programs see it.
    bytes: Vec<u8>,
    /// As the disk has it.
    synced: Vec<u8>,
    /// States of sectors since the last sync, oldest first.
    pending: BTreeMap<usize, Vec<Vec<u8>>>,
    pending_lengths: Vec<usize>,
}

#[derive(Debug)]
enum Naming {
    Link(String, usize),
    Rename(String, usize),
    Unlink(String, usize),
}

impl Simulated {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice: Dice::new(seed),
            files: Vec::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            pending_names: Vec::new(),
            stops_after: None,
            stopped: false,
            fails_next_sync: false,
            capacity: None,
            power_cuts: 0,
        })))
    }

    /// After so many more changes every operation fails, until [`Simulated::kill`] or
    /// [`Simulated::power_cut`]. The last change may be done in part.
    pub fn stop_after(&self, changes: u64) {
        lock(&self.0).stops_after = Some(changes);
    }

    /// Whether that has happened.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        lock(&self.0).stopped
    }

    /// The process was killed; the page cache is still there, and still not on disk.
    pub fn kill(&self) {
        let mut state = lock(&self.0);
        state.stopped = false;
        state.stops_after = None;
        state.fails_next_sync = false;
    }

    /// The machine lost power: any subset of what was not synced is gone.
    pub fn power_cut(&self) {
        self.kill();
        let mut state = lock(&self.0);
        let State { dice, files, names, synced_names, pending_names, power_cuts, .. } = &mut *state;
        *power_cuts += 1;
        for file in files {
            file.lose_some(dice);
        }
        // Sometimes nothing of what was not synced is there, sometimes all of it.
        let share = [0, 50, 50, 100][dice.index(4)];
        for naming in pending_names.drain(..) {
            if dice.percent(share) {
                naming.apply(synced_names);
            }
        }
        names.clone_from(synced_names);
    }

    /// The next sync of a file fails, and loses what it should have written.
    pub fn fail_next_sync(&self) {
        lock(&self.0).fails_next_sync = true;
    }

    /// Bytes that fit; `None`: any number.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        lock(&self.0).capacity = capacity;
    }

    /// Power cuts so far.
    #[must_use]
    pub fn power_cuts(&self) -> u64 {
        lock(&self.0).power_cuts
    }

    /// Flips one bit on the disk and in the cache; `false` if the file is not that long.
    pub fn flip(&self, name: &str, byte: usize, bit: u8) -> bool {
        let mut state = lock(&self.0);
        let Some(file) = state.names.get(name).copied() else { return false };
        let file = &mut state.files[file];
        if byte >= file.bytes.len() {
            return false;
        }
        let mask = 1 << (bit % 8);
        file.bytes[byte] ^= mask;
        if let Some(on_disk) = file.synced.get_mut(byte) {
            *on_disk ^= mask;
        }
        for state in file.pending.get_mut(&(byte / SECTOR)).into_iter().flatten() {
            state[byte % SECTOR] ^= mask;
        }
        true
    }
}

impl Naming {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Link(name, file) => drop(names.insert(name, file)),
            Self::Rename(to, file) => {
                names.retain(|_, it| *it != file);
                names.insert(to, file);
            }
            Self::Unlink(name, file) => {
                if names.get(&name) == Some(&file) {
                    names.remove(&name);
                }
            }
        }
    }
}

impl Inode {
    fn write(&mut self, bytes: &[u8], at: usize) {
        let end = at + bytes.len();
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
            self.pending_lengths.push(end);
        }
        self.bytes[at..end].copy_from_slice(bytes);
        for sector in at / SECTOR..end.div_ceil(SECTOR) {
            let start = sector * SECTOR;
            let mut state = self.bytes[start..(start + SECTOR).min(self.bytes.len())].to_vec();
            state.resize(SECTOR, 0);
            self.pending.entry(sector).or_default().push(state);
        }
    }

    fn sync(&mut self) {
        self.synced.resize(self.bytes.len(), 0);
        for (sector, mut states) in std::mem::take(&mut self.pending) {
            if let Some(newest) = states.pop() {
                Self::put(&mut self.synced, sector, &newest);
            }
        }
        self.pending_lengths.clear();
    }

    fn put(bytes: &mut [u8], sector: usize, state: &[u8]) {
        let start = sector * SECTOR;
        let end = (start + SECTOR).min(bytes.len());
        if start < end {
            bytes[start..end].copy_from_slice(&state[..end - start]);
        }
    }

    fn lose_some(&mut self, dice: &mut Dice) {
        let share = [0, 30, 70, 100][dice.index(4)];
        // A length that was not synced comes with its data or without it.
        let lengths = std::mem::take(&mut self.pending_lengths);
        if !lengths.is_empty() && dice.percent(50) {
            self.synced.resize(lengths[dice.index(lengths.len())], 0);
        }
        for (sector, states) in std::mem::take(&mut self.pending) {
            if dice.percent(share) {
                let kept = dice.index(states.len());
                Self::put(&mut self.synced, sector, &states[kept]);
            }
        }
        self.bytes.clone_from(&self.synced);
    }
}

impl State {
    /// Counts a change; an error when the machine stopped, `true` if this is the last change.
    fn change(&mut self) -> io::Result<bool> {
        if self.stopped {
            return Err(io::Error::other("the simulated machine has stopped"));
        }
        let Some(left) = &mut self.stops_after else { return Ok(false) };
        if *left == 0 {
            self.stopped = true;
            return Ok(true);
        }
        *left -= 1;
        Ok(false)
    }

    fn stop<T>() -> io::Result<T> {
        Err(io::Error::other("the simulated machine stops"))
    }

    fn used(&self) -> u64 {
        self.names.values().map(|file| self.files[*file].bytes.len() as u64).sum()
    }

    fn make_room(&self, file: usize, len: u64) -> io::Result<()> {
        let more = len.saturating_sub(self.files[file].bytes.len() as u64);
        match self.capacity {
            Some(capacity) if more > 0 && self.used() + more > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }
}

impl Disk for Simulated {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(lock(&self.0).names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = lock(&self.0).names.get(name).copied();
        let file = file.ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut state = lock(&self.0);
        if state.change()? {
            return State::stop();
        }
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(Inode::default());
        state.names.insert(name.to_owned(), file);
        state.pending_names.push(Naming::Link(name.to_owned(), file));
        Ok(Arc::new(SimulatedFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = lock(&self.0);
        let last = state.change()?;
        if !last || state.dice.percent(50) {
            let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), file);
            state.pending_names.push(Naming::Rename(to.to_owned(), file));
        }
        if last { State::stop() } else { Ok(()) }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = lock(&self.0);
        if state.change()? {
            return State::stop();
        }
        if let Some(file) = state.names.remove(name) {
            state.pending_names.push(Naming::Unlink(name.to_owned(), file));
        }
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = lock(&self.0);
        if state.change()? {
            return State::stop();
        }
        state.synced_names = state.names.clone();
        state.pending_names.clear();
        Ok(())
    }

    fn free(&self) -> io::Result<u64> {
        let state = lock(&self.0);
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: Simulated,
    file: usize,
}

fn size(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

impl File for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let state = lock(&self.disk.0);
        let bytes = &state.files[self.file].bytes;
        let rest = bytes.get(size(at)..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        let last = state.change()?;
        let part = if last { state.dice.index(bytes.len() + 1) } else { bytes.len() };
        state.make_room(self.file, at + bytes.len() as u64)?;
        state.files[self.file].write(&bytes[..part], size(at));
        if last { State::stop() } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        if state.change()? {
            return State::stop();
        }
        let file = self.file;
        if std::mem::take(&mut state.fails_next_sync) {
            // Linux marks the pages clean all the same.
            state.files[file].pending.clear();
            return Err(io::Error::other("the simulated disk cannot write"));
        }
        state.files[file].sync();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.disk.0).files[self.file].bytes.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        if state.change()? {
            return State::stop();
        }
        state.make_room(self.file, len)?;
        let file = &mut state.files[self.file];
        file.bytes.resize(size(len), 0);
        file.pending_lengths.push(size(len));
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        if len > self.len()? { self.set_len(len) } else { Ok(()) }
    }
}
