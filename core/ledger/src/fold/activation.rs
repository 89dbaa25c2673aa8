//! What the fold keeps of an open activation: offsets, not bodies.

use std::sync::Arc;

use model::id::{ActivationId, Digest, Offset};
use model::name::Namespace;
use model::time::{Millis, WallTime};
use serde::{Deserialize, Serialize};

use super::Void;
use crate::hash::{self, Table};
use crate::record::{Attempt, Caller, Cause, Place, Step, Target};
use crate::rules::{Rule, Rules};

/// After so many `Return(no)`, `no_slot` not counted, the owner must `Expire`.
pub const MAX_RETURNS: u32 = 5;
/// Attempts in all of an action that is not declared retryable.
pub const UNDECLARED_ATTEMPTS: u32 = 3;
/// How deep sequences may nest.
pub const MAX_DEPTH: usize = 64;

/// What all activations of one tree share: a root, its steps, and their steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The outermost activation; ids of steps are derived from it.
    pub root: ActivationId,
    /// Who asked, and in which request.
    pub caller: Arc<Caller>,
    /// When the request came: data.
    pub received: WallTime,
    /// The `Accept`.
    pub accepted: Offset,
    /// How long each activation of it may wait for an assignment.
    pub queue: Millis,
    /// The trigger's activation, if a rule started it.
    pub trigger: Option<ActivationId>,
}

/// The order of births: the record, and the place among what it created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Birthday {
    /// The record.
    pub at: Offset,
    /// From 0.
    pub order: u32,
}

/// Where a step stands in its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The enclosing sequence.
    pub id: ActivationId,
    /// From 0.
    pub position: u32,
}

/// What goes into a run, before pinned parameters are merged beneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Whose payload or result.
    pub source: Source,
    /// The blob that holds it, if it is not inside the record.
    pub blob: Option<Digest>,
}

/// Where an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The payload of the `Accept` at this offset.
    Accept(Offset),
    /// The result of the `Finish` at this offset.
    Finish(Offset),
}

impl Input {
    /// The record that holds the input or names its blob.
    #[must_use]
    pub fn offset(&self) -> Offset {
        match self.source {
            Source::Accept(at) | Source::Finish(at) => at,
        }
    }
}

/// An open activation.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its id.
    pub id: ActivationId,
    /// What it shares with its tree.
    pub tree: Arc<Tree>,
    /// What led to it.
    pub cause: Cause,
    /// What it runs.
    pub target: Target,
    /// The enclosing sequence; it may have ended early.
    pub enclosing: Option<Link>,
    /// What goes in.
    pub input: Input,
    /// When it was born, in the order of the log.
    pub born: Birthday,
    /// The clock of the record that it was born in: data.
    pub born_wall: WallTime,
    /// How far it is.
    pub work: Work,
    /// Offsets of all valid records about it so far.
    pub records: Vec<Offset>,
    /// Hash of all above `work`, which never change.
    pub(crate) fixed: u128,
    /// Hash of everything.
    pub(crate) hash: u128,
}

/// How far an open activation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Code, which is attempted.
    Action(Attempts),
    /// A sequence, whose steps are.
    Sequence(Progress),
}

/// The attempts of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// The number of the last attempt; 0 before the first.
    pub last: u32,
    /// How many were given back unstarted and do not count.
    pub given_back: u32,
    /// The same without `no_slot`.
    pub returns: u32,
    /// The current assignment.
    pub now: Option<Assignment>,
}

/// The right to start user code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which attempt.
    pub attempt: u32,
    /// Where.
    pub place: Place,
    /// Whether a `Touched` was applied.
    pub touched: bool,
    /// The record that assigned it.
    pub at: Offset,
    /// The clock of that record: data.
    pub wall: WallTime,
}

/// How far a sequence is. It is born with its first step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Its own place in the tree: positions from the root.
    pub path: Vec<u32>,
    /// The position of the step that runs.
    pub position: u32,
    /// Steps begun, that one included, in order.
    pub begun: Vec<ActivationId>,
    /// Sum over the steps that ended, microseconds.
    pub duration_us: u64,
    /// The most memory of a step that ended and had begun, MB.
    pub memory: Option<u32>,
    /// Of the outermost only: actions begun in the whole tree.
    pub actions: u32,
}

