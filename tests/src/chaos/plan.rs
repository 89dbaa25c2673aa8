//! When the server is killed, and how: drawn from the seed before anything runs.

use std::time::Duration;

use daemon::random::Random;

/// One death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// By itself, the `nth` time that it has written a batch and not synced it.
    BetweenWriteAndSync {
        /// 1 is in the middle of the start.
        nth: u32,
    },
    /// By us, so long after it took work.
    Running(Duration),
    /// By us, so long after it was started, whether it takes work or not.
    Starting(Duration),
}

/// Of each ten, so many between a write and its sync.
const FAILPOINTS: u32 = 4;
/// Of each ten, so many during the start.
const STARTS: u32 = 2;

/// The deaths of a run, in order.
#[must_use]
pub fn plan(kills: u32, random: &Random) -> Vec<Kill> {
    let share = |tenths: u32| (kills * tenths).div_ceil(10);
    let mut plan: Vec<Kill> = (0..kills)
        .map(|at| {
            if at < share(FAILPOINTS) {
                Kill::BetweenWriteAndSync { nth: nth(at, random) }
            } else if at < share(FAILPOINTS) + share(STARTS) {
                Kill::Starting(Duration::from_millis(random.below(500)))
            } else {
                Kill::Running(Duration::from_millis(200 + random.below(3_000)))
            }
        })
        .collect();
    for last in (1..plan.len()).rev() {
        let other = random.below(last as u64 + 1);
        plan.swap(last, usize::try_from(other).unwrap_or(last));
    }
    plan
}

/// Every fourth dies while it settles what its forerunner left; the others under load.
fn nth(at: u32, random: &Random) -> u32 {
    let (from, range) = if at % 4 == 3 { (1, 8) } else { (20, 1_180) };
    from + u32::try_from(random.below(range)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_plan_and_enough_of_each() {
        let made = plan(30, &Random::seeded(7));
        assert_eq!(made, plan(30, &Random::seeded(7)));
        assert_ne!(made, plan(30, &Random::seeded(8)));
        let count = |what: fn(&Kill) -> bool| made.iter().filter(|kill| what(kill)).count();
        assert_eq!(count(|kill| matches!(kill, Kill::BetweenWriteAndSync { .. })), 12);
        assert_eq!(count(|kill| matches!(kill, Kill::Starting(_))), 6);
        assert_eq!(count(|kill| matches!(kill, Kill::Running(_))), 12);
        assert_eq!(plan(1, &Random::seeded(7)).len(), 1);
    }
}
