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
    waiting: BTreeMap<(ActivationId, Caller), Wait>,
    /// When each wait is looked at again: at the end of its patience or before.
    looks: BTreeSet<(Moment, ActivationId, Caller)>,
}

/// How long a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For word of its acceptance; `None`: it is open already.
    pub accepted: Option<Moment>,
    /// For its end.
    pub ended: Moment,
}

#[derive(Debug)]
struct Wait {
    patience: Patience,
    look: Moment,
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
    /// Patience is over, and it is not known whether it was accepted.
    Unknown(Caller),
}

impl Waiters {
    /// Registers a caller.
    pub fn register(&mut self, id: ActivationId, patience: Patience) -> Caller {
        self.next += 1;
        let look = patience.accepted.unwrap_or(patience.ended);
        self.waiting.insert((id, self.next), Wait { patience, look });
        self.looks.insert((look, id, self.next));
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
        self.looks.first().map(|(look, ..)| *look)
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
        let Some(wait) = self.waiting.get_mut(&(id, caller)) else { return };
        // It is looked at again when word of acceptance was due: most have ended by then.
        wait.patience.accepted = None;
        if wait.patience.ended < wait.look {
            self.look_again(now, id, caller, out);
        }
    }

    fn woken(&mut self, now: Moment, out: &mut Vec<Effect>) {
        while let Some(&(look, id, caller)) = self.looks.first()
            && look <= now
        {
            self.look_again(now, id, caller, out);
        }
    }

    fn look_again(&mut self, now: Moment, id: ActivationId, caller: Caller, out: &mut Vec<Effect>) {
        let Some(wait) = self.waiting.get_mut(&(id, caller)) else { return };
        let Patience { accepted, ended } = wait.patience;
        let until = accepted.unwrap_or(ended);
        if until <= now {
            let known = accepted.is_none();
            self.remove(id, caller);
            out.push(if known { Effect::Accepted(caller) } else { Effect::Unknown(caller) });
            return;
        }
        let before = std::mem::replace(&mut wait.look, until);
        self.looks.remove(&(before, id, caller));
        self.looks.insert((until, id, caller));
    }

    fn remove(&mut self, id: ActivationId, caller: Caller) {
        if let Some(wait) = self.waiting.remove(&(id, caller)) {
            self.looks.remove(&(wait.look, id, caller));
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

        fn register(&mut self, of: u8, accepted: Option<u64>, ended: u64) -> Caller {
            self.0.register(id(of), Patience { accepted: accepted.map(at), ended: at(ended) })
        }
    }

    #[test]
    fn an_end_is_told_once_to_all_who_still_wait_for_it() {
        let mut world = World(Waiters::default());
        let first = world.register(1, None, 100);
        let other = world.register(2, None, 100);
        let gone = world.register(1, None, 100);
        let last = world.register(1, Some(5), 100);
        assert_eq!(world.feed(1, Event::Left(id(1), gone)), []);
        let ended = world.feed(2, Event::Ended(id(1)));
        assert_eq!(ended, [Effect::Ended(first), Effect::Ended(last)]);
        assert_eq!(world.feed(3, Event::Ended(id(1))), []);
        assert_eq!(world.feed(4, Event::Ended(id(2))), [Effect::Ended(other)]);
        assert_eq!((world.0.len(), world.0.wakes_at()), (0, None));
    }

    #[test]
    fn patience_for_the_end_begins_where_it_is_known_to_be_accepted() {
        let mut world = World(Waiters::default());
        let caller = world.register(1, Some(50), 100);
        assert_eq!(world.feed(10, Event::Accepted(id(1), caller)), []);
        assert_eq!(world.0.wakes_at(), Some(at(50)));
        assert_eq!(world.feed(50, Event::Woken), []);
        assert_eq!(world.0.wakes_at(), Some(at(100)));
        assert_eq!(world.feed(100, Event::Woken), [Effect::Accepted(caller)]);
        assert_eq!(world.feed(101, Event::Ended(id(1))), []);
    }

    #[test]
    fn what_was_not_accepted_in_time_is_unknown() {
        let mut world = World(Waiters::default());
        let caller = world.register(1, Some(50), 100);
        assert_eq!(world.feed(49, Event::Woken), []);
        assert_eq!(world.feed(50, Event::Woken), [Effect::Unknown(caller)]);
        assert_eq!(world.feed(51, Event::Accepted(id(1), caller)), []);
    }

    #[test]
    fn short_patience_for_the_end_waits_for_acceptance_and_no_longer() {
        let mut world = World(Waiters::default());
        let late = world.register(1, Some(50), 10);
        assert_eq!(world.feed(11, Event::Woken), [], "an answer must know whether it is accepted");
        assert_eq!(world.feed(12, Event::Accepted(id(1), late)), [Effect::Accepted(late)]);
        let early = world.register(2, Some(70), 40);
        assert_eq!(world.feed(30, Event::Accepted(id(2), early)), []);
        assert_eq!(world.0.wakes_at(), Some(at(40)));
        assert_eq!(world.feed(40, Event::Woken), [Effect::Accepted(early)]);
    }
}
