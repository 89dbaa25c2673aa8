//! All open activations, with what is asked of them often: who waits, how many are in flight.

use std::collections::BTreeMap;

use model::id::ActivationId;
use model::name::Namespace;

use super::activation::Action;
use super::{Birthday, Open, Progress, Void, Work};
use crate::hash::Sum;

/// Open activations of a partition.
#[derive(Clone, Debug, Default)]
pub struct Opens {
    /// Boxed: what moves when the tree grows is small.
    by_id: BTreeMap<ActivationId, Box<Open>>,
    /// Actions without an assignment. Derived, not saved, as all below.
    waiting: BTreeMap<Namespace, BTreeMap<Birthday, ActivationId>>,
    /// Actions, waiting or running.
    in_flight: BTreeMap<Namespace, u64>,
    sequences: u64,
    running: u64,
    sum: Sum,
}

impl Opens {
    pub(super) fn get(&self, id: &ActivationId) -> Option<&Open> {
        self.by_id.get(id).map(Box::as_ref)
    }

    /// An open action.
    pub(super) fn action(&self, id: &ActivationId) -> Result<Action<'_>, Void> {
        Action::of(self.by_id.get(id).ok_or(Void::NotOpen)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Open> {
        self.by_id.values().map(Box::as_ref)
    }

    pub(super) fn waiting(&self) -> &BTreeMap<Namespace, BTreeMap<Birthday, ActivationId>> {
        &self.waiting
    }

    pub(super) fn in_flight(&self, namespace: &Namespace) -> u64 {
        self.in_flight.get(namespace).copied().unwrap_or_default()
    }

    pub(super) fn all_in_flight(&self) -> impl Iterator<Item = (&Namespace, u64)> {
        self.in_flight.iter().map(|(namespace, count)| (namespace, *count))
    }

    /// Waiting, running, sequences.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let all = self.by_id.len() as u64;
        (all - self.sequences - self.running, self.running, self.sequences)
    }

    /// Puts in an activation whose id is not open.
    pub(crate) fn insert(&mut self, mut open: Open) {
        open.fixed = open.hash_fixed();
        open.hash = open.hash_now();
        self.sum.add(open.hash);
        self.count(&open);
        self.by_id.insert(open.id, Box::new(open));
    }

    pub(super) fn remove(&mut self, id: &ActivationId) -> Option<Open> {
        let open = self.by_id.remove(id)?;
        self.sum.remove(open.hash);
        self.discount(&open);
        Some(*open)
    }

    /// Changes how far an activation is; nothing happens if it is not open.
    pub(super) fn change(&mut self, id: &ActivationId, change: impl FnOnce(&mut Open)) {
        // Taken out of the counts before and into them after, whatever changes.
        let Some(open) = self.by_id.get_mut(id) else { return };
        let (was_waiting, was_running) = (open.is_waiting(), open.assignment().is_some());
        self.sum.remove(open.hash);
        change(open);
        open.hash = open.hash_now();
        self.sum.add(open.hash);
        let (waits, runs) = (open.is_waiting(), open.assignment().is_some());
        if was_waiting != waits {
            let (namespace, born, id) = (open.namespace().clone(), open.born, open.id);
            self.wait(&namespace, born, waits.then_some(id));
        }
        self.running = self.running + u64::from(runs) - u64::from(was_running);
    }

    /// The same for a sequence.
    pub(super) fn progress(&mut self, id: &ActivationId, change: impl FnOnce(&mut Progress)) {
        self.change(id, |open| {
            if let Work::Sequence(progress) = &mut open.work {
                change(progress);
            }
        });
    }

    fn wait(&mut self, namespace: &Namespace, born: Birthday, id: Option<ActivationId>) {
        match (id, self.waiting.get_mut(namespace)) {
            (Some(id), Some(waiting)) => {
                waiting.insert(born, id);
            }
            (Some(id), None) => {
                self.waiting.insert(namespace.clone(), BTreeMap::from([(born, id)]));
            }
            (None, Some(waiting)) => {
                waiting.remove(&born);
                if waiting.is_empty() {
                    self.waiting.remove(namespace);
                }
            }
            (None, None) => {}
        }
    }

    fn count(&mut self, open: &Open) {
        if open.is_sequence() {
            self.sequences += 1;
            return;
        }
        match self.in_flight.get_mut(open.namespace()) {
            Some(count) => *count += 1,
            None => {
                self.in_flight.insert(open.namespace().clone(), 1);
            }
        }
        if open.is_waiting() {
            self.wait(open.namespace(), open.born, Some(open.id));
        } else {
            self.running += 1;
        }
    }

    fn discount(&mut self, open: &Open) {
        if open.is_sequence() {
            self.sequences -= 1;
            return;
        }
        if let Some(count) = self.in_flight.get_mut(open.namespace()) {
            *count -= 1;
            if *count == 0 {
                self.in_flight.remove(open.namespace());
            }
        }
        if open.is_waiting() {
            self.wait(open.namespace(), open.born, None);
        } else {
            self.running -= 1;
        }
    }

    pub(crate) fn sum(&self) -> Sum {
        self.sum
    }
}
