//! What clients, the ledger and the index say, held against the invariants of `exactly-once.md`
//! §13: pure functions over data.
//!
//! [`books`] follows the ledger with books of its own: of the fold it takes verdicts and what they
//! are said to have changed, never the state. [`answers`] holds journals against those books,
//! [`shown`] what a quiet server shows. A row of the [`Report`] that checked nothing is broken too.

use std::collections::BTreeMap;
use std::fmt;

use api::activation::History;
use model::id::Offset;
use model::json::Json;
use model::time::WallTime;

use crate::journal::Journal;
use crate::ledger_dump::Dump;
use books::Books;

pub mod answers;
pub mod books;
pub mod shown;
#[cfg(test)]
mod tests;

/// Everything that is known of a run.
#[derive(Debug)]
pub struct Facts {
    /// Of each client.
    pub journals: Vec<Journal>,
    /// The ledger, read when the server had stopped.
    pub dump: Dump,
    /// What the server showed when all was quiet.
    pub shown: Shown,
}

/// What a quiet server shows over REST.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Every row of the index.
    pub rows: Vec<Json>,
    /// Every record.
    pub records: Vec<Json>,
    /// Every history, by id.
    pub histories: BTreeMap<String, History>,
    /// All figures.
    pub metrics: Vec<(String, f64)>,
}

macro_rules! invariants {
    ($($name:ident $text:literal,)*) => {
        /// What must hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "their texts say it")]
        pub enum Invariant { $($name),* }

        impl Invariant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it says.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

invariants! {
    I1 "what was answered 2xx has exactly one Accept, and every Accept was asked for",
    I2 "what was accepted has exactly one terminal and exactly one row of the index",
    I3 "every terminal and start has an Accept before it; the Finish that counts is of the attempt assigned there",
    I4 "from Accept to terminal no longer than the deadlines add up to",
    I5 "what a blocking caller was told is the record, byte for byte",
    I6 "three attempts at most, none behind one that touched, no assignment twice",
    I7 "every sign of a start is preceded by the assignment of that attempt to that incarnation",
    I9 "a step begins iff the one before it succeeded, under the id that is derived for it",
    I12 "what metrics call open, accepted and ended is what the ledger says",
    I13 "replay from a snapshot gives the state hash that replay from the first record gives",
    I14 "rows and records shown are a function of the ledger",
    I18 "epochs rise by one, and no record of an older epoch counts",
    I21 "a refusal leaves nothing in the ledger",
    I22 "one key and request, one id; another request under that key is refused",
    I23 "a record is there for whoever asks after the end was told",
    I25 "an attempt that could be run again never ends lost",
    History "histories tell every record of an activation, in order, and its attempts",
    Kept "a pure run cut fewer than three times ends with its own answer; cut three times it ends lost",
}

/// What was checked of one invariant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// How many things.
    pub checked: u64,
    /// What was found wrong: the first few.
    pub broken: Vec<String>,
    /// How many things were found wrong.
    pub wrong: u64,
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Per invariant.
    pub rows: BTreeMap<Invariant, Row>,
    /// What else was counted, in order.
    pub counts: Vec<(&'static str, u64)>,
}

/// So many breaches of an invariant are told in full.
const TOLD: usize = 5;

impl Report {
    /// Notes that something was checked.
    pub fn holds(&mut self, invariant: Invariant, holds: bool, what: impl FnOnce() -> String) {
        let row = self.rows.entry(invariant).or_default();
        row.checked += 1;
        if !holds {
            row.wrong += 1;
            if row.broken.len() < TOLD {
                row.broken.push(what());
            }
        }
    }

    /// Notes a number.
    pub fn count(&mut self, what: &'static str, number: u64) {
        self.counts.push((what, number));
    }

    /// Those that are broken, or of which nothing was checked.
    #[must_use]
    pub fn bad(&self) -> Vec<Invariant> {
        let good =
            |it: &Invariant| self.rows.get(it).is_some_and(|row| row.checked > 0 && row.wrong == 0);
        Invariant::ALL.iter().copied().filter(|it| !good(it)).collect()
    }

    /// Whether everything holds and something was checked of each.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.bad().is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, number) in &self.counts {
            writeln!(f, "{what:<34}{number:>8}")?;
        }
        writeln!(f, "{:<8}{:>9}{:>8}", "", "checked", "broken")?;
        for invariant in Invariant::ALL {
            let row = self.rows.get(invariant).cloned().unwrap_or_default();
            let (name, text) = (format!("{invariant:?}"), invariant.text());
            writeln!(f, "{name:<8}{:>9}{:>8}  {text}", row.checked, row.wrong)?;
            for broken in &row.broken {
                writeln!(f, "    BROKEN {broken}")?;
            }
            if row.checked == 0 {
                writeln!(f, "    BROKEN nothing was checked")?;
            }
        }
        Ok(())
    }
}

/// Checks everything.
#[must_use]
pub fn check(facts: &Facts) -> Report {
    let mut report = Report::default();
    let books = Books::read(&facts.dump, &mut report);
    answers::check(&facts.journals, &books, &mut report);
    shown::check(&facts.shown, &books, &mut report);
    for snapshot in &facts.dump.snapshots {
        for (where_to, [from_it, from_start]) in
            [("there", snapshot.there), ("at the end", snapshot.at_end)]
        {
            report.holds(Invariant::I13, from_it == from_start, || {
                format!(
                    "snapshot {}: {from_it:032x} is not {from_start:032x} {where_to}",
                    snapshot.at
                )
            });
        }
    }
    report
}

/// How many activations (no sequences) were open at each of some moments between two lives of a
/// server: the state that the next claim met is the state that the death left behind.
#[must_use]
pub fn open_at(dump: &Dump, moments: &[WallTime]) -> Vec<u64> {
    let wall: BTreeMap<Offset, WallTime> =
        dump.records.iter().map(|(at, record, _)| (*at, record.at)).collect();
    let claims: Vec<(WallTime, u64)> =
        dump.open_at_claims.iter().filter_map(|(at, open)| Some((*wall.get(at)?, *open))).collect();
    let first = |moment: &WallTime| claims.iter().find(|(at, _)| at >= moment);
    moments.iter().map(|moment| first(moment).map_or(0, |(_, open)| *open)).collect()
}
