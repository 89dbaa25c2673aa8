//! What is said beside the ledger: hints, which may be lost or doubled and never decide anything.
//!
//! The right to start is the assignment in the ledger; a [`Run`] only tells of it. Bodies (payload,
//! code, parameters) are named by offset and pin; whoever sends a hint adds the bytes.

use std::sync::Arc;

use model::id::{Epoch, Offset};
use model::limits::ResultBounds;
use model::time::Moment;

use crate::fold::{Input, Tree};
use crate::record::{Attempt, Step};

/// From the owner to the invoker: this attempt is yours to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The attempt, its invoker and incarnation.
    pub of: Attempt,
    /// Whether its sandbox must be one whose only way out is the host's.
    pub guarded: bool,
    /// Whether it is known to have touched (a re-sent hint).
    pub touched: bool,
    /// Of the owner that says so.
    pub epoch: Epoch,
    /// Rises per sender, invoker and way.
    pub dseq: u64,
    /// The owner's applied offset.
    pub pos: Offset,
    /// Not to be started after this, by the receiver's clock.
    pub start_before: Option<Moment>,
    /// What goes in.
    pub input: Input,
    /// What runs, with pinned parameters beneath.
    pub step: Arc<Step>,
    /// How long its result may be.
    pub result: ResultBounds,
    /// Who called, and in which request.
    pub tree: Arc<Tree>,
}
