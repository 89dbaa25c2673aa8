//! The REST API of a controller, from request to response, over a real ledger.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed: that is what it is for")]

mod world;

use std::time::Duration;

use model::limits::Overrides;
use quirl_controller::config::Config;

use world::{Answer, World};

#[track_caller]
fn refused(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.error().as_str()), (status, text), "{answer:?}");
}

#[tokio::test]
async fn an_action_is_stored_invoked_and_its_record_read() {
    let world = World::new().await;
    let body = r#"{"exec":{"kind":"wasm:default","code":"AAAA"},
                   "parameters":[{"key":"a","value":1}]}"#;
    let stored = world.ask("PUT", "actions/hello", body).await;
    assert_eq!(stored.status, 200, "{stored:?}");
    assert_eq!(stored.header("access-control-allow-origin"), Some("*"));
    let exec = r#"{"kind":"wasm:command","code":"AAAA","binary":true}"#;
    assert_eq!(stored.member("exec").unwrap().as_str(), exec);

    let ran = world.ask("POST", "actions/hello?blocking=true", r#"{"b":2.50}"#).await;
    assert_eq!(ran.status, 200, "{ran:?}");
    let response = r#"{"result":{"a":1,"b":2.50},"size":16,"status":"success","success":true}"#;
    assert_eq!(ran.member("response").unwrap().as_str(), response);
    assert_eq!(ran.member("logs").unwrap().as_str(), "[]");

    let record = world.ask("GET", &format!("activations/{}", ran.id()), "").await;
    assert_eq!((record.status, record.body), (200, ran.body.clone()));
    let result = world.ask("GET", &format!("activations/{}/result", ran.id()), "").await;
    assert_eq!(result.body, response);
    let list = world.ask("GET", "activations?name=hello", "").await;
    assert!(list.body.contains(&ran.id()), "{list:?}");
    let history = world.ask("GET", &format!("activations/{}/history", ran.id()), "").await;
    for event in ["accepted", "assigned", "finished"] {
        assert!(history.body.contains(&format!("\"event\":\"{event}\"")), "{history:?}");
    }
}

