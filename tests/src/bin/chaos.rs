//! `cargo xtask chaos`: kills the server again and again under load, and then looks for what was
//! lost, doubled, or answered otherwise than it is recorded.
#![expect(clippy::print_stdout, reason = "its output is for the person who started it")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use quirl_tests::chaos::{self, Task};
use quirl_tests::platform::{Flags, Programs};

/// Kill the server again and again under load; nothing may be lost or doubled
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// How often to kill it
    #[arg(long, default_value_t = 30)]
    kills: u32,
    /// Repeats the random choices of another run
    #[arg(long)]
    seed: Option<u64>,
    /// Where journals, logs and data are kept; they stay
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let programs = Programs::from(&args.flags)?;
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()));
    // A passing folder goes only when all went well, so that a panic leaves it as well.
    let folder = match &args.data {
        Some(folder) => folder.clone(),
        None => tempfile::Builder::new().prefix("quirl-chaos-").tempdir()?.keep(),
    };
    let task = Task { programs, kills: args.kills, seed, folder: folder.clone() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let Err(error) = runtime.block_on(chaos::run(&task)) else {
        println!("nothing lost, nothing doubled");
        if args.data.is_none() {
            std::fs::remove_dir_all(&folder)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    println!("FAILED: {error:#}");
    println!("journals, server.log and data are in {}", folder.display());
    println!("again: cargo xtask chaos --kills {} --seed {seed}", args.kills);
    Ok(ExitCode::FAILURE)
}
