//! JavaScript actions on the whole server: compared with Node.js 20, and with a public suite.
//!
//! The programs in `tests/js/programs` run in Node.js under the rules of OpenWhisk's launcher
//! (`tests/js/launcher.mjs`) and here, each twice: evaluated, and from its image. Result, log lines
//! and class must be equal; what is known to differ stands in `tests/js/differences.toml`.
//!
//! `cargo xtask test` brings Node.js and the suite and names them in the environment. Without them
//! these tests say that they were left out.
#![expect(clippy::disallowed_methods, reason = "a suite asks the environment what xtask brought")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use api::client::{Client, Invocation, Invoke, Name};
use api::{activation, entity};
use futures::{StreamExt as _, TryStreamExt as _};
use model::json::Json;
use quirl_tests::platform::Setup;
use serde::{Deserialize, Serialize};

/// The differences that may be known.
///
/// Source: issue 4, line 4.
const MOST_DIFFERENCES: usize = 15;
/// Programs that are run at a time.
const AT_ONCE: usize = 4;

/// What the launcher says of a program, a line of JSON each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    name: String,
    class: String,
    result: Json,
    logs: Vec<(String, String)>,
}

/// A program, and what stands at its top.
struct Program {
    name: String,
    source: String,
    main: Option<String>,
    arguments: Json,
    environment: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("js")
}

/// Node.js 20, if it is here.
fn node() -> Option<PathBuf> {
    let named = std::env::var_os("QUIRL_NODE").map(PathBuf::from);
    let node = named.clone().unwrap_or_else(|| "node".into());
    let version = Command::new(&node).arg("--version").output().ok()?;
    let is_20 = String::from_utf8_lossy(&version.stdout).starts_with("v20.");
    assert!(is_20 || named.is_none(), "{} is not Node.js 20", node.display());
    is_20.then_some(node)
}

fn programs() -> Result<Vec<Program>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder().join("programs"))? {
        paths.push(entry?.path());
    }
    paths.sort();
    paths.into_iter().map(|path| program(&path)).collect()
}

fn program(path: &Path) -> Result<Program> {
    let source = fs::read_to_string(path)?;
    let head = source.lines().take_while(|line| line.starts_with("//"));
    let head: Vec<&str> = head.map(|line| line.trim_start_matches('/').trim()).collect();
    let told = |name: &str| {
        let found = head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(str::trim)
    };
    let name = path.file_name().and_then(|name| name.to_str()).context("a name")?.to_owned();
    let arguments = Json::parse(told("args").unwrap_or("{}").as_bytes())?;
    let environment = told("env").map(serde_json::from_str).transpose()?.unwrap_or_default();
    let main = told("main").map(str::to_owned);
    Ok(Program { name, main, arguments, environment, source })
}

