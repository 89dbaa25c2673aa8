//! WASI preview 1 as we offer it: what a module may call, and what it finds behind each call.
//!
//! A guest has its arguments, its environment, standard input, output and error, clocks, random
//! bytes and the files of its own archive, read-only. It has no other files and no sockets. Every
//! function can be linked; what is not offered answers with an error number. Nothing that a guest
//! passes makes the host panic or wait on a thread.
//!
//! Ours instead of `wasmtime-wasi`, which turns the component model on, needs twice the packages, and
//! drives its waiting by tokio.
//!
//! Source: `wasi_snapshot_preview1.witx` of the WebAssembly/WASI repository.

mod descriptors;
mod errno;
pub(crate) mod files;
mod linker;
mod memory;
mod poll;
mod process;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use invoker::driver::Stream;

use self::descriptors::Descriptors;
use self::files::Files;
#[cfg(test)]
pub(crate) use self::linker::NAMES;
pub(crate) use self::linker::{linker, offers, with_memory};
use crate::budget::Lease;
use crate::config::Outside;
use crate::executor::Turn;
use crate::output::Output;
use crate::script::Guest;

/// Elements that all tables of one instance may have.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;
/// What one element of a table costs.
const TABLE_ELEMENT_BYTES: u64 = 8;
/// Output up to here is not charged.
const FREE_OUTPUT: u64 = 64 << 10;

/// All that belongs to one instance besides its memory.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    pub(crate) output: Output,
    /// With what `proc_exit` was called.
    pub(crate) exit: Option<i32>,
    /// Something was asked that is answered otherwise the next time: time, randomness, environment,
    /// the outside.
    pub(crate) has_looked_out: bool,
    /// What belongs to a script, if that is what runs.
    pub(crate) script: Option<Box<Guest>>,
    input: Input,
    descriptors: Descriptors,
    files: Arc<Files>,
    words: Arc<dyn Words>,
    told: Option<process::Told>,
    memory: Option<wasmtime::Memory>,
    turn: Arc<Turn>,
    outside: Outside,
    started: Duration,
}

/// Arguments and environment, made when a guest asks for them.
pub(crate) trait Words: Send + Sync {
    /// The command line.
    fn arguments(&self) -> Vec<String>;
    /// Name and value.
    fn environment(&self) -> Vec<(String, String)>;
}

/// Standard input: a text and a line end behind it.
struct Input {
    text: Bytes,
    at: usize,
}

/// Why a guest was ended by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Cut {
    #[error("the guest exited")]
    Exit,
    #[error("the memory budget of all instances is used up")]
    Budget,
    #[error("the attempt may not act on the outside any more")]
    Closed,
}

impl State {
    pub(crate) fn new(
        limiter: Limiter,
        output: Output,
        input: Bytes,
        files: Arc<Files>,
        words: Arc<dyn Words>,
        turn: Arc<Turn>,
        outside: Outside,
    ) -> Self {
        Self {
            limiter,
            output,
            exit: None,
            has_looked_out: false,
            script: None,
            input: Input { text: input, at: 0 },
            descriptors: Descriptors::new(!files.is_empty()),
            files,
            words,
            told: None,
            memory: None,
            started: turn.now(),
            turn,
            outside,
        }
    }

    /// Whether the guest has to let others go ahead.
    pub(crate) fn is_turn_over(&self) -> bool {
        self.turn.over()
    }

    /// Its place among all that runs.
    pub(crate) fn turn(&self) -> &Arc<Turn> {
        &self.turn
    }

    /// Fills with what nobody can foretell.
    pub(crate) fn fill_random(&self, bytes: &mut [u8]) {
        (self.outside.fill_random)(bytes);
    }

    /// The environment as a JSON array of pairs.
    pub(crate) fn environment_json(&mut self) -> Bytes {
        self.has_looked_out = true;
        serde_json::to_vec(&self.words.environment()).unwrap_or_default().into()
    }

    /// Writes lines to the log.
    pub(crate) fn log(&mut self, stream: Stream, text: &[u8]) -> Result<(), Cut> {
        self.output.log_lines(stream, (self.outside.now_wall_ns)(), text);
        self.charge_output()
    }

    /// Charges what output has come to hold.
    fn charge_output(&mut self) -> Result<(), Cut> {
        self.limiter.charge_output(self.output.bytes())
    }
}

/// What an instance may grow to, and what stopped it.
///
/// Its own limit makes growth fail, as WebAssembly says; the budget of all ends the attempt.
pub(crate) struct Limiter {
    lease: Lease,
    limit: u64,
    memory: u64,
    tables: usize,
    output: u64,
    /// The last growth that was allowed, should it fail all the same.
    last: u64,
    /// Growth was refused because of its own limit.
    pub(crate) hit_limit: bool,
    /// The budget of all instances could not give what was asked for.
    pub(crate) hit_budget: bool,
}

impl Limiter {
    pub(crate) fn new(lease: Lease, limit: u64) -> Self {
        Self {
            lease,
            limit,
            memory: 0,
            tables: 0,
            output: FREE_OUTPUT,
            last: 0,
            hit_limit: false,
            hit_budget: false,
        }
    }

    fn charge(&mut self, bytes: u64) -> Result<(), Cut> {
        if self.lease.charge(bytes) {
            return Ok(());
        }
        self.hit_budget = true;
        Err(Cut::Budget)
    }

    fn charge_output(&mut self, bytes: u64) -> Result<(), Cut> {
        while bytes > self.output {
            self.charge(FREE_OUTPUT)?;
            self.output += FREE_OUTPUT;
        }
        Ok(())
    }
}

impl wasmtime::ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.last = 0;
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let more = (desired as u64).saturating_sub(current as u64);
        if self.memory.saturating_add(more) > self.limit {
            self.hit_limit = true;
            return Ok(false);
        }
        self.charge(more)?;
        self.memory += more;
        self.last = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory -= self.last;
        self.lease.give_back(std::mem::take(&mut self.last));
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum && maximum < TABLE_ELEMENTS) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        if self.tables.saturating_add(more) > TABLE_ELEMENTS {
            self.hit_limit = true;
            return Ok(false);
        }
        self.charge(more as u64 * TABLE_ELEMENT_BYTES)?;
        self.tables += more;
        Ok(true)
    }

    fn instances(&self) -> usize {
        1
    }
}
