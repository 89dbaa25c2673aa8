//! What a read-back record leads to: births, assignments, returns, ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::fold::{Assigned, Change as Changed, Ended, Happened, MAX_RETURNS, Open, Void};
use ledger::hint::Run;
use ledger::record::{Attempt, Body, EntityKey, Named, Record, ReturnReason};
use model::id::{ActivationId, Offset};
use model::limits::NamespaceLimits;
use model::outcome::{Reason, STOPPED_NAMESPACE};
use model::time::Moment;

use super::{Effect, NO_SLOT_REST, Owner, Slot, VERDICT, queue_of};
use crate::owner::deadlines::Due;
use crate::owner::proposal::Phase;
use crate::placement::Waiting;
use crate::read::identities;

/// Why what waits in a stopped namespace ends.
fn stopped() -> Reason {
    Reason::Refused(STOPPED_NAMESPACE.to_owned())
}

impl Owner {
    pub(super) fn read_back(
        &mut self,
        now: Moment,
        at: Offset,
        record: &Arc<Record>,
        out: &mut Vec<Effect>,
    ) {
        let verdict = self.ledger.apply(at, record);
        if let Err(void) = &verdict {
            out.push(Effect::Void(void.word()));
        }
        if !self.has_claimed() {
            if self.phase == Phase::Open {
                self.phase = Phase::Stopping; // another owns the partition now
            }
            self.while_starting(verdict, out);
            return;
        }
        if let Ok(changed) = &verdict {
            self.follow(now, at, record, changed, out);
        }
        self.tell_invoker(&record.body, &verdict, out);
        self.own(now, at, record, &verdict, out);
        if self.placement.waiting() > 0 {
            self.place(now, out);
        }
    }

    /// Whether the partition is ours, as far as was read back.
    pub(super) fn has_claimed(&self) -> bool {
        let owner = self.ledger.owner();
        owner.node == Some(self.node) && owner.epoch == self.epoch
    }

    /// Before our claim nothing is dispatched or told; only the index learns what had ended.
    pub(super) fn while_starting(&mut self, verdict: Result<Changed, Void>, out: &mut Vec<Effect>) {
        if let Ok(changed) = verdict {
            out.extend(changed.ended().map(|ended| Effect::Ended(Arc::clone(ended))));
        }
    }

