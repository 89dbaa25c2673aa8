//! Random requests sent to a real server, each answer held against the [`World`].
//!
//! What goes wrong is tried again on an empty namespace with ever longer tails of what was sent, and
//! of the shortest that shows it all that is not needed is taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::ask::{Flag, Kind, OWN, What};
use super::{Expected, No, Record, World, make};
use crate::cases::matches;
use crate::eventually::eventually;
use crate::platform::Server;
use crate::simulator::faults::Chance;
use crate::wire::{Answer, Request, send};

/// All is read again so often.
const AUDIT: u64 = 150;
/// The server is killed so often.
const KILL: u64 = 400;
/// So long a record may take: the children of a fire run on a busy machine.
const RECORD: Duration = Duration::from_secs(60);
/// So many tails, and so many shorter ones, are tried.
const TRIES: usize = 60;

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests whose answers were compared.
    pub requests: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Kills and starts.
    pub restarts: u64,
    /// Fires whose record was compared.
    pub fires: u64,
    /// Activations that those records name.
    pub children: u64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.requests += other.requests;
        self.restarts += other.restarts;
        self.fires += other.fires;
        self.children += other.children;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self
    }
}

/// A server, and what it should be like.
struct Session {
    address: String,
    authorization: String,
    world: World,
    tally: Tally,
    /// Activations that were promised, and the actions that they are of.
    promised: Vec<(String, String)>,
}

/// Asks a server with an empty namespace `steps` random things.
///
/// # Errors
/// An answer that was not as the model says, with the shortest requests that lead there.
pub async fn run(server: &mut Server, seed: u64, steps: u64) -> Result<Tally> {
    let mut chance = Chance::new(seed);
    let mut session = Session::new(server)?;
    let mut trace = Vec::new();
    for step in 1..=steps {
        let what = make::what(&mut chance);
        session.traced(&mut trace, what, seed, step).await?;
        if step % AUDIT == 0 || step == steps {
            for what in session.world.audit() {
                session.traced(&mut trace, what, seed, step).await?;
            }
            session.children().await?;
        }
        if step % KILL == 0 {
            server.restart().await?;
            session.address.clone_from(&server.address);
            session.tally.restarts += 1;
        }
    }
    Ok(session.tally)
}

/// Asks a server with an empty namespace these things.
///
/// # Errors
/// An answer that was not as the model says.
pub async fn replay(server: &Server, asked: &[What]) -> Result<()> {
    let mut session = Session::new(server)?;
    for what in asked {
        session.check(what).await?;
    }
    session.children().await
}

impl Session {
    fn new(server: &Server) -> Result<Self> {
        let authorization = format!("Basic {}", STANDARD.encode(server.key()?));
        Ok(Self {
            address: server.address.clone(),
            authorization,
            world: World::default(),
            tally: Tally::default(),
            promised: Vec::new(),
        })
    }

    async fn traced(
        &mut self,
        trace: &mut Vec<What>,
        what: What,
        seed: u64,
        step: u64,
    ) -> Result<()> {
        trace.push(what.clone());
        let Err(wrong) = self.check(&what).await else { return Ok(()) };
        let tail = self.shortest(trace).await?;
        let lines: Vec<String> = tail.iter().map(|what| format!("  {}", what.sent())).collect();
        bail!(
            "QUIRL_MODEL_SEED={seed}, step {step}: {wrong:#}\nshortest requests that lead there \
             from an empty namespace:\n{}",
            lines.join("\n")
        )
    }

    async fn exchange(&self, what: &What) -> Result<Answer> {
        let sent = what.sent();
        let mut headers = vec![("Authorization".to_owned(), self.authorization.clone())];
        if let Some((kind, _)) = &sent.body {
            headers.push(("Content-Type".to_owned(), (*kind).to_owned()));
        }
        let body = sent.body.map(|(_, body)| body.into_bytes()).unwrap_or_default();
        let (method, target) = (sent.method.to_owned(), sent.target);
        let request = Request { method, target, headers, body, ..Request::default() };
        send(&self.address, request).await
    }

