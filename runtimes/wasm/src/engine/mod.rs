//! Code: compiled once, kept on the disk, held in memory while it is used.

mod cache;
mod compile;
mod load;
mod pool;
mod resident;
mod settings;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use invoker::driver::{Artefact, Codes, Inspected, Refused, StartState};
use model::id::Digest;
use tokio::sync::oneshot;
use wasmtime::{InstancePre, Linker, Module, ModuleExport};

use self::cache::{Cache, Code, Found, Long};
use self::compile::Bounds;
pub use self::compile::{Compiler, compile};
pub(crate) use self::pool::Full;
use self::pool::Pool;
use self::resident::{Begin, Residents};
pub(crate) use self::settings::Allocation;
use crate::archive::Unpacked;
use crate::config::Config;
use crate::executor::{Executor, be_nice};
use crate::host::State;
use crate::host::files::Files;
use crate::inspect::{self, Looked};
use crate::script;

/// Mappings that resident modules may take; the kernel gives a process 65,530 of them.
const MAX_MAPPINGS: u64 = 40_000;
/// Mappings of one module: its machine code, what is read, and what stands before them.
const MAPPINGS_OF_A_MODULE: u64 = 3;
/// How long compiling the script engine may take on a slow machine.
const ENGINE_TIME: Duration = Duration::from_secs(300);
/// What the end of a child may take beyond its limit.
const GRACE: Duration = Duration::from_millis(500);
/// Compiled code up to here is read by the thread that waits for it: a change of threads costs
/// more than that takes. Longer code is mapped.
const READ_HERE: u64 = 1 << 20;

/// What a driver knows of code.
pub(crate) struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) allocation: Allocation,
    linker: Linker<State>,
    /// What the script engine may import besides.
    script_linker: Linker<State>,
    runtime: Option<tokio::runtime::Handle>,
    residents: Residents,
    cache: Cache,
    codes: Arc<dyn Codes>,
    pool: Pool,
    compiler: Option<Compiler>,
    bounds: Bounds,
}

/// A module in memory, ready to be instantiated.
pub(crate) struct Resident {
    module: Module,
    pub(crate) instance: InstancePre<State>,
    start: Option<ModuleExport>,
    pub(crate) initialize: Option<ModuleExport>,
    pub(crate) files: Arc<Files>,
    bytes: usize,
}

/// A module, and what it took to get it.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) module: Arc<Resident>,
    pub(crate) state: StartState,
}

/// Why a module is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotLoaded {
    /// The code cannot be read: for the operator.
    NoCode(String),
    /// The code is not what can be run: for its author.
    Broken(String),
    /// We failed: for the operator.
    Fault(String),
}

impl Engine {
    pub(crate) fn start(
        config: &Config,
        wanted: Allocation,
        folder: &Path,
        codes: Arc<dyn Codes>,
        compiler: Option<Compiler>,
    ) -> Result<Self, String> {
        let (wasmtime, allocation) = settings::engine(config, wanted)?;
        let linker = crate::host::linker(&wasmtime).map_err(|error| format!("{error:#}"))?;
        let mut script_linker = linker.clone();
        script::offer(&mut script_linker).map_err(|error| format!("{error:#}"))?;
        let compatibility = format!("{:016x}", settings::compatibility(&wasmtime));
        let cache = Cache::open(folder.join("wasm"), compatibility)
            .map_err(|error| format!("folder for compiled code {}: {error}", folder.display()))?;
        let threads = config.compile_threads.max(1) as usize;
        let pool = Pool::start(threads).map_err(|error| format!("threads: {error}"))?;
        Ok(Self {
            wasmtime,
            allocation,
            linker,
            script_linker,
            runtime: tokio::runtime::Handle::try_current().ok(),
            residents: Residents::new(config.cache_bytes.as_usize(), most_modules()),
            cache,
            codes,
            pool,
            compiler,
            bounds: Bounds {
                time: Duration::from_secs(config.compile_seconds),
                memory: config.compile_memory.as_u64(),
            },
        })
    }

    /// The module of a blob, wherever it is now.
    pub(crate) async fn module(self: &Arc<Self>, digest: Digest) -> Result<Loaded, NotLoaded> {
        match self.residents.begin(digest) {
            Begin::Here(module) => Ok(Loaded { module, state: StartState::Warmed }),
            Begin::Wait(told) => told.await.unwrap_or_else(|_| Err(interrupted())),
            Begin::Load => self.load(digest).await,
        }
    }

