//! Metrics: names, units and labels of this server in one place (`own-api.md` §8), over one registry
//! per server, so two can live in a process.
//!
//! Whoever counts often keeps the handle: [`Each`] holds one for every value of a label that has
//! few, [`Labelled::with`] makes one for the others. What is only known when it is asked for is set
//! by a function given to [`Metrics::before_encode`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter as Counted;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge as Gauged;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

mod actions;
mod labels;
mod process;

pub use actions::{Action, Actions, Ended};
pub use labels::{
    Attempt, Bound, Cause, Entries, Label, Open, Outcome, StartState, Status, Throttle,
};
/// Observes seconds: [`prometheus_client`]'s, so `observe(f64)`.
pub use prometheus_client::metrics::histogram::Histogram;

/// Counts up, from 0.
pub type Counter = Counted<u64, AtomicU64>;
/// Goes up and down.
pub type Gauge = Gauged<i64, AtomicI64>;

/// What `/metrics` answers with.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of one server.
pub struct Metrics {
    registry: Registry,
    process: process::Process,
    before_encode: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,

    /// Requests by `route`, `method`, `code`.
    pub http_requests: Labelled<3, Counter>,
    /// Time to the head of the answer, by `route`, `method`.
    pub http_request_seconds: Labelled<2, Histogram>,
    /// How much of each bound is used.
    pub bound_used: Each<Bound, Gauge>,
    /// How much there is of it.
    pub bound_limit: Each<Bound, Gauge>,
    /// Requests refused because there was no more.
    pub bound_refused: Each<Bound, Counter>,
    /// A total of the fold: set by [`set_total`], not counted.
    pub activations_accepted: Each<Cause, Counter>,
    /// By `status`, `outcome`: a total of the fold: set by [`set_total`], not counted.
    pub activations_ended: Labelled<2, Counter>,
    /// Open now.
    pub activations_open: Each<Open, Gauge>,
    /// By `namespace`.
    pub namespace_in_flight: Labelled<1, Gauge>,
    /// By `namespace`, `throttle` (a [`Throttle`]).
    pub throttled: Labelled<2, Counter>,
    /// From accepted to started, by `kind`, `driver`.
    pub wait_seconds: Labelled<2, Histogram>,
    /// Initialisation and run, by `kind`, `driver`.
    pub run_seconds: Labelled<2, Histogram>,
    /// By `kind`, `driver`, `state` (a [`StartState`]).
    pub starts: Labelled<3, Counter>,
    /// How attempts ended.
    pub attempts: Each<Attempt, Counter>,
    /// What the fold holds.
    pub fold_entries: Each<Entries, Gauge>,
    /// Keyed requests that were answered from an earlier one.
    pub idempotent_replays: Counter,
    /// Valid records applied, by `record`.
    pub ledger_records: Labelled<1, Counter>,
    /// Void records, by `record`, `reason`.
    pub ledger_void: Labelled<2, Counter>,
    /// One write and sync of the log.
    pub ledger_sync_seconds: Histogram,
    /// From proposed to applied.
    pub ledger_apply_seconds: Histogram,
    /// By `partition`.
    pub ledger_applied_offset: Labelled<1, Gauge>,
    /// By `partition`.
    pub ledger_bytes: Labelled<1, Gauge>,
    /// By `partition`.
    pub ledger_snapshot_age_seconds: Labelled<1, Gauge>,
    /// Records applied that are not in the index yet, by `partition`.
    pub index_lag_records: Labelled<1, Gauge>,
    /// Of the data folder's disk.
    pub disk_free_bytes: Gauge,
    /// The `openwhisk_action_*` series, for dashboards made for OpenWhisk.
    pub actions: Actions,
}

/// What this server is, for `quirl_build_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build<'a> {
    /// Of the release.
    pub version: &'a str,
    /// It was built from.
    pub commit: &'a str,
    /// `sync` or `os`.
    pub durability: &'a str,
}

