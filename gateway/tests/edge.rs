//! The edge over real sockets: bounds, ids, answers that arrive.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed: that is what it is for")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use daemon::clock::Clock;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use quirl_gateway::{self as gateway, Config, Passed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Says how many bytes came (`-` if it did not look), under which id, and where.
async fn echo(request: Request<Passed>) -> Result<Response<Full<Bytes>>, Infallible> {
    let id = request.headers()["x-request-id"].to_str().unwrap_or("?").to_owned();
    let is_local = request.extensions().get::<SocketAddr>().is_some_and(|a| a.ip().is_loopback());
    let came = match request.uri().path() {
        "/unread" => "-".to_owned(),
        _ => match request.into_body().collect().await {
            Ok(body) => body.to_bytes().len().to_string(),
            Err(error) => error.to_string(),
        },
    };
    Ok(Response::new(Full::new(format!("{came} {id} {is_local}").into())))
}

async fn start(config: Config) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let inner = tower::service_fn(echo);
    tokio::spawn(gateway::serve(listener, inner, config, Clock::system(), stop.clone()));
    (address, stop)
}

/// Sends bytes and reads until the other side closes.
async fn talk(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A side that answers early may close: what matters is what can be read.
    let _sent = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _end = tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_request_is_passed_inside_with_its_id() {
    let (address, _stop) = start(Config::default()).await;
    let request = b"POST / HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\ncontent-length: 3\r\n\
                    connection: close\r\n\r\nabc";
    let answer = talk(address, request).await;
    assert!(answer.ends_with("3 mine true"), "{answer}");
}

#[tokio::test]
async fn what_is_too_large_or_too_long_is_refused_in_the_form_of_the_api() {
    let config = Config { body_bytes: model::size::ByteSize::kib(64), ..Config::default() };
    let (address, _stop) = start(config).await;
    let long = "x".repeat(9000);
    let uri = format!("GET /{long} HTTP/1.1\r\nhost: x\r\nx-request-id: t\r\n\r\n");
    let answer = talk(address, uri.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
    assert!(answer.ends_with(r#"{"code":"t","error":"414 Request-URI Too Large"}"#), "{answer}");

    // The whole body is sent before the answer is read: it must not be lost over it.
    let mut request =
        b"PUT / HTTP/1.1\r\nhost: x\r\nx-request-id: t\r\ncontent-length: 9000000\r\n\
                        \r\n"
            .to_vec();
    request.resize(request.len() + 9_000_000, b'x');
    let answer = talk(address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.ends_with(r#"{"code":"t","error":"Request too large"}"#), "{answer}");

    let mut request = b"PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
                        connection: close\r\n\r\n"
        .to_vec();
    for _ in 0..20 {
        request.extend_from_slice(b"2000\r\n");
        request.resize(request.len() + 0x2000, b'x');
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let answer = talk(address, &request).await;
    assert!(answer.contains("larger than bodies may be"), "{answer}");
}

#[tokio::test]
async fn a_body_that_nobody_wanted_does_not_cost_the_answer() {
    let (address, _stop) = start(Config::default()).await;
    let mut request = b"PUT /unread HTTP/1.1\r\nhost: x\r\nx-request-id: t\r\n\
                        content-length: 9000000\r\nconnection: close\r\n\r\n"
        .to_vec();
    request.resize(request.len() + 9_000_000, b'x');
    let answer = talk(address, &request).await;
    assert!(answer.ends_with("- t true"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_bound_are_told_so_and_closed() {
    let (address, _stop) = start(Config { connections: 1, ..Config::default() }).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 16];
    first.read_exact(&mut some).await.unwrap();
    let refused = talk(address, b"GET / HTTP/1.1\r\nhost: x\r\nx-request-id: t\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    for header in ["x-openwhisk-accepted: no", "retry-after: 1", "connection: close"] {
        assert!(refused.contains(header), "{refused}");
    }
    let text = "Too many connections are open on this server (1); close idle ones or try again in \
                a moment.";
    assert!(refused.ends_with(&format!(r#"{{"code":"t","error":"{text}"}}"#)), "{refused}");
    drop(first);
    for _ in 0..100 {
        let answer = talk(address, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if answer.starts_with("HTTP/1.1 200 ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place was not given back");
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_takes_no_more() {
    let (address, stop) = start(Config::default()).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 16];
    idle.read_exact(&mut some).await.unwrap();
    stop.cancel();
    let mut rest = Vec::new();
    let read = idle.read_to_end(&mut rest);
    tokio::time::timeout(Duration::from_secs(10), read).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
