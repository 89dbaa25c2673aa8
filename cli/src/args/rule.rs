//! `quirl rule …`

use clap::{Args, Subcommand};

use super::{Connection, Entities, Get, One};

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Create a rule, which is active
    #[command(after_help = "\
Examples:
  quirl rule create on-arrival arrivals parse
  quirl rule create on-arrival arrivals /ann/utils/parse")]
    Create(Define),
    /// Let a rule point elsewhere, or create it if there is none
    Update(Define),
    /// Put a rule in force
    Enable(One),
    /// Put a rule out of force; its trigger forgets nothing else
    Disable(One),
    /// Show whether a rule is active
    Status(One),
    /// Show a rule
    #[command(after_help = "\
Examples:
  quirl rule get on-arrival
  quirl rule get on-arrival trigger")]
    Get(Get),
    /// Delete a rule
    Delete(Delete),
    /// List rules with their status, newest first
    List(Entities),
}

/// `create` and `update`.
#[derive(Debug, Args)]
pub(crate) struct Define {
    /// NAME or /NAMESPACE/NAME
    pub name: String,
    /// What starts it: TRIGGER or /NAMESPACE/TRIGGER
    pub trigger: String,
    /// What it starts: ACTION, PACKAGE/ACTION or /NAMESPACE/PACKAGE/ACTION
    pub action: String,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Which.
    #[command(flatten)]
    pub one: One,
    /// Disable it first, as old servers want it
    #[arg(long)]
    pub disable: bool,
}
