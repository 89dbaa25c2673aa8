//! The world of one seed: virtual time, a log, processes that come and go.
//!
//! Everything that happens is in one queue, by time and then by the order in which it was put there;
//! machines are woken when they said. So a seed is one history, and the same one each time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use controller::owner::step::{Event, Ticket};
use controller::waiters::step::Caller;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use invoker::step::{Event as InvokerEvent, Order};
use ledger::fold::{Happened, Ledger};
use ledger::hint::Run;
use ledger::record::{Attempt, Record};
use log::simulated::Simulated;
use log::{Batch, Item, Log as _};
use model::activation::Row;
use model::id::{ActivationId, Offset};
use model::time::Moment;

use super::checker::{Broken, Checked, Truth, check};
use super::client::{Call, CallId, Prepared, Request};
use super::faults::{Blow, Chance, Weather};
use super::mutants::Mutant;
use super::process::{Pid, Process, Stage, brief};

/// Wall time at the beginning.
const EPOCH_MS: i64 = 1_700_000_000_000;
/// When a world that still moves is said never to come to rest.
const NEVER: Duration = Duration::from_secs(2400);

/// Something that happens at a time.
pub(super) enum Happening {
    /// Frames arrive in the log, and become readable.
    Tick,
    /// A process reads.
    Read(Pid),
    /// A client sends a request.
    Arrive(usize),
    /// A copy of a request goes on that was delayed inside the platform.
    Delayed(CallId),
    /// A handler proposes.
    Propose(Pid, Box<Prepared>),
    /// A handler does not wait for the log any longer.
    AppendPatience(Pid, Ticket),
    /// A caller does not wait for the outcome any longer.
    WaitOver(Pid, Caller),
    /// Rows are in the index, or could not be written.
    Indexed { pid: Pid, rows: Vec<Row>, reaches: Offset, fails: bool },
    /// What a run needs was read.
    Order { pid: Pid, run: Box<Run>, rerunnable: bool },
    /// An order comes once more.
    OrderAgain { pid: Pid, order: Order, again: Box<(Run, i64, i64)>, fresh: bool },
    /// A sandbox has come so far.
    Sandbox { pid: Pid, of: Attempt, stage: Stage },
    /// A frame lands once more, long after.
    Copy(Bytes),
    /// A blow.
    Blow(Blow),
    /// A blow that waited for something to be on its way.
    Strike(Blow),
    /// The disk has room again.
    DiskFree,
    /// Processes learn how the disk stands.
    DiskSeen,
    /// A process starts.
    Start,
    /// A process ends at once.
    Die(Pid),
    /// The grace of a stopping process is over.
    Abandon(Pid),
    /// A stopping process ends if it has nothing in hand, or is late.
    Exit(Pid, u32),
    /// A snapshot is saved.
    Snapshot,
    /// No more faults.
    Calm,
    /// Are enough accepted?
    TopUp,
}

/// What survives a process beside the log.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) rows: BTreeMap<ActivationId, Row>,
    pub(super) reached: Offset,
}

/// The world of one seed.
pub struct World {
    pub(super) chance: Chance,
    pub(super) now: Moment,
    pub(super) mutant: Option<Mutant>,
    pub(super) weather: Weather,
    pub(super) log: Simulated,
    ticked: Moment,
    next_tick: Option<Moment>,
    reader: BoxStream<'static, Result<Batch, log::Error>>,
    read: Offset,
    pub(super) truth: Truth,
    pub(super) processes: BTreeMap<Pid, Process>,
    pub(super) current: Option<Pid>,
    pub(super) lives: Pid,
    pub(super) next_asking: u64,
    /// Processes that have something to read at once: only for M6.
    pub(super) soon: Vec<Pid>,
    queue: BTreeMap<(Moment, u64), Happening>,
    order: u64,
    at_least: u64,
    pub(super) requests: Vec<Request>,
    pub(super) calls: Vec<Call>,
    pub(super) index: Index,
    disk_full: bool,
    /// Strikes when something is appended next.
    armed: Option<Blow>,
    counts: BTreeMap<&'static str, u64>,
    tracing: bool,
    /// What happened, if that was asked for.
    pub told: Vec<String>,
}

