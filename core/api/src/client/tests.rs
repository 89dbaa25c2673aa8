//! The client against a server of a few lines.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Answers each connection's first request with `answer`, and keeps what was sent.
async fn serve(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 64 << 10];
            let length = stream.read(&mut buffer).await.unwrap();
            kept.lock().unwrap().push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, seen)
}

fn name(text: &str) -> Name {
    Name::parse(text, "_").unwrap()
}

#[tokio::test]
async fn a_refusal_keeps_status_text_code_and_headers() {
    let (address, seen) = serve(concat!(
        "HTTP/1.1 503 Service Unavailable\r\nX-OpenWhisk-Accepted: unknown\r\n",
        "X-OpenWhisk-Activation-Id: abc\r\nRetry-After: 2\r\nContent-Length: 29\r\n",
        "Connection: close\r\n\r\n",
        r#"{"code":"T1","error":"later"}"#
    ))
    .await;
    let client = Client::new(&address).unwrap().with_key("u:s\n").unwrap();
    let client = client.with_header("Idempotency-Key", "k1").unwrap();
    let how = Invoke { blocking: true, timeout_ms: Some(5), ..Invoke::default() };
    let error = client.invoke(&name("p/a"), &Json::empty_object(), how).await.unwrap_err();
    assert_eq!(error.to_string(), "later (code T1)");
    assert!(error.is_transient());
    let Error::Refused(refusal) = error else { panic!("{error:?}") };
    assert_eq!((refusal.status, refusal.settled()), (503, Some(Settled::Unknown)));
    assert_eq!((refusal.activation_id(), refusal.retry_after()), (Some("abc"), Some(2)));
    let request = seen.lock().unwrap()[0].clone();
    let path = "/api/v1/namespaces/_/actions/p/a?blocking=true&result=false&timeout=5";
    assert!(request.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{request}");
    for line in [
        "authorization: Basic dTpz\r\n",
        "idempotency-key: k1\r\n",
        "content-type: application/json\r\n",
        "\r\n\r\n{}",
    ] {
        assert!(request.contains(line), "{line:?} in {request}");
    }
}

#[tokio::test]
async fn an_application_error_is_an_end_and_not_a_refusal() {
    let (address, _) = serve(concat!(
        "HTTP/1.1 502 Bad Gateway\r\nx-openwhisk-activation-id: abc\r\nContent-Length: 16\r\n",
        "Connection: close\r\n\r\n",
        r#"{"error":"boom"}"#
    ))
    .await;
    let client = Client::new(&address).unwrap();
    let ended = client.invoke(&name("a"), &Json::empty_object(), Invoke::default()).await.unwrap();
    let body = Json::error("boom");
    let id = Some("abc".to_owned());
    assert_eq!(ended, Invocation::Ended { id, status: 502, body, replayed: false });
}

#[tokio::test]
async fn no_answer_is_told_apart_from_no_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = Client::new(&address).unwrap();
    let patient = client.clone().with_patience(Duration::from_millis(20));
    assert!(matches!(patient.namespaces().await, Err(Error::Late { .. })));
    let closing = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    assert!(matches!(client.namespaces().await, Err(Error::Broken { .. })));
    closing.abort();
    let _ = closing.await;
    assert!(matches!(client.namespaces().await, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn a_body_of_another_kind_is_told() {
    let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
    let (address, _) = serve(page).await;
    let error = Client::new(&address).unwrap().activation("x").await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { status: 404, .. }), "{error}");
}

#[test]
fn addresses_are_read_as_people_write_them() {
    for (text, expected) in [
        ("http://127.0.0.1:3233", "http://127.0.0.1:3233"),
        ("http://example.com/", "http://example.com"),
        ("localhost:3233", "http://localhost:3233"),
        ("[::1]:3233", "http://[::1]:3233"),
    ] {
        assert_eq!(base(text).as_deref(), Ok(expected));
    }
    for text in ["https://example.com", "example.com"] {
        assert!(matches!(base(text), Err(Unusable::Tls(_))), "{text}");
    }
    for text in ["", "http://", "ftp://x", "http://a b", "http://u:p@x", "http://x/api?y"] {
        assert!(matches!(base(text), Err(Unusable::Address(_))), "{text}");
    }
}
