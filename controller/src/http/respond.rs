//! How everything is answered: the only status codes, one `match` per error that can reach a client.
//!
//! A refusal has exactly the members `error` and `code`; what it means for acceptance is in headers.
//! What users see is here; what operators see (the chain of causes) is logged here, once.
//!
//! Source: `rest-api.md` §§1.3–1.7, 3.8; `rest-errors.tsv`; `own.tsv`.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::Duration;

use api::transaction::REQUEST_ID;
use bytes::Bytes;
use daemon::metrics::{Bound as Bounded, Throttle};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    CONNECTION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::Full;
use model::id::{ActivationId, BadActivationId};
use model::name::{BadName, QualifiedName};
use model::outcome::Class;
use model::time::WallTime;

use super::auth::Unauthenticated;
use super::body::BadBody;
use super::put::Invalid;
use super::query::BadQuery;
use crate::admin;
use crate::backup;
use crate::entitlement::Denied;
use crate::entitlement::packages::Astray;
use crate::entitlement::rate::{self, TooMany};
use crate::invoke::key::{self, BadKey, TooManyKeys};
use crate::invoke::{self, Reply};
use crate::owner::proposal::Bound;
use crate::read::activation::Failed as ReadFailed;
use crate::read::documents::Unreadable;
use crate::write;

/// An answer, ready for a connection.
pub type Response = http::Response<Full<Bytes>>;

const ACTIVATION_ID: HeaderName = HeaderName::from_static("x-openwhisk-activation-id");
const ACTIVATION_STATE: HeaderName = HeaderName::from_static("x-openwhisk-activation-state");
const START: HeaderName = HeaderName::from_static("x-openwhisk-start");
const ACCEPTED: HeaderName = HeaderName::from_static("x-openwhisk-accepted");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const KEY_EXPIRES: HeaderName = HeaderName::from_static("idempotency-expires");

/// JSON.
pub const JSON: &str = "application/json";
/// Text.
pub const TEXT: &str = "text/plain; charset=UTF-8";
/// A page.
pub const HTML: &str = "text/html; charset=UTF-8";

const NOT_FOUND: &str = "The requested resource does not exist.";
const NO_ROUTE: &str = "The requested resource could not be found.";
const OTHER_KIND: &str = "Resource by this name exists but is not in this collection.";
const INTERNAL: &str = "There was an internal server error.";
const CORRUPTED: &str = "Resource is corrupted and cannot be read.";
const RACE: &str = "Concurrent modification to resource detected.";
const REALM: &str = "Basic realm=\"OpenWhisk secure realm\",charset=UTF-8";
const ADMIN_REALM: &str = "Bearer realm=\"quirl admin\"";
const ALLOWED_HEADERS: &str =
    "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent";

/// Which cross-origin headers an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    /// None: answers of the router itself, and of root endpoints.
    None,
    /// Those of the entity API.
    Entity,
    /// Those of root endpoints, for `OPTIONS`.
    Root,
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    body: Bytes,
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    cors: Cors,
}

/// A request that is refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: StatusCode,
    text: Cow<'static, str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cors: Cors,
    /// Where it is counted, if anywhere.
    pub(super) counted: Option<Counted>,
}

/// What refused a request, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// A bound of the server.
    Bound(Bounded),
    /// A throttle of the caller's namespace.
    Throttle(Throttle),
}

