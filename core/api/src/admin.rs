//! Documents of the admin API, and a typed client of it.
//!
//! Source: `own-api.md` §9.

use std::fmt;
use std::path::Path;

use bytes::Bytes;
use http::Method;
use http::header::AUTHORIZATION;
use model::limits::Overrides;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::{self, Client, Error, Observer, Page, Unusable, segment};
use crate::entity;

/// A subject with its namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub subject: String,
    /// Whether its keys are refused.
    pub blocked: bool,
    /// When it was made, milliseconds since the epoch; null if that was not noted.
    pub created: Option<i64>,
    /// The oldest first.
    pub namespaces: Vec<Namespace>,
    /// The key that was made now: shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
}

/// A namespace with its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub namespace: String,
    /// The oldest first.
    pub keys: Vec<Key>,
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its user part.
    pub uuid: String,
    /// When it was made, milliseconds since the epoch; null if that was not noted.
    pub created: Option<i64>,
}

/// A whole key; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What is set for a namespace; what is not set is left out. Memory and logs in MB, times in
/// milliseconds, sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields are those of `model::limits::Overrides`")]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_kinds: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_invocations: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fires_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocations_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_concurrency: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_logs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_memory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_action_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_parameter_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_payload_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_concurrency: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_logs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_memory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_action_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_activations: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncation_size: Option<u64>,
}

impl From<Overrides> for Limits {
    fn from(set: Overrides) -> Self {
        Self {
            allowed_kinds: set.allowed_kinds,
            concurrent_invocations: set.concurrent_invocations,
            fires_per_minute: set.fires_per_minute,
            invocations_per_minute: set.invocations_per_minute,
            max_action_concurrency: set.max_action_concurrency,
            max_action_logs: set.max_action_logs,
            max_action_memory: set.max_action_memory,
            max_action_timeout: set.max_action_timeout,
            max_parameter_size: set.max_parameter_size,
            max_payload_size: set.max_payload_size,
            min_action_concurrency: set.min_action_concurrency,
            min_action_logs: set.min_action_logs,
            min_action_memory: set.min_action_memory,
            min_action_timeout: set.min_action_timeout,
            store_activations: set.store_activations,
            truncation_size: set.truncation_size,
        }
    }
}

impl Limits {
    /// These over others: what is not set here stays as it is there.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        Self {
            allowed_kinds: self.allowed_kinds.or(other.allowed_kinds),
            concurrent_invocations: self.concurrent_invocations.or(other.concurrent_invocations),
            fires_per_minute: self.fires_per_minute.or(other.fires_per_minute),
            invocations_per_minute: self.invocations_per_minute.or(other.invocations_per_minute),
            max_action_concurrency: self.max_action_concurrency.or(other.max_action_concurrency),
            max_action_logs: self.max_action_logs.or(other.max_action_logs),
            max_action_memory: self.max_action_memory.or(other.max_action_memory),
            max_action_timeout: self.max_action_timeout.or(other.max_action_timeout),
            max_parameter_size: self.max_parameter_size.or(other.max_parameter_size),
            max_payload_size: self.max_payload_size.or(other.max_payload_size),
            min_action_concurrency: self.min_action_concurrency.or(other.min_action_concurrency),
            min_action_logs: self.min_action_logs.or(other.min_action_logs),
            min_action_memory: self.min_action_memory.or(other.min_action_memory),
            min_action_timeout: self.min_action_timeout.or(other.min_action_timeout),
            store_activations: self.store_activations.or(other.store_activations),
            truncation_size: self.truncation_size.or(other.truncation_size),
        }
    }
}

/// A backup, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its id: of this life of the server.
    pub backup: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// Percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// The last record in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What was copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The body that begins a backup.
#[derive(Serialize)]
struct Into<'a> {
    folder: &'a str,
}

/// The body that imports a key.
#[derive(Serialize)]
struct Import<'a> {
    key: &'a str,
}

/// Speaks to the admin API of one server.
#[derive(Clone, Debug)]
pub struct Admin(Client);

impl Admin {
    /// That of the server with this socket: `admin.sock` in its data folder.
    #[must_use]
    pub fn at_socket(path: &Path) -> Self {
        Self(Client::at_socket(path))
    }

