//! Log lines as records show them.

use std::fmt::{self, Write as _};

use model::json::Json;

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One element of `logs`: time in UTC padded to 30 characters, stream, text.
///
/// `at_ns` is nanoseconds since the epoch. The fraction always has nine digits, so a line can be
/// cut by position and `wsk activation logs --strip` knows it.
///
/// Source: `rest-api.md` §7.4.
#[must_use]
pub fn log_line(at_ns: i64, stream: Stream, text: &str) -> String {
    let mut line = String::with_capacity(40 + text.len());
    time(&mut line, at_ns);
    while line.len() < 30 {
        line.push(' ');
    }
    line.push(' ');
    line.push_str(stream.as_str());
    line.push_str(": ");
    line.push_str(text);
    line
}

/// One element of `logs` in the record of a trigger: what came of a rule, as compact JSON. `status` is
/// that of the outcome, 0 to 3; `came` the activation, or the text of the refusal.
///
/// Source: `rest-api.md` §5.2.
#[must_use]
pub fn rule_line(
    rule: &str,
    action: &str,
    status: u8,
    came: Result<model::id::ActivationId, &str>,
) -> String {
    let code = ("statusCode", Json::of(&status));
    let success = ("success", Json::of(&came.is_ok()));
    let (of, to) = (("rule", Json::string(rule)), ("action", Json::string(action)));
    let line = match came {
        Ok(id) => {
            let id = ("activationId", Json::string(&id.to_string()));
            Json::object([code, success, id, of, to])
        }
        Err(text) => Json::object([code, success, of, ("error", Json::string(text)), to]),
    };
    line.as_str().to_owned()
}

/// `2024-01-01T00:00:01.020000000Z`
fn time(out: &mut String, at_ns: i64) {
    let (seconds, fraction) = (at_ns.div_euclid(1_000_000_000), at_ns.rem_euclid(1_000_000_000));
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z"
    );
}

/// The date that is `day` days after 1970-01-01. 64 bits of nanoseconds reach from 1677 to 2262,
/// so nothing overflows.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_as_in_the_contract() {
        let at = 1_704_067_201_020_000_000;
        let line = log_line(at, Stream::Stdout, "hello Ann");
        assert_eq!(line, "2024-01-01T00:00:01.020000000Z stdout: hello Ann");
        let time = line.split(' ').next().unwrap();
        assert_eq!(time.len(), 30);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.000000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000000Z"),
        ] {
            let line = log_line(seconds * 1_000_000_000, Stream::Stderr, "x");
            assert_eq!(line, format!("{expected} stderr: x"));
        }
        assert!(
            log_line(i64::MAX, Stream::Stdout, "").starts_with("2262-04-11T23:47:16.854775807Z")
        );
        assert!(
            log_line(i64::MIN, Stream::Stdout, "").starts_with("1677-09-21T00:12:43.145224192Z")
        );
    }

    #[test]
    fn what_came_of_a_rule_is_told_as_in_the_contract() {
        let id: model::id::ActivationId = "4d000000000000000000000000000007".parse().unwrap();
        assert_eq!(
            rule_line("guest/r1", "guest/hello", 0, Ok(id)),
            r#"{"statusCode":0,"success":true,"activationId":"4d000000000000000000000000000007","rule":"guest/r1","action":"guest/hello"}"#
        );
        assert_eq!(
            rule_line("guest/r2", "guest/gone", 1, Err("gone")),
            r#"{"statusCode":1,"success":false,"rule":"guest/r2","error":"gone","action":"guest/gone"}"#
        );
    }
}
