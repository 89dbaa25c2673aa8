//! Subjects, keys, owners and limits of namespaces, as they are stored: in the form that is written
//! now, and in that of earlier programs.
//!
//! Version 1 had no times, and the limits of a namespace in full. What is read of it is told in the
//! terms of version 2; it is written anew only when it changes.

use ledger::fold::{Entity, Ledger};
use ledger::record::{Document, EntityKey, Op};
use model::id::{Digest, Offset};
use model::identity::{AccessKey, Subject};
use model::limits::{Bounds, NamespaceLimits, Overrides};
use model::name::Namespace;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::documents::Unreadable;
use super::stored::{decode_as, encode_as, put_small, small};

/// The version of the form that is written.
const VERSION: u8 = 2;
/// What earlier programs wrote.
const FIRST: u8 = 1;

/// A document with the revision that it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// When it was put first.
    pub born: Offset,
    /// When it was put last.
    pub revision: Offset,
    /// When the namespace was last given or refused a key; of no use elsewhere.
    pub contents: Offset,
    /// What it says.
    pub value: T,
}

/// A subject of version 1.
#[derive(Serialize, Deserialize)]
struct FirstSubject {
    name: String,
    blocked: bool,
    namespaces: Vec<Namespace>,
}

/// A key of version 1.
#[derive(Serialize, Deserialize)]
struct FirstKey {
    secret: Digest,
    subject: String,
    namespace: Namespace,
}

/// Limits of version 1: all of them, whether they were set or not.
#[derive(Serialize, Deserialize)]
struct FirstLimits {
    invocations_per_minute: u64,
    fires_per_minute: u64,
    concurrent_invocations: u64,
    timeout: Bounds,
    memory: Bounds,
    logs: Bounds,
    concurrency: Bounds,
    max_parameters: u64,
    allowed_kinds: Option<Vec<String>>,
    store_activations: Option<bool>,
}

impl From<FirstSubject> for Subject {
    fn from(first: FirstSubject) -> Self {
        let FirstSubject { name, blocked, namespaces } = first;
        Self { name, blocked, created: None, namespaces }
    }
}

impl From<FirstKey> for AccessKey {
    fn from(first: FirstKey) -> Self {
        let FirstKey { secret, subject, namespace } = first;
        Self { secret, subject, namespace, created: None }
    }
}

impl From<FirstLimits> for Overrides {
    fn from(first: FirstLimits) -> Self {
        let system = NamespaceLimits::default();
        let set = |value: u64, system: u64| (value != system).then_some(value);
        Self {
            invocations_per_minute: set(
                first.invocations_per_minute,
                system.invocations_per_minute,
            ),
            fires_per_minute: set(first.fires_per_minute, system.fires_per_minute),
            concurrent_invocations: set(
                first.concurrent_invocations,
                system.concurrent_invocations,
            ),
            allowed_kinds: first.allowed_kinds,
            store_activations: first.store_activations,
            min_action_memory: set(first.memory.min, system.memory.min),
            max_action_memory: set(first.memory.max, system.memory.max),
            min_action_logs: set(first.logs.min, system.logs.min),
            max_action_logs: set(first.logs.max, system.logs.max),
            min_action_timeout: set(first.timeout.min, system.timeout.min),
            max_action_timeout: set(first.timeout.max, system.timeout.max),
            min_action_concurrency: set(first.concurrency.min, system.concurrency.min),
            max_action_concurrency: set(first.concurrency.max, system.concurrency.max),
            max_parameter_size: set(first.max_parameters, system.max_parameters),
            max_payload_size: None,
            truncation_size: None,
        }
    }
}

