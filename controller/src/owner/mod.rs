//! The owner of the one embedded partition: performs what [`step`] decides.
//!
//! The state lives behind one lock. A handler takes it to propose: signing and appending are one
//! move, so that the order of appends is the order of sequence numbers. The task [`Partition::follow`]
//! takes it once per batch that was read back. What needs no lock (waking callers, starting runs)
//! is done behind it. Handlers read through [`Partition::read`], never across an `await`.

pub mod bodies;
pub mod deadlines;
pub mod memo;
pub mod proposal;
pub mod purge;
pub mod step;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use daemon::clock::Clock;
use daemon::random::Random;
use futures::StreamExt as _;
use ledger::fold::Ledger;
use ledger::record::{Body, Record};
use log::{Item, Log};
use model::id::{ActivationId, Offset};
use model::name::Namespace;
use model::outcome::{Fault, Reason};
use model::size::ByteSize;
use model::time::Moment;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::dispatch::{Dispatcher, Ready};
use crate::index_writer::Pending;
use crate::waiters::step::{Caller, Effect as WaitEffect, Event as WaitEvent, Patience, Waiters};
use memo::Memo;
use proposal::{Answer, Invocation, Phase, Proposal, Rejected, Told};
use step::{Effect, Event, Owner, Ticket};

/// Kept free on the disk for the small records of each open activation.
const RESERVED_EACH: u64 = 4 << 10;
/// So many runs at a time are much.
const MANY_RUNS: usize = 8;

/// The partition that this process owns; cheap to clone.
#[derive(Clone)]
pub struct Partition(Arc<Shared>);

struct Shared {
    core: RwLock<Core>,
    log: Arc<dyn Log>,
    memo: Arc<Memo>,
    clock: Clock,
    random: Random,
    dispatcher: OnceLock<Arc<Dispatcher>>,
    pending: Arc<Pending>,
    observer: Arc<dyn Observer>,
    /// The owner may want to look at the clock earlier than before.
    sooner: Notify,
    phase: watch::Sender<Phase>,
}

struct Core {
    owner: Owner,
    waiters: Waiters,
    callers: HashMap<Caller, oneshot::Sender<Word>>,
    tickets: HashMap<Ticket, Asker>,
    next_ticket: Ticket,
    bodies: HashMap<Offset, Arc<Record>>,
    effects: Vec<Effect>,
    called: Vec<WaitEffect>,
    wakes_at: Option<Moment>,
}

/// Whom a verdict on a proposal is for.
enum Asker {
    /// A handler that waits for it.
    Handler(oneshot::Sender<Result<Answer, Rejected>>),
    /// A caller who waits for the end, and need not be woken to hear that it was accepted.
    Caller(ActivationId, Caller),
}

/// The one word that a caller is told.
enum Word {
    /// Of the proposal, if it was not simply applied.
    Verdict(Result<Answer, Rejected>),
    Ended(Arc<Told>),
    /// It is accepted, and patience for its end is over.
    Accepted,
}

/// What became of an invocation.
#[derive(Debug)]
pub enum Waited {
    /// It was accepted; and it ended, unless nobody waits or patience was over before.
    Accepted(Option<Arc<Told>>),
    /// A request with the same key had been accepted before.
    Known {
        /// The activation of that request.
        first: ActivationId,
        /// Whether it was this request.
        same: bool,
    },
}

impl From<Answer> for Waited {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Applied(_) => Self::Accepted(None),
            Answer::Known { first, same } => Self::Known { first, same },
        }
    }
}

/// What is done when the lock is free again, in order.
enum Later {
    Tell(oneshot::Sender<Result<Answer, Rejected>>, Result<Answer, Rejected>),
    Call(oneshot::Sender<Word>, Word),
    Run(Box<Ready>),
    Verdict(ledger::record::Attempt, step::AttemptVerdict),
    Observe(Arc<ledger::fold::Ended>, Arc<Record>),
}

