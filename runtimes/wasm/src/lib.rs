//! Driver: sandboxes of wasmtime.
//!
//! Each attempt runs in an instance of its own, made for it and dropped behind it: nothing that a
//! guest did is there for the next. Guests run on threads of this crate, are interrupted every
//! millisecond, and have a limit each for time, memory, tables and output, and one budget together.
//!
//! Left to others: who may run what and when (`invoker`), what becomes of an outcome (`ledger`).
//!
//! Source: `action-runtime.md` §18, `design.md` §§5, 7.

mod archive;
mod budget;
mod config;
mod driver;
mod egress;
mod engine;
mod executor;
mod host;
mod inspect;
mod instance;
mod output;
mod script;

#[cfg(test)]
mod tests;

pub use self::config::{Config, Outside};
pub use self::driver::{Driver, Error, KindOf, Way, kinds};
pub use self::egress::Config as EgressConfig;
pub use self::engine::{Compiler, compile};
