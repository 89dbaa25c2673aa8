//! Placement of those that wait, and what is due.

use ledger::record::{Assign, AttemptLost, Body, Place};
use model::id::ActivationId;
use model::outcome::Reason;
use model::time::Moment;

use super::{BARRIER, Effect, Owner, Slot, What, queue_of};
use crate::owner::deadlines::Due;
use crate::owner::proposal::{Phase, Rejected};

impl Owner {
    /// Gives free slots to those that wait.
    pub(super) fn place(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let may = self.phase == Phase::Open
            && !self.disk_is_full
            && self.rest_until.is_none_or(|until| until <= now)
            && (self.proposed.len() as u64) < self.bounds.proposals;
        if !may {
            return;
        }
        self.rest_until = None;
        while let Some((waiting, place)) = self.placement.take_next() {
            let Some(open) = self.ledger.open(&waiting.id) else { continue };
            let attempt = open.last_attempt() + 1;
            let place = Place { guarded: open.step().guarded, ..place };
            let slot = Slot(waiting.action, waiting.instances);
            self.placement.take(&slot.0, slot.1);
            let id = waiting.id;
            self.sign(now, What::Assign { id, slot }, true, out, |stamp| {
                Body::Assign(Assign { stamp, id, attempt, place })
            });
        }
    }

    pub(super) fn woken(&mut self, now: Moment, out: &mut Vec<Effect>) {
        self.lose_patience(now, out);
        if !self.has_claimed() {
            if self.claims_again_at().is_some_and(|at| at <= now) {
                self.claim(now, out);
            }
            return;
        }
        while let Some((id, due)) = self.deadlines.next_due(now) {
            self.due(now, id, due, out);
        }
        if self.barrier_at().is_some_and(|at| at <= now) {
            self.sign(now, What::Beat, true, out, Body::Beat);
            self.barrier = Some(self.seq);
        }
        if self.rest_until.is_some_and(|until| until <= now) {
            self.rest_until = None;
            self.place(now, out);
        }
        self.purge(now, out);
    }

    /// When the first handler has waited long enough for word of its proposal.
    pub(super) fn patience_over_at(&self) -> Option<Moment> {
        let next = self.proposed.range(self.waited_for + 1..).next();
        next.map(|(_, proposed)| proposed.at + self.patience)
    }

    /// Handlers that have waited long enough hear that nobody knows; what was proposed stays so.
    fn lose_patience(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let behind = self.proposed.range(self.waited_for + 1..);
        for (seq, proposed) in behind.take_while(|(_, it)| it.at + self.patience <= now) {
            self.waited_for = *seq;
            let ticket = proposed.what.ticket();
            out.extend(ticket.map(|ticket| Effect::Tell(ticket, Err(Rejected::Unknown))));
        }
    }

    /// When a later record of our own is to be sent behind what did not come back: behind the oldest,
    /// and behind a barrier that did not come back either.
    pub(super) fn barrier_at(&self) -> Option<Moment> {
        let sent = match self.barrier {
            Some(barrier) => self.proposed.get(&barrier),
            None => self.proposed.values().next(),
        };
        sent.map(|sent| sent.at + BARRIER)
    }

    pub(super) fn purge(&mut self, now: Moment, out: &mut Vec<Effect>) {
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

    pub(super) fn due(&mut self, now: Moment, id: ActivationId, due: Due, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else { return };
        let attempt = open.last_attempt();
        match due {
            Due::Queue if open.assignment().is_none() => {
                let queue = queue_of(open).0;
                let namespace = open.namespace().clone();
                self.placement.leave(&namespace, id);
                let reason = Reason::QueueTimeout(queue);
                self.settle(now, id, attempt, reason, out);
            }
            Due::Whole => {
                let limit = open.deadline().map_or(0, |limit| limit.0);
                self.settle(now, id, attempt, Reason::Timeout(limit), out);
            }
            Due::Attempt if open.assignment().is_some() => self.give_up(now, id, out),
            Due::Again => match self.again.remove(&id) {
                Some(reason) => self.settle(now, id, attempt, reason, out),
                None => self.reconsider(now, id, out),
            },
            Due::Queue | Due::Attempt => {}
        }
    }

    /// Nobody will tell any more how this attempt ended.
    pub(super) fn give_up(&mut self, now: Moment, id: ActivationId, out: &mut Vec<Effect>) {
        let Some(open) = self.ledger.open(&id) else { return };
        let attempt = open.last_attempt();
        if open.is_rerunnable() {
            self.sign(now, What::Settle { id, reason: None }, true, out, |stamp| {
                Body::AttemptLost(AttemptLost { stamp, id, attempt })
            });
        } else {
            self.settle(now, id, attempt, Reason::Lost, out);
        }
    }
}
