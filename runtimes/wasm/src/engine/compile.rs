//! From a module to machine code, in a process of its own.
//!
//! A compilation cannot be interrupted, and its price has no bound worth the name: a function of
//! 256 KiB took 150 s and 5.5 GiB, and another that size asked for 26 GiB at once, which ends a
//! process (`examples/bomb.rs`). Programs that people use have functions as large. So all but small
//! modules are compiled by a child, which is killed when its time or its memory is over. Small ones
//! cost less than the child does.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal};

use super::settings::{self, Allocation};
use crate::executor::be_nice;
use crate::inspect::Looked;

/// Below everything else.
pub(super) const NICE: i32 = 10;
/// A module up to here, with no function larger than that, is compiled without a child. The worst
/// that fits in takes about a second.
const SMALL_MODULE: usize = 32 << 10;
const SMALL_BODY: usize = 2 << 10;
/// Longer answers of a child are not read.
const MOST_COMPILED: u64 = 1 << 30;
/// What a child is told before the module: see [`Order`].
const ORDER: usize = 25;

/// Where modules are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    /// A program that calls [`compile`] when it is started with `arguments`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl Compiler {
    /// This program, started with these arguments.
    #[must_use]
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        // Still the same version when the file has been replaced.
        Self { program: PathBuf::from("/proc/self/exe"), arguments }
    }
}

/// Why there is no machine code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// The module is not valid.
    Invalid(String),
    TooLong,
    TooMuchMemory,
    /// We failed.
    Fault(String),
}

/// What a compilation may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) time: Duration,
    pub(super) memory: u64,
}

/// What a child is told.
struct Order {
    compatibility: u64,
    memory: u64,
    seconds: u64,
    is_pooling: bool,
}

/// Compiles `module`, here or in a child. Blocks.
pub(super) fn compile_module(
    engine: &wasmtime::Engine,
    allocation: Allocation,
    compiler: Option<&Compiler>,
    bounds: Bounds,
    module: &[u8],
    looked: &Looked,
) -> Result<Vec<u8>, Error> {
    let is_small = module.len() <= SMALL_MODULE && looked.largest_body <= SMALL_BODY;
    match compiler {
        Some(compiler) if !is_small => {
            let order = Order {
                compatibility: settings::compatibility(engine),
                memory: bounds.memory,
                // The child's own clock is of processor time: it ends it if we cannot.
                seconds: bounds.time.as_secs() + 1,
                is_pooling: allocation == Allocation::Pooling,
            };
            in_child(compiler, &order, bounds.time, module)
        }
        _ => {
            engine.precompile_module(module).map_err(|error| Error::Invalid(super::reason(&error)))
        }
    }
}

fn in_child(
    compiler: &Compiler,
    order: &Order,
    limit: Duration,
    module: &[u8],
) -> Result<Vec<u8>, Error> {
    let fault = |error: std::io::Error| Error::Fault(format!("the compiler: {error}"));
    let mut child = Command::new(&compiler.program)
        .args(&compiler.arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fault)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let child = Mutex::new(child);
    let kill = || {
        let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
    };
    let (over, is_over) = sync_channel::<()>(1);
    let (compiled, was_killed) = std::thread::scope(|scope| {
        let kill = &kill;
        let watch = scope.spawn(move || {
            let waited = is_over.recv_timeout(limit);
            let is_late = waited == Err(RecvTimeoutError::Timeout);
            if is_late {
                kill();
            }
            is_late
        });
        if let Some(mut input) = input {
            // If it ends before it has read all, its answer says why.
            let _ = input.write_all(&order.bytes()).and_then(|()| input.write_all(module));
        }
        let read = output.map_or(Ok(Vec::new()), hear);
        drop(over);
        if read.is_err() {
            kill();
        }
        (read, watch.join().unwrap_or(false))
    });
    let status = wait(&child).map_err(fault)?;
    let compiled = compiled.map_err(fault)?;
    if was_killed {
        return Err(Error::TooLong);
    }
    match status.code() {
        Some(0) => Ok(compiled),
        Some(INVALID) => Err(Error::Invalid(String::from_utf8_lossy(&compiled).into_owned())),
        Some(code) => {
            let said = String::from_utf8_lossy(&compiled);
            Err(Error::Fault(format!("the compiler ended with {code}: {said}")))
        }
        None => Err(by_signal(status)),
    }
}

