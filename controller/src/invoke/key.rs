//! Idempotency keys: the same request again finds its first activation.
//!
//! Source: `exactly-once.md` §2; `own-api.md` §2; `own.tsv`.

use std::time::Duration;

use http::HeaderMap;
use ledger::record::{KeyClass, KeyUse};
use model::id::{ActivationId, Digest, Offset};
use model::identity::Identity;
use model::time::{Millis, WallTime};
use sha2::{Digest as _, Sha256};

use super::{Call, Error, Reply};
use crate::Controller;
use crate::http::query::Waiting;
use crate::owner::ReadError;
use crate::read::activation::Failed;

/// The header that carries it.
pub const HEADER: &str = "idempotency-key";
/// The longest key, in characters.
const MAX: usize = 256;

/// The key of a request, and what the request was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Of namespace, class and key.
    pub key: Digest,
    /// Of method, path, query and body.
    pub request: Digest,
}

/// The header is there and no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The Idempotency-Key header must be sent once and hold 1 to 256 visible ASCII characters.")]
pub struct BadKey;

/// The namespace has as many keys in use as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Too many idempotency keys are in use (count: {count}, allowed: {allowed}).")]
pub struct TooManyKeys {
    /// In use.
    pub count: u64,
    /// The limit.
    pub allowed: u64,
}

/// The text of the key in a request, if it has one.
///
/// # Errors
/// [`BadKey`].
pub fn sent(headers: &HeaderMap) -> Result<Option<&str>, BadKey> {
    let mut all = headers.get_all(HEADER).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| BadKey)?;
    let visible = text.bytes().all(|c| c.is_ascii_graphic());
    if all.next().is_some() || text.is_empty() || text.len() > MAX || !visible {
        return Err(BadKey);
    }
    Ok(Some(text))
}

impl Key {
    /// The key `text` of a request of this caller. One of a namespace that was deleted is none of
    /// another that has its name.
    #[must_use]
    pub fn new(caller: &Identity, text: &str, method: &str, target: &str, body: &[u8]) -> Self {
        let since = caller.since.0.to_be_bytes();
        let namespace = [caller.namespace.as_str().as_bytes(), b"\0", &since].concat();
        let key = digest([&namespace, b"client", text.as_bytes()]);
        Self { key, request: digest([method.as_bytes(), target.as_bytes(), body]) }
    }
}

/// Of parts that cannot run into each other.
fn digest(parts: [&[u8]; 3]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Never,
    /// This very request was accepted as this activation.
    Before(ActivationId),
    /// It was used by another request.
    Otherwise,
}

impl Controller {
    /// What is known of a key.
    #[must_use]
    pub fn key_seen(&self, key: &Key) -> Seen {
        self.partition.read(|ledger| match ledger.key_use(KeyClass::Client, &key.key) {
            None => Seen::Never,
            Some(used) if used.request == key.request => Seen::Before(used.first),
            Some(_) => Seen::Otherwise,
        })
    }

    /// Whether the namespace may use one more key.
    ///
    /// # Errors
    /// [`TooManyKeys`].
    pub fn key_has_room(&self, caller: &Identity) -> Result<(), TooManyKeys> {
        let count = self.partition.read(|ledger| ledger.keys_in_use(&caller.namespace));
        let allowed = self.config.idempotency_keys;
        if count < allowed { Ok(()) } else { Err(TooManyKeys { count, allowed }) }
    }

    pub(crate) fn key_use(&self, key: &Key) -> KeyUse {
        KeyUse {
            class: KeyClass::Client,
            window: self.key_window(),
            key: key.key,
            request: key.request,
            since: self.partition.applied(),
        }
    }

    fn key_window(&self) -> Millis {
        Millis(self.config.idempotency_minutes * 60_000)
    }

    /// When a key ends that was used at a time.
    pub(crate) fn key_expires(&self, used: WallTime) -> WallTime {
        WallTime(used.0.saturating_add_unsigned(self.key_window().0))
    }

    /// The answer to a request that was accepted before as `first`: as it was, or would have been.
    ///
    /// # Errors
    /// [`Error::RecordGone`], [`Error::Read`].
    pub async fn replay(&self, call: &Call<'_>, first: ActivationId) -> Result<Reply, Error> {
        self.answer_again(call.caller, call.waiting, call.key, first).await
    }

