//! Every arm of the fold and every reason to be void.

use ledger::fold::{FOLD_VERSION, Ledger, Void};
use ledger::record::{KeyClass, Pin};
use model::id::Offset;
use model::time::Millis;

use super::words::{Words, check_fold, check_on, guest, key_of};

#[test]
fn i18_a_claim_is_a_compare_and_set_on_silence() {
    check_on(
        Words::fresh(),
        [
            ("beat", "void: no owner"),
            ("claim 2 by n1", "void: the epoch is not the next"),
            ("claim 1 by n1 base 9", "void: the base is not before the claim"),
            ("claim 1 by n1", "claimed 1 by 1"),
            ("beat", "heard"),
            ("claim 2 by n2 base 4", "void: the owner was heard after the base"),
            ("claim 2 by n2 base 5", "claimed 2 by 2"),
            ("@e1 @n1 @s9 beat", "void: other epoch"),
            ("@n1 beat", "void: other node"),
            ("@s7 beat", "heard"),
            ("@s7 beat", "void: old sequence number"),
            ("@s6 beat", "void: old sequence number"),
            ("yield to n3", "yielded to 3"),
            ("beat", "void: no owner"),
            ("claim 3 by n4 base 2", "void: the owner was heard after the base"),
            ("claim 3 by n3 base 2", "claimed 3 by 3"),
            ("@s1 beat", "heard"),
        ],
    );
}

#[test]
fn f028_a_claim_under_newer_rules_stops_the_follower() {
    let mut words =
        check_fold([("claim 2 by n2 version 2", "void: fold version 2 is not known here")]);
    assert!(Void::FoldVersion(FOLD_VERSION + 1).is_stop());
    assert_eq!(words.ledger.applied(), Offset(words.at - 1), "it was not passed over");
    assert_eq!(words.say("@o3 beat"), "void: the offset was applied already");
}

#[test]
fn rule_o_counts_even_if_the_rest_of_the_rule_fails() {
    check_fold([
        ("@s50 assign a/1 to i7", "void: not open"),
        ("@s50 beat", "void: old sequence number"),
        ("@s51 beat", "heard"),
        ("claim 2 by n2 base 7", "void: the owner was heard after the base"),
    ]);
}

#[test]
fn i27_a_write_is_all_or_nothing_and_keeps_its_expectations() {
    let words = check_fold([
        ("put p", "wrote p"), // 7
        ("put p if p absent", "void: expectation on n/guest/p does not hold"),
        ("put p/x if p born 7", "wrote p/x"), // 9
        ("touch p", "wrote p"),               // 10
        (
            "delete p if p revision 7 if p contents 7",
            "void: expectation on n/guest/p does not hold",
        ),
        ("put p if p revision 7", "wrote p"), // 12
        ("put p if p revision 7", "void: expectation on n/guest/p does not hold"),
        ("put p if p born 12", "void: expectation on n/guest/p does not hold"),
        ("put p/x if p born 7 if p revision 12", "wrote p/x"), // 15
        ("put h p if h absent", "void: expectation on n/guest/h does not hold"),
        ("delete p/x p if p contents 10", "wrote p p/x"),
        ("put p/x if p born 7", "void: expectation on n/guest/p does not hold"),
        ("touch p", "wrote p"),
    ]);
    assert_eq!(words.ledger.entity(&key_of("p")), None);
    let names: Vec<_> =
        words.ledger.entities_under("n/guest/").map(|(key, _)| key.to_string()).collect();
    assert_eq!(names, ["n/guest/g", "n/guest/h", "n/guest/s", "n/guest/t", "n/guest/u"]);
}

#[test]
fn marks_say_when_an_entity_was_born_put_and_touched() {
    let words = check_fold([
        ("put p", "wrote p"),   // 7
        ("put p", "wrote p"),   // 8
        ("touch p", "wrote p"), // 9
    ]);
    let it = words.ledger.entity(&key_of("p")).unwrap();
    assert_eq!((it.born, it.revision, it.contents), (Offset(7), Offset(8), Offset(9)));
    let words = check_on(words, [("delete p", "wrote p"), ("put p", "wrote p")]);
    let it = words.ledger.entity(&key_of("p")).unwrap();
    assert_eq!((it.born, it.revision, it.contents), (Offset(11), Offset(11), Offset(11)));
}

