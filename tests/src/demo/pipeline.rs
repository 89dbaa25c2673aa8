//! Two pipelines, deployed and run as a new user would: with `quirl`.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use api::Client;
use api::activation::{History, Record};
use api::client::Filter;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::place::{files, shortened};
use super::screen::say;
use super::slices::{arguments, read};
use crate::eventually::eventually;
use crate::platform::{Server, shown};

/// Who uses what is shared.
const TENANT: &str = "trader";
/// So long a pipeline may run.
const LIMIT: Duration = Duration::from_secs(60);

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

    /// The package that it is in.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weather => "weather",
            Self::Quotes => "quotes",
        }
    }

    /// The sequence, in its package.
    #[must_use]
    pub const fn sequence(self) -> &'static str {
        match self {
            Self::Weather => "months",
            Self::Quotes => "outlook",
        }
    }

    /// The sequence that begins with a file that arrived, and its first step.
    #[must_use]
    pub const fn of_file(self) -> (&'static str, &'static str) {
        match self {
            Self::Weather => ("months-of-file", "days-in-file"),
            Self::Quotes => ("outlook-of-file", "quotes-in-file"),
        }
    }

    /// The triggers that start it: with data, and with a file.
    #[must_use]
    pub const fn triggers(self) -> (&'static str, &'static str) {
        match self {
            Self::Weather => ("weather-data", "weather-file"),
            Self::Quotes => ("quotes-data", "quotes-file"),
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
        let (of_file, first) = self.of_file();
        let (data, file) = self.triggers();
        [self.sequence(), of_file, first, data, file].contains(&name)
            || self.steps().iter().any(|step| step.name == name)
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

/// Creates the package with its actions and sequences, and the triggers that start it by rules.
///
/// # Errors
/// `quirl` fails, or a folder cannot be packed.
pub fn deploy(server: &Server, pipeline: Pipeline) -> Result<()> {
    let package = pipeline.name();
    // The one is everybody's to use, the other is not.
    let shared = if pipeline == Pipeline::Quotes { "yes" } else { "no" };
    run(server.quirl().args(["package", "create", package, "--shared", shared]))?;
    let (of_file, first) = pipeline.of_file();
    let unpack = Step { name: first, code: "files/unpack.js" };
    for Step { name, code } in pipeline.steps().iter().chain([&unpack]) {
        let path = server.programs.samples.join(code);
        let mut command = server.quirl();
        command.args(["action", "create", &format!("{package}/{name}")]);
        if path.is_dir() {
            // What could be of several languages has to be told.
            command.arg(pack(server, name, &path)?).args(["--kind", "nodejs:20"]);
        } else {
            command.arg(shortened(&path));
        }
        run(&mut command)?;
    }
    let within = |name: &str| format!("{package}/{name}");
    let steps: Vec<String> = pipeline.step_names().into_iter().map(within).collect();
    let whole = within(pipeline.sequence());
    let sequence = |name: &str, steps: &str| {
        run(server.quirl().args(["action", "create", name, "--sequence", steps])).map(drop)
    };
    sequence(&whole, &steps.join(","))?;
    sequence(&within(of_file), &format!("{},{whole}", within(first)))?;
    let (data, file) = pipeline.triggers();
    for (trigger, action) in [(data, whole), (file, within(of_file))] {
        run(server.quirl().args(["trigger", "create", trigger]))?;
        run(server.quirl().args(["rule", "create", &format!("on-{trigger}"), trigger, &action]))?;
    }
    Ok(())
}

/// Puts copies of the data into a folder that is watched; each that arrives fires a trigger. What
/// came of each is returned.
///
/// # Errors
/// `quirl` fails, or a pipeline does.
pub async fn arrive(server: &Server, pipeline: Pipeline) -> Result<Vec<(String, Vec<Life>)>> {
    let folder = files(&server.data).join(format!("{}-inbox", pipeline.name()));
    std::fs::create_dir_all(&folder)?;
    for file in pipeline.files() {
        // Renamed into its place, as whoever delivers files should do.
        let text = read(&server.programs.samples, file)?;
        let part = folder.join(format!("{file}.part"));
        std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, folder.join(file)))?;
    }
    let (_, trigger) = pipeline.triggers();
    let count = pipeline.files().len().to_string();
    let mut command = server.quirl();
    command.arg("watch").arg(shortened(&folder)).args(["--fire", trigger, "--content"]);
    run(command.args(["--existing", "--once", &count]))?;
    let client = server.client()?;
    let mut arrived = Vec::new();
    for (file, fired) in fires(&client, trigger).await? {
        let child = child_of(&client, &fired).await?;
        let mut lives = vec![read_life(&client, &fired).await?];
        lives.push(eventually(LIMIT, "it has ended", || read_life(&client, &child)).await?);
        arrived.push((file, lives));
    }
    Ok(arrived)
}

