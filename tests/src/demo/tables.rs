//! Results as tables: pure, so that the script's figures can be shown in just the same way.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use api::activation::read::annotation;
use serde_json::Value;

use super::pipeline::{Life, Seen};
use crate::table::Table;

/// Examples that are shown of each kind of finding.
const EXAMPLES: usize = 3;

/// The months of the last year beside what is usual, and what was unusual.
#[must_use]
pub fn original(result: &Value) -> String {
    let year = text(&result["summary"]["to"]).chars().take(4).collect::<String>();
    format!(
        "\n  {year} in Seattle, and what is usual there (mean ± deviation of four years)\n\n{}\n  \
         Months unlike themselves: {} are {} deviations or more from what is usual\n\n{}",
        months(result, &year),
        shown(&result["summary"]["anomalies"]),
        shown(&result["summary"]["threshold"]),
        anomalies(result)
    )
}

/// What cleaning found, and what of the damage is left in the months.
fn damaged(original: &Value, repaired: &Value) -> String {
    let left = changed_months(original, repaired);
    let mut table = Table::new(["figure", "original", "cleaned"]);
    left.iter().for_each(|it| table.row([it.path.clone(), it.before.clone(), it.after.clone()]));
    format!(
        "\n  What cleaning found in the damaged copy\n\n{}\n  What is left of the damage in {} \
         months: {} figures\n\n{table}",
        findings(&repaired["cleaning"]),
        items(&repaired["months"]).len(),
        left.len()
    )
}

/// All that is told of the results on the files of all pipelines, in the order of these.
#[must_use]
pub fn results(results: &[&Value]) -> String {
    match results {
        [weather, repaired, stocks] => {
            [original(weather), damaged(weather, repaired), quotes(stocks)].concat()
        }
        [stocks] => quotes(stocks),
        _ => String::new(),
    }
}

/// The last quote of each company, what may come next, and how far such forecasts were off.
fn quotes(result: &Value) -> String {
    let head = ["company", "quotes", "from", "to", "last $", "in a year %", "next $", "MAE $"];
    let mut table = Table::new(head.into_iter().chain(["MAPE %"])).left(2).left(3);
    for (last, forecast) in items(&result["last"]).iter().zip(items(&result["forecasts"])) {
        table.row([
            text(&last["symbol"]).to_owned(),
            shown(&last["quotes"]),
            text(&last["from"]).to_owned(),
            text(&last["date"]).to_owned(),
            two(&last["price"]),
            two(&last["year_percent"]),
            two(&forecast["next"]),
            two(&forecast["mae"]),
            two(&forecast["mape"]),
        ]);
    }
    let summary = &result["summary"];
    format!(
        "\n  The last quote of each company, and the next as the mean of {} months; how far such \
         forecasts\n  were off in the last {} months, each made of the months before it\n\n{table}\n  \
         {} quotes of {} companies; {} months held out, their forecasts off by {} % in the mean\n",
        shown(&result["window"]),
        shown(&result["held_out"]),
        shown(&result["reading"]["quotes"]),
        shown(&summary["companies"]),
        shown(&summary["held_out"]),
        two(&summary["mape"]),
    )
}

/// The time of each step.
#[must_use]
pub fn steps(seen: &Seen) -> String {
    let head =
        ["step", "activation", "began after ms", "ran ms", "start", "attempts", "result bytes"];
    let mut table = Table::new(head).left(1).left(4);
    seen.steps.iter().for_each(|step| table.row(step_row(step)));
    let took = seen.record.end.map_or(0, |end| end - seen.record.start);
    format!("\n  Steps on {}, {took} ms from accepted to ended\n\n{table}", seen.file)
}

fn step_row(step: &Life) -> [String; 7] {
    let record = &step.record;
    let note = |key| annotation(&record.annotations, key).map(|json| json.as_str().to_owned());
    let start = note("initTime").map_or("warm".to_owned(), |init| format!("cold, {init} ms"));
    [
        record.name.clone(),
        record.activation_id.clone(),
        note("waitTime").unwrap_or_default(),
        record.duration.map(|ms| ms.to_string()).unwrap_or_default(),
        start,
        step.history.attempts.to_string(),
        record.response.size.map(|size| size.to_string()).unwrap_or_default(),
    ]
}

