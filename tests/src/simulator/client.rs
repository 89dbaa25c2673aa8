//! Clients, and the handlers that serve them.
//!
//! A client sends a request, hears an answer or none, and sends a keyed one again. A handler reads
//! the state of its process, decides, and proposes a moment later, when the state may be another:
//! as `controller::invoke` and `controller::write` do.

use std::sync::Arc;
use std::time::Duration;

use controller::owner::proposal::{Answer, Change, Invocation, Proposal, Rejected, Start};
use controller::owner::step::Ticket;
use controller::waiters::step::{Caller, Event as WaitEvent, Patience};
use ledger::fold::{Ended, Ledger};
use ledger::record::{
    self, Body, Cause, Document, Expect, KeyClass, KeyUse, Mark, Op, Payload, Record, Root,
};
use model::id::{ActivationId, Digest, Offset};
use model::limits::NamespaceLimits;
use model::name::Namespace;
use model::time::Moment;
use model::time::{Millis, WallTime};

use super::actions::{self, key_of};
use super::checker::{Checked, check};
use super::process::{Asked, Pid, Process};
use super::world::{Happening, World};

/// How long a handler waits for the log.
pub(super) const APPEND_PATIENCE: Duration = Duration::from_secs(8);
/// How long keys live.
const WINDOW: Millis = Millis(60_000);
/// Tries of a handler.
const TRIES: u32 = 3;
/// Sends of one request.
const SENDS: u32 = 7;

/// One copy of a request that came in.
pub type CallId = usize;

/// What a client wants.
#[derive(Clone, Debug)]
pub enum Wants {
    /// That something exists.
    Setup(&'static str, &'static str),
    /// The answer of an action.
    Invoke {
        /// Which.
        name: &'static str,
        /// Its input.
        x: i64,
        /// How long the client waits for it; `None`: only until it is accepted.
        patience: Option<Duration>,
    },
    /// That what the request of this number made is ended.
    Cancel(usize),
    /// A new document.
    Put(&'static str, String),
    /// That something is gone.
    Delete(&'static str),
}

/// A request, with all copies of it.
#[derive(Debug)]
pub struct Request {
    wants: Wants,
    key: Option<Digest>,
    sends: u32,
    told: Option<ActivationId>,
}

/// One copy.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    request: usize,
    /// Nobody hears its answer: it was delayed inside the platform.
    ghost: bool,
    /// It says something else under the same key.
    other: bool,
    since: Offset,
    received_ms: i64,
}

/// What a handler has decided to propose.
pub struct Prepared {
    /// For whom.
    pub call: CallId,
    what: Decided,
}

enum Decided {
    Accept { invocation: Box<Invocation>, round: u32, blocking: bool },
    Write { change: Change },
    Cancel(ActivationId),
}

impl Prepared {
    /// Registers who waits, and says what is proposed.
    pub(super) fn register(self, process: &mut Process) -> (Asked, Proposal) {
        let call = self.call;
        match self.what {
            Decided::Accept { invocation, round, blocking } => {
                let id = invocation.id;
                // Before the proposal, so that no end is missed.
                let caller = blocking.then(|| process.waiters.register(id, FOR_EVER));
                process.callers.extend(caller.map(|caller| (caller, (call, id))));
                (Asked::Accept { call, id, round, caller }, Proposal::Accept(invocation))
            }
            Decided::Write { change } => {
                (Asked::Write { call, by: change.by.clone() }, Proposal::Write(change))
            }
            Decided::Cancel(id) => (Asked::Cancel { id }, Proposal::Cancel(id)),
        }
    }
}

/// Callers here lose their patience by an event of the world, at any moment.
const FOR_EVER: Patience =
    Patience { until: Moment::after_start(Duration::from_secs(u64::MAX)), accepted: true };

/// The namespace of everybody.
pub(super) fn guest() -> Namespace {
    Namespace::new("guest").unwrap_or_else(|_| unreachable!("a good name"))
}

const CODE: &[&str] = &["add", "slow", "fail", "touch", "flaky", "bare", "one", "p/x", "twice"];
const CALLED: &[&str] = &[
    "add", "add", "slow", "slow", "fail", "touch", "touch", "twice", "flaky", "flaky", "bare",
    "big", "one", "one", "p/x", "s2", "s2", "s3", "s4", "s4", "nest", "deep",
];
const SEQUENCES: &[(&str, &[&str])] = &[
    ("s2", &["seq add,touch", "seq touch,add", "seq p/x,add,add"]),
    ("s4", &["seq add,p/x,fail,add", "seq fail,add", "seq one,slow,bare"]),
    ("nest", &["seq add,s2,one", "seq s2,s4"]),
];

impl World {
    // --- the load --------------------------------------------------------------------------

