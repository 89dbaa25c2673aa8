//! Points at which a server of a debug build kills itself, as `kill -9` would: for tests.
//!
//! Those of the log have the names of [`embedded::Point`], such as `log.after-sync`. With `touched.`
//! in front they count from the moment on that a first `Touched` is handed to the log.
//! [`APPLIED`] and [`LET_OUT`] lie behind its read-back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use ledger::record::Body;
use log::embedded;

use crate::args::Args;

/// `Touched` was applied as valid, and the sandbox that waits was not told.
pub(crate) const APPLIED: &str = "touched.applied";
/// The sandbox was told that its request may leave.
pub(crate) const LET_OUT: &str = "touched.let-out";

/// The point that was asked for, if one was. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Failpoint(Option<Arc<Chosen>>);

struct Chosen {
    name: String,
    /// Times that it must be reached.
    left: AtomicU64,
    has_touched: AtomicBool,
}

impl Failpoint {
    /// Reads `--failpoint`.
    pub(crate) fn from_args(args: &Args) -> Result<Self> {
        let Some(text) = args.flags.failpoint.first() else { return Ok(Self(None)) };
        if !cfg!(debug_assertions) {
            bail!("--failpoint is for tests of debug builds; this is a release build");
        }
        let wrong = || format!("--failpoint {text}: write POINT=kill or POINT=kill@N");
        let (name, action) = text.split_once('=').with_context(wrong)?;
        let count = match action.split_once('@') {
            Some(("kill", count)) => count.parse::<u64>().with_context(wrong)?,
            None if action == "kill" => 1,
            _ => bail!(wrong()),
        };
        let is_whole = ["log.", "touched."].iter().any(|part| name.starts_with(part));
        let name = if is_whole { name.to_owned() } else { format!("log.{name}") };
        let known = embedded::Point::ALL.map(embedded::Point::name);
        let of_log = name.strip_prefix("touched.").unwrap_or(&name);
        if !known.contains(&of_log) && ![APPLIED, LET_OUT].contains(&name.as_str()) {
            bail!("--failpoint {text}: there is no point {name}");
        }
        let (left, has_touched) = (AtomicU64::new(count), AtomicBool::new(false));
        Ok(Self(Some(Arc::new(Chosen { name, left, has_touched }))))
    }

    /// For the log.
    pub(crate) fn on_point(&self) -> Option<embedded::OnPoint> {
        let chosen = Arc::clone(self.0.as_ref()?);
        Some(Arc::new(move |point| chosen.log_reached(point.name())))
    }

    /// The invoker hands this to the log now.
    pub(crate) fn hands_over(&self, body: &Body) {
        if let (Some(chosen), Body::Touched(_)) = (&self.0, body) {
            chosen.has_touched.store(true, Ordering::SeqCst);
        }
    }

    /// Work has come to this point.
    pub(crate) fn reached(&self, name: &str) {
        if let Some(chosen) = &self.0 {
            chosen.reached(name);
        }
    }
}

impl Chosen {
    fn log_reached(&self, name: &str) {
        match self.name.strip_prefix("touched.") {
            Some(_) if !self.has_touched.load(Ordering::SeqCst) => {}
            Some(behind) if behind == name => self.reached(&self.name),
            _ => self.reached(name),
        }
    }

    fn reached(&self, name: &str) {
        if self.name == name && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            let me = rustix::process::getpid();
            // If it cannot be killed the test will see that it lives.
            let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        }
    }
}