/// Sees every record as it is read back: for metrics and for the traces of tests.
pub trait Observer: Send + Sync {
    /// A record was applied, or was void for a reason.
    fn read_back(&self, at: Offset, record: &Record, void: Option<&'static str>);
    /// An activation ended, by a record that was applied.
    fn ended(&self, ended: &ledger::fold::Ended, record: &Record);
    /// The log sealed a segment: the live state hash at that place.
    fn sealed(&self, first: Offset, last: Offset, hash: u128);
    /// A batch of so many bytes was applied.
    fn batch(&self, bytes: u64);
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Retention has removed it.
    #[error("the record at {0} is not kept any more")]
    Gone(Offset),
    /// It, or the segment that it is in, is damaged.
    #[error("the record at {at} cannot be read: {cause}")]
    Damaged {
        /// Where.
        at: Offset,
        /// What is wrong.
        cause: String,
    },
}

/// Why the partition stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The log cannot be read.
    #[error("the ledger cannot be read any further")]
    Log(#[from] log::Error),
    /// A record cannot be understood.
    #[error("the record at {at} cannot be understood")]
    Record {
        /// Where.
        at: Offset,
        /// Why.
        source: ledger::record::BadRecord,
    },
    /// The log follows rules that this program does not know.
    #[error(
        "the ledger follows rules of a newer program (at {at}: {why}); start that program instead"
    )]
    Newer {
        /// Where.
        at: Offset,
        /// What was found.
        why: String,
    },
}

/// A caller that waits for an end. Dropping it un-registers the caller.
pub struct Waiting {
    partition: Partition,
    id: ActivationId,
    caller: Caller,
    told: oneshot::Receiver<Word>,
    /// Whoever was told is registered no more.
    is_told: bool,
}

impl Waiting {
    /// The end, if it comes within the patience that was said.
    pub async fn outcome(mut self) -> Option<Arc<Told>> {
        match self.word().await {
            Ok(Word::Ended(told)) => Some(told),
            Ok(Word::Verdict(_) | Word::Accepted) | Err(_) => None,
        }
    }

    async fn word(&mut self) -> Result<Word, Rejected> {
        // Nobody who was registered is forgotten while the partition is followed.
        let word = (&mut self.told).await.map_err(|_| Rejected::Unknown)?;
        self.is_told = true;
        Ok(word)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_told {
            return;
        }
        let mut core = self.partition.write_lock();
        let _nobody_is_told = core.left(self.partition.0.clock.now(), self.id, self.caller);
    }
}

/// What a partition is made of.
pub struct Parts {
    /// The owner, with the state of the newest snapshot.
    pub owner: Owner,
    /// The log.
    pub log: Arc<dyn Log>,
    /// What this process wrote to it, shared with whoever else writes.
    pub memo: Arc<Memo>,
    /// The clock.
    pub clock: Clock,
    /// Chance.
    pub random: Random,
    /// Rows that the index does not have yet.
    pub pending: Arc<Pending>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
}

