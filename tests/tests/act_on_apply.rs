//! Act on apply, over the real driver of the owner.
//!
//! A log double acknowledges everything, voids a seeded 2 %, and is readable only 50 ms later. Every
//! answer, dispatch, row for the index and freed slot is compared with what can be read in the log at
//! that moment. A switch makes the log bring frames as soon as they are acknowledged, so that
//! everything behind it acts on acknowledgement: then the same test must find it out (I16).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use controller::dispatch::{self, Dispatcher};
use controller::index_writer::Pending;
use controller::owner::proposal::{Change, Invocation, Proposal, Rejected, Start};
use controller::owner::step::{AttemptVerdict, Bounds, Owner};
use controller::owner::{Observer, Partition, Parts, Waited};
use controller::read::Documents;
use controller::read::stored::{Named, encode};
use daemon::clock::Manual;
use daemon::random::Random;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use ledger::fold::{Ended, Happened, Ledger};
use ledger::hint::Run;
use ledger::record::{
    Attempt, Body, Caller, Cause, Document, EntityKey, Finish, Logs, Op, Payload, Pin, Place,
    Record, StartState, Step, Target,
};
use log::simulated::{Faults, Simulated};
use log::{Batch, Error, Health, Log, Refused, SegmentInfo, SegmentScan};
use model::action::{Action, Code, Exec, Version};
use model::id::{ActivationId, Digest, Incarnation, InvokerId, NodeId, Offset};
use model::json::Json;
use model::limits::{ActionLimits, NamespaceLimits};
use model::name::Namespace;
use model::outcome::Class;
use model::parameters::Parameters;
use model::size::ByteSize;
use model::time::{Millis, Moment, WallTime};
use store::blobs::Blobs;
use store::index::Checkpoint;
use tokio_util::sync::CancellationToken;

/// Callers, each with so many requests, one after the other.
const CALLERS: u64 = 24;
const REQUESTS: u64 = 12;
const SLOTS: u64 = 16;

/// On what everything behind the log acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ActsOn {
    ReadBack,
    /// The switch: frames come back as soon as they are acknowledged.
    Acknowledgement,
}

/// The double.
struct Double {
    truth: Simulated,
    /// What an acknowledging log would bring.
    acknowledged: Simulated,
    acts_on: ActsOn,
}

impl Double {
    fn shown(&self) -> &Simulated {
        match self.acts_on {
            ActsOn::ReadBack => &self.truth,
            ActsOn::Acknowledgement => &self.acknowledged,
        }
    }

    fn take(&self, frame: Bytes) -> Result<(), Refused> {
        self.truth.append(frame.clone())?;
        self.acknowledged.append(frame)?;
        self.acknowledged.tick(Duration::ZERO);
        Ok(())
    }
}

impl Log for Double {
    fn append(&self, frame: Bytes) -> Result<(), Refused> {
        self.take(frame)
    }

    fn append_reserved(&self, frame: Bytes) -> Result<(), Refused> {
        self.take(frame)
    }

    fn set_reserved(&self, _bytes: ByteSize) {}

    fn read(&self, from: Offset) -> BoxStream<'static, Result<Batch, Error>> {
        self.shown().read(from)
    }

    fn get(&self, at: Offset) -> BoxFuture<'static, Result<Bytes, Error>> {
        self.shown().get(at)
    }

    fn end(&self) -> Offset {
        self.shown().end()
    }

    fn sealed(&self) -> Vec<SegmentInfo> {
        self.shown().sealed()
    }

    fn scan(&self, first: Offset) -> Result<SegmentScan, Error> {
        self.shown().scan(first)
    }

    fn seal(&self) -> Result<(), Refused> {
        self.shown().seal()
    }

    fn save_snapshot(&self, at: Offset, bytes: &[u8]) -> Result<(), Error> {
        self.shown().save_snapshot(at, bytes)
    }

    fn newest_snapshot(&self, at_most: Option<Offset>) -> Result<Option<(Offset, Bytes)>, Error> {
        self.shown().newest_snapshot(at_most)
    }

    fn save_companion(&self, first: Offset, bytes: &[u8]) -> Result<(), Error> {
        self.shown().save_companion(first, bytes)
    }

    fn companion(&self, first: Offset) -> Result<Option<Bytes>, Error> {
        self.shown().companion(first)
    }

    fn files(&self, at: Offset) -> Result<Vec<PathBuf>, Error> {
        self.shown().files(at)
    }

    fn trim(&self, before: Offset) -> Result<Vec<SegmentInfo>, Error> {
        self.shown().trim(before)
    }

    fn health(&self) -> Health {
        self.shown().health()
    }
}

