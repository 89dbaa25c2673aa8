//! Whole runs through [`crate::Driver`], of modules written as text.

mod hostile;
mod inspection;
mod outcomes;
mod scripts;
pub(crate) mod stage;
mod wasi;