impl Partition {
    /// A partition that has read nothing beyond its snapshot.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let core = Core {
            owner: parts.owner,
            waiters: Waiters::default(),
            callers: HashMap::new(),
            tickets: HashMap::new(),
            next_ticket: 0,
            bodies: HashMap::new(),
            effects: Vec::new(),
            called: Vec::new(),
            wakes_at: None,
        };
        Self(Arc::new(Shared {
            phase: watch::Sender::new(core.owner.phase().clone()),
            core: RwLock::new(core),
            log: parts.log,
            memo: parts.memo,
            clock: parts.clock,
            random: parts.random,
            dispatcher: OnceLock::new(),
            pending: parts.pending,
            observer: parts.observer,
            sooner: Notify::new(),
        }))
    }

    /// Who starts runs from now on. Said once, before [`Partition::follow`].
    pub fn dispatch_through(&self, dispatcher: Arc<Dispatcher>) {
        // A second one would be a fault of the wiring, and the first stays.
        let _first_stays = self.0.dispatcher.set(dispatcher);
    }

    /// Looks at the state, under a short read lock.
    pub fn read<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(self.read_lock().owner.ledger())
    }

    /// Looks at the owner, for metrics and bounds.
    pub fn inspect<T>(&self, look: impl FnOnce(&Owner) -> T) -> T {
        look(&self.read_lock().owner)
    }

    /// The last offset that was applied.
    #[must_use]
    pub fn applied(&self) -> Offset {
        self.read(Ledger::applied)
    }

    /// How the partition stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.phase.borrow().clone()
    }

    /// Waits until the partition takes proposals, or never will again.
    pub async fn opened(&self) {
        let mut phase = self.0.phase.subscribe();
        // The sender lives as long as `self`.
        let _phase = phase.wait_for(|phase| !matches!(phase, Phase::Starting { .. })).await;
    }

    /// A fresh id for an activation that a namespace will own.
    #[must_use]
    pub fn new_id(&self, namespace: &Namespace) -> ActivationId {
        ActivationId::new(ledger::id::shard_of(namespace), self.0.random.bytes())
    }

    /// Hands a proposal to the owner and waits until it is certain what became of it, as long as
    /// the owner's patience is. Dropping this future stops nothing: the append is the owner's.
    ///
    /// # Errors
    /// [`Rejected`]; after all but [`Rejected::Unknown`] it is not in the ledger and never will be.
    pub async fn propose(&self, proposal: Proposal) -> Result<Answer, Rejected> {
        let (tell, told) = oneshot::channel();
        self.hand_in(proposal, |_| Asker::Handler(tell));
        told.await.unwrap_or(Err(Rejected::Unknown))
    }

    /// Proposes an invocation and waits for its end, `end` long. The caller is registered before the
    /// proposal is handed in, so no end is missed, and is woken once.
    ///
    /// # Errors
    /// As [`Partition::propose`].
    pub async fn propose_and_wait(
        &self,
        invocation: Invocation,
        end: Duration,
    ) -> Result<Waited, Rejected> {
        let until = self.0.clock.now() + end;
        let id = invocation.id;
        let mut waiting = None;
        self.hand_in(Proposal::Accept(Box::new(invocation)), |core| {
            let registered = self.register(core, id, Patience { until, accepted: false });
            let asker = Asker::Caller(id, registered.caller);
            waiting = Some(registered);
            asker
        });
        let Some(mut waiting) = waiting else { return Err(Rejected::Unknown) };
        match waiting.word().await? {
            Word::Accepted => Ok(Waited::Accepted(None)),
            Word::Ended(told) => Ok(Waited::Accepted(Some(told))),
            Word::Verdict(verdict) => verdict.map(Waited::from),
        }
    }

    fn register(&self, core: &mut Core, id: ActivationId, patience: Patience) -> Waiting {
        let (tell, told) = oneshot::channel();
        let caller = core.waiters.register(id, patience);
        core.callers.insert(caller, tell);
        Waiting { partition: self.clone(), id, caller, told, is_told: false }
    }

    fn hand_in(&self, proposal: Proposal, asker: impl FnOnce(&mut Core) -> Asker) {
        let mut later = Vec::new();
        {
            let mut core = self.write_lock();
            let asker = asker(&mut core);
            core.next_ticket += 1;
            let ticket = core.next_ticket;
            core.tickets.insert(ticket, asker);
            self.0.feed(&mut core, Event::Propose(ticket, proposal), &mut later);
            self.0.note_deadline(&mut core);
        }
        self.perform_later(&mut later);
    }

    /// Registers a caller for the end of an activation that is open, `end` long. One that is about
    /// to begin is waited for by [`Partition::propose_and_wait`].
    #[must_use]
    pub fn wait_for(&self, id: ActivationId, end: Duration) -> Waiting {
        let patience = Patience { until: self.0.clock.now() + end, accepted: true };
        let mut core = self.write_lock();
        let waiting = self.register(&mut core, id, patience);
        self.0.note_deadline(&mut core);
        waiting
    }

    /// One record, from memory or from its segment.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn record(&self, at: Offset) -> Result<Arc<Record>, ReadError> {
        if let Some(record) = self.read_lock().bodies.get(&at) {
            return Ok(Arc::clone(record));
        }
        let frame = self.0.log.get(at).await.map_err(|error| match error {
            log::Error::Trimmed { .. } => ReadError::Gone(at),
            other => ReadError::Damaged { at, cause: other.to_string() },
        })?;
        let record = Record::decode(&frame);
        record.map(Arc::new).map_err(|error| ReadError::Damaged { at, cause: error.to_string() })
    }

    /// The disk fell below its floor, or rose above it again.
    pub fn tell_disk(&self, full: bool) {
        self.event(Event::Disk { full });
    }

    /// Nothing new is taken from now on; what is open goes on to its end.
    pub fn stop(&self) {
        self.event(Event::Stop);
    }

    /// What an attempt needs cannot be read: its activation ends.
    pub fn unreadable(&self, id: ActivationId, fault: Fault) {
        self.event(Event::Unreadable(id, Reason::Internal(fault)));
    }

    /// Follows the log until it is closed or `stop` is called: reads back, applies, acts.
    ///
    /// # Errors
    /// [`Stopped`] if the log cannot be followed any further.
    pub async fn follow(&self, stop: CancellationToken) -> Result<(), Stopped> {
        let first = self.applied().next();
        let last_at_start = self.0.log.end();
        let mut batches = self.0.log.read(first);
        let mut caught_up = false;
        let mut later = Vec::new();
        loop {
            if !caught_up {
                caught_up = self.applied() >= last_at_start;
                if caught_up {
                    self.event(Event::CaughtUp);
                } else {
                    // What was written before is there at once: others want to be served meanwhile.
                    tokio::task::yield_now().await;
                }
            }
            let wakes_at = self.read_lock().wakes_at;
            tokio::select! { // each arm is cancel-safe: a batch is taken whole or not at all
                batch = batches.next() => match batch {
                    Some(batch) => {
                        self.apply(&batch?.items, last_at_start, &mut later)?;
                        if told_first(&mut later) {
                            // They answer before all else is sent out.
                            tokio::task::yield_now().await;
                        }
                        self.perform_later(&mut later);
                    }
                    None => return Ok(()),
                },
                () = self.0.clock.reaches(wakes_at) => self.woken(),
                () = self.0.sooner.notified() => {}
                () = stop.cancelled() => return Ok(()),
            }
        }
    }

    /// One batch under one lock. `later`, empty before, is what does not need it.
    fn apply(
        &self,
        items: &[Item],
        last_at_start: Offset,
        later: &mut Vec<Later>,
    ) -> Result<(), Stopped> {
        let mut records = self.0.memo.decode(frames(items)).into_iter();
        {
            let mut core = self.write_lock();
            for item in items {
                match item {
                    Item::Frame(at, _) => {
                        let Some(record) = records.next() else { break };
                        let record =
                            record.map_err(|source| Stopped::Record { at: *at, source })?;
                        self.0.apply_one(&mut core, *at, &record, last_at_start, later)?;
                    }
                    Item::Sealed { first, last } => {
                        self.0.observer.sealed(*first, *last, core.owner.ledger().hash());
                    }
                }
            }
            if let Some((at, frame)) = last_frame(items) {
                self.0.pending.applied(at, log::frame_crc(frame));
            }
            self.0.note_deadline(&mut core);
            self.0.tell_phase(&core);
            let reserved = core.owner.in_use().open * RESERVED_EACH;
            self.0.log.set_reserved(ByteSize::bytes(reserved));
        }
        self.0.observer.batch(items.iter().map(bytes_of).sum());
        Ok(())
    }

    fn woken(&self) {
        self.act(|core, later| {
            core.waiters.step(self.0.clock.now(), WaitEvent::Woken, &mut core.called);
            core.call(None, later);
            self.0.feed(core, Event::Woken, later);
        });
    }

    fn event(&self, event: Event) {
        self.act(|core, later| self.0.feed(core, event, later));
    }

    fn act(&self, act: impl FnOnce(&mut Core, &mut Vec<Later>)) {
        let mut later = Vec::new();
        {
            let mut core = self.write_lock();
            act(&mut core, &mut later);
            self.0.note_deadline(&mut core);
            self.0.tell_phase(&core);
        }
        self.perform_later(&mut later);
    }

    fn perform_later(&self, later: &mut Vec<Later>) {
        for act in later.drain(..) {
            match act {
                Later::Observe(ended, record) => self.0.observer.ended(&ended, &record),
                // Whoever asked may be gone; what was decided stands in the ledger.
                Later::Tell(ticket, answer) => drop(ticket.send(answer)),
                Later::Call(caller, word) => drop(caller.send(word)),
                Later::Run(ready) => {
                    if let Some(dispatcher) = self.0.dispatcher.get() {
                        dispatcher.run(self, *ready);
                    }
                }
                Later::Verdict(of, verdict) => {
                    if let Some(dispatcher) = self.0.dispatcher.get() {
                        dispatcher.verdict(of, verdict);
                    }
                }
            }
        }
    }

    fn read_lock(&self) -> RwLockReadGuard<'_, Core> {
        self.0.core.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_lock(&self) -> RwLockWriteGuard<'_, Core> {
        self.0.core.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// If much is to be run, as after a fire with many rules, whoever waits for a word is told before;
