//! The engine in memory, and what is known of scripts.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use futures::future::{BoxFuture, FutureExt as _, Shared};
use model::id::Digest;
use sha2::Digest as _;
use wasmparser::{DataKind, Operator, Parser, Payload};
use wasmtime::ModuleExport;

use super::image::{Image, Pristine};
use super::run::Reading;
use super::run::{Begun, MAIN};
use super::shelf::{Key, Shelf};
use crate::config::Config;
use crate::engine::Resident;
use crate::executor::lock;

/// QuickJS-NG with our shim and library: see `runtimes/javascript`, `cargo xtask engine`.
pub(crate) static ENGINE: &[u8] = include_bytes!("../../../javascript/engine.wasm");

/// The engine, ready to be instantiated.
pub(crate) struct Ready {
    pub(crate) module: Arc<Resident>,
    pub(super) memory: ModuleExport,
    pub(super) load: ModuleExport,
    pub(super) run: ModuleExport,
    /// Made when the first image is; until then its memory is nobody's.
    pristine: OnceLock<Option<Pristine>>,
}

/// Why scripts cannot be run: for the operator.
pub(crate) type Lacking = String;

/// The engine, once it is there.
type Making = BoxFuture<'static, Result<Arc<Ready>, Lacking>>;

/// Begins to make the engine.
pub(crate) type Make = Box<dyn Fn() -> Making + Send + Sync>;

/// What a driver knows of scripts.
pub(crate) struct Scripts {
    ready: OnceLock<Arc<Ready>>,
    /// While it is being made.
    making: Mutex<Option<Shared<Making>>>,
    make: Make,
    /// Code that is being read, by the script that it is of.
    pub(super) reading: Reading,
    pub(crate) shelf: Shelf,
}

impl Scripts {
    /// Knows what lies in `folder`, as far as the configuration lets it.
    pub(crate) fn open(folder: &Path, config: &Config, make: Make) -> std::io::Result<Self> {
        let name = digest().to_string();
        let (most, on_disk) = (config.image_bytes.as_u64(), config.image_disk_bytes.as_u64());
        let shelf = Shelf::open(folder.to_owned(), name[..16].to_owned(), most, on_disk)?;
        Ok(Self {
            ready: OnceLock::new(),
            making: Mutex::default(),
            make,
            reading: Reading::default(),
            shelf,
        })
    }

    /// Begins to make the engine, so that nobody has to wait for it later.
    pub(crate) fn warm(&self) {
        drop(self.making());
    }

    fn making(&self) -> Shared<Making> {
        let mut making = lock(&self.making);
        making.get_or_insert_with(|| (self.make)().shared()).clone()
    }

    /// From what instances of a script begin, as far as that is known.
    pub(crate) fn begins(&self, code: &Digest, main: Option<&str>) -> Option<&'static str> {
        let key = Key { code: *code, main: main.unwrap_or(MAIN).to_owned() };
        let begins = match self.shelf.get(&key) {
            Some(script) if !script.is_evaluated => return None,
            Some(script) if script.image.is_none() => Begun::Eval,
            Some(_) => Begun::Image,
            None => self.shelf.has_image(&key).then_some(Begun::Image)?,
        };
        Some(begins.word())
    }

    /// The engine.
    pub(super) async fn engine(&self) -> Result<Arc<Ready>, Lacking> {
        if let Some(ready) = self.ready.get() {
            return Ok(Arc::clone(ready));
        }
        let made = self.making().await;
        if made.is_err() {
            // Whoever comes next tries again.
            *lock(&self.making) = None;
        }
        let made = made?;
        Ok(Arc::clone(self.ready.get_or_init(|| made)))
    }
}

impl Ready {
    /// From the engine's module.
    ///
    /// # Errors
    /// What it lacks.
    pub(crate) fn new(module: Resident) -> Result<Self, Lacking> {
        let export = |name: &str| {
            module.export(name).ok_or_else(|| format!("the script engine exports no '{name}'"))
        };
        let (memory, load, run) = (export("memory")?, export("load")?, export("run")?);
        Ok(Self { memory, load, run, pristine: OnceLock::new(), module: Arc::new(module) })
    }

    /// What `memory` has that a fresh instance has not; `None` if that is too much.
    pub(super) fn image(&self, memory: &[u8]) -> Option<Image> {
        let pristine = self.pristine.get_or_init(|| {
            let made = pristine(ENGINE);
            made.inspect_err(|error| tracing::error!(error, "no script gets an image")).ok()
        });
        pristine.as_ref()?.image(memory)
    }
}

/// The memory of a fresh instance, as the module itself describes it.
fn pristine(module: &[u8]) -> Result<Pristine, Lacking> {
    let malformed = |error: wasmparser::BinaryReaderError| format!("the script engine: {error}");
    let mut memory = Vec::new();
    let mut stack = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(malformed)? {
            Payload::MemorySection(memories) => {
                for found in memories {
                    let pages = found.map_err(malformed)?.initial;
                    memory = vec![0; usize::try_from(pages << 16).map_err(|_| "too large")?];
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global.map_err(malformed)?;
                    if global.ty.mutable {
                        stack = constant(&global.init_expr);
                    }
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment.map_err(malformed)?;
                    if let DataKind::Active { offset_expr, .. } = segment.kind {
                        let at = constant(&offset_expr).ok_or("data without a place")?;
                        let to = memory.get_mut(at..at + segment.data.len());
                        to.ok_or("data outside of memory")?.copy_from_slice(segment.data);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Pristine::of(&memory, stack.ok_or("the script engine has no stack pointer")?))
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> Option<usize> {
    match expression.get_operators_reader().read() {
        Ok(Operator::I32Const { value }) => Some(value.cast_unsigned() as usize),
        _ => None,
    }
}

/// Names the engine: its SHA-256, as the lock beside it has it. Reading all of it would make it
/// resident.
pub(crate) fn digest() -> Digest {
    let lines = include_str!("../../../javascript/engine.lock").lines();
    let mut found = lines.filter_map(|line| line.strip_prefix("\"engine.wasm\" = \""));
    let found = found.next().and_then(|line| line.strip_suffix('"')?.parse().ok());
    found.unwrap_or_else(|| Digest(sha2::Sha256::digest(ENGINE).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_names_the_engine_that_is_included() {
        assert_eq!(digest(), Digest(sha2::Sha256::digest(ENGINE).into()));
        let line = format!("\"engine.wasm\" = \"{}\"", digest());
        assert!(include_str!("../../../javascript/engine.lock").contains(&line));
    }

    #[test]
    fn the_memory_of_a_fresh_instance_is_known() {
        assert!(pristine(ENGINE).is_ok());
    }
}
