//! The data in slices: each is a request of its own.

use std::path::Path;

use anyhow::{Context as _, Result};
use model::json::Json;

use super::pipeline::Pipeline;
use crate::platform::Programs;

/// Rows in a slice of the weather.
const ROWS: usize = 10;
/// Quotes that the next slice of a company has more than the one before.
const QUOTES: usize = 3;

/// Some rows under the head of their file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// What it is fed to.
    pub pipeline: Pipeline,
    /// The request: `Idempotency-Key`.
    pub key: String,
    /// What the pipeline is given: `csv` and `source`.
    pub args: Json,
    /// Whether the client waits for the end.
    pub blocking: bool,
}

impl Pipeline {
    /// The size of its slices, as its script is told.
    #[must_use]
    pub const fn slice_size(self) -> usize {
        match self {
            Self::Weather => ROWS,
            Self::Quotes => QUOTES,
        }
    }

    /// What its slices are.
    #[must_use]
    pub fn slice_words(self) -> String {
        match self {
            Self::Weather => format!("{ROWS} rows each"),
            Self::Quotes => format!("what was known of a company after each {QUOTES} months"),
        }
    }
}

/// All files of all pipelines; those of each are in order, and spread over the whole.
///
/// # Errors
/// A file cannot be read.
pub fn of_files(programs: &Programs) -> Result<Vec<Slice>> {
    let mut all = Vec::new();
    for pipeline in Pipeline::ALL {
        let mut slices = Vec::new();
        for file in pipeline.files() {
            slices.extend(of(pipeline, file, &read(&programs.samples, file)?));
        }
        all.push(slices);
    }
    Ok(spread(all))
}

/// Several lists as one: at every place as much of each as there is of it in all.
fn spread(lists: Vec<Vec<Slice>>) -> Vec<Slice> {
    let mut all = Vec::new();
    for list in lists {
        let count = list.len();
        // The middle of its share of the whole, in millionths.
        let place = |at: usize| (2 * at + 1) * 1_000_000 / (2 * count);
        all.extend(list.into_iter().enumerate().map(|(at, slice)| (place(at), slice)));
    }
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, slice)| slice).collect()
}

/// A data file.
///
/// # Errors
/// It cannot be read.
pub fn read(samples: &Path, file: &str) -> Result<String> {
    let path = samples.join("data").join(file);
    std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
}

/// The slices of a text; every other one is waited for.
fn of(pipeline: Pipeline, file: &str, text: &str) -> Vec<Slice> {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let rows: Vec<&str> = lines.collect();
    let parts = match pipeline {
        Pipeline::Weather => by_rows(&rows),
        Pipeline::Quotes => by_company(&rows),
    };
    let slice = |(at, (source, part)): (usize, (String, Vec<&str>))| {
        let csv = format!("{head}\n{}\n", part.join("\n"));
        let key = format!("demo {file} {source}").replace(", ", " ").replace(' ', "-");
        Slice { pipeline, key, args: arguments(&csv, &source), blocking: at % 2 == 0 }
    };
    parts.into_iter().enumerate().map(slice).collect()
}

/// A few rows each.
fn by_rows<'a>(rows: &[&'a str]) -> Vec<(String, Vec<&'a str>)> {
    let part = |(at, part): (usize, &[&'a str])| {
        let source = format!("rows {} to {}", at * ROWS + 1, at * ROWS + part.len());
        (source, part.to_vec())
    };
    rows.chunks(ROWS).enumerate().map(part).collect()
}

/// The first quotes of each company, more and more of them.
fn by_company<'a>(rows: &[&'a str]) -> Vec<(String, Vec<&'a str>)> {
    let mut companies: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        let symbol = row.split(',').next().unwrap_or_default();
        match companies.iter_mut().find(|(known, _)| *known == symbol) {
            Some((_, own)) => own.push(row),
            None => companies.push((symbol, vec![row])),
        }
    }
    let mut parts = Vec::new();
    for (symbol, own) in companies {
        for count in (QUOTES..=own.len()).step_by(QUOTES) {
            let part = own.iter().take(count).copied().collect();
            parts.push((format!("{symbol}, {count} quotes"), part));
        }
    }
    parts
}

/// What a pipeline is given.
#[must_use]
pub fn arguments(csv: &str, source: &str) -> Json {
    Json::object([("csv", Json::string(csv)), ("source", Json::string(source))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(range: std::ops::RangeInclusive<u32>, name: &str) -> String {
        range.map(|row| format!("{name}{row}\n")).collect()
    }

    #[test]
    fn the_last_slice_has_what_is_left() {
        let text = format!("head\n{}", numbered(1..=12, "r"));
        let slices = of(Pipeline::Weather, "f.csv", &text);
        let [first, last] = slices.as_slice() else { panic!("{slices:?}") };
        assert_eq!((first.blocking, last.blocking), (true, false));
        assert_eq!(last.key, "demo-f.csv-rows-11-to-12");
        assert_eq!(last.args.as_str(), r#"{"csv":"head\nr11\nr12\n","source":"rows 11 to 12"}"#);
    }
    #[test]
    fn more_and_more_is_known_of_each_company() {
        let text = format!("head\n{}{}", numbered(1..=7, "B,"), numbered(1..=3, "A,"));
        let slices = of(Pipeline::Quotes, "f.csv", &text);
        let keys: Vec<_> = slices.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(
            keys,
            ["demo-f.csv-B-3-quotes", "demo-f.csv-B-6-quotes", "demo-f.csv-A-3-quotes"]
        );
        let csv = r#"{"csv":"head\nA,1\nA,2\nA,3\n","source":"A, 3 quotes"}"#;
        assert_eq!(slices[2].args.as_str(), csv);
    }

    #[test]
    fn slices_of_all_pipelines_are_spread_and_stay_in_order() {
        let weather = of(Pipeline::Weather, "w", &format!("head\n{}", numbered(1..=40, "r")));
        let quotes = of(Pipeline::Quotes, "q", &format!("head\n{}", numbered(1..=6, "A,")));
        let all = spread(vec![weather.clone(), quotes.clone()]);
        let pipelines: Vec<_> = all.iter().map(|it| it.pipeline).collect();
        let (w, q) = (Pipeline::Weather, Pipeline::Quotes);
        assert_eq!(pipelines, [w, q, w, w, q, w]);
        for (pipeline, list) in [(w, weather), (q, quotes)] {
            let own = all.iter().filter(|it| it.pipeline == pipeline).cloned();
            assert_eq!(own.collect::<Vec<_>>(), list);
        }
    }
}
