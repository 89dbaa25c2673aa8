//! Fires: as many rules as fit, kills in between, changes of rules at the same time. The names begin
//! with the invariants of `exactly-once.md` §13.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use api::client::{Answer, Client};
use api::entity::trigger::Trigger;
use base64::Engine as _;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::Method;
use quirl_tests::eventually::eventually;
use quirl_tests::platform::{Server, Setup, metrics};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
/// Requests at a time.
const AT_ONCE: usize = 32;

/// A path in the own namespace.
fn at(path: &str) -> String {
    format!("/api/v1/namespaces/_/{path}")
}

async fn send(client: &Client, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
    let body = body.map(|body| Bytes::from(body.to_string()));
    Ok(client.send(method, &at(path), body).await?)
}

async fn put(client: &Client, path: &str, body: &Value) -> Result<()> {
    let answer = send(client, Method::PUT, path, Some(body)).await?;
    ensure!(answer.status == 200, "PUT {path}: {} {}", answer.status, text(&answer));
    Ok(())
}

async fn get(client: &Client, path: &str) -> Result<Value> {
    let answer = send(client, Method::GET, path, None).await?;
    ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, text(&answer));
    Ok(serde_json::from_slice(&answer.body)?)
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// An action from a sample, and a trigger `t`.
async fn deploy(server: &Server, action: &str, sample: &str) -> Result<Client> {
    let client = server.client()?;
    let code = base64::engine::general_purpose::STANDARD.encode(server.programs.sample(sample)?);
    let exec = json!({ "exec": { "kind": "wasm:default", "code": code } });
    put(&client, &format!("actions/{action}"), &exec).await?;
    put(&client, "triggers/t", &json!({})).await?;
    Ok(client)
}

