//! What the kernel knows about processes: CPU, memory, and who else uses the machine.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::stats::float;

/// Ticks of `/proc` per second: what Linux shows to programs is always counted in these.
const TICKS: f64 = 100.0;

/// CPU used while something ran.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// Seconds of the server.
    pub server: f64,
    /// Share of the machine that neither the server nor we used, 0 to 1.
    pub others: f64,
}

impl Cpu {
    /// Microseconds of the server per call.
    #[must_use]
    pub fn per_call(&self, calls: u64) -> f64 {
        self.server * 1e6 / float(calls.max(1))
    }
}

/// Counters at the beginning.
pub struct Watch {
    pid: u32,
    server: u64,
    mine: u64,
    all: u64,
    begun: Instant,
}

impl Watch {
    /// Begins to watch a process.
    ///
    /// # Errors
    /// There is no such process.
    pub fn start(pid: u32) -> Result<Self> {
        let mine = of_process("self")?;
        Ok(Self { pid, server: of(pid)?, mine, all: of_machine()?, begun: Instant::now() })
    }

    /// What was used since.
    ///
    /// # Errors
    /// The process is gone.
    pub fn end(self) -> Result<Cpu> {
        let server = of(self.pid)?.saturating_sub(self.server);
        let mine = of_process("self")?.saturating_sub(self.mine);
        let all = of_machine()?.saturating_sub(self.all);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let could = self.begun.elapsed().as_secs_f64() * TICKS * float(cores as u64);
        let others = float(all.saturating_sub(server + mine)) / could.max(1.0);
        Ok(Cpu { server: float(server) / TICKS, others })
    }
}

/// Waits until a process, and what it began, has nothing to do: a new server compiles its engine in a
/// process of its own.
///
/// # Errors
/// It is not idle after a minute, or gone.
pub fn idle(pid: u32) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let watch = Watch::start(pid)?;
        std::thread::sleep(Duration::from_secs(1));
        let used = watch.end()?;
        if used.server < 0.05 && used.others < 0.05 {
            return Ok(());
        }
    }
    anyhow::bail!("process {pid}, or the machine, is not idle after a minute")
}

fn of(pid: u32) -> Result<u64> {
    of_process(&pid.to_string())
}

fn of_process(pid: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    used(&stat).with_context(|| format!("understand {path}"))
}

/// User and system time, fields 14 and 15; the second may hold anything, parentheses too.
fn used(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// All but idle and waiting, and what the hypervisor took.
fn of_machine() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/stat").context("read /proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> =
        line.split_whitespace().skip(1).filter_map(|it| it.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    Ok(fields
        .iter()
        .take(8)
        .enumerate()
        .filter(|(at, _)| *at != 3 && *at != 4)
        .map(|(_, it)| it)
        .sum())
}

/// Resident memory of a process in MiB: all, and what is backed by no file.
///
/// # Errors
/// There is no such process.
pub fn resident_mib(pid: u32) -> Result<(f64, f64)> {
    Ok((status_mib(pid, "VmRSS")?, status_mib(pid, "RssAnon")?))
}

/// The most that was ever resident of a process, MiB.
///
/// # Errors
/// There is no such process.
pub fn peak_mib(pid: u32) -> Result<f64> {
    status_mib(pid, "VmHWM")
}

fn status_mib(pid: u32, name: &str) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    Ok(float(kib.with_context(|| format!("no {name} in {path}"))?) / 1024.0)
}

/// The machine in a line.
#[must_use]
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("?");
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown CPU", |it| it.trim_start_matches(['\t', ' ', ':']));
    format!("{cores} cores, {model}, Linux {}, load {load}", kernel.trim())
}

/// Waits until `found` finds something.
///
/// # Errors
/// It did not within `limit`.
pub fn wait_for<T>(what: &str, limit: Duration, mut found: impl FnMut() -> Option<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return Ok(found);
        }
        anyhow::ensure!(begun.elapsed() < limit, "{what}: not within {} s", limit.as_secs());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_any_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0";
        assert_eq!(used(stat), Some(175));
        assert_eq!(used("7 (a"), None);
    }
}
