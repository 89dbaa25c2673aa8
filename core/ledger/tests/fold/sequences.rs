//! Sequences: `rest-api.md` §3.9, `exactly-once.md` §§8, 9.

use std::sync::Arc;

use ledger::fold::{EndResult, Ended, Happened, Source};
use ledger::id;
use ledger::record::{Record, Target};
use model::id::Offset;
use model::outcome::Class;
use model::time::Millis;

use super::words::{Words, check_fold, check_on};

const MISSING: &str = "Action could not be found or may have been deleted.";

/// What the last record ended, in order.
fn ended(words: &Words) -> Vec<Arc<Ended>> {
    let mut again = ledger::fold::Ledger::default();
    let mut last = None;
    for (at, record) in &words.log {
        last = Some(again.apply(*at, record));
    }
    last.unwrap().unwrap().ended().cloned().collect()
}

#[test]
fn i09_steps_run_one_after_the_other_and_the_last_one_closes_the_sequence() {
    let words = check_fold([
        ("accept a runs s(h,g,u) at i7", "began a, born a.0, assigned a.0/1"), // 7
        ("finish a.0/1 by i7", "ended a.0: success, born a.1"),
        ("assign a/1 to i7", "void: is a sequence"),
        ("finish a/1 by i7", "void: is a sequence"),
        ("assign a.1/1 to i7", "assigned a.1/1"),
        ("finish a.1/1 by i7 offer", "ended a.1: success, born a.2, offered a.2/1"), // 12
    ]);
    let (a, third) = (words.id("a"), words.id("a.2"));
    assert_eq!(third, id::child(a, &[], 2));
    let open = words.ledger.open(&third).unwrap();
    assert_eq!(open.input.source, Source::Finish(Offset(12)));
    assert_eq!(open.tree.accepted, Offset(7));
    let words = check_on(words, [("finish a.2/1 by i7", "ended a.2: success, ended a: success")]);
    let ended = ended(&words);
    let row = &ended[1].row;
    assert_eq!(row.children, [0, 1, 2].map(|n| id::child(a, &[], n)));
    assert_eq!((row.duration_us, row.terminal, row.class), (90_000, Offset(13), Class::Success));
    assert_eq!(row.records, [Offset(7), Offset(13)]);
    let ran = row.ran.as_ref().unwrap();
    assert_eq!((ran.topmost, ran.timeout, ran.wait_ms), (Some(true), None, 7));
    assert_eq!(ran.limits.unwrap().memory, 256);
    assert_eq!(ended[1].result, EndResult::Finish);
    assert!(ended[1].parent && ended[1].was_assigned.is_none());
    assert_eq!(ended[0].row.cause, Some(a));
    assert_eq!(words.ledger.counts(), ledger::fold::Counts { entities: 5, ..Default::default() });
}

#[test]
fn a_step_whose_result_is_an_error_stops_all_sequences_around_it() {
    let words = check_fold([
        ("accept a runs s(t(h,g),u) at i7", "began a, began a.0, born a.0.0, assigned a.0.0/1"),
        (
            "finish a.0.0/1 by i7 app offer",
            "ended a.0.0: application error, ended a.0: application error, ended a: application error",
        ),
    ]);
    let rows: Vec<_> = ended(&words).iter().map(|ended| ended.row.clone()).collect();
    assert_eq!(rows[1].cause, Some(rows[2].id));
    assert_eq!(rows[1].ran.as_ref().unwrap().topmost, Some(false));
    assert_eq!(rows[2].children, [rows[1].id]);
    assert_eq!(rows[1].children, [rows[0].id]);
}

#[test]
fn i09_nested_sequences_contribute_one_id_and_pass_the_result_on() {
    let words = check_fold([
        ("accept a runs s(h,t(g,u(h)),g) at i7", "began a, born a.0, assigned a.0/1"),
        ("finish a.0/1 by i7 offer", "ended a.0: success, began a.1, born a.1.0, offered a.1.0/1"),
        ("finish a.1.0/1 by i7", "ended a.1.0: success, began a.1.1, born a.1.1.0"),
        ("assign a.1.1.0/1 to i7", "assigned a.1.1.0/1"),
        (
            "finish a.1.1.0/1 by i7 offer", // 11
            "ended a.1.1.0: success, ended a.1.1: success, ended a.1: success, born a.2, offered a.2/1",
        ),
        ("finish a.2/1 by i7", "ended a.2: success, ended a: success"),
    ]);
    let rows: Vec<_> = ended(&words).iter().map(|ended| ended.row.clone()).collect();
    assert_eq!(rows[1].duration_us, 4 * 30_000);
    assert_eq!(rows[1].children.len(), 3);
    let a = words.id("a");
    assert_eq!(words.id("a.1.1.0"), id::child(a, &[1, 1], 0));
}

