//! One process: the real machines, and a driver that performs what they decide.
//!
//! The driver does what `controller::owner::Partition`, `controller::dispatch`, the index's thread
//! and `invoker::task` do, in the same order, with time and faults from the world.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use controller::index_writer::step::{Effect as WriteEffect, Event as WriteEvent, Writer};
use controller::owner::proposal::{Answer, Phase, Rejected};
use controller::owner::step::{AttemptVerdict, Bounds, Effect, Event, Owner, Ticket};
use controller::waiters::step::{Caller, Effect as WaitEffect, Event as WaitEvent, Waiters};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use invoker::step::{Effect as InvokerEffect, End, Event as InvokerEvent, Machine, Order, Verdict};
use ledger::fold::{Ended, Ledger};
use ledger::hint::Run;
use ledger::record::{
    Attempt, Body, Finish, Logs, Payload, Place, Record, ReturnReason, StartState,
};
use log::{Batch, Item, Log as _};
use model::activation::Row;
use model::id::{ActivationId, Incarnation, InvokerId, NodeId, Offset};
use model::json::Json;
use model::outcome::{Class, Fault, Reason};
use model::time::{Moment, WallTime};

use super::actions;
use super::checker::{Broken, Checked, check};
use super::client::{CallId, Prepared};
use super::mutants::Mutant;
use super::world::{Happening, World};

/// Names one life of a process.
pub type Pid = u64;

/// Slots of one process: few, so that there is a queue.
const SLOTS: u64 = 5;

/// One life of a process.
pub struct Process {
    pub(super) owner: Owner,
    pub(super) node: NodeId,
    pub(super) place: Place,
    pub(super) waiters: Waiters,
    pub(super) tickets: BTreeMap<Ticket, Asked>,
    pub(super) callers: BTreeMap<Caller, (CallId, ActivationId)>,
    next_ticket: Ticket,
    bodies: BTreeMap<Offset, Arc<Record>>,
    pub(super) writer: Writer,
    /// Rows that the index may not have yet.
    pub(super) pending: BTreeMap<ActivationId, Row>,
    rows: Vec<Row>,
    applied: Offset,
    machine: Machine,
    dseq: u64,
    inputs: BTreeMap<Attempt, (Run, i64, i64)>,
    sandboxes: BTreeMap<Attempt, Sandbox>,
    asking: BTreeMap<u64, Attempt>,
    reader: BoxStream<'static, Result<Batch, log::Error>>,
    /// What an acknowledging log would bring: only for M6.
    early: VecDeque<Arc<Record>>,
    last_at_start: Offset,
    caught_up: bool,
    /// It was cut off; another one has taken over, or will.
    pub(super) zombie: bool,
    pub(super) reads_from: Moment,
    /// Until then it reads late.
    pub(super) sluggish_until: Moment,
    pub(super) stopping: bool,
    held: std::collections::BTreeSet<Attempt>,
    woken: (Moment, u32),
    /// Orders that came when their attempt was over, over a log that loses or refuses records: if
    /// that happens to what the invoker then writes, nobody ever answers it.
    stray: usize,
}

/// What a ticket was for.
pub(super) enum Asked {
    Accept { call: CallId, id: ActivationId, round: u32, caller: Option<Caller> },
    Write { call: CallId, by: String },
    Cancel { id: ActivationId },
}

struct Sandbox {
    run: Run,
    x: i64,
    increment: i64,
    requests: u64,
    hangs: bool,
    stopped: bool,
    ended: bool,
}

/// Where a sandbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It wants to send a request, and then waits for leave (or does not).
    Wants {
        /// Whether it waits.
        waits: bool,
    },
    /// The code is through.
    Ends,
    /// Its time is over.
    Overtime,
    /// It could not be made.
    NotStarted(ReturnReason),
    /// It needs more memory than there is.
    GivesUp,
    /// It was stopped because we asked for it.
    Stopped,
}

/// Done when the lock would be free again, in order.
pub(super) enum Later {
    Tell(Ticket, Result<Answer, Rejected>),
    Call(Caller, Arc<Ended>, Arc<Record>),
    Run { run: Box<Run>, body: Option<Arc<Record>>, rerunnable: bool },
    Verdict(Attempt, AttemptVerdict),
}

impl Process {
    pub(super) fn wakes_at(&self) -> Option<Moment> {
        [self.owner.wakes_at(), self.writer.wakes_at()].into_iter().flatten().min()
    }