async fn attach(
    client: &Client,
    rules: impl IntoIterator<Item = String>,
    action: &str,
) -> Result<()> {
    let body = json!({ "trigger": "/_/t", "action": format!("/_/{action}") });
    let puts = rules.into_iter().map(|rule| {
        let body = &body;
        async move { put(client, &format!("rules/{rule}"), body).await }
    });
    stream::iter(puts).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// The last applied offset of the ledger, as metrics show it.
async fn applied(server: &Server) -> Result<String> {
    let all = metrics(&server.address).await?;
    let found = all.iter().find(|(series, _)| series.starts_with("quirl_ledger_applied_offset"));
    Ok(found.context("no such series")?.1.to_string())
}

/// Fires `t`; the id.
async fn fire(client: &Client) -> Result<String> {
    let answer = send(client, Method::POST, "triggers/t", Some(&json!({}))).await?;
    ensure!(answer.status == 202, "fire: {} {}", answer.status, text(&answer));
    let body: Value = serde_json::from_slice(&answer.body)?;
    Ok(body["activationId"].as_str().context("an id")?.to_owned())
}

/// What a trigger's record says of its rules: child, or the text of the refusal.
async fn outcomes(client: &Client, fired: &str) -> Result<Vec<(String, Result<String, String>)>> {
    let logs = get(client, &format!("activations/{fired}/logs")).await?;
    let lines = logs["logs"].as_array().context("logs")?;
    let outcome = |line: &Value| {
        let line: Value = serde_json::from_str(line.as_str().context("text")?)?;
        let word = |name: &str| line[name].as_str().map(str::to_owned);
        let came = word("activationId").ok_or_else(|| word("error").unwrap_or_default());
        Ok((word("rule").context("rule")?, came))
    };
    lines.iter().map(outcome).collect()
}

/// All of these have ended, each well.
async fn all_ended(client: &Client, ids: &[String]) -> Result<()> {
    let ends = ids.iter().map(|id| async move {
        let path = format!("activations/{id}/result");
        let look = || async { get(client, &path).await };
        let result = eventually(LIMIT, "it has ended", look).await?;
        ensure!(result["success"] == true, "{id}: {result}");
        Ok(())
    });
    stream::iter(ends).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_a_thousand_rules_are_one_record_and_one_more_is_told() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, "empty", "empty").await?;
    attach(&client, (0..1001).map(|n| format!("rule-{n:04}")), "empty").await?;
    let fired = fire(&client).await?;
    let outcomes = outcomes(&client, &fired).await?;
    let told: BTreeSet<&str> = outcomes.iter().map(|(rule, _)| rule.as_str()).collect();
    assert_eq!((outcomes.len(), told.len()), (1001, 1001), "each rule once");
    let refused: Vec<&String> =
        outcomes.iter().filter_map(|(_, came)| came.as_ref().err()).collect();
    let full = "Too many concurrent requests in flight (count: 1000, allowed: 1000).";
    assert_eq!(refused, [full], "guest may have 1,000 in flight");
    assert!(outcomes.last().is_some_and(|(_, came)| came.is_err()), "the last one");
    let children: Vec<String> = outcomes.into_iter().filter_map(|(_, came)| came.ok()).collect();
    all_ended(&client, &children).await?;
    let count = get(&client, "activations?count=true").await?;
    assert_eq!(count, json!({ "activations": 1001 }));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn more_rules_than_a_record_holds_are_refused_and_leave_nothing() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let action = "a".repeat(256);
    let client = deploy(&server, &action, "empty").await?;
    attach(&client, (0..900).map(|n| format!("{}{n:04}", "r".repeat(252))), &action).await?;
    let before = applied(&server).await?;
    let answer = send(&client, Method::POST, "triggers/t", Some(&json!({}))).await?;
    assert_eq!(answer.status, 413);
    let error: Value = serde_json::from_slice(&answer.body)?;
    assert_eq!(
        error["error"],
        "The trigger 'guest/t' has too many active rules for one fire (900)."
    );
    assert_eq!(before, applied(&server).await?, "the refusal moved the ledger");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_killed_behind_a_fire_each_child_ends_once() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, "sleep", "sleep").await?;
    put(&client, "triggers/t?overwrite=true", &json!({"parameters":[{"key":"ms","value":20}]}))
        .await?;
    attach(&client, (0..10).map(|n| format!("r{n}")), "sleep").await?;
    let mut children = Vec::new();
    for round in 0..5 {
        let client = server.client()?;
        let fired = fire(&client).await?;
        server.kill()?;
        server.restart().await?;
        let outcomes = outcomes(&server.client()?, &fired).await?;
        ensure!(outcomes.len() == 10, "round {round}: {} rules", outcomes.len());
        let mut born = Vec::new();
        for (rule, came) in outcomes {
            match came {
                Ok(child) => born.push(child),
                Err(text) => bail!("round {round}: {rule} was refused: {text}"),
            }
        }
        // Three attempts in all: the next kill would take one more from those that still run.
        all_ended(&server.client()?, &born).await?;
        children.extend(born);
    }
    let distinct: BTreeSet<&String> = children.iter().collect();
    assert_eq!(distinct.len(), 50, "no child twice");
    let count = get(&server.client()?, "activations?count=true").await?;
    assert_eq!(count, json!({ "activations": 55 }));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_rules_that_are_switched_meanwhile_are_started_as_the_record_says() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, "empty", "empty").await?;
    attach(&client, (0..8).map(|n| format!("r{n}")), "empty").await?;
    let switch = |n: usize| {
        let client = client.clone();
        async move {
            let status = if n.is_multiple_of(3) { "inactive" } else { "active" };
            let path = format!("rules/r{}", n % 8);
            let body = json!({ "status": status });
            let answer = send(&client, Method::POST, &path, Some(&body)).await?;
            ensure!(matches!(answer.status, 200 | 409), "switch: {}", text(&answer));
            Ok::<_, anyhow::Error>(None)
        }
    };
    let fire_one = || {
        let client = client.clone();
        async move {
            let answer = send(&client, Method::POST, "triggers/t", Some(&json!({}))).await?;
            match answer.status {
                202 => {
                    let body: Value = serde_json::from_slice(&answer.body)?;
                    Ok(body["activationId"].as_str().map(str::to_owned))
                }
                // Lost its race three times, and says so.
                204 | 503 => Ok(None),
                other => bail!("fire: {other} {}", text(&answer)),
            }
        }
    };
    let mut asked = Vec::new();
    for n in 0..600 {
        let one: futures::future::BoxFuture<'_, Result<Option<String>>> =
            if n % 2 == 0 { Box::pin(fire_one()) } else { Box::pin(switch(n)) };
        asked.push(one);
    }
    let fired: Vec<Option<String>> = stream::iter(asked).buffer_unordered(64).try_collect().await?;
    let fired: Vec<String> = fired.into_iter().flatten().collect();
    assert!(fired.len() > 50, "only {} of 300 fires were accepted", fired.len());
    let mut by_child = BTreeMap::new();
    for fired in &fired {
        for (rule, came) in outcomes(&client, fired).await? {
            match came {
                Ok(child) => {
                    let known = by_child.insert(child, rule);
                    ensure!(known.is_none(), "one child of two rules: {known:?}");
                }
                Err(text) => ensure!(text.contains("is inactive"), "{text}"),
            }
        }
    }
    let children: Vec<String> = by_child.into_keys().collect();
    all_ended(&client, &children).await?;
    let count = get(&client, "activations?count=true").await?;
    assert_eq!(count, json!({ "activations": fired.len() + children.len() }), "no other child");
    let trigger: Trigger = serde_json::from_value(get(&client, "triggers/t").await?)?;
    for (rule, hanging) in trigger.rules.context("rules")?.0 {
        let name = rule.strip_prefix("guest/").context("a name")?;
        let shown = get(&client, &format!("rules/{name}")).await?;
        assert_eq!(shown["status"], hanging.status.as_str(), "{rule}");
    }
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_loses_its_races_is_told() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, "empty", "empty").await?;
    attach(&client, ["r".to_owned()], "empty").await?;
    for round in 0..40 {
        let switches = (0..64).map(|n| {
            let status = if n % 2 == 0 { "inactive" } else { "active" };
            let (client, body) = (client.clone(), json!({ "status": status }));
            async move { send(&client, Method::POST, "rules/r", Some(&body)).await }
        });
        let answers: Vec<Answer> =
            stream::iter(switches).buffer_unordered(64).try_collect().await?;
        let lost: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 200).collect();
        for answer in &lost {
            let error: Value = serde_json::from_slice(&answer.body)?;
            assert_eq!(answer.status, 409, "round {round}");
            assert_eq!(error["error"], "Concurrent modification to resource detected.");
        }
        if !lost.is_empty() {
            return server.stop().await;
        }
    }
    bail!("of 64 at a time none ever lost three races")
}

