//! The command line: what can be said. What it does is in [`crate::command`].
//!
//! Forms and flags are those of `wsk`, so that fingers and scripts need not learn anew.

use clap::{Parser, Subcommand};

pub(crate) mod action;
pub(crate) mod activation;
pub(crate) mod admin;
pub(crate) mod package;
pub(crate) mod pairs;
pub(crate) mod property;
pub(crate) mod rule;
pub(crate) mod server;
pub(crate) mod trigger;
pub(crate) mod watch;

/// Functions that run the moment they are called, and are never forgotten.
#[derive(Debug, Parser)]
#[command(
    name = "quirl",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  quirl up -d                                start a server here, in the background
  quirl action create hello hello.wasm       make an action of a file
  quirl action invoke hello -p name Ann -r   run it and see its result
  quirl activation list                      what ran, newest first
  quirl activation logs --last               what the newest one printed
  quirl trigger create arrivals              something that can happen
  quirl rule create r arrivals hello         what is then to be run
  quirl watch inbox --fire arrivals          let it happen when a file arrives
  quirl down                                 stop the server

A server on this machine and its key are found by themselves. Another one:
  quirl property set --apihost http://HOST:3233 --auth UUID:SECRET"
)]
pub(crate) struct Args {
    /// Given before the noun.
    #[command(flatten)]
    pub connection: Connection,
    /// What to do.
    #[command(subcommand)]
    pub noun: Noun,
}

/// What to work with.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Work with actions
    #[command(subcommand, visible_alias = "actions")]
    Action(action::Verb),
    /// Work with activations: what ran, and how it went
    #[command(subcommand, visible_alias = "activations")]
    Activation(activation::Verb),
    /// Work with packages: actions that share a name and parameters
    #[command(subcommand, visible_alias = "packages")]
    Package(package::Verb),
    /// Work with triggers: what can happen
    #[command(subcommand, visible_alias = "triggers")]
    Trigger(trigger::Verb),
    /// Work with rules: which action a trigger starts
    #[command(subcommand, visible_alias = "rules")]
    Rule(rule::Verb),
    /// Fire a trigger for each file that arrives in a folder
    Watch(watch::Watch),
    /// Work with namespaces
    #[command(subcommand)]
    Namespace(NamespaceVerb),
    /// List what is in a namespace
    List(List),
    /// Show and change where the server is and what key it takes
    #[command(subcommand)]
    Property(property::Verb),
    /// Manage users, keys, namespaces and limits of a server
    Admin(admin::Admin),
    /// Copy everything that a server keeps, while it works
    Backup(admin::Backup),
    /// Start a server on this machine
    Up(server::Up),
    /// Stop the server on this machine
    Down(server::Down),
}

/// What to do with namespaces.
#[derive(Debug, Subcommand)]
pub(crate) enum NamespaceVerb {
    /// List the namespaces of the key
    List {
        /// Where the server is.
        #[command(flatten)]
        connection: Connection,
    },
    /// List what is in a namespace
    Get(List),
}

/// `list`, also `namespace get`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  quirl list
  quirl list /guest -n")]
pub(crate) struct List {
    /// The namespace; that of the key unless given
    pub namespace: Option<String>,
    /// Sort by name instead of by time
    #[arg(short, long)]
    pub name_sort: bool,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// The name of a package, a trigger or a rule.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// NAME or /NAMESPACE/NAME
    pub name: String,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `get` of a package, a trigger or a rule.
#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    /// Which.
    #[command(flatten)]
    pub one: One,
    /// Show only this member
    #[arg(value_name = "FIELD", conflicts_with = "summary")]
    pub field: Option<String>,
    /// Show in short what it is
    #[arg(short, long)]
    pub summary: bool,
}

/// `list` of packages, triggers or rules.
#[derive(Debug, clap::Args)]
pub(crate) struct Entities {
    /// /NAMESPACE; that of the key unless given
    pub namespace: Option<String>,
    /// Show at most so many; 0 means 200
    #[arg(short, long, default_value_t = 30)]
    pub limit: u32,
    /// Leave out the first so many
    #[arg(short, long, default_value_t = 0)]
    pub skip: u32,
    /// Sort by name instead of by time
    #[arg(short, long)]
    pub name_sort: bool,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// Where the server is, and what to show of talking to it. Before the noun or behind the verb.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Connection {
    /// Address of the server, such as http://127.0.0.1:3233
    #[arg(long, value_name = "HOST")]
    pub apihost: Option<String>,
    /// Key to authenticate with, UUID:SECRET
    #[arg(short = 'u', long, value_name = "KEY")]
    pub auth: Option<String>,
    /// Version of the API; only v1 is known
    #[arg(long, value_name = "VERSION", hide = true)]
    pub apiversion: Option<String>,
    /// Do not check certificates: taken for the sake of wsk, there are none to check
    #[arg(short, long, hide = true)]
    pub insecure: bool,
    /// Show requests and answers
    #[arg(short, long)]
    pub verbose: bool,
    /// Show requests and answers with their bodies
    #[arg(short, long)]
    pub debug: bool,
}

impl Connection {
    /// What was said behind the verb, completed by what was said before the noun.
    pub(crate) fn or(self, before: Self) -> Self {
        Self {
            apihost: self.apihost.or(before.apihost),
            auth: self.auth.or(before.auth),
            apiversion: self.apiversion.or(before.apiversion),
            insecure: self.insecure || before.insecure,
            verbose: self.verbose || before.verbose,
            debug: self.debug || before.debug,
        }
    }
}

#[cfg(test)]
mod tests;
