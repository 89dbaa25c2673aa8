//! The history of an activation: every valid record about it, as events, without its data.
//!
//! Source: `own-api.md` §4.

use api::activation::history::{Event, History, State, What};
use ledger::fold::Ledger;
use ledger::record::{Birth, Body, Cause, Record, ReturnReason, Root, Started, Target};
use model::activation::Row;
use model::id::{ActivationId, InvokerId, Offset};

/// The controller, as histories name it: there is one in a process that owns its ledger.
const CONTROLLER: &str = "controller0";

/// What is known of an activation beside its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    id: ActivationId,
    action: String,
    version: String,
    state: State,
    status: Option<String>,
    children: Vec<ActivationId>,
    /// Where its records are, in order.
    pub records: Vec<Offset>,
    /// Where the attempt was assigned that runs now.
    assigned: Option<(Offset, InvokerId)>,
    retryable: bool,
}

impl About {
    /// An activation that is open.
    #[must_use]
    pub fn open(ledger: &Ledger, id: ActivationId) -> Option<Self> {
        let open = ledger.open(&id)?;
        let running = open.assignment();
        let state = if open.is_waiting() { State::Queued } else { State::Running };
        Some(Self {
            id,
            action: open.step().path.clone(),
            version: open.step().version.clone(),
            state,
            status: None,
            children: open.progress().map(|progress| progress.begun.clone()).unwrap_or_default(),
            records: open.records.clone(),
            assigned: running.map(|now| (now.at, now.place.invoker)),
            retryable: open.step().retry.is_some(),
        })
    }

    /// An activation that has ended.
    #[must_use]
    pub fn ended(row: &Row) -> Self {
        Self {
            id: row.id,
            action: row
                .ran
                .as_ref()
                .map_or_else(|| format!("{}/{}", row.namespace, row.name), |ran| ran.path.clone()),
            version: row.version.clone(),
            state: State::Ended,
            status: Some(row.class.status().to_owned()),
            children: row.children.clone(),
            records: row.records.clone(),
            assigned: None,
            retryable: false,
        }
    }

    /// The history, given the records at [`About::records`] in their order.
    #[must_use]
    pub fn history(&self, records: &[(Offset, impl AsRef<Record>)]) -> History {
        let mut events = Vec::new();
        for (place, (at, record)) in records.iter().enumerate() {
            let record = record.as_ref();
            if place == 0 {
                self.birth(*at, record, records, &mut events);
            }
            let is_last = place + 1 == records.len();
            events.extend(self.event(*at, record, place > 0 && is_last));
        }
        let attempts = events.iter().filter_map(|event| event.attempt).max().unwrap_or(0);
        History {
            activation_id: self.id.to_string(),
            action: self.action.clone(),
            version: self.version.clone(),
            state: self.state,
            status: self.status.clone(),
            attempts,
            children: self.children.iter().map(ToString::to_string).collect(),
            events,
        }
    }

    /// What the first record says: it was accepted, or followed from the end of the step before;
    /// and, if no record of its own says so, that attempt 1 was assigned with it.
    fn birth(
        &self,
        at: Offset,
        record: &Record,
        all: &[(Offset, impl AsRef<Record>)],
        events: &mut Vec<Event>,
    ) {
        let by = written_by(&record.body);
        let mut accepted = Event::new(What::Accepted, record.at.0, at.0, &by);
        let (cause, at_birth) = match &record.body {
            Body::Accept(accept) => {
                match &accept.root {
                    Root::Invoke(birth) if birth.id == self.id => {
                        // Of its steps the request is that of the whole.
                        accepted.transaction_id = Some(accept.by.transaction.clone());
                        (accept.cause, birth.assign.map(|it| it.invoker))
                    }
                    Root::Invoke(birth) => (Cause::Step, birth.assign.map(|it| it.invoker)),
                    Root::Fire(fire) if fire.id == self.id => {
                        accepted.transaction_id = Some(accept.by.transaction.clone());
                        (accept.cause, None)
                    }
                    Root::Fire(fire) => {
                        let of_rule = fire.births().find(|birth| birth.id == self.id);
                        let cause = if of_rule.is_some() { Cause::Rule } else { Cause::Step };
                        accepted.transaction_id = of_rule.map(|_| accept.by.transaction.clone());
                        // The slot of a sequence is that of its first action.
                        let begun = |birth: &&Birth| first_action(birth) == self.id;
                        let birth = of_rule.or_else(|| fire.births().find(begun));
                        (cause, birth.and_then(|birth| birth.assign).map(|it| it.invoker))
                    }
                }
            }
            // Born assigned to the invoker that offered its slot with the end of the step before.
            Body::Finish(finish) => (Cause::Step, finish.offer.then_some(finish.of.invoker)),
            _ => (Cause::Step, None),
        };
        accepted.cause = Some(word_of_cause(cause).to_owned());
        events.push(accepted);
        let first = all.iter().find_map(|(_, record)| self.first_attempt(&record.as_ref().body));
        let invoker = match first {
            Some(First::AssignedLater) => None,
            Some(First::At(invoker)) => invoker.or(at_birth),
            None => self.assigned.filter(|(assigned, _)| *assigned == at).map(|(_, place)| place),
        };
        if let Some(invoker) = invoker {
            let mut assigned = Event::new(What::Assigned, record.at.0, at.0, CONTROLLER);
            assigned.attempt = Some(1);
            assigned.invoker = Some(invoker.to_string());
            events.push(assigned);
        }
    }

