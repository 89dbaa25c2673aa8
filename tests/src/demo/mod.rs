//! The demo: two pipelines on real data, the server killed in the middle, nothing lost.
//!
//! It goes the way of a new user: the server as it is shipped, actions deployed with `quirl`. What
//! it says it has read over REST from the records, and [`check`] compares all of that with
//! independent scripts. What it prints is a pure function of those records ([`tables`], [`count`]).

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

use crate::platform::{Programs, Server};

pub mod check;
pub mod count;
pub mod feed;
pub mod pipeline;
pub mod place;
pub mod screen;
pub mod slices;
pub mod tables;

use self::check::Python;
use self::count::Counts;
use self::feed::Fed;
use self::pipeline::{Pipeline, Seen};
use self::screen::{Screen, say};

/// Quotes in the averages of the other tenant; the package says 3.
const WINDOW: u32 = 6;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stop the server at the end.
    pub exit: bool,
    /// Compare everything with the scripts.
    pub check: bool,
    /// The data folder, if not the usual one.
    pub data: Option<PathBuf>,
}

/// Runs it from the start to the end, or until a signal ends it.
///
/// # Errors
/// Something is not as it should be; it says what.
pub async fn run(programs: Programs, options: Options) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut server = tokio::select! {
        server = perform(programs, &options) => server?,
        _ = interrupt.recv() => bail!("it was interrupted; its server is gone"),
        _ = terminate.recv() => bail!("it was ended by a signal; its server is gone"),
    };
    if !options.exit {
        say("\nCtrl-C ends the server.");
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = place::until_gone(&server) => say("\nThe server was ended by somebody else."),
        }
    }
    place::close(&mut server, options.exit).await
}

/// The story itself; the server is left running.
async fn perform(programs: Programs, options: &Options) -> Result<Server> {
    let mut python = options.check.then(|| Python::find(&programs)).transpose()?;
    let mut screen = Screen::new(if options.check { 9 } else { 7 });
    screen.introduce();

    screen.phase("Starting the server", "1 s");
    let mut server = place::open(programs, options.data.clone()).await?;

    screen.phase("Deploying two pipelines: steps in WebAssembly and in JavaScript", "3 s");
    for pipeline in Pipeline::ALL {
        pipeline::deploy(&server, pipeline)?;
    }

    screen.phase("Running them: weather in Seattle and a damaged copy, quotes of companies", "1 s");
    let whole = run_on_files(&server, &screen).await?;

    screen.phase(
        "The same files arrive in a folder that is watched; triggers and rules do the rest",
        "1 s",
    );
    let arrived = arrive(&server, &whole).await?;

    screen.phase("Another tenant binds the shared package, with averages of 6 quotes", "1 s");
    let bound = pipeline::run_bound(&server, WINDOW).await?;
    say(&tables::results(&[&bound.result]));

    screen.phase(
        "Feeding them slice by slice, by invocations and fires; kill -9 in the middle",
        "2 s",
    );
    let slices = slices::of_files(&server.programs)?;
    let fed = feed::feed(&mut server, slices).await?;

    screen.phase("Counting: every record and every history is read over REST", "1 s");
    let (counts, lives) = read_all(&server, &whole, &arrived, &fed).await?;
    say(&counts.to_string());
    counts.judge()?;

    if let Some(python) = &mut python {
        screen.phase("Comparing every figure with scripts in Python that share no code", "6 s");
        python.compare_files(&server, &whole)?;
        python.compare_bound(&server, &bound, WINDOW)?;
        python.compare_slices(&server, &fed, &lives)?;
        screen.phase("Changing one cell, and running again", "1 s");
        python.change_a_cell(&server, &whole).await?;
        say(&python.verdict());
    }
    screen.end();
    place::warnings(&server);
    if !options.exit {
        place::say_how_to_look(&server, counts.example())?;
    }
    Ok(server)
}

/// All files, with their tables.
async fn run_on_files(server: &Server, screen: &Screen) -> Result<Vec<Seen>> {
    let mut whole = Vec::new();
    for pipeline in Pipeline::ALL {
        for file in pipeline.files() {
            let seen = pipeline::run_on(server, pipeline, file).await?;
            if whole.is_empty() {
                screen.first_record();
            }
            whole.push(seen);
        }
    }
    say(&tables::results(&whole.iter().map(|seen| &seen.result).collect::<Vec<_>>()));
    whole.iter().for_each(|seen| say(&tables::steps(seen)));
    Ok(whole)
}

/// All files once more, by way of a folder; the ids of what that fired and started.
async fn arrive(server: &Server, whole: &[Seen]) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for pipeline in Pipeline::ALL {
        let arrived = pipeline::arrive(server, pipeline).await?;
        let files = pipeline.files().len();
        ensure!(arrived.len() == files, "{} fires for {files} files", arrived.len());
        for (file, lives) in arrived {
            let run = whole.iter().find(|seen| seen.pipeline == pipeline && seen.file == file);
            let run = run.with_context(|| format!("{file} was not run"))?;
            let came = lives.last().context("nothing was started")?;
            let same = pipeline::result_of(&came.record)? == run.result;
            ensure!(same, "{file}: what came of its arrival is not what came of the invocation");
            say(&format!("    {file}: the same result as before"));
            ids.extend(lives.into_iter().map(|life| life.record.activation_id));
        }
    }
    Ok(ids)
}

async fn read_all(
    server: &Server,
    whole: &[Seen],
    arrived: &[String],
    fed: &Fed,
) -> Result<(Counts, count::Lives)> {
    let client = server.client()?;
    let ids = fed.told.iter().flat_map(|told| told.fired.iter().chain([&told.id]).cloned());
    let before = whole.iter().map(|seen| seen.record.activation_id.clone());
    let lives = count::read(&client, &ids.chain(before).collect::<Vec<_>>()).await?;
    let known = whole.iter().map(|seen| seen.record.activation_id.as_str());
    let known: Vec<&str> = known.chain(arrived.iter().map(String::as_str)).collect();
    Ok((Counts::of(fed, &known, &lives)?, lives))
}