/// How much is asked of a world.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests that invoke something.
    pub invocations: u64,
    /// How long they keep coming.
    pub traffic: Duration,
    /// Of which so many must be accepted: more are sent until that is so.
    pub accepted: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self { invocations: 175, traffic: Duration::from_secs(150), accepted: 150 }
    }
}

impl World {
    /// The world of a seed, before anything has happened.
    #[must_use]
    pub fn new(seed: u64, load: Load, mutant: Option<Mutant>, tracing: bool) -> Self {
        let mut chance = Chance::new(seed);
        let weather = Weather::draw(&mut chance, load.traffic);
        let log = Simulated::new(chance.bits(), weather.log);
        let mut world = Self {
            chance,
            now: Moment::default(),
            mutant,
            ticked: Moment::default(),
            next_tick: None,
            reader: log.read(Offset::NONE),
            log,
            weather,
            read: Offset::NONE,
            truth: Truth::new(under(mutant, Ledger::default())),
            processes: BTreeMap::new(),
            current: None,
            lives: 0,
            next_asking: 0,
            soon: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            at_least: load.accepted,
            requests: Vec::new(),
            calls: Vec::new(),
            index: Index::default(),
            disk_full: false,
            armed: None,
            counts: BTreeMap::new(),
            tracing,
            told: Vec::new(),
        };
        world.later(Moment::default(), Happening::Start);
        world.load(load.invocations, load.traffic);
        for (at, blow) in world.weather.blows.clone() {
            world.later(Moment::after_start(at), Happening::Blow(blow));
        }
        for _ in 0..world.chance.below(6) {
            let at = world.chance.between(Duration::from_secs(1), load.traffic);
            world.later(Moment::after_start(at), Happening::Snapshot);
        }
        world.later(Moment::after_start(load.traffic), Happening::Calm);
        world
    }

    /// Everything until nothing moves any more, then the invariants of rest.
    ///
    /// # Errors
    /// The first invariant that is [`Broken`].
    pub fn run(&mut self) -> Checked {
        while let Some(at) = self.next() {
            self.now = self.now.max(at);
            let never = self.now.since_start() > NEVER;
            check("I2", !never, || format!("no rest: {:?}", self.truth.ledger().counts()))?;
            self.happens()?;
            while let Some(pid) = self.soon.pop() {
                self.read_log(pid)?;
            }
        }
        self.at_rest()
    }

