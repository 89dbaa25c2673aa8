//! Changes: what is read decides what is written, and is expected to be still so when that is applied.

use ledger::fold::Ledger;
use ledger::record::{EntityKey, Expect, Mark, Op};
use model::id::Offset;
use model::name::Namespace;

use super::{Api, Error};
use crate::read::identities::Found;
use crate::write::{Failed, TRIES};

/// So many operations are in one record when a namespace is emptied.
const BATCH: usize = 1_000;

/// What is to be written, and what it rests on.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) ops: Vec<Op>,
    pub(super) expect: Vec<Expect>,
}

impl Plan {
    /// There is to be nothing under this key.
    pub(super) fn absent(&mut self, key: EntityKey) {
        self.expect.push(Expect { key, mark: Mark::Absent });
    }

    /// What is under this key is to be as it was read.
    pub(super) fn unchanged<T>(&mut self, key: EntityKey, found: &Found<T>) {
        self.expect.push(Expect { key, mark: Mark::Revision(found.revision) });
    }

    /// A namespace is to have the keys that it had, and is told that they change.
    pub(super) fn keys_change<T>(&mut self, namespace: &Namespace, found: &Found<T>) {
        let key = EntityKey::namespace(namespace);
        self.keys_unchanged(namespace, found.contents);
        self.ops.push(Op::Touch(key));
    }

    /// A namespace is to have the keys that it had.
    pub(super) fn keys_unchanged(&mut self, namespace: &Namespace, contents: Offset) {
        let key = EntityKey::namespace(namespace);
        self.expect.push(Expect { key, mark: Mark::Contents(contents) });
    }

    /// Deletes what is under this key, if there is anything.
    pub(super) fn delete(&mut self, key: EntityKey) {
        self.ops.push(Op::Delete(key));
    }
}

impl Api {
    /// Makes the change that `plan` says, looking at the newest state each time that it is tried; and
    /// says what `plan` says besides.
    pub(super) async fn change<T>(
        &self,
        by: &str,
        plan: impl Fn(&Ledger) -> Result<(Plan, T), Error>,
    ) -> Result<T, Error> {
        let controller = &self.controller;
        for _ in 0..TRIES {
            let (Plan { ops, expect }, told) = controller.partition.read(&plan)?;
            match controller.change(ops, expect, by).await {
                Ok(_) => return Ok(told),
                Err(Failed::Changed) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Failed::Changed.into())
    }

    /// Deletes all entities of a namespace, a batch at a time, while `stands` does. Once a batch is
    /// gone, a failure is told as [`Failed::Unknown`]: the same request goes on where it stopped.
    pub(super) async fn erase(
        &self,
        namespace: &Namespace,
        stands: &Expect,
        by: &str,
    ) -> Result<(), Error> {
        let mut has_begun = false;
        let prefixes = [EntityKey::prefix_of(namespace), EntityKey::prefix_of_all_links(namespace)];
        loop {
            let ops: Vec<Op> = self.controller.partition.read(|ledger| {
                let all = prefixes.iter().flat_map(|prefix| ledger.entities_under(prefix));
                all.take(BATCH).map(|(key, _)| Op::Delete(key.clone())).collect()
            });
            if ops.is_empty() {
                return Ok(());
            }
            match self.controller.change(ops, vec![stands.clone()], by).await {
                Ok(_) => has_begun = true,
                Err(_) if has_begun => return Err(Failed::Unknown.into()),
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}

/// How many entities a namespace has.
pub(super) fn entities(ledger: &Ledger, namespace: &Namespace) -> usize {
    ledger.entities_under(&EntityKey::prefix_of(namespace)).count()
}
