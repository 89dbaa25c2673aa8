//! The npm client `openwhisk`, unmodified, on the whole server: `tests/js/npm_client.mjs` calls every
//! method of its objects and compares what it returns, throws and sends.
//!
//! `cargo xtask test` brings Node.js and the package and names them in the environment. Without them
//! this test says that it was left out.
#![expect(clippy::disallowed_methods, reason = "a suite asks the environment what xtask brought")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use quirl_tests::platform::Setup;
use serde::Deserialize;

/// Methods that there are at least, and comparisons: fewer mean that the script was cut.
const METHODS: usize = 104;
const COMPARISONS: usize = 650;

/// What the script says last.
#[derive(Debug, Deserialize)]
struct Outcome {
    methods: usize,
    comparisons: usize,
    unexercised: Vec<String>,
    wrong: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_the_npm_client_works_and_fails_as_it_should() -> Result<()> {
    let Some(package) = std::env::var_os("QUIRL_NPM_CLIENT").map(PathBuf::from) else {
        println!("left out: the npm client is not here; `cargo xtask test` brings it");
        return Ok(());
    };
    let node = std::env::var_os("QUIRL_NODE").unwrap_or_else(|| "node".into());
    let mut server = Setup::new().start().await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/npm_client.mjs");
    let mut command = tokio::process::Command::new(node);
    command.arg(script).arg(package).arg(&server.address).arg(server.key()?);
    for name in ["PROXY", "HTTP_PROXY", "HTTPS_PROXY"] {
        // The client would go through it.
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = command.output().await.context("start Node.js")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = || format!("{said}{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "the script ended with {}:\n{}", output.status, failed());
    let outcome: Outcome =
        serde_json::from_str(said.lines().last().unwrap_or_default()).with_context(failed)?;
    let Outcome { methods, comparisons, unexercised, wrong } = outcome;
    println!("npm client: {methods} methods, {comparisons} comparisons, {} wrong", wrong.len());
    ensure!(wrong.is_empty(), "{} went wrong:\n{}", wrong.len(), wrong.join("\n"));
    ensure!(unexercised.is_empty(), "not exercised: {}", unexercised.join(" "));
    ensure!(methods >= METHODS && comparisons >= COMPARISONS, "the script does less than it did");
    server.stop().await
}
