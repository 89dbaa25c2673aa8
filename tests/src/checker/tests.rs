//! An honest run, and for every invariant at least one lie that must be noticed by that invariant.

use std::sync::Arc;

use bytes::Bytes;
use controller::read::history::About;
use ledger::fold::{Happened, Ledger, Void};
use ledger::record::{
    Accept, Assign, Attempt, AttemptLost, Birth, Body, Caller, Cause, Claim, Document, EntityKey,
    Expire, Finish, Logs, Op, Payload, Pin, Place, Record, Root, Sequence, Stamp, StartState, Step,
    Target, Write,
};
use model::id::{ActivationId, Epoch, Incarnation, InvokerId, NodeId, Shard};
use model::limits::ActionLimits;
use model::name::Namespace;
use model::outcome::{Class, Reason};
use model::time::Millis;

use super::*;
use crate::journal::{Answer, Entry, Expect, How, Told, Wish, fold};
use crate::ledger_dump::Snapshot;

/// A ledger that is written here.
struct World {
    ledger: Ledger,
    restored: Option<(Offset, [u128; 2], Ledger)>,
    records: Vec<(Offset, Record, Result<ledger::fold::Change, Void>)>,
    open_at_claims: BTreeMap<Offset, u64>,
    epoch: u64,
    seq: u64,
}

impl World {
    fn push(&mut self, body: Body) {
        let number = i64::try_from(self.records.len()).unwrap();
        let at = Offset(self.records.len() as u64 + 1);
        let record = Record { at: WallTime(1_000 * number), body };
        if matches!(record.body, Body::Claim(_)) {
            let counts = self.ledger.counts();
            self.open_at_claims.insert(at, counts.waiting + counts.running);
        }
        let verdict = self.ledger.apply(at, &record);
        assert!(verdict.is_ok(), "{record:?}: {verdict:?}");
        if let Some((.., restored)) = &mut self.restored {
            restored.apply(at, &record).unwrap();
        }
        self.records.push((at, record, verdict));
    }

    fn stamp(&mut self) -> Stamp {
        self.seq += 1;
        Stamp { epoch: Epoch(self.epoch), node: NodeId(self.epoch), seq: self.seq }
    }

    fn claim(&mut self) {
        self.epoch += 1;
        self.seq = 0;
        let base = Offset(self.records.len() as u64);
        let (epoch, node) = (Epoch(self.epoch), NodeId(self.epoch));
        self.push(Body::Claim(Claim { epoch, node, base, fold_version: 1 }));
    }

    fn write(&mut self) {
        let put = |name: &str| Op::Put {
            key: EntityKey(format!("n/guest/{name}").into()),
            document: Document::Inline(Bytes::from_static(b"document")),
            blobs: Vec::new(),
        };
        let ops = vec![put("a"), put("s")];
        let stamp = self.stamp();
        self.push(Body::Write(Write { stamp, ops, expect: Vec::new(), by: String::new() }));
    }

    fn place(&self) -> Place {
        let incarnation = Incarnation { counter: self.epoch, random: 7 };
        Place { invoker: InvokerId(0), incarnation, guarded: true }
    }

    fn of(&self, id: ActivationId, attempt: u32) -> Attempt {
        let Place { invoker, incarnation, .. } = self.place();
        Attempt { id, attempt, invoker, incarnation }
    }

    fn accept(&mut self, id: ActivationId, transaction: &str, target: Target) {
        let place = self.place();
        let birth = Birth { id, target, queue: Millis(5_000), assign: Some(place) };
        let accept = Accept {
            stamp: self.stamp(),
            by: Arc::new(Caller {
                subject: "guest".to_owned(),
                namespace: Namespace::new("guest").unwrap(),
                transaction: transaction.to_owned(),
                store: true,
            }),
            cause: Cause::Invoke,
            received: WallTime(0),
            root: Root::Invoke(birth),
            payload: Payload::Inline(Json::empty_object()),
            key: None,
            fire: None,
            expect: Vec::new(),
        };
        self.push(Body::Accept(Box::new(accept)));
    }

