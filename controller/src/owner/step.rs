//! The owner's decisions: what is signed, what a read-back record leads to, what is due.
//!
//! Pure: cannot wait, send, draw or look at a clock. **Act on apply**: whatever is told, sent or
//! freed follows a record that was read back and found valid, never an append.
//!
//! Source: `exactly-once.md` §§4–6, 8.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ledger::fold::{Assigned, Change as Changed, Ended, Happened, Ledger, MAX_RETURNS, Open, Void};
use ledger::hint::Run;
use ledger::record::{
    Accept, Assign, Attempt, AttemptLost, Birth, Body, Claim, EntityKey, Expire, Fire, Place,
    Record, ReturnReason, Root, Stamp, Step, Write,
};
use model::id::{ActivationId, Epoch, NodeId, Offset};
use model::name::Namespace;
use model::outcome::Reason;
use model::time::{Millis, Moment};

use super::bodies::Bodies;
use super::deadlines::{Deadlines, Due};
use super::proposal::{Answer, Bound, Change, Invocation, Phase, Proposal, Rejected, Start};
use super::purge::Purger;
use crate::placement::{Placement, Waiting};

/// Names a handler that waits for an answer.
pub type Ticket = u64;

/// After so long without a read-back of what was appended, a later record of our own is sent
/// behind it as a barrier.
const BARRIER: Duration = Duration::from_secs(1);
/// A deadline that a restart re-arms leaves at least so long.
const GRACE: Duration = Duration::from_secs(3);
/// What a hard deadline allows beyond the limits of the run.
const VERDICT: Duration = Duration::from_secs(10);
/// How long placement rests after an invoker had no slot although one was booked.
const NO_SLOT_REST: Duration = Duration::from_millis(10);
/// A step of a sequence may wait so long for a slot: what came before it is not thrown away lightly.
const STEP_QUEUE: Millis = Millis(300_000);

/// What bounds an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Open activations.
    pub open: u64,
    /// Inline bytes of open activations.
    pub open_bytes: u64,
    /// Proposals not applied.
    pub proposals: u64,
}

/// The owner of a partition.
#[derive(Debug)]
pub struct Owner {
    ledger: Ledger,
    node: NodeId,
    epoch: Epoch,
    seq: u64,
    dseq: u64,
    phase: Phase,
    bounds: Bounds,
    proposed: BTreeMap<u64, Proposed>,
    /// Activations that proposed `Accept`s would open, by namespace; parents not counted.
    about_to_open: BTreeMap<Namespace, u64>,
    placement: Placement,
    /// Slots of attempts that are assigned here.
    slots: BTreeMap<ActivationId, Slot>,
    here: Place,
    rest_until: Option<Moment>,
    deadlines: Deadlines,
    bodies: Bodies,
    purger: Purger,
    barrier: Option<u64>,
    disk_is_full: bool,
}

#[derive(Debug)]
struct Proposed {
    at: Moment,
    what: What,
}

/// What a proposed record was for, and what was booked for it.
#[derive(Debug)]
enum What {
    Claim,
    Beat,
    Purge,
    Write(Ticket),
    Accept { ticket: Ticket, namespace: Namespace, opens: u64, slots: Vec<Slot> },
    Assign { id: ActivationId, slot: Slot },
    Settle(ActivationId),
    Cancel { ticket: Ticket, id: ActivationId },
}

/// A booked slot: for which action, and whether that is bounded.
#[derive(Clone, Debug)]
struct Slot(EntityKey, Option<u32>);

/// What happens to an owner.
#[derive(Debug)]
pub enum Event {
    /// A handler wants something in the ledger.
    Propose(Ticket, Proposal),
    /// A record was read back from the log.
    ReadBack(Offset, Arc<Record>),
    /// Everything that was in the log at the start has been read.
    CaughtUp,
    /// What an attempt needs cannot be read: its activation ends so.
    Unreadable(ActivationId, Reason),
    /// How much of the log was read at the start.
    Progress(u8),
    /// A record of ours was refused by the log and never will be in it.
    Refused(u64, LogRefusal),
    /// The free space of the disk fell below the floor, or rose above it again.
    Disk {
        /// Whether it is below.
        full: bool,
    },
    /// The moment of [`Owner::wakes_at`] has come.
    Woken,
    /// The process stops.
    Stop,
}

