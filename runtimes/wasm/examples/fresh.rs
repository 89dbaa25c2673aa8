//! What a fresh sandbox costs here, beside a bare loop of wasmtime over the same module (yardstick
//! I), and what the first call of a module costs that is on the disk.
//! `cargo run --release -p quirl-wasm --example fresh [cold modules]`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a tool that measures"
)]

use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use bytes::Bytes;
use futures::executor::block_on;
use futures::future::BoxFuture;
use invoker::driver::{Artefact, Codes, Driver as _, Job, Outcome, WayOut};
use model::id::{ActivationId, Digest, Shard};
use model::json::Json;
use model::limits::{ActionLimits, ResultBounds};
use model::name::Namespace;
use model::outcome::Class;
use model::size::ByteSize;
use quirl_wasm::{Config, Driver, Outside};

const ROUNDS: usize = 5;
const CALLS: u32 = 40_000;

#[derive(Default)]
struct Blobs(Mutex<HashMap<Digest, Bytes>>);

impl Codes for Blobs {
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, String>> {
        let code = self.0.lock().unwrap().get(&digest).cloned();
        Box::pin(async move { code.ok_or_else(|| "missing".to_owned()) })
    }
}

fn outside() -> Outside {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Outside {
        now_mono: || START.elapsed(),
        now_wall_ns: || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            i64::try_from(since.as_nanos()).unwrap()
        },
        fill_random: |_| (),
    }
}

fn module(number: u32) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 8) "\10\00\00\00\02\00\00\00{{}}")
          (data (i32.const 64) "{number}")
          (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))))"#
    ))
    .unwrap()
}

fn digest(number: u32) -> Digest {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    Digest(digest)
}

fn job(code: Digest) -> Job {
    static NAMESPACE: LazyLock<Namespace> = LazyLock::new(|| Namespace::new("guest").unwrap());
    Job {
        id: ActivationId::new(Shard::new(1), [7; 16]),
        attempt: 1,
        namespace: NAMESPACE.clone(),
        path: "guest/hello".to_owned(),
        version: "0.0.1".to_owned(),
        transaction: "t".to_owned(),
        kind: "wasm:command".to_owned(),
        code,
        main: None,
        words: Vec::new(),
        arguments: Json::empty_object(),
        environment: Vec::new(),
        api_host: None,
        api_key: None,
        result: ResultBounds::default(),
        limits: ActionLimits::default(),
        way_out: WayOut(Arc::new(|| Box::pin(async { Ok(()) }))),
    }
}

/// Microseconds of one instantiate, call, drop without anything around it.
fn bare() -> f64 {
    let mut pool = wasmtime::PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(wasmtime::Enabled::Auto);
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::Pooling(pool));
    let engine = wasmtime::Engine::new(&config).unwrap();
    let mut linker = wasmtime::Linker::<()>::new(&engine);
    linker
        .func_wrap("wasi_snapshot_preview1", "fd_write", |_: i32, _: i32, _: i32, _: i32| 0_i32)
        .unwrap();
    let module = wasmtime::Module::new(&engine, module(0)).unwrap();
    let before = linker.instantiate_pre(&module).unwrap();
    let began = Instant::now();
    for _ in 0..CALLS {
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = before.instantiate(&mut store).unwrap();
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
        start.call(&mut store, ()).unwrap();
    }
    micros(began.elapsed()) / f64::from(CALLS)
}

/// Runs `left` calls, each started by the end of the one before: on the guest thread, without a
/// change of threads.
fn chain(driver: &Arc<Driver>, code: Digest, left: u32, told: SyncSender<()>) {
    let next = Arc::clone(driver);
    let done = Box::new(move |ended: invoker::driver::Ended| {
        let Outcome::Answer(answer) = ended.outcome else { panic!("{:?}", ended.outcome) };
        assert_eq!(answer.class, Class::Success);
        if left == 0 {
            drop(next);
            told.send(()).unwrap();
        } else {
            chain(&next, code, left - 1, told);
        }
    });
    driver.run(job(code), done);
}

fn one(driver: &Driver, code: Digest) -> Duration {
    let (told, ended) = sync_channel(1);
    let began = Instant::now();
    driver.run(job(code), Box::new(move |end| told.send(end).unwrap()));
    let end = ended.recv().unwrap();
    let took = began.elapsed();
    assert!(matches!(end.outcome, Outcome::Answer(_)), "{:?}", end.outcome);
    took
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn quantiles(mut took: Vec<Duration>) -> (f64, f64) {
    took.sort();
    (micros(took[took.len() / 2]), micros(took[took.len() * 99 / 100]))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Arc::new(Blobs::default());
    let start = |threads, cache| {
        let config = Config { threads, cache_bytes: cache, ..Config::default() };
        let path = folder.path();
        Arc::new(Driver::new(&config, path, blobs.clone(), outside()).expect("a driver"))
    };
    let put = |driver: &Driver, number: u32| {
        let code = base64::engine::general_purpose::STANDARD.encode(module(number));
        blobs.0.lock().unwrap().insert(digest(number), code.clone().into());
        let artefact = Artefact {
            kind: "wasm:default".to_owned(),
            digest: digest(number),
            code: code.into(),
            main: None,
            memory_mb: 256,
        };
        block_on(driver.inspect(artefact)).unwrap();
    };

    let driver = start(1, ByteSize::mib(256));
    put(&driver, 0);
    let (mut bares, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bares.push(bare());
        let (told, ended) = sync_channel(1);
        let began = Instant::now();
        chain(&driver, digest(0), CALLS, told);
        ended.recv().unwrap();
        ours.push(micros(began.elapsed()) / f64::from(CALLS));
    }
    println!("bare instantiate, call, drop    {:6.2} µs   {bares:.2?}", median(bares.clone()));
    println!("a run on the guest thread       {:6.2} µs   {ours:.2?}", median(ours.clone()));
    println!("ratio                           {:6.2}", median(ours) / median(bares));

    let warm = quantiles((0..20_000).map(|_| one(&driver, digest(0))).collect());
    println!("warm, from another thread       p50 {:.1} µs, p99 {:.1} µs", warm.0, warm.1);
    let spaced = quantiles(
        (0..500)
            .map(|_| {
                std::thread::sleep(Duration::from_millis(2));
                one(&driver, digest(0))
            })
            .collect(),
    );
    println!("warm, 2 ms after the last       p50 {:.1} µs, p99 {:.1} µs", spaced.0, spaced.1);

    let modules = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let began = Instant::now();
    for number in 1..=modules {
        put(&driver, number);
    }
    let each = micros(began.elapsed()) / f64::from(modules);
    println!("inspect and compile             {each:.0} µs a module");
    drop(driver);

    let driver = start(2, ByteSize::mib(256));
    let began = Instant::now();
    let cold = (1..=modules).map(|number| one(&driver, digest(number))).collect();
    let rate = f64::from(modules) / began.elapsed().as_secs_f64();
    let cold = quantiles(cold);
    println!(
        "first call, on disk             p50 {:.1} µs (+{:.1}), p99 {:.1} µs, {rate:.0}/s at c=1",
        cold.0,
        cold.0 - warm.0,
        cold.1
    );
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    println!("mappings {maps}, open files {files}");
}
