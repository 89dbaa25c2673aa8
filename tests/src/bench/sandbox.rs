//! Yardstick **I**: what wasmtime takes to instantiate, call and drop the empty sample.
//!
//! The engine is set up as `runtimes/wasm/src/engine/settings.rs` does it; the one host call of the
//! module does nothing. What this leaves out is the platform's: limits, fibers, output, logs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, InstancePre, Linker, Module,
    PoolingAllocationConfig, Store,
};

use super::proc::Watch;
use super::stats;

/// A module that is ready to be instantiated.
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    ready: InstancePre<()>,
}

impl Sandbox {
    /// Compiles `empty.wasm` of the samples.
    ///
    /// # Errors
    /// It cannot be read or compiled.
    pub fn new(samples: &Path) -> Result<Self> {
        let path = samples.join("built/empty.wasm");
        let code = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        Self::of(&code).map_err(|error| anyhow!("{error:#}"))
    }

    fn of(code: &[u8]) -> wasmtime::Result<Self> {
        let engine = Engine::new(&settings())?;
        let mut linker = Linker::new(&engine);
        let write = |_: i32, _: i32, _: i32, _: i32| 0_i32;
        linker.func_wrap("wasi_snapshot_preview1", "fd_write", write)?;
        let module = Module::new(&engine, code)?;
        let ready = linker.instantiate_pre(&module)?;
        Ok(Self { engine, ready })
    }

    /// One instance, one call, and it is gone.
    ///
    /// # Errors
    /// The guest trapped.
    pub fn run(&self) -> Result<()> {
        self.call().map_err(|error| anyhow!("{error:#}"))
    }

    fn call(&self) -> wasmtime::Result<()> {
        let mut store = Store::new(&self.engine, ());
        store.set_epoch_deadline(1);
        let instance = self.ready.instantiate(&mut store)?;
        instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
    }

    /// Calls on two threads.
    ///
    /// # Errors
    /// The guest trapped.
    pub fn measure(&self, time: Duration) -> Result<PerCall> {
        on_two_threads(time, || self.run())
    }
}

/// What a call takes when two threads do nothing else, microseconds.
#[derive(Clone, Copy, Debug)]
pub struct PerCall {
    /// Of each thread's time.
    pub time: f64,
    /// Of CPU: less, if others took the machine from them.
    pub cpu: f64,
}

pub(super) fn on_two_threads(
    time: Duration,
    call: impl Fn() -> Result<()> + Sync,
) -> Result<PerCall> {
    let watch = Watch::start(std::process::id())?;
    let begun = Instant::now();
    let calls = || -> Result<u64> {
        let mut calls = 0;
        while begun.elapsed() < time {
            for _ in 0..64 {
                call()?;
            }
            calls += 64;
        }
        Ok(calls)
    };
    let calls = std::thread::scope(|scope| -> Result<u64> {
        let other = scope.spawn(calls);
        let mine = calls()?;
        Ok(mine + other.join().map_err(|_| anyhow!("a thread panicked"))??)
    })?;
    let time = 2.0 * begun.elapsed().as_secs_f64() * 1e6 / stats::float(calls.max(1));
    Ok(PerCall { time, cpu: watch.end()?.per_call(calls) })
}

/// As the driver has them, except that it makes calls on stacks of their own, which are larger.
pub(super) fn settings() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(1000)
        .total_memories(1000)
        .total_tables(2000)
        .total_stacks(1000)
        .max_tables_per_module(8)
        .max_memories_per_module(1)
        .table_elements(100_000)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(0)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(16);
    let mut settings = Config::new();
    settings.epoch_interruption(true);
    settings.memory_init_cow(true);
    settings.max_wasm_stack(512 << 10);
    settings.async_stack_size(1 << 20);
    settings.parallel_compilation(false);
    settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    settings.memory_reservation(4 << 30);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_sample_runs() {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
        let sandbox = Sandbox::new(&samples).unwrap();
        sandbox.run().unwrap();
        assert!(sandbox.measure(Duration::from_millis(5)).unwrap().time > 0.0);
    }
}