#[test]
fn i02_an_activation_is_accepted_assigned_and_ended_once() {
    let words = check_fold([
        ("accept a runs h", "born a"), // 7
        ("accept a runs h", "void: id a is known"),
        ("assign a/2 to i7", "void: other attempt"),
        ("assign a/1 to i7", "assigned a/1"), // 10
        ("assign a/2 to i7", "void: assigned"),
        ("finish a/1 by i8", "void: assigned otherwise"),
        ("finish a/1 by i7'", "void: assigned otherwise"),
        ("finish a/2 by i7", "void: assigned otherwise"),
        ("finish a/1 by i7", "ended a: success"), // 15
        ("finish a/1 by i7", "void: not open"),
        ("touched a/1 by i7", "void: not open"),
        ("return no a/1 by i7", "void: not open"),
        ("expire a/1 cancelled", "void: not open"),
        ("assign a/2 to i7", "void: not open"),
        ("lost a/1", "void: not open"),
    ]);
    let (at, record) = &words.log[14];
    assert_eq!(*at, Offset(15));
    let mut again = Ledger::default();
    for (at, record) in &words.log[..14] {
        let _ = again.apply(*at, record);
    }
    let change = again.apply(*at, record).unwrap();
    let ended = change.ended().next().unwrap();
    let row = &ended.row;
    assert_eq!(row.records, [Offset(7), Offset(10), Offset(15)]);
    assert_eq!((row.terminal, row.duration_us, row.name.as_str()), (Offset(15), 30_000, "h"));
    let ran = row.ran.as_ref().unwrap();
    assert_eq!(
        (ran.wait_ms, ran.init_ms, ran.timeout),
        (15_000 - 40 - 7_000 + 7, Some(5), Some(false))
    );
    assert_eq!(ended.was_assigned.map(|(of, _)| of.attempt), Some(1));
}

#[test]
fn an_accept_may_carry_its_first_assignment() {
    check_fold([
        ("accept a runs h at i7", "born a, assigned a/1"),
        ("finish a/1 by i7 app", "ended a: application error"),
    ]);
}

#[test]
fn i28_what_is_not_present_is_neither_accepted_nor_assigned() {
    check_fold([
        ("accept a runs h", "born a"),
        ("accept b runs h", "born b"),
        ("delete h", "wrote h"),
        ("accept c runs h", "void: n/guest/h is not present"),
        ("assign a/1 to i7", "void: n/guest/h is not present"),
        (
            "expire a/0 missing",
            "ended a: application error `Action could not be found or may have been deleted.`",
        ),
        ("put h", "wrote h"), // the same name, another life
        ("assign b/1 to i7", "void: n/guest/h is not present"),
        (
            "expire b/0 missing",
            "ended b: application error `Action could not be found or may have been deleted.`",
        ),
        ("accept c runs h", "born c"),
    ]);
}

#[test]
fn f088_an_update_never_touches_what_was_accepted() {
    let words = check_fold([
        ("accept a runs h", "born a"), // pins revision 2
        ("accept b runs h", "born b"),
        ("put h", "wrote h"),
        ("accept c runs h@2", "born c"), // still held for a and b
        ("finish a/1 by i7", "void: not assigned"),
        ("expire a/0 cancelled", "ended a: application error `The activation was cancelled.`"),
        ("expire c/0 cancelled", "ended c: application error `The activation was cancelled.`"),
    ]);
    let pinned = Pin { key: key_of("h"), revision: Offset(2) };
    assert_eq!(words.ledger.counts().kept_aside, 1);
    assert_eq!(words.ledger.document_at(&pinned).unwrap().revision, Offset(2));
    let words = check_on(
        words,
        [
            ("assign b/1 to i7", "assigned b/1"),
            ("delete h", "wrote h"),
            ("finish b/1 by i7", "ended b: success"),
        ],
    );
    assert_eq!(words.ledger.counts().kept_aside, 0);
    assert_eq!(words.ledger.document_at(&pinned), None);
    check_on(
        words,
        [
            ("put h", "wrote h"),
            ("put h", "wrote h"),
            ("accept d runs h@17", "void: n/guest/h is no longer held at the pinned revision"),
        ],
    );
}

