//! Every record: one fact each, as `exactly-once.md` §4 lists them.
//!
//! A record is `postcard` behind a version byte and a CRC32C ([`Record::encode`]). The order of
//! fields and variants *is* the format: golden bytes of every version are in the tests. What a
//! record means, and when it is valid, is the business of [`crate::fold`].

use bytes::Bytes;
use model::id::{ActivationId, Digest, Epoch, Incarnation, InvokerId, NodeId, Offset};
use model::json::Json;
use model::limits::ActionLimits;
use model::name::Namespace;
use model::outcome::{Class, Reason};
use model::time::{Millis, WallTime};
use serde::{Deserialize, Serialize};

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

/// The key of an entity in the fold, such as `n/guest/hello`, `n/guest/pkg/hello`, `s/guest`.
///
/// One name table per namespace (`n/`) serves actions, packages, triggers and rules, so that
/// `absent` keeps names unique across kinds. `s/` subjects, `w/` namespaces, `k/` access keys by
/// their user part, `l/` limits of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey(pub std::sync::Arc<str>);

/// See [`Body::Write`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Signature.
    pub stamp: Stamp,
    /// All at once, in order.
    pub ops: Vec<Op>,
    /// Every fact that the verdict was based on.
    pub expect: Vec<Expect>,
    /// The request behind it: its transaction id.
    pub by: String,
}

/// One change of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Stores a document under a key.
    Put {
        /// Where.
        key: EntityKey,
        /// What.
        document: Document,
        /// Blobs that the document names inside, such as code.
        blobs: Vec<Digest>,
    },
    /// Removes the document.
    Delete(EntityKey),
    /// Moves the entity's `contents` mark.
    Touch(EntityKey),
}

/// A stored document; the fold never looks inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Document {
    /// At most 2 KiB.
    Inline(Bytes),
    /// Larger: a blob, synced before the record that names it.
    Blob {
        /// Its name.
        digest: Digest,
        /// Its length in bytes.
        length: u64,
    },
}

/// A fact about an entity that must still hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// Of which entity.
    pub key: EntityKey,
    /// What.
    pub mark: Mark,
}

/// What is expected of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// It does not exist.
    Absent,
    /// It exists, first put (after absence) at this offset.
    Born(Offset),
    /// It exists, last put at this offset.
    Revision(Offset),
    /// It exists, last touched (or born) at this offset.
    Contents(Offset),
}

/// See [`Body::Accept`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Signature.
    pub stamp: Stamp,
    /// Who asked, and in which request.
    pub by: Caller,
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
    /// Its rules that were admitted, in order.
    pub rules: Vec<Ruled>,
    /// Its rules that were not, with the text of the refusal, in order.
    pub refused: Vec<Refusal>,
}

/// A rule that fires, and what it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// `ns/rule`.
    pub rule: String,
    /// What is born.
    pub birth: Birth,
}

/// A rule that does not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// `ns/rule`.
    pub rule: String,
    /// `ns/[package/]action`.
    pub action: String,
    /// 1 or 3.
    pub class: Class,
    /// Why.
    pub text: String,
}

/// What an activation runs, with every definition pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Code.
    Action(Step),
    /// Other targets, one after the other.
    Sequence {
        /// The sequence itself.
        step: Step,
        /// Its components in order, nested sequences expanded.
        steps: Vec<Target>,
        /// If it may run only so long as a whole.
        deadline: Option<Millis>,
    },
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// Where an attempt may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The invoker.
    pub invoker: InvokerId,
    /// Its life.
    pub incarnation: Incarnation,
    /// Whether its only way out is the host's.
    pub guarded: bool,
}

/// One attempt, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attempt {
    /// Of which activation.
    pub id: ActivationId,
    /// 1, 2, …
    pub attempt: u32,
    /// Where.
    pub invoker: InvokerId,
    /// In which life.
    pub incarnation: Incarnation,
}

/// See [`Body::Assign`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assign {
    /// Signature.
    pub stamp: Stamp,
    /// The activation.
    pub id: ActivationId,
    /// Last attempt + 1.
    pub attempt: u32,
    /// Where.
    pub place: Place,
}

/// See [`Body::Return`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// Which attempt.
    pub of: Attempt,
    /// Whether it may have started.
    pub started: Started,
    /// Why it is given back.
    pub why: ReturnReason,
}

/// What a `Return` states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Started {
    /// Never started, and barred from now on: the attempt is not counted.
    No,
    /// It may have started: the attempt counts.
    Maybe,
}

/// Why an attempt is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReturnReason {
    /// No free slot, or no memory for a start; never counted against the five returns.
    NoSlot,
    /// The right to start had run out, or the wrong guard.
    NotAllowed,
    /// The sandbox could not be made.
    Provision,
    /// Growth that the memory budget could not give.
    Memory,
    /// The invoker stops.
    Stopping,
    /// The journal of a former life shows that it had not started.
    Recovered,
}

/// See [`Body::AttemptLost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptLost {
    /// Signature.
    pub stamp: Stamp,
    /// The activation.
    pub id: ActivationId,
    /// The attempt that is lost.
    pub attempt: u32,
}

/// See [`Body::Finish`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// Which attempt.
    pub of: Attempt,
    /// How it ended.
    pub class: Class,
    /// The result; of an error the object with its `error`. `None`: the action gave none.
    pub result: Option<Payload>,
    /// Whether the result is a JSON array.
    pub array: bool,
    /// Length in characters of the raw answer; `None` if the platform made it.
    pub size: Option<u64>,
    /// When initialisation, or else the run, began.
    pub start: WallTime,
    /// When the run ended.
    pub end: WallTime,
    /// Initialisation and run, microseconds.
    pub duration_us: u64,
    /// Initialisation, microseconds, if there was one.
    pub init_us: Option<u64>,
    /// Whether the time limit was hit.
    pub timeout: bool,
    /// How warm the sandbox was.
    pub state: StartState,
    /// `image` or `eval`, for scripts.
    pub started_from: Option<String>,
    /// What it logged.
    pub logs: Logs,
    /// Whether this invoker holds the slot for the one successor that may be born.
    pub offer: bool,
}

/// How warm a sandbox was when a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StartState {
    /// Code was compiled or fetched for it.
    Cold,
    /// Code was loaded from the disk cache, or a container of the kind stood ready.
    Prewarmed,
    /// Code was resident.
    Warmed,
}

/// Log lines of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Logs {
    /// Up to 32 KiB in all.
    Inline(Vec<LogLine>),
    /// More: postcard of the same lines as a blob.
    Blob {
        /// Its name.
        digest: Digest,
        /// Its length in bytes.
        length: u64,
    },
    /// They could not be kept.
    Lost,
}

/// One line that an action wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Nanoseconds since the Unix epoch.
    pub at_ns: i64,
    /// Where it was written.
    pub stream: Stream,
    /// Without its line end.
    pub text: String,
}

/// Where a log line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
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
