//! Tables of requests with whole answers, run one after the other against a real server.
//!
//! A file is a server (`[server]`) and its `[[case]]`s; a case is a list of steps, and a step one
//! request with all that its answer must be. Wildcards in what is expected: `<int>`, `<num>`,
//! `<id>` (32 hexadecimal digits), `<word>`, `<any>`. What is put into requests and expectations:
//!
//! | written | means |
//! | --- | --- |
//! | `${name}` | what an earlier step saved |
//! | `${wasm:hello}` | a sample module in base64 |
//! | `${wat:name}` | a module of the file's `[wat]`, in base64 |
//! | `${zip:name}` | an archive of the file's `[zip]`, in base64 |
//! | `${text:name}` | the bytes of a sample module as damaged text |
//! | `${native:name}` | a sample module as native code, in base64 |
//! | `${b64:text}` | text in base64 |
//! | `${times:257:x}` | `x`, 257 times |
//! | `${key}`, `${user}` | the key of `guest`, and its user part |
//!
//! Each answer must have `X-Request-ID`; a step with `error` compares the whole error body, and
//! asks the server's metrics whether the refusal left a record in the ledger.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::platform::{Server, Setup, metrics};
use crate::wire::{Answer, Length, Request, send};

/// So long a step with `eventually` is repeated.
const LIMIT: Duration = Duration::from_secs(20);

/// A table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The server of the table.
    #[serde(default)]
    pub server: ServerConfig,
    /// Modules as text.
    #[serde(default)]
    pub wat: BTreeMap<String, String>,
    /// Archives: file name → content, as in `${…}`.
    #[serde(default)]
    pub zip: BTreeMap<String, BTreeMap<String, String>>,
    /// What is asked.
    pub case: Vec<Case>,
    /// What is asked again after each case: that the server is unharmed.
    #[serde(default)]
    pub after: Vec<Step>,
}

/// How the server of a table is configured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Lines of TOML.
    pub config: String,
    /// Lines of TOML for a second start: the first one only makes the data folder.
    pub then: Option<String>,
    /// Parts of warnings that may be in its log.
    pub announce: Vec<String>,
    /// More subjects, each with a namespace of its name; `auth = "name"` speaks for one.
    pub tenants: Vec<String>,
}

/// One thing to be shown.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name: rows of `rows.tsv` point at it.
    pub id: String,
    /// Its requests.
    pub step: Vec<Step>,
}

/// A request with its answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Method and target; `N/` stands for `/api/v1/namespaces/_/`.
    #[serde(rename = "do")]
    pub request: String,
    /// `guest` (the default), a tenant, `none`, or the header as it is sent.
    pub auth: Option<String>,
    /// More headers, `Name: value`.
    pub headers: Vec<String>,
    /// A body, sent as `application/json`.
    pub json: Option<String>,
    /// A body, sent without a type.
    pub body: Option<String>,
    /// The body goes in chunks.
    pub chunked: bool,
    /// A `Content-Length` without a body.
    pub announced: Option<u64>,
    /// Sent so often; each answer is compared.
    pub repeat: Option<u32>,
    /// Repeated until it is right, for up to 20 s.
    pub eventually: bool,
    /// Its end is not waited for, its answer not looked at.
    pub background: bool,
    /// Milliseconds to wait before it: only for what has no state that could be asked.
    pub pause_ms: u64,
    /// The status.
    pub status: u16,
    /// The text of the error body.
    pub error: Option<String>,
    /// The whole body.
    pub body_is: Option<String>,
    /// Headers that must be there.
    pub headers_are: BTreeMap<String, String>,
    /// Headers that must not.
    pub headers_not: Vec<String>,
    /// Kept for later steps: name → member of the answer (`a.b`), or `header:Name`.
    pub save: BTreeMap<String, String>,
    /// Other records may be written meanwhile, so that the offset of the ledger says nothing.
    pub busy: bool,
}

/// What came of a table.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Requests made.
    pub requests: u64,
    /// Refusals after which the ledger was found unchanged.
    pub refusals: u64,
    /// Activations that answers named, each once.
    pub activations: Vec<String>,
    /// What was not as it should be.
    pub wrong: Vec<String>,
}

