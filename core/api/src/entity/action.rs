//! Actions as clients see them: the whole entity, its line in a list, and what a PUT sends.
//!
//! Source: `rest-api.md` §§3.1, 3.2, 3.3, 3.7. What a PUT *receives* is looser than what ours sends
//! and is parsed by the controller.

use serde::{Deserialize, Serialize};

use model::action::{self, Exec as Stored};
use model::json::Json;
use model::limits::ActionLimits;
use model::name::{EntityPath, Namespace};
use model::time::Millis;

use super::{Parameter, parameters, place};

/// The whole of an action: the answer to GET, PUT and DELETE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// `ns/binding`: only in a GET without code through a binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// What it runs.
    pub exec: Exec,
    /// What it may use.
    pub limits: Limits,
    /// Its name, without package.
    pub name: String,
    /// `ns` or `ns/package`, the provider's.
    pub namespace: String,
    /// What goes into it; in a GET with what its package and binding add.
    pub parameters: Vec<Parameter>,
    /// Without meaning for actions.
    pub publish: bool,
    /// Last write, milliseconds since the epoch.
    pub updated: i64,
    /// `major.minor.patch`.
    pub version: String,
}

impl Action {
    /// The document of `action`, stored in `namespace` at `path`. `code` is the text that was
    /// sent; `None` leaves it out (`code=false`, or there is none). Parameters are the action's
    /// own: whoever serves a packaged action puts merged ones in.
    #[must_use]
    pub fn new(
        namespace: &Namespace,
        path: &EntityPath,
        action: &action::Action,
        code: Option<String>,
    ) -> Self {
        Self {
            annotations: parameters(&action.annotations),
            binding: None,
            exec: Exec::new(&action.exec, code),
            limits: Limits::from(&action.limits),
            name: path.name.to_string(),
            namespace: place(namespace, path),
            parameters: parameters(&action.parameters),
            publish: action.publish,
            updated: action.updated.0,
            version: action.version.to_string(),
        }
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&Json> {
        self.annotations.iter().find(|one| one.key == key).map(|one| &one.value)
    }
}

/// An action as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What is said about it.
    pub annotations: Vec<Parameter>,
    /// Whether its code is binary, and no more.
    pub exec: Binary,
    /// What it may use.
    pub limits: Limits,
    /// Its name, without package.
    pub name: String,
    /// `ns` or `ns/package`.
    pub namespace: String,
    /// Without meaning for actions.
    pub publish: bool,
    /// Last write, milliseconds since the epoch.
    pub updated: i64,
    /// `major.minor.patch`.
    pub version: String,
}

/// The part of `exec` that lists show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// Whether the code is base64.
    pub binary: bool,
}

impl Summary {
    /// The line of `action`, stored in `namespace` at `path`.
    #[must_use]
    pub fn new(namespace: &Namespace, path: &EntityPath, action: &action::Action) -> Self {
        Self {
            annotations: parameters(&action.annotations),
            exec: Binary { binary: is_binary(&action.exec) },
            limits: Limits::from(&action.limits),
            name: path.name.to_string(),
            namespace: place(namespace, path),
            publish: action.publish,
            updated: action.updated.0,
            version: action.version.to_string(),
        }
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&Json> {
        self.annotations.iter().find(|one| one.key == key).map(|one| &one.value)
    }
}

/// The body of a PUT as ours sends it: absent members keep what is stored, or the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Put {
    /// Ignored by the server, sent by every client.
    pub namespace: String,
    /// Ignored by the server, sent by every client.
    pub name: String,
    /// What it runs; needed on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<PutExec>,
    /// Merged key by key on update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Parameter>>,
    /// Replace the stored ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<Parameter>>,
    /// Merged field by field on update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<PutLimits>,
    /// Keys of annotations to remove.
    #[serde(rename = "delAnnotations", skip_serializing_if = "Vec::is_empty")]
    pub del_annotations: Vec<String>,
}

/// What an action is to run, as a client sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PutExec {
    /// Such as `wasm:default`, `blackbox`, `sequence`.
    pub kind: String,
    /// The container image, of `blackbox`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Source, or base64 of what is binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main: Option<String>,
    /// The actions of a `sequence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<String>>,
}

impl Put {
    /// An action of this kind; `code` is source, or base64 of what is binary.
    #[must_use]
    pub fn code(kind: &str, code: &str) -> Self {
        let (kind, code) = (kind.to_owned(), Some(code.to_owned()));
        Self { exec: Some(PutExec { kind, code, ..PutExec::default() }), ..Self::default() }
    }

