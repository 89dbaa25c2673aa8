//! Entities as clients see them: whole, as lines of lists, and as a PUT sends them.
//!
//! A module for each kind; here is what they have in common. Source: `rest-api.md` §§2.4, 2.5.

use serde::{Deserialize, Serialize};

use model::json::Json;
use model::name::{EntityPath, Namespace};
use model::parameters::Parameters;

mod action;
pub mod package;
pub mod rule;
pub mod trigger;

pub use self::action::{Action, Binary, Exec, Limits, Put, PutExec, PutLimits, Summary};

/// A parameter or an annotation: `key` before `value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Json,
    /// Whether it becomes an environment variable.
    #[serde(default, skip_serializing_if = "is_false")]
    pub init: bool,
    /// The scheme that a client said it is encrypted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
}

impl Parameter {
    /// A plain one.
    #[must_use]
    pub fn new(key: &str, value: Json) -> Self {
        Self { key: key.to_owned(), value, init: false, encryption: None }
    }
}

/// The served form of stored parameters or annotations.
#[must_use]
pub fn parameters(stored: &Parameters) -> Vec<Parameter> {
    let one = |stored: &model::parameters::Parameter| Parameter {
        key: stored.key.clone(),
        value: stored.value.clone(),
        init: stored.init,
        encryption: stored.encryption.clone(),
    };
    stored.as_slice().iter().map(one).collect()
}

/// The answer to `count=true`: `{"actions":12}`.
#[must_use]
pub fn count(collection: &str, count: u64) -> Vec<u8> {
    format!("{{\"{collection}\":{count}}}").into_bytes()
}

/// Compact JSON of a document of this crate.
#[must_use]
pub fn bytes(document: &impl Serialize) -> Vec<u8> {
    // Our documents have text keys and checked JSON inside: writing them to memory cannot fail.
    serde_json::to_vec(document).unwrap_or_else(|_| b"null".to_vec())
}

/// `ns` or `ns/package`.
pub(crate) fn place(namespace: &Namespace, path: &EntityPath) -> String {
    match &path.package {
        Some(package) => format!("{namespace}/{package}"),
        None => namespace.to_string(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_false(flag: &bool) -> bool {
    !flag
}
