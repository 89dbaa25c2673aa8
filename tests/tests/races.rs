//! Many clients on few names at once: what is shown and what is in the ledger stays whole.
#![expect(clippy::disallowed_methods, reason = "a suite tells how long it took")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::record::Body;
use quirl_tests::cases::matches;
use quirl_tests::ledger_dump;
use quirl_tests::model;
use quirl_tests::platform::Setup;
use quirl_tests::simulator::faults::Chance;
use quirl_tests::wire::{Answer, Request, send};
use serde_json::{Value, json};

/// Clients at once.
const CLIENTS: u64 = 64;
/// Requests of each between two looks at everything.
const REQUESTS: u64 = 16;
/// Such looks.
const ROUNDS: u64 = 4;

/// What a refusal may say, by status. Wildcards as in the tables.
const TEXTS: &[(u16, &str)] = &[
    (400, "Operation not permitted on package binding."),
    (400, "Binding references a package that does not exist."),
    (400, "Cannot bind to another package binding."),
    (400, "trigger /guest/<any> does not exist"),
    (400, "action /guest/<any> does not exist"),
    (400, "'/guest/<any>' is not <any>"),
    (404, "The requested resource does not exist."),
    (404, "The requested resource 'guest/<any>' does not exist."),
    (404, "Only rules with existing triggers can be activated"),
    (409, "resource already exists"),
    (409, "Resource by this name exists but is not in this collection."),
    (409, "Concurrent modification to resource detected."),
    (409, "Cannot bind to a resource that is not a package."),
    (409, "Resource is a package and cannot be converted into a binding."),
    (409, "Package not empty (contains <int> <any>). Set force param or delete package contents."),
];

/// What an answer said of an entity, for the books.
#[derive(Debug)]
enum Said {
    /// It was put with this version.
    Put(String, String),
    /// It was deleted.
    Deleted(String),
    /// Nothing that counts.
    Else(u16, String),
}

#[derive(Clone, Debug)]
struct Client {
    address: String,
    authorization: String,
}

impl Client {
    async fn ask(&self, method: &str, target: &str, body: Option<Value>) -> Result<Answer> {
        let mut headers = vec![("Authorization".to_owned(), self.authorization.clone())];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let request = Request {
            method: method.to_owned(),
            target: format!("/api/v1/namespaces/_/{target}"),
            headers,
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            ..Request::default()
        };
        send(&self.address, request).await
    }

