//! Yardstick **J**: what wasmtime takes to restore a script's image and to call its `main`.
//!
//! The engine's module, set up as the driver has it; a script is evaluated in one instance, and the
//! pages that this changed are copied into each fresh one. What this leaves out is the platform's:
//! limits, fibers, deadlines, logs. The driver's side is `runtimes/wasm/src/script`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use hdrhistogram::Histogram;
use wasmtime::{
    Caller, Engine, InstancePre, Linker, Memory, Module, ModuleExport, Store, TypedFunc,
};

use super::sandbox::{self, PerCall};
use super::stats;

/// QuickJS-NG with its library, as the driver has it.
static ENGINE: &[u8] = include_bytes!("../../../runtimes/javascript/engine.wasm");

/// How memory is compared and copied, bytes.
const PAGE: usize = 4 << 10;
/// A page of WebAssembly.
const WASM_PAGE: usize = 64 << 10;
/// Where the engine's stack ends: nothing of it is kept.
const STACK: usize = 1 << 20;

// What the engine looks up: constants of `core.js`.
const INPUT: i32 = 1;
const CODE: i32 = 2;
const MAIN: i32 = 4;
const FILES: i32 = 5;

/// A script that was evaluated.
pub struct Script {
    engine: Engine,
    ready: InstancePre<Guest>,
    memory: ModuleExport,
    load: ModuleExport,
    run: ModuleExport,
    image: Image,
}

/// What belongs to one instance.
#[derive(Default)]
struct Guest {
    code: Arc<[u8]>,
    found: Arc<[u8]>,
    answer: Option<(i32, Vec<u8>)>,
}

/// Pages that differ from a fresh memory's: where, and what is there.
struct Image {
    size: usize,
    pages: Vec<(usize, Vec<u8>)>,
}

impl Script {
    /// Evaluates `code`.
    ///
    /// # Errors
    /// The engine does not do what it should.
    pub fn new(code: &str) -> Result<Self> {
        Self::of(code).map_err(|error| anyhow!("{error:#}"))
    }

    fn of(code: &str) -> wasmtime::Result<Self> {
        let engine = Engine::new(&sandbox::settings())?;
        let module = Module::new(&engine, ENGINE)?;
        let mut linker = Linker::new(&engine);
        offer(&mut linker)?;
        linker.define_unknown_imports_as_traps(&module)?;
        let ready = linker.instantiate_pre(&module)?;
        let export = |name: &str| {
            let found = module.get_export_index(name);
            found.ok_or_else(|| wasmtime::Error::msg(format!("the engine exports no '{name}'")))
        };
        let (memory, load, run) = (export("memory")?, export("load")?, export("run")?);
        let image = Image { size: 0, pages: Vec::new() };
        let mut script = Self { engine, ready, memory, load, run, image };
        script.image = script.evaluate(code)?;
        Ok(script)
    }

    fn store(&self, code: Arc<[u8]>) -> Store<Guest> {
        let mut store = Store::new(&self.engine, Guest { code, ..Guest::default() });
        store.set_epoch_deadline(1);
        store
    }

    fn evaluate(&self, code: &str) -> wasmtime::Result<Image> {
        let mut store = self.store(code.as_bytes().into());
        let instance = self.ready.instantiate(&mut store)?;
        let memory = self.memory(&mut store, instance)?;
        let fresh = memory.data(&store).to_vec();
        self.enter(&mut store, instance, self.load)?;
        if let Some((kind, text)) = &store.data().answer {
            let text = String::from_utf8_lossy(text);
            return Err(wasmtime::Error::msg(format!("the script is not loaded: {kind} {text}")));
        }
        Ok(Image::of(&fresh, memory.data(&store)))
    }

    /// One instance, one call, and it is gone; the JSON of the result.
    ///
    /// # Errors
    /// It has none.
    pub fn run(&self) -> Result<Vec<u8>> {
        let answer = self.call().map_err(|error| anyhow!("{error:#}"))?;
        let (kind, text) = answer.context("the script did not answer")?;
        ensure!(kind == 0, "the script ended as kind {kind}: {}", String::from_utf8_lossy(&text));
        Ok(text)
    }

    fn call(&self) -> wasmtime::Result<Option<(i32, Vec<u8>)>> {
        let mut store = self.store(Arc::default());
        let instance = self.ready.instantiate(&mut store)?;
        let memory = self.memory(&mut store, instance)?;
        self.image.restore(&mut store, memory)?;
        self.enter(&mut store, instance, self.run)?;
        Ok(store.into_data().answer)
    }

    /// The same on a stack of its own, as the driver makes its calls: it can be left at any time.
    async fn call_on_fiber(&self) -> wasmtime::Result<Option<(i32, Vec<u8>)>> {
        let mut store = self.store(Arc::default());
        let instance = self.ready.instantiate_async(&mut store).await?;
        let memory = self.memory(&mut store, instance)?;
        self.image.restore(&mut store, memory)?;
        let run = self.function(&mut store, instance, self.run)?;
        run.call_async(&mut store, ()).await?;
        Ok(store.into_data().answer)
    }

    fn memory(
        &self,
        store: &mut Store<Guest>,
        instance: wasmtime::Instance,
    ) -> wasmtime::Result<Memory> {
        let memory = instance.get_module_export(store, &self.memory);
        let memory = memory.and_then(wasmtime::Extern::into_memory);
        memory.ok_or_else(|| wasmtime::Error::msg("no memory"))
    }