    fn lose(&mut self, id: ActivationId, attempt: u32) {
        let stamp = self.stamp();
        self.push(Body::AttemptLost(AttemptLost { stamp, id, attempt }));
        let (stamp, place) = (self.stamp(), self.place());
        self.push(Body::Assign(Assign { stamp, id, attempt: attempt + 1, place }));
    }

    fn finish(&mut self, id: ActivationId, attempt: u32, result: &str, offer: bool) {
        let of = self.of(id, attempt);
        self.push(Body::Finish(Box::new(finished(of, result, offer))));
    }

    fn save(&mut self) {
        let restored = Ledger::from_snapshot(&self.ledger.snapshot()).unwrap();
        let there = [restored.hash(), self.ledger.hash()];
        self.restored = Some((restored.applied(), there, restored));
    }
}

fn finished(of: Attempt, result: &str, offer: bool) -> Finish {
    Finish {
        of,
        class: Class::Success,
        result: Some(Payload::Inline(Json::parse(result.as_bytes()).unwrap())),
        array: false,
        size: Some(result.len() as u64),
        start: WallTime(0),
        end: WallTime(0),
        duration_us: 5,
        init_us: None,
        timeout: false,
        state: StartState::Warmed,
        started_from: None,
        logs: Logs::Inline(Vec::new()),
        offer,
    }
}

fn id(byte: u8) -> ActivationId {
    ActivationId::new(Shard::new(0x849), [byte; 16])
}

fn step(name: &str) -> Step {
    let key = EntityKey(format!("n/guest/{name}").into());
    Step {
        action: Pin { key, revision: Offset(2) },
        born: Offset(2),
        beneath: Vec::new(),
        path: format!("guest/{name}"),
        binding: None,
        version: "0.0.1".to_owned(),
        kind: "wasm:command".to_owned(),
        limits: ActionLimits { timeout: Millis(1_000), ..ActionLimits::default() },
        retry: None,
        guarded: true,
    }
}

fn action() -> Target {
    Target::Action(Arc::new(step("a")))
}

/// Two steps.
fn sequence() -> Target {
    let step = Step { kind: "sequence".to_owned(), ..step("s") };
    let steps = vec![action(), action()];
    Target::Sequence(Arc::new(Sequence { step, steps, deadline: None }))
}

/// One is cut once and keeps its answer (1), a sequence runs through (2), one is cut three times (3).
fn ledger() -> World {
    let mut world = World {
        ledger: Ledger::default(),
        restored: None,
        records: Vec::new(),
        open_at_claims: BTreeMap::new(),
        epoch: 0,
        seq: 0,
    };
    world.claim();
    world.write();
    world.accept(id(1), "c0-0-1", action());
    world.accept(id(3), "c0-2-2", action());
    world.claim();
    world.lose(id(1), 1);
    world.lose(id(3), 1);
    world.save();
    world.finish(id(1), 2, "{\"v\":1}", false);
    world.accept(id(2), "c0-1-1", sequence());
    let first = ledger::id::child(id(2), &[], 0);
    world.finish(first, 1, "{\"v\":2}", true);
    world.finish(ledger::id::child(id(2), &[], 1), 1, "{\"v\":2}", false);
    world.claim();
    world.lose(id(3), 2);
    world.claim();
    let stamp = world.stamp();
    let expire = Expire { stamp, id: id(3), attempt: 3, reason: Reason::Lost };
    world.push(Body::Expire(expire));
    world
}

fn answer(status: u16, of: Option<u8>, body: &str) -> Answer {
    Answer {
        status,
        id: of.map(|byte| id(byte).to_string()),
        accepted: None,
        replayed: false,
        body: body.to_owned(),
    }
}

fn told(wish: &str, number: u32, told: Told) -> [Entry; 2] {
    let transaction = format!("{wish}-{number}");
    let sent = Entry::Sent { wish: wish.to_owned(), transaction: transaction.clone() };
    [sent, Entry::Told { transaction, told }]
}

