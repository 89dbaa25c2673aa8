//! Syncs of mode `os`: about once a second, on a thread of their own, so that nobody waits for them.
//!
//! How far the disk has come is told to the writer, which notes it in the frames that follow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::config::{Config, Fatal, Point};
use super::writer::sync_file;
use crate::disk::File;
use crate::lock;

/// Shared by the writer and the thread that syncs behind it.
pub(crate) struct Behind {
    config: Arc<Config>,
    state: Mutex<State>,
    changed: Condvar,
    durable: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Asked for or under way.
    due: Option<Due>,
    closed: bool,
}

/// A file, and the highest sequence that was written to it or before it.
#[derive(Clone)]
struct Due {
    file: Arc<dyn File>,
    name: String,
    written: u64,
}

impl Behind {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            state: Mutex::default(),
            changed: Condvar::new(),
            durable: AtomicU64::new(0),
        }
    }

    /// Asks for a sync; nothing happens if one is under way.
    pub(crate) fn ask(&self, file: &Arc<dyn File>, name: &str, written: u64) {
        let mut state = lock(&self.state);
        if state.due.is_none() {
            state.due = Some(Due { file: Arc::clone(file), name: name.to_owned(), written });
            self.changed.notify_one();
        }
    }

    /// The highest sequence that was synced here.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Nothing more is asked for.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_one();
    }

    /// The life of the thread. After an error nothing is tried twice: the process ends.
    pub(crate) fn run(&self) {
        while let Some(due) = self.next() {
            if let Err(fatal) = self.sync(&due) {
                (self.config.on_fatal)(&fatal);
                return;
            }
            lock(&self.state).due = None;
        }
    }

    fn next(&self) -> Option<Due> {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return None;
            }
            if state.due.is_some() {
                return state.due.clone();
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn sync(&self, due: &Due) -> Result<(), Fatal> {
        sync_file(&self.config, due.file.as_ref(), &due.name, 0)?;
        self.durable.store(due.written, Ordering::Release);
        self.config.point(Point::AfterSync);
        Ok(())
    }
}
