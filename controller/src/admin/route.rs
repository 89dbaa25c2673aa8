//! From method and path to what is asked for.

use http::Method;

use super::Error;
use crate::http::route::decode;

/// What is asked for; names are decoded and not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `GET /metrics`
    Metrics,
    /// `GET subjects`
    Subjects,
    /// `subjects/{subject}`
    Subject(Verb, String),
    /// `POST subjects/{subject}/block`, and with `false` `…/unblock`
    Block(bool, String),
    /// `subjects/{subject}/namespaces/{namespace}`
    Namespace(Verb, String, String),
    /// `POST subjects/{subject}/namespaces/{namespace}/keys`
    Keys(String, String),
    /// `DELETE subjects/{subject}/namespaces/{namespace}/keys/{user part}`
    Key(String, String, String),
    /// `namespaces/{namespace}/limits`
    Limits(Verb, String),
    /// `POST backups`
    Backups,
    /// `GET backups/{id}`
    Backup(String),
}

/// What is to be done with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read it.
    Get,
    /// Make or replace it.
    Put,
    /// Delete it.
    Delete,
}

/// The route of a request.
///
/// # Errors
/// [`Error::NoRoute`], [`Error::Method`].
pub fn find(method: &Method, path: &str) -> Result<Route, Error> {
    let verb = || match *method {
        Method::GET => Ok(Verb::Get),
        Method::PUT => Ok(Verb::Put),
        Method::DELETE => Ok(Verb::Delete),
        _ => Err(Error::Method("GET, PUT, DELETE")),
    };
    let only = |one: &Method, name: &'static str| {
        if method == one { Ok(()) } else { Err(Error::Method(name)) }
    };
    if path == "/metrics" {
        return only(&Method::GET, "GET").map(|()| Route::Metrics);
    }
    let below = path.strip_prefix("/admin/v1/").ok_or(Error::NoRoute)?;
    let segments: Vec<&str> = below.split('/').collect();
    let name = |segment: &str| match decode(segment) {
        name if name.is_empty() => Err(Error::NoRoute),
        name => Ok(name.into_owned()),
    };
    match *segments {
        ["subjects"] | ["subjects", ""] => only(&Method::GET, "GET").map(|()| Route::Subjects),
        ["subjects", subject] => Ok(Route::Subject(verb()?, name(subject)?)),
        ["subjects", subject, what @ ("block" | "unblock")] => {
            only(&Method::POST, "POST")?;
            Ok(Route::Block(what == "block", name(subject)?))
        }
        ["subjects", subject, "namespaces", namespace] => {
            Ok(Route::Namespace(verb()?, name(subject)?, name(namespace)?))
        }
        ["subjects", subject, "namespaces", namespace, "keys"] => {
            only(&Method::POST, "POST")?;
            Ok(Route::Keys(name(subject)?, name(namespace)?))
        }
        ["subjects", subject, "namespaces", namespace, "keys", user] => {
            only(&Method::DELETE, "DELETE")?;
            Ok(Route::Key(name(subject)?, name(namespace)?, name(user)?))
        }
        ["backups"] => only(&Method::POST, "POST").map(|()| Route::Backups),
        ["backups", id] => {
            only(&Method::GET, "GET")?;
            Ok(Route::Backup(name(id)?))
        }
        ["namespaces", namespace, "limits"] => Ok(Route::Limits(verb()?, name(namespace)?)),
        _ => Err(Error::NoRoute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_those_of_the_contract() {
        let text = |text: &str| text.to_owned();
        let found = |asked: &str| {
            let (method, path) = asked.split_once(' ').unwrap();
            find(&method.parse().unwrap(), path).map_err(|error| error.to_string())
        };
        for (asked, route) in [
            ("GET /metrics", Route::Metrics),
            ("GET /admin/v1/subjects", Route::Subjects),
            ("PUT /admin/v1/subjects/ann%20lee", Route::Subject(Verb::Put, text("ann lee"))),
            ("POST /admin/v1/subjects/a/block", Route::Block(true, text("a"))),
            ("POST /admin/v1/subjects/a/unblock", Route::Block(false, text("a"))),
            (
                "DELETE /admin/v1/subjects/a/namespaces/b",
                Route::Namespace(Verb::Delete, text("a"), text("b")),
            ),
            ("POST /admin/v1/subjects/a/namespaces/b/keys", Route::Keys(text("a"), text("b"))),
            (
                "DELETE /admin/v1/subjects/a/namespaces/b/keys/u",
                Route::Key(text("a"), text("b"), text("u")),
            ),
            ("POST /admin/v1/backups", Route::Backups),
            ("GET /admin/v1/backups/b7", Route::Backup(text("b7"))),
            ("GET /admin/v1/namespaces/b/limits", Route::Limits(Verb::Get, text("b"))),
        ] {
            assert_eq!(found(asked), Ok(route), "{asked}");
        }
        let unknown = "The requested resource could not be found.";
        let method = |list: &str| format!("HTTP method not allowed, supported methods: {list}");
        for (asked, told) in [
            ("GET /", unknown.to_owned()),
            ("GET /admin/v1", unknown.to_owned()),
            ("GET /admin/v1/namespaces/b", unknown.to_owned()),
            ("GET /admin/v1/subjects/a/b", unknown.to_owned()),
            ("GET /admin/v1/subjects/a/namespaces//keys", method("POST")),
            ("GET /admin/v1/backups/", unknown.to_owned()),
            ("GET /admin/v1/backups", method("POST")),
            ("DELETE /admin/v1/backups/b7", method("GET")),
            ("GET /api/v1/namespaces", unknown.to_owned()),
            ("POST /admin/v1/subjects/a", method("GET, PUT, DELETE")),
            ("PUT /admin/v1/subjects/a/block", method("POST")),
            ("POST /metrics", method("GET")),
        ] {
            assert_eq!(found(asked), Err(told), "{asked}");
        }
    }
}