    /// What a record tells of attempt 1, if anything.
    fn first_attempt(&self, body: &Body) -> Option<First> {
        match body {
            Body::Assign(it) if it.id == self.id && it.attempt == 1 => Some(First::AssignedLater),
            Body::Touched(of) if of.id == self.id => Some(First::At(Some(of.invoker))),
            Body::Return(it) if it.of.id == self.id => Some(First::At(Some(it.of.invoker))),
            Body::Finish(it) if it.of.id == self.id => Some(First::At(Some(it.of.invoker))),
            Body::AttemptLost(it) if it.id == self.id => Some(First::At(None)),
            Body::Expire(it) if it.id == self.id && it.attempt > 0 => Some(First::At(None)),
            _ => None,
        }
    }

    /// What a record says of it. Of a record about something else it is the end, if the last.
    fn event(&self, at: Offset, record: &Record, is_end: bool) -> Option<Event> {
        let by = written_by(&record.body);
        let event = |what| Event::new(what, record.at.0, at.0, &by);
        let status = || self.status.clone();
        match &record.body {
            Body::Assign(it) if it.id == self.id => Some(Event {
                attempt: Some(it.attempt),
                invoker: Some(it.place.invoker.to_string()),
                ..event(What::Assigned)
            }),
            Body::Touched(of) if of.id == self.id => {
                Some(Event { attempt: Some(of.attempt), ..event(What::Touched) })
            }
            Body::Return(it) if it.of.id == self.id => Some(Event {
                attempt: Some(it.of.attempt),
                started: Some(word_of_start(it.started).to_owned()),
                reason: Some(word_of_return(it.why).to_owned()),
                ..event(What::Returned)
            }),
            Body::AttemptLost(it) if it.id == self.id => Some(Event {
                attempt: Some(it.attempt),
                reason: Some(self.why_again().to_owned()),
                ..event(What::AttemptLost)
            }),
            Body::Finish(it) if it.of.id == self.id => Some(Event {
                attempt: Some(it.of.attempt),
                status: Some(it.class.status().to_owned()),
                ..event(What::Finished)
            }),
            Body::Finish(_) if is_end && self.state == State::Ended => {
                Some(Event { status: status(), ..event(What::Finished) })
            }
            Body::Expire(it) if it.id == self.id => Some(Event {
                attempt: (it.attempt > 0).then_some(it.attempt),
                reason: Some(it.reason.word().to_owned()),
                ..event(What::Expired)
            }),
            Body::Expire(it) if is_end && self.state == State::Ended => {
                Some(Event { reason: Some(it.reason.word().to_owned()), ..event(What::Expired) })
            }
            Body::Accept(it) if matches!(&it.root, Root::Fire(fire) if fire.id == self.id) => {
                Some(Event { status: status(), ..event(What::Finished) })
            }
            _ => None,
        }
    }

    fn why_again(&self) -> &'static str {
        if self.retryable {
            "the server ended while it ran; the action is declared retryable"
        } else {
            "the server ended while it ran; nothing had left the sandbox"
        }
    }
}

/// What is known of attempt 1.
#[derive(Clone, Copy)]
enum First {
    /// It has a record of its own.
    AssignedLater,
    /// It was assigned when the activation was born; where, if that is said.
    At(Option<InvokerId>),
}

fn written_by(body: &Body) -> String {
    match body {
        Body::Touched(of) => of.invoker.to_string(),
        Body::Return(it) => it.of.invoker.to_string(),
        Body::Finish(it) => it.of.invoker.to_string(),
        Body::Claim(_)
        | Body::Beat(_)
        | Body::Yield(_)
        | Body::Write(_)
        | Body::Accept(_)
        | Body::Assign(_)
        | Body::AttemptLost(_)
        | Body::Expire(_)
        | Body::Purge(_)
        | Body::Archived(_) => CONTROLLER.to_owned(),
    }
}

fn word_of_cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Invoke => "invoke",
        Cause::Web => "web",
        Cause::Rule => "rule",
        Cause::Step => "step",
        Cause::Schedule => "schedule",
        Cause::Source => "source",
    }
}

fn word_of_start(started: Started) -> &'static str {
    match started {
        Started::No => "no",
        Started::Maybe => "maybe",
    }
}

fn word_of_return(why: ReturnReason) -> &'static str {
    match why {
        ReturnReason::NoSlot => "no slot was free",
        ReturnReason::NotAllowed => "the right to start had run out",
        ReturnReason::Provision => "the sandbox could not be made",
        ReturnReason::Memory => "the memory of all sandboxes was used up",
        ReturnReason::Stopping => "the invoker was stopping",
        ReturnReason::Recovered => "the invoker had ended before it started",
    }
}

/// The activation of the first action that is run of what is born.
fn first_action(birth: &Birth) -> ActivationId {
    let (mut id, mut path, mut target) = (birth.id, Vec::new(), &birth.target);
    while let Target::Sequence(sequence) = target
        && let Some(first) = sequence.steps.first()
    {
        id = ledger::id::child(birth.id, &path, 0);
        path.push(0);
        target = first;
    }
    id
}