    /// A sequence of actions, by their names.
    #[must_use]
    pub fn sequence(components: &[&str]) -> Self {
        let components = components.iter().map(|name| (*name).to_owned()).collect();
        let (kind, components) = ("sequence".to_owned(), Some(components));
        Self { exec: Some(PutExec { kind, components, ..PutExec::default() }), ..Self::default() }
    }
}

/// The limits that a client asks for. Signed: a server says what is wrong with a negative one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PutLimits {
    /// Activations per container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<i64>,
    /// Log output, MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<i64>,
    /// Memory, MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i64>,
    /// Run time, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
}

/// What an action runs, as answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Exec {
    /// Other actions, one after the other.
    Sequence {
        /// `sequence`.
        kind: String,
        /// `/ns/[package/]name` each.
        components: Vec<String>,
    },
    /// Code of a kind.
    Code {
        /// The concrete kind.
        kind: String,
        /// The container image, of `blackbox`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
        /// The text that was sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// Whether it is base64.
        #[serde(default)]
        binary: bool,
        /// What to call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        main: Option<String>,
    },
}

impl Exec {
    /// The served form of what is stored, with this code.
    #[must_use]
    pub fn new(exec: &Stored, code: Option<String>) -> Self {
        match exec {
            Stored::Sequence(components) => Self::Sequence {
                kind: exec.kind().to_owned(),
                components: components.iter().map(|name| absolute(name)).collect(),
            },
            Stored::Code { kind, main, image, .. } => Self::Code {
                kind: kind.clone(),
                image: image.clone(),
                code,
                binary: is_binary(exec),
                main: main.clone(),
            },
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Sequence { kind, .. } | Self::Code { kind, .. } => kind,
        }
    }
}

/// The limits of an action: four members, and `instances` only if it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Activations per container.
    pub concurrency: u32,
    /// Sandboxes of the action at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// Log output, MB.
    pub logs: u32,
    /// Memory, MB.
    pub memory: u32,
    /// Run time, ms.
    pub timeout: u64,
}

impl From<&ActionLimits> for Limits {
    fn from(limits: &ActionLimits) -> Self {
        let ActionLimits { concurrency, logs, memory, timeout: Millis(timeout), instances } =
            *limits;
        Self { concurrency, instances, logs, memory, timeout }
    }
}

fn absolute(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("/{name}") }
}

