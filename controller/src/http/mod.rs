//! The REST API: one request in, one response out, whatever happens in between.
//!
//! [`Server`] is a `tower::Service`; the gateway stands before it. A request is routed ([`route`]), its
//! caller found ([`auth`]), its parts become types ([`body`], [`query`], [`put`]); a handler per
//! collection does what is asked; [`respond`] turns every answer and every error into a status.
//!
//! Source: `rest-api.md` §1.

mod accept;
mod actions;
mod activations;
pub mod auth;
pub mod body;
mod list;
mod namespaces;
mod packages;
pub mod put;
pub mod query;
pub mod respond;
pub mod route;
mod rules;
mod service;
mod triggers;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use daemon::metrics::{Counter, Histogram, Label as _};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use model::identity::Identity;
use model::name::{BadName, EntityName, EntityPath, Namespace, QualifiedName};
use model::time::WallTime;

use crate::Controller;
use crate::owner::proposal::{Bound, Phase};
use crate::read::stored::Collection;
use auth::Sessions;
use body::{InFlight, Incoming};
use query::Query;
use respond::{Answer, Cors, JSON, Refusal, Response};
use route::{Open, Route, Verb};

/// The REST API of a controller. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Api>);

/// What handlers share.
pub struct Api {
    controller: Arc<Controller>,
    sessions: Sessions,
    in_flight: InFlight,
    /// The answer to `GET /`.
    root: Bytes,
    /// Whether anything can run here.
    sandboxes: bool,
    counted: RwLock<HashMap<Counted, Handles>>,
}

/// Route, method and status of requests that are counted together.
type Counted = (&'static str, Method, StatusCode);
/// How many there were, and how long they took.
type Handles = (Counter, Histogram);

/// A request without its body.
pub(crate) struct Asked<'a> {
    headers: &'a HeaderMap,
    query: Query<'a>,
    /// Path and query as they were sent.
    target: &'a str,
    transaction: &'a str,
    received: WallTime,
}

impl Asked<'_> {
    /// Whether the caller wants to see more than usual.
    fn extra_logging(&self) -> bool {
        let wish = self.headers.get("x-ow-extra-logging");
        wish.is_some_and(|wish| wish.as_bytes().eq_ignore_ascii_case(b"on"))
    }
}

impl Server {
    /// The API of `controller`.
    #[must_use]
    pub fn new(controller: Arc<Controller>) -> Self {
        let runs = |kind: &crate::runtimes::Kind| kind.drivers.iter().any(|d| d.missing.is_none());
        Self(Arc::new(Api {
            root: service::root(&controller.runtimes).into(),
            sandboxes: controller.runtimes.kinds().iter().any(runs),
            in_flight: InFlight::new(controller.config.request_bytes.as_u64()),
            sessions: Sessions::default(),
            counted: RwLock::default(),
            controller,
        }))
    }

    /// What is taken of the bound on request bodies, and that bound.
    #[must_use]
    pub fn bodies_in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }
}

impl<B> tower::Service<Request<B>> for Server
where
    B: axum::body::HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let api = Arc::clone(&self.0);
        let (parts, body) = request.into_parts();
        Box::pin(async move { Ok(api.answer(parts, Incoming::new(body)).await) })
    }
}

impl Api {
    async fn answer(&self, parts: http::request::Parts, body: Incoming) -> Response {
        let began = self.controller.clock.now();
        let random = || self.controller.random.bytes();
        let transaction = api::transaction::id_of(&parts.headers, random);
        let route = route::find(&parts.method, parts.uri.path());
        let label = route.label();
        tracing::trace!(route = label, "routed");
        let served = self.serve(route, &parts, &transaction, body);
        let response = match AssertUnwindSafe(served).catch_unwind().await {
            Ok(Ok(answer)) => answer.response(&transaction),
            Ok(Err(refusal)) => refusal.response(&transaction),
            Err(panic) => {
                tracing::error!(panic = text_of(panic.as_ref()), "a handler panicked");
                Refusal::panicked().response(&transaction)
            }
        };
        let took = self.controller.clock.now().since(began);
        let (count, time) = self.counted(label, &parts.method, response.status());
        count.inc();
        time.observe(took.as_secs_f64());
        response
    }

