//! Looks at the disk now and then: tells the owner when it is full, removes what is due.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use controller::Controller;
use controller::retention::Policy;
use controller::snapshotter::{self, Marks};
use daemon::clock::Clock;
use log::{Log, SegmentInfo};
use model::id::Offset;
use model::time::WallTime;
use store::index::Index;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(1);
/// Looks between two attempts to remove something.
const RETAIN_EVERY: u32 = 3;

/// Until `stop`.
pub(crate) async fn watch(
    controller: Arc<Controller>,
    log: Arc<dyn Log>,
    index: Index,
    policy: Policy,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut was_full = false;
    let known: Arc<Mutex<Known>> = Arc::default();
    for look in 1_u32.. {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(EVERY) => {}
        }
        let is_full = log.health().below_floor;
        if is_full != was_full {
            was_full = is_full;
            if is_full {
                tracing::warn!("the disk is full: nothing new is accepted until space is freed");
            } else {
                tracing::info!("the disk has space again");
            }
            controller.partition.tell_disk(is_full);
        }
        if !policy.keeps_all() && look.is_multiple_of(RETAIN_EVERY) {
            let (log, index) = (Arc::clone(&log), index.clone());
            let now = clock.wall();
            let (controller, known) = (Arc::clone(&controller), Arc::clone(&known));
            let retain = move || retain(&controller, log.as_ref(), &index, policy, now, &known);
            match tokio::task::spawn_blocking(retain).await {
                Ok(Ok(0)) => {}
                Ok(Ok(segments)) => tracing::info!(segments, "old segments were removed"),
                Ok(Err(error)) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "old segments could not be removed");
                }
                Err(error) => tracing::error!(%error, "old segments could not be removed"),
            }
        }
    }
}

/// Marks of sealed segments that were read, by the first offset; a companion of an earlier program
/// has none.
type Known = BTreeMap<Offset, Option<Marks>>;

/// Removes the segments that are due, and the rows that point into them; says how many.
fn retain(
    controller: &Controller,
    log: &dyn Log,
    index: &Index,
    policy: Policy,
    now: WallTime,
    known: &Mutex<Known>,
) -> anyhow::Result<usize> {
    // A backup copies what is there when it begins, and so does who builds the index.
    let Some(_turn) = controller.backups.hold() else { return Ok(0) };
    if controller.index.building().is_some() {
        return Ok(0);
    }
    // They never change, so poison says nothing.
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let mut marks = |segment: &SegmentInfo| match known.get(&segment.first) {
        Some(marks) => Ok(*marks),
        None if segment.companion.is_none() => Ok(None),
        None => {
            let marks = Marks::of(log, segment)?;
            known.insert(segment.first, marks);
            Ok::<_, snapshotter::Error>(marks)
        }
    };
    let before = policy.before(&log.sealed(), log.health().used, now, &mut marks)?;
    let trimmed = log.trim(before);
    let kept = log.sealed().first().map_or(Offset::NONE, |oldest| oldest.first);
    known.retain(|first, _| *first >= kept);
    // Also if not all could be removed.
    if trimmed.as_ref().map_or(true, |gone| !gone.is_empty()) && kept > Offset::NONE.next() {
        index.remove_through(kept.previous())?;
    }
    Ok(trimmed?.len())
}
