//! The real server: built once, started on a data folder, killed, started again.
//!
//! A [`Server`] that is dropped is killed, and then its log is judged: a warning or an error that
//! the test did not announce ([`Setup::announce`]) fails the test.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use api::Client;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::engine;
use crate::eventually::eventually;

/// So long a start may take: debug builds on a busy machine.
const START: Duration = Duration::from_secs(60);
/// So long a graceful stop may take.
const STOP: Duration = Duration::from_secs(60);

/// The programs under test, and what they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The server.
    pub quirld: PathBuf,
    /// The command line.
    pub quirl: PathBuf,
    /// The folder `samples`.
    pub samples: PathBuf,
}

/// Flags that every program of this crate takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Flags {
    /// The server program; built if not given
    #[arg(long, value_name = "PATH")]
    pub quirld: Option<PathBuf>,
    /// The command line program; built if not given
    #[arg(long, value_name = "PATH")]
    pub quirl: Option<PathBuf>,
    /// The folder with sample actions
    #[arg(long, value_name = "DIR")]
    pub samples: Option<PathBuf>,
}

impl Programs {
    /// For tests: from the folder that `XTASK_PROGRAMS` names, else built now, once per process.
    ///
    /// # Errors
    /// They cannot be built.
    pub fn get() -> Result<&'static Self> {
        static FOUND: OnceLock<Result<Programs, String>> = OnceLock::new();
        let none = Flags { quirld: None, quirl: None, samples: None };
        let found = FOUND.get_or_init(|| Self::from(&none).map_err(|error| format!("{error:#}")));
        found.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Those that flags name; what they do not name is looked for and built.
    ///
    /// # Errors
    /// They cannot be built.
    pub fn from(flags: &Flags) -> Result<Self> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no top folder")?;
        let samples = flags.samples.clone().unwrap_or_else(|| top.join("samples"));
        let folder = match std::env::var_os("XTASK_PROGRAMS") {
            Some(folder) => PathBuf::from(folder),
            None if flags.quirld.is_some() && flags.quirl.is_some() => PathBuf::new(),
            None => build(top)?,
        };
        let quirld = flags.quirld.clone().unwrap_or_else(|| folder.join("quirld"));
        let quirl = flags.quirl.clone().unwrap_or_else(|| folder.join("quirl"));
        ensure!(quirld.is_file(), "{} is not there", quirld.display());
        Ok(Self { quirld, quirl, samples })
    }

    /// The module of a sample.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn sample(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.samples.join("built").join(format!("{name}.wasm"));
        std::fs::read(&path).with_context(|| format!("read {}", path.display()))
    }
}

/// Builds both programs as this one was built, and returns the folder they are in.
fn build(top: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(top).args(["build", "--quiet", "-p", "quirl-quirld", "-p", "quirl-cli"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let built = command.status().context("run cargo")?;
    ensure!(built.success(), "quirld and quirl do not build");
    let this = std::env::current_exe().context("where this program is")?;
    let folder = this.parent().context("it is nowhere")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.to_owned())
}

/// How a server is to be started.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The programs; [`Programs::get`] unless given.
    pub programs: Option<Programs>,
    /// The data folder; a passing one unless given.
    pub data: Option<PathBuf>,
    /// The port; the system chooses at 0.
    pub port: u16,
    /// The address to listen at, 127.0.0.1 unless given.
    pub host: Option<String>,
    /// More of the configuration file.
    pub config: String,
    /// More arguments.
    pub args: Vec<String>,
    /// More environment.
    pub env: Vec<(String, String)>,
    /// Parts of log lines that may be warnings or errors.
    pub announced: Vec<String>,
    /// Leave the configuration of the server alone: no small segments.
    pub plain: bool,
    /// Wait until no other test has a server, and let none have one meanwhile: for what is timed.
    pub alone: bool,
}

/// Small segments, so that twenty servers at once do not fill the disk with zeros.
const SMALL: &str = "[ledger]\nsegment = \"4 MiB\"\nballoon = \"1 MiB\"\ndisk-floor = \"64 MiB\"\n";

