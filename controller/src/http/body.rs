//! Reading request bodies: sizes, types, time, and how much of them all there may be at once.
//!
//! Source: `rest-api.md` §§1.4, 1.6, 1.7; `own.tsv`, "Bound: request bodies in flight".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use model::json::{BadJson, Json};
use model::limits::MAX_PAYLOAD;

/// A request body, whoever carries it.
pub type Incoming = axum::body::Body;

/// The largest body at all: 50 MB as upstream counts them.
pub const MAX_BODY: u64 = 50 << 20;
/// Bodies up to here are not counted against the bound.
const SMALL: u64 = 1 << 20;
/// How long a body may take.
pub const TIME: Duration = Duration::from_secs(30);

/// Why a body is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// Beyond what the HTTP layer takes.
    #[error("Request too large")]
    TooLarge,
    /// Beyond what an invoke takes.
    #[error("Request larger than allowed: {size} > {most} bytes.")]
    Payload {
        /// As it was announced, or came.
        size: u64,
        /// The most.
        most: u64,
    },
    /// Not JSON by its type.
    #[error("The request's Content-Type [{0}] is not supported. Expected:\napplication/json")]
    Type(String),
    /// Not JSON, or not the JSON that is wanted.
    #[error("The request content was malformed:\n{0}")]
    Malformed(String),
    /// Bodies of all requests together hold too much.
    #[error(
        "Too many request bodies are on their way to this server ({used} of {max} bytes); try \
         again in a moment."
    )]
    InFlight {
        /// With this one.
        used: u64,
        /// The bound.
        max: u64,
    },
}

impl From<BadJson> for BadBody {
    fn from(bad: BadJson) -> Self {
        Self::Malformed(bad.to_string())
    }
}

/// A body of the wrong shape.
#[must_use]
pub fn malformed(reason: impl Into<String>) -> BadBody {
    BadBody::Malformed(reason.into())
}

/// What all larger bodies may hold together.
#[derive(Clone, Debug)]
pub struct InFlight {
    used: Arc<AtomicU64>,
    max: u64,
}

/// Room for one body; given back on drop.
#[derive(Debug)]
struct Room {
    of: InFlight,
    bytes: u64,
}

impl InFlight {
    /// At most so many bytes.
    #[must_use]
    pub fn new(max: u64) -> Self {
        Self { used: Arc::new(AtomicU64::new(0)), max }
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The bound.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }
}

impl Room {
    /// Makes it so large that it holds `bytes`.
    fn grow_to(&mut self, bytes: u64) -> Result<(), BadBody> {
        if bytes <= SMALL || bytes <= self.bytes {
            return Ok(());
        }
        let more = bytes - self.bytes;
        let used = self.of.used.fetch_add(more, Ordering::Relaxed) + more;
        self.bytes = bytes;
        if used > self.of.max {
            return Err(BadBody::InFlight { used, max: self.of.max });
        }
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.of.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What `make` makes of the body of an entity. A large one is parsed where it holds nobody up.
///
/// # Errors
/// [`BadBody`], in the order of the contract.
pub async fn entity<T: Send + 'static>(
    headers: &HeaderMap,
    body: Incoming,
    in_flight: &InFlight,
    make: impl FnOnce(&Json) -> Result<T, BadBody> + Send + 'static,
) -> Result<T, BadBody> {
    let body = read(headers, body, in_flight, None).await?;
    if !body.is_empty() {
        is_json(headers)?;
    }
    let length = body.len() as u64;
    let parse = move || make(&Json::parse(&body)?);
    if length <= SMALL {
        return parse();
    }
    match tokio::task::spawn_blocking(parse).await {
        Ok(parsed) => parsed,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(malformed("The server stopped while it read the request body.")),
        },
    }
}

/// What `make` makes of a body that is as small as a payload has to be.
///
/// # Errors
/// [`BadBody`], in the order of the contract.
pub async fn small_entity<T>(
    headers: &HeaderMap,
    body: Incoming,
    in_flight: &InFlight,
    make: impl FnOnce(&Json) -> Result<T, BadBody>,
) -> Result<T, BadBody> {
    let body = payload(headers, body, in_flight, MAX_PAYLOAD).await?;
    if !body.is_empty() {
        is_json(headers)?;
    }
    make(&Json::parse(&body)?)
}

