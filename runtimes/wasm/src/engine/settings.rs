//! How wasmtime is set up.

use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::{
    Config as Settings, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmFeatures,
};

use crate::config::Config;
use crate::host::TABLE_ELEMENTS;

/// Where memories come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// From slots that were reserved at start.
    Pooling,
    /// Made for each instance: where address space is short.
    OnDemand,
}

/// Pages of a slot that are cleaned rather than given back: starting again in them is cheaper.
///
/// Source: `design.md` §6.
const KEEP_RESIDENT: usize = 2 << 20;
/// Slots that stay with the module that they were last used for.
const WARM_SLOTS: u32 = 16;
/// What a guest may use of a stack, and the stack itself, which host calls use too.
const WASM_STACK: usize = 8 << 20;
const STACK: usize = 9 << 20;
/// Address space of one memory: all that 32 bits can reach, so that no access needs a check.
const RESERVATION: u64 = 4 << 30;
/// Frames of a backtrace that are told.
const FRAMES: usize = 32;

/// An engine with a pool, or without one if the address space does not suffice.
pub(super) fn engine(config: &Config, wanted: Allocation) -> Result<(Engine, Allocation), String> {
    if wanted == Allocation::Pooling {
        let mut settings = common(Allocation::Pooling);
        settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
        match Engine::new(&settings) {
            Ok(engine) => return Ok((engine, Allocation::Pooling)),
            Err(error) => tracing::warn!(
                error = %format!("{error:#}"),
                "address space is short: instances are made without a pool, which is slower"
            ),
        }
    }
    Engine::new(&common(Allocation::OnDemand))
        .map(|engine| (engine, Allocation::OnDemand))
        .map_err(|error| format!("{error:#}"))
}

/// An engine that makes code for that of [`engine`], and reserves nothing itself.
pub(super) fn compiling(for_pooling: bool) -> Result<Engine, String> {
    let allocation = if for_pooling { Allocation::Pooling } else { Allocation::OnDemand };
    Engine::new(&common(allocation)).map_err(|error| format!("{error:#}"))
}

/// A number that is the same for engines that can run each other's code.
pub(super) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// All that decides about code; where memories come from decides how they are reached.
fn common(allocation: Allocation) -> Settings {
    let mut settings = Settings::new();
    settings.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    match allocation {
        Allocation::Pooling => settings.memory_reservation(RESERVATION),
        Allocation::OnDemand => settings
            .memory_reservation(0)
            .memory_guard_size(64 << 10)
            .memory_reservation_for_growth(1 << 20),
    };
    settings.epoch_interruption(true);
    settings.memory_init_cow(true);
    settings.max_wasm_stack(WASM_STACK);
    settings.async_stack_size(STACK);
    settings.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(FRAMES));
    // For debuggers of native code only. Registering it is a tenth of what loading a module costs.
    settings.native_unwind_info(false);
    // One thread for each module: others that are compiled get on too.
    settings.parallel_compilation(false);
    for feature in [WasmFeatures::MULTI_MEMORY, WasmFeatures::MEMORY64] {
        settings.wasm_features(feature, false);
    }
    settings
}

fn pool(config: &Config) -> PoolingAllocationConfig {
    let instances = config.max_instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(instances)
        .total_memories(instances)
        .total_tables(instances.saturating_mul(2))
        .total_stacks(instances)
        .max_tables_per_module(8)
        .max_memories_per_module(1)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(0)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(WARM_SLOTS);
    pool
}