/// A document that is written in version 2 and may be one of version 1.
fn read<T, First>(key: &EntityKey, entity: &Entity) -> Result<Found<T>, Unreadable>
where
    T: DeserializeOwned + From<First>,
    First: DeserializeOwned,
{
    let value = match &entity.document {
        Document::Inline(bytes) => {
            decode_as(VERSION, bytes).or_else(|| decode_as::<First>(FIRST, bytes).map(T::from))
        }
        Document::Blob { .. } => None,
    };
    let value = value.ok_or_else(|| Unreadable::Corrupted(key.clone()))?;
    let &Entity { born, revision, contents, .. } = entity;
    Ok(Found { born, revision, contents, value })
}

fn find<T, First>(ledger: &Ledger, key: &EntityKey) -> Result<Option<Found<T>>, Unreadable>
where
    T: DeserializeOwned + From<First>,
    First: DeserializeOwned,
{
    ledger.entity(key).map(|entity| read::<T, First>(key, entity)).transpose()
}

/// A subject, if there is one of that name.
///
/// # Errors
/// [`Unreadable::Corrupted`].
pub fn subject(ledger: &Ledger, name: &str) -> Result<Option<Found<Subject>>, Unreadable> {
    find::<Subject, FirstSubject>(ledger, &EntityKey::subject(name))
}

/// All subjects, in the order of their names.
pub fn subjects(ledger: &Ledger) -> impl Iterator<Item = Result<Found<Subject>, Unreadable>> {
    let all = ledger.entities_under("s/");
    all.map(|(key, entity)| read::<Subject, FirstSubject>(key, entity))
}

/// A key, by its user part.
///
/// # Errors
/// [`Unreadable::Corrupted`].
pub fn access_key(ledger: &Ledger, user: &str) -> Result<Option<Found<AccessKey>>, Unreadable> {
    find::<AccessKey, FirstKey>(ledger, &EntityKey::access_key(user))
}

/// All keys with their user parts. One that cannot be read is left out: it opens nothing.
pub fn access_keys(ledger: &Ledger) -> impl Iterator<Item = (&str, Found<AccessKey>)> {
    ledger.entities_under("k/").filter_map(|(key, entity)| {
        let user = key.as_str().strip_prefix("k/")?;
        Some((user, read::<AccessKey, FirstKey>(key, entity).ok()?))
    })
}

/// Whose a namespace is, if it exists.
///
/// # Errors
/// [`Unreadable::Corrupted`].
pub fn owner(ledger: &Ledger, namespace: &Namespace) -> Result<Option<Found<String>>, Unreadable> {
    let key = EntityKey::namespace(namespace);
    let Some(entity) = ledger.entity(&key) else { return Ok(None) };
    let value = small(&key, entity)?;
    let &Entity { born, revision, contents, .. } = entity;
    Ok(Some(Found { born, revision, contents, value }))
}

/// What was set for a namespace, if anything ever was.
///
/// # Errors
/// [`Unreadable::Corrupted`].
pub fn overrides(
    ledger: &Ledger,
    namespace: &Namespace,
) -> Result<Option<Found<Overrides>>, Unreadable> {
    find::<Overrides, FirstLimits>(ledger, &EntityKey::limits(namespace))
}

/// Whether a subject is blocked: nothing of it is to be started any more. One that cannot be read is
/// not.
///
/// Source: `rest-api.md` §8.3.
#[must_use]
pub fn is_blocked(ledger: &Ledger, name: &str) -> bool {
    subject(ledger, name).ok().flatten().is_some_and(|it| it.value.blocked)
}

/// What a namespace may have now; as the system has it, if what was set cannot be read.
#[must_use]
pub fn limits(ledger: &Ledger, namespace: &Namespace) -> NamespaceLimits {
    let overrides = overrides(ledger, namespace).ok().flatten().map(|found| found.value);
    overrides.unwrap_or_default().over(&NamespaceLimits::default())
}

fn put<T: Serialize>(key: EntityKey, value: &T) -> Op {
    let document = Document::Inline(encode_as(VERSION, value).into());
    Op::Put { key, document, blobs: Vec::new() }
}

