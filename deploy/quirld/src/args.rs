//! The command line of `quirld`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

/// Runs Quirl: API, controller and invoker in one process, everything in one data folder.
///
/// Started without anything, it listens on 127.0.0.1:3233, keeps its data in $QUIRL_DATA (else
/// /var/lib/quirl for root, else $XDG_DATA_HOME/quirl) and makes a key for the namespace guest
/// that `quirl` finds by itself.
#[derive(Debug, Parser)]
#[command(name = "quirld", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

const EXAMPLES: &str = "Examples:
  quirld                                  start on 127.0.0.1:3233
  quirld --data /srv/quirl --listen 127.0.0.1:0
  quirld --durability os                  faster; a power cut may lose the last second
  quirld restore /backup/monday           a data folder from a backup
  quirld config show                      what is in force, and from where

Every key of the configuration can also be set by the environment: QUIRL_SERVER__LISTEN=…";

/// What else it can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at the configuration.
    Config(ConfigArgs),
    /// Make a data folder of a backup that `quirl backup` made: checks every byte, writes over nothing.
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(RestoreArgs),
    /// Compile one module from standard input: started by the server itself, so that it can be ended.
    #[command(hide = true, name = COMPILE)]
    Compile,
}

const RESTORE_EXAMPLES: &str = "Examples:
  quirld restore /backup/monday                     into the usual data folder, if that is empty
  quirld restore /backup/monday --data /srv/quirl

The backup stays as it is. Then start quirld on the folder; it tells once that it was restored.";

#[derive(Debug, ClapArgs)]
pub(crate) struct RestoreArgs {
    /// The folder of the backup.
    #[arg(value_name = "BACKUP")]
    pub(crate) folder: PathBuf,
}

/// How the server calls itself to compile.
pub(crate) const COMPILE: &str = "compile-module";

#[derive(Debug, ClapArgs)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) what: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every key with its value and where it came from.
    Show {
        /// Accepted for clarity: the origin is always shown.
        #[arg(long)]
        origin: bool,
    },
}

/// Flags that set keys of the configuration.
#[derive(Debug, ClapArgs)]
pub(crate) struct Flags {
    /// The folder that holds everything.
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub(crate) listen: Option<String>,
    /// The configuration file; else /etc/quirl/quirld.toml, else quirld.toml in the data folder.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// `sync`: a 2xx is on disk. `os`: it survives this process, not the machine.
    #[arg(long, value_name = "MODE", global = true)]
    pub(crate) durability: Option<String>,
    /// Allow plain HTTP on an address that is not loopback.
    #[arg(long, global = true)]
    pub(crate) insecure_http: bool,
    /// For tests of debug builds: `point=kill@N`, the process kills itself there the Nth time.
    #[arg(long, value_name = "POINT=kill@N", hide = true, global = true)]
    pub(crate) failpoint: Vec<String>,
}
