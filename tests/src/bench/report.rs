//! What the figures mean: each row of `specs.rs` beside its yardstick, its bar and its aim.

use serde::Serialize;

use super::figures::Figures;
use super::rows::Row;
use super::specs::{Against, Goal, SPECS, Spec, Yard};
use super::stats::Rounds;
use crate::table::Table;

/// By so much a yardstick may be slower than the floor before its rows count for nothing.
///
/// Source: issue 3 §7.
const TOLERANCE: f64 = 0.30;

/// When others use more than this share of the machine, a row says more about them than about us.
const COMPANY: f64 = 0.25;

/// How a row came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// At least as good as the aim.
    AimMet,
    /// At least as good as the bar.
    Met,
    /// Worse than the bar.
    Missed,
    /// There is no bar.
    Shown,
    /// Nothing can be said, and why.
    NotMeasured(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AimMet => f.write_str("met, and the aim"),
            Self::Met => f.write_str("met"),
            Self::Missed => f.write_str("missed"),
            Self::Shown => f.write_str("shown"),
            Self::NotMeasured(why) => write!(f, "not measured: {why}"),
        }
    }
}

/// A median with the range that it comes from.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Value {
    /// The one in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Value {
    fn of(rounds: &Rounds) -> Option<Self> {
        let (min, max) = rounds.range()?;
        Some(Self { median: rounds.median()?, min, max })
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}…{})", number(self.median), number(self.min), number(self.max))
    }
}

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What was measured.
    pub title: &'static str,
    /// Ours.
    pub value: Option<Value>,
    /// In this unit.
    pub unit: &'static str,
    /// The name of what it is held against, and that.
    pub yardstick: Option<(&'static str, Option<f64>)>,
    /// Ratio or difference of the medians, with the range of those of the rounds.
    pub compared: Option<Value>,
    /// Whether [`Line::compared`] is a ratio.
    pub is_ratio: bool,
    /// What must be reached.
    pub bar: Option<f64>,
    /// What we want to reach.
    pub aim: Option<f64>,
    /// CPU of the server per call, µs.
    pub server_cpu_us: Option<f64>,
    /// Share of the machine that others used meanwhile.
    pub others: Option<f64>,
    /// What comes of it.
    pub verdict: Verdict,
}

/// A yardstick beside its floor.
#[derive(Clone, Debug, Serialize)]
pub struct Floor {
    /// Its name.
    pub name: &'static str,
    /// What was measured.
    pub value: Option<Value>,
    /// In this unit.
    pub unit: &'static str,
    /// What it should be.
    pub floor: Option<f64>,
    /// More than the tolerance worse than that.
    pub is_slow: bool,
    /// CPU of its server per call, µs.
    pub cpu_us: Option<f64>,
    #[serde(skip)]
    yard: Option<Yard>,
}

/// Everything that is printed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub machine: String,
    /// How many rounds were run.
    pub rounds: usize,
    /// Why slow yardsticks count all the same.
    pub note: Option<String>,
    /// Yardsticks.
    pub floors: Vec<Floor>,
    /// Rows.
    pub lines: Vec<Line>,
    /// What else is worth knowing.
    pub remarks: Vec<String>,
    /// Every figure of every round.
    pub figures: std::collections::BTreeMap<String, Rounds>,
}

impl Report {
    /// Holds the figures against the table of the issue, for the rows that were wanted.
    #[must_use]
    pub fn of(
        figures: &Figures,
        wanted: &[Row],
        note: Option<String>,
        remarks: Vec<String>,
    ) -> Self {
        let floors = floors(figures);
        let slow: Vec<&Floor> =
            floors.iter().filter(|floor| floor.is_slow && note.is_none()).collect();
        let specs = SPECS.iter().filter(|spec| wanted.contains(&spec.row));
        let lines = specs.map(|spec| line(spec, figures, &slow, note.is_some())).collect();
        let all = figures.iter().map(|(name, rounds)| (name.to_owned(), rounds.clone()));
        let rounds = figures.iter().map(|(_, rounds)| rounds.values().len()).max().unwrap_or(0);
        let machine = super::proc::machine();
        Self { machine, rounds, note, floors, lines, remarks, figures: all.collect() }
    }
}