#[test]
fn i24_a_touched_attempt_is_never_run_again() {
    check_fold([
        ("accept a runs h guarded at i7!", "born a, assigned a/1"),
        ("touched a/2 by i7", "void: assigned otherwise"),
        ("touched a/1 by i7", "touched a/1"),
        ("touched a/1 by i7", "touched a/1 again"),
        ("return no a/1 by i7", "void: touched"),
        ("return maybe a/1 by i7", "void: not re-runnable"),
        ("lost a/1", "void: not re-runnable"),
        (
            "expire a/1 lost",
            "ended a: whisk internal error `The outcome of the activation is unknown.`",
        ),
    ]);
}

#[test]
fn an_unguarded_attempt_counts_as_touched() {
    check_fold([
        ("accept a runs h at i7", "born a, assigned a/1"),
        ("lost a/1", "void: not re-runnable"),
        ("return maybe a/1 by i7", "void: not re-runnable"),
        ("return no a/1 by i7", "returned a/1 (1)"),
        ("assign a/2 to i8", "assigned a/2"),
        ("return no a/1 by i7", "void: assigned otherwise"),
        ("touched a/1 by i7", "void: assigned otherwise"),
        ("lost a/1", "void: other attempt"),
        ("expire a/1 lost", "void: other attempt"),
        (
            "expire a/2 lost",
            "ended a: whisk internal error `The outcome of the activation is unknown.`",
        ),
    ]);
}

#[test]
fn f135_the_third_cut_of_an_untouched_attempt_is_lost() {
    check_fold([
        ("accept a runs h guarded at i7!", "born a, assigned a/1"),
        ("expire a/1 lost", "void: re-runnable"), // I25
        ("lost a/1", "lost a/1"),
        ("lost a/1", "void: not assigned"),
        ("touched a/1 by i7", "void: not assigned"),
        ("expire a/1 lost", "void: not assigned"),
        ("assign a/2 to i7!", "assigned a/2"),
        ("return maybe a/2 by i7", "returned a/2 (0)"),
        ("assign a/3 to i7!", "assigned a/3"),
        ("lost a/3", "void: not re-runnable"),
        ("return maybe a/3 by i7", "void: not re-runnable"), // F137
        (
            "expire a/3 lost",
            "ended a: whisk internal error `The outcome of the activation is unknown.`",
        ),
    ]);
}

#[test]
fn i06_a_declared_action_is_started_as_often_as_it_says() {
    check_fold([
        ("accept a runs h retry 2 at i7", "born a, assigned a/1"),
        ("touched a/1 by i7", "touched a/1"),
        ("lost a/1", "lost a/1"),
        ("assign a/2 to i8", "assigned a/2"),
        ("finish a/1 by i7", "void: assigned otherwise"),
        ("lost a/2", "void: not re-runnable"),
        ("return no a/2 by i8", "returned a/2 (1)"),
        ("assign a/3 to i8", "assigned a/3"),
        ("lost a/3", "void: not re-runnable"),
        ("finish a/3 by i8 dev", "ended a: action developer error"),
    ]);
}

#[test]
fn no_attempt_is_made_when_none_is_left() {
    // Whatever unassigns needs attempts left or gives one back, so only a record that allows none
    // can show it.
    let words = check_fold([
        ("accept a runs h retry 0", "born a"),
        ("assign a/1 to i7", "void: no attempts left"),
    ]);
    assert!(!words.ledger.open(&words.id("a")).unwrap().has_attempts_left());
    assert_eq!(words.ledger.assignable(&words.id("a")), Err(Void::NoAttemptsLeft));
}

