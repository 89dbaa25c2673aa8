//! Every record: one fact each, as `exactly-once.md` §4 lists them.
//!
//! A record is `postcard` behind a version byte and a CRC32C ([`Record::encode`]). The order of
//! fields and variants *is* the format: golden bytes of every version are in the tests. What a
//! record means, and when it is valid, is the business of [`crate::fold`].

mod accept;
mod attempt;
mod codec;
mod entity;
mod key;

use model::id::{ActivationId, Digest, Epoch, NodeId, Offset};
use model::outcome::Reason;
use model::time::{Millis, WallTime};
use serde::{Deserialize, Serialize};

pub use accept::{
    Accept, Birth, Caller, Came, Cause, Fire, FireKey, KeyClass, KeyUse, Payload, Pin, Root, Ruled,
    Sequence, Step, Target,
};
pub use attempt::{
    Assign, Attempt, AttemptLost, Finish, LogLine, Logs, Place, Return, ReturnReason, StartState,
    Started, Stream, encode_log_lines,
};
pub use codec::{BadRecord, VERSION, size};
pub use entity::{Document, Expect, Mark, Op, Write};
pub use key::{EntityKey, Named};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The writer's clock: data, no rule reads it.
    pub at: WallTime,
    /// The fact.
    pub body: Body,
}

/// What happened. By the owner, unless it says by the invoker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A controller wants to own the partition.
    Claim(Claim),
    /// The owner lives; also a barrier for what it sent before.
    Beat(Stamp),
    /// The owner steps back in favour of a node.
    Yield(Yield),
    /// Entities change, all of these or none.
    Write(Write),
    /// An activation is accepted, with all its children.
    Accept(Box<Accept>),
    /// An attempt may be started, there and nowhere else.
    Assign(Assign),
    /// By the invoker: this attempt may act on the outside from now on.
    Touched(Attempt),
    /// By the invoker: this attempt is given back.
    Return(Return),
    /// This attempt is lost and another may be made.
    AttemptLost(AttemptLost),
    /// By the invoker: the attempt ended with an outcome.
    Finish(Box<Finish>),
    /// The owner ends an activation.
    Expire(Expire),
    /// Old keys and fire marks go.
    Purge(Purge),
    /// A range of the log is in the archive (Kafka mode).
    Archived(Archived),
}

/// What makes an owner's record its own (rule O).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// Of the claim it rests on.
    pub epoch: Epoch,
    /// Who claimed.
    pub node: NodeId,
    /// Rises with every record of this owner.
    pub seq: u64,
}

/// See [`Body::Claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Current epoch + 1.
    pub epoch: Epoch,
    /// The candidate.
    pub node: NodeId,
    /// The last offset that the candidate had read.
    pub base: Offset,
    /// The version of the fold's rules from here on.
    pub fold_version: u16,
}

/// See [`Body::Yield`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yield {
    /// Signature.
    pub stamp: Stamp,
    /// Who may claim at once.
    pub to: NodeId,
}

/// See [`Body::Expire`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expire {
    /// Signature.
    pub stamp: Stamp,
    /// The activation.
    pub id: ActivationId,
    /// Its last attempt, 0 if there was none.
    pub attempt: u32,
    /// Why.
    pub reason: Reason,
}

/// See [`Body::Purge`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Signature.
    pub stamp: Stamp,
    /// Per window of keys.
    pub windows: Vec<PurgeWindow>,
    /// Triggers and feeds whose marks up to a generation go.
    pub dead: Vec<(EntityKey, u64)>,
}

/// What goes of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeWindow {
    /// Class and length of the keys meant.
    pub class: KeyClass,
    /// As in [`KeyUse::window`].
    pub window: Millis,
    /// Keys accepted before this offset go.
    pub before: Offset,
    /// From now on an `Accept` with a key of this window needs `since` at least this.
    pub floor: Offset,
}

/// See [`Body::Archived`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// Signature.
    pub stamp: Stamp,
    /// First offset of the range.
    pub first: Offset,
    /// Last offset of the range.
    pub last: Offset,
    /// The object that holds it.
    pub blob: Digest,
}

