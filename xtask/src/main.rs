//! `cargo xtask`: what people and CI do with this repository, one command each.
//!
//! It uses no crate of ours, so it compiles in seconds and can judge all of them from outside. What
//! needs the platform (`demo`, `chaos`, `bench`, `simulate`) is a program of crate `tests`, which is
//! built and started here. Every failure names the command that repeats it.
#![expect(clippy::print_stdout, reason = "its output is for the person who started it")]
#![expect(
    clippy::disallowed_methods,
    reason = "a tool for developers: it reads the clock to time phases and simulates nothing"
)]

mod check;
mod engine;
mod install;
mod lock;
mod programs;
mod samples;
mod shell;
mod source;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// What people and CI do with this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the platform, deploy a real pipeline, feed it real data, show what came out
    Demo(programs::Demo),
    /// Install and start what the tests need, then run everything
    Test(test::Args),
    /// Format, clippy, docs, and the invariants of the layout
    Check(check::Args),
    /// Kill the server again and again under load; nothing may be lost or doubled
    Chaos(programs::Chaos),
    /// Measure against the yardsticks of this machine (release build)
    Bench(programs::Bench),
    /// Run whole worlds of faults from seeds, without a disk or a socket
    Simulate(programs::Simulate),
    /// Build the sample modules again from their sources
    Samples(lock::Args),
    /// Build the JavaScript engine again from its sources
    Engine(lock::Args),
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            shell::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    std::env::set_current_dir(&workspace.root).context("go to the top of the repository")?;
    match args.command {
        Command::Demo(args) => programs::demo(&workspace, &args),
        Command::Chaos(args) => programs::chaos(&workspace, &args),
        Command::Bench(args) => programs::bench(&workspace, &args),
        Command::Simulate(args) => programs::simulate(&workspace, &args),
        Command::Check(args) => check::run(&workspace, &args),
        Command::Samples(args) => samples::run(&workspace, &args),
        Command::Engine(args) => engine::run(&workspace, &args),
        Command::Test(args) => return Ok(test::run(&workspace, &args)),
    }?;
    Ok(ExitCode::SUCCESS)
}