impl Answer {
    /// 200 with a JSON document of the entity API.
    #[must_use]
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            body: body.into(),
            content_type: JSON,
            headers: Vec::new(),
            cors: Cors::Entity,
        }
    }

    /// 200 from an endpoint without authentication.
    #[must_use]
    pub fn open(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { content_type, cors: Cors::None, ..Self::json(body) }
    }

    /// It is elsewhere for good: 308.
    #[must_use]
    pub fn moved(to: &str) -> Self {
        Self { status: StatusCode::PERMANENT_REDIRECT, ..Self::open(TEXT, Bytes::new()) }
            .with(LOCATION, to)
    }

    /// 200 with a document of the admin API.
    #[must_use]
    pub fn admin(document: &impl serde::Serialize) -> Self {
        Self::open(JSON, api::entity::bytes(document))
    }

    /// 201: the document of what was made, with its key.
    #[must_use]
    pub fn admin_created(document: &api::admin::Subject) -> Self {
        Self { status: StatusCode::CREATED, ..Self::admin(document) }
    }

    /// 202: what was begun, and how far it is.
    #[must_use]
    pub fn admin_accepted(document: &api::admin::Backup) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::admin(document) }
    }

    /// 200 and no more to say.
    #[must_use]
    pub fn ok() -> Self {
        Self { content_type: TEXT, ..Self::json(Bytes::from_static(b"OK")) }
    }

    /// A fire that started nothing: 204.
    #[must_use]
    pub fn nothing_fired() -> Self {
        Self { status: StatusCode::NO_CONTENT, ..Self::json(Bytes::new()) }
    }

    /// `OPTIONS`.
    #[must_use]
    pub fn options(cors: Cors) -> Self {
        Self { cors, ..Self::ok() }
    }

    /// `GET /ready` of a server that does not take new work.
    #[must_use]
    pub fn not_ready(body: Vec<u8>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, ..Self::open(JSON, body) }
            .with(RETRY_AFTER, "1")
    }

    /// `GET /invokers/ready` of a server whose invokers are not.
    #[must_use]
    pub fn invokers_not_ready(body: Vec<u8>) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, ..Self::open(JSON, body) }
    }

    /// An activation was cancelled: 202 with its id.
    #[must_use]
    pub fn cancelled(id: ActivationId) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::json(api::activation::accepted(id)) }
            .with_id(id)
    }

    /// What became of an invoke.
    #[must_use]
    pub fn invoked(reply: Reply) -> Self {
        let Reply { id, ended, replayed, key_expires } = reply;
        tracing::trace!(activation_id = %id, "answered");
        let (status, body) = match ended {
            None => (StatusCode::ACCEPTED, api::activation::accepted(id).into()),
            Some((class, body)) => (status_of(class), body),
        };
        let mut answer = Self { status, ..Self::json(body) }.with_id(id);
        if replayed {
            answer = answer.with(REPLAYED, "true");
        }
        match key_expires.and_then(http_date) {
            Some(date) => answer.with(KEY_EXPIRES, &date),
            None => answer,
        }
    }

    /// An action whose instances begin from that, if it is known.
    #[must_use]
    pub fn starting_from(self, begins: Option<&str>) -> Self {
        match begins {
            Some(begins) => self.with(START, begins),
            None => self,
        }
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    fn with_id(self, id: ActivationId) -> Self {
        self.with(ACTIVATION_ID, &id.to_string())
    }

    /// The response, under this transaction id.
    #[must_use]
    pub fn response(self, transaction: &HeaderValue) -> Response {
        let mut response = http::Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(8);
        headers.insert(REQUEST_ID, transaction.clone());
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        let methods = match self.cors {
            Cors::None => None,
            Cors::Entity => Some("GET, DELETE, POST, PUT, HEAD"),
            Cors::Root => Some("OPTIONS, GET, POST"),
        };
        if let Some(methods) = methods {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            let allowed = HeaderValue::from_static(ALLOWED_HEADERS);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        }
        headers.extend(self.headers);
        response
    }
}

impl Refusal {
    /// By a handler: with cross-origin headers.
    fn new(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        let headers = Vec::new();
        Self { status, text: text.into(), headers, cors: Cors::Entity, counted: None }
    }

    /// By the router itself: without.
    fn router(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { cors: Cors::None, ..Self::new(status, text) }
    }

