//! `quirld`: the server. Arguments, configuration, run.

mod admin;
mod args;
mod config;
mod disk;
mod failpoint;
mod guest;
mod observe;
mod secrets;
mod serve;
mod wire;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_CONFIG`: the configuration is wrong.
const BAD_CONFIGURATION: u8 = 78;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Compile) = args.command {
        return wasm::compile();
    }
    let loaded = match config::load(&args) {
        Ok(loaded) => loaded,
        Err(problems) => {
            say(&format!("quirld: the configuration is wrong; nothing was started\n{problems}"));
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    if let Some(Command::Config(_)) = args.command {
        print(&loaded.show());
        return ExitCode::SUCCESS;
    }
    if let Some(Command::Restore(restore)) = &args.command {
        return bring_back(&restore.folder, Path::new(&loaded.value.server.data));
    }
    match serve::serve(&args, &loaded.value) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("quirld: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn bring_back(backup: &Path, data: &Path) -> ExitCode {
    match controller::backup::restore::restore(backup, data) {
        Ok(contents) => {
            let (data, offset) = (data.display(), contents.offset);
            print(&format!(
                "restored {data} from {}, up to record {offset}\nstart it with: quirld --data {data}",
                backup.display()
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("quirld: {}", daemon::shutdown::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the last words of a program that does not start")]
fn say(text: &str) {
    eprintln!("{}", text.trim_end());
}

#[expect(clippy::print_stdout, reason = "what was asked for")]
fn print(text: &str) {
    println!("{}", text.trim_end());
}
