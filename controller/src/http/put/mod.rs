//! What a PUT says, and what comes of it: parsing, sizes, merging. Pure.
//!
//! A module for each kind of entity; here is what they have in common. Source: `rest-api.md`
//! §§2.1–2.4; the texts: `rest-errors.tsv`, `own.tsv`.

mod action;
mod package;
mod rule;
mod trigger;

use model::action::Version;
use model::json::{Json, Kind};
use model::limits::{MAX_PAYLOAD, NamespaceLimits, OutOfBounds};
use model::name::{Namespace, QualifiedName};
use model::parameters::{Parameter, Parameters};

pub use self::action::{Put, PutExec, PutLimits};
pub use self::package::PutPackage;
pub use self::rule::{PutRule, wanted_state};
pub use self::trigger::PutTrigger;
use super::body::{BadBody, malformed};

/// Why a well-formed PUT, or a DELETE, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A part is too large.
    #[error("{what} larger than allowed: {size} > {max} bytes.")]
    TooLarge {
        /// `exec`, `parameters`, `annotations`.
        what: &'static str,
        /// Bytes.
        size: u64,
        /// Bytes.
        max: u64,
    },
    /// A limit lies outside its bounds.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// A new action needs code.
    #[error("exec undefined")]
    NoExec,
    /// It exists and is not to be overwritten.
    #[error("resource already exists")]
    Exists,
    /// The kind may only be read and deleted.
    #[error("the kind {0} is deprecated")]
    Deprecated(String),
    /// A sequence has no such limit.
    #[error("A sequence has no {0} limit of its own; set it on its components.")]
    SequenceLimit(&'static str),
    /// The annotation `retry` says nothing that is understood.
    #[error("The annotation 'retry' must be {{\"attempts\": n}} with n from 2 to 10.")]
    Retry,
    /// So does `driver`.
    #[error("The annotation 'driver' must be 'wasm' or 'docker'.")]
    Driver,
    /// More components than a sequence may have, nested ones expanded.
    #[error("Too many actions in the sequence.")]
    TooManyComponents,
    /// None at all.
    #[error("No component specified for the sequence.")]
    NoComponents,
    /// A component does not exist.
    #[error("Sequence component does not exist.")]
    NoSuchComponent,
    /// The sequence is one of its own components.
    #[error("Sequence may not refer to itself.")]
    Recursive,
    /// The code is none that could run: the whole text.
    #[error("{0}")]
    Code(String),
    /// Actions are changed where they are, not through a binding.
    #[error("Operation not permitted on package binding.")]
    ThroughBinding,
    /// The name means the place of actions that are in no package.
    #[error("Package name 'default' is reserved.")]
    Reserved,
    /// What a binding is to point at does not exist.
    #[error("Binding references a package that does not exist.")]
    NoProvider,
    /// What a binding is to point at is one itself.
    #[error("Cannot bind to another package binding.")]
    BoundToBinding,
    /// What a binding is to point at is something else.
    #[error("Cannot bind to a resource that is not a package.")]
    BoundToOther,
    /// A package cannot become a binding.
    #[error("Resource is a package and cannot be converted into a binding.")]
    IsPackage,
    /// A package that is to be deleted has so many actions.
    #[error(
        "Package not empty (contains {0} {what}). Set force param or delete package contents.",
        what = entities(.0)
    )]
    NotEmpty(usize),
    /// The annotation `feed` is no name.
    #[error("Feed name is not valid")]
    Feed,
    /// A new rule needs both.
    #[error("rule requires a valid trigger and a valid action")]
    NoTriggerOrAction,
    /// The trigger of a rule does not exist.
    #[error("trigger /{0} does not exist")]
    NoTrigger(QualifiedName),
    /// The action of a rule does not exist.
    #[error("action /{0} does not exist")]
    NoAction(QualifiedName),
    /// The stored trigger, or action, of a rule cannot be read.
    #[error("{0} /{1} is corrupted")]
    Corrupted(&'static str, QualifiedName),
    /// The trigger, or action, of a rule is something else.
    #[error("'/{0}' is not {1}, so a rule cannot refer to it as one.")]
    NotA(QualifiedName, &'static str),
}

/// Members of an object, without those that are `null`.
struct Members(Vec<(String, Json)>);

impl Members {
    /// Of a body whose first known member is `first`.
    fn of(body: &Json, first: &str) -> Result<Self, BadBody> {
        let members = body.members();
        let expected = || malformed(format!("Object expected in field '{first}'"));
        members.map(Self).ok_or_else(expected)
    }

    fn get(&self, name: &str) -> Option<&Json> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value).filter(|value| value.kind() != Kind::Null)
    }

    /// The member, as `parse` reads it.
    fn read<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&Json) -> Result<T, BadBody>,
    ) -> Result<Option<T>, BadBody> {
        self.get(name).map(parse).transpose()
    }
}