    /// The text of `exec.code` in a blob.
    ///
    /// # Errors
    /// Why it cannot be read, for the operator.
    pub(crate) async fn fetch(&self, digest: Digest) -> Result<Bytes, String> {
        let codes = Arc::clone(&self.codes);
        let fetching = async move { codes.fetch(digest).await };
        match &self.runtime {
            Some(runtime) => runtime.spawn(fetching).await.map_err(|error| error.to_string())?,
            None => fetching.await,
        }
    }

    /// Does something that takes long, not on a thread of guests.
    ///
    /// # Errors
    /// It panicked; for the operator.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        match &self.runtime {
            Some(runtime) => runtime.spawn_blocking(work).await.map_err(|error| error.to_string()),
            None => Ok(work()),
        }
    }

    /// Does something that takes long and that nobody waits for.
    ///
    /// # Errors
    /// Too much of it waits.
    pub(crate) fn later(&self, work: impl FnOnce() + Send + 'static) -> Result<(), Full> {
        self.pool.run(work)
    }

    /// Makes the script engine when it is first asked for, on a thread of its own: others that are
    /// compiled do not wait for it.
    pub(crate) fn script_maker(self: &Arc<Self>) -> script::Make {
        let engine = Arc::clone(self);
        Box::new(move || {
            let engine = Arc::clone(&engine);
            let (told, made) = oneshot::channel();
            let thread = std::thread::Builder::new().name("compile-scripts".to_owned());
            let started = thread.spawn(move || {
                be_nice(compile::NICE);
                let _ = told.send(engine.script_engine().map(Arc::new));
            });
            Box::pin(async move {
                started.map_err(|error| format!("a thread for the script engine: {error}"))?;
                made.await.unwrap_or_else(|_| Err("making the script engine failed".to_owned()))
            })
        })
    }

    /// The script engine, from the disk or compiled.
    fn script_engine(&self) -> Result<script::Ready, script::Lacking> {
        let digest = script::digest();
        let kept = || match self.cache.read(&digest, 0, Long::Map) {
            Ok(Found::Kept(kept)) => self.linked(&self.script_linker, kept.code, kept.files),
            _ => Err("it is not there".to_owned()),
        };
        let resident = kept().or_else(|_| {
            // In a child, if there is one: what compiling takes of memory would stay with us.
            let looked = inspect::look(script::ENGINE).map_err(|refused| refused.0)?;
            let compiled = compile::compile_module(
                &self.wasmtime,
                self.allocation,
                self.compiler.as_ref(),
                Bounds { time: ENGINE_TIME, ..self.bounds },
                script::ENGINE,
                &looked,
            );
            let compiled = compiled.map_err(|error| format!("compile it: {error:?}"))?;
            match self.cache.write(&digest, &compiled, &Files::default()) {
                Ok(()) => {
                    drop(compiled);
                    kept()
                }
                Err(error) => {
                    tracing::warn!(%error, "the compiled script engine could not be kept");
                    let code = Code::Read(compiled.into());
                    self.linked(&self.script_linker, code, Files::default())
                }
            }
        })?;
        script::Ready::new(resident)
    }

    /// Modules in memory, and their bytes.
    #[cfg(test)]
    pub(crate) fn resident_size(&self) -> (usize, usize) {
        self.residents.size()
    }

    async fn load(self: &Arc<Self>, digest: Digest) -> Result<Loaded, NotLoaded> {
        // Nothing is awaited here, so nobody can be left waiting.
        if let Some(loaded) = self.read_kept(&digest, Long::Leave) {
            return self.end(digest, Ok(loaded));
        }
        // On another thread, and whatever becomes of this future: others may wait for it too.
        let (told, wait) = oneshot::channel();
        let engine = Arc::clone(self);
        let queued = self.pool.run(move || {
            let loading = Loading { engine: &engine, digest: Some(digest) };
            let loaded = match engine.read_kept(&digest, Long::Map) {
                Some(loaded) => Ok(loaded),
                None => engine.make(digest),
            };
            let _ = told.send(loading.end(loaded));
        });
        if queued.is_err() {
            let full = NotLoaded::Fault("too many modules wait to be compiled".to_owned());
            return self.end(digest, Err(full));
        }
        wait.await.unwrap_or_else(|_| Err(interrupted()))
    }

    fn end(
        self: &Arc<Self>,
        digest: Digest,
        loaded: Result<Loaded, NotLoaded>,
    ) -> Result<Loaded, NotLoaded> {
        let gone = self.residents.end(digest, &loaded);
        self.drop_elsewhere(gone);
        loaded
    }

    /// Dropping a module unmaps it, which is not for a thread that somebody waits for.
    fn drop_elsewhere(&self, gone: Vec<Arc<Resident>>) {
        if !gone.is_empty() {
            let _ = self.pool.run(move || drop(gone));
        }
    }

    fn read_kept(&self, digest: &Digest, long: Long) -> Option<Loaded> {
        let kept = match self.cache.read(digest, READ_HERE, long) {
            Ok(Found::Kept(kept)) => kept,
            Ok(Found::Nothing | Found::Long) => return None,
            Ok(Found::Damaged(reason)) => {
                tracing::warn!(%digest, reason, "compiled code is damaged and made again");
                return None;
            }
            Err(error) => {
                tracing::warn!(%digest, %error, "compiled code cannot be read and is made again");
                return None;
            }
        };
        match self.resident(kept.code, kept.files) {
            Ok(module) => Some(Loaded { module: Arc::new(module), state: StartState::Prewarmed }),
            Err(reason) => {
                tracing::warn!(%digest, reason, "compiled code is not accepted and made again");
                None
            }
        }
    }

    /// Compiles the code of a blob. On a thread of the pool.
    fn make(&self, digest: Digest) -> Result<Loaded, NotLoaded> {
        let code =
            futures::executor::block_on(self.codes.fetch(digest)).map_err(NotLoaded::NoCode)?;
        let unpacked = crate::archive::unpack(&code).map_err(NotLoaded::from)?;
        let looked = inspect::look(&unpacked.module).map_err(NotLoaded::from)?;
        let module = self.compile(&digest, unpacked, &looked)?;
        Ok(Loaded { module, state: StartState::Cold })
    }

    /// Compiles and keeps the result. On a thread of the pool.
    fn compile(
        &self,
        digest: &Digest,
        unpacked: Unpacked,
        looked: &Looked,
    ) -> Result<Arc<Resident>, NotLoaded> {
        let Unpacked { module, files } = unpacked;
        let compiler = self.compiler.as_ref();
        let compiled = compile::compile_module(
            &self.wasmtime,
            self.allocation,
            compiler,
            self.bounds,
            &module,
            looked,
        );
        drop(module);
        let compiled = Bytes::from(compiled.map_err(|error| self.not_compiled(error))?);
        let module = self
            .resident(Code::Read(compiled.clone()), files)
            .map_err(|reason| broken(format!("The module cannot be linked: {reason}.")))?;
        if let Err(error) = self.cache.write(digest, &compiled, &module.files) {
            tracing::warn!(%digest, %error, "compiled code could not be kept");
        }
        Ok(Arc::new(module))
    }

    fn not_compiled(&self, error: compile::Error) -> NotLoaded {
        match error {
            compile::Error::Invalid(reason) => inspect::not_a_module(&reason).into(),
            compile::Error::TooLong => self.too_long().into(),
            compile::Error::TooMuchMemory => {
                let mb = self.bounds.memory >> 20;
                broken(format!("The module could not be compiled within {mb} MB of memory."))
            }
            compile::Error::Fault(reason) => NotLoaded::Fault(reason),
        }
    }

    fn too_long(&self) -> Refused {
        let seconds = self.bounds.time.as_secs();
        Refused(format!("The module could not be compiled within {seconds} seconds."))
    }

    fn resident(&self, code: Code, files: Files) -> Result<Resident, String> {
        self.linked(&self.linker, code, files)
    }

    fn linked(&self, linker: &Linker<State>, code: Code, files: Files) -> Result<Resident, String> {
        let bytes = code.len() + files.bytes();
        let module = load::load(&self.wasmtime, code).map_err(|error| reason(&error))?;
        let instance = linker.instantiate_pre(&module).map_err(|error| reason(&error))?;
        Ok(Resident {
            instance,
            start: entry(&module, "_start"),
            initialize: entry(&module, "_initialize"),
            files: Arc::new(files),
            bytes,
            module,
        })
    }

    /// Checks code before it is stored, and keeps what was compiled.
    pub(crate) async fn inspect(
        self: Arc<Self>,
        executor: &Executor,
        now: fn() -> Duration,
        artefact: Artefact,
    ) -> Result<Inspected, Refused> {
        if script::is_script(&artefact.kind) {
            // As upstream's: what is wrong with a script shows when it is called.
            return Ok(Inspected { kind: artefact.kind });
        }
        // Its child has the same limit; this one also ends what is compiled without one.
        let limit = self.bounds.time;
        let (started, has_started) = oneshot::channel();
        let (told, mut answer) = oneshot::channel();
        let engine = Arc::clone(&self);
        let queued = self.pool.run(move || {
            let _ = started.send(());
            let _ = told.send(engine.inspect_here(&artefact));
        });
        if queued.is_err() {
            return Err(self.too_long());
        }
        // Its own time begins when its turn comes; for that it waits as long.
        let turn = executor.sleep_until(now() + limit);
        if let Either::Right(_) = select(has_started, turn).await {
            return Err(self.too_long());
        }
        let over = executor.sleep_until(now() + limit + GRACE);
        match select(&mut answer, over).await {
            Either::Left((Ok(inspected), _)) => inspected,
            Either::Left((Err(_), _)) => Err(inspect::not_a_module("the compiler failed on it")),
            Either::Right(_) => Err(self.too_long()),
        }
    }

    fn inspect_here(&self, artefact: &Artefact) -> Result<Inspected, Refused> {
        let unpacked = crate::archive::unpack(&artefact.code)?;
        let looked = inspect::look(&unpacked.module)?;
        let kind = inspect::kind(&looked, artefact)?;
        let inspected = Inspected { kind: kind.to_owned() };
        if !looked.is_component {
            inspect::check(&looked, artefact, crate::host::offers)?;
            if self.residents.get(&artefact.digest).is_some() {
                return Ok(inspected);
            }
            let module = match self.read_kept(&artefact.digest, Long::Map) {
                Some(loaded) => loaded.module,
                None => {
                    self.compile(&artefact.digest, unpacked, &looked).map_err(NotLoaded::refused)?
                }
            };
            drop(self.residents.add(artefact.digest, &module));
        }
        Ok(inspected)
    }
}

