//! The owner's decisions: what is signed, what a read-back record leads to, what is due.
//!
//! Pure: cannot wait, send, draw or look at a clock. **Act on apply**: whatever is told, sent or
//! freed follows a record that was read back and found valid, never an append.
//!
//! `propose` signs, `follow` acts on what is read back, `certain` says what became of
//! our own proposals, `time` places those that wait and looks at what is due,
//! `takeover` begins with what was open before.
//!
//! Source: `exactly-once.md` §§4–6, 8.

mod certain;
mod follow;
mod propose;
mod takeover;
mod time;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ledger::fold::{Change as Changed, Ended, Happened, Ledger, Open, Void};
use ledger::hint::Run;
use ledger::record::{Attempt, Body, EntityKey, Place, Record};
use model::id::{ActivationId, Epoch, NodeId, Offset};
use model::name::Namespace;
use model::outcome::Reason;
use model::time::{Millis, Moment};

use super::bodies::Bodies;
use super::deadlines::Deadlines;
use super::proposal::{Answer, Bound, Phase, Proposal, Rejected};
use super::purge::Purger;
use crate::placement::Placement;

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
    phase: Phase,
    bounds: Bounds,
    /// How long a handler waits for word of its proposal.
    patience: Duration,
    /// Handlers of proposals up to here know, or were told that nobody knows.
    waited_for: u64,
    proposed: BTreeMap<u64, Proposed>,
    /// Activations that proposed `Accept`s would open, by namespace; parents not counted.
    about_to_open: BTreeMap<Namespace, u64>,
    placement: Placement,
    /// Slots of attempts that are assigned here.
    slots: BTreeMap<ActivationId, Slot>,
    here: Place,
    rest_until: Option<Moment>,
    deadlines: Deadlines,
    /// Ends that the log refused: why, for the next time.
    again: BTreeMap<ActivationId, Reason>,
    bodies: Bodies,
    purger: Purger,
    barrier: Option<u64>,
    claim_sent: Option<Moment>,
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
    Accept {
        ticket: Ticket,
        namespace: Namespace,
        opens: u64,
        slots: Vec<Slot>,
    },
    Assign {
        id: ActivationId,
        slot: Slot,
    },
    /// An `Expire` for this reason, or an `AttemptLost`.
    Settle {
        id: ActivationId,
        reason: Option<Reason>,
    },
    Cancel {
        ticket: Ticket,
        id: ActivationId,
    },
}

impl What {
    /// The handler that waits for word of it.
    fn ticket(&self) -> Option<Ticket> {
        match self {
            Self::Write(ticket) | Self::Accept { ticket, .. } | Self::Cancel { ticket, .. } => {
                Some(*ticket)
            }
            Self::Claim | Self::Beat | Self::Purge | Self::Assign { .. } | Self::Settle { .. } => {
                None
            }
        }
    }
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
    /// The disk does not keep up.
    Busy,
    /// More than one record may hold.
    TooLarge,
    /// It is closed.
    Stopped,
}

impl From<log::Refused> for LogRefusal {
    fn from(refused: log::Refused) -> Self {
        use log::Refused;
        match refused {
            Refused::DiskFull { .. } => Self::DiskFull,
            Refused::Busy { .. } => Self::Busy,
            Refused::TooLarge { .. } => Self::TooLarge,
            Refused::Stopped => Self::Stopped,
        }
    }
}

impl From<LogRefusal> for Bound {
    fn from(why: LogRefusal) -> Self {
        match why {
            LogRefusal::DiskFull => Self::DiskFull,
            LogRefusal::Busy => Self::Busy,
            LogRefusal::TooLarge => Self::TooLarge,
            LogRefusal::Stopped => Self::Stopping,
        }
    }
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
            phase: Phase::Starting { percent: 0 },
            bounds,
            patience: Duration::MAX,
            waited_for: 0,
            proposed: BTreeMap::new(),
            about_to_open: BTreeMap::new(),
            placement: Placement::new(here, slots),
            slots: BTreeMap::new(),
            here,
            rest_until: None,
            deadlines: Deadlines::default(),
            again: BTreeMap::new(),
            bodies: Bodies::default(),
            purger: Purger::default(),
            barrier: None,
            claim_sent: None,
            disk_is_full: false,
        }
    }

    /// The same; a handler waits so long for word of its proposal, not for ever.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
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
        let patience = self.patience_over_at();
        if !self.has_claimed() {
            return [self.claims_again_at(), patience].into_iter().flatten().min();
        }
        let rest = self.rest_until.filter(|_| self.placement.waiting() > 0);
        let purge = (self.phase == Phase::Open).then(|| self.purger.wakes_at()).flatten();
        [self.deadlines.first(), self.barrier_at(), rest, purge, patience]
            .into_iter()
            .flatten()
            .min()
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
                    self.settle(now, id, attempt, reason, out);
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
}

/// The attempts that a valid record of the owner ended or gave away.
fn given_away(changed: &Changed) -> impl Iterator<Item = Attempt> {
    changed.happened.iter().filter_map(|happened| match happened {
        Happened::AttemptLost { of } => Some(*of),
        Happened::Ended(ended) => ended.was_assigned.map(|(of, _)| of),
        _ => None,
    })
}

fn accepted(at: Offset, verdict: &Result<Changed, Void>) -> Result<Answer, Rejected> {
    match verdict {
        Ok(_) => Ok(Answer::Applied(at)),
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
