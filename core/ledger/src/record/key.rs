//! Keys of entities: one fixed scheme, written and read only here.

use std::borrow::Borrow;
use std::fmt;

use model::id::Shard;
use model::name::{EntityName, EntityPath, Namespace};
use serde::{Deserialize, Serialize};

use crate::id;

/// The key of an entity in the fold.
///
/// | key | of |
/// | --- | --- |
/// | `n/<namespace>/<name>`, `n/<namespace>/<package>/<name>` | action, package, trigger, rule |
/// | `r/<namespace>/<trigger>/<rule>` | what a trigger knows of a rule |
/// | `s/<subject>` | subject |
/// | `w/<namespace>` | namespace |
/// | `k/<user part>` | access key |
/// | `l/<namespace>` | limits of a namespace |
///
/// One name table per namespace (`n/`) serves actions, packages, triggers and rules, so that
/// `absent` keeps names unique across kinds. No name contains a slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey(pub std::sync::Arc<str>);

/// What a key names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// An action, package, trigger or rule.
    Entity(Namespace, EntityPath),
    /// What a trigger, the first name, knows of a rule, the second.
    Link(Namespace, EntityName, EntityName),
    /// A subject.
    Subject(&'a str),
    /// A namespace.
    Namespace(Namespace),
    /// An access key, by its user part.
    AccessKey(&'a str),
    /// The limits of a namespace.
    Limits(Namespace),
}

impl EntityKey {
    /// Of an action, package, trigger or rule.
    #[must_use]
    pub fn named(namespace: &Namespace, path: &EntityPath) -> Self {
        Self(format!("n/{namespace}/{path}").into())
    }

    /// Of what a trigger knows of a rule.
    #[must_use]
    pub fn link(namespace: &Namespace, trigger: &EntityName, rule: &EntityName) -> Self {
        Self(format!("r/{namespace}/{trigger}/{rule}").into())
    }

    /// Of a subject.
    #[must_use]
    pub fn subject(subject: &str) -> Self {
        Self(format!("s/{subject}").into())
    }

    /// Of a namespace itself.
    #[must_use]
    pub fn namespace(namespace: &Namespace) -> Self {
        Self(format!("w/{namespace}").into())
    }

    /// Of an access key, by its user part.
    #[must_use]
    pub fn access_key(user: &str) -> Self {
        Self(format!("k/{user}").into())
    }

    /// Of the limits of a namespace.
    #[must_use]
    pub fn limits(namespace: &Namespace) -> Self {
        Self(format!("l/{namespace}").into())
    }

    /// What all keys of actions, packages, triggers and rules of a namespace begin with.
    #[must_use]
    pub fn prefix_of(namespace: &Namespace) -> String {
        format!("n/{namespace}/")
    }

    /// What all keys inside a package begin with.
    #[must_use]
    pub fn prefix_within(namespace: &Namespace, package: &EntityName) -> String {
        format!("n/{namespace}/{package}/")
    }

    /// What the keys of all that a trigger knows of rules begin with.
    #[must_use]
    pub fn prefix_of_links(namespace: &Namespace, trigger: &EntityName) -> String {
        format!("r/{namespace}/{trigger}/")
    }

    /// What the keys of all that the triggers of a namespace know of rules begin with.
    #[must_use]
    pub fn prefix_of_all_links(namespace: &Namespace) -> String {
        format!("r/{namespace}/")
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the key names; `None` if it is not of the scheme.
    #[must_use]
    pub fn parse(&self) -> Option<Named<'_>> {
        let (table, rest) = self.0.split_once('/')?;
        match table {
            "n" => {
                let (namespace, path) = rest.split_once('/')?;
                let path = match path.split_once('/') {
                    Some((package, name)) => EntityPath {
                        package: Some(EntityName::new(package).ok()?),
                        name: EntityName::new(name).ok()?,
                    },
                    None => EntityPath { package: None, name: EntityName::new(path).ok()? },
                };
                Some(Named::Entity(Namespace::new(namespace).ok()?, path))
            }
            "r" => {
                let mut parts = rest.split('/');
                let mut part = || parts.next();
                let (namespace, trigger, rule) = (part()?, part()?, part()?);
                let name = |text| EntityName::new(text).ok();
                let link =
                    Named::Link(Namespace::new(namespace).ok()?, name(trigger)?, name(rule)?);
                parts.next().is_none().then_some(link)
            }
            "s" => Some(Named::Subject(rest)),
            "w" => Some(Named::Namespace(Namespace::new(rest).ok()?)),
            "k" => Some(Named::AccessKey(rest)),
            "l" => Some(Named::Limits(Namespace::new(rest).ok()?)),
            _ => None,
        }
    }

    /// Where the entity lives: entities of a namespace in its (first) shard, subjects, namespaces,
    /// access keys and limits in shard 0, which every process follows.
    #[must_use]
    pub fn shard(&self) -> Shard {
        self.0
            .strip_prefix("n/")
            .or_else(|| self.0.strip_prefix("r/"))
            .and_then(|rest| rest.split('/').next())
            .map_or(Shard::new(0), id::shard_of_name)
    }
}

impl Borrow<str> for EntityKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_as_they_were_made() {
        let guest = Namespace::new("guest").unwrap();
        let name = |text| EntityName::new(text).unwrap();
        let plain = EntityPath { package: None, name: name("a b") };
        let packed = EntityPath { package: Some(name("p")), name: name("a") };
        for (key, text, named) in [
            (EntityKey::named(&guest, &plain), "n/guest/a b", Named::Entity(guest.clone(), plain)),
            (
                EntityKey::named(&guest, &packed),
                "n/guest/p/a",
                Named::Entity(guest.clone(), packed),
            ),
            (
                EntityKey::link(&guest, &name("t"), &name("r")),
                "r/guest/t/r",
                Named::Link(guest.clone(), name("t"), name("r")),
            ),
            (EntityKey::subject("me"), "s/me", Named::Subject("me")),
            (EntityKey::namespace(&guest), "w/guest", Named::Namespace(guest.clone())),
            (EntityKey::access_key("u-1"), "k/u-1", Named::AccessKey("u-1")),
            (EntityKey::limits(&guest), "l/guest", Named::Limits(guest.clone())),
        ] {
            assert_eq!(key.as_str(), text);
            assert_eq!(key.parse(), Some(named));
        }
        for bad in
            ["", "n", "n/guest", "x/guest", "n/guest/a/b/c", "n//a", "r/guest/t", "r/guest/t/r/x"]
        {
            assert_eq!(EntityKey(bad.into()).parse(), None, "{bad}");
        }
    }

    #[test]
    fn entities_live_with_their_namespace_and_identities_in_shard_0() {
        let guest = Namespace::new("guest").unwrap();
        assert_eq!(EntityKey("n/guest/p/a".into()).shard(), id::shard_of(&guest));
        assert_eq!(EntityKey("r/guest/t/r".into()).shard(), id::shard_of(&guest));
        assert_eq!(EntityKey::limits(&guest).shard(), Shard::new(0));
    }
}
