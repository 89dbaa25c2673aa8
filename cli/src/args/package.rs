//! `quirl package …`

use clap::{Args, Subcommand};

use super::pairs::{Annotations, Parameters};
use super::{Connection, Entities, Get, One};

/// What to do with packages.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Create a package
    #[command(after_help = "\
Examples:
  quirl package create utils
  quirl package create utils -p region eu --shared yes
  quirl action create utils/hello hello.js      an action in it

Its parameters go into all its actions; those of an action win over them.")]
    Create(Define),
    /// Change a package, or create it if there is none
    #[command(after_help = "\
Examples:
  quirl package update utils -p region us       new parameters; annotations stay
  quirl package update utils --shared no")]
    Update(Define),
    /// Make a package of one's own that points at another, with more parameters
    #[command(after_help = "\
Examples:
  quirl package bind /ann/utils myutils -p region us
  quirl action invoke myutils/hello -r

What is changed in the package is changed in all its bindings, at once.")]
    Bind(Bind),
    /// Show a package with what is in it
    #[command(after_help = "\
Examples:
  quirl package get utils
  quirl package get utils parameters
  quirl package get utils --summary             its actions and feeds, and what they take")]
    Get(Get),
    /// Delete a package
    #[command(after_help = "\
Examples:
  quirl package delete utils
  quirl package delete utils --force            and all actions in it")]
    Delete(Delete),
    /// List packages, newest first
    #[command(after_help = "\
Examples:
  quirl package list
  quirl package list /ann -n                    those that ann shares")]
    List(Entities),
    /// Make bindings anew from what others share; no known server does it
    Refresh(Refresh),
}

/// `create` and `update`.
#[derive(Debug, Args)]
pub(crate) struct Define {
    /// NAME or /NAMESPACE/NAME
    pub name: String,
    /// What goes into its actions.
    #[command(flatten)]
    pub parameters: Parameters,
    /// What is said about it.
    #[command(flatten)]
    pub annotations: Annotations,
    /// Whether everybody may use it: yes or no
    #[arg(long, value_name = "SCOPE", ignore_case = true, hide_possible_values = true)]
    pub shared: Option<Shared>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// Whether everybody may use a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shared {
    /// Everybody.
    #[value(alias = "true")]
    Yes,
    /// Only its namespace.
    #[value(alias = "false")]
    No,
}

/// `bind`.
#[derive(Debug, Args)]
pub(crate) struct Bind {
    /// The package to point at: NAME or /NAMESPACE/NAME
    pub package: String,
    /// What the new one is called
    pub name: String,
    /// What goes into its actions, over what the package says.
    #[command(flatten)]
    pub parameters: Parameters,
    /// What is said about it.
    #[command(flatten)]
    pub annotations: Annotations,
    /// Change the binding if there is one
    #[arg(long)]
    pub overwrite: bool,
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
    /// Delete the actions in it as well
    #[arg(long)]
    pub force: bool,
}

/// `refresh`.
#[derive(Debug, Args)]
pub(crate) struct Refresh {
    /// The namespace; that of the key unless given
    pub namespace: Option<String>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}
