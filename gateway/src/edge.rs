//! What every request meets first: its transaction id and the length of its URI. Pure.

use api::error;
use bytes::Bytes;
use daemon::random::Random;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;

/// Names one request across all logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ACCEPTED: HeaderName = HeaderName::from_static("x-openwhisk-accepted");
/// Ids that the platform gives to requests of its own begin so; nobody else may.
const RESERVED: &[u8] = b"sid_";

/// The transaction id of a request: the client's own, unless it is one of ours.
#[must_use]
pub fn transaction_id(headers: &HeaderMap, random: &Random) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(sent) if !sent.as_bytes().starts_with(RESERVED) => sent.clone(),
        _ => fresh(random),
    }
}

/// 32 letters and digits.
fn fresh(random: &Random) -> HeaderValue {
    const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789aA";
    let bytes: [u8; 32] = random.bytes();
    let text = bytes.map(|byte| LETTERS[usize::from(byte & 63)]);
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// 414.
#[must_use]
pub fn uri_too_long(id: &HeaderValue) -> Response<Full<Bytes>> {
    refusal(StatusCode::URI_TOO_LONG, "414 Request-URI Too Large", id)
}

/// The first answer of a connection too many; the connection is closed behind it.
#[must_use]
pub fn too_many_connections(max: u64, id: &HeaderValue) -> Response<Full<Bytes>> {
    let text = format!(
        "Too many connections are open on this server ({max}); close idle ones or try again in a \
         moment."
    );
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &text, id);
    let headers = response.headers_mut();
    headers.insert(ACCEPTED, HeaderValue::from_static("no"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn refusal(status: StatusCode, text: &str, id: &HeaderValue) -> Response<Full<Bytes>> {
    let code = String::from_utf8_lossy(id.as_bytes());
    let mut response = Response::new(Full::new(Bytes::from(error::body(&code, text))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REQUEST_ID, id.clone());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_id_is_adopted_unless_it_is_reserved() {
        let random = Random::seeded(1);
        let mut headers = HeaderMap::new();
        for (sent, adopted) in [("mine", true), ("", true), ("sid_x", false)] {
            headers.insert(REQUEST_ID, HeaderValue::from_static(sent));
            assert_eq!(transaction_id(&headers, &random) == sent, adopted, "{sent}");
        }
        headers.clear();
        let id = transaction_id(&headers, &random);
        assert!(id.len() == 32 && id.as_bytes().iter().all(u8::is_ascii_alphanumeric));
    }
}
