//! Names of entities as people write them, and the paths that they become.

use std::fmt::{self, Write as _};

/// The name of an entity: `hello`, `pkg/hello`, `/ns/hello` or `/ns/pkg/hello`.
///
/// It is not judged: what is wrong with a name, the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `_`, the namespace of the key, unless the name says another.
    pub namespace: String,
    /// The package, if there is one.
    pub package: Option<String>,
    /// The entity itself.
    pub entity: String,
}

/// A name that is no more than a namespace, or has too many parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Of an action.
    #[error("'{0}' is no name such as hello, pkg/hello or /ns/pkg/hello")]
    Any(String),
    /// Of something that is in no package.
    #[error("'{0}' is no name such as hello or /ns/hello")]
    Unpackaged(String),
}

impl Name {
    /// Reads a name; `namespace` is meant where it names none.
    ///
    /// # Errors
    /// [`BadName`].
    pub fn parse(text: &str, namespace: &str) -> Result<Self, BadName> {
        let (namespace, rest) = match text.strip_prefix('/') {
            Some(absolute) => {
                absolute.split_once('/').ok_or_else(|| BadName::Any(text.to_owned()))?
            }
            None => (namespace, text),
        };
        let (package, entity) = match rest.split_once('/') {
            Some((package, entity)) => (Some(package.to_owned()), entity),
            None => (None, rest),
        };
        let is_empty = entity.is_empty() || namespace.is_empty() || package.as_deref() == Some("");
        if is_empty || entity.contains('/') {
            return Err(BadName::Any(text.to_owned()));
        }
        Ok(Self { namespace: namespace.to_owned(), package, entity: entity.to_owned() })
    }

    /// Reads the name of a package, a trigger or a rule, which are in no package.
    ///
    /// # Errors
    /// [`BadName::Unpackaged`].
    pub fn parse_unpackaged(text: &str, namespace: &str) -> Result<Self, BadName> {
        let name = Self::parse(text, namespace).ok().filter(|name| name.package.is_none());
        name.ok_or_else(|| BadName::Unpackaged(text.to_owned()))
    }

    /// Without its namespace: `hello` or `pkg/hello`.
    #[must_use]
    pub fn local(&self) -> String {
        match &self.package {
            Some(package) => format!("{package}/{}", self.entity),
            None => self.entity.clone(),
        }
    }

    /// Its path in a collection.
    #[must_use]
    pub fn path(&self, collection: &str) -> String {
        let mut path = format!("/api/v1/namespaces/{}/{collection}", segment(&self.namespace));
        for part in self.package.iter().chain([&self.entity]) {
            path.push('/');
            path.push_str(&segment(part));
        }
        path
    }

    /// Its path as a web action.
    #[must_use]
    pub fn web_path(&self) -> String {
        let parts = [Some(&self.namespace), self.package.as_ref(), Some(&self.entity)];
        let parts: Vec<_> = parts.into_iter().flatten().map(|part| segment(part)).collect();
        format!("/api/v1/web/{}", parts.join("/"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.namespace, self.local())
    }
}

/// One segment of a path, or one value of a query, with all escaped that could mean more.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths() {
        for (text, path, shown) in [
            ("hello", "_/actions/hello", "/_/hello"),
            ("pkg/hello you", "_/actions/pkg/hello%20you", "/_/pkg/hello you"),
            ("/ann/hello", "ann/actions/hello", "/ann/hello"),
            ("/ann/pkg/a?b", "ann/actions/pkg/a%3Fb", "/ann/pkg/a?b"),
        ] {
            let name = Name::parse(text, "_").unwrap();
            assert_eq!(name.path("actions"), format!("/api/v1/namespaces/{path}"));
            assert_eq!(name.to_string(), shown);
        }
        for bad in ["", "/", "/ns", "/ns/", "a/", "/a/b/c/d", "a/b/c", "//a"] {
            assert!(Name::parse(bad, "_").is_err(), "{bad:?}");
        }
        let name = Name::parse_unpackaged("/ann/a b", "_").unwrap();
        assert_eq!(name.path("packages"), "/api/v1/namespaces/ann/packages/a%20b");
        for bad in ["", "/ns", "p/a", "/ns/p/a"] {
            let expected = BadName::Unpackaged(bad.to_owned());
            assert_eq!(Name::parse_unpackaged(bad, "_"), Err(expected));
        }
    }
}
