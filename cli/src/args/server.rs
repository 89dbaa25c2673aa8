//! `quirl up`, `quirl down`: the server on this machine.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// `up`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  quirl up                          until Ctrl-C
  quirl up -d                       in the background; prints the address when it is ready
  quirl up -d --data ./here         with another data folder
  quirl up -d --listen 127.0.0.1:0  at a port that the system picks
  quirl up -- --help                what else quirld takes, behind two dashes

The program quirld is looked for beside quirl, then on PATH.")]
pub(crate) struct Up {
    /// In the background
    #[arg(short, long)]
    pub detach: bool,
    /// Data folder [default: $QUIRL_DATA, else one of your own]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Where to listen; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<OsString>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<OsString>,
    /// sync: a 2xx is on disk; os: it survives the process, not the machine
    #[arg(long, value_name = "MODE")]
    pub durability: Option<OsString>,
    /// Allow plain HTTP on an address that others reach
    #[arg(long)]
    pub insecure_http: bool,
    /// Wait no longer than this for it to be ready, with -d
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,
    /// More flags of quirld
    #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub flags: Vec<OsString>,
}

impl Up {
    /// The flags of `quirld`.
    pub(crate) fn passed_on(&self) -> Vec<OsString> {
        let data = self.data.as_ref().map(|path| path.clone().into_os_string());
        let valued = [
            ("--data", &data),
            ("--listen", &self.listen),
            ("--config", &self.config),
            ("--durability", &self.durability),
        ];
        let mut flags = Vec::new();
        for (flag, value) in valued {
            if let Some(value) = value {
                flags.extend([flag.into(), value.clone()]);
            }
        }
        flags.extend(self.insecure_http.then(|| "--insecure-http".into()));
        flags.extend(self.flags.iter().cloned());
        flags
    }
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
