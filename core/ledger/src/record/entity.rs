//! Entities in records: what changes, and which facts a change rests on.

use bytes::Bytes;
use model::id::{Digest, Offset};
use serde::{Deserialize, Serialize};

use super::{EntityKey, Stamp};

/// See [`Body::Write`](super::Body::Write).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Signature.
    pub stamp: Stamp,
    /// All at once, in order.
    pub ops: Vec<Op>,
    /// Every fact that the verdict was based on.
    pub expect: Vec<Expect>,
    /// The request behind it: its transaction id.
    pub by: String,
}

/// One change of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Stores a document under a key.
    Put {
        /// Where.
        key: EntityKey,
        /// What.
        document: Document,
        /// Blobs that the document names inside, such as code.
        blobs: Vec<Digest>,
    },
    /// Removes the document.
    Delete(EntityKey),
    /// Moves the entity's `contents` mark.
    Touch(EntityKey),
}

/// A stored document; the fold never looks inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Document {
    /// At most 2 KiB.
    Inline(Bytes),
    /// Larger: a blob, synced before the record that names it.
    Blob {
        /// Its name.
        digest: Digest,
        /// Its length in bytes.
        length: u64,
    },
}

/// A fact about an entity that must still hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// Of which entity.
    pub key: EntityKey,
    /// What.
    pub mark: Mark,
}

/// What is expected of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// It does not exist.
    Absent,
    /// It exists, first put (after absence) at this offset.
    Born(Offset),
    /// It exists, last put at this offset.
    Revision(Offset),
    /// It exists, last touched (or born) at this offset.
    Contents(Offset),
}