    pub(super) fn follow(
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
                Happened::Wrote(keys) => self.wrote(now, keys, out),
                Happened::Touched { .. }
                | Happened::Yielded { .. }
                | Happened::Purged { .. }
                | Happened::Archived { .. } => {}
            }
        }
        self.purger.applied(now, at, &record.body);
    }

    pub(super) fn born(
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
    pub(super) fn waits(
        &mut self,
        now: Moment,
        id: ActivationId,
        again: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(open) = self.ledger.open(&id) else { return };
        let step = open.step();
        if !self.is_present(step) {
            let attempt = open.last_attempt();
            self.settle(now, id, attempt, Reason::Missing, out);
            return;
        }
        if let Some(refused) = self.may_not_start(open, &self.limits_of(open)) {
            let attempt = open.last_attempt();
            self.settle(now, id, attempt, refused, out);
            return;
        }
        let queue = queue_of(open).as_duration();
        let waiting =
            Waiting { id, action: step.action.key.clone(), instances: step.limits.instances };
        let namespace = open.namespace().clone();
        self.placement.wait(&namespace, waiting, again);
        self.deadlines.arm(id, now + queue, Due::Queue);
    }

    /// Why nothing of this may be started any more: its namespace was stopped, or may no longer have
    /// what the action was given.
    fn may_not_start(&self, open: &Open, limits: &NamespaceLimits) -> Option<Reason> {
        let caller = &open.tree.caller;
        let is_blocked = || identities::is_blocked(&self.ledger, &caller.subject);
        if self.ledger.is_made_again(&open.tree) || limits.stop_all() || is_blocked() {
            return Some(stopped());
        }
        let exceeded = limits.check(&open.step().limits).err();
        exceeded.map(|exceeded| Reason::Refused(exceeded.to_string()))
    }

    fn limits_of(&self, open: &Open) -> NamespaceLimits {
        identities::limits(&self.ledger, &open.tree.caller.namespace)
    }

    /// Whoever is stopped by a change of a subject or of limits is not waited for any more.
    fn wrote(&mut self, now: Moment, keys: &[EntityKey], out: &mut Vec<Effect>) {
        let may_stop =
            |key: &EntityKey| matches!(key.parse(), Some(Named::Subject(_) | Named::Limits(_)));
        if !keys.iter().any(may_stop) {
            return;
        }
        let mut told = BTreeMap::new();
        let mut stopping = Vec::new();
        for namespace in self.ledger.waiting_namespaces() {
            for open in self.ledger.waiting(namespace) {
                let caller = &open.tree.caller;
                let is_stopped = *told
                    .entry((&caller.subject, &caller.namespace))
                    .or_insert_with_key(|(subject, namespace)| {
                        identities::is_blocked(&self.ledger, subject)
                            || identities::limits(&self.ledger, namespace).stop_all()
                    });
                if is_stopped {
                    stopping.push((open.id, namespace.clone(), open.last_attempt()));
                }
            }
        }
        for (id, namespace, attempt) in stopping {
            self.placement.leave(&namespace, id);
            self.settle(now, id, attempt, stopped(), out);
        }
    }

    pub(super) fn assigned(&mut self, now: Moment, assigned: &Assigned, out: &mut Vec<Effect>) {
        let of = assigned.of;
        let Some(open) = self.ledger.open(&of.id) else { return };
        let Some(step) = open.action() else { return };
        let limits = step.limits;
        let hard = limits.timeout.as_duration() * 2 + VERDICT;
        // Born with an assignment, while the word that stops it was on its way.
        let allowed = self.limits_of(open);
        let refused = self.may_not_start(open, &allowed);
        if of.invoker == self.here.invoker && of.incarnation == self.here.incarnation {
            let slot = Slot(step.action.key.clone(), limits.instances);
            if assigned.offered {
                self.placement.take(&slot.0, slot.1);
            }
            self.slots.insert(of.id, slot);
        }
        if let Some(refused) = refused {
            self.settle(now, of.id, of.attempt, refused, out);
            return;
        }
        out.push(Effect::Run(Box::new(Run {
            of,
            guarded: assigned.guarded,
            touched: false,
            epoch: self.epoch,
            dseq: 0, // numbered when it goes
            pos: self.ledger.applied(),
            start_before: None,
            input: open.input,
            step: Arc::clone(step),
            result: allowed.result(),
            tree: Arc::clone(&open.tree),
        })));
        self.deadlines.arm(of.id, now + hard, Due::Attempt);
    }

    pub(super) fn free_slot(&mut self, id: ActivationId) {
        if let Some(Slot(action, instances)) = self.slots.remove(&id) {
            self.placement.free(&action, instances);
        }
    }

    pub(super) fn returned(
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
            self.settle(now, of.id, of.attempt, Reason::NoCapacity, out);
            return;
        }
        self.waits(now, of.id, true, out);
    }

    pub(super) fn ended(
        &mut self,
        now: Moment,
        record: &Record,
        ended: &Arc<Ended>,
        out: &mut Vec<Effect>,
    ) {
        let id = ended.row.id;
        self.deadlines.disarm(id);
        self.again.remove(&id);
        if let Some(offset) = self.bodies.done_with(id) {
            out.push(Effect::Release(offset));
        }
        if ended.was_assigned.is_some() {
            self.free_slot(id);
        } else if !ended.parent {
            self.placement.leave(&ended.row.namespace, id);
        }
        out.push(Effect::Ended(Arc::clone(ended)));
        // Sequences inside one that is cancelled end by the same record.
        let cancelled = matches!(&record.body, Body::Expire(it) if it.reason == Reason::Cancelled);
        if ended.parent && cancelled {
            self.cancel_step_of(now, ended, out);
        }
    }

    /// A cancelled sequence takes its running step with it.
    pub(super) fn cancel_step_of(&mut self, now: Moment, ended: &Ended, out: &mut Vec<Effect>) {
        let Some(child) = ended.row.children.last().copied() else { return };
        if let Some(open) = self.ledger.open(&child) {
            let attempt = open.last_attempt();
            self.settle(now, child, attempt, Reason::Cancelled, out);
        }
    }
}
