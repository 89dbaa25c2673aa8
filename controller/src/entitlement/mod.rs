//! Who may do what, and how often.
//!
//! Rights: a namespace is its owner's; what is shared (packages) comes with packages. Refusals
//! never tell whether something foreign exists.
//!
//! Source: `rest-api.md` §§1.3, 8.2.

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
}

/// What is asked for, where the text of a refusal depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Read or invoke: of a packaged action the package is what is checked.
    Use,
    /// Write or delete.
    Change,
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

/// Whether the caller may do this with an entity.
///
/// # Errors
/// [`Denied::Resources`] that names what was checked.
pub fn may(caller: &Identity, wish: Wish, target: &QualifiedName) -> Result<(), Denied> {
    if caller.namespace == target.namespace {
        return Ok(());
    }
    Err(Denied::Resources(vec![checked(wish, target)]))
}

/// Whether the caller may use all of these.
///
/// # Errors
/// [`Denied::Resources`] that names all that are refused, sorted, each once.
pub fn may_use_all<'a>(
    caller: &Identity,
    targets: impl IntoIterator<Item = &'a QualifiedName>,
) -> Result<(), Denied> {
    let foreign = targets.into_iter().filter(|target| target.namespace != caller.namespace);
    let mut refused: Vec<String> = foreign.map(|target| checked(Wish::Use, target)).collect();
    refused.sort();
    refused.dedup();
    if refused.is_empty() { Ok(()) } else { Err(Denied::Resources(refused)) }
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

fn checked(wish: Wish, target: &QualifiedName) -> String {
    match (&target.path.package, wish) {
        (Some(package), Wish::Use) => format!("{}/{package}", target.namespace),
        _ => target.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::limits::NamespaceLimits;

    use super::*;

    fn guest() -> Identity {
        let namespace = Namespace::new("guest").unwrap();
        let limits = NamespaceLimits {
            allowed_kinds: Some(vec!["wasm:command".to_owned()]),
            ..NamespaceLimits::default()
        };
        Identity { subject: "guest".to_owned(), namespace, limits: Arc::new(limits) }
    }

    fn name(text: &str) -> QualifiedName {
        QualifiedName::parse(text, &guest().namespace).unwrap()
    }

    #[test]
    fn the_refusal_names_what_was_checked() {
        for (wish, target, refused) in [
            (Wish::Use, "/_/a", None),
            (Wish::Change, "/guest/p/a", None),
            (Wish::Use, "/ann/a", Some("ann/a")),
            (Wish::Use, "/ann/p/a", Some("ann/p")),
            (Wish::Change, "/ann/p/a", Some("ann/p/a")),
        ] {
            let text = may(&guest(), wish, &name(target)).err().map(|denied| denied.to_string());
            let expected = refused.map(|resource| {
                format!("The supplied authentication is not authorized to access '{resource}'.")
            });
            assert_eq!(text, expected, "{target}");
        }
    }

    #[test]
    fn several_refusals_are_sorted_and_told_once_each() {
        let names = ["/z/p/a", "/_/own", "/ann/b", "/z/p/c"].map(name);
        let denied = may_use_all(&guest(), &names).unwrap_err();
        assert_eq!(denied, Denied::Resources(vec!["ann/b".to_owned(), "z/p".to_owned()]));
    }

    #[test]
    fn kinds_may_be_restricted() {
        assert_eq!(may_store(&guest(), "wasm:command"), Ok(()));
        assert_eq!(may_store(&guest(), "blackbox"), Err(Denied::Kind("blackbox".to_owned())));
    }
}
