//! Accepts connections, hands their requests on, and ends them when the server stops.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use daemon::clock::Clock;
use daemon::random::Random;
use http::header::HeaderValue;
use http::{Request, Response};
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{Config, edge};

/// How long connections may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(3);
/// After a failed accept (no file descriptors, mostly) nothing is accepted for so long.
const REST: Duration = Duration::from_millis(50);

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No random numbers for transaction ids.
    #[error("draw random numbers")]
    Random(#[from] daemon::random::Unavailable),
}

type Answer = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

struct Edge<S> {
    service: S,
    config: Config,
    random: Random,
    open: AtomicU64,
}

/// Serves `service` on `listener` until `stop`; then connections finish what they are at.
///
/// # Errors
/// [`Error`], at once or not at all.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    config: Config,
    clock: Clock,
    stop: CancellationToken,
) -> Result<(), Error>
where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let random = Random::system()?;
    let edge = Arc::new(Edge { service, config, random, open: AtomicU64::new(0) });
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! { // accept is cancel-safe
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => connection(&edge, &graceful, stream),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                clock.sleep(REST).await;
            }
        }
    }
    drop(listener);
    let until = clock.now() + GRACE;
    if clock.within(until, graceful.shutdown()).await.is_none() {
        tracing::warn!("connections were cut: they did not end in time");
    }
    Ok(())
}

fn connection<S, B>(edge: &Arc<Edge<S>>, graceful: &GracefulShutdown, stream: TcpStream)
where
    S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
        return;
    }
    let held = Held::new(edge);
    let is_one_too_many = held.number > edge.config.connections;
    let this = Arc::clone(edge);
    let service = service_fn(move |request| {
        let this = Arc::clone(&this);
        async move { Ok::<_, Infallible>(this.answer(request, is_one_too_many).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(edge.config.head_seconds))
        .max_buf_size(edge.config.head_bytes.as_usize().max(8192))
        .pipeline_flush(true);
    let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
    // Ends with its connection, which `graceful` watches; a panic of a handler is caught inside.
    tokio::spawn(async move {
        let _held = held;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

/// Counts one connection while it is open.
struct Held<S> {
    edge: Arc<Edge<S>>,
    number: u64,
}

impl<S> Held<S> {
    fn new(edge: &Arc<Edge<S>>) -> Self {
        let number = edge.open.fetch_add(1, Ordering::Relaxed) + 1;
        Self { edge: Arc::clone(edge), number }
    }
}

impl<S> Drop for Held<S> {
    fn drop(&mut self) {
        self.edge.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S> Edge<S> {
    async fn answer<B>(&self, mut request: Request<Incoming>, refuse: bool) -> Response<Answer>
    where
        S: tower::Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let id = edge::transaction_id(request.headers(), &self.random);
        if refuse {
            return boxed(edge::too_many_connections(self.config.connections, &id));
        }
        let length = request.uri().path_and_query().map_or(0, |it| it.as_str().len());
        if length as u64 > self.config.uri_length {
            return boxed(edge::uri_too_long(&id));
        }
        request.headers_mut().insert(edge::REQUEST_ID, id.clone());
        let mut response = match self.service.clone().oneshot(request).await {
            Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
            Err(never) => match never {},
        };
        keep_id(&mut response, id);
        response
    }
}

fn keep_id<B>(response: &mut Response<B>, id: HeaderValue) {
    response.headers_mut().entry(edge::REQUEST_ID).or_insert(id);
}

fn boxed<B>(response: Response<B>) -> Response<Answer>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}
