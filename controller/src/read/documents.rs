//! Documents that were read lately.
//!
//! A parsed document is remembered under key and revision, so it never goes stale; it is forgotten
//! when the bound wants it. Whoever needs several looks at all of them at one state of the fold
//! ([`View`]); what has to be read from the blob store first is read between two looks.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ledger::fold::{Entity, Ledger};
use ledger::record::{EntityKey, Pin, Step};
use model::action::Action;
use model::id::Offset;
use model::package::Package;
use model::parameters::Parameters;
use model::rule::Rule;
use model::trigger::Trigger;
use store::blobs::Blobs;
use tokio::sync::Semaphore;

use super::stored::{self, Collection, Named, Place};
use crate::owner::Partition;

/// Bytes of documents that one generation of the memory holds; there are two.
const GENERATION: usize = 16 << 20;
/// What a remembered document costs beside its bytes.
const OVERHEAD: usize = 512;
/// How often documents may have to be read before all that one look needs is there.
const LOOKS: usize = 100;
/// Bytes of documents that are read for one look at most: they are kept until its end, beside the
/// memory.
const KEPT: usize = 64 << 20;
/// Looks that keep more than this take turns, so many at a time.
const LARGE: usize = 1 << 20;
const LARGE_LOOKS: usize = 4;

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
    /// Documents changed as fast as they were read.
    #[error("the documents changed each time that they were looked at")]
    Restless,
    /// More is needed for one look than is ever read for one.
    #[error("what is needed takes more than {KEPT} bytes")]
    TooLarge,
}

/// A document that was read. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Known {
    /// An action or a sequence.
    Action(Arc<KnownAction>),
    /// A package or a binding.
    Package(Arc<Package>),
    /// A trigger.
    Trigger(Arc<Trigger>),
    /// A rule.
    Rule(Arc<Rule>),
}

/// An action that was read, and what was last made of it.
#[derive(Debug)]
pub struct KnownAction {
    action: Action,
    step: Mutex<Option<Arc<Step>>>,
}

impl KnownAction {
    /// The pinned form of it, reached through these packages and this binding. Made by `make`, unless
    /// it is the one that was made last.
    pub fn step(
        &self,
        beneath: &[Pin],
        binding: Option<&str>,
        make: impl FnOnce(&Action) -> Step,
    ) -> Arc<Step> {
        // One whole value: right at every moment, so poison says nothing.
        let mut last = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(step) if step.beneath == beneath && step.binding.as_deref() == binding => {
                Arc::clone(step)
            }
            _ => Arc::clone(last.insert(Arc::new(make(&self.action)))),
        }
    }
}

impl Deref for KnownAction {
    type Target = Action;

    fn deref(&self) -> &Action {
        &self.action
    }
}

impl From<Named> for Known {
    fn from(named: Named) -> Self {
        match named {
            Named::Action(action) => {
                Self::Action(Arc::new(KnownAction { action, step: Mutex::default() }))
            }
            Named::Package(package) => Self::Package(Arc::new(package)),
            Named::Trigger(trigger) => Self::Trigger(Arc::new(trigger)),
            Named::Rule(rule) => Self::Rule(Arc::new(rule)),
        }
    }
}

/// Documents that were read lately. Cheap to clone; all clones are one memory.
#[derive(Clone)]
pub struct Documents {
    blobs: Blobs,
    memory: Arc<RwLock<Memory>>,
    large: Arc<Semaphore>,
}

/// Two generations: what is used in the old one moves to the young one; when that is full it becomes
/// the old one, and what nobody used since is gone.
#[derive(Default)]
struct Memory {
    young: HashMap<Pin, (Known, usize)>,
    old: HashMap<Pin, (Known, usize)>,
    bytes: usize,
}

/// One look at the fold, with the documents that are in memory.
pub struct View<'a> {
    /// The fold.
    pub ledger: &'a Ledger,
    documents: &'a Documents,
    unread: HashSet<Pin>,
    /// What was read for this look, or could not be.
    read: &'a mut HashMap<Pin, Result<Known, Unreadable>>,
}

/// An entity as one look at the fold found it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its key and revision.
    pub pin: Pin,
    /// First put after absence.
    pub born: Offset,
    /// Last touched, or born.
    pub contents: Offset,
    /// Its document.
    pub known: Known,
}

/// Why a look came to no end.
#[derive(Debug)]
pub enum Stop<E> {
    /// A document has to be read first; the view knows which.
    Read,
    /// This.
    No(E),
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Self {
        Self::No(error)
    }
}