/// The fires of a trigger: the file that each was about, and its id.
async fn fires(client: &Client, trigger: &str) -> Result<Vec<(String, String)>> {
    let filter = Filter { name: Some(trigger.to_owned()), ..Filter::default() };
    let mut fires = Vec::new();
    for record in client.records(&filter).await? {
        let payload = result_of(&record)?;
        let file = payload["name"].as_str().context("a fire without the name of a file")?;
        fires.push((file.to_owned(), record.activation_id));
    }
    Ok(fires)
}

/// What the one rule of a trigger started when it was fired.
///
/// # Errors
/// It started nothing; with what it said.
pub async fn child_of(client: &Client, fired: &str) -> Result<String> {
    let lines = client.logs(fired).await.with_context(|| format!("the record of {fired}"))?;
    let [line] = lines.as_slice() else { bail!("{fired} tells of {} rules", lines.len()) };
    let told: Value = serde_json::from_str(line)?;
    let child = told["activationId"].as_str();
    child.map(str::to_owned).with_context(|| format!("{fired} started nothing: {line}"))
}

/// Runs a shared pipeline in a namespace of somebody else, through a binding with parameters of its
/// own: averages of so many quotes.
///
/// # Errors
/// `quirl` fails, or the pipeline does.
pub async fn run_bound(server: &Server, window: u32) -> Result<Seen> {
    let pipeline = Pipeline::Quotes;
    let made = run(server.quirl().args(["admin", "user", "create", TENANT]))?;
    let key = made.split_whitespace().find(|word| word.len() == 36 + 1 + 64);
    let key = key.context("quirl says no key")?.to_owned();
    // In a file of properties, as a user keeps it: it is not for the screen.
    let properties = format!("APIHOST={}\nAUTH={key}\n", server.address);
    let properties = write(server, &format!("{TENANT}.wskprops"), properties.as_bytes())?;
    say(&format!("  $ export WSK_CONFIG_FILE={properties}"));
    let theirs = || {
        let mut command = server.quirl();
        command.env("WSK_CONFIG_FILE", &properties);
        command
    };
    let (package, window) = (format!("/guest/{}", pipeline.name()), window.to_string());
    run(theirs().args(["package", "bind", &package, "prices", "--param", "window", &window]))?;
    let steps: Vec<String> =
        pipeline.step_names().into_iter().map(|step| format!("prices/{step}")).collect();
    run(theirs().args(["action", "create", "outlook", "--sequence", &steps.join(",")]))?;
    let file = pipeline.files()[0];
    let csv = read(&server.programs.samples, file)?;
    let path = write(server, &format!("{file}.json"), arguments(&csv, file).as_bytes())?;
    let mut command = theirs();
    command.args(["action", "invoke", "outlook", "--blocking", "--param-file"]).arg(path);
    let id = id_in(&run(&mut command)?)?;
    let client = Client::new(&server.address)?.with_key(&key)?;
    seen(&client, pipeline, file, &id).await
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
    let name = format!("{}/{}", pipeline.name(), pipeline.sequence());
    command.args(["action", "invoke", &name, "--blocking", "--param-file"]).arg(path);
    let id = id_in(&run(&mut command)?)?;
    seen(&server.client()?, pipeline, file, &id).await
}

/// The id in what `quirl action invoke` says.
fn id_in(said: &str) -> Result<String> {
    let id = said.lines().next().and_then(|line| line.rsplit(' ').next());
    Ok(id.context("quirl says no id")?.to_owned())
}

async fn seen(client: &Client, pipeline: Pipeline, file: &str, id: &str) -> Result<Seen> {
    let record = client.activation(id).await?;
    let mut steps = Vec::new();
    for id in &record.logs {
        steps.push(read_life(client, id).await?);
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
        let names = |it: Pipeline| {
            let ((of_file, first), (data, file)) = (it.of_file(), it.triggers());
            it.step_names().into_iter().chain([it.sequence(), of_file, first, data, file])
        };
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
