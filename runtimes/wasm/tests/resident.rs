//! What a server keeps in memory when guests that took much are gone. A program of its own, because
//! it measures its process.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use bytes::Bytes;
use futures::future::BoxFuture;
use invoker::driver::{Codes, Driver as _, Ended, Job, WayOut};
use model::id::{ActivationId, Digest, Shard};
use model::json::Json;
use model::limits::{ActionLimits, ResultBounds};
use model::name::Namespace;
use quirl_wasm::{Config, Driver, Outside};

const PATIENCE: Duration = Duration::from_secs(60);
const BOMBS: u64 = 8;
/// It takes 40 MiB, writes to all pages of it, and then does not end.
const BOMB: &str = r#"(module (memory 1) (func (export "_start") (local $at i32)
    (drop (memory.grow (i32.const 639)))
    (loop $again
      (i32.store (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 41943040))))
    (loop br 0)))"#;
const TAKEN: u64 = 40 << 20;

struct One(Bytes);

impl Codes for One {
    fn fetch(&self, _: Digest) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(async { Ok(self.0.clone()) })
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

fn bomb() -> Job {
    Job {
        id: ActivationId::new(Shard::new(1), [7; 16]),
        attempt: 1,
        namespace: Namespace::new("guest").unwrap(),
        path: "guest/bomb".to_owned(),
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
    }
}

/// Memory of this process that is resident, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

#[test]
fn resident_memory_returns_after_bombs() {
    let folder = tempfile::tempdir().unwrap();
    let module = wat::parse_str(BOMB).unwrap();
    let code = base64::engine::general_purpose::STANDARD.encode(module);
    let config = Config { threads: 2, ..Config::default() };
    let codes = Arc::new(One(code.into()));
    let driver = Driver::new(&config, folder.path(), codes, outside()).unwrap();
    let run = |count: u64| {
        let before = resident();
        let runs: Vec<(Receiver<Ended>, _)> = (0..count)
            .map(|_| {
                let (told, ended) = sync_channel(1);
                let stop = driver.run(bomb(), Box::new(move |end| told.send(end).unwrap()));
                (ended, stop)
            })
            .collect();
        #[expect(clippy::disallowed_methods, reason = "a limit for the wait")]
        let began = Instant::now();
        let mut most = 0;
        while most < before + count * TAKEN - (4 << 20) {
            most = resident();
            #[expect(clippy::disallowed_methods, reason = "a limit for the wait")]
            let waited = began.elapsed();
            assert!(waited < PATIENCE, "the bombs take what they can: {before}, {most}");
            std::thread::yield_now();
        }
        for (ended, stop) in runs {
            stop.stop();
            ended.recv_timeout(PATIENCE).unwrap();
        }
        most
    };
    run(1);
    let before = resident();
    let most = run(BOMBS);
    let after = resident();
    println!(
        "resident MiB: {} before, {} at most, {} after",
        before >> 20,
        most >> 20,
        after >> 20
    );
    assert!(after < before + (32 << 20), "{before} before, {most} at most, {after} after");
}
