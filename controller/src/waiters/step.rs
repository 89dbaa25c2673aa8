//! Who waits for which activation, and what becomes of the wait.
//!
//! Pure. A caller is registered before its `Accept` is proposed, so no end is missed. An end is
//! told to everybody who waits for it; patience that runs out answers 202 and changes nothing.

use std::collections::BTreeMap;

use model::id::ActivationId;

/// Names one waiting caller.
pub type Caller = u64;

/// All who wait.
#[derive(Debug, Default)]
pub struct Waiters {
    next: Caller,
    waiting: BTreeMap<(ActivationId, Caller), ()>,
}

/// What happens to those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The activation has ended, as applied.
    Ended(ActivationId),
    /// A caller does not wait any more.
    Left(ActivationId, Caller),
}

impl Waiters {
    /// Registers a caller.
    pub fn register(&mut self, id: ActivationId) -> Caller {
        self.next += 1;
        self.waiting.insert((id, self.next), ());
        self.next
    }

    /// One event; whom to tell goes to `out`.
    pub fn step(&mut self, event: Event, out: &mut Vec<Caller>) {
        match event {
            Event::Left(id, caller) => {
                self.waiting.remove(&(id, caller));
            }
            Event::Ended(id) => {
                let all = (id, Caller::MIN)..=(id, Caller::MAX);
                out.extend(self.waiting.range(all).map(|((_, caller), ())| *caller));
                for caller in &*out {
                    self.waiting.remove(&(id, *caller));
                }
            }
        }
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_once_to_all_who_still_wait_for_it() {
        let (a, b) = (ActivationId::from_bytes([1; 16]), ActivationId::from_bytes([2; 16]));
        let mut waiters = Waiters::default();
        let first = waiters.register(a);
        let other = waiters.register(b);
        let gone = waiters.register(a);
        let last = waiters.register(a);
        let mut out = Vec::new();
        waiters.step(Event::Left(a, gone), &mut out);
        waiters.step(Event::Ended(a), &mut out);
        assert_eq!(out, [first, last]);
        out.clear();
        waiters.step(Event::Ended(a), &mut out);
        assert!(out.is_empty());
        waiters.step(Event::Ended(b), &mut out);
        assert_eq!(out, [other]);
        assert!(waiters.is_empty());
    }
}
