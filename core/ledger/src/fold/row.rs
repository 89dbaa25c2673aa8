//! Rows of the index: an ended activation without its result and its logs.

use model::activation::{Ran, Row};
use model::limits::ActionLimits;
use model::outcome::{Class, Reason};
use model::time::WallTime;

use super::{Here, Open, Progress};
use crate::record::{Accept, Body, Expire, Finish, Fire};

/// By its own `Finish`.
pub(super) fn finished(here: Here<'_>, open: &Open, it: &Finish) -> Row {
    let ran = Ran {
        wait_ms: it.start.millis_since(open.tree.received),
        init_ms: it.init_us.map(|us| us / 1000),
        timeout: Some(it.timeout),
        started_from: it.started_from.clone(),
        ..ran(open, it.start)
    };
    Row {
        start: it.start,
        end: Some(it.end),
        duration_us: it.duration_us,
        class: it.class,
        ran: Some(ran),
        ..row(here, open)
    }
}

/// An action that the owner ended.
pub(super) fn expired(here: Here<'_>, open: &Open, it: &Expire) -> Row {
    let began = open.attempts().is_some_and(|attempts| attempts.last > attempts.given_back);
    // Nobody measured it: from the assignment until now, if one is in force.
    let start = open.assignment().filter(|_| began).map_or(here.wall, |now| now.wall);
    let ran = Ran { timeout: Some(false), began, ..ran(open, start) };
    Row {
        start,
        end: Some(here.wall),
        duration_us: here.wall.millis_since(start).saturating_mul(1000),
        class: it.reason.class(),
        outcome: annotation(&it.reason),
        ran: Some(ran),
        ..row(here, open)
    }
}

/// A sequence, by the end of a step, or by the owner for a reason.
pub(super) fn closed(
    here: Here<'_>,
    open: &Open,
    progress: &Progress,
    class: Class,
    reason: Option<&Reason>,
) -> Row {
    let ran = Ran {
        limits: progress.memory.map(|memory| ActionLimits { memory, ..open.step().limits }),
        topmost: Some(open.enclosing.is_none()),
        timeout: reason.filter(|it| matches!(it, Reason::Timeout(_))).map(|_| true),
        ..ran(open, open.born_wall)
    };
    let end = if let Body::Finish(finish) = here.body { finish.end } else { here.wall };
    Row {
        start: open.born_wall,
        end: Some(end),
        duration_us: progress.duration_us,
        class,
        outcome: reason.and_then(annotation),
        children: progress.begun.clone(),
        ran: Some(ran),
        ..row(here, open)
    }
}

/// A trigger: its `Accept` is all there is.
pub(super) fn fired(here: Here<'_>, it: &Accept, fire: &Fire) -> Row {
    Row {
        id: fire.id,
        namespace: it.by.namespace.clone(),
        subject: it.by.subject.clone(),
        name: fire.name.clone(),
        version: fire.version.clone(),
        ran: None,
        cause: None,
        start: here.wall,
        end: None,
        duration_us: 0,
        class: Class::Success,
        outcome: None,
        children: fire.births().map(|birth| birth.id).collect(),
        records: vec![here.at],
        terminal: here.at,
        stored: it.by.store,
    }
}

/// What all rows of code have in common; the rest is the caller's to fill in.
fn row(here: Here<'_>, open: &Open) -> Row {
    let step = open.step();
    let caller = &open.tree.caller;
    let mut records = open.records.clone();
    records.push(here.at);
    Row {
        id: open.id,
        namespace: caller.namespace.clone(),
        subject: caller.subject.clone(),
        name: step.path.rsplit('/').next().unwrap_or_default().to_owned(),
        version: step.version.clone(),
        ran: None,
        cause: open.enclosing.map(|link| link.id),
        start: here.wall,
        end: None,
        duration_us: 0,
        class: Class::Success,
        outcome: None,
        children: Vec::new(),
        records,
        terminal: here.at,
        stored: caller.store,
    }
}

fn ran(open: &Open, start: WallTime) -> Ran {
    let step = open.step();
    Ran {
        path: step.path.clone(),
        binding: step.binding.clone(),
        kind: step.kind.clone(),
        limits: Some(step.limits),
        topmost: None,
        wait_ms: start.millis_since(open.tree.received),
        init_ms: None,
        timeout: None,
        started_from: None,
        began: true,
    }
}

fn annotation(reason: &Reason) -> Option<String> {
    reason.annotation().map(str::to_owned)
}