#[tokio::test]
async fn outcomes_become_statuses() {
    let world = World::new().await;
    world.action("a").await;
    for (query, body, status, answer) in [
        ("blocking=true&result=true", r#"{"x":1}"#, 200, r#"{"x":1}"#),
        ("blocking=true&result=true", r#"{"fail":1}"#, 502, r#"{"error":"told to fail"}"#),
        ("blocking=true", r#"{"array":1}"#, 200, "[1,2]"),
    ] {
        let answer_was = world.ask("POST", &format!("actions/a?{query}"), body).await;
        assert_eq!((answer_was.status, answer_was.body.as_str()), (status, answer), "{query}");
        assert_eq!(answer_was.id().len(), 32);
    }
    let accepted = world.ask("POST", "actions/a?result=true", "").await;
    let body = format!(r#"{{"activationId":"{}"}}"#, accepted.id());
    assert_eq!((accepted.status, accepted.body.clone()), (202, body));
    let late = world.ask("POST", "actions/a?blocking=true&timeout=1", r#"{"hold":1}"#).await;
    assert_eq!(late.status, 202);
    let open = world.ask("GET", &format!("activations/{}", late.id()), "").await;
    refused(&open, 404, "The requested resource does not exist.");
    assert_eq!(open.header("x-openwhisk-activation-state"), Some("open"));
}

#[tokio::test]
async fn a_sequence_shows_its_steps_and_a_deleted_one_ends_it() {
    let world = World::new().await;
    world.action("a").await;
    world.sequence("inner", &["a"]).await;
    assert_eq!(world.sequence("outer", &["a", "inner"]).await.status, 200);
    let ran = world.ask("POST", "actions/outer?blocking=true", r#"{"x":1}"#).await;
    assert_eq!(ran.status, 200, "{ran:?}");
    let logs = ran.member("logs").unwrap().elements().unwrap();
    assert_eq!(logs.len(), 2, "{ran:?}");
    let inner = logs[1].text().unwrap();
    let inner = world.ask("GET", &format!("activations/{inner}"), "").await;
    assert_eq!(inner.member("cause").unwrap().text(), Some(ran.id()));

    assert_eq!(world.ask("DELETE", "actions/a", "").await.status, 200);
    let ran = world.ask("POST", "actions/outer?blocking=true&result=true", "").await;
    let error = r#"{"error":"Sequence component does not exist."}"#;
    assert_eq!((ran.status, ran.body.as_str()), (502, error));
}

#[tokio::test]
async fn sequences_are_checked_when_they_are_written() {
    let world = World::new().await;
    world.action("a").await;
    world.sequence("one", &["a"; 50]).await;
    refused(&world.sequence("s", &[]).await, 400, "No component specified for the sequence.");
    refused(&world.sequence("s", &["a"; 51]).await, 400, "Too many actions in the sequence.");
    refused(&world.sequence("s", &["one", "a"]).await, 400, "Too many actions in the sequence.");
    refused(&world.sequence("s", &["no"]).await, 400, "Sequence component does not exist.");
    let no_package = world.sequence("s", &["p/a"]).await;
    refused(&no_package, 404, "The requested resource does not exist.");
    assert_eq!(world.sequence("s", &["one"]).await.status, 200);
    refused(&world.sequence("one", &["s"]).await, 400, "Sequence may not refer to itself.");
    let limits = r#"{"limits":{"memory":128}}"#;
    let answer = world.ask("PUT", "actions/s?overwrite=true", limits).await;
    let text = "A sequence has no memory limit of its own; set it on its components.";
    refused(&answer, 400, text);
}

#[tokio::test]
async fn the_same_key_finds_the_first_activation() {
    let world = World::new().await;
    world.action("a").await;
    let key = [("idempotency-key", "k1")];
    let path = "actions/a?blocking=true";
    let first = world.ask_with("POST", path, r#"{"x":1}"#, &key).await;
    assert_eq!(first.status, 200);
    let expires = first.header("idempotency-expires").unwrap();
    assert!(expires.ends_with(" GMT") && expires.len() == 29, "{expires}");
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(world.ask("DELETE", "actions/a", "").await.status, 200);
    let again = world.ask_with("POST", path, r#"{"x":1}"#, &key).await;
    assert_eq!((again.status, &again.body, again.id()), (200, &first.body, first.id()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = world.ask_with("POST", path, r#"{"x":2}"#, &key).await;
    let text = "The Idempotency-Key was already used for a different request; use a new key for a \
                new request.";
    refused(&other, 422, text);
    let bad = world.ask_with("POST", path, "{}", &[("idempotency-key", "")]).await;
    let text =
        "The Idempotency-Key header must be sent once and hold 1 to 256 visible ASCII characters.";
    refused(&bad, 400, text);
}

#[tokio::test]
async fn a_keyed_request_that_comes_again_while_it_runs_waits_with_the_first() {
    let world = std::sync::Arc::new(World::new().await);
    world.action("a").await;
    let ask = |world: std::sync::Arc<World>| async move {
        let key = [("idempotency-key", "k")];
        world.ask_with("POST", "actions/a?blocking=true", r#"{"hold":1}"#, &key).await
    };
    let both = [tokio::spawn(ask(world.clone())), tokio::spawn(ask(world.clone()))];
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if !world.fake.held.lock().unwrap().is_empty() {
            break;
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.fake.held.lock().unwrap().len(), 1, "accepted once");
    world.fake.let_go();
    let [first, second] = both;
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((first.status, first.id(), &first.body), (200, second.id(), &second.body));
}

#[tokio::test]
async fn an_open_activation_can_be_cancelled_once() {
    let world = World::new().await;
    world.action("a").await;
    let open = world.ask("POST", "actions/a", r#"{"hold":1}"#).await;
    let path = format!("activations/{}/cancel", open.id());
    let history = world.ask("GET", &format!("activations/{}/history", open.id()), "").await;
    assert_eq!(history.member("state").unwrap().text().as_deref(), Some("running"));
    let cancelled = world.ask("POST", &path, "").await;
    assert_eq!((cancelled.status, &cancelled.body), (202, &open.body));
    let again = world.ask("POST", &path, "").await;
    assert_eq!(again.status, 200, "{again:?}");
    let error = r#"{"error":"The activation was cancelled."}"#;
    let response = again.member("response").unwrap();
    assert_eq!(response.member("result").unwrap().as_str(), error);
    assert!(again.body.contains(r#"{"key":"outcome","value":"cancelled"}"#), "{again:?}");
    let unknown = world.ask("POST", &format!("activations/{}/cancel", "0".repeat(32)), "").await;
    refused(&unknown, 404, "The requested resource does not exist.");
    let foreign = format!("/namespaces/ann/activations/{}/cancel", open.id());
    let text =
        format!("The supplied authentication is not authorized to access 'ann/{}'.", open.id());
    refused(&world.ask("POST", &foreign, "").await, 403, &text);
}

#[tokio::test]
async fn throttles_count_first_and_say_how_many() {
    let limits = Overrides {
        invocations_per_minute: Some(2),
        concurrent_invocations: Some(1),
        ..Overrides::default()
    };
    let world = World::with(limits, Config::default()).await;
    world.action("a").await;
    assert_eq!(world.ask("POST", "actions/a", r#"{"hold":1}"#).await.status, 202);
    let second = world.ask("POST", "actions/a", "{}").await;
    refused(&second, 429, "Too many concurrent requests in flight (count: 1, allowed: 1).");
    assert_eq!(second.header("retry-after"), Some("1"));
    // Before anything is known of the action, and before rights.
    let text = "Too many requests in the last minute (count: 3, allowed: 2).";
    for _ in 0..4 {
        let answer = world.ask("POST", "/namespaces/ann/actions/x", "not json").await;
        if answer.error() == text {
            assert_eq!(answer.status, 429);
            return;
        }
        // A minute has begun: its third request will be refused.
    }
    panic!("no request of a minute was the third");
}

#[tokio::test]
async fn bounds_refuse_and_say_that_nothing_was_accepted() {
    let config = Config { open_activations: 1, idempotency_keys: 0, ..Config::default() };
    let limits = Overrides { invocations_per_minute: Some(100), ..Overrides::default() };
    let world = World::with(limits, config).await;
    world.action("a").await;
    assert_eq!(world.ask("POST", "actions/a", r#"{"hold":1}"#).await.status, 202);
    let full = world.ask("POST", "actions/a", "{}").await;
    let text = "Too many activations are open on this server (1 of 1); try again in a moment.";
    refused(&full, 503, text);
    assert_eq!(full.header("x-openwhisk-accepted"), Some("no"));
    assert_eq!(full.header("retry-after"), Some("1"));
    let keyed = world.ask_with("POST", "actions/a", "{}", &[("idempotency-key", "k")]).await;
    refused(&keyed, 429, "Too many idempotency keys are in use (count: 0, allowed: 0).");
}

#[tokio::test]
async fn a_server_that_starts_or_stops_says_so() {
    let world = World::starting(Config::default());
    let answer = world.ask("GET", "/", "").await;
    let text = "The server is starting (0 % of the ledger read); try again in a moment.";
    refused(&answer, 503, text);
    assert_eq!(answer.header("x-openwhisk-accepted"), Some("no"));
    assert_eq!(world.ask("GET", "/ping", "").await.body, "pong");
    let ready = world.ask("GET", "/ready", "").await;
    assert_eq!((ready.status, ready.header("x-openwhisk-accepted")), (503, None));
    assert!(ready.body.contains(r#""ledger":"starting, 0 % read""#), "{ready:?}");

    let world = World::new().await;
    world.action("a").await;
    world.controller.partition.stop();
    let answer = world.ask("POST", "actions/a", "{}").await;
    refused(&answer, 503, "The server is stopping; try again in a moment.");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(world.ask("GET", "actions/a", "").await.status, 200);
}

#[tokio::test]
async fn a_large_document_and_a_large_payload_come_back_whole() {
    let world = World::new().await;
    let long = "x".repeat(40_000);
    let body = format!(
        r#"{{"exec":{{"kind":"wasm:default","code":"AAAA"}},
            "parameters":[{{"key":"long","value":"{long}"}}]}}"#
    );
    assert_eq!(world.ask("PUT", "actions/a", &body).await.status, 200);
    let arguments = format!(r#"{{"also":"{long}"}}"#);
    let ran = world.ask("POST", "actions/a?blocking=true&result=true", &arguments).await;
    let expected = format!(r#"{{"long":"{long}","also":"{long}"}}"#);
    assert_eq!((ran.status, ran.body), (200, expected));
    let body = r#"{"limits":{"memory":128}}"#;
    let updated = world.ask("PUT", "actions/a?overwrite=true", body).await;
    assert_eq!(updated.member("version").unwrap().text().as_deref(), Some("0.0.2"));
    let code = updated.member("exec").unwrap().member("code").unwrap();
    assert_eq!(code.text().as_deref(), Some("AAAA"));
}

#[tokio::test]
async fn final_parameters_kinds_and_code_are_refused_in_the_words_of_the_contract() {
    let world = World::new().await;
    let body = r#"{"exec":{"kind":"wasm:command","code":"AAAA"},
                   "annotations":[{"key":"final","value":true}],
                   "parameters":[{"key":"a","value":1},{"key":"b","value":null}]}"#;
    world.ask("PUT", "actions/f", body).await;
    let text = "Request defines parameters that are not allowed (e.g., reserved properties).";
    refused(&world.ask("POST", "actions/f", r#"{"a":2}"#).await, 400, text);
    assert_eq!(world.ask("POST", "actions/f", r#"{"b":2}"#).await.status, 202);

    let node = r#"{"exec":{"kind":"nodejs:default","code":"x"}}"#;
    assert_eq!(world.ask("PUT", "actions/n", node).await.status, 200);
    let text = "The 'nodejs:20' runtime cannot run on this server: no driver for it is installed.";
    refused(&world.ask("POST", "actions/n", "{}").await, 400, text);
    world.sequence("s", &["n"]).await;
    refused(&world.ask("POST", "actions/s", "{}").await, 400, text);

    let bad = r#"{"exec":{"kind":"wasm:default","code":"refuse"}}"#;
    let text = "The code is not a WebAssembly module: it is a test.";
    refused(&world.ask("PUT", "actions/c", bad).await, 400, text);
    refused(
        &world.ask("GET", "actions/c", "").await,
        404,
        "The requested resource does not exist.",
    );
}

#[tokio::test]
async fn the_newest_action_is_listed_first() {
    let world = World::new().await;
    for name in ["a", "b", "c", "a"] {
        world.action(name).await;
    }
    let list = world.ask("GET", "actions?limit=2", "").await;
    let names: Vec<_> = model::json::Json::parse(list.body.as_bytes())
        .unwrap()
        .elements()
        .unwrap()
        .iter()
        .map(|element| element.member("name").unwrap().text().unwrap())
        .collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(world.ask("GET", "actions?count=true&skip=1", "").await.body, r#"{"actions":2}"#);
}

#[tokio::test]
async fn a_damaged_document_and_a_blocked_subject_are_noticed() {
    let world = World::new().await;
    let key = ledger::record::EntityKey("n/guest/bad".into());
    world.put(key, b"\x01\x63nonsense".to_vec()).await;
    let answer = world.ask("GET", "actions/bad", "").await;
    refused(&answer, 500, "Resource is corrupted and cannot be read.");
    assert_eq!(world.ask("GET", "/namespaces", "").await.body, r#"["guest"]"#);
    let blocked = model::identity::Subject {
        name: "guest".to_owned(),
        blocked: true,
        created: None,
        namespaces: Vec::new(),
    };
    world.write(quirl_controller::read::identities::put_subject(&blocked)).await;
    let answer = world.ask("GET", "/namespaces", "").await;
    refused(&answer, 401, "The supplied authentication is invalid");
    let realm = "Basic realm=\"OpenWhisk secure realm\",charset=UTF-8";
    assert_eq!(answer.header("www-authenticate"), Some(realm));
}

#[tokio::test]
async fn what_cannot_be_read_refuses_its_own_rules_and_no_others() {
    let world = World::new().await;
    world.ask("PUT", "triggers/t", "{}").await;
    for (rule, action) in [("r1", "whole"), ("r2", "lost1"), ("r3", "lost2"), ("r4", "lost1")] {
        world.action(action).await;
        let body = format!(r#"{{"trigger":"/_/t","action":"/_/{action}"}}"#);
        assert_eq!(world.ask("PUT", &format!("rules/{rule}"), &body).await.status, 200);
    }
    for (n, action) in [(1, "lost1"), (2, "lost2")] {
        let key = ledger::record::EntityKey(format!("n/guest/{action}").into());
        let document =
            ledger::record::Document::Blob { digest: model::id::Digest([n; 32]), length: 9 };
        world.write(ledger::record::Op::Put { key, document, blobs: Vec::new() }).await;
    }
    let fired = world.ask("POST", "triggers/t", "{}").await;
    assert_eq!(fired.status, 202, "{fired:?}");
    let record = world.ask("GET", &format!("activations/{}", fired.id()), "").await;
    let started = record.body.matches(r#"\"success\":true"#).count();
    let told = record.body.matches("There was an internal server error.").count();
    assert_eq!((started, told), (1, 3), "{record:?}");
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_and_no_more() {
    let world = World::new().await;
    let bad = r#"{"exec":{"kind":"wasm:default","code":"panic"}}"#;
    let answer = world.ask("PUT", "actions/c", bad).await;
    refused(&answer, 500, "There was an internal server error.");
    assert_eq!(world.ask("GET", "/namespaces", "").await.status, 200);
}

#[tokio::test]
async fn of_writes_that_race_each_counts_or_is_told() {
    let world = std::sync::Arc::new(World::new().await);
    world.action("a").await;
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move {
                world.ask("PUT", "actions/a?overwrite=true", r#"{"publish":true}"#).await
            })
        })
        .collect();
    let mut written = 1;
    for writer in writers {
        let answer = writer.await.unwrap();
        if answer.status == 200 {
            written += 1;
        } else {
            refused(&answer, 409, "Concurrent modification to resource detected.");
        }
    }
    let version = world.ask("GET", "actions/a", "").await.member("version").unwrap().text();
    assert_eq!(version, Some(format!("0.0.{written}")));
}
