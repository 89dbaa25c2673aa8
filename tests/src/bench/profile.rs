//! Where the server spends its CPU during a row: `perf`, if it is there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// Samples per second; no multiple of what servers do every millisecond.
const FREQUENCY: &str = "499";
/// How stacks are walked: release builds have no frame pointers. So much of a stack is copied.
const STACKS: &str = "dwarf,8192";

/// A recording that runs.
pub struct Recording {
    perf: Child,
    file: PathBuf,
}

/// Begins to record a process; `None` where `perf` is not installed.
#[must_use]
pub fn record(pid: u32, file: &Path) -> Option<Recording> {
    let mut command = Command::new("perf");
    // No counters of the hardware: virtual machines seldom have them.
    command.args(["record", "-e", "cpu-clock", "-F", FREQUENCY, "--call-graph", STACKS]);
    command
        .args(["-p", &pid.to_string()])
        .arg("-o")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let perf = command.spawn().ok()?;
    // It opens an event for each thread; what happens before that is missed.
    std::thread::sleep(std::time::Duration::from_millis(200));
    Some(Recording { perf, file: file.to_owned() })
}

impl Recording {
    /// Ends it, and says by thread and by function where the time went.
    ///
    /// # Errors
    /// `perf` failed.
    pub fn end(mut self) -> Result<String> {
        let pid = i32::try_from(self.perf.id()).ok().and_then(Pid::from_raw).context("no pid")?;
        kill_process(pid, Signal::INT).context("stop perf")?;
        self.perf.wait()?;
        let mut text = String::new();
        for (title, arguments) in [
            ("by thread", &["--no-children", "--sort", "comm"][..]),
            ("by function, itself", &["--no-children", "--sort", "sym"]),
            ("by function, with what it calls", &["--children", "--sort", "sym"]),
        ] {
            let mut command = Command::new("perf");
            command.arg("report").arg("-i").arg(&self.file).args(["--stdio", "--no-inline"]);
            command.args(["-g", "none"]);
            command.args(["--percent-limit", "0.7"]).args(arguments);
            let told = command.stdin(Stdio::null()).output().context("run perf report")?;
            let _ = writeln!(text, "-- {title}");
            let told = String::from_utf8_lossy(&told.stdout).into_owned();
            let lines = told.lines().map(str::trim_end);
            for line in lines.filter(|it| !it.is_empty() && !it.starts_with('#')).take(120) {
                let _ = writeln!(text, "{line}");
            }
        }
        Ok(text)
    }
}
