//! Rules of the fold by the ids of `exactly-once.md` §15, so that a test can take one away and see
//! that it is missed.
//!
//! In a release build every rule holds, always, and [`Rules`] is nothing at all.

/// A rule of the fold, by the id of the mutant that lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rule {
    /// Rule O: epoch and node are the owner's.
    M1Epoch,
    /// Rule O: sequence numbers rise.
    M2Sequence,
    /// A `Finish` is of the attempt and incarnation assigned.
    M3Attempt,
    /// First valid wins.
    M4FirstWins,
    /// Only declared actions are started again after they may have acted.
    M7Declared,
    /// A schedule fires only later than it last fired.
    M8LastFired,
    /// `Touched` needs *assigned now*.
    M13TouchedNow,
    /// A touched attempt is not re-runnable.
    M14TouchedStays,
    /// A former assignment is none.
    M15FormerIsNone,
    /// `Return(maybe)` needs a re-runnable attempt.
    M16MaybeRerunnable,
    /// `Return(maybe)` counts.
    M17MaybeCounts,
    /// A `Claim` has read what the owner wrote.
    M19Base,
    /// A successor is born assigned only if its action is present.
    M21OfferPresent,
    /// `Accept` and `Assign` need a present action.
    M22Present,
    /// Expectations hold.
    M23Expect,
    /// All expectations hold, not only that of the own revision.
    M24ExpectAll,
    /// Keys outlive the terminal.
    M25KeysStay,
    /// `since` is not below the floor.
    M26Since,
    /// The floor lies where the owner says, not where keys were cut.
    M28Floor,
    /// A re-runnable attempt does not end as `lost`.
    M30LostOnly,
}

/// Which rules hold: all, unless a test took one away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    #[cfg(debug_assertions)]
    without: Option<Rule>,
}

impl Rules {
    /// All but one, for tests.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn without(rule: Rule) -> Self {
        Self { without: Some(rule) }
    }

    /// Whether a rule holds.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn hold(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    /// Whether a rule holds.
    #[cfg(not(debug_assertions))]
    #[must_use]
    pub const fn hold(self, _rule: Rule) -> bool {
        true
    }
}
