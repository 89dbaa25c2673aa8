//! The `openwhisk_action_*` series, kept so that dashboards made for OpenWhisk go on working.
//!
//! Only the actions that ran last have them: names of actions are the users', and each costs about
//! 60 lines of text.
//!
//! Source: `messaging.md` §11, "Reference consumer"; OpenWhisk `core/monitoring/user-events`.

use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabel, EncodeMetric};
use prometheus_client::metrics::MetricType;

use super::{Counter, Gauge, Histogram, Label as _, Registrar, Status, doubling};

/// Figures of the actions that ran last.
#[derive(Clone, Debug)]
pub struct Actions(Arc<Mutex<Kept>>);

/// Which actions have figures: bounded, and whoever was not seen for a round of the hand goes.
#[derive(Debug)]
struct Kept {
    by_name: HashMap<Box<str>, Entry>,
    order: VecDeque<Box<str>>,
    most: usize,
    /// Where names are put together, so that finding an action makes nothing.
    name: String,
}

#[derive(Debug)]
struct Entry {
    figures: Arc<Figures>,
    seen: bool,
}

#[derive(Debug)]
struct Figures {
    of: [String; 4],
    memory_mb: u32,
    cold_starts: Counter,
    wait: Histogram,
    init: Histogram,
    duration: Histogram,
    response_size: Histogram,
    by_status: Vec<Counter>,
    memory: Gauge,
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

/// The names of [`Figures::of`].
const LABELS: [&str; 4] = ["namespace", "initiator", "action", "kind"];

impl Actions {
    pub(super) fn register(all: &mut Registrar, most: usize) -> Self {
        let kept = Kept {
            by_name: HashMap::new(),
            order: VecDeque::new(),
            most: most.max(1),
            name: String::new(),
        };
        let actions = Self(Arc::new(Mutex::new(kept)));
        all.0.register_collector(Box::new(actions.clone()));
        actions
    }

    /// Counts one activation that ended. Looks the action up by its names: about 0.2 µs.
    pub fn ended(&self, action: Action<'_>, ended: Ended) {
        let figures = self.lock().figures(action);
        figures.by_status[ended.status.index()].inc();
        if let Some(init) = ended.init {
            figures.cold_starts.inc();
            figures.init.observe(init);
        }
        figures.wait.observe(ended.wait);
        figures.duration.observe(ended.duration);
        let size = u32::try_from(ended.response_size).unwrap_or(u32::MAX);
        figures.response_size.observe(f64::from(size));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Changed in one go; a panic in between loses the figures of one action at most.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn figures(&mut self, action: Action<'_>) -> Arc<Figures> {
        let Action { namespace, initiator, action: name, kind, memory_mb } = action;
        self.name.clear();
        // Names have no line ends. Writing to a string does not fail.
        let _ = write!(self.name, "{namespace}\n{initiator}\n{name}\n{kind}\n{memory_mb}");
        if let Some(entry) = self.by_name.get_mut(self.name.as_str()) {
            entry.seen = true;
            return Arc::clone(&entry.figures);
        }
        while self.by_name.len() >= self.most
            && let Some(oldest) = self.order.pop_front()
        {
            match self.by_name.get_mut(&oldest) {
                Some(entry) if entry.seen => {
                    entry.seen = false;
                    self.order.push_back(oldest);
                }
                _ => drop(self.by_name.remove(&oldest)),
            }
        }
        let figures = Arc::new(Figures::new(action));
        let name: Box<str> = self.name.as_str().into();
        self.order.push_back(name.clone());
        self.by_name.insert(name, Entry { figures: Arc::clone(&figures), seen: false });
        figures
    }
}

impl Figures {
    fn new(action: Action<'_>) -> Self {
        let Action { namespace, initiator, action, kind, memory_mb } = action;
        let seconds = || doubling(0.001, 17);
        let memory = Gauge::default();
        memory.set(i64::from(memory_mb));
        Self {
            of: [namespace, initiator, action, kind].map(str::to_owned),
            memory_mb,
            cold_starts: Counter::default(),
            wait: seconds(),
            init: seconds(),
            duration: seconds(),
            response_size: doubling(256.0, 13),
            by_status: Status::all().map(|_| Counter::default()).collect(),
            memory,
        }
    }

    fn labels(&self) -> [(&str, &str); 4] {
        std::array::from_fn(|at| (LABELS[at], self.of[at].as_str()))
    }
}

/// Labels of one series.
struct Labels<'a>(Vec<(&'a str, &'a str)>);

impl prometheus_client::encoding::EncodeLabelSet for Labels<'_> {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    ) -> Result<(), fmt::Error> {
        self.0.iter().try_for_each(|label| label.encode(encoder.encode_label()))
    }
}

/// Series of one name, to be written.
struct Series<'a> {
    encoder: DescriptorEncoder<'a>,
    all: Vec<Arc<Figures>>,
}

impl Series<'_> {
    /// One series per action.
    fn each<M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        of: impl Fn(&Figures) -> &M,
    ) -> fmt::Result {
        let mut series = self.encoder.encode_descriptor(name, help, None, kind)?;
        for figures in &self.all {
            let labels = Labels(figures.labels().to_vec());
            of(figures).encode(series.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// One series per action and status, with more labels.
    fn by_status(
        &mut self,
        name: &str,
        help: &str,
        more: impl Fn(&Figures, Status) -> Vec<(&'static str, String)>,
    ) -> fmt::Result {
        let mut series = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for figures in &self.all {
            for status in Status::all() {
                let more = more(figures, status);
                let mut labels = figures.labels().to_vec();
                labels.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
                let counter = &figures.by_status[status.index()];
                counter.encode(series.encode_family(&Labels(labels))?)?;
            }
        }
        Ok(())
    }
}

impl Collector for Actions {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let all: Vec<_> = {
            let kept = self.lock();
            kept.by_name.values().map(|entry| Arc::clone(&entry.figures)).collect()
        };
        if all.is_empty() {
            return Ok(());
        }
        let mut series = Series { encoder, all };
        let (counter, histogram) = (MetricType::Counter, MetricType::Histogram);
        series.by_status(
            "openwhisk_action_activations",
            "Activations of an action.",
            |figures, status| {
                let memory = figures.memory_mb.to_string();
                vec![("memory", memory), ("status", status.as_str().to_owned())]
            },
        )?;
        series
            .each("openwhisk_action_coldStarts", "Cold starts.", counter, |it| &it.cold_starts)?;
        let name = "openwhisk_action_waitTime_seconds";
        series.each(name, "From request to start.", histogram, |it| &it.wait)?;
        let name = "openwhisk_action_initTime_seconds";
        series.each(name, "Initialisation.", histogram, |it| &it.init)?;
        let name = "openwhisk_action_duration_seconds";
        series.each(name, "Initialisation and run.", histogram, |it| &it.duration)?;
        let name = "openwhisk_action_response_size_bytes";
        series.each(name, "Size of the result.", histogram, |it| &it.response_size)?;
        series.by_status("openwhisk_action_status", "Activations by status.", |_, status| {
            vec![("status", status.as_str().to_owned())]
        })?;
        let name = "openwhisk_action_status_code";
        series.by_status(name, "Activations by status code.", |_, status| {
            vec![("status", status.index().to_string())]
        })?;
        let name = "openwhisk_action_memory";
        series.each(name, "Memory limit, MB.", MetricType::Gauge, |it| &it.memory)
    }
}
