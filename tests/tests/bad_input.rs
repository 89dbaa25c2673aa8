//! Bodies that no client should send: each member of each body in each wrong type, too deep, too
//! long, cut, twice, no text at all. Never a 500; what is refused is told in the contract's form and
//! leaves no trace in the ledger.
#![expect(clippy::disallowed_methods, reason = "a suite tells how long it took, and sends slowly")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quirl_tests::platform::{Server, Setup, metrics};
use quirl_tests::wire::{Answer, Length, Request, send};
use serde_json::{Map, Value, json};

/// Levels of what is nested too deeply.
const DEEP: usize = 10_000;

/// A request that is good, and what it becomes.
struct Good {
    method: &'static str,
    target: &'static str,
    body: Value,
}

fn goods() -> Vec<Good> {
    let parameters = json!([{ "key": "k", "value": { "a": 1 }, "init": true }]);
    let limits =
        json!({ "timeout": 500, "memory": 128, "logs": 1, "concurrency": 1, "instances": 1 });
    let common = |exec: Value, limits: Value| {
        json!({
            "exec": exec, "parameters": parameters, "annotations": [{ "key": "k", "value": 1 }],
            "limits": limits, "version": "0.0.3", "publish": true, "delAnnotations": ["k"],
            "namespace": "guest", "name": "a",
        })
    };
    let put = |target, body| Good { method: "PUT", target, body };
    let post = |target, body| Good { method: "POST", target, body };
    let code =
        json!({ "kind": "nodejs:20", "code": "function main(a) { return a }", "main": "main" });
    let image = json!({ "kind": "blackbox", "image": "host:1/a/b:1", "code": "x", "main": "main" });
    let sequence =
        json!({ "kind": "sequence", "components": ["/_/f", { "path": "_", "name": "f" }] });
    vec![
        put("actions/a?overwrite=true", common(code, limits.clone())),
        put("actions/b?overwrite=true", common(image, limits)),
        put("actions/c?overwrite=true", common(sequence, json!({ "timeout": 500, "logs": 1 }))),
        put(
            "packages/p?overwrite=true",
            json!({
                "parameters": parameters, "annotations": [{ "key": "k", "value": 1 }],
                "version": "0.0.3", "publish": true, "binding": {},
            }),
        ),
        put(
            "packages/q?overwrite=true",
            json!({ "binding": { "namespace": "_", "name": "base" }, "parameters": parameters }),
        ),
        put(
            "triggers/t?overwrite=true",
            json!({
                "parameters": parameters, "annotations": [{ "key": "feed", "value": "/_/f" }],
                "version": "0.0.3", "publish": true, "limits": {},
            }),
        ),
        put(
            "rules/r?overwrite=true",
            json!({
                "trigger": "/_/base-trigger", "action": { "path": "_", "name": "f" },
                "annotations": [{ "key": "k", "value": 1 }], "version": "0.0.3", "publish": true,
                "status": "",
            }),
        ),
        post("rules/base-rule", json!({ "status": "active", "trigger": null })),
        post("triggers/base-trigger", json!({ "n": 1 })),
        post("actions/f", json!({ "n": { "m": [1] } })),
    ]
}

/// What a value is replaced by, as JSON text.
fn replacements() -> Vec<String> {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
    let mut all: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e400",
        "-1E-400",
        "123456789012345678901234567890123456789012345678901234567890",
        "\"\"",
        "\"/\"",
        "\"\\u0000\\ud800\"",
        "[]",
        "[null]",
        "[[]]",
        "{}",
        "{\"key\":1}",
        "{\"\":{}}",
        "NaN",
        "'x'",
        "",
    ]
    .map(str::to_owned)
    .into();
    all.push(deep("[", "]"));
    all.push(deep("{\"a\":", "}"));
    all.push(deep("[", ""));
    all.push(format!("\"{}\"", "x".repeat(300)));
    all
}

