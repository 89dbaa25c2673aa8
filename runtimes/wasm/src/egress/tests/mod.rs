//! Requests to real servers on the loopback.

mod server;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use model::name::Namespace;
use model::size::ByteSize;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;

use self::server::{Reply, Server};
use super::{Config, Egress, Error, Judged, Redirect, Request, Response};

fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        redirect: Redirect::Follow,
    }
}

fn egress(allow: &[&str]) -> Egress {
    Egress::new(&config(allow), None).unwrap()
}

fn config(allow: &[&str]) -> Config {
    let allow = allow.iter().map(|entry| (*entry).to_owned()).collect();
    Config { allow, ..Config::default() }
}

/// Bounds that a test can reach.
fn tight() -> Egress {
    let max_response = ByteSize::kib(64);
    let bounds = Config { timeout_seconds: 1, max_response, max_requests: 1, ..config(&[LOCAL]) };
    Egress::new(&bounds, None).unwrap()
}

const LOCAL: &str = "127.0.0.1";

async fn fetch(egress: &Egress, request: Request) -> Result<Response, Error> {
    let room = egress.room(&namespace()).await?;
    let judged = egress.judge(&request).await?;
    egress.send(judged, room).await
}

fn namespace() -> Namespace {
    Namespace::new("guest").unwrap()
}

async fn get(egress: &Egress, url: &str) -> Result<Response, Error> {
    fetch(egress, request("GET", url)).await
}

