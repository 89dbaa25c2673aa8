//! `fetch` of scripts through the host: whom it reaches, how its answer comes back, and what a kill
//! leaves. The rules are `exactly-once.md` §4, "`Touched`, case by case".

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use api::activation::history::{History, What};
use api::activation::{Record, read};
use api::client::{Client, Invocation, Invoke, Name};
use api::entity;
use ledger::fold::Happened;
use model::json::Json;
use quirl_tests::collector::Collector;
use quirl_tests::engine;
use quirl_tests::eventually::eventually;
use quirl_tests::ledger_dump;
use quirl_tests::platform::{Programs, Server, Setup, was_killed};
use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(40);
/// So long the engine may take to be compiled, at low priority beside whatever else runs.
const COMPILED: Duration = Duration::from_secs(300);
const LOCALHOST: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// How often each kill is repeated.
const ROUNDS: usize = 3;

/// Asks, and tells what came of it.
const ASK: &str = "
async function main({ url, init, read = 'text', sleep = 0 }) {
  await new Promise((done) => setTimeout(done, sleep));
  try {
    const response = await fetch(url, init);
    const { status, ok, redirected } = response;
    const headers = Object.fromEntries(response.headers);
    const body = await response[read]();
    const bytes = body instanceof ArrayBuffer ? Array.from(new Uint8Array(body)) : undefined;
    return { status, ok, redirected, url: response.url, headers, body: bytes ?? body };
  } catch (thrown) {
    return { name: thrown.name, message: thrown.message, cause: thrown.cause?.message };
  }
}";
/// Asks and returns at once.
const LEAVE: &str = "function main({ url }) { fetch(url); return { left: true }; }";
/// Asks, and then takes its time.
const LINGER: &str = "
async function main({ url, sleep }) {
  if (url) await fetch(url, { method: 'POST', body: 'once' });
  await new Promise((done) => setTimeout(done, sleep));
  return { kept: url ? 'with' : 'without' };
}";
/// Lets errors of `fetch` through.
const CARELESS: &str = "async function main({ url }) { await fetch(url); return {}; }";
/// Asks many times at once.
const MANY: &str = "
async function main({ url, count }) {
  const ask = async (n) => (await fetch(`${url}/${n}`, { method: 'PUT', body: `${n}` })).json();
  const answers = await Promise.all(Array.from({ length: count }, (_, n) => ask(n)));
  return { paths: answers.map((it) => it.path) };
}";
/// Asks the server that runs it.
const OWN: &str = "
async function main() {
  const response = await fetch(`${process.env.__OW_API_HOST}/api/v1`);
  return { status: response.status, keys: Object.keys(await response.json()) };
}";

/// A server whose actions may reach what is named.
fn may_reach(allow: &[String]) -> Setup {
    Setup::new().config(&format!("[egress]\nallow = {allow:?}"))
}

