//! One configuration per process, made of one section per part.

use std::path::{Path, PathBuf};
use std::time::Duration;

use controller::retention::Policy;
use daemon::config::{File, Flag, Loaded, Origin, Problem, Problems, Sources};
use model::limits::Overrides;
use model::size::ByteSize;
use serde::{Deserialize, Serialize};

use crate::args::Args;

/// Everything that can be set.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where it listens and where it keeps its data.
    pub(crate) server: Server,
    /// The log of all facts.
    pub(crate) ledger: Ledger,
    /// Bounds and deadlines.
    pub(crate) controller: controller::config::Config,
    /// Sandboxes.
    pub(crate) wasm: wasm::Config,
    /// Whom actions in sandboxes may reach.
    pub(crate) egress: wasm::EgressConfig,
    /// Connections.
    pub(crate) gateway: gateway::Config,
    /// Where the admin API is beside its socket.
    pub(crate) admin: Admin,
    /// The namespace that the first start makes.
    pub(crate) guest: Guest,
    /// What is logged.
    pub(crate) log: daemon::telemetry::Config,
    /// What is measured.
    pub(crate) metrics: Metrics,
}

/// Where the server listens and where it keeps its data.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Address and port.
    pub(crate) listen: String,
    /// The data folder; empty: the default of the system.
    pub(crate) data: String,
    /// Plain HTTP on an address that is not loopback.
    pub(crate) insecure_http: bool,
    /// How long a stop waits for what runs, seconds.
    pub(crate) grace_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:3233".to_owned(),
            data: String::new(),
            insecure_http: false,
            grace_seconds: 30,
        }
    }
}

/// The log of all facts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Ledger {
    /// `sync` or `os`.
    pub(crate) durability: Durability,
    /// Below so many free bytes nothing new is accepted.
    pub(crate) disk_floor: ByteSize,
    /// The file that is given up when not even small records fit any more.
    pub(crate) balloon: ByteSize,
    /// Size of a segment.
    pub(crate) segment: ByteSize,
    /// Sealed segments beyond so many bytes are removed, oldest first; 0: none is.
    pub(crate) retain_bytes: ByteSize,
    /// Sealed segments whose last record is older than so many days are removed; 0: none is.
    pub(crate) retain_days: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            durability: Durability::Sync,
            disk_floor: ByteSize::mib(256),
            balloon: ByteSize::mib(64),
            segment: ByteSize::mib(64),
            retain_bytes: ByteSize::bytes(0),
            retain_days: 0,
        }
    }
}

impl Ledger {
    /// What is kept, and for how long.
    pub(crate) fn retention(&self) -> Policy {
        let days = Duration::from_secs(self.retain_days.saturating_mul(24 * 60 * 60));
        Policy {
            bytes: Some(self.retain_bytes).filter(|bytes| bytes.as_u64() > 0),
            age: Some(days).filter(|age| !age.is_zero()),
        }
    }
}

/// When a 2xx is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Durability {
    /// When it is on disk.
    Sync,
    /// When the operating system has it.
    Os,
}

impl Durability {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Os => "os",
        }
    }

    /// What a 2xx means, for people.
    pub(crate) fn promise(self) -> &'static str {
        match self {
            Self::Sync => "a 2xx is on disk",
            Self::Os => "a 2xx survives this process; a power cut may lose the last second",
        }
    }
}

/// The admin API over TCP. Its socket in the data folder is always there.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Admin {
    /// Address and port, with the token of `secrets/admin.token`; empty: the socket alone.
    pub(crate) listen: String,
}

/// The namespace `guest`, as the first start makes it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Guest {
    /// Its own limits.
    pub(crate) limits: GuestLimits,
}

/// The throttles of `guest`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct GuestLimits {
    /// Invocations per wall-clock minute.
    pub(crate) invocations_per_minute: u64,
    /// Fires per wall-clock minute.
    pub(crate) fires_per_minute: u64,
    /// Activations open at a time.
    pub(crate) concurrent_invocations: u64,
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self {
            invocations_per_minute: 60_000,
            fires_per_minute: 60_000,
            concurrent_invocations: 1_000,
        }
    }
}

impl GuestLimits {
    /// As they are stored.
    pub(crate) fn limits(&self) -> Overrides {
        Overrides {
            invocations_per_minute: Some(self.invocations_per_minute),
            fires_per_minute: Some(self.fires_per_minute),
            concurrent_invocations: Some(self.concurrent_invocations),
            ..Overrides::default()
        }
    }
}

/// What is measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// How many actions have figures of their own: those that ran last.
    pub(crate) actions: u32,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { actions: 1_000 }
    }
}

/// Defaults < file < environment < flags; every problem at once.
pub(crate) fn load(args: &Args) -> Result<Loaded<Config>, Problems> {
    let environment = daemon::config::environment();
    let file = file(args, &environment)?;
    let sources = Sources { file, environment, flags: flags(args) };
    let mut loaded: Loaded<Config> = daemon::config::load(&sources)?;
    if loaded.value.server.data.is_empty() {
        loaded.value.server.data = default_folder(&sources.environment).display().to_string();
    }
    Ok(loaded)
}

fn flags(args: &Args) -> Vec<Flag> {
    let flag = |name: &str, key: &str, value: String| Flag {
        name: name.to_owned(),
        key: key.to_owned(),
        value,
    };
    let flags = &args.flags;
    let mut set = Vec::new();
    if let Some(data) = &flags.data {
        set.push(flag("--data", "server.data", data.display().to_string()));
    }
    if let Some(listen) = &flags.listen {
        set.push(flag("--listen", "server.listen", listen.clone()));
    }
    if let Some(durability) = &flags.durability {
        set.push(flag("--durability", "ledger.durability", durability.clone()));
    }
    if flags.insecure_http {
        set.push(flag("--insecure-http", "server.insecure-http", "true".to_owned()));
    }
    set
}

/// The file that was named, which must be there; else the first of the usual ones that is.
fn file(args: &Args, environment: &[(String, String)]) -> Result<Option<File>, Problems> {
    let unreadable = |path: &Path, what: String| {
        let origin = Origin::File { path: path.to_owned(), line: 1 };
        Problems(vec![Problem { origin, key: None, what }])
    };
    let read = |path: &Path| {
        File::read(path).map_err(|error| unreadable(path, format!("it cannot be read: {error}")))
    };
    if let Some(path) = &args.flags.config {
        return match read(path)? {
            Some(file) => Ok(Some(file)),
            None => Err(unreadable(path, "there is no such file".to_owned())),
        };
    }
    if let Some(file) = read(Path::new("/etc/quirl/quirld.toml"))? {
        return Ok(Some(file));
    }
    let folder = args.flags.data.clone().unwrap_or_else(|| default_folder(environment));
    read(&folder.join("quirld.toml"))
}

/// `$QUIRL_DATA`, else `/var/lib/quirl` for root, else `$XDG_DATA_HOME/quirl`.
fn default_folder(environment: &[(String, String)]) -> PathBuf {
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    if let Some(folder) = variable("QUIRL_DATA") {
        return folder.into();
    }
    if rustix::process::geteuid().is_root() {
        return "/var/lib/quirl".into();
    }
    let home = || PathBuf::from(variable("HOME").unwrap_or_else(|| ".".to_owned()));
    let data = variable("XDG_DATA_HOME").map(PathBuf::from);
    data.unwrap_or_else(|| home().join(".local/share")).join("quirl")
}