impl Setup {
    /// The usual one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// On this folder.
    #[must_use]
    pub fn data(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// With these lines of TOML. A section `[ledger]` replaces the small segments of the harness.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// With an argument.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Killing itself the `nth` time it is at a point of `core/log` or of `quirld/src/failpoint.rs`.
    #[must_use]
    pub fn kill_at(self, point: &str, nth: u32) -> Self {
        self.arg("--failpoint").arg(&format!("{point}=kill@{nth}"))
    }

    /// While no other test has a server, in this process or in another.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Log lines with this in them may be warnings or errors.
    #[must_use]
    pub fn announce(mut self, part: &str) -> Self {
        self.announced.push(part.to_owned());
        self
    }

    /// Starts it and waits until it takes work.
    ///
    /// # Errors
    /// It ended, or is not ready in time; with what it said.
    pub async fn start(self) -> Result<Server> {
        let server = self.spawn()?;
        server.ready().await?;
        Ok(server)
    }

    /// Starts it and waits for nothing but its address.
    ///
    /// # Errors
    /// It ended before it had one; with what it said.
    pub fn spawn(self) -> Result<Server> {
        let mut this = self.launch()?;
        let start = Instant::now();
        let found = loop {
            match this.lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => match address_in(&line) {
                    Some(address) => break address,
                    None => this.said.push(line),
                },
                Err(RecvTimeoutError::Timeout) if start.elapsed() < START => {
                    if let Some(status) = this.ended()? {
                        let said = this.log().join("\n");
                        this.judged = true;
                        bail!("quirld ended with {status} before it listened:\n{said}");
                    }
                }
                Err(_) => bail!("quirld says no address:\n{}", this.log().join("\n")),
            }
        };
        this.address = found;
        Ok(this)
    }

    /// Starts it and looks at nothing: for starts that must fail.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn launch(self) -> Result<Server> {
        let programs = match &self.programs {
            Some(programs) => programs.clone(),
            None => Programs::get()?.clone(),
        };
        let (data, folder) = match &self.data {
            Some(data) => (data.clone(), None),
            None => {
                let folder = tempfile::Builder::new().prefix("quirl-test-").tempdir()?;
                let data = folder.path().join("data");
                engine::lend(&programs.quirld, &data)?;
                (data, Some(folder))
            }
        };
        let turn = match &self.programs {
            Some(_) => None, // a program of ours, or a server that has its turn already
            None => Some(take_turn(self.alone)?),
        };
        let mut command = Command::new(&programs.quirld);
        command.arg("--data").arg(&data).args(["--listen", &self.listen()]);
        let toml = self.toml();
        if !toml.is_empty() {
            let name = data.file_name().map_or("data".into(), |name| name.to_string_lossy());
            let path = data.with_file_name(format!("{name}.quirld.toml"));
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, toml)?;
            command.arg("--config").arg(&path);
        }
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("start {}", programs.quirld.display()))?;
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let lines = read_lines(child.stdout.take());
        keep_lines(child.stderr.take(), &stderr);
        Ok(Server {
            child,
            address: String::new(),
            data,
            programs,
            setup: self,
            stderr,
            lines,
            said: Vec::new(),
            judged: false,
            _turn: turn,
            _folder: folder,
        })
    }

    fn listen(&self) -> String {
        format!("{}:{}", self.host.as_deref().unwrap_or("127.0.0.1"), self.port)
    }

    fn toml(&self) -> String {
        if self.plain || self.config.contains("[ledger]") {
            return self.config.clone();
        }
        format!("{}\n{SMALL}", self.config)
    }
}

/// A running server, or what is left of it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:port`.
    pub address: String,
    /// Its data folder.
    pub data: PathBuf,
    /// What it was started from.
    pub programs: Programs,
    setup: Setup,
    stderr: Arc<Mutex<Vec<String>>>,
    lines: Receiver<String>,
    said: Vec<String>,
    judged: bool,
    _turn: Option<File>,
    _folder: Option<TempDir>,
}

impl Server {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its port.
    ///
    /// # Errors
    /// It has no address.
    pub fn port(&self) -> Result<u16> {
        let port = self.address.rsplit(':').next().unwrap_or_default();
        port.parse().with_context(|| format!("'{}' has no port", self.address))
    }

    /// The key of `guest`.
    ///
    /// # Errors
    /// It has not been made yet.
    pub fn key(&self) -> Result<String> {
        let path = self.data.join("secrets/guest.auth");
        let key = std::fs::read_to_string(&path);
        Ok(key.with_context(|| format!("read {}", path.display()))?.trim().to_owned())
    }

    /// A client with the key of `guest`.
    ///
    /// # Errors
    /// As [`Server::key`].
    pub fn client(&self) -> Result<Client> {
        let client = Client::new(&self.address)?.with_patience(Duration::from_secs(90));
        Ok(client.with_key(&self.key()?)?)
    }

