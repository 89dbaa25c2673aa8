//! Triggers as they are stored.

use serde::{Deserialize, Serialize};

use crate::action::Version;
use crate::parameters::Parameters;
use crate::time::WallTime;

/// A trigger as stored under its name. Its rules are stored beside it, each in a link of its own
/// ([`crate::rule::Link`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What goes into all that it starts.
    pub parameters: Parameters,
    /// What is said about it.
    pub annotations: Parameters,
    /// Its version.
    pub version: Version,
    /// Stored and shown, without meaning.
    pub publish: bool,
    /// Time of the last write.
    pub updated: WallTime,
}
