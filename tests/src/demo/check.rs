//! The second opinion: a script of each pipeline works everything out independently.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use super::count::Lives;
use super::feed::Fed;
use super::pipeline::{Life, Pipeline, Seen, result_of, run_on_text, write};
use super::place::{files, shortened};
use super::screen::say;
use super::tables::{changed_months, differences, figures, original, results};
use crate::platform::{Programs, Server, shown};

/// What is changed: the day, the column, the new value.
const CELL: [&str; 3] = ["2015/02/14", "temp_max", "19.4"];
/// The copy that was damaged.
const DAMAGED: &str = "seattle-weather-damaged.csv";
/// The file with the change.
const CHANGED: &str = "changed.csv";
/// How to get what is missing.
const INSTALL: &str =
    "sudo apt-get update && sudo apt-get install -y --no-install-recommends python3";

/// Runs the scripts, and counts what they compared.
#[derive(Clone, Debug)]
pub struct Python {
    samples: PathBuf,
    figures: u64,
    words: u64,
    printed: usize,
}

impl Python {
    /// Looks for an interpreter that the scripts can use.
    ///
    /// # Errors
    /// There is none; with the command that installs it.
    pub fn find(programs: &Programs) -> Result<Self> {
        let found = Command::new("python3").args(["-c", "import tomllib"]).output();
        let missing =
            |why: &str| anyhow!("--check needs {why}; on Debian 12 or Ubuntu 24.04: {INSTALL}");
        let found = found.map_err(|error| missing(&format!("python3 ({error})")))?;
        ensure!(found.status.success(), missing("Python 3.11 or later"));
        Ok(Self { samples: programs.samples.clone(), figures: 0, words: 0, printed: 0 })
    }

    /// Compares the results on all files, and the tables that were printed of them.
    ///
    /// # Errors
    /// They differ.
    pub fn compare_files(&mut self, server: &Server, whole: &[Seen]) -> Result<()> {
        let mut expected = Vec::new();
        for seen in whole {
            expected.push(self.compare(server, seen, &self.data(&seen.file))?);
        }
        let wanted = results(&expected.iter().collect::<Vec<_>>());
        let printed = results(&whole.iter().map(|seen| &seen.result).collect::<Vec<_>>());
        self.compare_printed(&wanted, &printed)?;
        let damaged = whole.iter().find(|seen| seen.file == DAMAGED);
        let actual = self.actual(server, damaged.context("the damaged copy was not run")?)?;
        let damages = self.data("damages.toml");
        self.run(Pipeline::Weather, &["found", &damages, &actual])
    }

    /// Compares what came of other parameters.
    ///
    /// # Errors
    /// They differ.
    pub fn compare_bound(&mut self, server: &Server, seen: &Seen, window: u32) -> Result<()> {
        let (path, window) = (self.data(&seen.file), window.to_string());
        let args = ["expect", path.as_str(), &seen.file, &window];
        let expected = self.ask(seen.pipeline, &args)?;
        let parsed: Value = serde_json::from_str(&expected).context("what the script expects")?;
        let expected = write(server, "bound.expected.json", expected.as_bytes())?;
        let actual = write(server, "bound.actual.json", &serde_json::to_vec(&seen.record)?)?;
        self.run(seen.pipeline, &["compare", &expected, &actual])?;
        self.compare_printed(&results(&[&parsed]), &results(&[&seen.result]))
    }

    /// Compares the record of every slice, and once more what its steps said.
    ///
    /// # Errors
    /// They differ.
    pub fn compare_slices(&mut self, server: &Server, fed: &Fed, lives: &Lives) -> Result<()> {
        for pipeline in Pipeline::ALL {
            self.compare_slices_of(pipeline, server, fed, lives)?;
        }
        Ok(())
    }

    fn compare_slices_of(
        &mut self,
        pipeline: Pipeline,
        server: &Server,
        fed: &Fed,
        lives: &Lives,
    ) -> Result<()> {
        let mut expected = String::new();
        let size = pipeline.slice_size().to_string();
        for file in pipeline.files() {
            expected.push_str(&self.ask(pipeline, &["slices", &self.data(file), &size])?);
        }
        let file = |what: &str| format!("{}.{what}.jsonl", pipeline.name());
        let expected = write(server, &file("expected"), expected.as_bytes())?;
        let (mut records, mut steps) = (String::new(), String::new());
        for told in fed.of(pipeline) {
            let life = lives.get(&told.id).with_context(|| format!("no record {}", told.id))?;
            records.push_str(&format!("{}\n", serde_json::to_string(&life.record)?));
            steps.push_str(&format!("{}\n", from_steps(pipeline, life, lives)?));
        }
        for (what, actual) in [("records", records), ("steps", steps)] {
            let actual = write(server, &file(what), actual.as_bytes())?;
            self.run(pipeline, &["compare-lines", &expected, &actual])?;
        }
        Ok(())
    }

    /// Changes one cell of the original and runs the pipeline on that.
    ///
    /// # Errors
    /// No figure changes, or they change in another way than the script says.
    pub async fn change_a_cell(&mut self, server: &Server, whole: &[Seen]) -> Result<()> {
        let before = whole.first().context("the original was not run")?;
        let [date, column, value] = CELL;
        let path = shortened(&files(&server.data).join(CHANGED));
        let change = ["change", &self.data(&before.file), date, column, value, &path];
        self.run(before.pipeline, &change)?;
        let csv = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let after = run_on_text(server, before.pipeline, CHANGED, &csv).await?;
        let expected = self.compare(server, &after, &path)?;
        let (was, is) = (original(&before.result), original(&after.result));
        self.compare_printed(&original(&expected), &is)?;
        ensure!(was != is, "a cell changed, and no printed figure did");
        let changed = differences(&before.result, &after.result);
        let changed = changed.iter().filter(|it| it.path != "source").count();
        say(&format!("  {changed} figures changed, in the months:"));
        for it in changed_months(&before.result, &after.result) {
            say(&format!("    {}: {} → {}", it.path, it.before, it.after));
        }
        Ok(())
    }

