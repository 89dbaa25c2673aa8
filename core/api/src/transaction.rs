//! The id of a request, under which everything about it is found.
//!
//! Source: `rest-api.md` §1.4.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Where it stands in a request and in its answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The id that the client sent, as it is, or a fresh one of 32 letters and digits made from random
/// bytes: ids that begin with `sid_` are ours.
pub fn id_of(headers: &HeaderMap, random: impl FnOnce() -> [u8; 32]) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(sent) if !sent.as_bytes().starts_with(b"sid_") => sent.clone(),
        _ => {
            // Some letters are a little more likely than others: ids need to differ, not to be secret.
            let id = random().map(|byte| LETTERS[usize::from(byte) % LETTERS.len()]);
            HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("0"))
        }
    }
}
