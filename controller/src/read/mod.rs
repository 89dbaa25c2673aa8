//! Reading: stored documents of entities, records of activations, histories.
//!
//! Nothing here decides who may read; entities come from the fold, bodies from the segments and the
//! blob store. No lock is held across an `await`.

pub mod activation;
pub mod documents;
pub mod history;
pub mod identities;
pub mod stats;
pub mod stored;

pub use documents::{Documents, Known, KnownAction};