    /// Sends a request and compares the answer.
    async fn check(&mut self, what: &What) -> Result<()> {
        let answer = self.exchange(what).await?;
        self.tally.requests += 1;
        *self.tally.statuses.entry(answer.status).or_default() += 1;
        let expected = self.world.apply(what);
        let told = |answer: &Answer| format!("{} {}", answer.status, answer.text());
        let asked = what.sent();
        match expected {
            Expected::Json(expected) => {
                let is = || format!("{asked}\n  is  {}\n  not 200 {expected}", told(&answer));
                ensure!(answer.status == 200, is());
                let found: Value = serde_json::from_slice(&answer.body).with_context(is)?;
                ensure!(fits(&expected, &found), is());
                self.world.learn(what, &found);
            }
            Expected::Text(text) => {
                let is = || format!("{asked}\n  is  {}\n  not 200 {text}", told(&answer));
                ensure!(answer.status == 200 && answer.text() == text, is());
            }
            Expected::Nothing => {
                let is = || format!("{asked}\n  is  {}\n  not 204", told(&answer));
                ensure!(answer.status == 204 && answer.body.is_empty(), is());
                ensure!(answer.header("x-openwhisk-activation-id").is_none(), is());
            }
            Expected::Fired(record) => {
                let is = || format!("{asked}\n  is  {}\n  not 202", told(&answer));
                ensure!(answer.status == 202, is());
                self.fired(&answer, &record).await.with_context(is)?;
            }
            Expected::Refused(refusals) => {
                let is = || format!("{asked}\n  is  {}\n  not {refusals:?}", told(&answer));
                let error: Value = serde_json::from_slice(&answer.body).with_context(is)?;
                let code = answer.header("x-request-id").with_context(is)?;
                ensure!(error.as_object().is_some_and(|error| error.len() == 2), is());
                ensure!(error.get("code").and_then(Value::as_str) == Some(code), is());
                let text = error.get("error").and_then(Value::as_str).with_context(is)?;
                let fits =
                    |No(status, pattern): &No| *status == answer.status && matches(pattern, text);
                ensure!(refusals.iter().any(fits), is());
            }
        }
        Ok(())
    }

    /// The record of a fire, and its lines.
    async fn fired(&mut self, answer: &Answer, expected: &Record) -> Result<()> {
        let body: Value = serde_json::from_slice(&answer.body)?;
        let id = body.get("activationId").and_then(Value::as_str).context("no id")?.to_owned();
        ensure!(body.as_object().is_some_and(|body| body.len() == 1), "more than the id");
        ensure!(answer.header("x-openwhisk-activation-id") == Some(&id), "no header with the id");
        let found = self.record(&id).await?;
        ensure!(fits(&expected.record, &found), "record\n  is  {found}\n  not {}", expected.record);
        let lines = found.get("logs").and_then(Value::as_array).context("no lines")?;
        ensure!(
            lines.len() == expected.lines.len(),
            "lines\n  are {lines:?}\n  not {:?}",
            expected.lines
        );
        for (line, any) in lines.iter().zip(&expected.lines) {
            let line: Value = serde_json::from_str(line.as_str().context("a line is a text")?)?;
            ensure!(
                any.iter().any(|expected| fits(expected, &line)),
                "line\n  is  {line}\n  not one of {any:?}"
            );
            let member = |name| line.get(name).and_then(Value::as_str).map(str::to_owned);
            if let (Some(id), Some(action)) = (member("activationId"), member("action")) {
                self.promised.push((id, action));
            }
        }
        self.tally.fires += 1;
        Ok(())
    }

