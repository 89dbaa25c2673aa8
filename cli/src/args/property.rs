//! `quirl property …`: the properties file that `wsk` and `quirl` share.

use clap::{Args, Subcommand};

/// What to do with properties.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show properties; all, if none is named
    Get(Get),
    /// Set properties, and leave the others as they are
    #[command(
        after_help = "Example:\n  quirl property set --apihost http://10.0.0.5:3233 --auth UUID:SECRET"
    )]
    Set(Set),
    /// Forget properties
    Unset(Which),
}

/// Names of properties.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Which {
    /// Key to authenticate with
    #[arg(short = 'u', long)]
    pub auth: bool,
    /// Address of the server
    #[arg(long)]
    pub apihost: bool,
    /// Version of the API
    #[arg(long)]
    pub apiversion: bool,
    /// Namespace to work in
    #[arg(long)]
    pub namespace: bool,
    /// Version of this program
    #[arg(long)]
    pub cliversion: bool,
    /// Build date of the server
    #[arg(long)]
    pub apibuild: bool,
    /// Build number of the server
    #[arg(long)]
    pub apibuildno: bool,
    /// All of them
    #[arg(long)]
    pub all: bool,
}

/// `get`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Get {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Show also who said so: command line, environment, properties file or data folder
    #[arg(long)]
    pub origin: bool,
}

/// Values of properties.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Set {
    /// Key to authenticate with, UUID:SECRET
    #[arg(short = 'u', long, value_name = "KEY")]
    pub auth: Option<String>,
    /// Address of the server, such as http://127.0.0.1:3233
    #[arg(long, value_name = "HOST")]
    pub apihost: Option<String>,
    /// Version of the API
    #[arg(long, value_name = "VERSION")]
    pub apiversion: Option<String>,
    /// Namespace to work in; `_` is that of the key
    #[arg(long)]
    pub namespace: Option<String>,
}