    pub(super) fn ticket(&mut self, asked: Asked) -> Ticket {
        self.next_ticket += 1;
        self.tickets.insert(self.next_ticket, asked);
        self.next_ticket
    }

    /// Attempts whose code runs on undisturbed.
    pub(super) fn running(&self) -> impl Iterator<Item = Attempt> {
        let fine = |it: &&Sandbox| !it.hangs && !it.stopped && !it.ended;
        let running = self.sandboxes.iter().filter(move |(_, sandbox)| fine(sandbox));
        running.map(|(of, _)| *of)
    }

    pub(super) fn in_hand(&self) -> usize {
        self.machine.in_hand()
    }
}

impl World {
    /// A new process: the newest snapshot or an older one, and the log behind it.
    pub(super) fn start_process(&mut self) -> Checked {
        self.lives += 1;
        let pid = self.lives;
        let at_most = self.chance.percent(30).then(|| Offset(self.chance.below(self.truth_end())));
        let snapshot = self.log.newest_snapshot(at_most).ok().flatten();
        let ledger = snapshot.and_then(|(_, bytes)| Ledger::from_snapshot(&bytes).ok());
        self.count_if(ledger.is_some(), "restart from a snapshot");
        let ledger = self.under(ledger.unwrap_or_default());
        let incarnation = Incarnation { counter: pid, random: self.chance.bits() };
        let place = Place { invoker: InvokerId(0), incarnation, guarded: true };
        let bounds = Bounds { open: 120, open_bytes: 1 << 20, proposals: 64 };
        let node = NodeId(self.chance.bits());
        self.build_index(ledger.applied());
        let reader = self.log.read(ledger.applied().next());
        let machine = Machine::new(place.invoker, incarnation);
        #[cfg(debug_assertions)]
        let machine =
            if self.mutant == Some(Mutant::M5) { machine.without_seen_set() } else { machine };
        let process = Process {
            writer: Writer::new(self.index.reached),
            applied: ledger.applied(),
            owner: Owner::new(ledger, node, place, SLOTS, bounds),
            node,
            place,
            waiters: Waiters::default(),
            tickets: BTreeMap::new(),
            callers: BTreeMap::new(),
            next_ticket: 0,
            bodies: BTreeMap::new(),
            pending: BTreeMap::new(),
            rows: Vec::new(),
            machine,
            dseq: 0,
            inputs: BTreeMap::new(),
            sandboxes: BTreeMap::new(),
            asking: BTreeMap::new(),
            reader,
            early: VecDeque::new(),
            last_at_start: self.log.end(),
            caught_up: false,
            zombie: false,
            reads_from: self.now,
            sluggish_until: self.now,
            stopping: false,
            held: std::collections::BTreeSet::new(),
            woken: (self.now, 0),
            stray: 0,
        };
        self.trace(|| format!("process {pid} starts behind {}", process.applied));
        self.processes.insert(pid, process);
        self.current = Some(pid);
        let beside_a_zombie = self.processes.len() > 1;
        if beside_a_zombie && self.chance.percent(60) {
            let lasts = self.chance.between(Duration::ZERO, Duration::from_secs(6));
            let until = self.now + lasts;
            let process = self.processes.get_mut(&pid);
            process.into_iter().for_each(|process| process.sluggish_until = until);
        }
        self.read_log(pid)
    }

    /// Brings the rows to the index that the live fold of a start will not bring.
    fn build_index(&mut self, snapshot: Offset) {
        let from = usize::try_from(self.index.reached.0).unwrap_or(usize::MAX);
        let entries = self.truth.entries().skip(from).take_while(|(at, _)| *at <= snapshot);
        let changes = entries.filter_map(|(_, entry)| entry.verdict.as_ref().ok());
        let rows = changes.flat_map(|change| change.ended()).map(|ended| Row::clone(&ended.row));
        for row in rows.collect::<Vec<_>>() {
            self.index.rows.insert(row.id, row);
        }
        self.index.reached = self.index.reached.max(snapshot);
    }

    // --- the log ---------------------------------------------------------------------------

