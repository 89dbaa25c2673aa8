//! Records of activations: row of the index, then the record that ended it, then blobs.
//!
//! Source: `exactly-once.md` §12, "Reads"; `rest-api.md` §7.

use std::sync::Arc;

use api::activation::{Stream, log_line, rule_line};
use ledger::fold::{EndResult, Ledger};
use ledger::record::{
    Body, Came, EntityKey, LogLine, Logs, Payload, Record, Root, Ruled, Stream as Written,
};
use model::activation::Row;
use model::id::{ActivationId, Digest, Offset};
use model::json::Json;
use model::name::Namespace;
use model::outcome::Class;
use store::blobs::Blobs;

use crate::index_writer::{IndexReader, ReadError as IndexError};
use crate::owner::{Partition, ReadError as RecordError};

/// The line that stands for logs that were lost.
const LOGS_LOST: &str = "There was an issue while collecting your logs. Data might be missing.";

/// What a trigger's record says of a rule.
fn line_of_rule(ruled: &Ruled) -> String {
    let (class, came) = match &ruled.came {
        Came::Started(birth) => (Class::Success, Ok(birth.id)),
        Came::Refused { class, text } => (*class, Err(text.as_str())),
    };
    rule_line(&ruled.rule, &ruled.action, class.code(), came)
}

