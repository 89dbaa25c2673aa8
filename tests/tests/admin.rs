//! The admin API from outside: subjects, namespaces, keys, limits, and what follows from a change of
//! them for whoever is at work meanwhile.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use api::activation::Record;
use api::admin::{Admin, Limits, Subject};
use api::client::{Answer, Client, Filter, Invocation, Invoke, Name, Page};
use api::entity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use model::json::Json;
use quirl_tests::eventually::eventually;
use quirl_tests::platform::{Server, Setup};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const S: &str = "/admin/v1/subjects";
const NO_KEY: &str = "The supplied authentication is invalid";
const NOT_FOUND: &str = "The requested resource does not exist.";
const NO_ROUTE: &str = "The requested resource could not be found.";
/// A key that somebody brings along.
const OWN: &str = "5f3c0e7a-71f6-4ed5-8c54-816aa4f8c502:\
                   123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP";

fn socket(server: &Server) -> PathBuf {
    server.data.join("admin.sock")
}

fn admin(server: &Server) -> Admin {
    Admin::at_socket(&socket(server)).with_patience(Duration::from_secs(30))
}

/// A client with this key.
fn with_key(server: &Server, key: &str) -> Result<Client> {
    let client = Client::new(&server.address)?.with_patience(Duration::from_secs(90));
    Ok(client.with_key(key)?)
}

/// A client with the key that was shown.
fn as_shown(server: &Server, shown: &Subject) -> Result<Client> {
    with_key(server, &shown.key.as_ref().context("no key was shown")?.0)
}

fn name(text: &str) -> Result<Name> {
    Ok(Name::parse(text, "_")?)
}

fn sample(server: &Server, name: &str) -> Result<entity::Put> {
    Ok(entity::Put::code("wasm:default", &STANDARD.encode(server.programs.sample(name)?)))
}

fn annotated(mut put: entity::Put, key: &str, value: &Value) -> entity::Put {
    let value = Json::of(value);
    let parameter = entity::Parameter { key: key.to_owned(), value, init: false, encryption: None };
    put.annotations.get_or_insert_default().push(parameter);
    put
}

async fn run(client: &Client, action: &str, payload: Value) -> Result<Value> {
    let how = Invoke { blocking: true, result: true, timeout_ms: None };
    match client.invoke(&name(action)?, &Json::of(&payload), how).await? {
        Invocation::Ended { body, .. } => Ok(serde_json::from_str(body.as_str())?),
        accepted @ Invocation::Accepted { .. } => anyhow::bail!("still open: {accepted:?}"),
    }
}

async fn accept(client: &Client, action: &str, payload: Value) -> Result<String> {
    let accepted = client.invoke(&name(action)?, &Json::of(&payload), Invoke::default()).await?;
    Ok(accepted.id().context("no id")?.to_owned())
}

async fn ended(client: &Client, id: &str) -> Result<Record> {
    eventually(LIMIT, "it has ended", || client.activation(id)).await
}

/// An error answer: its status and its text. All that every one has is checked here.
fn refusal(answer: &Answer) -> Result<(u16, String)> {
    let error: api::error::Error = serde_json::from_slice(&answer.body)?;
    ensure!(answer.header("x-request-id") == Some(error.code.as_str()), "code and X-Request-ID");
    ensure!(answer.header("access-control-allow-origin").is_none(), "no page has business here");
    let body: Value = serde_json::from_slice(&answer.body)?;
    ensure!(body.as_object().is_some_and(|body| body.len() == 2), "{body}");
    Ok((answer.status, error.error))
}

/// Sends each request (method and path, body) and compares status and text of its refusal.
async fn check_refused(admin: &Admin, table: &[(&str, &str, u16, &str)]) -> Result<()> {
    for (asked, body, status, text) in table {
        let (method, path) = asked.split_once(' ').context("method and path")?;
        let body = (!body.is_empty()).then(|| bytes::Bytes::from((*body).to_owned()));
        let answer = admin.send(method.parse()?, path, body).await?;
        assert_eq!(refusal(&answer)?, (*status, (*text).to_owned()), "{asked}");
    }
    Ok(())
}