    /// Draws all requests of a seed, with the times at which they are sent first.
    pub(super) fn load(&mut self, invocations: u64, traffic: Duration) {
        for (name, document) in actions::FIRST {
            self.send_at(Duration::from_millis(10), Wants::Setup(name, document), false);
        }
        let first = Duration::from_secs(2);
        let mut at = first;
        for _ in 0..invocations {
            if !self.chance.percent(35) {
                at = self.chance.between(first, traffic); // else in the same burst
            }
            let patience = match self.chance.below(10) {
                0..3 => None,
                3 => Some(Duration::from_millis(self.chance.below(300))),
                _ => Some(Duration::from_secs(20)),
            };
            let name = self.chance.pick(CALLED).unwrap_or("add");
            let x = i64::try_from(self.chance.below(1_000)).unwrap_or(0);
            let keyed = self.chance.percent(45);
            let request = self.send_at(at, Wants::Invoke { name, x, patience }, keyed);
            if self.chance.percent(12) {
                let after = self.chance.between(Duration::ZERO, Duration::from_secs(3));
                self.send_at(at + after, Wants::Cancel(request), false);
            }
        }
        for _ in 0..invocations / 5 {
            let at = self.chance.between(first, traffic);
            self.change_at(at);
        }
    }

    /// A few more, from now on.
    pub(super) fn more_load(&mut self, invocations: u64) {
        let from = self.now.since_start();
        for _ in 0..invocations {
            let at = from + self.chance.between(Duration::ZERO, Duration::from_secs(20));
            let name = self.chance.pick(CALLED).unwrap_or("add");
            self.send_at(at, Wants::Invoke { name, x: 1, patience: None }, false);
        }
    }

    fn change_at(&mut self, at: Duration) {
        let back = at + self.chance.between(Duration::from_millis(5), Duration::from_secs(2));
        match self.chance.below(10) {
            0..4 => {
                let name = self.chance.pick(CODE).unwrap_or("add");
                let text = format!("code {}", self.chance.below(100));
                self.send_at(at, Wants::Put(name, text), false);
            }
            4..6 => {
                let (name, texts) = self.chance.pick(SEQUENCES).unwrap_or(("s2", &["seq add"]));
                let text = self.chance.pick(texts).unwrap_or("seq add").to_owned();
                self.send_at(at, Wants::Put(name, text), false);
            }
            6..9 => {
                let name = self.chance.pick(CODE).unwrap_or("add");
                self.send_at(at, Wants::Delete(name), false);
                self.send_at(back, Wants::Setup(name, "code 77"), false);
            }
            _ => {
                // A package goes while somebody puts into it.
                self.send_at(at, Wants::Delete("p/x"), false);
                let soon = self.chance.between(Duration::ZERO, Duration::from_millis(60));
                self.send_at(at + soon, Wants::Delete("p"), false);
                let soon = self.chance.between(Duration::ZERO, Duration::from_millis(60));
                self.send_at(at + soon, Wants::Put("p/x", "code 5".to_owned()), false);
                self.send_at(back, Wants::Setup("p", "package"), false);
                self.send_at(back, Wants::Setup("p/x", "code 10"), false);
            }
        }
    }