/// Why an activation cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// There is no such record.
    #[error("there is no such activation")]
    Unknown,
    /// It has not ended.
    #[error("the activation is open")]
    Open,
    /// It was there, and retention has removed it.
    #[error("the record of the activation is no longer stored")]
    Gone,
    /// The index is not there yet.
    #[error("the index is being built, {percent} % done")]
    Building {
        /// How far.
        percent: u8,
    },
    /// What is stored cannot be read.
    #[error("read activation {id}")]
    Corrupted {
        /// Which.
        id: ActivationId,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The index cannot be read.
    #[error("look into the index")]
    Index(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where activations are read from.
#[derive(Clone, Copy)]
pub struct Activations<'a> {
    /// What is open, and records.
    pub partition: &'a Partition,
    /// What has ended.
    pub index: &'a IndexReader,
    /// Large parts.
    pub blobs: &'a Blobs,
}

/// Whether an activation of this namespace is open, and not of one that had its name before.
#[must_use]
pub fn is_open(ledger: &Ledger, namespace: &Namespace, id: &ActivationId) -> bool {
    let open = ledger.open(id).filter(|open| open.namespace() == namespace);
    open.is_some_and(|open| !ledger.is_made_again(&open.tree))
}

impl Activations<'_> {
    /// The row of an ended activation of this namespace, whether or not it is shown.
    ///
    /// # Errors
    /// [`Failed::Open`], [`Failed::Unknown`], [`Failed::Building`], [`Failed::Index`].
    pub async fn row(&self, namespace: &Namespace, id: ActivationId) -> Result<Arc<Row>, Failed> {
        let begun = self.begun(namespace);
        if self.partition.read(|ledger| is_open(ledger, namespace, &id)) {
            return Err(Failed::Open);
        }
        // Whatever left the fold before this line is among the pending rows or in the index.
        let row = self.index.row(id).await?.ok_or(Failed::Unknown)?;
        let is_theirs = row.namespace == *namespace && row.first() > begun;
        if is_theirs { Ok(row) } else { Err(Failed::Unknown) }
    }

    /// Since when there has been this namespace: what ran in another one of its name, which was
    /// deleted, is not its owner's to see.
    #[must_use]
    pub fn begun(&self, namespace: &Namespace) -> Offset {
        let key = EntityKey::namespace(namespace);
        let born = self.partition.read(|ledger| ledger.entity(&key).map(|it| it.born));
        born.unwrap_or(Offset::NONE)
    }

    /// The record that ended an activation.
    ///
    /// # Errors
    /// [`Failed::Gone`], [`Failed::Corrupted`].
    pub async fn terminal(&self, row: &Row) -> Result<Arc<Record>, Failed> {
        self.partition.record(row.terminal).await.map_err(|error| match error {
            RecordError::Gone(_) => Failed::Gone,
            RecordError::Damaged { .. } => corrupted(row.id, error),
        })
    }

    /// The result of an activation with the length of the raw answer, given the record that ended it.
    ///
    /// # Errors
    /// [`Failed::Corrupted`].
    pub async fn result(
        &self,
        row: &Row,
        terminal: &Record,
    ) -> Result<(Option<Json>, Option<u64>), Failed> {
        let (payload, size) = match (EndResult::of(row, &terminal.body), &terminal.body) {
            (EndResult::Platform { text, .. }, _) => return Ok((Some(Json::error(&text)), None)),
            (EndResult::Finish, Body::Finish(finish)) => (finish.result.as_ref(), finish.size),
            (EndResult::Fire, Body::Accept(accept)) => (Some(&accept.payload), None),
            (EndResult::Finish | EndResult::Fire, _) => (None, None),
        };
        let result = match payload {
            None => None,
            Some(Payload::Inline(json)) => Some(json.clone()),
            Some(Payload::Blob { digest, .. }) => {
                let bytes = self.blob(row.id, *digest).await?;
                Some(Json::parse(&bytes).map_err(|bad| corrupted(row.id, bad))?)
            }
        };
        Ok((result, size))
    }

    /// The log lines of an activation, given the record that ended it.
    ///
    /// # Errors
    /// [`Failed::Corrupted`].
    pub async fn lines(&self, row: &Row, terminal: &Record) -> Result<Vec<String>, Failed> {
        if let Body::Accept(accept) = &terminal.body
            && let Root::Fire(fire) = &accept.root
        {
            return Ok(fire.rules.iter().map(line_of_rule).collect());
        }
        let Body::Finish(finish) = &terminal.body else { return Ok(Vec::new()) };
        if finish.of.id != row.id {
            return Ok(Vec::new()); // of a sequence: its steps are shown instead
        }
        match &finish.logs {
            Logs::Inline(lines) => Ok(shown(lines)),
            Logs::Blob { digest, .. } => {
                let bytes = self.blob(row.id, *digest).await?;
                let lines: Vec<LogLine> =
                    postcard::from_bytes(&bytes).map_err(|bad| corrupted(row.id, bad))?;
                Ok(shown(&lines))
            }
            Logs::Lost => {
                let at_ns = finish.end.0.saturating_mul(1_000_000);
                Ok(vec![log_line(at_ns, Stream::Stderr, LOGS_LOST)])
            }
        }
    }

    /// The whole record as it is served.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn record(&self, row: &Row) -> Result<Vec<u8>, Failed> {
        let terminal = self.terminal(row).await?;
        let lines = self.lines(row, &terminal).await?;
        let (result, size) = self.result(row, &terminal).await?;
        Ok(api::activation::record(row, result.as_ref(), size, &lines))
    }

    async fn blob(&self, id: ActivationId, digest: Digest) -> Result<bytes::Bytes, Failed> {
        self.blobs.get_async(digest).await.map_err(|error| corrupted(id, error))
    }
}

impl From<IndexError> for Failed {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Building(building) => Self::Building { percent: building.percent },
            IndexError::Index(source) => Self::Index(source.into()),
            IndexError::Ended(source) => Self::Index(source.into()),
        }
    }
}

fn corrupted(
    id: ActivationId,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Failed {
    Failed::Corrupted { id, source: source.into() }
}

fn shown(lines: &[LogLine]) -> Vec<String> {
    let stream = |written| match written {
        Written::Stdout => Stream::Stdout,
        Written::Stderr => Stream::Stderr,
    };
    lines.iter().map(|line| log_line(line.at_ns, stream(line.stream), &line.text)).collect()
}
