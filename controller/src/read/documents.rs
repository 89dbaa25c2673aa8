//! Stored documents: their form, and those that were read lately.
//!
//! A document is a version byte and `postcard`. What stands in the name table says first which kind of
//! entity it is ([`Named`]); identities and limits are of one type per key. A parsed document is
//! remembered under key and revision, so it never goes stale; it is forgotten when the bound wants it.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use ledger::fold::{Entity, Ledger};
use ledger::record::{Document, EntityKey, Pin, Step};
use model::action::Action;
use model::id::Digest;
use model::parameters::Parameters;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::blobs::Blobs;

use crate::owner::Partition;

/// The version of the form that is written.
const VERSION: u8 = 1;
/// Documents up to here travel inside records.
pub const INLINE: usize = 2 << 10;
/// Bytes of documents that one generation of the memory holds; there are two.
const GENERATION: usize = 16 << 20;
/// What a remembered document costs beside its bytes.
const OVERHEAD: usize = 512;

/// What stands in the name table of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Named {
    /// An action or a sequence.
    Action(Action),
}

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The revision is not held any more.
    #[error("{0} is not held at the pinned revision")]
    Gone(EntityKey),
    /// It is not of the form that is known here.
    #[error("the stored document of {0} cannot be understood")]
    Corrupted(EntityKey),
    /// Its blob cannot be read.
    #[error("read the stored document of {key}")]
    Blob {
        /// Of which entity.
        key: EntityKey,
        /// Why.
        source: store::blobs::Error,
    },
}

/// An action that was read, and what is always made of it.
#[derive(Debug)]
pub struct Known {
    action: Action,
    step: OnceLock<Arc<Step>>,
}

impl Known {
    /// The pinned form of it, made once by `make`.
    pub fn step(&self, make: impl FnOnce(&Action) -> Step) -> Arc<Step> {
        Arc::clone(self.step.get_or_init(|| Arc::new(make(&self.action))))
    }
}

impl Deref for Known {
    type Target = Action;

    fn deref(&self) -> &Action {
        &self.action
    }
}

/// Actions that were read lately. Cheap to clone; all clones are one memory.
#[derive(Clone)]
pub struct Documents {
    blobs: Blobs,
    memory: Arc<RwLock<Memory>>,
}

/// Two generations: what is used in the old one moves to the young one; when that is full it becomes
/// the old one, and what nobody used since is gone.
#[derive(Default)]
struct Memory {
    young: HashMap<Pin, (Arc<Known>, usize)>,
    old: HashMap<Pin, (Arc<Known>, usize)>,
    bytes: usize,
}

/// The bytes of a stored document.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Serialising plain data into a vector has nothing to fail on; an empty document would be told as
    // corrupted by whoever reads it.
    postcard::to_extend(value, vec![VERSION]).unwrap_or_default()
}

/// What stands in a stored document; `None` if it cannot be understood.
#[must_use]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match bytes.split_first()? {
        (&VERSION, rest) => postcard::from_bytes(rest).ok(),
        _ => None,
    }
}

/// What stands in a document that is never larger than a record may hold inside.
///
/// # Errors
/// [`Unreadable::Corrupted`].
pub fn small<T: DeserializeOwned>(key: &EntityKey, entity: &Entity) -> Result<T, Unreadable> {
    match &entity.document {
        Document::Inline(bytes) => decode(bytes),
        Document::Blob { .. } => None,
    }
    .ok_or_else(|| Unreadable::Corrupted(key.clone()))
}

impl Documents {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(blobs: Blobs) -> Self {
        Self { blobs, memory: Arc::default() }
    }

    /// The action at a revision, if it can be had without waiting.
    #[must_use]
    pub fn cached_action(&self, partition: &Partition, pin: &Pin) -> Option<Arc<Known>> {
        self.remembered(pin)
            .or_else(|| partition.read(|ledger| self.now(ledger, pin)).ok().flatten())
    }

