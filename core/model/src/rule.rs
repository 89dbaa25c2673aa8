//! Rules as they are stored, and how they hang on triggers.

use serde::{Deserialize, Serialize};

use crate::action::Version;
use crate::id::Offset;
use crate::name::QualifiedName;
use crate::parameters::Parameters;
use crate::time::WallTime;

/// A rule as stored under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What starts it.
    pub trigger: QualifiedName,
    /// What it starts.
    pub action: QualifiedName,
    /// What is said about it.
    pub annotations: Parameters,
    /// Its version.
    pub version: Version,
    /// Stored and shown, without meaning.
    pub publish: bool,
    /// Time of the last write.
    pub updated: WallTime,
}

/// A rule as its trigger knows it. It stands for one life of the trigger: of a trigger that was
/// deleted and made again, the links of before are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Since when the trigger is there that it belongs to.
    pub born: Offset,
    /// What the rule starts.
    pub action: QualifiedName,
    /// Whether it does.
    pub active: bool,
}
