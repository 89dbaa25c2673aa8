//! The form in which documents are stored.
//!
//! A document is a version byte and `postcard`. What stands in the name table of a namespace says
//! first which kind of entity it is, so that lists need not read what they do not show: a large
//! document is a blob, and in its place stands what it is of and where. Identities and limits are of
//! one type per key, and small.

use bytes::Bytes;
use ledger::fold::Entity;
use ledger::record::{Document, EntityKey, Op};
use model::action::{Action, Exec};
use model::id::Digest;
use model::package::Package;
use model::rule::Rule;
use model::trigger::Trigger;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::blobs::Blobs;

use super::documents::Unreadable;

/// The version of the form that is written.
const VERSION: u8 = 1;
/// Documents up to here travel inside records.
const INLINE: usize = 2 << 10;
/// What stands in the place of a [`Named`] that is a blob: the number behind its variants.
const LARGE: u8 = 4;

/// What stands in the name table of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Named {
    /// An action or a sequence.
    Action(Action),
    /// A package or a binding.
    Package(Package),
    /// A trigger.
    Trigger(Trigger),
    /// A rule.
    Rule(Rule),
}

/// The kinds of entities that share a name table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Collection {
    /// Actions and sequences.
    Actions,
    /// Packages and bindings.
    Packages,
    /// Triggers.
    Triggers,
    /// Rules.
    Rules,
}

impl Collection {
    /// As it is called in paths.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::Packages => "packages",
            Self::Triggers => "triggers",
            Self::Rules => "rules",
        }
    }
}

/// Where a stored document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Here.
    Here(&'a [u8]),
    /// In a blob.
    Blob(Digest),
}

/// The bytes of a stored document.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encode_as(VERSION, value)
}

/// The same for what is written in another version by now.
#[must_use]
pub fn encode_as<T: Serialize>(version: u8, value: &T) -> Vec<u8> {
    // Serialising plain data into a vector has nothing to fail on; an empty document would be told as
    // corrupted by whoever reads it.
    postcard::to_extend(value, vec![version]).unwrap_or_default()
}

/// What stands in a stored document; `None` if it cannot be understood.
#[must_use]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    decode_as(VERSION, bytes)
}

/// The same of another version.
#[must_use]
pub fn decode_as<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Option<T> {
    let (found, rest) = bytes.split_first()?;
    if *found != version {
        return None;
    }
    postcard::from_bytes(rest).ok()
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

/// The operation that stores a small document.
#[must_use]
pub fn put_small<T: Serialize>(key: EntityKey, value: &T) -> Op {
    Op::Put { key, document: Document::Inline(encode(value).into()), blobs: Vec::new() }
}

/// The operation that stores an entity under its name; a large document becomes a blob first.
///
/// # Errors
/// What the blob store says.
pub async fn put(blobs: &Blobs, key: EntityKey, named: &Named) -> Result<Op, store::blobs::Error> {
    let mut names: Vec<Digest> = named.code().into_iter().collect();
    let mut bytes = Bytes::from(encode(named));
    if bytes.len() > INLINE {
        let digest = blobs.put_async(bytes).await?;
        names.push(digest);
        bytes = encode(&(LARGE, named.collection(), digest)).into();
    }
    Ok(Op::Put { key, document: Document::Inline(bytes), blobs: names })
}

impl Named {
    /// Which kind of entity it is.
    #[must_use]
    pub fn collection(&self) -> Collection {
        match self {
            Self::Action(_) => Collection::Actions,
            Self::Package(_) => Collection::Packages,
            Self::Trigger(_) => Collection::Triggers,
            Self::Rule(_) => Collection::Rules,
        }
    }

    /// The blob with the code of an action.
    fn code(&self) -> Option<Digest> {
        match self {
            Self::Action(Action { exec: Exec::Code { code, .. }, .. }) => {
                code.as_ref().map(|code| code.digest)
            }
            Self::Action(_) | Self::Package(_) | Self::Trigger(_) | Self::Rule(_) => None,
        }
    }
}

/// Which kind of entity a document is of; `None` if it cannot be understood.
#[must_use]
pub fn collection(document: &Document) -> Option<Collection> {
    let Document::Inline(bytes) = document else {
        return Some(Collection::Actions); // by an earlier program, which knew nothing else
    };
    match bytes.get(..3)? {
        [VERSION, LARGE, of] => decode(&[VERSION, *of]),
        [VERSION, of, _] => decode(&[VERSION, *of]),
        _ => None,
    }
}

/// Where the document is; `None` if that cannot be understood.
#[must_use]
pub fn place(document: &Document) -> Option<Place<'_>> {
    match document {
        Document::Blob { digest, .. } => Some(Place::Blob(*digest)),
        Document::Inline(bytes) if bytes.get(1) == Some(&LARGE) => {
            let (_, _, digest) = decode::<(u8, Collection, Digest)>(bytes)?;
            Some(Place::Blob(digest))
        }
        Document::Inline(bytes) => Some(Place::Here(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use model::action::Version;
    use model::json::Json;
    use model::limits::ActionLimits;
    use model::parameters::Parameters;
    use model::time::WallTime;

    use super::*;

    fn action() -> Named {
        Named::Action(Action {
            exec: Exec::Sequence(vec!["/guest/a".to_owned()]),
            parameters: Parameters::default(),
            annotations: Parameters::default(),
            limits: ActionLimits::default(),
            version: Version::default(),
            publish: false,
            updated: WallTime(7),
        })
    }

    fn trigger(weight: usize) -> Named {
        let mut parameters = Parameters::default();
        parameters.set_value("weight", Json::string(&"x".repeat(weight)));
        Named::Trigger(Trigger {
            parameters,
            annotations: Parameters::default(),
            version: Version::default(),
            publish: false,
            updated: WallTime(7),
        })
    }

    #[test]
    fn a_document_is_read_back_and_another_version_is_not() {
        let mut bytes = encode(&action());
        assert_eq!(&bytes[..2], [VERSION, 0], "version, then which kind of entity");
        assert_eq!(decode(&bytes), Some(action()));
        bytes[0] = 9;
        assert_eq!(decode::<Named>(&bytes), None);
        assert_eq!(decode::<Named>(&[]), None);
    }

    #[tokio::test]
    async fn a_large_document_is_a_blob_and_still_says_what_it_is_of() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        for (named, is_here) in [(action(), true), (trigger(10), true), (trigger(3000), false)] {
            let op = put(&blobs, EntityKey("n/guest/x".into()), &named).await.unwrap();
            let Op::Put { document, blobs: names, .. } = op else { panic!("no put") };
            assert_eq!(collection(&document), Some(named.collection()));
            let bytes = match place(&document).unwrap() {
                Place::Here(bytes) => {
                    assert!(is_here && names.is_empty());
                    bytes.to_vec()
                }
                Place::Blob(digest) => {
                    assert!(!is_here && names == [digest]);
                    blobs.get_async(digest).await.unwrap().to_vec()
                }
            };
            assert_eq!(decode(&bytes), Some(named));
        }
    }
}
