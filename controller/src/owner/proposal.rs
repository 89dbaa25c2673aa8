//! What may be proposed to the owner, and what it answers.

use std::sync::Arc;

use ledger::fold::Ended;
use ledger::record::{Caller, Came, Cause, Expect, FireKey, KeyUse, Op, Payload, Ruled, Target};
use model::id::{ActivationId, Offset};
use model::limits::NamespaceLimits;
use model::time::{Millis, WallTime};

/// Something that a handler wants in the ledger.
#[derive(Clone, Debug)]
pub enum Proposal {
    /// Entities change.
    Write(Change),
    /// An activation begins.
    Accept(Box<Invocation>),
    /// An activation is ended on request.
    Cancel(ActivationId),
}

/// A change of entities, all of it or nothing.
#[derive(Clone, Debug)]
pub struct Change {
    /// What changes, in order.
    pub ops: Vec<Op>,
    /// Every fact that the verdict was based on.
    pub expect: Vec<Expect>,
    /// Transaction id of the request.
    pub by: String,
}

/// An activation that was admitted by right and rate, with all that its record will say.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Its id.
    pub id: ActivationId,
    /// Who asked.
    pub by: Arc<Caller>,
    /// What led to it.
    pub cause: Cause,
    /// When the request came.
    pub received: WallTime,
    /// What runs.
    pub start: Start,
    /// The arguments as sent.
    pub payload: Payload,
    /// The idempotency key.
    pub key: Option<KeyUse>,
    /// For fires by clock or source.
    pub fire: Option<FireKey>,
    /// Facts that the verdict rested on.
    pub expect: Vec<Expect>,
    /// What the namespace may have open at a time, and what its actions may ask for.
    pub limits: Arc<NamespaceLimits>,
}

/// What an invocation starts.
#[derive(Clone, Debug)]
pub enum Start {
    /// One action or sequence.
    Invoke {
        /// It, pinned.
        target: Target,
        /// How long it may wait for a slot.
        queue: Millis,
    },
    /// A trigger with its rules.
    Fire {
        /// The trigger's name.
        name: String,
        /// The trigger's version.
        version: String,
        /// What lies beneath the payload of all that is started.
        beneath: Payload,
        /// Its rules, in order.
        rules: Vec<Ruled>,
    },
}

impl Start {
    /// How many activations it would open.
    #[must_use]
    pub fn opens(&self) -> u64 {
        match self {
            Self::Invoke { .. } => 1,
            Self::Fire { rules, .. } => {
                let starts = |ruled: &&Ruled| matches!(ruled.came, Came::Started(_));
                rules.iter().filter(starts).count() as u64
            }
        }
    }

    /// How many bytes its rules take in a record; 0 if it has none.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Invoke { .. } => 0,
            Self::Fire { rules, .. } => ledger::record::size(rules),
        }
    }
}

/// What the owner says of a proposal once that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Applied at this offset.
    Applied(Offset),
    /// A request with the same key had been accepted before.
    Known {
        /// The activation of that request.
        first: ActivationId,
        /// Whether it was this request.
        same: bool,
    },
}

/// Why a proposal is not in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The state has changed under the request: read it again.
    #[error("what the request rested on has changed")]
    Changed,
    /// The namespace has as many activations open as it may.
    #[error("{count} of {allowed} activations are open")]
    Concurrency {
        /// Open, and about to be.
        count: u64,
        /// The limit.
        allowed: u64,
    },
    /// A bound of the server.
    #[error(transparent)]
    Bound(#[from] Bound),
    /// No such activation is open.
    #[error("no such activation is open")]
    NotOpen,
    /// It was handed to the log and has not come back: it may yet.
    #[error("the log has not answered in time")]
    Unknown,
}

/// A bound of the server that a request met. Nothing was done and nothing will be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bound {
    /// Open activations.
    #[error("{count} of {max} activations are open")]
    OpenActivations {
        /// How many.
        count: u64,
        /// The bound.
        max: u64,
    },
    /// Bodies of open activations.
    #[error("open activations hold {bytes} of {max} bytes")]
    OpenBytes {
        /// How many, with what was asked for.
        bytes: u64,
        /// The bound.
        max: u64,
    },
    /// Proposals that are not applied.
    #[error("{count} of {max} proposals wait")]
    Proposals {
        /// How many.
        count: u64,
        /// The bound.
        max: u64,
    },
    /// Free space is below the floor.
    #[error("the disk is full")]
    DiskFull,
    /// The disk does not keep up.
    #[error("too much waits to be written")]
    Busy,
    /// It would be more than one record may hold.
    #[error("it does not fit into one record")]
    TooLarge,
    /// The ledger is being read.
    #[error("the server is starting, {percent} % read")]
    Starting {
        /// How far.
        percent: u8,
    },
    /// Nothing new is taken any more.
    #[error("the server is stopping")]
    Stopping,
}

/// How the partition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The ledger is being read.
    Starting {
        /// How far.
        percent: u8,
    },
    /// It takes proposals.
    Open,
    /// It takes nothing new.
    Stopping,
}

/// How an activation ended, as the one record says that ended it: what every waiter is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The row of the index.
    pub ended: Arc<Ended>,
    /// The record that ended it, as it was read back.
    pub record: Arc<ledger::record::Record>,
}
