//! What a quiet server shows over REST, held against what the ledger says.

use std::collections::BTreeMap;

use api::activation::History;
use api::activation::history::{State, What};
use model::id::ActivationId;
use model::json::Json;

use super::Invariant::{self, I2, I12, I14};
use super::books::{Books, Life};
use super::{Report, Shown};

/// Checks all of it.
pub(super) fn check(shown: &Shown, books: &Books, report: &mut Report) {
    let rows = by_id(&shown.rows, books, report);
    let records = by_id(&shown.records, books, report);
    for (id, life) in &books.lives {
        let Some(end) = life.end() else { continue };
        let listed = rows.get(id).map_or(&[][..], Vec::as_slice);
        report.holds(I2, listed.len() == 1, || format!("{id} has {} rows", listed.len()));
        let summary = api::activation::summary(&end.ended.row);
        let summary = String::from_utf8_lossy(&summary);
        report.holds(I14, listed.first().is_some_and(|row| row.as_str() == summary), || {
            format!("{id} is listed as {listed:?}, and is {summary}")
        });
        let record = records.get(id).and_then(|all| all.first());
        let must = end.record(true);
        report.holds(I14, record.is_some_and(|record| record.as_str() == must), || {
            format!("{id} is shown as {record:?}, and is {must}")
        });
        let history = shown.histories.get(&id.to_string());
        let wrong = history.map_or(Some("it has none"), |history| wrong(history, life));
        report
            .holds(Invariant::History, wrong.is_none(), || format!("{id}: {wrong:?}: {history:?}"));
    }
    figures(&shown.metrics, books, report);
}

fn by_id<'a>(
    documents: &'a [Json],
    books: &Books,
    report: &mut Report,
) -> BTreeMap<ActivationId, Vec<&'a Json>> {
    let mut all: BTreeMap<ActivationId, Vec<&Json>> = BTreeMap::new();
    for document in documents {
        let id = document.member("activationId").and_then(|id| id.text()?.parse().ok());
        let known = id.filter(|id| books.lives.contains_key(id));
        report.holds(I14, known.is_some(), || format!("{document:?} is of nothing in the ledger"));
        if let Some(id) = known {
            all.entry(id).or_default().push(document);
        }
    }
    all
}

/// What is wrong with a history.
fn wrong(history: &History, life: &Life) -> Option<&'static str> {
    let end = life.end()?;
    let count = |what| history.events.iter().filter(|event| event.event == what).count();
    let mut offsets: Vec<u64> = history.events.iter().map(|event| event.offset).collect();
    if !offsets.is_sorted() {
        return Some("its events are not in order");
    }
    offsets.dedup();
    if offsets != life.records.iter().map(|at| at.0).collect::<Vec<_>>() {
        return Some("its events are not those of the ledger");
    }
    if history.state != State::Ended
        || history.status.as_deref() != Some(end.ended.row.class.status())
    {
        return Some("its end is another");
    }
    if usize::try_from(history.attempts) != Ok(life.attempts.len())
        || count(What::Assigned) != life.attempts.len()
    {
        return Some("its attempts are others");
    }
    let lost = count(What::AttemptLost);
    let last = usize::from(end.ended.row.outcome.as_deref() == Some("lost"));
    if count(What::Accepted) != 1
        || count(What::Finished) + count(What::Expired) != 1
        || (life.attempts.len() > 1 && lost + last != life.cuts)
    {
        return Some("it began, ended or was cut otherwise");
    }
    None
}

/// Nothing is open, and the totals are those of the ledger.
fn figures(metrics: &[(String, f64)], books: &Books, report: &mut Report) {
    let sum = |name: &str| {
        let is = |key: &str| key.split('{').next() == Some(name);
        let found: Vec<f64> = metrics.iter().filter(|(key, _)| is(key)).map(|it| it.1).collect();
        (!found.is_empty()).then(|| found.iter().sum::<f64>())
    };
    let ends: usize = books.lives.values().map(|life| life.ends.len()).sum();
    for (name, must) in [
        ("quirl_activations_open", Some(0)),
        ("quirl_activations_accepted_total", u32::try_from(books.lives.len()).ok()),
        ("quirl_activations_ended_total", u32::try_from(ends).ok()),
    ] {
        let is = sum(name);
        let right = is.zip(must).is_some_and(|(is, must)| (is - f64::from(must)).abs() < 0.5);
        report.holds(I12, right, || format!("{name} is {is:?}, and should be {must:?}"));
    }
    // A namespace of which nothing is open may be left out.
    let in_flight = sum("quirl_namespace_in_flight").unwrap_or(0.0);
    report.holds(I12, in_flight < 0.5, || format!("{in_flight} in flight"));
}
