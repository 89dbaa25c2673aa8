//! Which request is meant: method and path become a [`Route`].
//!
//! Not a router of a library, because the contract's is unlike theirs: below `/api/v1` a method that
//! does not fit is an unknown route (404), `HEAD` is not `GET`, who is not authenticated learns
//! nothing (401), trailing slashes mean something, segments are decoded one by one.
//!
//! Source: `rest-api.md` §§1.1, 1.6, 1.8.

use std::borrow::Cow;

use http::Method;

use crate::read::stored::Collection;

/// What a request asks for. Segments are decoded and not yet checked.
#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// Without authentication.
    Open(Open),
    /// A root endpoint does not have this method.
    RootMethod,
    /// `OPTIONS` below `/api/v1`.
    ApiOptions,
    /// `OPTIONS` of a root endpoint.
    RootOptions,
    /// On behalf of a namespace.
    Api(Api<'a>),
    /// Nothing here, below `/api/v1`: who is not authenticated is told only that.
    UnknownApi,
    /// Nothing here.
    Unknown,
}

/// Endpoints that need no authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// `GET /`
    Root,
    /// `GET /api/v1`
    ApiInfo,
    /// `GET /api/v1/api-docs`
    ApiDocs,
    /// `GET /api/v1/docs/index.html`
    DocsPage,
    /// `GET /api-docs`
    RootDocs,
    /// `GET /docs`
    Docs,
    /// `GET /ping`
    Ping,
    /// `GET /ready`
    Ready,
    /// `GET /metrics`
    Metrics,
    /// `GET /invokers`
    Invokers,
    /// `GET /invokers/healthy/count`
    InvokersHealthy,
    /// `GET /invokers/ready`
    InvokersReady,
    /// `GET /activation`
    Activation,
    /// `GET /activation/count`
    ActivationCount,
}

/// Endpoints of the entity API.
#[derive(Debug, PartialEq, Eq)]
pub enum Api<'a> {
    /// `GET namespaces`
    Namespaces,
    /// `GET runtimes`
    Runtimes,
    /// `GET limits`
    Limits(Segment<'a>),
    /// `GET limits/…`
    LimitsInner(Segment<'a>),
    /// `GET actions`
    ListActions(Segment<'a>),
    /// `GET actions/{package}/`
    ListPackage(Segment<'a>, Segment<'a>),
    /// One action.
    Action(Verb, Segment<'a>, Option<Segment<'a>>, Segment<'a>),
    /// `GET packages`, `GET triggers`, `GET rules`
    List(Collection, Segment<'a>),
    /// One package, trigger or rule.
    Entity(Collection, Verb, Segment<'a>, Segment<'a>),
    /// `GET stats`
    Stats(Segment<'a>),
    /// `GET activations`
    ListActivations(Segment<'a>),
    /// `GET activations/{id}…`
    Activation(Part, Segment<'a>, Segment<'a>),
    /// `POST activations/{id}/cancel`
    Cancel(Segment<'a>, Segment<'a>),
}

/// A decoded segment of a path; borrowed if nothing was escaped.
pub type Segment<'a> = Cow<'a, str>;

/// What to do with an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read.
    Get,
    /// Create or update.
    Put,
    /// Delete.
    Delete,
    /// Invoke, fire, or switch.
    Post,
}

/// What to show of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The record.
    Record,
    /// Its response.
    Result,
    /// Its logs.
    Logs,
    /// What the ledger says of it.
    History,
}

impl Route<'_> {
    /// The route for metrics: without names.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Open(Open::Root) => "/",
            Self::Open(Open::ApiInfo) => "/api/v1",
            Self::Open(Open::ApiDocs | Open::DocsPage | Open::RootDocs | Open::Docs) => "docs",
            Self::Open(Open::Ping) => "/ping",
            Self::Open(Open::Ready) => "/ready",
            Self::Open(Open::Metrics) => "/metrics",
            Self::Open(Open::Invokers | Open::InvokersHealthy | Open::InvokersReady) => "/invokers",
            Self::Open(Open::Activation | Open::ActivationCount) => "/activation",
            Self::RootMethod | Self::RootOptions | Self::ApiOptions => "options",
            Self::Api(Api::Namespaces) => "namespaces",
            Self::Api(Api::Runtimes) => "runtimes",
            Self::Api(Api::Limits(_) | Api::LimitsInner(_)) => "limits",
            Self::Api(Api::ListActions(_) | Api::ListPackage(..)) => "actions",
            Self::Api(Api::Action(..)) => "actions/{name}",
            Self::Api(Api::List(of, _)) => of.as_str(),
            Self::Api(Api::Entity(Collection::Packages, ..)) => "packages/{name}",
            Self::Api(Api::Entity(Collection::Triggers, ..)) => "triggers/{name}",
            Self::Api(Api::Entity(Collection::Rules, ..)) => "rules/{name}",
            Self::Api(Api::Entity(Collection::Actions, ..)) => "actions/{name}",
            Self::Api(Api::Stats(_)) => "stats",
            Self::Api(Api::ListActivations(_)) => "activations",
            Self::Api(Api::Activation(..) | Api::Cancel(..)) => "activations/{id}",
            Self::UnknownApi | Self::Unknown => "unknown",
        }
    }
}

/// The route of a request.
#[must_use]
pub fn find<'a>(method: &Method, path: &'a str) -> Route<'a> {
    if let Some(below) = below_api(path) {
        return match (method, below) {
            (&Method::OPTIONS, _) => Route::ApiOptions,
            (&Method::GET, "" | "/") => Route::Open(Open::ApiInfo),
            (&Method::GET, "/api-docs") => Route::Open(Open::ApiDocs),
            (&Method::GET, "/docs/index.html") => Route::Open(Open::DocsPage),
            (_, "" | "/") => Route::RootMethod,
            (_, below) => api(method, below).map_or(Route::UnknownApi, Route::Api),
        };
    }
    let open = match path {
        "/" => Open::Root,
        "/api-docs" => Open::RootDocs,
        "/docs" => Open::Docs,
        "/docs/index.html" => Open::DocsPage,
        "/ping" => Open::Ping,
        "/ready" => Open::Ready,
        "/metrics" => Open::Metrics,
        "/invokers" | "/invokers/" => Open::Invokers,
        "/invokers/healthy/count" => Open::InvokersHealthy,
        "/invokers/ready" => Open::InvokersReady,
        "/activation" | "/activation/" => Open::Activation,
        "/activation/count" => Open::ActivationCount,
        _ => return Route::Unknown,
    };
    match *method {
        Method::GET => Route::Open(open),
        Method::OPTIONS => Route::RootOptions,
        _ => Route::RootMethod,
    }
}

