//! Which slot an activation gets: pure bookkeeping of slots, and the queue of those that wait.
//!
//! A slot is room for one activation on one invoker, as the owner books it. The queue is fair
//! between namespaces: each in turn, the oldest of each first.

use std::collections::{BTreeMap, VecDeque};

use ledger::record::{EntityKey, Place};
use model::id::ActivationId;
use model::name::Namespace;

/// Slots and the queue for them.
#[derive(Debug)]
pub struct Placement {
    place: Place,
    slots: u64,
    taken: u64,
    queues: BTreeMap<Namespace, VecDeque<Waiting>>,
    turn: Option<Namespace>,
    waiting: usize,
    running: BTreeMap<EntityKey, u32>,
}

/// One that waits for a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub id: ActivationId,
    /// What it runs.
    pub action: EntityKey,
    /// How many of that action may run at a time, if that is bounded.
    pub instances: Option<u32>,
}

impl Placement {
    /// An invoker with so many free slots.
    #[must_use]
    pub fn new(place: Place, slots: u64) -> Self {
        Self {
            place,
            slots,
            taken: 0,
            queues: BTreeMap::new(),
            turn: None,
            waiting: 0,
            running: BTreeMap::new(),
        }
    }

    /// A free slot for an action whose turn it is now, or `None`: then it waits in the queue.
    /// Nobody overtakes who waits already.
    #[must_use]
    pub fn choose(&self, action: &EntityKey, instances: Option<u32>) -> Option<Place> {
        let free = self.taken < self.slots && self.waiting == 0;
        (free && self.may_run(action, instances)).then_some(self.place)
    }

    fn may_run(&self, action: &EntityKey, instances: Option<u32>) -> bool {
        instances.is_none_or(|most| self.running.get(action).copied().unwrap_or(0) < most)
    }

    /// A slot is taken by an action.
    pub fn take(&mut self, action: &EntityKey, instances: Option<u32>) {
        self.taken += 1;
        if instances.is_some() {
            *self.running.entry(action.clone()).or_default() += 1;
        }
    }

    /// A slot is free again.
    pub fn free(&mut self, action: &EntityKey, instances: Option<u32>) {
        self.taken = self.taken.saturating_sub(1);
        if instances.is_none() {
            return;
        }
        if let Some(running) = self.running.get_mut(action) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.running.remove(action);
            }
        }
    }

    /// Puts one at the end of its namespace's queue, or at the front if it was there before.
    pub fn wait(&mut self, namespace: &Namespace, waiting: Waiting, again: bool) {
        let queue = self.queues.entry(namespace.clone()).or_default();
        if again {
            queue.push_front(waiting);
        } else {
            queue.push_back(waiting);
        }
        self.waiting += 1;
    }

    /// Takes one out of its queue, because it ended.
    pub fn leave(&mut self, namespace: &Namespace, id: ActivationId) {
        let Some(queue) = self.queues.get_mut(namespace) else { return };
        let before = queue.len();
        queue.retain(|waiting| waiting.id != id);
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            self.queues.remove(namespace);
        }
    }

    /// The next one to get a slot, with its place; it leaves the queue.
    pub fn take_next(&mut self) -> Option<(Waiting, Place)> {
        if self.taken >= self.slots || self.waiting == 0 {
            return None;
        }
        let order = self.order();
        for namespace in order {
            let Some(queue) = self.queues.get(&namespace) else { continue };
            let found =
                queue.iter().position(|waiting| self.may_run(&waiting.action, waiting.instances));
            let Some(found) = found else { continue };
            let queue = self.queues.get_mut(&namespace)?;
            let waiting = queue.remove(found)?;
            if queue.is_empty() {
                self.queues.remove(&namespace);
            }
            self.waiting -= 1;
            self.turn = Some(namespace);
            return Some((waiting, self.place));
        }
        None
    }

    /// Namespaces from the one behind the last that had its turn.
    fn order(&self) -> Vec<Namespace> {
        let Some(turn) = &self.turn else { return self.queues.keys().cloned().collect() };
        let after = self.queues.keys().filter(|namespace| *namespace > turn);
        let rest = self.queues.keys().filter(|namespace| *namespace <= turn);
        after.chain(rest).cloned().collect()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many slots are taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use model::id::{Incarnation, InvokerId};

    use super::*;

    fn placement(slots: u64) -> Placement {
        let incarnation = Incarnation { counter: 1, random: 1 };
        Placement::new(Place { invoker: InvokerId(0), incarnation, guarded: true }, slots)
    }

    fn waiting(id: u8) -> Waiting {
        let action = EntityKey(format!("n/ns/a{id}").into());
        Waiting { id: ActivationId::from_bytes([id; 16]), action, instances: None }
    }

    #[test]
    fn namespaces_get_slots_in_turn() {
        let mut placement = placement(10);
        let (a, b) = (Namespace::new("a").unwrap(), Namespace::new("b").unwrap());
        for id in 1..=3 {
            placement.wait(&a, waiting(id), false);
        }
        placement.wait(&b, waiting(4), false);
        placement.wait(&a, waiting(5), true);
        let order: Vec<u8> =
            std::iter::from_fn(|| placement.take_next().map(|(w, _)| w.id.as_bytes()[0])).collect();
        assert_eq!(order, [5, 4, 1, 2, 3]);
        assert_eq!(placement.waiting(), 0);
    }

    #[test]
    fn nobody_overtakes_and_no_slot_is_given_twice() {
        let mut placement = placement(1);
        let namespace = Namespace::new("a").unwrap();
        let action = waiting(1).action;
        assert!(placement.choose(&action, None).is_some());
        placement.take(&action, None);
        assert!(placement.choose(&action, None).is_none());
        placement.wait(&namespace, waiting(2), false);
        placement.free(&action, None);
        assert!(placement.choose(&action, None).is_none(), "2 waits longer");
        placement.leave(&namespace, waiting(2).id);
        assert!(placement.choose(&action, None).is_some());
    }

    #[test]
    fn an_action_runs_at_most_as_often_as_its_instances_say() {
        let mut placement = placement(10);
        let action = waiting(1).action;
        placement.take(&action, Some(1));
        assert!(placement.choose(&action, Some(1)).is_none());
        placement.free(&action, Some(1));
        assert!(placement.choose(&action, Some(1)).is_some());
    }
}
