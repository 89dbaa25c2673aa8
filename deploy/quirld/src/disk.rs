//! Looks at the disk now and then: tells the owner when it is full, removes what is due.

use std::sync::Arc;
use std::time::Duration;

use controller::Controller;
use daemon::clock::Clock;
use log::Log;
use model::id::Offset;
use model::size::ByteSize;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(1);

/// Until `stop`.
pub(crate) async fn watch(
    controller: Arc<Controller>,
    log: Arc<dyn Log>,
    index: store::index::Index,
    retain: ByteSize,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut was_full = false;
    loop {
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
        if retain.as_u64() > 0 && log.health().used > retain {
            trim(&controller, &log, &index, retain).await;
        }
    }
}

/// Removes whole sealed segments, oldest first, until the rest fits; none that something open
/// refers to.
async fn trim(
    controller: &Arc<Controller>,
    log: &Arc<dyn Log>,
    index: &store::index::Index,
    retain: ByteSize,
) {
    let mut over = log.health().used.as_u64().saturating_sub(retain.as_u64());
    let mut before = Offset::NONE;
    for segment in log.sealed() {
        if over == 0 {
            break;
        }
        over = over.saturating_sub(segment.bytes.as_u64());
        before = segment.last.next();
    }
    let oldest = controller.partition.read(ledger::fold::Ledger::oldest_referred);
    let before = oldest.map_or(before, |oldest| before.min(oldest));
    if before <= Offset::NONE.next() {
        return;
    }
    let (log, index) = (Arc::clone(log), index.clone());
    let trimmed = tokio::task::spawn_blocking(move || {
        let gone = log.trim(before).map_err(|error| daemon::shutdown::chain(&error))?;
        if let Some(last) = gone.last() {
            let removed = index.remove_through(last.last);
            removed.map_err(|error| daemon::shutdown::chain(&error))?;
        }
        Ok::<_, String>(gone.len())
    });
    match trimmed.await {
        Ok(Ok(0)) => {}
        Ok(Ok(segments)) => tracing::info!(segments, "old segments were removed"),
        Ok(Err(error)) => tracing::error!(error, "old segments could not be removed"),
        Err(error) => tracing::error!(%error, "old segments could not be removed"),
    }
}
