//! Who owns the partition, and rule O: what makes an owner's record its own.

use model::id::{Epoch, NodeId, Offset};
use serde::{Deserialize, Serialize};

use super::{Happened, Void};
use crate::record::{Claim, Stamp};
use crate::rules::{Rule, Rules};

/// The owner of a partition, and what it was heard to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Of the last valid claim; 0 before the first.
    pub epoch: Epoch,
    /// Who owns now; none before the first claim and after a `Yield`.
    pub node: Option<NodeId>,
    /// The only node that may claim without having read everything, after a `Yield`.
    pub yielded_to: Option<NodeId>,
    /// The highest sequence number in this epoch.
    pub last_seq: u64,
    /// The last record that passed rule O, or the last valid claim.
    pub heard: Offset,
    /// The version of the rules in force.
    pub fold_version: u16,
}

impl Owner {
    /// Rule O. It voids zombies, doubles, reordered re-tries, and whatever would rise again.
    pub(super) fn rule_o(&mut self, at: Offset, stamp: &Stamp, rules: Rules) -> Result<(), Void> {
        let node = self.node.ok_or(Void::NoOwner)?;
        if stamp.epoch != self.epoch && rules.hold(Rule::M1Epoch) {
            return Err(Void::OtherEpoch);
        }
        if stamp.node != node && rules.hold(Rule::M1Epoch) {
            return Err(Void::OtherNode);
        }
        if stamp.seq <= self.last_seq && rules.hold(Rule::M2Sequence) {
            return Err(Void::OldSequence);
        }
        self.last_seq = stamp.seq;
        self.heard = at;
        Ok(())
    }

    /// A claim is a compare-and-set on silence.
    pub(super) fn may_claim(&self, at: Offset, it: &Claim, rules: Rules) -> Result<(), Void> {
        if Some(it.epoch.0) != self.epoch.0.checked_add(1) {
            return Err(Void::ClaimEpoch);
        }
        if it.base >= at {
            return Err(Void::ClaimBase);
        }
        if self.heard > it.base && self.yielded_to != Some(it.node) && rules.hold(Rule::M19Base) {
            return Err(Void::OwnerHeard);
        }
        Ok(())
    }

    pub(super) fn claim(&mut self, at: Offset, it: &Claim) -> Vec<Happened> {
        *self = Self {
            epoch: it.epoch,
            node: Some(it.node),
            yielded_to: None,
            last_seq: 0,
            heard: at,
            fold_version: it.fold_version,
        };
        vec![Happened::Claimed { epoch: it.epoch, node: it.node }]
    }

    pub(super) fn yield_to(&mut self, to: NodeId) -> Vec<Happened> {
        self.node = None;
        self.yielded_to = Some(to);
        vec![Happened::Yielded { to }]
    }
}