impl Metrics {
    /// All metrics at zero. `actions` is how many actions have `openwhisk_action_*` series.
    #[must_use]
    pub fn new(build: Build<'_>, actions: usize) -> Self {
        let mut all = Registrar(Registry::default());
        let info = [("version", build.version), ("commit", build.commit)];
        let info = info.into_iter().chain([("durability", build.durability)]);
        let info: Vec<_> = info.map(|(name, value)| (name, value.to_owned())).collect();
        all.0.register("quirl_build", "What this server is", Info::new(info));
        Self {
            process: process::Process::register(&mut all.0),
            before_encode: Mutex::default(),
            http_requests: all.counters(
                "quirl_http_requests",
                "Requests answered",
                ["route", "method", "code"],
            ),
            http_request_seconds: all.histograms(
                "quirl_http_request_seconds",
                "Time to the head of the answer",
                ["route", "method"],
                request_seconds,
            ),
            bound_used: all.each("quirl_bound_used", "How much of a bound is used"),
            bound_limit: all.each("quirl_bound_limit", "How much a bound allows"),
            bound_refused: all.each("quirl_bound_refused", "Requests refused by a bound"),
            activations_accepted: all.each("quirl_activations_accepted", "Activations accepted"),
            activations_ended: all.counters(
                "quirl_activations_ended",
                "Activations ended",
                ["status", "outcome"],
            ),
            activations_open: all.each("quirl_activations_open", "Activations not ended"),
            namespace_in_flight: all.gauges(
                "quirl_namespace_in_flight",
                "Open activations of a namespace that are not parents",
                ["namespace"],
            ),
            throttled: all.counters(
                "quirl_throttled",
                "Requests refused by a throttle",
                ["namespace", "throttle"],
            ),
            wait_seconds: all.histograms(
                "quirl_wait_seconds",
                "From accepted to started",
                ["kind", "driver"],
                run_seconds,
            ),
            run_seconds: all.histograms(
                "quirl_run_seconds",
                "Initialisation and run",
                ["kind", "driver"],
                run_seconds,
            ),
            starts: all.counters("quirl_starts", "Attempts started", ["kind", "driver", "state"]),
            attempts: all.each("quirl_attempts", "Attempts by how they ended"),
            fold_entries: all.each("quirl_fold_entries", "What the state of the ledger holds"),
            idempotent_replays: all.one(
                "quirl_idempotent_replays",
                "Keyed requests answered from an earlier one",
                Counter::default(),
            ),
            ledger_records: all.counters(
                "quirl_ledger_records",
                "Valid records applied",
                ["record"],
            ),
            ledger_void: all.counters(
                "quirl_ledger_void",
                "Records without effect",
                ["record", "reason"],
            ),
            ledger_sync_seconds: all.one(
                "quirl_ledger_sync_seconds",
                "One write and sync of the log",
                sync_seconds(),
            ),
            ledger_apply_seconds: all.one(
                "quirl_ledger_apply_seconds",
                "From proposed to applied",
                sync_seconds(),
            ),
            ledger_applied_offset: all.gauges(
                "quirl_ledger_applied_offset",
                "Offset of the last record applied",
                ["partition"],
            ),
            ledger_bytes: all.gauges(
                "quirl_ledger_bytes",
                "Bytes of the segments kept",
                ["partition"],
            ),
            ledger_snapshot_age_seconds: all.gauges(
                "quirl_ledger_snapshot_age_seconds",
                "Age of the newest snapshot",
                ["partition"],
            ),
            index_lag_records: all.gauges(
                "quirl_index_lag_records",
                "Records applied that the index does not know yet",
                ["partition"],
            ),
            disk_free_bytes: all.one(
                "quirl_disk_free_bytes",
                "Bytes free on the disk of the data folder",
                Gauge::default(),
            ),
            actions: Actions::register(&mut all, actions),
            registry: all.0,
        }
    }

