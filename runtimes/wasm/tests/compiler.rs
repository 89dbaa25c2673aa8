//! Modules that are compiled in a process of their own, as a server does it, bombs among them.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use bytes::Bytes;
use futures::executor::block_on;
use futures::future::BoxFuture;
use invoker::driver::{Artefact, Codes, Driver as _, Inspected, Job, Outcome, Refused, WayOut};
use model::id::{ActivationId, Digest, Shard};
use model::json::Json;
use model::limits::{ActionLimits, ResultBounds};
use model::name::Namespace;
use model::outcome::Class;
use model::size::ByteSize;
use quirl_wasm::{Compiler, Config, Driver, Outside, Way};

struct Missing;

impl Codes for Missing {
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(async move { Err(format!("blob {digest} is missing")) })
    }
}

#[expect(clippy::disallowed_methods, reason = "a test brings the clock that the server brings")]
fn outside() -> Outside {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    Outside {
        now_mono: || Instant::now().duration_since(*START),
        now_wall_ns: || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            i64::try_from(since.as_nanos()).unwrap()
        },
        fill_random: |_| (),
    }
}

/// A driver in `folder` that compiles by that program.
fn driver(config: &Config, folder: &Path, compiler: Compiler) -> Driver {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let (codes, way) = (Arc::new(Missing), Way::default());
    Driver::with_compiler(config, folder, codes, outside(), compiler, way).unwrap()
}

fn stage(change: impl FnOnce(&mut Config)) -> (Driver, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { threads: 1, compile_threads: 1, ..Config::default() };
    change(&mut config);
    let mut program: PathBuf = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.push("examples/compiler");
    assert!(program.exists(), "cargo test builds it: {}", program.display());
    let compiler = Compiler { program, arguments: Vec::new() };
    let driver = driver(&config, folder.path(), compiler);
    (driver, folder)
}

/// A function of about `size` bytes around `piece`, which is made for each number.
fn module(locals: u32, size: usize, piece: impl Fn(u32) -> String) -> Vec<u8> {
    let mut body = String::new();
    let mut number = 0;
    // In the binary a piece takes about a seventh of its text.
    while body.len() < size * 7 {
        body.push_str(&piece(number));
        number += 1;
    }
    let text = format!(
        r#"(module (import "wasi_snapshot_preview1" "fd_write"
             (func $write (param i32 i32 i32 i32) (result i32)))
           (memory (export "memory") 1) (data (i32.const 8) "\10\00\00\00\02\00\00\00{{}}")
           (func (export "_start")
             (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0))))
           (func (export "heavy") (local {}) {body}))"#,
        "i32 ".repeat(locals as usize)
    );
    base64::engine::general_purpose::STANDARD.encode(wat::parse_str(text).unwrap()).into_bytes()
}

fn joins(number: u32) -> String {
    format!(
        "(if (local.get {}) (then (local.set {} (local.get {}))))",
        number * 31 % 10_000,
        number * 13 % 10_000,
        number * 17 % 10_000
    )
}

fn inspect(driver: &Driver, code: &[u8]) -> Result<Inspected, Refused> {
    block_on(driver.inspect(Artefact {
        kind: "wasm:command".to_owned(),
        digest: Digest([1; 32]),
        code: code.to_vec().into(),
        main: None,
        memory_mb: 256,
    }))
}

#[test]
fn what_a_child_compiled_runs_here() {
    let (driver, folder) = stage(|_| ());
    // Large enough for a child, and harmless.
    let code = module(4, 8 << 10, |number| {
        format!("(local.set {} (i32.add (local.get {}) (i32.const 3)))", number % 4, number % 3)
    });
    assert_eq!(inspect(&driver, &code), Ok(Inspected { kind: "wasm:command".to_owned() }));
    assert_eq!(std::fs::read_dir(folder.path().join("wasm")).unwrap().count(), 1);

    let (told, ended) = sync_channel(1);
    let job = Job {
        id: ActivationId::new(Shard::new(1), [7; 16]),
        attempt: 1,
        namespace: Namespace::new("guest").unwrap(),
        path: "guest/heavy".to_owned(),
        version: "0.0.1".to_owned(),
        transaction: String::new(),
        kind: "wasm:command".to_owned(),
        code: Digest([1; 32]),
        main: None,
        words: Vec::new(),
        arguments: Json::empty_object(),
        environment: Vec::new(),
        api_host: None,
        api_key: None,
        result: ResultBounds::default(),
        limits: ActionLimits::default(),
        way_out: WayOut(Arc::new(|| Box::pin(async { Ok(()) }))),
    };
    driver.run(job, Box::new(move |end| told.send(end).unwrap()));
    let ended = ended.recv_timeout(Duration::from_secs(60)).unwrap();
    let Outcome::Answer(answer) = ended.outcome else { panic!("{ended:?}") };
    assert_eq!((answer.class, answer.result.as_str()), (Class::Success, "{}"));
}

#[test]
fn a_module_that_is_not_valid_is_told_by_the_child() {
    let (driver, _folder) = stage(|_| ());
    let code = module(4, 8 << 10, |_| "(drop (i32.add (local.get 0) (f32.const 0)))".to_owned());
    let Err(Refused(text)) = inspect(&driver, &code) else { panic!("taken") };
    assert!(text.starts_with("The code is not a WebAssembly module: "), "{text}");
    assert!(text.contains("type mismatch"), "{text}");
}

#[test]
fn a_compile_bomb_is_ended_at_its_time_and_the_next_module_is_compiled() {
    let (driver, _folder) = stage(|config| config.compile_seconds = 1);
    // In a release build this takes about 10 s.
    let bomb = module(10_000, 64 << 10, joins);
    let began = (outside().now_mono)();
    assert_eq!(
        inspect(&driver, &bomb),
        Err(Refused("The module could not be compiled within 1 seconds.".to_owned()))
    );
    let took = (outside().now_mono)() - began;
    assert!(took < Duration::from_secs(10), "{took:?}");
    let harmless = module(4, 8 << 10, |_| "(drop (local.get 0))".to_owned());
    assert!(inspect(&driver, &harmless).is_ok());
}

#[test]
fn a_compile_bomb_gets_no_more_than_its_memory() {
    let (driver, _folder) = stage(|config| config.compile_memory = ByteSize::mib(96));
    let bomb = module(10_000, 64 << 10, joins);
    assert_eq!(
        inspect(&driver, &bomb),
        Err(Refused("The module could not be compiled within 96 MB of memory.".to_owned()))
    );
    let harmless = module(4, 8 << 10, |_| "(drop (local.get 0))".to_owned());
    assert!(inspect(&driver, &harmless).is_ok());
}

#[test]
fn a_compiler_that_cannot_be_started_is_not_the_fault_of_the_module() {
    let folder = tempfile::tempdir().unwrap();
    let compiler = Compiler { program: "/nowhere/compiler".into(), arguments: Vec::new() };
    let config = Config { threads: 1, ..Config::default() };
    let driver = driver(&config, folder.path(), compiler);
    let code = module(4, 8 << 10, |_| "(drop (local.get 0))".to_owned());
    let text = "The module could not be compiled: the compiler failed.";
    assert_eq!(inspect(&driver, &code), Err(Refused(text.to_owned())));
}
