//! `demo`: two pipelines on real data, the server killed in the middle of it, nothing lost.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use quirl_tests::demo::{self, Options};
use quirl_tests::platform::{Flags, Programs};

/// Starts a server, runs the pipelines `weather` and `quotes` on real data, kills the server in the
/// middle of some hundred invocations, starts it again, and counts what is left.
#[derive(Debug, Parser)]
#[command(name = "demo")]
struct Args {
    #[command(flatten)]
    programs: Flags,
    /// Stop the server at the end instead of leaving it running until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Compare every figure and every record with independent Python scripts
    #[arg(long)]
    check: bool,
    /// The data folder of the server, emptied first; `demo` beside the folder of the programs
    /// unless given
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(args: Args) -> Result<()> {
    let programs = Programs::from(&args.programs)?;
    let Args { exit, check, data, .. } = args;
    demo::run(programs, Options { exit, check, data }).await
}

#[expect(clippy::print_stderr, reason = "the last words of a program that failed")]
fn complain(error: &anyhow::Error) {
    eprintln!("\nthe demo failed: {error:#}");
}
