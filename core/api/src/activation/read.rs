//! Activations as a client reads them.

use serde::{Deserialize, Serialize};

use model::json::Json;

use crate::entity::Parameter;

/// A full record. Written again it is the same JSON that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id: 32 hexadecimal digits.
    pub activation_id: String,
    /// What is said about the run.
    pub annotations: Vec<Parameter>,
    /// The enclosing sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Milliseconds; absent for triggers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// Milliseconds since the epoch; absent for triggers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// Log lines; ids of steps; results of rules.
    pub logs: Vec<String>,
    /// What ran.
    pub name: String,
    /// Who called.
    pub namespace: String,
    /// Always false.
    pub publish: bool,
    /// How it ended.
    pub response: Response,
    /// Milliseconds since the epoch.
    pub start: i64,
    /// Who called.
    pub subject: String,
    /// Of the action, when it was called.
    pub version: String,
}

/// How an activation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// What the action gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// Length of the raw answer in characters; absent if the platform made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// One of the four texts of `model::outcome::Class`.
    pub status: String,
    /// Whether it is `success`.
    pub success: bool,
}

/// One element of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Its id: 32 hexadecimal digits.
    pub activation_id: String,
    /// What is said about the run.
    pub annotations: Vec<Parameter>,
    /// The enclosing sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Milliseconds; absent for triggers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// Milliseconds since the epoch; absent for triggers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// What ran.
    pub name: String,
    /// Who called.
    pub namespace: String,
    /// Always false.
    pub publish: bool,
    /// Milliseconds since the epoch.
    pub start: i64,
    /// 0 to 3; absent without `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u8>,
    /// Of the action, when it was called.
    pub version: String,
}

/// The answer of `…/logs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// As in the record.
    pub logs: Vec<String>,
}

/// The answer of an invoke that does not wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The id that the record will have.
    pub activation_id: String,
}

/// The value of an annotation.
#[must_use]
pub fn annotation<'a>(annotations: &'a [Parameter], key: &str) -> Option<&'a Json> {
    annotations.iter().find(|one| one.key == key).map(|one| &one.value)
}