/// Runs a program of Node.js with something on its input.
fn run(node: &Path, script: &str, arguments: &[&str], input: Option<&str>) -> Result<String> {
    let mut command = Command::new(node);
    command.arg(folder().join(script)).args(arguments).current_dir(folder());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().context("start Node.js")?;
    let mut stdin = child.stdin.take().context("its input")?;
    let input = input.unwrap_or_default().to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    ensure!(output.status.success(), "{script} ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

fn lines(text: &str) -> Result<BTreeMap<String, Line>> {
    let lines = text.lines().map(|line| {
        let line: Line = serde_json::from_str(line).with_context(|| line.to_owned())?;
        Ok((line.name.clone(), line))
    });
    lines.collect()
}

/// Names of programs that are known to differ, and why.
fn known() -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(folder().join("differences.toml"))?;
    let entries = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    ensure!(entries.count() <= MOST_DIFFERENCES, "too many known differences");
    Ok(toml::from_str(&text)?)
}

/// Deploys a program and runs it, first evaluated, then from its image if it has one.
async fn run_here(client: &Client, program: &Program) -> Result<[(Line, String); 2]> {
    let name = Name::parse(program.name.trim_end_matches(".js"), "_")?;
    let parameter = |(key, value): (&String, &String)| entity::Parameter {
        key: key.clone(),
        value: Json::string(value),
        init: true,
        encryption: None,
    };
    let exec = entity::PutExec {
        kind: "nodejs:20".to_owned(),
        code: Some(program.source.clone()),
        main: program.main.clone(),
        ..entity::PutExec::default()
    };
    let put = entity::Put {
        exec: Some(exec),
        parameters: Some(program.environment.iter().map(parameter).collect()),
        ..entity::Put::default()
    };
    client.put_action(&name, &put, true).await?;
    let how = Invoke { blocking: true, result: false, timeout_ms: None };
    let mut ends = Vec::new();
    for _ in 0..2 {
        let answer = client.invoke(&name, &program.arguments, how).await?;
        ensure!(matches!(answer, Invocation::Ended { .. }), "{answer:?}");
        let id = answer.id().context("an id")?;
        let record = client.activation(id).await?;
        let start = record.annotations.iter().find(|annotation| annotation.key == "start");
        let start = start.and_then(|start| start.value.text()).context("no annotation `start`")?;
        ends.push((line(&program.name, &record)?, start));
    }
    let (_, start) = client.described_action(&name, false).await?;
    ensure!(start.as_deref() == Some(&ends[1].1), "a GET says {start:?}");
    ends.try_into().map_err(|_| anyhow::anyhow!("two ends"))
}

fn line(name: &str, record: &activation::Record) -> Result<Line> {
    let log = |line: &String| {
        let (_, rest) = line.split_once(' ').context("a log line without a time")?;
        let (stream, text) = rest.trim_start().split_once(": ").context("without a stream")?;
        Ok((stream.to_owned(), text.to_owned()))
    };
    let logs = record.logs.iter().map(log).collect::<Result<Vec<_>>>()?;
    // The platform's own line, behind those of the program.
    let own = "The action did not initialize or run as expected. Log data might be missing.";
    let logs = logs.into_iter().filter(|(_, text)| text != own).collect();
    let class = record.response.status.trim_start_matches("action ").to_owned();
    let result = record.response.result.clone().context("a result")?;
    Ok(Line { name: name.to_owned(), class, result, logs })
}

#[tokio::test]
async fn programs_end_here_as_they_do_in_node() -> Result<()> {
    let Some(node) = node() else {
        println!("left out: Node.js 20 is not here; `cargo xtask test` brings it");
        return Ok(());
    };
    let programs = programs()?;
    ensure!(programs.len() >= 200, "{} programs", programs.len());
    let server = Setup::new().start().await?;
    let client = server.client()?;
    let running = futures::stream::iter(&programs).map(|program| {
        let client = client.clone();
        async move { run_here(&client, program).await.with_context(|| program.name.clone()) }
    });
    let here: Vec<[(Line, String); 2]> = running.buffered(AT_ONCE).try_collect().await?;

    let there = lines(&run(&node, "launcher.mjs", &["programs"], None)?)?;
    ensure!(there.len() == programs.len(), "Node.js ran {} programs", there.len());
    let known = known()?;
    let mut differ = Vec::new();
    for at in 0..2 {
        let raw = here.iter().map(|ends| serde_json::to_string(&ends[at].0));
        let raw = raw.collect::<Result<Vec<_>, _>>()?.join("\n");
        let mine = lines(&run(&node, "normalise.mjs", &["programs"], Some(&raw))?)?;
        for (name, theirs) in &there {
            let mine = mine.get(name).with_context(|| format!("no line of {name}"))?;
            match (theirs == mine, known.contains_key(name)) {
                (true, true) => differ.push(format!("{name} does not differ any more")),
                (false, false) => {
                    differ.push(format!("{name}\n  Node.js {theirs:?}\n  here    {mine:?}"));
                }
                _ => {}
            }
        }
    }
    ensure!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    for name in known.keys() {
        ensure!(there.contains_key(name), "{name} is known to differ, and not there");
    }
    let images = here.iter().filter(|ends| ends[1].1 == "image").count();
    ensure!(here.iter().all(|ends| ends[0].1 == "eval"), "a first call is evaluated");
    println!(
        "{} programs, {images} of them from an image; {} known to differ",
        programs.len(),
        known.len()
    );
    ensure!(images * 10 > programs.len() * 7, "most programs have an image: {images}");
    Ok(())
}

/// A case of the public suite.
#[derive(Serialize)]
struct Case {
    name: String,
    source: String,
    /// Whether it is a program at all.
    ok: bool,
}

/// Scripts of test262-parser-tests; its modules cannot be told by a script.
fn cases(suite: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (folder, ok) in [("pass", true), ("pass-explicit", true), ("fail", false), ("early", false)]
    {
        let mut paths = Vec::new();
        for entry in fs::read_dir(suite.join(folder))? {
            paths.push(entry?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.contains(".module.") {
                let source = fs::read_to_string(&path)?;
                cases.push(Case { name: format!("{folder}/{name}"), source, ok });
            }
        }
    }
    Ok(cases)
}

/// Parses each case: what follows `throw` is read and never run. Only its declarations count, which
/// may be of `eval`.
const PARSE: &str = "function main({ cases }) {
  const [wrong, parse, Refused] = [[], eval, SyntaxError];
  for (const { name, source, ok } of cases) {
    let parsed = true;
    try { parse(`throw 0;${source}`) } catch (error) { parsed = !(error instanceof Refused) }
    if (parsed !== ok) wrong.push(name);
  }
  return { wrong };
}";

#[tokio::test]
async fn most_of_a_public_suite_passes() -> Result<()> {
    let Some(suite) = std::env::var_os("QUIRL_PARSER_TESTS").map(PathBuf::from) else {
        println!("left out: test262-parser-tests is not here; `cargo xtask test` brings it");
        return Ok(());
    };
    let cases = cases(&suite)?;
    ensure!(cases.len() > 2_000, "{} cases", cases.len());
    let server = Setup::new().start().await?;
    let client = server.client()?;
    let name = Name::parse("parse", "_")?;
    let put = entity::Put::code("nodejs:20", PARSE);
    client.put_action(&name, &put, true).await?;
    let mut wrong: Vec<String> = Vec::new();
    for cases in cases.chunks(500) {
        let arguments = Json::parse(serde_json::json!({ "cases": cases }).to_string().as_bytes())?;
        let how = Invoke { blocking: true, result: true, timeout_ms: None };
        let answer = client.invoke(&name, &arguments, how).await?;
        let Invocation::Ended { status: 200, body, .. } = answer else {
            anyhow::bail!("{answer:?}")
        };
        let found = body.member("wrong").context("no list")?;
        wrong.extend(serde_json::from_str::<Vec<String>>(found.as_str())?);
    }
    let passed = cases.len() - wrong.len();
    println!("test262-parser-tests: {passed} of {} scripts; not: {}", cases.len(), wrong.join(" "));
    ensure!(passed * 100 >= cases.len() * 96, "only {passed} of {} pass", cases.len());
    Ok(())
}
