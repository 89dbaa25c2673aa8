//! Whole runs through [`crate::Driver`], of modules written as text.

mod hostile;
mod inspection;
mod outcomes;
pub(crate) mod stage;
mod wasi;
