//! Who waits for which activation, how long, and what becomes of the wait.
//!
//! Pure. A caller is registered before its `Accept` is proposed, so no end is missed. An end is
//! told to everybody who waits for it; patience that runs out answers 202 and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use model::id::ActivationId;
use model::time::Moment;

/// Names one waiting caller.
pub type Caller = u64;

/// All who wait.
#[derive(Debug, Default)]
pub struct Waiters {
    next: Caller,
    waiting: BTreeMap<(ActivationId, Caller), Patience>,
    /// When whose patience is over.
    ends: BTreeSet<(Moment, ActivationId, Caller)>,
}

/// How long a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the end. Who hears of no end is told that it was accepted, and therefore not before.
    pub until: Moment,
    /// Whether it is known to be accepted.
    pub accepted: bool,
}

/// What happens to those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The acceptance that a caller proposed was applied.
    Accepted(ActivationId, Caller),
    /// The activation has ended, as applied.
    Ended(ActivationId),
    /// A caller does not wait any more.
    Left(ActivationId, Caller),
    /// The moment of [`Waiters::wakes_at`] has come.
    Woken,
}

/// Whom to tell what; each caller is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It ended.
    Ended(Caller),
    /// It is accepted, and patience for its end is over.
    Accepted(Caller),
}

impl Waiters {
    /// Registers a caller.
    pub fn register(&mut self, id: ActivationId, patience: Patience) -> Caller {
        self.next += 1;
        self.waiting.insert((id, self.next), patience);
        self.ends.insert((patience.until, id, self.next));
        self.next
    }

    /// One event; whom to tell goes to `out`.
    pub fn step(&mut self, now: Moment, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Accepted(id, caller) => self.accepted(now, id, caller, out),
            Event::Ended(id) => {
                let all = (id, Caller::MIN)..=(id, Caller::MAX);
                while let Some((&(_, caller), _)) = self.waiting.range(all.clone()).next() {
                    self.remove(id, caller);
                    out.push(Effect::Ended(caller));
                }
            }
            Event::Left(id, caller) => self.remove(id, caller),
            Event::Woken => self.woken(now, out),
        }
    }

    /// When it next wants to look at the clock.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Moment> {
        self.ends.first().map(|(until, ..)| *until)
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

    fn accepted(&mut self, now: Moment, id: ActivationId, caller: Caller, out: &mut Vec<Effect>) {
        let Some(patience) = self.waiting.get_mut(&(id, caller)) else { return };
        patience.accepted = true;
        if patience.until <= now {
            self.remove(id, caller);
            out.push(Effect::Accepted(caller));
        }
    }

    fn woken(&mut self, now: Moment, out: &mut Vec<Effect>) {
        while let Some(&(until, id, caller)) = self.ends.first()
            && until <= now
        {
            self.ends.pop_first();
            // Of another nobody can say yet whether it was accepted; the owner will.
            if self.waiting.get(&(id, caller)).is_some_and(|patience| patience.accepted) {
                self.remove(id, caller);
                out.push(Effect::Accepted(caller));
            }
        }
    }

    fn remove(&mut self, id: ActivationId, caller: Caller) {
        if let Some(patience) = self.waiting.remove(&(id, caller)) {
            self.ends.remove(&(patience.until, id, caller));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    fn id(number: u8) -> ActivationId {
        ActivationId::from_bytes([number; 16])
    }

    struct World(Waiters);

    impl World {
        fn feed(&mut self, now: u64, event: Event) -> Vec<Effect> {
            let mut out = Vec::new();
            self.0.step(at(now), event, &mut out);
            out
        }

        fn register(&mut self, of: u8, until: u64, accepted: bool) -> Caller {
            self.0.register(id(of), Patience { until: at(until), accepted })
        }
    }

    #[test]
    fn an_end_is_told_once_to_all_who_still_wait_for_it() {
        let mut world = World(Waiters::default());
        let first = world.register(1, 100, true);
        let other = world.register(2, 100, true);
        let gone = world.register(1, 100, true);
        let last = world.register(1, 5, false);
        assert_eq!(world.feed(1, Event::Left(id(1), gone)), []);
        let ended = world.feed(2, Event::Ended(id(1)));
        assert_eq!(ended, [Effect::Ended(first), Effect::Ended(last)]);
        assert_eq!(world.feed(3, Event::Ended(id(1))), []);
        assert_eq!(world.feed(4, Event::Ended(id(2))), [Effect::Ended(other)]);
        assert_eq!((world.0.len(), world.0.wakes_at()), (0, None));
    }

    #[test]
    fn who_hears_of_no_end_in_time_is_told_that_it_is_accepted() {
        let mut world = World(Waiters::default());
        let caller = world.register(1, 100, false);
        assert_eq!(world.feed(10, Event::Accepted(id(1), caller)), []);
        assert_eq!(world.0.wakes_at(), Some(at(100)));
        assert_eq!(world.feed(99, Event::Woken), []);
        assert_eq!(world.feed(100, Event::Woken), [Effect::Accepted(caller)]);
        assert_eq!(world.feed(101, Event::Ended(id(1))), []);
        assert_eq!((world.0.len(), world.0.wakes_at()), (0, None));
    }

    #[test]
    fn short_patience_waits_for_acceptance_and_no_longer() {
        let mut world = World(Waiters::default());
        let caller = world.register(1, 10, false);
        assert_eq!(world.feed(11, Event::Woken), [], "an answer must know whether it is accepted");
        assert_eq!(world.0.wakes_at(), None);
        assert_eq!(world.feed(12, Event::Accepted(id(1), caller)), [Effect::Accepted(caller)]);
        assert!(world.0.is_empty());
    }
}