    /// Everything that a process can read now, as one batch.
    pub(super) fn read_log(&mut self, pid: Pid) -> Checked {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        if process.reads_from > now {
            let at = process.reads_from;
            self.later(at, Happening::Read(pid));
            return Ok(());
        }
        let mut items = Vec::new();
        if process.caught_up && self.mutant == Some(Mutant::M6) {
            let first = process.owner.ledger().applied().next();
            items.extend((first.0..).map(Offset).zip(process.early.drain(..)));
        } else {
            while let Some(Some(Ok(batch))) = process.reader.next().now_or_never() {
                for item in batch.items {
                    let Item::Frame(at, _) = item else { continue };
                    let Some(entry) = self.truth.entry(at) else { continue };
                    items.push((at, Arc::clone(&entry.record)));
                }
            }
        }
        let mut later = Vec::new();
        for (at, record) in items {
            self.feed(
                pid,
                Event::ReadBack(at, Arc::clone(&record)),
                Some((at, &record)),
                &mut later,
            )?;
            self.after_read_back(pid, at)?;
        }
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let applied = process.owner.ledger().applied();
        if applied > process.applied {
            process.applied = applied;
            self.feed_writer(pid, WriteEvent::Applied(applied));
        }
        self.perform_later(pid, later)?;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        if !process.caught_up && process.owner.ledger().applied() >= process.last_at_start {
            process.caught_up = true;
            self.event(pid, Event::CaughtUp)?;
        }
        self.superseded(pid);
        Ok(())
    }