fn floors(figures: &Figures) -> Vec<Floor> {
    let bare = figures.median("bare.p50");
    let floor = |name, value: &str, unit, floor: Option<f64>, is_rate: bool, yard| {
        let value = Value::of(&figures.get(value));
        let is_slow = match (value, floor) {
            (Some(value), Some(floor)) if is_rate => value.median < floor * (1.0 - TOLERANCE),
            (Some(value), Some(floor)) => value.median > floor * (1.0 + TOLERANCE),
            _ => false,
        };
        Floor { name, value, unit, floor, is_slow, cpu_us: None, yard }
    };
    let (higher, lower) = (true, false);
    let mut all = vec![
        floor("H, 64 connections", "h64.rate", "/s", Some(100_000.0), higher, Some(Yard::H)),
        floor("H, 1 connection, p50", "h1.p50", "µs", None, lower, None),
        floor("bare fdatasync, p50", "bare.p50", "µs", None, lower, None),
        floor("bare fdatasync, p99", "bare.p99", "µs", None, lower, None),
        floor("G(1), p50", "g1.p50", "µs", bare, lower, Some(Yard::G)),
        floor("G(64)", "g64.rate", "/s", None, higher, None),
        floor("G(64), p50", "g64.p50", "µs", None, lower, None),
        floor("I, per call on each of 2 threads", "i.us", "µs", Some(8.0), lower, Some(Yard::I)),
        floor("J, per call on each of 2 threads", "j.us", "µs", None, lower, None),
        floor("the same on fibers", "jf.us", "µs", None, lower, None),
        floor("Y, 16 connections", "y16.rate", "/s", None, higher, None),
        floor("Y, 64 connections", "y64.rate", "/s", None, higher, None),
        floor("Y, 1 connection, p50", "y1.p50", "µs", None, lower, None),
    ];
    for (at, name) in [
        (0, "h64.cpu"),
        (1, "h1.cpu"),
        (7, "i.cpu"),
        (8, "j.cpu"),
        (9, "jf.cpu"),
        (10, "y16.cpu"),
        (11, "y64.cpu"),
        (12, "y1.cpu"),
    ] {
        all[at].cpu_us = figures.median(name);
    }
    all.retain(|floor| floor.value.is_some());
    all
}

fn line(spec: &Spec, figures: &Figures, slow: &[&Floor], is_noted: bool) -> Line {
    let rounds = figures.get(spec.value);
    let value = Value::of(&rounds);
    let (yardstick, is_ratio) = match spec.against {
        Against::Nothing => (None, false),
        Against::Ratio(name) => (Some(name), true),
        Against::Difference(name) => (Some(name), false),
    };
    let combine = |ours: f64, theirs: f64| if is_ratio { ours / theirs } else { ours - theirs };
    let compared = yardstick.and_then(|name| {
        let theirs = figures.get(name);
        let (min, max) = rounds.with(&theirs, combine).range()?;
        Some(Value { median: combine(rounds.median()?, theirs.median()?), min, max })
    });
    let judged = if yardstick.is_some() { compared } else { value };
    let unfit = slow.iter().find(|floor| floor.yard.is_some_and(|yard| spec.needs.contains(&yard)));
    let others = figures.median(&format!("{}.others", spec.load));
    let crowded = others.filter(|others| *others > COMPANY && !is_noted);
    let verdict = match (judged, crowded, unfit) {
        (None, ..) => Verdict::NotMeasured("no figures".to_owned()),
        (_, Some(others), _) => {
            Verdict::NotMeasured(format!("others used {:.0} % of the machine", others * 100.0))
        }
        (_, None, Some(floor)) => Verdict::NotMeasured(format!("{} is slow", floor.name)),
        (Some(judged), None, None) => verdict(judged.median, spec.goal),
    };
    Line {
        title: spec.title,
        value,
        unit: spec.unit,
        yardstick: yardstick.map(|name| (name, figures.median(name))),
        compared,
        is_ratio,
        bar: spec.goal.numbers().map(|(bar, _)| bar),
        aim: spec.goal.numbers().map(|(_, aim)| aim),
        server_cpu_us: figures.median(&format!("{}.cpu", spec.load)),
        others,
        verdict,
    }
}

fn verdict(judged: f64, goal: Goal) -> Verdict {
    let (is_met, is_aim_met) = match goal {
        Goal::AtLeast { bar, aim } => (judged >= bar, judged >= aim),
        Goal::AtMost { bar, aim } => (judged <= bar, judged <= aim),
        Goal::Shown => return Verdict::Shown,
    };
    match (is_met, is_aim_met) {
        (_, true) => Verdict::AimMet,
        (true, false) => Verdict::Met,
        (false, false) => Verdict::Missed,
    }
}

