//! What clients wanted, sent and were told: one file a client, a line an entry, synced before each
//! send and after each answer. So whatever a server accepted is in some journal first.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

/// One thing that a client wants done once, whatever it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// `c<client>-<number>`: no other wish has it.
    pub name: String,
    /// Its `Idempotency-Key`.
    pub key: String,
    /// What is invoked.
    pub action: String,
    /// How.
    pub how: How,
    /// The body of the request.
    pub payload: String,
    /// What must come of it.
    pub expect: Expect,
}

/// How a client invokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It waits for the record.
    Record,
    /// It waits for the result.
    Result,
    /// It waits for the id.
    Id,
}

/// What must come of a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// This result of a pure function.
    Success(String),
    /// This result with a member `error`.
    Error(String),
    /// This status: nothing is accepted.
    Refusal(u16),
}

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// About to be sent for the first time.
    Wish(Wish),
    /// About to be sent, under this transaction id.
    Sent {
        /// Which wish.
        wish: String,
        /// The `X-Request-ID`.
        transaction: String,
    },
    /// What came of a transaction.
    Told {
        /// Which.
        transaction: String,
        /// What.
        told: Told,
    },
    /// What a GET brought that began after the end of the activation had been told.
    Read {
        /// The id.
        id: String,
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
}

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Nothing: the connection broke, or there was none.
    Cut(String),
    /// An answer.
    Answer(Answer),
}

/// An answer as far as it is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `X-OpenWhisk-Activation-Id`.
    pub id: Option<String>,
    /// `X-OpenWhisk-Accepted`.
    pub accepted: Option<String>,
    /// `Idempotent-Replayed`.
    pub replayed: bool,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// Whether it says that nothing was accepted and nothing will be.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status) || self.accepted.as_deref() == Some("no")
    }

    /// Whether it says that an activation was accepted.
    #[must_use]
    pub fn is_acceptance(&self) -> bool {
        let ended = matches!(self.status, 500 | 502) && self.id.is_some();
        (200..300).contains(&self.status) || ended
    }

    /// Whether it says how an activation ended.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.is_acceptance() && self.status != 202
    }

    /// Whether the wish is settled by it; else the same request is sent again.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        self.is_acceptance() || ((400..500).contains(&self.status) && self.status != 429)
    }
}

/// A wish with all that was done for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The wish.
    pub wish: Wish,
    /// What was sent for it, in order.
    pub tries: Vec<Try>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Its `X-Request-ID`.
    pub transaction: String,
    /// What came of it; nothing if the client ended first.
    pub told: Option<Told>,
}

impl Kept {
    /// All answers, in order.
    pub fn answers(&self) -> impl Iterator<Item = (&Try, &Answer)> {
        self.tries.iter().filter_map(|one| match &one.told {
            Some(Told::Answer(answer)) => Some((one, answer)),
            Some(Told::Cut(_)) | None => None,
        })
    }
}

/// What a GET brought that began after the end had been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Of which activation.
    pub id: String,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// A journal as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// All wishes, in order.
    pub kept: Vec<Kept>,
    /// All reads, in order.
    pub reads: Vec<Read>,
}

/// Writes a journal.
#[derive(Debug)]
pub struct Writer {
    file: File,
}

impl Writer {
    /// Begins one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create_new(true).append(true).open(path);
        Ok(Self { file: file.with_context(|| path.display().to_string())? })
    }

    /// Writes entries and syncs them.
    ///
    /// # Errors
    /// The disk says no.
    pub fn keep(&mut self, entries: &[Entry]) -> Result<()> {
        let mut text = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut text, entry)?;
            text.push(b'\n');
        }
        self.file.write_all(&text).context("write a journal")?;
        self.file.sync_data().context("sync a journal")
    }
}

/// Reads a journal.
///
/// # Errors
/// It is none.
pub fn read(path: &Path) -> Result<Journal> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let entries = text.lines().map(|line| Ok(serde_json::from_str(line)?));
    let entries: Result<Vec<Entry>> = entries.collect();
    fold(entries.with_context(|| path.display().to_string())?)
}

