//! What is measured of the ledger, and who else hears of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use controller::Controller;
use controller::owner::Observer;
use controller::snapshotter::Worker;
use daemon::metrics::{
    Action, Attempt, Bound, Cause, Counter, Ended as EndedMetric, Entries, Histogram, Metrics,
    Open, Status, set_total,
};
use invoker::driver::Driver;
use ledger::fold::Ended;
use ledger::record::{Body, Finish, Record, StartState};
use log::Log;
use model::id::Offset;
use model::outcome::Class;

/// The driver of every kind that runs here.
const DRIVER: &str = "wasm";
/// The one partition of the embedded log.
const PARTITION: [&str; 1] = ["0"];

/// Counts what is read back; handles are kept, nothing is looked up per call.
pub(crate) struct Observed {
    metrics: Arc<Metrics>,
    snapshotter: Arc<Worker>,
    records: Vec<(&'static str, Counter)>,
    starts: [Counter; 3],
    run: Histogram,
    wait: Histogram,
}

impl Observed {
    pub(crate) fn new(metrics: Arc<Metrics>, snapshotter: Arc<Worker>) -> Self {
        let kind = "wasm:command";
        let records = Body::KINDS.map(|record| (record, metrics.ledger_records.with([record])));
        let start = |state| metrics.starts.with([kind, DRIVER, state]);
        Self {
            records: records.into_iter().collect(),
            starts: [start("cold"), start("prewarmed"), start("warmed")],
            run: metrics.run_seconds.with([kind, DRIVER]),
            wait: metrics.wait_seconds.with([kind, DRIVER]),
            metrics,
            snapshotter,
        }
    }

    fn finished(&self, ended: &Ended, finish: &Finish) {
        let state = match finish.state {
            StartState::Cold => 0,
            StartState::Prewarmed => 1,
            StartState::Warmed => 2,
        };
        self.starts[state].inc();
        self.run.observe(seconds_of_us(finish.duration_us));
        let Some(ran) = &ended.row.ran else { return };
        let wait = seconds_of_us(ran.wait_ms.saturating_mul(1000));
        self.wait.observe(wait);
        self.metrics.actions.ended(
            Action {
                namespace: ended.row.namespace.as_str(),
                initiator: ended.row.namespace.as_str(),
                action: &ended.row.name,
                kind: &ran.kind,
                memory_mb: ran.limits.map_or(0, |limits| limits.memory),
            },
            EndedMetric {
                status: status(ended.row.class),
                wait,
                init: finish.init_us.map(seconds_of_us),
                duration: seconds_of_us(finish.duration_us),
                response_size: finish.size.unwrap_or(0),
            },
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "a histogram does not see the last bits")]
fn seconds_of_us(us: u64) -> f64 {
    us as f64 / 1e6
}

fn status(class: Class) -> Status {
    match class {
        Class::Success => Status::Success,
        Class::ApplicationError => Status::ApplicationError,
        Class::DeveloperError => Status::DeveloperError,
        Class::InternalError => Status::InternalError,
    }
}

impl Observer for Observed {
    fn read_back(&self, _at: Offset, record: &Record, void: Option<&'static str>) {
        let kind = record.body.kind();
        if let Some(reason) = void {
            self.metrics.ledger_void.with([kind, reason]).inc();
            return;
        }
        if let Some((_, counter)) = self.records.iter().find(|(known, _)| *known == kind) {
            counter.inc();
        }
        match &record.body {
            Body::Finish(_) => {
                self.metrics.attempts.of(Attempt::Finished).inc();
            }
            Body::Return(_) => {
                self.metrics.attempts.of(Attempt::Returned).inc();
            }
            Body::AttemptLost(_) => {
                self.metrics.attempts.of(Attempt::Lost).inc();
            }
            Body::Touched(_) => {
                self.metrics.attempts.of(Attempt::Touched).inc();
            }
            _ => {}
        }
    }

    fn ended(&self, ended: &Ended, record: &Record) {
        match &record.body {
            Body::Finish(finish) if finish.of.id == ended.row.id => self.finished(ended, finish),
            _ => {}
        }
    }

    fn sealed(&self, _first: Offset, last: Offset, hash: u128) {
        self.snapshotter.sealed(last, hash);
    }

