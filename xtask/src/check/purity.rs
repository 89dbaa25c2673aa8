//! What decides touches nothing: no task, channel, clock, random or unordered map where the heart and
//! the state machines stand.
//!
//! Source: style.md §1 and §7.

use super::Finding;
use crate::source::{Source, UsedPath, paths, tokens};

/// Waiting, and what it is done with.
const WAITING: &[&str] = &["tokio", "futures", "async", "await", "std::thread"];
/// Shared state and channels.
const SHARING: &[&str] =
    &["std::sync::mpsc", "mpsc", "oneshot", "Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock"];
/// The time of day, and chance.
const CLOCK_AND_CHANCE: &[&str] = &[
    "Instant",
    "SystemTime",
    "Clock",
    "Random",
    "getrandom",
    "rand",
    "rand_chacha",
    "daemon::clock",
    "daemon::random",
];
/// The outside.
const OUTSIDE: &[&str] = &["std::env", "std::fs", "std::io", "std::net", "std::process"];
/// Maps whose order differs from run to run.
const UNORDERED: &[&str] = &["HashMap", "HashSet"];
/// Numbers that machines may round differently.
const FLOATS: &[&str] = &["f32", "f64"];

/// Judges what ships of the pure parts.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(judge).collect()
}

fn judge(source: &Source) -> Vec<Finding> {
    let forbidden = forbidden(source);
    if forbidden.is_empty() {
        return Vec::new();
    }
    let tokens = tokens(&source.shipped);
    let used = paths(&tokens);
    let wrong = |path: &UsedPath<'_>| {
        let word = forbidden.iter().find(|word| path.has(word))?;
        let says = format!("`{word}` in a pure part: pass the value or the event in (style.md §7)");
        Some(Finding::new(source.at(path.line), says))
    };
    used.iter().filter_map(wrong).collect()
}

/// What may not stand in this file; nothing for files that may touch the outside.
fn forbidden(source: &Source) -> Vec<&'static str> {
    let pure = [WAITING, SHARING, CLOCK_AND_CHANCE, OUTSIDE];
    match () {
        () if source.is_in("core/ledger/src") => [&pure[..], &[UNORDERED, FLOATS]].concat(),
        () if is_step(source) => [&pure[..], &[UNORDERED]].concat(),
        () if source.is_in("core/model/src") => pure.to_vec(),
        () => Vec::new(),
    }
    .concat()
}

/// Whether the file, or a folder on its way, is called `step`.
fn is_step(source: &Source) -> bool {
    let mut parts = source.path.iter();
    parts.any(|part| part == "step" || part == "step.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, found: usize) {
        let findings = check(&[Source::new(path, text)]);
        assert_eq!(findings.len(), found, "{findings:?}");
    }

    #[test]
    fn a_step_that_waits_or_looks_at_a_clock_is_found() {
        check_file("controller/src/owner/step.rs", "async fn f() { g().await }", 2);
        check_file("invoker/src/step/lease.rs", "let now = std::time::Instant::now();", 1);
        check_file("invoker/src/pool/step.rs", "use std::collections::{BTreeMap, HashMap};", 1);
        check_file("invoker/src/pool/mod.rs", "use std::collections::HashMap; use tokio::x;", 0);
    }

    #[test]
    fn the_ledger_has_no_floats_and_the_model_no_files() {
        check_file("core/ledger/src/fold/mod.rs", "fn f(x: f64) {}", 1);
        check_file("core/model/src/size.rs", "fn f(x: f64) { std::fs::read(x) }", 1);
    }

    #[test]
    fn comments_and_tests_may_say_anything() {
        let text = "// tokio\nfn f() { g(\"tokio\") }\n#[cfg(test)]\nmod tests { use tokio::x; }";
        check_file("core/ledger/src/id.rs", text, 0);
    }
}