/// What can be read in the log, and what was done before it could.
struct Judge {
    log: Simulated,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    ledger: Ledger,
    read: usize,
    accepted: BTreeSet<ActivationId>,
    assigned: BTreeSet<Attempt>,
    running: BTreeSet<Attempt>,
    ended: BTreeMap<ActivationId, Offset>,
    broken: Vec<String>,
    answers: u64,
    dispatches: u64,
    rows: u64,
    void: u64,
}

impl Judge {
    /// Compares something that is being done with what can be read now.
    fn now(&self, what: impl FnOnce(&mut Seen) -> Result<(), String>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.catch_up(&self.log);
        if let Err(broken) = what(&mut seen) {
            seen.broken.push(format!("I16: {broken}"));
        }
    }

    fn broke(&self) -> bool {
        !self.seen.lock().unwrap_or_else(PoisonError::into_inner).broken.is_empty()
    }
}

impl Seen {
    fn catch_up(&mut self, log: &Simulated) {
        if usize::try_from(log.end().0) == Ok(self.read) {
            return;
        }
        for frame in log.readable().iter().skip(self.read) {
            self.read += 1;
            let record = Record::decode(frame).expect("what was appended");
            match self.ledger.apply(Offset(self.read as u64), &record) {
                Ok(change) => change.happened.iter().for_each(|it| self.happened(it)),
                Err(_) => self.void += 1,
            }
        }
    }

    fn happened(&mut self, happened: &Happened) {
        match happened {
            Happened::Accepted { id, .. } => {
                self.accepted.insert(*id);
            }
            Happened::Assigned(it) => {
                self.assigned.insert(it.of);
                self.running.insert(it.of);
            }
            Happened::Returned { of, .. } | Happened::AttemptLost { of } => {
                self.running.remove(of);
            }
            Happened::Ended(it) => {
                self.ended.insert(it.row.id, it.row.terminal);
                if let Some((of, _)) = it.was_assigned {
                    self.running.remove(&of);
                }
            }
            _ => {}
        }
    }
}

/// Sees rows go to the index, under the lock of the batch.
struct Watch(Arc<Judge>);

impl Observer for Watch {
    fn read_back(&self, _at: Offset, _record: &Record, _void: Option<&'static str>) {}

    fn ended(&self, ended: &Ended, _record: &Record) {
        self.0.now(|seen| {
            seen.rows += 1;
            let there = seen.ended.get(&ended.row.id) == Some(&ended.row.terminal);
            if there { Ok(()) } else { Err(format!("a row of {}", ended.row.id)) }
        });
    }

    fn sealed(&self, _first: Offset, _last: Offset, _hash: u128) {}

    fn batch(&self, _bytes: u64) {}
}

/// An invoker that starts nothing and finishes everything.
struct Fake {
    judge: Arc<Judge>,
    clock: Manual,
    finishes: Mutex<VecDeque<(Moment, Attempt)>>,
}

impl dispatch::Invoker for Fake {
    fn run(&self, run: Run, input: dispatch::Input, _rerunnable: bool) {
        assert!(input.payload.member("x").is_some(), "the payload is the caller's");
        self.judge.now(|seen| {
            seen.dispatches += 1;
            let there = seen.assigned.contains(&run.of);
            if there { Ok(()) } else { Err(format!("a run of {:?}", run.of)) }
        });
        let at = self.clock.clock().now() + Duration::from_millis(5);
        let mut finishes = self.finishes.lock().unwrap_or_else(PoisonError::into_inner);
        finishes.push_back((at, run.of));
    }

    fn verdict(&self, of: Attempt, verdict: AttemptVerdict) {
        self.judge.now(|seen| {
            let runs = seen.running.contains(&of) && verdict != AttemptVerdict::StillAssigned;
            if runs { Err(format!("{of:?} is told as {verdict:?}")) } else { Ok(()) }
        });
    }
}

impl Fake {
    /// The ends that are due go to the log.
    fn finish(&self, log: &Double) {
        let now = self.clock.clock().now();
        let mut finishes = self.finishes.lock().unwrap_or_else(PoisonError::into_inner);
        while finishes.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, of)) = finishes.pop_front() else { break };
            let body = Body::Finish(Box::new(Finish {
                of,
                class: Class::Success,
                result: Some(Payload::Inline(Json::empty_object())),
                array: false,
                size: Some(2),
                start: WallTime(0),
                end: WallTime(0),
                duration_us: 1,
                init_us: None,
                timeout: false,
                state: StartState::Warmed,
                started_from: None,
                logs: Logs::Lost,
                offer: true,
            }));
            log.take(Record { at: WallTime(0), body }.encode()).expect("all are taken");
        }
    }
}

