//! Random requests to actions, packages, triggers and rules: each answer is that of the model.
//!
//! `QUIRL_MODEL_SEED` repeats one seed, `QUIRL_MODEL_STEPS` says how many requests each seed makes.
#![expect(clippy::disallowed_methods, reason = "a suite asks the environment what to repeat")]

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use quirl_tests::model::ask::{Exec, Fault, Flag, Kind, Put, What};
use quirl_tests::model::drive::{self, Tally};
use quirl_tests::platform::Setup;

/// Seeds of a usual run, a server each.
const SEEDS: [u64; 3] = [1, 2, 3];
/// Requests of each.
const STEPS: u64 = 2000;

fn told(name: &str) -> Result<Option<u64>> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    Ok(Some(text.parse().with_context(|| format!("{name}={text}"))?))
}

async fn one(seed: u64, steps: u64) -> Result<Tally> {
    let mut server = Setup::new().start().await?;
    let tally = drive::run(&mut server, seed, steps).await?;
    server.stop().await?;
    Ok(tally)
}

#[tokio::test(flavor = "multi_thread")]
async fn i27_every_answer_is_that_of_the_model() -> Result<()> {
    let start = Instant::now();
    let steps = told("QUIRL_MODEL_STEPS")?.unwrap_or(STEPS);
    let seeds = told("QUIRL_MODEL_SEED")?.map_or_else(|| SEEDS.to_vec(), |seed| vec![seed]);
    let runs = seeds.iter().map(|seed| one(*seed, steps));
    let mut all = Tally::default();
    for run in futures::future::join_all(runs).await {
        all = all.and(&run?);
    }
    println!("{all:?} in {:.1} s", start.elapsed().as_secs_f64());
    // A run in which next to nothing succeeds, or is refused, says nothing.
    let share =
        |status| all.statuses.get(&status).copied().unwrap_or_default() * 100 / all.requests;
    ensure!(all.requests >= steps, "{} requests", all.requests);
    for (status, least) in [(200, 20), (400, 3), (404, 5), (409, 5)] {
        ensure!(share(status) >= least, "{} % are answered {status}", share(status));
    }
    ensure!(all.fires > 0 && all.children > 0, "no fire started anything");
    Ok(())
}

fn put(kind: Kind, name: &str, put: Put) -> What {
    What::Put(kind, name.to_owned(), Box::new(put), Flag::Absent)
}

fn code() -> Put {
    let exec = Exec::Code { kind: "nodejs:20", code: "const main = () => ({});", main: None };
    Put { exec: Some(exec), ..Put::default() }
}

fn rule(trigger: &str) -> Put {
    let trigger = Some(format!("guest/{trigger}"));
    Put { trigger, action: Some("guest/f".to_owned()), ..Put::default() }
}

/// What the model found: the requests, as short as they get.
async fn check(asked: &[What]) -> Result<()> {
    let mut server = Setup::new().start().await?;
    drive::replay(&server, asked).await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_an_action_is_judged_before_its_name_is_found_taken() -> Result<()> {
    let bad = Put { fault: Some(Fault::NotJson), ..code() };
    check(&[
        put(Kind::Trigger, "t", Put::default()),
        put(Kind::Action, "t", bad),
        put(Kind::Action, "t", code()),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_trigger_knows_nothing_of_rules_on_one_of_its_name() -> Result<()> {
    let delete = |kind, name: &str| What::Delete(kind, name.to_owned(), Flag::Absent);
    let get = |kind, name: &str| What::Get(kind, name.to_owned(), Flag::Absent);
    let move_away = Box::new(Put { action: None, ..rule("u") });
    check(&[
        put(Kind::Action, "f", code()),
        put(Kind::Trigger, "t", Put::default()),
        put(Kind::Trigger, "u", Put::default()),
        put(Kind::Rule, "r", rule("t")),
        put(Kind::Rule, "s", rule("t")),
        delete(Kind::Trigger, "t"),
        put(Kind::Trigger, "t", Put::default()),
        delete(Kind::Rule, "r"),
        get(Kind::Trigger, "t"),
        What::Put(Kind::Rule, "s".to_owned(), move_away, Flag::Yes("true")),
        get(Kind::Trigger, "t"),
        get(Kind::Trigger, "u"),
    ])
    .await
}

/// A control: what the model does not know of is found in reads, lists and refusals.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_differs_from_the_model_is_told() -> Result<()> {
    let mut server = Setup::new().start().await?;
    drive::replay(&server, &[put(Kind::Trigger, "t", Put::default())]).await?;
    let (within, skip, limit) = (None, None, None);
    for asked in [
        What::Get(Kind::Trigger, "t".to_owned(), Flag::Absent),
        put(Kind::Trigger, "t", Put::default()),
        What::List { kind: Kind::Trigger, within, skip, limit, count: false },
        What::Fire("t".to_owned(), None),
    ] {
        // Each replay begins with an empty model.
        let told = drive::replay(&server, std::slice::from_ref(&asked)).await;
        ensure!(told.is_err(), "{asked:?} went well");
    }
    server.stop().await
}
