//! Packages and bindings as they are stored.

use serde::{Deserialize, Serialize};

use crate::action::Version;
use crate::name::{EntityName, EntityPath, Namespace, QualifiedName};
use crate::parameters::Parameters;
use crate::time::WallTime;

/// A package, or a binding to one, as stored under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The package that this one points at, if it is a binding.
    pub binding: Option<Bound>,
    /// What goes into all its actions.
    pub parameters: Parameters,
    /// What is said about it.
    pub annotations: Parameters,
    /// Its version.
    pub version: Version,
    /// Whether everybody may read and use it.
    pub publish: bool,
    /// Time of the last write.
    pub updated: WallTime,
}

/// The name of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bound {
    /// Whose it is.
    pub namespace: Namespace,
    /// What it is called.
    pub name: EntityName,
}

impl Bound {
    /// As a name among others.
    #[must_use]
    pub fn qualified(&self) -> QualifiedName {
        let path = EntityPath { package: None, name: self.name.clone() };
        QualifiedName { namespace: self.namespace.clone(), path }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
