//! Statistics of a namespace as they are served.
//!
//! Source: `own-api.md` §5. Durations are milliseconds with a fraction.

use serde::{Deserialize, Serialize};

/// The answer of `GET N/stats`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Whose.
    pub namespace: String,
    /// The earliest start that counts, milliseconds since the epoch.
    pub since: i64,
    /// The latest start that counts, milliseconds since the epoch.
    pub upto: i64,
    /// By `count`, most first, then by name.
    pub actions: Vec<OfAction>,
}

/// What ran under one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfAction {
    /// `simple` or `package/simple`, as lists of activations are filtered.
    pub action: String,
    /// How many activations.
    pub count: u64,
    /// How many of them did not succeed.
    pub errors: u64,
    /// How many had to be initialised.
    pub cold: u64,
    /// How many ended in which way.
    pub by_status: ByStatus,
    /// Initialisation and run; `null` if nothing had a duration, as triggers.
    pub duration: Option<Percentiles>,
    /// From the request to the start; `null` if nothing started.
    pub wait_time: Option<Percentiles>,
    /// The one that started last of those that succeeded.
    pub last_success: Option<Last>,
    /// The one that started last of those that did not.
    pub last_error: Option<Last>,
}

/// Counts by `response.status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByStatus {
    /// 0
    pub success: u64,
    /// 1
    #[serde(rename = "application error")]
    pub application_error: u64,
    /// 2
    #[serde(rename = "action developer error")]
    pub developer_error: u64,
    /// 3
    #[serde(rename = "whisk internal error")]
    pub internal_error: u64,
}

/// Within 1 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half take no longer.
    pub p50: f64,
    /// Three of four take no longer.
    pub p75: f64,
    /// 95 of a hundred take no longer.
    pub p95: f64,
    /// 99 of a hundred take no longer.
    pub p99: f64,
    /// None takes longer; exact.
    pub max: f64,
}

/// One activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Last {
    /// Which.
    pub activation_id: String,
    /// When it started, milliseconds since the epoch.
    pub at: i64,
    /// How it ended, if it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}
