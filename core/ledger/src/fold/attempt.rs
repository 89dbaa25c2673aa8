//! Attempts: assigned, touched, given back, lost.

#[cfg(debug_assertions)]
use std::collections::BTreeMap;

use model::id::ActivationId;

use super::activation::AssignedNow;
use super::{Assigned, Assignment, Happened, Here, Ledger, Open, Void, Work};
use crate::record::{Assign, Attempt, AttemptLost, Return, ReturnReason, Started};
use crate::rules::Rule;

/// What mutants remember although the fold forgets it. Never saved, never hashed.
#[cfg(debug_assertions)]
#[derive(Clone, Debug, Default)]
pub(crate) struct Former {
    pub(super) assignments: BTreeMap<ActivationId, Assignment>,
    pub(super) ended: BTreeMap<ActivationId, Open>,
}

impl Ledger {
    /// Present for an assignment: the action itself, and each inner sequence that begins with it.
    pub(super) fn present_for(&self, open: &Open) -> Result<(), Void> {
        self.present(open.step())?;
        let mut enclosing = open.enclosing;
        while let Some(link) = enclosing {
            let Some(around) = self.opens.get(&link.id) else { break };
            if link.position > 0 || around.enclosing.is_none() {
                break; // what began, or was present when it was accepted
            }
            self.present(around.step())?;
            enclosing = around.enclosing;
        }
        Ok(())
    }

    pub(super) fn assign(&mut self, here: Here<'_>, it: &Assign) -> Vec<Happened> {
        let now = Assignment {
            attempt: it.attempt,
            place: it.place,
            touched: false,
            at: here.at,
            wall: here.wall,
        };
        self.opens.change(&it.id, |open| {
            open.records.push(here.at);
            if let Work::Action(attempts) = &mut open.work {
                attempts.last = it.attempt;
                attempts.now = Some(now);
            }
        });
        let guarded = it.place.guarded;
        vec![Happened::Assigned(Assigned { of: now.of(it.id), guarded, offered: false })]
    }

    /// Open, and its current assignment is exactly this attempt, invoker and incarnation.
    fn assigned_now(&self, of: &Attempt) -> Result<AssignedNow<'_>, Void> {
        let action = self.opens.action(&of.id)?;
        #[cfg(debug_assertions)]
        if !self.rules.hold(Rule::M15FormerIsNone)
            && let (Err(_), Some(former)) = (action.assigned(), self.former.assignments.get(&of.id))
        {
            return action.as_if(*former).exactly(of);
        }
        action.assigned()?.exactly(of)
    }

    pub(super) fn may_touch(&self, of: &Attempt) -> Result<(), Void> {
        if !self.rules.hold(Rule::M13TouchedNow) {
            return self.opens.action(&of.id).map(drop);
        }
        self.assigned_now(of).map(drop)
    }

    pub(super) fn touch(&mut self, here: Here<'_>, of: &Attempt) -> Vec<Happened> {
        let mut first = false;
        self.opens.change(&of.id, |open| {
            open.records.push(here.at);
            if let Work::Action(attempts) = &mut open.work
                && let Some(now) = &mut attempts.now
            {
                first = !now.touched;
                now.touched = true;
            }
        });
        vec![Happened::Touched { of: *of, first }]
    }

    pub(super) fn may_return(&self, it: &Return) -> Result<(), Void> {
        let assigned = self.assigned_now(&it.of)?;
        match it.started {
            Started::No => assigned.not_touched()?,
            Started::Maybe if !self.rules.hold(Rule::M16MaybeRerunnable) => assigned,
            Started::Maybe => assigned.rerunnable(self.rules)?,
        };
        Ok(())
    }

    pub(super) fn give_back(&mut self, here: Here<'_>, it: &Return) -> Vec<Happened> {
        let maybe_counts = self.rules.hold(Rule::M17MaybeCounts);
        let mut returns = 0;
        self.unassign(here, it.of.id, |open| {
            let Work::Action(attempts) = &mut open.work else { return };
            if it.started == Started::No || !maybe_counts {
                attempts.given_back = attempts.given_back.saturating_add(1);
            }
            if it.started == Started::No && it.why != ReturnReason::NoSlot {
                attempts.returns = attempts.returns.saturating_add(1);
            }
            returns = attempts.returns;
        });
        vec![Happened::Returned { of: it.of, started: it.started, why: it.why, returns }]
    }

    pub(super) fn lose_attempt(&mut self, here: Here<'_>, it: &AttemptLost) -> Vec<Happened> {
        let of = self.opens.get(&it.id).and_then(Open::assigned).map(|(of, _)| of);
        self.unassign(here, it.id, |_| {});
        of.map(|of| Happened::AttemptLost { of }).into_iter().collect()
    }

    fn unassign(&mut self, here: Here<'_>, id: ActivationId, note: impl FnOnce(&mut Open)) {
        #[cfg(debug_assertions)]
        if !self.rules.hold(Rule::M15FormerIsNone)
            && let Some(now) = self.opens.get(&id).and_then(Open::assignment)
        {
            self.former.assignments.insert(id, *now);
        }
        self.opens.change(&id, |open| {
            open.records.push(here.at);
            if let Work::Action(attempts) = &mut open.work {
                attempts.now = None;
            }
            note(open);
        });
    }

    pub(super) fn may_finish(&self, it: &crate::record::Finish) -> Result<(), Void> {
        #[cfg(debug_assertions)]
        if !self.rules.hold(Rule::M4FirstWins) && self.former.ended.contains_key(&it.of.id) {
            return Ok(());
        }
        if !self.rules.hold(Rule::M3Attempt) {
            return self.opens.action(&it.of.id)?.assigned().map(drop);
        }
        self.assigned_now(&it.of).map(drop)
    }
}
