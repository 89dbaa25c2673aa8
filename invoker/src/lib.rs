//! The right to start, and one run.
//!
//! [`step`] decides whether a `Run` may be started and what is written about its end; [`task`]
//! performs that; [`run`] turns one attempt into one call of a [`driver`]. What the invoker writes
//! goes through [`task::Outlet`], and what became of it comes back as a verdict, because only the
//! owner's fold knows: nothing is taken for done because it was appended.

pub mod driver;
pub mod run;
pub mod step;
pub mod task;

pub use task::{Invoker, Outlet};
