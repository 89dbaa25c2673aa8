//! Idempotency keys: which activation a key made, and how late a copy of its request may come.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use model::id::{ActivationId, Digest, Offset};
use model::name::Namespace;
use model::time::Millis;
use serde::{Deserialize, Serialize};

use super::Void;
use crate::hash::{self, Sum, Table};
use crate::record::{KeyClass, KeyUse, PurgeWindow};
use crate::rules::{Rule, Rules};

/// The first use of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUsed {
    /// The activation that it made.
    pub first: ActivationId,
    /// SHA-256 of method, path, query and body of that request.
    pub request: Digest,
    /// How long the key lives.
    pub window: Millis,
    /// The `Accept`; its apply is when the key began to age.
    pub accepted: Offset,
    /// Whose key it is.
    pub namespace: Namespace,
}

/// All keys in their windows.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    pub(crate) used: BTreeMap<(KeyClass, Digest), KeyUsed>,
    pub(crate) floors: BTreeMap<(KeyClass, Millis), Offset>,
    /// By age. Derived, not saved; an `Accept` uses at most one key.
    aging: BTreeMap<(KeyClass, Millis, Offset), Digest>,
    /// Keys sent by clients. Derived, not saved.
    clients: BTreeMap<Namespace, u64>,
    sum: Sum,
}

impl Keys {
    pub(super) fn unused(&self, key: Option<&KeyUse>, rules: Rules) -> Result<(), Void> {
        let Some(key) = key else { return Ok(()) };
        if let Some(used) = self.used.get(&(key.class, key.key)) {
            let same_request = used.request == key.request;
            return Err(Void::KeyUsed { first: used.first, same_request });
        }
        if key.since < self.floor(key.class, key.window) && rules.hold(Rule::M26Since) {
            return Err(Void::BelowFloor);
        }
        Ok(())
    }

    pub(super) fn floor(&self, class: KeyClass, window: Millis) -> Offset {
        self.floors.get(&(class, window)).copied().unwrap_or_default()
    }

    pub(super) fn clients(&self, namespace: &Namespace) -> u64 {
        self.clients.get(namespace).copied().unwrap_or_default()
    }

    /// Keys of a window, oldest first.
    pub(super) fn aging(
        &self,
        class: KeyClass,
        window: Millis,
    ) -> impl Iterator<Item = (Offset, &Digest)> {
        self.aging
            .range((class, window, Offset::NONE)..=(class, window, Offset(u64::MAX)))
            .map(|((_, _, at), key)| (*at, key))
    }

    pub(super) fn windows(&self) -> Vec<(KeyClass, Millis)> {
        let mut windows: BTreeSet<_> = self.floors.keys().copied().collect();
        // From each window to the next, not from key to key.
        let mut from = Bound::Unbounded;
        while let Some(((class, window, _), _)) = self.aging.range((from, Bound::Unbounded)).next()
        {
            windows.insert((*class, *window));
            from = Bound::Excluded((*class, *window, Offset(u64::MAX)));
        }
        windows.into_iter().collect()
    }

    pub(super) fn insert(&mut self, class: KeyClass, key: Digest, used: KeyUsed) {
        self.sum.add(hash::entry(Table::Key, &(class, key, &used)));
        self.aging.insert((class, used.window, used.accepted), key);
        if class == KeyClass::Client {
            *self.clients.entry(used.namespace.clone()).or_default() += 1;
        }
        self.used.insert((class, key), used);
    }

    fn remove(&mut self, class: KeyClass, key: Digest) {
        let Some(used) = self.used.remove(&(class, key)) else { return };
        self.sum.remove(hash::entry(Table::Key, &(class, key, &used)));
        self.aging.remove(&(class, used.window, used.accepted));
        if class == KeyClass::Client
            && let Some(count) = self.clients.get_mut(&used.namespace)
        {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&used.namespace);
            }
        }
    }

    /// Keys accepted before `before` go; floors rise, never fall. Returns how many keys went.
    pub(super) fn purge(&mut self, windows: &[PurgeWindow], rules: Rules) -> u64 {
        let mut gone = 0;
        for it in windows {
            let old: Vec<Digest> = self
                .aging(it.class, it.window)
                .take_while(|(at, _)| *at < it.before)
                .map(|(_, key)| *key)
                .collect();
            for key in old {
                self.remove(it.class, key);
                gone += 1;
            }
            let floor = if rules.hold(Rule::M28Floor) { it.floor } else { it.before };
            if floor > self.floor(it.class, it.window) {
                self.raise(it.class, it.window, floor);
            }
        }
        gone
    }

    fn raise(&mut self, class: KeyClass, window: Millis, floor: Offset) {
        if let Some(former) = self.floors.insert((class, window), floor) {
            self.sum.remove(hash::entry(Table::Floor, &(class, window, former)));
        }
        self.sum.add(hash::entry(Table::Floor, &(class, window, floor)));
    }

    /// What the mutant M25 does: the key of an activation that ended goes with it.
    #[cfg(debug_assertions)]
    pub(super) fn forget(&mut self, id: ActivationId) {
        let of_it =
            |(key, used): (&(KeyClass, Digest), &KeyUsed)| (used.first == id).then_some(*key);
        if let Some((class, key)) = self.used.iter().find_map(of_it) {
            self.remove(class, key);
        }
    }

    pub(crate) fn sum(&self) -> Sum {
        self.sum
    }

    pub(crate) fn restored(
        used: BTreeMap<(KeyClass, Digest), KeyUsed>,
        floors: BTreeMap<(KeyClass, Millis), Offset>,
    ) -> Self {
        let mut keys = Self::default();
        used.into_iter().for_each(|((class, key), used)| keys.insert(class, key, used));
        floors.into_iter().for_each(|((class, window), floor)| keys.raise(class, window, floor));
        keys
    }
}
