//! The state as bytes, and back.
//!
//! Version byte, CRC32C of all the rest, state hash, then `postcard`. What can be derived (counts,
//! orders, hashes of entries) is not saved: a restored state computes it anew, and its hash must be
//! the one that was saved. Trees and pinned definitions that open activations share are saved once.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::id::{ActivationId, Digest, Offset};
use model::time::{Millis, WallTime};
use serde::{Deserialize, Serialize};

use crate::fold::{
    Birthday, Entities, Entity, Fires, Input, KeyUsed, Keys, Ledger, Link, Open, Owner,
    ScheduleMark, Scope, SourceMark, Totals, Tree, Work,
};
use crate::record::{Cause, EntityKey, KeyClass, Pin, Target};

/// The version that is written.
pub const VERSION: u8 = 1;
/// Version, CRC, hash.
const HEAD: usize = 1 + 4 + 16;

/// Why some bytes are no snapshot. An older one is tried then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSnapshot {
    /// Damaged.
    #[error("the checksum of a snapshot of {0} bytes does not match")]
    Checksum(usize),
    /// Written by a newer program.
    #[error("snapshot version {0} is not known here")]
    Version(u8),
    /// Whole, of a known version, and still not readable.
    #[error("decode the body of a snapshot")]
    Body(#[source] postcard::Error),
    /// There is something behind the state.
    #[error("{0} bytes stand behind a snapshot")]
    Trailing(usize),
    /// A reference inside leads nowhere.
    #[error("open activation {0} refers to what the snapshot does not hold")]
    Reference(ActivationId),
    /// The restored state has another hash than the saved one.
    #[error("the restored state has another hash than the saved one")]
    Hash,
}

/// What is saved beside open activations, borrowed.
#[derive(Serialize)]
struct Saving<'a> {
    scope: Scope,
    applied: Offset,
    archived: Offset,
    owner: &'a Owner,
    entities: &'a BTreeMap<EntityKey, Entity>,
    kept: &'a BTreeMap<Pin, Entity>,
    keys: &'a BTreeMap<(KeyClass, Digest), KeyUsed>,
    floors: &'a BTreeMap<(KeyClass, Millis), Offset>,
    schedules: &'a BTreeMap<EntityKey, ScheduleMark>,
    sources: &'a BTreeMap<(EntityKey, u32), SourceMark>,
    totals: &'a Totals,
    trees: Vec<&'a Tree>,
    opens: Vec<SavingOpen<'a>>,
}

/// The same, owned.
#[derive(Deserialize)]
struct Saved {
    scope: Scope,
    applied: Offset,
    archived: Offset,
    owner: Owner,
    entities: BTreeMap<EntityKey, Entity>,
    kept: BTreeMap<Pin, Entity>,
    keys: BTreeMap<(KeyClass, Digest), KeyUsed>,
    floors: BTreeMap<(KeyClass, Millis), Offset>,
    schedules: BTreeMap<EntityKey, ScheduleMark>,
    sources: BTreeMap<(EntityKey, u32), SourceMark>,
    totals: Totals,
    trees: Vec<Arc<Tree>>,
    opens: Vec<SavedOpen>,
}

#[derive(Serialize)]
struct SavingOpen<'a> {
    id: ActivationId,
    tree: u32,
    cause: Cause,
    /// `None`: the step of the enclosing sequence, which stands before it.
    target: Option<&'a Target>,
    enclosing: Option<Link>,
    input: Input,
    born: Birthday,
    born_wall: WallTime,
    work: &'a Work,
    records: &'a [Offset],
}

#[derive(Deserialize)]
struct SavedOpen {
    id: ActivationId,
    tree: u32,
    cause: Cause,
    target: Option<Target>,
    enclosing: Option<Link>,
    input: Input,
    born: Birthday,
    born_wall: WallTime,
    work: Work,
    records: Vec<Offset>,
}

