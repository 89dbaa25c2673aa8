//! A controller with a real ledger in a folder of its own, and an invoker that does as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use daemon::clock::Clock;
use daemon::metrics::{Build, Metrics};
use daemon::random::Random;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use ledger::hint::Run;
use ledger::record::{
    Attempt, Body, Document, EntityKey, Finish, Logs, Op, Payload, Place, Record, StartState,
};
use log::Log;
use log::embedded::{Config as LogConfig, Durability, Embedded};
use model::id::{Digest, Incarnation, InvokerId, NodeId, Offset};
use model::identity::{AccessKey, Subject};
use model::json::{Json, Kind};
use model::limits::Overrides;
use model::name::Namespace;
use model::outcome::Class;
use model::size::ByteSize;
use quirl_controller::backup::Backups;
use quirl_controller::config::Config;
use quirl_controller::dispatch::{Dispatcher, Input, Invoker};
use quirl_controller::entitlement::rate::Rates;
use quirl_controller::http::Server;
use quirl_controller::index_writer::{IndexReader, Pending};
use quirl_controller::minted::Minter;
use quirl_controller::owner::step::{AttemptVerdict, Bounds, Owner};
use quirl_controller::owner::{Observer, Partition, Parts};
use quirl_controller::read::{Documents, identities};
use quirl_controller::runtimes::{Artefact, Driver, Inspected, Inspector, Runtimes};
use quirl_controller::snapshotter::Worker;
use quirl_controller::snapshotter::step::Every;
use quirl_controller::{Controller, write};
use store::blobs::Blobs;
use store::index::{Checkpoint, Index};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const USER: &str = "user-of-guest";

/// One server without a socket.
pub(crate) struct World {
    pub(crate) controller: Arc<Controller>,
    pub(crate) fake: Arc<Fake>,
    server: Server,
    stop: CancellationToken,
    pending: Arc<Pending>,
    log: Arc<Embedded>,
    _folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: BTreeMap<String, String>,
}

/// Runs nothing: a payload with `hold` stays open, `fail` is an application error, `array` gives an
/// array, everything else gives the arguments.
pub(crate) struct Fake {
    log: Arc<dyn Log>,
    clock: Clock,
    pub(crate) held: Mutex<Vec<(Run, Json)>>,
}

impl Invoker for Fake {
    fn run(&self, run: Run, input: Input, _rerunnable: bool) {
        let arguments = input.parameters.arguments(&input.payload);
        if arguments.member("hold").is_some() {
            self.held.lock().unwrap().push((run, arguments));
            return;
        }
        self.finish(&run, &arguments);
    }

    fn verdict(&self, _of: Attempt, _verdict: AttemptVerdict) {}
}

impl Fake {
    fn finish(&self, run: &Run, arguments: &Json) {
        let (class, result) = match arguments {
            args if args.member("fail").is_some() => {
                (Class::ApplicationError, Json::error("told to fail"))
            }
            args if args.member("array").is_some() => {
                (Class::Success, Json::parse(b"[1,2]").unwrap())
            }
            args => (Class::Success, args.clone()),
        };
        let now = self.clock.wall();
        let finish = Finish {
            of: run.of,
            class,
            array: result.kind() == Kind::Array,
            size: Some(result.as_str().len() as u64),
            result: Some(Payload::Inline(result)),
            start: now,
            end: now,
            duration_us: 1_500,
            init_us: None,
            timeout: false,
            state: StartState::Warmed,
            started_from: None,
            logs: Logs::Inline(Vec::new()),
            offer: false,
        };
        let record = Record { at: now, body: Body::Finish(Box::new(finish)) };
        self.log.append_reserved(record.encode()).unwrap();
    }

    /// Lets go what is held.
    pub(crate) fn let_go(&self) {
        for (run, arguments) in self.held.lock().unwrap().drain(..) {
            self.finish(&run, &arguments);
        }
    }
}

struct Nobody;

