//! An activation as lists show it, and where the rest of its record is.

use serde::{Deserialize, Serialize};

use crate::id::{ActivationId, Offset};
use crate::limits::ActionLimits;
use crate::name::Namespace;
use crate::outcome::Class;
use crate::time::WallTime;

/// The row of the index for one ended activation: all of its record but the result and the logs,
/// which stay in the log at [`Row::terminal`]. A function of the applied records alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Whose row this is.
    pub id: ActivationId,
    /// The namespace that owns the record: the caller's.
    pub namespace: Namespace,
    /// Who called.
    pub subject: String,
    /// Name of the action, sequence or trigger.
    pub name: String,
    /// Its version when it was called.
    pub version: String,
    /// What ran, as annotations tell it; `None` for triggers.
    pub ran: Option<Ran>,
    /// The enclosing sequence.
    pub cause: Option<ActivationId>,
    /// Start of initialisation or run; of a parent, when it was accepted.
    pub start: WallTime,
    /// End; `None` for triggers.
    pub end: Option<WallTime>,
    /// Initialisation and run, microseconds; of a parent the sum over its steps.
    pub duration_us: u64,
    /// How it ended.
    pub class: Class,
    /// `lost`, `cancelled` or `queue_timeout`, if the platform ended it so.
    pub outcome: Option<String>,
    /// Steps begun, or children of a fire, in order.
    pub children: Vec<ActivationId>,
    /// Offsets of all valid records about it, in order: its history.
    pub records: Vec<Offset>,
    /// The record that ended it, where result and logs are; always the last of `records`.
    pub terminal: Offset,
    /// False if its namespace does not keep records: it has no row in lists.
    pub stored: bool,
}

/// The part of a row that only code, sequences included, has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// `ns/name` or `ns/package/name` of what ran: the provider's.
    pub path: String,
    /// `ns/binding`, if it was called through one.
    pub binding: Option<String>,
    /// The kind; `sequence` for a sequence.
    pub kind: String,
    /// The limits in force; of a sequence with the most memory of its steps.
    pub limits: Option<ActionLimits>,
    /// Sequences only: whether it is the outermost.
    pub topmost: Option<bool>,
    /// Milliseconds between the arrival of the request and the start.
    pub wait_ms: u64,
    /// Initialisation in milliseconds, if this run needed one.
    pub init_ms: Option<u64>,
    /// Whether the time limit was hit; `None` for sequences.
    pub timeout: Option<bool>,
    /// `image` or `eval`, for scripts.
    pub started_from: Option<String>,
    /// False if it ended before it began: such a record has only `path`, `kind` and `causedBy`.
    pub began: bool,
}

impl Row {
    /// The first record about it: the one that accepted it, or that it was born in.
    #[must_use]
    pub fn first(&self) -> Offset {
        self.records.first().copied().unwrap_or(self.terminal)
    }

    /// What the `name` filter of a list compares: the path without its namespace, through a
    /// binding the binding's; for triggers the name.
    #[must_use]
    pub fn filter_name(&self) -> String {
        let Some(ran) = &self.ran else { return self.name.clone() };
        if let Some(binding) = &ran.binding {
            let package = binding.split_once('/').map_or(binding.as_str(), |(_, rest)| rest);
            return format!("{package}/{}", self.name);
        }
        ran.path.split_once('/').map_or(ran.path.as_str(), |(_, rest)| rest).to_owned()
    }
}
