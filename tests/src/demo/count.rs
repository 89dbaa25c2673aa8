//! What became of the slices, counted from the records and histories alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use api::Client;
use api::activation::history::{Event, What};
use api::activation::{History, Record};
use api::client::{Filter, Page};
use futures::{StreamExt as _, TryStreamExt as _};

use super::feed::{Fed, Told};
use super::pipeline::{Life, Pipeline};
use crate::eventually::eventually;

/// So long the last invocations may take to end, and their rows to be found.
const LIMIT: Duration = Duration::from_secs(60);
/// Elements of one list, the most that there may be.
const PAGE: u32 = 200;
/// Histories that are read at once.
const READERS: usize = 16;

/// Everything that the server keeps, by id.
pub type Lives = BTreeMap<String, Life>;

/// Reads every record and every history, once those of `ids` have ended.
///
/// # Errors
/// The server does not answer as it should. That one is missing is no error here.
pub async fn read(client: &Client, ids: &[String]) -> Result<Lives> {
    let all_there = || async {
        let records = read_records(client).await.map_err(|error| format!("{error:#}"))?;
        let missing = missing(&records, ids);
        if missing == 0 { Ok(records) } else { Err(format!("{missing} are missing")) }
    };
    let records = match eventually(LIMIT, "every record is there", all_there).await {
        Ok(records) => records,
        // What is missing is counted as lost.
        Err(_) => read_records(client).await?,
    };
    let histories = futures::stream::iter(records).map(|record| async {
        let id = record.activation_id.clone();
        let history = client.history(&id).await;
        let history = history.with_context(|| format!("the history of {id}"))?;
        anyhow::Ok((id, Life { record, history }))
    });
    histories.buffer_unordered(READERS).try_collect().await
}

/// How many of `ids` and of the steps of sequences are not among the records. The newest come first,
/// so a page with steps may be read before they have ended, and a later one with their sequence after.
fn missing(records: &[Record], ids: &[String]) -> usize {
    let known: BTreeSet<&String> = records.iter().map(|it| &it.activation_id).collect();
    let is_sequence = |it: &&Record| Pipeline::ALL.iter().any(|of| of.sequence() == it.name);
    let steps = records.iter().filter(is_sequence).flat_map(|it| &it.logs);
    ids.iter().chain(steps).filter(|id| !known.contains(id)).count()
}

/// Every record of the namespace, page by page.
async fn read_records(client: &Client) -> Result<Vec<Record>> {
    let mut all = Vec::new();
    loop {
        let skip = u32::try_from(all.len())?;
        let page = Page { limit: PAGE, skip };
        let records = client.records(&Filter { page, ..Filter::default() }).await?;
        if records.is_empty() {
            return Ok(all);
        }
        all.extend(records);
    }
}

/// What came of each pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    each: Vec<Count>,
    /// Records of actions that are in none.
    strange: Vec<String>,
}

impl Counts {
    /// Counts; `known` are sequences that ran before the slices.
    ///
    /// # Errors
    /// The clock was set meanwhile: before and after the kill cannot be told apart.
    pub fn of(fed: &Fed, known: &[&str], lives: &Lives) -> Result<Self> {
        check_clock(fed.kill.at, lives)?;
        let each = Pipeline::ALL.map(|pipeline| Count::of(pipeline, fed, known, lives)).to_vec();
        let strange = |name: &str| !Pipeline::ALL.iter().any(|pipeline| pipeline.has(name));
        let strange = lives.iter().filter(|(_, life)| strange(&life.record.name));
        let strange = strange.map(|(id, life)| unasked(id, &life.record)).collect();
        Ok(Self { each, strange })
    }

    /// An activation worth a look: one that was run again, if there is one.
    #[must_use]
    pub fn example(&self) -> &str {
        let with_one = || self.each.iter().filter(|count| !count.example.is_empty());
        let best = with_one().find(|count| count.steps_again > 0).or(with_one().next());
        best.map_or("", |count| &count.example)
    }

    /// Whether this is what was promised.
    ///
    /// # Errors
    /// Something is lost, doubled or wrong.
    pub fn judge(&self) -> Result<()> {
        let all =
            |of: fn(&Count) -> &Vec<String>| self.each.iter().flat_map(of).collect::<Vec<_>>();
        let (lost, mut doubled, wrong) =
            (all(|it| &it.lost), all(|it| &it.doubled), all(|it| &it.wrong));
        doubled.extend(&self.strange);
        for (what, found) in [("lost", lost), ("doubled", doubled), ("wrong", wrong)] {
            if let Some(first) = found.first() {
                bail!("{} {what}; the first one: {first}", found.len());
            }
        }
        let cut: usize = self.each.iter().map(|count| count.cut).sum();
        ensure!(cut > 0, "nothing was open when the server was killed: it shows nothing");
        Ok(())
    }
}