    /// Nothing was done and nothing will be; trying again may help.
    fn unavailable(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text).with(ACCEPTED, "no").with(RETRY_AFTER, "1")
    }

    /// It may have been done.
    fn unknown(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
            .with(ACCEPTED, "unknown")
            .with(RETRY_AFTER, "1")
    }

    fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    fn counted(mut self, counted: Counted) -> Self {
        self.counted = Some(counted);
        self
    }

    /// No route matches.
    #[must_use]
    pub fn no_route() -> Self {
        Self::router(StatusCode::NOT_FOUND, NO_ROUTE)
    }

    /// A root endpoint does not have this method.
    #[must_use]
    pub fn method() -> Self {
        const METHODS: &str = "GET, OPTIONS";
        let text = format!("HTTP method not allowed, supported methods: {METHODS}");
        Self::router(StatusCode::METHOD_NOT_ALLOWED, text).with(ALLOW, METHODS)
    }

    /// The client does not accept the only type that there is.
    #[must_use]
    pub fn not_acceptable(available: &str) -> Self {
        let text =
            format!("Resource representation is only available with these types:\n{available}");
        Self::router(StatusCode::NOT_ACCEPTABLE, text)
    }

    /// A handler panicked.
    #[must_use]
    pub fn panicked() -> Self {
        Self::router(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL)
    }

    /// No such entity.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, NOT_FOUND)
    }

    /// No such package of the caller's own.
    #[must_use]
    pub fn not_found_named(name: &QualifiedName) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("The requested resource '{name}' does not exist."))
    }

    /// A rule that is to be switched has no trigger.
    #[must_use]
    pub fn no_trigger() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Only rules with existing triggers can be activated")
    }

    /// What the record of a trigger says of a rule whose action is refused so.
    ///
    /// Source: `rest-api.md` §5.2.
    #[must_use]
    pub fn of_rule(self) -> (Class, String) {
        let is_ours = self.status.is_server_error();
        let class = if is_ours { Class::InternalError } else { Class::ApplicationError };
        let is_broken = self.status == StatusCode::INTERNAL_SERVER_ERROR;
        (class, if is_broken { INTERNAL.to_owned() } else { self.text.into_owned() })
    }

    /// The name is that of another kind of entity.
    #[must_use]
    pub fn other_kind() -> Self {
        Self::new(StatusCode::CONFLICT, OTHER_KIND)
    }

    /// There is something below limits, but not for anybody.
    #[must_use]
    pub fn limits_inner() -> Self {
        let text = "Inner entity level routes for limits are not yet implemented.";
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// `docs` and `count` together.
    #[must_use]
    pub fn docs_with_count() -> Self {
        let text = "The parameter 'docs' is not permitted with 'count'.";
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// An entity write lost each of its races.
    #[must_use]
    pub fn lost_race() -> Self {
        Self::new(StatusCode::CONFLICT, RACE)
    }

    /// Something of ours failed; whoever operates the server reads why.
    fn internal(text: &'static str, error: &(dyn StdError + 'static)) -> Self {
        tracing::error!(error = %daemon::shutdown::chain(error), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// The response, under this transaction id.
    #[must_use]
    pub fn response(self, transaction: &HeaderValue) -> Response {
        let code = String::from_utf8_lossy(transaction.as_bytes());
        let answer = Answer {
            status: self.status,
            body: api::error::body(&code, &self.text).into(),
            content_type: JSON,
            headers: self.headers,
            cors: self.cors,
        };
        answer.response(transaction)
    }
}

fn status_of(class: Class) -> StatusCode {
    match class {
        Class::Success => StatusCode::OK,
        Class::ApplicationError | Class::DeveloperError => StatusCode::BAD_GATEWAY,
        Class::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Such as `Mon, 01 Jan 2024 01:00:00 GMT`.
fn http_date(at: WallTime) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn seconds(duration: Duration) -> String {
    duration.as_millis().div_ceil(1000).max(1).to_string()
}

impl From<admin::Error> for Refusal {
    fn from(error: admin::Error) -> Self {
        use admin::Error;
        let text = error.to_string();
        let refusal = match error {
            Error::Token => {
                Self::new(StatusCode::UNAUTHORIZED, text).with(WWW_AUTHENTICATE, ADMIN_REALM)
            }
            Error::NoRoute | Error::NotFound => Self::new(StatusCode::NOT_FOUND, text),
            Error::Method(methods) => {
                Self::new(StatusCode::METHOD_NOT_ALLOWED, text).with(ALLOW, methods)
            }
            Error::Exists | Error::Foreign(_) | Error::NotEmpty { .. } | Error::KeyInUse => {
                Self::new(StatusCode::CONFLICT, text)
            }
            Error::Subject(_)
            | Error::Namespace(_)
            | Error::Key(_)
            | Error::Negative(_)
            | Error::Order(..) => Self::new(StatusCode::BAD_REQUEST, text),
            Error::Backup(backup::Refused::Running { .. }) => Self::new(StatusCode::CONFLICT, text),
            Error::Backup(backup::Refused::Folder { .. }) => {
                Self::new(StatusCode::BAD_REQUEST, text)
            }
            Error::Body(bad) => bad.into(),
            Error::Query(bad) => bad.into(),
            Error::Unreadable(error) => error.into(),
            Error::Bound(bound) => bound.into(),
            Error::Failed(failed) => failed.into(),
        };
        // No page of a browser is an administrator.
        Self { cors: Cors::None, ..refusal }
    }
}

impl From<BadName> for Refusal {
    fn from(bad: BadName) -> Self {
        Self::router(StatusCode::BAD_REQUEST, bad.to_string())
    }
}

impl From<BadActivationId> for Refusal {
    fn from(bad: BadActivationId) -> Self {
        Self::router(StatusCode::BAD_REQUEST, bad.to_string())
    }
}

impl From<BadQuery> for Refusal {
    fn from(bad: BadQuery) -> Self {
        Self::router(StatusCode::BAD_REQUEST, bad.to_string())
    }
}

impl From<BadKey> for Refusal {
    fn from(bad: BadKey) -> Self {
        Self::new(StatusCode::BAD_REQUEST, bad.to_string())
    }
}

impl From<TooManyKeys> for Refusal {
    fn from(too_many: TooManyKeys) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, too_many.to_string())
            .with(RETRY_AFTER, &seconds(key::RETRY_AFTER))
            .counted(Counted::Throttle(Throttle::Keys))
    }
}

impl From<Unauthenticated> for Refusal {
    fn from(error: Unauthenticated) -> Self {
        let text = match error {
            Unauthenticated::Missing => {
                "The resource requires authentication, which was not supplied with the request"
            }
            Unauthenticated::Invalid => "The supplied authentication is invalid",
            Unauthenticated::Unreadable(error) => {
                return Self { cors: Cors::None, ..Self::internal(INTERNAL, &error) };
            }
        };
        Self::router(StatusCode::UNAUTHORIZED, text).with(WWW_AUTHENTICATE, REALM)
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, denied.to_string())
    }
}

impl From<Astray> for Refusal {
    fn from(astray: Astray) -> Self {
        match astray {
            Astray::NotFound => Self::not_found(),
            Astray::OtherKind => Self::other_kind(),
            Astray::Denied(resource) => Denied::Resources(vec![resource]).into(),
            Astray::Unreadable(error) => error.into(),
        }
    }
}

impl From<TooMany> for Refusal {
    fn from(too_many: TooMany) -> Self {
        let (wait, throttle) = match &too_many {
            TooMany::Rate { rest, of: rate::Counted::Invocations, .. } => {
                (*rest, Throttle::Invocations)
            }
            TooMany::Rate { rest, of: rate::Counted::Fires, .. } => (*rest, Throttle::Fires),
            TooMany::Concurrent { .. } => (Duration::from_secs(1), Throttle::Concurrent),
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, too_many.to_string())
            .with(RETRY_AFTER, &seconds(wait))
            .counted(Counted::Throttle(throttle))
    }
}

impl From<BadBody> for Refusal {
    fn from(bad: BadBody) -> Self {
        let text = bad.to_string();
        match bad {
            BadBody::TooLarge => Self::router(StatusCode::PAYLOAD_TOO_LARGE, text),
            BadBody::Payload { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, text),
            BadBody::Type(_) => Self::router(StatusCode::UNSUPPORTED_MEDIA_TYPE, text),
            BadBody::Malformed(_) => Self::router(StatusCode::BAD_REQUEST, text),
            BadBody::InFlight { .. } => {
                Self::unavailable(text).counted(Counted::Bound(Bounded::RequestBytes))
            }
        }
    }
}

impl From<Bound> for Refusal {
    fn from(bound: Bound) -> Self {
        let (text, bounded) = match bound {
            Bound::OpenActivations { count, max } => (
                format!(
                    "Too many activations are open on this server ({count} of {max}); try again in \
                     a moment."
                ),
                Bounded::OpenActivations,
            ),
            Bound::OpenBytes { bytes, max } => (
                format!(
                    "Open activations hold too much data on this server ({bytes} of {max} bytes); \
                     try again in a moment."
                ),
                Bounded::OpenBytes,
            ),
            Bound::Proposals { count, max } => (
                format!(
                    "Too many requests wait to be written on this server ({count} of {max}); try \
                     again in a moment."
                ),
                Bounded::Proposals,
            ),
            Bound::Busy => (
                "Too much waits to be written on this server; try again in a moment.".to_owned(),
                Bounded::Proposals,
            ),
            Bound::TooLarge => {
                let text = "What this would write does not fit into one record.";
                return Self::new(StatusCode::PAYLOAD_TOO_LARGE, text);
            }
            Bound::DiskFull => (
                "The disk is full: nothing new is accepted until space is freed.".to_owned(),
                Bounded::Disk,
            ),
            Bound::Starting { percent } => {
                return Self::unavailable(format!(
                    "The server is starting ({percent} % of the ledger read); try again in a \
                     moment."
                ));
            }
            Bound::Stopping => {
                let text = "The server is stopping; try again in a moment.";
                return Self::unavailable(text).with(CONNECTION, "close");
            }
        };
        Self::unavailable(text).counted(Counted::Bound(bounded))
    }
}

impl From<Unreadable> for Refusal {
    fn from(error: Unreadable) -> Self {
        match error {
            // Deleted between two looks.
            Unreadable::Gone(_) => Self::not_found(),
            Unreadable::Corrupted(_) | Unreadable::Blob { .. } => Self::internal(CORRUPTED, &error),
            Unreadable::Restless => Self::lost_race(),
            Unreadable::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "What has to be read for this request is larger than 64 MiB.",
            ),
        }
    }
}

