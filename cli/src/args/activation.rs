//! `quirl activation …`

use clap::{Args, Subcommand};

use super::Connection;

/// What to do with activations.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List activations, newest first
    #[command(after_help = "\
Examples:
  quirl activation list
  quirl activation list demo/hello -l 5
  quirl activation list --since 1704067200000 --full")]
    List(List),
    /// Show the record of an activation
    #[command(after_help = "\
Examples:
  quirl activation get 0e7b8a4d5c4e4c0e9b8a4d5c4e9c0e11
  quirl activation get --last
  quirl activation get --last response")]
    Get(Get),
    /// Show what an activation printed
    Logs(Logs),
    /// Show the result of an activation
    Result(One),
    /// Show what happened to an activation, attempt by attempt, ended or not
    History(History),
    /// End an activation that still runs
    Cancel(One),
    /// Show what activations print, as they end, until Ctrl-C
    Poll(Poll),
}

/// Which activation.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Id of the activation
    #[arg(value_name = "ACTIVATION_ID", required_unless_present = "last", conflicts_with = "last")]
    pub id: Option<String>,
    /// The newest one
    #[arg(short, long)]
    pub last: bool,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Id of the activation (not with --last), and the one member to show
    #[arg(value_name = "ACTIVATION_ID | FIELD", num_args = 0..=2, required_unless_present = "last")]
    pub words: Vec<String>,
    /// The newest one
    #[arg(short, long)]
    pub last: bool,
    /// Show how it ended, and its result
    #[arg(short, long)]
    pub summary: bool,
    /// Show only what it printed
    #[arg(short = 'g', long)]
    pub logs: bool,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Which.
    #[command(flatten)]
    pub one: One,
    /// Leave out times and streams
    #[arg(short = 'r', long)]
    pub strip: bool,
}

/// `history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Which.
    #[command(flatten)]
    pub one: One,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of the action ACTION or PACKAGE/ACTION
    #[arg(value_name = "ACTION")]
    pub name: Option<String>,
    /// Show at most so many; 0 means 200
    #[arg(short, long, default_value_t = 30)]
    pub limit: u32,
    /// Leave out the first so many
    #[arg(short, long, default_value_t = 0)]
    pub skip: u32,
    /// Whole records
    #[arg(short, long)]
    pub full: bool,
    /// Started then or later, milliseconds since 1970
    #[arg(long, value_name = "MS")]
    pub since: Option<i64>,
    /// Started then or earlier, milliseconds since 1970
    #[arg(long, value_name = "MS")]
    pub upto: Option<i64>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `poll`.
#[derive(Debug, Args)]
pub(crate) struct Poll {
    /// Only of the action ACTION or PACKAGE/ACTION
    #[arg(value_name = "ACTION")]
    pub name: Option<String>,
    /// End after so many seconds
    #[arg(short, long, value_name = "SECONDS")]
    pub exit: Option<u64>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}
