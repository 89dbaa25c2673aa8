//! The ledger of a server that does not run: every record with the verdict of the fold.
//!
//! The folder is copied first and the copy is opened, because opening is a start: it cuts, copies
//! and claims.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use ledger::fold::{Change, Ledger, Void};
use ledger::record::{Accept, Body, Record, Root};
use log::embedded::{Config, Embedded};
use log::{Item, Log as _};
use model::id::{ActivationId, Offset};
use model::size::ByteSize;

/// Everything that a ledger holds.
#[derive(Debug)]
pub struct Dump {
    /// Every record in order, with what it changed or why it changed nothing.
    pub records: Vec<(Offset, Record, Result<Change, Void>)>,
    /// The state behind the last.
    pub ledger: Ledger,
    /// What each kept snapshot says, against what the fold from the first record says.
    pub snapshots: Vec<Snapshot>,
    /// Open activations that are no sequences at each claim: what the former owner left open.
    pub open_at_claims: BTreeMap<Offset, u64>,
}

/// State hashes by way of a snapshot and from the first record on (I13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Behind which record.
    pub at: Offset,
    /// There: from the snapshot, from the beginning.
    pub there: [u128; 2],
    /// Behind the last record: the same.
    pub at_end: [u128; 2],
}

impl Dump {
    /// The records that count.
    pub fn valid(&self) -> impl Iterator<Item = (Offset, &Record)> {
        let valid = self.records.iter().filter(|(_, _, verdict)| verdict.is_ok());
        valid.map(|(at, record, _)| (*at, record))
    }
}

/// Reads the ledger in the data folder of a stopped server.
///
/// # Errors
/// It does not open, is trimmed, or holds something that is no record.
pub fn read(data: &Path) -> Result<Dump> {
    let copy = tempfile::Builder::new().prefix("quirl-ledger-").tempdir()?;
    let from = data.join("ledger/00");
    for entry in std::fs::read_dir(&from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name();
        if ["balloon", "spare"].iter().all(|it| !name.to_string_lossy().starts_with(it)) {
            std::fs::copy(entry.path(), copy.path().join(&name))?;
        }
    }
    let config = Config {
        disk_floor: ByteSize::bytes(0),
        balloon: ByteSize::bytes(0),
        segment_size: ByteSize::mib(1),
        ..Config::new(copy.path(), [0; 16])
    };
    let log = Embedded::open(config, None).context("open a copy of the ledger")?;
    let end = log.end();
    let frames = futures::executor::block_on(frames(&log, end))?;
    let mut saved = snapshots(&log)?;
    let mut ledger = Ledger::default();
    let mut records = Vec::new();
    let mut open_at_claims = BTreeMap::new();
    for (at, frame) in &frames {
        let record = Record::decode(frame).with_context(|| format!("record {at}"))?;
        let counts = ledger.counts();
        let verdict = ledger.apply(*at, &record);
        if matches!(record.body, Body::Claim(_)) && verdict.is_ok() {
            open_at_claims.insert(*at, counts.waiting + counts.running);
        }
        for (from, snapshot, folded) in &mut saved {
            if *from == *at {
                snapshot.there[1] = ledger.hash();
            } else if *from < *at {
                // Its verdict is judged by the hash at the end.
                let _ = folded.apply(*at, &record);
            }
        }
        records.push((*at, record, verdict));
    }
    let snapshots = saved.into_iter().map(|(_, snapshot, folded)| Snapshot {
        at_end: [folded.hash(), ledger.hash()],
        ..snapshot
    });
    Ok(Dump { records, snapshots: snapshots.collect(), ledger, open_at_claims })
}

/// All kept snapshots, each with the state that it restores.
fn snapshots(log: &Embedded) -> Result<Vec<(Offset, Snapshot, Ledger)>> {
    let mut all = Vec::new();
    let mut at_most = None;
    while let Some((at, bytes)) = log.newest_snapshot(at_most)? {
        let restored = Ledger::from_snapshot(&bytes).context("read a snapshot")?;
        let snapshot = Snapshot { at, there: [restored.hash(), 0], at_end: [0, 0] };
        all.push((at, snapshot, restored));
        if at == Offset::NONE {
            break;
        }
        at_most = Some(at.previous());
    }
    Ok(all)
}

async fn frames(log: &Embedded, end: Offset) -> Result<Vec<(Offset, bytes::Bytes)>> {
    let mut all = Vec::new();
    if end == Offset::NONE {
        return Ok(all);
    }
    let mut batches = log.read(Offset::NONE);
    while all.last().is_none_or(|(at, _)| *at < end) {
        let batch = batches.next().await.context("the ledger ended early")??;
        for item in batch.items {
            if let Item::Frame(at, frame) = item {
                ensure!(all.last().is_none_or(|(last, _): &(Offset, _)| last.next() == at), "gap");
                all.push((at, frame));
            }
        }
    }
    Ok(all)
}

/// The id that an `Accept` gives its root.
#[must_use]
pub fn root(accept: &Accept) -> ActivationId {
    match &accept.root {
        Root::Invoke(birth) => birth.id,
        Root::Fire(fire) => fire.id,
    }
}
