//! The `openwhisk_action_*` series, kept so that dashboards made for OpenWhisk go on working.
//!
//! Only the actions that ran last have them: names of actions are the users', and each costs about
//! 60 lines of text.
//!
//! Source: `messaging.md` §11, "Reference consumer"; OpenWhisk `core/monitoring/user-events`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Counter, Gauge, Histogram, Label as _, Labelled, Registrar, Status, doubling};

/// Series of the actions that ran last.
#[derive(Debug)]
pub struct Actions {
    series: Arc<Series>,
    kept: Mutex<Kept>,
    most: usize,
}

#[derive(Debug)]
struct Series {
    activations: Labelled<6, Counter>,
    cold_starts: Labelled<4, Counter>,
    wait: Labelled<4, Histogram>,
    init: Labelled<4, Histogram>,
    duration: Labelled<4, Histogram>,
    response_size: Labelled<4, Histogram>,
    status: Labelled<5, Counter>,
    status_code: Labelled<5, Counter>,
    memory: Labelled<4, Gauge>,
}

/// Which actions have series; the number tells who ran last.
#[derive(Debug, Default)]
struct Kept {
    by_name: BTreeMap<Key, (u64, Arc<Handles>)>,
    by_age: BTreeMap<u64, Key>,
    next: u64,
}

type Key = (String, String, String, String, u32);

#[derive(Debug)]
struct Handles {
    cold_starts: Counter,
    wait: Histogram,
    init: Histogram,
    duration: Histogram,
    response_size: Histogram,
    /// Activations, status and status code, by status.
    by_status: Vec<[Counter; 3]>,
    _memory: Gauge,
}

/// Which action an activation was of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action<'a> {
    /// The namespace that owns the action.
    pub namespace: &'a str,
    /// The namespace that invoked it.
    pub initiator: &'a str,
    /// Name of the action, with its package.
    pub action: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its memory limit, MB.
    pub memory_mb: u32,
}

/// How an activation ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// What its record says.
    pub status: Status,
    /// Seconds from request to start.
    pub wait: f64,
    /// Seconds of initialisation, if it started cold.
    pub init: Option<f64>,
    /// Seconds of initialisation and run.
    pub duration: f64,
    /// Bytes of the result.
    pub response_size: u64,
}

impl Actions {
    pub(super) fn register(all: &mut Registrar, most: usize) -> Self {
        let labels = ["namespace", "initiator", "action", "kind"];
        let seconds: fn() -> Histogram = || doubling(0.001, 17);
        let bytes: fn() -> Histogram = || doubling(256.0, 13);
        let with = |last| ["namespace", "initiator", "action", "kind", last];
        let series = Series {
            activations: all.counters(
                "openwhisk_action_activations",
                "Activations of an action",
                ["namespace", "initiator", "action", "kind", "memory", "status"],
            ),
            cold_starts: all.counters("openwhisk_action_coldStarts", "Cold starts", labels),
            wait: all.histograms(
                "openwhisk_action_waitTime_seconds",
                "From request to start",
                labels,
                seconds,
            ),
            init: all.histograms(
                "openwhisk_action_initTime_seconds",
                "Initialisation",
                labels,
                seconds,
            ),
            duration: all.histograms(
                "openwhisk_action_duration_seconds",
                "Initialisation and run",
                labels,
                seconds,
            ),
            response_size: all.histograms(
                "openwhisk_action_response_size_bytes",
                "Size of the result",
                labels,
                bytes,
            ),
            status: all.counters(
                "openwhisk_action_status",
                "Activations by status",
                with("status"),
            ),
            status_code: all.counters(
                "openwhisk_action_status_code",
                "Activations by status code",
                with("status"),
            ),
            memory: all.gauges("openwhisk_action_memory", "Memory limit, MB", labels),
        };
        Self { series: Arc::new(series), kept: Mutex::default(), most: most.max(1) }
    }

    /// Counts one activation that ended. Looks the action up by its names: about 0.5 µs.
    pub fn ended(&self, action: Action<'_>, ended: Ended) {
        let handles = self.handles(action);
        for counter in &handles.by_status[ended.status.index()] {
            counter.inc();
        }
        if let Some(init) = ended.init {
            handles.cold_starts.inc();
            handles.init.observe(init);
        }
        handles.wait.observe(ended.wait);
        handles.duration.observe(ended.duration);
        let size = u32::try_from(ended.response_size).unwrap_or(u32::MAX);
        handles.response_size.observe(f64::from(size));
    }

    fn handles(&self, action: Action<'_>) -> Arc<Handles> {
        let key = action.key();
        // Changed in one go; a panic in between loses a series at most.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let number = kept.next;
        kept.next += 1;
        if let Some((age, handles)) = kept.by_name.get_mut(&key) {
            kept.by_age.remove(age);
            *age = number;
            let handles = handles.clone();
            kept.by_age.insert(number, key);
            return handles;
        }
        if kept.by_name.len() >= self.most
            && let Some((_, oldest)) = kept.by_age.pop_first()
        {
            kept.by_name.remove(&oldest);
            self.series.forget(&oldest);
        }
        let handles = Arc::new(self.series.handles(&key));
        kept.by_name.insert(key.clone(), (number, handles.clone()));
        kept.by_age.insert(number, key);
        handles
    }
}

impl Action<'_> {
    fn key(&self) -> Key {
        let Self { namespace, initiator, action, kind, memory_mb } = *self;
        (namespace.into(), initiator.into(), action.into(), kind.into(), memory_mb)
    }
}

impl Series {
    fn handles(&self, (namespace, initiator, action, kind, memory): &Key) -> Handles {
        let [n, i, a, k] = [namespace, initiator, action, kind].map(String::as_str);
        let labels = [n, i, a, k];
        let gauge = self.memory.with(labels);
        gauge.set(i64::from(*memory));
        let memory = memory.to_string();
        let by_status = Status::all().map(|status| {
            let text = status.as_str();
            [
                self.activations.with([n, i, a, k, &memory, text]),
                self.status.with([n, i, a, k, text]),
                self.status_code.with([n, i, a, k, &status.index().to_string()]),
            ]
        });
        Handles {
            cold_starts: self.cold_starts.with(labels),
            wait: self.wait.with(labels),
            init: self.init.with(labels),
            duration: self.duration.with(labels),
            response_size: self.response_size.with(labels),
            by_status: by_status.collect(),
            _memory: gauge,
        }
    }

    fn forget(&self, (namespace, initiator, action, kind, memory): &Key) {
        let [n, i, a, k] = [namespace, initiator, action, kind].map(String::as_str);
        let labels = [n, i, a, k];
        let memory = memory.to_string();
        for status in Status::all() {
            let text = status.as_str();
            self.activations.forget([n, i, a, k, &memory, text]);
            self.status.forget([n, i, a, k, text]);
            self.status_code.forget([n, i, a, k, &status.index().to_string()]);
        }
        self.cold_starts.forget(labels);
        for histogram in [&self.wait, &self.init, &self.duration, &self.response_size] {
            histogram.forget(labels);
        }
        self.memory.forget(labels);
    }
}
