//! What calls take and give beyond documents.

use std::fmt::Write as _;

use model::json::{Json, Kind};

use super::answer::Answer;
use super::{Error, name};
use crate::activation::{Record, read};

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most so many; 0 means 200.
    pub limit: u32,
    /// Leave out so many.
    pub skip: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 30, skip: 0 }
    }
}

/// Which activations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Which part of the list.
    pub page: Page,
    /// `name` or `package/name`.
    pub name: Option<String>,
    /// Started then or later, milliseconds since the epoch.
    pub since: Option<i64>,
    /// Started then or earlier, milliseconds since the epoch.
    pub upto: Option<i64>,
}

impl Filter {
    pub(super) fn path(&self, docs: bool) -> String {
        let Page { limit, skip } = self.page;
        let mut path = format!("/api/v1/namespaces/_/activations?limit={limit}&skip={skip}");
        // Writing to a string cannot fail.
        if let Some(name) = &self.name {
            let _ = write!(path, "&name={}", name::segment(name));
        }
        if let Some(since) = self.since {
            let _ = write!(path, "&since={since}");
        }
        if let Some(upto) = self.upto {
            let _ = write!(path, "&upto={upto}");
        }
        if docs {
            path.push_str("&docs=true");
        }
        path
    }
}

/// How to invoke.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invoke {
    /// Whether to wait for the end.
    pub blocking: bool,
    /// Whether the answer is the result only.
    pub result: bool,
    /// Wait at most so many milliseconds; the server's default is 60,000, which is also the most.
    pub timeout_ms: Option<u64>,
}

impl Invoke {
    pub(super) fn query(self) -> String {
        let Self { blocking, result, timeout_ms } = self;
        let mut query = format!("?blocking={blocking}&result={result}");
        if let Some(timeout) = timeout_ms {
            let _ = write!(query, "&timeout={timeout}");
        }
        query
    }
}

/// What became of an invoke that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// It was accepted and has not ended, as far as this answer knows.
    Accepted {
        /// Its id.
        id: String,
        /// Whether an earlier request with the same key had made it.
        replayed: bool,
    },
    /// It has ended.
    Ended {
        /// Its id, from the header.
        id: Option<String>,
        /// 200, 502 or 500.
        status: u16,
        /// The record, or the result if only that was asked for. A result that is an array comes
        /// bare in any case.
        body: Json,
        /// As above.
        replayed: bool,
    },
}

impl Invocation {
    /// The id of the activation.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Accepted { id, .. } => Some(id),
            Self::Ended { id, .. } => id.as_deref(),
        }
    }
}

impl TryFrom<Answer> for Invocation {
    type Error = Error;

    fn try_from(answer: Answer) -> Result<Self, Error> {
        let replayed = answer.is_replayed();
        if answer.status == 202 {
            let id = answer.decoded::<read::Accepted>()?.activation_id;
            return Ok(Self::Accepted { id, replayed });
        }
        let id = answer.activation_id().map(str::to_owned);
        let status = answer.status;
        match Json::parse(&answer.body) {
            Ok(body) if status == 200 || (matches!(status, 500 | 502) && !is_refusal(&body)) => {
                Ok(Self::Ended { id, status, body, replayed })
            }
            Ok(_) => Err(answer.refused()),
            Err(_) if !answer.is_success() => Err(answer.refused()),
            Err(fault) => Err(Error::Unexpected { status, why: fault.to_string() }),
        }
    }
}

/// A 500 or 502 with `code` beside `error` is a refusal; without, it is how the action ended.
fn is_refusal(body: &Json) -> bool {
    body.kind() != Kind::Object || (body.member("code").is_some() && body.member("error").is_some())
}

/// What became of a cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It has ended now, by this.
    Now,
    /// It had ended already; nothing was changed.
    EndedBefore(Box<Record>),
}
