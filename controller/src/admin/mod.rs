//! The admin API: subjects, their namespaces and keys, limits of namespaces, backups.
//!
//! Served on a socket in the data folder, where whoever may open it is trusted, and over TCP to whoever
//! knows the token; never on the public port. A file per collection; [`route`] finds the way, `change`
//! writes, and `http::respond` has the status codes.
//!
//! Source: `own-api.md` §9; the texts: `own.tsv`.

mod backups;
mod body;
mod change;
pub mod key;
mod keys;
mod limits;
mod namespaces;
pub mod route;
mod shown;
mod subjects;

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use daemon::metrics::CONTENT_TYPE;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request};
use model::identity::{BadKey, BadSubject};
use model::name::{BadName, Namespace};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Controller;
use crate::backup;
use crate::http::body::{BadBody, InFlight, Incoming};
use crate::http::query::{BadQuery, Query};
use crate::http::respond::{Answer, Refusal, Response};
use crate::owner::proposal::{Bound, Phase};
use crate::read::documents::Unreadable;
use crate::write::Failed;
use route::{Route, Verb};

/// Why a request of an administrator is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not with the token.
    #[error("The admin token is missing or wrong.")]
    Token,
    /// No such route.
    #[error("The requested resource could not be found.")]
    NoRoute,
    /// The route does not have this method, but these.
    #[error("HTTP method not allowed, supported methods: {0}")]
    Method(&'static str),
    /// No such subject, namespace or key.
    #[error("The requested resource does not exist.")]
    NotFound,
    /// The subject, or its namespace, is there already.
    #[error("resource already exists")]
    Exists,
    /// The namespace is there, and another's.
    #[error("The namespace '{0}' belongs to another subject.")]
    Foreign(Namespace),
    /// What is to be deleted holds something.
    #[error(
        "The namespace '{namespace}' is not empty (contains {count} entities). Set force=true to \
         delete them."
    )]
    NotEmpty {
        /// Which.
        namespace: Namespace,
        /// How much.
        count: usize,
    },
    /// A text that is no name of a subject.
    #[error(transparent)]
    Subject(#[from] BadSubject),
    /// A text that is no name of a namespace.
    #[error(transparent)]
    Namespace(#[from] BadName),
    /// A text that is no key.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// A key that is to be imported and is there already.
    #[error("A key with this user part already exists.")]
    KeyInUse,
    /// A limit below zero.
    #[error("'{0}' must be 0 or more.")]
    Negative(String),
    /// Of a pair of limits the least is more than the most.
    #[error("'{0}' must not be greater than '{1}'.")]
    Order(&'static str, &'static str),
    /// No backup is begun.
    #[error(transparent)]
    Backup(#[from] backup::Refused),
    /// A body that is not what it should be.
    #[error(transparent)]
    Body(#[from] BadBody),
    /// A query that is not what it should be.
    #[error(transparent)]
    Query(#[from] BadQuery),
    /// A stored document cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Nothing is known yet, or taken any more.
    #[error(transparent)]
    Bound(#[from] Bound),
    /// The change was not made, or may not have been.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Who may ask.
#[derive(Clone)]
pub enum Access {
    /// Whoever is connected: the file system has judged.
    Connected,
    /// Whoever knows the token.
    Token(Token),
}

/// What an administrator says who comes over TCP. Kept as its hash, so that all are of one length.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// This token; white space around it does not count.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text.trim().as_bytes()).into())
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let said = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let said = said.and_then(|said| said.trim().split_once(' '));
        match said {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.0.ct_eq(&Self::new(token).0).into()
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The admin API of a controller. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Api>);

/// What handlers share.
struct Api {
    controller: Arc<Controller>,
    access: Access,
    in_flight: InFlight,
}

/// A request without its body.
struct Asked<'a> {
    headers: &'a HeaderMap,
    query: Query<'a>,
    transaction: &'a str,
}

impl Server {
    /// The admin API of `controller`, for whoever has access.
    #[must_use]
    pub fn new(controller: Arc<Controller>, access: Access) -> Self {
        // The gateway before it lets no body pass that would be counted.
        let in_flight = InFlight::new(controller.config.request_bytes.as_u64());
        Self(Arc::new(Api { controller, access, in_flight }))
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
        let random = || self.controller.random.bytes();
        let transaction = api::transaction::id_of(&parts.headers, random);
        let by = String::from_utf8_lossy(transaction.as_bytes());
        let served = self.serve(&parts, &by, body);
        match AssertUnwindSafe(served).catch_unwind().await {
            Ok(Ok(answer)) => {
                if parts.method != Method::GET {
                    let (method, path) = (&parts.method, parts.uri.path());
                    tracing::info!(transaction_id = %by, %method, path, "changed by an administrator");
                }
                answer.response(&transaction)
            }
            Ok(Err(error)) => Refusal::from(error).response(&transaction),
            Err(panic) => {
                let panic = crate::http::text_of(panic.as_ref());
                tracing::error!(panic, "a handler of the admin API panicked");
                Refusal::panicked().response(&transaction)
            }
        }
    }

    async fn serve(
        &self,
        parts: &http::request::Parts,
        transaction: &str,
        body: Incoming,
    ) -> Result<Answer, Error> {
        let headers = &parts.headers;
        if let Access::Token(token) = &self.access
            && !token.admits(headers)
        {
            return Err(Error::Token);
        }
        let route = route::find(&parts.method, parts.uri.path())?;
        if matches!(route, Route::Metrics) {
            return Ok(Answer::open(CONTENT_TYPE, self.controller.metrics.encode()));
        }
        if let Phase::Starting { percent } = self.controller.partition.phase() {
            return Err(Bound::Starting { percent }.into());
        }
        let query = Query::new(parts.uri.query());
        self.dispatch(route, &Asked { headers, query, transaction }, body).await
    }

    async fn dispatch(
        &self,
        route: Route,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Error> {
        match route {
            Route::Metrics => Err(Error::NoRoute), // answered before
            Route::Subjects => self.list_subjects(asked),
            Route::Subject(Verb::Get, subject) => self.get_subject(&subject),
            Route::Subject(Verb::Put, subject) => {
                Box::pin(self.put_subject(&subject, asked, body)).await
            }
            Route::Subject(Verb::Delete, subject) => {
                Box::pin(self.delete_subject(&subject, asked)).await
            }
            Route::Block(blocked, subject) => {
                Box::pin(self.block_subject(&subject, blocked, asked)).await
            }
            Route::Namespace(Verb::Get, subject, namespace) => {
                self.get_namespace(&subject, &namespace)
            }
            Route::Namespace(Verb::Put, subject, namespace) => {
                Box::pin(self.put_namespace(&subject, &namespace, asked, body)).await
            }
            Route::Namespace(Verb::Delete, subject, namespace) => {
                Box::pin(self.delete_namespace(&subject, &namespace, asked)).await
            }
            Route::Keys(subject, namespace) => {
                Box::pin(self.add_key(&subject, &namespace, asked, body)).await
            }
            Route::Key(subject, namespace, user) => {
                Box::pin(self.revoke_key(&subject, &namespace, &user, asked)).await
            }
            Route::Backups => self.start_backup(asked, body).await,
            Route::Backup(id) => self.get_backup(&id),
            Route::Limits(Verb::Get, namespace) => self.get_limits(&namespace),
            Route::Limits(Verb::Put, namespace) => {
                Box::pin(self.put_limits(&namespace, asked, body)).await
            }
            Route::Limits(Verb::Delete, namespace) => {
                Box::pin(self.delete_limits(&namespace, asked)).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_admits() {
        let token = Token::new("abc\n");
        let admits = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            token.admits(&headers)
        };
        for (value, admitted) in [
            ("Bearer abc", true),
            ("bearer  abc ", true),
            ("Bearer abcd", false),
            ("Bearer ab", false),
            ("Bearer", false),
            ("Basic abc", false),
            ("abc", false),
        ] {
            assert_eq!(admits(value), admitted, "{value}");
        }
        assert!(!token.admits(&HeaderMap::new()));
        assert_eq!(format!("{token:?}"), "Token");
    }
}