fn months(result: &Value, year: &str) -> Table {
    let head = ["month", "days", "max °C", "usual", "min °C", "usual", "rain mm", "usual"];
    let mut table = Table::new(head.into_iter().chain(["wind m/s", "weather"])).left(9);
    for month in items(&result["months"]) {
        let Some((of, number)) = text(&month["month"]).split_once('-') else { continue };
        if of != year {
            continue;
        }
        let is_it = |usual: &&Value| number.parse().ok() == usual["month"].as_u64();
        let usual = items(&result["climatology"]).iter().find(is_it).unwrap_or(&Value::Null);
        let usually =
            |what: &str| format!("{} ± {}", two(&usual[what]), two(&usual[format!("{what}_sd")]));
        table.row([
            text(&month["month"]).to_owned(),
            shown(&month["days"]),
            two(&month["temp_max"]),
            usually("temp_max"),
            two(&month["temp_min"]),
            usually("temp_min"),
            one(&month["precipitation"]),
            usually("precipitation"),
            one(&month["wind_max"]),
            tally(&month["weather"]),
        ]);
    }
    table
}

fn anomalies(result: &Value) -> Table {
    let mut table = Table::new(["month", "what", "value", "usual", "z"]).left(1);
    for it in items(&result["anomalies"]) {
        let usual = format!("{} ± {}", two(&it["mean"]), two(&it["sd"]));
        let name = text(&it["what"]).to_owned();
        table.row([text(&it["month"]).to_owned(), name, two(&it["value"]), usual, two(&it["z"])]);
    }
    table
}

/// Counts, then findings by kind with a few examples.
fn findings(cleaning: &Value) -> String {
    let mut out = String::new();
    let count = |name: &str| shown(&cleaning[name]);
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        out,
        "  {} rows in, {} out; {} broken, {} repeated, {} out of order; {} cells blank, {} not a \
         number, {} in °F; {} days missing",
        count("rows_in"),
        count("rows_out"),
        count("broken_rows"),
        count("repeated_rows"),
        count("out_of_order_rows"),
        count("blank_cells"),
        count("not_numbers"),
        count("fahrenheit_cells"),
        count("missing_days"),
    );
    let mut kinds: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let found = items(&cleaning["findings"]);
    found.iter().for_each(|it| kinds.entry(text(&it["kind"])).or_default().push(it));
    for (kind, found) in kinds {
        let _ = writeln!(out, "  {kind}: {}", found.len());
        for finding in found.iter().take(EXAMPLES) {
            let _ = writeln!(out, "    {}", told(finding));
        }
        if found.len() > EXAMPLES {
            let _ = writeln!(out, "    … and {} more", found.len() - EXAMPLES);
        }
    }
    out
}

/// What findings have besides their kind, in the order in which it is told.
const MEMBERS: [&str; 13] = [
    "line", "from", "to", "date", "column", "text", "found", "why", "same", "cells", "now",
    "temp_max", "temp_min",
];

/// A finding in words: `line 1140, 2015/02/31, no such date: dropped`.
fn told(finding: &Value) -> String {
    let mut parts = Vec::new();
    for (name, value) in MEMBERS.iter().filter_map(|name| Some((*name, finding.get(name)?))) {
        match name {
            "line" | "from" | "to" | "now" | "found" => {
                parts.push(format!("{name} {}", shown(value)));
            }
            "cells" => parts.push(format!("{} cells", shown(value))),
            "same" if value == true => parts.push("word for word".to_owned()),
            "same" => parts.push("other figures".to_owned()),
            _ => parts.push(shown(value)),
        }
    }
    format!("{}: {}", parts.join(", "), text(&finding["did"]))
}

/// The figures of months that two results do not share.
#[must_use]
pub fn changed_months(before: &Value, after: &Value) -> Vec<Difference> {
    differences(&by_month(before), &by_month(after))
}

/// A figure that two results do not share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where it stands.
    pub path: String,
    /// In the first.
    pub before: String,
    /// In the second.
    pub after: String,
}

/// Where two values differ, leaf by leaf.
#[must_use]
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    leaves("", before, &mut left);
    leaves("", after, &mut right);
    let mut paths: Vec<&String> = left.keys().chain(right.keys()).collect();
    paths.sort();
    paths.dedup();
    let differ = paths.into_iter().filter(|path| left.get(*path) != right.get(*path));
    let word = |side: &BTreeMap<String, String>, path| {
        side.get(path).map_or("–", String::as_str).to_owned()
    };
    differ
        .map(|path| Difference {
            path: path.clone(),
            before: word(&left, path),
            after: word(&right, path),
        })
        .collect()
}

