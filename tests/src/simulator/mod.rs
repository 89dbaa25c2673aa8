//! One deterministic world from a seed, around the real machines.
//!
//! What runs is what the server runs: `controller::owner::step::Owner` with the fold inside, the
//! waiters, the index writer, `invoker::step::Machine`, all on `log::simulated`. What is modelled is
//! what the machines cannot see: clients and handlers ([`client`]), code ([`actions`]), tasks that
//! perform effects ([`process`]), blows and weather ([`faults`]). [`checker`] holds all that
//! happens against the invariants of `exactly-once.md` §13; [`mutants`] checks the checker.
//!
//! A failing seed is repeated by `cargo xtask simulate --seed N --trace`.

pub mod actions;
pub mod checker;
pub mod client;
pub mod faults;
pub mod mutants;
pub mod process;
pub mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ledger::record::Body;

use checker::Broken;
use mutants::Mutant;
use world::{Load, World};

/// What came about in some seeds.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Seeds.
    pub seeds: u64,
    /// Valid `Accept`s.
    pub accepted: u64,
    /// The fewest in one seed.
    pub least_accepted: Option<u64>,
    /// Records.
    pub records: u64,
    /// Faults and answers, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// Kinds of records and their verdicts.
    pub verdicts: BTreeMap<(&'static str, &'static str), u64>,
}

/// A seed in which something broke.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which seed.
    pub seed: u64,
    /// What broke.
    pub broken: Broken,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, broken: Broken { invariant, what } } = self;
        writeln!(f, "seed {seed} breaks {invariant}: {what}")?;
        write!(f, "repeat it: cargo xtask simulate --seed {seed} --trace")
    }
}

impl Report {
    fn add(&mut self, world: &World) {
        let accepted = world.truth().accepted();
        self.seeds += 1;
        self.accepted += accepted;
        self.least_accepted = Some(self.least_accepted.map_or(accepted, |it| it.min(accepted)));
        for (what, count) in world.counts() {
            *self.counts.entry(what).or_default() += count;
        }
        for (what, count) in &world.truth().verdicts {
            *self.verdicts.entry(*what).or_default() += count;
            self.records += count;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.accepted += other.accepted;
        self.records += other.records;
        self.least_accepted =
            [self.least_accepted, other.least_accepted].into_iter().flatten().min();
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for (what, count) in &other.verdicts {
            *self.verdicts.entry(*what).or_default() += count;
        }
    }

    /// Faults, kinds of valid records and reasons of void ones that must come about and did not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let faults = FAULTS.iter().filter(|it| self.counts.get(**it).is_none_or(|n| *n == 0));
        let kinds = kinds().filter(|kind| !self.verdicts.contains_key(&(*kind, "valid")));
        let void = VOIDS.iter().filter(|word| !self.verdicts.keys().any(|(_, void)| void == *word));
        faults.chain(void).copied().chain(kinds).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, accepted, records, .. } = self;
        let least = self.least_accepted.unwrap_or(0);
        writeln!(
            f,
            "{seeds} seeds, {accepted} accepted (at least {least} each), {records} records"
        )?;
        for (what, count) in &self.counts {
            writeln!(f, "{count:>10}  {what}")?;
        }
        for ((kind, verdict), count) in &self.verdicts {
            writeln!(f, "{count:>10}  {kind}: {verdict}")?;
        }
        Ok(())
    }
}

/// Faults of which each must come about.
pub const FAULTS: &[&str] = &[
    "append doubled",
    "append lost",
    "append outcome unknown",
    "append overtaken",
    "append refused",
    "clean stop",
    "code ends while its Touched is under way",
    "copy delayed inside",
    "disk full",
    "frame lands once more",
    "index not written",
    "input of a run unreadable",
    "keyed request sent again",
    "log stalls",
    "patience over",
    "power cut",
    "process cut off",
    "process killed",
    "process stopped",
    "proposal void or dead",
    "refused: concurrency",
    "refused: disk full",
    "refused: starting",
    "refused: stopping or log",
    "request not let out",
    "restart from a snapshot",
    "run after its input was read",
    "run doubled",
    "run over its time",
    "run sent again",
    "sandbox hangs",
    "sandbox not started",
    "sandbox out of memory",
    "unsynced frames lost",
    "zombie learns that it is one",
];

/// Kinds of records of which each must be valid at times. `Yield` and `Archived` are Kafka's.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    Body::KINDS.into_iter().filter(|kind| !["yield", "archived"].contains(kind))
}

/// Reasons of void records that must come about.
pub const VOIDS: &[&str] = &[
    "claim_epoch",
    "owner_heard",
    "other_epoch",
    "old_sequence",
    "expectation",
    "not_present",
    "stale",
    "key_used",
    "below_floor",
    "not_open",
    "not_assigned",
    "assigned_otherwise",
    "other_attempt",
    "not_rerunnable",
];

/// One seed.
///
/// # Errors
/// [`Failure`] with the first invariant that broke.
pub fn run(seed: u64, load: Load, mutant: Option<Mutant>) -> Result<World, Failure> {
    let mut world = World::new(seed, load, mutant, false);
    match world.run() {
        Ok(()) => Ok(world),
        Err(broken) => Err(Failure { seed, broken }),
    }
}

/// Many seeds, on so many threads.
///
/// # Errors
/// The failure of the least seed that failed among those that ran.
pub fn run_all(
    seeds: Range<u64>,
    load: Load,
    mutant: Option<Mutant>,
    threads: usize,
) -> Result<Report, Failure> {
    let next = AtomicU64::new(seeds.start);
    let whole = Mutex::new((Report::default(), None::<Failure>));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut report = Report::default();
                let mut failure = None;
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    match run(seed, load, mutant) {
                        Ok(world) => report.add(&world),
                        Err(failed) => {
                            next.store(seeds.end, Ordering::Relaxed);
                            failure = Some(failed);
                            break;
                        }
                    }
                }
                let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
                whole.0.merge(&report);
                let least = [whole.1.take(), failure].into_iter().flatten();
                whole.1 = least.min_by_key(|failure| failure.seed);
            });
        }
    });
    let (report, failure) = whole.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(report), Err)
}

/// The first seed in which a mutant breaks an invariant that is to notice it. What else it breaks
/// first in other seeds is passed over, and told if that is all.
///
/// # Errors
/// What was broken instead, with how often.
pub fn missed(
    mutant: Mutant,
    by: &[&str],
    seeds: Range<u64>,
    load: Load,
) -> Result<Failure, BTreeMap<&'static str, u64>> {
    let mut others = BTreeMap::new();
    for seed in seeds {
        match run(seed, load, Some(mutant)) {
            Err(failure) if by.contains(&failure.broken.invariant) => return Ok(failure),
            Err(failure) => *others.entry(failure.broken.invariant).or_default() += 1,
            Ok(_) => {}
        }
    }
    Err(others)
}