    fn send_at(&mut self, at: Duration, wants: Wants, keyed: bool) -> usize {
        let number = self.requests.len();
        let key = keyed.then(|| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&(number as u64).to_le_bytes());
            Digest(digest)
        });
        self.requests.push(Request { wants, key, sends: 0, told: None });
        self.later(Moment::after_start(at), Happening::Arrive(number));
        number
    }

    // --- a copy comes in -------------------------------------------------------------------

    /// The client sends a request, for the first time or again.
    pub(super) fn arrive(&mut self, number: usize) -> Checked {
        let Some(pid) = self.reachable() else {
            let at =
                self.now + self.chance.between(Duration::from_millis(100), Duration::from_secs(2));
            self.later(at, Happening::Arrive(number)); // connection refused
            return Ok(());
        };
        let Some(process) = self.processes.get(&pid) else { return Ok(()) };
        let since = process.owner.ledger().applied();
        let received_ms = self.wall_ms();
        let Some(request) = self.requests.get_mut(number) else { return Ok(()) };
        request.sends += 1;
        let keyed = request.key.is_some();
        let again = request.sends > 1;
        let other = keyed && again && self.chance.percent(4);
        let call = Call { request: number, ghost: false, other, since, received_ms };
        if keyed && self.chance.percent(self.weather.delayed_copies) {
            let ghost = self.call(Call { ghost: true, other: false, ..call });
            let at =
                self.now + self.chance.between(Duration::from_secs(1), Duration::from_secs(500));
            self.later(at, Happening::Delayed(ghost));
        }
        self.count_if(again && keyed, "keyed request sent again");
        let call = self.call(call);
        self.handle(pid, call, 0)
    }

    /// A copy that was delayed inside the platform goes on.
    pub(super) fn delayed(&mut self, call: CallId) -> Checked {
        let Some(pid) = self.reachable() else { return Ok(()) };
        self.counted("copy delayed inside");
        self.handle(pid, call, 0)
    }

    fn call(&mut self, call: Call) -> CallId {
        self.calls.push(call);
        self.calls.len() - 1
    }

    /// A handler reads the state, decides, and proposes: at once, or when it has read a document.
    fn handle(&mut self, pid: Pid, call: CallId, round: u32) -> Checked {
        let Some(process) = self.processes.get(&pid) else { return Ok(()) };
        let about = self.calls.get(call).copied();
        let Some(about) = about else { return Ok(()) };
        let Some(request) = self.requests.get(about.request) else { return Ok(()) };
        let ledger = process.owner.ledger();
        let by = format!("w{call}.{round}");
        let what = match request.wants.clone() {
            Wants::Invoke { name, x, patience } => {
                let found = actions::resolve(ledger, name);
                let Some(target) = found else {
                    self.counted("answered 404");
                    return Ok(());
                };
                let key = request.key.map(|key| key_use(key, &about));
                let id = ActivationId::new(ledger::id::shard_of(&guest()), self.chance.bytes());
                let invocation = Box::new(Invocation {
                    id,
                    by: Arc::new(record::Caller {
                        subject: "guest".to_owned(),
                        namespace: guest(),
                        transaction: by,
                        store: true,
                    }),
                    cause: Cause::Invoke,
                    received: WallTime(about.received_ms),
                    start: Start::Invoke { target, queue: Millis(4_000) },
                    payload: Payload::Inline(actions::number(x)),
                    key,
                    fire: None,
                    expect: Vec::new(),
                    limits: Arc::new(NamespaceLimits {
                        concurrent_invocations: 18,
                        ..NamespaceLimits::default()
                    }),
                });
                Some(Decided::Accept { invocation, round, blocking: patience.is_some() })
            }
            Wants::Cancel(of) => {
                let told = self.requests.get(of).and_then(|request| request.told);
                told.map(Decided::Cancel)
            }
            Wants::Setup(name, text) if ledger.entity(&key_of(name)).is_none() => {
                put(ledger, name, text, by)
            }
            Wants::Setup(..) => None,
            Wants::Put(name, text) => put(ledger, name, &text, by),
            Wants::Delete(name) => delete(ledger, name, by),
        };
        let Some(what) = what else { return Ok(()) };
        let prepared = Prepared { call, what };
        let takes = match self.chance.below(100) {
            0..3 => self.chance.between(Duration::from_millis(100), Duration::from_secs(2)),
            3..30 => self.chance.between(Duration::ZERO, Duration::from_millis(40)),
            _ => return self.propose(pid, prepared),
        };
        self.later(self.now + takes, Happening::Propose(pid, Box::new(prepared)));
        Ok(())
    }

    // --- what the owner says ---------------------------------------------------------------

    /// The owner has said what became of a proposal.
    pub(super) fn told(
        &mut self,
        pid: Pid,
        ticket: Ticket,
        answer: Result<Answer, Rejected>,
    ) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let Some(asked) = process.tickets.remove(&ticket) else { return Ok(()) };
        match asked {
            Asked::Accept { call, id, round, caller } => {
                self.told_of_accept(pid, call, id, round, caller, answer)
            }
            Asked::Write { call, by } => self.told_of_write(pid, call, &by, &answer),
            Asked::Cancel { id } => match answer {
                Ok(Answer::Applied(_)) => {
                    self.counted("cancelled");
                    self.truth.told_cancelled(id)
                }
                _ => Ok(()),
            },
        }
    }

    fn told_of_accept(
        &mut self,
        pid: Pid,
        call: CallId,
        id: ActivationId,
        round: u32,
        caller: Option<Caller>,
        answer: Result<Answer, Rejected>,
    ) -> Checked {
        if let Ok(Answer::Applied(at)) = answer {
            return self.accepted(pid, call, id, caller, at);
        }
        caller.into_iter().for_each(|caller| self.leave(pid, caller));
        match answer {
            Ok(Answer::Known { first, same }) => self.known(pid, call, first, same),
            Err(Rejected::Changed | Rejected::NotOpen) => {
                self.truth.told_refused(id)?;
                self.counted("proposal void or dead");
                if round + 1 < TRIES {
                    return self.handle(pid, call, round + 1);
                }
                self.send_again(call, false);
                Ok(())
            }
            Err(Rejected::Bound(bound)) => {
                self.truth.told_refused(id)?;
                self.counted(match bound {
                    controller::owner::proposal::Bound::DiskFull => "refused: disk full",
                    controller::owner::proposal::Bound::Starting { .. } => "refused: starting",
                    controller::owner::proposal::Bound::Stopping => "refused: stopping or log",
                    _ => "refused: a bound",
                });
                self.send_again(call, true);
                Ok(())
            }
            Err(Rejected::Concurrency { .. }) => {
                self.counted("refused: concurrency");
                self.truth.told_refused(id)
            }
            Ok(Answer::Applied(_)) | Err(Rejected::Unknown) => {
                self.counted("answered unknown");
                self.send_again(call, false);
                Ok(())
            }
        }
    }

    fn accepted(
        &mut self,
        pid: Pid,
        call: CallId,
        id: ActivationId,
        caller: Option<Caller>,
        at: Offset,
    ) -> Checked {
        self.truth.told_accepted(id)?;
        let entry = self.truth.entry(at).map(|entry| &entry.record.body);
        let there = matches!(entry, Some(Body::Accept(it))
            if matches!(&it.root, Root::Invoke(birth) if birth.id == id));
        check("I16", there, || format!("{id} is told to stand at {at}"))?;
        self.told_id(call, id);
        match (caller, self.patience(call)) {
            (Some(caller), Some(patience)) => {
                self.later(self.now + patience, Happening::WaitOver(pid, caller));
            }
            _ => self.answered(call),
        }
        Ok(())
    }

    fn known(&mut self, pid: Pid, call: CallId, first: ActivationId, same: bool) -> Checked {
        let about = self.calls.get(call).copied();
        let Some((about, Some(key))) = about.map(|about| {
            let key = self.requests.get(about.request).and_then(|request| request.key);
            (about, key)
        }) else {
            return Ok(());
        };
        self.truth.told_known(key, key_use(key, &about).request, first, same)?;
        if !same {
            self.counted("answered 422");
            return Ok(());
        }
        self.counted("answered from the key");
        self.told_id(call, first);
        let patience = self.patience(call);
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        if process.owner.ledger().open(&first).is_some() {
            if let Some(patience) = patience {
                let caller = process.waiters.register(first, FOR_EVER);
                process.callers.insert(caller, (call, first));
                self.later(self.now + patience, Happening::WaitOver(pid, caller));
            }
            return Ok(());
        }
        if process.zombie {
            return Ok(());
        }
        let row = process.pending.get(&first).or_else(|| self.index.rows.get(&first));
        let row = row.cloned();
        check("I23", row.is_some(), || format!("{first} has ended, and cannot be read"))?;
        row.map_or(Ok(()), |row| self.truth.indexed(&row))
    }

    fn told_of_write(
        &mut self,
        pid: Pid,
        call: CallId,
        by: &str,
        answer: &Result<Answer, Rejected>,
    ) -> Checked {
        if matches!(answer, Ok(Answer::Applied(_))) {
            return self.truth.told_written(by, true);
        }
        self.truth.told_written(by, false)?;
        let round = by.rsplit('.').next().and_then(|round| round.parse().ok()).unwrap_or(TRIES);
        if matches!(answer, Err(Rejected::Changed)) && round + 1 < TRIES {
            return self.handle(pid, call, round + 1);
        }
        self.send_again(call, true);
        Ok(())
    }

    /// An end is told to a caller that waited for it.
    pub(super) fn called(
        &mut self,
        pid: Pid,
        caller: Caller,
        ended: &Arc<Ended>,
        record: &Record,
    ) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let Some((call, id)) = process.callers.remove(&caller) else { return Ok(()) };
        let zombie = process.zombie;
        let readable = process.pending.contains_key(&id) || self.index.rows.contains_key(&id);
        self.truth.told_ended(ended, Some(record))?;
        check("I5", ended.row.id == id, || format!("{id} is answered with another's end"))?;
        check("I23", readable || zombie, || format!("{id} is told as ended and cannot be read"))?;
        self.counted("answered with the outcome");
        self.answered(call);
        Ok(())
    }

    /// A caller's patience is over: 202.
    pub(super) fn wait_over(&mut self, pid: Pid, caller: Caller) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let Some((call, _)) = process.callers.get(&caller).copied() else { return };
        self.leave(pid, caller);
        self.counted("patience over");
        self.answered(call);
    }

    fn leave(&mut self, pid: Pid, caller: Caller) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        if let Some((_, id)) = process.callers.remove(&caller) {
            process.waiters.step(self.now, WaitEvent::Left(id, caller), &mut Vec::new());
        }
    }

    /// The log has not answered in time.
    pub(super) fn append_patience(&mut self, pid: Pid, ticket: Ticket) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let Some(asked) = process.tickets.remove(&ticket) else { return };
        self.counted("append outcome unknown");
        self.nobody_knows(pid, &asked);
    }

    fn nobody_knows(&mut self, pid: Pid, asked: &Asked) {
        match asked {
            Asked::Accept { call, caller, .. } => {
                caller.iter().for_each(|caller| self.leave(pid, *caller));
                self.send_again(*call, false);
            }
            Asked::Write { call, .. } => self.send_again(*call, false),
            Asked::Cancel { .. } => {}
        }
    }

    /// A process is gone, and with it every connection.
    pub(super) fn connections_lost(&mut self, process: Process) {
        for (_, asked) in process.tickets {
            if let Asked::Accept { call, .. } | Asked::Write { call, .. } = asked {
                self.send_again(call, false);
            }
        }
        for (_, (call, _)) in process.callers {
            self.send_again(call, false);
        }
    }

    /// A handler was under way when its process ended.
    pub(super) fn handler_lost(&mut self, prepared: &Prepared) {
        self.send_again(prepared.call, false);
    }

    // --- the client ------------------------------------------------------------------------

    fn told_id(&mut self, call: CallId, id: ActivationId) {
        let number = self.calls.get(call).filter(|call| !call.ghost).map(|call| call.request);
        let request = number.and_then(|number| self.requests.get_mut(number));
        request.into_iter().for_each(|request| request.told = Some(id));
    }

    fn patience(&self, call: CallId) -> Option<Duration> {
        let request = self.requests.get(self.calls.get(call)?.request)?;
        match request.wants {
            Wants::Invoke { patience, .. } => patience,
            _ => None,
        }
    }

    /// The client has its answer; at times it asks again all the same.
    fn answered(&mut self, call: CallId) {
        if self.chance.percent(30) {
            let wait = self.chance.between(Duration::from_millis(1), Duration::from_secs(90));
            self.resend(call, wait, false);
        }
    }

    /// The client has none, or a refusal: a keyed request is sent again, another only if nothing can
    /// have come of it.
    fn send_again(&mut self, call: CallId, nothing_came_of_it: bool) {
        let wait = self.chance.between(Duration::from_millis(50), Duration::from_secs(4));
        self.resend(call, wait, nothing_came_of_it);
    }

    fn resend(&mut self, call: CallId, wait: Duration, nothing_came_of_it: bool) {
        let Some(call) = self.calls.get(call).filter(|call| !call.ghost) else { return };
        let number = call.request;
        let Some(request) = self.requests.get(number) else { return };
        let setup = matches!(request.wants, Wants::Setup(..));
        let may = request.key.is_some() || nothing_came_of_it;
        if setup || (may && request.sends < SENDS) {
            self.later(self.now + wait, Happening::Arrive(number));
        }
    }

    fn reachable(&mut self) -> Option<Pid> {
        let zombies: Vec<Pid> =
            self.processes.iter().filter(|(_, it)| it.zombie).map(|(pid, _)| *pid).collect();
        match self.chance.pick(&zombies) {
            Some(zombie) if self.chance.percent(35) => Some(zombie),
            _ => self.current,
        }
    }
}