/// Reads a table.
///
/// # Errors
/// It is not one.
pub fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}

/// Starts the server of a table and runs all its cases.
///
/// # Errors
/// The server does not start, or a step cannot be made at all.
pub async fn run(file: &File) -> Result<(Server, Outcome)> {
    let mut setup = Setup::new().config(&file.server.config);
    setup.announced.clone_from(&file.server.announce);
    let mut server = setup.clone().start().await?;
    if let Some(then) = &file.server.then {
        setup.config.clone_from(then);
        server.relaunch(setup)?;
        server.answers().await?;
    }
    let mut tenants = BTreeMap::new();
    for (number, name) in file.server.tenants.iter().enumerate() {
        tenants.insert(name.clone(), tenant(&server, name, number)?);
    }
    let only = std::env::var("QUIRL_CASE").ok();
    let mut runner = Runner {
        address: server.address.clone(),
        values: BTreeMap::from([("key".to_owned(), server.key()?)]),
        tenants,
        file,
        server: &server,
        outcome: Outcome::default(),
    };
    let user = server.key()?.split(':').next().unwrap_or_default().to_owned();
    runner.values.insert("user".to_owned(), user);
    for case in &file.case {
        if only.as_ref().is_some_and(|only| !case.id.contains(only.as_str())) {
            continue;
        }
        for (at, step) in case.step.iter().chain(&file.after).enumerate() {
            let name = format!("{} step {}: {}", case.id, at + 1, step.request);
            let done = runner.step(step).await;
            if let Err(wrong) = done {
                let shown: String = name.chars().take(160).collect();
                runner.outcome.wrong.push(format!("{shown}\n    {wrong:#}"));
                break; // what follows rests on it
            }
        }
    }
    let outcome = runner.outcome;
    Ok((server, outcome))
}

struct Runner<'a> {
    address: String,
    values: BTreeMap<String, String>,
    /// Their keys.
    tenants: BTreeMap<String, String>,
    file: &'a File,
    server: &'a Server,
    outcome: Outcome,
}

