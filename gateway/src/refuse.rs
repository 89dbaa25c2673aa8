//! What the edge refuses by itself.
//!
//! Source of the texts: `rest-errors.tsv`, rows "HTTP layer"; `own.tsv`, "Bound: connections".

use api::transaction::REQUEST_ID;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;

const ACCEPTED: HeaderName = HeaderName::from_static("x-openwhisk-accepted");

/// Why a request does not get past the edge. Its connection is closed behind the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The announced body is too large.
    Body,
    /// Path and query are too long.
    Uri,
    /// There are as many connections as there may be.
    Connections(u32),
}

impl Refusal {
    /// The answer, under this transaction id.
    pub(crate) fn response(self, transaction: &HeaderValue) -> Response<Full<Bytes>> {
        let (status, text) = match self {
            Self::Body => (StatusCode::PAYLOAD_TOO_LARGE, "Request too large".to_owned()),
            Self::Uri => (StatusCode::URI_TOO_LONG, "414 Request-URI Too Large".to_owned()),
            Self::Connections(max) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "Too many connections are open on this server ({max}); close idle ones or try \
                     again in a moment."
                ),
            ),
        };
        let code = String::from_utf8_lossy(transaction.as_bytes());
        let mut response = Response::new(Full::new(api::error::body(&code, &text).into()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, transaction.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        match self {
            Self::Body | Self::Uri => {}
            Self::Connections(_) => {
                headers.insert(ACCEPTED, HeaderValue::from_static("no"));
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
        }
        response
    }
}