/// The bytes of the payload of an invoke or a fire, at most `most`, not yet looked into.
///
/// # Errors
/// [`BadBody::Payload`] and those of reading.
pub async fn payload(
    headers: &HeaderMap,
    body: Incoming,
    in_flight: &InFlight,
    most: u64,
) -> Result<Bytes, BadBody> {
    if let Some(size) = content_length(headers)
        && size > most
    {
        return Err(BadBody::Payload { size, most });
    }
    read(headers, body, in_flight, Some(most)).await
}

/// The arguments in a payload: none at all, or an object.
///
/// # Errors
/// [`BadBody::Type`], [`BadBody::Malformed`].
pub fn arguments(headers: &HeaderMap, payload: &[u8]) -> Result<Json, BadBody> {
    if payload.is_empty() {
        return Ok(Json::empty_object());
    }
    is_json(headers)?;
    let json = Json::parse(payload)?;
    match json.kind() {
        model::json::Kind::Object => Ok(json),
        _ => Err(malformed("JSON object expected")),
    }
}

/// Reads to the end, in time. Beyond `keep` bytes are counted and dropped: the refusal tells how
/// many came.
async fn read(
    headers: &HeaderMap,
    mut body: Incoming,
    in_flight: &InFlight,
    keep: Option<u64>,
) -> Result<Bytes, BadBody> {
    use axum::body::HttpBody as _;
    let announced = content_length(headers);
    if announced.is_some_and(|length| length > MAX_BODY) {
        return Err(BadBody::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut room = Room { of: in_flight.clone(), bytes: 0 };
    room.grow_to(announced.unwrap_or(0))?;
    let all = async {
        let mut came = 0_u64;
        let mut first = Bytes::new();
        let mut more = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(error.into_inner().as_ref()))?;
            let Ok(data) = frame.into_data() else { continue };
            came += data.len() as u64;
            if came > MAX_BODY {
                return Err(BadBody::TooLarge);
            }
            if keep.is_some_and(|keep| came > keep) {
                continue;
            }
            room.grow_to(came)?;
            // Most bodies come in one piece: that is taken as it is.
            if first.is_empty() && more.is_empty() {
                first = data;
                continue;
            }
            if more.is_empty() {
                let announced = usize::try_from(announced.unwrap_or(0)).unwrap_or(0);
                more.reserve(announced.max(first.len() + data.len()));
                more.extend_from_slice(&first);
                first = Bytes::new();
            }
            more.extend_from_slice(&data);
        }
        match keep {
            Some(most) if came > most => Err(BadBody::Payload { size: came, most }),
            _ => Ok(if more.is_empty() { first } else { more.freeze() }),
        }
    };
    // A small body is there already when its head is: no timer is set for it.
    let mut all = std::pin::pin!(all);
    if let Poll::Ready(read) = futures::poll!(&mut all) {
        return read;
    }
    match tokio::time::timeout(TIME, all).await {
        Ok(read) => read,
        Err(_) => Err(malformed("The request body did not arrive within 30 seconds.")),
    }
}