impl Body {
    /// Every [`Body::kind`], in the order of the variants.
    pub const KINDS: [&'static str; 13] = [
        "claim",
        "beat",
        "yield",
        "write",
        "accept",
        "assign",
        "touched",
        "return",
        "attempt_lost",
        "finish",
        "expire",
        "purge",
        "archived",
    ];

    /// The signature of an owner's record; `None` for claims and for records by invokers.
    #[must_use]
    pub fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::Claim(_) | Self::Touched(_) | Self::Return(_) | Self::Finish(_) => None,
            Self::Beat(stamp) => Some(stamp),
            Self::Yield(it) => Some(&it.stamp),
            Self::Write(it) => Some(&it.stamp),
            Self::Accept(it) => Some(&it.stamp),
            Self::Assign(it) => Some(&it.stamp),
            Self::AttemptLost(it) => Some(&it.stamp),
            Self::Expire(it) => Some(&it.stamp),
            Self::Purge(it) => Some(&it.stamp),
            Self::Archived(it) => Some(&it.stamp),
        }
    }

    /// The same, to sign a record that was built before its turn came.
    pub fn stamp_mut(&mut self) -> Option<&mut Stamp> {
        match self {
            Self::Claim(_) | Self::Touched(_) | Self::Return(_) | Self::Finish(_) => None,
            Self::Beat(stamp) => Some(stamp),
            Self::Yield(it) => Some(&mut it.stamp),
            Self::Write(it) => Some(&mut it.stamp),
            Self::Accept(it) => Some(&mut it.stamp),
            Self::Assign(it) => Some(&mut it.stamp),
            Self::AttemptLost(it) => Some(&mut it.stamp),
            Self::Expire(it) => Some(&mut it.stamp),
            Self::Purge(it) => Some(&mut it.stamp),
            Self::Archived(it) => Some(&mut it.stamp),
        }
    }

    /// A word for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Claim(_) => "claim",
            Self::Beat(_) => "beat",
            Self::Yield(_) => "yield",
            Self::Write(_) => "write",
            Self::Accept(_) => "accept",
            Self::Assign(_) => "assign",
            Self::Touched(_) => "touched",
            Self::Return(_) => "return",
            Self::AttemptLost(_) => "attempt_lost",
            Self::Finish(_) => "finish",
            Self::Expire(_) => "expire",
            Self::Purge(_) => "purge",
            Self::Archived(_) => "archived",
        }
    }

    /// Every blob that the record names, in order, possibly twice.
    #[must_use]
    pub fn blobs(&self) -> Vec<Digest> {
        let mut named = Vec::new();
        match self {
            Self::Write(it) => {
                for op in &it.ops {
                    if let Op::Put { document, blobs, .. } = op {
                        named.extend(document.blob());
                        named.extend(blobs);
                    }
                }
            }
            Self::Accept(it) => {
                named.extend(it.payload.blob());
                if let Root::Fire(fire) = &it.root {
                    named.extend(fire.beneath.blob());
                }
            }
            Self::Finish(it) => {
                named.extend(it.result.as_ref().and_then(Payload::blob));
                if let Logs::Blob { digest, .. } = &it.logs {
                    named.push(*digest);
                }
            }
            Self::Archived(it) => named.push(it.blob),
            Self::Claim(_)
            | Self::Beat(_)
            | Self::Yield(_)
            | Self::Assign(_)
            | Self::Touched(_)
            | Self::Return(_)
            | Self::AttemptLost(_)
            | Self::Expire(_)
            | Self::Purge(_) => {}
        }
        named
    }
}

impl Document {
    /// The blob, if it is one.
    #[must_use]
    pub fn blob(&self) -> Option<Digest> {
        match self {
            Self::Inline(_) => None,
            Self::Blob { digest, .. } => Some(*digest),
        }
    }
}

impl Payload {
    /// The blob, if it is one.
    #[must_use]
    pub fn blob(&self) -> Option<Digest> {
        match self {
            Self::Inline(_) => None,
            Self::Blob { digest, .. } => Some(*digest),
        }
    }
}
