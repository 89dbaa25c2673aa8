//! Triggers as clients see them.
//!
//! Source: `rest-api.md` §§2.5, 5.1.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use model::json::Json;
use model::name::{EntityName, Namespace};
use model::trigger;

use super::rule::{Reference, Status};
use super::{Parameter, parameters};

/// The whole of a trigger: the answer to GET, PUT and DELETE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// Always `{}`.
    pub limits: Limits,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// What goes into all that it starts.
    pub parameters: Vec<Parameter>,
    /// Without meaning for triggers.
    pub publish: bool,
    /// Its rules in the order in which they are started; absent if it never had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// Last write, milliseconds since the epoch.
    pub updated: i64,
    /// `major.minor.patch`.
    pub version: String,
}

/// The limits of a trigger: it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {}

/// The rules of a trigger, by `ns/rule`, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(pub Vec<(String, Hanging)>);

/// A rule as its trigger shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hanging {
    /// What it starts.
    pub action: Reference,
    /// Whether it does.
    pub status: Status,
}

/// A trigger as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// Without meaning for triggers.
    pub publish: bool,
    /// Last write, milliseconds since the epoch.
    pub updated: i64,
    /// `major.minor.patch`.
    pub version: String,
}

/// The body of a PUT as ours sends it: absent members keep what is stored, or the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Put {
    /// Ignored by the server, sent by every client.
    pub namespace: String,
    /// Ignored by the server, sent by every client.
    pub name: String,
    /// Replace the stored ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Parameter>>,
    /// Replace the stored ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Parameter>>,
}

impl Trigger {
    /// The document of a stored trigger with its rules.
    #[must_use]
    pub fn new(
        namespace: &Namespace,
        name: &EntityName,
        trigger: &trigger::Trigger,
        rules: Option<Rules>,
    ) -> Self {
        Self {
            annotations: parameters(&trigger.annotations),
            limits: Limits {},
            name: name.to_string(),
            namespace: namespace.to_string(),
            parameters: parameters(&trigger.parameters),
            publish: trigger.publish,
            rules,
            updated: trigger.updated.0,
            version: trigger.version.to_string(),
        }
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&Json> {
        self.annotations.iter().find(|one| one.key == key).map(|one| &one.value)
    }
}

impl Summary {
    /// The line of a stored trigger.
    #[must_use]
    pub fn new(namespace: &Namespace, name: &EntityName, trigger: &trigger::Trigger) -> Self {
        Self {
            annotations: parameters(&trigger.annotations),
            name: name.to_string(),
            namespace: namespace.to_string(),
            publish: trigger.publish,
            updated: trigger.updated.0,
            version: trigger.version.to_string(),
        }
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, rule) in &self.0 {
            map.serialize_entry(name, rule)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Rules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of rules")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rules, A::Error> {
                let mut rules = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    rules.push(entry);
                }
                Ok(Rules(rules))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use model::action::Version;
    use model::name::QualifiedName;
    use model::parameters::Parameters;
    use model::time::WallTime;

    use super::super::bytes;
    use super::*;

    #[test]
    fn a_trigger_looks_as_in_the_contract() {
        let mut parameters = Parameters::default();
        parameters.set_value("a", Json::string("A"));
        let stored = trigger::Trigger {
            parameters,
            annotations: Parameters::default(),
            version: Version::default().bumped(),
            publish: false,
            updated: WallTime(1_704_067_200_123),
        };
        let namespace = Namespace::new("guest").unwrap();
        let name = EntityName::new("t1").unwrap();
        let hello = QualifiedName::parse("/_/hello", &namespace).unwrap();
        let hanging = Hanging { action: Reference::from(&hello), status: Status::Active };
        let rules = Rules(vec![("guest/r1".to_owned(), hanging)]);
        let document = Trigger::new(&namespace, &name, &stored, Some(rules));
        let expected = concat!(
            r#"{"annotations":[],"limits":{},"name":"t1","namespace":"guest","#,
            r#""parameters":[{"key":"a","value":"A"}],"publish":false,"#,
            r#""rules":{"guest/r1":{"action":{"name":"hello","path":"guest"},"status":"active"}},"#,
            r#""updated":1704067200123,"version":"0.0.2"}"#
        );
        assert_eq!(String::from_utf8(bytes(&document)).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Trigger>(expected).unwrap(), document);
        let without = Trigger::new(&namespace, &name, &stored, None);
        assert!(!String::from_utf8(bytes(&without)).unwrap().contains("rules"));
    }
}
