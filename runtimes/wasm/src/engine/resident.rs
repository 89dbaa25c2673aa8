//! Which modules are in memory: bounded in bytes and in number, each loaded once at a time.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::id::Digest;
use tokio::sync::oneshot;

use super::{Loaded, NotLoaded, Resident};

/// The modules in memory.
pub(super) struct Residents {
    inner: Mutex<Inner>,
    max_bytes: usize,
    max_modules: usize,
}

#[derive(Default)]
struct Inner {
    modules: HashMap<Digest, Entry>,
    /// In the order in which they came, for the hand of the clock.
    order: VecDeque<Digest>,
    bytes: usize,
    loading: HashMap<Digest, Vec<oneshot::Sender<Result<Loaded, NotLoaded>>>>,
}

struct Entry {
    module: Arc<Resident>,
    /// Used since the hand last came by.
    used: AtomicBool,
}

/// What to do for a module.
pub(super) enum Begin {
    /// It is there.
    Here(Arc<Resident>),
    /// Somebody loads it.
    Wait(oneshot::Receiver<Result<Loaded, NotLoaded>>),
    /// The caller has to load it, and others wait for that.
    Load,
}

impl Residents {
    pub(super) fn new(max_bytes: usize, max_modules: usize) -> Self {
        Self { inner: Mutex::default(), max_bytes, max_modules }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The module, if it is there.
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<Resident>> {
        self.lock().modules.get(digest).map(|entry| Arc::clone(&entry.module))
    }

    pub(super) fn begin(&self, digest: Digest) -> Begin {
        let mut inner = self.lock();
        if let Some(entry) = inner.modules.get(&digest) {
            entry.used.store(true, Ordering::Relaxed);
            return Begin::Here(Arc::clone(&entry.module));
        }
        if let Some(waiting) = inner.loading.get_mut(&digest) {
            let (told, wait) = oneshot::channel();
            waiting.push(told);
            return Begin::Wait(wait);
        }
        inner.loading.insert(digest, Vec::new());
        Begin::Load
    }

    /// Ends what [`Begin::Load`] began. Returns what had to go: dropping it takes time.
    #[must_use]
    pub(super) fn end(
        &self,
        digest: Digest,
        loaded: &Result<Loaded, NotLoaded>,
    ) -> Vec<Arc<Resident>> {
        let (waiting, gone) = {
            let mut inner = self.lock();
            let gone = match loaded {
                Ok(loaded) => self.insert(&mut inner, digest, &loaded.module),
                Err(_) => Vec::new(),
            };
            (inner.loading.remove(&digest).unwrap_or_default(), gone)
        };
        for told in waiting {
            let _ = told.send(loaded.clone());
        }
        gone
    }

    /// Adds a module that was loaded for another reason.
    #[must_use]
    pub(super) fn add(&self, digest: Digest, module: &Arc<Resident>) -> Vec<Arc<Resident>> {
        self.insert(&mut self.lock(), digest, module)
    }

    fn insert(
        &self,
        inner: &mut Inner,
        digest: Digest,
        module: &Arc<Resident>,
    ) -> Vec<Arc<Resident>> {
        let entry = Entry { module: Arc::clone(module), used: AtomicBool::new(true) };
        inner.bytes += module.bytes;
        match inner.modules.insert(digest, entry) {
            Some(old) => inner.bytes -= old.module.bytes,
            None => inner.order.push_back(digest),
        }
        let mut gone = Vec::new();
        while inner.bytes > self.max_bytes || inner.modules.len() > self.max_modules {
            let Some(oldest) = inner.order.pop_front() else { break };
            let is_used = inner.modules.get(&oldest).is_some_and(|entry| {
                entry.used.swap(false, Ordering::Relaxed) && inner.order.len() > 1
            });
            if is_used {
                inner.order.push_back(oldest);
            } else if let Some(entry) = inner.modules.remove(&oldest) {
                inner.bytes -= entry.module.bytes;
                gone.push(entry.module);
            }
        }
        gone
    }

    /// Modules and their bytes.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.modules.len(), inner.bytes)
    }
}
