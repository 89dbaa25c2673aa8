//! One attempt: from the order to a job for a driver, and from its end to what is written.

use bytes::Bytes;
use futures::future::BoxFuture;
use ledger::record::{Attempt, Finish, LogLine, Logs, Payload, ReturnReason};
use model::id::Digest;
use model::identity::Key;
use model::json::{Json, Kind};
use model::limits::{ActionLimits, ResultBounds};
use model::name::Namespace;
use model::outcome::{self, Class};
use model::parameters::Parameters;

use crate::driver::{Answer, Ended, Job, NotStarted, Outcome, WayOut};
use crate::step::End;

/// Up to here a result or a log travels inside the record; beyond it becomes a blob.
pub const INLINE: usize = 32 << 10;

/// Everything that one run needs, with its parameters still apart: whoever runs it merges.
#[derive(Clone, Debug)]
pub struct Input {
    /// The caller's namespace.
    pub namespace: Namespace,
    /// `ns/[package/]name` of the action.
    pub path: String,
    /// Its version.
    pub version: String,
    /// Transaction id of the request.
    pub transaction: String,
    /// The concrete kind.
    pub kind: String,
    /// The blob with the code.
    pub code: Digest,
    /// The export to call.
    pub main: Option<String>,
    /// Further words on the command line.
    pub words: Vec<String>,
    /// Parameters of package, binding and action, later wins.
    pub parameters: Parameters,
    /// What the caller sent, or the result of the step before.
    pub payload: Json,
    /// Limits in force.
    pub limits: ActionLimits,
    /// How long its result may be.
    pub result: ResultBounds,
    /// For `__OW_API_HOST`.
    pub api_host: Option<String>,
    /// For `__OW_API_KEY`.
    pub api_key: Option<Key>,
}

/// Where large results and logs are kept before the record that names them.
pub trait Spool: Send + Sync {
    /// Stores bytes, synced, under their hash.
    ///
    /// # Errors
    /// A text for the operator.
    fn put(&self, bytes: Bytes) -> BoxFuture<'_, Result<Digest, String>>;
}

/// The job that a driver is given for an attempt.
#[must_use]
pub fn job(of: Attempt, input: Input, way_out: WayOut) -> Job {
    Job {
        id: of.id,
        attempt: of.attempt,
        arguments: input.parameters.arguments(&input.payload),
        environment: input.parameters.environment(),
        namespace: input.namespace,
        path: input.path,
        version: input.version,
        transaction: input.transaction,
        kind: input.kind,
        code: input.code,
        main: input.main,
        words: input.words,
        api_host: input.api_host,
        api_key: input.api_key,
        result: input.result,
        limits: input.limits,
        way_out,
    }
}

/// Whether what a run left behind has a part that must be spooled first.
#[must_use]
pub fn is_large(ended: &Ended) -> bool {
    let result = match &ended.outcome {
        Outcome::Answer(answer) => answer.result.as_bytes().len(),
        _ => 0,
    };
    result > INLINE || log_bytes(&ended.logs) > INLINE
}

fn log_bytes(lines: &[LogLine]) -> usize {
    lines.iter().map(|line| line.text.len() + 16).sum()
}

/// What is written about an end whose parts all fit into the record.
#[must_use]
pub fn end(of: Attempt, ended: &Ended) -> End {
    let result = match &ended.outcome {
        Outcome::Answer(answer) => Payload::Inline(answer.result.clone()),
        _ => Payload::Inline(Json::null()),
    };
    tracing::trace!(activation_id = %of.id, "its end is put into words");
    let logs = Logs::Inline(ended.logs.clone());
    end_with(of, ended, result, logs)
}

/// What is written about an end, its large parts spooled first. Logs that cannot be kept are
/// told as lost and change nothing else; a result that cannot be kept ends the activation.
pub async fn end_spooled(of: Attempt, mut ended: Ended, spool: &dyn Spool) -> End {
    let logs = if log_bytes(&ended.logs) > INLINE {
        let lines = std::mem::take(&mut ended.logs);
        spool_logs(&lines, spool).await
    } else {
        Logs::Inline(std::mem::take(&mut ended.logs))
    };
    let Outcome::Answer(answer) = &mut ended.outcome else {
        return end_with(of, &ended, Payload::Inline(Json::null()), logs);
    };
    let bytes = answer.result.as_bytes().clone();
    let result = if bytes.len() <= INLINE {
        Payload::Inline(answer.result.clone())
    } else {
        match spool.put(bytes.clone()).await {
            Ok(digest) => Payload::Blob { digest, length: bytes.len() as u64 },
            Err(cause) => {
                tracing::error!(activation_id = %of.id, cause, "a result could not be stored");
                let text = "The result could not be stored: disk full.";
                *answer = platform_answer(text);
                Payload::Inline(answer.result.clone())
            }
        }
    };
    end_with(of, &ended, result, logs)
}

async fn spool_logs(lines: &[LogLine], spool: &dyn Spool) -> Logs {
    let bytes = ledger::record::encode_log_lines(lines);
    let length = bytes.len() as u64;
    match spool.put(bytes).await {
        Ok(digest) => Logs::Blob { digest, length },
        Err(cause) => {
            tracing::warn!(cause, "logs could not be stored");
            Logs::Lost
        }
    }
}

fn platform_answer(text: &str) -> Answer {
    Answer { class: Class::InternalError, result: Json::error(text), size: None, timeout: false }
}

fn end_with(of: Attempt, ended: &Ended, result: Payload, logs: Logs) -> End {
    match ended.outcome.clone() {
        Outcome::Answer(answer) => End::Finished(finish(of, ended, &answer, result, logs)),
        Outcome::NotStarted(NotStarted::NoSlot) => End::NotStarted(ReturnReason::NoSlot),
        Outcome::NotStarted(NotStarted::Provision(cause)) => {
            tracing::warn!(activation_id = %of.id, cause, "a sandbox could not be made");
            End::NotStarted(ReturnReason::Provision)
        }
        Outcome::NotStarted(NotStarted::NoCode(cause)) => {
            tracing::error!(activation_id = %of.id, cause, "the code of an action cannot be read");
            End::Finished(by_platform(of, ended, "Action could not be fetched.", logs))
        }
        Outcome::OutOfBudget => {
            End::GaveUp(ReturnReason::Memory, by_platform(of, ended, outcome::NO_CAPACITY, logs))
        }
        Outcome::Stopped => End::Stopped,
    }
}

fn by_platform(of: Attempt, ended: &Ended, text: &str, logs: Logs) -> Box<Finish> {
    let answer = platform_answer(text);
    let result = Payload::Inline(answer.result.clone());
    finish(of, ended, &answer, result, logs)
}

fn finish(of: Attempt, ended: &Ended, answer: &Answer, result: Payload, logs: Logs) -> Box<Finish> {
    Box::new(Finish {
        of,
        class: answer.class,
        result: Some(result),
        array: answer.result.kind() == Kind::Array,
        size: answer.size,
        start: ended.start,
        end: ended.end,
        duration_us: ended.duration_us,
        init_us: ended.init_us,
        timeout: answer.timeout,
        state: ended.state,
        started_from: ended.started_from.clone(),
        logs,
        offer: true,
    })
}
