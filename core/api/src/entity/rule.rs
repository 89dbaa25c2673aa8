//! Rules as clients see them.
//!
//! Source: `rest-api.md` §§2.1, 2.5, 5.3, 5.4.

use serde::{Deserialize, Serialize};

use model::name::{EntityName, Namespace, QualifiedName};
use model::rule;

use super::{Parameter, parameters, place};

/// The whole of a rule: the answer to GET, PUT and DELETE; in lists it has no status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it starts.
    pub action: Reference,
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// Without meaning for rules.
    pub publish: bool,
    /// Whether its trigger starts it; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What starts it.
    pub trigger: Reference,
    /// Last write, milliseconds since the epoch.
    pub updated: i64,
    /// `major.minor.patch`.
    pub version: String,
}

/// The name of an entity in two parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What it is called.
    pub name: String,
    /// `ns` or `ns/package`.
    pub path: String,
}

/// Whether a rule is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its trigger starts it.
    Active,
    /// It does not.
    Inactive,
}

/// The body of a PUT as ours sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Put {
    /// Ignored by the server, sent by every client.
    pub name: String,
    /// `/ns/trigger`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// `/ns/[package/]action`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Replace the stored ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Parameter>>,
}

impl Rule {
    /// The document of a stored rule.
    #[must_use]
    pub fn new(
        namespace: &Namespace,
        name: &EntityName,
        rule: &rule::Rule,
        status: Option<Status>,
    ) -> Self {
        Self {
            action: Reference::from(&rule.action),
            annotations: parameters(&rule.annotations),
            name: name.to_string(),
            namespace: namespace.to_string(),
            publish: rule.publish,
            status,
            trigger: Reference::from(&rule.trigger),
            updated: rule.updated.0,
            version: rule.version.to_string(),
        }
    }
}

impl Status {
    /// Of a rule that is, or is not, started.
    #[must_use]
    pub fn of(active: bool) -> Self {
        if active { Self::Active } else { Self::Inactive }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

impl From<&QualifiedName> for Reference {
    fn from(name: &QualifiedName) -> Self {
        Self { name: name.path.name.to_string(), path: place(&name.namespace, &name.path) }
    }
}

#[cfg(test)]
mod tests {
    use model::action::Version;
    use model::parameters::Parameters;
    use model::time::WallTime;

    use super::super::bytes;
    use super::*;

    #[test]
    fn a_rule_looks_as_in_the_contract() {
        let namespace = Namespace::new("guest").unwrap();
        let name = |text| QualifiedName::parse(text, &namespace).unwrap();
        let stored = rule::Rule {
            trigger: name("/_/t1"),
            action: name("/_/demo/hello"),
            annotations: Parameters::default(),
            version: Version::default(),
            publish: false,
            updated: WallTime(1_704_067_200_123),
        };
        let r1 = EntityName::new("r1").unwrap();
        let document = Rule::new(&namespace, &r1, &stored, Some(Status::Active));
        let expected = concat!(
            r#"{"action":{"name":"hello","path":"guest/demo"},"annotations":[],"name":"r1","#,
            r#""namespace":"guest","publish":false,"status":"active","#,
            r#""trigger":{"name":"t1","path":"guest"},"updated":1704067200123,"version":"0.0.1"}"#
        );
        assert_eq!(String::from_utf8(bytes(&document)).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Rule>(expected).unwrap(), document);
        let line = Rule::new(&namespace, &r1, &stored, None);
        assert!(!String::from_utf8(bytes(&line)).unwrap().contains("status"));
    }
}
