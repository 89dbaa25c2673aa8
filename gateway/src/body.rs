//! Request bodies on their way inside: bounded, and read to their end even if nobody wants them.
//!
//! A connection that is closed while data of its client is still coming in is reset, and the client
//! may lose the answer that was already sent. So what a handler leaves of a larger body is read and
//! thrown away, for a while, before its answer goes out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use daemon::clock::Clock;
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::oneshot;

/// Bodies up to here are left to the connection: they are in its buffer already.
const SMALL: u64 = 8 << 10;
/// What is thrown away of one body, at most.
const MOST: u64 = 128 << 20;
/// How long that may take.
const TIME: Duration = Duration::from_secs(10);

/// The body of a request, at most as large as bodies may be.
///
/// One that is larger ends in an [`io::ErrorKind::FileTooLarge`].
pub struct Passed {
    body: Option<Incoming>,
    left: u64,
    back: Option<oneshot::Sender<Incoming>>,
}

/// What is left of a body when a handler is done with it.
pub(crate) struct Rest(Option<oneshot::Receiver<Incoming>>);

impl Passed {
    /// The request with a body of at most `most` bytes, and what will be left of it.
    pub(crate) fn split(request: Request<Incoming>, most: u64) -> (Request<Self>, Rest) {
        let watched = is_large(request.headers()) && !request.body().is_end_stream();
        let (back, rest) = if watched {
            let (back, rest) = oneshot::channel();
            (Some(back), Rest(Some(rest)))
        } else {
            (None, Rest(None))
        };
        (request.map(|body| Self { body: Some(body), left: most, back }), rest)
    }
}

/// A client that waits for `100 Continue` sends nothing before: nothing is in the way.
fn is_large(headers: &HeaderMap) -> bool {
    if headers.contains_key(header::EXPECT) {
        return false;
    }
    match headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()) {
        Some(length) => length.trim().parse::<u64>().is_ok_and(|length| length > SMALL),
        None => headers.contains_key(header::TRANSFER_ENCODING),
    }
}

impl Rest {
    /// Reads what is left and throws it away.
    pub(crate) async fn drained(self, clock: &Clock) {
        let Some(rest) = self.0 else { return };
        // Nothing comes back of a body that was read to its end.
        let Ok(body) = rest.await else { return };
        let mut rest = Self::thrown_away(body);
        let all = async { while let Some(Ok(_)) = rest.frame().await {} };
        // Late or too much: the connection is closed over it, as it would have been at once.
        let _in_time = clock.within(clock.now() + TIME, all).await;
    }

    fn thrown_away(body: Incoming) -> Passed {
        Passed { body: Some(body), left: MOST, back: None }
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take())
            && !body.is_end_stream()
        {
            // Whoever waited for it may be gone with its connection.
            let _connection_is_gone = back.send(body);
        }
    }
}

impl Body for Passed {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let Some(frame) = ready!(Pin::new(body).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = frame?;
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(left) = self.left.checked_sub(length) else {
            let text = "the request body is larger than bodies may be";
            return Poll::Ready(Some(
                Err(io::Error::new(io::ErrorKind::FileTooLarge, text).into()),
            ));
        };
        self.left = left;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
