//! What a record changed, or why it changed nothing.

use std::sync::Arc;

use model::activation::Row;
use model::id::{ActivationId, Epoch, NodeId, Offset};
use model::outcome::{Class, NO_COMPONENT, Reason, TOO_LONG_SEQUENCE};

use super::Tree;
use crate::record::{Attempt, Body, Cause, EntityKey, Place, ReturnReason, Started};

/// What a valid record changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the record stands.
    pub at: Offset,
    /// In order; empty for a `Beat`.
    pub happened: Vec<Happened>,
}

impl Change {
    /// What ended, in order: children before their parents.
    pub fn ended(&self) -> impl Iterator<Item = &Arc<Ended>> {
        self.happened.iter().filter_map(|happened| {
            if let Happened::Ended(ended) = happened { Some(ended) } else { None }
        })
    }

    /// Attempts that may be started now.
    pub fn assigned(&self) -> impl Iterator<Item = &Assigned> {
        self.happened.iter().filter_map(|happened| {
            if let Happened::Assigned(assigned) = happened { Some(assigned) } else { None }
        })
    }
}

/// One consequence of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A new owner.
    Claimed {
        /// Of the claim.
        epoch: Epoch,
        /// Who.
        node: NodeId,
    },
    /// No owner until the next claim, which this node may make at once.
    Yielded {
        /// Who may.
        to: NodeId,
    },
    /// These entities changed, each named once, in key order.
    Wrote(Vec<EntityKey>),
    /// A request was accepted under this id; what it created follows.
    Accepted {
        /// Of the root, or of the trigger's activation.
        id: ActivationId,
        /// What led to it.
        cause: Cause,
    },
    /// An activation is open: an action waits for its assignment (unless that follows), or a
    /// sequence began.
    Born {
        /// Which.
        id: ActivationId,
        /// Whether it is a sequence: it never runs itself.
        parent: bool,
    },
    /// An attempt may be started.
    Assigned(Assigned),
    /// An attempt may act on the outside: its request leaves.
    Touched {
        /// Which.
        of: Attempt,
        /// Whether it was the first time.
        first: bool,
    },
    /// An attempt was given back: its slot is free, the activation waits again.
    Returned {
        /// Which.
        of: Attempt,
        /// Whether it may have started.
        started: Started,
        /// Why.
        why: ReturnReason,
        /// How often it has been returned unstarted by now, `no_slot` not counted. At
        /// [`super::MAX_RETURNS`] the owner must `Expire`.
        returns: u32,
    },
    /// An attempt is lost: its slot is free, the activation waits again.
    AttemptLost {
        /// Which.
        of: Attempt,
    },
    /// An activation ended.
    Ended(Arc<Ended>),
    /// Old keys and marks are gone.
    Purged {
        /// How many keys.
        keys: u64,
        /// How many fire marks.
        marks: u64,
    },
    /// The log up to here is in the archive.
    Archived {
        /// Last offset of the range.
        last: Offset,
    },
}

/// See [`Happened::Assigned`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Attempt, invoker and incarnation.
    pub of: Attempt,
    /// Whether its sandbox must be one whose only way out is the host's.
    pub guarded: bool,
    /// Whether its slot is the one that a `Finish` of this record offered.
    pub offered: bool,
}

/// An activation that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// For the index: all of its record but result and logs.
    pub row: Arc<Row>,
    /// Where the result comes from.
    pub result: EndResult,
    /// The attempt whose slot is free now.
    pub was_assigned: Option<(Attempt, Place)>,
    /// What led to it.
    pub cause: Cause,
    /// Whether it was a sequence: it never counted as in flight.
    pub parent: bool,
    /// The enclosing sequence, whether or not that is still open.
    pub enclosing: Option<ActivationId>,
    /// Who called, and in which request. `None` for a trigger's activation: its `Accept` is here.
    pub tree: Option<Arc<Tree>>,
}

/// Where the result of an ended activation comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndResult {
    /// From the `Finish` at [`Row::terminal`]: its result, class and size.
    Finish,
    /// From the platform: `{"error": text}`, no size.
    Platform {
        /// Whose doing.
        class: Class,
        /// The text.
        text: String,
    },
    /// A trigger's: the payload of the `Accept` at [`Row::terminal`].
    Fire,
}

impl EndResult {
    /// Where the result of `row` comes from, given the record at its terminal: for whoever reads a
    /// record long after it was applied.
    #[must_use]
    pub fn of(row: &Row, terminal: &Body) -> Self {
        match terminal {
            Body::Finish(finish) if finish.class == row.class => Self::Finish,
            // The step succeeded, and its sequence had no room for the next.
            Body::Finish(_) => {
                Self::Platform { class: row.class, text: TOO_LONG_SEQUENCE.to_owned() }
            }
            Body::Expire(expire) => {
                let text = match &expire.reason {
                    // The step is told one thing, the sequences around it another.
                    Reason::Missing if expire.id != row.id => NO_COMPONENT.to_owned(),
                    reason => reason.text(),
                };
                Self::Platform { class: row.class, text }
            }
            Body::Accept(_) => Self::Fire,
            Body::Claim(_)
            | Body::Beat(_)
            | Body::Yield(_)
            | Body::Write(_)
            | Body::Assign(_)
            | Body::Touched(_)
            | Body::Return(_)
            | Body::AttemptLost(_)
            | Body::Purge(_)
            | Body::Archived(_) => Self::Platform { class: row.class, text: Reason::Lost.text() },
        }
    }
}