    /// That at `address`, with the token in `secrets/admin.token` of its data folder.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn at(address: &str, token: &str) -> Result<Self, Unusable> {
        let said = format!("Bearer {}", token.trim());
        Ok(Self(Client::new(address)?.with_header(AUTHORIZATION.as_str(), &said)?))
    }

    /// The same, telling `observer` of each exchange.
    #[must_use]
    pub fn with_observer(self, observer: Observer) -> Self {
        Self(self.0.with_observer(observer))
    }

    /// The same; each call gives up after so long.
    #[must_use]
    pub fn with_patience(self, patience: std::time::Duration) -> Self {
        Self(self.0.with_patience(patience))
    }

    /// Sends any request: `path` begins with `/`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<client::Answer, Error> {
        self.0.send(method, path, body).await
    }

    /// Subjects, in the order of their names.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn subjects(&self, page: Page) -> Result<Vec<Subject>, Error> {
        let Page { limit, skip } = page;
        let path = format!("/admin/v1/subjects?skip={skip}&limit={limit}");
        self.ask(Method::GET, &path, None).await
    }

    /// One subject.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn subject(&self, subject: &str) -> Result<Subject, Error> {
        self.ask(Method::GET, &of_subject(subject, ""), None).await
    }

    /// Makes a subject with a namespace of its name and a first key: `key`, or a new one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_subject(&self, subject: &str, key: Option<&str>) -> Result<Subject, Error> {
        self.ask(Method::PUT, &of_subject(subject, ""), import(key)).await
    }

    /// Deletes a subject; with `force` also what is in its namespaces. Returns what it was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_subject(&self, subject: &str, force: bool) -> Result<Subject, Error> {
        let path = of_subject(subject, &format!("?force={force}"));
        self.ask(Method::DELETE, &path, None).await
    }

    /// Blocks or unblocks a subject.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn block(&self, subject: &str, blocked: bool) -> Result<Subject, Error> {
        let what = if blocked { "/block" } else { "/unblock" };
        self.ask(Method::POST, &of_subject(subject, what), None).await
    }

    /// One namespace of a subject.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn namespace(&self, subject: &str, namespace: &str) -> Result<Namespace, Error> {
        self.ask(Method::GET, &of_namespace(subject, namespace, ""), None).await
    }

    /// Gives a subject one more namespace with a first key: `key`, or a new one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn add_namespace(
        &self,
        subject: &str,
        namespace: &str,
        key: Option<&str>,
    ) -> Result<Subject, Error> {
        self.ask(Method::PUT, &of_namespace(subject, namespace, ""), import(key)).await
    }

    /// Deletes a namespace; with `force` also what is in it. Returns what it was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_namespace(
        &self,
        subject: &str,
        namespace: &str,
        force: bool,
    ) -> Result<Namespace, Error> {
        let path = of_namespace(subject, namespace, &format!("?force={force}"));
        self.ask(Method::DELETE, &path, None).await
    }

    /// Gives a namespace one more key: `key`, or a new one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn add_key(
        &self,
        subject: &str,
        namespace: &str,
        key: Option<&str>,
    ) -> Result<Subject, Error> {
        self.ask(Method::POST, &of_namespace(subject, namespace, "/keys"), import(key)).await
    }

    /// Revokes a key of a namespace.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn revoke_key(
        &self,
        subject: &str,
        namespace: &str,
        uuid: &str,
    ) -> Result<Subject, Error> {
        let key = format!("/keys/{}", segment(uuid));
        self.ask(Method::DELETE, &of_namespace(subject, namespace, &key), None).await
    }

    /// What is set for a namespace.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn limits(&self, namespace: &str) -> Result<Limits, Error> {
        self.ask(Method::GET, &of_limits(namespace), None).await
    }

    /// Sets limits of a namespace; what was set before goes.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn set_limits(&self, namespace: &str, limits: &Limits) -> Result<Limits, Error> {
        let body = Bytes::from(entity::bytes(limits));
        self.ask(Method::PUT, &of_limits(namespace), Some(body)).await
    }

    /// Takes back what is set for a namespace; returns what it was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_limits(&self, namespace: &str) -> Result<Limits, Error> {
        self.ask(Method::DELETE, &of_limits(namespace), None).await
    }

    /// Begins a backup into a folder of the server's machine, which is absent or empty.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn start_backup(&self, folder: &str) -> Result<Backup, Error> {
        let body = Bytes::from(entity::bytes(&Into { folder }));
        self.ask(Method::POST, "/admin/v1/backups", Some(body)).await
    }

    /// How far a backup is.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn backup(&self, id: &str) -> Result<Backup, Error> {
        self.ask(Method::GET, &format!("/admin/v1/backups/{}", segment(id)), None).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<T, Error> {
        self.0.send(method, path, body).await?.decoded()
    }
}

fn import(key: Option<&str>) -> Option<Bytes> {
    key.map(|key| Bytes::from(entity::bytes(&Import { key })))
}

fn of_subject(subject: &str, rest: &str) -> String {
    format!("/admin/v1/subjects/{}{rest}", segment(subject))
}

fn of_namespace(subject: &str, namespace: &str, rest: &str) -> String {
    of_subject(subject, &format!("/namespaces/{}{rest}", segment(namespace)))
}

fn of_limits(namespace: &str) -> String {
    format!("/admin/v1/namespaces/{}/limits", segment(namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_look_as_in_the_contract() {
        let key = Key { uuid: "5f3c".to_owned(), created: Some(1_704_067_200_000) };
        let namespace = Namespace { namespace: "ann-lee".to_owned(), keys: vec![key] };
        let mut subject = Subject {
            subject: "ann-lee".to_owned(),
            blocked: false,
            created: Some(1_704_067_200_000),
            namespaces: vec![namespace],
            key: Some(Secret("5f3c:Zk3v".to_owned())),
        };
        let bare = concat!(
            r#"{"subject":"ann-lee","blocked":false,"created":1704067200000,"#,
            r#""namespaces":[{"namespace":"ann-lee","#,
            r#""keys":[{"uuid":"5f3c","created":1704067200000}]}]"#
        );
        let text = serde_json::to_string(&subject).unwrap();
        assert_eq!(text, format!(r#"{bare},"key":"5f3c:Zk3v"}}"#));
        assert!(!format!("{subject:?}").contains("Zk3v"));
        subject.key = None;
        assert_eq!(serde_json::to_string(&subject).unwrap(), format!("{bare}}}"));
        assert_eq!(serde_json::from_str::<Subject>(&format!("{bare}}}")).unwrap(), subject);
    }

    #[test]
    fn limits_that_are_not_set_stay_as_they_are() {
        let read = |text: &str| serde_json::from_str::<Limits>(text).unwrap();
        let set = read(r#"{"firesPerMinute":1}"#);
        let stored = read(r#"{"firesPerMinute":2,"maxActionLogs":3}"#);
        let text = serde_json::to_string(&set.over(stored)).unwrap();
        assert_eq!(text, r#"{"firesPerMinute":1,"maxActionLogs":3}"#);
    }
}