#[test]
fn f142_a_step_deleted_before_its_turn_ends_the_sequence_and_is_not_listed() {
    let words = check_fold([
        ("accept a runs s(h,g,u) at i7", "began a, born a.0, assigned a.0/1"),
        ("delete g", "wrote g"),
        ("finish a.0/1 by i7 offer", "ended a.0: success, born a.1"), // M21: no slot for what is gone
        ("assign a.1/1 to i7", "void: n/guest/g is not present"),
    ]);
    let text = format!(
        "ended a.1: application error `{MISSING}`, \
         ended a: application error `Sequence component does not exist.`"
    );
    let words = check_on(words, [("expire a.1/0 missing", text.as_str())]);
    let rows: Vec<_> = ended(&words).iter().map(|ended| ended.row.clone()).collect();
    assert_eq!(rows[1].children, [words.id("a.0")]);
    assert!(!rows[0].ran.as_ref().unwrap().began);
    assert_eq!((rows[0].start, rows[0].duration_us), (rows[0].end.unwrap(), 0));
}

#[test]
fn a_nested_sequence_deleted_before_its_turn_is_missing_like_an_action() {
    let words = check_fold([
        ("accept a runs s(h,t(g,u)) at i7", "began a, born a.0, assigned a.0/1"),
        ("delete t", "wrote t"),
        ("finish a.0/1 by i7 offer", "ended a.0: success, began a.1, born a.1.0"),
        ("assign a.1.0/1 to i7", "void: n/guest/t is not present"),
    ]);
    let gone = "application error `Sequence component does not exist.`";
    let text =
        format!("ended a.1.0: application error `{MISSING}`, ended a.1: {gone}, ended a: {gone}");
    let words = check_on(words, [("expire a.1.0/0 missing", text.as_str())]);
    assert_eq!(ended(&words)[2].row.children, [words.id("a.0")]);
    // Once it has begun, its own deletion stops nothing.
    check_fold([
        ("accept a runs s(t(g,u)) at i7", "began a, began a.0, born a.0.0, assigned a.0.0/1"),
        ("delete t", "wrote t"),
        ("finish a.0.0/1 by i7 offer", "ended a.0.0: success, born a.0.1, offered a.0.1/1"),
    ]);
}

#[test]
fn a_slot_is_offered_only_to_what_fits_it() {
    check_fold([
        ("accept a runs s(h,g*,u,h+,g) at i7", "began a, born a.0, assigned a.0/1"),
        ("finish a.0/1 by i7 offer", "ended a.0: success, born a.1"), // another kind
        ("assign a.1/1 to i7", "assigned a.1/1"),
        ("finish a.1/1 by i7 offer", "ended a.1: success, born a.2"),
        ("assign a.2/1 to i7", "assigned a.2/1"),
        ("finish a.2/1 by i7 offer", "ended a.2: success, born a.3"), // more memory
        ("assign a.3/1 to i7", "assigned a.3/1"),
        ("finish a.3/1 by i7 offer", "ended a.3: success, born a.4, offered a.4/1"), // less
        ("finish a.4/1 by i7 offer", "ended a.4: success, ended a: success"), // F141: nobody there
        ("accept b runs s(h,g) guarded at i7", "began b, born b.0, assigned b.0/1"),
        ("finish b.0/1 by i7 offer", "ended b.0: success, born b.1"), // another guard
    ]);
}

#[test]
fn at_most_fifty_actions_begin_in_a_tree() {
    let steps = |n: usize| vec!["h"; n].join(",");
    let mut words = check_fold([]);
    let accept = format!("accept a runs s({},t({}),u) at i7", steps(30), steps(30));
    assert_eq!(words.say(&accept), "began a, born a.0, assigned a.0/1");
    for n in 0..49 {
        let name = if n < 30 { format!("a.{n}") } else { format!("a.30.{}", n - 30) };
        let said = words.say(&format!("finish {name}/1 by i7 offer"));
        assert!(said.contains("offered"), "{n}: {said}");
    }
    let full = "application error `Too many actions in the sequence.`";
    assert_eq!(
        words.say("finish a.30.19/1 by i7 offer"),
        format!("ended a.30.19: success, ended a.30: {full}, ended a: {full}")
    );
    let rows: Vec<_> = ended(&words).iter().map(|ended| ended.row.clone()).collect();
    assert_eq!((rows[1].children.len(), rows[2].children.len()), (20, 31));
    assert_eq!(words.ledger.counts().kept_aside, 0);
}