impl<E> Stop<E> {
    /// The same for whoever has other errors.
    pub fn widen<F: From<E>>(self) -> Stop<F> {
        match self {
            Self::Read => Stop::Read,
            Self::No(error) => Stop::No(error.into()),
        }
    }
}

impl View<'_> {
    /// The entity of this key, if there is one.
    ///
    /// # Errors
    /// [`Stop::Read`] if its document has to be read first: whoever can, goes on to find out what
    /// else has to be.
    pub fn get<E: From<Unreadable>>(&mut self, key: &EntityKey) -> Result<Option<Seen>, Stop<E>> {
        let Some(entity) = self.ledger.entity(key) else { return Ok(None) };
        let &Entity { born, revision, contents, .. } = entity;
        let pin = Pin { key: key.clone(), revision };
        if let Some(read) = self.read.remove(&pin) {
            // Whoever asks once more in this look is told that it cannot be used, no more.
            let corrupted = |_: &Unreadable| Unreadable::Corrupted(key.clone());
            self.read.insert(pin.clone(), read.as_ref().map(Known::clone).map_err(corrupted));
            let known = read.map_err(|error| Stop::No(error.into()))?;
            return Ok(Some(Seen { pin, born, contents, known }));
        }
        match self.documents.now(self.ledger, &pin) {
            Ok(Some(known)) => Ok(Some(Seen { pin, born, contents, known })),
            Ok(None) => {
                self.unread.insert(pin);
                Err(Stop::Read)
            }
            Err(error) => Err(Stop::No(error.into())),
        }
    }
}

impl Documents {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(blobs: Blobs) -> Self {
        let large = Arc::new(Semaphore::new(LARGE_LOOKS));
        Self { blobs, memory: Arc::default(), large }
    }

    /// What `look` finds at one state of the fold, once all documents that it needs are in memory.
    ///
    /// # Errors
    /// Those of `look`, and [`Unreadable`].
    pub async fn look<T, E: From<Unreadable>>(
        &self,
        partition: &Partition,
        mut look: impl FnMut(&mut View<'_>) -> Result<T, Stop<E>>,
    ) -> Result<T, E> {
        // Beside the memory, which may forget the first of many before the last is read.
        let (mut read, mut bytes, mut turn) = (HashMap::new(), 0, None);
        for _ in 0..LOOKS {
            let (found, unread) = partition.read(|ledger| {
                let mut view =
                    View { ledger, documents: self, unread: HashSet::new(), read: &mut read };
                (look(&mut view), view.unread)
            });
            match found {
                Ok(found) => return Ok(found),
                Err(Stop::No(error)) => return Err(error),
                Err(Stop::Read) => {}
            }
            for pin in unread {
                let known = match Box::pin(self.read(partition, &pin)).await {
                    Ok((known, size)) => {
                        bytes += size;
                        Ok(known)
                    }
                    // Replaced since the look: the next one sees what is there now.
                    Err(Unreadable::Gone(_)) => continue,
                    // For the next look to tell, in the words of whoever looks.
                    Err(error) => Err(error),
                };
                read.insert(pin, known);
                if bytes > KEPT {
                    return Err(Unreadable::TooLarge.into());
                }
                if bytes > LARGE && turn.is_none() {
                    // Never closed.
                    turn = self.large.acquire().await.ok();
                }
            }
        }
        Err(Unreadable::Restless.into())
    }

    /// The document of an entity as it is now, first looked for at this revision. `None`: it was
    /// deleted meanwhile.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub async fn latest(
        &self,
        partition: &Partition,
        mut pin: Pin,
    ) -> Result<Option<Known>, Unreadable> {
        for _ in 0..LOOKS {
            match self.at(partition, &pin).await {
                Err(Unreadable::Gone(_)) => {}
                read => return read.map(Some),
            }
            let now = partition.read(|ledger| ledger.entity(&pin.key).map(|it| it.revision));
            let Some(revision) = now else { return Ok(None) };
            pin.revision = revision;
        }
        Err(Unreadable::Restless)
    }

    /// The document at a revision, if it can be had without waiting.
    #[must_use]
    pub fn cached(&self, partition: &Partition, pin: &Pin) -> Option<Known> {
        self.remembered(pin)
            .or_else(|| partition.read(|ledger| self.now(ledger, pin)).ok().flatten())
    }

