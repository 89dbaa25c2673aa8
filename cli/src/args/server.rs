//! `quirl up`, `quirl down`: the server on this machine.

use std::path::PathBuf;

use clap::Args;

/// `up`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  quirl up                          until Ctrl-C
  quirl up -d                       in the background; prints the address when it is ready
  quirl up -d --data ./here         with another data folder
  quirl up -- --config quirld.toml  flags of quirld follow two dashes

The program quirld is looked for beside quirl, then on PATH.")]
pub(crate) struct Up {
    /// In the background
    #[arg(short, long)]
    pub detach: bool,
    /// Data folder [default: $QUIRL_DATA, else one of your own]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Wait no longer than this for it to be ready, with -d
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// Flags of quirld
    #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub flags: Vec<std::ffi::OsString>,
}

/// `down`.
#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Data folder [default: $QUIRL_DATA, else one of your own]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Wait no longer than this for its end
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
}