/// Why a record is void. It changed nothing, except that rule O, once passed, counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// The record stands at or before the last applied offset: the reader went back.
    #[error("the offset was applied already")]
    OldOffset,
    /// A claim under rules of a newer program. No verdict: stop following ([`Void::is_stop`]).
    #[error("fold version {0} is not known here")]
    FoldVersion(u16),
    /// A claim whose epoch is not the next.
    #[error("the epoch is not the next")]
    ClaimEpoch,
    /// A claim that says it has read what lies behind it.
    #[error("the base is not before the claim")]
    ClaimBase,
    /// A claim that had not read the owner's last record.
    #[error("the owner was heard after the base")]
    OwnerHeard,
    /// Rule O: nobody owns the partition.
    #[error("no owner")]
    NoOwner,
    /// Rule O: of another claim.
    #[error("other epoch")]
    OtherEpoch,
    /// Rule O: of another node.
    #[error("other node")]
    OtherNode,
    /// Rule O: of a number that was passed.
    #[error("old sequence number")]
    OldSequence,
    /// A fact that was expected of this entity does not hold.
    #[error("expectation on {0} does not hold")]
    Expectation(EntityKey),
    /// The action was deleted, or deleted and made again.
    #[error("{0} is not present")]
    NotPresent(EntityKey),
    /// The pinned revision of this entity is no longer held: it changed after it was read.
    #[error("{0} is no longer held at the pinned revision")]
    Stale(EntityKey),
    /// An activation of this id is open, or twice in the record.
    #[error("id {0} is known")]
    IdKnown(ActivationId),
    /// The key was used.
    #[error("the key was used by {first}")]
    KeyUsed {
        /// The activation that it made.
        first: ActivationId,
        /// Whether method, path, query and body are the same.
        same_request: bool,
    },
    /// The copy of the request entered before the floor of its window.
    #[error("since is below the floor")]
    BelowFloor,
    /// The fire is of a former generation.
    #[error("old generation")]
    OldGeneration,
    /// The scheduled time, or the message, was consumed.
    #[error("fired already")]
    FiredAlready,
    /// Messages between the last and this are missing.
    #[error("gap before the message")]
    FireGap,
    /// The schedule has fired as often as it may.
    #[error("fired as often as allowed")]
    FireMax,
    /// No activation of this id is open.
    #[error("not open")]
    NotOpen,
    /// A sequence never runs itself, and such an end is none of a sequence.
    #[error("is a sequence")]
    IsSequence,
    /// Only a sequence ends so.
    #[error("is no sequence")]
    NotSequence,
    /// It is assigned.
    #[error("assigned")]
    Assigned,
    /// It is not assigned.
    #[error("not assigned")]
    NotAssigned,
    /// It is assigned, but not to this attempt, invoker and incarnation.
    #[error("assigned otherwise")]
    AssignedOtherwise,
    /// The attempt is not the last, or not the next.
    #[error("other attempt")]
    OtherAttempt,
    /// No attempts are left.
    #[error("no attempts left")]
    NoAttemptsLeft,
    /// It has touched.
    #[error("touched")]
    Touched,
    /// It can be run again, so its outcome is not lost.
    #[error("re-runnable")]
    Rerunnable,
    /// It cannot be run again.
    #[error("not re-runnable")]
    NotRerunnable,
    /// Sequences without steps, too deep, or ranges that end before they begin.
    #[error("malformed")]
    Malformed,
    /// The range does not follow the last one archived.
    #[error("gap in the archive")]
    ArchiveGap,
}

impl Void {
    /// A word for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::OldOffset => "old_offset",
            Self::FoldVersion(_) => "fold_version",
            Self::ClaimEpoch => "claim_epoch",
            Self::ClaimBase => "claim_base",
            Self::OwnerHeard => "owner_heard",
            Self::NoOwner => "no_owner",
            Self::OtherEpoch => "other_epoch",
            Self::OtherNode => "other_node",
            Self::OldSequence => "old_sequence",
            Self::Expectation(_) => "expectation",
            Self::NotPresent(_) => "not_present",
            Self::Stale(_) => "stale",
            Self::IdKnown(_) => "id_known",
            Self::KeyUsed { .. } => "key_used",
            Self::BelowFloor => "below_floor",
            Self::OldGeneration => "old_generation",
            Self::FiredAlready => "fired_already",
            Self::FireGap => "fire_gap",
            Self::FireMax => "fire_max",
            Self::NotOpen => "not_open",
            Self::IsSequence => "is_sequence",
            Self::NotSequence => "not_sequence",
            Self::Assigned => "assigned",
            Self::NotAssigned => "not_assigned",
            Self::AssignedOtherwise => "assigned_otherwise",
            Self::OtherAttempt => "other_attempt",
            Self::NoAttemptsLeft => "no_attempts_left",
            Self::Touched => "touched",
            Self::Rerunnable => "rerunnable",
            Self::NotRerunnable => "not_rerunnable",
            Self::Malformed => "malformed",
            Self::ArchiveGap => "archive_gap",
        }
    }

    /// Whether this is no verdict at all: this program must not follow the log any further.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::OldOffset | Self::FoldVersion(_))
    }
}