    /// `set` is called each time before the metrics are written: it sets what nobody counts, such as
    /// free bytes. It must not block for long.
    pub fn before_encode(&self, set: impl Fn() + Send + Sync + 'static) {
        let mut all = self.before_encode.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Box::new(set));
    }

    /// All of them as OpenMetrics text: see [`CONTENT_TYPE`].
    #[must_use]
    pub fn encode(&self) -> String {
        for set in &*self.before_encode.lock().unwrap_or_else(PoisonError::into_inner) {
            set();
        }
        self.process.read();
        let mut text = String::with_capacity(32 << 10);
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Sets a counter to a total that is kept elsewhere, as the fold keeps those of activations.
pub fn set_total(counter: &Counter, total: u64) {
    counter.inner().store(total, std::sync::atomic::Ordering::Relaxed);
}

/// A metric with one label of few values: a handle for each, all shown from the start.
pub struct Each<L, M> {
    handles: Vec<M>,
    label: std::marker::PhantomData<fn(L)>,
}

impl<L: Label, M> Each<L, M> {
    /// The handle for this value.
    #[must_use]
    pub fn of(&self, value: L) -> &M {
        &self.handles[value.index()]
    }
}

impl<L, M> fmt::Debug for Each<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Each")
    }
}

type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// A metric with labels whose values are many or not known beforehand. Never give it parameters,
/// results, keys or activation ids.
pub struct Labelled<const N: usize, M> {
    names: [&'static str; N],
    family: Family<Labels<N>, M, fn() -> M>,
}

impl<const N: usize, M: Clone> Labelled<N, M> {
    /// The handle for these values, in the order of the names; from now on they are shown. Looks it
    /// up: keep it.
    pub fn with(&self, values: [&str; N]) -> M {
        self.family.get_or_create_owned(&self.labels(values))
    }

    /// No longer shows these values; handles that are kept count for nothing.
    pub fn forget(&self, values: [&str; N]) {
        self.family.remove(&self.labels(values));
    }

    fn labels(&self, values: [&str; N]) -> Labels<N> {
        let mut at = 0;
        self.names.map(|name| {
            at += 1;
            (name, Cow::Owned(values[at - 1].to_owned()))
        })
    }
}

impl<const N: usize, M> fmt::Debug for Labelled<N, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labelled").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Requests: 250 µs to 65 s, doubling.
fn request_seconds() -> Histogram {
    doubling(0.000_25, 19)
}

/// Waits and runs: 16 µs, where a fresh sandbox begins, to 67 s; minutes are in the last bucket.
fn run_seconds() -> Histogram {
    doubling(0.000_016, 23)
}

/// Syncs: 16 µs (no disk) to 2 s (a disk in trouble).
fn sync_seconds() -> Histogram {
    doubling(0.000_016, 18)
}

/// Upper ends of buckets that double from `first` on.
#[must_use]
pub fn doubling(first: f64, buckets: u16) -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(first, 2.0, buckets))
}

/// Makes metrics and registers them.
struct Registrar(Registry);

impl Registrar {
    fn one<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn each<L: Label, M: Metric + Default + Clone>(&mut self, name: &str, help: &str) -> Each<L, M>
    where
        Family<Labels<1>, M, fn() -> M>: Metric,
    {
        let family = self.labelled(name, help, [L::NAME], M::default);
        let handles = L::all().map(|value| family.with([value.as_str()])).collect();
        Each { handles, label: std::marker::PhantomData }
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
    ) -> Labelled<N, Counter> {
        self.labelled(name, help, labels, Counter::default)
    }

    fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
    ) -> Labelled<N, Gauge> {
        self.labelled(name, help, labels, Gauge::default)
    }

    fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        make: fn() -> Histogram,
    ) -> Labelled<N, Histogram> {
        self.labelled(name, help, labels, make)
    }

    fn labelled<const N: usize, M>(
        &mut self,
        name: &str,
        help: &str,
        names: [&'static str; N],
        make: fn() -> M,
    ) -> Labelled<N, M>
    where
        M: Clone,
        fn() -> M: MetricConstructor<M>,
        Family<Labels<N>, M, fn() -> M>: Metric,
    {
        let family = Family::new_with_constructor(make);
        self.0.register(name, help, family.clone());
        Labelled { names, family }
    }
}

#[cfg(test)]
mod tests;
