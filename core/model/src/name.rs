//! Names of namespaces, packages and entities, and how they are written.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest name, in characters.
pub const MAX_NAME: usize = 256;

/// Why a text is no name; the texts are those of the REST contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// A namespace of more than [`MAX_NAME`] characters.
    #[error("Namespace longer than allowed: {0} > 256.")]
    NamespaceLength(usize),
    /// A namespace with characters that no name has.
    #[error("The namespace contains illegal characters.")]
    NamespaceCharacters,
    /// A package or entity name of more than [`MAX_NAME`] characters (the typo is upstream's).
    #[error("Name segement longer than allowed: {0} > 256.")]
    NameLength(usize),
    /// A package or entity name with characters that no name has.
    #[error("The name of the entity contains illegal characters.")]
    NameCharacters,
}

/// A namespace: who owns entities and spends limits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Namespace(Arc<str>);

/// The name of a package, action, trigger or rule: one segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityName(Arc<str>);

impl Namespace {
    /// # Errors
    /// [`BadName`] if the text is too long or has illegal characters.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let length = text.chars().count();
        if length > MAX_NAME {
            return Err(BadName::NamespaceLength(length));
        }
        if !is_name(text) {
            return Err(BadName::NamespaceCharacters);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EntityName {
    /// # Errors
    /// [`BadName`] if the text is too long or has illegal characters.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let length = text.chars().count();
        if length > MAX_NAME {
            return Err(BadName::NameLength(length));
        }
        if !is_name(text) {
            return Err(BadName::NameCharacters);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rule of `rest-api.md` §2.1: word character first, spaces only inside, ASCII.
fn is_name(text: &str) -> bool {
    let inside = |c: u8| c.is_ascii_alphanumeric() || b"_@ .&-".contains(&c);
    let bytes = text.as_bytes();
    match bytes {
        [] => false,
        [only] => only.is_ascii_alphanumeric() || *only == b'_',
        [first, .., last] => {
            (first.is_ascii_alphanumeric() || *first == b'_')
                && *last != b' '
                && bytes.iter().all(|c| inside(*c))
        }
    }
}

/// The name of an entity inside its namespace: in the default package or in a named one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityPath {
    /// The package, if it is not the default one.
    pub package: Option<EntityName>,
    /// The entity itself.
    pub name: EntityName,
}

impl fmt::Display for EntityPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.package {
            Some(package) => write!(f, "{package}/{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// The name of an entity with its namespace; shown as `ns/name` or `ns/package/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QualifiedName {
    /// Whose it is.
    pub namespace: Namespace,
    /// What it is called there.
    pub path: EntityPath,
}

/// Why a text is no fully qualified name; the texts are reasons of a malformed body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQualifiedName {
    /// A single segment.
    #[error(
        "requirement failed: The fully qualified name of the entity must contain at least the \
         namespace and the name of the entity."
    )]
    TooShort,
    /// More than namespace, package and name.
    #[error("the name '{0}' has more parts than a namespace, a package and a name")]
    TooLong(String),
    /// A part that is no name.
    #[error("the part '{part}' of '{name}' is not a name: {source}")]
    Part {
        /// The part.
        part: String,
        /// The whole.
        name: String,
        /// What is wrong with the part.
        source: BadName,
    },
}

impl QualifiedName {
    /// Reads `/ns/name`, `/ns/package/name` and the same without the leading slash; the namespace
    /// `_` stands for `own`.
    ///
    /// # Errors
    /// [`BadQualifiedName`], in the words of the contract.
    pub fn parse(text: &str, own: &Namespace) -> Result<Self, BadQualifiedName> {
        let bad = |part: &str, source| BadQualifiedName::Part {
            part: part.to_owned(),
            name: text.to_owned(),
            source,
        };
        let name = |part: &str| EntityName::new(part).map_err(|source| bad(part, source));
        let parts: Vec<&str> = text.strip_prefix('/').unwrap_or(text).split('/').collect();
        let (namespace, package, last) = match parts.as_slice() {
            [namespace, last] => (namespace, None, last),
            [namespace, package, last] => (namespace, Some(name(package)?), last),
            [] | [_] => return Err(BadQualifiedName::TooShort),
            _ => return Err(BadQualifiedName::TooLong(text.to_owned())),
        };
        let namespace = if *namespace == "_" {
            own.clone()
        } else {
            Namespace::new(namespace).map_err(|source| bad(namespace, source))?
        };
        Ok(Self { namespace, path: EntityPath { package, name: name(last)? } })
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_contract() {
        for good in ["a", "_", "hello", "a b", "a@b&c.d-e", "9", "x."] {
            assert!(EntityName::new(good).is_ok(), "{good:?}");
        }
        for bad in
            ["", " ", "a ", " a", "hi+there", "$hola", "dora?", "|dora|dora?", "é", "-a", "a\n"]
        {
            assert_eq!(EntityName::new(bad), Err(BadName::NameCharacters), "{bad:?}");
        }
        assert_eq!(EntityName::new(&"x".repeat(257)), Err(BadName::NameLength(257)));
        assert!(EntityName::new(&"x".repeat(256)).is_ok());
    }

    #[test]
    fn qualified_names_are_read_in_all_their_forms() {
        let own = Namespace::new("guest").unwrap();
        for (text, shown) in [
            ("/_/a", "guest/a"),
            ("ns/a", "ns/a"),
            ("/ns/p/a", "ns/p/a"),
            ("_/p/a b", "guest/p/a b"),
        ] {
            assert_eq!(QualifiedName::parse(text, &own).unwrap().to_string(), shown);
        }
        assert_eq!(QualifiedName::parse("a", &own), Err(BadQualifiedName::TooShort));
        assert!(QualifiedName::parse("/ns/$x", &own).is_err());
        assert!(QualifiedName::parse("/a/b/c/d", &own).is_err());
    }
}