    fn after_read_back(&mut self, pid: Pid, at: Offset) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        self.truth.follows(at, process.owner.ledger().hash())?;
        let (taken, freed) = self.truth.moved(at, process.place.incarnation);
        process.held.extend(taken);
        for of in freed {
            process.held.remove(&of);
        }
        self.slots(pid)
    }

    /// I16: no slot is free whose attempt is, as far as was read back, still assigned.
    fn slots(&self, pid: Pid) -> Checked {
        let Some(process) = self.processes.get(&pid) else { return Ok(()) };
        let (_, taken) = process.owner.placement();
        let held = process.held.len() as u64;
        check("I16", taken >= held, || format!("{taken} slots taken, {held} assigned"))?;
        check("slots", taken <= SLOTS, || format!("{taken} of {SLOTS} slots taken"))
    }

    /// A process that has read another's claim ends soon.
    fn superseded(&mut self, pid: Pid) {
        let Some(process) = self.processes.get(&pid) else { return };
        let stopped = *process.owner.phase() == Phase::Stopping && !process.stopping;
        if stopped && !process.zombie {
            // One that was cut off before it owned anything has claimed in a moment of silence.
            self.counted("owner superseded");
            self.later(self.now, Happening::Die(pid));
            self.later(self.now + Duration::from_millis(200), Happening::Start);
            if let Some(process) = self.processes.get_mut(&pid) {
                process.zombie = true;
                process.reads_from = Moment::default();
            }
            return;
        }
        let owner = process.owner.ledger().owner();
        let newer = self.processes.keys().any(|other| *other > pid);
        let told = process.reads_from == Moment::default();
        if process.zombie && !told && newer && owner.epoch.0 > 0 && self.is_foreign(pid) {
            self.counted("zombie learns that it is one");
            let at = self.now + self.chance.between(Duration::ZERO, Duration::from_secs(1));
            self.later(at, Happening::Die(pid));
            let process = self.processes.get_mut(&pid);
            process.into_iter().for_each(|process| process.reads_from = Moment::default());
        }
    }

    fn is_foreign(&self, pid: Pid) -> bool {
        let node = |pid| {
            let process: Option<&Process> = self.processes.get(&pid);
            process.and_then(|process| process.owner.ledger().owner().node)
        };
        let newest = self.processes.keys().next_back().copied().unwrap_or(pid);
        newest != pid && node(newest).is_some() && node(newest) == node(pid)
    }

    /// Hands a record to the log; what it refuses is told at once.
    fn append(&mut self, pid: Pid, body: Body, essential: bool) -> Result<(), log::Refused> {
        let record = Record { at: WallTime(self.wall_ms()), body };
        self.trace(|| format!("  {pid} appends {}", brief(&record.body)));
        let frame = record.encode();
        let handed = if essential {
            self.log.append_reserved(frame.clone())
        } else {
            self.log.append(frame.clone())
        };
        if let Err(refused) = handed {
            self.counted("append refused");
            if let Body::Expire(it) = &record.body {
                self.truth.not_expired.insert(it.id);
            }
            return Err(refused);
        }
        if self.chance.permille(self.weather.late_copies) {
            let at =
                self.now + self.chance.between(Duration::from_millis(50), Duration::from_secs(40));
            self.later(at, Happening::Copy(frame));
        }
        if self.mutant == Some(Mutant::M6) {
            let record = Arc::new(record);
            for (pid, process) in &mut self.processes {
                process.early.push_back(Arc::clone(&record));
                self.soon.push(*pid);
            }
        }
        self.tick_soon();
        Ok(())
    }

    // --- the owner -------------------------------------------------------------------------

    /// One event of the owner, and everything that follows.
    pub(super) fn event(&mut self, pid: Pid, event: Event) -> Checked {
        let mut later = Vec::new();
        self.feed(pid, event, None, &mut later)?;
        self.perform_later(pid, later)
    }

    fn feed(
        &mut self,
        pid: Pid,
        event: Event,
        read_back: Option<(Offset, &Arc<Record>)>,
        later: &mut Vec<Later>,
    ) -> Checked {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let mut effects = Vec::new();
        process.owner.step(now, event, &mut effects);
        for effect in effects {
            self.perform(pid, read_back, effect, later)?;
        }
        Ok(())
    }

    fn perform(
        &mut self,
        pid: Pid,
        read_back: Option<(Offset, &Arc<Record>)>,
        effect: Effect,
        later: &mut Vec<Later>,
    ) -> Checked {
        match effect {
            Effect::Append { seq, body, essential } => {
                if let Err(refused) = self.append(pid, body, essential) {
                    self.feed(pid, Event::Refused(seq, refused.into()), None, later)?;
                }
            }
            Effect::Tell(ticket, answer) => later.push(Later::Tell(ticket, answer)),
            Effect::Run(run) => {
                self.truth.dispatched(&run.of)?;
                let Some(process) = self.processes.get(&pid) else { return Ok(()) };
                let body = process.bodies.get(&run.input.offset()).cloned();
                let rerunnable = process.owner.is_rerunnable(run.of.id);
                later.push(Later::Run { run, body, rerunnable });
            }
            Effect::Verdict(of, verdict) => later.push(Later::Verdict(of, verdict)),
            Effect::Ended(ended) => {
                let Some((_, record)) = read_back else { return Ok(()) };
                self.truth.told_ended(&ended, Some(record))?;
                self.has_ended(pid, &ended, record, later);
            }
            Effect::Keep(at) => {
                let kept = self.processes.get_mut(&pid).zip(read_back);
                kept.into_iter().for_each(|(process, (_, record))| {
                    process.bodies.insert(at, Arc::clone(record));
                });
            }
            Effect::Release(at) => {
                let process = self.processes.get_mut(&pid);
                process.into_iter().for_each(|process| drop(process.bodies.remove(&at)));
            }
            Effect::Void(_) => {}
        }
        Ok(())
    }

    fn has_ended(
        &mut self,
        pid: Pid,
        ended: &Arc<Ended>,
        record: &Arc<Record>,
        later: &mut Vec<Later>,
    ) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        if ended.row.stored {
            process.pending.insert(ended.row.id, Row::clone(&ended.row));
            process.rows.push(Row::clone(&ended.row));
        }
        let mut called = Vec::new();
        process.waiters.step(self.now, WaitEvent::Ended(ended.row.id), &mut called);
        later.extend(called.into_iter().filter_map(|effect| match effect {
            WaitEffect::Ended(it) => Some(Later::Call(it, Arc::clone(ended), Arc::clone(record))),
            WaitEffect::Accepted(_) => None,
        }));
        if ended.row.stored {
            self.feed_writer(pid, WriteEvent::Row);
        }
    }

    pub(super) fn perform_later(&mut self, pid: Pid, later: Vec<Later>) -> Checked {
        for act in later {
            match act {
                Later::Tell(ticket, answer) => self.told(pid, ticket, answer)?,
                Later::Call(caller, ended, record) => {
                    self.called(pid, caller, &ended, &record)?;
                }
                Later::Run { run, body, rerunnable } => {
                    self.dispatch(pid, run, body.as_ref(), rerunnable)?;
                }
                Later::Verdict(of, verdict) => {
                    let verdict = match verdict {
                        AttemptVerdict::Over => Verdict::Over,
                        AttemptVerdict::StillAssigned => Verdict::StillAssigned,
                        AttemptVerdict::Touched => Verdict::Touched,
                        AttemptVerdict::NotTouched => Verdict::NotTouched,
                        AttemptVerdict::Aborted => Verdict::Aborted,
                    };
                    self.invoke(pid, InvokerEvent::Verdict(of, verdict))?;
                }
            }
        }
        Ok(())
    }

    /// The moment that a machine asked for has come.
    pub(super) fn wake(&mut self, pid: Pid) -> Checked {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        process.woken = if process.woken.0 == now { (now, process.woken.1 + 1) } else { (now, 1) };
        let spins = process.woken.1 > 1_000;
        check("spins", !spins, || format!("wakes at {:?} for ever", process.owner.wakes_at()))?;
        if process.writer.wakes_at().is_some_and(|at| at <= now) {
            self.feed_writer(pid, WriteEvent::Woken);
        }
        let due = |process: &Process| process.owner.wakes_at().is_some_and(|at| at <= now);
        if self.processes.get(&pid).is_some_and(due) {
            self.event(pid, Event::Woken)?;
        }
        Ok(())
    }

    // --- the index -------------------------------------------------------------------------

    fn feed_writer(&mut self, pid: Pid, event: WriteEvent) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let mut effects = Vec::new();
        process.writer.step(now, event, &mut effects);
        for effect in effects {
            let WriteEffect::Write = effect;
            let Some(process) = self.processes.get_mut(&pid) else { return };
            let rows = std::mem::take(&mut process.rows);
            let reaches = process.applied;
            let fails = self.chance.percent(self.weather.index_fails);
            let at =
                now + self.chance.between(Duration::from_micros(100), Duration::from_millis(20));
            self.later(at, Happening::Indexed { pid, rows, reaches, fails });
        }
    }

    /// A batch of rows is in the index, or could not be written.
    pub(super) fn indexed(
        &mut self,
        pid: Pid,
        rows: Vec<Row>,
        reaches: Offset,
        fails: bool,
    ) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        if fails {
            let newer = std::mem::replace(&mut process.rows, rows);
            process.rows.extend(newer);
            self.counted("index not written");
            self.feed_writer(pid, WriteEvent::Failed);
            return Ok(());
        }
        if !process.zombie {
            for row in &rows {
                self.truth.indexed(row)?;
                self.index.rows.insert(row.id, row.clone());
            }
            self.index.reached = reaches;
        }
        for row in rows {
            if process.pending.get(&row.id).is_some_and(|known| *known == row) {
                process.pending.remove(&row.id);
            }
        }
        self.feed_writer(pid, WriteEvent::Written(reaches));
        Ok(())
    }

    /// What a clean stop does: the rest of the rows.
    pub(super) fn flush_index(&mut self, pid: Pid) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let (rows, reaches) = (std::mem::take(&mut process.rows), process.applied);
        for row in rows {
            self.truth.indexed(&row)?;
            self.index.rows.insert(row.id, row);
        }
        self.index.reached = self.index.reached.max(reaches);
        Ok(())
    }

    // --- dispatch and the invoker ----------------------------------------------------------

    fn dispatch(
        &mut self,
        pid: Pid,
        run: Box<Run>,
        body: Option<&Arc<Record>>,
        rerunnable: bool,
    ) -> Checked {
        if body.is_some() && !self.chance.percent(self.weather.late_runs) {
            return self.order(pid, &run, rerunnable);
        }
        self.counted("run after its input was read");
        let longest = if self.chance.percent(5) { 30_000 } else { 150 };
        let at = self.now
            + self.chance.between(Duration::from_millis(1), Duration::from_millis(longest));
        self.later(at, Happening::Order { pid, run, rerunnable });
        Ok(())
    }

    /// All that a run needs is here: the order goes to the invoker, numbered when it goes.
    pub(super) fn order(&mut self, pid: Pid, run: &Run, rerunnable: bool) -> Checked {
        let of = run.of;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let source = self.truth.entry(run.input.offset()).map(|entry| Arc::clone(&entry.record));
        let kept = process.bodies.get(&run.input.offset()).cloned();
        let record = kept.or(source);
        let document = process.owner.ledger().document_at(&run.step.action);
        let increment = document.map(|it| actions::increment(actions::text(&it.document)));
        let wanted = process.owner.ledger().open(&of.id).is_some();
        check("pins", increment.is_some() || !wanted, || format!("{of:?} lacks its code"))?;
        let unreadable = self.chance.permille(self.weather.unreadable);
        let (Some(record), Some(increment), false) = (record, increment, unreadable) else {
            self.counted("input of a run unreadable");
            let reason = Reason::Internal(Fault::Parameters);
            return self.event(pid, Event::Unreadable(of.id, reason));
        };
        let x = match &record.body {
            Body::Accept(accept) => actions::x_of(&accept.payload),
            Body::Finish(finish) => finish.result.as_ref().map_or(0, actions::x_of),
            _ => 0,
        };
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let open = process.owner.ledger().open(&of.id);
        let assigned = open.and_then(|open| open.assigned()).is_some_and(|(now, _)| now == of);
        process.stray += usize::from(!assigned && self.weather.far);
        process.dseq += 1;
        let order = Order {
            of,
            epoch: run.epoch,
            dseq: process.dseq,
            pos: run.pos,
            start_before: run.start_before,
            rerunnable,
            guarded: run.guarded,
            touched: run.touched,
        };
        if self.chance.percent(self.weather.doubled_runs) {
            let longest = if self.chance.percent(50) { 10_000 } else { 100 };
            let at = self.now + self.chance.between(Duration::ZERO, Duration::from_millis(longest));
            let fresh = self.chance.percent(50);
            let again = Box::new((run.clone(), x, increment));
            self.later(at, Happening::OrderAgain { pid, order: order.clone(), again, fresh });
        }
        self.take_order(pid, order, (run.clone(), x, increment))
    }

    /// The same message once more; or, if the attempt is still assigned, a fresh one that says the
    /// same.
    pub(super) fn order_again(
        &mut self,
        pid: Pid,
        mut order: Order,
        input: (Run, i64, i64),
        fresh: bool,
    ) -> Checked {
        let of = order.of;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let open = process.owner.ledger().open(&of.id);
        let assigned = open.and_then(|open| open.assigned()).is_some_and(|(now, _)| now == of);
        if fresh && !assigned {
            return Ok(());
        }
        if fresh || self.mutant == Some(Mutant::M10) {
            process.dseq += 1;
            order.dseq = process.dseq;
            let touched = open.and_then(|open| open.assignment()).is_some_and(|now| now.touched);
            order.touched = fresh && touched;
        }
        self.counted(if fresh { "run sent again" } else { "run doubled" });
        self.take_order(pid, order, input)
    }

    fn take_order(&mut self, pid: Pid, order: Order, input: (Run, i64, i64)) -> Checked {
        let of = order.of;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        process.inputs.insert(of, input);
        self.invoke(pid, InvokerEvent::Run(order))?;
        let process = self.processes.get_mut(&pid);
        process.into_iter().for_each(|process| drop(process.inputs.remove(&of)));
        Ok(())
    }

    /// One event of the invoker, and everything that follows.
    pub(super) fn invoke(&mut self, pid: Pid, event: InvokerEvent) -> Checked {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let mut effects = Vec::new();
        process.machine.step(now, event, &mut effects);
        for effect in effects {
            match effect {
                InvokerEffect::Start(of) => self.start_sandbox(pid, of)?,
                InvokerEffect::Stop(of) => self.stop_sandbox(pid, of),
                InvokerEffect::Append(body) => self.append_of_invoker(pid, body)?,
                InvokerEffect::Let(who, leave) => self.let_out(pid, who, leave)?,
                InvokerEffect::Forget(of) => {
                    let process = self.processes.get_mut(&pid);
                    process.into_iter().for_each(|process| drop(process.sandboxes.remove(&of)));
                }
            }
        }
        Ok(())
    }

    fn append_of_invoker(&mut self, pid: Pid, body: Body) -> Checked {
        let touches = if let Body::Touched(of) = &body { Some(*of) } else { None };
        // Refused: told to the operator; the owner settles the attempt by its deadline.
        let handed = self.append(pid, body, true).is_ok();
        match touches {
            Some(of) if handed && self.mutant == Some(Mutant::M12) => self.truth.left(of),
            _ => Ok(()),
        }
    }

    fn start_sandbox(&mut self, pid: Pid, of: Attempt) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let Some((run, x, increment)) = process.inputs.remove(&of) else {
            return Err(Broken { invariant: "I7", what: format!("{of:?} is started unasked") });
        };
        let name = run.step.path.strip_prefix("guest/").unwrap_or_default().to_owned();
        let manners = actions::manners(&name);
        let requests = manners.requests;
        let sandbox =
            Sandbox { run, x, increment, requests, hangs: false, stopped: false, ended: false };
        process.sandboxes.insert(of, sandbox);
        self.trace(|| format!("  {pid} starts {name} {}/{}", of.id, of.attempt));
        if self.chance.permille(self.weather.not_started) {
            self.counted("sandbox not started");
            let why = [ReturnReason::NoSlot, ReturnReason::Provision];
            let why = self.chance.pick(&why).unwrap_or(ReturnReason::NoSlot);
            let at = self.now + Duration::from_millis(1);
            self.later(at, Happening::Sandbox { pid, of, stage: Stage::NotStarted(why) });
            return Ok(());
        }
        self.truth.started(of)?;
        if name == "bare" {
            self.truth.left(of)?;
        }
        let open = self.processes.get(&pid).and_then(|it| it.owner.ledger().open(&of.id));
        let assigned = open.and_then(|open| open.assigned()).is_some_and(|(now, _)| now == of);
        // One that hangs is stopped when its attempt is given up, which a stray one was before.
        if assigned && self.chance.permille(self.weather.hangs) {
            self.counted("sandbox hangs");
            let process = self.processes.get_mut(&pid);
            let sandbox = process.and_then(|process| process.sandboxes.get_mut(&of));
            sandbox.into_iter().for_each(|sandbox| sandbox.hangs = true);
            return Ok(());
        }
        let lasts = if manners.slow || (requests > 0 && self.chance.percent(30)) {
            self.chance.between(Duration::from_millis(500), Duration::from_millis(8_800))
        } else {
            self.chance.between(Duration::from_millis(1), Duration::from_millis(400))
        };
        let limit = Duration::from_millis(actions::TIMEOUT);
        let over = lasts > limit;
        let stage = match () {
            () if over => Stage::Overtime,
            () if manners.greedy && self.chance.percent(80) => Stage::GivesUp,
            () if requests > 0 => Stage::Wants { waits: self.chance.percent(80) },
            () => Stage::Ends,
        };
        let at = self.now + lasts.min(limit);
        self.later(at, Happening::Sandbox { pid, of, stage });
        Ok(())
    }

    fn stop_sandbox(&mut self, pid: Pid, of: Attempt) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let Some(sandbox) = process.sandboxes.get_mut(&of) else { return };
        if !sandbox.stopped {
            sandbox.stopped = true;
            let at = self.now + self.chance.between(Duration::ZERO, Duration::from_millis(20));
            self.later(at, Happening::Sandbox { pid, of, stage: Stage::Stopped });
        }
    }

    /// A sandbox has come to a stage.
    pub(super) fn sandbox(&mut self, pid: Pid, of: Attempt, stage: Stage) -> Checked {
        let wall = self.wall_ms();
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let Some(sandbox) = process.sandboxes.get_mut(&of) else { return Ok(()) };
        if sandbox.ended || sandbox.stopped != (stage == Stage::Stopped) {
            return Ok(());
        }
        let (class, result) = actions::answer(&sandbox.run.step.path, sandbox.increment, sandbox.x);
        let finish = |class, result, timeout| {
            Box::new(Finish {
                of,
                class,
                result: Some(Payload::Inline(result)),
                array: false,
                size: Some(1),
                start: WallTime(wall),
                end: WallTime(wall),
                duration_us: 1_000,
                init_us: None,
                timeout,
                state: StartState::Warmed,
                started_from: None,
                logs: Logs::Inline(Vec::new()),
                offer: true,
            })
        };
        let end = match stage {
            Stage::Wants { waits } => return self.wants_out(pid, of, waits),
            Stage::Ends => End::Finished(finish(class, result, false)),
            Stage::Overtime => {
                End::Finished(finish(Class::DeveloperError, Json::error("time"), true))
            }
            Stage::NotStarted(why) => End::NotStarted(why),
            Stage::GivesUp => {
                let by_platform = finish(Class::InternalError, Json::error("memory"), false);
                End::GaveUp(ReturnReason::Memory, by_platform)
            }
            Stage::Stopped => End::Stopped,
        };
        sandbox.ended = true;
        self.count_if(stage == Stage::GivesUp, "sandbox out of memory");
        self.count_if(stage == Stage::Overtime, "run over its time");
        self.invoke(pid, InvokerEvent::Ended(of, end))
    }

    fn wants_out(&mut self, pid: Pid, of: Attempt, waits: bool) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let who = self.next_asking;
        self.next_asking += 1;
        let Some(sandbox) = process.sandboxes.get_mut(&of) else { return Ok(()) };
        sandbox.requests -= 1;
        process.asking.insert(who, of);
        self.invoke(pid, InvokerEvent::WantsOut(of, who))?;
        if !waits {
            // It ends without waiting for what it asked: the verdict is awaited for it.
            self.counted("code ends while its Touched is under way");
            let at = self.now + self.chance.between(Duration::ZERO, Duration::from_millis(5));
            self.later(at, Happening::Sandbox { pid, of, stage: Stage::Ends });
        }
        Ok(())
    }

    fn let_out(&mut self, pid: Pid, who: u64, leave: bool) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let Some(of) = process.asking.remove(&who) else { return Ok(()) };
        if !leave {
            self.counted("request not let out");
            return Ok(());
        }
        let more = process.sandboxes.get(&of).filter(|it| !it.stopped && !it.ended);
        let more = more.map(|it| it.requests);
        self.truth.left(of)?;
        let stage = match more {
            None => return Ok(()),
            Some(0) => Stage::Ends,
            Some(_) => Stage::Wants { waits: true },
        };
        let at = self.now + self.chance.between(Duration::ZERO, Duration::from_millis(50));
        self.later(at, Happening::Sandbox { pid, of, stage });
        Ok(())
    }

    /// After quiescence a process holds nothing.
    pub(super) fn holds_nothing(&self, pid: Pid) -> Checked {
        let Some(process) = self.processes.get(&pid) else { return Ok(()) };
        let (waiting, taken) = process.owner.placement();
        check("slots", (waiting, taken) == (0, 0), || format!("{taken} taken, {waiting} wait"))?;
        let in_use = process.owner.in_use();
        let nothing = Bounds { open: 0, open_bytes: 0, proposals: 0 };
        check("I17", in_use == nothing, || format!("in use: {in_use:?}"))?;
        let bodies = process.bodies.len();
        check("I17", bodies == 0, || format!("{bodies} bodies are kept"))?;
        let invoker = process.machine.in_hand().max(process.machine.seen());
        let machine = &process.machine;
        check("I17", invoker <= process.stray, || format!("the invoker holds on: {machine:?}"))?;
        let waiters = (process.waiters.len(), process.callers.len(), process.tickets.len());
        check("I17", waiters == (0, 0, 0), || format!("waiters, callers, tickets: {waiters:?}"))?;
        let guest = super::client::guest();
        let in_flight = process.owner.in_flight(&guest);
        check("I12", in_flight == 0, || format!("{in_flight} in flight"))?;
        check("I14", process.pending.is_empty(), || "rows that never reach the index".to_owned())
    }

    /// A prepared call reaches the owner.
    pub(super) fn propose(&mut self, pid: Pid, prepared: Prepared) -> Checked {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
        let (asked, proposal) = prepared.register(process);
        let ticket = process.ticket(asked);
        let at = self.now + super::client::APPEND_PATIENCE;
        self.later(at, Happening::AppendPatience(pid, ticket));
        self.event(pid, Event::Propose(ticket, proposal))
    }
}