fn journal(books: &Books) -> Journal {
    let wish = |name: &str, key: &str, payload: &str, how, expect| {
        let (name, key) = (name.to_owned(), key.to_owned());
        let (action, payload) = ("a".to_owned(), payload.to_owned());
        Entry::Wish(Wish { name, key, action, how, payload, expect })
    };
    let success = |text: &str| Expect::Success(text.to_owned());
    let end = |byte| books.lives[&id(byte)].end().unwrap();
    let replayed = Answer { replayed: true, ..answer(200, Some(1), &end(1).record(false)) };
    let no = Answer { accepted: Some("no".to_owned()), ..answer(503, None, "") };
    let mut all = vec![wish("c0-0", "k0", "{}", How::Record, success("{\"v\":1}"))];
    all.extend(told("c0-0", 1, Told::Cut("reset".to_owned())));
    all.extend(told("c0-0", 2, Told::Answer(replayed)));
    all.push(wish("c0-1", "k1", "{}", How::Result, success("{\"v\":2}")));
    all.extend(told("c0-1", 1, Told::Answer(answer(200, Some(2), "{\"v\":2}"))));
    all.push(wish("c0-2", "k2", "{}", How::Id, success("{\"v\":3}")));
    all.extend(told("c0-2", 1, Told::Answer(no)));
    all.extend(told("c0-2", 2, Told::Answer(answer(202, Some(3), ""))));
    all.push(wish("c0-3", "k0", "{\"other\":1}", How::Record, Expect::Refusal(422)));
    all.extend(told("c0-3", 1, Told::Answer(answer(422, None, ""))));
    all.push(wish("c0-4", "k4", "{}", How::Record, Expect::Refusal(404)));
    all.extend(told("c0-4", 1, Told::Answer(answer(404, None, ""))));
    all.push(Entry::Read { id: id(1).to_string(), status: 200, body: end(1).record(true) });
    fold(all).unwrap()
}

fn shown(world: &World, books: &Books) -> Shown {
    let mut shown = Shown::default();
    for life in books.lives.values() {
        let end = life.end().unwrap();
        let row = &end.ended.row;
        shown.rows.push(Json::parse(&api::activation::summary(row)).unwrap());
        shown.records.push(Json::parse(end.record(true).as_bytes()).unwrap());
        let records: Vec<(Offset, Arc<Record>)> = row
            .records
            .iter()
            .map(|at| world.records.iter().find(|(other, ..)| other == at).unwrap())
            .map(|(at, record, _)| (*at, Arc::new(record.clone())))
            .collect();
        shown.histories.insert(row.id.to_string(), About::ended(row).history(&records));
    }
    let figure = |name: &str, value: f64| (format!("{name}{{x=\"y\"}}"), value);
    let all = f64::from(u32::try_from(books.lives.len()).unwrap());
    shown.metrics = vec![
        figure("quirl_activations_open", 0.0),
        figure("quirl_activations_accepted_total", all),
        figure("quirl_activations_ended_total", all),
        figure("quirl_namespace_in_flight", 0.0),
    ];
    shown
}

fn honest() -> Facts {
    let world = ledger();
    let (at, there, restored) = world.restored.as_ref().unwrap();
    let snapshot =
        Snapshot { at: *at, there: *there, at_end: [restored.hash(), world.ledger.hash()] };
    let dump = Dump {
        records: world.records.clone(),
        ledger: world.ledger.clone(),
        snapshots: vec![snapshot],
        open_at_claims: world.open_at_claims.clone(),
    };
    let books = Books::read(&dump, &mut Report::default());
    let journals = vec![journal(&books)];
    let shown = shown(&world, &books);
    Facts { journals, dump, shown }
}

#[test]
fn an_honest_run_breaks_nothing_and_everything_is_checked() {
    let report = check(&honest());
    assert!(report.is_good(), "{report}");
    let counts: BTreeMap<&str, u64> = report.counts.iter().copied().collect();
    for (what, number) in [
        ("wishes", 5),
        ("requests sent", 7),
        ("of these cut", 1),
        ("accepted", 3),
        ("activations with their steps", 5),
        ("runs cut once", 1),
        ("runs cut three times, ended lost", 1),
        ("answers kept", 2),
        ("wishes that ended lost (3 cuts)", 1),
        ("LOST", 0),
        ("DOUBLED", 0),
    ] {
        assert_eq!(counts.get(what), Some(&number), "{what}");
    }
}

