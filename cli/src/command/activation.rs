//! `quirl activation …`

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use api::activation::history::{Event, What};
use api::activation::{History, Summary, read};
use api::client::{self, Cancelled, Filter, Page};
use model::json::Json;

use crate::args::Connection;
use crate::args::activation::{self as args, One, Verb};
use crate::error::{About, Error};
use crate::output::{bold, duration};

use super::{Context, field};

/// Source: `rest-api.md` §10.2, `activation poll`.
const POLL_EVERY: Duration = Duration::from_secs(2);

impl Verb {
    /// Where the verb is to be done.
    pub(super) fn connection(&self) -> &Connection {
        match self {
            Self::List(list) => &list.connection,
            Self::Get(get) => &get.connection,
            Self::Logs(logs) => &logs.one.connection,
            Self::Result(one) | Self::Cancel(one) => &one.connection,
            Self::History(history) => &history.one.connection,
            Self::Poll(poll) => &poll.connection,
        }
    }
}

/// Does it.
pub(super) async fn run(verb: &Verb, context: Context<'_>) -> Result<u8, Error> {
    match verb {
        Verb::List(list) => self::list(list, context).await,
        Verb::Get(get) => self::get(get, context).await,
        Verb::Logs(logs) => self::logs(logs, context).await,
        Verb::Result(one) => result(one, context).await,
        Verb::History(history) => self::history(history, context).await,
        Verb::Cancel(one) => cancel(one, context).await,
        Verb::Poll(poll) => self::poll(poll, context).await,
    }?;
    Ok(0)
}

async fn list(list: &args::List, context: Context<'_>) -> Result<(), Error> {
    let filter = Filter {
        page: Page { limit: list.limit, skip: list.skip },
        name: list.name.as_deref().and_then(without_namespace),
        since: list.since,
        upto: list.upto,
    };
    let fault =
        |error| Error::call("Unable to obtain the list of activations", About::Other, error);
    if list.full {
        let records = context.client.records(&filter).await.map_err(fault)?;
        context.output.heading("activations");
        records.iter().for_each(|record| context.output.json(&Json::of(record)));
        return Ok(());
    }
    let found = context.client.activations(&filter).await.map_err(fault)?;
    let header = ["Datetime", "Activation ID", "Kind", "Start", "Duration", "Status", "Entity"];
    let rows: Vec<_> = found.iter().map(|summary| row(summary, &context.zone)).collect();
    context.output.table(&header, &[19, 32, 4, 5, 10, 7, 6], &rows);
    Ok(())
}

/// A line of the list: kind, cold or warm, duration and status are derived as `wsk` does.
fn row(summary: &Summary, zone: &TimeZone) -> Vec<String> {
    let annotation = |key| read::annotation(&summary.annotations, key);
    let kind = annotation("kind").and_then(Json::text).unwrap_or_else(|| "unknown".to_owned());
    let start = if annotation("initTime").is_some() { "cold" } else { "warm" };
    let statuses = ["success", "application error", "developer error", "internal error"];
    let status = statuses.get(usize::from(summary.status_code.unwrap_or(0))).unwrap_or(&"unknown");
    vec![
        time(summary.start, zone, "%Y-%m-%d %H:%M:%S"),
        summary.activation_id.clone(),
        kind,
        start.to_owned(),
        duration(summary.duration.unwrap_or(0)),
        (*status).to_owned(),
        format!("{}/{}:{}", summary.namespace, summary.name, summary.version),
    ]
}

async fn get(get: &args::Get, context: Context<'_>) -> Result<(), Error> {
    let (id, name) = match (get.last, get.words.as_slice()) {
        (true, words) => (newest(&context).await?, words.first()),
        (false, [id, rest @ ..]) => (id.clone(), rest.first()),
        (false, []) => return Err(no_id()),
    };
    let record = context.client.activation(&id).await.map_err(|error| unable("get", &id, error))?;
    let output = context.output;
    if get.summary {
        let at = time(record.end.unwrap_or(record.start), &context.zone, "%Y-%m-%d %H:%M:%S %z");
        let name = format!("/{}/{}", record.namespace, record.name);
        let status = &record.response.status;
        output.line(format_args!("activation result for '{name}' ({status} at {at})"));
        output.json(&record.response.result.unwrap_or_else(Json::null));
    } else if get.logs {
        record.logs.iter().for_each(|line| output.line(stripped(line)));
    } else if let Some(name) = name {
        let value = field(&Json::of(&record), name)?;
        output.ok(format_args!("got activation {}, displaying field {}", bold(&id), bold(name)));
        output.json(&value);
    } else {
        output.ok(format_args!("got activation {}", bold(&id)));
        output.json(&Json::of(&record));
    }
    Ok(())
}