#[test]
fn f090_a_sequence_that_ends_early_lets_its_step_run_and_creates_nothing_more() {
    let words = check_fold([
        (
            "accept a runs s(t(h,g),u) deadline 9 at i7",
            "began a, began a.0, born a.0.0, assigned a.0.0/1",
        ),
        ("expire a/0 lost", "void: is a sequence"),
        ("expire a/1 timeout", "void: other attempt"),
        (
            "expire a/0 timeout",
            "ended a.0: action developer error `The action exceeded its time limits of 9 milliseconds.`, \
             ended a: action developer error `The action exceeded its time limits of 9 milliseconds.`",
        ),
        ("put h", "wrote h"),
    ]);
    assert_eq!(words.ledger.counts().kept_aside, 1, "the step still runs");
    let step = words.ledger.open(&words.id("a.0.0")).unwrap();
    assert_eq!(step.enclosing.unwrap().id, words.id("a.0"));
    let words = check_on(words, [("finish a.0.0/1 by i7 offer", "ended a.0.0: success")]);
    assert_eq!(words.ledger.counts().kept_aside, 0);
    assert_eq!(ended(&words)[0].row.cause, Some(words.id("a.0")));
}

#[test]
fn f100_cancelling_a_sequence_leaves_a_step_that_can_be_cancelled() {
    let words = check_fold([
        ("accept a runs s(h,g)", "began a, born a.0"),
        ("expire a/0 cancelled", "ended a: application error `The activation was cancelled.`"),
        ("expire a.0/0 cancelled", "ended a.0: application error `The activation was cancelled.`"),
        // A cancelled step ends its sequence like any error, a cancelled inner one the outer.
        ("accept b runs s(t(h),g) at i7", "began b, began b.0, born b.0.0, assigned b.0.0/1"),
        (
            "expire b.0/0 cancelled",
            "ended b.0: application error `The activation was cancelled.`, \
             ended b: application error `The activation was cancelled.`",
        ),
    ]);
    let rows = ended(&words);
    assert_eq!(rows[0].row.outcome.as_deref(), Some("cancelled"));
    assert_eq!(rows[1].row.outcome, None, "closed by its step");
    assert_eq!(words.ledger.counts().running, 1);
}

#[test]
fn a_sequence_without_steps_or_without_end_is_malformed() {
    let deep = |n: usize| format!("accept a runs {}h{}", "s(".repeat(n), ")".repeat(n));
    let mut words = check_fold([("accept a runs s()", "void: malformed")]);
    assert_eq!(words.say(&deep(65)), "void: malformed");
    assert!(words.say(&deep(64)).starts_with("began a, began a.0"));
    assert_eq!(words.say("fire f: b runs s(t())"), "void: malformed");
}

#[test]
fn ids_of_steps_cannot_be_taken_by_others() {
    let mut words = check_fold([("accept a runs s(h,g)", "began a, born a.0")]);
    let Some((_, Record { body, .. })) = words.log.last().cloned() else { panic!("logged") };
    let ledger::record::Body::Accept(mut accept) = body else { panic!("an accept") };
    let ledger::record::Root::Invoke(birth) = &mut accept.root else { panic!("invoked") };
    // A foreign root with the id of the step to come: the step takes another one, nothing is lost.
    birth.id = id::child(words.id("a"), &[], 1);
    birth.target = match &birth.target {
        Target::Sequence(sequence) => sequence.steps[0].clone(),
        Target::Action(_) => panic!("a sequence"),
    };
    birth.queue = Millis(1);
    accept.stamp.seq += 1;
    words.at += 1;
    let record =
        Record { at: model::time::WallTime(0), body: ledger::record::Body::Accept(accept) };
    words.ledger.apply(Offset(words.at), &record).unwrap();
    words.say("assign a.0/1 to i7");
    assert!(words.say("finish a.0/1 by i7").starts_with("ended a.0: success, born a.1"));
    assert_eq!(words.ledger.counts().waiting, 2);
}

#[test]
fn where_a_result_comes_from_is_known_from_row_and_terminal_alone() {
    let words = check_fold([
        ("accept a runs s(h,g) at i7", "began a, born a.0, assigned a.0/1"),
        (
            "finish a.0/1 by i7 dev",
            "ended a.0: action developer error, ended a: action developer error",
        ),
    ]);
    let (_, terminal) = words.log.last().unwrap();
    for ended in ended(&words) {
        assert_eq!(EndResult::of(&ended.row, &terminal.body), ended.result);
    }
    let happened = Happened::Born { id: words.id("a"), parent: true };
    assert_eq!(happened.clone(), happened);
}
