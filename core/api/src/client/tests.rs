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

/// What a call brings from an answer with this status and body, and the request that it sent.
async fn asked<T, F: Future<Output = T>>(
    (status, headers, body): (u16, &str, &str),
    call: impl FnOnce(Client) -> F,
) -> (T, String) {
    let length = match status {
        204 => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let answer = format!("HTTP/1.1 {status} X\r\n{headers}{length}Connection: close\r\n\r\n{body}");
    let (address, seen) = serve(answer.leak()).await;
    let outcome = call(Client::new(&address).unwrap()).await;
    let request = seen.lock().unwrap()[0].clone();
    (outcome, request)
}

const PACKAGE: &str = r#"{"annotations":[],"binding":{},"name":"utils","namespace":"guest","parameters":[],"publish":true,"updated":1,"version":"0.0.1"}"#;
const RULE: &str = r#"{"action":{"name":"hello","path":"guest/demo"},"annotations":[],"name":"r1","namespace":"guest","publish":false,"status":"inactive","trigger":{"name":"t1","path":"guest"},"updated":1,"version":"0.0.1"}"#;
const N: &str = "/api/v1/namespaces/_";

#[tokio::test]
async fn packages_are_written_read_and_deleted_with_all_in_them() {
    let put = entity::package::Put { publish: Some(true), ..Default::default() };
    let (package, request) = asked((200, "", PACKAGE), |client| async move {
        client.put_package(&name("utils"), &put, true).await.unwrap()
    })
    .await;
    assert!(package.publish);
    assert!(request.starts_with(&format!("PUT {N}/packages/utils?overwrite=true HTTP")));
    assert!(request.ends_with(r#"{"namespace":"","name":"","publish":true}"#), "{request}");
    for (force, query) in [(false, ""), (true, "?force=true")] {
        let (package, request) = asked((200, "", PACKAGE), |client| async move {
            client.delete_package(&name("/ann/a b"), force).await.unwrap()
        })
        .await;
        assert_eq!(package.name, "utils");
        let path = format!("/api/v1/namespaces/ann/packages/a%20b{query}");
        assert!(request.starts_with(&format!("DELETE {path} HTTP")), "{request}");
    }
    let refusal = r#"{"code":"T1","error":"resource already exists"}"#;
    let (refused, _) = asked((409, "", refusal), |client| async move {
        client.package(&name("utils")).await.unwrap_err()
    })
    .await;
    assert_eq!(refused.status(), Some(409));
}

#[tokio::test]
async fn a_fire_that_starts_nothing_is_an_answer_of_its_own() {
    let fire = |answer| {
        asked(answer, |client| async move {
            client.fire(&name("t1"), &Json::object([("a", Json::of(&1))])).await
        })
    };
    let (fired, request) = fire((204, "", "")).await;
    assert_eq!(fired.unwrap(), Fired::Nothing);
    assert!(request.starts_with(&format!("POST {N}/triggers/t1 HTTP")), "{request}");
    assert!(request.ends_with(r#"{"a":1}"#), "{request}");
    let accepted = r#"{"activationId":"abc"}"#;
    for (headers, replayed) in [("", false), ("Idempotent-Replayed: true\r\n", true)] {
        let (fired, _) = fire((202, headers, accepted)).await;
        assert_eq!(fired.unwrap(), Fired::Accepted { id: "abc".to_owned(), replayed });
    }
    let (fired, _) = fire((404, "", r#"{"code":"T1","error":"gone"}"#)).await;
    assert_eq!(fired.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn rules_are_listed_without_status_and_switched() {
    let list = format!("[{}]", RULE.replace(r#""status":"inactive","#, ""));
    let page = Page { limit: 0, skip: 3 };
    let (rules, request) =
        asked((200, "", &list), |client| async move { client.rules("ann", page).await.unwrap() })
            .await;
    assert_eq!((rules[0].name.as_str(), rules[0].status), ("r1", None));
    let path = "/api/v1/namespaces/ann/rules?limit=0&skip=3";
    assert!(request.starts_with(&format!("GET {path} HTTP")), "{request}");

    let status = entity::rule::Status::Inactive;
    let (set, request) =
        asked((200, "", "OK"), |client| async move { client.set_rule(&name("r1"), status).await })
            .await;
    set.unwrap();
    assert!(request.starts_with(&format!("POST {N}/rules/r1 HTTP")), "{request}");
    assert!(request.ends_with(r#"{"status":"inactive"}"#), "{request}");
    let (rule, _) =
        asked((200, "", RULE), |client| async move { client.rule(&name("r1")).await.unwrap() })
            .await;
    assert_eq!(rule.status, Some(status));
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