impl From<store::blobs::Error> for Refusal {
    fn from(error: store::blobs::Error) -> Self {
        match &error {
            store::blobs::Error::Io { source, .. }
                if source.kind() == std::io::ErrorKind::StorageFull =>
            {
                Bound::DiskFull.into()
            }
            store::blobs::Error::Stopped => Bound::Stopping.into(),
            store::blobs::Error::Missing { .. } | store::blobs::Error::Damaged { .. } => {
                Self::internal(CORRUPTED, &error)
            }
            store::blobs::Error::Io { .. } => Self::internal(INTERNAL, &error),
        }
    }
}

impl From<write::Failed> for Refusal {
    fn from(failed: write::Failed) -> Self {
        match failed {
            write::Failed::Changed => Self::lost_race(),
            write::Failed::Bound(bound) => bound.into(),
            write::Failed::Unknown => Self::unknown(
                "It is not known whether the change was written; read the entity, and send the \
                 request again if the change is missing.",
            ),
            write::Failed::Blob(error) => error.into(),
        }
    }
}

impl From<ReadFailed> for Refusal {
    fn from(failed: ReadFailed) -> Self {
        match failed {
            ReadFailed::Unknown | ReadFailed::Gone => Self::not_found(),
            ReadFailed::Open => Self::not_found().with(ACTIVATION_STATE, "open"),
            ReadFailed::Building { percent } => Self::unavailable(format!(
                "The index is being built ({percent} % done); invoking works, try this again in a \
                 moment."
            )),
            ReadFailed::Corrupted { .. } => Self::internal(CORRUPTED, &failed),
            ReadFailed::Index(_) => Self::internal(INTERNAL, &failed),
        }
    }
}