/// What entries in their order say.
///
/// # Errors
/// One speaks of what was not before it.
pub fn fold(entries: impl IntoIterator<Item = Entry>) -> Result<Journal> {
    let mut journal = Journal::default();
    let (mut wishes, mut tries) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        match entry {
            Entry::Wish(wish) => {
                let known = wishes.insert(wish.name.clone(), journal.kept.len());
                ensure!(known.is_none(), "wish {} twice", wish.name);
                journal.kept.push(Kept { wish, tries: Vec::new() });
            }
            Entry::Sent { wish, transaction } => {
                let at = *wishes.get(&wish).with_context(|| format!("sent {transaction}"))?;
                let sent = &mut journal.kept[at].tries;
                let known = tries.insert(transaction.clone(), (at, sent.len()));
                ensure!(known.is_none(), "transaction {transaction} twice");
                sent.push(Try { transaction, told: None });
            }
            Entry::Told { transaction, told } => {
                let found = tries.get(&transaction);
                let (wish, one) = *found.with_context(|| format!("told {transaction}"))?;
                let before = journal.kept[wish].tries[one].told.replace(told);
                ensure!(before.is_none(), "{transaction} was told twice");
            }
            Entry::Read { id, status, body } => journal.reads.push(Read { id, status, body }),
        }
    }
    Ok(journal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<Entry> {
        let wish = Wish {
            name: "c0-1".to_owned(),
            key: "c0-1".to_owned(),
            action: "echo".to_owned(),
            how: How::Record,
            payload: "{\"a\":1}".to_owned(),
            expect: Expect::Success("{\"a\":1}".to_owned()),
        };
        let answer = Answer {
            status: 200,
            id: Some("0".repeat(32)),
            accepted: None,
            replayed: true,
            body: "{}".to_owned(),
        };
        let sent = |transaction: &str| Entry::Sent {
            wish: "c0-1".to_owned(),
            transaction: transaction.to_owned(),
        };
        let told =
            |transaction: &str, told| Entry::Told { transaction: transaction.to_owned(), told };
        vec![
            Entry::Wish(wish),
            sent("c0-1-1"),
            told("c0-1-1", Told::Cut("reset".to_owned())),
            sent("c0-1-2"),
            told("c0-1-2", Told::Answer(answer)),
            Entry::Read { id: "0".repeat(32), status: 200, body: "{}".to_owned() },
        ]
    }

    #[test]
    fn a_journal_is_read_as_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c0.journal");
        let mut writer = Writer::create(&path).unwrap();
        writer.keep(&entries()[..2]).unwrap();
        writer.keep(&entries()[2..]).unwrap();
        let journal = read(&path).unwrap();
        assert_eq!(journal, fold(entries()).unwrap());
        assert_eq!(journal.kept[0].tries.len(), 2);
        assert_eq!(journal.kept[0].answers().count(), 1);
        assert!(Writer::create(&path).is_err(), "a journal is never written over");
    }

    #[test]
    fn what_speaks_of_nothing_is_no_journal() {
        for left_out in [0, 1, 3] {
            let mut entries = entries();
            entries.remove(left_out);
            assert!(fold(entries).is_err(), "without {left_out}");
        }
    }

    #[test]
    fn answers_are_understood() {
        let answer = |status, id: bool, accepted: Option<&str>| Answer {
            status,
            id: id.then(|| "0".repeat(32)),
            accepted: accepted.map(str::to_owned),
            replayed: false,
            body: String::new(),
        };
        // refusal, acceptance, end, definite
        for (answer, expected) in [
            (answer(200, true, None), [false, true, true, true]),
            (answer(202, true, None), [false, true, false, true]),
            (answer(502, true, None), [false, true, true, true]),
            (answer(500, true, None), [false, true, true, true]),
            (answer(500, false, None), [false, false, false, false]),
            (answer(404, false, None), [true, false, false, true]),
            (answer(422, false, None), [true, false, false, true]),
            (answer(429, false, None), [true, false, false, false]),
            (answer(503, false, Some("no")), [true, false, false, false]),
            (answer(503, true, Some("unknown")), [false, false, false, false]),
        ] {
            let is = [
                answer.is_refusal(),
                answer.is_acceptance(),
                answer.is_end(),
                answer.is_definite(),
            ];
            assert_eq!(is, expected, "{}", answer.status);
        }
    }
}