impl Runner<'_> {
    async fn step(&mut self, step: &Step) -> Result<()> {
        if step.pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(step.pause_ms)).await;
        }
        let request = self.request(step)?;
        if step.background {
            let address = self.address.clone();
            tokio::spawn(async move { send(&address, request).await });
            return Ok(());
        }
        for _ in 0..step.repeat.unwrap_or(1) {
            let start = Instant::now();
            loop {
                let done = self.exchange(step, &request).await;
                if done.is_ok() || !step.eventually || start.elapsed() > LIMIT {
                    done?;
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    async fn exchange(&mut self, step: &Step, request: &Request) -> Result<()> {
        let refused = step.error.is_some() && !step.busy && !step.eventually;
        let before = if refused { Some(offset(&self.address).await?) } else { None };
        let answer = send(&self.address, request.clone()).await?;
        self.outcome.requests += 1;
        let id = answer.header("x-openwhisk-activation-id").map(str::to_owned);
        let is_told = answer.header("x-openwhisk-accepted").is_none();
        if let Some(id) = id.filter(|id| is_told && !self.outcome.activations.contains(id)) {
            self.outcome.activations.push(id);
        }
        self.compare(step, &answer)?;
        if let Some(before) = before {
            let after = offset(&self.address).await?;
            ensure!(before == after, "the refusal moved the ledger from {before} to {after}");
            self.outcome.refusals += 1;
        }
        for (name, from) in &step.save {
            let value = saved(&answer, from)?;
            self.values.insert(name.clone(), value);
        }
        Ok(())
    }

    fn compare(&self, step: &Step, answer: &Answer) -> Result<()> {
        let text = answer.text();
        let shown: String = text.chars().take(600).collect();
        ensure!(
            answer.status == step.status,
            "status {} instead of {}: {shown}",
            answer.status,
            step.status
        );
        let Some(transaction) = answer.header("x-request-id") else {
            bail!("no X-Request-ID: {shown}");
        };
        if let Some(expected) = &step.error {
            let expected = self.fill(expected)?;
            let body = api::error::body(transaction, &expected);
            let pattern = String::from_utf8(body)?;
            ensure!(matches(&pattern, &text), "body\n    is {shown}\n    not {pattern}");
            let kind = answer.header("content-type").unwrap_or_default();
            ensure!(kind == "application/json", "Content-Type is '{kind}'");
        }
        if let Some(expected) = &step.body_is {
            let expected = self.fill(expected)?;
            ensure!(matches(&expected, &text), "body\n    is {shown}\n    not {expected}");
        }
        for (name, expected) in &step.headers_are {
            let found = answer.header(name).with_context(|| format!("no header {name}"))?;
            let expected = self.fill(expected)?;
            ensure!(matches(&expected, found), "header {name}: '{found}', not '{expected}'");
        }
        for name in &step.headers_not {
            ensure!(answer.header(name).is_none(), "there is a header {name}");
        }
        Ok(())
    }

    fn request(&self, step: &Step) -> Result<Request> {
        let line = self.fill(&step.request)?;
        let (method, target) = line.split_once(' ').context("method and target")?;
        let target = match target.strip_prefix("N/") {
            Some(rest) => format!("/api/v1/namespaces/_/{rest}"),
            None => target.to_owned(),
        };
        let mut headers = Vec::new();
        match step.auth.as_deref() {
            None | Some("guest") => {
                let key = STANDARD.encode(self.server.key()?);
                headers.push(("Authorization".to_owned(), format!("Basic {key}")));
            }
            Some("none") => {}
            Some(name) if self.tenants.contains_key(name) => {
                let key = STANDARD.encode(&self.tenants[name]);
                headers.push(("Authorization".to_owned(), format!("Basic {key}")));
            }
            Some(raw) => headers.push(("Authorization".to_owned(), self.fill(raw)?)),
        }
        let body = match (&step.json, &step.body) {
            (Some(json), _) => {
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
                self.fill(json)?
            }
            (None, Some(body)) => self.fill(body)?,
            (None, None) => String::new(),
        };
        for header in &step.headers {
            let header = self.fill(header)?;
            let (name, value) = header.split_once(':').context("a header is `Name: value`")?;
            headers.push((name.to_owned(), value.trim_start().to_owned()));
        }
        let length = match (step.announced, step.chunked) {
            (Some(length), _) => Length::Announced(length),
            (None, true) => Length::Chunked,
            (None, false) => Length::Right,
        };
        let method = method.to_owned();
        Ok(Request { method, target, headers, body: body.into_bytes(), length })
    }

    /// Puts values in the place of `${…}`.
    fn fill(&self, text: &str) -> Result<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            out.push_str(&rest[..at]);
            let end = rest[at..].find('}').context("`${` without `}`")? + at;
            out.push_str(&self.value(&rest[at + 2..end])?);
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, name: &str) -> Result<String> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let (what, of) = name.split_once(':').with_context(|| format!("no value ${{{name}}}"))?;
        Ok(match what {
            "wasm" => STANDARD.encode(self.server.programs.sample(of)?),
            "text" => damaged(&self.server.programs.sample(of)?),
            "wat" => STANDARD.encode(self.module(of)?),
            "native" => {
                let module = self.server.programs.sample(of)?;
                let native = wasmtime::Engine::default().precompile_module(&module);
                STANDARD.encode(native.map_err(|error| anyhow!("{error}"))?)
            }
            "b64" => STANDARD.encode(of),
            "zip" => STANDARD.encode(self.archive(of)?),
            "times" => {
                let (count, unit) = of.split_once(':').context("`times:COUNT:UNIT`")?;
                unit.repeat(count.parse().context("how often")?)
            }
            other => bail!("no way to make ${{{other}:…}}"),
        })
    }

    fn module(&self, name: &str) -> Result<Vec<u8>> {
        let text = self.file.wat.get(name).with_context(|| format!("no [wat] {name}"))?;
        wat::parse_str(text).map_err(|error| anyhow!("[wat] {name}: {error}"))
    }

    fn archive(&self, name: &str) -> Result<Vec<u8>> {
        let files = self.file.zip.get(name).with_context(|| format!("no [zip] {name}"))?;
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default())?;
            match content.split_once(':') {
                Some(("wasm", of)) => zip.write_all(&self.server.programs.sample(of)?)?,
                _ => zip.write_all(content.as_bytes())?,
            }
        }
        Ok(zip.finish()?.into_inner())
    }
}

