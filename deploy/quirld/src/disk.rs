//! Looks at the disk now and then: tells the owner when it is full, removes what is due.

use std::sync::Arc;
use std::time::Duration;

use controller::Controller;
use controller::retention::Policy;
use controller::snapshotter::Marks;
use daemon::clock::Clock;
use log::Log;
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
            let controller = Arc::clone(&controller);
            let retain = move || retain(&controller, log.as_ref(), &index, policy, now);
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

/// Removes the segments that are due, and the rows that point into them; says how many.
fn retain(
    controller: &Controller,
    log: &dyn Log,
    index: &Index,
    policy: Policy,
    now: WallTime,
) -> anyhow::Result<usize> {
    // A backup copies what is there when it begins.
    let Some(_turn) = controller.backups.hold() else { return Ok(0) };
    let mut marks = |segment: &log::SegmentInfo| Marks::of(log, segment);
    let before = policy.before(&log.sealed(), log.health().used, now, &mut marks)?;
    let gone = log.trim(before)?;
    if let Some(last) = gone.last() {
        index.remove_through(last.last)?;
    }
    Ok(gone.len())
}