    /// The document at a revision.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub async fn at(&self, partition: &Partition, pin: &Pin) -> Result<Known, Unreadable> {
        if let Some(known) = partition.read(|ledger| self.now(ledger, pin))? {
            return Ok(known);
        }
        Ok(self.read(partition, pin).await?.0)
    }

    /// The document at a revision from where it is stored, and its bytes.
    async fn read(&self, partition: &Partition, pin: &Pin) -> Result<(Known, usize), Unreadable> {
        let place = partition.read(|ledger| {
            let entity = ledger.document_at(pin)?;
            match stored::place(&entity.document) {
                Some(Place::Blob(digest)) => Some(digest),
                Some(Place::Here(_)) | None => None,
            }
        });
        let digest = place.ok_or_else(|| Unreadable::Gone(pin.key.clone()))?;
        let bytes = self.blobs.get_async(digest).await;
        let bytes = bytes.map_err(|source| Unreadable::Blob { key: pin.key.clone(), source })?;
        Ok((self.parse(pin, &bytes)?, bytes.len()))
    }

    /// From the memory or from a small document. For use under the lock of the fold. `None`: it is a
    /// blob that has to be read first.
    fn now(&self, ledger: &Ledger, pin: &Pin) -> Result<Option<Known>, Unreadable> {
        if let Some(known) = self.remembered(pin) {
            return Ok(Some(known));
        }
        let entity = ledger.document_at(pin).ok_or_else(|| Unreadable::Gone(pin.key.clone()))?;
        match stored::place(&entity.document) {
            None => Err(Unreadable::Corrupted(pin.key.clone())),
            Some(Place::Blob(_)) => Ok(None),
            Some(Place::Here(bytes)) => self.parse(pin, bytes).map(Some),
        }
    }

    fn remembered(&self, pin: &Pin) -> Option<Known> {
        let old = {
            let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
            match memory.young.get(pin) {
                Some((known, _)) => return Some(known.clone()),
                None => memory.old.get(pin).cloned(),
            }
        };
        let (known, size) = old?;
        self.remember(pin, &known, size);
        Some(known)
    }

    fn remember(&self, pin: &Pin, known: &Known, size: usize) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        if memory.young.insert(pin.clone(), (known.clone(), size)).is_none() {
            memory.bytes += size;
        }
        if memory.bytes > GENERATION {
            memory.old = std::mem::take(&mut memory.young);
            memory.bytes = 0;
        }
    }

    fn parse(&self, pin: &Pin, bytes: &[u8]) -> Result<Known, Unreadable> {
        let named: Option<Named> = stored::decode(bytes);
        let known = Known::from(named.ok_or_else(|| Unreadable::Corrupted(pin.key.clone()))?);
        self.remember(pin, &known, bytes.len() + OVERHEAD);
        Ok(known)
    }
}

impl Known {
    /// What it is listed under.
    #[must_use]
    pub fn collection(&self) -> Collection {
        match self {
            Self::Action(_) => Collection::Actions,
            Self::Package(_) => Collection::Packages,
            Self::Trigger(_) => Collection::Triggers,
            Self::Rule(_) => Collection::Rules,
        }
    }

    /// The parameters of what has some.
    #[must_use]
    pub fn parameters(&self) -> Option<&Parameters> {
        match self {
            Self::Action(action) => Some(&action.parameters),
            Self::Package(package) => Some(&package.parameters),
            Self::Trigger(trigger) => Some(&trigger.parameters),
            Self::Rule(_) => None,
        }
    }

    /// The action, if it is one.
    #[must_use]
    pub fn action(&self) -> Option<&Arc<KnownAction>> {
        match self {
            Self::Action(action) => Some(action),
            Self::Package(_) | Self::Trigger(_) | Self::Rule(_) => None,
        }
    }

    /// The package or binding, if it is one.
    #[must_use]
    pub fn package(&self) -> Option<&Arc<Package>> {
        match self {
            Self::Package(package) => Some(package),
            Self::Action(_) | Self::Trigger(_) | Self::Rule(_) => None,
        }
    }

    /// The trigger, if it is one.
    #[must_use]
    pub fn trigger(&self) -> Option<&Arc<Trigger>> {
        match self {
            Self::Trigger(trigger) => Some(trigger),
            Self::Action(_) | Self::Package(_) | Self::Rule(_) => None,
        }
    }

    /// The rule, if it is one.
    #[must_use]
    pub fn rule(&self) -> Option<&Arc<Rule>> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::Action(_) | Self::Package(_) | Self::Trigger(_) => None,
        }
    }
}
