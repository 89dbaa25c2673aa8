//! Tests of the fold: tables in words, golden bytes, random streams, mutants.
#![allow(missing_docs, unreachable_pub, reason = "tests")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::needless_pass_by_value,
    reason = "small numbers, short tests"
)]

extern crate quirl_ledger as ledger; // as all other crates call it

mod checker;
mod golden;
mod mutants;
mod samples;
mod sequences;
mod speed;
mod streams;
mod tables;
mod words;
mod world;
