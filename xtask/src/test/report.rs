//! The end of `cargo xtask test`: times against budgets, and the counts.

use std::fmt;
use std::time::Duration;

use super::counts::Counts;

/// What one phase took.
#[derive(Clone, Debug)]
pub(super) struct Took {
    /// Its name.
    pub(super) name: &'static str,
    /// Its tests.
    pub(super) counts: Counts,
    /// Whether it failed, for a test or for anything else.
    pub(super) failed: bool,
    /// Its time.
    pub(super) time: Duration,
    /// Its budget, in minutes.
    pub(super) minutes: u64,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let budget = Duration::from_secs(self.minutes * 60);
        let over = if self.time > budget { ", over its budget" } else { "" };
        let verdict = if self.failed { "FAILED" } else { "ok" };
        let (name, time, budget) = (self.name, clock(self.time), clock(budget));
        write!(f, "{name:<12} {time:>6} of {budget:>6}  {verdict}{over}")
    }
}

/// All phases that ran.
#[derive(Debug, Default)]
pub(super) struct Report {
    phases: Vec<Took>,
}

impl Report {
    /// One phase more.
    pub(super) fn add(&mut self, took: Took) {
        self.phases.push(took);
    }

    /// Whether one of them failed.
    pub(super) fn has_failed(&self) -> bool {
        self.phases.iter().any(|took| took.failed)
    }

    /// All counts together. A phase that failed without a failed test counts as one failure, so
    /// that the last line never looks better than the exit code.
    fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for took in &self.phases {
            sum += took.counts;
            sum.failed += u64::from(took.failed && took.counts.failed == 0);
        }
        sum
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.phases.iter().try_for_each(|took| writeln!(f, "{took}"))?;
        let (time, minutes) = self
            .phases
            .iter()
            .fold((Duration::ZERO, 0), |(time, sum), took| (time + took.time, sum + took.minutes));
        let budget = clock(Duration::from_secs(minutes * 60));
        writeln!(f, "{:<12} {:>6} of {budget:>6}", "together", clock(time))?;
        writeln!(f, "{}", self.counts())
    }
}

/// Minutes and seconds.
fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(name: &'static str, passed: u64, failed: bool, seconds: u64) -> Took {
        let counts = Counts { passed, ..Counts::default() };
        Took { name, counts, failed, time: Duration::from_secs(seconds), minutes: 1 }
    }

    #[test]
    fn the_last_line_has_the_counts() {
        let mut report = Report::default();
        report.add(took("unit", 4, false, 61));
        report.add(took("black-box", 3, true, 5));
        let text = report.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(report.has_failed());
        assert_eq!(lines[0], "unit           1:01 of   1:00  ok, over its budget");
        assert_eq!(lines[1], "black-box      0:05 of   1:00  FAILED");
        assert_eq!(lines[2], "together       1:06 of   2:00");
        assert_eq!(lines[3..], ["7 passed, 1 failed, 0 skipped"]);
    }
}
