//! A driver in a folder of its own, and what it takes to run a module in it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use invoker::driver::{
    Answer, Artefact, Codes, Driver as _, Ended, Inspected, Job, Outcome, Refused, Stop, WayOut,
};
use model::id::{ActivationId, Digest, Shard};
use model::json::Json;
use model::limits::{ActionLimits, ResultBounds};
use model::name::Namespace;
use model::outcome::Class;
use model::size::ByteSize;
use model::time::Millis;
use sha2::Digest as _;

use crate::engine::Allocation;
use crate::{Config, Driver, Outside};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "tests bring the clock that the server brings")]
pub(crate) fn outside() -> Outside {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Outside {
        now_mono: || Instant::now().duration_since(*START),
        now_wall_ns: || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            i64::try_from(since.as_nanos()).unwrap()
        },
        fill_random: |bytes| {
            static SEED: AtomicU64 = AtomicU64::new(1);
            for byte in bytes {
                let seed = SEED.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                *byte = seed.to_le_bytes()[4] | 1;
            }
        },
    }
}

/// Blobs in memory.
#[derive(Default)]
pub(super) struct Blobs {
    pub(super) codes: Mutex<HashMap<Digest, Bytes>>,
    pub(super) fetched: AtomicU64,
}

impl Codes for Blobs {
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, String>> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        let code = self.codes.lock().unwrap().get(&digest).cloned();
        Box::pin(async move { code.ok_or_else(|| format!("blob {digest} is missing")) })
    }
}

pub(super) struct Stage {
    pub(super) driver: Driver,
    pub(super) blobs: Arc<Blobs>,
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn config() -> Config {
    Config {
        wasm_memory: ByteSize::mib(1_024),
        max_instances: 64,
        compile_threads: 1,
        compile_seconds: 30,
        compile_memory: ByteSize::mib(2_048),
        cache_bytes: ByteSize::mib(64),
        image_bytes: ByteSize::mib(64),
        image_disk_bytes: ByteSize::mib(64),
        threads: 2,
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        Self::of(&config, Allocation::Pooling)
    }

    pub(super) fn of(config: &Config, allocation: Allocation) -> Self {
        Self::at(config, allocation, Arc::default(), tempfile::tempdir().unwrap())
    }

    pub(super) fn at(
        config: &Config,
        allocation: Allocation,
        blobs: Arc<Blobs>,
        folder: tempfile::TempDir,
    ) -> Self {
        Self::seeing(outside(), config, allocation, blobs, folder)
    }

    /// With a clock and randomness of its own.
    pub(super) fn seeing(
        outside: Outside,
        config: &Config,
        allocation: Allocation,
        blobs: Arc<Blobs>,
        folder: tempfile::TempDir,
    ) -> Self {
        let path = folder.path();
        let driver =
            Driver::with(config, allocation, path, blobs.clone(), outside, None, None).unwrap();
        Self { driver, blobs, folder }
    }

    /// Stores code as it would be sent, and gives its digest.
    pub(super) fn store(&self, code: impl Into<Bytes>) -> Digest {
        let code = code.into();
        let digest = Digest(sha2::Sha256::digest(&code).into());
        self.blobs.codes.lock().unwrap().insert(digest, code);
        digest
    }

    /// Stores a module given as text.
    pub(super) fn module(&self, text: &str) -> Digest {
        self.store(encode(text))
    }

    pub(super) fn inspect(&self, code: &[u8], kind: &str) -> Result<Inspected, Refused> {
        self.inspect_with(code, kind, |_| ())
    }

    pub(super) fn inspect_with(
        &self,
        code: &[u8],
        kind: &str,
        change: impl FnOnce(&mut Artefact),
    ) -> Result<Inspected, Refused> {
        let mut artefact = Artefact {
            kind: kind.to_owned(),
            digest: self.store(code.to_vec()),
            code: code.to_vec().into(),
            main: None,
            memory_mb: 256,
        };
        change(&mut artefact);
        futures::executor::block_on(self.driver.inspect(artefact))
    }

    pub(super) fn start(&self, job: Job) -> (Receiver<Ended>, Stop) {
        let (told, ended) = sync_channel(1);
        let stop = self.driver.run(job, Box::new(move |ended| told.send(ended).unwrap()));
        (ended, stop)
    }

    pub(super) fn run_job(&self, job: Job) -> Ended {
        self.start(job).0.recv_timeout(PATIENCE).expect("the run ends")
    }

    /// Runs a module given as text.
    pub(super) fn run(&self, text: &str) -> Ended {
        self.run_job(job(self.module(text)))
    }
}

pub(super) fn encode(text: &str) -> Vec<u8> {
    STANDARD.encode(wat::parse_str(text).unwrap()).into_bytes()
}

pub(super) fn job(code: Digest) -> Job {
    Job {
        id: ActivationId::new(Shard::new(1), [7; 16]),
        attempt: 1,
        namespace: Namespace::new("guest").unwrap(),
        path: "guest/tools/hello".to_owned(),
        version: "0.0.3".to_owned(),
        transaction: "tid-1".to_owned(),
        kind: "wasm:command".to_owned(),
        code,
        main: None,
        words: Vec::new(),
        arguments: Json::parse(br#"{"name": "Ann"}"#).unwrap(),
        environment: Vec::new(),
        api_host: None,
        api_key: None,
        result: ResultBounds::default(),
        limits: ActionLimits { timeout: Millis(10_000), ..ActionLimits::default() },
        way_out: WayOut(Arc::new(|| Box::pin(async { Ok(()) }))),
    }
}

/// A module that writes a text on a stream (1, 2) and then does `then`.
pub(super) fn writing(stream: u32, text: &str, then: &str) -> String {
    let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (table 1 funcref)
          (type $none (func))
          (type $number (func (result i32)))
          (func $recurse call $recurse)
          (func $nothing)
          (data (i32.const 1024) "{escaped}")
          (func (export "_start")
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const {}))
            (drop (call $write (i32.const {stream}) (i32.const 0) (i32.const 1) (i32.const 8)))
            {then}))"#,
        text.len()
    )
}

#[track_caller]
pub(super) fn answer(ended: &Ended) -> &Answer {
    match &ended.outcome {
        Outcome::Answer(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

/// Class and result of an answer.
#[track_caller]
pub(super) fn told(ended: &Ended) -> (Class, String) {
    let answer = answer(ended);
    (answer.class, answer.result.as_str().to_owned())
}

#[track_caller]
pub(super) fn assert_error(ended: &Ended, class: Class, text: &str) {
    assert_eq!(told(ended), (class, Json::error(text).as_str().to_owned()), "{:?}", ended.logs);
}

/// Log lines as `stream: text`.
pub(super) fn logs(ended: &Ended) -> Vec<String> {
    let name = |stream| match stream {
        invoker::driver::Stream::Stdout => "stdout",
        invoker::driver::Stream::Stderr => "stderr",
    };
    ended.logs.iter().map(|line| format!("{}: {}", name(line.stream), line.text)).collect()
}