fn key_use(key: Digest, about: &Call) -> KeyUse {
    let mut request = [0; 32];
    request[..8].copy_from_slice(&(about.request as u64).to_le_bytes());
    request[8] = u8::from(about.other);
    KeyUse {
        class: KeyClass::Client,
        window: WINDOW,
        key,
        request: Digest(request),
        since: about.since,
    }
}

/// As `exactly-once.md` §4 tells what a put expects and moves.
fn put(ledger: &Ledger, name: &str, text: &str, by: String) -> Option<Decided> {
    let key = key_of(name);
    let mark = ledger.entity(&key).map_or(Mark::Absent, |it| Mark::Revision(it.revision));
    let mut expect = vec![Expect { key: key.clone(), mark }];
    let mut ops = Vec::new();
    if let Some((package, _)) = name.split_once('/') {
        let born = ledger.entity(&key_of(package))?.born;
        expect.push(Expect { key: key_of(package), mark: Mark::Born(born) });
        ops.push(Op::Touch(key_of(package)));
    }
    let document = Document::Inline(text.to_owned().into());
    ops.push(Op::Put { key, document, blobs: Vec::new() });
    Some(Decided::Write { change: Change { ops, expect, by } })
}

fn delete(ledger: &Ledger, name: &str, by: String) -> Option<Decided> {
    let key = key_of(name);
    let entity = ledger.entity(&key)?;
    let mut expect = vec![Expect { key: key.clone(), mark: Mark::Revision(entity.revision) }];
    let mut ops = Vec::new();
    if let Some((package, _)) = name.split_once('/') {
        let born = ledger.entity(&key_of(package))?.born;
        expect.push(Expect { key: key_of(package), mark: Mark::Born(born) });
        ops.push(Op::Touch(key_of(package)));
    }
    if name == "p" {
        if ledger.entities_under("n/guest/p/").next().is_some() {
            return None;
        }
        expect.push(Expect { key: key.clone(), mark: Mark::Contents(entity.contents) });
    }
    ops.push(Op::Delete(key));
    Some(Decided::Write { change: Change { ops, expect, by } })
}
