//! One request over one connection: connects, sends, reads, closes. Decides nothing.

use std::convert::Infallible;
use std::error::Error as _;
use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use http::HeaderMap;
use http::header::LOCATION;
use http::response::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use model::size::ByteSize;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Position;

use super::coding;
use super::hop::Hop;
use super::redirect::Trail;
use super::{Error, Judged, Response};

/// What a head of a response may take.
const MAX_HEAD: usize = 64 << 10;
/// Headers in it.
const MAX_HEADERS: usize = 512;
/// How long one of several addresses is tried at most.
const MAX_CONNECT: Duration = Duration::from_secs(10);
/// How the library calls errors of the system that it has no word for.
const UNKNOWN: &str = "uncategorized error";

/// What one exchange led to.
pub(super) enum Answer {
    /// For the caller.
    Here(Response),
    /// To be judged, and asked next.
    Elsewhere(Hop),
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens connections and speaks HTTP/1.1 over them.
pub(super) struct Client {
    tls: TlsConnector,
    patience: Duration,
    max_response: ByteSize,
}

impl Client {
    pub(super) fn new(tls: ClientConfig, patience: Duration, max_response: ByteSize) -> Self {
        Self { tls: TlsConnector::from(Arc::new(tls)), patience, max_response }
    }

    /// Sends one request, once, to the first of its addresses that takes the connection.
    pub(super) async fn exchange(&self, judged: &Judged, trail: Trail) -> Result<Answer, Error> {
        let hop = &judged.hop;
        let request = hop.to_wire()?;
        let stream = self.connect(hop, &judged.addresses).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_header_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(hop, &error))?;
        let answer = async {
            let response = sender.send_request(request).await;
            let (head, body) = response.map_err(|error| broken(hop, &error))?.into_parts();
            let status = head.status.as_u16();
            if !(200..600).contains(&status) {
                return Err(failed(hop, &format!("{status} is not the status of an answer")));
            }
            let location = head.headers.get(LOCATION).map(|location| location.as_bytes());
            match trail.next(hop, status, location)? {
                Some(next) => Ok(Answer::Elsewhere(next)),
                None => self.response(hop, head, body, trail).await.map(Answer::Here),
            }
        };
        // The connection moves only while it is polled. Its own end says nothing that the answer
        // does not say better.
        let connection = async {
            let _ = connection.await;
            future::pending::<Infallible>().await
        };
        tokio::select! {
            answer = answer => answer,
            never = connection => match never {},
        }
    }

    async fn connect(&self, hop: &Hop, addresses: &[SocketAddr]) -> Result<Box<dyn Stream>, Error> {
        let stream = self.connect_tcp(hop, addresses).await?;
        if !hop.is_https() {
            return Ok(Box::new(stream));
        }
        let name = hop.host().trim_matches(['[', ']']).to_owned();
        let tls = |why: &str| failed(hop, &format!("TLS: {why}"));
        let name = ServerName::try_from(name).map_err(|error| tls(&error.to_string()))?;
        let stream = self.tls.connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| tls(&error.to_string()))?))
    }

    /// Tries the addresses one after the other. So far nothing was sent, so that is not a repetition.
    async fn connect_tcp(&self, hop: &Hop, addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
        let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let patience =
            if count == 1 { self.patience } else { MAX_CONNECT.min(self.patience / count) };
        let mut last = failed(hop, "no address");
        for address in addresses {
            let why = match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Small requests go out at once; without it they are only slower.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => in_words(&error),
                Err(_) => format!("no answer within {} ms", patience.as_millis()),
            };
            last = Error::Failed(format!("fetch failed: connect {address}: {why}"));
        }
        Err(last)
    }

    async fn response(
        &self,
        hop: &Hop,
        head: Parts,
        body: Incoming,
        trail: Trail,
    ) -> Result<Response, Error> {
        let body = self.read(hop, body).await?;
        let body = self.decode(hop, &head.headers, body).await?;
        let reason = head.extensions.get::<ReasonPhrase>().map(|reason| latin1(reason.as_bytes()));
        let canonical = || head.status.canonical_reason().unwrap_or_default().to_owned();
        Ok(Response {
            status: head.status.as_u16(),
            status_text: reason.unwrap_or_else(canonical),
            url: hop.url[..Position::AfterQuery].to_owned(),
            redirected: trail.followed > 0,
            headers: in_pairs(&head.headers),
            body,
        })
    }

    async fn read(&self, hop: &Hop, mut body: Incoming) -> Result<Bytes, Error> {
        let max = self.max_response.as_u64();
        let announced = body.size_hint().lower();
        if announced > max {
            return Err(self.too_large(hop));
        }
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(hop, &error))?;
            let Some(data) = frame.data_ref() else { continue };
            if (all.len() + data.len()) as u64 > max {
                return Err(self.too_large(hop));
            }
            all.extend_from_slice(data);
        }
        Ok(all.freeze())
    }

    async fn decode(&self, hop: &Hop, headers: &HeaderMap, body: Bytes) -> Result<Bytes, Error> {
        let told = |error| match error {
            coding::Error::TooLarge => self.too_large(hop),
            coding::Error::Broken => failed(hop, "the body is not compressed as its headers say"),
            coding::Error::TooMany => failed(hop, "the body is compressed too often"),
        };
        let codings = coding::codings(headers).map_err(told)?;
        if codings.is_empty() || body.is_empty() {
            return Ok(body);
        }
        let max = self.max_response.as_u64();
        let decoding = tokio::task::spawn_blocking(move || coding::decode(&codings, body, max));
        decoding.await.map_err(|error| failed(hop, &error.to_string()))?.map_err(told)
    }

    fn too_large(&self, hop: &Hop) -> Error {
        let (host, max) = (hop.host(), self.max_response.as_u64());
        Error::TooLarge(format!(
            "The response of {host} is larger than {max} bytes (egress.max-response)."
        ))
    }
}

fn failed(hop: &Hop, why: &str) -> Error {
    Error::Failed(format!("fetch failed: {}: {why}", hop.host()))
}

fn broken(hop: &Hop, error: &hyper::Error) -> Error {
    let cause = error.source().map(|cause| match cause.downcast_ref::<io::Error>() {
        Some(error) => in_words(error),
        None => cause.to_string(),
    });
    let text = error.to_string();
    match cause.filter(|cause| !text.contains(cause.as_str())) {
        Some(cause) => failed(hop, &format!("{text}: {cause}")),
        None => failed(hop, &text),
    }
}

/// `connection refused` rather than `Connection refused (os error 111)`, where there is a word for it.
fn in_words(error: &io::Error) -> String {
    let word = error.raw_os_error().map(|_| error.kind().to_string());
    word.filter(|word| word != UNKNOWN).unwrap_or_else(|| error.to_string())
}

fn in_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), latin1(value.as_bytes()))
    };
    headers.iter().map(pair).collect()
}

/// Bytes as characters of the same number, as JavaScript has headers.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
