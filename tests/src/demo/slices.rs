//! The data in slices: each is a request of its own.

use std::path::Path;

use anyhow::{Context as _, Result};
use model::json::Json;

use super::pipeline::FILES;
use crate::platform::Programs;

/// Rows in one slice.
pub const ROWS: usize = 10;

/// Some rows under the head of their file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The request: `Idempotency-Key`.
    pub key: String,
    /// What the pipeline is given: `csv` and `source`.
    pub args: Json,
    /// Whether the client waits for the end.
    pub blocking: bool,
}

/// Both files, in order.
///
/// # Errors
/// A file cannot be read.
pub fn of_files(programs: &Programs) -> Result<Vec<Slice>> {
    let mut all = Vec::new();
    for file in FILES {
        let text = read(&programs.samples, file)?;
        all.extend(of(file, &text));
    }
    Ok(all)
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
fn of(file: &str, text: &str) -> Vec<Slice> {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let rows: Vec<&str> = lines.collect();
    let slice = |(at, part): (usize, &[&str])| {
        let source = format!("rows {} to {}", at * ROWS + 1, at * ROWS + part.len());
        let csv = format!("{head}\n{}\n", part.join("\n"));
        let key = format!("demo {file} {source}").replace(' ', "-");
        Slice { key, args: arguments(&csv, &source), blocking: at % 2 == 0 }
    };
    rows.chunks(ROWS).enumerate().map(slice).collect()
}

/// What the pipeline is given.
#[must_use]
pub fn arguments(csv: &str, source: &str) -> Json {
    Json::object([("csv", Json::string(csv)), ("source", Json::string(source))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_slice_has_what_is_left() {
        let rows: Vec<String> = (1..=12).map(|row| format!("r{row}")).collect();
        let slices = of("f.csv", &format!("head\n{}\n", rows.join("\n")));
        let [first, last] = slices.as_slice() else { panic!("{slices:?}") };
        assert_eq!((first.blocking, last.blocking), (true, false));
        assert_eq!(last.key, "demo-f.csv-rows-11-to-12");
        assert_eq!(last.args.as_str(), r#"{"csv":"head\nr11\nr12\n","source":"rows 11 to 12"}"#);
    }
}