#[track_caller]
fn failed(result: Result<Response, Error>) -> Error {
    match result {
        Ok(response) => panic!("it answered {}", response.status),
        Err(error) => error,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_get_brings_status_headers_and_body() {
    let head = "207 Quite Good\r\nX-A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-L: \u{e9}";
    let latin1: Vec<u8> = head.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let whole = [b"HTTP/1.1 ", latin1.as_slice(), b"\r\nContent-Length: 4\r\n\r\nbody"].concat();
    let server = Server::start(move |_| Reply::Bytes(whole.clone())).await;
    let response = get(&egress(&[LOCAL]), &server.url("/a?b=c#d")).await.unwrap();
    assert_eq!((response.status, response.status_text.as_str()), (207, "Quite Good"));
    assert_eq!(response.url, server.url("/a?b=c"));
    assert!(!response.redirected);
    let values = |name| response.headers.iter().filter(move |it| it.0 == name).map(|it| &it.1);
    assert_eq!(values("x-a").collect::<Vec<_>>(), ["1"]);
    assert_eq!(values("set-cookie").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(values("x-l").collect::<Vec<_>>(), ["\u{e9}"]);
    assert_eq!(response.body, "body");
    let seen = server.requests().remove(0);
    assert!(seen.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{seen}");
    for line in [
        format!("host: {}", server.address).as_str(),
        "accept: */*",
        "accept-language: *",
        "accept-encoding: gzip, deflate",
        "user-agent: quirl",
        "connection: close",
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line} in {seen}");
    }
    assert!(!seen.contains("content-length"), "{seen}");
}

#[tokio::test]
async fn a_post_carries_its_body_and_headers() {
    let server = Server::start(|_| Reply::response("201 Created", b"")).await;
    let egress = egress(&[LOCAL]);
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let body = Bytes::from("{}");
    let full = Request { headers, body, ..request("post", &server.url("/")) };
    assert_eq!(fetch(&egress, full).await.unwrap().status, 201);
    assert_eq!(fetch(&egress, request("PUT", &server.url("/"))).await.unwrap().body, "");
    let seen = server.requests();
    assert!(seen[0].starts_with("POST / HTTP/1.1\r\n") && seen[0].ends_with("\r\n\r\n{}"));
    for line in ["content-type: application/json", "content-length: 2"] {
        assert!(seen[0].lines().any(|seen| seen == line), "{line} in {seen:?}");
    }
    assert!(seen[1].contains("content-length: 0\r\n"), "{seen:?}");
}

#[tokio::test]
async fn each_way_to_end_a_body_is_understood() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n";
    let egress = egress(&[LOCAL]);
    for (head, body) in [
        (chunked, "body"),
        ("HTTP/1.1 200 OK\r\n\r\nbody", "body"),
        ("HTTP/1.0 200 OK\r\n\r\nbody", "body"),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", ""),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 4\r\n\r\nbody", "body"),
    ] {
        let server = Server::start(move |_| Reply::Bytes(head.into())).await;
        assert_eq!(get(&egress, &server.url("/")).await.unwrap().body, body, "{head}");
    }
    // That a HEAD announces what a GET would get is no reason to wait for it, or to refuse it.
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 999999999\r\n\r\n";
    let server = Server::start(move |_| Reply::ThenSilence(head.into())).await;
    assert_eq!(fetch(&egress, request("HEAD", &server.url("/"))).await.unwrap().body, "");
}

#[tokio::test]
async fn a_compressed_body_is_decompressed_and_its_headers_stay() {
    let server =
        Server::start(|_| Reply::response("200 OK\r\nContent-Encoding: gzip", &gzip(b"text")))
            .await;
    let response = get(&egress(&[LOCAL]), &server.url("/")).await.unwrap();
    assert_eq!(response.body, "text");
    let has = |name: &str| response.headers.iter().any(|header| header.0 == name);
    assert!(has("content-encoding") && has("content-length"));
    let torn =
        Server::start(|_| Reply::response("200 OK\r\nContent-Encoding: gzip", b"text")).await;
    let told = failed(get(&egress(&[LOCAL]), &torn.url("/")).await);
    assert_eq!(
        told.text(),
        "fetch failed: 127.0.0.1: the body is not compressed as its headers say"
    );
}

#[tokio::test]
async fn redirects_are_followed() {
    let server = Server::start(|request| match request.split(' ').nth(1) {
        Some("/end") => Reply::response("200 OK", b"end"),
        Some(path) => Reply::redirect(path[1..].parse().unwrap(), "/end"),
        None => Reply::Bytes(Vec::new()),
    })
    .await;
    let egress = egress(&[LOCAL]);
    for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
    {
        let url = server.url(&format!("/{status}#x"));
        let body = Bytes::from("body");
        let response = fetch(&egress, Request { body, ..request("POST", &url) }).await.unwrap();
        assert_eq!((response.status, &response.body[..]), (200, b"end".as_slice()));
        assert_eq!((response.url, response.redirected), (server.url("/end"), true));
        let last = server.requests().pop().unwrap();
        assert!(last.starts_with(&format!("{method} /end HTTP/1.1\r\n")), "{status}: {last}");
        assert_eq!(last.ends_with("\r\n\r\nbody"), method == "POST", "{status}: {last}");
    }
    let before = server.requests().len();
    let url = server.url("/302");
    let manual = Request { redirect: Redirect::Manual, ..request("GET", &url) };
    let response = fetch(&egress, manual).await.unwrap();
    assert_eq!((response.status, response.redirected), (302, false));
    assert!(response.headers.contains(&("location".to_owned(), "/end".to_owned())));
    let error = Request { redirect: Redirect::Error, ..request("GET", &url) };
    let told = failed(fetch(&egress, error).await);
    assert_eq!(told, Error::Failed("fetch failed: unexpected redirect".to_owned()));
    assert_eq!(server.requests().len() - before, 2);
}

#[tokio::test]
async fn a_redirect_without_end_ends() {
    let server = Server::start(|_| Reply::redirect(302, "/")).await;
    let few = Config { max_redirects: 3, ..config(&[LOCAL]) };
    let told = failed(get(&Egress::new(&few, None).unwrap(), &server.url("/")).await);
    assert_eq!(told, Error::Failed("fetch failed: redirect count exceeded".to_owned()));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_redirect_to_a_refused_address_is_refused() {
    for (location, host, address) in [
        ("http://127.0.0.2:{port}/", "127.0.0.2", "127.0.0.2"),
        ("http://127.0.0.1:1234/", "127.0.0.1", "127.0.0.1"),
        ("http://[::1]:{port}/", "[::1]", "::1"),
        ("http://[::ffff:127.0.0.2]:{port}/", "[::ffff:7f00:2]", "127.0.0.2"),
        ("//0x7f000002:{port}/", "127.0.0.2", "127.0.0.2"),
    ] {
        let server = Server::start(move |request| {
            let port = request.lines().find_map(|it| it.strip_prefix("host: 127.0.0.1:"));
            Reply::redirect(307, &location.replace("{port}", port.unwrap()))
        })
        .await;
        let egress = egress(&[&server.address.to_string()]);
        let told = failed(get(&egress, &server.url("/")).await);
        let text = format!(
            "Requests to {host} are not allowed from actions ({address} is a loopback address); an \
             operator can name it in egress.allow."
        );
        assert_eq!(told, Error::Refused(text));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_name_is_judged_by_its_addresses_unless_it_is_allowed() {
    let server = Server::start(|_| Reply::response("200 OK", b"body")).await;
    let url = format!("http://localhost:{}/", server.address.port());
    match egress(&[]).judge(&request("GET", &url)).await {
        Err(Error::Refused(told)) => {
            assert!(told.starts_with("Requests to localhost are not allowed"), "{told}");
            assert!(told.contains("is a loopback address"), "{told}");
        }
        _ => panic!("localhost is not public"),
    }
    assert_eq!(get(&egress(&["localhost"]), &url).await.unwrap().body, "body");
    assert_eq!(get(&egress(&["127.0.0.0/8"]), &url).await.unwrap().body, "body");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn this_servers_own_api_needs_no_entry() {
    let server = Server::start(|_| Reply::response("200 OK", b"body")).await;
    for own in [server.address.to_string(), server.url("")] {
        let egress = Egress::new(&Config::default(), Some(own)).unwrap();
        assert_eq!(get(&egress, &server.url("/")).await.unwrap().body, "body");
    }
}

#[tokio::test]
async fn what_is_refused_reaches_nobody() {
    let server = Server::start(|_| Reply::response("200 OK", b"body")).await;
    let told = failed(get(&egress(&[]), &server.url("/")).await);
    assert!(matches!(told, Error::Refused(_)), "{told}");
    let mut bad = request("GET", &server.url("/"));
    bad.headers.push(("transfer-encoding".to_owned(), "chunked".to_owned()));
    assert!(matches!(failed(fetch(&egress(&[LOCAL]), bad).await), Error::Invalid(_)));
    assert_eq!(server.requests(), [""; 0]);
}

/// A name may have another address a moment later: then it is not the one that was judged.
#[tokio::test]
async fn the_addresses_that_were_judged_are_those_that_are_connected_to() {
    let server = Server::start(|_| Reply::response("200 OK", b"body")).await;
    let url = format!("http://judged.invalid:{}/", server.address.port());
    let hop = super::hop::Hop::from_request(&request("GET", &url)).unwrap();
    let dead: SocketAddr = ([127, 0, 0, 1], unused_port().await).into();
    let addresses = vec![dead, server.address];
    let judged = Judged { hop, redirect: Redirect::Follow, addresses };
    let egress = egress(&[]);
    let room = egress.room(&namespace()).await.unwrap();
    assert_eq!(egress.send(judged, room).await.unwrap().body, "body");
    let host = format!("host: judged.invalid:{}", server.address.port());
    assert!(server.requests()[0].lines().any(|line| line == host));
}

async fn unused_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told() {
    let large = vec![b'x'; (64 << 10) + 1];
    let told = "The response of 127.0.0.1 is larger than 65536 bytes (egress.max-response).";
    let bomb = gzip(&vec![0; 1 << 20]);
    // Announced: nobody waits for it.
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n".to_vec();
    let unannounced = [b"HTTP/1.1 200 OK\r\n\r\n", large.as_slice()].concat();
    for reply in [
        Reply::ThenSilence(announced),
        Reply::response("200 OK", &large),
        Reply::Bytes(unannounced.clone()),
        Reply::Forever(unannounced),
        Reply::response("200 OK\r\nContent-Encoding: gzip", &bomb),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let error = failed(get(&tight(), &server.url("/")).await);
        assert_eq!(error, Error::TooLarge(told.to_owned()));
    }
    let fits = Server::start(|_| Reply::response("200 OK", &[b'x'; 64 << 10])).await;
    assert_eq!(get(&tight(), &fits.url("/")).await.unwrap().body.len(), 64 << 10);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_an_error() {
    let long = format!("X-A: {}\r\n", "x".repeat(100)).repeat(640);
    let many = "A: b\r\n".repeat(600);
    for headers in [long, many] {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n");
        let server = Server::start(move |_| Reply::Bytes(head.clone().into())).await;
        let error = failed(get(&egress(&[LOCAL]), &server.url("/")).await);
        let told = "fetch failed: 127.0.0.1: message head is too large";
        assert_eq!(error, Error::Failed(told.to_owned()));
    }
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for() {
    let told = "The request to 127.0.0.1 took longer than 1 s (egress.timeout-seconds).";
    let replies: [fn() -> Reply; 3] = [
        || Reply::ThenSilence(Vec::new()),
        || Reply::ThenSilence(b"HTTP/1.1 200 OK\r\n".into()),
        || Reply::ThenSilence(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo".into()),
    ];
    for reply in replies {
        let server = Server::start(move |_| reply()).await;
        let error = failed(get(&tight(), &server.url("/")).await);
        assert_eq!(error, Error::TimedOut(told.to_owned()));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn no_more_requests_are_on_their_way_than_allowed() {
    let server = Server::start(|request| match request.split(' ').nth(1) {
        Some("/slow") => Reply::ThenSilence(Vec::new()),
        _ => Reply::response("200 OK", b"body"),
    })
    .await;
    let egress = tight();
    let slow = egress.judge(&request("GET", &server.url("/slow"))).await.unwrap();
    let room = egress.room(&namespace()).await.unwrap();
    let mut slow = Box::pin(egress.send(slow, room));
    while server.requests().is_empty() {
        tokio::select! {
            _ = &mut slow => panic!("it does not answer"),
            () = tokio::task::yield_now() => {}
        }
    }
    // The only place is taken by one that is alive, though nobody polls it any more.
    let error = failed(get(&egress, &server.url("/")).await);
    assert!(matches!(error, Error::TimedOut(_)), "{error}");
    assert_eq!(server.requests().len(), 1);
    drop(slow);
    assert_eq!(get(&egress, &server.url("/")).await.unwrap().body, "body");
}

#[tokio::test]
async fn a_dead_connection_is_told_and_nothing_is_sent_twice() {
    let port = unused_port().await;
    let error = failed(get(&egress(&[LOCAL]), &format!("http://127.0.0.1:{port}/")).await);
    let told = format!("fetch failed: connect 127.0.0.1:{port}: connection refused");
    assert_eq!(error, Error::Failed(told));
    let table: [(&[u8], &str); 7] = [
        (b"HTTP/1.1 101 Changed\r\n\r\n", "101 is not the status of an answer"),
        (b"HTTP/1.1 600 What\r\n\r\n", "600 is not the status of an answer"),
        (b"", "connection closed before message completed"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection closed before message completed"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo",
            "error reading a body from connection: end of file before message length reached",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo",
            "error reading a body from connection: end of file before message length reached",
        ),
        (b"220 mail.example ESMTP\r\n", "invalid HTTP version parsed"),
    ];
    for (bytes, told) in table {
        let server = Server::start(|_| Reply::Bytes(bytes.into())).await;
        for method in ["GET", "PUT"] {
            let error = failed(fetch(&egress(&[LOCAL]), request(method, &server.url("/"))).await);
            assert_eq!(error, Error::Failed(format!("fetch failed: 127.0.0.1: {told}")));
        }
        assert_eq!(server.requests().len(), 2, "one each");
    }
}

#[tokio::test]
async fn a_name_without_address_is_told() {
    let error = failed(get(&egress(&[]), "http://nobody.invalid/").await);
    let told = "fetch failed: lookup nobody.invalid: ";
    assert!(matches!(&error, Error::Failed(text) if text.starts_with(told)), "{error}");
}

/// A certificate for `localhost` and 127.0.0.1, and a server that has its key.
fn certificate(ca_file: &Path) -> ServerConfig {
    let names = [LOCAL.to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let text = BASE64_STANDARD.encode(made.cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    std::fs::write(ca_file, pem).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

#[tokio::test]
async fn https_needs_an_authority_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let tls = certificate(&ca_file);
    let server = Server::start_tls(tls, |_| Reply::response("200 OK", b"body")).await;
    let port = server.address.port();
    let error = failed(get(&egress(&[LOCAL]), &format!("https://127.0.0.1:{port}/")).await);
    let told = "fetch failed: 127.0.0.1: TLS: invalid peer certificate: UnknownIssuer";
    assert_eq!(error, Error::Failed(told.to_owned()));
    assert_eq!(server.requests(), [""; 0]);

    let trusting = Config { ca_file: Some(ca_file), ..config(&["127.0.0.0/8"]) };
    let egress = Egress::new(&trusting, None).unwrap();
    for host in [LOCAL, "localhost"] {
        let response = get(&egress, &format!("https://{host}:{port}/")).await.unwrap();
        assert_eq!(response.body, "body", "{host}");
    }
    let error = failed(get(&egress, &format!("https://127.1.1.1:{port}/")).await);
    assert!(matches!(error, Error::Failed(_)), "{error}");
}

#[test]
fn a_bad_file_of_certificates_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, broken) = (folder.path().join("empty.pem"), folder.path().join("broken.pem"));
    std::fs::write(&empty, "nothing").unwrap();
    let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&broken, text).unwrap();
    for path in [folder.path().join("missing.pem"), empty, broken] {
        let config = Config { ca_file: Some(path.clone()), ..Config::default() };
        let told = Egress::new(&config, None).err().unwrap();
        assert!(told.starts_with(&format!("egress.ca-file: {}: ", path.display())), "{told}");
    }
}

#[test]
fn the_configuration_is_read_with_its_defaults() {
    let table = toml::from_str::<Config>("allow = [\"10.0.0.0/8\"]\nmax-response = \"1 MiB\"");
    let expected = Config { max_response: ByteSize::mib(1), ..config(&["10.0.0.0/8"]) };
    assert_eq!(table.unwrap(), expected);
    assert!(toml::from_str::<Config>("alow = []").is_err());
}