    /// The action at a revision, from the memory or from a small document. For use under the lock
    /// of the fold. `None`: it is a blob that has to be read first.
    ///
    /// # Errors
    /// [`Unreadable::Gone`], [`Unreadable::Corrupted`].
    pub fn now(&self, ledger: &Ledger, pin: &Pin) -> Result<Option<Arc<Known>>, Unreadable> {
        if let Some(known) = self.remembered(pin) {
            return Ok(Some(known));
        }
        match ledger.document_at(pin).map(|entity| &entity.document) {
            None => Err(Unreadable::Gone(pin.key.clone())),
            Some(Document::Blob { .. }) => Ok(None),
            Some(Document::Inline(bytes)) => self.parse(pin, bytes).map(Some),
        }
    }

    /// The action at a revision.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub async fn action_at(
        &self,
        partition: &Partition,
        pin: &Pin,
    ) -> Result<Arc<Known>, Unreadable> {
        if let Some(known) = partition.read(|ledger| self.now(ledger, pin))? {
            return Ok(known);
        }
        let blob = partition.read(|ledger| blob_of(ledger, pin));
        let digest = blob.ok_or_else(|| Unreadable::Gone(pin.key.clone()))?;
        let bytes = self.blobs.get_async(digest).await;
        let bytes = bytes.map_err(|source| Unreadable::Blob { key: pin.key.clone(), source })?;
        self.parse(pin, &bytes)
    }

    /// The parameters of an entity at a revision: of a package or a binding.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub async fn parameters_at(
        &self,
        partition: &Partition,
        pin: &Pin,
    ) -> Result<Parameters, Unreadable> {
        Ok(self.action_at(partition, pin).await?.parameters.clone())
    }

    fn remembered(&self, pin: &Pin) -> Option<Arc<Known>> {
        let old = {
            let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
            match memory.young.get(pin) {
                Some((known, _)) => return Some(Arc::clone(known)),
                None => memory.old.get(pin).cloned(),
            }
        };
        let (known, size) = old?;
        self.remember(pin, &known, size);
        Some(known)
    }

    fn remember(&self, pin: &Pin, known: &Arc<Known>, size: usize) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        if memory.young.insert(pin.clone(), (Arc::clone(known), size)).is_none() {
            memory.bytes += size;
        }
        if memory.bytes > GENERATION {
            memory.old = std::mem::take(&mut memory.young);
            memory.bytes = 0;
        }
    }

    fn parse(&self, pin: &Pin, bytes: &[u8]) -> Result<Arc<Known>, Unreadable> {
        let Some(Named::Action(action)) = decode(bytes) else {
            return Err(Unreadable::Corrupted(pin.key.clone()));
        };
        let known = Arc::new(Known { action, step: OnceLock::new() });
        self.remember(pin, &known, bytes.len() + OVERHEAD);
        Ok(known)
    }
}

fn blob_of(ledger: &Ledger, pin: &Pin) -> Option<Digest> {
    ledger.document_at(pin)?.document.blob()
}

#[cfg(test)]
mod tests {
    use model::action::{Exec, Version};
    use model::limits::ActionLimits;
    use model::time::WallTime;

    use super::*;

    #[test]
    fn a_document_is_read_back_and_another_version_is_not() {
        let action = Action {
            exec: Exec::Sequence(vec!["/guest/a".to_owned()]),
            parameters: Parameters::default(),
            annotations: Parameters::default(),
            limits: ActionLimits::default(),
            version: Version::default(),
            publish: false,
            updated: WallTime(7),
        };
        let mut bytes = encode(&Named::Action(action.clone()));
        assert_eq!(&bytes[..2], [VERSION, 0], "version, then which kind of entity");
        assert_eq!(decode(&bytes), Some(Named::Action(action)));
        bytes[0] = 9;
        assert_eq!(decode::<Named>(&bytes), None);
        assert_eq!(decode::<Named>(&[]), None);
    }
}