/// The status of a request with this client.
async fn status(client: &Client) -> Result<u16> {
    Ok(client.send(Method::GET, "/api/v1/namespaces", None).await?.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_are_made_shown_listed_and_deleted() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let made = admin.create_subject("ann-lee", None).await?;
    let key = made.key.clone().context("a 201 shows the key")?.0;
    let (user, secret) = key.split_once(':').context("uuid:secret")?;
    ensure!(secret.len() == 64 && secret.bytes().all(|c| c.is_ascii_alphanumeric()), "{secret}");
    ensure!(!made.blocked && made.created.is_some_and(|at| at > 1_700_000_000_000), "{made:?}");
    assert_eq!(made.namespaces[0].namespace, "ann-lee");
    assert_eq!(made.namespaces[0].keys[0].uuid, user);
    assert_eq!(with_key(&server, &key)?.namespaces().await?, ["ann-lee"]);

    let shown = Subject { key: None, ..made.clone() };
    assert_eq!(admin.subject("ann-lee").await?, shown, "no other answer shows it");
    let answer = admin.send(Method::GET, &format!("{S}/ann-lee"), None).await?;
    let created = shown.created.unwrap_or(0);
    let expected = format!(
        r#"{{"subject":"ann-lee","blocked":false,"created":{created},"namespaces":[{{"namespace":"ann-lee","keys":[{{"uuid":"{user}","created":{created}}}]}}]}}"#
    );
    assert_eq!(String::from_utf8_lossy(&answer.body), expected);
    ensure!(answer.header("x-request-id").is_some(), "each answer has an id");

    admin.create_subject("bob-lee", Some(OWN)).await?;
    let page = |skip, limit| Page { limit, skip };
    let names = |found: Vec<Subject>| found.into_iter().map(|it| it.subject).collect::<Vec<_>>();
    let listed = names(admin.subjects(page(0, 30)).await?);
    assert_eq!(listed, ["ann-lee", "bob-lee", "guest"]);
    assert_eq!(names(admin.subjects(page(1, 1)).await?), ["bob-lee"]);
    check_refused(
        &admin,
        &[
            (&format!("PUT {S}/ann-lee"), "", 409, "resource already exists"),
            (&format!("PUT {S}/ann-lee/namespaces/ann-lee"), "", 409, "resource already exists"),
            (
                &format!("PUT {S}/ann-lee/namespaces/guest"),
                "",
                409,
                "The namespace 'guest' belongs to another subject.",
            ),
        ],
    )
    .await?;

    // A namespace may have the name of nobody, and whoever wants that name later is told.
    admin.add_namespace("ann-lee", "carla", None).await?;
    let table = [(
        "PUT /admin/v1/subjects/carla",
        "",
        409,
        "The namespace 'carla' belongs to another subject.",
    )];
    check_refused(&admin, &table).await?;
    assert_eq!(admin.delete_namespace("ann-lee", "carla", false).await?.namespace, "carla");
    assert_eq!(admin.subject("ann-lee").await?, shown);

    assert_eq!(admin.delete_subject("ann-lee", false).await?, shown, "as it was");
    assert_eq!(status(&with_key(&server, &key)?).await?, 401);
    let table = [("GET /admin/v1/subjects/ann-lee", "", 404, NOT_FOUND)];
    check_refused(&admin, &table).await?;
    assert_eq!(names(admin.subjects(page(0, 30)).await?), ["bob-lee", "guest"]);
    // Whoever has the name next has another key.
    admin.create_subject("ann-lee", None).await?;
    assert_eq!(status(&with_key(&server, &key)?).await?, 401);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_told_in_the_words_of_the_contract() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let long = "x".repeat(257);
    let too_long = "Namespace longer than allowed: 257 > 256.";
    let short = "The subject must have at least 5 characters.";
    let characters = "The subject contains illegal characters.";
    let of_namespace = "The namespace contains illegal characters.";
    let bad_key = "A key is '<uuid>:<secret>' with a secret of exactly 64 characters.";
    let malformed = |text: &str| format!("The request content was malformed:\n{text}");
    let no_field = malformed("unknown field 'kee'; did you mean 'key'?");
    let no_limit = malformed("unknown field 'maxActionsMemory'; did you mean 'maxActionMemory'?");
    let of_type = malformed("'firesPerMinute' must be a whole number.");
    let flag = malformed("'storeActivations' must be true or false.");
    let texts = malformed("'allowedKinds' must be an array of strings.");
    let object = malformed("JSON object expected");
    let limits = "PUT /admin/v1/namespaces/guest/limits";
    let method = "HTTP method not allowed, supported methods: GET, PUT, DELETE";
    let in_use = format!(r#"{{"key":"{}"}}"#, server.key()?);
    check_refused(
        &admin,
        &[
            (&format!("PUT {S}/ann"), "", 400, short),
            (&format!("GET {S}/ann"), "", 400, short),
            (&format!("PUT {S}/ann+lee"), "", 400, characters),
            (&format!("POST {S}/ann$lee/block"), "", 400, characters),
            (&format!("PUT {S}/{long}"), "", 400, too_long),
            (&format!("PUT {S}/guest/namespaces/a$b"), "", 400, of_namespace),
            (&format!("PUT {S}/guest/namespaces/_"), "", 400, of_namespace),
            (&format!("PUT {S}/guest/namespaces/{long}"), "", 400, too_long),
            (&format!("GET {S}/nobody"), "", 404, NOT_FOUND),
            (&format!("DELETE {S}/nobody"), "", 404, NOT_FOUND),
            (&format!("POST {S}/nobody/block"), "", 404, NOT_FOUND),
            (&format!("PUT {S}/nobody/namespaces/x"), "", 404, NOT_FOUND),
            (&format!("GET {S}/guest/namespaces/x"), "", 404, NOT_FOUND),
            (&format!("POST {S}/guest/namespaces/x/keys"), "", 404, NOT_FOUND),
            (&format!("DELETE {S}/guest/namespaces/guest/keys/x"), "", 404, NOT_FOUND),
            ("GET /admin/v1/namespaces/x/limits", "", 404, NOT_FOUND),
            (&format!("PUT {S}/ann-lee"), r#"{"key":"a:b"}"#, 400, bad_key),
            (&format!("PUT {S}/ann-lee"), r#"{"kee":"a:b"}"#, 400, &no_field),
            (&format!("PUT {S}/ann-lee"), "[]", 400, &object),
            (
                &format!("PUT {S}/ann-lee"),
                &in_use,
                409,
                "A key with this user part already exists.",
            ),
            (limits, r#"{"maxActionsMemory":1}"#, 400, &no_limit),
            (limits, r#"{"firesPerMinute":"1"}"#, 400, &of_type),
            (limits, r#"{"storeActivations":1}"#, 400, &flag),
            (limits, r#"{"allowedKinds":[1]}"#, 400, &texts),
            (limits, r#"{"firesPerMinute":-1}"#, 400, "'firesPerMinute' must be 0 or more."),
            (
                limits,
                r#"{"minActionLogs":5,"maxActionLogs":4}"#,
                400,
                "'minActionLogs' must not be greater than 'maxActionLogs'.",
            ),
            ("GET /admin/v1/nothing", "", 404, NO_ROUTE),
            ("GET /api/v1/namespaces", "", 404, NO_ROUTE),
            ("GET /admin/v1/backups/1/2", "{}", 404, NO_ROUTE),
            (&format!("PATCH {S}/guest"), "", 405, method),
        ],
    )
    .await?;
    assert_eq!(admin.subjects(Page::default()).await?.len(), 1, "nothing was made");
    assert_eq!(status(&server.client()?).await?, 200);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_and_a_revoked_one_is_refused_at_once() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let old = admin.create_subject("ann-lee", Some(OWN)).await?;
    assert_eq!(old.key.as_ref().map(|key| key.0.as_str()), Some(OWN));
    let old = as_shown(&server, &old)?;
    let made = admin.add_key("ann-lee", "ann-lee", None).await?;
    let keys: Vec<_> = made.namespaces[0].keys.iter().map(|key| key.uuid.clone()).collect();
    assert_eq!((keys.len(), keys[0].as_str()), (2, &OWN[..36]), "the older one first");
    let new = as_shown(&server, &made)?;
    assert_eq!((status(&old).await?, status(&new).await?), (200, 200));

    let left = admin.revoke_key("ann-lee", "ann-lee", &keys[0]).await?;
    assert_eq!(left.namespaces[0].keys.len(), 1);
    // The server had remembered it: not any more.
    assert_eq!((status(&old).await?, status(&new).await?), (401, 200));
    let gone = format!("DELETE {S}/ann-lee/namespaces/ann-lee/keys/{}", keys[0]);
    check_refused(&admin, &[(&gone, "", 404, NOT_FOUND)]).await?;

    // Each namespace has its own.
    let other = admin.add_namespace("ann-lee", "ann-test", Some(OWN)).await?;
    assert_eq!(as_shown(&server, &other)?.namespaces().await?, ["ann-test"]);
    assert_eq!(new.namespaces().await?, ["ann-lee"]);
    let foreign = format!("DELETE {S}/ann-lee/namespaces/ann-lee/keys/{}", &OWN[..36]);
    check_refused(&admin, &[(&foreign, "", 404, NOT_FOUND)]).await?;

    // What was revoked stays so, and what was made stays too.
    server.restart().await?;
    assert_eq!(status(&new).await?, 200);
    assert_eq!(admin.namespace("ann-lee", "ann-test").await?.keys[0].uuid, OWN[..36]);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_subjects_cannot_see_each_other() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let ann = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    let bob = as_shown(&server, &admin.create_subject("bob-lee", None).await?)?;
    let hello = sample(&server, "hello")?;
    ann.put_action(&name("hello")?, &hello, false).await?;
    let id = accept(&ann, "hello", json!({})).await?;
    ended(&ann, &id).await?;
    let of_ann = "/api/v1/namespaces/ann-lee";
    for (method, path, resource) in [
        (Method::GET, format!("{of_ann}/actions"), "ann-lee".to_owned()),
        (Method::GET, format!("{of_ann}/actions/hello"), "ann-lee/hello".to_owned()),
        (Method::POST, format!("{of_ann}/actions/hello"), "ann-lee/hello".to_owned()),
        (Method::DELETE, format!("{of_ann}/actions/hello"), "ann-lee/hello".to_owned()),
        (Method::GET, format!("{of_ann}/activations"), "ann-lee".to_owned()),
        (Method::GET, format!("{of_ann}/activations/{id}"), format!("ann-lee/{id}")),
        (Method::GET, format!("{of_ann}/limits"), "ann-lee".to_owned()),
    ] {
        let answer = bob.send(method.clone(), &path, None).await?;
        let told: api::error::Error = serde_json::from_slice(&answer.body)?;
        let text = "The supplied authentication is not authorized to access";
        let expected = (403, format!("{text} '{resource}'."));
        assert_eq!((answer.status, told.error), expected, "{method} {path}");
    }
    let path = format!("/api/v1/namespaces/_/activations/{id}");
    assert_eq!(bob.send(Method::GET, &path, None).await?.status, 404);
    assert_eq!(bob.actions("_", None, Page::default()).await?.len(), 0);
    // The same name is another action.
    bob.put_action(&name("hello")?, &hello, false).await?;
    bob.delete_action(&name("hello")?).await?;
    assert_eq!(ann.actions("_", None, Page::default()).await?.len(), 1);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_subject_is_refused_and_what_waits_of_it_ends() -> Result<()> {
    let mut server = Setup::new().config("[controller]\nslots = 1").start().await?;
    let admin = admin(&server);
    let ann = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    for action in ["sleep", "hello"] {
        ann.put_action(&name(action)?, &sample(&server, action)?, false).await?;
    }
    let both = entity::Put::sequence(&["/_/sleep", "/_/hello"]);
    ann.put_action(&name("both")?, &both, false).await?;
    let runs = accept(&ann, "both", json!({ "ms": 1500 })).await?;
    let waits = accept(&ann, "hello", json!({})).await?;
    ensure!(admin.block("ann-lee", true).await?.blocked, "it says so");
    let answer = ann.send(Method::GET, "/api/v1/namespaces", None).await?;
    let told: api::error::Error = serde_json::from_slice(&answer.body)?;
    assert_eq!((answer.status, told.error.as_str()), (401, NO_KEY));
    ensure!(admin.block("ann-lee", true).await?.blocked, "once more changes nothing");

    // Somebody else's waits on.
    let guest = server.client()?;
    guest.put_action(&name("hello")?, &sample(&server, "hello")?, false).await?;
    assert_eq!(run(&guest, "hello", json!({})).await?, json!({ "greeting": "Hello, stranger!" }));

    ensure!(!admin.block("ann-lee", false).await?.blocked, "it says so");
    let record = ended(&ann, &waits).await?;
    assert_eq!(record.response.status, "application error");
    let text = "The action was not invoked due to a blacklisted namespace.";
    let result = record.response.result.context("no result")?;
    assert_eq!(result.as_str(), json!({ "error": text }).to_string());
    // What ran came to its end; the step behind it was not begun.
    let whole = ended(&ann, &runs).await?;
    assert_eq!(whole.response.result.context("no result")?.as_str(), result.as_str());
    assert_eq!(whole.logs.len(), 2);
    assert_eq!(ended(&ann, &whole.logs[0]).await?.response.status, "success");
    assert_eq!(ended(&ann, &whole.logs[1]).await?.response.status, "application error");
    assert_eq!(run(&ann, "hello", json!({})).await?, json!({ "greeting": "Hello, stranger!" }));

    // So it is where the limits of the namespace admit nothing, and after a restart as well.
    accept(&ann, "sleep", json!({ "ms": 1500 })).await?;
    let waits = accept(&ann, "hello", json!({})).await?;
    let none = Limits { concurrent_invocations: Some(0), ..Limits::default() };
    admin.set_limits("ann-lee", &none).await?;
    server.restart().await?;
    let record = ended(&ann, &waits).await?;
    assert_eq!(record.response.result.context("no result")?.as_str(), result.as_str());
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_applied_capped_and_taken_back() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let ann = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    let in_force = || async {
        let answer = ann.send(Method::GET, "/api/v1/namespaces/_/limits", None).await?;
        anyhow::Ok(serde_json::from_slice::<Value>(&answer.body)?)
    };
    let system = in_force().await?;
    assert_eq!(system["concurrentInvocations"], 30);
    assert_eq!(admin.limits("ann-lee").await?, Limits::default());
    let set = Limits {
        invocations_per_minute: Some(100_000),
        concurrent_invocations: Some(1),
        allowed_kinds: Some(vec!["wasm:command".to_owned()]),
        min_action_memory: Some(1),
        max_action_memory: Some(4096),
        max_action_timeout: Some(5_000),
        max_parameter_size: Some(100),
        max_payload_size: Some(64),
        truncation_size: Some(7),
        store_activations: Some(true),
        ..Limits::default()
    };
    assert_eq!(admin.set_limits("ann-lee", &set).await?, set);
    assert_eq!(admin.limits("ann-lee").await?, set, "shown as they were set");
    let now = in_force().await?;
    for (field, value) in [
        ("invocationsPerMinute", json!(100_000)),
        ("firesPerMinute", json!(60)),
        ("concurrentInvocations", json!(1)),
        ("maxActionInstances", json!(1)),
        ("minActionMemory", json!(128)),
        ("maxActionMemory", json!(512)),
        ("maxActionTimeout", json!(5_000)),
        ("maxParameterSize", json!("100 B")),
        ("allowedKinds", json!(["wasm:command"])),
        ("storeActivations", json!(true)),
    ] {
        assert_eq!(now[field], value, "{field}");
    }
    ensure!(now.get("maxPayloadSize").is_none(), "{now}");

    let refused = |error: Option<api::client::Error>| match error {
        Some(api::client::Error::Refused(it)) => Ok((it.status, it.text.clone())),
        other => anyhow::bail!("{other:?}"),
    };
    let script = entity::Put::code("nodejs:20", "function main() { return {}; }");
    let told = refused(ann.put_action(&name("js")?, &script, false).await.err())?;
    let text = "The supplied authentication is not authorized to access actions of kind \
                'nodejs:20'.";
    assert_eq!(told, (403, text.to_owned()));
    let mut sleep = sample(&server, "sleep")?;
    sleep.limits = Some(entity::PutLimits { timeout: Some(6_000), ..Default::default() });
    let told = refused(ann.put_action(&name("sleep")?, &sleep, false).await.err())?;
    let text = "requirement failed: duration 6000 milliseconds exceeds allowed threshold of 5000 \
                milliseconds";
    assert_eq!(told, (400, text.to_owned()));
    sleep.limits = Some(entity::PutLimits { timeout: Some(5_000), ..Default::default() });
    ann.put_action(&name("sleep")?, &sleep, false).await?;

    let large = json!({ "text": "x".repeat(100) });
    let length = large.to_string().len();
    let how = Invoke::default();
    let told = refused(ann.invoke(&name("sleep")?, &Json::of(&large), how).await.err())?;
    let text = format!("Request larger than allowed: {length} > 64 bytes.");
    assert_eq!(told, (413, text));
    let id = accept(&ann, "sleep", json!({ "ms": 1000 })).await?;
    let told = refused(ann.invoke(&name("sleep")?, &Json::empty_object(), how).await.err())?;
    let text = "Too many concurrent requests in flight (count: 1, allowed: 1).";
    assert_eq!(told, (429, text.to_owned()));
    ended(&ann, &id).await?;

    let few = Limits { invocations_per_minute: Some(0), ..Limits::default() };
    admin.set_limits("ann-lee", &few).await?;
    let told = refused(ann.invoke(&name("sleep")?, &Json::empty_object(), how).await.err())?;
    ensure!(told.0 == 429 && told.1.ends_with(", allowed: 0)."), "{told:?}");
    assert_eq!(admin.delete_limits("ann-lee").await?, few, "as they were");
    assert_eq!(admin.limits("ann-lee").await?, Limits::default());
    assert_eq!(in_force().await?, system);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_empty_is_deleted_with_force_alone() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let made = admin.create_subject("ann-lee", None).await?;
    let ann = as_shown(&server, &made)?;
    let hello = sample(&server, "hello")?;
    for action in ["one", "two"] {
        ann.put_action(&name(action)?, &hello, false).await?;
    }
    admin.set_limits("ann-lee", &Limits { fires_per_minute: Some(1), ..Limits::default() }).await?;
    let full = "The namespace 'ann-lee' is not empty (contains 2 entities). Set force=true to \
                delete them.";
    check_refused(
        &admin,
        &[
            (&format!("DELETE {S}/ann-lee"), "", 409, full),
            (&format!("DELETE {S}/ann-lee?force=false"), "", 409, full),
            (&format!("DELETE {S}/ann-lee/namespaces/ann-lee"), "", 409, full),
        ],
    )
    .await?;
    assert_eq!(ann.actions("_", None, Page::default()).await?.len(), 2);
    let before = admin.delete_namespace("ann-lee", "ann-lee", true).await?;
    assert_eq!(before.keys.len(), 1, "as it was");
    assert_eq!(status(&ann).await?, 401);
    let again = admin.add_namespace("ann-lee", "ann-lee", Some(OWN)).await?;
    let ann = as_shown(&server, &again)?;
    assert_eq!(ann.actions("_", None, Page::default()).await?.len(), 0, "nothing was left");
    assert_eq!(admin.limits("ann-lee").await?, Limits::default());

    // Of more entities than one record deletes all go.
    let packages: Vec<_> =
        (0..1_050).map(|n| format!("/api/v1/namespaces/_/packages/p{n}")).collect();
    for some in packages.chunks(70) {
        let body = || Some(bytes::Bytes::from_static(b"{}"));
        let puts = some.iter().map(|path| ann.send(Method::PUT, path, body()));
        for answer in futures::future::join_all(puts).await {
            assert_eq!(answer?.status, 200);
        }
    }
    ann.put_action(&name("one")?, &hello, false).await?;
    let full = full.replace("contains 2", "contains 1051");
    let whole = format!("DELETE {S}/ann-lee");
    check_refused(&admin, &[(&whole, "", 409, &full)]).await?;
    let before = admin.delete_subject("ann-lee", true).await?;
    assert_eq!(before.namespaces.len(), 1);
    assert_eq!(status(&ann).await?, 401);
    let made = admin.create_subject("ann-lee", None).await?;
    let ann = as_shown(&server, &made)?;
    let left = ann.send(Method::GET, "/api/v1/namespaces/_/packages?count=true", None).await?;
    assert_eq!(String::from_utf8_lossy(&left.body), r#"{"packages":0}"#);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_for_its_owner_alone_and_goes_with_the_server() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let path = socket(&server);
    let file = fs::metadata(&path)?;
    ensure!(file.file_type().is_socket(), "it is a socket");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    for secret in ["master.key", "admin.token", "guest.auth"] {
        let mode = fs::metadata(server.data.join("secrets").join(secret))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    server.kill()?;
    ensure!(path.exists(), "a kill leaves it");
    server.restart().await?;
    assert_eq!(admin(&server).subjects(Page::default()).await?.len(), 1, "and it is replaced");
    server.stop().await?;
    ensure!(!path.exists(), "a stop removes it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp_only_the_token_admits_and_the_public_port_has_no_admin() -> Result<()> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = format!("[admin]\nlisten = \"127.0.0.1:{port}\"");
    let mut server = Setup::new().config(&config).start().await?;
    let address = format!("http://127.0.0.1:{port}");
    let file = server.data.join("secrets/admin.token");
    let token = fs::read_to_string(&file)?;
    assert_eq!(Admin::at(&address, &token)?.subjects(Page::default()).await?.len(), 1);
    let bare = Client::new(&address)?;
    let wrong = bare.clone().with_header("authorization", "Bearer wrong")?;
    let basic = bare.clone().with_key(&server.key()?)?;
    for client in [&bare, &wrong, &basic] {
        for path in [S, "/admin/v1/nothing", "/metrics"] {
            let answer = client.send(Method::GET, path, None).await?;
            let text = "The admin token is missing or wrong.".to_owned();
            assert_eq!(refusal(&answer)?, (401, text), "{path}");
            let realm = answer.header("www-authenticate");
            assert_eq!(realm, Some("Bearer realm=\"quirl admin\""));
        }
    }
    let metrics = Admin::at(&address, &token)?.send(Method::GET, "/metrics", None).await?;
    ensure!(metrics.status == 200 && !metrics.body.is_empty(), "metrics are served here as well");
    let metrics = admin(&server).send(Method::GET, "/metrics", None).await?;
    ensure!(metrics.status == 200 && !metrics.body.is_empty(), "and at the socket");

    let public = Client::new(&server.address)?;
    for client in [public.clone(), public.with_header("authorization", "Bearer x")?] {
        for path in [S, "/admin/v1/subjects/guest", "/admin/v1/namespaces/guest/limits"] {
            let answer = client.send(Method::GET, path, None).await?;
            assert_eq!(refusal(&answer)?, (404, NO_ROUTE.to_owned()), "{path}");
        }
    }
    let large = bytes::Bytes::from(vec![b' '; (1 << 20) + 1]);
    let answer = admin(&server).send(Method::PUT, &format!("{S}/ann-lee"), Some(large)).await?;
    assert_eq!(refusal(&answer)?, (413, "Request too large".to_owned()));

    let mut command = server.quirl();
    command.args(["admin", "--admin-host", &address, "--token"]).arg(&file);
    let listed = command.args(["user", "list"]).output()?;
    let out = String::from_utf8_lossy(&listed.stdout);
    ensure!(listed.status.success() && out.contains("guest (1 key)"), "{out}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_manages_a_tenant() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let quirl = |words: &[&str]| {
        let output = server.quirl().arg("admin").args(words).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        anyhow::Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
    };
    let (code, out, err) = quirl(&["user", "create", "ann-lee"])?;
    assert_eq!(code, Some(0), "{err}");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("ok: created user ann-lee with namespace ann-lee"));
    let key = lines.next().context("no key")?;
    ensure!(err.contains("not shown again"), "{err}");
    assert_eq!(with_key(&server, key)?.namespaces().await?, ["ann-lee"]);
    let user = &key[..36];
    let set = ["limits", "set", "ann-lee", "--max-action-memory", "256"];
    assert_eq!(quirl(&set)?.1.lines().next(), Some("ok: set limits of namespace ann-lee"));
    let set = ["limits", "set", "ann-lee", "--fires-per-minute", "5"];
    let both =
        Limits { max_action_memory: Some(256), fires_per_minute: Some(5), ..Limits::default() };
    assert_eq!(quirl(&set)?.0, Some(0));
    assert_eq!(admin(&server).limits("ann-lee").await?, both);
    let revoked = quirl(&["key", "revoke", "ann-lee", user])?.1;
    assert_eq!(revoked, format!("ok: revoked key {user}; namespace ann-lee has 0 left\n"));
    assert_eq!(status(&with_key(&server, key)?).await?, 401);
    let (code, _, err) = quirl(&["user", "create", "ann"])?;
    assert_eq!(code, Some(144));
    ensure!(err.contains("The subject must have at least 5 characters. (code "), "{err}");
    assert_eq!(quirl(&["user", "delete", "ann-lee"])?.0, Some(0));
    server.stop().await
}

/// Asks the server that runs it who it is, and tells the key that it was given.
const WHO: &str = "
async function main({ sleep = 0 }) {
  const { __OW_API_HOST: host, __OW_API_KEY: key } = process.env;
  if (!key) return { key: null };
  const headers = { authorization: `Basic ${Buffer.from(key).toString('base64')}` };
  const response = await fetch(`${host}/api/v1/namespaces`, { headers });
  const namespaces = await response.json();
  await new Promise((done) => setTimeout(done, sleep));
  return { key, status: response.status, namespaces };
}";
/// Takes its time, and has nothing to do with anybody.
const SLEEP: &str = "
async function main({ sleep }) {
  await new Promise((done) => setTimeout(done, sleep));
  return { key: process.env.__OW_API_KEY ?? null };
}";

#[tokio::test(flavor = "multi_thread")]
async fn a_minted_key_opens_the_namespace_while_its_action_runs() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let ann = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    let guest = server.client()?;
    let asks = |code: &str| {
        annotated(entity::Put::code("nodejs:20", code), "provide-api-key", &json!(true))
    };
    for client in [&guest, &ann] {
        client.put_action(&name("who")?, &asks(WHO), false).await?;
    }
    guest.put_action(&name("sleep")?, &asks(SLEEP), false).await?;
    guest.put_action(&name("none")?, &entity::Put::code("nodejs:20", SLEEP), false).await?;

    let told = run(&guest, "who", json!({})).await?;
    assert_eq!((&told["status"], &told["namespaces"]), (&json!(200), &json!(["guest"])), "{told}");
    let key = told["key"].as_str().context("no key")?.to_owned();
    let (user, secret) = key.split_once(':').context("uuid:secret")?;
    ensure!(user.len() == 36 && secret.len() == 64, "{user}");
    ensure!(secret.bytes().all(|c| c.is_ascii_hexdigit()), "it is the hex of an HMAC");
    let outside = with_key(&server, &key)?;
    eventually(LIMIT, "it opens nothing any more", || refuses(&outside)).await?;
    assert_eq!(run(&guest, "who", json!({})).await?["key"], json!(key), "the same in each call");
    let of_ann = run(&ann, "who", json!({})).await?;
    assert_eq!(of_ann["namespaces"], json!(["ann-lee"]));
    ensure!(of_ann["key"] != json!(key), "another namespace has another");
    assert_eq!(run(&guest, "none", json!({ "sleep": 0 })).await?["key"], json!(null));

    // One that is known from an earlier call opens the namespace while a later one runs, no longer.
    let id = accept(&guest, "who", json!({ "sleep": 1500 })).await?;
    eventually(LIMIT, "it is open", || opens(&outside)).await?;
    assert_eq!(outside.namespaces().await?, ["guest"]);
    let guess = with_key(&server, &format!("{user}:{}", "0".repeat(64)))?;
    assert_eq!(status(&guess).await?, 401);
    ended(&guest, &id).await?;
    assert_eq!(status(&outside).await?, 401);

    // A blocked subject has no key at all.
    let id = accept(&ann, "who", json!({ "sleep": 1500 })).await?;
    let of_ann = with_key(&server, of_ann["key"].as_str().context("no key")?)?;
    eventually(LIMIT, "it is open", || opens(&of_ann)).await?;
    admin.block("ann-lee", true).await?;
    assert_eq!(status(&of_ann).await?, 401);
    admin.block("ann-lee", false).await?;
    ended(&ann, &id).await?;

    // A restart changes nothing of it: what is run again has the key, and then has it no more.
    let key = run(&guest, "sleep", json!({ "sleep": 0 })).await?["key"].clone();
    let outside = with_key(&server, key.as_str().context("no key")?)?;
    let id = accept(&guest, "sleep", json!({ "sleep": 2500 })).await?;
    eventually(LIMIT, "it is open", || opens(&outside)).await?;
    server.restart().await?;
    eventually(LIMIT, "it is open again", || opens(&outside)).await?;
    let record = ended(&guest, &id).await?;
    let result = record.response.result.context("no result")?;
    assert_eq!(result.as_str(), json!({ "key": key }).to_string());
    assert_eq!(status(&outside).await?, 401);
    let log = server.log().join("\n");
    for secret in [secret, key.as_str().and_then(|key| key.split(':').nth(1)).unwrap_or("none")] {
        ensure!(!log.contains(secret), "a key is in the log");
    }
    server.stop().await
}

async fn opens(client: &Client) -> Result<(), String> {
    match status(client).await {
        Ok(200) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn refuses(client: &Client) -> Result<(), String> {
    match status(client).await {
        Ok(401) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// `folders/first.zip` is what `quirld` of 2026-11-21 left, with `[guest.limits]
/// invocations-per-minute = 3`: limits in full, identities without times, two secrets missing.
fn first_folder(data: &Path) -> Result<()> {
    let zip = Path::new(env!("CARGO_MANIFEST_DIR")).join("folders/first.zip");
    let mut zip = zip::ZipArchive::new(fs::File::open(zip)?)?;
    for at in 0..zip.len() {
        let mut file = zip.by_index(at)?;
        let path = data.join(file.name()?.as_ref());
        fs::create_dir_all(path.parent().context("it is in a folder")?)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_an_earlier_program_is_read_with_its_limits() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    first_folder(&data)?;
    let mut server = Setup::new().data(&data).announce("the index is").start().await?;
    let (admin, guest) = (admin(&server), server.client()?);
    let set = Limits {
        invocations_per_minute: Some(3),
        fires_per_minute: Some(60_000),
        concurrent_invocations: Some(1_000),
        ..Limits::default()
    };
    assert_eq!(admin.limits("guest").await?, set);
    let answer = guest.send(Method::GET, "/api/v1/namespaces/_/limits", None).await?;
    let limits: Value = serde_json::from_slice(&answer.body)?;
    assert_eq!(
        (&limits["invocationsPerMinute"], &limits["maxActionMemory"]),
        (&3.into(), &512.into())
    );
    let subject = admin.subject("guest").await?;
    assert_eq!((subject.created, subject.namespaces.len()), (None, 1));
    ensure!(data.join("secrets/master.key").exists(), "what was missing is made");

    // What is changed is written in the new form, beside what is not.
    ensure!(admin.block("guest", true).await?.blocked, "it is blocked");
    assert_eq!(status(&guest).await?, 401);
    admin.block("guest", false).await?;
    admin.add_key("guest", "guest", Some(OWN)).await?;
    server.restart().await?;
    assert_eq!(status(&guest).await?, 200);
    assert_eq!(status(&with_key(&server, OWN)?).await?, 200);
    assert_eq!(admin.limits("guest").await?, set);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_action_was_given_and_its_namespace_may_no_longer_have_ends_it() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let ann = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    let mut hello = entity::Put::code("nodejs:20", "function main() { return {}; }");
    hello.limits = Some(entity::PutLimits { memory: Some(512), ..Default::default() });
    ann.put_action(&name("wide")?, &hello, false).await?;
    hello.limits = None;
    ann.put_action(&name("usual")?, &hello, false).await?;
    let set = Limits {
        max_action_memory: Some(256),
        min_action_logs: Some(2),
        invocations_per_minute: Some(1000),
        ..Limits::default()
    };
    admin.set_limits("ann-lee", &set).await?;
    let told = "requirement failed: memory size 512 MB exceeds allowed threshold of 256 MB";
    for _ in 0..2 {
        let record = ended(&ann, &accept(&ann, "wide", json!({})).await?).await?;
        assert_eq!(record.response.status, "application error");
        let result = record.response.result.context("a text")?;
        assert_eq!(result.as_str(), json!({ "error": told }).to_string());
        assert_eq!(record.duration, Some(0), "nothing ran");
        server.restart().await?;
    }
    let usual = ended(&ann, &accept(&ann, "usual", json!({})).await?).await?;
    assert!(usual.response.success, "{usual:?}");
    hello.limits = Some(entity::PutLimits { logs: Some(1), ..Default::default() });
    let error = ann.put_action(&name("quiet")?, &hello, false).await.err().context("a refusal")?;
    let text = "requirement failed: log size 1 MB below allowed threshold of 2 MB";
    assert!(error.status() == Some(400) && error.to_string().starts_with(text), "{error}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_a_name_that_was_deleted_sees_nothing_of_before() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let ann = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    ann.put_action(&name("hello")?, &sample(&server, "hello")?, false).await?;
    let old = accept(&ann, "hello", json!({ "name": "secret" })).await?;
    ended(&ann, &old).await?;
    admin.delete_subject("ann-lee", true).await?;
    let other = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    assert_eq!(other.activation(&old).await.err().and_then(|error| error.status()), Some(404));
    assert_eq!(other.activations(&Filter::default()).await?.len(), 0);
    other.put_action(&name("hello")?, &sample(&server, "hello")?, false).await?;
    let new = accept(&other, "hello", json!({ "name": "own" })).await?;
    ended(&other, &new).await?;
    assert_eq!(other.activations(&Filter::default()).await?.len(), 1);
    server.stop().await
}

/// Keys and what is open go with the namespace, not with its name.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_of_a_deleted_namespace_reaches_nothing_of_the_next() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let made = admin.create_subject("ann-lee", None).await?;
    let ann_key = made.key.as_ref().context("no key")?.0.clone();
    let ann = as_shown(&server, &made)?;
    let sleep = annotated(entity::Put::code("nodejs:20", SLEEP), "provide-api-key", &json!(true));
    ann.put_action(&name("sleep")?, &sleep, false).await?;
    let minted = run(&ann, "sleep", json!({ "sleep": 0 })).await?["key"].clone();
    let minted = with_key(&server, minted.as_str().context("no key")?)?;
    let keyed = |client: &Client| client.clone().with_header("Idempotency-Key", "one");
    let long = accept(&keyed(&ann)?, "sleep", json!({ "sleep": 4000 })).await?;
    // A step behind it that stays, whoever is deleted.
    let guest = server.client()?;
    let shared = entity::package::Put { publish: Some(true), ..entity::package::Put::default() };
    guest.put_package(&name("pub")?, &shared, false).await?;
    guest.put_action(&name("pub/hello")?, &sample(&server, "hello")?, false).await?;
    let both = entity::Put::sequence(&["/_/sleep", "/guest/pub/hello"]);
    ann.put_action(&name("both")?, &both, false).await?;
    accept(&ann, "both", json!({ "sleep": 4000 })).await?;
    eventually(LIMIT, "it is open", || opens(&minted)).await?;
    let uploading = begin_to_invoke(&server, &ann_key, "sleep")?;
    tokio::time::sleep(Duration::from_secs(1)).await;

    admin.delete_subject("ann-lee", true).await?;
    assert_eq!(status(&minted).await?, 401);
    let other = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    assert_eq!(status(&minted).await?, 401, "the name is another's now");
    for answer in [
        other.history(&long).await.err(),
        other.cancel(&long).await.err(),
        other.activation(&long).await.err(),
    ] {
        assert_eq!(answer.and_then(|error| error.status()), Some(404));
    }
    // The idempotency key is free again, for any request.
    other.put_action(&name("sleep")?, &sleep, false).await?;
    let own = accept(&keyed(&other)?, "sleep", json!({ "sleep": 1 })).await?;
    assert_ne!(own, long);
    ended(&other, &own).await?;
    let answer = tokio::task::spawn_blocking(move || end_to_invoke(uploading)).await??;
    ensure!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    ensure!(answer.to_lowercase().contains("x-openwhisk-accepted: no"), "{answer}");
    let nothing_is_open = || async {
        let open = guest.send(Method::GET, "/activation/count", None).await?;
        ensure!(open.body.as_ref() == b"0", "{:?}", open.body);
        anyhow::Ok(())
    };
    eventually(LIMIT, "nothing is open", nothing_is_open).await?;
    assert_eq!(other.activations(&Filter::default()).await?.len(), 1);
    server.stop().await
}

/// Sends an invocation but for the end of its body.
fn begin_to_invoke(server: &Server, key: &str, action: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server.address.trim_start_matches("http://"))?;
    write!(
        stream,
        "POST /api/v1/namespaces/_/actions/{action}?blocking=true HTTP/1.1\r\nHost: x\r\n\
         Authorization: Basic {}\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\
         Connection: close\r\n\r\n{{\"sleep",
        STANDARD.encode(key)
    )?;
    Ok(stream)
}

/// Sends the end of it, and returns the answer.
fn end_to_invoke(mut stream: TcpStream) -> Result<String> {
    stream.write_all(b"\": 1}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_bounded_and_cut_as_its_namespace_says() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let admin = admin(&server);
    let ann = as_shown(&server, &admin.create_subject("ann-lee", None).await?)?;
    let code = "function main({ n }) { return { text: 'x'.repeat(n) }; }";
    ann.put_action(&name("long")?, &entity::Put::code("nodejs:20", code), false).await?;
    let set = Limits { max_payload_size: Some(64), truncation_size: Some(7), ..Limits::default() };
    admin.set_limits("ann-lee", &set).await?;
    let fits = json!({ "text": "x".repeat(53) });
    assert_eq!(run(&ann, "long", json!({ "n": 53 })).await?, fits);
    let record = ended(&ann, &accept(&ann, "long", json!({ "n": 54 })).await?).await?;
    assert_eq!(record.response.status, "application error");
    let text = "The action produced a response that exceeded the allowed length: 65 > 64 bytes. \
                The truncated response was: {\"text\"";
    let result = record.response.result.context("a text")?;
    assert_eq!(result.as_str(), json!({ "error": text }).to_string());
    server.stop().await
}