#[test]
fn after_five_returns_the_owner_must_end_it_and_no_slot_does_not_count() {
    let mut words = check_fold([("accept a runs h", "born a")]);
    for n in 1..=4 {
        assert_eq!(words.say(&format!("assign a/{n} to i7")), format!("assigned a/{n}"));
        assert_eq!(words.say(&format!("return no a/{n} by i7")), format!("returned a/{n} ({n})"));
    }
    check_on(
        words,
        [
            ("assign a/5 to i7", "assigned a/5"),
            ("return no a/5 by i7 no_slot", "returned a/5 (4)"),
            ("assign a/6 to i7", "assigned a/6"),
            ("expire a/6 no_capacity", "void: assigned"),
            ("return no a/6 by i7", "returned a/6 (5)"),
            (
                "expire a/6 no_capacity",
                "ended a: whisk internal error `Failed to provision resources to run the action.`",
            ),
        ],
    );
}

#[test]
fn each_reason_ends_what_it_may_end() {
    check_fold([
        ("accept a runs h at i7", "born a, assigned a/1"),
        ("expire a/1 queue_timeout", "void: assigned"),
        ("expire a/1 missing", "void: assigned"),
        ("expire a/1 timeout", "void: is no sequence"),
        ("expire a/0 cancelled", "void: other attempt"),
        ("expire a/1 cancelled", "ended a: application error `The activation was cancelled.`"),
        ("accept b runs h", "born b"),
        ("expire b/0 lost", "void: not assigned"),
        (
            "expire b/0 queue_timeout",
            "ended b: whisk internal error `The activation was not started within 9 milliseconds.`",
        ),
        ("accept c runs h at i7", "born c, assigned c/1"),
        (
            "expire c/1 internal",
            "ended c: whisk internal error `The result could not be stored: disk full.`",
        ),
        ("accept d runs h", "born d"),
        ("expire d/0 refused", "ended d: application error `no more`"),
        ("expire e/0 cancelled", "void: not open"),
    ]);
}

#[test]
fn i22_a_key_makes_one_activation_in_its_window() {
    let words = check_fold([
        ("accept a runs h key k", "born a"), // 7
        ("accept b runs h key k", "void: key used by a, the same request"),
        ("accept b runs h key k request 2", "void: key used by a, another request"),
        ("delete h", "wrote h"),
        ("accept b runs h key k", "void: key used by a, the same request"),
        ("put h", "wrote h"),
        ("expire a/0 cancelled", "ended a: application error `The activation was cancelled.`"),
        ("accept b runs h key k", "void: key used by a, the same request"), // F143
        ("accept b runs h key l since 1", "born b"),                        // 15
    ]);
    assert_eq!(words.ledger.keys_in_use(&guest()), 2);
    assert_eq!(words.ledger.keys_by_age(KeyClass::Client, Millis(60)).count(), 2);
    let words = check_on(
        words,
        [
            ("purge before 15 floor 16", "purged 1 keys, 0 marks"),
            ("accept c runs h key k since 15", "void: since is below the floor"), // F146
            ("accept c runs h key k since 16", "born c"),
            ("purge before 0 floor 3", "purged 0 keys, 0 marks"), // floors never fall
            ("accept d runs h key m since 15", "void: since is below the floor"),
        ],
    );
    assert_eq!(words.ledger.keys_in_use(&guest()), 2);
    assert_eq!(words.ledger.floor(KeyClass::Client, Millis(60)), Offset(16));
    assert_eq!(words.ledger.key_windows(), [(KeyClass::Client, Millis(60))]);
}

#[test]
fn i10_a_schedule_fires_in_order_as_often_as_it_may() {
    check_fold([
        ("accept a runs h time 100 max 3", "born a"),
        ("accept b runs h time 100 max 3", "void: fired already"),
        ("accept b runs h time 99 max 3", "void: fired already"),
        ("accept b runs h time 101 max 3", "born b"),
        ("accept c runs h time 200 max 3", "born c"),
        ("accept d runs h time 300 max 3", "void: fired as often as allowed"),
        ("accept d runs h time 1 generation 2 max 3", "born d"), // F96
        ("accept e runs h time 400 max 9", "void: old generation"),
        ("purge dead t generation 1", "purged 0 keys, 0 marks"),
        ("purge dead t generation 2", "purged 0 keys, 1 marks"),
        ("accept e runs h time 1 max 0", "void: fired as often as allowed"),
    ]);
}

