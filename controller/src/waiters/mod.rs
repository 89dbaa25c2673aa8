//! Callers that wait for the end of an activation.

pub mod step;
