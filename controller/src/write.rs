//! Entity writes: every fact that a verdict rested on goes into `expect`, so the log decides races.
//!
//! A write whose facts changed meanwhile is void; its handler then runs again from the new state, at
//! most [`TRIES`] times. Source: `exactly-once.md` §4, "Write".

use ledger::record::{EntityKey, Expect, Mark, Op};
use model::id::Offset;
use model::identity::Identity;

use crate::Controller;
use crate::owner::proposal::{Answer, Bound, Change, Proposal, Rejected};

/// How often a request is tried on the newest state.
pub const TRIES: usize = 3;

/// Why a change was not made, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The facts had changed: look again.
    #[error("what the change rested on has changed")]
    Changed,
    /// A bound of the server; nothing was done.
    #[error(transparent)]
    Bound(Bound),
    /// It was handed to the log and has not come back.
    #[error("the log has not answered in time")]
    Unknown,
    /// A large part could not be stored; nothing was done.
    #[error("store a large part of the change")]
    Blob(#[from] store::blobs::Error),
}

/// That there still is the namespace that a caller authenticated for.
#[must_use]
pub fn same_namespace(caller: &Identity) -> Expect {
    Expect { key: EntityKey::namespace(&caller.namespace), mark: Mark::Born(caller.since) }
}

impl Controller {
    /// Makes a change in the caller's namespace, as [`Controller::change`], while there still is that
    /// namespace.
    ///
    /// # Errors
    /// [`Failed`]; after all but [`Failed::Unknown`] nothing was changed.
    pub async fn change_as(
        &self,
        caller: &Identity,
        ops: Vec<Op>,
        mut expect: Vec<Expect>,
        by: &str,
    ) -> Result<Offset, Failed> {
        expect.push(same_namespace(caller));
        self.change(ops, expect, by).await
    }

    /// Makes a change, all of it or nothing, and waits until it is applied.
    ///
    /// # Errors
    /// [`Failed`]; after all but [`Failed::Unknown`] nothing was changed.
    pub async fn change(
        &self,
        ops: Vec<Op>,
        expect: Vec<Expect>,
        by: &str,
    ) -> Result<Offset, Failed> {
        let change = Change { ops, expect, by: by.to_owned() };
        match self.partition.propose(Proposal::Write(change)).await {
            Ok(Answer::Applied(at)) => Ok(at),
            // Neither is an answer to a write; nothing says that it was made.
            Ok(Answer::Known { .. }) => Err(Failed::Unknown),
            Err(rejected) => Err(rejected.into()),
        }
    }
}

impl From<Rejected> for Failed {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Changed => Self::Changed,
            Rejected::Bound(bound) => Self::Bound(bound),
            Rejected::Unknown => Self::Unknown,
            // Of activations only: a write that is told so was not made.
            Rejected::Concurrency { .. } | Rejected::NotOpen => Self::Changed,
        }
    }
}

/// What is expected of the entity that is written or deleted.
#[must_use]
pub fn unchanged(key: &EntityKey, revision: Option<Offset>) -> Expect {
    let mark = revision.map_or(Mark::Absent, Mark::Revision);
    Expect { key: key.clone(), mark }
}
