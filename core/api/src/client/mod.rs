//! A typed client of the REST API, over HTTP.
//!
//! One [`Client`] shares one pool of connections among its clones; [`Client::with_header`] makes
//! a clone that adds a header to each request, such as `Idempotency-Key`. A call that is dropped
//! closes its connection; what the server already accepted goes on there.
//!
//! Nothing is sent twice: whoever wants to repeat a request looks at [`Error`] and decides.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;

use model::json::Json;

use crate::activation::{History, Record, Response, Summary, read};
use crate::entity;

mod answer;
mod call;
mod name;
mod socket;

pub use self::answer::{Answer, Refusal, Settled};
pub use self::call::{Cancelled, Filter, Invocation, Invoke, Page};
pub use self::name::{BadName, Name};

pub(crate) use self::name::segment;
use self::socket::Socket;

/// How long idle connections are kept: less than the server does, so that a request seldom meets
/// one that is being closed.
const IDLE: Duration = Duration::from_secs(30);

/// Speaks to one server, with one key.
#[derive(Clone)]
pub struct Client {
    /// What people call it.
    address: String,
    /// What paths are put behind.
    base: String,
    headers: HeaderMap,
    patience: Option<Duration>,
    observer: Option<Observer>,
    way: Way,
}

/// How the server is reached, with connections that wait for another request.
#[derive(Clone)]
enum Way {
    Tcp(Pool<HttpConnector, Full<Bytes>>),
    Socket(Pool<Socket, Full<Bytes>>),
}

/// Is told of each exchange when it is over.
pub type Observer = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;

/// One request with what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The method.
    pub method: &'a Method,
    /// Address and path.
    pub url: &'a str,
    /// What was sent.
    pub body: Option<&'a Bytes>,
    /// What came.
    pub outcome: Result<&'a Answer, &'a Error>,
}

/// Why no client can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The address is not one.
    #[error("'{0}' is not the address of a server, such as http://127.0.0.1:3233")]
    Address(String),
    /// The address asks for TLS.
    #[error("'{0}' needs TLS, which this client does not speak")]
    Tls(String),
    /// A header, or the key, has characters that no header may have.
    #[error("the value of '{0}' has characters that an HTTP header cannot carry")]
    Header(String),
}

/// Why a call brought nothing. After [`Error::Unreachable`] and most of [`Error::Refused`] nothing
/// was done; after [`Error::Broken`] and [`Error::Late`] nobody here knows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection: the request was never sent.
    #[error("no server answers at {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    /// The connection ended before the answer did.
    #[error("the connection to {address} broke before the answer was complete")]
    Broken {
        /// Where.
        address: String,
        /// How.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("{address} gave no answer within {} s", .patience.as_secs_f32())]
    Late {
        /// Where.
        address: String,
        /// How long we waited.
        patience: Duration,
    },
    /// The server said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The server answered with something else than the contract says.
    #[error("status {status} with a body that is not what was asked for: {why}")]
    Unexpected {
        /// Its status.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
    /// The path is not one: nothing was sent.
    #[error("'{0}' is no path")]
    Path(String),
}

impl Error {
    /// Whether the same request may succeed later. Says nothing about whether this one was done:
    /// see [`Refusal::settled`].
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Late { .. } => true,
            Self::Refused(refusal) => matches!(refusal.status, 429 | 503),
            Self::Unexpected { .. } | Self::Path(_) => false,
        }
    }

    /// The status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Unexpected { status, .. } => Some(*status),
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Late { .. } | Self::Path(_) => {
                None
            }
        }
    }
}

