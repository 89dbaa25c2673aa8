//! The heart: what happened, and what follows from it.
//!
//! [`record`] names every fact that can be written into the log; [`fold`] is the pure function
//! from a prefix of one partition to its state, with the rules of `exactly-once.md` §4. No clock,
//! randomness, I/O, floats or unordered iteration: all who read the same log agree.

pub mod fold;
pub mod hash;
pub mod hint;
pub mod id;
pub mod record;
pub mod rules;
pub mod snapshot;