/// Stores a subject.
#[must_use]
pub fn put_subject(subject: &Subject) -> Op {
    put(EntityKey::subject(&subject.name), subject)
}

/// Stores a key under its user part.
#[must_use]
pub fn put_access_key(user: &str, key: &AccessKey) -> Op {
    put(EntityKey::access_key(user), key)
}

/// Stores whose a namespace is.
#[must_use]
pub fn put_owner(namespace: &Namespace, subject: &str) -> Op {
    put_small(EntityKey::namespace(namespace), &subject.to_owned())
}

/// Stores what is set for a namespace.
#[must_use]
pub fn put_overrides(namespace: &Namespace, overrides: &Overrides) -> Op {
    put(EntityKey::limits(namespace), overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(bytes: Vec<u8>) -> Entity {
        Entity {
            document: Document::Inline(bytes.into()),
            blobs: Vec::new(),
            born: Offset(1),
            revision: Offset(2),
            contents: Offset(3),
        }
    }

    fn namespace() -> Namespace {
        Namespace::new("guest").unwrap()
    }

    #[test]
    fn limits_of_an_earlier_program_become_what_differs_from_the_system() {
        let key = EntityKey::limits(&namespace());
        let system = NamespaceLimits::default();
        let first = FirstLimits {
            invocations_per_minute: 60_000,
            fires_per_minute: 60,
            concurrent_invocations: 1_000,
            timeout: system.timeout,
            memory: Bounds { min: 128, max: 256 },
            logs: system.logs,
            concurrency: system.concurrency,
            max_parameters: system.max_parameters,
            allowed_kinds: None,
            store_activations: Some(false),
        };
        let old = entity(encode_as(FIRST, &first));
        let expected = Overrides {
            invocations_per_minute: Some(60_000),
            concurrent_invocations: Some(1_000),
            max_action_memory: Some(256),
            store_activations: Some(false),
            ..Overrides::default()
        };
        let found = read::<Overrides, FirstLimits>(&key, &old).unwrap();
        assert_eq!((found.value.clone(), found.revision), (expected, Offset(2)));
        let new = entity(encode_as(VERSION, &found.value));
        assert_eq!(read::<Overrides, FirstLimits>(&key, &new).unwrap().value, found.value);
        let later = entity(vec![3, 0]);
        assert!(read::<Overrides, FirstLimits>(&key, &later).is_err());
    }

    /// The bytes of the first data folders, written down: a form that is read may not change.
    #[test]
    fn documents_of_the_first_data_folders_are_read() {
        let limits = b"\x01\xe0\xd4\x03\xe0\xd4\x03\xe8\x07\x64\xe0\xa7\x12\x80\x01\x80\x04\
            \x00\x0a\x01\x01\x80\x80\x40\x00\x00";
        let key = EntityKey::limits(&namespace());
        let found = read::<Overrides, FirstLimits>(&key, &entity(limits.to_vec())).unwrap();
        let expected = Overrides {
            invocations_per_minute: Some(60_000),
            fires_per_minute: Some(60_000),
            concurrent_invocations: Some(1_000),
            ..Overrides::default()
        };
        assert_eq!(found.value, expected);

        let key = EntityKey::subject("guest");
        let bytes = b"\x01\x05guest\x00\x01\x05guest";
        let found = read::<Subject, FirstSubject>(&key, &entity(bytes.to_vec())).unwrap();
        let name = "guest".to_owned();
        let guest = Subject { name, blocked: false, created: None, namespaces: vec![namespace()] };
        assert_eq!(found.value, guest);

        let key = EntityKey::access_key("u");
        let bytes = [&b"\x01"[..], &[7; 32], b"\x05guest\x05guest"].concat();
        let found = read::<AccessKey, FirstKey>(&key, &entity(bytes)).unwrap();
        assert_eq!(found.value.secret, Digest([7; 32]));
        assert_eq!((found.value.created, found.value.namespace), (None, namespace()));
    }
}
