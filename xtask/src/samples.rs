//! stub

use anyhow::Result;

use crate::workspace::Workspace;

/// How to build them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing
    #[arg(long)]
    check: bool,
}

/// `cargo xtask samples`
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.check { check(workspace) } else { Ok(()) }
}

/// Compares.
pub(crate) fn check(_: &Workspace) -> Result<()> {
    Ok(())
}
