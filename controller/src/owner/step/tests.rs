//! What the simulator found, in small: each named after what went wrong.

use std::sync::Arc;
use std::time::Duration;

use ledger::fold::Ledger;
use ledger::record::{
    Body, Caller, Cause, Document, EntityKey, Expect, Mark, Op, Payload, Pin, Place, Record,
    Sequence, Step, Target,
};
use model::id::{ActivationId, Epoch, Incarnation, InvokerId, NodeId, Offset, Shard};
use model::identity::Subject;
use model::json::Json;
use model::limits::{ActionLimits, Overrides};
use model::name::Namespace;
use model::outcome::{Fault, Reason};
use model::time::{Millis, Moment, WallTime};

use super::{Bounds, Effect, Event, LogRefusal, Owner};
use crate::owner::proposal::{Change, Invocation, Phase, Proposal, Rejected, Start};
use crate::read::identities;

/// An owner, and a log that holds what the test lets through.
struct World {
    owner: Owner,
    now: Moment,
    at: Offset,
    /// Appended, and on the way.
    flight: Vec<Body>,
}

impl World {
    fn new() -> Self {
        let incarnation = Incarnation { counter: 1, random: 1 };
        let here = Place { invoker: InvokerId(0), incarnation, guarded: true };
        let bounds = Bounds { open: 10, open_bytes: 1 << 20, proposals: 10 };
        let owner = Owner::new(Ledger::default(), NodeId(7), here, 1, bounds);
        Self { owner, now: Moment::default(), at: Offset::NONE, flight: Vec::new() }
    }

    /// The same, with its claim applied and two actions written.
    fn open() -> Self {
        let mut world = Self::new();
        world.feed(Event::CaughtUp);
        world.settle();
        for name in ["a", "b"] {
            world.write(Op::Put {
                key: key(name),
                document: Document::Inline("code".into()),
                blobs: Vec::new(),
            });
        }
        world.settle();
        world
    }

    fn feed(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.owner.step(self.now, event, &mut effects);
        for effect in effects {
            if let Effect::Append { body, .. } = effect {
                self.flight.push(body);
            }
        }
    }

    fn read_back(&mut self, body: Body) {
        self.at = self.at.next();
        let record = Arc::new(Record { at: WallTime(0), body });
        self.feed(Event::ReadBack(self.at, record));
    }

    /// Everything that is on the way arrives, and what follows from it.
    fn settle(&mut self) {
        while !self.flight.is_empty() {
            let body = self.flight.remove(0);
            self.read_back(body);
        }
    }

    fn lose(&mut self) -> Vec<&'static str> {
        self.flight.drain(..).map(|body| body.kind()).collect()
    }

    fn wakes_after(&mut self, pass: Duration) {
        self.now = self.now + pass;
        assert!(self.owner.wakes_at().is_some_and(|at| at <= self.now), "nothing is due");
        self.feed(Event::Woken);
        assert!(self.owner.wakes_at().is_none_or(|at| at > self.now), "it spins");
    }

    fn write(&mut self, op: Op) {
        let change = Change { ops: vec![op], expect: Vec::new(), by: String::new() };
        self.feed(Event::Propose(1, Proposal::Write(change)));
    }

    fn invoke(&mut self, id: u8, target: Target, expect: Vec<Expect>) {
        let by = Caller {
            subject: "me".to_owned(),
            namespace: Namespace::new("guest").unwrap(),
            transaction: String::new(),
            store: true,
        };
        let invocation = Invocation {
            id: activation(id),
            by: Arc::new(by),
            cause: Cause::Invoke,
            received: WallTime(0),
            start: Start::Invoke { target, queue: Millis(1_000) },
            payload: Payload::Inline(Json::empty_object()),
            key: None,
            fire: None,
            expect,
            allowed: 10,
        };
        self.feed(Event::Propose(2, Proposal::Accept(Box::new(invocation))));
    }

    fn step(&self, name: &str, guarded: bool) -> Step {
        let entity = self.owner.ledger().entity(&key(name)).unwrap();
        Step {
            action: Pin { key: key(name), revision: entity.revision },
            born: entity.born,
            beneath: Vec::new(),
            path: format!("guest/{name}"),
            binding: None,
            version: "0.0.1".to_owned(),
            kind: "wasm:command".to_owned(),
            limits: ActionLimits::default(),
            retry: None,
            guarded,
        }
    }

    fn action(&self, name: &str, guarded: bool) -> Target {
        Target::Action(Arc::new(self.step(name, guarded)))
    }
}

fn key(name: &str) -> EntityKey {
    EntityKey(format!("n/guest/{name}").into())
}