impl Ledger {
    /// The whole state as bytes.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let (trees, opens) = self.saving_opens();
        let saving = Saving {
            scope: self.scope,
            applied: self.applied,
            archived: self.archived,
            owner: &self.owner,
            entities: &self.entities.current,
            kept: &self.entities.kept,
            keys: &self.keys.used,
            floors: &self.keys.floors,
            schedules: &self.fires.schedules,
            sources: &self.fires.sources,
            totals: &self.totals,
            trees,
            opens,
        };
        let mut head = vec![VERSION, 0, 0, 0, 0];
        head.extend_from_slice(&self.hash().to_le_bytes());
        // Serialising into a vector of plain data has nothing to fail on: no unknown lengths.
        let mut bytes = postcard::to_extend(&saving, head).expect("states serialise");
        let crc = checksum(&bytes);
        bytes[1..5].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn saving_opens(&self) -> (Vec<&Tree>, Vec<SavingOpen<'_>>) {
        let mut trees: Vec<&Tree> = Vec::new();
        let mut known: BTreeMap<*const Tree, u32> = BTreeMap::new();
        let mut opens = Vec::new();
        for open in self.open_activations() {
            let tree = *known.entry(Arc::as_ptr(&open.tree)).or_insert_with(|| {
                trees.push(&open.tree);
                u32::try_from(trees.len() - 1).unwrap_or(u32::MAX)
            });
            let shared = open.enclosing.and_then(|link| self.step_of(&link));
            opens.push(SavingOpen {
                id: open.id,
                tree,
                cause: open.cause,
                target: if shared.is_some() { None } else { Some(&open.target) },
                enclosing: open.enclosing,
                input: open.input,
                born: open.born,
                born_wall: open.born_wall,
                work: &open.work,
                records: &open.records,
            });
        }
        (trees, opens)
    }

    /// The definition of a step, if its sequence is still open.
    fn step_of(&self, link: &Link) -> Option<Target> {
        match &self.open(&link.id)?.target {
            Target::Action(_) => None,
            Target::Sequence(sequence) => {
                sequence.steps.get(usize::try_from(link.position).ok()?).cloned()
            }
        }
    }

    /// Reads a state back.
    ///
    /// # Errors
    /// [`BadSnapshot`]
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, BadSnapshot> {
        let Some((head, body)) = bytes.split_at_checked(HEAD) else {
            return Err(BadSnapshot::Checksum(bytes.len()));
        };
        if head[1..5] != checksum(bytes).to_le_bytes() {
            return Err(BadSnapshot::Checksum(bytes.len()));
        }
        if head[0] != VERSION {
            return Err(BadSnapshot::Version(head[0]));
        }
        let saved: Saved = match postcard::take_from_bytes(body) {
            Ok((saved, [])) => saved,
            Ok((_, rest)) => return Err(BadSnapshot::Trailing(rest.len())),
            Err(error) => return Err(BadSnapshot::Body(error)),
        };
        let ledger = Self::restored(saved)?;
        if ledger.hash().to_le_bytes() == head[5..] { Ok(ledger) } else { Err(BadSnapshot::Hash) }
    }

    fn restored(saved: Saved) -> Result<Self, BadSnapshot> {
        let mut ledger = Self::new(saved.scope);
        ledger.applied = saved.applied;
        ledger.archived = saved.archived;
        ledger.owner = saved.owner;
        ledger.entities = Entities::restored(saved.entities, saved.kept);
        ledger.keys = Keys::restored(saved.keys, saved.floors);
        ledger.fires = Fires::restored(saved.schedules, saved.sources);
        ledger.totals = saved.totals;
        for open in saved.opens {
            ledger.reopen(open, &saved.trees)?;
        }
        Ok(ledger)
    }

    fn reopen(&mut self, saved: SavedOpen, trees: &[Arc<Tree>]) -> Result<(), BadSnapshot> {
        let nowhere = BadSnapshot::Reference(saved.id);
        let tree = usize::try_from(saved.tree).ok().and_then(|tree| trees.get(tree));
        let shared = || saved.enclosing.and_then(|link| self.step_of(&link));
        let (Some(tree), Some(target)) = (tree, saved.target.or_else(shared)) else {
            return Err(nowhere);
        };
        if self.open(&saved.id).is_some() {
            return Err(nowhere);
        }
        let open = Open {
            id: saved.id,
            tree: Arc::clone(tree),
            cause: saved.cause,
            target,
            enclosing: saved.enclosing,
            input: saved.input,
            born: saved.born,
            born_wall: saved.born_wall,
            work: saved.work,
            records: saved.records,
            fixed: 0,
            hash: 0,
        };
        self.entities.pin_again(&open);
        self.opens.insert(open);
        Ok(())
    }
}

/// CRC32C of the version byte and of all behind the checksum.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..1]), &bytes[5..])
}
