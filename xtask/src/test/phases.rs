//! What each phase does.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::counts::{Counts, Runner};
use crate::shell::Run;
use crate::workspace::{Package, Workspace};
use crate::{check, install, programs};

/// The crate whose integration tests are the black-box suites.
const SUITES: &str = "quirl-tests";
/// The harness finds `quirld` and `quirl` there instead of asking cargo in every test.
const PROGRAMS: &str = "XTASK_PROGRAMS";
/// What JavaScript actions are compared with.
const NODE: &str = "QUIRL_NODE";
const PARSER_TESTS: &str = "QUIRL_PARSER_TESTS";
/// What is run against the server.
const NPM_CLIENT: &str = "QUIRL_NPM_CLIENT";

pub(super) fn install(workspace: &Workspace) -> Result<Counts> {
    install::packages(install::FOR_TESTS)?;
    install::toolchain()?;
    install::nextest(workspace);
    install::javascript(workspace);
    Ok(Counts::default())
}

pub(super) fn check(workspace: &Workspace) -> Result<Counts> {
    check::run(workspace, &check::Args::default())?;
    Ok(Counts::default())
}

/// Compiles everything, then asks for what the demo builds: nothing may be left to compile.
pub(super) fn build(_: &Workspace) -> Result<Counts> {
    Run::line("cargo build --locked --workspace --all-targets").run()?;
    let again = programs::compiled_again()?;
    ensure!(
        again.is_empty(),
        "the demo's build compiled packages a second time, so their features differ: {}. \
         `cargo xtask check --quick` may name the features",
        again.join(", ")
    );
    Ok(Counts::default())
}

pub(super) fn unit(workspace: &Workspace) -> Result<Counts> {
    let suites = suites(workspace, |package| package.name != SUITES);
    let targets = ["--lib", "--bins"].map(str::to_owned).into_iter().chain(suites);
    let mut counts = run_tests(workspace, &targets.collect::<Vec<_>>())?;
    counts +=
        ended(Runner::Libtest, &Run::line("cargo test --locked --workspace --doc --no-fail-fast"))?;
    Ok(counts)
}

pub(super) fn black_box(workspace: &Workspace) -> Result<Counts> {
    let suites = suites(workspace, |package| package.name == SUITES);
    ensure!(!suites.is_empty(), "there is no black-box suite: tests/tests/*.rs is empty");
    run_tests(workspace, &suites)
}

pub(super) fn reliability(workspace: &Workspace) -> Result<Counts> {
    programs::wait_for(workspace, "chaos", &["--kills", "30"])
        .context("the kill loop failed; also: cargo xtask chaos --kills 30")?;
    programs::wait_for(workspace, "demo", &["--check", "--exit"])
        .context("the demo failed; also: cargo xtask demo --check --exit")?;
    Ok(Counts::default())
}

/// `--test NAME` for each integration suite of the chosen packages. Suites are chosen by target and
/// not by package or filter: every run then compiles the same, and "skipped" means ignored.
fn suites(workspace: &Workspace, chosen: impl Fn(&Package) -> bool) -> Vec<String> {
    let packages = workspace.members().iter().filter(|package| chosen(package));
    let targets = packages.flat_map(|package| &package.targets);
    let suites = targets.filter(|target| target.kind.iter().any(|kind| kind == "test"));
    suites.flat_map(|suite| ["--test".to_owned(), suite.name.clone()]).collect()
}

/// Runs the tests in `targets` with the runner that there is.
fn run_tests(workspace: &Workspace, targets: &[String]) -> Result<Counts> {
    let (runner, run) = match install::find_nextest(workspace) {
        Some(nextest) => (Runner::Nextest, nextest_run(&nextest)),
        None => {
            let run = Run::line("cargo test --locked --workspace --no-fail-fast");
            (Runner::Libtest, run)
        }
    };
    let folder = workspace.metadata.target_directory.join("debug");
    let mut run = run.args(targets).env(PROGRAMS, folder);
    if let Some(node) = install::find_node(workspace) {
        run = run.env(NODE, node);
    }
    if let Some(suite) = install::find_parser_tests(workspace) {
        run = run.env(PARSER_TESTS, suite);
    }
    if let Some(client) = install::find_npm_client(workspace) {
        run = run.env(NPM_CLIENT, client);
    }
    ended(runner, &run)
}

fn nextest_run(nextest: &Path) -> Run {
    let run = Run::new(nextest).args(["nextest", "run", "--locked", "--workspace"]);
    run.args(["--no-fail-fast", "--config-file", "xtask/nextest.toml", "--status-level", "slow"])
}

/// Runs a test runner and reads its counts.
fn ended(runner: Runner, run: &Run) -> Result<Counts> {
    let ended = run.read_along()?;
    let counts = Counts::read(runner, &ended.output);
    ensure!(ended.ok || counts.failed > 0, "the tests did not run; to repeat it: {run}");
    if counts.failed > 0 {
        println!("{counts}; to repeat it: {run}");
    }
    Ok(counts)
}
