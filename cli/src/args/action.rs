//! `quirl action …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Connection;
use super::pairs::{Annotations, Parameters};

/// What to do with actions.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Create an action
    #[command(after_help = "\
Examples:
  quirl action create hello hello.wasm
  quirl action create hello hello.wasm -p name stranger -m 128 -t 5000
  quirl action create report --sequence parse,clean,sum
  quirl action create hello2 hello --copy
  quirl action create site site.js --web true

The kind follows from the file: .wasm .js .py .php .rb .go .rs .swift .jar .bal; a .zip needs --kind.
A value that is JSON is taken as JSON, all else as text. Of one key, -p wins over -P.")]
    Create(Box<Define>),
    /// Change an action, or create it if there is none
    #[command(after_help = "\
Examples:
  quirl action update hello hello.wasm       new code
  quirl action update hello -p name Ann      new parameters; code and annotations stay
  quirl action update hello -a final true    one more annotation")]
    Update(Box<Define>),
    /// Run an action
    #[command(after_help = "\
Examples:
  quirl action invoke hello                      accepted; prints the id of the activation
  quirl action invoke hello -p name Ann -b       waits; prints the record
  quirl action invoke hello -P person.json -r    waits; prints the result

Exit code 0: success. 246: the action failed. 202: it still runs. Else the status of the refusal, less 256.")]
    Invoke(Invoke),
    /// Show an action, or save its code
    #[command(after_help = "\
Examples:
  quirl action get hello
  quirl action get hello limits
  quirl action get hello --save-as old.wasm")]
    Get(Get),
    /// Delete an action
    Delete {
        /// NAME, PACKAGE/NAME or /NAMESPACE/PACKAGE/NAME
        name: String,
        /// Where the server is.
        #[command(flatten)]
        connection: Connection,
    },
    /// List actions, newest first
    #[command(after_help = "\
Examples:
  quirl action list
  quirl action list demo           those of a package
  quirl action list /guest -l 5 -n")]
    List(List),
}

/// `create` and `update`.
#[derive(Debug, Args)]
pub(crate) struct Define {
    /// NAME, PACKAGE/NAME or /NAMESPACE/PACKAGE/NAME
    pub name: String,
    /// File with its code; with --sequence a list of actions, with --copy an action
    #[arg(value_name = "ARTIFACT")]
    pub artifact: Option<String>,
    /// Kind of runtime, such as wasm:default; follows from the file unless given
    #[arg(long)]
    pub kind: Option<String>,
    /// Container image to run it in
    #[arg(long, value_name = "IMAGE", conflicts_with = "kind")]
    pub docker: Option<String>,
    /// The file is a zip with an executable `exec`
    #[arg(long)]
    pub native: bool,
    /// Function or class to call
    #[arg(long, value_name = "NAME")]
    pub main: Option<String>,
    /// ARTIFACT is a list of actions, each given the result of the one before: a,b,c
    #[arg(long, conflicts_with_all = ["copy", "docker", "kind", "native", "main"])]
    pub sequence: bool,
    /// ARTIFACT is an action to copy
    #[arg(long, conflicts_with_all = ["docker", "kind", "native", "main"])]
    pub copy: bool,
    /// Serve it on the web: true, raw (requests as they come) or false
    #[arg(long, value_name = "HOW", ignore_case = true, hide_possible_values = true)]
    pub web: Option<Web>,
    /// What goes into it.
    #[command(flatten)]
    pub parameters: Parameters,
    /// What is said about it.
    #[command(flatten)]
    pub annotations: Annotations,
    /// Annotation to remove; may be repeated
    #[arg(long, value_name = "KEY")]
    pub del_annotation: Vec<String>,
    /// Longest run, milliseconds [default on create: 60000]
    #[arg(short, long, value_name = "MS", allow_negative_numbers = true)]
    pub timeout: Option<i64>,
    /// Most memory, MB [default on create: 256]
    #[arg(short, long, value_name = "MB", allow_negative_numbers = true)]
    pub memory: Option<i64>,
    /// Most log output, MB [default on create: 10]
    #[arg(short, long, value_name = "MB", allow_negative_numbers = true)]
    pub logsize: Option<i64>,
    /// Runs per container at a time [default on create: 1]
    #[arg(short, long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub concurrency: Option<i64>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// How an action is served on the web.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Web {
    /// As a web action.
    #[value(alias = "yes")]
    True,
    /// As a web action that sees requests as they come.
    Raw,
    /// Not at all.
    #[value(alias = "no")]
    False,
}

/// `invoke`.
#[derive(Debug, Args)]
pub(crate) struct Invoke {
    /// NAME, PACKAGE/NAME or /NAMESPACE/PACKAGE/NAME
    pub name: String,
    /// What goes into it.
    #[command(flatten)]
    pub parameters: Parameters,
    /// Wait for the end
    #[arg(short, long)]
    pub blocking: bool,
    /// Wait for the end and show only the result
    #[arg(short, long)]
    pub result: bool,
    /// Name of the request: sent again with the same name, it is not done again
    #[arg(long, value_name = "TEXT")]
    pub idempotency_key: Option<String>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// NAME, PACKAGE/NAME or /NAMESPACE/PACKAGE/NAME
    pub name: String,
    /// Show only this member
    #[arg(value_name = "FIELD", conflicts_with_all = ["summary", "url", "save", "save_as"])]
    pub field: Option<String>,
    /// Show what it is for and what it takes
    #[arg(short, long)]
    pub summary: bool,
    /// Show the address at which it is served
    #[arg(short = 'r', long)]
    pub url: bool,
    /// Save its code in a file of its name
    #[arg(long)]
    pub save: bool,
    /// Save its code in this file
    #[arg(long, value_name = "FILE")]
    pub save_as: Option<PathBuf>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}

/// `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// A package, or /NAMESPACE[/PACKAGE]
    pub place: Option<String>,
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