/// What all kinds of entities have and a PUT may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// Replace the stored ones.
    pub annotations: Option<Parameters>,
    /// Instead of the next one.
    pub version: Option<Version>,
    /// As it is.
    pub publish: Option<bool>,
}

impl Common {
    fn parse(members: &Members) -> Result<Self, BadBody> {
        Ok(Self {
            version: members.read("version", parse_version)?,
            publish: members.read("publish", parse_flag)?,
            annotations: members.read("annotations", parse_parameters)?,
        })
    }

    /// The version that results.
    fn version_over(&self, stored: Option<Version>) -> Version {
        self.version.or_else(|| stored.map(Version::bumped)).unwrap_or_default()
    }

    fn publish_over(&self, stored: Option<bool>) -> bool {
        self.publish.or(stored).unwrap_or(false)
    }

    fn annotations_over(&self, stored: Option<&Parameters>) -> Parameters {
        self.annotations.as_ref().or(stored).cloned().unwrap_or_default()
    }
}

fn entities(count: &usize) -> &'static str {
    if *count == 1 { "entity" } else { "entities" }
}

fn check_size(what: &'static str, size: u64, max: u64) -> Result<(), Invalid> {
    if size > max { Err(Invalid::TooLarge { what, size, max }) } else { Ok(()) }
}

fn check_parameters(given: Option<&Parameters>, limits: &NamespaceLimits) -> Result<(), Invalid> {
    let most = limits.max_parameters.min(MAX_PAYLOAD);
    given.map_or(Ok(()), |given| check_size("parameters", given.size(), most))
}

fn check_annotations(given: Option<&Parameters>) -> Result<(), Invalid> {
    given.map_or(Ok(()), |given| check_size("annotations", given.size(), MAX_PAYLOAD))
}

fn parse_parameters(given: &Json) -> Result<Parameters, BadBody> {
    let bad = || malformed("parameters malformed!");
    let one = |element: &Json| {
        let members = element.members().ok_or_else(bad)?;
        let member = |name: &str| {
            members.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        Ok(Parameter {
            key: member("key").and_then(|key| key.text()).ok_or_else(bad)?,
            value: member("value").ok_or_else(bad)?,
            init: member("init").is_some_and(|init| init.as_str() == "true"),
            encryption: member("encryption").and_then(|scheme| scheme.text()),
        })
    };
    given.elements().ok_or_else(bad)?.iter().map(one).collect()
}

fn parse_version(given: &Json) -> Result<Version, BadBody> {
    let version = given.text().and_then(|text| Version::parse(&text));
    version.ok_or_else(|| malformed("semantic version malformed"))
}

fn parse_flag(given: &Json) -> Result<bool, BadBody> {
    match given.kind() {
        Kind::Bool => Ok(given.as_str() == "true"),
        _ => Err(malformed(format!("Expected JsBoolean, but got {}", given.as_str()))),
    }
}

/// A fully qualified name: a text, or an object with `path` and `name`.
fn parse_name(given: &Json, own: &Namespace) -> Result<QualifiedName, BadBody> {
    let bad = || malformed("fully qualified name malformed");
    let text = match given.kind() {
        Kind::String => given.text().ok_or_else(bad)?,
        Kind::Object => {
            let member = |name| given.member(name).and_then(|value| value.text()).ok_or_else(bad);
            format!("{}/{}", member("path")?, member("name")?)
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::Array => return Err(bad()),
    };
    QualifiedName::parse(&text, own).map_err(|bad| malformed(bad.to_string()))
}