/// whether it was so.
fn told_first(later: &mut Vec<Later>) -> bool {
    let runs = later.iter().filter(|act| matches!(act, Later::Run(_))).count();
    if runs < MANY_RUNS {
        return false;
    }
    for act in std::mem::take(later) {
        match act {
            // Whoever asked may be gone; what was decided stands in the ledger.
            Later::Tell(ticket, answer) => drop(ticket.send(answer)),
            Later::Call(caller, word) => drop(caller.send(word)),
            act @ (Later::Run(_) | Later::Verdict(..) | Later::Observe(..)) => later.push(act),
        }
    }
    true
}

fn bytes_of(item: &Item) -> u64 {
    match item {
        Item::Frame(_, frame) => frame.len() as u64,
        Item::Sealed { .. } => 0,
    }
}

fn last_frame(items: &[Item]) -> Option<(Offset, &bytes::Bytes)> {
    items.iter().rev().find_map(|item| match item {
        Item::Frame(at, frame) => Some((*at, frame)),
        Item::Sealed { .. } => None,
    })
}

fn frames(items: &[Item]) -> impl Iterator<Item = &bytes::Bytes> {
    items.iter().filter_map(|item| match item {
        Item::Frame(_, frame) => Some(frame),
        Item::Sealed { .. } => None,
    })
}

