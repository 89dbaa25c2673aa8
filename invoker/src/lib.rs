//! The right to start, the pool, one run.

pub mod driver;
