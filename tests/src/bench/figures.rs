//! What was measured, by name: `h64.rate`, `sync64.cpu`, …

use std::collections::BTreeMap;

use super::load::Measured;
use super::proc::Cpu;
use super::stats::Rounds;

/// Values by name, one per round.
#[derive(Clone, Debug, Default)]
pub struct Figures(BTreeMap<String, Rounds>);

impl Figures {
    /// Adds the value of this round.
    pub fn push(&mut self, name: &str, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    /// Adds what a load brought under `name`: `.rate`, `.p50` and `.p99` in µs, `.cpu` in µs of the
    /// server per call, `.others` as the share of the machine that somebody else used.
    pub fn push_load(&mut self, name: &str, measured: &Measured, cpu: Cpu) {
        for (part, value) in [
            ("rate", measured.rate()),
            ("p50", measured.p50()),
            ("p99", measured.p99()),
            ("cpu", cpu.per_call(measured.calls)),
            ("others", cpu.others),
        ] {
            self.push(&format!("{name}.{part}"), value);
        }
    }

    /// All rounds of a name; none if it was not measured.
    #[must_use]
    pub fn get(&self, name: &str) -> Rounds {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// The median of a name, if it was measured.
    #[must_use]
    pub fn median(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.median()
    }

    /// The last value of a name: that of this round.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.values().last().copied()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rounds)> {
        self.0.iter().map(|(name, rounds)| (name.as_str(), rounds))
    }
}
