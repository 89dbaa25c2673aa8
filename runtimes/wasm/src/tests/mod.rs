//! Whole runs through [`crate::Driver`], of modules written as text.

mod hostile;
mod inspection;
mod outcomes;
mod stage;
mod wasi;
