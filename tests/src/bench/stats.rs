//! Medians and ranges of a few rounds, quantiles of many calls.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// One value per round.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// Adds the value of the next round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The values in the order in which they came.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The one in the middle, or the mean of the two there; `None` without rounds.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = sorted.get(middle).copied()?;
        if sorted.len() % 2 == 1 {
            return Some(upper);
        }
        Some(f64::midpoint(sorted[middle - 1], upper))
    }

    /// The least and the greatest; `None` without rounds.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        let least = self.0.iter().copied().min_by(f64::total_cmp)?;
        let greatest = self.0.iter().copied().max_by(f64::total_cmp)?;
        Some((least, greatest))
    }

    /// What `combine` makes of both, round by round.
    #[must_use]
    pub fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| combine(*a, *b)).collect())
    }
}

impl FromIterator<f64> for Rounds {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Nanoseconds of many calls, kept to three digits, up to ten minutes.
#[must_use]
pub fn latencies() -> Histogram<u64> {
    let longest = 600_000_000_000;
    Histogram::new_with_max(longest, 3).expect("three digits of such a range can be kept")
}

/// Notes how long a call took.
pub fn note(latencies: &mut Histogram<u64>, took: Duration) {
    latencies.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
}

/// A quantile in microseconds.
#[must_use]
pub fn quantile_us(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    float(latencies.value_at_quantile(quantile)) / 1e3
}

/// Events per second.
#[must_use]
pub fn rate(events: u64, elapsed: Duration) -> f64 {
    float(events) / elapsed.as_secs_f64().max(1e-9)
}

/// As a number to calculate with; what is counted here stays far below 2^53.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds here stay below 2^53")]
pub fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ranges() {
        for (values, median, range) in [
            (vec![], None, None),
            (vec![7.0], Some(7.0), Some((7.0, 7.0))),
            (vec![9.0, 1.0, 4.0], Some(4.0), Some((1.0, 9.0))),
            (vec![8.0, 1.0, 2.0, 4.0], Some(3.0), Some((1.0, 8.0))),
        ] {
            let rounds = Rounds::from_iter(values);
            assert_eq!((rounds.median(), rounds.range()), (median, range), "{rounds:?}");
        }
    }

    #[test]
    fn rounds_are_combined_one_by_one() {
        let ours = Rounds::from_iter([10.0, 30.0]);
        let yardstick = Rounds::from_iter([20.0, 40.0, 99.0]);
        assert_eq!(ours.with(&yardstick, |a, b| a / b), Rounds::from_iter([0.5, 0.75]));
    }

    #[test]
    fn quantiles_are_in_microseconds() {
        let mut all = latencies();
        for us in 1..=100 {
            note(&mut all, Duration::from_micros(us));
        }
        assert!((quantile_us(&all, 0.5) - 50.0).abs() < 0.1, "{}", quantile_us(&all, 0.5));
        assert!((quantile_us(&all, 0.99) - 99.0).abs() < 0.1);
    }
}
