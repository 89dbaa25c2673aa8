//! Proposals: judged against bounds and state, booked, signed.

use ledger::record::{
    Accept, Birth, Body, Came, Expire, Fire, Place, Root, Stamp, Step, Target, Write,
};
use model::id::ActivationId;
use model::limits::NamespaceLimits;
use model::name::Namespace;
use model::outcome::{Class, Reason};
use model::time::Moment;

use super::{Effect, Owner, Proposed, Slot, Ticket, What};
use crate::entitlement::rate::has_room;
use crate::owner::bodies;
use crate::owner::proposal::{Answer, Bound, Change, Invocation, Phase, Proposal, Rejected, Start};

impl Owner {
    pub(super) fn propose(
        &mut self,
        now: Moment,
        ticket: Ticket,
        proposal: Proposal,
        out: &mut Vec<Effect>,
    ) {
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

    pub(super) fn takes_new(&self, proposal: &Proposal) -> Result<(), Bound> {
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
        let Proposal::Accept(invocation) = proposal else { return Ok(()) };
        let count = self.open_count() + self.about_to_open.values().sum::<u64>();
        if count.saturating_add(invocation.start.opens()) > self.bounds.open {
            return Err(Bound::OpenActivations { count, max: self.bounds.open });
        }
        let beneath = match &invocation.start {
            Start::Invoke { .. } => 0,
            Start::Fire { beneath, .. } => bodies::inline(beneath),
        };
        let (bytes, more) = (self.bodies.bytes(), bodies::inline(&invocation.payload) + beneath);
        if bytes.saturating_add(more) > self.bounds.open_bytes {
            return Err(Bound::OpenBytes { bytes: bytes + more, max: self.bounds.open_bytes });
        }
        Ok(())
    }

    pub(super) fn write(
        &mut self,
        now: Moment,
        ticket: Ticket,
        change: Change,
        out: &mut Vec<Effect>,
    ) {
        let Change { ops, expect, by } = change;
        self.sign(now, What::Write(ticket), false, out, |stamp| {
            Body::Write(Write { stamp, ops, expect, by })
        });
    }

    pub(super) fn accept(
        &mut self,
        now: Moment,
        ticket: Ticket,
        it: Invocation,
        out: &mut Vec<Effect>,
    ) {
        let Invocation { id, by, cause, received, start, payload, key, fire, expect, limits } = it;
        let allowed = limits.concurrent_invocations;
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
                let first = target.first_action().filter(|_| fits(&target, &limits));
                let assign = first.and_then(|step| self.book(step, &mut slots));
                Root::Invoke(Birth { id, target, queue, assign })
            }
            Start::Fire { name, version, beneath, mut rules } => {
                let mut count = count;
                for ruled in &mut rules {
                    let Came::Started(birth) = &mut ruled.came else { continue };
                    if let Err(too_many) = has_room(count, allowed) {
                        let (class, text) = (Class::ApplicationError, too_many.to_string());
                        ruled.came = Came::Refused { class, text };
                        continue;
                    }
                    count += 1;
                    let first = birth.target.first_action();
                    let first = first.filter(|_| fits(&birth.target, &limits));
                    birth.assign = first.and_then(|step| self.book(step, &mut slots));
                }
                Root::Fire(Fire { id, name, version, beneath, rules })
            }
        };
        let opens = match &root {
            Root::Invoke(_) => 1,
            Root::Fire(fire) => fire.births().count() as u64,
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
    pub(super) fn book(&mut self, step: &Step, slots: &mut Vec<Slot>) -> Option<Place> {
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

    pub(super) fn is_present(&self, step: &Step) -> bool {
        self.ledger.entity(&step.action.key).is_some_and(|entity| entity.born == step.born)
    }

    pub(super) fn cancel(
        &mut self,
        now: Moment,
        ticket: Ticket,
        id: ActivationId,
        out: &mut Vec<Effect>,
    ) {
        let Some(open) = self.ledger.open(&id) else {
            out.push(Effect::Tell(ticket, Err(Rejected::NotOpen)));
            return;
        };
        let attempt = open.last_attempt();
        self.expire(now, What::Cancel { ticket, id }, id, attempt, Reason::Cancelled, out);
    }

    /// Signs a record of our own and hands it to the log: the order of appends is that of `seq`.
    pub(super) fn sign(
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

    /// Ends an activation of our own accord.
    pub(super) fn settle(
        &mut self,
        now: Moment,
        id: ActivationId,
        attempt: u32,
        reason: Reason,
        out: &mut Vec<Effect>,
    ) {
        let what = What::Settle { id, reason: Some(reason.clone()) };
        self.expire(now, what, id, attempt, reason, out);
    }

    pub(super) fn expire(
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
}

/// Whether an action still asks for no more than its namespace may have. One that does not is born
/// without a slot, and ends when it should wait for one.
fn fits(target: &Target, limits: &NamespaceLimits) -> bool {
    match target {
        Target::Action(step) => limits.check(&step.limits).is_ok(),
        Target::Sequence(_) => true,
    }
}