impl Client {
    /// A client of the server at `address`, such as `http://127.0.0.1:3233`. Without a scheme only
    /// an address of this machine is taken: a key is never sent in clear by accident.
    ///
    /// # Errors
    /// [`Unusable::Address`], [`Unusable::Tls`].
    pub fn new(address: &str) -> Result<Self, Unusable> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let address = base(address)?;
        let way = Way::Tcp(builder().build(connector));
        Ok(Self { base: address.clone(), address, way, ..Self::bare(Path::new("")) })
    }

    /// A client of the server behind a socket of this machine.
    #[must_use]
    pub fn at_socket(path: &Path) -> Self {
        Self::bare(path)
    }

    fn bare(socket: &Path) -> Self {
        let mut headers = HeaderMap::new();
        let agent = concat!("quirl/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        Self {
            address: socket.display().to_string(),
            // A request has to name a host; nobody looks it up.
            base: "http://localhost".to_owned(),
            headers,
            patience: None,
            observer: None,
            way: Way::Socket(builder().build(Socket::at(socket))),
        }
    }

    /// The same with a key, `uuid:secret`.
    ///
    /// # Errors
    /// [`Unusable::Header`].
    pub fn with_key(mut self, key: &str) -> Result<Self, Unusable> {
        let key = base64::engine::general_purpose::STANDARD.encode(key.trim());
        let mut value = HeaderValue::from_str(&format!("Basic {key}"))
            .map_err(|_| Unusable::Header(AUTHORIZATION.to_string()))?;
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
        Ok(self)
    }

    /// The same with one more header on each request.
    ///
    /// # Errors
    /// [`Unusable::Header`].
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, Unusable> {
        let bad = || Unusable::Header(name.to_owned());
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        self.headers.insert(parsed, HeaderValue::from_str(value).map_err(|_| bad())?);
        Ok(self)
    }

    /// The same, waiting no longer than this for each answer. A new client waits without end.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// The same, telling `observer` of each exchange.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Where the server is: scheme, host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request and returns whatever is answered. `path` begins with `/` and is sent as it
    /// is, query included. A body is sent as `application/json` unless a header says otherwise.
    ///
    /// # Errors
    /// [`Error::Path`] and all that say that there is no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let url = format!("{}{path}", self.base);
        let outcome = self.sent(&method, &url, path, body.as_ref()).await;
        if let Some(observer) = &self.observer {
            let outcome = outcome.as_ref();
            observer(&Exchange { method: &method, url: &url, body: body.as_ref(), outcome });
        }
        outcome
    }

    async fn sent(
        &self,
        method: &Method,
        url: &str,
        path: &str,
        body: Option<&Bytes>,
    ) -> Result<Answer, Error> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(url)
            .body(Full::new(body.cloned().unwrap_or_default()))
            .map_err(|_| Error::Path(path.to_owned()))?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let Some(patience) = self.patience else { return self.exchange(request).await };
        match tokio::time::timeout(patience, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Late { address: self.address.clone(), patience }),
        }
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, Error> {
        let address = || self.address.clone();
        let answer = match &self.way {
            Way::Tcp(pool) => pool.request(request).await,
            Way::Socket(pool) => pool.request(request).await,
        };
        let answer = answer.map_err(|source| {
            if source.is_connect() {
                Error::Unreachable { address: address(), source }
            } else {
                Error::Broken { address: address(), source: source.into() }
            }
        })?;
        let (head, body) = answer.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|source| Error::Broken { address: address(), source: source.into() })?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.send(Method::GET, path, None).await?.decoded()
    }

    /// Creates an action, or with `overwrite` changes it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_action(
        &self,
        name: &Name,
        action: &entity::Put,
        overwrite: bool,
    ) -> Result<entity::Action, Error> {
        let path = format!("{}?overwrite={overwrite}", name.path("actions"));
        let body = Bytes::from(entity::bytes(action));
        self.send(Method::PUT, &path, Some(body)).await?.decoded()
    }

    /// Reads an action, with its code or without.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn action(&self, name: &Name, code: bool) -> Result<entity::Action, Error> {
        Ok(self.described_action(name, code).await?.0)
    }

    /// Reads an action, and from what its instances begin, as far as the server knows: `image` or
    /// `eval`, of a script.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn described_action(
        &self,
        name: &Name,
        code: bool,
    ) -> Result<(entity::Action, Option<String>), Error> {
        let path = format!("{}?code={code}", name.path("actions"));
        let answer = self.send(Method::GET, &path, None).await?;
        let start = answer.header("x-openwhisk-start").map(str::to_owned);
        Ok((answer.decoded()?, start))
    }

    /// Deletes an action; returns what it was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_action(&self, name: &Name) -> Result<entity::Action, Error> {
        self.send(Method::DELETE, &name.path("actions"), None).await?.decoded()
    }

    /// Lists the actions of a namespace, or of a package in it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn actions(
        &self,
        namespace: &str,
        package: Option<&str>,
        page: Page,
    ) -> Result<Vec<entity::Summary>, Error> {
        let namespace = name::segment(namespace);
        let package = package.map(|name| format!("/{}/", name::segment(name))).unwrap_or_default();
        let Page { limit, skip } = page;
        let path =
            format!("/api/v1/namespaces/{namespace}/actions{package}?limit={limit}&skip={skip}");
        self.get(&path).await
    }

    /// Invokes an action. That the action failed is no error here; it is an [`Invocation`] that
    /// says so.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn invoke(
        &self,
        name: &Name,
        payload: &Json,
        how: Invoke,
    ) -> Result<Invocation, Error> {
        let path = format!("{}{}", name.path("actions"), how.query());
        let answer = self.send(Method::POST, &path, Some(payload.as_bytes().clone())).await?;
        Invocation::try_from(answer)
    }

    /// Lists activations of the own namespace, newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn activations(&self, filter: &Filter) -> Result<Vec<Summary>, Error> {
        self.get(&filter.path(false)).await
    }

    /// The same with full records.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn records(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        self.get(&filter.path(true)).await
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Error`]; a refusal with [`Refusal::is_open`] says that the activation has not ended.
    pub async fn activation(&self, id: &str) -> Result<Record, Error> {
        self.get(&activation(id, "")).await
    }

    /// Reads how an activation ended.
    ///
    /// # Errors
    /// As [`Client::activation`].
    pub async fn result(&self, id: &str) -> Result<Response, Error> {
        self.get(&activation(id, "/result")).await
    }

    /// Reads the log lines of an activation.
    ///
    /// # Errors
    /// As [`Client::activation`].
    pub async fn logs(&self, id: &str) -> Result<Vec<String>, Error> {
        self.get::<read::Logs>(&activation(id, "/logs")).await.map(|answer| answer.logs)
    }

    /// Reads what happened to an activation, ended or not.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn history(&self, id: &str) -> Result<History, Error> {
        self.get(&activation(id, "/history")).await
    }

    /// Ends an activation, unless it has ended.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cancel(&self, id: &str) -> Result<Cancelled, Error> {
        let answer = self.send(Method::POST, &activation(id, "/cancel"), None).await?;
        if answer.status == 202 {
            return answer.decoded::<read::Accepted>().map(|_| Cancelled::Now);
        }
        answer.decoded().map(|record| Cancelled::EndedBefore(Box::new(record)))
    }

    /// The namespaces of the key.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn namespaces(&self) -> Result<Vec<String>, Error> {
        self.get("/api/v1/namespaces").await
    }

    /// What the server says about its API: an object with `build`, `buildno` and more.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn info(&self) -> Result<Json, Error> {
        self.get("/api/v1").await
    }

    /// Whether the server takes new work. An answer of any kind is no error.
    ///
    /// # Errors
    /// [`Error`] if there is no answer.
    pub async fn is_ready(&self) -> Result<bool, Error> {
        Ok(self.send(Method::GET, "/ready", None).await?.status == 200)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers may hold a key.
        f.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Connections that are kept for a while, and nothing that is done behind our back.
fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Pool::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
    // A request that met a dying connection is reported, not sent again.
    builder.retry_canceled_requests(false);
    builder
}

/// Activations are always read in the namespace of the key.
fn activation(id: &str, what: &str) -> String {
    format!("/api/v1/namespaces/_/activations/{}{what}", name::segment(id))
}

/// Scheme, host and port of an address as people write it.
fn base(address: &str) -> Result<String, Unusable> {
    let text = address.trim();
    let bad = || Unusable::Address(address.to_owned());
    let whole = if text.contains("://") { text.to_owned() } else { format!("none://{text}") };
    let uri: http::Uri = whole.parse().map_err(|_| bad())?;
    let authority = uri.authority().ok_or_else(bad)?;
    let plain = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    if !plain || authority.host().is_empty() {
        return Err(bad());
    }
    match uri.scheme_str() {
        Some("http") => Ok(format!("http://{authority}")),
        Some("none") if is_here(authority.host()) => Ok(format!("http://{authority}")),
        Some("https" | "none") => Err(Unusable::Tls(address.to_owned())),
        _ => Err(bad()),
    }
}

fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
