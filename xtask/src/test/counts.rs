//! What a test runner says at its end, added up.

use std::fmt;
use std::ops::AddAssign;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Passed.
    pub(super) passed: u64,
    /// Failed, whatever the way.
    pub(super) failed: u64,
    /// Not run, because they say so themselves.
    pub(super) skipped: u64,
}

/// Who runs the tests. Each prints the results of the other too, when it shows a failed test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// `cargo test`: a result for each program of tests.
    Libtest,
    /// `cargo nextest run`: one summary at its end.
    Nextest,
}

impl Counts {
    /// Reads what `runner` printed.
    pub(super) fn read(runner: Runner, output: &str) -> Self {
        let lines: Vec<String> = output.lines().map(plain).collect();
        let mut counts = Self::default();
        match runner {
            Runner::Libtest => {
                let ended = lines.iter().filter_map(|line| line.strip_prefix("test result: "));
                let ended = ended.filter_map(|ended| ended.split_once(". "));
                ended.for_each(|(_, parts)| counts.add_parts(parts.split(';')));
            }
            Runner::Nextest => {
                let is_summary = |line: &&String| line.trim_start().starts_with("Summary [");
                let summary = lines.iter().rfind(is_summary);
                let parts = summary.and_then(|line| line.split_once(" run: "));
                parts.into_iter().for_each(|(_, parts)| counts.add_parts(parts.split(',')));
            }
        }
        counts
    }

    /// Parts such as ` 3 passed (1 slow)`, ` 0 failed`.
    fn add_parts<'a>(&mut self, parts: impl Iterator<Item = &'a str>) {
        for part in parts {
            let mut words = part.split_whitespace();
            let Some(Ok(count)) = words.next().map(str::parse::<u64>) else { continue };
            match words.next() {
                Some("passed") => self.passed += count,
                Some("failed" | "timed" | "exec") => self.failed += count,
                Some("skipped" | "ignored") => self.skipped += count,
                _ => {} // measured, filtered out, finished in …
            }
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// `line` without the colours that a terminal would show.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_read(runner: Runner, output: &str, expected: &str) {
        assert_eq!(Counts::read(runner, output).to_string(), expected);
    }

    #[test]
    fn the_lines_of_libtest_are_added_up() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; \
                      finished in 0.10s\nx\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 \
                      measured; 0 filtered out; finished in 0.00s";
        check_read(Runner::Libtest, output, "5 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn the_summary_of_nextest_is_read() {
        let output = "     Summary [   1.5s] 5/9 tests run: 2 passed (1 slow), 2 failed, 1 timed out, \
                      4 skipped\n        FAIL 3 passed, ";
        check_read(Runner::Nextest, output, "2 passed, 3 failed, 4 skipped");
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] 1 test run: 1 passed, 0 skipped";
        check_read(Runner::Nextest, coloured, "1 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn what_a_failed_test_printed_is_not_counted() {
        let output = "    test result: FAILED. 0 passed; 1 failed; 0 ignored\n12 passed, all good\n\
                      Summary [ 0.1s] 2 tests run: 1 passed, 1 failed, 0 skipped";
        check_read(Runner::Nextest, output, "1 passed, 1 failed, 0 skipped");
        check_read(Runner::Libtest, output, "0 passed, 0 failed, 0 skipped");
    }
}