struct World {
    partition: Partition,
    judge: Arc<Judge>,
    log: Arc<Double>,
    fake: Arc<Fake>,
    clock: Manual,
    done: AtomicU64,
    _blobs: tempfile::TempDir,
}

fn key() -> EntityKey {
    EntityKey("n/guest/a".into())
}

fn guest() -> Namespace {
    Namespace::new("guest").expect("a good name")
}

impl World {
    fn new(seed: u64, acts_on: ActsOn) -> Arc<Self> {
        let clock = Manual::new(WallTime(0));
        let truth = Simulated::new(seed, Faults::acknowledges_all());
        let acknowledged = Simulated::new(seed, Faults::none());
        let log = Arc::new(Double { truth: truth.clone(), acknowledged, acts_on });
        let judge = Arc::new(Judge { log: truth, seen: Mutex::default() });
        let incarnation = Incarnation { counter: 1, random: seed };
        let place = Place { invoker: InvokerId(0), incarnation, guarded: true };
        let bounds = Bounds { open: 1000, open_bytes: 1 << 20, proposals: 1000 };
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(folder.path()).expect("an empty blob store");
        let reached = Checkpoint { ledger: 1, offset: Offset::NONE, crc: 0 };
        let partition = Partition::new(Parts {
            owner: Owner::new(Ledger::default(), NodeId(1), place, SLOTS, bounds),
            log: log.clone(),
            memo: Arc::default(),
            clock: clock.clock(),
            random: Random::seeded(seed),
            pending: Pending::new(reached, clock.clock()),
            observer: Arc::new(Watch(Arc::clone(&judge))),
        });
        let fake = Arc::new(Fake {
            judge: Arc::clone(&judge),
            clock: clock.clone(),
            finishes: Mutex::default(),
        });
        partition.dispatch_through(Arc::new(Dispatcher::new(
            fake.clone(),
            Documents::new(blobs.clone()),
            blobs,
            tokio::runtime::Handle::current(),
        )));
        let done = AtomicU64::new(0);
        Arc::new(Self { partition, judge, log, fake, clock, done, _blobs: folder })
    }

    /// Puts the action; what was voided is put again.
    async fn put_action(&self) {
        let action = Action {
            exec: Exec::Code {
                kind: "wasm:command".to_owned(),
                code: Some(Code { digest: Digest([0; 32]), length: 1, binary: true }),
                main: None,
                image: None,
            },
            parameters: Parameters::default(),
            annotations: Parameters::default(),
            limits: ActionLimits::default(),
            version: Version::default(),
            publish: false,
            updated: WallTime(0),
        };
        let document = Document::Inline(encode(&Named::Action(action)).into());
        let op = Op::Put { key: key(), document, blobs: vec![Digest([0; 32])] };
        loop {
            let change = Change { ops: vec![op.clone()], expect: Vec::new(), by: String::new() };
            let told = self.partition.propose(Proposal::Write(change));
            if told.await.is_ok() {
                return;
            }
        }
    }

    fn target(&self) -> Target {
        let (born, revision) = self.partition.read(|ledger| {
            let entity = ledger.entity(&key()).expect("it was put");
            (entity.born, entity.revision)
        });
        Target::Action(Arc::new(Step {
            action: Pin { key: key(), revision },
            born,
            beneath: Vec::new(),
            path: "guest/a".to_owned(),
            binding: None,
            version: "0.0.1".to_owned(),
            kind: "wasm:command".to_owned(),
            limits: ActionLimits { timeout: Millis(1_000), ..ActionLimits::default() },
            retry: None,
            guarded: true,
        }))
    }

