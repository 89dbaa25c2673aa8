//! How much was accepted and ended since the log began: metrics that a restart does not reset.

use std::collections::BTreeMap;

use model::outcome::{Class, Reason};
use serde::{Deserialize, Serialize};

use crate::record::Cause;

/// Totals since the log began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Activations created, by what led to them.
    pub accepted: BTreeMap<Cause, u64>,
    /// Activations ended, by whose doing it was and how.
    pub ended: BTreeMap<(Class, How), u64>,
    /// Valid `Write`s: 0 only before the first of a ledger.
    pub writes: u64,
}

/// How an activation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum How {
    /// By its own `Finish`.
    Finished,
    /// A sequence, by the end of a step.
    Closed,
    /// A trigger: born ended.
    Fired,
    /// [`Reason::Lost`]
    Lost,
    /// [`Reason::Timeout`]
    Timeout,
    /// [`Reason::QueueTimeout`]
    QueueTimeout,
    /// [`Reason::NoCapacity`]
    NoCapacity,
    /// [`Reason::Missing`]
    Missing,
    /// [`Reason::Cancelled`]
    Cancelled,
    /// [`Reason::Internal`]
    Internal,
    /// [`Reason::Refused`]
    Refused,
}

impl How {
    /// A word for metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Closed => "closed",
            Self::Fired => "fired",
            Self::Lost => "lost",
            Self::Timeout => "timeout",
            Self::QueueTimeout => "queue_timeout",
            Self::NoCapacity => "no_capacity",
            Self::Missing => "missing",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
            Self::Refused => "refused",
        }
    }
}

impl From<&Reason> for How {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::Lost => Self::Lost,
            Reason::Timeout(_) => Self::Timeout,
            Reason::QueueTimeout(_) => Self::QueueTimeout,
            Reason::NoCapacity => Self::NoCapacity,
            Reason::Missing => Self::Missing,
            Reason::Cancelled => Self::Cancelled,
            Reason::Internal(_) => Self::Internal,
            Reason::Refused(_) => Self::Refused,
        }
    }
}

impl Totals {
    pub(super) fn write(&mut self) {
        self.writes += 1;
    }

    pub(super) fn accept(&mut self, cause: Cause) {
        *self.accepted.entry(cause).or_default() += 1;
    }

    pub(super) fn end(&mut self, class: Class, how: How) {
        *self.ended.entry((class, how)).or_default() += 1;
    }
}