fn is_binary(exec: &Stored) -> bool {
    match exec {
        Stored::Code { code, .. } => code.as_ref().is_some_and(|code| code.binary),
        Stored::Sequence(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use model::action::{Code, Version};
    use model::id::Digest;
    use model::name::EntityName;
    use model::parameters::Parameters;
    use model::time::WallTime;

    use super::super::{bytes, count};
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    fn hello() -> action::Action {
        let code = Code { digest: Digest([0; 32]), length: 64, binary: false };
        let mut annotations = Parameters::default();
        annotations.set_value("description", Json::string("says hello"));
        annotations.set_value("provide-api-key", json("false"));
        annotations.set_value("exec", Json::string("nodejs:20"));
        let mut parameters = Parameters::default();
        parameters.set_value("name", Json::string("stranger"));
        action::Action {
            exec: Stored::Code {
                kind: "nodejs:20".to_owned(),
                code: Some(code),
                main: None,
                image: None,
            },
            parameters,
            annotations,
            limits: ActionLimits::default(),
            version: Version::default(),
            publish: false,
            updated: WallTime(1_704_067_200_123),
        }
    }

    fn at(package: Option<&str>) -> (Namespace, EntityPath) {
        let name = |text: &str| EntityName::new(text).unwrap();
        (
            Namespace::new("guest").unwrap(),
            EntityPath { package: package.map(name), name: name("hello") },
        )
    }

    /// The example of `rest-api.md` §3.1, made compact.
    const HELLO: &str = r#"{
      "annotations": [
        {"key": "description", "value": "says hello"},
        {"key": "provide-api-key", "value": false},
        {"key": "exec", "value": "nodejs:20"}
      ],
      "exec": {"kind": "nodejs:20", "code": "function main(a) { return {payload: 'hello ' + a.name} }", "binary": false},
      "limits": {"concurrency": 1, "logs": 10, "memory": 256, "timeout": 60000},
      "name": "hello",
      "namespace": "guest",
      "parameters": [{"key": "name", "value": "stranger"}],
      "publish": false,
      "updated": 1704067200123,
      "version": "0.0.1"
    }"#;

    #[test]
    fn an_action_looks_as_in_the_contract_and_is_read_back() {
        let (namespace, path) = at(None);
        let code = "function main(a) { return {payload: 'hello ' + a.name} }";
        let document = Action::new(&namespace, &path, &hello(), Some(code.to_owned()));
        let bytes = bytes(&document);
        assert_eq!(String::from_utf8_lossy(&bytes), json(HELLO).as_str());
        assert_eq!(serde_json::from_slice::<Action>(&bytes).unwrap(), document);
    }

    #[test]
    fn without_code_only_the_code_is_missing() {
        let (namespace, path) = at(Some("demo"));
        let mut document = Action::new(&namespace, &path, &hello(), None);
        document.binding = Some("ann/mydemo".to_owned());
        let text = String::from_utf8(bytes(&document)).unwrap();
        assert!(text.contains(
            r#"],"binding":"ann/mydemo","exec":{"kind":"nodejs:20","binary":false},"limits""#
        ));
        assert!(text.contains(r#""namespace":"guest/demo""#));
    }

    #[test]
    fn a_summary_looks_as_in_the_contract() {
        let expected = concat!(
            r#"{"annotations":[{"key":"provide-api-key","value":false},"#,
            r#"{"key":"exec","value":"nodejs:20"}],"#,
            r#""exec":{"binary":false},"#,
            r#""limits":{"concurrency":1,"logs":10,"memory":256,"timeout":60000},"#,
            r#""name":"hello","namespace":"guest/demo","publish":false,"#,
            r#""updated":1704067200123,"version":"0.0.1"}"#
        );
        let (namespace, path) = at(Some("demo"));
        let mut action = hello();
        action.annotations.remove("description");
        let summary = Summary::new(&namespace, &path, &action);
        assert_eq!(String::from_utf8(bytes(&summary)).unwrap(), expected);
    }

    #[test]
    fn each_exec_has_the_members_of_its_kind() {
        let sequence = Stored::Sequence(vec!["guest/a".to_owned(), "/guest/pkg/b".to_owned()]);
        let blackbox = Stored::Code {
            kind: "blackbox".to_owned(),
            code: None,
            main: Some("x".to_owned()),
            image: Some("myorg/myimage:1.2".to_owned()),
        };
        for (exec, expected) in [
            (sequence, r#"{"kind":"sequence","components":["/guest/a","/guest/pkg/b"]}"#),
            (
                blackbox,
                r#"{"kind":"blackbox","image":"myorg/myimage:1.2","binary":false,"main":"x"}"#,
            ),
        ] {
            let served = Exec::new(&exec, None);
            let text = serde_json::to_string(&served).unwrap();
            assert_eq!(text, expected);
            assert_eq!(serde_json::from_str::<Exec>(&text).unwrap(), served);
        }
    }

    #[test]
    fn parameters_and_limits_show_what_was_set_and_no_more() {
        let parameter = Parameter {
            init: true,
            encryption: Some("noop".to_owned()),
            ..Parameter::new("a", json("1.0"))
        };
        let text = serde_json::to_string(&[Parameter::new("b", json("null")), parameter]).unwrap();
        let expected =
            r#"[{"key":"b","value":null},{"key":"a","value":1.0,"init":true,"encryption":"noop"}]"#;
        assert_eq!(text, expected);
        let limits = ActionLimits { instances: Some(2), ..ActionLimits::default() };
        let expected = r#"{"concurrency":1,"instances":2,"logs":10,"memory":256,"timeout":60000}"#;
        assert_eq!(serde_json::to_string(&Limits::from(&limits)).unwrap(), expected);
        assert_eq!(count("actions", 12), br#"{"actions":12}"#);
    }

    #[test]
    fn a_put_sends_only_what_was_given() {
        let put = Put {
            namespace: "_".to_owned(),
            name: "a".to_owned(),
            limits: Some(PutLimits { timeout: Some(-1), ..PutLimits::default() }),
            ..Put::default()
        };
        let expected = r#"{"namespace":"_","name":"a","limits":{"timeout":-1}}"#;
        assert_eq!(serde_json::to_string(&put).unwrap(), expected);
    }
}
