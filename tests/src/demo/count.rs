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
use super::pipeline::{Life, SEQUENCE, STEPS};
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
        let known: BTreeSet<_> = records.iter().map(|it| it.activation_id.as_str()).collect();
        let missing = ids.iter().filter(|id| !known.contains(id.as_str())).count();
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

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    sent: usize,
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
    /// Counts; `known` are sequences that ran before the slices.
    ///
    /// # Errors
    /// The clock was set meanwhile: before and after the kill cannot be told apart.
    pub fn of(fed: &Fed, known: &[&str], lives: &Lives) -> Result<Self> {
        check_clock(fed.kill.at, lives)?;
        let mut count = Self { sent: fed.told.len(), records: lives.len(), ..Self::default() };
        for told in &fed.told {
            count.add(told, fed.kill.at, lives);
        }
        count.find_doubled(fed, known, lives);
        Ok(count)
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
        for told in &fed.told {
            if !expected.insert(&told.id) {
                self.doubled.push(format!("{}: two requests have it", told.id));
            }
        }
        for (id, life) in lives {
            let ends = events(&life.history, What::Finished).count();
            if ends != 1 {
                self.doubled.push(format!("{id}: it ended {ends} times"));
            }
            let is_step = life.record.cause.is_some();
            if !is_step && !expected.contains(id.as_str()) {
                self.doubled.push(format!("{id}: nobody asked for this {}", life.record.name));
            }
            if let Some(why) = wrong_steps(life, lives) {
                self.doubled.push(format!("{id}: {why}"));
            }
        }
    }

    /// An activation worth a look: one that was run again, if there is one.
    #[must_use]
    pub fn example(&self) -> &str {
        &self.example
    }

    /// Whether this is what was promised.
    ///
    /// # Errors
    /// Something is lost, doubled or wrong.
    pub fn judge(&self) -> Result<()> {
        let Self { lost, doubled, wrong, .. } = self;
        let told = [("lost", lost), ("doubled", doubled), ("wrong", wrong)];
        for (what, found) in told {
            if let Some(first) = found.first() {
                bail!("{} {what}; the first one: {first}", found.len());
            }
        }
        ensure!(self.cut > 0, "nothing was open when the server was killed: it shows nothing");
        Ok(())
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, number: usize| writeln!(f, "  {what:<56} {number:>5}");
        line("invocations sent", self.sent)?;
        line("accepted before the kill", self.accepted_before)?;
        line("  told to their clients by then", self.told_before)?;
        line("  ended before it", self.ended_before)?;
        line("  cut by it, and run to their end afterwards", self.cut)?;
        line("    steps that were running, and were run again", self.steps_again)?;
        line("    steps whose turn came only afterwards", self.steps_late)?;
        line("accepted after it", self.accepted_after)?;
        line("requests without an answer, sent again with the same key", self.sent_again)?;
        line("  accepted already: the same activation was told", self.replayed)?;
        line("answers with a record, each equal to the record now", self.answers)?;
        line("records read, with their histories", self.records)?;
        line("lost", self.lost.len())?;
        line("doubled", self.doubled.len())
    }
}

/// Why the children of a record are not the steps of the pipeline.
fn wrong_steps(life: &Life, lives: &Lives) -> Option<String> {
    if life.record.name != SEQUENCE {
        return None;
    }
    let of = |id: &String| {
        lives.get(id).filter(|it| it.record.cause.as_ref() == Some(&life.record.activation_id))
    };
    let names = |ids: &[String]| -> Vec<String> {
        ids.iter().map(|id| of(id).map_or("?".to_owned(), |it| it.record.name.clone())).collect()
    };
    let (logs, children) = (names(&life.record.logs), names(&life.history.children));
    let born = lives
        .values()
        .filter(|it| it.record.cause.as_ref() == Some(&life.record.activation_id))
        .count();
    let is_right = logs == STEPS && children == STEPS && born == STEPS.len();
    (!is_right).then(|| format!("its steps are {logs:?} and {children:?}, {born} records name it"))
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
