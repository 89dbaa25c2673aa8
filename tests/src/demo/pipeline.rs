//! Two pipelines, deployed and run as a new user would: with `quirl`.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use api::Client;
use api::activation::{History, Record};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::place::{files, shortened};
use super::screen::say;
use super::slices::{arguments, read};
use crate::platform::{Server, shown};

/// A sequence of actions, and what it is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipeline {
    /// Days of weather: steps in WebAssembly and JavaScript by turns.
    Weather,
    /// Quotes of companies: three steps in JavaScript, the last one of several files.
    Quotes,
}

impl Pipeline {
    /// All of them, in the order in which they are told of.
    pub const ALL: [Self; 2] = [Self::Weather, Self::Quotes];

    /// The sequence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weather => "weather",
            Self::Quotes => "quotes",
        }
    }

    /// Its steps.
    #[must_use]
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::Weather => &[
                Step { name: "parse", code: "built/parse.wasm" },
                Step { name: "clean", code: "weather/clean.js" },
                Step { name: "aggregate", code: "built/aggregate.wasm" },
                Step { name: "anomalies", code: "weather/anomalies.js" },
            ],
            Self::Quotes => &[
                Step { name: "read-quotes", code: "stocks/read.js" },
                Step { name: "last-quote", code: "stocks/last.js" },
                Step { name: "forecast", code: "stocks/forecast" },
            ],
        }
    }

    /// The data. Of the weather the original, and the copy that was damaged.
    #[must_use]
    pub const fn files(self) -> &'static [&'static str] {
        match self {
            Self::Weather => &["seattle-weather.csv", "seattle-weather-damaged.csv"],
            Self::Quotes => &["stocks.csv"],
        }
    }

    /// The script that works its results out independently.
    #[must_use]
    pub const fn script(self) -> &'static str {
        match self {
            Self::Weather => "weather/check.py",
            Self::Quotes => "stocks/check.py",
        }
    }

    /// Names of its steps.
    #[must_use]
    pub fn step_names(self) -> Vec<&'static str> {
        self.steps().iter().map(|step| step.name).collect()
    }

    /// Whether an activation of this name belongs to it.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        name == self.name() || self.steps().iter().any(|step| step.name == name)
    }
}

/// One action of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is called.
    pub name: &'static str,
    /// Its code among the samples: a file, or a folder that becomes an archive.
    pub code: &'static str,
}

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
    /// Which one.
    pub pipeline: Pipeline,
    /// The file that it ran on.
    pub file: String,
    /// The record of the sequence.
    pub record: Record,
    /// Its result.
    pub result: Value,
    /// Its steps, in order.
    pub steps: Vec<Life>,
}

/// Creates the actions and the sequence.
///
/// # Errors
/// `quirl` fails, or a folder cannot be packed.
pub fn deploy(server: &Server, pipeline: Pipeline) -> Result<()> {
    for Step { name, code } in pipeline.steps() {
        let path = server.programs.samples.join(code);
        let mut command = server.quirl();
        command.args(["action", "create", name]);
        if path.is_dir() {
            // What could be of several languages has to be told.
            command.arg(pack(server, name, &path)?).args(["--kind", "nodejs:20"]);
        } else {
            command.arg(shortened(&path));
        }
        run(&mut command)?;
    }
    let (name, steps) = (pipeline.name(), pipeline.step_names().join(","));
    run(server.quirl().args(["action", "create", name, "--sequence", &steps]))?;
    Ok(())
}

/// Packs a folder as the archive that an action of several files is; returns where that lies.
fn pack(server: &Server, name: &str, folder: &Path) -> Result<String> {
    let (bytes, files) = archive(folder)?;
    let path = write(server, &format!("{name}.zip"), &bytes)?;
    let from = shortened(folder);
    say(&format!("  packing the {files} files of {from}: {path}, {} bytes", bytes.len()));
    Ok(path)
}

/// A zip of all files under a folder, and how many they are. The same files give the same bytes.
fn archive(folder: &Path) -> Result<(Vec<u8>, usize)> {
    let mut files = Vec::new();
    find_files(folder, &mut files).with_context(|| format!("read {}", folder.display()))?;
    files.sort();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in &files {
        let name = file.strip_prefix(folder)?.to_str().context("a name that is not UTF-8")?;
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(&std::fs::read(file).with_context(|| format!("read {}", file.display()))?)?;
    }
    Ok((zip.finish()?.into_inner(), files.len()))
}

fn find_files(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_files(&path, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}

/// Runs the pipeline on a data file.
///
/// # Errors
/// It fails, or its records cannot be read.
pub async fn run_on(server: &Server, pipeline: Pipeline, file: &str) -> Result<Seen> {
    run_on_text(server, pipeline, file, &read(&server.programs.samples, file)?).await
}

/// Runs the pipeline on the text of a file.
///
/// # Errors
/// As [`run_on`].
pub async fn run_on_text(
    server: &Server,
    pipeline: Pipeline,
    file: &str,
    csv: &str,
) -> Result<Seen> {
    let path = write(server, &format!("{file}.json"), arguments(csv, file).as_bytes())?;
    let mut command = server.quirl();
    let name = pipeline.name();
    command.args(["action", "invoke", name, "--blocking", "--param-file"]).arg(path);
    let said = run(&mut command)?;
    let id = said.lines().next().and_then(|line| line.rsplit(' ').next());
    let id = id.context("quirl says no id")?.to_owned();
    let client = server.client()?;
    let record = client.activation(&id).await?;
    let mut steps = Vec::new();
    for id in &record.logs {
        steps.push(read_life(&client, id).await?);
    }
    let result = result_of(&record)?;
    Ok(Seen { pipeline, file: file.to_owned(), result, record, steps })
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn no_two_pipelines_share_a_name() {
        let names = |it: Pipeline| it.step_names().into_iter().chain([it.name()]);
        for name in Pipeline::ALL.into_iter().flat_map(names) {
            let owners = Pipeline::ALL.into_iter().filter(|it| it.has(name)).count();
            assert_eq!(owners, 1, "{name}");
        }
    }

    #[test]
    fn an_archive_has_every_file_under_the_folder_and_is_always_the_same() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("lib")).unwrap();
        for (name, text) in [("package.json", "{}"), ("index.js", "i"), ("lib/a.js", "a")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let (bytes, files) = archive(folder.path()).unwrap();
        assert_eq!(files, 3);
        assert_eq!(archive(folder.path()).unwrap().0, bytes);
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let names: Vec<String> = zip.file_names().map(|it| it.unwrap().into_owned()).collect();
        assert_eq!(names, ["index.js", "lib/a.js", "package.json"]);
        let mut text = String::new();
        zip.by_name("lib/a.js").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a");
    }
}