/// Why the log took no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRefusal {
    /// No space.
    DiskFull,
    /// It is closed.
    Stopped,
}

/// What an owner wants done, in order.
#[derive(Debug)]
pub enum Effect {
    /// Append a record; `essential` ones may use what is kept back for a full disk.
    Append {
        /// Our sequence number, if it is signed.
        seq: u64,
        /// What.
        body: Body,
        /// Whether it brings something open to its end.
        essential: bool,
    },
    /// Answer a handler.
    Tell(Ticket, Result<Answer, Rejected>),
    /// Tell the invoker to start an attempt.
    Run(Box<Run>),
    /// Tell the invoker what became of an attempt.
    Verdict(Attempt, AttemptVerdict),
    /// Something ended, by the record that was just read back.
    Ended(Arc<Ended>),
    /// Keep the body of the record just read back, at this offset.
    Keep(Offset),
    /// The body at this offset is needed no more.
    Release(Offset),
    /// The record just read back was void, for this reason.
    Void(&'static str),
}

/// What became of an attempt, as its invoker needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptVerdict {
    /// It is over: its `Finish` or `Return` was applied, valid or void.
    Over,
    /// Its `Return(maybe)` was void: it is still assigned.
    StillAssigned,
    /// Its `Touched` is valid.
    Touched,
    /// Its `Touched` is void.
    NotTouched,
    /// The owner ended it or gave it away.
    Aborted,
}

impl Owner {
    /// An owner that follows `ledger` and will claim when it has caught up.
    #[must_use]
    pub fn new(ledger: Ledger, node: NodeId, here: Place, slots: u64, bounds: Bounds) -> Self {
        Self {
            ledger,
            node,
            epoch: Epoch::default(),
            seq: 0,
            dseq: 0,
            phase: Phase::Starting { percent: 0 },
            bounds,
            proposed: BTreeMap::new(),
            about_to_open: BTreeMap::new(),
            placement: Placement::new(here, slots),
            slots: BTreeMap::new(),
            here,
            rest_until: None,
            deadlines: Deadlines::default(),
            bodies: Bodies::default(),
            purger: Purger::default(),
            barrier: None,
            disk_is_full: false,
        }
    }

    /// The state that all records until now have made.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How the partition stands.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Whether the disk was full when last told.
    #[must_use]
    pub fn disk_is_full(&self) -> bool {
        self.disk_is_full
    }

    /// What is in use of its bounds: open activations, their bytes, proposals.
    #[must_use]
    pub fn in_use(&self) -> Bounds {
        Bounds {
            open: self.open_count(),
            open_bytes: self.bodies.bytes(),
            proposals: self.proposed.len() as u64,
        }
    }

    /// How many wait for a slot, and how many slots are taken.
    #[must_use]
    pub fn placement(&self) -> (usize, u64) {
        (self.placement.waiting(), self.placement.taken())
    }

    /// Whether another attempt may follow the one that is assigned now.
    #[must_use]
    pub fn is_rerunnable(&self, id: ActivationId) -> bool {
        self.ledger.open(&id).is_some_and(Open::is_rerunnable)
    }

    fn open_count(&self) -> u64 {
        let counts = self.ledger.counts();
        counts.waiting + counts.running + counts.sequences
    }

