//! `quirl watch`: a folder as a source of events.

use std::path::PathBuf;

use clap::Args;

use super::Connection;

/// `watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  quirl watch inbox --fire arrivals                         until Ctrl-C
  quirl watch inbox --fire arrivals --pattern '*.csv' --content
  quirl watch inbox --fire arrivals --existing --once 3     three files, for scripts

A file has arrived when it was renamed into the folder, or closed after it was written. Hidden files and
*.tmp, *.part are left out, folders too. What the trigger is fired with:
  {\"name\": \"a.csv\", \"path\": \"/data/inbox/a.csv\", \"size\": 12, \"modified\": 1704067200123}
and with --content also {\"content\": \"…\"}; for what is not text in base64, with \"encoding\": \"base64\".

Each file is fired once, also when the server ends and comes back meanwhile: the request has a name made
of path, size and time of change, and is sent again with the same name until it is answered. The server
knows that name for an hour.")]
pub(crate) struct Watch {
    /// The folder
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// The trigger to fire: NAME or /NAMESPACE/NAME
    #[arg(long, value_name = "TRIGGER")]
    pub fire: String,
    /// Fire also for what is in the folder already
    #[arg(long)]
    pub existing: bool,
    /// Only files whose name is like this, such as '*.csv'; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub pattern: Vec<glob::Pattern>,
    /// Send what is in the file as well, up to 700 KB
    #[arg(long)]
    pub content: bool,
    /// End after so many files
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub once: Option<u64>,
    /// Where the server is.
    #[command(flatten)]
    pub connection: Connection,
}
