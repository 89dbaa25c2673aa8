//! One request on its way to one host: what a script asked for, checked and made typed. Pure.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONNECTION, CONTENT_LENGTH, HOST, RANGE, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::Full;
use url::{Position, Url};

use super::{Error, Request};

/// A request that may be sent as it stands, if the policy allows its addresses.
#[derive(Clone)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    /// Those of the caller only; ours are added by [`Hop::to_wire`].
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    target: PathAndQuery,
}

impl Hop {
    /// Checks what can be checked without the network.
    pub(super) fn from_request(request: &Request) -> Result<Self, Error> {
        let method = method(&request.method)?;
        let url = Url::parse(&request.url)
            .map_err(|_| Error::Invalid(format!("Failed to parse URL from {}", request.url)))?;
        let headers = headers(&request.headers, request.body.len())?;
        if (method == Method::GET || method == Method::HEAD) && !request.body.is_empty() {
            return Err(invalid("Request with GET/HEAD method cannot have body."));
        }
        Self::new(method, url, headers, request.body.clone()).map_err(Error::Invalid)
    }

    /// A hop to `url`, if that is one that can be fetched.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub(super) fn new(
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return Err(format!("fetch failed: unknown scheme `{scheme}` (http and https work)"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("fetch failed: the URL includes credentials".to_owned());
        }
        if url.port_or_known_default().is_none_or(|port| BAD_PORTS.contains(&port)) {
            return Err("fetch failed: bad port".to_owned());
        }
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let target = PathAndQuery::try_from(target)
            .map_err(|error| format!("fetch failed: path of the URL: {error}"))?;
        Ok(Self { method, url, headers, body, target })
    }

    /// The host as the URL has it: a name, an IPv4 address, an IPv6 address in brackets.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port, that of the scheme if the URL has none.
    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether it goes over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The request as it goes over the wire, with the headers that are ours to set.
    ///
    /// # Errors
    /// The host does not fit into a header, which the URL's parser rules out.
    pub(super) fn to_wire(&self) -> Result<http::Request<Full<Bytes>>, Error> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.target.clone());
        *request.headers_mut() = self.headers.clone();
        let headers = request.headers_mut();
        let authority = &self.url[Position::BeforeHost..Position::AfterPort];
        let authority = HeaderValue::from_str(authority);
        headers.insert(HOST, authority.map_err(|error| invalid(&error.to_string()))?);
        // One connection each: nobody needs to keep it open.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let has_body = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        if has_body || !self.body.is_empty() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        // A part of a compressed body cannot be decompressed.
        let codings = if headers.contains_key(RANGE) { "identity" } else { "gzip, deflate" };
        for (name, default) in [
            (ACCEPT, "*/*"),
            (ACCEPT_LANGUAGE, "*"),
            (USER_AGENT, "quirl"),
            (ACCEPT_ENCODING, codings),
        ] {
            headers.entry(name).or_insert(HeaderValue::from_static(default));
        }
        Ok(request)
    }
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.to_owned())
}

/// Source: Fetch standard, "methods": six are written in capitals whatever the caller wrote.
fn method(text: &str) -> Result<Method, Error> {
    let upper = text.to_ascii_uppercase();
    let name = match upper.as_str() {
        "DELETE" | "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" => &upper,
        "CONNECT" | "TRACE" | "TRACK" => {
            return Err(invalid(&format!("'{text}' HTTP method is unsupported.")));
        }
        _ => text,
    };
    Method::from_bytes(name.as_bytes())
        .map_err(|_| invalid(&format!("'{text}' is not a valid HTTP method.")))
}

fn headers(given: &[(String, String)], body: usize) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let lower = name.to_ascii_lowercase();
        let key = HeaderName::from_bytes(lower.as_bytes())
            .map_err(|_| invalid(&format!("\"{name}\" is an invalid header name.")))?;
        let value = value.trim_matches([' ', '\t', '\r', '\n']);
        // The value may be a secret: it is not told.
        let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
        let bytes = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
        let bytes = bytes.ok_or_else(|| {
            invalid(&format!("The value of the header \"{name}\" is an invalid header value."))
        })?;
        match fate(&lower, value, body) {
            Fate::Sent => {
                let added = headers.try_append(key, bytes);
                added.map_err(|_| invalid("fetch failed: too many headers"))?;
            }
            Fate::Dropped => {}
            Fate::Refused => return Err(invalid(&format!("fetch failed: invalid {lower} header"))),
        }
    }
    Ok(headers)
}

/// What becomes of a header of the caller.
enum Fate {
    Sent,
    /// Ours to set.
    Dropped,
    /// It would change where the message ends, or what the connection is.
    Refused,
}

/// Dropped as the Fetch standard does, refused as Node's undici does.
fn fate(name: &str, value: &str, body: usize) -> Fate {
    let harmless_if = |is_harmless: bool| if is_harmless { Fate::Dropped } else { Fate::Refused };
    match name {
        "host" | "te" | "trailer" => Fate::Dropped,
        name if name.starts_with("proxy-") => Fate::Dropped,
        "content-length" => harmless_if(value.parse() == Ok(body)),
        "connection" => {
            let known = ["close", "keep-alive"];
            harmless_if(known.iter().any(|known| value.eq_ignore_ascii_case(known)))
        }
        "expect" | "keep-alive" | "transfer-encoding" | "upgrade" => Fate::Refused,
        _ => Fate::Sent,
    }
}

