//! What is said about one attempt: where it may run, that it acted, that it was given back, how
//! it ended.

use model::id::{ActivationId, Digest, Incarnation, InvokerId};
use model::outcome::Class;
use model::time::WallTime;
use serde::{Deserialize, Serialize};

use super::{Payload, Stamp};

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

/// See [`Body::Assign`](super::Body::Assign).
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

/// See [`Body::Return`](super::Body::Return).
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

/// See [`Body::AttemptLost`](super::Body::AttemptLost).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptLost {
    /// Signature.
    pub stamp: Stamp,
    /// The activation.
    pub id: ActivationId,
    /// The attempt that is lost.
    pub attempt: u32,
}

/// See [`Body::Finish`](super::Body::Finish).
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

/// Log lines as the blob that [`Logs::Blob`] names.
#[must_use]
pub fn encode_log_lines(lines: &[LogLine]) -> bytes::Bytes {
    // Plain data into memory: nothing here can fail.
    postcard::to_stdvec(lines).unwrap_or_default().into()
}
