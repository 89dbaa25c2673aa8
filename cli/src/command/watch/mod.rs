//! `quirl watch`: fires a trigger for each file that arrives in a folder.
//!
//! Each file is fired once. Its request has a name made of path, size and time of change, and is
//! sent again with the same name until the server has answered it: so whether the server had
//! accepted it before a crash need not be known here. What is kept in memory does not grow: one file
//! at a time, and a mark of 16 bytes for each of the last [`REMEMBERED`].

use std::collections::{HashSet, VecDeque};
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::client::{self, Fired, Name};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::watch::Watch;
use crate::error::{Error as Failure, Kind as Entity};
use crate::output::bold;

use super::Context;
use super::entities::unable;

mod arrivals;
mod file;

use self::arrivals::{Arrival, Arrivals};
use self::file::File;

/// The first pause before a request is sent again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So long an answer to a fire may take before it is sent again.
const PATIENCE: Duration = Duration::from_secs(30);
/// Files that are known to have been fired.
const REMEMBERED: usize = 65_536;

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is not there, no folder, or not ours to read.
    #[error("{} cannot be watched", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It was removed or renamed.
    #[error("{} is gone", .0.display())]
    Gone(PathBuf),
    /// Signals cannot be waited for.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
}

/// Watches until it is over.
pub(super) async fn run(watch: &Watch, context: Context<'_>) -> Result<u8, Failure> {
    let trigger = context.unpackaged(&watch.fire)?;
    match context.client.trigger(&trigger).await {
        Ok(_) => {}
        // A server that is not there may come.
        Err(error) if is_to_repeat(&error) => {}
        Err(error) => return Err(unable("get", Entity::Trigger, &trigger, error)),
    }
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut session = Session::begin(watch, trigger, context)?;
    let ended = tokio::select! {
        ended = session.go() => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    session.summary();
    ended.map(|()| u8::from(session.left_out > 0))
}

/// One watch.
struct Session<'a> {
    watch: &'a Watch,
    context: Context<'a>,
    trigger: Name,
    folder: PathBuf,
    arrivals: Arrivals,
    /// What changed later than all that was there at the start has arrived since. Seconds and
    /// nanoseconds by the clock of the files, which need not be ours.
    since: Option<(i64, i64)>,
    seen: Seen,
    /// The file whose fire has not been answered.
    under_way: Option<String>,
    fired: u64,
    left_out: u64,
}

/// What became of a file.
enum Told {
    Fired(Fired),
    /// The server knows that it was fired, and no longer as what.
    Before,
    /// The server takes others, not this one.
    Refused(client::Error),
}

impl<'a> Session<'a> {
    fn begin(watch: &'a Watch, trigger: Name, mut context: Context<'a>) -> Result<Self, Error> {
        let fault = |source| Error::Folder { folder: watch.folder.clone(), source };
        let folder = std::fs::canonicalize(&watch.folder).map_err(fault)?;
        let arrivals = Arrivals::begin(&folder).map_err(fault)?;
        let since = if watch.existing { None } else { newest(&folder).map_err(fault)? };
        context.client = context.client.with_patience(PATIENCE);
        Ok(Self {
            watch,
            context,
            trigger,
            folder,
            arrivals,
            since,
            seen: Seen::default(),
            under_way: None,
            fired: 0,
            left_out: 0,
        })
    }

