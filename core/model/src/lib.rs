//! The nouns of the platform, parsed and checked: names, ids, limits, entities, outcomes.
//!
//! Whatever enters from outside becomes one of these types once, at the edge; the type is the
//! proof that it was checked. Nothing here does I/O, waits, or asks for the time.

pub mod action;
pub mod activation;
pub mod id;
pub mod identity;
pub mod json;
pub mod limits;
pub mod name;
pub mod ordered;
pub mod outcome;
pub mod package;
pub mod parameters;
pub mod rule;
pub mod size;
pub mod time;
pub mod trigger;
