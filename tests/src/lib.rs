//! One harness for everything that looks at the whole platform from outside.
//!
//! [`platform`] builds and runs the real `quirld`, kills it and starts it again; [`wire`] speaks
//! HTTP byte by byte, where [`api::client`] is too polite; [`cases`] runs tables of requests;
//! [`journal`] keeps what clients sent and were told, [`collector`] what actions sent;
//! [`ledger_dump`] reads the ledger of a stopped
//! server; [`checker`] holds all of that against the invariants of `exactly-once.md` §13.
//!
//! The suites are in `tests/`, the programs (`demo`, `chaos`, …) in `src/bin/`.
#![expect(
    clippy::disallowed_methods,
    reason = "a harness drives real processes from outside: it reads clocks and the environment, \
              and waits between two looks at them"
)]

pub mod bench;
pub mod cases;
pub mod chaos;
pub mod checker;
pub mod collector;
pub mod demo;
pub mod engine;
pub mod eventually;
pub mod journal;
pub mod ledger_dump;
pub mod model;
pub mod platform;
pub mod simulator;
pub mod table;
pub mod wire;