async fn logs(logs: &args::Logs, context: Context<'_>) -> Result<(), Error> {
    let id = which(&logs.one, &context).await?;
    let what = "get logs for";
    let lines = context.client.logs(&id).await.map_err(|error| unable(what, &id, error))?;
    for line in &lines {
        context.output.line(if logs.strip { stripped(line) } else { line });
    }
    Ok(())
}

async fn result(one: &One, context: Context<'_>) -> Result<(), Error> {
    let id = which(one, &context).await?;
    let what = "get result for";
    let response = context.client.result(&id).await.map_err(|error| unable(what, &id, error))?;
    context.output.json(&response.result.unwrap_or_else(Json::null));
    Ok(())
}

async fn cancel(one: &One, context: Context<'_>) -> Result<(), Error> {
    let id = which(one, &context).await?;
    match context.client.cancel(&id).await.map_err(|error| unable("cancel", &id, error))? {
        Cancelled::Now => context.output.ok(format_args!("cancelled activation {}", bold(&id))),
        Cancelled::EndedBefore(record) => {
            let status = &record.response.status;
            let id = bold(&id);
            context.output.ok(format_args!("activation {id} had already ended: {status}"));
        }
    }
    Ok(())
}

async fn history(history: &args::History, context: Context<'_>) -> Result<(), Error> {
    let id = which(&history.one, &context).await?;
    let what = "get history of";
    let found = context.client.history(&id).await.map_err(|error| unable(what, &id, error))?;
    if history.json {
        context.output.json(&Json::of(&found));
        return Ok(());
    }
    let output = context.output;
    output.line(headline(&found));
    let header = ["Datetime", "Event", "Attempt", "By", "Offset", "Details"];
    let rows = found.events.iter().map(|event| event_row(event, &context.zone));
    output.table(&header, &[23, 8, 7, 11, 6, 0], &rows.collect::<Vec<_>>());
    if !found.children.is_empty() {
        output.line(format_args!("steps: {}", found.children.join(" ")));
    }
    Ok(())
}

fn headline(history: &History) -> String {
    let state = match history.state {
        api::activation::history::State::Queued => "queued",
        api::activation::history::State::Running => "running",
        api::activation::history::State::Ended => "ended",
    };
    let status = history.status.as_deref().map(|status| format!(", {status}")).unwrap_or_default();
    let (action, version, attempts) = (&history.action, &history.version, history.attempts);
    let attempts =
        if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
    format!("/{action}:{version} {state}{status}, {attempts}")
}

fn event_row(event: &Event, zone: &TimeZone) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let details = match event.event {
        What::Accepted => [text(&event.cause), text(&event.transaction_id)].join(" "),
        What::Assigned | What::Touched => text(&event.invoker),
        What::Returned => {
            let began = event.started.as_deref().map(|started| format!("began: {started}"));
            [text(&began), text(&event.reason)].join(" ")
        }
        What::AttemptLost | What::Expired => text(&event.reason),
        What::Finished => text(&event.status),
    };
    vec![
        time(event.at, zone, "%Y-%m-%d %H:%M:%S%.3f"),
        event.event.as_str().to_owned(),
        event.attempt.map(|attempt| attempt.to_string()).unwrap_or_default(),
        event.by.clone(),
        event.offset.to_string(),
        details.trim().to_owned(),
    ]
}

