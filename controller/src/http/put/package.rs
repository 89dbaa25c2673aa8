//! What a PUT of a package says, and what comes of it.
//!
//! Source: `rest-api.md` §§6.1, 6.3.

use model::json::{Json, Kind};
use model::limits::NamespaceLimits;
use model::name::{EntityName, Namespace};
use model::package::{Bound, Package};
use model::parameters::Parameters;
use model::time::WallTime;

use super::{Common, Invalid, Members, check_annotations, check_parameters, parse_parameters};
use crate::http::body::{BadBody, malformed};

/// The body of a PUT of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutPackage {
    /// What it is to point at.
    pub binding: Option<Bound>,
    /// Replace the stored ones.
    pub parameters: Option<Parameters>,
    /// The rest.
    pub common: Common,
}

impl PutPackage {
    /// Reads the body of a PUT by a caller whose namespace is `own`.
    ///
    /// # Errors
    /// [`BadBody::Malformed`], in the words of the contract.
    pub fn parse(body: &Json, own: &Namespace) -> Result<Self, BadBody> {
        let members = Members::of(body, "binding")?;
        let binding = members.read("binding", |binding| parse_binding(binding, own))?;
        Ok(Self {
            binding: binding.flatten(),
            parameters: members.read("parameters", parse_parameters)?,
            common: Common::parse(&members)?,
        })
    }

    /// Whether its parts are within their sizes.
    ///
    /// # Errors
    /// [`Invalid::TooLarge`].
    pub fn check_sizes(&self, limits: &NamespaceLimits) -> Result<(), Invalid> {
        check_parameters(self.parameters.as_ref(), limits)?;
        check_annotations(self.common.annotations.as_ref())
    }

    /// The package that results: a new one, or `stored` as it is changed.
    #[must_use]
    pub fn merged(&self, stored: Option<&Package>, now: WallTime) -> Package {
        let parameters = self.parameters.as_ref().or(stored.map(|stored| &stored.parameters));
        let mut annotations =
            self.common.annotations_over(stored.map(|stored| &stored.annotations));
        // Kept by the server, of bindings; never by a client.
        annotations.remove("binding");
        let binding = self.binding.as_ref().or(stored.and_then(|stored| stored.binding.as_ref()));
        Package {
            binding: binding.cloned(),
            parameters: parameters.cloned().unwrap_or_default(),
            annotations,
            version: self.common.version_over(stored.map(|stored| stored.version)),
            publish: self.common.publish_over(stored.map(|stored| stored.publish)),
            updated: now,
        }
    }
}

/// `{}` is no binding.
fn parse_binding(given: &Json, own: &Namespace) -> Result<Option<Bound>, BadBody> {
    let expected = || malformed("Object expected in field 'namespace'");
    let members = given.members().ok_or_else(expected)?;
    if members.is_empty() {
        return Ok(None);
    }
    let member = |name: &str| {
        let found = members.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        found.filter(|value| value.kind() != Kind::Null)
    };
    let text = |name: &str| {
        let missing = || malformed(format!("Object is missing required member '{name}'"));
        let given = member(name).ok_or_else(missing)?;
        let wrong = || malformed(format!("'{name}' of the binding must be a string"));
        given.text().ok_or_else(wrong)
    };
    let (namespace, name) = (text("namespace")?, text("name")?);
    let part = |bad: model::name::BadName, part: &str| {
        malformed(format!("the part '{part}' of the binding is not a name: {bad}"))
    };
    let namespace = match namespace.as_str() {
        "_" => own.clone(),
        text => Namespace::new(text).map_err(|bad| part(bad, text))?,
    };
    let name = EntityName::new(&name).map_err(|bad| part(bad, &name))?;
    Ok(Some(Bound { namespace, name }))
}
