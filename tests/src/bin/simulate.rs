//! Many seeds of the deterministic simulator, one of them with its history, or a mutant.
//!
//! `cargo xtask simulate --seeds 0..100000`, `--seed 17 --trace`, `--seeds 0..500 --mutant M14`.

use std::io::Write as _;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use quirl_tests::simulator::mutants::Mutant;
use quirl_tests::simulator::world::{Load, World};
use quirl_tests::simulator::{self, Failure};

/// Runs the real state machines in simulated worlds and holds them against the invariants.
#[derive(Debug, Parser)]
struct Args {
    /// Which seeds, such as 0..1000
    #[arg(long, value_parser = range, default_value = "0..1000")]
    seeds: Range<u64>,
    /// One seed only
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Tell what happens, with --seed
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Take a rule away, such as M6: a failure is what is wanted then
    #[arg(long, value_parser = mutant)]
    mutant: Option<Mutant>,
    /// Requests in each seed
    #[arg(long, default_value_t = Load::default().invocations)]
    invocations: u64,
    /// How many seconds of simulated time they keep coming
    #[arg(long, default_value_t = Load::default().traffic.as_secs())]
    traffic: u64,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Of no use here; every program of this crate takes it
    #[arg(long, hide = true)]
    quirld: Option<String>,
    /// Of no use here; every program of this crate takes it
    #[arg(long, hide = true)]
    quirl: Option<String>,
    /// Of no use here; every program of this crate takes it
    #[arg(long, hide = true)]
    samples: Option<String>,
}

/// One line. A reader that has gone away is no failure of a seed.
fn say(line: &str) {
    let _gone = writeln!(std::io::stdout(), "{line}");
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (first, end) = text.split_once("..").ok_or("write it like 0..1000")?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
    Ok(number(first)?..number(end)?)
}

fn mutant(name: &str) -> Result<Mutant, String> {
    Mutant::named(name).ok_or_else(|| {
        let known: Vec<String> = Mutant::ALL.iter().map(|(it, ..)| it.to_string()).collect();
        format!("no such mutant; known are {}", known.join(", "))
    })
}

fn main() -> ExitCode {
    let args = Args::parse();
    let traffic = Duration::from_secs(args.traffic);
    let load = Load { invocations: args.invocations, traffic, ..Load::default() };
    if let Some(seed) = args.seed {
        return one(seed, load, &args);
    }
    if let Some(mutant) = args.mutant {
        return missed(mutant, load, &args);
    }
    let clock = daemon::clock::Clock::system();
    let began = clock.now();
    match simulator::run_all(args.seeds.clone(), load, args.mutant, args.threads) {
        Ok(report) => {
            say(&report.to_string());
            let seconds = clock.now().since(began).as_secs_f64().max(0.001);
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = report.seeds as f64 / seconds;
            say(&format!("every invariant held; {seconds:.1} s, {rate:.0} seeds/s"));
            let missing = report.missing();
            if !missing.is_empty() {
                say(&format!("never came about: {}", missing.join(", ")));
            }
            ExitCode::SUCCESS
        }
        Err(failure) => failed(&failure),
    }
}

fn one(seed: u64, load: Load, args: &Args) -> ExitCode {
    let mut world = World::new(seed, load, args.mutant, args.trace);
    let ran = world.run();
    let mut out = std::io::stdout().lock();
    for line in &world.told {
        // A closed pipe ends the output, not the verdict.
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    drop(out);
    match ran {
        Ok(()) => {
            say(&format!(
                "seed {seed}: every invariant held, {} accepted",
                world.truth().accepted()
            ));
            ExitCode::SUCCESS
        }
        Err(broken) => failed(&Failure { seed, broken }),
    }
}

fn missed(mutant: Mutant, load: Load, args: &Args) -> ExitCode {
    let by = Mutant::ALL.iter().find(|(it, ..)| *it == mutant).map_or(&[][..], |(_, by, _)| *by);
    match simulator::missed(mutant, by, args.seeds.clone(), load) {
        Ok(failure) => {
            say(&format!("{mutant} is noticed: {failure} --mutant {mutant}"));
            ExitCode::SUCCESS
        }
        Err(others) => {
            say(&format!("{mutant} is noticed by none of {by:?}, only by {others:?}"));
            ExitCode::FAILURE
        }
    }
}

fn failed(failure: &Failure) -> ExitCode {
    say(&failure.to_string());
    ExitCode::FAILURE
}
