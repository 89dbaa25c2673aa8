//! Parameters and annotations: ordered lists of named JSON values, and how they merge.

use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::ordered::set_all;

/// One parameter or annotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Json,
    /// Whether it becomes an environment variable at initialisation instead of an argument.
    pub init: bool,
    /// The scheme that a client said it is encrypted with: stored and shown, never acted on.
    pub encryption: Option<String>,
}

/// An ordered set of parameters: each key once, at the place where it first came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters(Vec<Parameter>);

impl Parameters {
    /// The parameters in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Parameter] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|known| known.key == key).map(|known| &known.value)
    }

    /// Sets a parameter: in place if the key is known, else at the end.
    pub fn set(&mut self, parameter: Parameter) {
        match self.0.iter_mut().find(|known| known.key == parameter.key) {
            Some(known) => *known = parameter,
            None => self.0.push(parameter),
        }
    }

    /// Sets a plain value.
    pub fn set_value(&mut self, key: &str, value: Json) {
        self.set(Parameter { key: key.to_owned(), value, init: false, encryption: None });
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|known| known.key != key);
    }

    /// These with `over` on top: its values win.
    #[must_use]
    pub fn merged_with(&self, over: &Self) -> Self {
        let mut merged = self.clone();
        set_all(&mut merged.0, over.0.iter().cloned(), |one| &one.key);
        merged
    }

    /// Size as the contract counts it: bytes of each key and of the compact JSON of its value.
    #[must_use]
    pub fn size(&self) -> u64 {
        let bytes = |p: &Parameter| p.key.len() + p.value.as_bytes().len();
        self.0.iter().map(bytes).sum::<usize>() as u64
    }

    /// The arguments of a run: those that are not `init`, with `payload` on top. A payload that is
    /// an array replaces them all.
    #[must_use]
    pub fn arguments(&self, payload: &Json) -> Json {
        let Some(members) = payload.members() else { return payload.clone() };
        let mut arguments: Vec<(&str, Json)> = Vec::with_capacity(self.0.len() + members.len());
        if self.0.is_empty() {
            return payload.clone();
        }
        for parameter in self.0.iter().filter(|parameter| !parameter.init) {
            arguments.push((&parameter.key, parameter.value.clone()));
        }
        let members = members.iter().map(|(key, value)| (key.as_str(), value.clone()));
        set_all(&mut arguments, members, |(key, _)| key);
        Json::object(arguments)
    }

    /// The environment of a run: the `init` ones; strings as they are, other values as JSON.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |value: &Json| value.text().unwrap_or_else(|| value.as_str().to_owned());
        let init = self.0.iter().filter(|parameter| parameter.init);
        init.map(|parameter| (parameter.key.clone(), text(&parameter.value))).collect()
    }
}

impl FromIterator<Parameter> for Parameters {
    fn from_iter<T: IntoIterator<Item = Parameter>>(parameters: T) -> Self {
        let mut all = Self::default();
        set_all(&mut all.0, parameters, |one| &one.key);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> Parameters {
        let members = Json::parse(text.as_bytes()).unwrap().members().unwrap();
        let mut parameters = Parameters::default();
        for (key, value) in members {
            parameters.set_value(&key, value);
        }
        parameters
    }

    #[test]
    fn the_payload_wins_over_the_action_and_the_action_over_the_package() {
        let package = parameters(r#"{"a":1,"b":1,"c":1}"#);
        let action = parameters(r#"{"b":2,"c":2}"#);
        let payload = Json::parse(br#"{"c":3,"d":3}"#).unwrap();
        let arguments = package.merged_with(&action).arguments(&payload);
        assert_eq!(arguments.as_str(), r#"{"a":1,"b":2,"c":3,"d":3}"#);
    }

    #[test]
    fn an_array_replaces_all_arguments() {
        let arguments = parameters(r#"{"a":1}"#).arguments(&Json::parse(b"[1]").unwrap());
        assert_eq!(arguments.as_str(), "[1]");
    }

    #[test]
    fn init_parameters_become_environment() {
        let mut all = parameters(r#"{"a":1}"#);
        let value = Json::parse(br#"{"x":1}"#).unwrap();
        all.set(Parameter { key: "E".to_owned(), value, init: true, encryption: None });
        assert_eq!(all.arguments(&Json::empty_object()).as_str(), r#"{"a":1}"#);
        assert_eq!(all.environment(), [("E".to_owned(), r#"{"x":1}"#.to_owned())]);
    }
}
