//! `cargo xtask bench`: how fast the platform is, beside what the machine allows.
//!
//! Yardsticks and rows take turns, round by round, on the same machine and disk: medians of the
//! rounds are compared, and their ranges printed. [`group`] is G, [`sandbox`] is I, [`script`]
//! is J, [`yardstick`] has H and Y, [`load`] sends the requests; [`rows`] measures, [`report`] judges.
//! Nothing here fails because something is slow: the numbers are for people.
//!
//! **Source:** issue 3 §7, issue 4 (speed), issue 5 §9, and `speed.md` §§1 and 3.

mod entities;
pub mod figures;
pub mod group;
pub mod load;
pub mod proc;
pub mod profile;
pub mod report;
pub mod rows;
pub mod sandbox;
pub mod script;
mod scripts;
pub mod server;
mod specs;
pub mod stats;
pub mod yardstick;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use self::figures::Figures;
use self::report::Report;
use self::rows::{Amounts, Ground, Row, Yardsticks};
use self::yardstick::Which;
use crate::platform;

/// Measure the platform beside what the machine allows
#[derive(Debug, clap::Parser)]
#[command(name = "bench")]
pub struct Args {
    #[command(flatten)]
    programs: platform::Flags,
    /// Only these rows, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Row>,
    /// Only the yardsticks
    #[arg(long)]
    only_yardsticks: bool,
    /// Write all figures to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How many rounds [default: 5; 2 with --quick]
    #[arg(long)]
    rounds: Option<usize>,
    /// How long each load runs, milliseconds [default: 3000; 1000 with --quick]
    #[arg(long)]
    time: Option<u64>,
    /// Fewer and shorter rounds, fewer modules: figures to work with, not to publish
    #[arg(long)]
    quick: bool,
    /// Why yardsticks may be slower than they should be, and count all the same
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Profile the server during this row, in one round more that counts for nothing
    #[arg(long, value_enum, value_name = "ROW")]
    profile: Vec<Row>,
    /// Where data is kept meanwhile; on the disk that is to be measured
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Be a yardstick: for the bench itself
    #[arg(long, value_enum, hide = true, requires = "folder")]
    yardstick: Option<Which>,
}

impl Args {
    fn amounts(&self) -> Amounts {
        let usual = if self.quick { 1_000 } else { 3_000 };
        Amounts {
            time: Duration::from_millis(self.time.unwrap_or(usual)),
            bursts: if self.quick { 1 } else { 3 },
            modules: if self.quick { 2_000 } else { 10_000 },
            scripts: if self.quick { 300 } else { 1_000 },
            known: if self.quick { (5_000, 500) } else { (100_000, 5_000) },
            tenants: if self.quick { (100, 20) } else { (1_000, 100) },
        }
    }

    fn wanted(&self) -> Vec<Row> {
        match &self.rows[..] {
            _ if self.only_yardsticks => Vec::new(),
            [] => Row::value_variants().to_vec(),
            rows => rows.to_vec(),
        }
    }
}

/// Measures, and prints what came of it.
///
/// # Errors
/// A program does not start, refuses what it should not, or breaks off.
#[expect(clippy::print_stdout, reason = "that is what it is for")]
pub fn run(args: &Args) -> Result<()> {
    if let Some(which) = args.yardstick {
        let folder = args.folder.as_deref().context("a yardstick needs a folder")?;
        let samples = args.programs.samples.as_deref().context("a yardstick needs samples")?;
        return yardstick::serve(which, folder, samples);
    }
    let report = measure(args)?;
    println!("{report}");
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "progress, and profiles")]
fn measure(args: &Args) -> Result<Report> {
    let wanted = args.wanted();
    let programs = platform::Programs::from(&args.programs)?;
    let place = match &args.folder {
        Some(folder) => folder.clone(),
        None => programs.quirld.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    std::fs::create_dir_all(&place)?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&place)?;
    let mut ground = Ground {
        quirld: programs.quirld.clone(),
        samples: std::path::absolute(&programs.samples)?,
        folder: folder.path().to_owned(),
        amounts: args.amounts(),
        rows: wanted.clone(),
        profiled: None,
        figures: Figures::default(),
        remarks: Vec::new(),
        profiles: Vec::new(),
    };
    if args.quick && !wanted.is_empty() {
        ground
            .remarks
            .push("quick: fewer rounds, bursts and modules than a figure needs".to_owned());
    }
    let rounds = args.rounds.unwrap_or(if args.quick { 2 } else { 5 });
    eprintln!("preparing in {}", folder.path().display());
    let servers = ground.servers()?;
    let yardsticks = Yardsticks::start(&ground)?;
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        ground.yardsticks(&yardsticks)?;
        ground.round(&servers)?;
    }
    let figures = ground.figures.clone();
    for row in &args.profile {
        eprintln!("profile");
        ground.profiled = Some(*row);
        ground.rows = vec![*row];
        ground.round(&servers)?;
    }
    for profile in &ground.profiles {
        println!("{profile}");
    }
    let company = rows::company(&figures);
    if company >= 10.0 {
        ground.remarks.push(format!("others used up to {company:.0} % of the machine meanwhile"));
    }
    Ok(Report::of(&figures, &wanted, args.note.clone(), ground.remarks))
}