    fn batch(&self, bytes: u64) {
        self.snapshotter.applied(bytes);
    }
}

/// Sets, each time before metrics are written, what nobody counts.
pub(crate) fn gauges(controller: &Arc<Controller>, log: &Arc<dyn Log>, driver: &Arc<dyn Driver>) {
    let weak = Arc::downgrade(controller);
    let (log, driver) = (Arc::clone(log), Arc::clone(driver));
    let shown = Mutex::new(BTreeSet::new());
    controller.metrics.before_encode(move || {
        let Some(controller) = weak.upgrade() else { return };
        ledger_gauges(&controller);
        controller.partition.read(|ledger| {
            let now = ledger.all_in_flight().map(|(namespace, count)| (namespace.as_str(), count));
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            show_in_flight(&controller.metrics, &mut shown, now);
        });
        bound_gauges(&controller, driver.as_ref());
        let health = log.health();
        controller.metrics.ledger_bytes.with(PARTITION).set(signed(health.used.as_u64()));
        controller.metrics.disk_free_bytes.set(signed(health.free.as_u64()));
        let lag = controller.index.lag();
        controller.metrics.index_lag_records.with(PARTITION).set(signed(lag));
    });
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn ledger_gauges(controller: &Controller) {
    let metrics = &controller.metrics;
    controller.partition.read(|ledger| {
        let counts = ledger.counts();
        let open = counts.waiting + counts.running + counts.sequences;
        metrics.activations_open.of(Open::Queued).set(signed(counts.waiting));
        metrics.activations_open.of(Open::Running).set(signed(counts.running));
        metrics.activations_open.of(Open::Parent).set(signed(counts.sequences));
        metrics.fold_entries.of(Entries::Entities).set(signed(counts.entities));
        metrics.fold_entries.of(Entries::Open).set(signed(open));
        metrics.fold_entries.of(Entries::Keys).set(signed(counts.keys));
        metrics.fold_entries.of(Entries::FireMarks).set(signed(counts.fire_marks));
        metrics.ledger_applied_offset.with(PARTITION).set(signed(ledger.applied().0));
        for (cause, total) in &ledger.totals().accepted {
            set_total(metrics.activations_accepted.of(cause_label(*cause)), *total);
        }
        for ((class, how), total) in &ledger.totals().ended {
            let counter = metrics.activations_ended.with([class.status(), how.word()]);
            set_total(&counter, *total);
        }
    });
}

/// Shows the namespaces that have something in flight, and no longer those that had.
fn show_in_flight<'a>(
    metrics: &Metrics,
    shown: &mut BTreeSet<String>,
    now: impl Iterator<Item = (&'a str, u64)>,
) {
    let mut gone = std::mem::take(shown);
    for (namespace, count) in now {
        metrics.namespace_in_flight.with([namespace]).set(signed(count));
        gone.remove(namespace);
        shown.insert(namespace.to_owned());
    }
    for namespace in gone {
        metrics.namespace_in_flight.forget([&namespace]);
    }
}

fn cause_label(cause: ledger::record::Cause) -> Cause {
    match cause {
        ledger::record::Cause::Invoke => Cause::Invoke,
        ledger::record::Cause::Web => Cause::Web,
        ledger::record::Cause::Rule => Cause::Rule,
        ledger::record::Cause::Step => Cause::Step,
        ledger::record::Cause::Schedule => Cause::Schedule,
        ledger::record::Cause::Source => Cause::Source,
    }
}

fn bound_gauges(controller: &Controller, driver: &dyn Driver) {
    let metrics = &controller.metrics;
    let used = controller.partition.inspect(controller::owner::step::Owner::in_use);
    let usage = driver.usage();
    let config = &controller.config;
    for (bound, used, limit) in [
        (Bound::OpenActivations, used.open, config.open_activations),
        (Bound::OpenBytes, used.open_bytes, config.open_bytes.as_u64()),
        (Bound::Proposals, used.proposals, config.proposals),
        (Bound::WasmMemory, usage.memory, usage.max_memory),
        (Bound::WasmInstances, usage.instances, usage.max_instances),
    ] {
        metrics.bound_used.of(bound).set(signed(used));
        metrics.bound_limit.of(bound).set(signed(limit));
    }
}

#[cfg(test)]
mod tests {
    use daemon::metrics::Build;

    use super::*;

    #[test]
    fn a_namespace_of_which_nothing_is_open_any_more_does_not_stay_as_it_was() {
        let metrics = Metrics::new(Build { version: "", commit: "", durability: "" }, 1);
        let mut shown = BTreeSet::new();
        let mut lines = |now: &[(&'static str, u64)]| {
            show_in_flight(&metrics, &mut shown, now.iter().copied());
            let text = metrics.encode();
            let lines = text.lines().filter(|line| line.starts_with("quirl_namespace_in_flight{"));
            let values = lines.filter_map(|line| line.split_once('{')).map(|it| it.1.to_owned());
            values.collect::<BTreeSet<_>>()
        };
        let expected = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
        let (ann, guest) = (r#"namespace="ann"} 1"#, r#"namespace="guest"} 2"#);
        assert_eq!(lines(&[("ann", 1), ("guest", 2)]), expected(&[ann, guest]));
        assert_eq!(lines(&[("guest", 2)]), expected(&[guest]));
        assert_eq!(lines(&[]), expected(&[]));
    }
}