impl Open {
    /// Who owns the record.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.tree.caller.namespace
    }

    /// The pinned definition.
    #[must_use]
    pub fn step(&self) -> &Step {
        self.target.step()
    }

    /// The pinned code; `None` for a sequence.
    #[must_use]
    pub fn action(&self) -> Option<&Arc<Step>> {
        match &self.target {
            Target::Action(step) => Some(step),
            Target::Sequence(_) => None,
        }
    }

    /// Whether it is a sequence: never assigned, not in flight.
    #[must_use]
    pub fn is_sequence(&self) -> bool {
        matches!(self.work, Work::Sequence(_))
    }

    /// The deadline of a sequence as a whole, from its birth.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        match &self.target {
            Target::Action(_) => None,
            Target::Sequence(sequence) => sequence.deadline,
        }
    }

    /// The attempts of an action; `None` for a sequence.
    #[must_use]
    pub fn attempts(&self) -> Option<&Attempts> {
        match &self.work {
            Work::Action(attempts) => Some(attempts),
            Work::Sequence(_) => None,
        }
    }

    /// How far a sequence is; `None` for an action.
    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        match &self.work {
            Work::Action(_) => None,
            Work::Sequence(progress) => Some(progress),
        }
    }

    /// The number of the last attempt, as an `Expire` names it; 0 if there was none.
    #[must_use]
    pub fn last_attempt(&self) -> u32 {
        self.attempts().map_or(0, |attempts| attempts.last)
    }

    /// The current assignment.
    #[must_use]
    pub fn assignment(&self) -> Option<&Assignment> {
        self.attempts()?.now.as_ref()
    }

    /// The attempt that is assigned now, with its guard.
    #[must_use]
    pub fn assigned(&self) -> Option<(Attempt, Place)> {
        self.assignment().map(|now| (now.of(self.id), now.place))
    }

    /// Whether it waits for an assignment.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.attempts().is_some_and(|attempts| attempts.now.is_none())
    }

    /// Whether another attempt may be made after the current one.
    #[must_use]
    pub fn is_rerunnable(&self) -> bool {
        Action::of(self)
            .and_then(|action| action.assigned())
            .is_ok_and(|now| now.rerunnable(Rules::default()).is_ok())
    }

    /// Whether attempts are left (of a sequence never).
    #[must_use]
    pub fn has_attempts_left(&self) -> bool {
        Action::of(self).is_ok_and(|action| action.attempts_left(Rules::default()).is_ok())
    }

    /// What it still needs to be readable: its own definition, and those of steps not begun. That of
    /// the running step is pinned by the step.
    pub(super) fn pinned_steps(&self) -> &[Target] {
        match (&self.target, &self.work) {
            (Target::Sequence(sequence), Work::Sequence(progress)) => {
                let begun = usize::try_from(progress.position).unwrap_or(usize::MAX);
                sequence.steps.get(begun.saturating_add(1)..).unwrap_or_default()
            }
            _ => &[],
        }
    }

    pub(super) fn hash_fixed(&self) -> u128 {
        let about = (self.id, &*self.tree, self.cause, &self.target);
        let birth = (self.enclosing, self.input, self.born, self.born_wall);
        hash::entry(Table::Open, &(about, birth))
    }

    pub(super) fn hash_now(&self) -> u128 {
        hash::entry(Table::OpenNow, &(self.fixed, &self.work, &self.records))
    }
}

impl Assignment {
    /// The attempt in full.
    #[must_use]
    pub fn of(&self, id: ActivationId) -> Attempt {
        Attempt {
            id,
            attempt: self.attempt,
            invoker: self.place.invoker,
            incarnation: self.place.incarnation,
        }
    }
}

/// An open action, for the rules that ask about its attempts.
#[derive(Clone, Copy)]
pub(super) struct Action<'a> {
    pub(super) open: &'a Open,
    attempts: &'a Attempts,
}

/// An open action that is assigned.
#[derive(Clone, Copy)]
pub(super) struct AssignedNow<'a> {
    action: Action<'a>,
    pub(super) now: Assignment,
}

impl<'a> Action<'a> {
    pub(super) fn of(open: &'a Open) -> Result<Self, Void> {
        open.attempts().map(|attempts| Self { open, attempts }).ok_or(Void::IsSequence)
    }

    pub(super) fn not_assigned(self) -> Result<Self, Void> {
        if self.attempts.now.is_some() { Err(Void::Assigned) } else { Ok(self) }
    }

    pub(super) fn next_is(self, attempt: u32) -> Result<Self, Void> {
        if self.attempts.last.checked_add(1) == Some(attempt) {
            Ok(self)
        } else {
            Err(Void::OtherAttempt)
        }
    }

    pub(super) fn last_is(self, attempt: u32) -> Result<Self, Void> {
        if self.attempts.last == attempt { Ok(self) } else { Err(Void::OtherAttempt) }
    }

    /// Attempts left = limit − (attempts − those given back) > 0.
    pub(super) fn attempts_left(self, _rules: Rules) -> Result<Self, Void> {
        let limit = self.open.step().retry.map_or(UNDECLARED_ATTEMPTS, u32::from);
        let used = self.attempts.last.saturating_sub(self.attempts.given_back);
        if used < limit { Ok(self) } else { Err(Void::NoAttemptsLeft) }
    }

    pub(super) fn assigned(self) -> Result<AssignedNow<'a>, Void> {
        let now = self.attempts.now.ok_or(Void::NotAssigned)?;
        Ok(AssignedNow { action: self, now })
    }

    /// Assigned, and to the attempt of this number.
    pub(super) fn assigned_as(self, attempt: u32) -> Result<AssignedNow<'a>, Void> {
        let assigned = self.assigned()?;
        if assigned.now.attempt == attempt { Ok(assigned) } else { Err(Void::OtherAttempt) }
    }

    /// As if it were assigned so: for mutants that remember what is over.
    #[cfg(debug_assertions)]
    pub(super) fn as_if(self, now: Assignment) -> AssignedNow<'a> {
        AssignedNow { action: self, now }
    }
}

impl AssignedNow<'_> {
    pub(super) fn exactly(self, of: &Attempt) -> Result<Self, Void> {
        if self.now.of(of.id) == *of { Ok(self) } else { Err(Void::AssignedOtherwise) }
    }

    pub(super) fn not_touched(self) -> Result<Self, Void> {
        if self.now.touched { Err(Void::Touched) } else { Ok(self) }
    }

    /// Attempts left, and (declared retryable, or guarded and not touched).
    pub(super) fn rerunnable(self, rules: Rules) -> Result<Self, Void> {
        let declared = self.action.open.step().retry.is_some() || !rules.hold(Rule::M7Declared);
        let untouched = !self.now.touched || !rules.hold(Rule::M14TouchedStays);
        let harmless = declared || (self.now.place.guarded && untouched);
        if harmless && self.action.attempts_left(rules).is_ok() {
            Ok(self)
        } else {
            Err(Void::NotRerunnable)
        }
    }
}
