//! Who may do what, and how often.
//!
//! Rights: a namespace is its owner's; what is shared of it is in [`packages`]. Refusals never tell
//! whether something foreign exists.
//!
//! Source: `rest-api.md` §§1.3, 8.2.

pub mod packages;
pub mod rate;

use model::identity::Identity;
use model::name::{Namespace, QualifiedName};

/// Why the caller may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// These resources are not the caller's.
    #[error("The supplied authentication is not authorized to access '{}'.", .0.join(", "))]
    Resources(Vec<String>),
    /// The namespace may not store actions of this kind.
    #[error("The supplied authentication is not authorized to access actions of kind '{0}'.")]
    Kind(String),
    /// What is shared may be used here, and not read: the whole text.
    #[error("{0}")]
    ExecuteOnly(String),
}

impl Denied {
    /// All of these, sorted, each once; `None` if there are none.
    #[must_use]
    pub fn all(mut resources: Vec<String>) -> Option<Self> {
        resources.sort();
        resources.dedup();
        (!resources.is_empty()).then_some(Self::Resources(resources))
    }
}

/// Whether the caller may list, or read the limits of, `namespace`.
///
/// # Errors
/// [`Denied::Resources`] that names the namespace.
pub fn may_list(caller: &Identity, namespace: &Namespace) -> Result<(), Denied> {
    if caller.namespace == *namespace {
        return Ok(());
    }
    Err(Denied::Resources(vec![namespace.to_string()]))
}

/// Whether an entity is the caller's own. Only its owner may write, delete, fire or switch one, or
/// read one that is in no package.
///
/// # Errors
/// [`Denied::Resources`] that names the entity.
pub fn may_own(caller: &Identity, target: &QualifiedName) -> Result<(), Denied> {
    if caller.namespace == target.namespace {
        return Ok(());
    }
    Err(Denied::Resources(vec![target.to_string()]))
}

/// Whether the caller's namespace may store actions of this kind.
///
/// # Errors
/// [`Denied::Kind`].
pub fn may_store(caller: &Identity, kind: &str) -> Result<(), Denied> {
    match &caller.limits.allowed_kinds {
        Some(allowed) if !allowed.iter().any(|allowed| allowed == kind) => {
            Err(Denied::Kind(kind.to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::id::Offset;
    use model::limits::NamespaceLimits;

    use super::*;

    fn guest() -> Identity {
        let namespace = Namespace::new("guest").unwrap();
        let limits = NamespaceLimits {
            allowed_kinds: Some(vec!["wasm:command".to_owned()]),
            ..NamespaceLimits::default()
        };
        let (subject, since) = ("guest".to_owned(), Offset(1));
        Identity { subject, namespace, since, limits: Arc::new(limits) }
    }

    fn name(text: &str) -> QualifiedName {
        QualifiedName::parse(text, &guest().namespace).unwrap()
    }

    #[test]
    fn the_refusal_names_what_was_checked() {
        for (target, refused) in
            [("/_/a", None), ("/guest/p/a", None), ("/ann/p/a", Some("ann/p/a"))]
        {
            let text = may_own(&guest(), &name(target)).err().map(|denied| denied.to_string());
            let expected = refused.map(|resource| {
                format!("The supplied authentication is not authorized to access '{resource}'.")
            });
            assert_eq!(text, expected, "{target}");
        }
    }

    #[test]
    fn several_refusals_are_sorted_and_told_once_each() {
        let refused = ["z/p", "ann/b", "z/p"].map(str::to_owned).to_vec();
        let sorted = ["ann/b", "z/p"].map(str::to_owned).to_vec();
        assert_eq!(Denied::all(refused), Some(Denied::Resources(sorted)));
        assert_eq!(Denied::all(Vec::new()), None);
    }

    #[test]
    fn kinds_may_be_restricted() {
        assert_eq!(may_store(&guest(), "wasm:command"), Ok(()));
        assert_eq!(may_store(&guest(), "blackbox"), Err(Denied::Kind("blackbox".to_owned())));
    }
}
