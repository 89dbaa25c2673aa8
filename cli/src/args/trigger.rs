//! `quirl trigger …`

use clap::{ArgAction, Args, Subcommand};

use super::pairs::{Annotations, Parameters};
use super::{Connection, Entities, Get, One};

/// What to do with triggers.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Create a trigger
    #[command(after_help = "\
Examples:
  quirl trigger create arrivals
  quirl trigger create arrivals -p station north
  quirl trigger create tick --feed /whisk.system/alarms/interval -p minutes 5

Its parameters go into all that it starts; what it is fired with wins over them. With --feed the
parameters are for the feed: an action that is told CREATE, READ, UPDATE and DELETE of the trigger.
A trigger starts nothing by itself: quirl rule create RULE TRIGGER ACTION")]
    Create(Define),
    /// Change a trigger, or create it if there is none
    #[command(after_help = "\
Examples:
  quirl trigger update arrivals -p station south   new parameters; annotations and rules stay
  quirl trigger update tick -p minutes 10          tells its feed")]
    Update(Define),
    /// Show a trigger with its rules; of one with a feed what the feed says
    #[command(after_help = "\
Examples:
  quirl trigger get arrivals
  quirl trigger get arrivals rules")]
    Get(Get),
    /// Delete a trigger, and tell its feed; its rules stay and are inactive
    Delete(One),
    /// Fire a trigger: start the actions of all its active rules
    #[command(after_help = "\
Examples:
  quirl trigger fire arrivals
  quirl trigger fire arrivals -p file north.csv
  quirl trigger fire arrivals -P event.json --idempotency-key north-2024-01-01

Prints the id of the trigger's activation, which names those that it started. No id: no rule of it is
active, and nothing was started.")]
    Fire(Fire),
    /// List triggers, newest first
    List(Entities),
}

/// `create` and `update`.
#[derive(Debug, Args)]
pub(crate) struct Define {
    /// NAME or /NAMESPACE/NAME
    pub name: String,
    /// Action that is told what becomes of the trigger, and fires it
    #[arg(short, long, value_name = "ACTION")]
    pub feed: Option<String>,
    /// What goes into what it starts, or into its feed.
    #[command(flatten)]
    pub parameters: Parameters,
    /// Parameter for the feed alone; may be repeated
    #[arg(
        short = 'F', long, value_names = ["KEY", "VALUE"],
        num_args = 2, action = ArgAction::Append, allow_hyphen_values = true
    )]
    pub feed_param: Vec<String>,
    /// Parameter for the trigger alone; may be repeated
    #[arg(
        short = 'T', long, value_names = ["KEY", "VALUE"],
        num_args = 2, action = ArgAction::Append, allow_hyphen_values = true
    )]
    pub trigger_param: Vec<String>,
    /// What is said about it.
    #[command(flatten)]
    pub annotations: Annotations,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `fire`.
#[derive(Debug, Args)]
pub(crate) struct Fire {
    /// NAME or /NAMESPACE/NAME
    pub name: String,
    /// What becomes the parameter `payload`; the same as -p payload PAYLOAD
    #[arg(value_name = "PAYLOAD")]
    pub payload: Option<String>,
    /// What it is fired with.
    #[command(flatten)]
    pub parameters: Parameters,
    /// Name of the request: sent again with the same name, it is not done again
    #[arg(long, value_name = "TEXT")]
    pub idempotency_key: Option<String>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}
