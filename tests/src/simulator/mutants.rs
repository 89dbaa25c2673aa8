//! Checks of the checks: rules taken away, one at a time, and the invariants that must notice.
//!
//! Rules of the fold are taken away there ([`ledger::rules`]), that of the seen-set in the invoker's
//! machine, the rest in the driver of this simulator. Ids and invariants: `exactly-once.md` §15.

use std::fmt;

/// A rule that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "§15 says what each lacks, and `Mutant::ALL` who notices")]
pub enum Mutant {
    M1,
    M2,
    M3,
    M4,
    M5,
    M6,
    M7,
    M10,
    M12,
    M13,
    M14,
    M15,
    M17,
    M19,
    M21,
    M22,
    M23,
    M24,
    M25,
    M26,
    M28,
}

impl Mutant {
    /// Each mutant, the invariants of which one must notice, and within how many seeds.
    pub const ALL: &'static [(Self, &'static [&'static str], u64)] = &[
        (Self::M1, &["I1", "I2", "I18"], 100),
        (Self::M2, &["I1", "I2"], 100),
        (Self::M3, &["I3"], 300),
        (Self::M4, &["I2"], 50),
        (Self::M5, &["I6"], 50),
        (Self::M6, &["I1", "I16"], 20),
        (Self::M7, &["I6", "I24"], 400),
        (Self::M10, &["I6"], 50),
        (Self::M12, &["I24"], 20),
        (Self::M13, &["I6", "I24"], 400),
        (Self::M14, &["I6", "I24"], 400),
        (Self::M15, &["I3", "I6"], 300),
        (Self::M17, &["I6"], 100),
        (Self::M19, &["I26"], 100),
        (Self::M21, &["I28"], 300),
        (Self::M22, &["I28"], 100),
        (Self::M23, &["I8", "I27"], 200),
        (Self::M24, &["I8", "I27"], 200),
        (Self::M25, &["I22"], 50),
        (Self::M26, &["I22"], 100),
        (Self::M28, &["I22"], 200),
    ];

    /// The mutant of this name: `M6` or `M06`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let number: u32 = name.strip_prefix(['M', 'm'])?.parse().ok()?;
        let name = format!("M{number}");
        Self::ALL.iter().map(|(mutant, ..)| *mutant).find(|it| it.to_string() == name)
    }

    /// The rule of the fold that it lacks; `None`: the rule is a machine's.
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn rule(self) -> Option<ledger::rules::Rule> {
        use ledger::rules::Rule;
        Some(match self {
            Self::M1 => Rule::M1Epoch,
            Self::M2 => Rule::M2Sequence,
            Self::M3 => Rule::M3Attempt,
            Self::M4 => Rule::M4FirstWins,
            Self::M7 => Rule::M7Declared,
            Self::M13 => Rule::M13TouchedNow,
            Self::M14 => Rule::M14TouchedStays,
            Self::M15 => Rule::M15FormerIsNone,
            Self::M17 => Rule::M17MaybeCounts,
            Self::M19 => Rule::M19Base,
            Self::M21 => Rule::M21OfferPresent,
            Self::M22 => Rule::M22Present,
            Self::M23 => Rule::M23Expect,
            Self::M24 => Rule::M24ExpectAll,
            Self::M25 => Rule::M25KeysStay,
            Self::M26 => Rule::M26Since,
            Self::M28 => Rule::M28Floor,
            Self::M5 | Self::M6 | Self::M10 | Self::M12 => return None,
        })
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
