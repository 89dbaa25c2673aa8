//! Packages and bindings as clients see them.
//!
//! Source: `rest-api.md` §§2.5, 6.1, 6.2.

use serde::{Deserialize, Serialize};

use model::json::Json;
use model::name::{EntityName, Namespace};
use model::package::{self, Bound};
use model::parameters::Parameters;

use super::{Parameter, parameters};

/// The whole of a package: the answer to GET, PUT and DELETE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its actions that are no feeds; in answers to GET only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<Content>>,
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// What it points at: `{}` if it is no binding.
    pub binding: Binding,
    /// Its feeds; in answers to GET only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feeds: Option<Vec<Content>>,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// What goes into its actions; in a GET of a binding over those of its provider.
    pub parameters: Vec<Parameter>,
    /// Whether everybody may use it.
    pub publish: bool,
    /// Last write, milliseconds since the epoch.
    pub updated: i64,
    /// `major.minor.patch`.
    pub version: String,
}

/// What a binding points at; both members or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whose the provider is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// An action or a feed as its package shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// Its name in the package.
    pub name: String,
    /// `major.minor.patch`.
    pub version: String,
}

/// A package as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// What it points at: `false` if it is no binding.
    pub binding: Pointer,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// Whether everybody may use it.
    pub publish: bool,
    /// Last write, milliseconds since the epoch.
    pub updated: i64,
    /// `major.minor.patch`.
    pub version: String,
}

/// What a list says of a binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pointer {
    /// `false`: it is none.
    No(bool),
    /// It points here.
    To(Binding),
}

/// The body of a PUT as ours sends it: absent members keep what is stored, or the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Put {
    /// Ignored by the server, sent by every client.
    pub namespace: String,
    /// Ignored by the server, sent by every client.
    pub name: String,
    /// What it is to point at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// Whether everybody may use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<bool>,
    /// Replace the stored ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Parameter>>,
    /// Replace the stored ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Parameter>>,
}

impl Package {
    /// The document of a stored package, without its contents.
    #[must_use]
    pub fn new(namespace: &Namespace, name: &EntityName, package: &package::Package) -> Self {
        Self {
            actions: None,
            annotations: annotations(package),
            binding: package.binding.as_ref().map(Binding::from).unwrap_or_default(),
            feeds: None,
            name: name.to_string(),
            namespace: namespace.to_string(),
            parameters: parameters(&package.parameters),
            publish: package.publish,
            updated: package.updated.0,
            version: package.version.to_string(),
        }
    }

    /// The same with what is in it, and with all parameters that hold there.
    #[must_use]
    pub fn with(self, actions: Vec<Content>, feeds: Vec<Content>, all: &Parameters) -> Self {
        Self { actions: Some(actions), feeds: Some(feeds), parameters: parameters(all), ..self }
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&Json> {
        self.annotations.iter().find(|one| one.key == key).map(|one| &one.value)
    }
}

impl Summary {
    /// The line of a stored package.
    #[must_use]
    pub fn new(namespace: &Namespace, name: &EntityName, package: &package::Package) -> Self {
        let binding = package.binding.as_ref();
        Self {
            annotations: annotations(package),
            binding: binding.map_or(Pointer::No(false), |bound| Pointer::To(bound.into())),
            name: name.to_string(),
            namespace: namespace.to_string(),
            publish: package.publish,
            updated: package.updated.0,
            version: package.version.to_string(),
        }
    }
}

impl Content {
    /// The line of a stored action, and whether it is a feed.
    #[must_use]
    pub fn new(name: &EntityName, action: &model::action::Action) -> (Self, bool) {
        let is_feed = action.annotations.get("feed").is_some();
        let content = Self {
            annotations: parameters(&action.annotations),
            name: name.to_string(),
            version: action.version.to_string(),
        };
        (content, is_feed)
    }
}

impl From<&Bound> for Binding {
    fn from(bound: &Bound) -> Self {
        Self { name: Some(bound.name.to_string()), namespace: Some(bound.namespace.to_string()) }
    }
}

/// Those that are stored; of a binding, `binding` says what it points at.
fn annotations(package: &package::Package) -> Vec<Parameter> {
    let mut all = parameters(&package.annotations);
    if let Some(bound) = &package.binding {
        let name = ("name", Json::string(bound.name.as_str()));
        let namespace = ("namespace", Json::string(bound.namespace.as_str()));
        all.push(Parameter::new("binding", Json::object([name, namespace])));
    }
    all
}

#[cfg(test)]
mod tests {
    use model::action::Version;
    use model::time::WallTime;

    use super::super::bytes;
    use super::*;

    fn package(binding: Option<Bound>) -> package::Package {
        let mut parameters = Parameters::default();
        parameters.set_value("p", Json::string("v"));
        package::Package {
            binding,
            parameters,
            annotations: Parameters::default(),
            version: Version::default(),
            publish: false,
            updated: WallTime(1_704_067_200_123),
        }
    }

    fn names() -> (Namespace, EntityName) {
        (Namespace::new("guest").unwrap(), EntityName::new("utils").unwrap())
    }

    fn bound() -> Bound {
        let namespace = Namespace::new("whisk.system").unwrap();
        Bound { namespace, name: EntityName::new("utils").unwrap() }
    }

    #[test]
    fn a_package_looks_as_in_the_contract() {
        let (namespace, name) = names();
        let document = Package::new(&namespace, &name, &package(None));
        let expected = concat!(
            r#"{"annotations":[],"binding":{},"name":"utils","namespace":"guest","#,
            r#""parameters":[{"key":"p","value":"v"}],"publish":false,"#,
            r#""updated":1704067200123,"version":"0.0.1"}"#
        );
        assert_eq!(String::from_utf8(bytes(&document)).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Package>(expected).unwrap(), document);
    }

    #[test]
    fn a_binding_shows_its_provider_and_what_is_in_it() {
        let (namespace, name) = names();
        let stored = package(Some(bound()));
        let echo = Content {
            annotations: Vec::new(),
            name: "echo".to_owned(),
            version: "0.0.1".to_owned(),
        };
        let mut all = stored.parameters.clone();
        all.set_value("mine", Json::of(&1));
        let document = Package::new(&namespace, &name, &stored).with(vec![echo], Vec::new(), &all);
        let expected = concat!(
            r#"{"actions":[{"annotations":[],"name":"echo","version":"0.0.1"}],"#,
            r#""annotations":[{"key":"binding","value":{"name":"utils","namespace":"whisk.system"}}],"#,
            r#""binding":{"name":"utils","namespace":"whisk.system"},"feeds":[],"#,
            r#""name":"utils","namespace":"guest","#,
            r#""parameters":[{"key":"p","value":"v"},{"key":"mine","value":1}],"publish":false,"#,
            r#""updated":1704067200123,"version":"0.0.1"}"#
        );
        assert_eq!(String::from_utf8(bytes(&document)).unwrap(), expected);
    }

    #[test]
    fn lists_say_false_or_where_it_points() {
        let (namespace, name) = names();
        for (stored, expected) in [
            (package(None), r#""binding":false"#),
            (package(Some(bound())), r#""binding":{"name":"utils","namespace":"whisk.system"}"#),
        ] {
            let summary = Summary::new(&namespace, &name, &stored);
            let text = String::from_utf8(bytes(&summary)).unwrap();
            assert!(text.contains(expected) && !text.contains("parameters"), "{text}");
            assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
        }
    }
}
