//! What a server answered, and what a refusal says.

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use super::Error;
use crate::error;

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// What a 503 says about the work that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nothing was done and nothing will be.
    No,
    /// It is done once or not at all; the same request with the same `Idempotency-Key` tells.
    Unknown,
}

/// A request that the server refused, or whose fate it does not know.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// What is wrong.
    pub text: String,
    /// The transaction id.
    pub code: String,
    /// All headers.
    pub headers: HeaderMap,
}

impl Answer {
    /// The text of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    /// The id of the activation that this is about: `X-OpenWhisk-Activation-Id`.
    #[must_use]
    pub fn activation_id(&self) -> Option<&str> {
        self.header(ACTIVATION_ID)
    }

    /// Whether this answers an earlier request with the same key: `Idempotent-Replayed`.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a 2xx.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unexpected`].
    pub fn decoded<T: DeserializeOwned>(self) -> Result<T, Error> {
        if !self.is_success() {
            return Err(self.refused());
        }
        let status = self.status;
        serde_json::from_slice(&self.body)
            .map_err(|fault| Error::Unexpected { status, why: fault.to_string() })
    }

    /// The error that an answer with an error body is; [`Error::Unexpected`] if it has none.
    #[must_use]
    pub fn refused(self) -> Error {
        match serde_json::from_slice::<error::Error>(&self.body) {
            Ok(error::Error { code, error: text }) => {
                let Self { status, headers, .. } = self;
                Error::Refused(Box::new(Refusal { status, text, code, headers }))
            }
            Err(_) => Error::Unexpected { status: self.status, why: excerpt(&self.body) },
        }
    }
}

impl Refusal {
    /// What a 503 says about the work: `X-OpenWhisk-Accepted`.
    #[must_use]
    pub fn settled(&self) -> Option<Settled> {
        match text(&self.headers, "x-openwhisk-accepted")? {
            "no" => Some(Settled::No),
            "unknown" => Some(Settled::Unknown),
            _ => None,
        }
    }

    /// Whether a record is missing only because the activation still runs:
    /// `X-OpenWhisk-Activation-State: open`.
    #[must_use]
    pub fn is_open(&self) -> bool {
        text(&self.headers, "x-openwhisk-activation-state") == Some("open")
    }

    /// The id of the activation that there may be: `X-OpenWhisk-Activation-Id`.
    #[must_use]
    pub fn activation_id(&self) -> Option<&str> {
        text(&self.headers, ACTIVATION_ID)
    }

    /// In how many seconds to try again: `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        text(&self.headers, "retry-after")?.parse().ok()
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {})", self.text, self.code)
    }
}

pub(super) const ACTIVATION_ID: &str = "x-openwhisk-activation-id";

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The beginning of a body that is not what it should be.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() { "it is empty".to_owned() } else { text.chars().take(200).collect() }
}