fn leaves(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let under =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(&under(name), value, into));
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                leaves(&under(&at.to_string()), value, into);
            }
        }
        leaf => {
            into.insert(path.to_owned(), shown(leaf));
        }
    }
}

/// Months by their name instead of their place.
fn by_month(result: &Value) -> Value {
    let months = items(&result["months"]).iter();
    months.map(|month| (text(&month["month"]).to_owned(), month.clone())).collect()
}

/// How many figures a text shows.
#[must_use]
pub fn figures(text: &str) -> usize {
    text.split(|c: char| c.is_whitespace() || c == ',' || c == ';' || c == ':')
        .filter(|word| word.parse::<f64>().is_ok())
        .count()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}

fn tally(value: &Value) -> String {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, count)| format!("{name} {}", shown(count))).collect::<Vec<_>>().join(", ")
}

fn one(value: &Value) -> String {
    value.as_f64().map_or("–".to_owned(), |value| format!("{value:.1}"))
}

fn two(value: &Value) -> String {
    value.as_f64().map_or("–".to_owned(), |value| format!("{value:.2}"))
}

/// A leaf as it is, texts without quotes.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        Value::Number(number) => number.as_f64().map_or(number.to_string(), |it| it.to_string()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_year_stands_beside_what_is_usual() {
        let month = |month: &str, max: f64| {
            json!({"month": month, "days": 31, "temp_max": max, "temp_min": null,
                "precipitation": 7.0, "wind_max": 8.25, "weather": {"rain": 2, "sun": 1}})
        };
        let result = json!({
            "months": [month("2011-01", 1.0), month("2012-01", 2.5)],
            "climatology": [{"month": 1, "temp_max": 1.75, "temp_max_sd": null}],
        });
        let told = months(&result, "2012").to_string();
        let row = told.lines().nth(1).unwrap();
        assert_eq!(told.lines().count(), 2);
        let words: Vec<_> = row.split_whitespace().collect();
        assert_eq!(words[..6], ["2012-01", "31", "2.50", "1.75", "±", "–"]);
        assert!(row.ends_with("8.2  rain 2, sun 1"), "{row}");
        assert_eq!(figures(row), 7);
    }

    #[test]
    fn forecasts_stand_beside_the_last_quotes() {
        let result = json!({
            "window": 3, "held_out": 12, "reading": {"quotes": 4},
            "last": [{"symbol": "A", "quotes": 4, "from": "2010-01-01", "date": "2010-04-01",
                "price": 7, "year_percent": null}],
            "forecasts": [{"symbol": "A", "next": 6.5, "mae": 1.25, "mape": 20.1}],
            "summary": {"companies": 1, "held_out": 1, "mae": 1.25, "mape": 20.1},
        });
        let told = quotes(&result);
        let row = told.lines().find(|line| line.starts_with("  A ")).unwrap();
        let words: Vec<_> = row.split_whitespace().collect();
        let expected = ["A", "4", "2010-01-01", "2010-04-01", "7.00", "–", "6.50", "1.25", "20.10"];
        assert_eq!(words, expected);
        assert!(told.contains("as the mean of 3 months"), "{told}");
    }

    #[test]
    fn findings_are_told_in_words() {
        let blank = json!({"kind": "blank", "line": 2, "date": "2012-01-01", "column": "temp_min",
            "now": 2.8, "did": "interpolated"});
        assert_eq!(told(&blank), "line 2, 2012-01-01, temp_min, now 2.8: interpolated");
        let repeated = json!({"kind": "repeated", "line": 9, "same": true, "did": "dropped"});
        assert_eq!(told(&repeated), "line 9, word for word: dropped");
    }

    #[test]
    fn every_leaf_that_differs_is_told() {
        let before = json!({"a": {"b": [1, 2.0]}, "c": "x"});
        let after = json!({"a": {"b": [1.0, 3]}, "d": null});
        let told: Vec<_> = differences(&before, &after)
            .into_iter()
            .map(|it| format!("{}: {} {}", it.path, it.before, it.after))
            .collect();
        assert_eq!(told, ["a b 1: 2 3", "c: x –", "d: – –"]);
    }
}
