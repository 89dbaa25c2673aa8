//! What is accepted: who asked, what is born, under which keys.

use std::sync::Arc;

use model::id::{ActivationId, Digest, Offset};
use model::json::Json;
use model::limits::ActionLimits;
use model::name::Namespace;
use model::outcome::Class;
use model::time::{Millis, WallTime};
use serde::{Deserialize, Serialize};

use super::{EntityKey, Expect, Place, Stamp};

/// See [`Body::Accept`](super::Body::Accept).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Signature.
    pub stamp: Stamp,
    /// Who asked, and in which request.
    pub by: Arc<Caller>,
    /// What led to it.
    pub cause: Cause,
    /// When the request came: data.
    pub received: WallTime,
    /// What is created.
    pub root: Root,
    /// The arguments of the root: what the caller sent, nothing merged. Canonical compact JSON.
    pub payload: Payload,
    /// The idempotency key of the request.
    pub key: Option<KeyUse>,
    /// For fires by the clock or by a source.
    pub fire: Option<FireKey>,
    /// Facts that the verdict rested on, beyond `present`.
    pub expect: Vec<Expect>,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The subject.
    pub subject: String,
    /// The namespace that owns the record.
    pub namespace: Namespace,
    /// The transaction id.
    pub transaction: String,
    /// Whether the record is shown afterwards (`storeActivations`).
    pub store: bool,
}

/// What led to an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// A request.
    Invoke,
    /// A request to a web action.
    Web,
    /// A rule of a trigger that fired.
    Rule,
    /// The end of the step before.
    Step,
    /// The clock.
    Schedule,
    /// A message.
    Source,
}

/// What an `Accept` creates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Root {
    /// One action or sequence.
    Invoke(Birth),
    /// A trigger's activation, born ended, and one activation per admitted rule.
    Fire(Fire),
}

/// An activation to be born.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// Its id; those of its steps are derived from it.
    pub id: ActivationId,
    /// What it runs.
    pub target: Target,
    /// How long it, and each of its steps, may wait for an assignment.
    pub queue: Millis,
    /// If a slot was free: where its first action is assigned, as attempt 1.
    pub assign: Option<Place>,
}

/// A fire of a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// The id of the trigger's activation.
    pub id: ActivationId,
    /// The trigger's name.
    pub name: String,
    /// The trigger's version.
    pub version: String,
    /// What lies beneath the payload of all that is started: the trigger's parameters, and over them
    /// the headers of the request. Canonical compact JSON.
    pub beneath: Payload,
    /// Its rules, in order.
    pub rules: Vec<Ruled>,
}

impl Fire {
    /// What its rules start.
    pub fn births(&self) -> impl Iterator<Item = &Birth> {
        self.rules.iter().filter_map(|ruled| match &ruled.came {
            Came::Started(birth) => Some(birth),
            Came::Refused { .. } => None,
        })
    }
}

/// A rule of a trigger that fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// `ns/rule`.
    pub rule: String,
    /// `ns/[package/]action`.
    pub action: String,
    /// What came of it.
    pub came: Came,
}

/// What comes of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Came {
    /// This is born.
    Started(Birth),
    /// Nothing.
    Refused {
        /// 1 or 3.
        class: Class,
        /// Why.
        text: String,
    },
}

/// What an activation runs, with every definition pinned. Cheap to clone: what was decoded or
/// built once is shared by whoever builds records, by the fold and by those who run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Code.
    Action(Arc<Step>),
    /// Other targets, one after the other.
    Sequence(Arc<Sequence>),
}

/// See [`Target::Sequence`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// The sequence itself.
    pub step: Step,
    /// Its components in order, nested sequences expanded; at least one.
    pub steps: Vec<Target>,
    /// If it may run only so long as a whole.
    pub deadline: Option<Millis>,
}

impl Target {
    /// The definition of the action, or of the sequence itself.
    #[must_use]
    pub fn step(&self) -> &Step {
        match self {
            Self::Action(step) => step,
            Self::Sequence(sequence) => &sequence.step,
        }
    }

    /// The code that would run first.
    #[must_use]
    pub fn first_action(&self) -> Option<&Arc<Step>> {
        match self {
            Self::Action(step) => Some(step),
            Self::Sequence(sequence) => sequence.steps.first()?.first_action(),
        }
    }
}

/// One pinned action or sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its entity.
    pub action: Pin,
    /// When the action was born: it is *present* while the entity with this mark exists.
    pub born: Offset,
    /// Entities whose parameters lie beneath the action's own: package, then binding.
    pub beneath: Vec<Pin>,
    /// `ns/[package/]name`: the provider's.
    pub path: String,
    /// `ns/binding`, if called through one.
    pub binding: Option<String>,
    /// Its version.
    pub version: String,
    /// Its kind; `sequence` for a sequence.
    pub kind: String,
    /// Its limits.
    pub limits: ActionLimits,
    /// Attempts in all, if it is declared retryable (2–10).
    pub retry: Option<u8>,
    /// Whether its driver lets nothing out but through the host.
    pub guarded: bool,
}

/// A document at one revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash)]
pub struct Pin {
    /// The entity.
    pub key: EntityKey,
    /// Offset of the put that is meant.
    pub revision: Offset,
}

/// Bytes of JSON that travel inside a record up to 32 KiB, else as a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// Inside.
    Inline(Json),
    /// Outside, synced before this record.
    Blob {
        /// Its name.
        digest: Digest,
        /// Its length in bytes.
        length: u64,
    },
}

/// The use of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// Who made the key.
    pub class: KeyClass,
    /// How long it lives.
    pub window: Millis,
    /// SHA-256 of namespace, class and key.
    pub key: Digest,
    /// SHA-256 of method, path, query and body.
    pub request: Digest,
    /// An offset of the partition that was known where this copy of the request entered.
    pub since: Offset,
}

/// Who made an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyClass {
    /// A client sent it.
    Client,
    /// A gateway added it for its own re-sends.
    Gateway,
}

/// What makes a fire happen once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FireKey {
    /// A scheduled time of a trigger.
    Schedule {
        /// The trigger.
        trigger: EntityKey,
        /// Rises when the trigger is created again.
        generation: u64,
        /// Scheduled time, UTC, milliseconds.
        time: i64,
        /// The most fires of this generation, if bounded.
        max: Option<u64>,
    },
    /// A message of a source.
    Source {
        /// The feed.
        feed: EntityKey,
        /// Rises when the feed is created again.
        generation: u64,
        /// Partition of the source.
        partition: u32,
        /// Offset of the message there.
        offset: u64,
        /// Whether a gap before it may be skipped.
        skip_gap: bool,
    },
}
