//! Activations as clients see them: the record, its line in a list, its response, logs, history.
//!
//! Served forms are written straight into bytes: a row of the index gives the members, the
//! result is copied in as it was kept. A blocking call spends about a microsecond here.
//! Forms that a client reads are ordinary types, in [`read`].
//!
//! Source: `rest-api.md` §§3.9, 3.10, 7; `own-api.md` §4.

use std::io::Write as _;

use model::activation::{Ran, Row};
use model::json::Json;
use model::limits::ActionLimits;
use model::outcome::Class;
use model::time::WallTime;

pub mod history;
pub mod logs;
pub mod read;

pub use self::history::History;
pub use self::logs::{Stream, log_line, rule_line};
pub use self::read::{Record, Response, Summary};

/// The full record (§7.1).
///
/// `result` is the kept result, `size` the length of the raw answer (`None` if the platform made
/// it). `lines` are the log lines; a sequence shows the ids of its steps instead, so they are
/// not looked at for one. A blocking answer for a single action gives none.
#[must_use]
pub fn record(row: &Row, result: Option<&Json>, size: Option<u64>, lines: &[String]) -> Vec<u8> {
    let text: usize = lines.iter().map(|line| line.len() + 4).sum();
    let result_length = result.map_or(0, |result| result.as_bytes().len());
    let mut out = Vec::with_capacity(768 + 40 * row.children.len() + result_length + text);
    head(&mut out, row);
    out.extend_from_slice(br#","logs":"#);
    write_logs(&mut out, row, lines);
    names(&mut out, row);
    out.extend_from_slice(br#","response":"#);
    write_response(&mut out, row.class, result, size);
    time(&mut out, br#","start":"#, row.start);
    out.extend_from_slice(br#","subject":"#);
    write_text(&mut out, &row.subject);
    version(&mut out, row);
    out
}

/// One element of a list (§7.3).
#[must_use]
pub fn summary(row: &Row) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    head(&mut out, row);
    names(&mut out, row);
    time(&mut out, br#","start":"#, row.start);
    if row.end.is_some() {
        number(&mut out, br#","statusCode":"#, row.class.code().into());
    }
    version(&mut out, row);
    out
}

/// A list of documents that are bytes already.
#[must_use]
pub fn list<T: AsRef<[u8]>>(documents: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut out = vec![b'['];
    for document in documents {
        separate(&mut out, b'[');
        out.extend_from_slice(document.as_ref());
    }
    out.push(b']');
    out
}

/// The `response` object: a member of the record, and the answer of `…/result`.
#[must_use]
pub fn response(class: Class, result: Option<&Json>, size: Option<u64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(96 + result.map_or(0, |result| result.as_bytes().len()));
    write_response(&mut out, class, result, size);
    out
}

/// The answer of `…/logs`: `{"logs":[…]}`; of a sequence the ids of its steps.
#[must_use]
pub fn logs(row: &Row, lines: &[String]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + lines.iter().map(|line| line.len() + 4).sum::<usize>());
    out.extend_from_slice(br#"{"logs":"#);
    write_logs(&mut out, row, lines);
    out.push(b'}');
    out
}

/// `{"activationId":"…"}`: the answer of an invoke that does not wait, and of a cancel.
#[must_use]
pub fn accepted(id: model::id::ActivationId) -> Vec<u8> {
    format!("{{\"activationId\":\"{id}\"}}").into_bytes()
}

/// From `activationId` to `end`: what records and summaries begin with.
fn head(out: &mut Vec<u8>, row: &Row) {
    put(out, format_args!("{{\"activationId\":\"{}\",\"annotations\":", row.id));
    annotations(out, row);
    if let Some(cause) = row.cause {
        put(out, format_args!(",\"cause\":\"{cause}\""));
    }
    if let Some(end) = row.end {
        number(out, br#","duration":"#, row.duration_us / 1000);
        time(out, br#","end":"#, end);
    }
}

/// From `name` to `publish`.
fn names(out: &mut Vec<u8>, row: &Row) {
    out.extend_from_slice(br#","name":"#);
    write_text(out, &row.name);
    out.extend_from_slice(br#","namespace":"#);
    write_text(out, row.namespace.as_str());
    out.extend_from_slice(br#","publish":false"#);
}

/// `version`, which ends every document.
fn version(out: &mut Vec<u8>, row: &Row) {
    out.extend_from_slice(br#","version":"#);
    write_text(out, &row.version);
    out.push(b'}');
}

fn write_response(out: &mut Vec<u8>, class: Class, result: Option<&Json>, size: Option<u64>) {
    out.push(b'{');
    if let Some(result) = result {
        out.extend_from_slice(br#""result":"#);
        out.extend_from_slice(result.as_bytes());
    }
    if let Some(size) = size {
        separate(out, b'{');
        number(out, br#""size":"#, size);
    }
    separate(out, b'{');
    out.extend_from_slice(br#""status":""#);
    out.extend_from_slice(class.status().as_bytes());
    out.extend_from_slice(match class {
        Class::Success => br#"","success":true}"#,
        Class::ApplicationError | Class::DeveloperError | Class::InternalError => {
            br#"","success":false}"#
        }
    });
}

/// Steps or lines. A sequence that never began has neither.
fn write_logs(out: &mut Vec<u8>, row: &Row, lines: &[String]) {
    out.push(b'[');
    if row.ran.as_ref().is_some_and(|ran| ran.topmost.is_some()) {
        for child in &row.children {
            separate(out, b'[');
            put(out, format_args!("\"{child}\""));
        }
    } else {
        for line in lines {
            separate(out, b'[');
            write_text(out, line);
        }
    }
    out.push(b']');
}

/// All annotations in the one order of §7.1, then ours; none for triggers.
fn annotations(out: &mut Vec<u8>, row: &Row) {
    out.push(b'[');
    if let Some(ran) = &row.ran {
        let caused = row.cause.is_some();
        if ran.began {
            began(out, ran, caused);
        } else {
            never_began(out, ran, caused);
        }
        if let Some(from) = &ran.started_from {
            text_annotation(out, "start", from);
        }
    }
    if let Some(outcome) = &row.outcome {
        text_annotation(out, "outcome", outcome);
    }
    out.push(b']');
}

fn began(out: &mut Vec<u8>, ran: &Ran, caused: bool) {
    if let Some(topmost) = ran.topmost {
        flag_annotation(out, "topmost", topmost);
    }
    if caused {
        text_annotation(out, "causedBy", "sequence");
    }
    if let Some(binding) = &ran.binding {
        text_annotation(out, "binding", binding);
    }
    text_annotation(out, "path", &ran.path);
    number_annotation(out, "waitTime", ran.wait_ms);
    text_annotation(out, "kind", &ran.kind);
    if let Some(timeout) = ran.timeout {
        flag_annotation(out, "timeout", timeout);
    }
    if let Some(limits) = &ran.limits {
        limits_annotation(out, limits);
    }
    if let Some(init) = ran.init_ms {
        number_annotation(out, "initTime", init);
    }
}

/// §3.10: a record that the platform made because nothing ran.
fn never_began(out: &mut Vec<u8>, ran: &Ran, caused: bool) {
    if caused {
        text_annotation(out, "causedBy", "sequence");
    }
    text_annotation(out, "path", &ran.path);
    text_annotation(out, "kind", "unknown");
}

fn limits_annotation(out: &mut Vec<u8>, limits: &ActionLimits) {
    let ActionLimits { concurrency, logs, memory, timeout, instances } = limits;
    open_annotation(out, "limits");
    number(out, br#"{"concurrency":"#, (*concurrency).into());
    if let Some(instances) = instances {
        number(out, br#","instances":"#, (*instances).into());
    }
    number(out, br#","logs":"#, (*logs).into());
    number(out, br#","memory":"#, (*memory).into());
    number(out, br#","timeout":"#, timeout.0);
    out.extend_from_slice(b"}}");
}

fn text_annotation(out: &mut Vec<u8>, key: &str, value: &str) {
    open_annotation(out, key);
    write_text(out, value);
    out.push(b'}');
}

fn flag_annotation(out: &mut Vec<u8>, key: &str, value: bool) {
    open_annotation(out, key);
    out.extend_from_slice(if value { b"true}" } else { b"false}" });
}

fn number_annotation(out: &mut Vec<u8>, key: &str, value: u64) {
    open_annotation(out, key);
    number(out, b"", value);
    out.push(b'}');
}

/// Up to the value. Keys are ours and need no escapes.
fn open_annotation(out: &mut Vec<u8>, key: &str) {
    separate(out, b'[');
    out.extend_from_slice(br#"{"key":""#);
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(br#"","value":"#);
}

/// Milliseconds since the epoch.
fn time(out: &mut Vec<u8>, before: &[u8], time: WallTime) {
    out.extend_from_slice(before);
    number(out, if time.0 < 0 { b"-" } else { b"" }, time.0.unsigned_abs());
}

/// Digits without `fmt`, which takes as long as all the rest of a record.
fn number(out: &mut Vec<u8>, before: &[u8], mut number: u64) {
    out.extend_from_slice(before);
    let start = out.len();
    loop {
        // A digit always fits.
        out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// A comma, unless `open` was just written: no element of ours ends in an opening bracket.
fn separate(out: &mut Vec<u8>, open: u8) {
    if out.last() != Some(&open) {
        out.push(b',');
    }
}

/// A JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, text).is_err() {
        // Memory does not fail; if it ever did, half a string must not stay.
        out.truncate(start);
        out.extend_from_slice(b"\"\"");
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail, and what we format does not either.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests;