/// Which forms of JSON, told by the first letter, may stand at a place of a PUT or of a rule's state;
/// `None`: any, or it is ignored. A member that is `null` counts as absent but for those of `exec`.
fn allowed(target: &str, path: &str) -> Option<&'static str> {
    let is_action = target.starts_with("actions/");
    let is_state = target == "rules/base-rule";
    let element = path.rsplit('.').next().is_some_and(|last| last.parse::<usize>().is_ok());
    match path {
        "" => Some("{"),
        _ if is_state => (path == "status").then_some("\""),
        "parameters" | "annotations" | "delAnnotations" => Some("[n"),
        "exec" | "binding" => Some("{n"),
        "limits" if is_action => Some("{n"),
        "version" => Some("\"n"),
        "publish" => Some("tn"),
        "trigger" | "action" => Some("\"{n"),
        "exec.components" => Some("["),
        _ if path.starts_with("exec.components.") && element => Some("\"{"),
        _ if path.starts_with("exec.components.") => Some("\""),
        "action.path" | "action.name" => Some("\""),
        "binding.name" | "binding.namespace" => Some("\""),
        _ if path.starts_with("exec.") => Some("\""),
        _ if path.starts_with("limits.") => Some("0n"),
        _ if path.starts_with("delAnnotations.") => Some("\""),
        _ if path.contains(".value") => None,
        _ if path.ends_with(".key") => Some("\""),
        _ if element => Some("{"),
        _ => None,
    }
}

/// The first letter of a JSON text, one for all of its form; `None`: it is no JSON.
fn form(text: &str) -> Option<char> {
    let is_open = text.len() > 1 && text.bytes().all(|byte| byte == b'[' || byte == b'1');
    match text.chars().next()? {
        _ if is_open => None,
        first @ ('n' | 't' | '"' | '[' | '{') => Some(first),
        '0'..='9' | '-' => Some('0'),
        _ => None,
    }
}

/// A body, and whether it must be refused.
struct Mutant {
    body: Vec<u8>,
    refused: bool,
}

/// The body with the value at each path replaced, each member twice, and nothing else.
fn mutants(target: &str, body: &Value) -> Vec<Mutant> {
    const HERE: &str = "\u{1}here\u{1}";
    let mut mutants = Vec::new();
    let all = replacements();
    for path in paths(body) {
        let mut marked = body.clone();
        let found = path.iter().try_fold(&mut marked, |value, step| match step {
            Step::Member(name) => value.get_mut(name),
            Step::Element(at) => value.get_mut(at),
        });
        if let Some(found) = found {
            *found = json!(HERE);
        }
        let marked = marked.to_string();
        let quoted = json!(HERE).to_string();
        let allowed = allowed(target, &shown(&path));
        mutants.extend(all.iter().map(|text| {
            let fits = |form| allowed.is_none_or(|allowed| allowed.contains(form));
            let body = marked.replacen(&quoted, text, 1).into_bytes();
            // What is empty leaves no value at all, but for an element of a list.
            let is_element = text.is_empty() && matches!(path.last(), Some(Step::Element(_)));
            Mutant { body, refused: !form(text).is_some_and(fits) && !is_element }
        }));
        // No UTF-8: read as U+FFFD.
        let (before, after) = marked.split_once(&quoted).unwrap_or((&marked, ""));
        let body = [before.as_bytes(), b"\"\xff\xc3\x28\"", after.as_bytes()].concat();
        mutants.push(Mutant { body, refused: false });
    }
    let text = body.to_string();
    let refused = |body: &[u8]| Mutant { body: body.to_vec(), refused: true };
    mutants.extend((0..text.len()).step_by(7).map(|at| refused(&text.as_bytes()[..at])));
    mutants.push(refused(format!("{text}{text}").as_bytes()));
    let taken = |body: String| Mutant { body: body.into_bytes(), refused: false };
    mutants.push(taken(format!("\u{feff}{text}")));
    for (name, value) in body.as_object().into_iter().flatten() {
        let members = text.trim_start_matches('{');
        let name = json!(name);
        mutants.push(taken(format!("{{{name}:{value},{members}")));
        mutants.push(taken(format!("{{{name}:7,{members}")));
    }
    mutants
}

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Element(usize),
}

fn shown(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Member(name) => name.clone(),
        Step::Element(at) => at.to_string(),
    };
    path.iter().map(step).collect::<Vec<_>>().join(".")
}

/// Where there is a value: the whole, and everything in it.
fn paths(value: &Value) -> Vec<Vec<Step>> {
    let inner: Vec<(Step, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (Step::Member(name.clone()), value)).collect()
        }
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(at, value)| (Step::Element(at), value)).collect()
        }
        _ => Vec::new(),
    };
    let mut all = vec![Vec::new()];
    for (step, value) in inner {
        let within = paths(value).into_iter();
        all.extend(within.map(|rest| [vec![step.clone()], rest].concat()));
    }
    all
}