/// Makes a subject; its key.
fn tenant(server: &Server, name: &str, number: usize) -> Result<String> {
    let key = format!("00000000-0000-4000-8000-{number:012}:{}", name.repeat(64).split_at(64).0);
    let mut create = server.quirl();
    let made = create.args(["admin", "user", "create", name, "--key", &key]).output()?;
    ensure!(made.status.success(), "make {name}: {}", String::from_utf8_lossy(&made.stderr));
    Ok(key)
}

/// Bytes that went through a text field: what is no UTF-8 became U+FFFD; as a JSON string inside.
fn damaged(bytes: &[u8]) -> String {
    let text = serde_json::Value::String(String::from_utf8_lossy(bytes).into_owned()).to_string();
    text.trim_matches('"').to_owned()
}

/// The last applied offset of the ledger.
async fn offset(address: &str) -> Result<String> {
    let all = metrics(address).await?;
    let found = all.iter().find(|(name, _)| name.starts_with("quirl_ledger_applied_offset"));
    Ok(found.context("no quirl_ledger_applied_offset")?.1.to_string())
}

fn saved(answer: &Answer, from: &str) -> Result<String> {
    if let Some(name) = from.strip_prefix("header:") {
        let found = answer.header(name).with_context(|| format!("no header {name}"))?;
        return Ok(found.to_owned());
    }
    let mut value: &serde_json::Value = &serde_json::from_slice(&answer.body)?;
    for member in from.split('.') {
        let found = match member.parse::<usize>() {
            Ok(index) => value.get(index),
            Err(_) => value.get(member),
        };
        value = found.with_context(|| format!("no member {from}"))?;
    }
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Whether `text` is as `pattern` says, wildcards included.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((literal, kind, rest)) = next_wildcard(pattern) else { return pattern == text };
    let Some(text) = text.strip_prefix(literal) else { return false };
    let is_part = |c: char| match kind {
        "int" => c.is_ascii_digit() || c == '-',
        "num" => c.is_ascii_digit() || "-.eE+".contains(c),
        "id" => c.is_ascii_digit() || ('a'..='f').contains(&c),
        "word" => c.is_ascii_alphanumeric() || "_-".contains(c),
        _ => true,
    };
    let run = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (least, most) = match kind {
        "id" if run >= 32 => (32, 32),
        "id" => return false,
        "any" => (0, run),
        _ => (1, run),
    };
    if rest.is_empty() && (least..=most).contains(&text.len()) {
        return true;
    }
    (least..=most).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
}

/// What stands before the first wildcard, its name, and what stands behind.
fn next_wildcard(pattern: &str) -> Option<(&str, &str, &str)> {
    let names = ["int", "num", "id", "word", "any"];
    let found = names.iter().filter_map(|name| {
        let at = pattern.find(&format!("<{name}>"))?;
        Some((at, *name))
    });
    let (at, name) = found.min()?;
    Some((&pattern[..at], name, &pattern[at + name.len() + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_what_they_say() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a<int>b", "a12b", true),
            ("a<int>", "a12", true),
            ("a<int>b", "ab", false),
            ("<num>ms", "-1.5ms", true),
            ("\"<id>\"", "\"0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11\"", true),
            ("\"<id>\"", "\"0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e1\"", false),
            ("[<any>]", "[]", true),
            ("[<any>,1]", "[x,2,1]", true),
            ("<any>", "", true),
            ("<word>!", "a-b!", true),
            ("<other>", "<other>", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn members_of_answers_are_found() {
        let answer = Answer {
            body: br#"{"a":{"b":["x",7]}}"#.to_vec(),
            headers: vec![("X".to_owned(), "y".to_owned())],
            ..Answer::default()
        };
        assert_eq!(saved(&answer, "a.b.0").unwrap(), "x");
        assert_eq!(saved(&answer, "a.b.1").unwrap(), "7");
        assert_eq!(saved(&answer, "header:x").unwrap(), "y");
        assert!(saved(&answer, "a.c").is_err());
    }
}
