//! Pre-initialises the JavaScript engine: evaluates its library once and for all, and writes the
//! module whose memory begins with that.
//!
//! ```text
//! pre-initialise MODULE FOLDER OUTPUT
//! ```
//!
//! FOLDER holds `core.js`, `modules.json` and `lib/missing.json`, and beneath `node_modules` the
//! packages that `modules.json` names. The result depends on nothing else: there is no clock, no
//! environment and nothing random in here, and asking for randomness is an error.

#![expect(clippy::print_stderr, reason = "a program that somebody at a terminal runs")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use wasmtime::{Caller, Engine, Extern, Instance, Linker, Memory, Module, Store, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

/// What a failure of this program says.
type Problem = String;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, folder, output] = arguments.as_slice() else {
        eprintln!("usage: pre-initialise MODULE FOLDER OUTPUT");
        return ExitCode::from(2);
    };
    match run(module, folder, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("pre-initialise: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(module: &Path, folder: &Path, output: &Path) -> Result<(), Problem> {
    let raw = read(module)?;
    let mut wizer = Wizer::new();
    wizer.init_func("init");
    let (context, instrumented) = wizer.instrument(&raw).map_err(|error| told(&error))?;
    let mut ready = initialise(&instrumented, Library::open(folder)?)?;
    let snapshot = futures::executor::block_on(wizer.snapshot(&context, &mut ready));
    let whole = snapshot.map_err(|error| told(&error))?;
    check(&whole)?;
    std::fs::write(output, &whole).map_err(|error| format!("write {}: {error}", output.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| format!("read {}: {error}", path.display()))
}

fn told(error: &wasmtime::Error) -> Problem {
    format!("{error:#}")
}

/// What images rest on: memory is all that a script can change, and one stack pointer, which is
/// where it was when no call is under way. Wizer refuses code that changes tables.
fn check(module: &[u8]) -> Result<(), Problem> {
    let mut mutable = 0;
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.map_err(|error| error.to_string())?;
        if let wasmparser::Payload::GlobalSection(globals) = payload {
            for global in globals {
                let global = global.map_err(|error| error.to_string())?;
                mutable += usize::from(global.ty.mutable);
            }
        }
    }
    if mutable == 1 {
        return Ok(());
    }
    Err(format!("the module has {mutable} mutable globals; an image keeps none but the stack's"))
}

/// The sources of the library.
struct Library {
    folder: PathBuf,
    modules: Vec<Entry>,
    /// What was looked up last.
    found: Vec<u8>,
}

/// A line of `modules.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    file: PathBuf,
    public: bool,
}

/// The same, as the library itself reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    name: String,
    is_public: bool,
}

impl Library {
    fn open(folder: &Path) -> Result<Self, Problem> {
        let text = read(&folder.join("modules.json"))?;
        let modules =
            serde_json::from_slice(&text).map_err(|error| format!("modules.json: {error}"))?;
        Ok(Self { folder: folder.to_owned(), modules, found: Vec::new() })
    }

    fn look_up(&mut self, name: &str) -> Result<usize, Problem> {
        self.found = match name {
            "core" => read(&self.folder.join("core.js"))?,
            "missing" => read(&self.folder.join("lib/missing.json"))?,
            "modules" => {
                let told =
                    |entry: &Entry| Told { name: entry.name.clone(), is_public: entry.public };
                let list: Vec<Told> = self.modules.iter().map(told).collect();
                serde_json::to_vec(&list).map_err(|error| error.to_string())?
            }
            name => {
                let entry = self.modules.iter().find(|entry| entry.name == name);
                let entry = entry.ok_or_else(|| format!("no module '{name}'"))?;
                read(&self.folder.join(&entry.file))?
            }
        };
        Ok(self.found.len())
    }
}

/// The instance whose state is kept.
struct Ready {
    store: Store<Library>,
    instance: Instance,
}

fn initialise(module: &[u8], library: Library) -> Result<Ready, Problem> {
    let engine = Engine::default();
    let module = Module::new(&engine, module).map_err(|error| told(&error))?;
    let mut linker = Linker::new(&engine);
    offer(&mut linker).map_err(|error| told(&error))?;
    linker.define_unknown_imports_as_traps(&module).map_err(|error| told(&error))?;
    let mut store = Store::new(&engine, library);
    let instance = linker.instantiate(&mut store, &module).map_err(|error| told(&error))?;
    for name in ["_initialize", "init"] {
        let function = instance.get_typed_func::<(), ()>(&mut store, name);
        function
            .and_then(|function| function.call(&mut store, ()))
            .map_err(|error| format!("{name}: {}", told(&error)))?;
    }
    Ok(Ready { store, instance })
}

fn offer(linker: &mut Linker<Library>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "quirl",
        "open",
        |mut guest: Caller<'_, Library>, what: i32, name: u32, length: u32| {
            let name = text(&mut guest, name, length)?;
            if what != 0 {
                return Ok(-1);
            }
            let length = guest.data_mut().look_up(&name).map_err(wasmtime::Error::msg)?;
            Ok(i32::try_from(length)?)
        },
    )?;
    linker.func_wrap("quirl", "read", |mut guest: Caller<'_, Library>, into: u32| {
        let found = std::mem::take(&mut guest.data_mut().found);
        memory(&mut guest)?.write(&mut guest, into as usize, &found)?;
        Ok(())
    })?;
    linker.func_wrap(
        "quirl",
        "log",
        |mut guest: Caller<'_, Library>, _stream: i32, at: u32, length: u32| {
            eprintln!("{}", text(&mut guest, at, length)?);
            Ok(())
        },
    )?;
    // The engine seeds itself by the time when it makes a context; the shim seeds it again.
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "clock_time_get",
        |mut guest: Caller<'_, Library>, _clock: i32, _precision: i64, into: u32| {
            memory(&mut guest)?.write(&mut guest, into as usize, &[0; 8])?;
            Ok(0_i32)
        },
    )?;
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "fd_prestat_get",
        |_: Caller<'_, Library>, _fd: i32, _into: u32| 8_i32,
    )?;
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "environ_sizes_get",
        |mut guest: Caller<'_, Library>, count: u32, bytes: u32| {
            let memory = memory(&mut guest)?;
            memory.write(&mut guest, count as usize, &[0; 4])?;
            memory.write(&mut guest, bytes as usize, &[0; 4])?;
            Ok(0_i32)
        },
    )?;
    Ok(())
}

fn memory(guest: &mut Caller<'_, Library>) -> wasmtime::Result<Memory> {
    let memory = guest.get_export("memory").and_then(Extern::into_memory);
    memory.ok_or_else(|| wasmtime::Error::msg("the module exports no memory"))
}

fn text(guest: &mut Caller<'_, Library>, at: u32, length: u32) -> wasmtime::Result<String> {
    let memory = memory(guest)?;
    let mut bytes = vec![0; length as usize];
    memory.read(&guest, at as usize, &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl InstanceState for Ready {
    fn global_get(&mut self, name: &str, _: ValType) -> impl Future<Output = SnapshotVal> + Send {
        let value = self.instance.get_global(&mut self.store, name);
        let value = match value.map(|value| value.get(&mut self.store)) {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            other => panic!("global {name} is {other:?}, which no image could keep"),
        };
        std::future::ready(value)
    }

    fn memory_contents(
        &mut self,
        name: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) -> impl Future<Output = ()> + Send {
        let memory = self.instance.get_memory(&mut self.store, name);
        let memory = memory.unwrap_or_else(|| panic!("memory {name} is not exported"));
        contents(memory.data(&self.store));
        std::future::ready(())
    }
}