impl Core {
    /// A verdict on a proposal. Whoever waits for the end is not woken for hearing of acceptance.
    fn verdict(
        &mut self,
        now: Moment,
        ticket: Ticket,
        verdict: Result<Answer, Rejected>,
    ) -> Option<Later> {
        match self.tickets.remove(&ticket)? {
            Asker::Handler(tell) => Some(Later::Tell(tell, verdict)),
            Asker::Caller(id, caller) if matches!(verdict, Ok(Answer::Applied(_))) => {
                self.waiters.step(now, WaitEvent::Accepted(id, caller), &mut self.called);
                None
            }
            Asker::Caller(id, caller) => {
                let tell = self.left(now, id, caller)?;
                Some(Later::Call(tell, Word::Verdict(verdict)))
            }
        }
    }

    /// A caller waits no more. How it is told, unless it was.
    fn left(
        &mut self,
        now: Moment,
        id: ActivationId,
        caller: Caller,
    ) -> Option<oneshot::Sender<Word>> {
        self.waiters.step(now, WaitEvent::Left(id, caller), &mut Vec::new());
        self.callers.remove(&caller)
    }

    /// Tells those whose wait is over; `told` is what ended, if anything did.
    fn call(&mut self, told: Option<&Arc<Told>>, later: &mut Vec<Later>) {
        for effect in self.called.drain(..) {
            let (caller, word) = match (effect, told) {
                (WaitEffect::Ended(caller), Some(told)) => (caller, Word::Ended(Arc::clone(told))),
                (WaitEffect::Ended(caller) | WaitEffect::Accepted(caller), _) => {
                    (caller, Word::Accepted)
                }
            };
            later.extend(self.callers.remove(&caller).map(|tell| Later::Call(tell, word)));
        }
    }
}

impl Shared {
    fn apply_one(
        &self,
        core: &mut Core,
        at: Offset,
        record: &Arc<Record>,
        last_at_start: Offset,
        later: &mut Vec<Later>,
    ) -> Result<(), Stopped> {
        if let Body::Claim(claim) = &record.body
            && claim.fold_version > ledger::fold::FOLD_VERSION
        {
            let why = format!("fold version {}", claim.fold_version);
            return Err(Stopped::Newer { at, why });
        }
        if at <= last_at_start && at.0.is_multiple_of(1024) {
            let percent = u8::try_from(at.0 * 100 / last_at_start.0.max(1)).unwrap_or(100);
            let mut none = Vec::new();
            core.owner.step(self.clock.now(), Event::Progress(percent), &mut none);
            self.tell_phase(core);
        }
        let mut effects = std::mem::take(&mut core.effects);
        let event = Event::ReadBack(at, Arc::clone(record));
        core.owner.step(self.clock.now(), event, &mut effects);
        let void = effects.iter().find_map(|effect| match effect {
            Effect::Void(reason) => Some(*reason),
            _ => None,
        });
        tracing::trace!(record = record.body.kind(), void, "read back");
        self.observer.read_back(at, record, void);
        for effect in effects.drain(..) {
            self.perform(core, Some(record), effect, later);
        }
        core.effects = effects;
        Ok(())
    }