    /// How much was compared.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Self { figures, words, printed, .. } = self;
        format!(
            "  {figures} figures and {words} words of the records, {printed} printed figures: all as \
             the scripts say"
        )
    }

    /// Compares one result with what the script makes of the file; returns the latter.
    fn compare(&mut self, server: &Server, seen: &Seen, path: &str) -> Result<Value> {
        let expected = self.ask(seen.pipeline, &["expect", path, &seen.file])?;
        let parsed = serde_json::from_str(&expected).context("what the script expects")?;
        let expected = write(server, &format!("{}.expected.json", seen.file), expected.as_bytes())?;
        let actual = self.actual(server, seen)?;
        self.run(seen.pipeline, &["compare", &expected, &actual])?;
        Ok(parsed)
    }

    fn compare_printed(&mut self, expected: &str, printed: &str) -> Result<()> {
        let pairs = expected.lines().zip(printed.lines());
        let differ = pairs.into_iter().find(|(expected, printed)| expected != printed);
        if let Some((expected, printed)) = differ {
            return Err(anyhow!("printed: {printed}\nexpected: {expected}"));
        }
        ensure!(expected == printed, "what was printed is longer or shorter than expected");
        self.printed += figures(printed);
        Ok(())
    }

    fn actual(&self, server: &Server, seen: &Seen) -> Result<String> {
        write(server, &format!("{}.actual.json", seen.file), &serde_json::to_vec(&seen.record)?)
    }

    fn data(&self, file: &str) -> String {
        shortened(&self.samples.join("data").join(file))
    }

    /// Runs the script, shows what it says, and counts what it compared.
    fn run(&mut self, pipeline: Pipeline, args: &[&str]) -> Result<()> {
        say(&format!("  $ {}", shown(&self.command(pipeline, args))));
        let said = self.ask(pipeline, args)?;
        let Some(last) = said.lines().last() else { return Ok(()) };
        say(&format!("    {last}"));
        let words: Vec<&str> = last.split(' ').collect();
        if let [figures, "figures", "and", words, "words", ..] = words.as_slice() {
            self.figures += figures.parse::<u64>()?;
            self.words += words.parse::<u64>()?;
        }
        Ok(())
    }

    /// What the script says.
    fn ask(&self, pipeline: Pipeline, args: &[&str]) -> Result<String> {
        let mut command = self.command(pipeline, args);
        let line = shown(&command);
        let output = command.output().with_context(|| format!("run {line}"))?;
        let said = String::from_utf8(output.stdout).with_context(|| format!("from {line}"))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{line}` says:\n{said}{complaint}");
        Ok(said)
    }

    fn command(&self, pipeline: Pipeline, args: &[&str]) -> Command {
        let script: &Path = &self.samples.join(pipeline.script());
        let mut command = Command::new("python3");
        command.arg(shortened(script)).args(args);
        command
    }
}

/// The final result put together from what the steps returned: so their records are compared too.
fn from_steps(pipeline: Pipeline, life: &Life, lives: &Lives) -> Result<Value> {
    let step =
        |id: &String| result_of(&lives.get(id).with_context(|| format!("no record {id}"))?.record);
    let steps = life.record.logs.iter().map(step).collect::<Result<Vec<_>>>()?;
    let whole = match pipeline {
        Pipeline::Weather => from_weather_steps(&life.record.activation_id, &steps),
        Pipeline::Quotes => from_quotes_steps(&life.record.activation_id, &steps),
    };
    whole.context("put together from the steps")
}

fn from_weather_steps(id: &str, steps: &[Value]) -> Result<Value> {
    let [parse, clean, aggregate, anomalies] = steps else { bail!("{id} has other steps") };
    let read = count(&parse["rows"]) + count(&parse["broken"]);
    ensure!(json!(read) == clean["cleaning"]["rows_in"], "{id}: parse and clean differ in rows");
    ensure!(json!(count(&clean["rows"])) == aggregate["days"], "{id}: a day is missing");
    ensure!(aggregate["cleaning"] == clean["cleaning"], "{id}: what cleaning found was changed");
    Ok(json!({
        "source": anomalies["source"], "months": aggregate["months"],
        "climatology": aggregate["climatology"], "anomalies": anomalies["anomalies"],
        "cleaning": clean["cleaning"], "summary": anomalies["summary"],
    }))
}

fn from_quotes_steps(id: &str, steps: &[Value]) -> Result<Value> {
    let [read, last, forecast] = steps else { bail!("{id} has other steps") };
    let companies = read["symbols"].as_array().map_or(&[][..], Vec::as_slice);
    let quotes: usize = companies.iter().map(|company| count(&company["quotes"])).sum();
    ensure!(json!(quotes) == read["reading"]["quotes"], "{id}: a quote is missing");
    ensure!(last["symbols"] == read["symbols"], "{id}: a quote was changed on its way");
    Ok(json!({
        "source": read["source"], "window": forecast["window"], "held_out": forecast["held_out"],
        "reading": read["reading"], "last": last["last"], "forecasts": forecast["forecasts"],
        "summary": forecast["summary"],
    }))
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}