    async fn go(&mut self) -> Result<(), Failure> {
        if self.watch.existing {
            self.sweep().await?;
        }
        while !self.is_done() {
            let next = self.arrivals.next().await;
            match next.map_err(|source| Error::Folder { folder: self.folder.clone(), source })? {
                Arrival::File(name) => self.take(&name).await?,
                Arrival::Missed => self.sweep().await?,
                Arrival::Gone => return Err(Error::Gone(self.folder.clone()).into()),
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.watch.once.is_some_and(|most| self.fired + self.left_out >= most)
    }

    /// Fires for all that is in the folder and new, in the order of the folder.
    async fn sweep(&mut self) -> Result<(), Failure> {
        let fault = |source| Error::Folder { folder: self.watch.folder.clone(), source };
        for entry in std::fs::read_dir(&self.folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            // One that is gone meanwhile is no arrival any more.
            let changed = entry.metadata().ok().map(|about| (about.ctime(), about.ctime_nsec()));
            if changed > self.since && changed.is_some() {
                self.take(&entry.file_name()).await?;
            }
            if self.is_done() {
                break;
            }
        }
        Ok(())
    }

    /// Fires for a file, unless it is left out or was fired.
    async fn take(&mut self, name: &OsStr) -> Result<(), Failure> {
        let path = self.folder.join(name);
        let name = name.to_string_lossy();
        let is_like = |pattern: &glob::Pattern| pattern.matches(&name);
        let patterns = &self.watch.pattern;
        if file::is_passing(&name) || !(patterns.is_empty() || patterns.iter().any(is_like)) {
            return Ok(());
        }
        let file = match file::read(&path, &self.trigger, self.watch.content) {
            Ok(Some(file)) if !self.seen.contains(file.mark) => file,
            Ok(_) => return Ok(()),
            Err(error) => {
                self.left_out += 1;
                self.context.output.aside(format_args!("{name} cannot be read: {error}; left out"));
                return Ok(());
            }
        };
        self.under_way = Some(name.to_string());
        let told = self.fire(&file, &name).await?;
        self.under_way = None;
        self.seen.insert(file.mark);
        self.tell(&name, told, file.is_cut);
        Ok(())
    }

    /// Sends one request until it is answered.
    async fn fire(&mut self, file: &File, name: &str) -> Result<Told, Failure> {
        let client = self.context.keyed(&file.key())?;
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match client.fire(&self.trigger, &file.payload).await {
                Ok(fired) => return Ok(Told::Fired(fired)),
                Err(error) => error,
            };
            match error.status() {
                Some(410) => return Ok(Told::Before),
                Some(400 | 413 | 422) => return Ok(Told::Refused(error)),
                _ if is_to_repeat(&error) => {}
                _ => return Err(unable("fire", Entity::Trigger, &self.trigger, error)),
            }
            if pause == FIRST_PAUSE {
                self.context.output.aside(format_args!("{error}; {name} is sent again"));
            }
            tokio::time::sleep(asked_for(&error).unwrap_or_default().max(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn tell(&mut self, name: &str, told: Told, is_cut: bool) {
        let output = &mut *self.context.output;
        let trigger = bold(&self.trigger.to_string());
        let cut = if is_cut { ", without its content: it has more than 700 KB" } else { "" };
        match told {
            Told::Fired(Fired::Accepted { id, replayed }) => {
                self.fired += 1;
                let before = if replayed { ", as before" } else { "" };
                let id = bold(&id);
                output.ok(format_args!("triggered {trigger} with id {id} for {name}{before}{cut}"));
            }
            Told::Fired(Fired::Nothing) => {
                self.fired += 1;
                output.ok(format_args!(
                    "triggered {trigger} with id  for {name}: no rule is active, nothing was started"
                ));
            }
            Told::Before => {
                self.fired += 1;
                output.ok(format_args!("{name} was fired before, and its record is gone"));
            }
            Told::Refused(error) => {
                self.left_out += 1;
                output.aside(format_args!("{name} is refused: {error}; left out"));
            }
        }
    }

    fn summary(&mut self) {
        let output = &mut *self.context.output;
        if let Some(name) = &self.under_way {
            output.aside(format_args!(
                "{name} was under way; within an hour, --existing fires it once in all"
            ));
        }
        let files = if self.fired == 1 { "file" } else { "files" };
        output.aside(format_args!("fired {} {files}, left out {}", self.fired, self.left_out));
    }
}

/// The marks of the last files.
#[derive(Debug, Default)]
struct Seen {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Seen {
    fn contains(&self, mark: u128) -> bool {
        self.known.contains(&mark)
    }

    fn insert(&mut self, mark: u128) {
        if !self.known.insert(mark) {
            return;
        }
        self.order.push_back(mark);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// When the newest thing in a folder was changed.
fn newest(folder: &Path) -> std::io::Result<Option<(i64, i64)>> {
    let mut newest = None;
    for entry in std::fs::read_dir(folder)? {
        let about = entry?.metadata().ok();
        newest = newest.max(about.map(|about| (about.ctime(), about.ctime_nsec())));
    }
    Ok(newest)
}

/// Whether the same request may succeed later. What stands between us and the server may answer in
/// its stead when it is away.
fn is_to_repeat(error: &client::Error) -> bool {
    let is_between = || matches!(error, client::Error::Unexpected { status: 502..=504, .. });
    error.is_transient() || is_between()
}

/// The pause that the server asked for, a minute at most.
fn asked_for(error: &client::Error) -> Option<Duration> {
    match error {
        client::Error::Refused(refusal) => {
            refusal.retry_after().map(|seconds| Duration::from_secs(seconds.min(60)))
        }
        client::Error::Unreachable { .. }
        | client::Error::Broken { .. }
        | client::Error::Late { .. }
        | client::Error::Unexpected { .. }
        | client::Error::Path(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_files_are_remembered() {
        let mut seen = Seen::default();
        for mark in 0..=u128::try_from(REMEMBERED).unwrap() {
            seen.insert(mark);
            seen.insert(mark);
        }
        assert!(!seen.contains(0) && seen.contains(1));
        assert_eq!((seen.known.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
    }
}