    async fn record(&self, id: &str) -> Result<Value> {
        let request = Request {
            method: "GET".to_owned(),
            target: format!("/api/v1/namespaces/_/activations/{id}"),
            headers: vec![("Authorization".to_owned(), self.authorization.clone())],
            ..Request::default()
        };
        let look = || async {
            let answer = send(&self.address, request.clone()).await.map_err(|it| it.to_string())?;
            if answer.status == 200 { Ok(answer) } else { Err(answer.text()) }
        };
        let answer = eventually(RECORD, &format!("record {id}"), look).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Every activation that a fire promised is there.
    async fn children(&mut self) -> Result<()> {
        for (id, action) in std::mem::take(&mut self.promised) {
            let record = self.record(&id).await?;
            let name = action.rsplit('/').next();
            let found = record.get("name").and_then(Value::as_str);
            ensure!(found == name, "{id} is of {found:?}, not of {action}");
            self.tally.children += 1;
        }
        Ok(())
    }

    /// The shortest requests that still go wrong.
    async fn shortest(&mut self, trace: &[What]) -> Result<Vec<What>> {
        let mut length = 1;
        while length < trace.len() && !self.goes_wrong(&trace[trace.len() - length..]).await? {
            length *= 2;
        }
        let mut tail = trace[trace.len().saturating_sub(length)..].to_vec();
        let mut part = tail.len().div_ceil(2);
        let mut tries = 0;
        while part > 0 && tries < TRIES {
            let mut at = 0;
            while at + 1 < tail.len() && tries < TRIES {
                let end = (at + part).min(tail.len() - 1); // the last one shows it
                let less = [&tail[..at], &tail[end..]].concat();
                tries += 1;
                if self.goes_wrong(&less).await? {
                    tail = less;
                } else {
                    at += part;
                }
            }
            part /= 2;
        }
        Ok(tail)
    }

    /// Whether any of these goes wrong on an empty namespace.
    async fn goes_wrong(&mut self, asked: &[What]) -> Result<bool> {
        self.clear().await?;
        self.world = World::default();
        for what in asked {
            if self.check(what).await.is_err() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn clear(&self) -> Result<()> {
        for kind in [Kind::Rule, Kind::Trigger, Kind::Package, Kind::Action] {
            let all = What::List { kind, within: None, skip: None, limit: Some(0), count: false };
            let answer = self.exchange(&all).await?;
            let all: Vec<Value> = serde_json::from_slice(&answer.body)?;
            for one in all {
                let member = |name| one.get(name).and_then(Value::as_str).unwrap_or_default();
                let place = member("namespace").strip_prefix(OWN).unwrap_or_default();
                let name = format!("{place}/{}", member("name"));
                let name = name.trim_start_matches('/').to_owned();
                let delete = What::Delete(kind, name, Flag::Yes("true"));
                let answer = self.exchange(&delete).await?;
                ensure!(answer.status == 200, "{} {}", delete.sent(), answer.text());
            }
        }
        Ok(())
    }
}

/// Whether what was found is what was expected, in whole; the rules of a trigger also in order.
fn fits(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(pattern), Value::String(text)) => matches(pattern, text),
        (Value::String(pattern), Value::Number(number)) if pattern == "<int>" => number.is_i64(),
        (Value::String(pattern), _) if pattern == "<any>" => true,
        (Value::Array(expected), Value::Array(found)) => {
            let all = || expected.iter().zip(found).all(|(expected, found)| fits(expected, found));
            expected.len() == found.len() && all()
        }
        (Value::Object(expected), Value::Object(found)) => {
            let fits_member = |(name, expected): (&String, &Value)| {
                let Some(found) = found.get(name) else { return false };
                let in_order = match (expected.as_object(), found.as_object()) {
                    (Some(expected), Some(found)) if name == "rules" => {
                        expected.keys().eq(found.keys())
                    }
                    _ => true,
                };
                in_order && fits(expected, found)
            };
            expected.len() == found.len() && expected.iter().all(fits_member)
        }
        _ => expected == found,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_compared_in_whole() {
        for (expected, found, is) in [
            (json!({ "a": "<int>" }), json!({ "a": 5 }), true),
            (json!({ "a": "<int>" }), json!({ "a": 5.0 }), false),
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), false),
            (json!({ "a": 1 }), json!({ "a": 1.0 }), false),
            (json!([1, 2]), json!([2, 1]), false),
            (json!({ "rules": { "a": 1, "b": 2 } }), json!({ "rules": { "b": 2, "a": 1 } }), false),
            (json!({ "x": { "a": 1, "b": 2 } }), json!({ "x": { "b": 2, "a": 1 } }), true),
            (json!("a <any>"), json!("a b"), true),
        ] {
            assert_eq!(fits(&expected, &found), is, "{expected} {found}");
        }
    }
}