    /// Waits until it has read its ledger, whether it takes work or not.
    ///
    /// # Errors
    /// It ended, or says nothing in time.
    pub async fn answers(&self) -> Result<()> {
        let client = Client::new(&self.address)?.with_patience(Duration::from_secs(5));
        eventually(START, "quirld answers", || async {
            match client.send(http::Method::GET, "/api/v1", None).await {
                Ok(answer) if answer.status == 200 => Ok(()),
                Ok(answer) => Err(format!("status {}", answer.status)),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }

    /// Waits until it takes work.
    ///
    /// # Errors
    /// It ended, or is not ready in time.
    pub async fn ready(&self) -> Result<()> {
        let client = Client::new(&self.address)?.with_patience(Duration::from_secs(5));
        let look = || async {
            match client.is_ready().await {
                Ok(true) => Ok(Ok(())),
                Ok(false) => Err("it answers, not ready".to_owned()),
                Err(error) if self.is_gone() => {
                    Ok(Err(anyhow!("{error}; it ended:\n{}", self.log().join("\n"))))
                }
                Err(error) => Err(error.to_string()),
            }
        };
        eventually(START, "quirld is ready", look).await?
    }

    /// Whether its process has ended: a zombie counts as gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        let state = stat.ok().and_then(|it| it.rsplit(") ").next().map(str::to_owned));
        state.is_none_or(|state| state.starts_with(['Z', 'X']))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It did not end within `limit`.
    pub async fn end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            ensure!(start.elapsed() < limit, "quirld has not ended within {limit:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// `kill -9`, and waits until it is gone. Nothing happens if it was.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        if self.child.try_wait()?.is_none() {
            self.child.kill().context("kill -9")?;
        }
        Ok(self.child.wait()?)
    }

    /// `SIGTERM`, and waits until it has ended; its log must have nothing unannounced.
    ///
    /// # Errors
    /// It did not end well.
    pub async fn stop(&mut self) -> Result<()> {
        self.terminate()?;
        let status = self.end(STOP).await?;
        self.judge()?;
        let said = || self.log().join("\n");
        ensure!(status.success(), "quirld stopped with {status}:\n{}", said());
        Ok(())
    }

    /// `SIGTERM`, nothing more.
    ///
    /// # Errors
    /// It has ended.
    pub fn terminate(&self) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).context("no pid")?;
        kill_process(pid, Signal::TERM).context("SIGTERM")
    }

    /// Kills it if it runs, and starts it again on its folder and port.
    ///
    /// # Errors
    /// As [`Setup::start`].
    pub async fn restart(&mut self) -> Result<()> {
        let setup = self.setup.clone();
        self.restart_as(setup).await
    }

    /// The same with another setup; folder and port stay.
    ///
    /// # Errors
    /// As [`Setup::start`].
    pub async fn restart_as(&mut self, setup: Setup) -> Result<()> {
        self.relaunch(setup)?;
        self.ready().await
    }

    /// The same, waiting for nothing but the address.
    ///
    /// # Errors
    /// As [`Setup::spawn`].
    pub fn relaunch(&mut self, setup: Setup) -> Result<()> {
        self.kill()?;
        self.judge()?;
        let port = self.port()?;
        let data = Some(self.data.clone());
        let programs = Some(self.programs.clone());
        let mut next = Setup { port, data, programs, ..setup }.spawn()?;
        next._folder = self._folder.take();
        next._turn = self._turn.take();
        // The folder is handed on; what is dropped here is a dead process that was judged.
        *self = next;
        Ok(())
    }

    /// The setup with which it was started.
    #[must_use]
    pub fn setup(&self) -> Setup {
        self.setup.clone()
    }