/// Ports of services that would take a request for something else.
///
/// Source: Fetch standard, "port blocking".
const BAD_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

#[cfg(test)]
mod tests {
    use super::super::Redirect;
    use super::*;

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &'static str) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.collect(),
            body: Bytes::from_static(body.as_bytes()),
            redirect: Redirect::Follow,
        }
    }

    #[test]
    fn what_cannot_be_sent_is_told() {
        let url = "http://example.com/";
        let table = [
            (request("GET", "nonsense", &[], ""), "Failed to parse URL from nonsense"),
            (request("GET", "/relative", &[], ""), "Failed to parse URL from /relative"),
            (request("GET", "http://", &[], ""), "Failed to parse URL from http://"),
            (request("GET", "file:///etc/passwd", &[], ""), "unknown scheme `file`"),
            (request("GET", "data:,x", &[], ""), "unknown scheme `data`"),
            (request("GET", "http://u:p@example.com/", &[], ""), "includes credentials"),
            (request("GET", "http://example.com:25/", &[], ""), "bad port"),
            (request("GET", "http://example.com:0/", &[], ""), "bad port"),
            (request("connect", url, &[], ""), "'connect' HTTP method is unsupported."),
            (request("TRACE", url, &[], ""), "'TRACE' HTTP method is unsupported."),
            (request("Track", url, &[], ""), "'Track' HTTP method is unsupported."),
            (request("A B", url, &[], ""), "'A B' is not a valid HTTP method."),
            (request("", url, &[], ""), "'' is not a valid HTTP method."),
            (request("GET", url, &[], "x"), "Request with GET/HEAD method cannot have body."),
            (request("GET", url, &[("a b", "x")], ""), "\"a b\" is an invalid header name."),
            (request("GET", url, &[("", "x")], ""), "\"\" is an invalid header name."),
            (request("GET", url, &[("a", "x\r\ny: z")], ""), "header \"a\" is an invalid"),
            (request("GET", url, &[("a", "…")], ""), "header \"a\" is an invalid"),
            (request("POST", url, &[("Content-Length", "3")], "x"), "invalid content-length"),
            (request("POST", url, &[("Transfer-Encoding", "chunked")], ""), "transfer-encoding"),
            (request("GET", url, &[("Connection", "upgrade")], ""), "invalid connection header"),
            (request("GET", url, &[("Upgrade", "h2c")], ""), "invalid upgrade header"),
            (request("GET", url, &[("Keep-Alive", "1")], ""), "invalid keep-alive header"),
            (request("GET", url, &[("Expect", "100-continue")], ""), "invalid expect header"),
        ];
        for (request, expected) in table {
            match Hop::from_request(&request) {
                Err(Error::Invalid(told)) => assert!(told.contains(expected), "{told}"),
                other => panic!("{expected}: {:?}", other.err()),
            }
        }
        let many: Vec<_> = (0..40_000).map(|n| (format!("h{n}"), String::new())).collect();
        let request = Request { headers: many, ..request("GET", url, &[], "") };
        assert!(matches!(Hop::from_request(&request), Err(Error::Invalid(_))));
    }

    #[test]
    fn odd_spellings_of_addresses_are_read_as_browsers_do() {
        for spelling in ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "１２７.0.0.1"] {
            let hop = Hop::from_request(&request("GET", &format!("http://{spelling}/"), &[], ""));
            assert_eq!(hop.map(|hop| hop.host().to_owned()).ok().as_deref(), Some("127.0.0.1"));
        }
    }

    #[test]
    fn a_request_goes_out_with_our_headers_and_theirs() {
        let theirs = [
            ("X-A", " 1 "),
            ("x-a", "ü"),
            ("Host", "evil"),
            ("TE", "trailers"),
            ("Proxy-Authorization", "x"),
            ("connection", "Keep-Alive"),
            ("content-length", "2"),
            ("User-Agent", "mine"),
        ];
        let url = "http://example.com:8080/a b?c=|{}^#fragment";
        let hop = Hop::from_request(&request("post", url, &theirs, "{}")).unwrap();
        let wire = hop.to_wire().unwrap();
        assert_eq!(wire.method(), "POST");
        assert_eq!(wire.uri(), "/a%20b?c=|{}^");
        let mut found: Vec<_> = wire
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.as_bytes().escape_ascii()))
            .collect();
        found.sort();
        let expected = [
            "accept-encoding: gzip, deflate",
            "accept-language: *",
            "accept: */*",
            "connection: close",
            "content-length: 2",
            "host: example.com:8080",
            "user-agent: mine",
            "x-a: 1",
            r"x-a: \xfc",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_part_is_asked_for_as_it_is() {
        let range = [("Range", "bytes=0-1")];
        let hop = Hop::from_request(&request("GET", "http://a/", &range, "")).unwrap();
        assert_eq!(hop.to_wire().unwrap().headers()["accept-encoding"], "identity");
    }
}
