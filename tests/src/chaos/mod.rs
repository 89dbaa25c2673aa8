//! The kill loop: four journalling clients, a server that is killed again and again, and then
//! the question what became of everything that was accepted.
//!
//! [`plan`] draws the deaths, [`client`] and [`actions`] make the load, [`observe`] reads what the
//! server shows when all is quiet; [`crate::checker`] judges.
#![expect(clippy::print_stdout, reason = "its output is for the person who started it")]

pub mod actions;
pub mod client;
pub mod observe;
pub mod plan;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use daemon::random::Random;
use model::time::WallTime;
use tokio::task::JoinSet;

use crate::checker::{self, Facts, Report};
use crate::platform::{Programs, Server, Setup, was_killed};
use crate::{journal, ledger_dump};
use client::Client;
use plan::Kill;

/// How many clients there are.
const CLIENTS: usize = 4;
/// A server that was to kill itself and has not within this is killed by us.
const PATIENCE: Duration = Duration::from_secs(6);
/// Between two looks at a process.
const PAUSE: Duration = Duration::from_millis(3);
/// Of the kills, so many in a hundred must leave [`MANY`] activations open.
const WITH_MANY: usize = 80;
/// As many as count as many.
const MANY: u64 = 8;
/// Of the kills, so many in a hundred must come between a write and its sync.
const BETWEEN: usize = 30;

/// Small segments and many snapshots, so that kills meet those as well.
const CONFIG: &str = "[ledger]\nsegment = \"2 MiB\"\nballoon = \"1 MiB\"\ndisk-floor = \"64 MiB\"\n\
                      [controller]\nsnapshot-bytes = \"32 KiB\"\n";
/// What a `kill -9` in the middle of a write may leave: half a batch that nobody was told of.
const ANNOUNCED: [&str; 2] = ["the ledger was torn at its end", "the end of the ledger was torn"];

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Task {
    /// The programs.
    pub programs: Programs,
    /// How often to kill.
    pub kills: u32,
    /// What all choices are drawn from.
    pub seed: u64,
    /// Where journals, logs and data are kept; empty or absent.
    pub folder: PathBuf,
}

/// A death as it was.
#[derive(Clone, Copy, Debug)]
struct Death {
    planned: Kill,
    /// Whether it was the failpoint in the end.
    by_itself: bool,
    /// After it and before the next start.
    at: WallTime,
}

/// Runs it and prints what came of it.
///
/// # Errors
/// An invariant is broken, the run was not what it should have been, or something went wrong.
pub async fn run(task: &Task) -> Result<()> {
    std::fs::create_dir_all(&task.folder).context("make the folder")?;
    let start = Instant::now();
    let random = Random::seeded(task.seed);
    let plan = plan::plan(task.kills, &random);
    println!("{} kills, seed {}, in {}", task.kills, task.seed, task.folder.display());

    let mut lives = Lives::begin(task).await?;
    let go_on = Arc::new(AtomicBool::new(true));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let client = Client::new(number, &task.folder, &lives.address, &lives.key)?;
        let random = Random::seeded(random.u64());
        clients.spawn(Arc::new(client).run(Arc::clone(&go_on), random));
    }
    let mut deaths = Vec::new();
    for kill in plan {
        deaths
            .push(lives.die(kill).await.with_context(|| format!("after {} kills", deaths.len()))?);
        if deaths.len() % 10 == 0 {
            println!("{:5.1} s  {} kills", start.elapsed().as_secs_f64(), deaths.len());
        }
        if let Some(ended) = clients.try_join_next() {
            ended??;
            bail!("a client ended before it was told to");
        }
    }
    let mut server = lives.launch(lives.setup())?;
    server.ready().await?;
    go_on.store(false, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let shown = observe::observe(&server).await;
    let stopped = server.stop().await;
    lives.keep_log(&server)?;
    let shown = shown?;
    stopped?;
    println!("{:5.1} s  all is quiet; checking", start.elapsed().as_secs_f64());

    let journals = (0..CLIENTS).map(|number| journal::read(&journal_of(&task.folder, number)));
    let journals = journals.collect::<Result<_>>()?;
    let dump = ledger_dump::read(&task.folder.join("data"))?;
    let facts = Facts { journals, dump, shown };
    let report = checker::check(&facts);
    let kills = judge_kills(&facts, &deaths);
    print!("{}", told(&report, &kills));
    println!("{:5.1} s", start.elapsed().as_secs_f64());
    ensure!(report.is_good(), "invariants are broken");
    ensure!(kills.is_good(), "the kills were not what they should have been");
    Ok(())
}

fn journal_of(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("c{number}.journal"))
}

