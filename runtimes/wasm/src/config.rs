//! What an operator may set, and what comes from outside the crate.

use std::time::Duration;

use model::size::ByteSize;
use serde::{Deserialize, Serialize};

/// How the Wasm driver shares out its machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Linear memory of all instances together. Default: a quarter of the machine's.
    pub wasm_memory: ByteSize,
    /// Instances alive at a time, at most 1,000.
    pub max_instances: u32,
    /// Threads that compile, each on one core at nice 10. Default: half of the cores.
    pub compile_threads: u32,
    /// How long a PUT waits for its compilation.
    pub compile_seconds: u64,
    /// Memory that a compilation may take.
    pub compile_memory: ByteSize,
    /// Compiled code kept resident; more is dropped and loaded again from the disk.
    pub cache_bytes: ByteSize,
    /// Images of scripts kept resident; more is dropped and read again from the disk.
    pub image_bytes: ByteSize,
    /// Images of scripts kept on the disk; beyond that the oldest are removed.
    pub image_disk_bytes: ByteSize,
    /// Threads that run guests. Default: one per core.
    pub threads: u32,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let cores = u32::try_from(cores).unwrap_or(1);
        Self {
            wasm_memory: ByteSize::bytes(memory_of_the_machine() / 4),
            max_instances: 1_000,
            compile_threads: (cores / 2).max(1),
            compile_seconds: 30,
            compile_memory: ByteSize::mib(2_048),
            cache_bytes: ByteSize::mib(256),
            image_bytes: ByteSize::mib(256),
            image_disk_bytes: ByteSize::mib(2_048),
            threads: cores,
        }
    }
}

fn memory_of_the_machine() -> u64 {
    let info = rustix::system::sysinfo();
    #[allow(clippy::useless_conversion, reason = "its width differs between platforms")]
    let total = u64::from(info.totalram).saturating_mul(u64::from(info.mem_unit));
    total
}

/// The clock and the randomness of the process: asked only through here.
#[derive(Clone, Copy, Debug)]
pub struct Outside {
    /// Time since some start; never goes back.
    pub now_mono: fn() -> Duration,
    /// Nanoseconds since the Unix epoch.
    pub now_wall_ns: fn() -> i64,
    /// Fills with random bytes from the operating system.
    pub fill_random: fn(&mut [u8]),
}
