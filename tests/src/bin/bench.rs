//! `cargo xtask bench`: see `quirl_tests::bench`.

use anyhow::Result;
use clap::Parser as _;

fn main() -> Result<()> {
    quirl_tests::bench::run(&quirl_tests::bench::Args::parse())
}
