//! The whole REST API from outside: tables of requests in `tests/rest/`, and what no
//! table can say.
#![expect(clippy::print_stdout, reason = "a suite says how much it asked")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use api::client::{Client, Name};
use api::entity;
use ledger::record::Body;
use quirl_tests::cases::{self, Case};
use quirl_tests::ledger_dump;
use quirl_tests::platform::{Programs, Setup};
use quirl_tests::wire::{Request, send};

/// The tables, each with a server of its own.
const TABLES: &[&str] = &[
    "transport",
    "actions",
    "sequences",
    "wasm",
    "packages",
    "triggers",
    "rules",
    "sharing",
    "execute_only",
    "invoke",
    "activations",
    "idempotency",
    "keys",
    "rate",
    "concurrent",
    "queue",
    "open",
    "bytes",
    "bodies",
    "disk",
    "javascript",
];
/// Whose rows have a case, a test or a reason.
const DONE: &[&str] = &["spine", "javascript", "api", "people"];
/// Rows that may have a reason instead of a case.
const REASONS: usize = 13;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rest")
}

/// Runs a table, and then reads the ledger of its stopped server: as many activations were accepted
/// as answers said, no more.
async fn check_table(name: &str) -> Result<()> {
    let file = cases::read(&folder().join(format!("{name}.toml")))?;
    let (mut server, outcome) = cases::run(&file).await?;
    println!("{name}: {} requests, {} refusals", outcome.requests, outcome.refusals);
    let wrong = &outcome.wrong;
    ensure!(wrong.is_empty(), "{} of {name} went wrong:\n{}", wrong.len(), wrong.join("\n"));
    server.stop().await?;
    let dump = ledger_dump::read(&server.data)?;
    let accepted = dump.valid().filter_map(|(_, record)| match &record.body {
        Body::Accept(accept) => Some(ledger_dump::root(accept).to_string()),
        _ => None,
    });
    let accepted: BTreeSet<String> = accepted.collect();
    let told: BTreeSet<String> = outcome.activations.into_iter().collect();
    let background = file.case.iter().flat_map(|case| &case.step).filter(|it| it.background);
    let untold = accepted.difference(&told).count();
    ensure!(untold <= background.count(), "{untold} activations exist that no answer named");
    let unknown: Vec<&String> = told.difference(&accepted).collect();
    ensure!(unknown.is_empty(), "answers named {unknown:?}, which the ledger does not have");
    Ok(())
}

macro_rules! tables {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() -> Result<()> {
            check_table(stringify!($name)).await
        })*

        #[test]
        fn every_table_is_run() {
            let run: Vec<&str> = vec![$(stringify!($name)),*];
            assert_eq!(run, TABLES);
        }
    };
}

tables!(
    transport,
    actions,
    sequences,
    wasm,
    packages,
    triggers,
    rules,
    sharing,
    execute_only,
    invoke,
    activations,
    idempotency,
    keys,
    rate,
    concurrent,
    queue,
    open,
    bytes,
    bodies,
    disk,
    javascript,
);

/// Each row of the two contract tables has its line, and what is owed by now has a case.
#[test]
fn every_row_is_owed_by_an_issue_and_those_of_the_ones_done_have_a_case() -> Result<()> {
    let lines = |name: &str| -> Result<Vec<String>> {
        let text = std::fs::read_to_string(folder().join(name))?;
        Ok(text.lines().skip(1).map(str::to_owned).collect())
    };
    let conditions = |table: &'static str| -> Result<Vec<(String, String)>> {
        let rows = lines(&format!("{table}.tsv"))?;
        let first = |row: &String| row.split('\t').next().unwrap_or_default().to_owned();
        Ok(rows.iter().map(|row| (table.to_owned(), first(row))).collect())
    };
    let expected = [conditions("rest-errors")?, conditions("own")?].concat();
    let rows: Vec<Vec<String>> = lines("rows.tsv")?
        .iter()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    let listed: Vec<(String, String)> =
        rows.iter().map(|row| (row[0].clone(), row[3].clone())).collect();
    assert_eq!(listed, expected, "rows.tsv lists the rows of both tables in their order");

    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for table in TABLES.iter().copied().chain(["sandbox"]) {
        for case in cases::read(&folder().join(format!("{table}.toml")))?.case {
            let id = case.id.clone();
            assert!(cases.insert(id.clone(), case).is_none(), "two cases are called {id}");
        }
    }
    let mut reasons = 0;
    let mut missing = Vec::new();
    for row in rows.iter().filter(|row| DONE.contains(&row[1].as_str())) {
        let covered = match row[2].split_once(':') {
            Some(("case", id)) => cases.contains_key(id),
            Some(("test", path)) => has_test(path)?,
            Some(("reason", reason)) => {
                reasons += 1;
                reason.trim().split(' ').count() > 3
            }
            _ => false,
        };
        if !covered {
            missing.push(format!("{} {}: {}", row[0], row[2], row[3]));
        }
    }
    assert!(missing.is_empty(), "rows without a case:\n{}", missing.join("\n"));
    assert!(reasons <= REASONS, "{reasons} reasons instead of cases, at most {REASONS}");
    Ok(())
}

