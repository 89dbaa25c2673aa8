//! What is kept beside the ledger: the index that finds activations, and the blobs that records name.
//!
//! The [`index`] is derived: it may be deleted at any time and is then rebuilt from the log. The
//! [`blobs`] are not: a blob is synced before the record that names it (I31).
//!
//! Everything here blocks. Callers on an async runtime go through `spawn_blocking`, or use the
//! wrappers of [`blobs::Blobs`] whose names end in `_async`.

pub mod blobs;
pub mod index;
