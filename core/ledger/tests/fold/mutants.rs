//! Checks of the checks: each rule of `exactly-once.md` §15 that is the fold's, taken away, is missed
//! by an invariant. The unmutated streams are those of `streams`.

use std::collections::BTreeSet;

use ledger::fold::Ledger;
use ledger::rules::{Rule, Rules};

use super::world::World;

/// Streams are given up after so many.
const SEEDS: u64 = 3_000;
const RECORDS: u64 = 250;

#[track_caller]
fn missed(rule: Rule, by: &[&str]) {
    let mut others = BTreeSet::new();
    for seed in 0..SEEDS {
        let mut world = World::new(seed, Ledger::default().under(Rules::without(rule)));
        if let Err((invariant, _)) = world.run(RECORDS) {
            if by.contains(&invariant) {
                return;
            }
            others.insert(invariant);
        }
    }
    panic!("{rule:?} is missed by nobody of {by:?}, only by {others:?}");
}

macro_rules! mutants {
    ($($test:ident: $rule:ident by $($invariant:literal)+;)+) => {
        $(#[test]
        fn $test() {
            missed(Rule::$rule, &[$($invariant),+]);
        })+
    };
}

mutants! {
    m01_without_the_epoch_check: M1Epoch by "I1" "I2" "I18";
    m02_without_the_sequence_check: M2Sequence by "I1" "I2";
    m03_without_the_attempt_check_of_finish: M3Attempt by "I3";
    m04_last_wins: M4FirstWins by "I2";
    m07_undeclared_taken_for_declared: M7Declared by "I6" "I24";
    m08_without_the_last_fired_mark: M8LastFired by "I10";
    m13_touched_without_assigned_now: M13TouchedNow by "I24" "I6";
    m14_touched_still_rerunnable: M14TouchedStays by "I6" "I24";
    m15_a_former_assignment_counts: M15FormerIsNone by "I3" "I6";
    m16_return_maybe_of_what_cannot_run_again: M16MaybeRerunnable by "I2" "I6";
    m17_return_maybe_gives_the_attempt_back: M17MaybeCounts by "I6";
    m19_claim_without_base: M19Base by "I26";
    m21_offer_without_present: M21OfferPresent by "I28";
    m22_without_present: M22Present by "I28";
    m23_expectations_ignored: M23Expect by "I8" "I27";
    m24_only_the_own_revision_expected: M24ExpectAll by "I8" "I27";
    m25_keys_leave_with_the_terminal: M25KeysStay by "I22";
    m26_since_not_checked: M26Since by "I22";
    m28_floor_is_before: M28Floor by "I22";
    m30_lost_although_rerunnable: M30LostOnly by "I25";
}