/// Starts on a new folder, where the engine is compiled when the server is there: a test that kills
/// must not wait for it.
async fn start(folder: &TempDir, setup: Setup) -> Result<Server> {
    let data = folder.path().join("data");
    let program = &Programs::get()?.quirld;
    engine::lend(program, &data)?;
    let server = setup.data(&data).start().await?;
    eventually(COMPILED, "the engine is compiled", || async {
        match engine::keep(program, &data) {
            Ok(0) => Err("nothing yet".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{error:#}")),
        }
    })
    .await?;
    Ok(server)
}

fn script(code: &str) -> entity::Put {
    entity::Put::code("nodejs:20", code)
}

/// Whatever the code, it may be run again so often.
fn declared(code: &str, attempts: u8) -> entity::Put {
    let retry = entity::Parameter {
        key: "retry".to_owned(),
        value: Json::of(&json!({ "attempts": attempts })),
        init: false,
        encryption: None,
    };
    entity::Put { annotations: Some(vec![retry]), ..script(code) }
}

fn name(text: &str) -> Result<Name> {
    Ok(Name::parse(text, "_")?)
}

async fn deploy(server: &Server, scripts: &[(&str, &str)]) -> Result<Client> {
    let client = server.client()?;
    for (action, code) in scripts {
        client.put_action(&name(action)?, &script(code), true).await?;
    }
    Ok(client)
}

async fn accept(client: &Client, action: &str, payload: &Value) -> Result<String> {
    let accepted = client.invoke(&name(action)?, &Json::of(payload), Invoke::default()).await?;
    Ok(accepted.id().context("no id")?.to_owned())
}

async fn ended(client: &Client, id: &str) -> Result<Record> {
    eventually(LIMIT, "it has ended", || client.activation(id)).await
}

/// One run, awaited.
struct Ran {
    id: String,
    status: u16,
    result: Value,
}

async fn run(client: &Client, action: &str, payload: Value) -> Result<Ran> {
    let how = Invoke { blocking: true, result: true, timeout_ms: None };
    let told = client.invoke(&name(action)?, &Json::of(&payload), how).await?;
    let Invocation::Ended { id: Some(id), status, body, .. } = told else {
        anyhow::bail!("{action} {payload}: {told:?}");
    };
    Ok(Ran { id, status, result: serde_json::from_str(body.as_str())? })
}

/// What `ASK` tells of a GET.
async fn ask(client: &Client, url: &str) -> Result<Ran> {
    run(client, "ask", json!({ "url": url })).await
}

/// What happened to it, without acceptance and assignments.
async fn what_happened(client: &Client, id: &str) -> Result<Vec<What>> {
    let events = client.history(id).await?.events.into_iter().map(|it| it.event);
    Ok(events.filter(|it| !matches!(it, What::Accepted | What::Assigned)).collect())
}

/// The row of the contract, filled in.
fn refusal(host: &str, address: &str, class: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rest/own.tsv");
    let rows = fs::read_to_string(path)?;
    let row = rows.lines().find(|row| row.starts_with("Outbound request that the policy refuses"));
    let text = row.and_then(|row| row.split('\t').nth(2)).context("no such row")?;
    Ok(text.replace("<host>", host).replace("<address>", address).replace("<class>", class))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_refuses_leaves_nothing_anywhere() -> Result<()> {
    let collector = Collector::at(LOCALHOST).await?;
    let port = collector.address.port();
    let folder = tempfile::tempdir()?;
    let mut server = start(&folder, Setup::new()).await?;
    let client = deploy(&server, &[("ask", ASK), ("careless", CARELESS), ("own", OWN)]).await?;
    let (loopback, metadata) = ("a loopback address", "a metadata address");
    for (authority, host, address, class) in [
        (format!("127.0.0.1:{port}"), "127.0.0.1", "127.0.0.1", loopback),
        (format!("0x7f.1:{port}"), "127.0.0.1", "127.0.0.1", loopback),
        (format!("[::1]:{port}"), "[::1]", "::1", loopback),
        ("169.254.169.254".to_owned(), "169.254.169.254", "169.254.169.254", metadata),
        ("169.254.1.1".to_owned(), "169.254.1.1", "169.254.1.1", "a link-local address"),
        ("10.0.0.1".to_owned(), "10.0.0.1", "10.0.0.1", "a private address"),
    ] {
        let ran = ask(&client, &format!("http://{authority}/refused")).await?;
        let expected = json!({ "name": "TypeError", "message": refusal(host, address, class)? });
        assert_eq!(ran.result, expected, "{authority}");
        assert_eq!(what_happened(&client, &ran.id).await?, [What::Finished], "{authority}");
    }
    let by_name = format!("http://localhost:{port}/refused");
    let ran = ask(&client, &by_name).await?;
    let told = ran.result["message"].as_str().unwrap_or_default();
    let expected = ["127.0.0.1", "::1"].map(|address| refusal("localhost", address, loopback));
    ensure!(expected.into_iter().flatten().any(|it| it == told), "{told}");
    assert_eq!(what_happened(&client, &ran.id).await?, [What::Finished]);

    let ran = run(&client, "careless", json!({ "url": collector.url("/refused") })).await?;
    let error = &ran.result["error"];
    assert_eq!((ran.status, &error["name"]), (502, &json!("TypeError")), "{error}");
    assert_eq!(error["message"], refusal("127.0.0.1", "127.0.0.1", loopback)?);
    assert_eq!(collector.arrivals("/")?, []);

    // The server itself is open, although it is at the same address.
    let ran = run(&client, "own", json!({})).await?;
    assert_eq!(ran.result["status"], 200, "{}", ran.result);
    assert_eq!(what_happened(&client, &ran.id).await?, [What::Touched, What::Finished]);

    // The control: the same requests arrive once they are named.
    let allow = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}"));
    server.restart_as(may_reach(&allow)).await?;
    for url in [collector.url("/named"), by_name.replace("refused", "named")] {
        let ran = ask(&client, &url).await?;
        assert_eq!(ran.result["status"], 203, "{}", ran.result);
        assert_eq!(what_happened(&client, &ran.id).await?, [What::Touched, What::Finished]);
    }
    assert_eq!((collector.arrivals("/named")?.len(), collector.arrivals("/")?.len()), (2, 2));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_arrives_once_and_its_answer_reaches_the_script() -> Result<()> {
    let (collector, other) = (Collector::at(LOCALHOST).await?, Collector::at(LOCALHOST).await?);
    let folder = tempfile::tempdir()?;
    let setup = may_reach(&[collector.address.to_string()]);
    let mut server = start(&folder, setup).await?;
    let scripts = [("ask", ASK), ("leave", LEAVE), ("many", MANY), ("linger", LINGER)];
    let client = deploy(&server, &scripts).await?;

    let headers = json!({ "X-Mine": "yes", "Content-Type": "text/x-note" });
    let init = json!({ "method": "PATCH", "headers": headers, "body": "Grüße" });
    let url = collector.url("/echo?q=1");
    let ran = run(&client, "ask", json!({ "url": url, "init": init, "read": "json" })).await?;
    let (result, body) = (&ran.result, &ran.result["body"]);
    assert_eq!(
        (&result["status"], &result["ok"], &result["redirected"]),
        (&json!(203), &json!(true), &json!(false))
    );
    assert_eq!((&result["url"], &result["headers"]["x-seen"]), (&json!(url), &json!("one, two")));
    assert_eq!(*body, json!({ "path": "/echo", "length": 7, "text": "grüße" }));
    let arrived = collector.arrivals("/echo")?;
    assert_eq!(arrived.len(), 1);
    assert_eq!((arrived[0].method.as_str(), arrived[0].body.as_str()), ("PATCH", "Grüße"));
    assert_eq!(arrived[0].header("x-mine"), Some("yes"));
    assert_eq!(arrived[0].header("content-type"), Some("text/x-note"));
    assert_eq!(arrived[0].header("host"), Some(collector.address.to_string().as_str()));
    assert_eq!(what_happened(&client, &ran.id).await?, [What::Touched, What::Finished]);

    let read = json!({ "url": collector.url("/bytes"), "read": "arrayBuffer" });
    let bytes = run(&client, "ask", read).await?;
    assert_eq!(bytes.result["body"], json!((0..=255).collect::<Vec<_>>()));
    let text = ask(&client, &collector.url("/text")).await?;
    ensure!(text.result["body"].as_str().is_some_and(|it| it.contains("grüße")), "{}", text.result);

    // Every redirect is judged as the first request was.
    let url = collector.url(&format!("/redirect?{}", collector.url("/target")));
    let ran = ask(&client, &url).await?;
    let (redirected, at) = (&ran.result["redirected"], &ran.result["url"]);
    assert_eq!((redirected, at), (&json!(true), &json!(collector.url("/target"))));
    for (target, address, class) in [
        (other.url("/target"), "127.0.0.1", "a loopback address"),
        ("http://169.254.169.254/latest".to_owned(), "169.254.169.254", "a metadata address"),
    ] {
        let ran = ask(&client, &collector.url(&format!("/redirect?{target}"))).await?;
        assert_eq!(ran.result["message"], refusal(address, address, class)?);
        assert_eq!(what_happened(&client, &ran.id).await?, [What::Touched, What::Finished]);
    }
    assert_eq!(
        (collector.arrivals("/redirect")?.len(), collector.arrivals("/target")?.len()),
        (3, 1)
    );
    assert_eq!(other.arrivals("/")?, []);

    // Side by side, written down once.
    let ran = run(&client, "many", json!({ "url": collector.url("/many"), "count": 20 })).await?;
    let paths: Vec<String> = (0..20).map(|n| format!("/many/{n}")).collect();
    assert_eq!(ran.result, json!({ "paths": paths }));
    let arrived = collector.arrivals("/many/")?;
    let sorted: BTreeMap<_, _> = arrived.iter().map(|it| (&it.path, &it.body)).collect();
    assert_eq!((arrived.len(), sorted.len()), (20, 20));
    assert!(sorted.iter().all(|(path, body)| **path == format!("/many/{body}")));
    assert_eq!(what_happened(&client, &ran.id).await?, [What::Touched, What::Finished]);

    // F134: an end waits for the verdict, and for what was let out.
    for path in ["/left", "/never"] {
        let ran = run(&client, "leave", json!({ "url": collector.url(path) })).await?;
        assert_eq!(ran.result, json!({ "left": true }));
        assert_eq!(collector.arrivals(path)?.len(), 1, "{path}: it has arrived by now");
        assert_eq!(what_happened(&client, &ran.id).await?, [What::Touched, What::Finished]);
    }

    // Whoever asks for nothing is not written down.
    let ran = run(&client, "linger", json!({ "sleep": 1 })).await?;
    assert_eq!(ran.result, json!({ "kept": "without" }));
    assert_eq!(what_happened(&client, &ran.id).await?, [What::Finished]);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_and_signals_are_errors_that_a_script_can_catch() -> Result<()> {
    let collector = Collector::at(LOCALHOST).await?;
    let setup = may_reach(&[collector.address.to_string()]);
    let setup = setup.config("max-response = \"64 KiB\"\ntimeout-seconds = 1\nmax-redirects = 1");
    let folder = tempfile::tempdir()?;
    let mut server = start(&folder, setup).await?;
    let signal = "async function main({ url }) {
        const signal = AbortSignal.timeout(200);
        return { told: await fetch(url, { signal }).catch((it) => it.name) };
    }";
    let client = deploy(&server, &[("ask", ASK), ("signal", signal)]).await?;
    let exact = ask(&client, &collector.url("/large?65536")).await?;
    assert_eq!(exact.result["body"].as_str().map(str::len), Some(65_536), "the bound itself");
    let turned = collector.url(&format!("/redirect?{}", collector.url("/redirect?/target")));
    for (url, expected) in [
        (
            collector.url("/large?65537"),
            "The response of 127.0.0.1 is larger than 65536 bytes (egress.max-response).",
        ),
        (
            collector.url("/never"),
            "The request to 127.0.0.1 took longer than 1 s (egress.timeout-seconds).",
        ),
        (turned, "fetch failed: redirect count exceeded"),
    ] {
        let ran = ask(&client, &url).await?;
        let failed = json!({ "name": "TypeError", "message": "fetch failed", "cause": expected });
        assert_eq!((ran.status, ran.result), (200, failed), "{url}");
        assert_eq!(what_happened(&client, &ran.id).await?, [What::Touched, What::Finished]);
    }
    let ran = run(&client, "signal", json!({ "url": collector.url("/never") })).await?;
    assert_eq!(ran.result, json!({ "told": "TimeoutError" }));
    server.stop().await
}

/// What could be seen of one activation when all was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// Attempts that the ledger knows.
    attempts: u32,
    /// Whether the first of them was written down as `Touched`.
    first_touched: bool,
    /// Whether its record says `lost`; else it is a success.
    is_lost: bool,
    /// Its requests that arrived.
    arrivals: usize,
}

/// What must become of an activation that a kill cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Must {
    /// It ran again, as if nothing had been.
    RunAgain,
    /// It is lost, and at most so many requests had left.
    BeLost { most: usize },
    /// It is lost, and its request had left.
    BeLostBehindArrival,
}

impl Must {
    fn judge(self, seen: Seen) -> Result<()> {
        let Seen { attempts, first_touched, is_lost, arrivals } = seen;
        let is_right = match self {
            Self::RunAgain => attempts == 2 && !first_touched && !is_lost && arrivals == 1,
            Self::BeLost { most } => attempts == 1 && first_touched && is_lost && arrivals <= most,
            Self::BeLostBehindArrival => attempts == 1 && first_touched && is_lost && arrivals == 1,
        };
        ensure!(is_right, "must {self:?}: {seen:?}");
        Ok(())
    }
}

/// Where a server kills itself around `Touched`, and what must follow.
const KILLS: [(&str, Must); 5] = [
    ("touched.log.before-write", Must::RunAgain),
    ("touched.log.after-write-before-sync", Must::BeLost { most: 0 }),
    ("touched.log.after-sync", Must::BeLost { most: 0 }),
    ("touched.applied", Must::BeLost { most: 0 }),
    ("touched.let-out", Must::BeLost { most: 1 }),
];

#[test]
fn whatever_breaks_the_promise_is_found_out() {
    let again = Seen { attempts: 2, first_touched: false, is_lost: false, arrivals: 1 };
    let lost = Seen { attempts: 1, first_touched: true, is_lost: true, arrivals: 0 };
    let right = [
        (Must::RunAgain, again),
        (Must::BeLost { most: 0 }, lost),
        (Must::BeLost { most: 1 }, Seen { arrivals: 1, ..lost }),
        (Must::BeLostBehindArrival, Seen { arrivals: 1, ..lost }),
    ];
    for (must, seen) in right {
        assert!(must.judge(seen).is_ok(), "{must:?} {seen:?}");
        for wrong in [
            Seen { arrivals: 2, ..seen },
            Seen { attempts: seen.attempts + 1, ..seen },
            Seen { is_lost: !seen.is_lost, ..seen },
            Seen { first_touched: !seen.first_touched, ..seen },
        ] {
            assert!(must.judge(wrong).is_err(), "{must:?} {wrong:?}");
        }
    }
    assert!(Must::RunAgain.judge(Seen { arrivals: 0, ..again }).is_err(), "it never left");
    assert!(Must::BeLostBehindArrival.judge(lost).is_err(), "it had left");
    assert!(Must::BeLost { most: 0 }.judge(Seen { arrivals: 1, ..lost }).is_err(), "too early");
}

fn is_lost(record: &Record) -> Result<bool> {
    let outcome = read::annotation(&record.annotations, "outcome").map(Json::as_str);
    let response = &record.response;
    let is_lost = outcome == Some("\"lost\"");
    let told = response.result.as_ref().map_or("", |it| it.as_str());
    let text = "{\"error\":\"The outcome of the activation is unknown.\"}";
    ensure!(is_lost == (told == text), "{response:?} with {outcome:?}");
    ensure!(is_lost || response.success, "neither lost nor well: {response:?}");
    Ok(is_lost)
}

async fn see(client: &Client, collector: &Collector, path: &str, id: &str) -> Result<Seen> {
    let record = ended(client, id).await?;
    let History { attempts, events, .. } = client.history(id).await?;
    Ok(Seen {
        attempts,
        first_touched: events.iter().any(|it| it.event == What::Touched && it.attempt == Some(1)),
        is_lost: is_lost(&record)?,
        arrivals: collector.arrivals(path)?.len(),
    })
}

/// Each of `ids` has one end in the ledger of a server that was stopped.
async fn one_end_each(mut server: Server, ids: &[String]) -> Result<()> {
    server.stop().await?;
    let dump = ledger_dump::read(&server.data)?;
    let mut ends = BTreeMap::<String, u32>::new();
    for change in dump.records.iter().filter_map(|(_, _, verdict)| verdict.as_ref().ok()) {
        for happened in &change.happened {
            if let Happened::Ended(it) = happened {
                *ends.entry(it.row.id.to_string()).or_default() += 1;
            }
        }
    }
    for id in ids {
        assert_eq!(ends.get(id), Some(&1), "{id}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn f129_f130_killed_around_touched_nothing_leaves_twice_or_unwritten() -> Result<()> {
    let collector = Collector::at(LOCALHOST).await?;
    let plain = may_reach(&[collector.address.to_string()]);
    let folder = tempfile::tempdir()?;
    let mut server = start(&folder, plain.clone()).await?;
    let client = deploy(&server, &[("linger", LINGER)]).await?;
    // The control: with nobody to kill it the very same call is run once, and arrives once.
    let path = "/control";
    let id = accept(&client, "linger", &json!({ "url": collector.url(path), "sleep": 0 })).await?;
    let seen = see(&client, &collector, path, &id).await?;
    let untouched = Seen { attempts: 1, first_touched: true, is_lost: false, arrivals: 1 };
    assert_eq!(seen, untouched);
    let mut ids = vec![id];
    for round in 0..ROUNDS {
        for (point, must) in KILLS {
            server.restart_as(plain.clone().kill_at(point, 1)).await?;
            let path = format!("/{point}/{round}");
            let payload = json!({ "url": collector.url(&path), "sleep": 0 });
            let id = accept(&client, "linger", &payload).await?;
            let status = server.end(LIMIT).await.with_context(|| format!("{point} is not hit"))?;
            ensure!(was_killed(status), "{point}: {status}");
            server.restart_as(plain.clone()).await?;
            let seen = see(&client, &collector, &path, &id).await?;
            must.judge(seen).with_context(|| format!("{point}, round {round}"))?;
            ids.push(id);
        }
    }
    // Nothing comes late either.
    let arrived = collector.arrivals("/touched.")?.len();
    ensure!((ROUNDS..=2 * ROUNDS).contains(&arrived), "{arrived} arrivals");
    one_end_each(server, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn f131_killed_behind_a_request_it_is_lost_and_what_asked_for_nothing_runs_again()
-> Result<()> {
    let collector = Collector::at(LOCALHOST).await?;
    let folder = tempfile::tempdir()?;
    let setup = may_reach(&[collector.address.to_string()]);
    let mut server = start(&folder, setup).await?;
    let client = deploy(&server, &[("linger", LINGER)]).await?;
    let mut ids = Vec::new();
    for round in 0..ROUNDS {
        // One waits for its answer, one had it; the control has nothing to be afraid of.
        let (answered, held) = (format!("/answered/{round}"), format!("/never-{round}"));
        let long = |url: String| json!({ "url": url, "sleep": 20_000 });
        let had = accept(&client, "linger", &long(collector.url(&answered))).await?;
        collector.wait_for(&answered, 1).await?;
        collector.hold(true);
        let waits = accept(&client, "linger", &long(collector.url(&held))).await?;
        collector.wait_for(&held, 1).await?;
        let pure = accept(&client, "linger", &json!({ "sleep": 1_000 })).await?;
        eventually(LIMIT, "all three run", || async {
            let open = [&had, &waits, &pure].map(|id| what_happened(&client, id));
            let seen = futures::future::try_join_all(open).await.map_err(|it| it.to_string())?;
            let expected = [vec![What::Touched], vec![What::Touched], Vec::new()];
            if seen == expected { Ok(()) } else { Err(format!("{seen:?}")) }
        })
        .await?;
        server.kill()?;
        collector.hold(false);
        server.restart().await?;
        for (id, path) in [(&had, &answered), (&waits, &held)] {
            let seen = see(&client, &collector, path, id).await?;
            Must::BeLostBehindArrival.judge(seen).with_context(|| path.clone())?;
        }
        let record = ended(&client, &pure).await?;
        assert!(!is_lost(&record)?);
        assert_eq!(
            record.response.result.map(|it| it.as_str().to_owned()).as_deref(),
            Some(r#"{"kept":"without"}"#)
        );
        assert_eq!(what_happened(&client, &pure).await?, [What::AttemptLost, What::Finished]);
        ids.extend([had, waits, pure]);
    }
    assert_eq!(collector.arrivals("/")?.len(), 2 * ROUNDS);
    one_end_each(server, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_declared_to_be_repeatable_is_run_again_behind_a_request() -> Result<()> {
    let collector = Collector::at(LOCALHOST).await?;
    let folder = tempfile::tempdir()?;
    let setup = may_reach(&[collector.address.to_string()]);
    let mut server = start(&folder, setup).await?;
    let client = deploy(&server, &[("once", LINGER)]).await?;
    client.put_action(&name("declared")?, &declared(LINGER, 3), true).await?;
    let mut ids = Vec::new();
    for kills in [1, 3] {
        collector.hold(true);
        let (declared, once) = (format!("/declared/{kills}"), format!("/once/{kills}"));
        let payload = |path: &str| json!({ "url": collector.url(path), "sleep": 0 });
        let many = accept(&client, "declared", &payload(&declared)).await?;
        let one = accept(&client, "once", &payload(&once)).await?;
        collector.wait_for(&once, 1).await?;
        for kill in 1..=kills {
            collector.wait_for(&declared, kill).await?;
            server.kill()?;
            collector.hold(kill < kills);
            server.restart().await?;
        }
        let seen = see(&client, &collector, &declared, &many).await?;
        let arrivals = if kills == 1 { 2 } else { 3 };
        let attempts = u32::try_from(arrivals)?;
        let expected = Seen { attempts, first_touched: true, is_lost: kills == 3, arrivals };
        assert_eq!(seen, expected, "{kills} kills");
        // The control: what was not declared is not.
        Must::BeLostBehindArrival.judge(see(&client, &collector, &once, &one).await?)?;
        ids.extend([many, one]);
    }
    one_end_each(server, &ids).await
}

#[tokio::test(flavor = "multi_thread")]
async fn f132_what_its_owner_has_ended_reaches_nobody() -> Result<()> {
    let collector = Collector::at(LOCALHOST).await?;
    let folder = tempfile::tempdir()?;
    let setup = may_reach(&[collector.address.to_string()]);
    let mut server = start(&folder, setup).await?;
    let client = deploy(&server, &[("ask", ASK)]).await?;
    let payload = |path: &str| json!({ "url": collector.url(path), "sleep": 1_500 });
    let cancelled = accept(&client, "ask", &payload("/cancelled")).await?;
    client.cancel(&cancelled).await?;
    ended(&client, &cancelled).await?;
    // The control, which wants out later than the other would have.
    let ran = run(&client, "ask", payload("/control")).await?;
    assert_eq!(ran.result["status"], 203);
    assert_eq!(collector.arrivals("/")?.len(), 1);
    assert_eq!(what_happened(&client, &cancelled).await?, [What::Expired]);
    server.stop().await
}