/// Whether `suite::name` is a test of these suites.
fn has_test(path: &str) -> Result<bool> {
    let (suite, name) = path.split_once("::").context("suite::name")?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(format!("{suite}.rs"));
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(text.contains(&format!("fn {name}(")))
}

fn hello(programs: &Programs) -> Result<entity::Put> {
    use base64::Engine as _;
    let code = base64::engine::general_purpose::STANDARD.encode(programs.sample("hello")?);
    Ok(entity::Put::code("wasm:default", &code))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_race_is_a_409_and_nothing_else() -> Result<()> {
    let server = Setup::new().start().await?;
    let client = server.client()?;
    let name = Name::parse("raced", "_")?;
    client.put_action(&name, &hello(&server.programs)?, false).await?;
    let put = entity::Put::default();
    let races = (0..200).map(|_| client.put_action(&name, &put, true));
    let mut written = 0;
    for outcome in futures::future::join_all(races).await {
        match outcome {
            Ok(_) => written += 1,
            Err(error) => {
                assert_eq!(error.status(), Some(409), "{error}");
                let told = error.to_string();
                assert!(told.starts_with("Concurrent modification to resource detected. (code "));
            }
        }
    }
    let version = client.action(&name, false).await?.version;
    assert_eq!(version, format!("0.0.{}", 1 + written), "each write counted once");
    assert!(written > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded() -> Result<()> {
    let server = Setup::new().config("[gateway]\nconnections = 3").start().await?;
    let host = server.address.trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    let refused = loop {
        ensure!(held.len() < 8, "8 connections are open, and the bound is 3");
        held.push(tokio::net::TcpStream::connect(&host).await?);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let request =
            Request { method: "GET".to_owned(), target: "/ping".to_owned(), ..Request::default() };
        let answer = send(&server.address, request).await?;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(refused.status, 503);
    let text = "Too many connections are open on this server (3); close idle ones or try again in a moment.";
    assert!(refused.text().ends_with(&format!("\"error\":\"{text}\"}}")), "{}", refused.text());
    assert_eq!(refused.header("x-openwhisk-accepted"), Some("no"));
    assert!(refused.header("retry-after").is_some());
    drop(held);
    let client = Client::new(&server.address)?;
    quirl_tests::eventually::eventually(Duration::from_secs(5), "room again", || async {
        match client.is_ready().await {
            Ok(true) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

/// Many requests at once on a server that has no patience for its ledger.
async fn impatient() -> Result<quirl_tests::platform::Server> {
    Setup::new().config("[controller]\nappend-ms = 0").start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_write_is_told() -> Result<()> {
    let server = impatient().await?;
    let client = server.client()?;
    let mut put = hello(&server.programs)?;
    let weight = model::json::Json::string(&"x".repeat(1500));
    put.parameters = Some(vec![entity::Parameter::new("weight", weight)]);
    let mut unknown = 0;
    for round in 0..40 {
        let names: Vec<Name> = (0..64)
            .map(|at| Name::parse(&format!("r{round}-{at}"), "_"))
            .collect::<Result<_, _>>()?;
        let puts = names.iter().map(|name| client.put_action(name, &put, false));
        for (name, outcome) in names.iter().zip(futures::future::join_all(puts).await) {
            let Err(error) = outcome else { continue };
            let api::client::Error::Refused(refusal) = error else { anyhow::bail!(error) };
            assert_eq!(refusal.status, 503);
            assert_eq!(
                refusal.text,
                "It is not known whether the change was written; read the entity, and send the request again if the change is missing."
            );
            assert_eq!(refusal.settled(), Some(api::client::Settled::Unknown));
            quirl_tests::eventually::eventually(Duration::from_secs(10), "it is there", || {
                client.action(name, false)
            })
            .await?;
            unknown += 1;
        }
        if unknown > 0 {
            return Ok(());
        }
    }
    anyhow::bail!("no write was ever slower than the server's patience")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_append_is_told_and_settled_by_the_key() -> Result<()> {
    let server = impatient().await?;
    let client = server.client()?;
    let name = Name::parse("hello", "_")?;
    // Its own write may be unknown, too.
    let _ = client.put_action(&name, &hello(&server.programs)?, false).await;
    let there = || client.action(&name, false);
    quirl_tests::eventually::eventually(Duration::from_secs(10), "it is there", there).await?;
    let payload = model::json::Json::parse(
        format!("{{\"name\":\"Ann\",\"weight\":\"{}\"}}", "x".repeat(30_000)).as_bytes(),
    )?;
    let how = api::client::Invoke { blocking: true, result: true, timeout_ms: None };
    let mut unknown = 0;
    for round in 0..40 {
        let clients: Vec<Client> = (0..64)
            .map(|at| client.clone().with_header("Idempotency-Key", &format!("{round}-{at}")))
            .collect::<Result<_, _>>()?;
        let all = clients.iter().map(|client| client.invoke(&name, &payload, how));
        for (client, outcome) in clients.iter().zip(futures::future::join_all(all).await) {
            let Err(error) = outcome else { continue };
            let api::client::Error::Refused(refusal) = error else { anyhow::bail!(error) };
            let id = refusal.activation_id().context("an id")?.to_owned();
            assert_eq!(refusal.status, 503);
            assert_eq!(
                refusal.text,
                format!(
                    "It is not known whether the activation was accepted; look for activation {id}, or send the request again with the same Idempotency-Key."
                )
            );
            assert_eq!(refusal.settled(), Some(api::client::Settled::Unknown));
            let again = || client.invoke(&name, &payload, how);
            let limit = Duration::from_secs(20);
            let found = quirl_tests::eventually::eventually(limit, "settled", again).await?;
            let api::client::Invocation::Ended { id: found, status: 200, body, .. } = found else {
                anyhow::bail!("{found:?}")
            };
            assert_eq!(found, Some(id));
            assert_eq!(body.as_str(), "{\"greeting\":\"Hello, Ann!\"}");
            unknown += 1;
        }
        if unknown > 0 {
            return Ok(());
        }
    }
    anyhow::bail!("no append was ever slower than the server's patience")
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_are_bounded() -> Result<()> {
    let server = Setup::new().config("[controller]\nproposals = 1").start().await?;
    let client = server.client()?;
    let put = hello(&server.programs)?;
    let mut refused = 0;
    for round in 0..40 {
        let names: Vec<Name> = (0..64)
            .map(|at| Name::parse(&format!("r{round}-{at}"), "_"))
            .collect::<Result<_, _>>()?;
        let puts = names.iter().map(|name| client.put_action(name, &put, false));
        for (name, outcome) in names.iter().zip(futures::future::join_all(puts).await) {
            let Err(error) = outcome else { continue };
            let api::client::Error::Refused(refusal) = error else { anyhow::bail!(error) };
            assert_eq!(refusal.status, 503);
            assert_eq!(
                refusal.text,
                "Too many requests wait to be written on this server (1 of 1); try again in a moment."
            );
            assert_eq!(refusal.settled(), Some(api::client::Settled::No));
            assert!(refusal.retry_after().is_some());
            assert_eq!(
                client.action(name, false).await.err().and_then(|it| it.status()),
                Some(404)
            );
            refused += 1;
        }
        if refused > 0 {
            return Ok(());
        }
    }
    anyhow::bail!("never were two proposals on their way")
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_this_machine_only() -> Result<()> {
    let Some(address) = other_address() else {
        println!("skipped: this machine has no address but loopback");
        return Ok(());
    };
    let mut setup = Setup::new().arg("--insecure-http");
    setup.host = Some("0.0.0.0".to_owned());
    let server = setup.start().await?;
    let metrics =
        Request { method: "GET".to_owned(), target: "/metrics".to_owned(), ..Request::default() };
    let here = format!("http://127.0.0.1:{}", server.port()?);
    assert_eq!(send(&here, metrics.clone()).await?.status, 200);
    let answer = send(&format!("http://{address}:{}", server.port()?), metrics).await?;
    assert_eq!(answer.status, 404);
    let text = answer.text();
    assert!(text.contains("\"error\":\"The requested resource could not be found.\""), "{text}");
    Ok(())
}

/// An address of this machine that is not loopback.
fn other_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?; // sends nothing: it only chooses a route
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}