/// A record in a few words, for traces.
pub(super) fn brief(body: &Body) -> String {
    let about = match body {
        Body::Claim(it) => format!("epoch {} base {}", it.epoch.0, it.base),
        Body::Write(it) => it.by.clone(),
        Body::Accept(it) => match &it.root {
            ledger::record::Root::Invoke(birth) => {
                let assigned = if birth.assign.is_some() { " assigned" } else { "" };
                format!("{} {}{assigned}", birth.id, birth.target.step().path)
            }
            ledger::record::Root::Fire(fire) => fire.id.to_string(),
        },
        Body::Assign(it) => format!("{}/{}", it.id, it.attempt),
        Body::Touched(of) => format!("{}/{}", of.id, of.attempt),
        Body::Return(it) => format!("{}/{} {:?} {:?}", it.of.id, it.of.attempt, it.started, it.why),
        Body::AttemptLost(it) => format!("{}/{}", it.id, it.attempt),
        Body::Finish(it) => format!("{}/{} {}", it.of.id, it.of.attempt, it.class),
        Body::Expire(it) => format!("{}/{} {:?}", it.id, it.attempt, it.reason),
        Body::Beat(_) | Body::Yield(_) | Body::Purge(_) | Body::Archived(_) => String::new(),
    };
    format!("{} {about}", body.kind())
}