impl Observer for Nobody {
    fn read_back(&self, _: Offset, _: &Record, _: Option<&'static str>) {}
    fn ended(&self, _: &ledger::fold::Ended, _: &Record) {}
    fn sealed(&self, _: Offset, _: Offset, _: u128) {}
    fn batch(&self, _: u64) {}
}

/// Takes everything but `refuse`, and cannot stand `panic`.
struct Lenient;

impl Inspector for Lenient {
    fn begins(&self, _: &str, _: &Digest, _: Option<&str>) -> Option<&'static str> {
        None
    }

    fn inspect(&self, code: Artefact) -> BoxFuture<'_, Result<Inspected, String>> {
        Box::pin(async move {
            if &code.code[..] == b"refuse" {
                return Err("The code is not a WebAssembly module: it is a test.".to_owned());
            }
            assert_ne!(&code.code[..], b"panic", "a bug");
            Ok(Inspected { kind: "wasm:command".to_owned() })
        })
    }
}

fn runtimes() -> Runtimes {
    let wasm = Driver {
        name: "wasm".to_owned(),
        missing: None,
        guarded: true,
        image: "quirl/test:1".to_owned(),
        engine: Some("test".to_owned()),
        serves: None,
    };
    Runtimes::manifest().with_driver("wasm:command", wasm)
}

impl World {
    /// A server that has started, with the namespace `guest` under these limits.
    pub(crate) async fn with(limits: Overrides, config: Config) -> Self {
        let world = Self::starting(config);
        let (partition, stop) = (world.controller.partition.clone(), world.stop.clone());
        tokio::spawn(async move { partition.follow(stop).await });
        world.controller.partition.opened().await;
        world.write_guest(&limits).await;
        world
    }

    /// A server that has started, without limits that matter.
    pub(crate) async fn new() -> Self {
        let limits = Overrides {
            invocations_per_minute: Some(60_000),
            concurrent_invocations: Some(1_000),
            ..Overrides::default()
        };
        Self::with(limits, Config::default()).await
    }

    /// A server that reads its ledger and never gets to the end of it.
    pub(crate) fn starting(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let random = Random::system().unwrap();
        let mut log_config = LogConfig::new(folder.path().join("ledger"), random.bytes());
        log_config.durability = Durability::Os;
        log_config.segment_size = ByteSize::mib(8);
        log_config.disk_floor = ByteSize::mib(1);
        log_config.balloon = ByteSize::mib(1);
        std::fs::create_dir_all(folder.path().join("ledger")).unwrap();
        let log = Arc::new(Embedded::open(log_config, None).unwrap());
        let shared: Arc<dyn Log> = log.clone();
        let place = Place {
            invoker: InvokerId(0),
            incarnation: Incarnation { counter: 1, random: 1 },
            guarded: true,
        };
        let bounds = Bounds {
            open: config.open_activations,
            open_bytes: config.open_bytes.as_u64(),
            proposals: config.proposals,
        };
        let ledger = u128::from_be_bytes(log.ledger_id());
        let reached = Checkpoint { ledger, offset: Offset::NONE, crc: 0 };
        let pending = Pending::new(reached, clock.clone());
        let index = Index::open(&folder.path().join("index")).unwrap();
        let writer = (Arc::clone(&pending), index.clone());
        std::thread::spawn(move || writer.0.write_until_closed(&writer.1));
        let fold = ledger::fold::Ledger::default();
        let partition = Partition::new(Parts {
            owner: Owner::new(fold, NodeId(1), place, config.slots, bounds)
                .with_patience(config.append_patience()),
            log: Arc::clone(&shared),
            memo: Arc::default(),
            clock: clock.clone(),
            random: random.clone(),
            pending: Arc::clone(&pending),
            observer: Arc::new(Nobody),
        });
        let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
        let documents = Documents::new(blobs.clone());
        let held = Mutex::default();
        let fake = Arc::new(Fake { log: Arc::clone(&shared), clock: clock.clone(), held });
        partition.dispatch_through(Arc::new(Dispatcher::new(
            fake.clone(),
            documents.clone(),
            blobs.clone(),
            tokio::runtime::Handle::current(),
        )));
        let every = Every { bytes: u64::MAX, time: Duration::MAX };
        let snapshotter = Worker::new(Arc::clone(&shared), clock.clone(), every);
        let data = folder.path().to_owned();
        let backups = Backups::new(data, Arc::clone(&shared), snapshotter, clock.clone());
        let build = Build { version: "0", commit: "0", durability: "os" };
        let controller = Arc::new(Controller {
            partition,
            index: IndexReader::new(index, Arc::clone(&pending)),
            blobs,
            documents,
            rates: Rates::default(),
            minter: Arc::new(Minter::new([7; 32])),
            backups,
            runtimes: Arc::new(runtimes()),
            inspector: Arc::new(Lenient),
            config,
            clock,
            random,
            metrics: Arc::new(Metrics::new(build, 10)),
        });
        let server = Server::new(Arc::clone(&controller));
        let stop = CancellationToken::new();
        Self { controller, fake, server, stop, pending, log, _folder: folder }
    }

