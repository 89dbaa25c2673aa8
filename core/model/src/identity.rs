//! Who calls: subject, namespace, rights and limits behind one key.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::limits::NamespaceLimits;
use crate::name::Namespace;

/// Whose behalf an authenticated request is on.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who authenticated.
    pub subject: String,
    /// The namespace that the key selects.
    pub namespace: Namespace,
    /// The limits of that namespace.
    pub limits: Arc<NamespaceLimits>,
}

/// A subject as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name, at least 5 characters.
    pub name: String,
    /// Its keys do not authenticate while this is set.
    pub blocked: bool,
    /// Its namespaces.
    pub namespaces: Vec<Namespace>,
}

/// A key as stored under its user part: never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// SHA-256 of the secret.
    pub secret: Digest,
    /// Who authenticates with it.
    pub subject: String,
    /// The namespace that it selects.
    pub namespace: Namespace,
}