/// What stands behind `/api/v1`; `/namespaces…` is the same thing without it.
fn below_api(path: &str) -> Option<&str> {
    match path.strip_prefix("/api/v1") {
        Some(below) if below.is_empty() || below.starts_with('/') => Some(below),
        _ => {
            let rest = path.strip_prefix("/namespaces")?;
            (rest.is_empty() || rest.starts_with('/')).then_some(path)
        }
    }
}

fn api<'a>(method: &Method, below: &'a str) -> Option<Api<'a>> {
    let mut segments: [&str; 8] = [""; 8];
    let mut count = 0;
    for segment in below.strip_prefix('/')?.split('/') {
        *segments.get_mut(count)? = segment;
        count += 1;
    }
    let verb = match *method {
        Method::GET => Verb::Get,
        Method::PUT => Verb::Put,
        Method::DELETE => Verb::Delete,
        Method::POST => Verb::Post,
        _ => return None,
    };
    let is_get = verb == Verb::Get;
    match &segments[..count] {
        ["namespaces"] | ["namespaces", ""] if is_get => Some(Api::Namespaces),
        ["runtimes"] if is_get => Some(Api::Runtimes),
        ["namespaces", namespace, rest @ ..] if !namespace.is_empty() => {
            of_namespace(verb, decode(namespace), rest)
        }
        _ => None,
    }
}

fn of_namespace<'a>(verb: Verb, namespace: Segment<'a>, rest: &[&'a str]) -> Option<Api<'a>> {
    let is_get = verb == Verb::Get;
    match rest {
        ["limits"] | ["limits", ""] if is_get => Some(Api::Limits(namespace)),
        ["limits", ..] if is_get => Some(Api::LimitsInner(namespace)),
        ["stats"] | ["stats", ""] => is_get.then_some(Api::Stats(namespace)),
        ["actions"] | ["actions", ""] => is_get.then_some(Api::ListActions(namespace)),
        ["actions", name] => Some(Api::Action(verb, namespace, None, decode(name))),
        ["actions", package, ""] if !package.is_empty() => {
            is_get.then(|| Api::ListPackage(namespace, decode(package)))
        }
        ["actions", package, name] if !package.is_empty() => {
            Some(Api::Action(verb, namespace, Some(decode(package)), decode(name)))
        }
        [of @ ("packages" | "triggers" | "rules"), rest @ ..] => {
            let of = match *of {
                "packages" => Collection::Packages,
                "triggers" => Collection::Triggers,
                _ => Collection::Rules,
            };
            match rest {
                [] | [""] => is_get.then_some(Api::List(of, namespace)),
                [_] if of == Collection::Packages && verb == Verb::Post => None,
                [name] => Some(Api::Entity(of, verb, namespace, decode(name))),
                _ => None,
            }
        }
        ["activations"] | ["activations", ""] => is_get.then_some(Api::ListActivations(namespace)),
        ["activations", id, rest @ ..] => {
            let part = match rest {
                [] | [""] => Part::Record,
                ["result"] => Part::Result,
                ["logs"] => Part::Logs,
                ["history"] => Part::History,
                ["cancel"] if verb == Verb::Post => {
                    return Some(Api::Cancel(namespace, decode(id)));
                }
                _ => return None,
            };
            is_get.then(|| Api::Activation(part, namespace, decode(id)))
        }
        _ => None,
    }
}

/// Decodes `%41`; `+` is a plus. What is no escape, or no UTF-8 when decoded, is kept or replaced:
/// neither is part of any name, so it is refused as such.
#[must_use]
pub fn decode(segment: &str) -> Segment<'_> {
    decode_with(segment, false)
}