    async fn serve(
        &self,
        route: Route<'_>,
        parts: &http::request::Parts,
        transaction: &HeaderValue,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        let headers = &parts.headers;
        self.has_started(&route)?;
        let api = match route {
            Route::Api(api) => api,
            Route::Open(open) => {
                let kind = type_of(open);
                admits(headers, kind)?;
                return self.open(open, parts.extensions.get::<SocketAddr>());
            }
            Route::ApiOptions => return Ok(Answer::options(Cors::Entity)),
            Route::RootOptions => return Ok(Answer::options(Cors::Root)),
            Route::RootMethod => return Err(Refusal::method()),
            Route::Unknown => return Err(Refusal::no_route()),
            Route::UnknownApi => {
                self.caller(headers)?;
                return Err(Refusal::no_route());
            }
        };
        let caller = self.caller(headers)?;
        let transaction = String::from_utf8_lossy(transaction.as_bytes());
        let asked = Asked {
            headers,
            query: Query::new(parts.uri.query()),
            target: parts.uri.path_and_query().map_or("/", |target| target.as_str()),
            transaction: &transaction,
            received: self.controller.clock.wall(),
        };
        let served = self.dispatch(api, &caller, &asked, body).await;
        if let Err(refusal) = &served {
            self.count(refusal, &caller);
        }
        served
    }

    /// On whose behalf a request is.
    fn caller(&self, headers: &HeaderMap) -> Result<Arc<Identity>, Refusal> {
        let Controller { partition, minter, .. } = &*self.controller;
        Ok(self.sessions.authenticate(partition, minter, headers)?)
    }

    fn count(&self, refusal: &Refusal, caller: &Identity) {
        let metrics = &self.controller.metrics;
        match refusal.counted {
            None => {}
            Some(respond::Counted::Bound(bound)) => {
                metrics.bound_refused.of(bound).inc();
            }
            Some(respond::Counted::Throttle(throttle)) => {
                let namespace = caller.namespace.as_str();
                metrics.throttled.with([namespace, throttle.as_str()]).inc();
            }
        }
    }

    /// The future of an invocation is held here as it is, and those of all else in a box: the size
    /// of the largest is what every request costs.
    async fn dispatch(
        &self,
        api: route::Api<'_>,
        caller: &Identity,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        use route::Api as Is;
        let admits = || admits(asked.headers, JSON);
        match api {
            Is::Namespaces => admits().map(|()| Self::namespaces(caller)),
            Is::Runtimes => admits().map(|()| self.runtimes()),
            Is::Limits(namespace) => {
                let namespace = namespace_of(&namespace, caller)?;
                admits()?;
                Self::limits(caller, &namespace)
            }
            Is::LimitsInner(namespace) => {
                namespace_of(&namespace, caller)?;
                Err(Refusal::limits_inner())
            }
            Is::ListActions(namespace) => {
                let namespace = namespace_of(&namespace, caller)?;
                admits()?;
                Box::pin(self.list(Collection::Actions, caller, &namespace, asked)).await
            }
            Is::ListPackage(namespace, package) => {
                let namespace = namespace_of(&namespace, caller)?;
                let package = EntityName::new(&package)?;
                admits()?;
                Box::pin(self.list_package(caller, namespace, package, asked)).await
            }
            Is::List(of, namespace) => {
                let namespace = namespace_of(&namespace, caller)?;
                admits()?;
                Box::pin(self.list(of, caller, &namespace, asked)).await
            }
            Is::Entity(of, verb, namespace, name) => {
                let namespace = namespace_of(&namespace, caller)?;
                let path = EntityPath { package: None, name: EntityName::new(&name)? };
                admits()?;
                let name = QualifiedName { namespace, path };
                Box::pin(self.entity(of, verb, caller, &name, asked, body)).await
            }
            Is::Action(verb, namespace, package, name) => {
                let namespace = namespace_of(&namespace, caller)?;
                let package = package.map(|package| EntityName::new(&package)).transpose()?;
                let path = EntityPath { package, name: EntityName::new(&name)? };
                admits()?;
                let name = QualifiedName { namespace, path };
                self.action(verb, caller, &name, asked, body).await
            }
            Is::Stats(namespace) => {
                let namespace = namespace_of(&namespace, caller)?;
                admits()?;
                Box::pin(self.stats(caller, &namespace, asked)).await
            }
            Is::ListActivations(namespace) => {
                let namespace = namespace_of(&namespace, caller)?;
                admits()?;
                Box::pin(self.list_activations(caller, &namespace, asked)).await
            }
            Is::Activation(part, namespace, id) => {
                let namespace = namespace_of(&namespace, caller)?;
                admits()?;
                Box::pin(self.activation(part, caller, &namespace, &id)).await
            }
            Is::Cancel(namespace, id) => {
                let namespace = namespace_of(&namespace, caller)?;
                admits()?;
                Box::pin(self.cancel(caller, &namespace, &id)).await
            }
        }
    }

