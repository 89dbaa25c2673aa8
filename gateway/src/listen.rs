//! The listener, and what serves one connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use api::transaction::id_of;
use bytes::Bytes;
use daemon::clock::Clock;
use daemon::random::{Random, Unavailable};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::body::Passed;
use crate::config::Config;
use crate::refuse::Refusal;
use crate::request::judge;
use crate::timer::HeadTimer;

/// So many connections beyond the bound are told why they are refused; more are just closed.
const TOLD: u32 = 64;
/// After an error of the listener (no file left to open, most likely) it rests so long.
const REST: Duration = Duration::from_millis(50);

/// How long connections may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(3);

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Transaction ids need chance.
    #[error(transparent)]
    Random(#[from] Unavailable),
}

/// Where connections come from.
pub trait Listener: Send + Sync {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next one. Cancel-safe: a connection is taken or not.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Makes a connection ready; and the address that the client connected to, if it has one.
    ///
    /// # Errors
    /// It is closed already.
    fn prepare(stream: &Self::Stream) -> io::Result<Option<SocketAddr>>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        Self::accept(self).await.map(|(stream, _)| stream)
    }

    fn prepare(stream: &TcpStream) -> io::Result<Option<SocketAddr>> {
        stream.set_nodelay(true)?;
        stream.local_addr().map(Some)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        Self::accept(self).await.map(|(stream, _)| stream)
    }

    fn prepare(_: &UnixStream) -> io::Result<Option<SocketAddr>> {
        Ok(None)
    }
}

type Answer = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Serves connections of `listener` until `stop`, then lets those requests end that have begun.
/// What `inner` sees has an `X-Request-ID`, a bounded URI and body, and as an extension the
/// [`SocketAddr`] that the client connected to, if it has one.
///
/// # Errors
/// [`Error`].
pub async fn serve<L, S, R>(
    listener: L,
    inner: S,
    config: Config,
    clock: Clock,
    stop: CancellationToken,
) -> Result<(), Error>
where
    L: Listener,
    S: Service<Request<Passed>, Response = Response<R>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let random = Random::system()?;
    let open = AtomicU32::new(0);
    let edge = Arc::new(Edge { config, random, clock: clock.clone(), open });
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! { // both arms are cancel-safe: a connection is taken or not
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "no connection could be taken");
                clock.sleep(REST).await;
                continue;
            }
        };
        let Some(place) = edge.take() else { continue };
        let edge = Arc::clone(&edge);
        let watcher = connections.watcher();
        let inner = inner.clone();
        tokio::spawn(async move {
            let served = connection::<L, _, _>(&edge, stream, &place, inner, watcher);
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    let until = clock.now() + GRACE;
    if clock.within(until, connections.shutdown()).await.is_none() {
        tracing::warn!("connections were cut: they did not end in time");
    }
    Ok(())
}

/// What all connections share.
struct Edge {
    config: Config,
    random: Random,
    clock: Clock,
    open: AtomicU32,
}

/// A place among the connections; given back on drop.
struct Place {
    edge: Arc<Edge>,
    /// Beyond the bound: its first request is told so.
    beyond: bool,
}

impl Edge {
    fn take(self: &Arc<Self>) -> Option<Place> {
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        let place = Place { edge: Arc::clone(self), beyond: open >= self.config.connections };
        (open < self.config.connections.saturating_add(TOLD)).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.edge.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection<L, S, R>(
    edge: &Arc<Edge>,
    stream: L::Stream,
    place: &Place,
    inner: S,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    L: Listener,
    S: Service<Request<Passed>, Response = Response<R>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let local = L::prepare(&stream)?;
    let beyond = place.beyond;
    let service = service_fn(|request: Request<Incoming>| {
        let edge = Arc::clone(edge);
        let inner = inner.clone();
        async move { Ok::<_, Infallible>(edge.request(request, inner, local, beyond).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(HeadTimer::default())
        .header_read_timeout(Duration::from_secs(edge.config.head_seconds))
        .max_buf_size(edge.config.head_bytes.as_usize().max(8 << 10))
        .pipeline_flush(true);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    Ok(watcher.watch(connection).await?)
}

impl Edge {
    async fn request<S, R>(
        &self,
        mut request: Request<Incoming>,
        mut inner: S,
        local: Option<SocketAddr>,
        beyond: bool,
    ) -> Response<Answer>
    where
        S: Service<Request<Passed>, Response = Response<R>, Error = Infallible>,
        R: Body<Data = Bytes> + Send + 'static,
        R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if beyond {
            let transaction = id_of(request.headers(), || self.random.bytes());
            return boxed(Refusal::Connections(self.config.connections).response(&transaction));
        }
        tracing::trace!("a request");
        let most = self.config.body_bytes.as_u64();
        if let Err((refusal, transaction)) = judge(&mut request, &self.config, &self.random) {
            let (request, rest) = Passed::split(request, most);
            drop(request);
            rest.drained(&self.clock).await;
            return boxed(refusal.response(&transaction));
        }
        if let Some(local) = local {
            request.extensions_mut().insert(local);
        }
        let (request, rest) = Passed::split(request, most);
        match std::future::poll_fn(|context| inner.poll_ready(context)).await {
            Ok(()) => {}
            Err(never) => match never {},
        }
        let response = match inner.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        rest.drained(&self.clock).await;
        boxed(response)
    }
}

fn boxed<R>(response: Response<R>) -> Response<Answer>
where
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}
