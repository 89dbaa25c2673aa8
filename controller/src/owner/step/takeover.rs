//! The claim at the start, and everything that was open before it.

use std::time::Duration;

use ledger::record::{Body, Claim, Record};
use model::id::{ActivationId, Epoch, NodeId};
use model::time::Moment;

use super::{BARRIER, Effect, GRACE, Owner, Proposed, What, queue_of};
use crate::owner::deadlines::Due;
use crate::owner::proposal::Phase;

impl Owner {
    pub(super) fn claim(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let epoch = Epoch(self.ledger.owner().epoch.0 + 1);
        let base = self.ledger.applied();
        self.epoch = epoch;
        self.seq = 0;
        self.waited_for = 0;
        self.claim_sent = Some(now);
        self.proposed.insert(0, Proposed { at: now, what: What::Claim });
        let fold_version = ledger::fold::FOLD_VERSION;
        let claim = Claim { epoch, node: self.node, base, fold_version };
        out.push(Effect::Append { seq: 0, body: Body::Claim(claim), essential: true });
    }

    /// When a claim that was lost, refused or void is made anew.
    pub(super) fn claims_again_at(&self) -> Option<Moment> {
        let starting = matches!(self.phase, Phase::Starting { .. });
        self.claim_sent.filter(|_| starting).map(|sent| sent + BARRIER)
    }

    /// Our claim was applied: everything that is open is in our hands now.
    pub(super) fn claimed(
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
        if matches!(self.phase, Phase::Starting { .. }) {
            self.phase = Phase::Open;
        }
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

    pub(super) fn take_over(
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