/// What a child says. Its length is said first: memory that grew and was given back stays ours.
fn hear(mut output: impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 8];
    if output.read_exact(&mut length).is_err() {
        return Ok(Vec::new()); // killed
    }
    let length = u64::from_le_bytes(length).min(MOST_COMPILED);
    let mut said = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    output.take(length).read_to_end(&mut said)?;
    Ok(said)
}

fn say(said: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&(said.len() as u64).to_le_bytes())?;
    stdout.write_all(said)?;
    stdout.flush()
}

fn wait(child: &Mutex<Child>) -> std::io::Result<std::process::ExitStatus> {
    child.lock().unwrap_or_else(PoisonError::into_inner).wait()
}

/// An allocation that fails ends a program by `SIGABRT`, memory that cannot be had for its stack by
/// `SIGSEGV`; `SIGXCPU` is its time.
fn by_signal(status: std::process::ExitStatus) -> Error {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal().and_then(Signal::from_named_raw) {
        Some(Signal::XCPU) => Error::TooLong,
        Some(Signal::ABORT | Signal::SEGV | Signal::KILL) => Error::TooMuchMemory,
        _ => Error::Fault(format!("the compiler ended: {status}")),
    }
}

/// Exit status of a child: the module is not valid, and why stands on stdout.
const INVALID: i32 = 3;

/// What the program of a [`Compiler`] does: reads a module from stdin, writes machine code, behind its
/// length, to stdout.
#[must_use]
pub fn compile() -> ExitCode {
    match child() {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, text)) => {
            let _ = say(text.as_bytes());
            ExitCode::from(code)
        }
    }
}

fn child() -> Result<(), (u8, String)> {
    let fault = |error: &dyn std::fmt::Display| (1, error.to_string());
    be_nice(NICE);
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let mut order = [0; ORDER];
    let mut stdin = std::io::stdin().lock();
    stdin.read_exact(&mut order).map_err(|error| fault(&error))?;
    let order = Order::of(&order);
    restrict(&order).map_err(|error| fault(&error))?;
    let mut module = Vec::new();
    stdin.read_to_end(&mut module).map_err(|error| fault(&error))?;

    let engine = settings::compiling(order.is_pooling).map_err(|error| fault(&error))?;
    if settings::compatibility(&engine) != order.compatibility {
        return Err((1, "it is set up otherwise than the server".to_owned()));
    }
    let invalid = u8::try_from(INVALID).unwrap_or(u8::MAX);
    let compiled =
        engine.precompile_module(&module).map_err(|error| (invalid, super::reason(&error)))?;
    say(&compiled).map_err(|error| fault(&error))
}

/// Bounds on this process, beside those that its parent keeps.
fn restrict(order: &Order) -> std::io::Result<()> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split(' ').next().and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    let size = pages.saturating_mul(rustix::param::page_size() as u64);
    let exactly = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    rustix::process::setrlimit(Resource::As, exactly(size.saturating_add(order.memory)))?;
    rustix::process::setrlimit(Resource::Cpu, exactly(order.seconds))?;
    rustix::process::setrlimit(Resource::Core, exactly(0))?;
    Ok(())
}

impl Order {
    fn bytes(&self) -> [u8; ORDER] {
        let mut bytes = [0; ORDER];
        bytes[..8].copy_from_slice(&self.compatibility.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.memory.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.seconds.to_le_bytes());
        bytes[24] = u8::from(self.is_pooling);
        bytes
    }

    fn of(bytes: &[u8; ORDER]) -> Self {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(number)
        };
        Self {
            compatibility: number(0),
            memory: number(8),
            seconds: number(16),
            is_pooling: bytes[24] == 1,
        }
    }
}
