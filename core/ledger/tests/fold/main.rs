//! Tests of the fold: tables in words, golden bytes, random streams, mutants.
#![allow(missing_docs, unreachable_pub, reason = "tests")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_imports,
    reason = "small numbers, short tests"
)]

extern crate quirl_ledger as ledger; // as all other crates call it

mod checker;
mod golden;
#[cfg(debug_assertions)] // in a release build rules cannot be taken away
mod mutants;
mod samples;
mod sequences;
mod speed;
mod streams;
mod tables;
mod words;
mod world;
