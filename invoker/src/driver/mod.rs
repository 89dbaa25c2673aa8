//! What makes sandboxes: the trait [`Driver`] and the types that cross it.
//!
//! A driver runs one attempt in one sandbox and tells how it ended. It knows nothing of records,
//! leases or retries: the right to start was established before it is called, and what becomes of
//! the end is decided behind it.

use std::sync::Arc;

use futures::future::BoxFuture;
use model::id::{ActivationId, Digest};
use model::identity::Key;
use model::json::Json;
use model::limits::{ActionLimits, ResultBounds};
use model::name::Namespace;
use model::outcome::Class;
use model::time::WallTime;

pub use ledger::record::{LogLine, StartState, Stream};

/// Makes sandboxes of one sort and runs one attempt in each.
pub trait Driver: Send + Sync {
    /// `wasm`, `docker`: as in the annotation `driver` and in metrics.
    fn name(&self) -> &'static str;

    /// Whether what runs inside has no way out but [`Job::way_out`].
    fn is_guarded(&self) -> bool;

    /// Checks code before it is stored: finds the concrete kind, links, compiles, keeps the result
    /// for [`Driver::run`].
    ///
    /// # Errors
    /// [`Refused`] with the text for whoever sent the code.
    fn inspect(&self, artefact: Artefact) -> BoxFuture<'_, Result<Inspected, Refused>>;

    /// Runs one attempt in a sandbox of its own. Returns at once; `done` is called exactly once,
    /// on a thread of the driver, whatever happens. After [`Stop::stop`] the sandbox is gone soon,
    /// and `done` is told [`Outcome::Stopped`] unless the run had ended before.
    fn run(&self, job: Job, done: Done) -> Stop;

    /// What it uses right now.
    fn usage(&self) -> Usage;

    /// From what instances of this code begin, in the word of the annotation `start`, as far as
    /// that is known: `image` or `eval`.
    fn begins(&self, kind: &str, code: &Digest, main: Option<&str>) -> Option<&'static str> {
        let _ = (kind, code, main);
        None
    }
}

/// Told how an attempt ended.
pub type Done = Box<dyn FnOnce(Ended) + Send>;

/// Where drivers get the code that a blob holds: the text of `exec.code` as it was sent.
pub trait Codes: Send + Sync {
    /// The bytes of a blob.
    ///
    /// # Errors
    /// A text for the operator if it is missing or damaged.
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<bytes::Bytes, String>>;
}

/// Code as it was sent with a PUT.
#[derive(Clone, Debug)]
pub struct Artefact {
    /// The kind asked for; `wasm:default` is found out.
    pub kind: String,
    /// Name of the blob that holds (or will hold) `code`.
    pub digest: Digest,
    /// The text of `exec.code`.
    pub code: bytes::Bytes,
    /// The export to call.
    pub main: Option<String>,
    /// Memory limit of the action, MB.
    pub memory_mb: u32,
}

/// What inspection found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The concrete kind.
    pub kind: String,
}

/// Why code is not taken; the whole text of the 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// One attempt: everything that a sandbox needs to know.
pub struct Job {
    /// Of which activation.
    pub id: ActivationId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The caller's namespace; runs are fair between namespaces.
    pub namespace: Namespace,
    /// `ns/[package/]name` of the action: the provider's.
    pub path: String,
    /// Version of the action.
    pub version: String,
    /// Transaction id of the request.
    pub transaction: String,
    /// The concrete kind.
    pub kind: String,
    /// The blob with the code.
    pub code: Digest,
    /// The export to call.
    pub main: Option<String>,
    /// Further words on the command line (annotation `wasm-args`).
    pub words: Vec<String>,
    /// The arguments, merged: an object, or an array from the step before.
    pub arguments: Json,
    /// Environment from `init` parameters; cannot override `__OW_*`.
    pub environment: Vec<(String, String)>,
    /// Where the platform's API answers, for `__OW_API_HOST`.
    pub api_host: Option<String>,
    /// The key that was minted for the action, for `__OW_API_KEY`; most have none.
    pub api_key: Option<Key>,
    /// How long its result may be.
    pub result: ResultBounds,
    /// Limits in force.
    pub limits: ActionLimits,
    /// The only way out of a guarded sandbox.
    pub way_out: WayOut,
}

/// Asks for leave before the first request of an attempt may reach the outside.
#[derive(Clone)]
pub struct WayOut(pub Arc<dyn Fn() -> BoxFuture<'static, Result<(), Closed>> + Send + Sync>);

/// The attempt is no longer the one that counts: nothing may leave, the sandbox is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this attempt may not act on the outside any more")]
pub struct Closed;

/// How an attempt ended, and what it used.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// When initialisation, or else the run, began.
    pub start: WallTime,
    /// When it ended.
    pub end: WallTime,
    /// Initialisation and run, microseconds.
    pub duration_us: u64,
    /// Initialisation, microseconds, if this attempt waited for one.
    pub init_us: Option<u64>,
    /// How warm the sandbox was.
    pub state: StartState,
    /// `image` or `eval`, for scripts.
    pub started_from: Option<String>,
    /// What it logged, within its limit, with the lines that the platform adds.
    pub logs: Vec<LogLine>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The action ended, well or badly: this becomes the record.
    Answer(Answer),
    /// Nothing of it was started.
    NotStarted(NotStarted),
    /// It ran and the memory budget of all sandboxes was used up.
    OutOfBudget,
    /// It was stopped from outside.
    Stopped,
}

/// An end that becomes the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose doing.
    pub class: Class,
    /// The result; of an error the object with its `error` alone.
    pub result: Json,
    /// Length in characters of the raw answer; `None` if the platform made the result.
    pub size: Option<u64>,
    /// Whether the time limit was hit.
    pub timeout: bool,
}

/// Why nothing was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// No instance slot, or no memory left for a start.
    NoSlot,
    /// The code cannot be read: the text is for the operator.
    NoCode(String),
    /// The engine or the host failed: the text is for the operator.
    Provision(String),
}

/// Stops an attempt. Dropping it does nothing.
pub struct Stop(pub Arc<dyn Fn() + Send + Sync>);

impl Stop {
    /// Ends the sandbox as soon as may be.
    pub fn stop(&self) {
        (self.0)();
    }
}

/// What a driver uses right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sandboxes alive.
    pub instances: u64,
    /// The most that may be.
    pub max_instances: u64,
    /// Memory charged, bytes.
    pub memory: u64,
    /// The most that may be charged, bytes.
    pub max_memory: u64,
}
