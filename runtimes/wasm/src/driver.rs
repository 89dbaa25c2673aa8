//! The driver: what the invoker and the server see of this crate.

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use invoker::driver::{
    Answer, Artefact, Codes, Done, Ended, Inspected, Job, Outcome, Refused, StartState, Stop, Usage,
};
use model::json::Json;
use model::outcome::{Class, NO_CAPACITY};
use model::time::WallTime;

use crate::budget::Budget;
use crate::config::{Config, Outside};
use crate::engine::{Allocation, Compiler, Engine};
use crate::executor::Executor;
use crate::inspect::{COMMAND, COMPONENT, HTTP};
use crate::instance::{self, Ground};

/// Sandboxes of wasmtime. Dropping it stops all that runs.
pub struct Driver {
    // Its threads end before what they use goes.
    executor: Executor,
    ground: Ground,
}

/// The driver could not be started: the text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("start the Wasm driver: {0}")]
pub struct Error(String);

/// A kind of this family, and whether it can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindOf {
    /// As in `exec.kind`.
    pub kind: &'static str,
    /// Why it cannot be run yet; `None`: it can.
    pub lacking: Option<&'static str>,
}

/// The kinds of this family, those that cannot be run yet included.
#[must_use]
pub fn kinds() -> [KindOf; 3] {
    let lacking = Some("its engine does not run components yet");
    [
        KindOf { kind: COMMAND, lacking: None },
        KindOf { kind: COMPONENT, lacking },
        KindOf { kind: HTTP, lacking },
    ]
}

/// What runs the modules, for people.
#[must_use]
pub fn engine() -> &'static str {
    "wasmtime 48, WASI preview 1"
}

impl Driver {
    /// Starts the threads. Compiled code is kept in `wasm/` beneath `folder`, which only this
    /// process may write.
    ///
    /// If it is called inside of a tokio runtime, what `codes` does may need that runtime.
    ///
    /// # Errors
    /// [`Error`] if the folder, the threads or the engine cannot be had.
    pub fn new(
        config: &Config,
        folder: impl AsRef<Path>,
        codes: Arc<dyn Codes>,
        outside: Outside,
    ) -> Result<Self, Error> {
        Self::with(config, Allocation::Pooling, folder.as_ref(), codes, outside, None)
    }

    /// The same, with modules compiled by a program of their own: the one that strangers' code
    /// needs, because a compilation in this process has no bound on its time and memory.
    ///
    /// # Errors
    /// As [`Driver::new`].
    pub fn with_compiler(
        config: &Config,
        folder: impl AsRef<Path>,
        codes: Arc<dyn Codes>,
        outside: Outside,
        compiler: Compiler,
    ) -> Result<Self, Error> {
        Self::with(config, Allocation::Pooling, folder.as_ref(), codes, outside, Some(compiler))
    }

    pub(crate) fn with(
        config: &Config,
        allocation: Allocation,
        folder: &Path,
        codes: Arc<dyn Codes>,
        outside: Outside,
        compiler: Option<Compiler>,
    ) -> Result<Self, Error> {
        let engine = Engine::start(config, allocation, folder, codes, compiler).map_err(Error)?;
        let ticked = engine.wasmtime.clone();
        let threads = config.threads.max(1) as usize;
        let executor = Executor::start(threads, outside.now_mono, move || ticked.increment_epoch())
            .map_err(|error| Error(format!("threads: {error}")))?;
        let budget = Budget::new(config.wasm_memory.as_u64(), config.max_instances.into());
        Ok(Self { executor, ground: Ground { engine: Arc::new(engine), budget, outside } })
    }

    #[cfg(test)]
    pub(crate) fn allocation(&self) -> Allocation {
        self.ground.engine.allocation
    }

    #[cfg(test)]
    pub(crate) fn resident(&self) -> (usize, usize) {
        self.ground.engine.resident_size()
    }
}

impl invoker::driver::Driver for Driver {
    fn name(&self) -> &'static str {
        "wasm"
    }

    fn is_guarded(&self) -> bool {
        true
    }

    fn inspect(&self, artefact: Artefact) -> BoxFuture<'_, Result<Inspected, Refused>> {
        let engine = Arc::clone(&self.ground.engine);
        Box::pin(engine.inspect(&self.executor, self.ground.outside.now_mono, artefact))
    }

    fn run(&self, job: Job, done: Done) -> Stop {
        let ground = self.ground.clone();
        let namespace = job.namespace.clone();
        tracing::trace!(activation_id = %job.id, "queued");
        let task = self.executor.spawn(namespace, move |turn| {
            let told = Told { done: Some(done), outside: ground.outside };
            Box::pin(async move {
                let ended = instance::run(&ground, job, turn).await;
                told.tell(ended);
            })
        });
        Stop(Arc::new(move || task.stop()))
    }

    fn usage(&self) -> Usage {
        let budget = &self.ground.budget;
        Usage {
            instances: budget.instances(),
            max_instances: budget.max_instances(),
            memory: budget.memory(),
            max_memory: budget.max_memory(),
        }
    }
}

/// Calls `done` exactly once: with the end, or when the run is dropped without one.
struct Told {
    done: Option<Done>,
    outside: Outside,
}

impl Told {
    fn tell(mut self, ended: Ended) {
        if let Some(done) = self.done.take() {
            tracing::trace!("told");
            done(ended);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let Some(done) = self.done.take() else { return };
        // A panic of the host's, or the driver is being dropped.
        let outcome = if std::thread::panicking() {
            Outcome::Answer(Answer {
                class: Class::InternalError,
                result: Json::error(NO_CAPACITY),
                size: None,
                timeout: false,
            })
        } else {
            Outcome::Stopped
        };
        let now = WallTime((self.outside.now_wall_ns)().div_euclid(1_000_000));
        done(Ended {
            outcome,
            start: now,
            end: now,
            duration_us: 0,
            init_us: None,
            state: StartState::Cold,
            started_from: None,
            logs: Vec::new(),
        });
    }
}