    async fn write_guest(&self, limits: &Overrides) {
        let guest = Namespace::new("guest").unwrap();
        let subject = Subject {
            name: "guest".to_owned(),
            blocked: false,
            created: None,
            namespaces: vec![guest.clone()],
        };
        let key = AccessKey {
            secret: store::blobs::digest_of("s".repeat(64).as_bytes()),
            subject: "guest".to_owned(),
            namespace: guest.clone(),
            created: None,
        };
        for op in [
            identities::put_subject(&subject),
            identities::put_owner(&guest, &subject.name),
            identities::put_access_key(USER, &key),
            identities::put_overrides(&guest, limits),
        ] {
            self.write(op).await;
        }
    }

    /// Stores a document as it is.
    pub(crate) async fn put(&self, key: EntityKey, document: Vec<u8>) {
        let blobs: Vec<Digest> = Vec::new();
        self.write(Op::Put { key, document: Document::Inline(document.into()), blobs }).await;
    }

    /// Makes a change.
    pub(crate) async fn write(&self, op: Op) {
        let written: Result<Offset, write::Failed> =
            self.controller.change(vec![op], Vec::new(), "test").await;
        written.unwrap();
    }

    /// Sends a request as `guest`. A path that does not begin with a slash is one of `guest`.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_with(method, path, body, &[]).await
    }

    /// The same with headers; `authorization` replaces that of `guest`.
    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let secret = "s".repeat(64);
        let credentials =
            base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{secret}"));
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/api/v1/namespaces/_/{path}")
        };
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Basic {credentials}"));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let response: Response<Full<Bytes>> = self.server.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        Answer {
            status: parts.status.as_u16(),
            body: String::from_utf8(body.to_vec()).unwrap(),
            headers: parts.headers.iter().map(|(n, v)| (n.to_string(), text(v))).collect(),
        }
    }

    /// Stores an action that runs.
    pub(crate) async fn action(&self, name: &str) {
        let body = r#"{"exec":{"kind":"wasm:default","code":"AAAA"}}"#;
        let answer = self.ask("PUT", &format!("actions/{name}?overwrite=true"), body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Stores a sequence.
    pub(crate) async fn sequence(&self, name: &str, components: &[&str]) -> Answer {
        let components: Vec<String> =
            components.iter().map(|component| format!("\"/_/{component}\"")).collect();
        let components = components.join(",");
        let body = format!(r#"{{"exec":{{"kind":"sequence","components":[{components}]}}}}"#);
        self.ask("PUT", &format!("actions/{name}?overwrite=true"), &body).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        self.pending.close();
        self.log.close();
    }
}

impl Answer {
    /// The text of a refusal, which has exactly the two members that it may have.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let body = Json::parse(self.body.as_bytes()).unwrap();
        let members = body.members().unwrap();
        let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["code", "error"], "{self:?}");
        assert_eq!(members[0].1.text().as_ref(), self.headers.get("x-request-id"), "{self:?}");
        members[1].1.text().unwrap()
    }

    /// A member of the body.
    pub(crate) fn member(&self, name: &str) -> Option<Json> {
        Json::parse(self.body.as_bytes()).unwrap().member(name)
    }

    /// The activation that the answer is about.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.headers.get("x-openwhisk-activation-id").unwrap_or_else(|| panic!("{self:?}")).clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}