    fn enter(
        &self,
        store: &mut Store<Guest>,
        instance: wasmtime::Instance,
        export: ModuleExport,
    ) -> wasmtime::Result<()> {
        self.function(store, instance, export)?.call(store, ())
    }

    fn function(
        &self,
        store: &mut Store<Guest>,
        instance: wasmtime::Instance,
        export: ModuleExport,
    ) -> wasmtime::Result<TypedFunc<(), ()>> {
        let function = instance.get_module_export(&mut *store, &export);
        let function = function.and_then(wasmtime::Extern::into_func);
        let function = function.ok_or_else(|| wasmtime::Error::msg("no function"))?;
        function.typed(store)
    }

    /// Bytes of the image.
    #[must_use]
    pub fn image_bytes(&self) -> usize {
        self.image.pages.iter().map(|(_, page)| page.len()).sum()
    }

    /// Calls on two threads.
    ///
    /// # Errors
    /// A call fails.
    pub fn measure(&self, time: Duration) -> Result<PerCall> {
        sandbox::on_two_threads(time, || self.run().map(|_| ()))
    }

    /// The same, each call on a stack of its own.
    ///
    /// # Errors
    /// A call fails.
    pub fn measure_on_fibers(&self, time: Duration) -> Result<PerCall> {
        sandbox::on_two_threads(time, || {
            let answer = futures::executor::block_on(self.call_on_fiber());
            answer.map(|_| ()).map_err(|error| anyhow!("{error:#}"))
        })
    }

    /// Single calls, on this thread.
    ///
    /// # Errors
    /// A call fails.
    pub fn latency(&self, time: Duration) -> Result<Histogram<u64>> {
        let mut latency = stats::latencies();
        let begun = Instant::now();
        while begun.elapsed() < time {
            let sent = Instant::now();
            self.run()?;
            stats::note(&mut latency, sent.elapsed());
        }
        Ok(latency)
    }
}

impl Image {
    fn of(fresh: &[u8], memory: &[u8]) -> Self {
        let differs = |at: usize, page: &[u8]| match fresh.get(at..at + page.len()) {
            Some(old) => old != page,
            None => page.iter().any(|byte| *byte != 0),
        };
        let pages = memory.chunks(PAGE).enumerate().map(|(number, page)| (number * PAGE, page));
        let changed = pages.filter(|(at, page)| *at >= STACK && differs(*at, page));
        let pages = changed.map(|(at, page)| (at, page.to_vec())).collect();
        Self { size: memory.len(), pages }
    }

    fn restore(&self, store: &mut Store<Guest>, memory: Memory) -> wasmtime::Result<()> {
        let missing = self.size.saturating_sub(memory.data_size(&*store)) / WASM_PAGE;
        if missing > 0 {
            memory.grow(&mut *store, missing as u64)?;
        }
        let bytes = memory.data_mut(store);
        for (at, page) in &self.pages {
            bytes[*at..*at + page.len()].copy_from_slice(page);
        }
        Ok(())
    }
}

/// What a script that only calculates asks of its host.
fn offer(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let open = |mut caller: Caller<'_, Guest>, what: i32, _: i32, _: i32| {
        let guest = caller.data_mut();
        guest.found = match what {
            INPUT => b"{}"[..].into(),
            CODE => Arc::clone(&guest.code),
            MAIN => b"main"[..].into(),
            FILES => Arc::default(),
            _ => return -1,
        };
        i32::try_from(guest.found.len()).unwrap_or(-1)
    };
    linker.func_wrap("quirl", "open", open)?;
    let read = |mut caller: Caller<'_, Guest>, into: i32| {
        let found = std::mem::take(&mut caller.data_mut().found);
        let memory = memory_of(&mut caller)?;
        Ok(memory.write(caller, into.cast_unsigned() as usize, &found)?)
    };
    linker.func_wrap("quirl", "read", read)?;
    let answer = |mut caller: Caller<'_, Guest>, kind: i32, at: i32, length: i32| {
        let mut text = vec![0; length.cast_unsigned() as usize];
        let memory = memory_of(&mut caller)?;
        memory.read(&caller, at.cast_unsigned() as usize, &mut text)?;
        caller.data_mut().answer = Some((kind, text));
        wasmtime::Result::Ok(())
    };
    linker.func_wrap("quirl", "answer", answer)?;
    linker.func_wrap("quirl", "seed", || 1_i64)?;
    Ok(())
}

fn memory_of(caller: &mut Caller<'_, Guest>) -> wasmtime::Result<Memory> {
    let memory = caller.get_export("memory").and_then(wasmtime::Extern::into_memory);
    memory.ok_or_else(|| wasmtime::Error::msg("no memory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_called_from_its_image() {
        let code = "let calls = 40; function main() { return { calls: ++calls } }";
        let script = Script::new(code).unwrap();
        assert!(script.image_bytes() > 0);
        for _ in 0..3 {
            assert_eq!(script.run().unwrap(), b"{\"calls\":41}", "each call begins anew");
        }
        let time = Duration::from_millis(5);
        assert!(script.measure(time).unwrap().time > 0.0);
        assert!(script.measure_on_fibers(time).unwrap().time > 0.0);
        assert!(!script.latency(time).unwrap().is_empty());
    }

    #[test]
    fn a_script_that_fails_measures_nothing() {
        assert!(Script::new("function main( {").is_err());
        let endless = Script::new("function main() { return new Promise(() => {}) }").unwrap();
        let ended = endless.run().unwrap_err();
        assert!(ended.to_string().contains("kind 4"), "it never settles: {ended}");
    }
}