    /// When something happens next.
    fn next(&self) -> Option<Moment> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let woken = self.processes.values().filter_map(Process::wakes_at);
        queued.into_iter().chain(woken).min()
    }

    fn happens(&mut self) -> Checked {
        let due = self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= self.now);
        if let Some((_, happening)) = due.then(|| self.queue.pop_first()).flatten() {
            return self.happening(happening);
        }
        let now = self.now;
        let due = |process: &Process| process.wakes_at().is_some_and(|at| at <= now);
        let woken: Vec<Pid> =
            self.processes.iter().filter(|(_, it)| due(it)).map(|(pid, _)| *pid).collect();
        woken.into_iter().try_for_each(|pid| self.wake(pid))
    }

    fn happening(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::Tick => self.tick(),
            Happening::Read(pid) => self.read_log(pid),
            Happening::Arrive(number) => self.arrive(number),
            Happening::Delayed(call) => self.delayed(call),
            Happening::Propose(pid, prepared) => {
                if self.processes.contains_key(&pid) {
                    return self.propose(pid, *prepared);
                }
                self.handler_lost(&prepared);
                Ok(())
            }
            Happening::AppendPatience(pid, ticket) => {
                self.append_patience(pid, ticket);
                Ok(())
            }
            Happening::WaitOver(pid, caller) => {
                self.wait_over(pid, caller);
                Ok(())
            }
            Happening::Indexed { pid, rows, reaches, fails } => {
                self.indexed(pid, rows, reaches, fails)
            }
            Happening::Order { pid, run, rerunnable } => self.order(pid, &run, rerunnable),
            Happening::OrderAgain { pid, order, again, fresh } => {
                self.order_again(pid, order, *again, fresh)
            }
            Happening::Sandbox { pid, of, stage } => self.sandbox(pid, of, stage),
            Happening::Copy(frame) => {
                if self.weather.late_copies > 0 && self.log.append_reserved(frame).is_ok() {
                    self.counted("frame lands once more");
                    self.tick_soon();
                }
                Ok(())
            }
            Happening::Blow(blow) => {
                // Most hit between an append and its read-back.
                if matches!(blow, Blow::Kill | Blow::PowerCut) && self.chance.percent(75) {
                    self.armed = Some(blow);
                    return Ok(());
                }
                self.blow(blow)
            }
            Happening::Strike(blow) => self.blow(blow),
            Happening::DiskFree => {
                self.disk_full = false;
                self.log.set_full(false);
                let at = self.now + Duration::from_millis(200);
                self.later(at, Happening::DiskSeen);
                Ok(())
            }
            Happening::DiskSeen => {
                let full = self.disk_full;
                let all: Vec<Pid> = self.processes.keys().copied().collect();
                all.into_iter().try_for_each(|pid| self.event(pid, Event::Disk { full }))
            }
            Happening::Start => {
                if self.disk_full {
                    self.later(self.now + Duration::from_millis(100), Happening::DiskSeen);
                }
                self.start_process()
            }
            Happening::Die(pid) => {
                self.die(pid);
                Ok(())
            }
            Happening::Abandon(pid) => self.invoke(pid, InvokerEvent::Abandon),
            Happening::Exit(pid, looks) => self.exit(pid, looks),
            Happening::Snapshot => {
                let (at, bytes) = self.truth.snapshot();
                // It may have been cut off meanwhile; then there is none.
                let _ = self.log.save_snapshot(at, &bytes);
                Ok(())
            }
            Happening::Calm => {
                self.calm();
                self.top_up();
                Ok(())
            }
            Happening::TopUp => {
                self.top_up();
                Ok(())
            }
        }
    }

    // --- the log ---------------------------------------------------------------------------

    /// Something was handed to the log: it arrives in a moment.
    pub(super) fn tick_soon(&mut self) {
        let at =
            self.now + self.chance.between(Duration::from_micros(50), Duration::from_millis(1));
        self.tick_at(at);
        if let Some(blow) = self.armed.take() {
            let soon = self.weather.read_back.min(Duration::from_millis(2));
            let at = self.now + self.chance.between(Duration::ZERO, soon);
            self.later(at, Happening::Strike(blow));
        }
    }

    fn tick_at(&mut self, at: Moment) {
        if self.next_tick.is_none_or(|next| next > at) {
            self.next_tick = Some(at);
            self.later(at, Happening::Tick);
        }
    }

    fn tick(&mut self) -> Checked {
        if self.next_tick.is_some_and(|next| next <= self.now) {
            self.next_tick = None;
        }
        let mut faults = self.weather.log;
        faults.read_back = self.weather.read_back;
        if self.chance.permille(self.weather.stalls) {
            faults.read_back = self.chance.between(Duration::from_secs(1), Duration::from_secs(6));
            self.counted("log stalls");
        }
        self.log.set_faults(faults);
        self.log.tick(self.now.since(self.ticked));
        self.ticked = self.now;
        self.read_truth()?;
        if self.log.on_the_way() > 0 {
            let at = self.now + self.weather.read_back + Duration::from_micros(1);
            self.tick_at(at);
        }
        Ok(())
    }

    /// Reads what is readable now, before anybody else does.
    fn read_truth(&mut self) -> Checked {
        let current = self.current.and_then(|pid| self.processes.get(&pid));
        let owner = self.truth.ledger().owner().node;
        let owner = current.filter(|it| !it.zombie && owner == Some(it.node));
        let undisturbed = owner.into_iter().flat_map(Process::running);
        self.truth.undisturbed = undisturbed.collect();
        let mut any = false;
        while let Some(Some(Ok(batch))) = self.reader.next().now_or_never() {
            for item in batch.items {
                let Item::Frame(at, frame) = item else { continue };
                let record = Record::decode(&frame);
                let Ok(record) = record else {
                    return Err(Broken { invariant: "I13", what: format!("{at}: {record:?}") });
                };
                any = true;
                self.read = at;
                let now_ms = self.wall_ms();
                let told = brief(&record.body);
                let read = self.truth.read(at, Arc::new(record), now_ms);
                self.trace(|| format!("{at}: {told}"));
                self.explain(at);
                read?;
            }
        }
        if any {
            for pid in self.processes.keys().copied().collect::<Vec<_>>() {
                let sluggish =
                    self.processes.get(&pid).is_some_and(|it| it.sluggish_until > self.now);
                let longest = match sluggish {
                    true => 1_000,
                    false if self.chance.percent(5) => 400,
                    false => 3,
                };
                let at =
                    self.now + self.chance.between(Duration::ZERO, Duration::from_millis(longest));
                self.later(at, Happening::Read(pid));
            }
        }
        Ok(())
    }

    fn explain(&mut self, at: Offset) {
        if !self.tracing {
            return;
        }
        let verdict = self.truth.entry(at).map(|entry| match &entry.verdict {
            Err(void) => format!("  void: {void}"),
            Ok(change) => {
                let each = change.happened.iter().map(|happened| match happened {
                    Happened::Ended(it) => format!("{} ended {}", it.row.id, it.row.class),
                    Happened::Born { id, .. } => format!("{id} born"),
                    Happened::Assigned(it) => format!("{}/{} assigned", it.of.id, it.of.attempt),
                    _ => String::new(),
                });
                format!("  {}", each.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", "))
            }
        });
        self.trace(|| verdict.unwrap_or_default());
    }

    pub(super) fn truth_end(&self) -> u64 {
        self.read.0 + 1
    }

    // --- blows -----------------------------------------------------------------------------

    fn blow(&mut self, blow: Blow) -> Checked {
        let Some(pid) = self.current else { return Ok(()) };
        let again = self.chance.between(Duration::from_millis(20), Duration::from_secs(2));
        self.trace(|| format!("{blow:?} of {pid}"));
        match blow {
            Blow::Kill => {
                self.counted("process killed");
                self.die(pid);
                self.later(self.now + again, Happening::Start);
            }
            Blow::PowerCut => {
                self.counted("power cut");
                self.die(pid);
                for zombie in self.processes.keys().copied().collect::<Vec<_>>() {
                    self.die(zombie);
                }
                let before = self.log.on_the_way() as u64;
                let end = self.log.end().0;
                self.log.power_cut();
                let kept = self.log.end().0 - end;
                self.count_if(kept < before, "unsynced frames lost");
                self.reader = self.log.read(self.read.next());
                self.later(self.now + again, Happening::Start);
                return self.read_truth();
            }
            Blow::Stop => {
                self.counted("process stopped");
                let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
                if std::mem::replace(&mut process.stopping, true) {
                    return Ok(());
                }
                self.event(pid, Event::Stop)?;
                self.invoke(pid, InvokerEvent::Drain)?;
                let grace = self.chance.between(Duration::ZERO, Duration::from_secs(3));
                self.later(self.now + grace, Happening::Abandon(pid));
                self.later(self.now + grace, Happening::Exit(pid, 0));
            }
            Blow::Split => {
                self.counted("process cut off");
                let blind = self.chance.between(Duration::ZERO, Duration::from_secs(8));
                let Some(process) = self.processes.get_mut(&pid) else { return Ok(()) };
                process.zombie = true;
                process.reads_from = self.now + blind;
                self.later(self.now + Duration::from_secs(20), Happening::Die(pid));
                self.current = None;
                let soon = self.chance.between(Duration::ZERO, Duration::from_secs(1));
                self.later(self.now + soon, Happening::Start);
            }
            Blow::DiskFull => {
                self.counted("disk full");
                self.disk_full = true;
                self.log.set_full(true);
                let seen = self.chance.between(Duration::ZERO, Duration::from_millis(500));
                self.later(self.now + seen, Happening::DiskSeen);
                let lasts = self.chance.between(Duration::from_secs(1), Duration::from_secs(9));
                self.later(self.now + lasts, Happening::DiskFree);
            }
        }
        Ok(())
    }

    fn die(&mut self, pid: Pid) {
        let Some(process) = self.processes.remove(&pid) else { return };
        self.trace(|| format!("process {pid} is gone"));
        if self.current == Some(pid) {
            self.current = None;
        }
        self.connections_lost(process);
    }

    /// A clean stop: all applied, the index whole, then gone.
    fn exit(&mut self, pid: Pid, looks: u32) -> Checked {
        let Some(process) = self.processes.get(&pid) else { return Ok(()) };
        let busy = process.in_hand() > 0 || process.owner.in_use().proposals > 0;
        let zombie = process.zombie;
        if busy && looks < 30 {
            let at = self.now + Duration::from_millis(100);
            self.later(at, Happening::Exit(pid, looks + 1));
            return Ok(());
        }
        self.count_if(!busy, "clean stop");
        if !zombie {
            self.flush_index(pid)?;
            self.later(self.now + Duration::from_millis(300), Happening::Start);
        }
        self.die(pid);
        Ok(())
    }

    /// More requests, if the weather let too few through.
    fn top_up(&mut self) {
        let lacking = self.at_least.saturating_sub(self.truth.accepted());
        if lacking > 0 {
            self.more_load(lacking + 5);
            self.later(self.now + Duration::from_secs(30), Happening::TopUp);
        }
    }

    fn calm(&mut self) {
        self.trace(|| "calm".to_owned());
        self.weather.calm();
        self.armed = None;
        for zombie in self.processes.iter().filter(|(_, it)| it.zombie).map(|(pid, _)| *pid) {
            self.order += 1;
            self.queue.insert((self.now, self.order), Happening::Die(zombie));
        }
    }

    // --- rest ------------------------------------------------------------------------------

    fn at_rest(&mut self) -> Checked {
        let mutant = self.mutant;
        self.truth.quiet(|ledger| under(mutant, ledger))?;
        let Some(pid) = self.current else {
            return Err(Broken { invariant: "I2", what: "no process at rest".to_owned() });
        };
        self.holds_nothing(pid)?;
        let rows: BTreeMap<ActivationId, Row> =
            self.truth.rows().map(|row| (row.id, row.clone())).collect();
        check("I2", rows.keys().eq(self.index.rows.keys()), || {
            format!("{} rows, {} ended", self.index.rows.len(), rows.len())
        })?;
        check("I14", rows == self.index.rows, || "a row of the index is another".to_owned())?;
        self.count_faults_of_log();
        Ok(())
    }

    /// What the log did by itself, from what it acknowledged and what is readable.
    fn count_faults_of_log(&mut self) {
        let mut left: BTreeMap<Bytes, i64> = BTreeMap::new();
        for frame in self.log.acknowledged() {
            *left.entry(frame).or_default() += 1;
        }
        let mut last_seq: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut overtaken = 0;
        for (_, entry) in self.truth.entries() {
            if let Some(stamp) = entry.record.body.stamp() {
                let last = last_seq.entry((stamp.epoch.0, stamp.node.0)).or_default();
                overtaken += u64::from(stamp.seq < *last);
                *last = stamp.seq.max(*last);
            }
        }
        for frame in self.log.readable() {
            *left.entry(frame).or_default() -= 1;
        }
        let lost = left.values().filter(|it| **it > 0).count() as u64;
        let doubled = left.values().filter(|it| **it < 0).count() as u64;
        for (what, count) in
            [("append lost", lost), ("append doubled", doubled), ("append overtaken", overtaken)]
        {
            *self.counts.entry(what).or_default() += count;
        }
    }

    // --- small things ----------------------------------------------------------------------

    pub(super) fn later(&mut self, at: Moment, happening: Happening) {
        self.order += 1;
        self.queue.insert((at.max(self.now), self.order), happening);
    }

    pub(super) fn counted(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub(super) fn count_if(&mut self, holds: bool, what: &'static str) {
        *self.counts.entry(what).or_default() += u64::from(holds);
    }

    pub(super) fn trace(&mut self, what: impl FnOnce() -> String) {
        if self.tracing {
            let ms = self.now.since_start().as_micros();
            self.told.push(format!("{:>10}.{:03} {}", ms / 1_000, ms % 1_000, what()));
        }
    }

    pub(super) fn wall_ms(&self) -> i64 {
        let ms = i64::try_from(self.now.since_start().as_millis()).unwrap_or(i64::MAX);
        EPOCH_MS.saturating_add(ms)
    }

    pub(super) fn under(&self, ledger: Ledger) -> Ledger {
        under(self.mutant, ledger)
    }

    /// How often each fault happened, and each answer was given.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// The log and the books.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }
}

/// The fold, with the rule taken away that the mutant lacks.
fn under(mutant: Option<Mutant>, ledger: Ledger) -> Ledger {
    #[cfg(debug_assertions)]
    if let Some(rule) = mutant.and_then(Mutant::rule) {
        return ledger.under(ledger::rules::Rules::without(rule));
    }
    #[cfg(not(debug_assertions))]
    let _ = mutant;
    ledger
}