#[test]
fn where_nothing_was_checked_nothing_holds() {
    let nothing = Facts {
        journals: Vec::new(),
        dump: Dump {
            records: Vec::new(),
            ledger: Ledger::default(),
            snapshots: Vec::new(),
            open_at_claims: BTreeMap::new(),
        },
        shown: Shown::default(),
    };
    let mut missing = check(&nothing).bad();
    missing.sort_unstable();
    assert_eq!(missing, Invariant::ALL);
}

#[test]
fn what_was_open_at_a_death_is_what_the_next_claim_met() {
    let facts = honest();
    let claims = facts.dump.records.iter().filter(|(_, it, _)| matches!(it.body, Body::Claim(_)));
    let claims: Vec<WallTime> = claims.map(|(_, record, _)| record.at).collect();
    assert_eq!(open_at(&facts.dump, &claims), [0, 2, 1, 1]);
    let between = WallTime(claims[1].0 + 1);
    assert_eq!(open_at(&facts.dump, &[WallTime(1), between, WallTime(i64::MAX)]), [2, 1, 0]);
}

/// The record number `nth` of a kind.
fn nth<'a>(facts: &'a mut Facts, kind: &str, nth: usize) -> &'a mut (Offset, Record, Verdict) {
    let all = &mut facts.dump.records;
    all.iter_mut().filter(|(_, record, _)| record.body.kind() == kind).nth(nth).unwrap()
}

type Verdict = Result<ledger::fold::Change, Void>;

fn happened<'a>(facts: &'a mut Facts, kind: &str, place: usize) -> &'a mut Vec<Happened> {
    &mut nth(facts, kind, place).2.as_mut().unwrap().happened
}