fn activation(id: u8) -> ActivationId {
    ActivationId::new(Shard::new(1), [id; 16])
}

#[test]
fn a_claim_that_is_lost_or_refused_is_made_again() {
    let mut world = World::new();
    world.feed(Event::CaughtUp);
    assert_eq!(world.lose(), ["claim"]);
    world.wakes_after(Duration::from_secs(1));
    assert_eq!(world.lose(), ["claim"]);
    world.feed(Event::Refused(0, LogRefusal::Stopped));
    world.wakes_after(Duration::from_secs(1));
    world.settle();
    assert_eq!((world.owner.phase(), world.owner.ledger().owner().epoch), (&Phase::Open, Epoch(1)));
}

#[test]
fn f24_a_barrier_that_is_lost_as_well_is_sent_again() {
    let mut world = World::open();
    world.write(Op::Touch(key("a")));
    assert_eq!(world.lose(), ["write"]);
    for _ in 0..3 {
        world.wakes_after(Duration::from_secs(1));
        assert_eq!(world.lose(), ["beat"]);
    }
    world.wakes_after(Duration::from_secs(1));
    world.settle();
    assert_eq!(world.owner.in_use().proposals, 0);
}

#[test]
fn what_had_to_wait_is_assigned_with_its_own_guard() {
    let mut world = World::open();
    world.invoke(1, world.action("a", true), Vec::new());
    world.invoke(2, world.action("b", false), Vec::new());
    world.settle();
    assert_eq!(world.owner.placement(), (1, 1));
    world.feed(Event::Propose(3, Proposal::Cancel(activation(1))));
    world.settle();
    let open = world.owner.ledger().open(&activation(2)).unwrap();
    assert!(!open.assignment().unwrap().place.guarded);
}

#[test]
fn f147_the_slot_of_a_step_that_is_deleted_meanwhile_is_free_again() {
    let mut world = World::open();
    let steps = vec![world.action("b", true)];
    let step = Step { kind: "sequence".to_owned(), ..world.step("a", true) };
    world.write(Op::Delete(key("b")));
    let sequence = Sequence { step, steps, deadline: None };
    let mark = Mark::Born(world.owner.ledger().entity(&key("a")).unwrap().born);
    world.invoke(1, Target::Sequence(Arc::new(sequence)), vec![Expect { key: key("a"), mark }]);
    world.settle();
    assert!(world.owner.ledger().open(&activation(1)).is_none(), "its step is missing");
    assert_eq!(world.owner.placement(), (0, 0));
}

#[test]
fn an_assignment_that_beats_its_queue_timeout_keeps_its_own_deadline() {
    let mut world = World::open();
    world.invoke(1, world.action("a", true), Vec::new());
    world.invoke(2, world.action("b", true), Vec::new());
    world.settle();
    world.feed(Event::Propose(3, Proposal::Cancel(activation(1))));
    let cancel = world.flight.remove(0);
    world.read_back(cancel); // and the assignment of the other is on its way
    world.wakes_after(Duration::from_secs(1)); // when its time in the queue is over
    world.settle();
    let hard = Duration::from_secs(2 * 60 + 10);
    let armed = world.owner.wakes_at().unwrap();
    assert_eq!(armed, world.now + hard);
}

#[test]
fn a_superseded_owner_takes_nothing_and_asks_for_no_time() {
    let mut world = World::open();
    world.invoke(1, world.action("a", true), Vec::new());
    world.settle();
    let base = world.at;
    let fold_version = ledger::fold::FOLD_VERSION;
    let claim = ledger::record::Claim { epoch: Epoch(2), node: NodeId(8), base, fold_version };
    world.read_back(Body::Claim(claim));
    assert_eq!((world.owner.phase(), world.owner.wakes_at()), (&Phase::Stopping, None));
}

