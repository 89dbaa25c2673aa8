//! The pipeline `weather`, deployed and run as a new user would: with `quirl`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use api::Client;
use api::activation::{History, Record};
use serde_json::Value;

use super::place::{files, shortened};
use super::screen::say;
use super::slices::{arguments, read};
use crate::platform::{Server, shown};

/// The data: the original, and the copy that was damaged.
pub const FILES: [&str; 2] = ["seattle-weather.csv", "seattle-weather-damaged.csv"];
/// The sequence.
pub const SEQUENCE: &str = "weather";
/// Its steps.
pub const STEPS: [&str; 4] = ["parse", "clean", "aggregate", "anomalies"];

/// An activation that has ended, with what happened to it.
#[derive(Clone, Debug)]
pub struct Life {
    /// What it became.
    pub record: Record,
    /// How.
    pub history: History,
}

/// One run of the pipeline with its steps.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The file that it ran on.
    pub file: String,
    /// The record of the sequence.
    pub record: Record,
    /// Its result.
    pub result: Value,
    /// Its steps, in order.
    pub steps: Vec<Life>,
}

/// Creates the four actions and the sequence.
///
/// # Errors
/// `quirl` fails.
pub fn deploy(server: &Server) -> Result<()> {
    for step in STEPS {
        let module = server.programs.samples.join("built").join(format!("{step}.wasm"));
        let mut command = server.quirl();
        command.args(["action", "create", step]).arg(shortened(&module));
        run(&mut command)?;
    }
    let mut command = server.quirl();
    run(command.args(["action", "create", SEQUENCE, "--sequence", &STEPS.join(",")]))?;
    Ok(())
}

/// Runs the pipeline on a data file.
///
/// # Errors
/// It fails, or its records cannot be read.
pub async fn run_on(server: &Server, file: &str) -> Result<Seen> {
    run_on_text(server, file, &read(&server.programs.samples, file)?).await
}

/// Runs the pipeline on the text of a file.
///
/// # Errors
/// As [`run_on`].
pub async fn run_on_text(server: &Server, file: &str, csv: &str) -> Result<Seen> {
    let path = write(server, &format!("{file}.json"), arguments(csv, file).as_bytes())?;
    let mut command = server.quirl();
    command.args(["action", "invoke", SEQUENCE, "--blocking", "--param-file"]).arg(path);
    let said = run(&mut command)?;
    let id = said.lines().next().and_then(|line| line.rsplit(' ').next());
    let id = id.context("quirl says no id")?.to_owned();
    let client = server.client()?;
    let record = client.activation(&id).await?;
    let mut steps = Vec::new();
    for id in &record.logs {
        steps.push(read_life(&client, id).await?);
    }
    Ok(Seen { file: file.to_owned(), result: result_of(&record)?, record, steps })
}

/// The record and the history of an activation that has ended.
///
/// # Errors
/// There is none, or it is open.
pub async fn read_life(client: &Client, id: &str) -> Result<Life> {
    let record = client.activation(id).await.with_context(|| format!("the record of {id}"))?;
    let history = client.history(id).await.with_context(|| format!("the history of {id}"))?;
    Ok(Life { record, history })
}

/// What an action returned.
///
/// # Errors
/// It did not succeed.
pub fn result_of(record: &Record) -> Result<Value> {
    let Record { activation_id: id, response, .. } = record;
    let told = response.result.as_ref().map_or("nothing", |result| result.as_str());
    ensure!(response.success, "{id} ended with '{}': {told}", response.status);
    serde_json::from_str(told).with_context(|| format!("the result of {id}"))
}

/// Writes a file of ours, and returns its path as somebody here would type it.
///
/// # Errors
/// It cannot be written.
pub fn write(server: &Server, name: &str, bytes: &[u8]) -> Result<String> {
    let folder: PathBuf = files(&server.data);
    let path: &Path = &folder.join(name);
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(path, bytes));
    written.with_context(|| format!("write {}", path.display()))?;
    Ok(shortened(path))
}

/// Runs a command as if typed, and shows it with the first line that it says.
fn run(command: &mut Command) -> Result<String> {
    let line = shown(command);
    say(&format!("  $ {line}"));
    let output = command.output().with_context(|| format!("run {line}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{line}` ended with {}:\n{said}{complaint}", output.status);
    say(&format!("    {}", said.lines().next().unwrap_or_default()));
    Ok(said)
}
