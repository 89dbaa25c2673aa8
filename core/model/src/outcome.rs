//! How a run ended, and how each end is told.
//!
//! Source of the texts: `rest-errors.tsv` and `own.tsv`, rows "activation: …".

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose doing the end was; the number is `statusCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// The action gave a result.
    Success,
    /// The action said that it failed.
    ApplicationError,
    /// The action broke.
    DeveloperError,
    /// We broke, or nobody can know.
    InternalError,
}

impl Class {
    /// `statusCode`, 0 to 3.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::ApplicationError => 1,
            Self::DeveloperError => 2,
            Self::InternalError => 3,
        }
    }

    /// `status` of a record.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ApplicationError => "application error",
            Self::DeveloperError => "action developer error",
            Self::InternalError => "whisk internal error",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status())
    }
}

/// Why the owner ended an activation that did not finish by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The sandbox is gone and nobody can tell how the run ended.
    Lost,
    /// The deadline of a whole sequence or workflow passed, after so many milliseconds.
    Timeout(u64),
    /// No attempt was assigned within so many milliseconds.
    QueueTimeout(u64),
    /// It was returned five times.
    NoCapacity,
    /// The action was deleted before the assignment.
    Missing,
    /// Somebody asked for it.
    Cancelled,
    /// The platform could not go on.
    Internal(Fault),
    /// The run cannot be allowed any more: the text says why (application error).
    Refused(String),
}

/// What stopped the platform from going on with an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// The payload or a parameter beneath it cannot be read.
    Parameters,
    /// The code cannot be read.
    Code,
    /// The result does not fit on the disk.
    DiskFull,
}

impl Reason {
    /// The word in the history and, for some, in the annotation `outcome`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Timeout(_) => "timeout",
            Self::QueueTimeout(_) => "queue_timeout",
            Self::NoCapacity => "no_capacity",
            Self::Missing => "missing",
            Self::Cancelled => "cancelled",
            Self::Internal(_) => "internal",
            Self::Refused(_) => "refused",
        }
    }

    /// The annotation `outcome`, for the three ends that carry one (`rest-api.md` §7.1).
    #[must_use]
    pub fn annotation(&self) -> Option<&'static str> {
        matches!(self, Self::Lost | Self::Cancelled | Self::QueueTimeout(_)).then(|| self.word())
    }

    /// Whose doing it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Missing | Self::Cancelled | Self::Refused(_) => Class::ApplicationError,
            Self::Timeout(_) => Class::DeveloperError,
            Self::Lost | Self::QueueTimeout(_) | Self::NoCapacity | Self::Internal(_) => {
                Class::InternalError
            }
        }
    }

    /// `response.result.error` of the record.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Lost => "The outcome of the activation is unknown.".to_owned(),
            Self::Timeout(ms) => time_limit(*ms),
            Self::QueueTimeout(ms) => {
                format!("The activation was not started within {ms} milliseconds.")
            }
            Self::NoCapacity => NO_CAPACITY.to_owned(),
            Self::Missing => "Action could not be found or may have been deleted.".to_owned(),
            Self::Cancelled => "The activation was cancelled.".to_owned(),
            Self::Internal(Fault::Parameters) => {
                "The parameters of the activation could not be read.".to_owned()
            }
            Self::Internal(Fault::Code) => "Action could not be fetched.".to_owned(),
            Self::Internal(Fault::DiskFull) => {
                "The result could not be stored: disk full.".to_owned()
            }
            Self::Refused(text) => text.clone(),
        }
    }
}

/// No sandbox could be had.
pub const NO_CAPACITY: &str = "Failed to provision resources to run the action.";
/// The sandbox ended without an answer.
pub const EXITED: &str = "The action did not produce a valid response and exited unexpectedly.";
/// The sandbox ended while it was initialised.
pub const INIT_EXITED: &str = "The action did not initialize and exited unexpectedly.";
/// The sandbox outgrew its own memory limit.
pub const OUT_OF_MEMORY: &str = "The action exhausted its memory and was aborted.";
/// A component was deleted before its turn.
pub const NO_COMPONENT: &str = "Sequence component does not exist.";
/// The namespace was stopped between acceptance and run.
pub const STOPPED_NAMESPACE: &str = "The action was not invoked due to a blacklisted namespace.";
/// More components than a sequence may run.
pub const TOO_LONG_SEQUENCE: &str = "Too many actions in the sequence.";
/// Last log line after a developer error.
pub const LOGS_AFTER_DEVELOPER_ERROR: &str =
    "The action did not initialize or run as expected. Log data might be missing.";

/// The run passed its limit of `ms` milliseconds.
#[must_use]
pub fn time_limit(ms: u64) -> String {
    format!("The action exceeded its time limits of {ms} milliseconds.")
}

/// The initialisation passed the limit of `ms` milliseconds.
#[must_use]
pub fn init_time_limit(ms: u64) -> String {
    format!("The action exceeded its time limits of {ms} milliseconds during initialization.")
}

/// The initialisation failed with `reason`.
#[must_use]
pub fn init_failed(reason: &str) -> String {
    if reason.is_empty() {
        "The action failed during initialization.".to_owned()
    } else {
        format!("The action failed during initialization: {reason}")
    }
}

/// The launcher of a script could not bring it to where it can be called.
///
/// Source: OpenWhisk's Node.js runtime, `action-runtime.md` §10.
#[must_use]
pub fn init_failed_because(reason: &str) -> String {
    format!("Initialization has failed due to: {reason}")
}

/// The run answered with `text`, which is neither object nor array.
#[must_use]
pub fn bad_answer(text: &str) -> String {
    if text.is_empty() {
        "The action did not produce a valid JSON or JSON Array response.".to_owned()
    } else {
        format!("The action did not produce a valid JSON or JSON Array response: {text}")
    }
}

/// The answer of `length` bytes is longer than `allowed` and began with `prefix`.
#[must_use]
pub fn long_answer(length: u64, allowed: u64, prefix: &str) -> String {
    format!(
        "The action produced a response that exceeded the allowed length: {length} > {allowed} \
         bytes. The truncated response was: {prefix}"
    )
}

/// Output went beyond the log limit of `bytes`.
#[must_use]
pub fn logs_truncated(bytes: u64) -> String {
    format!("Logs were truncated because the total bytes size exceeds the limit of {bytes} bytes.")
}