    async fn get(&self, target: &str) -> Result<Value> {
        let answer = self.ask("GET", target, None).await?;
        ensure!(answer.status == 200, "GET {target}: {} {}", answer.status, answer.text());
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Some random requests.
    async fn race(self, seed: u64) -> Result<Vec<Said>> {
        let mut chance = Chance::new(seed);
        let mut said = Vec::new();
        for _ in 0..REQUESTS {
            let (method, target, body) = request(&mut chance);
            let answer = self.ask(method, &target, body).await?;
            let judged = judge(method, &target, &answer);
            said.push(judged.with_context(|| {
                format!("{method} {target}: {} {}", answer.status, answer.text())
            })?);
        }
        Ok(said)
    }
}

fn pick(chance: &mut Chance, from: &[&'static str]) -> &'static str {
    chance.pick(from).unwrap_or(from[0])
}

/// `x` is of all kinds; the counters are never deleted.
fn request(chance: &mut Chance) -> (&'static str, String, Option<Value>) {
    let code = || json!({ "exec": { "kind": "nodejs:20", "code": "const main = () => ({})" } });
    let rule = |chance: &mut Chance| {
        let (trigger, action) = (pick(chance, &["t", "u", "x"]), pick(chance, &["f", "p/f", "x"]));
        json!({ "trigger": format!("/_/{trigger}"), "action": format!("/_/{action}") })
    };
    let (collection, name, body) = match chance.below(12) {
        0..=2 => ("actions", pick(chance, &["f", "p/f", "p/g", "q/f", "x"]), code()),
        3..=4 => {
            let name = pick(chance, &["p", "q", "x"]);
            let bound = name != "p" && chance.percent(50);
            let body = if bound {
                json!({ "binding": { "namespace": "_", "name": "p" } })
            } else {
                json!({})
            };
            ("packages", name, body)
        }
        5..=6 => ("triggers", pick(chance, &["t", "u", "x"]), json!({})),
        7..=9 => ("rules", pick(chance, &["r", "s", "v", "x"]), rule(chance)),
        10 => {
            let (collection, body) = if chance.percent(50) {
                ("actions", code())
            } else {
                ("triggers", json!({ "publish": true }))
            };
            return ("PUT", format!("{collection}/count-{collection}?overwrite=true"), Some(body));
        }
        _ => {
            let switched = chance.percent(70);
            let word = if chance.percent(50) { "active" } else { "inactive" };
            return match switched {
                true => {
                    let name = pick(chance, &["r", "s", "v", "x"]);
                    ("POST", format!("rules/{name}"), Some(json!({ "status": word })))
                }
                false => ("POST", format!("triggers/{}", pick(chance, &["t", "u"])), None),
            };
        }
    };
    match chance.below(10) {
        0..=2 => ("PUT", format!("{collection}/{name}"), Some(body)),
        3..=5 => ("PUT", format!("{collection}/{name}?overwrite=true"), Some(body)),
        6..=7 => {
            let force =
                if collection == "packages" && chance.percent(50) { "?force=true" } else { "" };
            ("DELETE", format!("{collection}/{name}{force}"), None)
        }
        _ => ("GET", format!("{collection}/{name}"), None),
    }
}

/// Whether an answer is one that the contract allows.
fn judge(method: &str, target: &str, answer: &Answer) -> Result<Said> {
    let path = target.split('?').next().unwrap_or_default();
    let name = path.split_once('/').map_or(path, |(_, name)| name).to_owned();
    match (method, answer.status) {
        ("POST", 200 | 202 | 204) | ("GET", 200) => Ok(Said::Else(answer.status, String::new())),
        ("PUT", 200) => {
            let body: Value = serde_json::from_slice(&answer.body)?;
            let version = body.get("version").and_then(Value::as_str).context("no version")?;
            Ok(Said::Put(name, version.to_owned()))
        }
        ("DELETE", 200) => Ok(Said::Deleted(name)),
        (_, status) => {
            let error: Value = serde_json::from_slice(&answer.body)?;
            let text = error.get("error").and_then(Value::as_str).context("no error")?;
            let code = error.get("code").and_then(Value::as_str);
            ensure!(code == answer.header("x-request-id"), "code is not the transaction");
            // A fire that met a new state three times: exactly-once.md §4.
            let lost = path.starts_with("triggers/")
                && method == "POST"
                && status == 503
                && answer.header("x-openwhisk-accepted") == Some("no");
            let known = TEXTS.iter().any(|(of, text_of)| *of == status && matches(text_of, text));
            ensure!(known || lost, "the contract has no such answer");
            Ok(Said::Else(status, text.to_owned()))
        }
    }
}

/// Everything as it is shown when nobody writes. Returns the names that exist.
async fn is_whole(client: &Client) -> Result<BTreeSet<String>> {
    let mut kinds: BTreeMap<String, &str> = BTreeMap::new();
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    for kind in ["packages", "triggers", "rules", "actions"] {
        let listed = client.get(&format!("{kind}?limit=0")).await?;
        for one in listed.as_array().context("a list")? {
            let namespace = text(one, "namespace");
            let full = format!("{namespace}/{}", text(one, "name"));
            let name = full.trim_start_matches("guest/").to_owned();
            let before = kinds.insert(name.clone(), kind);
            ensure!(before.is_none(), "{name} is in {before:?} and in {kind}");
            if let Some((package, _)) = name.split_once('/') {
                let home = kinds.get(package);
                ensure!(home == Some(&"packages"), "{name} lies in {home:?}");
            }
        }
    }
    for (name, _) in kinds.iter().filter(|(_, kind)| **kind == "packages") {
        let package = client.ask("GET", &format!("packages/{name}"), None).await?;
        let package: Value = serde_json::from_slice(&package.body)?;
        let is_binding = package.get("binding").is_some_and(|binding| binding != &json!({}));
        let contents = kinds.keys().any(|known| known.starts_with(&format!("{name}/")));
        ensure!(!(is_binding && contents), "the binding {name} has contents");
    }
    let mut in_force = BTreeSet::new();
    for (name, _) in kinds.iter().filter(|(_, kind)| **kind == "triggers") {
        let trigger = client.get(&format!("triggers/{name}")).await?;
        let rules = trigger.get("rules").and_then(Value::as_object).cloned().unwrap_or_default();
        for (rule, link) in rules {
            let rule = rule.trim_start_matches("guest/");
            ensure!(kinds.get(rule) == Some(&"rules"), "{name} knows {rule}, which is no rule");
            let shown = client.get(&format!("rules/{rule}")).await?;
            let (status, on) = (text(&shown, "status"), text(&shown["trigger"], "name"));
            ensure!(on == *name, "{name} knows {rule}, which is on {on}");
            ensure!(status == text(&link, "status"), "{rule} is {status}, says {name} otherwise");
            ensure!(shown["action"] == link["action"], "{rule} and {name} name two actions");
            if status == "active" {
                in_force.insert(rule.to_owned());
            }
        }
    }
    for (name, _) in kinds.iter().filter(|(_, kind)| **kind == "rules") {
        let rule = client.get(&format!("rules/{name}")).await?;
        let active = text(&rule, "status") == "active";
        ensure!(active == in_force.contains(name), "{name} is active, and on no trigger");
    }
    Ok(kinds.into_keys().collect())
}

/// Births less deaths is what there is; of each life the versions follow one another.
fn check_books(said: &[Said], there: &BTreeSet<String>) -> Result<()> {
    let mut versions: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    let mut deleted: BTreeMap<&str, u64> = BTreeMap::new();
    for one in said {
        match one {
            Said::Put(name, version) => {
                let patch = version.strip_prefix("0.0.").and_then(|patch| patch.parse().ok());
                let patch = patch.with_context(|| format!("{name} has version {version}"))?;
                *versions.entry(name).or_default().entry(patch).or_default() += 1;
            }
            Said::Deleted(name) => *deleted.entry(name).or_default() += 1,
            Said::Else(..) => {}
        }
    }
    for (name, versions) in &versions {
        let mut before = u64::MAX;
        for (expected, (patch, count)) in (1..).zip(versions) {
            ensure!(*patch == expected, "{name} went from 0.0.{} to 0.0.{patch}", expected - 1);
            ensure!(*count <= before, "{name} had 0.0.{patch} more often than the one before");
            before = *count;
        }
        if name.contains('/') {
            continue; // may have gone with its package
        }
        let (births, deaths) = (versions[&1], deleted.get(name).copied().unwrap_or_default());
        let here = u64::from(there.contains(*name));
        ensure!(births == deaths + here, "{name}: {births} births, {deaths} deaths, here {here}");
        if name.starts_with("count-") {
            ensure!(versions.values().all(|count| *count == 1), "{name} lost a write");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i27_names_packages_and_rules_stay_whole_in_races() -> Result<()> {
    let start = Instant::now();
    let mut server = Setup::new().start().await?;
    let authorization = format!("Basic {}", STANDARD.encode(server.key()?));
    let client = Client { address: server.address.clone(), authorization };
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        let clients = (0..CLIENTS).map(|number| {
            let client = client.clone();
            tokio::spawn(client.race(round * CLIENTS + number))
        });
        for of_one in futures::future::join_all(clients).await {
            said.extend(of_one??);
        }
        let there = is_whole(&client).await?;
        check_books(&said, &there)?;
    }
    let mut counts: BTreeMap<(u16, &str), u64> = BTreeMap::new();
    for one in &said {
        let told = match one {
            Said::Put(..) | Said::Deleted(_) => (200, "a write"),
            Said::Else(status, text) => (*status, text.as_str()),
        };
        *counts.entry(told).or_default() += 1;
    }
    server.stop().await?;
    let dump = ledger_dump::read(&server.data)?;
    let writes: Vec<_> = dump
        .valid()
        .filter_map(|(_, record)| match &record.body {
            Body::Write(write) => Some(write.ops.as_slice()),
            _ => None,
        })
        .collect();
    let broken = model::ledger::broken(writes.iter().copied());
    ensure!(broken.is_empty(), "the ledger:\n{}", broken.join("\n"));
    println!("{} requests, {} writes in the ledger", said.len(), writes.len());
    println!("in {:.1} s: {counts:#?}", start.elapsed().as_secs_f64());
    ensure!(writes.len() > said.len() / 8, "most requests came to nothing");
    Ok(())
}