/// A server and what its ledger has.
struct Asked {
    server: Server,
    authorization: String,
    offset: String,
    statuses: BTreeMap<u16, u64>,
}

impl Asked {
    async fn start() -> Result<Self> {
        let server = Setup::new().start().await?;
        let authorization = format!("Basic {}", STANDARD.encode(server.key()?));
        let offset = String::new();
        Ok(Self { server, authorization, offset, statuses: BTreeMap::new() })
    }

    fn request(&self, method: &str, target: &str, body: Vec<u8>) -> Request {
        Request {
            method: method.to_owned(),
            target: format!("/api/v1/namespaces/_/{target}"),
            headers: vec![
                ("Authorization".to_owned(), self.authorization.clone()),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body,
            length: Length::Right,
        }
    }

    async fn good(&self, method: &str, target: &str, body: &Value) -> Result<()> {
        let request = self.request(method, target, body.to_string().into_bytes());
        let answer = send(&self.server.address, request).await?;
        let told = || format!("{method} {target} {body}: {} {}", answer.status, answer.text());
        ensure!(matches!(answer.status, 200 | 202 | 204), told());
        Ok(())
    }

    /// What the good bodies rest on.
    async fn base(&self) -> Result<()> {
        let code =
            json!({ "exec": { "kind": "nodejs:20", "code": "function main() { return {} }" } });
        let rule = json!({ "trigger": "/_/base-trigger", "action": "/_/f" });
        for (target, body) in [
            ("actions/f", code),
            ("packages/base", json!({})),
            ("triggers/base-trigger", json!({})),
            ("rules/base-rule", rule),
        ] {
            self.good("PUT", target, &body).await?;
        }
        self.good("POST", "rules/base-rule", &json!({ "status": "inactive" })).await
    }

    async fn offset(&self) -> Result<String> {
        let all = metrics(&self.server.address).await?;
        let found = all.iter().find(|(name, _)| name.starts_with("quirl_ledger_applied_offset"));
        Ok(found.context("no quirl_ledger_applied_offset")?.1.to_string())
    }

    /// Sends it; returns the status. A refusal must be in form and leave nothing behind.
    async fn bad(&mut self, request: Request) -> Result<u16> {
        let shown = || {
            let body: String =
                String::from_utf8_lossy(&request.body).chars().take(300).collect::<String>();
            format!("{} {} {body}", request.method, request.target)
        };
        let answer = send(&self.server.address, request.clone()).await.with_context(shown)?;
        *self.statuses.entry(answer.status).or_default() += 1;
        if answer.status >= 400 {
            is_in_form(&answer).with_context(shown)?;
            let now = self.offset().await?;
            let before = std::mem::replace(&mut self.offset, now);
            let told = || format!("{}: {} {}", shown(), answer.status, answer.text());
            ensure!(before == self.offset, "{}\n  moved the ledger from {before}", told());
        } else {
            // Whatever was stored, what is shown of it is JSON.
            let text = std::str::from_utf8(&answer.body).with_context(shown)?;
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            ensure!(is_json || text == "OK", "{}: {text}", shown());
            self.offset = self.offset().await?;
        }
        Ok(answer.status)
    }
}

/// The contract's form of an error (§1.5), and no status that it does not have for bad input.
fn is_in_form(answer: &Answer) -> Result<()> {
    let told = || format!("{} {}", answer.status, answer.text());
    ensure!(matches!(answer.status, 400 | 403 | 404 | 409 | 413 | 414 | 415), told());
    let error: Map<String, Value> = serde_json::from_slice(&answer.body).with_context(told)?;
    ensure!(error.len() == 2, told());
    ensure!(error.get("error").and_then(Value::as_str).is_some_and(|it| !it.is_empty()), told());
    let code = error.get("code").and_then(Value::as_str);
    ensure!(code.is_some() && code == answer.header("x-request-id"), told());
    ensure!(answer.header("content-type") == Some("application/json"), told());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i21_wrong_bodies_are_refused_in_form_and_leave_no_trace() -> Result<()> {
    let start = Instant::now();
    let mut asked = Asked::start().await?;
    let mut taken = Vec::new();
    asked.base().await?;
    for Good { method, target, body } in goods() {
        asked.good(method, target, &body).await?;
        // What it starts has to end before the ledger can be held still.
        if method == "POST" && !target.starts_with("rules/") {
            continue;
        }
        asked.offset = asked.offset().await?;
        for Mutant { body, refused } in mutants(target, &body) {
            let shown: String = String::from_utf8_lossy(&body).chars().take(300).collect();
            let request = asked.request(method, target, body);
            let status = asked.bad(request).await?;
            if refused && status < 400 {
                taken.push(format!("{method} {target} {shown}: {status}"));
            }
        }
    }
    println!("{:?} in {:.1} s", asked.statuses, start.elapsed().as_secs_f64());
    let refused: u64 = asked.statuses.range(400..).map(|(_, count)| count).sum();
    ensure!(refused > 2500, "{refused} refusals");
    ensure!(taken.is_empty(), "{} were taken:\n{}", taken.len(), taken.join("\n"));
    asked.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn i21_wrong_payloads_start_nothing() -> Result<()> {
    let mut asked = Asked::start().await?;
    asked.base().await?;
    asked.offset = asked.offset().await?;
    let deep = "[".repeat(DEEP);
    let bodies = ["[1]", "7", "null", "\"x\"", " ", "{", "{\"a\":}", "{\"a\":1}{", "{}x", &deep];
    for target in ["actions/f", "triggers/base-trigger", "actions/f?blocking=true&result=true"] {
        for body in bodies {
            let status = asked.bad(asked.request("POST", target, body.into())).await?;
            ensure!(status == 400, "POST {target} {body}: {status}");
        }
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
        for length in [Length::Right, Length::Chunked] {
            let request = asked.request("POST", target, large.clone().into_bytes());
            let status = asked.bad(Request { length, ..request }).await?;
            ensure!(status == 413, "POST {target} with 1 MiB and more: {status}");
        }
    }
    asked.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn i21_names_and_code_are_taken_up_to_their_bounds() -> Result<()> {
    let mut asked = Asked::start().await?;
    asked.base().await?;
    let code = json!({ "exec": { "kind": "nodejs:20", "code": "x" } });
    let rule = json!({ "trigger": "/_/base-trigger", "action": "/_/f" });
    let bodies =
        [("actions", &code), ("packages", &json!({})), ("triggers", &json!({})), ("rules", &rule)];
    for (number, (collection, body)) in bodies.into_iter().enumerate() {
        // One name table for all kinds.
        let fits = format!("{number}{}", "n".repeat(255));
        asked.good("PUT", &format!("{collection}/{fits}"), body).await?;
        asked.good("GET", &format!("{collection}/{fits}"), &Value::Null).await?;
        asked.offset = asked.offset().await?;
        for (name, text) in [
            (format!("{fits}n"), "Name segement longer than allowed: 257 > 256."),
            ("%20x".to_owned(), "The name of the entity contains illegal characters."),
            ("x%20".to_owned(), "The name of the entity contains illegal characters."),
            ("%24x".to_owned(), "The name of the entity contains illegal characters."),
            ("x+y".to_owned(), "The name of the entity contains illegal characters."),
            ("%C3%BC".to_owned(), "The name of the entity contains illegal characters."),
            ("%FF".to_owned(), "The name of the entity contains illegal characters."),
            ("%00".to_owned(), "The name of the entity contains illegal characters."),
        ] {
            for method in ["PUT", "GET", "DELETE"] {
                let target = format!("{collection}/{name}");
                let sent = if method == "PUT" { body.to_string() } else { String::new() };
                let request = asked.request(method, &target, sent.into_bytes());
                let answer = send(&asked.server.address, request.clone()).await?;
                let told = format!("{method} {target}: {} {}", answer.status, answer.text());
                ensure!(answer.status == 400 && answer.text().contains(text), told);
                asked.bad(request).await?;
            }
        }
    }
    let code = |bytes: usize| {
        format!(
            "{{\"exec\":{{\"kind\":\"blackbox\",\"image\":\"i\",\"code\":\"{}\"}}}}",
            "x".repeat(bytes)
        )
    };
    const MOST: usize = 48 << 20;
    let request = asked.request("PUT", "actions/large", code(MOST).into_bytes());
    // The name of the image counts, too.
    let answer = send(&asked.server.address, request.clone()).await?;
    let text = format!("exec larger than allowed: {} > {MOST} bytes.", MOST + 1);
    ensure!(answer.status == 413 && answer.text().contains(&text), answer.text());
    asked.bad(request).await?;
    let request = asked.request("PUT", "actions/large", code(MOST - 1).into_bytes());
    let answer = send(&asked.server.address, request).await?;
    ensure!(answer.status == 200, "48 MiB of code: {}", answer.status);
    asked.server.stop().await
}

/// Sends a body piece by piece, `pause` between two; `None`: the connection ended without an answer.
fn trickle(address: &str, head: &str, pieces: &[&str], pause: Duration) -> Result<Option<String>> {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(head.as_bytes())?;
    for piece in pieces {
        stream.write_all(piece.as_bytes())?;
        std::thread::sleep(pause);
    }
    let mut answer = Vec::new();
    // Some of it may have come before the end.
    let _ = stream.read_to_end(&mut answer);
    Ok((!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn i21_slow_bodies_are_waited_for_and_stalled_ones_are_not() -> Result<()> {
    let mut asked = Asked::start().await?;
    asked.base().await?;
    asked.offset = asked.offset().await?;
    let head = |target: &str, length: usize| {
        format!(
            "PUT /api/v1/namespaces/_/{target} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
            asked.authorization
        )
    };
    let address = asked.server.address.clone();
    let stalled = head("triggers/stalled", 100);
    let of = address.clone();
    let stalled = tokio::task::spawn_blocking(move || {
        trickle(&of, &stalled, &["{"], Duration::from_millis(1))
    });
    let slow = head("triggers/slow", 16);
    let slow = tokio::task::spawn_blocking(move || {
        let pieces = ["{\"pub", "lish\":", "tru", "e}"];
        trickle(&address, &slow, &pieces, Duration::from_millis(400))
    });
    let answer = slow.await??.context("no answer to a slow body")?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "a slow body: {answer}");
    asked.offset = asked.offset().await?;
    // 30 s later: refused, or cut off; nothing was made of it.
    if let Some(answer) = stalled.await?? {
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        println!("a stalled body: {}", answer.lines().last().unwrap_or_default());
        ensure!(["400", "408"].contains(&status.as_str()), "a stalled body: {answer}");
    }
    ensure!(asked.offset == asked.offset().await?, "a stalled body moved the ledger");
    let request = asked.request("GET", "triggers/stalled", Vec::new());
    ensure!(asked.bad(request).await? == 404, "a stalled body made something");
    asked.server.stop().await
}

/// Fifty of fifty of fifty…: each was short when it was written. After a restart each has to be read
/// first, so that a look at the whole meets what it does not know yet.
#[tokio::test(flavor = "multi_thread")]
async fn i21_sequences_that_multiply_end_soon() -> Result<()> {
    const LEVELS: usize = 12;
    let mut asked = Asked::start().await?;
    asked.base().await?;
    let long = json!([{ "key": "why", "value": "x".repeat(3_000) }]);
    let of = |components: Vec<String>| {
        let exec = json!({ "kind": "sequence", "components": components });
        json!({ "exec": exec, "annotations": long })
    };
    for level in 0..LEVELS {
        asked.good("PUT", &format!("actions/s{level}"), &of(vec!["/_/f".to_owned()])).await?;
    }
    for level in (1..LEVELS).rev() {
        let within = vec![format!("/_/s{}", level - 1); 50];
        asked.good("PUT", &format!("actions/s{level}?overwrite=true"), &of(within)).await?;
    }
    asked.server.restart().await?;
    let top = format!("s{}", LEVELS - 1);
    let target = format!("actions/{top}?blocking=true&timeout=60000");
    let request = asked.request("POST", &target, b"{}".to_vec());
    let answer = send(&asked.server.address, request).await?;
    ensure!(answer.status == 502, "{} {}", answer.status, answer.text());
    ensure!(answer.text().contains("Too many actions in the sequence."), "{}", answer.text());
    // Nor can one be written that holds it.
    let target = "actions/over";
    let body = of(vec![format!("/_/{top}")]).to_string().into_bytes();
    let answer = send(&asked.server.address, asked.request("PUT", target, body)).await?;
    ensure!(answer.status == 400, "{} {}", answer.status, answer.text());
    asked.server.stop().await
}