#[test]
fn a_handler_is_told_in_time_that_nobody_knows_and_only_once() {
    let mut world = World::open();
    world.owner = world.owner.with_patience(Duration::from_millis(500));
    let propose = |world: &mut World| {
        let change = Change { ops: Vec::new(), expect: Vec::new(), by: String::new() };
        let event = Event::Propose(9, Proposal::Write(change));
        let mut effects = Vec::new();
        world.owner.step(world.now, event, &mut effects);
        world.flight.extend(effects.into_iter().filter_map(|effect| match effect {
            Effect::Append { body, .. } => Some(body),
            _ => None,
        }));
    };
    let woken = |world: &mut World, after: u64| {
        world.now = world.now + Duration::from_millis(after);
        let mut effects = Vec::new();
        world.owner.step(world.now, Event::Woken, &mut effects);
        let told = effects.into_iter().filter_map(|effect| match effect {
            Effect::Tell(ticket, answer) => Some((ticket, answer)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    propose(&mut world);
    assert_eq!(world.owner.wakes_at(), Some(world.now + Duration::from_millis(500)));
    assert_eq!(woken(&mut world, 499), []);
    assert_eq!(woken(&mut world, 1), [(9, Err(Rejected::Unknown))]);
    assert_eq!(woken(&mut world, 1), []);
    assert!(world.owner.wakes_at() > Some(world.now), "it rests until its barrier is due");
    world.settle();
    propose(&mut world);
    assert_eq!(woken(&mut world, 500), [(9, Err(Rejected::Unknown))]);
}

#[test]
fn an_end_that_the_log_refused_keeps_its_reason() {
    let mut world = World::open();
    let target = Target::Action(Arc::new(world.step("a", true)));
    world.invoke(1, target, Vec::new());
    world.settle();
    let reason = Reason::Internal(Fault::Code);
    world.feed(Event::Unreadable(activation(1), reason.clone()));
    let expire = world.flight.pop().unwrap();
    let seq = expire.stamp().unwrap().seq;
    world.feed(Event::Refused(seq, LogRefusal::DiskFull));
    assert_eq!(world.lose(), [""; 0]);
    world.wakes_after(Duration::from_secs(3));
    let again = world.flight.iter().filter_map(|body| match body {
        Body::Expire(expire) => Some(&expire.reason),
        _ => None,
    });
    assert_eq!(again.collect::<Vec<_>>(), [&reason]);
    world.settle();
    assert!(world.owner.ledger().open(&activation(1)).is_none());
}

#[test]
fn a_cancelled_sequence_takes_the_action_with_it_that_runs_in_an_inner_one() {
    let mut world = World::open();
    let around = |world: &World, target: Target| {
        let step = Step { kind: "sequence".to_owned(), ..world.step("b", true) };
        Target::Sequence(Arc::new(Sequence { step, steps: vec![target], deadline: None }))
    };
    let inner = around(&world, world.action("a", true));
    let outer = around(&world, inner);
    world.invoke(1, outer, Vec::new());
    world.settle();
    assert_eq!(world.owner.in_use().open, 3);
    world.feed(Event::Propose(3, Proposal::Cancel(activation(1))));
    world.settle();
    assert_eq!(world.owner.in_use().open, 0);
    assert_eq!(world.owner.placement(), (0, 0));
}

#[test]
fn what_waits_for_a_blocked_subject_or_in_a_stopped_namespace_ends_and_the_rest_goes_on() {
    let stopped = "The action was not invoked due to a blacklisted namespace.";
    let subject = |blocked| {
        let (created, namespaces) = (None, Vec::new());
        let subject = Subject { name: "me".to_owned(), blocked, created, namespaces };
        identities::put_subject(&subject)
    };
    let limits = |allowed| {
        let limits = Overrides { invocations_per_minute: Some(allowed), ..Overrides::default() };
        identities::put_overrides(&Namespace::new("guest").unwrap(), &limits)
    };
    for (stop, go) in [(subject(true), subject(false)), (limits(0), limits(1))] {
        let mut world = World::open();
        let target = || Target::Action(Arc::new(world.step("a", true)));
        let (first, second, third) = (target(), target(), target());
        // There is one slot: the first runs, the second waits.
        world.invoke(1, first, Vec::new());
        world.invoke(2, second, Vec::new());
        world.settle();
        assert_eq!(world.owner.placement(), (1, 1));
        world.write(stop.clone());
        let body = world.flight.remove(0);
        world.read_back(body);
        let ended = world.flight.iter().filter_map(|body| match body {
            Body::Expire(expire) => Some((expire.id, expire.reason.clone())),
            _ => None,
        });
        let expected = [(activation(2), Reason::Refused(stopped.to_owned()))];
        assert_eq!(ended.collect::<Vec<_>>(), expected);
        world.settle();
        assert!(world.owner.ledger().open(&activation(1)).is_some(), "what runs goes on");
        assert!(world.owner.ledger().open(&activation(2)).is_none());
        // What was about to be accepted finds no slot, and is not waited for either.
        world.invoke(3, third, Vec::new());
        world.settle();
        assert!(world.owner.ledger().open(&activation(3)).is_none());
        let again = Target::Action(Arc::new(world.step("a", true)));
        world.write(go);
        world.invoke(4, again, Vec::new());
        world.settle();
        assert!(world.owner.ledger().open(&activation(4)).is_some());
    }
}