impl Resident {
    /// The export of this name.
    pub(crate) fn export(&self, name: &str) -> Option<ModuleExport> {
        self.module.get_export_index(name)
    }

    /// The export of this name, if it can be called as an entry.
    pub(crate) fn entry(&self, name: &str) -> Option<ModuleExport> {
        match name {
            "_start" => self.start,
            name => entry(&self.module, name),
        }
    }
}

/// As `inspect` says it before the module is compiled.
fn entry(module: &Module, name: &str) -> Option<ModuleExport> {
    let function = module.get_export(name)?;
    let function = function.func()?;
    let is_status = |result: wasmtime::ValType| matches!(result, wasmtime::ValType::I32);
    let is_entry = function.params().len() == 0
        && function.results().len() <= 1
        && function.results().all(is_status);
    if is_entry { module.get_export_index(name) } else { None }
}

/// Tells those who wait, even if the compiler panics.
struct Loading<'a> {
    engine: &'a Engine,
    digest: Option<Digest>,
}

impl Loading<'_> {
    fn end(mut self, loaded: Result<Loaded, NotLoaded>) -> Result<Loaded, NotLoaded> {
        if let Some(digest) = self.digest.take() {
            drop(self.engine.residents.end(digest, &loaded));
        }
        loaded
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        if let Some(digest) = self.digest.take() {
            drop(self.engine.residents.end(digest, &Err(interrupted())));
        }
    }
}

fn interrupted() -> NotLoaded {
    NotLoaded::Fault("loading the module was interrupted".to_owned())
}

fn broken(text: String) -> NotLoaded {
    NotLoaded::Broken(text)
}

impl From<Refused> for NotLoaded {
    fn from(refused: Refused) -> Self {
        Self::Broken(refused.0)
    }
}

impl NotLoaded {
    /// As whoever sent the code is told.
    fn refused(self) -> Refused {
        match self {
            Self::Broken(text) => Refused(text),
            Self::NoCode(reason) | Self::Fault(reason) => {
                tracing::error!(reason, "a module could not be compiled");
                Refused("The module could not be compiled: the compiler failed.".to_owned())
            }
        }
    }
}

/// A whole error on one line, without the dot that our texts end with.
fn reason(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    line.join(" ").trim_end_matches('.').to_owned()
}

/// How many modules may be resident: each takes mappings, and one file if it has data.
fn most_modules() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let by_files = files.unwrap_or(u64::MAX) / 2;
    usize::try_from(by_files.min(MAX_MAPPINGS / MAPPINGS_OF_A_MODULE)).unwrap_or(usize::MAX)
}