/// Turns a bit over in the middle of every blob.
fn damage_blobs(server: &Server) -> Result<usize> {
    let mut damaged = 0;
    for folder in std::fs::read_dir(server.data.join("blobs"))? {
        let folder = folder?.path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder)? {
            let file = file?.path();
            let mut bytes = std::fs::read(&file)?;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            std::fs::write(&file, bytes)?;
            damaged += 1;
        }
    }
    Ok(damaged)
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_documents_are_told_where_they_matter() -> Result<()> {
    let mut server = Setup::new().start().await?;
    let client = deploy(&server, "small", "empty").await?;
    // Larger than what stands in the ledger itself.
    let weight = json!([{ "key": "weight", "value": "y".repeat(9000) }]);
    let exec = json!({ "kind": "sequence", "components": ["/_/small"] });
    put(&client, "triggers/wide", &json!({ "parameters": weight })).await?;
    put(&client, "packages/wide-p", &json!({ "parameters": weight })).await?;
    put(&client, "actions/wide-p/a", &json!({ "exec": exec })).await?;
    put(&client, "actions/wide-a", &json!({ "exec": exec, "annotations": weight })).await?;
    put(&client, "rules/r", &json!({ "trigger": "/_/t", "action": "/_/wide-a" })).await?;
    put(&client, "rules/on-wide", &json!({ "trigger": "/_/wide", "action": "/_/small" })).await?;
    let wide = json!({ "trigger": "/_/t", "action": "/_/small", "annotations": weight });
    put(&client, "rules/wide-r", &wide).await?;
    server.kill()?;
    ensure!(damage_blobs(&server)? >= 4, "documents are blobs");
    server.restart_as(server.setup().announce("blob").announce("damaged")).await?;

    let client = server.client()?;
    let corrupted = "Resource is corrupted and cannot be read.";
    let rule = |trigger: &str, action: &str| json!({ "trigger": trigger, "action": action });
    let state = json!({ "status": "inactive" });
    let (get, put, post) = (Method::GET, Method::PUT, Method::POST);
    for (method, path, body, status, text) in [
        (
            &put,
            "rules/x",
            Some(rule("/_/wide", "/_/small")),
            400,
            "trigger /guest/wide is corrupted",
        ),
        (
            &put,
            "rules/x",
            Some(rule("/_/t", "/_/wide-a")),
            400,
            "action /guest/wide-a is corrupted",
        ),
        (&post, "rules/wide-r", Some(state.clone()), 500, corrupted),
        (&post, "rules/on-wide", Some(state), 500, corrupted),
        (&get, "packages/wide-p", None, 500, corrupted),
        (&get, "actions/wide-p/a", None, 500, corrupted),
        (&post, "actions/wide-p/a", None, 500, corrupted),
        (&post, "triggers/wide", None, 500, corrupted),
        (&get, "triggers/wide", None, 500, corrupted),
    ] {
        let answer = send(&client, method.clone(), path, body.as_ref()).await?;
        let error: Value = serde_json::from_slice(&answer.body)?;
        assert_eq!((answer.status, &error["error"]), (status, &json!(text)), "{method} {path}");
    }
    let fired = fire(&client).await?;
    let outcomes = outcomes(&client, &fired).await?;
    let failed = ("guest/r".to_owned(), Err("There was an internal server error.".to_owned()));
    assert_eq!(outcomes.first(), Some(&failed), "the rule of what cannot be read");
    assert!(matches!(outcomes.get(1), Some((_, Ok(_)))), "the other one is started: {outcomes:?}");
    server.stop().await
}
