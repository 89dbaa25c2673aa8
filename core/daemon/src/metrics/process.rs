//! `process_*`: what the kernel says about this process, read when it is asked for.
//!
//! Source: the names that all Prometheus client libraries use; `proc(5)`.

use std::fs;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter as Counted;
use prometheus_client::metrics::gauge::Gauge as Gauged;
use prometheus_client::registry::Registry;

use super::Gauge;

/// Of `/proc/*/stat`: the kernel shows times to programs in hundredths of a second, whatever it
/// uses inside (`USER_HZ`, fixed by its interface on all machines we build for).
const TICKS_PER_SECOND: f64 = 100.0;

type Seconds = Gauged<f64, AtomicU64>;

pub(super) struct Process {
    cpu: Counted<f64, AtomicU64>,
    resident: Gauge,
    virtual_memory: Gauge,
    threads: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    start: Seconds,
}

impl Process {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let resident = gauge("process_resident_memory_bytes", "Memory in use");
        let virtual_memory = gauge("process_virtual_memory_bytes", "Memory mapped");
        let threads = gauge("process_threads", "Threads");
        let open_fds = gauge("process_open_fds", "Open file descriptors");
        let max_fds = gauge("process_max_fds", "Open file descriptors allowed");
        let (cpu, start) = (Counted::default(), Seconds::default());
        registry.register("process_cpu_seconds", "Time on the processor", cpu.clone());
        registry.register("process_start_time_seconds", "When it started", start.clone());
        Self { cpu, resident, virtual_memory, threads, open_fds, max_fds, start }
    }

    /// Sets all of them. What the kernel does not tell stays as it was.
    pub(super) fn read(&self) {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        if let Some(stat) = Stat::parse(&read("/proc/self/stat")) {
            self.cpu.inner().store(
                (stat.cpu_ticks / TICKS_PER_SECOND).to_bits(),
                std::sync::atomic::Ordering::Relaxed,
            );
            self.threads.set(stat.threads);
            self.virtual_memory.set(stat.virtual_bytes);
            if let Some(booted) = field::<f64>(&read("/proc/stat"), "btime") {
                self.start.set(booted + stat.start_ticks / TICKS_PER_SECOND);
            }
        }
        let resident = field::<i64>(&read("/proc/self/status"), "VmRSS:");
        if let Some(kib) = resident {
            self.resident.set(kib << 10);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // One of them is the folder that is being read.
            self.open_fds.set(i64::try_from(open.count()).unwrap_or(i64::MAX) - 1);
        }
        if let Some(most) = field(&read("/proc/self/limits"), "Max open files") {
            self.max_fds.set(most);
        }
    }
}

/// The first word behind `name` at the start of a line.
fn field<T: std::str::FromStr>(text: &str, name: &str) -> Option<T> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: f64,
    threads: i64,
    start_ticks: f64,
    virtual_bytes: i64,
}

impl Stat {
    fn parse(stat: &str) -> Option<Self> {
        // The name of the program is in brackets and may hold any character; field 3 is behind it.
        let (_, behind) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = behind.split_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let whole = |number: usize| fields.get(number - 3)?.parse().ok();
        Some(Self {
            cpu_ticks: ticks(14)? + ticks(15)?,
            threads: whole(20)?,
            start_ticks: ticks(22)?,
            virtual_bytes: whole(23)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_a_strange_name_is_understood() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 90 0 0 0 250 50 0 0 20 0 4 0 12300 4096 55";
        let expected =
            Stat { cpu_ticks: 300.0, threads: 4, start_ticks: 12_300.0, virtual_bytes: 4_096 };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse("nonsense"), None);
    }
}
