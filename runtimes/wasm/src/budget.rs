//! One budget for the linear memory of all instances, and the number of instances.
//!
//! Charged is what memories have grown to, not what they may grow to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What must be free for an instance to start.
///
/// Source: `design.md` §7.
pub(crate) const START: u64 = 4 << 20;

/// Shared by all instances of a driver.
#[derive(Debug)]
pub(crate) struct Budget {
    memory: AtomicU64,
    max_memory: u64,
    instances: AtomicU64,
    max_instances: u64,
}

impl Budget {
    pub(crate) fn new(max_memory: u64, max_instances: u64) -> Arc<Self> {
        Arc::new(Self {
            memory: AtomicU64::new(0),
            max_memory,
            instances: AtomicU64::new(0),
            max_instances,
        })
    }

    /// A place for one instance; `None` if there is no slot or too little memory for a start.
    pub(crate) fn start(self: &Arc<Self>) -> Option<Lease> {
        if self.memory.load(Ordering::Relaxed).saturating_add(START) > self.max_memory {
            return None;
        }
        add_within(&self.instances, 1, self.max_instances)
            .then(|| Lease { budget: Arc::clone(self), charged: 0 })
    }

    /// Charges what the host keeps for a while; `None` if the budget has not got it.
    pub(crate) fn charge(self: &Arc<Self>, bytes: u64) -> Option<Charge> {
        add_within(&self.memory, bytes, self.max_memory)
            .then(|| Charge { budget: Arc::clone(self), bytes })
    }

    pub(crate) fn instances(&self) -> u64 {
        self.instances.load(Ordering::Relaxed)
    }

    pub(crate) fn max_instances(&self) -> u64 {
        self.max_instances
    }

    pub(crate) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    pub(crate) fn max_memory(&self) -> u64 {
        self.max_memory
    }
}

/// The place of one instance and all that was charged for it; given back on drop.
#[derive(Debug)]
pub(crate) struct Lease {
    budget: Arc<Budget>,
    charged: u64,
}

impl Lease {
    /// Charges `bytes` more; `false` if the budget has not got them.
    pub(crate) fn charge(&mut self, bytes: u64) -> bool {
        let charged = add_within(&self.budget.memory, bytes, self.budget.max_memory);
        if charged {
            self.charged += bytes;
        }
        charged
    }

    /// Gives back a part of what was charged.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        let bytes = bytes.min(self.charged);
        self.charged -= bytes;
        self.budget.memory.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.memory.fetch_sub(self.charged, Ordering::Relaxed);
        self.budget.instances.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that were charged; given back on drop.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.memory.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn add_within(counter: &AtomicU64, add: u64, max: u64) -> bool {
    let within = |now: u64| now.checked_add(add).filter(|sum| *sum <= max);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_overdrawn_and_all_comes_back() {
        let budget = Budget::new(10 << 20, 2);
        let mut first = budget.start().unwrap();
        assert!(first.charge(6 << 20));
        assert!(!first.charge(5 << 20), "more than is there");
        let mut second = budget.start().unwrap();
        assert!(budget.start().is_none(), "no third slot");
        assert!(second.charge(1 << 20));
        drop(second);
        assert_eq!((budget.instances(), budget.memory()), (1, 6 << 20));
        assert!(first.charge(1 << 20));
        assert!(budget.start().is_none(), "less than 4 MiB free");
        first.give_back(2 << 20);
        assert!(budget.start().is_some());
        drop(first);
        assert_eq!((budget.instances(), budget.memory()), (0, 0));
    }
}