    /// When it next wants to look at the clock.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Moment> {
        let barrier = match self.barrier {
            Some(_) => None,
            None => self.proposed.values().map(|proposed| proposed.at + BARRIER).next(),
        };
        let rest = self.rest_until.filter(|_| self.placement.waiting() > 0);
        let purge = (self.phase == Phase::Open).then(|| self.purger.wakes_at()).flatten();
        [self.deadlines.first(), barrier, rest, purge].into_iter().flatten().min()
    }

    /// One event; what is to be done goes to `out`, in order.
    pub fn step(&mut self, now: Moment, event: Event, out: &mut Vec<Effect>) {
        match event {
            Event::Propose(ticket, proposal) => self.propose(now, ticket, proposal, out),
            Event::ReadBack(at, record) => self.read_back(now, at, &record, out),
            Event::Progress(percent) => {
                if let Phase::Starting { percent: known } = &mut self.phase {
                    *known = percent;
                }
            }
            Event::CaughtUp => self.claim(now, out),
            Event::Unreadable(id, reason) => {
                if let Some(open) = self.ledger.open(&id) {
                    let attempt = open.last_attempt();
                    self.expire(now, What::Settle(id), id, attempt, reason, out);
                }
            }
            Event::Refused(seq, why) => self.refused(now, seq, why, out),
            Event::Disk { full } => {
                self.disk_is_full = full;
                self.place(now, out);
            }
            Event::Woken => self.woken(now, out),
            Event::Stop => self.phase = Phase::Stopping,
        }
    }

    // --- proposals -------------------------------------------------------------------------

    fn propose(&mut self, now: Moment, ticket: Ticket, proposal: Proposal, out: &mut Vec<Effect>) {
        if let Err(bound) = self.takes_new(&proposal) {
            out.push(Effect::Tell(ticket, Err(bound.into())));
            return;
        }
        match proposal {
            Proposal::Write(change) => self.write(now, ticket, change, out),
            Proposal::Accept(invocation) => self.accept(now, ticket, *invocation, out),
            Proposal::Cancel(id) => self.cancel(now, ticket, id, out),
        }
    }

    fn takes_new(&self, proposal: &Proposal) -> Result<(), Bound> {
        match &self.phase {
            Phase::Starting { percent } => return Err(Bound::Starting { percent: *percent }),
            Phase::Stopping => return Err(Bound::Stopping),
            Phase::Open => {}
        }
        let count = self.proposed.len() as u64;
        if count >= self.bounds.proposals {
            return Err(Bound::Proposals { count, max: self.bounds.proposals });
        }
        if self.disk_is_full && !matches!(proposal, Proposal::Cancel(_)) {
            return Err(Bound::DiskFull);
        }
        if !matches!(proposal, Proposal::Accept(_)) {
            return Ok(());
        }
        let count = self.open_count() + self.about_to_open.values().sum::<u64>();
        if count >= self.bounds.open {
            return Err(Bound::OpenActivations { count, max: self.bounds.open });
        }
        let bytes = self.bodies.bytes();
        if bytes >= self.bounds.open_bytes {
            return Err(Bound::OpenBytes { bytes, max: self.bounds.open_bytes });
        }
        Ok(())
    }

    fn write(&mut self, now: Moment, ticket: Ticket, change: Change, out: &mut Vec<Effect>) {
        let Change { ops, expect, by } = change;
        self.sign(now, What::Write(ticket), false, out, |stamp| {
            Body::Write(Write { stamp, ops, expect, by })
        });
    }

    fn accept(&mut self, now: Moment, ticket: Ticket, it: Invocation, out: &mut Vec<Effect>) {
        let Invocation { id, by, cause, received, start, payload, key, fire, expect, allowed } = it;
        if let Some(key) = &key
            && let Some(used) = self.ledger.key_use(key.class, &key.key)
        {
            let (first, same) = (used.first, used.request == key.request);
            out.push(Effect::Tell(ticket, Ok(Answer::Known { first, same })));
            return;
        }
        let namespace = by.namespace.clone();
        let count = self.in_flight(&namespace);
        if count >= allowed && matches!(start, Start::Invoke { .. }) {
            out.push(Effect::Tell(ticket, Err(Rejected::Concurrency { count, allowed })));
            return;
        }
        let mut slots = Vec::new();
        let root = match start {
            Start::Invoke { target, queue } => {
                let assign = target.first_action().and_then(|step| self.book(step, &mut slots));
                Root::Invoke(Birth { id, target, queue, assign })
            }
            Start::Fire { name, version, mut rules, refused } => {
                for rule in &mut rules {
                    let first = rule.birth.target.first_action();
                    rule.birth.assign = first.and_then(|step| self.book(step, &mut slots));
                }
                Root::Fire(Fire { id, name, version, rules, refused })
            }
        };
        let opens = match &root {
            Root::Invoke(_) => 1,
            Root::Fire(fire) => fire.rules.len() as u64,
        };
        *self.about_to_open.entry(namespace.clone()).or_default() += opens;
        let what = What::Accept { ticket, namespace, opens, slots };
        self.sign(now, what, false, out, |stamp| {
            let accept = Accept { stamp, by, cause, received, root, payload, key, fire, expect };
            Body::Accept(Box::new(accept))
        });
    }

    /// Open activations of a namespace that are not parents, plus those that proposed `Accept`s
    /// would open.
    #[must_use]
    pub fn in_flight(&self, namespace: &Namespace) -> u64 {
        let about = self.about_to_open.get(namespace).copied().unwrap_or(0);
        self.ledger.in_flight(namespace) + about
    }

    /// Books a free slot for what would run first, if it is present and there is one.
    fn book(&mut self, step: &Step, slots: &mut Vec<Slot>) -> Option<Place> {
        let place = self.placement.choose(&step.action.key, step.limits.instances)?;
        let place = Place { guarded: step.guarded, ..place };
        if !self.is_present(step) || self.rest_until.is_some() {
            return None;
        }
        let slot = Slot(step.action.key.clone(), step.limits.instances);
        self.placement.take(&slot.0, slot.1);
        slots.push(slot);
        Some(place)
    }

    fn is_present(&self, step: &Step) -> bool {
        self.ledger.entity(&step.action.key).is_some_and(|entity| entity.born == step.born)
    }

    fn cancel(&mut self, now: Moment, ticket: Ticket, id: ActivationId, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else {
            out.push(Effect::Tell(ticket, Err(Rejected::NotOpen)));
            return;
        };
        let attempt = open.last_attempt();
        self.expire(now, What::Cancel { ticket, id }, id, attempt, Reason::Cancelled, out);
    }

    /// Signs a record of our own and hands it to the log: the order of appends is that of `seq`.
    fn sign(
        &mut self,
        now: Moment,
        what: What,
        essential: bool,
        out: &mut Vec<Effect>,
        body: impl FnOnce(Stamp) -> Body,
    ) {
        self.seq += 1;
        let stamp = Stamp { epoch: self.epoch, node: self.node, seq: self.seq };
        self.proposed.insert(self.seq, Proposed { at: now, what });
        out.push(Effect::Append { seq: self.seq, body: body(stamp), essential });
    }

    fn expire(
        &mut self,
        now: Moment,
        what: What,
        id: ActivationId,
        attempt: u32,
        reason: Reason,
        out: &mut Vec<Effect>,
    ) {
        self.sign(now, what, true, out, |stamp| {
            Body::Expire(Expire { stamp, id, attempt, reason })
        });
    }

    // --- what is read back -----------------------------------------------------------------

    fn read_back(&mut self, now: Moment, at: Offset, record: &Arc<Record>, out: &mut Vec<Effect>) {
        let verdict = self.ledger.apply(at, record);
        if let Err(void) = &verdict {
            out.push(Effect::Void(void.word()));
        }
        if !self.has_claimed() {
            self.while_starting(verdict, out);
            return;
        }
        if let Ok(changed) = &verdict {
            self.follow(now, at, record, changed, out);
        }
        self.tell_invoker(&record.body, &verdict, out);
        let verdict = verdict.map(drop);
        self.own(now, at, record, &verdict, out);
        if self.placement.waiting() > 0 {
            self.place(now, out);
        }
    }

    fn has_claimed(&self) -> bool {
        self.epoch != Epoch::default()
    }

    /// Before our claim nothing is dispatched or told; only the index learns what had ended.
    fn while_starting(&mut self, verdict: Result<Changed, Void>, out: &mut Vec<Effect>) {
        if let Ok(changed) = verdict {
            out.extend(changed.ended().map(|ended| Effect::Ended(Arc::clone(ended))));
        }
    }

    fn follow(
        &mut self,
        now: Moment,
        at: Offset,
        record: &Record,
        changed: &Changed,
        out: &mut Vec<Effect>,
    ) {
        for happened in &changed.happened {
            match happened {
                Happened::Claimed { epoch, node } => self.claimed(*epoch, *node, now, record, out),
                Happened::Accepted { .. } => {}
                Happened::Born { id, parent } => self.born(now, at, record, *id, *parent, out),
                Happened::Assigned(assigned) => self.assigned(now, assigned, out),
                Happened::Returned { of, why, returns, .. } => {
                    self.returned(now, *of, *why, *returns, out);
                }
                Happened::AttemptLost { of } => {
                    self.free_slot(of.id);
                    self.waits(now, of.id, true, out);
                }
                Happened::Ended(ended) => self.ended(now, record, ended, out),
                Happened::Wrote(_)
                | Happened::Touched { .. }
                | Happened::Yielded { .. }
                | Happened::Purged { .. }
                | Happened::Archived { .. } => {}
            }
        }
        self.purger.applied(now, at, &record.body);
    }

    fn born(
        &mut self,
        now: Moment,
        at: Offset,
        record: &Record,
        id: ActivationId,
        parent: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(open) = self.ledger.open(&id) else { return };
        if parent {
            if let Some(deadline) = open.deadline() {
                self.deadlines.arm(id, now + deadline.as_duration(), Due::Whole);
            }
            return;
        }
        if self.bodies.use_for(id, open.input.offset(), &record.body) {
            out.push(Effect::Keep(at));
        }
        if open.assignment().is_none() {
            self.waits(now, id, false, out);
        }
    }

    /// An activation waits for a slot from now on; one whose action is gone is ended instead.
    fn waits(&mut self, now: Moment, id: ActivationId, again: bool, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else { return };
        let step = open.step();
        if !self.is_present(step) {
            let attempt = open.last_attempt();
            self.expire(now, What::Settle(id), id, attempt, Reason::Missing, out);
            return;
        }
        let queue = queue_of(open).as_duration();
        let waiting =
            Waiting { id, action: step.action.key.clone(), instances: step.limits.instances };
        let namespace = open.namespace().clone();
        self.placement.wait(&namespace, waiting, again);
        self.deadlines.arm(id, now + queue, Due::Queue);
    }

    fn assigned(&mut self, now: Moment, assigned: &Assigned, out: &mut Vec<Effect>) {
        let of = assigned.of;
        let Some(open) = self.ledger.open(&of.id) else { return };
        let Some(step) = open.action() else { return };
        let limits = step.limits;
        let hard = limits.timeout.as_duration() * 2 + VERDICT;
        if of.invoker == self.here.invoker && of.incarnation == self.here.incarnation {
            let slot = Slot(step.action.key.clone(), limits.instances);
            if assigned.offered {
                self.placement.take(&slot.0, slot.1);
            }
            self.slots.insert(of.id, slot);
        }
        self.dseq += 1;
        out.push(Effect::Run(Box::new(Run {
            of,
            guarded: assigned.guarded,
            touched: false,
            epoch: self.epoch,
            dseq: self.dseq,
            pos: self.ledger.applied(),
            start_before: None,
            input: open.input,
            step: Arc::clone(step),
            tree: Arc::clone(&open.tree),
        })));
        self.deadlines.arm(of.id, now + hard, Due::Attempt);
    }

    fn free_slot(&mut self, id: ActivationId) {
        if let Some(Slot(action, instances)) = self.slots.remove(&id) {
            self.placement.free(&action, instances);
        }
    }

    fn returned(
        &mut self,
        now: Moment,
        of: Attempt,
        why: ReturnReason,
        returns: u32,
        out: &mut Vec<Effect>,
    ) {
        self.free_slot(of.id);
        if why == ReturnReason::NoSlot {
            self.rest_until = Some(now + NO_SLOT_REST);
        }
        if returns >= MAX_RETURNS {
            self.expire(now, What::Settle(of.id), of.id, of.attempt, Reason::NoCapacity, out);
            return;
        }
        self.waits(now, of.id, true, out);
    }

    fn ended(&mut self, now: Moment, record: &Record, ended: &Arc<Ended>, out: &mut Vec<Effect>) {
        let id = ended.row.id;
        self.deadlines.disarm(id);
        if let Some(offset) = self.bodies.done_with(id) {
            out.push(Effect::Release(offset));
        }
        if ended.was_assigned.is_some() {
            self.free_slot(id);
        } else if !ended.parent {
            self.placement.leave(&ended.row.namespace, id);
        }
        out.push(Effect::Ended(Arc::clone(ended)));
        let cancelled = matches!(&record.body, Body::Expire(it) if it.id == id && it.reason == Reason::Cancelled);
        if ended.parent && cancelled {
            self.cancel_step_of(now, ended, out);
        }
    }

    /// A cancelled sequence takes its running step with it.
    fn cancel_step_of(&mut self, now: Moment, ended: &Ended, out: &mut Vec<Effect>) {
        let Some(child) = ended.row.children.last().copied() else { return };
        if let Some(open) = self.ledger.open(&child) {
            let attempt = open.last_attempt();
            self.expire(now, What::Settle(child), child, attempt, Reason::Cancelled, out);
        }
    }

    /// What the invoker must know about what it wrote, or about what was decided over its head.
    fn tell_invoker(&self, body: &Body, verdict: &Result<Changed, Void>, out: &mut Vec<Effect>) {
        let is_valid = verdict.is_ok();
        match body {
            Body::Finish(finish) => out.push(Effect::Verdict(finish.of, AttemptVerdict::Over)),
            Body::Return(it) => {
                let still = matches!(verdict, Err(Void::NotRerunnable | Void::Touched));
                let told = if still { AttemptVerdict::StillAssigned } else { AttemptVerdict::Over };
                out.push(Effect::Verdict(it.of, told));
            }
            Body::Touched(of) => {
                let told =
                    if is_valid { AttemptVerdict::Touched } else { AttemptVerdict::NotTouched };
                out.push(Effect::Verdict(*of, told));
            }
            Body::Expire(_) | Body::AttemptLost(_) => {
                for of in verdict.iter().flat_map(given_away) {
                    out.push(Effect::Verdict(of, AttemptVerdict::Aborted));
                }
            }
            Body::Claim(_)
            | Body::Beat(_)
            | Body::Yield(_)
            | Body::Write(_)
            | Body::Accept(_)
            | Body::Assign(_)
            | Body::Purge(_)
            | Body::Archived(_) => {}
        }
    }

    /// A record that we proposed is certain now, and so is every earlier one that did not come.
    fn own(
        &mut self,
        now: Moment,
        at: Offset,
        record: &Record,
        verdict: &Result<(), Void>,
        out: &mut Vec<Effect>,
    ) {
        let seq = match (&record.body, record.body.stamp()) {
            (Body::Claim(claim), _) if claim.node == self.node => 0,
            (_, Some(stamp)) if stamp.node == self.node && stamp.epoch == self.epoch => stamp.seq,
            _ => return,
        };
        while let Some(entry) = self.proposed.first_entry() {
            if *entry.key() > seq {
                break;
            }
            let is_this = *entry.key() == seq;
            let what = entry.remove().what;
            if is_this {
                self.certain(now, at, what, verdict, out);
            } else {
                // It was appended before this one and is not there: it never will be (rule O).
                self.dead(now, what, out);
            }
        }
        if self.barrier.is_some_and(|barrier| barrier <= seq) {
            self.barrier = None;
        }
    }

    fn certain(
        &mut self,
        now: Moment,
        at: Offset,
        what: What,
        verdict: &Result<(), Void>,
        out: &mut Vec<Effect>,
    ) {
        match what {
            What::Claim | What::Beat | What::Purge => {}
            What::Write(ticket) => {
                let told = verdict.clone().map(|()| Answer::Applied(at));
                out.push(Effect::Tell(ticket, told.map_err(|_| Rejected::Changed)));
            }
            What::Accept { ticket, namespace, opens, slots } => {
                self.opened(&namespace, opens);
                if verdict.is_err() {
                    self.unbook(&slots);
                }
                out.push(Effect::Tell(ticket, accepted(at, verdict)));
            }
            What::Assign { id, slot } => {
                if verdict.is_err() {
                    self.unbook(&[slot]);
                    self.reconsider(now, id, out);
                }
            }
            What::Settle(id) => {
                if verdict.is_err() {
                    self.reconsider(now, id, out);
                }
            }
            What::Cancel { ticket, id } => match verdict {
                Ok(()) => out.push(Effect::Tell(ticket, Ok(Answer::Applied(at)))),
                // It was assigned, or lost its attempt, just before: the next one will hit.
                Err(_) => self.cancel(now, ticket, id, out),
            },
        }
    }

    fn dead(&mut self, now: Moment, what: What, out: &mut Vec<Effect>) {
        match what {
            What::Claim | What::Beat | What::Purge => {}
            What::Write(ticket) => out.push(Effect::Tell(ticket, Err(Rejected::Changed))),
            What::Accept { ticket, namespace, opens, slots } => {
                self.opened(&namespace, opens);
                self.unbook(&slots);
                out.push(Effect::Tell(ticket, Err(Rejected::Changed)));
            }
            What::Assign { id, slot } => {
                self.unbook(&[slot]);
                self.reconsider(now, id, out);
            }
            What::Settle(id) => self.reconsider(now, id, out),
            What::Cancel { ticket, id } => self.cancel(now, ticket, id, out),
        }
    }

    fn opened(&mut self, namespace: &Namespace, opens: u64) {
        if let Some(about) = self.about_to_open.get_mut(namespace) {
            *about = about.saturating_sub(opens);
            if *about == 0 {
                self.about_to_open.remove(namespace);
            }
        }
    }

    fn unbook(&mut self, slots: &[Slot]) {
        for Slot(action, instances) in slots {
            self.placement.free(action, *instances);
        }
    }

    /// What we proposed for an activation did not happen: look at it again.
    fn reconsider(&mut self, now: Moment, id: ActivationId, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else { return };
        if open.is_sequence() {
            if open.deadline().is_some() {
                self.deadlines.arm(id, now + GRACE, Due::Whole);
            }
            return;
        }
        if open.assignment().is_none() {
            self.waits(now, id, true, out);
        } else {
            self.deadlines.arm(id, now + GRACE, Due::Attempt);
        }
    }

    fn refused(&mut self, now: Moment, seq: u64, why: LogRefusal, out: &mut Vec<Effect>) {
        let Some(proposed) = self.proposed.remove(&seq) else { return };
        if self.barrier == Some(seq) {
            self.barrier = None;
        }
        let bound = match why {
            LogRefusal::DiskFull => Bound::DiskFull,
            LogRefusal::Stopped => Bound::Stopping,
        };
        match proposed.what {
            What::Write(ticket) | What::Cancel { ticket, .. } => {
                out.push(Effect::Tell(ticket, Err(bound.into())));
            }
            What::Accept { ticket, namespace, opens, slots } => {
                self.opened(&namespace, opens);
                self.unbook(&slots);
                out.push(Effect::Tell(ticket, Err(bound.into())));
            }
            What::Assign { id, slot } => {
                self.unbook(&[slot]);
                self.rest_until = Some(now + GRACE);
                self.reconsider(now, id, out);
            }
            What::Settle(id) => self.deadlines.arm(id, now + GRACE, Due::Again),
            What::Claim | What::Beat | What::Purge => {}
        }
    }

    // --- placement and time ----------------------------------------------------------------

    /// Gives free slots to those that wait.
    fn place(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let may = self.phase == Phase::Open
            && !self.disk_is_full
            && self.rest_until.is_none_or(|until| until <= now)
            && (self.proposed.len() as u64) < self.bounds.proposals;
        if !may {
            return;
        }
        self.rest_until = None;
        while let Some((waiting, place)) = self.placement.next() {
            let Some(open) = self.ledger.open(&waiting.id) else { continue };
            let attempt = open.last_attempt() + 1;
            let slot = Slot(waiting.action, waiting.instances);
            self.placement.take(&slot.0, slot.1);
            let id = waiting.id;
            self.sign(now, What::Assign { id, slot }, true, out, |stamp| {
                Body::Assign(Assign { stamp, id, attempt, place })
            });
        }
    }

    fn woken(&mut self, now: Moment, out: &mut Vec<Effect>) {
        while let Some((id, due)) = self.deadlines.next_due(now) {
            self.due(now, id, due, out);
        }
        let overdue = self.proposed.values().next().is_some_and(|it| it.at + BARRIER <= now);
        if overdue && self.barrier.is_none() && self.has_claimed() {
            self.sign(now, What::Beat, true, out, Body::Beat);
            self.barrier = Some(self.seq);
        }
        if self.rest_until.is_some_and(|until| until <= now) {
            self.rest_until = None;
            self.place(now, out);
        }
        self.purge(now, out);
    }

    fn purge(&mut self, now: Moment, out: &mut Vec<Effect>) {
        if self.phase != Phase::Open {
            return;
        }
        if self.purger.wants_barrier(now) {
            self.sign(now, What::Beat, true, out, Body::Beat);
            self.purger.barrier_sent(now, self.seq);
        }
        if let Some(windows) = self.purger.due(now) {
            self.sign(now, What::Purge, true, out, |stamp| {
                Body::Purge(ledger::record::Purge { stamp, windows, dead: Vec::new() })
            });
        }
    }

    fn due(&mut self, now: Moment, id: ActivationId, due: Due, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else { return };
        let attempt = open.last_attempt();
        match due {
            Due::Queue if open.assignment().is_none() => {
                let queue = queue_of(open).0;
                let namespace = open.namespace().clone();
                self.placement.leave(&namespace, id);
                let reason = Reason::QueueTimeout(queue);
                self.expire(now, What::Settle(id), id, attempt, reason, out);
            }
            Due::Whole => {
                let limit = open.deadline().map_or(0, |limit| limit.0);
                self.expire(now, What::Settle(id), id, attempt, Reason::Timeout(limit), out);
            }
            Due::Attempt if open.assignment().is_some() => self.give_up(now, id, out),
            Due::Again => self.reconsider(now, id, out),
            Due::Queue | Due::Attempt => {}
        }
    }

    /// Nobody will tell any more how this attempt ended.
    fn give_up(&mut self, now: Moment, id: ActivationId, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else { return };
        let attempt = open.last_attempt();
        if open.is_rerunnable() {
            self.sign(now, What::Settle(id), true, out, |stamp| {
                Body::AttemptLost(AttemptLost { stamp, id, attempt })
            });
        } else {
            self.expire(now, What::Settle(id), id, attempt, Reason::Lost, out);
        }
    }

    // --- start -----------------------------------------------------------------------------

    fn claim(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let epoch = Epoch(self.ledger.owner().epoch.0 + 1);
        let base = self.ledger.applied();
        self.epoch = epoch;
        self.seq = 0;
        self.proposed.insert(0, Proposed { at: now, what: What::Claim });
        let fold_version = ledger::fold::FOLD_VERSION;
        let claim = Claim { epoch, node: self.node, base, fold_version };
        out.push(Effect::Append { seq: 0, body: Body::Claim(claim), essential: true });
    }

    /// Our claim was applied: everything that is open is in our hands now.
    fn claimed(
        &mut self,
        epoch: Epoch,
        node: NodeId,
        now: Moment,
        record: &Record,
        out: &mut Vec<Effect>,
    ) {
        if (epoch, node) != (self.epoch, self.node) {
            return;
        }
        self.phase = Phase::Open;
        let open: Vec<ActivationId> =
            self.ledger.open_activations().into_iter().map(|open| open.id).collect();
        for id in open {
            self.take_over(now, record.at, id, out);
        }
        let last = |(class, window)| {
            let key = self.ledger.keys_by_age(class, window).last();
            key.map(|(at, _)| (class, window, at))
        };
        let windows = self.ledger.key_windows().into_iter().filter_map(last).collect();
        self.purger.restart(now, windows);
    }

    fn take_over(
        &mut self,
        now: Moment,
        wall: model::time::WallTime,
        id: ActivationId,
        out: &mut Vec<Effect>,
    ) {
        let Some(open) = self.ledger.open(&id) else { return };
        let waited = Duration::from_millis(wall.millis_since(open.born_wall));
        if open.is_sequence() {
            if let Some(deadline) = open.deadline() {
                let left = deadline.as_duration().saturating_sub(waited).max(GRACE);
                self.deadlines.arm(id, now + left, Due::Whole);
            }
            return;
        }
        // Its body is fetched from the log when it runs; only the place is noted.
        self.bodies.note(id, open.input.offset());
        if open.assignment().is_some() {
            self.give_up(now, id, out);
            return;
        }
        let left = queue_of(open).as_duration().saturating_sub(waited).max(GRACE);
        self.waits(now, id, false, out);
        if self.placement.waiting() > 0 {
            self.deadlines.arm(id, now + left, Due::Queue);
        }
    }
}

/// The attempts that a valid record of the owner ended or gave away.
fn given_away(changed: &Changed) -> impl Iterator<Item = Attempt> {
    changed.happened.iter().filter_map(|happened| match happened {
        Happened::AttemptLost { of } => Some(*of),
        Happened::Ended(ended) => ended.was_assigned.map(|(of, _)| of),
        _ => None,
    })
}

fn accepted(at: Offset, verdict: &Result<(), Void>) -> Result<Answer, Rejected> {
    match verdict {
        Ok(()) => Ok(Answer::Applied(at)),
        Err(Void::KeyUsed { first, same_request }) => {
            Ok(Answer::Known { first: *first, same: *same_request })
        }
        Err(Void::BelowFloor) => Err(Rejected::Unknown),
        Err(_) => Err(Rejected::Changed),
    }
}

/// How long an activation may wait for a slot.
fn queue_of(open: &Open) -> Millis {
    if open.enclosing.is_some() { STEP_QUEUE } else { open.tree.queue }
}
