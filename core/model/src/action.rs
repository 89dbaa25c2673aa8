//! Actions as they are stored.

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::limits::ActionLimits;
use crate::parameters::Parameters;
use crate::time::WallTime;

/// A semantic version, `major.minor.patch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// First part.
    pub major: u64,
    /// Second part.
    pub minor: u64,
    /// Third part.
    pub patch: u64,
}

impl Default for Version {
    fn default() -> Self {
        Self { major: 0, minor: 0, patch: 1 }
    }
}

impl Version {
    /// The next patch.
    #[must_use]
    pub fn bumped(self) -> Self {
        Self { patch: self.patch.saturating_add(1), ..self }
    }

    /// Reads a version as leniently as upstream: missing parts are 0, parts after the third are
    /// dropped. `None`: negative, not numeric, or 0.0.0.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = [0_u64; 3];
        for (part, text) in parts.iter_mut().zip(text.split('.')) {
            *part = text.parse().ok().filter(|_| text.bytes().all(|c| c.is_ascii_digit()))?;
        }
        let [major, minor, patch] = parts;
        (parts != [0, 0, 0]).then_some(Self { major, minor, patch })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// An action as stored under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What it runs.
    pub exec: Exec,
    /// Its own parameters.
    pub parameters: Parameters,
    /// What is said about it.
    pub annotations: Parameters,
    /// What it may use.
    pub limits: ActionLimits,
    /// Its version.
    pub version: Version,
    /// Stored and shown, without meaning.
    pub publish: bool,
    /// Time of the last write.
    pub updated: WallTime,
}

/// What an action runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exec {
    /// Code of a kind.
    Code {
        /// The concrete kind, such as `wasm:command`.
        kind: String,
        /// The text that was sent, as a blob.
        code: Option<Code>,
        /// What to call.
        main: Option<String>,
        /// The container image, for `blackbox`.
        image: Option<String>,
    },
    /// Other actions, one after the other: `/ns/[package/]name` each.
    Sequence(Vec<String>),
}

/// The code of an action, kept as a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The blob: the text of `exec.code` as it was sent.
    pub digest: Digest,
    /// Its length in bytes.
    pub length: u64,
    /// Whether it is base64.
    pub binary: bool,
}

impl Exec {
    /// The kind; `sequence` for a sequence.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Code { kind, .. } => kind,
            Self::Sequence(_) => "sequence",
        }
    }
}

/// Whether code counts as binary: `rest-api.md` §3.2, row `binary`.
#[must_use]
pub fn is_base64(code: &str) -> bool {
    let code = code.trim().as_bytes();
    let plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
    if code.is_empty() || !code.len().is_multiple_of(4) {
        return false;
    }
    let padding = code.iter().rev().take_while(|c| **c == b'=').count();
    padding <= 2 && code[..code.len() - padding].iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_leniently() {
        for (text, expected) in [
            ("1", Some("1.0.0")),
            ("1.2.3.4", Some("1.2.3")),
            ("0.0.0", None),
            ("-1", None),
            ("x", None),
            ("1.+2", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text).map(|v| v.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(Version::default().bumped().to_string(), "0.0.2");
    }

    #[test]
    fn base64_is_recognised_as_upstream_does() {
        for (code, binary) in [
            ("test", true),
            (" test\n", true),
            ("AAA=", true),
            ("AA==", true),
            ("A===", false),
            ("", false),
            ("abc", false),
            ("ab=c", false),
            ("a b=", false),
        ] {
            assert_eq!(is_base64(code), binary, "{code:?}");
        }
    }
}
