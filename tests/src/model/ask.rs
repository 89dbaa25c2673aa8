//! A request, what it means, and how it is sent.
//!
//! A body is made together with its meaning, so the model never reads JSON: what it would make of a
//! text could be wrong in the same way as what the server makes of it.

use serde_json::{Map, Value, json};

/// The own namespace.
pub const OWN: &str = "guest";
/// A namespace that does not exist.
pub const FOREIGN: &str = "elsewhere";

/// A kind of entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Code, or a sequence.
    Action,
    /// A package, or a binding.
    Package,
    /// A trigger.
    Trigger,
    /// A rule.
    Rule,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Action, Self::Package, Self::Trigger, Self::Rule];

    /// The word in paths.
    #[must_use]
    pub fn collection(self) -> &'static str {
        match self {
            Self::Action => "actions",
            Self::Package => "packages",
            Self::Trigger => "triggers",
            Self::Rule => "rules",
        }
    }
}

/// A boolean of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Not sent.
    Absent,
    /// Sent so, and it means true.
    Yes(&'static str),
    /// Sent so, and it means false.
    No(&'static str),
    /// Sent so, and it means nothing.
    Bad(&'static str),
}

impl Flag {
    fn sent(self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::Yes(text) | Self::No(text) | Self::Bad(text) => Some(text),
        }
    }
}

/// A parameter or an annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct One {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Whether it goes into the environment.
    pub init: bool,
}

/// What an action is to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Exec {
    /// Code of a kind as it is sent.
    Code {
        /// As it is sent.
        kind: &'static str,
        /// The text.
        code: &'static str,
        /// What to call.
        main: Option<&'static str>,
    },
    /// A container image.
    Blackbox {
        /// Its name.
        image: &'static str,
        /// The text, if any.
        code: Option<&'static str>,
    },
    /// Names, `ns/[package/]name`.
    Sequence(Vec<String>),
}

/// What is wrong with a body. A body has one fault at most.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// It is not JSON.
    NotJson,
    /// There is none.
    Absent,
    /// It is sent as another type.
    Type,
    /// It is no object.
    NoObject,
    /// A member says something that it cannot; with the reason that is told.
    Member(&'static str, Value, &'static str),
    /// A limit out of its bounds; with the whole text that is told.
    Bound(&'static str, i64, &'static str),
}

