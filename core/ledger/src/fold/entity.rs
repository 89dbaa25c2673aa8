//! Entities: documents with their marks, and old revisions that something open still pins.

use std::collections::{BTreeMap, BTreeSet};

use model::id::{Digest, Offset};
use serde::{Deserialize, Serialize};

use super::{Happened, Open, Void};
use crate::hash::{self, Sum, Table};
use crate::record::{Document, EntityKey, Expect, Mark, Op, Pin, Step, Target};
use crate::rules::{Rule, Rules};

/// A stored document and its marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// What was put last.
    pub document: Document,
    /// Blobs that the document names inside.
    pub blobs: Vec<Digest>,
    /// First put after absence.
    pub born: Offset,
    /// Last put.
    pub revision: Offset,
    /// Last touched, or born.
    pub contents: Offset,
}

/// All entities of a partition.
#[derive(Clone, Debug, Default)]
pub struct Entities {
    pub(crate) current: BTreeMap<EntityKey, Entity>,
    /// Put over or deleted while something open pinned them.
    pub(crate) kept: BTreeMap<Pin, Entity>,
    /// How many definitions of open activations pin a revision. Derived, not saved.
    pins: BTreeMap<Pin, u64>,
    sum: Sum,
}

impl Entities {
    pub(super) fn expect(&self, expected: &[Expect], rules: Rules) -> Result<(), Void> {
        if !rules.hold(Rule::M23Expect) {
            return Ok(());
        }
        let all = rules.hold(Rule::M24ExpectAll);
        let broken = expected.iter().find(|it| {
            let entity = self.current.get(&it.key);
            match it.mark {
                Mark::Absent => entity.is_some(),
                Mark::Revision(revision) => entity.is_none_or(|it| it.revision != revision),
                Mark::Born(born) => all && entity.is_none_or(|it| it.born != born),
                Mark::Contents(contents) => all && entity.is_none_or(|it| it.contents != contents),
            }
        });
        broken.map_or(Ok(()), |it| Err(Void::Expectation(it.key.clone())))
    }

    /// All at once; a delete or touch of what does not exist does nothing.
    pub(super) fn write(&mut self, at: Offset, ops: &[Op]) -> Vec<Happened> {
        let mut changed = BTreeSet::new();
        for op in ops {
            let key = match op {
                Op::Put { key, document, blobs } => {
                    let former = self.put_aside(key);
                    let (born, contents) =
                        former.map_or((at, at), |former| (former.born, former.contents));
                    let entity = Entity {
                        document: document.clone(),
                        blobs: blobs.clone(),
                        born,
                        revision: at,
                        contents,
                    };
                    self.set(key, entity);
                    key
                }
                Op::Delete(key) => {
                    self.put_aside(key);
                    key
                }
                Op::Touch(key) => {
                    if let Some(mut entity) = self.take(key) {
                        entity.contents = at;
                        self.set(key, entity);
                    }
                    key
                }
            };
            changed.insert(key.clone());
        }
        vec![Happened::Wrote(changed.into_iter().collect())]
    }

    fn set(&mut self, key: &EntityKey, entity: Entity) {
        self.sum.add(hash::entry(Table::Entity, &(key, &entity)));
        self.current.insert(key.clone(), entity);
    }

    fn take(&mut self, key: &EntityKey) -> Option<Entity> {
        let entity = self.current.remove(key)?;
        self.sum.remove(hash::entry(Table::Entity, &(key, &entity)));
        Some(entity)
    }

    /// Takes the current document away; what something open pins is kept aside.
    fn put_aside(&mut self, key: &EntityKey) -> Option<Entity> {
        let former = self.take(key)?;
        let pin = Pin { key: key.clone(), revision: former.revision };
        if self.pins.contains_key(&pin) {
            self.sum.add(hash::entry(Table::Kept, &(&pin, &former)));
            self.kept.insert(pin, former.clone());
        }
        Some(former)
    }

    /// An open activation may need all definitions of `target`.
    pub(super) fn pin(&mut self, target: &Target) {
        each_pin(target, &mut |pin| self.pin_one(pin));
    }

    fn pin_one(&mut self, pin: &Pin) {
        match self.pins.get_mut(pin) {
            Some(count) => *count += 1,
            None => {
                self.pins.insert(pin.clone(), 1);
            }
        }
    }

    /// An activation ended: what it alone still pinned goes.
    pub(super) fn unpin(&mut self, open: &Open) {
        each_pin_of(open.step(), &mut |pin| self.unpin_one(pin));
        for step in open.pinned_steps() {
            each_pin(step, &mut |pin| self.unpin_one(pin));
        }
    }

    fn unpin_one(&mut self, pin: &Pin) {
        let Some(count) = self.pins.get_mut(pin) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        self.pins.remove(pin);
        if let Some(entity) = self.kept.remove(pin) {
            self.sum.remove(hash::entry(Table::Kept, &(pin, &entity)));
        }
    }

    /// The document at a revision: the current one, or one kept aside.
    pub(super) fn at(&self, pin: &Pin) -> Option<&Entity> {
        self.current
            .get(&pin.key)
            .filter(|entity| entity.revision == pin.revision)
            .or_else(|| self.kept.get(pin))
    }

    pub(crate) fn sum(&self) -> Sum {
        self.sum
    }

    /// From what was saved; pins follow as activations are put back.
    pub(crate) fn restored(
        current: BTreeMap<EntityKey, Entity>,
        kept: BTreeMap<Pin, Entity>,
    ) -> Self {
        let mut sum = Sum::default();
        current.iter().for_each(|entry| sum.add(hash::entry(Table::Entity, &entry)));
        kept.iter().for_each(|entry| sum.add(hash::entry(Table::Kept, &entry)));
        Self { current, kept, pins: BTreeMap::new(), sum }
    }

    /// Counts the pins of a saved activation again.
    pub(crate) fn pin_again(&mut self, open: &Open) {
        each_pin_of(open.step(), &mut |pin| self.pin_one(pin));
        open.pinned_steps().iter().for_each(|step| self.pin(step));
    }
}

fn each_pin(target: &Target, visit: &mut dyn FnMut(&Pin)) {
    each_pin_of(target.step(), visit);
    if let Target::Sequence(sequence) = target {
        sequence.steps.iter().for_each(|step| each_pin(step, visit));
    }
}

fn each_pin_of(step: &Step, visit: &mut dyn FnMut(&Pin)) {
    visit(&step.action);
    step.beneath.iter().for_each(visit);
}
