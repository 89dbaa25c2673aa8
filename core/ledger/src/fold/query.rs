//! What may be asked of the state.

use std::ops::Bound;

use model::id::{ActivationId, Digest, Offset};
use model::name::Namespace;
use model::time::Millis;

use super::{Entity, KeyUsed, Ledger, Open, Owner, Scope, Totals, Tree, Void};
use crate::hash::{self, Sum, Table};
use crate::record::{EntityKey, KeyClass, Pin};

/// How much the state holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Actions without an assignment.
    pub waiting: u64,
    /// Actions with one.
    pub running: u64,
    /// Sequences.
    pub sequences: u64,
    /// Entities.
    pub entities: u64,
    /// Old revisions kept for what is open.
    pub kept_aside: u64,
    /// Idempotency keys.
    pub keys: u64,
    /// Marks of schedules and sources.
    pub fire_marks: u64,
}

impl Ledger {
    /// The last offset that was read, valid or void.
    #[must_use]
    pub fn applied(&self) -> Offset {
        self.applied
    }

    /// The last offset in the archive (Kafka mode).
    #[must_use]
    pub fn archived(&self) -> Offset {
        self.archived
    }

    /// The shards that are held here.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Who owns the partition, and since when it was last heard.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// An entity.
    #[must_use]
    pub fn entity(&self, key: &EntityKey) -> Option<&Entity> {
        self.entities.current.get(key)
    }

    /// An entity at a revision that something pinned: the current one, or one kept aside.
    #[must_use]
    pub fn document_at(&self, pin: &Pin) -> Option<&Entity> {
        self.entities.at(pin)
    }

    /// Entities whose keys begin with a prefix, in key order.
    pub fn entities_under<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a EntityKey, &'a Entity)> {
        self.entities
            .current
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(key, _)| key.as_str().starts_with(prefix))
    }

    /// An open activation.
    #[must_use]
    pub fn open(&self, id: &ActivationId) -> Option<&Open> {
        self.opens.get(id)
    }

    /// Whether the namespace that a tree was accepted for was deleted since, and made again: whoever has
    /// its name by now is somebody else.
    #[must_use]
    pub fn is_made_again(&self, tree: &Tree) -> bool {
        let namespace = self.entity(&EntityKey::namespace(&tree.caller.namespace));
        namespace.is_some_and(|it| it.born > tree.accepted)
    }

    /// All open activations in order of birth. Sorts: for starts and hand-overs, not for each call.
    #[must_use]
    pub fn open_activations(&self) -> Vec<&Open> {
        let mut all: Vec<&Open> = self.opens.iter().collect();
        all.sort_unstable_by_key(|open| open.born);
        all
    }

    /// Namespaces in which actions wait for an assignment, in order of names.
    pub fn waiting_namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.opens.waiting().keys()
    }

    /// Actions of a namespace that wait for an assignment, in order of birth.
    pub fn waiting(&self, namespace: &Namespace) -> impl Iterator<Item = &Open> {
        self.opens
            .waiting()
            .get(namespace)
            .into_iter()
            .flat_map(|waiting| waiting.values())
            .filter_map(|id| self.opens.get(id))
    }

    /// Whether an `Assign` of the next attempt would be valid now.
    ///
    /// # Errors
    /// [`Void`] as [`Ledger::apply`] would say it: after [`Void::NotPresent`] the owner proposes
    /// `Expire(missing)`.
    pub fn assignable(&self, id: &ActivationId) -> Result<(), Void> {
        let action = self.opens.action(id)?;
        action.not_assigned()?.attempts_left(self.rules)?;
        self.present_for(action.open)
    }

    /// The first use of an idempotency key in its window. The request is the same if
    /// [`KeyUsed::request`] is.
    #[must_use]
    pub fn key_use(&self, class: KeyClass, key: &Digest) -> Option<&KeyUsed> {
        self.keys.used.get(&(class, *key))
    }

    /// Live keys of a window with the offsets of their `Accept`s, oldest first.
    pub fn keys_by_age(
        &self,
        class: KeyClass,
        window: Millis,
    ) -> impl Iterator<Item = (Offset, &Digest)> {
        self.keys.aging(class, window)
    }

    /// Windows that have keys or a floor, each once, in order.
    #[must_use]
    pub fn key_windows(&self) -> Vec<(KeyClass, Millis)> {
        self.keys.windows()
    }

    /// The least `since` that a keyed `Accept` of this window needs.
    #[must_use]
    pub fn floor(&self, class: KeyClass, window: Millis) -> Offset {
        self.keys.floor(class, window)
    }

    /// Idempotency keys that clients of a namespace have in use.
    #[must_use]
    pub fn keys_in_use(&self, namespace: &Namespace) -> u64 {
        self.keys.clients(namespace)
    }

    /// Open activations of a namespace that are not sequences.
    #[must_use]
    pub fn in_flight(&self, namespace: &Namespace) -> u64 {
        self.opens.in_flight(namespace)
    }

    /// The same of every namespace that has some, in order of names.
    pub fn all_in_flight(&self) -> impl Iterator<Item = (&Namespace, u64)> {
        self.opens.all_in_flight()
    }

    /// How much the state holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (waiting, running, sequences) = self.opens.counts();
        Counts {
            waiting,
            running,
            sequences,
            entities: self.entities.current.len() as u64,
            kept_aside: self.entities.kept.len() as u64,
            keys: self.keys.used.len() as u64,
            fire_marks: (self.fires.schedules.len() + self.fires.sources.len()) as u64,
        }
    }

    /// Whether a `Write` was ever valid here.
    #[must_use]
    pub fn has_written(&self) -> bool {
        self.totals.writes > 0
    }

    /// Totals since the log began.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The oldest record that something open refers to: its `Accept` or its input.
    #[must_use]
    pub fn oldest_referred(&self) -> Option<Offset> {
        self.opens.iter().map(|open| open.tree.accepted.min(open.input.offset())).min()
    }

    /// Every blob that the state names, possibly twice: documents and what they name inside,
    /// current and kept aside, and inputs of open activations.
    pub fn blobs_named(&self) -> impl Iterator<Item = Digest> {
        let entities = self.entities.current.values().chain(self.entities.kept.values());
        let documents =
            entities.flat_map(|it| it.document.blob().into_iter().chain(it.blobs.iter().copied()));
        documents.chain(self.opens.iter().filter_map(|open| open.input.blob))
    }

    /// The hash of the state: equal for all who applied the same records (I13).
    #[must_use]
    pub fn hash(&self) -> u128 {
        let mut sum = Sum::default();
        for part in [self.entities.sum(), self.keys.sum(), self.fires.sum(), self.opens.sum()] {
            sum.add(part.value());
        }
        // Changed by nearly every record and small: not kept, made when asked.
        sum.add(hash::entry(Table::Owner, &(&self.owner, self.archived)));
        sum.add(hash::entry(Table::Totals, &self.totals));
        sum.value()
    }
}
