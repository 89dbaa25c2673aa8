//! Thousands of random streams of records, adversarial ones among them.

use std::collections::{BTreeMap, BTreeSet};

use ledger::fold::Ledger;
use ledger::record::Record;
use model::id::Offset;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::world::World;

const SEEDS: u64 = 1_500;
const RECORDS: u64 = 250;

#[test]
fn every_invariant_holds_on_random_streams() {
    let mut verdicts: BTreeMap<(&'static str, &'static str), u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut world = World::new(seed, Ledger::default());
        if let Err((invariant, what)) = world.run(RECORDS) {
            panic!("seed {seed}: {invariant} broken at {:?}: {what}", world.log.last());
        }
        for (verdict, count) in world.verdicts {
            *verdicts.entry(verdict).or_default() += count;
        }
    }
    // What never came about was not tested.
    let kinds: BTreeSet<_> =
        verdicts.keys().filter(|(_, word)| *word == "valid").map(|(kind, _)| *kind).collect();
    assert_eq!(kinds.len(), 13, "valid were only {kinds:?}");
    let words: BTreeSet<_> = verdicts.keys().map(|(_, word)| *word).collect();
    for word in [
        "claim_epoch",
        "owner_heard",
        "no_owner",
        "other_epoch",
        "old_sequence",
        "expectation",
        "not_present",
        "stale",
        "id_known",
        "key_used",
        "below_floor",
        "old_generation",
        "fired_already",
        "fire_gap",
        "fire_max",
        "not_open",
        "is_sequence",
        "not_sequence",
        "assigned",
        "not_assigned",
        "assigned_otherwise",
        "other_attempt",
        "touched",
        "rerunnable",
        "not_rerunnable",
        "archive_gap",
        "malformed",
    ] {
        assert!(words.contains(word), "no record was void because of {word}: {verdicts:#?}");
    }
}

/// Many more, for a night: `cargo test -p quirl-ledger --test fold many_more -- --ignored`.
#[test]
#[ignore = "a minute"]
fn every_invariant_holds_on_many_more_random_streams() {
    for seed in SEEDS..40 * SEEDS {
        let mut world = World::new(seed, Ledger::default());
        if let Err((invariant, what)) = world.run(RECORDS) {
            panic!("seed {seed}: {invariant} broken at {:?}: {what}", world.log.last());
        }
    }
}

#[test]
fn i13_the_hash_is_equal_after_replay_from_any_snapshot() {
    for seed in 0..300 {
        let mut world = World::new(seed, Ledger::default());
        world.run(120).expect("holds");
        let (mut whole, mut snapshots) = (Ledger::default(), Vec::new());
        let mut hashes = BTreeMap::new();
        for (at, record) in &world.log {
            let _ = whole.apply(*at, record);
            hashes.insert(*at, whole.hash());
            if (at.0 + seed) % 9 == 0 {
                snapshots.push(whole.snapshot());
            }
        }
        assert_eq!(whole.hash(), world.ledger.hash());
        for snapshot in snapshots {
            // Reading it back computes every entry anew and compares.
            let mut again = Ledger::from_snapshot(&snapshot).expect("restores");
            let from = again.applied();
            assert_eq!(again.snapshot(), snapshot);
            for (at, record) in world.log.iter().filter(|(at, _)| *at > from) {
                let _ = again.apply(*at, record);
                assert_eq!(again.hash(), hashes[at], "seed {seed}, from {from}, at {at}");
            }
            assert_eq!(again.snapshot(), whole.snapshot());
        }
    }
}

#[test]
fn records_with_scrambled_fields_neither_panic_nor_bend_the_books() {
    let mut applied = 0_u64;
    for seed in 0..400 {
        let mut world = World::new(seed, Ledger::default());
        world.run(150).expect("holds");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut ledger = Ledger::default();
        let mut at = Offset::NONE;
        let mut put = |ledger: &mut Ledger, record: &Record| {
            at = at.next();
            applied += u64::from(ledger.apply(at, record).is_ok());
        };
        for (_, record) in &world.log {
            put(&mut ledger, record);
            if let Some(scrambled) = scrambled(record, &mut rng) {
                put(&mut ledger, &scrambled);
            }
        }
        let again =
            Ledger::from_snapshot(&ledger.snapshot()).expect("restores, with the same hash");
        assert_eq!((again.hash(), again.counts()), (ledger.hash(), ledger.counts()), "seed {seed}");
    }
    assert!(applied > 10_000, "only {applied} were valid");
}

/// The record with some bytes changed, if it still is one: fields with extreme and foreign values.
fn scrambled(record: &Record, rng: &mut ChaCha8Rng) -> Option<Record> {
    let mut bytes = record.encode().to_vec();
    for _ in 0..=rng.next_u64() % 3 {
        let place = 5 + (rng.next_u64() % (bytes.len() as u64 - 5)) as usize;
        bytes[place] = match rng.next_u64() % 4 {
            0 => 0,
            1 => 0x7f,
            2 => bytes[place].wrapping_add(1),
            _ => rng.next_u64() as u8,
        };
    }
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[..1]), &bytes[5..]);
    bytes[1..5].copy_from_slice(&crc.to_le_bytes());
    Record::decode(&bytes).ok()
}

#[test]
fn f116_a_flipped_bit_in_a_snapshot_is_seen() {
    let mut world = World::new(3, Ledger::default());
    world.run(120).expect("holds");
    let bytes = world.ledger.snapshot();
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        assert!(Ledger::from_snapshot(&flipped).is_err(), "{place}");
    }
    assert!(Ledger::from_snapshot(&bytes[..bytes.len() - 1]).is_err());
    assert!(Ledger::from_snapshot(&[]).is_err());
}

#[test]
fn a_void_record_by_an_invoker_changes_nothing() {
    for seed in 0..100 {
        let mut world = World::new(seed, Ledger::default());
        world.run(200).expect("holds");
        let mut again = Ledger::default();
        for (at, record) in &world.log {
            let before = again.snapshot();
            let void = again.apply(*at, record).is_err();
            if void && record.body.stamp().is_none() {
                let mut stayed = Ledger::from_snapshot(&before).expect("restores");
                let _ = stayed.apply(*at, record);
                assert_eq!(stayed.hash(), Ledger::from_snapshot(&before).expect("restores").hash());
            }
        }
        assert_eq!(again.applied(), Offset(world.log.len() as u64));
    }
}