/// Three digits that matter, thousands apart.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 {
        let whole = format!("{value:.0}");
        let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
        let mut out = String::from(sign);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        return out;
    }
    if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}; {} rounds, medians (ranges)\n", self.machine, self.rounds)?;
        let mut table =
            Table::new(["yardstick", "value", "unit", "should be", "", "its CPU µs/call"])
                .left(2)
                .left(4);
        for floor in &self.floors {
            table.row([
                floor.name.to_owned(),
                floor.value.map(|it| it.to_string()).unwrap_or_default(),
                floor.unit.to_owned(),
                floor.floor.map(number).unwrap_or_default(),
                if floor.is_slow { "slow".to_owned() } else { String::new() },
                floor.cpu_us.map(number).unwrap_or_default(),
            ]);
        }
        writeln!(f, "{table}")?;
        if let Some(note) = &self.note {
            writeln!(f, "  slow yardsticks count: {note}\n")?;
        }
        let head = [
            "row",
            "value",
            "unit",
            "yardstick",
            "",
            "compared",
            "bar",
            "aim",
            "CPU µs/call",
            "others",
            "verdict",
        ];
        let mut table = Table::new(head).left(2).left(4).left(10);
        for line in &self.lines {
            let form = |value: f64| match (line.is_ratio, line.yardstick) {
                (true, _) => format!("{value:.2} ×"),
                (false, Some(_)) if value >= 0.0 => format!("+{}", number(value)),
                (false, _) => number(value),
            };
            let compared = line
                .compared
                .map(|it| format!("{} ({}…{})", form(it.median), number(it.min), number(it.max)));
            table.row([
                line.title.to_owned(),
                line.value.map(|it| it.to_string()).unwrap_or_default(),
                line.unit.to_owned(),
                line.yardstick.and_then(|(_, value)| value).map(number).unwrap_or_default(),
                line.yardstick.map(|(name, _)| name.to_owned()).unwrap_or_default(),
                compared.unwrap_or_default(),
                line.bar.map(form).unwrap_or_default(),
                line.aim.map(form).unwrap_or_default(),
                line.server_cpu_us.map(number).unwrap_or_default(),
                line.others.map(|it| format!("{:.0} %", it * 100.0)).unwrap_or_default(),
                line.verdict.to_string(),
            ]);
        }
        write!(f, "{table}")?;
        for remark in &self.remarks {
            write!(f, "\n  {remark}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[(&str, f64)]) -> Figures {
        let mut figures = Figures::default();
        for (name, value) in values {
            figures.push(name, *value);
        }
        figures
    }

    #[track_caller]
    fn verdict_of(row: Row, values: &[(&str, f64)], note: Option<&str>) -> Vec<String> {
        let note = note.map(str::to_owned);
        let report = Report::of(&figures(values), &[row], note, Vec::new());
        report.lines.iter().map(|line| line.verdict.to_string()).collect()
    }

    #[test]
    fn rows_are_judged_by_bar_and_aim() {
        for (ours, expected) in [(54.0, "missed"), (55.0, "met"), (80.0, "met, and the aim")] {
            let values = [("sync64.rate", ours), ("y64.rate", 100.0)];
            assert_eq!(verdict_of(Row::Sync64, &values, None), [expected], "{ours}");
        }
        for (ours, expected) in [(451.0, "missed"), (450.0, "met"), (200.0, "met, and the aim")] {
            let values = [("sync1.p50", ours), ("y1.p50", 300.0)];
            assert_eq!(verdict_of(Row::Sync1, &values, None), [expected], "{ours}");
        }
        let expected = "not measured: no figures";
        assert_eq!(verdict_of(Row::Sync64, &[("sync64.rate", 1.0)], None), [expected]);
    }

    #[test]
    fn a_slow_yardstick_makes_its_rows_unmeasured_unless_noted() {
        let values = [("os64.rate", 60_000.0), ("h64.rate", 69_000.0), ("memory.mib", 20.0)];
        let slow = "not measured: H, 64 connections is slow";
        assert_eq!(verdict_of(Row::Os64, &values, None), [slow]);
        assert_eq!(verdict_of(Row::Os64, &values, Some("a slow disk")), ["met, and the aim"]);
        assert_eq!(verdict_of(Row::Memory, &values, None), ["met, and the aim"]);
        let near = [("os64.rate", 60_000.0), ("h64.rate", 71_000.0)];
        assert_eq!(verdict_of(Row::Os64, &near, None), ["met, and the aim"]);
    }

    #[test]
    fn a_machine_that_others_use_measures_nothing_unless_noted() {
        for (others, note, expected) in [
            (0.24, None, "met, and the aim"),
            (0.60, None, "not measured: others used 60 % of the machine"),
            (0.60, Some("they are always there"), "met, and the aim"),
        ] {
            let values = [("cold64.rate", 25_000.0), ("cold64.others", others)];
            let verdicts = verdict_of(Row::Cold, &values, note);
            assert_eq!(verdicts.last().map(String::as_str), Some(expected));
        }
    }

    #[test]
    fn the_table_shows_value_yardstick_and_verdict() {
        let values = [
            ("sync64.rate", 20_500.0),
            ("y64.rate", 41_000.0),
            ("sync64.cpu", 31.25),
            ("sync64.others", 0.04),
        ];
        let report = Report::of(&figures(&values), &[Row::Sync64], None, vec!["so".to_owned()]);
        let text = report.to_string();
        let line = text.lines().find(|line| line.contains("blocking, synced, 64")).unwrap();
        let cells: Vec<&str> =
            line.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect();
        let expected = [
            "blocking, synced, 64 connections",
            "20,500 (20,500…20,500)",
            "/s",
            "41,000",
            "y64.rate",
            "0.50 × (0.50…0.50)",
            "0.55 ×",
            "0.80 ×",
            "31.2",
            "4 %",
            "missed",
        ];
        assert_eq!(cells, expected);
        assert!(text.ends_with("\n  so"), "{text}");
    }

    #[test]
    fn every_row_of_the_issue_has_a_line() {
        let rows = <Row as clap::ValueEnum>::value_variants();
        for row in rows {
            assert!(SPECS.iter().any(|spec| spec.row == *row), "{row:?}");
        }
    }

    #[test]
    fn numbers_keep_three_digits() {
        for (value, text) in [
            (1_234_567.0, "1,234,567"),
            (-1000.0, "-1,000"),
            (123.4, "123"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (0.0, "0.00"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