/// The answer to a try.
fn told_to(facts: &mut Facts, wish: usize, one: usize) -> &mut Answer {
    match facts.journals[0].kept[wish].tries[one].told.as_mut() {
        Some(Told::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

fn accepted_as(facts: &mut Facts, place: usize, transaction: &str) {
    let Body::Accept(accept) = &mut nth(facts, "accept", place).1.body else { unreachable!() };
    accept.by = Arc::new(Caller { transaction: transaction.to_owned(), ..(*accept.by).clone() });
}

/// A lie is noticed by the invariant that it breaks.
#[track_caller]
fn check_lie(invariant: Invariant, lie: impl FnOnce(&mut Facts)) {
    let mut facts = honest();
    lie(&mut facts);
    let report = check(&facts);
    assert!(report.bad().contains(&invariant), "{invariant:?} did not notice:\n{report}");
    let row = &report.rows[&invariant];
    assert!(row.wrong > 0 && !row.broken.is_empty(), "{invariant:?} only missed something");
}

#[test]
fn i01_an_answer_without_an_accept_and_an_accept_without_a_request_are_noticed() {
    check_lie(Invariant::I1, |facts| told_to(facts, 2, 1).id = Some(id(9).to_string()));
    check_lie(Invariant::I1, |facts| nth(facts, "accept", 1).2 = Err(Void::NoOwner));
    check_lie(Invariant::I1, |facts| accepted_as(facts, 1, "nobody"));
    check_lie(Invariant::I1, |facts| {
        facts.journals[0].kept[2].tries.pop();
    });
}

#[test]
fn i02_an_end_that_is_missing_or_doubled_is_noticed() {
    check_lie(Invariant::I2, |facts| nth(facts, "finish", 0).2 = Err(Void::NotOpen));
    check_lie(Invariant::I2, |facts| {
        let again = nth(facts, "finish", 0).clone();
        facts.dump.records.push(again);
    });
    check_lie(Invariant::I2, |facts| {
        facts.shown.rows.pop();
    });
    check_lie(Invariant::I2, |facts| {
        let row = facts.shown.rows[0].clone();
        facts.shown.rows.push(row);
    });
}

#[test]
fn i03_a_finish_of_another_attempt_that_counts_is_noticed() {
    check_lie(Invariant::I3, |facts| {
        let Body::Finish(it) = &mut nth(facts, "finish", 0).1.body else { unreachable!() };
        it.of.attempt = 1;
    });
    check_lie(Invariant::I3, |facts| {
        let assigned = happened(facts, "assign", 0);
        assigned.clear();
    });
}

#[test]
fn i04_an_end_that_comes_too_late_is_noticed() {
    check_lie(Invariant::I4, |facts| nth(facts, "finish", 0).1.at = WallTime(3_600_000));
}

#[test]
fn i05_an_answer_that_is_not_the_record_is_noticed() {
    check_lie(Invariant::I5, |facts| told_to(facts, 1, 0).body = "{\"v\":3}".to_owned());
    check_lie(Invariant::I5, |facts| told_to(facts, 0, 1).body.push(' '));
    check_lie(Invariant::I5, |facts| told_to(facts, 0, 1).status = 502);
}

#[test]
fn i06_an_attempt_too_many_is_noticed() {
    // Behind one that nobody guarded.
    check_lie(Invariant::I6, |facts| match &mut happened(facts, "accept", 0)[..] {
        [.., Happened::Assigned(it)] => it.guarded = false,
        other => panic!("{other:?}"),
    });
    // The same one twice.
    check_lie(Invariant::I6, |facts| {
        let again = nth(facts, "assign", 0).clone();
        let at = facts.dump.records.iter().position(|it| *it == again).unwrap();
        facts.dump.records.insert(at, again);
    });
    // A fourth.
    check_lie(Invariant::I6, |facts| {
        let mut fourth = nth(facts, "assign", 2).clone();
        let Ok(change) = &mut fourth.2 else { unreachable!() };
        let Happened::Assigned(it) = &mut change.happened[0] else { unreachable!() };
        it.of.attempt = 4;
        let at = facts.dump.records.len() - 1;
        facts.dump.records.insert(at, fourth);
    });
}

#[test]
fn i07_a_start_without_an_assignment_is_noticed() {
    check_lie(Invariant::I7, |facts| {
        let mut finish = nth(facts, "finish", 0).clone();
        let Body::Finish(it) = &mut finish.1.body else { unreachable!() };
        it.of.incarnation.random += 1;
        finish.2 = Err(Void::AssignedOtherwise);
        facts.dump.records.push(finish);
    });
}

#[test]
fn i09_a_step_that_is_missing_or_of_another_id_is_noticed() {
    check_lie(Invariant::I9, |facts| {
        happened(facts, "finish", 1).retain(|it| !matches!(it, Happened::Born { .. }));
    });
    check_lie(Invariant::I9, |facts| {
        for it in happened(facts, "finish", 1) {
            if let Happened::Born { id: born, .. } = it {
                *born = id(8);
            }
        }
    });
    // A sequence that goes on although its step failed.
    check_lie(Invariant::I9, |facts| {
        let Body::Finish(it) = &mut nth(facts, "finish", 1).1.body else { unreachable!() };
        it.class = Class::DeveloperError;
    });
}

#[test]
fn i12_figures_that_do_not_add_up_are_noticed() {
    for figure in 0..4 {
        check_lie(Invariant::I12, |facts| facts.shown.metrics[figure].1 += 1.0);
    }
}

#[test]
fn i13_a_snapshot_that_leads_elsewhere_is_noticed() {
    check_lie(Invariant::I13, |facts| facts.dump.snapshots[0].there[0] += 1);
    check_lie(Invariant::I13, |facts| facts.dump.snapshots[0].at_end[0] += 1);
}

#[test]
fn i14_a_row_or_record_that_the_ledger_does_not_make_is_noticed() {
    let changed = |json: &Json| {
        let text = json.as_str().replace("\"version\":\"0.0.1\"", "\"version\":\"0.0.2\"");
        Json::parse(text.as_bytes()).unwrap()
    };
    check_lie(Invariant::I14, |facts| facts.shown.rows[0] = changed(&facts.shown.rows[0]));
    check_lie(Invariant::I14, |facts| facts.shown.records[0] = changed(&facts.shown.records[0]));
    check_lie(Invariant::I14, |facts| {
        let id = Json::string(&id(9).to_string());
        facts.shown.rows.push(Json::object([("activationId", id)]));
    });
}

#[test]
fn i18_a_record_of_a_former_owner_that_counts_is_noticed() {
    check_lie(Invariant::I18, |facts| {
        let stamp = nth(facts, "attempt_lost", 0).1.body.stamp_mut().unwrap();
        stamp.epoch = Epoch(1);
    });
    check_lie(Invariant::I18, |facts| {
        let Body::Claim(it) = &mut nth(facts, "claim", 2).1.body else { unreachable!() };
        it.epoch = Epoch(4);
    });
}

#[test]
fn i21_a_trace_of_what_was_refused_is_noticed() {
    // `no`, and accepted all the same.
    check_lie(Invariant::I21, |facts| accepted_as(facts, 1, "c0-2-1"));
    check_lie(Invariant::I21, |facts| accepted_as(facts, 1, "c0-4-1"));
    // A definite refusal of a re-send whose first copy was accepted.
    check_lie(Invariant::I21, |facts| told_to(facts, 0, 1).status = 404);
    // What must be refused is taken.
    check_lie(Invariant::I21, |facts| told_to(facts, 4, 0).status = 202);
}

#[test]
fn i22_a_key_that_makes_two_is_noticed() {
    check_lie(Invariant::I22, |facts| accepted_as(facts, 1, "c0-0-2"));
    check_lie(Invariant::I22, |facts| told_to(facts, 3, 0).status = 202);
    check_lie(Invariant::I22, |facts| {
        let mut again = facts.journals[0].kept[0].clone();
        again.wish.name = "c0-5".to_owned();
        again.tries.remove(0);
        again.tries[0].transaction = "c0-5-1".to_owned();
        facts.journals[0].kept.push(again);
        let answer = told_to(facts, 5, 0);
        answer.replayed = false;
        told_to(facts, 0, 1).replayed = false;
    });
    check_lie(Invariant::I22, |facts| {
        let mut again = facts.journals[0].kept[0].tries[1].clone();
        again.transaction = "c0-0-3".to_owned();
        facts.journals[0].kept[0].tries.push(again);
        told_to(facts, 0, 2).id = Some(id(2).to_string());
    });
}

#[test]
fn i23_a_record_that_is_not_found_is_noticed() {
    check_lie(Invariant::I23, |facts| facts.journals[0].reads[0].status = 404);
    check_lie(Invariant::I23, |facts| facts.journals[0].reads[0].body.push(' '));
}

#[test]
fn i25_a_run_that_is_given_up_too_early_is_noticed() {
    check_lie(Invariant::I25, |facts| {
        let last = facts.dump.records.len() - 1;
        // Without its third attempt.
        facts.dump.records.drain(last - 3..last);
    });
}

#[test]
fn histories_that_tell_something_else_are_noticed() {
    type Lie = fn(&mut History);
    let lies: [Lie; 6] = [
        |history| drop(history.events.pop()),
        |history| history.events.reverse(),
        |history| history.status = None,
        |history| history.attempts += 1,
        |history| history.events.retain(|it| it.event != api::activation::history::What::Assigned),
        |history| history.events.iter_mut().for_each(|it| it.offset += 1),
    ];
    for lie in lies {
        check_lie(Invariant::History, |facts| {
            lie(facts.shown.histories.get_mut(&id(1).to_string()).unwrap());
        });
    }
    check_lie(Invariant::History, |facts| {
        facts.shown.histories.remove(&id(1).to_string());
    });
}

#[test]
fn a_pure_run_that_loses_its_answer_is_noticed() {
    check_lie(Invariant::Kept, |facts| {
        facts.journals[0].kept[0].wish.expect = Expect::Success("{\"v\":7}".to_owned());
    });
    check_lie(Invariant::Kept, |facts| {
        facts.journals[0].kept[0].wish.expect = Expect::Error("{\"v\":1}".to_owned());
    });
    // Lost after two cuts.
    check_lie(Invariant::Kept, |facts| {
        let last = facts.dump.records.len() - 1;
        facts.dump.records.drain(last - 3..last);
    });
}