    /// One caller: asks, and looks into the log with each answer.
    async fn call(self: Arc<Self>, caller: u64) {
        self.clock.clock().sleep(Duration::from_millis(caller * 7)).await;
        for number in 0..REQUESTS {
            let id = self.partition.new_id(&guest());
            let invocation = self.invocation(id);
            let told = if number % 4 == 0 {
                let proposal = Proposal::Accept(Box::new(invocation));
                self.partition.propose(proposal).await.map(|_| None)
            } else {
                let end = Duration::from_secs(120);
                let waited = self.partition.propose_and_wait(invocation, end).await;
                waited.map(|waited| match waited {
                    Waited::Accepted(Some(told)) => Some(told.ended.row.terminal),
                    other => panic!("{id}: {other:?}"),
                })
            };
            self.judge.now(|seen| {
                seen.answers += 1;
                let accepted = seen.accepted.contains(&id);
                let ended = seen.ended.get(&id).copied();
                match &told {
                    Ok(None) if accepted => Ok(()),
                    Ok(terminal @ Some(_)) if accepted && ended == *terminal => Ok(()),
                    Err(Rejected::Changed) if !accepted => Ok(()),
                    other => Err(format!("{id} is answered with {other:?}")),
                }
            });
        }
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    fn invocation(&self, id: ActivationId) -> Invocation {
        Invocation {
            id,
            by: Arc::new(Caller {
                subject: "guest".to_owned(),
                namespace: guest(),
                transaction: String::new(),
                store: true,
            }),
            cause: Cause::Invoke,
            received: WallTime(0),
            start: Start::Invoke { target: self.target(), queue: Millis(60_000) },
            payload: Payload::Inline(Json::object([("x", Json::of(&1))])),
            key: None,
            fire: None,
            expect: Vec::new(),
            limits: Arc::new(NamespaceLimits {
                concurrent_invocations: 1000,
                ..NamespaceLimits::default()
            }),
        }
    }

    /// Lets time pass until everybody is through; tasks run in between.
    async fn pass_time(&self) {
        for _ in 0..200_000 {
            self.clock.advance(Duration::from_millis(1));
            self.log.truth.tick(Duration::from_millis(1));
            self.fake.finish(&self.log);
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            let (_, taken) = self.partition.inspect(Owner::placement);
            self.judge.now(|seen| {
                let running = seen.running.len() as u64;
                let enough = taken >= running;
                if enough { Ok(()) } else { Err(format!("{taken} slots taken, {running} run")) }
            });
            // Callers that did not wait may have left something that still runs.
            let rests = || self.partition.inspect(Owner::placement) == (0, 0) || self.judge.broke();
            if self.done.load(Ordering::Relaxed) == CALLERS && rests() {
                return;
            }
        }
        panic!("{} of {CALLERS} callers are through", self.done.load(Ordering::Relaxed));
    }
}

/// Everything that one seed does; what was seen.
fn run(seed: u64, acts_on: ActsOn) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let world = World::new(seed, acts_on);
        let stop = CancellationToken::new();
        let follow = tokio::spawn({
            let (partition, stop) = (world.partition.clone(), stop.clone());
            async move { partition.follow(stop).await }
        });
        let calls = tokio::spawn({
            let world = Arc::clone(&world);
            async move {
                world.partition.opened().await;
                world.put_action().await;
                for caller in 0..CALLERS {
                    tokio::spawn(Arc::clone(&world).call(caller));
                }
            }
        });
        world.pass_time().await;
        stop.cancel();
        follow.await.expect("no panic").expect("the log is followed");
        calls.abort();
        let taken = world.partition.inspect(Owner::placement);
        let mut seen = world.judge.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = std::mem::take(&mut *seen);
        if seen.broken.is_empty() {
            assert_eq!(taken, (0, 0), "waiting and slots at rest");
        }
        seen
    })
}

#[test]
fn i16_nothing_precedes_its_read_back_or_survives_a_void() {
    for seed in 0..4 {
        let seen = run(seed, ActsOn::ReadBack);
        assert_eq!(seen.broken, [""; 0], "seed {seed}");
        assert_eq!(seen.answers, CALLERS * REQUESTS);
        let ended = seen.ended.len() as u64;
        assert!(seen.dispatches >= ended && seen.rows == ended, "seed {seed}: {}", seen.rows);
        assert!(ended < seen.answers, "seed {seed}: nothing was voided");
    }
}

#[test]
fn m06_whoever_acts_on_acknowledgement_is_found_out() {
    for seed in 0..4 {
        let seen = run(seed, ActsOn::Acknowledgement);
        for kind in ["answered with Ok(None)", "Ok(Some", "a run of", "a row of", "slots taken"] {
            let told = seen.broken.iter().find(|it| it.starts_with("I16") && it.contains(kind));
            assert!(told.is_some(), "seed {seed}: nothing about '{kind}' in {:?}", seen.broken);
        }
    }
}
