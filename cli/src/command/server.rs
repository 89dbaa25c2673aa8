//! `quirl up`, `quirl down`: starts and stops `quirld` on this machine.
//!
//! In the foreground `quirl` becomes `quirld`: signals and the exit code are its own. In the
//! background it has no terminal, and what it prints goes to a file beside its data folder.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::args::server::{Down, Up};
use crate::error::Error as Failure;
use crate::output::{Output, bold};
use crate::profile::Environment;
use crate::profile::folder::{Folder, Holder};

/// How often to look whether something has happened.
const LOOK: Duration = Duration::from_millis(25);
/// How long to wait for one answer of a server that starts.
const ANSWER: Duration = Duration::from_secs(2);

/// Why the server here could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No `quirld`.
    #[error("there is no quirld beside {} and none on PATH", .0.display())]
    NoProgram(PathBuf),
    /// The system would not start it.
    #[error("{} does not start", .program.display())]
    Start {
        /// Which.
        program: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file for its output cannot be written.
    #[error("{} cannot be written", .path.display())]
    Log {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It ended before it was ready.
    #[error("quirld ended with {status}; its last words: {last_words}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// The end of what it printed.
        last_words: String,
        /// Where all of it is.
        log: PathBuf,
    },
    /// It was not ready in time.
    #[error("quirld (pid {pid}) was not ready within {seconds} s")]
    NotReady {
        /// Its process, which goes on.
        pid: u32,
        /// How long we waited.
        seconds: u64,
        /// Where its output is.
        log: PathBuf,
    },
    /// The signal could not be sent.
    #[error("pid {pid} cannot be told to stop")]
    Signal {
        /// The process.
        pid: i32,
        /// Why not.
        #[source]
        source: rustix::io::Errno,
    },
    /// It did not stop in time.
    #[error("quirld (pid {pid}) still runs after {seconds} s")]
    NotStopped {
        /// The process.
        pid: i32,
        /// How long we waited.
        seconds: u64,
    },
}

impl Error {
    /// What could not be done.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::NoProgram(_)
            | Self::Start { .. }
            | Self::Log { .. }
            | Self::Ended { .. }
            | Self::NotReady { .. } => "Unable to start the server",
            Self::Signal { .. } | Self::NotStopped { .. } => "Unable to stop the server",
        }
    }

    /// What can be done about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoProgram(_) => "put quirld beside quirl, or on PATH".to_owned(),
            Self::Start { .. } => "check that it is a program for this machine".to_owned(),
            Self::Log { .. } => "choose a data folder of your own with --data".to_owned(),
            Self::Ended { log, .. } => format!("see all of it in {}", log.display()),
            Self::NotReady { log, .. } => {
                format!("it goes on: see {}, stop it with `quirl down`", log.display())
            }
            Self::Signal { .. } => "ask its owner, or stop it as that user".to_owned(),
            Self::NotStopped { .. } => "a second `quirl down` ends it at once".to_owned(),
        }
    }
}

/// Starts a server.
pub(super) async fn up(
    up: &Up,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let folder = folder(up.data.as_deref(), environment);
    if up.detach
        && let Some(Holder { pid, address: Some(address) }) = folder.holder()
    {
        output.ok(format_args!("already runs at {} (pid {pid})", bold(&address)));
        return Ok(0);
    }
    let program = program(environment)?;
    let mut command = Command::new(&program);
    command.args(up.passed_on());
    if !up.detach {
        return Err(Error::Start { program, source: command.exec() }.into());
    }
    let log = folder.output();
    let child = detached(command, &program, &log)?;
    let limit = Duration::from_secs(up.wait);
    let pid = child.id();
    let ready = tokio::time::timeout(limit, ready(child, &folder, &log)).await;
    let address =
        ready.unwrap_or(Err(Error::NotReady { pid, seconds: up.wait, log: log.clone() }))?;
    output.ok(format_args!("up at {} (pid {pid})", bold(&address)));
    output.line(format_args!("    data {}", folder.path().display()));
    output.line(format_args!("    log  {}", log.display()));
    output.line("    stop quirl down");
    Ok(0)
}

/// Stops the server that holds the data folder, and waits for its end.
pub(super) async fn down(
    down: &Down,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Failure> {
    let folder = folder(down.data.as_deref(), environment);
    let Some(holder) = folder.holder() else {
        output.ok(format_args!("no server runs in {}", folder.path().display()));
        return Ok(0);
    };
    let pid = holder.pid;
    let fault = |source| Error::Signal { pid, source };
    let process = Pid::from_raw(pid).ok_or(fault(rustix::io::Errno::SRCH))?;
    match rustix::process::kill_process(process, Signal::TERM) {
        // It ended by itself in this moment.
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(source) => return Err(fault(source).into()),
    }
    let ended = async {
        // A server that was started in its place has another pid.
        while folder.holder().is_some_and(|holder| holder.pid == pid) {
            tokio::time::sleep(LOOK).await;
        }
    };
    let limit = Duration::from_secs(down.wait);
    let in_time = tokio::time::timeout(limit, ended).await;
    in_time.map_err(|_| Error::NotStopped { pid, seconds: down.wait })?;
    output.ok(format_args!("stopped the server in {} (pid {pid})", folder.path().display()));
    Ok(0)
}

/// Made absolute: the server may not share our working folder.
fn folder(data: Option<&Path>, environment: &Environment) -> Folder {
    let folder = data.map_or_else(|| Folder::default_of(environment), Folder::at);
    std::path::absolute(folder.path()).map_or(folder, |path| Folder::at(&path))
}

/// `quirld` beside this program, else on PATH.
fn program(environment: &Environment) -> Result<PathBuf, Error> {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().map(Path::to_owned);
    let path = environment.path.as_ref().map(std::env::split_paths);
    let mut places = beside.into_iter().chain(path.into_iter().flatten());
    let found = places.find_map(|place| Some(place.join("quirld")).filter(|path| path.is_file()));
    found.ok_or(Error::NoProgram(own))
}

/// Starts it without terminal, in a process group of its own, so that Ctrl-C does not reach it.
fn detached(mut command: Command, program: &Path, log: &Path) -> Result<Child, Error> {
    let fault = |source| Error::Log { path: log.to_owned(), source };
    if let Some(parent) = log.parent() {
        std::fs::create_dir_all(parent).map_err(fault)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(log).map_err(fault)?;
    let copy = file.try_clone().map_err(fault)?;
    command.stdin(Stdio::null()).stdout(file).stderr(copy).process_group(0);
    command.spawn().map_err(|source| Error::Start { program: program.to_owned(), source })
}

/// Waits until the child holds the folder and takes work; returns its address. The lock itself is
/// not tried here: for that instant the child could not take it.
async fn ready(mut child: Child, folder: &Folder, log: &Path) -> Result<String, Error> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            let (last_words, log) = (last_line(log), log.to_owned());
            return Err(Error::Ended { status, last_words, log });
        }
        if let Some(Holder { pid, address: Some(address) }) = folder.writer()
            && u32::try_from(pid) == Ok(child.id())
            && is_ready(&address).await
        {
            return Ok(address);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn is_ready(address: &str) -> bool {
    match api::Client::new(address) {
        Ok(client) => client.with_patience(ANSWER).is_ready().await.unwrap_or(false),
        Err(_) => false,
    }
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("none").trim().to_owned()
}