/// The body of a PUT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Put {
    /// Stored as it is given.
    pub version: Option<(&'static str, [u64; 3])>,
    /// As it is.
    pub publish: Option<bool>,
    /// Replace, or of actions are merged with, the stored ones.
    pub annotations: Option<Vec<One>>,
    /// Replace the stored ones.
    pub parameters: Option<Vec<One>>,
    /// Of actions: annotations to remove.
    pub remove: Vec<&'static str>,
    /// Of actions: `timeout`, `memory`, `logs`.
    pub limits: Vec<(&'static str, u64)>,
    /// Of actions.
    pub exec: Option<Exec>,
    /// Of packages: `ns/name`.
    pub binding: Option<String>,
    /// Of rules: `ns/name`.
    pub trigger: Option<String>,
    /// Of rules: `ns/[package/]name`.
    pub action: Option<String>,
    /// What is wrong with all that.
    pub fault: Option<Fault>,
}

/// The body of a request to a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// In force, or not.
    Set(bool),
    /// Another word.
    Word(&'static str),
    /// No status at all.
    Absent,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Create or update.
    Put(Kind, String, Box<Put>, Flag),
    /// Read; of actions with the code unless told otherwise.
    Get(Kind, String, Flag),
    /// Delete; of packages with all that is in them if so told.
    Delete(Kind, String, Flag),
    /// Switch a rule.
    Switch(String, State),
    /// List, or count.
    List {
        /// What.
        kind: Kind,
        /// Only of this package.
        within: Option<String>,
        /// So many are passed over.
        skip: Option<i64>,
        /// At most so many.
        limit: Option<i64>,
        /// Only how many.
        count: bool,
    },
    /// Fire a trigger.
    Fire(String, Option<Value>),
    /// Something of somebody else's: method, kind, name.
    Foreign(&'static str, Kind, Option<String>),
}

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// `GET` …
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Type and bytes.
    pub body: Option<(&'static str, String)>,
}

const JSON: &str = "application/json";

impl What {
    /// As it is sent.
    #[must_use]
    pub fn sent(&self) -> Sent {
        let entity = |kind: Kind, name: &str, query: &[(&str, Option<String>)]| {
            format!("/api/v1/namespaces/_/{}/{name}{}", kind.collection(), joined(query))
        };
        let flag = |flag: &Flag| flag.sent().map(str::to_owned);
        let none = |method, target| Sent { method, target, body: None };
        let json = |body: &Value| Some((JSON, body.to_string()));
        match self {
            Self::Put(kind, name, put, overwrite) => {
                let target = entity(*kind, name, &[("overwrite", flag(overwrite))]);
                Sent { method: "PUT", target, body: put.sent() }
            }
            Self::Get(kind, name, code) => {
                none("GET", entity(*kind, name, &[("code", flag(code))]))
            }
            Self::Delete(kind, name, force) => {
                none("DELETE", entity(*kind, name, &[("force", flag(force))]))
            }
            Self::Switch(name, state) => {
                let body = match state {
                    State::Set(true) => json!({ "status": "active", "trigger": null }),
                    State::Set(false) => json!({ "status": "inactive" }),
                    State::Word(word) => json!({ "status": word }),
                    State::Absent => json!({ "trigger": null }),
                };
                let target = entity(Kind::Rule, name, &[]);
                Sent { method: "POST", target, body: json(&body) }
            }
            Self::List { kind, within, skip, limit, count } => {
                let within = within.as_ref().map(|name| format!("{name}/"));
                let query = [
                    ("skip", skip.map(|skip| skip.to_string())),
                    ("limit", limit.map(|limit| limit.to_string())),
                    ("count", count.then(|| "true".to_owned())),
                ];
                none("GET", entity(*kind, &within.unwrap_or_default(), &query))
            }
            Self::Fire(name, payload) => {
                let target = entity(Kind::Trigger, name, &[]);
                Sent { method: "POST", target, body: payload.as_ref().and_then(json) }
            }
            Self::Foreign(method, kind, name) => {
                let name = name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
                let collection = kind.collection();
                let target = format!("/api/v1/namespaces/{FOREIGN}/{collection}{name}");
                let body = matches!(*method, "PUT" | "POST").then(|| (JSON, "{}".to_owned()));
                Sent { method, target, body }
            }
        }
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        match &self.body {
            Some((JSON, body)) => write!(f, " {body}"),
            Some((other, body)) => write!(f, " ({other}) {body}"),
            None => Ok(()),
        }
    }
}

fn joined(query: &[(&str, Option<String>)]) -> String {
    let given = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let given: Vec<String> = given.map(|(name, value)| format!("{name}={value}")).collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}

impl Put {
    fn sent(&self) -> Option<(&'static str, String)> {
        let text = self.json().to_string();
        match &self.fault {
            Some(Fault::NotJson) => Some((JSON, format!("{text},"))),
            Some(Fault::Absent) => None,
            Some(Fault::Type) => Some(("text/plain", text)),
            Some(Fault::NoObject) => Some((JSON, format!("[{text}]"))),
            Some(Fault::Member(..) | Fault::Bound(..)) | None => Some((JSON, text)),
        }
    }

    fn json(&self) -> Value {
        let mut body = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        set("version", self.version.map(|(text, _)| json!(text)));
        set("publish", self.publish.map(|publish| json!(publish)));
        set("annotations", self.annotations.as_deref().map(shown));
        set("parameters", self.parameters.as_deref().map(shown));
        set("delAnnotations", (!self.remove.is_empty()).then(|| json!(self.remove)));
        let limits: Map<String, Value> =
            self.limits.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        set("limits", (!limits.is_empty()).then_some(Value::Object(limits)));
        set("exec", self.exec.as_ref().map(Exec::json));
        let target = self.binding.as_ref().and_then(|name| name.split_once('/'));
        set("binding", target.map(|(ns, name)| json!({ "namespace": own(ns), "name": name })));
        set("trigger", self.trigger.as_ref().map(|name| json!(format!("/{name}"))));
        // The other form of a name.
        let action = self.action.as_ref().and_then(|name| name.rsplit_once('/'));
        set("action", action.map(|(path, name)| json!({ "path": path, "name": name })));
        match &self.fault {
            Some(Fault::Member(name, value, _)) => {
                body.insert((*name).to_owned(), value.clone());
            }
            Some(Fault::Bound(name, value, _)) => {
                body.insert("limits".to_owned(), json!({ *name: value }));
            }
            Some(Fault::NotJson | Fault::Absent | Fault::Type | Fault::NoObject) | None => {}
        }
        Value::Object(body)
    }
}

impl Exec {
    fn json(&self) -> Value {
        match self {
            Self::Code { kind, code, main: None } => json!({ "kind": kind, "code": code }),
            Self::Code { kind, code, main: Some(main) } => {
                json!({ "kind": kind, "code": code, "main": main })
            }
            Self::Blackbox { image, code: None } => json!({ "kind": "blackbox", "image": image }),
            Self::Blackbox { image, code: Some(code) } => {
                json!({ "kind": "blackbox", "image": image, "code": code })
            }
            Self::Sequence(components) => {
                let components: Vec<String> =
                    components.iter().map(|name| format!("/{name}")).collect();
                json!({ "kind": "sequence", "components": components })
            }
        }
    }
}

/// `_` for the own namespace: it is resolved inside bodies too.
fn own(namespace: &str) -> &str {
    if namespace == OWN { "_" } else { namespace }
}

/// Parameters or annotations as they are sent and shown.
#[must_use]
pub fn shown(all: &[One]) -> Value {
    let one = |one: &One| match one.init {
        true => json!({ "key": one.key, "value": one.value, "init": true }),
        false => json!({ "key": one.key, "value": one.value }),
    };
    all.iter().map(one).collect()
}