/// One server after the other on the same folder and port.
struct Lives {
    programs: Programs,
    folder: PathBuf,
    address: String,
    port: u16,
    key: String,
    count: u32,
}

impl Lives {
    /// Starts the first, creates the actions, stops it.
    async fn begin(task: &Task) -> Result<Self> {
        let mut lives = Self {
            programs: task.programs.clone(),
            folder: task.folder.clone(),
            address: String::new(),
            port: 0,
            key: String::new(),
            count: 0,
        };
        let mut first = lives.setup().start().await?;
        (lives.address, lives.port, lives.key) =
            (first.address.clone(), first.port()?, first.key()?);
        actions::deploy(&first.client()?, &lives.programs).await?;
        let stopped = first.stop().await;
        lives.keep_log(&first)?;
        stopped?;
        Ok(lives)
    }

    fn setup(&self) -> Setup {
        let setup =
            Setup { programs: Some(self.programs.clone()), port: self.port, ..Setup::new() };
        let setup = setup.data(self.folder.join("data")).config(CONFIG);
        ANNOUNCED.iter().fold(setup, |setup, part| setup.announce(part))
    }

    fn launch(&mut self, setup: Setup) -> Result<Server> {
        self.count += 1;
        let mut server = setup.launch()?;
        server.address.clone_from(&self.address);
        Ok(server)
    }

    /// One life, up to its end.
    async fn die(&mut self, kill: Kill) -> Result<Death> {
        let setup = match kill {
            Kill::BetweenWriteAndSync { nth } => {
                self.setup().kill_at("after-write-before-sync", nth)
            }
            Kill::Running(_) | Kill::Starting(_) => self.setup(),
        };
        let mut server = self.launch(setup)?;
        let died = self.wait_and_kill(&mut server, kill).await;
        self.keep_log(&server)?;
        let judged = server.judge();
        let by_itself = died?;
        judged?;
        Ok(Death { planned: kill, by_itself, at: now()? })
    }

    /// Whether it killed itself.
    async fn wait_and_kill(&self, server: &mut Server, kill: Kill) -> Result<bool> {
        match kill {
            Kill::BetweenWriteAndSync { .. } => {
                let until = Instant::now() + PATIENCE;
                while !server.is_gone() && Instant::now() < until {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Kill::Running(after) => {
                server.ready().await?;
                tokio::time::sleep(after).await;
            }
            Kill::Starting(after) => tokio::time::sleep(after).await,
        }
        let by_itself = server.is_gone();
        let status = server.kill()?;
        let may = matches!(kill, Kill::BetweenWriteAndSync { .. }) || !by_itself;
        ensure!(may && was_killed(status), "the server ended by itself, with {status}");
        Ok(by_itself)
    }

    /// Appends what a server has written to the log of all of them.
    fn keep_log(&self, server: &Server) -> Result<()> {
        let path = self.folder.join("server.log");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(file, "--- life {}, process {}", self.count, server.pid())?;
        for line in server.log() {
            writeln!(file, "{line}")?;
        }
        Ok(())
    }
}

fn now() -> Result<WallTime> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(WallTime(i64::try_from(since.as_millis())?))
}

/// How the kills were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kills {
    all: usize,
    between: usize,
    starting: usize,
    with_many: usize,
    least: u64,
    median: u64,
}

fn judge_kills(facts: &Facts, deaths: &[Death]) -> Kills {
    let times: Vec<WallTime> = deaths.iter().map(|death| death.at).collect();
    let mut open = checker::open_at(&facts.dump, &times);
    let between = deaths.iter().filter(|death| death.by_itself).count();
    let starting = deaths.iter().filter(|it| matches!(it.planned, Kill::Starting(_))).count();
    let with_many = open.iter().filter(|open| **open >= MANY).count();
    open.sort_unstable();
    let median = open.get(open.len() / 2).copied().unwrap_or(0);
    let least = open.first().copied().unwrap_or(0);
    Kills { all: deaths.len(), between, starting, with_many, least, median }
}

impl Kills {
    fn is_good(&self) -> bool {
        self.with_many * 100 >= self.all * WITH_MANY && self.between * 100 >= self.all * BETWEEN
    }
}

fn told(report: &Report, kills: &Kills) -> String {
    let mut text = String::new();
    let Kills { all, between, starting, with_many, least, median } = kills;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "kills      {all}: {between} between a write and its sync ({BETWEEN} % needed), {starting} \
         aimed at a start\n\
         open       {MANY} or more at {with_many} of them ({WITH_MANY} % needed); median {median}, \
         least {least}\n{report}"
    );
    text
}