/// Shows the logs of what ended since the last look, until the time is up or Ctrl-C.
async fn poll(poll: &args::Poll, context: Context<'_>) -> Result<(), Error> {
    context.output.line("Enter Ctrl-c to exit.");
    let name = poll.name.as_deref().and_then(without_namespace);
    let newest = Filter { page: Page { limit: 1, skip: 0 }, ..Filter::default() };
    let fault = |error| Error::call("Unable to poll activations", About::Other, error);
    let seen = context.client.records(&newest).await.map_err(fault)?;
    context.output.line("Polling for activation logs");
    // Bounds are inclusive, and more than one activation may start within a millisecond.
    let mut since = seen.first().map(|record| record.start);
    let mut shown: BTreeSet<String> = seen.into_iter().map(|record| record.activation_id).collect();
    let looking = async {
        let mut every = tokio::time::interval(POLL_EVERY);
        loop {
            every.tick().await;
            let page = Page { limit: 0, skip: 0 };
            let filter = Filter { page, name: name.clone(), since, upto: None };
            let found = match context.client.records(&filter).await {
                Ok(found) => found,
                Err(error) if error.is_transient() => {
                    context.output.aside(format_args!("{error}; still polling"));
                    continue;
                }
                Err(error) => return Err(fault(error)),
            };
            for record in found {
                since = since.max(Some(record.start));
                if shown.insert(record.activation_id.clone()) {
                    let (name, id) = (&record.name, &record.activation_id);
                    context.output.line(format_args!("\nActivation: '{name}' ({id})"));
                    context.output.json(&Json::of(&record.logs));
                }
            }
        }
    };
    match poll.exit {
        None => looking.await,
        Some(seconds) => {
            let limit = Duration::from_secs(seconds);
            tokio::time::timeout(limit, looking).await.unwrap_or(Ok(()))
        }
    }
}

/// The id that is meant.
async fn which(one: &One, context: &Context<'_>) -> Result<String, Error> {
    match &one.id {
        Some(id) => Ok(id.clone()),
        None if one.last => newest(context).await,
        None => Err(no_id()),
    }
}

async fn newest(context: &Context<'_>) -> Result<String, Error> {
    let filter = Filter { page: Page { limit: 1, skip: 0 }, ..Filter::default() };
    let what = "Unable to get the newest activation";
    let found = context.client.activations(&filter).await;
    let found = found.map_err(|error| Error::call(what, About::Other, error))?;
    found.into_iter().next().map(|summary| summary.activation_id).ok_or_else(|| {
        let why = "Activation list does not contain any activations.";
        Error::usage(what, why, "run something: quirl action invoke NAME")
    })
}

fn no_id() -> Error {
    let why = "An activation ID is required.";
    Error::usage("Unable to tell which activation is meant", why, "give its id, or --last")
}

/// `/ns/pkg/name` filters by `pkg/name`; a namespace alone by nothing.
fn without_namespace(text: &str) -> Option<String> {
    match text.strip_prefix('/') {
        None => Some(text.to_owned()),
        Some(absolute) => absolute.split_once('/').map(|(_, name)| name.to_owned()),
    }
}

/// A log line without time and stream. What does not begin with them stays as it is.
fn stripped(line: &str) -> &str {
    let Some((time, rest)) = line.split_once('Z') else { return line };
    let is_time = time.contains('.')
        && time.bytes().all(|c| c.is_ascii_digit() || b"-:.T".contains(&c))
        && time.as_bytes().get(10) == Some(&b'T');
    if !is_time {
        return line;
    }
    let rest = rest.trim_start_matches(' ');
    let text = rest.strip_prefix("stdout:").or_else(|| rest.strip_prefix("stderr:"));
    text.map_or(rest, |text| text.strip_prefix(' ').unwrap_or(text))
}

fn time(ms: i64, zone: &TimeZone, form: &str) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_zoned(zone.clone()).strftime(form).to_string(),
        Err(_) => ms.to_string(),
    }
}

fn unable(verb: &str, id: &str, error: client::Error) -> Error {
    let what = format!("Unable to {verb} activation '{id}'");
    Error::call(what, About::Activation(id.to_owned()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_streams_are_stripped() {
        for (line, expected) in [
            ("2024-01-01T00:00:01.020000000Z stdout: hello Ann", "hello Ann"),
            ("2024-01-01T00:00:01.02Z        stderr: x: y", "x: y"),
            ("2024-01-01T00:00:01.02Z plain", "plain"),
            ("2024-01-01T00:00:01.020000000Z stdout:   two", "  two"),
            ("0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11", "0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11"),
            ("ZZZ", "ZZZ"),
            ("", ""),
        ] {
            assert_eq!(stripped(line), expected);
        }
    }

    #[test]
    fn filters_are_names_without_namespace() {
        for (text, expected) in
            [("a", Some("a")), ("p/a", Some("p/a")), ("/ns/p/a", Some("p/a")), ("/ns", None)]
        {
            assert_eq!(without_namespace(text).as_deref(), expected);
        }
    }
}