#[test]
fn i11_messages_of_a_source_are_consumed_once_and_in_order() {
    check_fold([
        ("accept a runs h message 40", "born a"),
        ("accept b runs h message 40", "void: fired already"),
        ("accept b runs h message 42", "void: gap before the message"),
        ("accept b runs h message 41", "born b"),
        ("accept c runs h message 50 skipping", "born c"),
        ("accept d runs h message 50 skipping", "void: fired already"),
        ("accept d runs h message 3 generation 2", "born d"),
        ("accept e runs h message 51", "void: old generation"),
        ("purge dead t generation 2", "purged 0 keys, 1 marks"),
    ]);
}

#[test]
fn i08_a_fire_rests_on_the_rules_that_were_read() {
    check_fold([
        ("touch t", "wrote t"), // 7
        ("accept a runs h expecting 7", "born a"),
        ("touch t", "wrote t"),
        ("accept b runs h expecting 7", "void: expectation on n/guest/t does not hold"),
    ]);
}

#[test]
fn i08_a_fire_creates_all_its_children_in_one_step() {
    let words = check_fold([
        (
            "fire f: a runs h at i7, b runs s(g,h)",
            "born a, assigned a/1, began b, born b.0, ended f: fired",
        ),
        ("fire f: a runs h", "void: id a is known"),
        ("fire i: c runs h, c runs h", "void: id c is known"),
        ("fire c: c runs h", "void: id c is known"),
        ("delete g", "wrote g"),
        ("put h", "wrote h"),
        // Not present: born all the same, without the slot. At a revision that is gone: void.
        ("fire f: c runs g at i7, d runs h", "born c, born d, ended f: fired"),
        (
            "fire f: e runs h@12, k runs h@4",
            "void: n/guest/h is no longer held at the pinned revision",
        ),
        (
            "expire c/0 missing",
            "ended c: application error `Action could not be found or may have been deleted.`",
        ),
    ]);
    assert_eq!(words.ledger.in_flight(&guest()), 3); // a, b.0, d
    assert_eq!(words.ledger.counts().sequences, 1);
    let totals = words.ledger.totals();
    assert_eq!(totals.accepted.values().sum::<u64>(), 2 + 4 + 1);
    assert_eq!(totals.ended.values().sum::<u64>(), 2 + 1);
}

#[test]
fn f156_the_archive_has_no_gaps() {
    check_fold([
        ("archived 2 to 4", "void: gap in the archive"),
        ("archived 1 to 9", "void: malformed"),
        ("archived 1 to 0", "void: malformed"),
        ("archived 1 to 4", "archived to 4"),
        ("archived 4 to 5", "void: gap in the archive"),
        ("archived 5 to 5", "archived to 5"),
    ]);
}

#[test]
fn who_waits_is_known_in_order_of_birth() {
    let mut words = check_fold([
        ("accept c runs h", "born c"),
        ("accept a runs h", "born a"),
        ("accept b runs h at i7", "born b, assigned b/1"),
    ]);
    let waiting = |words: &Words| {
        words
            .ledger
            .waiting(&guest())
            .map(|open| char::from(open.id.as_bytes()[15]))
            .collect::<String>()
    };
    assert_eq!(waiting(&words), "ca");
    words.say("return no b/1 by i7");
    assert_eq!(waiting(&words), "cab");
    words.say("assign c/1 to i7");
    assert_eq!(waiting(&words), "ab");
    assert_eq!(words.ledger.waiting_namespaces().count(), 1);
    assert_eq!(words.ledger.open_activations().len(), 3);
    assert_eq!(words.ledger.oldest_referred(), Some(Offset(7)));
    assert_eq!(words.ledger.assignable(&words.id("c")), Err(Void::Assigned));
    assert_eq!(words.ledger.assignable(&words.id("a")), Ok(()));
    words.say("delete h");
    assert_eq!(words.ledger.assignable(&words.id("a")), Err(Void::NotPresent(key_of("h"))));
}