/// The same for queries, where `+` is a space.
#[must_use]
pub fn decode_query(text: &str) -> Segment<'_> {
    decode_with(text, true)
}

fn decode_with(text: &str, plus_is_space: bool) -> Segment<'_> {
    if !text.bytes().any(|c| c == b'%' || (plus_is_space && c == b'+')) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, behind @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                out.push((hex(*high).unwrap_or(0) << 4) | hex(*low).unwrap_or(0));
                rest = behind;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            (other, _) => out.push(*other),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_as_the_contract_says() {
        let seg = |text: &'static str| Cow::Borrowed(text);
        let one = |verb, name| Route::Api(Api::Action(verb, seg("_"), None, seg(name)));
        for (method, path, route) in [
            ("GET", "/", Route::Open(Open::Root)),
            ("POST", "/", Route::RootMethod),
            ("HEAD", "/ping", Route::RootMethod),
            ("OPTIONS", "/ping", Route::RootOptions),
            ("OPTIONS", "/api/v1/no/such", Route::ApiOptions),
            ("GET", "/api/v1", Route::Open(Open::ApiInfo)),
            ("GET", "/api/v1/", Route::Open(Open::ApiInfo)),
            ("GET", "/api/v1/api-docs", Route::Open(Open::ApiDocs)),
            ("GET", "/api/v1/docs/index.html", Route::Open(Open::DocsPage)),
            ("GET", "/api/v1/docs/dummy", Route::UnknownApi),
            ("GET", "/docs", Route::Open(Open::Docs)),
            ("GET", "/api/v1x", Route::Unknown),
            ("GET", "/api/v1/namespaces/", Route::Api(Api::Namespaces)),
            ("GET", "/namespaces", Route::Api(Api::Namespaces)),
            ("GET", "/namespacesx", Route::Unknown),
            ("GET", "/api/v1/namespaces/guest", Route::UnknownApi),
            ("HEAD", "/api/v1/namespaces", Route::UnknownApi),
            ("PATCH", "/api/v1/namespaces/_/actions/a", Route::UnknownApi),
            ("GET", "/namespaces/_/actions/", Route::Api(Api::ListActions(seg("_")))),
            ("PUT", "/namespaces/_/actions/", Route::UnknownApi),
            ("PUT", "/namespaces/_/actions/a/", Route::UnknownApi),
            ("PUT", "/namespaces/_/actions/a", one(Verb::Put, "a")),
            ("GET", "/namespaces/_/actions/a%20b", one(Verb::Get, "a b")),
            ("GET", "/namespaces/_/actions/a+b", one(Verb::Get, "a+b")),
            ("GET", "/namespaces/_/actions/p/", Route::Api(Api::ListPackage(seg("_"), seg("p")))),
            (
                "POST",
                "/namespaces/_/actions/p/a",
                Route::Api(Api::Action(Verb::Post, seg("_"), Some(seg("p")), seg("a"))),
            ),
            ("GET", "/namespaces/_/actions/p/a/", Route::UnknownApi),
            ("GET", "/namespaces/_/rules/", Route::Api(Api::List(Collection::Rules, seg("_")))),
            (
                "POST",
                "/namespaces/_/triggers/t",
                Route::Api(Api::Entity(Collection::Triggers, Verb::Post, seg("_"), seg("t"))),
            ),
            ("POST", "/namespaces/_/packages/p", Route::UnknownApi),
            ("GET", "/namespaces/_/packages/p/", Route::UnknownApi),
            (
                "GET",
                "/namespaces/_/activations/x/",
                Route::Api(Api::Activation(Part::Record, seg("_"), seg("x"))),
            ),
            ("GET", "/namespaces/_/activations/x/logs/", Route::UnknownApi),
            ("DELETE", "/namespaces/_/activations/x", Route::UnknownApi),
            (
                "POST",
                "/namespaces/_/activations/x/cancel",
                Route::Api(Api::Cancel(seg("_"), seg("x"))),
            ),
            ("GET", "/namespaces/_/limits/x", Route::Api(Api::LimitsInner(seg("_")))),
            ("GET", "/disable", Route::Unknown),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(find(&method, path), route, "{method} {path}");
        }
    }

    #[test]
    fn escapes_are_decoded_and_what_is_none_is_kept() {
        for (text, decoded, query) in [
            ("a%2Fb", "a/b", "a/b"),
            ("a+b%2b", "a+b+", "a b+"),
            ("%", "%", "%"),
            ("%zz", "%zz", "%zz"),
            ("%ff", "\u{fffd}", "\u{fffd}"),
            ("%C3%A9", "é", "é"),
        ] {
            assert_eq!(decode(text), decoded);
            assert_eq!(decode_query(text), query);
        }
    }
}
