//! The fold: from a prefix of one partition to its state.
//!
//! [`Ledger::apply`] has one arm per record; each is one row of the table in `exactly-once.md` §4:
//! first what makes the record valid, all with `?` and changing nothing, then one call, its effect.
//! A terminal leaves the state in the step that applies it.

mod accept;
mod activation;
mod attempt;
mod change;
mod end;
mod entity;
mod fire;
mod key;
mod opens;
mod query;
mod row;
mod rule_o;
mod totals;

use model::id::{Offset, Shard};
use model::time::WallTime;

pub use activation::{
    Assignment, Attempts, Birthday, Input, Link, MAX_DEPTH, MAX_RETURNS, Open, Progress, Source,
    Tree, UNDECLARED_ATTEMPTS, Work,
};
pub use change::{Assigned, Change, EndResult, Ended, Happened, Void};
pub use entity::{Entities, Entity};
pub use fire::{Fires, ScheduleMark, SourceMark};
pub use key::{KeyUsed, Keys};
pub use opens::Opens;
pub use query::Counts;
pub use rule_o::Owner;
pub use totals::{How, Totals};

use crate::record::{Archived, Body, Record};
use crate::rules::Rules;

/// The version of these rules, as claims name it.
pub const FOLD_VERSION: u16 = 1;

/// The state of one partition after a prefix of its log.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) scope: Scope,
    pub(crate) rules: Rules,
    /// The last offset that was read, valid or void.
    pub(crate) applied: Offset,
    pub(crate) archived: Offset,
    pub(crate) owner: Owner,
    pub(crate) entities: Entities,
    pub(crate) keys: Keys,
    pub(crate) fires: Fires,
    pub(crate) opens: Opens,
    pub(crate) totals: Totals,
    #[cfg(debug_assertions)]
    pub(crate) former: attempt::Former,
}

/// The shards that a partition holds: whether an entity's absence means anything here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scope {
    /// The first.
    pub first: Shard,
    /// The last, included.
    pub last: Shard,
}

impl Scope {
    /// All shards: the one partition of the embedded log.
    #[must_use]
    pub fn all() -> Self {
        Self { first: Shard::new(0), last: Shard::new(model::id::SHARDS - 1) }
    }

    fn holds(self, shard: Shard) -> bool {
        self.first <= shard && shard <= self.last
    }
}

/// Where a record stands, and what it is.
#[derive(Clone, Copy)]
struct Here<'a> {
    at: Offset,
    wall: WallTime,
    body: &'a Body,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new(Scope::all())
    }
}

impl Ledger {
    /// The state before the first record of a partition.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            rules: Rules::default(),
            applied: Offset::NONE,
            archived: Offset::NONE,
            owner: Owner::default(),
            entities: Entities::default(),
            keys: Keys::default(),
            fires: Fires::default(),
            opens: Opens::default(),
            totals: Totals::default(),
            #[cfg(debug_assertions)]
            former: attempt::Former::default(),
        }
    }

    /// The same under rules of which one was taken away: for tests that must notice.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn under(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Applies the record at an offset. Offsets rise by one; that none is skipped is the reader's
    /// to see.
    ///
    /// # Errors
    /// [`Void`]: nothing changed, except that what passed rule O counts for that.
    pub fn apply(&mut self, at: Offset, record: &Record) -> Result<Change, Void> {
        self.readable(at, &record.body)?;
        self.applied = at;
        if let Some(stamp) = record.body.stamp() {
            self.owner.rule_o(at, stamp, self.rules)?; // counts even if the rest of the rule fails
        }
        let here = Here { at, wall: record.at, body: &record.body };
        let happened = match here.body {
            Body::Claim(it) => {
                self.owner.may_claim(at, it, self.rules)?;
                self.owner.claim(at, it)
            }
            Body::Beat(_) => Vec::new(),
            Body::Yield(it) => self.owner.yield_to(it.to),
            Body::Write(it) => {
                self.entities.expect(&it.expect, self.rules)?;
                self.totals.write();
                self.entities.write(at, &it.ops)
            }
            Body::Accept(it) => {
                self.keys.unused(it.key.as_ref(), self.rules)?;
                self.fires.in_order(it.fire.as_ref(), self.rules)?;
                self.unknown_and_sound(&it.root)?;
                self.entities.expect(&it.expect, self.rules)?;
                self.root_present(&it.root)?;
                self.accept(here, it)
            }
            Body::Assign(it) => {
                let open = self.opens.action(&it.id)?;
                open.not_assigned()?.next_is(it.attempt)?;
                open.attempts_left(self.rules)?;
                self.present_for(open.open)?;
                self.assign(here, it)
            }
            Body::Touched(of) => {
                self.may_touch(of)?;
                self.touch(here, of)
            }
            Body::Return(it) => {
                self.may_return(it)?;
                self.give_back(here, it)
            }
            Body::AttemptLost(it) => {
                let open = self.opens.action(&it.id)?;
                open.assigned_as(it.attempt)?.rerunnable(self.rules)?;
                self.lose_attempt(here, it)
            }
            Body::Finish(it) => {
                self.may_finish(it)?;
                self.finish(here, it)
            }
            Body::Expire(it) => {
                self.may_expire(it)?;
                self.expire(here, it)
            }
            Body::Purge(it) => {
                let keys = self.keys.purge(&it.windows, self.rules);
                self.fires.purge(&it.dead, keys)
            }
            Body::Archived(it) => {
                self.follows_archive(at, it)?;
                self.archive(it)
            }
        };
        Ok(Change { at, happened })
    }

    /// Whether the record can be judged at all.
    fn readable(&self, at: Offset, body: &Body) -> Result<(), Void> {
        if at <= self.applied {
            return Err(Void::OldOffset);
        }
        if let Body::Claim(it) = body
            && it.fold_version > FOLD_VERSION
        {
            return Err(Void::FoldVersion(it.fold_version));
        }
        Ok(())
    }

    fn follows_archive(&self, at: Offset, it: &Archived) -> Result<(), Void> {
        if it.first != self.archived.next() {
            return Err(Void::ArchiveGap);
        }
        if it.last < it.first || it.last >= at { Err(Void::Malformed) } else { Ok(()) }
    }

    fn archive(&mut self, it: &Archived) -> Vec<Happened> {
        self.archived = it.last;
        vec![Happened::Archived { last: it.last }]
    }
}