impl From<invoke::Error> for Refusal {
    fn from(error: invoke::Error) -> Self {
        use invoke::Error;
        match error {
            Error::NotFound => Self::not_found(),
            Error::OtherKind => Self::other_kind(),
            Error::Unreadable(Unreadable::Restless) => Error::Changed.into(),
            Error::Unreadable(error) => error.into(),
            Error::Denied(denied) => denied.into(),
            Error::Final => Self::new(
                StatusCode::BAD_REQUEST,
                "Request defines parameters that are not allowed (e.g., reserved properties).",
            ),
            Error::Deprecated(kind) => Self::new(StatusCode::BAD_REQUEST, deprecated(&kind)),
            Error::CannotRun { kind, reason } => Self::new(
                StatusCode::BAD_REQUEST,
                format!("The '{kind}' runtime cannot run on this server: {reason}."),
            ),
            Error::TooMany(too_many) => too_many.into(),
            Error::Bound(bound) => bound.into(),
            Error::Changed => Self::unavailable(
                "The action or trigger changed while the request was being accepted; try again in \
                 a moment.",
            ),
            Error::Unknown(id) => Self::unknown(format!(
                "It is not known whether the activation was accepted; look for activation {id}, or \
                 send the request again with the same Idempotency-Key."
            ))
            .with(ACTIVATION_ID, &id.to_string()),
            Error::Blob(error) => error.into(),
            Error::TooManyRules { trigger, active } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "The trigger '{trigger}' has too many active rules for one fire ({active})."
                ),
            ),
            Error::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "The Idempotency-Key was already used for a different request; use a new key for a \
                 new request.",
            ),
            Error::RecordGone(id) => Self::new(
                StatusCode::GONE,
                "The activation that answered this key is no longer stored.",
            )
            .with(ACTIVATION_ID, &id.to_string()),
            Error::Read(failed) => failed.into(),
        }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, invalid.to_string())
            }
            Invalid::Exists | Invalid::BoundToOther | Invalid::IsPackage | Invalid::NotEmpty(_) => {
                Self::new(StatusCode::CONFLICT, invalid.to_string())
            }
            Invalid::Deprecated(kind) => Self::new(StatusCode::BAD_REQUEST, deprecated(&kind)),
            Invalid::OutOfBounds(_)
            | Invalid::NoExec
            | Invalid::SequenceLimit(_)
            | Invalid::Retry
            | Invalid::Driver
            | Invalid::TooManyComponents
            | Invalid::NoComponents
            | Invalid::NoSuchComponent
            | Invalid::Recursive
            | Invalid::ThroughBinding
            | Invalid::Reserved
            | Invalid::NoProvider
            | Invalid::BoundToBinding
            | Invalid::Feed
            | Invalid::NoTriggerOrAction
            | Invalid::NoTrigger(_)
            | Invalid::NoAction(_)
            | Invalid::Corrupted(..)
            | Invalid::NotA(..)
            | Invalid::Code(_) => Self::new(StatusCode::BAD_REQUEST, invalid.to_string()),
        }
    }
}

fn deprecated(kind: &str) -> String {
    format!(
        "The '{kind}' runtime is no longer supported. You may read and delete but not update or \
         invoke this action."
    )
}

#[cfg(test)]
mod tests;