    /// The same, for a request of which no more is known than its key.
    ///
    /// # Errors
    /// [`Error::RecordGone`], [`Error::Read`].
    pub async fn answer_again(
        &self,
        caller: &Identity,
        waiting: Waiting,
        key: Option<&Key>,
        first: ActivationId,
    ) -> Result<Reply, Error> {
        let key_expires = match key {
            Some(key) => self.key_known_until(key, first).await?,
            None => None,
        };
        let accepted = |ended| Reply { id: first, ended, replayed: true, key_expires };
        if !waiting.blocking {
            return Ok(accepted(None));
        }
        let wait = self.partition.wait_for(first, waiting.patience);
        if self.partition.read(|ledger| ledger.open(&first).is_some()) {
            let Some(told) = wait.outcome().await else {
                return Ok(accepted(None));
            };
            let ended = self.body(&told.ended.row, &told.record, waiting.result).await?;
            return Ok(accepted(Some(ended)));
        }
        drop(wait);
        let activations = self.activations();
        let row = match activations.row(&caller.namespace, first).await {
            Ok(row) => row,
            // It runs still, or nobody can say yet how it ended: the id is what is certain.
            Err(Failed::Building { .. } | Failed::Open) => return Ok(accepted(None)),
            Err(Failed::Unknown | Failed::Gone) => return Err(Error::RecordGone(first)),
            Err(other) => return Err(other.into()),
        };
        let terminal = match activations.terminal(&row).await {
            Ok(terminal) => terminal,
            Err(Failed::Gone) => return Err(Error::RecordGone(first)),
            Err(other) => return Err(other.into()),
        };
        Ok(accepted(Some(self.body(&row, &terminal, waiting.result).await?)))
    }

    /// When a live key ends: its window after the clock of its `Accept`.
    ///
    /// # Errors
    /// [`Error::RecordGone`]: retention has removed the `Accept`, and so the activation.
    async fn key_known_until(
        &self,
        key: &Key,
        first: ActivationId,
    ) -> Result<Option<WallTime>, Error> {
        let find = |ledger: &ledger::fold::Ledger| {
            let used = ledger.key_use(KeyClass::Client, &key.key)?;
            Some((used.accepted, used.window))
        };
        let found: Option<(Offset, Millis)> = self.partition.read(find);
        let Some((at, window)) = found else { return Ok(None) };
        match self.partition.record(at).await {
            Ok(record) => Ok(Some(WallTime(record.at.0.saturating_add_unsigned(window.0)))),
            Err(ReadError::Gone(_)) => Err(Error::RecordGone(first)),
            Err(ReadError::Damaged { .. }) => Ok(None),
        }
    }
}

/// How long a client should wait before it uses a new key: some have ended by then.
pub const RETRY_AFTER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::name::Namespace;

    use super::*;

    #[test]
    fn a_key_is_visible_ascii_and_sent_once() {
        let headers = |values: &[&str]| -> HeaderMap {
            values.iter().map(|value| (HEADER.parse().unwrap(), value.parse().unwrap())).collect()
        };
        assert_eq!(sent(&headers(&[])), Ok(None));
        assert_eq!(sent(&headers(&["load-7"])), Ok(Some("load-7")));
        let long = "x".repeat(257);
        for bad in [&[""][..], &["a b"], &["a", "a"], &[&long]] {
            assert_eq!(sent(&headers(bad)), Err(BadKey), "{bad:?}");
        }
        assert!(sent(&headers(&[&long[1..]])).is_ok());
    }

    #[test]
    fn a_request_differs_by_any_of_its_parts() {
        let guest = identity("guest", 1);
        let key = |text, method, target, body: &[u8]| Key::new(&guest, text, method, target, body);
        let first = key("k", "POST", "/a?x=1", b"{}");
        assert_eq!(first, key("k", "POST", "/a?x=1", b"{}"));
        assert_ne!(first.request, key("k", "POST", "/a?x=1", b"{} ").request);
        assert_ne!(first.request, key("k", "POST", "/a?x=1{", b"}").request);
        assert_ne!(first.key, key("K", "POST", "/a?x=1", b"{}").key);
        // Another namespace, and one that was made again under the same name.
        for other in [identity("other", 1), identity("guest", 2)] {
            assert_ne!(first.key, Key::new(&other, "k", "POST", "/a?x=1", b"{}").key);
        }
    }

    fn identity(namespace: &str, since: u64) -> Identity {
        Identity {
            subject: "guest".to_owned(),
            namespace: Namespace::new(namespace).unwrap(),
            since: Offset(since),
            limits: Arc::default(),
        }
    }
}
