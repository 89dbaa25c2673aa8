//! Subjects and namespaces as administrators see them: with their keys, never with a secret.

use std::collections::BTreeMap;

use api::admin;
use ledger::fold::Ledger;
use model::identity::Subject;
use model::name::Namespace;
use model::time::WallTime;

use crate::read::identities;

/// The keys of some subjects, by namespace.
pub(super) type Keys = BTreeMap<Namespace, Vec<admin::Key>>;

/// The keys of the subjects that `wanted` names, the oldest of each namespace first.
pub(super) fn keys(ledger: &Ledger, wanted: impl Fn(&str) -> bool) -> Keys {
    let mut all = Keys::new();
    for (user, found) in identities::access_keys(ledger) {
        let key = found.value;
        if wanted(&key.subject) {
            all.entry(key.namespace).or_default().push(shown_key(user, key.created));
        }
    }
    all.values_mut().for_each(|keys| sort(keys));
    all
}

/// A key without its secret.
pub(super) fn shown_key(user: &str, created: Option<WallTime>) -> admin::Key {
    admin::Key { uuid: user.to_owned(), created: created.map(|at| at.0) }
}

pub(super) fn sort(keys: &mut [admin::Key]) {
    keys.sort_by(|one, other| (one.created, &one.uuid).cmp(&(other.created, &other.uuid)));
}

/// A subject with its keys.
pub(super) fn subject(subject: &Subject, keys: &Keys) -> admin::Subject {
    admin::Subject {
        subject: subject.name.clone(),
        blocked: subject.blocked,
        created: subject.created.map(|at| at.0),
        namespaces: subject.namespaces.iter().map(|name| namespace(name, keys)).collect(),
        key: None,
    }
}

/// A namespace with its keys.
pub(super) fn namespace(namespace: &Namespace, keys: &Keys) -> admin::Namespace {
    admin::Namespace {
        namespace: namespace.to_string(),
        keys: keys.get(namespace).cloned().unwrap_or_default(),
    }
}
