//! What goes wrong, how often, and when: all from the seed.
//!
//! A [`Weather`] is drawn once per seed. Some seeds have the weather of one healthy disk (nothing is
//! dropped or doubled unless a process dies), others that of a log far away, so that what only the
//! worst log does cannot hide what a good one must never do.

use std::time::Duration;

use log::simulated;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Seeded chance.
#[derive(Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The chance of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }

    /// True so many times in a thousand.
    pub fn permille(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time between two, in microseconds.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = u64::try_from(high.saturating_sub(low).as_micros()).unwrap_or(u64::MAX);
        low + Duration::from_micros(self.below(span.max(1)))
    }

    /// One of some; the first if there is a mistake in the arithmetic, never a panic.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(index).copied()
    }

    /// Sixteen random bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

/// A fault that happens to the whole process, at a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The process is killed; what it had handed to the log arrives all the same.
    Kill,
    /// The power fails: of what was not readable any subset is lost.
    PowerCut,
    /// The process is asked to stop.
    Stop,
    /// The process is cut off and does not know it; another one takes over.
    Split,
    /// The disk is full for a while.
    DiskFull,
}

/// What goes wrong in one seed.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Of appends.
    pub log: simulated::Faults,
    /// From an append to its read-back, as a rule.
    pub read_back: Duration,
    /// So many of a thousand appends are read back only after seconds.
    pub stalls: u64,
    /// So many of a thousand appended frames land once more, long after.
    pub late_copies: u64,
    /// So many of a thousand runs: sandbox never answers.
    pub hangs: u64,
    /// So many of a thousand runs: the sandbox cannot be made.
    pub not_started: u64,
    /// So many of a hundred runs: the order comes late, because something had to be read first.
    pub late_runs: u64,
    /// So many of a hundred runs: the order comes once more.
    pub doubled_runs: u64,
    /// So many of a thousand runs: what they need cannot be read.
    pub unreadable: u64,
    /// So many of a hundred writes of the index fail.
    pub index_fails: u64,
    /// So many of a hundred keyed requests have a copy that is delayed inside the platform.
    pub delayed_copies: u64,
    /// Whether the log loses, doubles or reorders by itself.
    pub far: bool,
    /// Blows, in order.
    pub blows: Vec<(Duration, Blow)>,
}

impl Weather {
    /// The weather of a seed, for traffic of such a length.
    pub fn draw(chance: &mut Chance, traffic: Duration) -> Self {
        let far = chance.percent(60);
        let log = if far {
            simulated::Faults {
                refused: chance.below(3),
                dropped: chance.below(3),
                doubled: chance.below(4),
                overtaken: chance.below(10),
                ..simulated::Faults::none()
            }
        } else {
            simulated::Faults::none()
        };
        let kinds: &[Blow] = if far {
            &[Blow::Kill, Blow::PowerCut, Blow::Stop, Blow::Split, Blow::Split, Blow::DiskFull]
        } else {
            &[Blow::PowerCut, Blow::PowerCut, Blow::Stop, Blow::DiskFull]
        };
        let count = chance.below(9);
        let mut blows: Vec<(Duration, Blow)> = (0..count)
            .filter_map(|_| {
                let at = chance.between(Duration::from_secs(2), traffic);
                chance.pick(kinds).map(|blow| (at, blow))
            })
            .collect();
        blows.sort_by_key(|(at, _)| *at);
        Self {
            log,
            read_back: chance.between(Duration::from_micros(200), Duration::from_millis(30)),
            stalls: if chance.percent(50) { chance.below(12) } else { 0 },
            late_copies: if far { chance.below(30) } else { 0 },
            hangs: chance.below(15),
            not_started: chance.below(60),
            late_runs: chance.below(20),
            doubled_runs: chance.below(20),
            unreadable: chance.below(8),
            index_fails: chance.below(30),
            delayed_copies: chance.below(30),
            far,
            blows,
        }
    }

    /// None: what comes after the last blow, so that everything can end.
    pub fn calm(&mut self) {
        self.log = simulated::Faults::none();
        self.read_back = Duration::from_millis(2);
        self.stalls = 0;
        self.late_copies = 0;
        self.hangs = 0;
        self.not_started = 0;
        self.late_runs = 0;
        self.doubled_runs = 0;
        self.unreadable = 0;
        self.index_fails = 0;
    }
}
