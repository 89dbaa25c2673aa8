//! `quirl`: the command line of the platform, in the forms of `wsk`.
//!
//! It speaks REST like any client and keeps no state but the properties file. Help is printed
//! before anything else is read or started, so it comes within milliseconds.

use std::process::ExitCode;

use clap::Parser as _;

mod archive;
mod args;
mod command;
mod error;
mod output;
mod profile;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let mut output = output::Output::of_process();
    let code = match command::run(args, profile::Environment::of_process(), &mut output) {
        Ok(code) => code,
        Err(error) => {
            output.failure(&error);
            error.exit_code()
        }
    };
    ExitCode::from(output.close(code))
}