    fn feed(&self, core: &mut Core, event: Event, later: &mut Vec<Later>) {
        let mut effects = std::mem::take(&mut core.effects);
        core.owner.step(self.clock.now(), event, &mut effects);
        for effect in effects.drain(..) {
            self.perform(core, None, effect, later);
        }
        core.effects = effects;
    }

    fn perform(
        &self,
        core: &mut Core,
        read_back: Option<&Arc<Record>>,
        effect: Effect,
        later: &mut Vec<Later>,
    ) {
        match effect {
            Effect::Append { seq, body, essential } => {
                self.append(core, seq, body, essential, later);
            }
            Effect::Tell(ticket, answer) => {
                later.extend(core.verdict(self.clock.now(), ticket, answer));
                core.call(None, later);
            }
            Effect::Run(run) => {
                let body = core.bodies.get(&run.input.offset()).cloned();
                let rerunnable = core.owner.is_rerunnable(run.of.id);
                later.push(Later::Run(Box::new(Ready { run: *run, body, rerunnable })));
            }
            Effect::Verdict(of, verdict) => later.push(Later::Verdict(of, verdict)),
            Effect::Ended(ended) => {
                let Some(record) = read_back else { return };
                later.push(Later::Observe(Arc::clone(&ended), Arc::clone(record)));
                self.ended(core, ended, record, later);
            }
            Effect::Keep(at) => {
                if let Some(record) = read_back {
                    core.bodies.insert(at, Arc::clone(record));
                }
            }
            Effect::Release(at) => {
                core.bodies.remove(&at);
            }
            Effect::Void(_) => {}
        }
    }

    fn ended(
        &self,
        core: &mut Core,
        ended: Arc<ledger::fold::Ended>,
        record: &Arc<Record>,
        later: &mut Vec<Later>,
    ) {
        let id = ended.row.id;
        // Before the lock is released: whoever is answered finds the record (I23).
        self.pending.add(&ended);
        if let Some(dispatcher) = self.dispatcher.get() {
            dispatcher.ended(id);
        }
        core.waiters.step(self.clock.now(), WaitEvent::Ended(id), &mut core.called);
        if !core.called.is_empty() {
            let told = Arc::new(Told { ended, record: Arc::clone(record) });
            core.call(Some(&told), later);
        }
    }

    /// Hands a record to the log. What it refuses is told to the owner at once.
    fn append(
        &self,
        core: &mut Core,
        seq: u64,
        body: Body,
        essential: bool,
        later: &mut Vec<Later>,
    ) {
        tracing::trace!(record = body.kind(), "appended");
        let record = Record { at: self.clock.wall(), body };
        let handed = self.memo.hand_over(record, |frame| {
            if essential { self.log.append_reserved(frame) } else { self.log.append(frame) }
        });
        let Err(refused) = handed else { return };
        let mut effects = Vec::new();
        core.owner.step(self.clock.now(), Event::Refused(seq, refused.into()), &mut effects);
        for effect in effects {
            self.perform(core, None, effect, later);
        }
    }

    /// Wakes the task if the owner wants to look at the clock earlier than the task knows.
    fn note_deadline(&self, core: &mut Core) {
        let wakes_at = [core.owner.wakes_at(), core.waiters.wakes_at()].into_iter().flatten().min();
        let is_sooner = match (wakes_at, core.wakes_at) {
            (Some(new), Some(known)) => new < known,
            (Some(_), None) => true,
            (None, _) => false,
        };
        core.wakes_at = wakes_at;
        if is_sooner {
            self.sooner.notify_one();
        }
    }

    fn tell_phase(&self, core: &Core) {
        self.phase.send_if_modified(|known| {
            let differs = known != core.owner.phase();
            if differs {
                known.clone_from(core.owner.phase());
            }
            differs
        });
    }
}
