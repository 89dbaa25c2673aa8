//! What packages, triggers and rules have in common: lists, fields, summaries.

use api::client::{self, Name, Page};
use api::entity::Parameter;
use model::json::{Json, Kind};

use crate::args::{Entities, Get};
use crate::error::{About, Error, Kind as Entity};
use crate::output::{Output, bold};

use super::{Context, field};

/// An entity of a list: its full name, and what stands in the columns behind it.
pub(super) struct Row {
    name: String,
    more: Vec<String>,
}

impl Row {
    /// A row.
    pub(super) fn new(namespace: &str, name: &str, more: Vec<String>) -> Self {
        Self { name: format!("/{namespace}/{name}"), more }
    }
}

/// A list as `wsk` prints it. Columns but the last are at least as wide as `widths` says.
pub(super) fn show_list(
    heading: &str,
    mut rows: Vec<Row>,
    widths: &[usize],
    name_sort: bool,
    output: &mut Output,
) {
    if name_sort {
        rows.sort_by_key(|row| row.name.to_lowercase());
    }
    let cells = |row: Row| std::iter::once(row.name).chain(row.more).collect();
    let widths: Vec<usize> = std::iter::once(70).chain(widths.iter().copied()).collect();
    output.heading(heading);
    output.table(&[], &widths, &rows.into_iter().map(cells).collect::<Vec<_>>());
}

/// Who may see it, in the word of `wsk`.
pub(super) fn scope(publish: bool) -> String {
    if publish { "shared" } else { "private" }.to_owned()
}

/// The namespace that a list is of: as written, else that of the profile.
pub(super) fn namespace(asked: Option<&str>, context: &Context<'_>) -> String {
    match asked.map(|text| text.trim_matches('/')) {
        Some(text) if !text.is_empty() => text.to_owned(),
        Some(_) | None => context.namespace.clone(),
    }
}

/// Which part of a list.
pub(super) fn page(list: &Entities) -> Page {
    Page { limit: list.limit, skip: list.skip }
}

/// Shows a document, or the member of it that is asked for.
pub(super) fn show(
    kind: Entity,
    name: &Name,
    get: &Get,
    document: &Json,
    output: &mut Output,
) -> Result<(), Error> {
    let shown = bold(&name.local());
    match &get.field {
        None => {
            output.ok(format_args!("got {kind} {shown}"));
            output.json(document);
        }
        Some(name) => {
            let value = field(document, name)?;
            output.ok(format_args!("got {kind} {shown}, displaying field {}", bold(name)));
            output.json(&value);
        }
    }
    Ok(())
}

/// What an entity is for and what it takes: bound parameters with a star, those that nobody may
/// change with two.
pub(super) fn summarise(
    kind: &str,
    name: &str,
    (annotations, bound): (&[Parameter], &[Parameter]),
    output: &mut Output,
) {
    let annotation = |key: &str| annotations.iter().find(|one| one.key == key).map(|it| &it.value);
    let star = match annotation("final") {
        Some(value) if value.as_str() == "true" => "**",
        _ => "*",
    };
    let mut names: Vec<String> = bound.iter().map(|one| one.key.clone()).collect();
    let described = annotation("parameters").and_then(Json::elements).unwrap_or_default();
    let described = described.iter().filter(|one| one.kind() == Kind::Object);
    names.extend(described.filter_map(|one| one.member("name")?.text()));
    names.sort();
    names.dedup();
    let is_bound = |name: &String| bound.iter().any(|one| one.key == *name);
    let shown = names
        .iter()
        .map(|name| if is_bound(name) { format!("{star}{name}") } else { name.clone() });
    let shown: Vec<_> = shown.collect();
    let shown = if shown.is_empty() { "none defined".to_owned() } else { shown.join(", ") };
    let description = annotation("description").and_then(Json::text);
    let description = description.map(|text| format!(": {text}")).unwrap_or_default();
    output.line(format_args!("{} {name}{description}", bold(kind)));
    output.line(format_args!("   ({}: {shown})", bold("parameters")));
}

/// A call about an entity that brought nothing.
pub(super) fn unable(verb: &str, kind: Entity, name: &Name, error: client::Error) -> Error {
    let local = name.local();
    let what = format!("Unable to {verb} {kind} '{local}'");
    let about = match verb {
        "create" => About::Create(kind, local),
        _ => About::Entity(kind, local),
    };
    Error::call(what, about, error)
}

/// A list that could not be had.
pub(super) fn no_list(kind: Entity, namespace: &str, error: client::Error) -> Error {
    let what = format!("Unable to obtain the list of {kind}s for namespace '{namespace}'");
    Error::call(what, About::Other, error)
}
