//! What became of our own proposals, and what the invoker must know.

use ledger::fold::{Change as Changed, Void};
use ledger::record::{Body, Record};
use model::id::{ActivationId, Offset};
use model::name::Namespace;
use model::outcome::Reason;
use model::time::Moment;

use super::{AttemptVerdict, Effect, GRACE, LogRefusal, Owner, Slot, What, accepted, given_away};
use crate::owner::deadlines::Due;
use crate::owner::proposal::{Answer, Bound, Rejected};

impl Owner {
    /// What the invoker must know about what it wrote, or about what was decided over its head.
    pub(super) fn tell_invoker(
        &self,
        body: &Body,
        verdict: &Result<Changed, Void>,
        out: &mut Vec<Effect>,
    ) {
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
    pub(super) fn own(
        &mut self,
        now: Moment,
        at: Offset,
        record: &Record,
        verdict: &Result<Changed, Void>,
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

    pub(super) fn certain(
        &mut self,
        now: Moment,
        at: Offset,
        what: What,
        verdict: &Result<Changed, Void>,
        out: &mut Vec<Effect>,
    ) {
        match what {
            What::Claim | What::Beat | What::Purge => {}
            What::Write(ticket) => {
                let told = verdict.as_ref().map(|_| Answer::Applied(at));
                out.push(Effect::Tell(ticket, told.map_err(|_| Rejected::Changed)));
            }
            What::Accept { ticket, namespace, opens, slots } => {
                self.opened(&namespace, opens);
                let unused = self.unused(slots, verdict);
                self.unbook(&unused);
                out.push(Effect::Tell(ticket, accepted(at, verdict)));
            }
            What::Assign { id, slot } => {
                if verdict.is_err() {
                    self.unbook(&[slot]);
                    self.reconsider(now, id, out);
                }
            }
            What::Settle { id, .. } => {
                if verdict.is_err() {
                    self.reconsider(now, id, out);
                }
            }
            What::Cancel { ticket, id } => match verdict {
                Ok(_) => out.push(Effect::Tell(ticket, Ok(Answer::Applied(at)))),
                // It was assigned, or lost its attempt, just before: the next one will hit.
                Err(_) => self.cancel(now, ticket, id, out),
            },
        }
    }

    /// Booked, and not assigned: the record is void, or an action was deleted behind the booking.
    fn unused(&self, mut slots: Vec<Slot>, verdict: &Result<Changed, Void>) -> Vec<Slot> {
        for assigned in verdict.iter().flat_map(Changed::assigned) {
            let taken = self.slots.get(&assigned.of.id);
            let used = taken.and_then(|taken| slots.iter().position(|slot| slot.0 == taken.0));
            if let Some(used) = used {
                slots.swap_remove(used);
            }
        }
        slots
    }

    pub(super) fn dead(&mut self, now: Moment, what: What, out: &mut Vec<Effect>) {
        match what {
            What::Claim | What::Beat => {}
            What::Purge => self.purger.lost(now),
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
            What::Settle { id, reason: reason @ Some(_) } => self.again_later(now, id, reason),
            What::Settle { id, reason: None } => self.reconsider(now, id, out),
            What::Cancel { ticket, id } => self.cancel(now, ticket, id, out),
        }
    }

    pub(super) fn opened(&mut self, namespace: &Namespace, opens: u64) {
        if let Some(about) = self.about_to_open.get_mut(namespace) {
            *about = about.saturating_sub(opens);
            if *about == 0 {
                self.about_to_open.remove(namespace);
            }
        }
    }

    pub(super) fn unbook(&mut self, slots: &[Slot]) {
        for Slot(action, instances) in slots {
            self.placement.free(action, *instances);
        }
    }

    /// What we proposed for an activation did not happen: look at it again.
    pub(super) fn reconsider(&mut self, now: Moment, id: ActivationId, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else { return };
        if open.is_sequence() {
            if open.deadline().is_some() {
                self.deadlines.arm(id, now + GRACE, Due::Whole);
            }
            return;
        }
        if open.assignment().is_none() {
            self.waits(now, id, true, out);
        } else if !self.deadlines.is_armed(id) {
            // The one of its assignment stands, if that came only now.
            self.deadlines.arm(id, now + GRACE, Due::Attempt);
        }
    }

    /// What was decided about an activation could not be written: it is tried again.
    fn again_later(&mut self, now: Moment, id: ActivationId, reason: Option<Reason>) {
        if self.ledger.open(&id).is_none() {
            return; // it ended meanwhile
        }
        self.again.extend(reason.map(|reason| (id, reason)));
        self.deadlines.arm(id, now + GRACE, Due::Again);
    }

    pub(super) fn refused(
        &mut self,
        now: Moment,
        seq: u64,
        why: LogRefusal,
        out: &mut Vec<Effect>,
    ) {
        let Some(proposed) = self.proposed.remove(&seq) else { return };
        if self.barrier == Some(seq) {
            self.barrier = None;
        }
        let bound = Bound::from(why);
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
            What::Settle { id, reason } => self.again_later(now, id, reason),
            What::Purge => self.purger.lost(now),
            What::Claim | What::Beat => {}
        }
    }
}
