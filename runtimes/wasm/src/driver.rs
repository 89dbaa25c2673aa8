//! The driver: what the invoker and the server see of this crate.

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use invoker::driver::{
    Answer, Artefact, Codes, Done, Ended, Inspected, Job, Outcome, Refused, StartState, Stop, Usage,
};
use model::id::Digest;
use model::json::Json;
use model::outcome::{Class, NO_CAPACITY};
use model::time::WallTime;

use crate::budget::Budget;
use crate::config::{Config, Outside};
use crate::egress::{Config as EgressConfig, Egress};
use crate::engine::{Allocation, Compiler, Engine};
use crate::executor::Executor;
use crate::inspect::{COMMAND, COMPONENT, HTTP};
use crate::instance::{self, Ground};
use crate::script::{self, Outgoing, Scripts};

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

/// A kind that is run here, and whether it can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindOf {
    /// As in `exec.kind`.
    pub kind: &'static str,
    /// Why it cannot be run yet; `None`: it can.
    pub lacking: Option<&'static str>,
    /// What runs it, for people.
    pub engine: &'static str,
    /// The same as the name of an image, which clients of containers expect.
    pub image: &'static str,
    /// Which of its actions are run here, if not all.
    pub serves: Option<&'static str>,
}

/// How requests of actions leave.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// Whom they may reach.
    pub egress: EgressConfig,
    /// The address of this server's own API, which they may always reach.
    pub own: Option<String>,
}

fn outgoing(way: Option<Way>, outside: Outside) -> Result<Option<Outgoing>, String> {
    let Some(way) = way else { return Ok(None) };
    let runtime = tokio::runtime::Handle::try_current().map_err(|error| error.to_string())?;
    let egress = Egress::new(&way.egress, way.own)?;
    Ok(Some(Outgoing { egress, runtime, now: outside.now_mono }))
}

/// The kinds that are run here, those that cannot be run yet included.
#[must_use]
pub fn kinds() -> [KindOf; 4] {
    let script = KindOf {
        kind: script::KIND,
        lacking: None,
        engine: "quickjs-ng 0.16",
        image: "quirl/javascript:20",
        serves: Some("plain scripts, archives of own files"),
    };
    let module = |kind, lacking| KindOf {
        kind,
        lacking,
        engine: "wasmtime 48, WASI preview 1",
        image: "quirl/wasmtime:48",
        serves: None,
    };
    let lacking = Some("its engine does not run components yet");
    [script, module(COMMAND, None), module(COMPONENT, lacking), module(HTTP, lacking)]
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
        Self::with(config, Allocation::Pooling, folder.as_ref(), codes, outside, None, None)
    }

    /// The same for strangers' code: modules are compiled by a program of their own, because a
    /// compilation in this process has no bound on its time and memory, and requests of actions
    /// leave by `way`. To be called inside of a tokio runtime.
    ///
    /// # Errors
    /// As [`Driver::new`].
    pub fn with_compiler(
        config: &Config,
        folder: impl AsRef<Path>,
        codes: Arc<dyn Codes>,
        outside: Outside,
        compiler: Compiler,
        way: Way,
    ) -> Result<Self, Error> {
        let (compiler, way) = (Some(compiler), Some(way));
        let allocation = Allocation::Pooling;
        let driver =
            Self::with(config, allocation, folder.as_ref(), codes, outside, compiler, way)?;
        driver.ground.scripts.warm();
        Ok(driver)
    }

    pub(crate) fn with(
        config: &Config,
        allocation: Allocation,
        folder: &Path,
        codes: Arc<dyn Codes>,
        outside: Outside,
        compiler: Option<Compiler>,
        way: Option<Way>,
    ) -> Result<Self, Error> {
        let outgoing = outgoing(way, outside).map_err(Error)?;
        let engine = Engine::start(config, allocation, folder, codes, compiler).map_err(Error)?;
        let ticked = engine.wasmtime.clone();
        let threads = config.threads.max(1) as usize;
        let executor = Executor::start(threads, outside.now_mono, move || ticked.increment_epoch())
            .map_err(|error| Error(format!("threads: {error}")))?;
        let budget = Budget::new(config.wasm_memory.as_u64(), config.max_instances.into());
        let engine = Arc::new(engine);
        let images = folder.join("js");
        let scripts = Scripts::open(&images, config, engine.script_maker());
        let scripts =
            Arc::new(scripts.map_err(|error| {
                Error(format!("folder for images {}: {error}", images.display()))
            })?);
        Ok(Self { executor, ground: Ground { engine, scripts, budget, outgoing, outside } })
    }

    #[cfg(test)]
    pub(crate) fn allocation(&self) -> Allocation {
        self.ground.engine.allocation
    }

    #[cfg(test)]
    pub(crate) fn forget_scripts(&self) {
        self.ground.scripts.shelf.forget_all();
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

    fn begins(&self, kind: &str, code: &Digest, main: Option<&str>) -> Option<&'static str> {
        script::is_script(kind).then(|| self.ground.scripts.begins(code, main)).flatten()
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
