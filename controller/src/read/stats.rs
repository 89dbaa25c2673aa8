//! Statistics of what ran: rows of the index become figures. Pure.
//!
//! Source: `own-api.md` §5.

use std::collections::HashMap;

use api::stats::{ByStatus, Last, OfAction, Percentiles};
use hdrhistogram::Histogram;
use model::activation::Row;
use model::id::ActivationId;
use model::outcome::Class;
use model::time::WallTime;

/// So many values are kept as they are; more become a histogram.
const EXACT: usize = 256;
/// Digits that count in a histogram: values are within 1 %.
const DIGITS: u8 = 2;

/// Figures of what was seen so far, by name.
#[derive(Debug, Default)]
pub struct Tally(HashMap<String, Figures>);

#[derive(Debug, Default)]
struct Figures {
    by_class: [u64; 4],
    cold: u64,
    duration_us: Values,
    wait_us: Values,
    last_success: Option<Seen>,
    last_error: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    id: ActivationId,
    at: WallTime,
    class: Class,
}

/// Microseconds.
#[derive(Debug)]
enum Values {
    Few(Vec<u64>),
    Many(Histogram<u32>, u64),
}

impl Default for Values {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Values {
    fn add(&mut self, value: u64) {
        match self {
            Self::Few(values) if values.len() < EXACT => values.push(value),
            Self::Few(values) => {
                // These digits are allowed, and it grows by itself: neither can fail.
                if let Ok(mut many) = Histogram::new(DIGITS) {
                    values.iter().chain([&value]).for_each(|value| {
                        let _ = many.record(*value);
                    });
                    let max = values.iter().copied().fold(value, u64::max);
                    *self = Self::Many(many, max);
                }
            }
            Self::Many(many, max) => {
                let _ = many.record(value);
                *max = value.max(*max);
            }
        }
    }

    /// `None`: there is no value.
    fn percentiles(self) -> Option<Percentiles> {
        let (at, max): (Box<dyn Fn(u32) -> u64>, u64) = match self {
            Self::Few(mut values) => {
                values.sort_unstable();
                let max = *values.last()?;
                // The least value that is not below so many of them.
                let rank = |of: usize, percent: u32| (of * percent as usize).div_ceil(100).max(1);
                (Box::new(move |percent| values[rank(values.len(), percent) - 1]), max)
            }
            Self::Many(many, max) => {
                let at = move |percent: u32| many.value_at_percentile(f64::from(percent));
                (Box::new(move |percent| at(percent).min(max)), max)
            }
        };
        let ms = |percent| milliseconds(at(percent));
        let (p50, p75, p95, p99) = (ms(50), ms(75), ms(95), ms(99));
        Some(Percentiles { p50, p75, p95, p99, max: milliseconds(max) })
    }
}

#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53 microseconds")]
fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}

impl Tally {
    /// One activation more.
    pub fn add(&mut self, row: &Row) {
        let figures = self.0.entry(row.filter_name()).or_default();
        figures.by_class[usize::from(row.class.code())] += 1;
        if row.end.is_some() {
            figures.duration_us.add(row.duration_us);
        }
        if let Some(ran) = row.ran.as_ref().filter(|ran| ran.began) {
            figures.wait_us.add(ran.wait_ms.saturating_mul(1000));
            figures.cold += u64::from(ran.init_ms.is_some());
        }
        let last = if row.class == Class::Success {
            &mut figures.last_success
        } else {
            &mut figures.last_error
        };
        if last.is_none_or(|last| (last.at, last.id) < (row.start, row.id)) {
            *last = Some(Seen { id: row.id, at: row.start, class: row.class });
        }
    }

    /// What was seen, as it is served.
    #[must_use]
    pub fn into_actions(self) -> Vec<OfAction> {
        let one = |(action, figures): (String, Figures)| {
            let [success, application_error, developer_error, internal_error] = figures.by_class;
            let errors = application_error + developer_error + internal_error;
            OfAction {
                action,
                count: success + errors,
                errors,
                cold: figures.cold,
                by_status: ByStatus { success, application_error, developer_error, internal_error },
                duration: figures.duration_us.percentiles(),
                wait_time: figures.wait_us.percentiles(),
                last_success: figures.last_success.map(last),
                last_error: figures.last_error.map(last),
            }
        };
        let mut actions: Vec<OfAction> = self.0.into_iter().map(one).collect();
        actions.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.action.cmp(&b.action)));
        actions
    }
}

fn last(seen: Seen) -> Last {
    let status = (seen.class != Class::Success).then(|| seen.class.status().to_owned());
    Last { activation_id: seen.id.to_string(), at: seen.at.0, status }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(all: impl IntoIterator<Item = u64>) -> Option<Percentiles> {
        let mut values = Values::default();
        all.into_iter().for_each(|value| values.add(value));
        values.percentiles()
    }

    #[test]
    fn few_values_are_exact_and_many_within_one_percent() {
        assert_eq!(values([]), None);
        let one = Percentiles { p50: 0.212, p75: 0.212, p95: 0.212, p99: 0.212, max: 0.212 };
        assert_eq!(values([212]), Some(one));
        let hundred = Percentiles { p50: 50.0, p75: 75.0, p95: 95.0, p99: 99.0, max: 100.0 };
        assert_eq!(values((1..=100).rev().map(|n| n * 1000)), Some(hundred));
        let many = values((1..=100_000).map(|n| n * 17)).unwrap();
        for (found, exact) in
            [(many.p50, 850.0), (many.p75, 1275.0), (many.p95, 1615.0), (many.p99, 1683.0)]
        {
            assert!((found / exact - 1.0).abs() <= 0.01, "{found} for {exact}");
        }
        assert!((many.max - 1700.0).abs() < 1e-9);
    }
}
