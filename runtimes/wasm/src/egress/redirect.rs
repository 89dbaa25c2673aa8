//! Where an answer sends us. Pure.
//!
//! Source: Fetch standard, "HTTP-redirect fetch"; Node's undici where it goes further.

use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE,
    PROXY_AUTHORIZATION,
};

use super::hop::Hop;
use super::{Error, Redirect};

/// How redirects of one request are treated, and how many there were.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trail {
    pub(super) mode: Redirect,
    pub(super) followed: u32,
    pub(super) max: u32,
}

impl Trail {
    /// The next hop, if an answer with this status and `Location` leads to one; `None` if it is
    /// the answer that the caller gets.
    ///
    /// # Errors
    /// The redirect must not or cannot be followed.
    pub(super) fn next(
        &self,
        hop: &Hop,
        status: u16,
        location: Option<&[u8]>,
    ) -> Result<Option<Hop>, Error> {
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        match (self.mode, location) {
            (Redirect::Error, _) => Err(failed("unexpected redirect")),
            (Redirect::Manual, _) | (Redirect::Follow, None) => Ok(None),
            (Redirect::Follow, Some(_)) if self.followed >= self.max => {
                Err(failed("redirect count exceeded"))
            }
            (Redirect::Follow, Some(location)) => follow(hop, status, location).map(Some),
        }
    }
}

fn failed(why: &str) -> Error {
    Error::Failed(format!("fetch failed: {why}"))
}

fn follow(hop: &Hop, status: u16, location: &[u8]) -> Result<Hop, Error> {
    let location = String::from_utf8_lossy(location);
    let mut url = hop.url.join(&location).map_err(|error| failed(&format!("redirect: {error}")))?;
    if url.fragment().is_none() {
        url.set_fragment(hop.url.fragment());
    }
    let mut next = Hop::new(hop.method.clone(), url, hop.headers.clone(), hop.body.clone())
        .map_err(Error::Failed)?;
    if becomes_get(&hop.method, status) {
        next.method = Method::GET;
        next.body.clear();
        for name in [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE] {
            next.headers.remove(name);
        }
    }
    if next.url.origin() != hop.url.origin() {
        for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            next.headers.remove(name);
        }
    }
    Ok(next)
}

fn becomes_get(method: &Method, status: u16) -> bool {
    match status {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::GET && *method != Method::HEAD,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::Request;
    use super::*;

    const TRAIL: Trail = Trail { mode: Redirect::Follow, followed: 0, max: 20 };

    fn hop(method: &str, url: &str) -> Hop {
        let names = ["authorization", "cookie", "content-type", "x-mine"];
        let is_bare = matches!(method, "GET" | "HEAD");
        Hop::from_request(&Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: names.map(|name| (name.to_owned(), "x".to_owned())).to_vec(),
            body: Bytes::from_static(if is_bare { b"" } else { b"body" }),
            redirect: Redirect::Follow,
        })
        .unwrap()
    }

    #[test]
    fn method_and_body_follow_the_status() {
        let table = [
            ("GET", 301, "GET"),
            ("HEAD", 301, "HEAD"),
            ("POST", 301, "GET"),
            ("PUT", 301, "PUT"),
            ("POST", 302, "GET"),
            ("DELETE", 302, "DELETE"),
            ("GET", 303, "GET"),
            ("HEAD", 303, "HEAD"),
            ("POST", 303, "GET"),
            ("PUT", 303, "GET"),
            ("POST", 307, "POST"),
            ("POST", 308, "POST"),
        ];
        for (method, status, expected) in table {
            let from = hop(method, "http://a.example/");
            let next = TRAIL.next(&from, status, Some(b"/b")).unwrap().unwrap();
            assert_eq!(next.method.as_str(), expected, "{method} {status}");
            let keeps = method == expected;
            assert_eq!(next.body == from.body, keeps, "{method} {status}");
            assert_eq!(next.headers.contains_key("content-type"), keeps, "{method} {status}");
            assert!(next.headers.contains_key("x-mine"));
        }
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        let table = [
            ("http://a.example/x", "y?z", "http://a.example/y?z", true),
            ("http://a.example/x", "//a.example:80/y", "http://a.example/y", true),
            ("http://a.example/", "http://a.example:81/", "http://a.example:81/", false),
            ("http://a.example/", "https://a.example/", "https://a.example/", false),
            ("https://a.example/", "http://a.example/", "http://a.example/", false),
            ("http://a.example/", "http://b.example/", "http://b.example/", false),
            ("http://a.example/#f", "/y", "http://a.example/y#f", true),
            ("http://a.example/#f", "/y#g", "http://a.example/y#g", true),
            ("http://a.example/", "/ü", "http://a.example/%C3%BC", true),
        ];
        for (from, location, to, keeps) in table {
            let next = TRAIL.next(&hop("GET", from), 302, Some(location.as_bytes()));
            let next = next.unwrap().unwrap();
            assert_eq!(next.url.as_str(), to);
            assert_eq!(next.headers.contains_key("authorization"), keeps, "{from} {to}");
            assert_eq!(next.headers.contains_key("cookie"), keeps, "{from} {to}");
            assert!(next.headers.contains_key("content-type"));
        }
    }

    #[test]
    fn what_is_no_redirect_is_the_answer() {
        let hop = hop("GET", "http://a.example/");
        for (mode, status, location) in [
            (Redirect::Follow, 200, Some("/")),
            (Redirect::Follow, 300, Some("/")),
            (Redirect::Follow, 304, Some("/")),
            (Redirect::Follow, 302, None),
            (Redirect::Manual, 302, Some("/")),
            (Redirect::Error, 201, Some("/")),
        ] {
            let trail = Trail { mode, ..TRAIL };
            let next = trail.next(&hop, status, location.map(str::as_bytes));
            assert!(matches!(next, Ok(None)), "{mode:?} {status} {location:?}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_told() {
        for (trail, location, expected) in [
            (Trail { mode: Redirect::Error, ..TRAIL }, "/", "unexpected redirect"),
            (Trail { followed: 20, ..TRAIL }, "/", "redirect count exceeded"),
            (TRAIL, "http://", "redirect: empty host"),
            (TRAIL, "file:///etc/passwd", "unknown scheme `file`"),
            (TRAIL, "http://u:p@a.example/", "the URL includes credentials"),
            (TRAIL, "http://a.example:22/", "bad port"),
        ] {
            match trail.next(&hop("GET", "http://a.example/"), 302, Some(location.as_bytes())) {
                Err(Error::Failed(told)) => assert!(told.contains(expected), "{told}"),
                other => panic!("{location}: {:?}", other.err()),
            }
        }
    }
}