fn broken(error: &(dyn std::error::Error + Send + Sync + 'static)) -> BadBody {
    // How the gateway ends a body that is larger than it lets pass.
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    if kind == Some(std::io::ErrorKind::FileTooLarge) {
        return BadBody::TooLarge;
    }
    malformed("The request body ended before it was complete.")
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// `application/json`, whatever its parameters; `+json` is another type.
fn is_json(headers: &HeaderMap) -> Result<(), BadBody> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let sent = sent.map(str::trim).filter(|sent| is_media_type(sent));
    match sent {
        Some(sent) if essence(sent).eq_ignore_ascii_case("application/json") => Ok(()),
        sent => Err(BadBody::Type(sent.unwrap_or("application/octet-stream").to_owned())),
    }
}

fn essence(media: &str) -> &str {
    media.split(';').next().unwrap_or(media).trim()
}

fn is_media_type(media: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
    };
    essence(media).split_once('/').is_some_and(|(main, sub)| token(main) && token(sub))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &'static str) -> Incoming {
        Incoming::from(text)
    }

    fn chunks(sizes: &[usize]) -> Incoming {
        let chunks = sizes.iter().map(|size| Ok::<_, BadBody>(Bytes::from(vec![b' '; *size])));
        Incoming::from_stream(futures::stream::iter(chunks.collect::<Vec<_>>()))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[tokio::test]
    async fn bodies_of_entities_are_judged_in_order() {
        let json = [("content-type", "application/json; charset=x")];
        for (sent, body, expected) in [
            (&json[..], "{\"a\" : 1}", Ok("{\"a\":1}")),
            (
                &[],
                "",
                Err(
                    "The request content was malformed:\nUnexpected end-of-input at line 1, column 1",
                ),
            ),
            (
                &json[..],
                "  ",
                Err(
                    "The request content was malformed:\nUnexpected end-of-input at line 1, column 3",
                ),
            ),
            (
                &[],
                "{}",
                Err(
                    "The request's Content-Type [application/octet-stream] is not supported. Expected:\napplication/json",
                ),
            ),
            (
                &[("content-type", "nonsense")],
                "{}",
                Err(
                    "The request's Content-Type [application/octet-stream] is not supported. Expected:\napplication/json",
                ),
            ),
            (
                &[("content-type", "application/vnd.x+json")],
                "{}",
                Err(
                    "The request's Content-Type [application/vnd.x+json] is not supported. Expected:\napplication/json",
                ),
            ),
            (&[("content-length", "52428801")], "", Err("Request too large")),
        ] {
            let text = |json: &Json| Ok(json.as_str().to_owned());
            let read = entity(&headers(sent), whole(body), &InFlight::new(0), text).await;
            let read = read.map_err(|bad| bad.to_string());
            assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned), "{body}");
        }
    }

    #[tokio::test]
    async fn payloads_are_bounded_by_what_is_announced_or_came() {
        let in_flight = InFlight::new(0);
        let announced = headers(&[("content-length", "1048577")]);
        let announced = payload(&announced, whole(""), &in_flight, MAX_PAYLOAD).await;
        let too_large = |size, most| Err(BadBody::Payload { size, most });
        assert_eq!(announced, too_large(1_048_577, MAX_PAYLOAD));
        let came = chunks(&[1 << 20, 5, 5]);
        let came = payload(&headers(&[]), came, &in_flight, MAX_PAYLOAD).await;
        assert_eq!(came, too_large((1 << 20) + 10, MAX_PAYLOAD));
        let set = payload(&headers(&[]), chunks(&[8, 3]), &in_flight, 10).await;
        assert_eq!(set, too_large(11, 10));
        let fits = chunks(&[1 << 19, 1 << 19]);
        let fits = payload(&headers(&[]), fits, &in_flight, MAX_PAYLOAD).await;
        assert_eq!(fits.unwrap().len(), 1 << 20);
        assert_eq!(in_flight.used(), 0);
    }

    #[tokio::test]
    async fn large_bodies_are_counted_while_they_are_read() {
        let in_flight = InFlight::new(3 << 20);
        let body = chunks(&[2 << 20, 2 << 20]);
        let read = entity(&headers(&[]), body, &in_flight, |json| Ok(json.clone())).await;
        assert_eq!(read, Err(BadBody::InFlight { used: 4 << 20, max: 3 << 20 }));
        assert_eq!(in_flight.used(), 0);
    }

    #[test]
    fn arguments_are_an_object_or_nothing() {
        let json = headers(&[("content-type", "application/json")]);
        let read = |text: &str| arguments(&json, text.as_bytes()).map_err(|bad| bad.to_string());
        assert_eq!(arguments(&headers(&[]), b""), Ok(Json::empty_object()));
        assert_eq!(read("{}"), Ok(Json::empty_object()));
        let object = "The request content was malformed:\nJSON object expected";
        assert_eq!(read("[1]"), Err(object.to_owned()));
        assert_eq!(read("null"), Err(object.to_owned()));
        assert!(read(" ").is_err());
    }
}