/// What came of one pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Count {
    pipeline: Pipeline,
    sent: usize,
    fired: usize,
    accepted_before: usize,
    ended_before: usize,
    cut: usize,
    steps_again: usize,
    steps_late: usize,
    accepted_after: usize,
    told_before: usize,
    sent_again: usize,
    replayed: usize,
    answers: usize,
    records: usize,
    lost: Vec<String>,
    doubled: Vec<String>,
    wrong: Vec<String>,
    example: String,
}

impl Count {
    fn new(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            sent: 0,
            fired: 0,
            accepted_before: 0,
            ended_before: 0,
            cut: 0,
            steps_again: 0,
            steps_late: 0,
            accepted_after: 0,
            told_before: 0,
            sent_again: 0,
            replayed: 0,
            answers: 0,
            records: 0,
            lost: Vec::new(),
            doubled: Vec::new(),
            wrong: Vec::new(),
            example: String::new(),
        }
    }

    fn of(pipeline: Pipeline, fed: &Fed, known: &[&str], lives: &Lives) -> Self {
        let mut count = Self::new(pipeline);
        for told in fed.of(pipeline) {
            count.sent += 1;
            count.fired += usize::from(told.fired.is_some());
            count.add(told, fed.kill.at, lives);
        }
        count.find_doubled(fed, known, lives);
        count
    }

    fn add(&mut self, told: &Told, kill: i64, lives: &Lives) {
        self.told_before += usize::from(told.at <= kill);
        self.sent_again += usize::from(told.sends > 1);
        self.replayed += usize::from(told.replayed);
        let Some(life) = lives.get(&told.id) else {
            return self.lost.push(format!("{}: no record", told.id));
        };
        self.compare_answer(told, &life.record);
        if !life.record.response.success {
            let status = &life.record.response.status;
            return self.lost.push(format!("{}: it ended with '{status}'", told.id));
        }
        let accepted = moment(&life.history, What::Accepted);
        if accepted.is_none_or(|at| at > kill) {
            self.accepted_after += 1;
            if told.at <= kill {
                self.wrong.push(format!("{}: told before the kill, accepted after it", told.id));
            }
            return;
        }
        self.accepted_before += 1;
        if moment(&life.history, What::Finished).is_some_and(|at| at <= kill) {
            self.ended_before += 1;
        } else {
            self.add_cut(told, kill, lives);
        }
    }

    /// A sequence that was open at the kill: what ran after it?
    fn add_cut(&mut self, told: &Told, kill: i64, lives: &Lives) {
        let children = lives.get(&told.id).map(|life| life.record.logs.as_slice());
        let steps = children.unwrap_or_default().iter().filter_map(|id| lives.get(id));
        let late: Vec<&Life> = steps.filter(|step| was_assigned_after(step, kill)).collect();
        let again = late.iter().filter(|step| step.history.attempts > 1).count();
        self.cut += 1;
        self.steps_again += again;
        self.steps_late += late.len() - again;
        if late.is_empty() {
            self.wrong.push(format!("{}: open at the kill, and nothing ran after it", told.id));
        }
        if self.example.is_empty() || again > 0 {
            let worth = late.iter().find(|step| step.history.attempts > 1).or(late.first());
            self.example = worth.map_or(&told.id, |step| &step.record.activation_id).clone();
        }
    }

    /// A client that waited has the record itself, word for word.
    fn compare_answer(&mut self, told: &Told, record: &Record) {
        let Some(answer) = &told.answer else { return };
        self.answers += 1;
        let same = serde_json::from_str::<Record>(answer.as_str()).is_ok_and(|it| it == *record);
        if !same {
            self.wrong.push(format!("{}: answered {answer:?}, the record is {record:?}", told.id));
        }
    }

    /// More activations than requests, more steps than the sequence has, or two ends of one.
    fn find_doubled(&mut self, fed: &Fed, known: &[&str], lives: &Lives) {
        let mut expected: BTreeSet<&str> = known.iter().copied().collect();
        for told in fed.of(self.pipeline) {
            for id in told.fired.iter().chain([&told.id]) {
                if !expected.insert(id) {
                    self.doubled.push(format!("{id}: two requests have it"));
                }
            }
        }
        for (id, life) in lives.iter().filter(|(_, life)| self.pipeline.has(&life.record.name)) {
            self.records += 1;
            let ends = events(&life.history, What::Finished).count();
            if ends != 1 {
                self.doubled.push(format!("{id}: it ended {ends} times"));
            }
            let is_step = life.record.cause.is_some();
            if !is_step && !expected.contains(id.as_str()) {
                self.doubled.push(unasked(id, &life.record));
            }
            if let Some(why) = self.wrong_steps(life, lives) {
                self.doubled.push(format!("{id}: {why}"));
            }
        }
    }

    /// Why the children of a record are not the steps of the pipeline.
    fn wrong_steps(&self, life: &Life, lives: &Lives) -> Option<String> {
        if life.record.name != self.pipeline.sequence() {
            return None;
        }
        let id = &life.record.activation_id;
        let of = |step: &String| lives.get(step).filter(|it| it.record.cause.as_ref() == Some(id));
        let names = |ids: &[String]| -> Vec<String> {
            let name = |it: &Life| it.record.name.clone();
            ids.iter().map(|step| of(step).map_or("?".to_owned(), name)).collect()
        };
        let steps = self.pipeline.step_names();
        let (logs, children) = (names(&life.record.logs), names(&life.history.children));
        let born = lives.values().filter(|it| it.record.cause.as_ref() == Some(id)).count();
        let is_right = logs == steps && children == steps && born == steps.len();
        (!is_right)
            .then(|| format!("its steps are {logs:?} and {children:?}, {born} records name it"))
    }

    /// What is told of it, line by line.
    const fn lines(&self) -> [(&'static str, usize); 15] {
        [
            ("slices sent", self.sent),
            ("  by firing a trigger, whose rule started it", self.fired),
            ("accepted before the kill", self.accepted_before),
            ("  told to their clients by then", self.told_before),
            ("  ended before it", self.ended_before),
            ("  cut by it, and run to their end afterwards", self.cut),
            ("    steps that were running, and were run again", self.steps_again),
            ("    steps whose turn came only afterwards", self.steps_late),
            ("accepted after it", self.accepted_after),
            ("requests without an answer, sent again with the same key", self.sent_again),
            ("  accepted already: the same activation was told", self.replayed),
            ("answers with a record, each equal to the record now", self.answers),
            ("records read, with their histories", self.records),
            ("lost", self.lost.len()),
            ("doubled", self.doubled.len()),
        ]
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |what: &str, cells: Vec<String>| {
            write!(f, "  {what:<56}")?;
            cells.iter().try_for_each(|cell| write!(f, " {cell:>8}"))?;
            writeln!(f)
        };
        row("", self.each.iter().map(|count| count.pipeline.name().to_owned()).collect())?;
        let columns: Vec<_> = self.each.iter().map(Count::lines).collect();
        let Some(first) = columns.first() else { return Ok(()) };
        for (at, (what, _)) in first.iter().enumerate() {
            let cells = columns.iter().filter_map(|lines| lines.get(at));
            row(what, cells.map(|(_, number)| number.to_string()).collect())?;
        }
        Ok(())
    }
}

fn unasked(id: &str, record: &Record) -> String {
    format!("{id}: nobody asked for this {}", record.name)
}

fn was_assigned_after(step: &Life, kill: i64) -> bool {
    events(&step.history, What::Assigned).any(|event| event.at > kill)
}

fn moment(history: &History, what: What) -> Option<i64> {
    events(history, what).next().map(|event| event.at)
}

fn events(history: &History, what: What) -> impl Iterator<Item = &Event> {
    history.events.iter().filter(move |event| event.event == what)
}

/// What was written before the kill by the clock must be so by the order of the ledger as well.
fn check_clock(kill: i64, lives: &Lives) -> Result<()> {
    let all = || lives.values().flat_map(|life| &life.history.events);
    let before = all().filter(|event| event.at <= kill).map(|event| event.offset).max();
    let after = all().filter(|event| event.at > kill).map(|event| event.offset).min();
    let is_ordered = before.zip(after).is_none_or(|(before, after)| before < after);
    ensure!(is_ordered, "the clock of this machine was set while the demo ran: try again");
    Ok(())
}

#[cfg(test)]
mod tests;
