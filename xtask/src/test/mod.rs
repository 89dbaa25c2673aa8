//! `cargo xtask test`: installs what the tests need, then runs everything, phase by phase.
//!
//! It stops at the first phase that fails, with the command that repeats it. Its last lines are a
//! table of times against budgets and the counts of the test runner.

mod counts;
mod phases;
mod report;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;

use self::counts::Counts;
use self::report::{Report, Took};
use crate::shell::complain;
use crate::workspace::Workspace;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this phase; may be given more than once
    #[arg(long = "phase", value_name = "NAME")]
    phases: Vec<Phase>,
}

/// A part of the tests, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Phase {
    /// Packages of the system, the toolchain and the test runner
    Install,
    /// `cargo xtask check`
    Check,
    /// Everything that is compiled
    Build,
    /// Tests of single crates, and of documentation
    Unit,
    /// The whole platform from outside
    BlackBox,
    /// The kill loop and the demo
    Reliability,
}

/// What a phase is, for whoever waits for it.
struct Plan {
    phase: Phase,
    name: &'static str,
    what: &'static str,
    usually: &'static str,
    budget_minutes: u64,
    run: fn(&Workspace) -> Result<Counts>,
}

const PLANS: [Plan; 6] = [
    Plan {
        phase: Phase::Install,
        name: "install",
        what: "get what is missing: packages, rustfmt, clippy, cargo-nextest",
        usually: "a minute the first time, then a second",
        budget_minutes: 4,
        run: phases::install,
    },
    Plan {
        phase: Phase::Check,
        name: "check",
        what: "format, invariants, clippy, documentation",
        usually: "seven minutes the first time, then half a minute",
        budget_minutes: 12,
        run: phases::check,
    },
    Plan {
        phase: Phase::Build,
        name: "build",
        what: "compile everything once",
        usually: "five minutes the first time, then seconds",
        budget_minutes: 12,
        run: phases::build,
    },
    Plan {
        phase: Phase::Unit,
        name: "unit",
        what: "tests of single crates, conformance suites, examples in documentation",
        usually: "a minute",
        budget_minutes: 4,
        run: phases::unit,
    },
    Plan {
        phase: Phase::BlackBox,
        name: "black-box",
        what: "the real server from outside, over REST and the command line",
        usually: "two minutes",
        budget_minutes: 8,
        run: phases::black_box,
    },
    Plan {
        phase: Phase::Reliability,
        name: "reliability",
        what: "kill the server 30 times under load, then run the demo and check its figures",
        usually: "a minute",
        budget_minutes: 14,
        run: phases::reliability,
    },
];

/// Runs the phases and prints the report, whose last line has the counts.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> ExitCode {
    let chosen = |plan: &&Plan| args.phases.is_empty() || args.phases.contains(&plan.phase);
    let mut report = Report::default();
    for plan in PLANS.iter().filter(chosen) {
        report.add(run_phase(workspace, plan));
        if report.has_failed() {
            break;
        }
    }
    print!("\n{report}");
    if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run_phase(workspace: &Workspace, plan: &Plan) -> Took {
    let Plan { name, what, usually, budget_minutes, .. } = plan;
    println!("\n== {name}: {what} (usually {usually}; budget {budget_minutes} min)");
    let start = Instant::now();
    let result = (plan.run)(workspace);
    let (counts, failed) = match result {
        Ok(counts) => (counts, counts.failed > 0),
        Err(error) => {
            complain(&error);
            (Counts::default(), true)
        }
    };
    let took = Took { name, counts, failed, time: start.elapsed(), minutes: *budget_minutes };
    println!("== {took}");
    if failed {
        println!("== to repeat this phase: cargo xtask test --phase {name}");
    }
    took
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_plan_under_its_name() {
        let plans = PLANS.iter().map(|plan| (plan.phase, plan.name.to_owned()));
        let names = Phase::value_variants()
            .iter()
            .filter_map(|phase| Some((*phase, phase.to_possible_value()?.get_name().to_owned())));
        assert!(plans.eq(names));
    }

    #[test]
    fn the_budgets_leave_room_in_ninety_minutes() {
        assert!(PLANS.iter().map(|plan| plan.budget_minutes).sum::<u64>() <= 80);
    }
}