    /// One package, trigger or rule.
    async fn entity(
        &self,
        of: Collection,
        verb: Verb,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        match of {
            Collection::Actions => self.action(verb, caller, name, asked, body).await,
            Collection::Packages => self.package(verb, caller, name, asked, body).await,
            Collection::Triggers => self.trigger(verb, caller, name, asked, body).await,
            Collection::Rules => self.rule(verb, caller, name, asked, body).await,
        }
    }

    /// While the ledger is being read, nothing is known of anything.
    fn has_started(&self, route: &Route<'_>) -> Result<(), Refusal> {
        if let Route::Open(Open::Ping | Open::Ready | Open::Metrics) = route {
            return Ok(());
        }
        match self.controller.partition.phase() {
            Phase::Starting { percent } => Err(Bound::Starting { percent }.into()),
            Phase::Open | Phase::Stopping => Ok(()),
        }
    }

    fn counted(&self, route: &'static str, method: &Method, status: StatusCode) -> Handles {
        let key = (route, method.clone(), status);
        let known = self.counted.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            // Methods that a client made up all count as one.
            let method = if is_usual(method) { method.as_str() } else { "OTHER" };
            let metrics = &self.controller.metrics;
            let made = (
                metrics.http_requests.with([route, method, status.as_str()]),
                metrics.http_request_seconds.with([route, method]),
            );
            if method != "OTHER" {
                let mut counted = self.counted.write().unwrap_or_else(PoisonError::into_inner);
                counted.insert(key, made.clone());
            }
            made
        })
    }
}

fn is_usual(method: &Method) -> bool {
    let usual =
        [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::OPTIONS, Method::HEAD];
    usual.contains(method)
}

fn type_of(open: Open) -> &'static str {
    match open {
        Open::Ping | Open::Docs => respond::TEXT,
        Open::DocsPage => respond::HTML,
        Open::Metrics => daemon::metrics::CONTENT_TYPE,
        Open::Root
        | Open::ApiInfo
        | Open::ApiDocs
        | Open::RootDocs
        | Open::Ready
        | Open::Invokers
        | Open::InvokersHealthy
        | Open::InvokersReady
        | Open::Activation
        | Open::ActivationCount => JSON,
    }
}

fn admits(headers: &HeaderMap, available: &'static str) -> Result<(), Refusal> {
    // A collector of metrics asks for what it likes best; there is one form.
    if available == daemon::metrics::CONTENT_TYPE || accept::admits(headers, available) {
        Ok(())
    } else {
        Err(Refusal::not_acceptable(available))
    }
}

/// The namespace of a path; `_` is the caller's.
fn namespace_of(segment: &str, caller: &Identity) -> Result<Namespace, BadName> {
    if segment == "_" || segment == caller.namespace.as_str() {
        return Ok(caller.namespace.clone());
    }
    Namespace::new(segment)
}

pub(crate) fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
