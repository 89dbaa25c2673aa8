//! Seeds of the deterministic simulator, and the checks of its checks.
//!
//! More seeds: `cargo xtask simulate --seeds 0..100000`. What each seed is made of stands in
//! `quirl_tests::simulator`.
#![cfg(debug_assertions)] // in a release build rules cannot be taken away

use quirl_tests::simulator::mutants::Mutant;
use quirl_tests::simulator::world::{Load, World};
use quirl_tests::simulator::{self};

/// Seeds per push.
const SEEDS: u64 = 3_000;
/// Of each, at least so many accepted.
const ACCEPTED: u64 = 150;
/// As many as the machine of CI has cores.
const THREADS: usize = 2;

#[test]
fn every_invariant_holds_on_every_seed() {
    let report = simulator::run_all(0..SEEDS, Load::default(), None, THREADS);
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{report}");
    assert_eq!(report.missing(), [""; 0], "these never came about, so they were not tested");
    assert!(report.least_accepted >= Some(ACCEPTED), "{:?} accepted", report.least_accepted);
}

#[test]
fn a_seed_is_one_history() {
    let history = |seed| {
        let mut world = World::new(seed, Load::default(), None, true);
        world.run().unwrap_or_else(|broken| panic!("{broken:?}"));
        world.told
    };
    assert_eq!(history(3), history(3));
    assert_ne!(history(3), history(4));
}

#[test]
fn each_rule_that_is_taken_away_is_missed_by_its_invariant() {
    let mut unnoticed = Vec::new();
    for (mutant, by, seeds) in Mutant::ALL {
        match simulator::missed(*mutant, by, 0..*seeds, Load::default()) {
            Ok(failure) => println!("{mutant}: {failure}"),
            Err(others) => unnoticed.push(format!("{mutant} by none of {by:?}, only {others:?}")),
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}
