//! Retention: what it removes is gone for every reader, what it must not remove stays whole.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use api::activation::history::{History, What};
use api::client::{Client, Error, Filter, Invocation, Invoke, Name, Page};
use api::entity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::json::Json;
use quirl_tests::eventually::eventually;
use quirl_tests::platform::{Server, Setup};

const LIMIT: Duration = Duration::from_secs(60);
const GONE: &str = "The activation that answered this key is no longer stored.";
/// A snapshot after some fifty invocations, three of them kept, and little behind those.
const CONFIG: &str = "[ledger]\nsegment = \"4 MiB\"\nballoon = \"1 MiB\"\ndisk-floor = \"64 MiB\"\n\
    retain-bytes = \"256 KiB\"\n[controller]\nsnapshot-bytes = \"128 KiB\"\n";

fn name(text: &str) -> Result<Name> {
    Ok(Name::parse(text, "_")?)
}

async fn deploy(server: &Server) -> Result<Client> {
    let client = server.client()?;
    let hello =
        entity::Put::code("wasm:default", &STANDARD.encode(server.programs.sample("hello")?));
    client.put_action(&name("hello")?, &hello, false).await?;
    let slow = "const main = () => new Promise(done => setTimeout(() => done({}), 55000));";
    client.put_action(&name("slow")?, &entity::Put::code("nodejs:20", slow), false).await?;
    client.put_trigger(&name("t")?, &entity::trigger::Put::default(), false).await?;
    let rule = entity::rule::Put {
        trigger: Some("/_/t".to_owned()),
        action: Some("/_/hello".to_owned()),
        ..entity::rule::Put::default()
    };
    client.put_rule(&name("r")?, &rule, false).await?;
    Ok(client)
}

const BLOCKING: Invoke = Invoke { blocking: true, result: true, timeout_ms: None };

async fn invoke(client: &Client, action: &str, how: Invoke) -> Result<Invocation, Error> {
    let name = Name::parse(action, "_").map_err(|_| Error::Path("a name".to_owned()))?;
    client.invoke(&name, &Json::of(&serde_json::json!({ "name": "x" })), how).await
}

async fn id(client: &Client, action: &str, how: Invoke) -> Result<String> {
    let invocation = invoke(client, action, how).await?;
    Ok(invocation.id().context("an id")?.to_owned())
}

/// Invokes until `done`.
async fn flood(client: &Client, done: impl AsyncFn() -> Result<bool>) -> Result<()> {
    for _ in 0..200 {
        for _ in 0..100 {
            invoke(client, "hello", BLOCKING).await?;
        }
        if done().await? {
            return Ok(());
        }
    }
    bail!("nothing was removed")
}

/// The names of the snapshots that are kept.
fn snapshots(server: &Server) -> Result<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(server.data.join("ledger/00"))? {
        let name = entry?.file_name();
        if name.to_string_lossy().ends_with(".snap") {
            names.insert(name);
        }
    }
    Ok(names)
}

async fn is_gone(client: &Client, id: &str) -> Result<bool> {
    match client.activation(id).await {
        Ok(_) => Ok(false),
        Err(error) if error.status() == Some(404) => Ok(true),
        Err(error) => bail!(error),
    }
}

async fn check_gone(client: &Client, ids: &[(&str, String)]) -> Result<()> {
    for (key, id) in ids {
        ensure!(is_gone(client, id).await?, "{key}");
        let keyed = client.clone().with_header("Idempotency-Key", key)?;
        let error = match *key {
            "blocking" => invoke(&keyed, "hello", BLOCKING).await.err(),
            "accepted" => invoke(&keyed, "hello", Invoke::default()).await.err(),
            _ => keyed.fire(&name("t")?, &Json::empty_object()).await.err(),
        };
        match error {
            Some(Error::Refused(refusal)) => {
                assert_eq!((refusal.status, refusal.text.as_str()), (410, GONE), "{key}");
                let named = refusal.headers.get("x-openwhisk-activation-id");
                assert_eq!(named.map(|it| it.as_bytes()), Some(id.as_bytes()), "{key}");
            }
            other => bail!("{key}: {other:?}"),
        }
    }
    let all = Filter { page: Page { limit: 0, skip: 0 }, ..Filter::default() };
    let listed = client.activations(&all).await?;
    ensure!(!listed.is_empty());
    for (key, id) in ids {
        ensure!(!listed.iter().any(|row| row.activation_id == *id), "{key} is listed");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_outlives_the_record_that_it_names() -> Result<()> {
    let mut server = Setup::new().config(CONFIG).start().await?;
    let client = deploy(&server).await?;
    let keyed = |key: &str| client.clone().with_header("Idempotency-Key", key);
    let mut ids = vec![
        ("blocking", id(&keyed("blocking")?, "hello", BLOCKING).await?),
        ("accepted", id(&keyed("accepted")?, "hello", Invoke::default()).await?),
    ];
    let fired = keyed("fired")?.fire(&name("t")?, &Json::empty_object()).await?;
    ids.push(("fired", fired.id().context("an id")?.to_owned()));
    for (_, id) in &ids {
        eventually(LIMIT, "it is there", || client.activation(id)).await?;
    }
    let last = ids.last().context("three")?.1.clone();
    flood(&client, async || is_gone(&client, &last).await).await?;
    check_gone(&client, &ids).await?;
    server.restart().await?;
    let client = server.client()?;
    check_gone(&client, &ids).await?;
    // An index that is built anew has no rows of what is gone.
    server.kill()?;
    std::fs::remove_dir_all(server.data.join("index"))?;
    server.restart_as(server.setup().announce("index")).await?;
    let client = server.client()?;
    let first = Filter::default();
    eventually(LIMIT, "the index is built", || client.activations(&first)).await?;
    check_gone(&client, &ids).await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_kept_whole_until_it_has_ended() -> Result<()> {
    let mut server = Setup::new().config(CONFIG).start().await?;
    let client = deploy(&server).await?;
    let before = id(&client, "hello", BLOCKING).await?;
    flood(&client, async || is_gone(&client, &before).await).await?;
    let slow = id(&client, "slow", Invoke::default()).await?;
    let beside = id(&client, "hello", BLOCKING).await?;
    // Until snapshots would let it go, and it was looked at since: every three seconds.
    let begun = snapshots(&server)?;
    let behind = async || Ok(snapshots(&server)?.difference(&begun).count() >= 3);
    flood(&client, behind).await?;
    for _ in 0..400 {
        invoke(&client, "hello", BLOCKING).await?;
    }
    tokio::time::sleep(Duration::from_secs(7)).await;
    let used = server.metric(r#"quirl_ledger_bytes{partition="0"}"#).await?;
    ensure!(used > 524_288.0, "{used} bytes are not too much");
    ensure!(!is_gone(&client, &beside).await?, "its segment is that of what is open");
    client.cancel(&slow).await?;
    let record = client.activation(&slow).await?;
    ensure!(!record.response.success);
    let history: History = client.history(&slow).await?;
    assert_eq!(history.events.first().map(|event| event.event), Some(What::Accepted));
    flood(&client, async || is_gone(&client, &slow).await).await?;
    ensure!(is_gone(&client, &beside).await?);
    server.stop().await
}