    /// What it has written to stderr so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it has written to stdout and was not read as its address.
    pub fn stdout(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.said.push(line);
        }
        self.said.join("\n")
    }

    /// Warnings and errors that nobody announced.
    #[must_use]
    pub fn unannounced(&self) -> Vec<String> {
        let is_bad = |line: &String| {
            let level = line.split_whitespace().take(3).find(|word| is_level(word));
            level.is_some() || line.contains("panicked at")
        };
        let announced = |line: &String| self.setup.announced.iter().any(|it| line.contains(it));
        self.log().into_iter().filter(|line| is_bad(line) && !announced(line)).collect()
    }

    /// Judges the log once.
    ///
    /// # Errors
    /// It has a warning or an error that was not announced.
    pub fn judge(&mut self) -> Result<()> {
        self.judged = true;
        let bad = self.unannounced();
        ensure!(bad.is_empty(), "unannounced in the server's log:\n{}", bad.join("\n"));
        Ok(())
    }

    /// A figure of `/metrics`; `series` is the whole name with its labels.
    ///
    /// # Errors
    /// No answer, or no such figure.
    pub async fn metric(&self, series: &str) -> Result<f64> {
        let all = metrics(&self.address).await?;
        let found = all.iter().find(|(name, _)| name == series);
        found.map(|(_, value)| *value).with_context(|| format!("no figure {series}"))
    }

    /// Memory that is its own, in bytes: resident, less mapped files.
    ///
    /// # Errors
    /// It has ended.
    pub fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.context("no RssAnon")? << 10)
    }

    /// A command of `quirl` against this server, as a user would type it.
    #[must_use]
    pub fn quirl(&self) -> Command {
        let mut command = Command::new(&self.programs.quirl);
        command.env("QUIRL_DATA", &self.data).env("WSK_CONFIG_FILE", self.data.join("none"));
        for name in ["__OW_API_HOST", "WHISK_APIHOST", "__OW_API_KEY", "WHISK_NAMESPACE"] {
            command.env_remove(name);
        }
        command
    }
}

/// A lock that tests share, in all their processes; whoever is timed has it alone.
fn take_turn(alone: bool) -> Result<File> {
    let path = std::env::temp_dir().join("quirl-tests.lock");
    let file = File::options().create(true).append(true).open(&path)?;
    let how = if alone { FlockOperation::LockExclusive } else { FlockOperation::LockShared };
    flock(&file, how).with_context(|| format!("lock {}", path.display()))?;
    Ok(file)
}

fn is_level(word: &str) -> bool {
    matches!(word, "WARN" | "ERROR")
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that is gone already is what we want.
        let _ = self.kill();
        // The next one is as well off without it.
        let _ = engine::keep(&self.programs.quirld, &self.data);
        if !self.judged && !std::thread::panicking() {
            self.judged = true;
            let bad = self.unannounced();
            assert!(bad.is_empty(), "unannounced in the server's log:\n{}", bad.join("\n"));
        }
    }
}

/// All figures of `/metrics`: name with labels, value.
///
/// # Errors
/// No answer.
pub async fn metrics(address: &str) -> Result<Vec<(String, f64)>> {
    let client = Client::new(address)?.with_patience(Duration::from_secs(10));
    let answer = client.send(http::Method::GET, "/metrics", None).await?;
    ensure!(answer.status == 200, "/metrics answers {}", answer.status);
    let text = String::from_utf8_lossy(&answer.body);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parsed = lines.filter_map(|line| line.rsplit_once(' '));
    Ok(parsed.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
}

/// Whether a process was killed by `SIGKILL`.
#[must_use]
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

fn address_in(line: &str) -> Option<String> {
    let at = line.find("http://")?;
    let rest = &line[at..];
    let end = rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len());
    // Who listens everywhere listens here as well.
    Some(rest[..end].trim_end_matches(['/', '.']).replace("//0.0.0.0", "//127.0.0.1"))
}

fn read_lines(from: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = sync_channel(1024);
    if let Some(from) = from {
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                // Nobody listens any more: read on, so that the server is not blocked.
                let _ = sender.try_send(line);
            }
        });
    }
    receiver
}

fn keep_lines(from: Option<impl Read + Send + 'static>, into: &Arc<Mutex<Vec<String>>>) {
    let Some(from) = from else { return };
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            into.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

/// A command as somebody would type it.
#[must_use]
pub fn shown(command: &Command) -> String {
    let mut text = String::new();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    for (at, word) in words.enumerate() {
        let word = word.to_string_lossy();
        let word = if at == 0 { word.rsplit('/').next().unwrap_or_default() } else { &word };
        let quote = if word.contains([' ', '{', '"', '&']) { "'" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{quote}{word}{quote}", if at == 0 { "" } else { " " });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_a_start_prints() {
        for line in [
            "http://127.0.0.1:7",
            "  listening on http://127.0.0.1:7, data in /x",
            "a: http://127.0.0.1:7/",
        ] {
            assert_eq!(address_in(line).as_deref(), Some("http://127.0.0.1:7"));
        }
        assert_eq!(address_in("data in /x"), None);
    }

    #[test]
    fn commands_are_shown_as_they_are_typed() {
        let mut command = Command::new("/a/quirl");
        command.args(["action", "create", "x y"]);
        assert_eq!(shown(&command), "quirl action create 'x y'");
    }
}
