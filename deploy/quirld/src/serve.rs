//! Start, run, stop: the order in which the parts come and go.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use controller::Controller;
use controller::backup::Backups;
use controller::dispatch::Dispatcher;
use controller::index_writer::{IndexReader, Pending};
use controller::minted::Minter;
use controller::owner::memo::Memo;
use controller::owner::step::{Bounds, Owner};
use controller::owner::{self, Partition};
use controller::read::Documents;
use controller::snapshotter::{self, Worker, step::Every};
use daemon::clock::Clock;
use daemon::metrics::{Build, Metrics};
use daemon::random::Random;
use daemon::shutdown::{Parts, Signals};
use invoker::Invoker;
use invoker::driver::Driver;
use invoker::task::Parts as InvokerParts;
use ledger::record::Place;
use log::Log;
use log::embedded::{self, CheckpointFound, Embedded};
use log::folder::Folder;
use model::id::{Incarnation, InvokerId, NodeId, Offset};
use store::blobs::Blobs;
use store::index::{Checkpoint, Index};

use crate::admin::Doors;
use crate::args::{Args, COMPILE};
use crate::config::{Config, Durability};
use crate::failpoint::Failpoint;
use crate::{disk, guest, observe, secrets, wire};

/// Threads that serve HTTP and everything that waits: half of the cores. The others run guests, and
/// what takes long (large bodies, hashes, files) is not done on these.
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    (cores / 2).max(1)
}

/// Runs the server until a signal ends it.
pub(crate) fn serve(args: &Args, config: &Config) -> Result<ExitCode> {
    daemon::telemetry::init(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .thread_name("quirl-http")
        .enable_all()
        .build()
        .context("start the threads of the server")?;
    raise_file_limit();
    let (listener, address) = listen(config)?;
    let random = Random::system().context("draw random numbers")?;
    let folder = open_folder(config, address, &random)?;
    let server = runtime
        .block_on(async { Server::open(args, config, folder, listener, address, random) })?;
    let code = runtime.block_on(server.run(config))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(code)
}

/// Resident modules, connections and segments hold a file each: all that the system allows.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, ?current, "the limit of open files could not be raised");
    }
}

/// The address that is meant. One beyond loopback without TLS has to be asked for.
fn address(key: &str, wanted: &str, config: &Config) -> Result<SocketAddr> {
    let address: SocketAddr = wanted.parse().with_context(|| {
        format!("{key}: '{wanted}' is no address; write it like 127.0.0.1:3233")
    })?;
    if !address.ip().is_loopback() && !config.server.insecure_http {
        bail!(
            "{address} is reachable from other machines, and keys would cross the network \
             unencrypted; nothing was started. Say --insecure-http if that is meant, or listen on \
             127.0.0.1"
        );
    }
    Ok(address)
}

/// Binds an address that a key of the configuration names.
pub(crate) fn bind(key: &str, wanted: &str, config: &Config) -> Result<TcpListener> {
    let listener = TcpListener::bind(address(key, wanted, config)?)?;
    listener.set_nonblocking(true).context("prepare the listener")?;
    Ok(listener)
}

/// Binds the address of the API.
fn listen(config: &Config) -> Result<(TcpListener, SocketAddr)> {
    let address = address("server.listen", &config.server.listen, config)?;
    let listener = TcpListener::bind(address).map_err(|error| {
        // Most likely the same server runs already: its folder can say so better.
        match log::lock::Lock::acquire(Path::new(&config.server.data), "starting") {
            Err(held @ log::lock::LockError::Held { .. }) => anyhow::Error::new(held),
            _ => anyhow::Error::new(error).context(format!(
                "listen on {address}: choose another with --listen, or --listen 127.0.0.1:0"
            )),
        }
    })?;
    listener.set_nonblocking(true).context("prepare the listener")?;
    let address = listener.local_addr().context("ask for the address of the listener")?;
    Ok((listener, address))
}

fn open_folder(config: &Config, address: SocketAddr, random: &Random) -> Result<Folder> {
    let path = Path::new(&config.server.data);
    let folder = Folder::open(path, &format!("http://{address}"), |secrets| {
        guest::make_key(secrets, random)?;
        secrets::make_missing(secrets, random)
    });
    let folder = folder.with_context(|| format!("open the data folder {}", path.display()))?;
    let made = secrets::make_missing(&folder.secrets(), random);
    made.with_context(|| format!("make secrets in {}", folder.secrets().display()))?;
    Ok(folder)
}

/// A server that is put together and has not begun.
struct Server {
    folder: Folder,
    listener: TcpListener,
    address: SocketAddr,
    doors: Doors,
    clock: Clock,
    log: Arc<Embedded>,
    index: Index,
    pending: Arc<Pending>,
    snapshot: Offset,
    reached: Offset,
    snapshotter: Arc<Worker>,
    invoker: Invoker,
    controller: Arc<Controller>,
}

impl Server {
    fn open(
        args: &Args,
        config: &Config,
        folder: Folder,
        listener: TcpListener,
        address: SocketAddr,
        random: Random,
    ) -> Result<Self> {
        let clock = wire::CLOCK.clone();
        let failpoint = Failpoint::from_args(args)?;
        let data = folder.path().to_owned();
        tell_restored(&data)?;
        let doors = Doors::open(config, &data)?;
        let minter = Arc::new(Minter::new(secrets::master(&folder.secrets())?));
        let build = Build {
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("QUIRL_COMMIT").unwrap_or("unknown"),
            durability: config.ledger.durability.word(),
        };
        let metrics = Arc::new(Metrics::new(build, config.metrics.actions as usize));
        let blobs = Blobs::open(&data.join("blobs")).context("open the blobs")?;
        let index = open_index(&data.join("index"))?;
        let log = Arc::new(open_log(&failpoint, config, &folder, &index, &metrics, &random)?);
        let reached = check_index(&index, &log)?;
        let fold = snapshotter::newest(log.as_ref(), None).context("read the newest snapshot")?;
        let snapshot = fold.applied();
        let every = Every {
            bytes: config.controller.snapshot_bytes.as_u64(),
            time: Duration::from_secs(config.controller.snapshot_minutes * 60),
        };
        let shared: Arc<dyn Log> = log.clone();
        let snapshotter = Worker::new(Arc::clone(&shared), clock.clone(), every);
        let pending = Pending::new(reached, clock.clone());
        let place = Place {
            invoker: InvokerId(0),
            incarnation: Incarnation { counter: log.end().next().0, random: random.u64() },
            guarded: true,
        };
        let bounds = Bounds {
            open: config.controller.open_activations,
            open_bytes: config.controller.open_bytes.as_u64(),
            proposals: config.controller.proposals,
        };
        let node = NodeId(random.u64());
        let memo = Arc::new(Memo::default());
        let partition = Partition::new(owner::Parts {
            owner: Owner::new(fold, node, place, config.controller.slots, bounds)
                .with_patience(config.controller.append_patience()),
            log: Arc::clone(&shared),
            memo: Arc::clone(&memo),
            clock: clock.clone(),
            random: random.clone(),
            pending: Arc::clone(&pending),
            observer: Arc::new(observe::Observed::new(
                Arc::clone(&metrics),
                Arc::clone(&snapshotter),
            )),
        });
        let codes = Arc::new(wire::FromBlobs(blobs.clone()));
        let api_host = match config.controller.api_host.as_str() {
            "" => format!("http://{address}"),
            configured => configured.to_owned(),
        };
        let way = wasm::Way { egress: config.egress.clone(), own: Some(api_host.clone()) };
        let driver: Arc<dyn Driver> = Arc::new(wasm::Driver::with_compiler(
            &config.wasm,
            data.join("cache"),
            codes,
            wire::outside(),
            wasm::Compiler::this_program([COMPILE]),
            way,
        )?);
        let invoker = Invoker::new(InvokerParts {
            invoker: place.invoker,
            incarnation: place.incarnation,
            drivers: wire::drivers(&driver),
            outlet: Arc::new(wire::ToLog {
                log: Arc::clone(&shared),
                memo,
                clock: clock.clone(),
                failpoint: failpoint.clone(),
            }),
            spool: Arc::new(wire::FromBlobs(blobs.clone())),
            now: Arc::new({
                let clock = clock.clone();
                move || clock.now()
            }),
            runtime: tokio::runtime::Handle::current(),
        });
        let documents = Documents::new(blobs.clone());
        let here = wire::Here { invoker: invoker.clone(), api_host: Some(api_host), failpoint };
        let dispatcher = Dispatcher::new(
            Arc::new(here),
            documents.clone(),
            blobs.clone(),
            tokio::runtime::Handle::current(),
        );
        let dispatcher = dispatcher.with_minter(Arc::clone(&minter));
        partition.dispatch_through(Arc::new(dispatcher));
        let controller = Arc::new(Controller {
            partition,
            index: IndexReader::new(index.clone(), Arc::clone(&pending)),
            blobs,
            documents,
            rates: controller::entitlement::rate::Rates::default(),
            minter,
            backups: Backups::new(
                data,
                Arc::clone(&shared),
                Arc::clone(&snapshotter),
                clock.clone(),
            ),
            runtimes: Arc::new(wire::runtimes()),
            inspector: Arc::new(wire::Inspector(Arc::clone(&driver))),
            config: config.controller.clone(),
            clock: clock.clone(),
            random,
            metrics,
        });
        observe::gauges(&controller, &shared, &driver);
        let reached = reached.offset;
        Ok(Self {
            folder,
            listener,
            address,
            doors,
            clock,
            log,
            index,
            pending,
            snapshot,
            reached,
            snapshotter,
            invoker,
            controller,
        })
    }

    /// Runs until a signal, or until a part fails.
    async fn run(mut self, config: &Config) -> Result<ExitCode> {
        let mut signals = Signals::listen().context("listen for signals")?;
        let parts = Parts::new();
        let edge = parts.part("gateway");
        let core = parts.part("controller");
        let threads = self.start_threads()?;
        self.serve_http(config, &edge)?;
        let doors = std::mem::take(&mut self.doors);
        let secrets = self.folder.secrets();
        // Its file goes with this, however this ends.
        let _socket =
            doors.serve(&self.controller, &config.gateway, &secrets, &self.clock, &edge)?;
        let partition = self.controller.partition.clone();
        let stop = core.token();
        core.spawn("owner", {
            let partition = partition.clone();
            async move { partition.follow(stop).await }
        });
        let watch = disk::watch(
            Arc::clone(&self.controller),
            self.log.clone(),
            self.index.clone(),
            config.ledger.retention(),
            self.clock.clone(),
            core.token(),
        );
        core.spawn("disk", async move {
            watch.await;
            Ok::<(), std::convert::Infallible>(())
        });
        tokio::select! {
            () = partition.opened() => {}
            failure = parts.failed() => bail!("{failure}"),
            signal = signals.next() => {
                tracing::info!(signal, "stopped before the ledger was read");
                let _ = parts.stop(&self.clock, Duration::from_secs(1)).await;
                return Ok(ExitCode::SUCCESS);
            }
        }
        let limits = config.guest.limits.limits();
        guest::write_first(&partition, &self.folder.secrets(), limits, &self.clock).await?;
        self.greet(config);
        let failure = tokio::select! {
            signal = signals.next() => {
                tracing::info!(signal, "stopping; a second signal ends it at once");
                None
            }
            failure = parts.failed() => Some(failure),
        };
        signals.next_ends_at_once();
        let clean = self.stop(config, &parts).await;
        for thread in threads {
            if thread.join().is_err() {
                bail!("a thread of the server panicked");
            }
        }
        if let Some(failure) = failure {
            bail!("{failure}");
        }
        Ok(clean)
    }

    fn start_threads(&self) -> Result<Vec<std::thread::JoinHandle<()>>> {
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
            thread.with_context(|| format!("start the thread {name}"))
        };
        let (pending, index) = (Arc::clone(&self.pending), self.index.clone());
        let writer = Box::new(move || pending.write_until_closed(&index));
        let worker = Arc::clone(&self.snapshotter);
        let second_fold = Box::new(move || {
            if let Err(error) = worker.work_until_closed() {
                let error = daemon::shutdown::chain(&error);
                tracing::error!(error, "the ledger stops: its state cannot be repeated");
                std::process::abort();
            }
        });
        let mut threads =
            vec![spawn("quirl-index", writer)?, spawn("quirl-second-fold", second_fold)?];
        if self.reached < self.snapshot {
            threads.push(spawn("quirl-index-build", self.index_builder())?);
        }
        Ok(threads)
    }

    /// Brings the rows to the index that the live fold will not bring.
    fn index_builder(&self) -> Box<dyn FnOnce() + Send> {
        let (log, pending) = (Arc::clone(&self.log), Arc::clone(&self.pending));
        let (reached, snapshot) = (self.reached, self.snapshot);
        pending.building(Some(0));
        tracing::info!(from = %reached, through = %snapshot, "the index is being built");
        Box::new(move || {
            let mut add = |row| pending.add_row(Arc::new(row));
            let mut progress = |percent| pending.building(Some(percent));
            let built =
                snapshotter::rows_behind(log.as_ref(), reached, snapshot, &mut add, &mut progress);
            match built {
                Ok(()) => {
                    pending.building(None);
                    tracing::info!("the index is whole");
                }
                Err(error) => {
                    let error = daemon::shutdown::chain(&error);
                    tracing::error!(error, "the index could not be built; restart to try again");
                }
            }
        })
    }

    fn serve_http(&self, config: &Config, edge: &daemon::shutdown::Part) -> Result<()> {
        let listener = self.listener.try_clone().context("hand on the listener")?;
        let listener = tokio::net::TcpListener::from_std(listener).context("use the listener")?;
        let router = controller::http::Server::new(Arc::clone(&self.controller));
        let serve = gateway::serve(
            listener,
            router,
            config.gateway.clone(),
            self.clock.clone(),
            edge.token(),
        );
        edge.spawn("listener", serve);
        Ok(())
    }

    /// Not ready → nothing new accepted → runs finish within the grace, the rest is given back →
    /// all applied → log closed.
    async fn stop(&self, config: &Config, parts: &Parts) -> ExitCode {
        let grace = Duration::from_secs(config.server.grace_seconds);
        self.controller.partition.stop();
        self.invoker.drain();
        let until = self.clock.now() + grace;
        while self.invoker.in_hand() > 0 && self.clock.now() < until {
            self.clock.sleep(Duration::from_millis(10)).await;
        }
        self.invoker.abandon();
        let stopped = parts.stop(&self.clock, Duration::from_secs(5)).await;
        self.pending.close();
        self.snapshotter.close();
        let log = Arc::clone(&self.log);
        if tokio::task::spawn_blocking(move || log.close()).await.is_err() {
            tracing::error!("closing the ledger failed");
        }
        tracing::info!("stopped");
        daemon::shutdown::exit_code(&stopped)
    }

    /// Six lines: address, data, durability, kinds, the command line, how to stop.
    #[expect(clippy::print_stdout, reason = "what a person sees who starts the server")]
    fn greet(&self, config: &Config) {
        let kinds: Vec<String> = wasm::kinds()
            .iter()
            .filter(|kind| kind.lacking.is_none())
            .map(|kind| format!("{} ({})", kind.kind, kind.engine))
            .collect();
        let lacking = "all others need a driver that is not installed";
        println!("quirld listens on http://{}", self.address);
        println!("data       {}", self.folder.path().display());
        println!(
            "durability {} ({})",
            config.ledger.durability.word(),
            config.ledger.durability.promise()
        );
        println!("runs       {}; {lacking}", kinds.join(", "));
        println!("try        quirl action list   (finds address and key in the data folder)");
        println!("stop       Ctrl-C, or: quirl down");
    }
}

/// A folder that was restored knows nothing of what came after its backup: told once.
fn tell_restored(data: &Path) -> Result<()> {
    let path = data.join(log::folder::RESTORED);
    match std::fs::read_to_string(&path) {
        Ok(mark) => {
            let backup = mark.trim().replace('\n', ", ");
            tracing::warn!(
                backup,
                "this folder was restored from a backup: what was accepted behind it is not in it, and \
                 what was open in it runs again or is told as lost"
            );
            std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

fn open_index(path: &Path) -> Result<Index> {
    let index = Index::open(path).context("open the index")?;
    if let Some(why) = index.begun_anew() {
        tracing::warn!(why, "the index is rebuilt from the ledger");
    }
    Ok(index)
}

fn open_log(
    failpoint: &Failpoint,
    config: &Config,
    folder: &Folder,
    index: &Index,
    metrics: &Arc<Metrics>,
    random: &Random,
) -> Result<Embedded> {
    let settings = &config.ledger;
    let syncs = Arc::clone(metrics);
    let log_config = embedded::Config {
        durability: match settings.durability {
            Durability::Sync => embedded::Durability::Sync,
            Durability::Os => embedded::Durability::Os,
        },
        segment_size: settings.segment,
        disk_floor: settings.disk_floor,
        balloon: settings.balloon,
        now: Arc::new(|| wire::CLOCK.now().since_start()),
        on_sync: Some(Arc::new(move |took, _| {
            syncs.ledger_sync_seconds.observe(took.as_secs_f64());
        })),
        on_point: failpoint.on_point(),
        ..embedded::Config::new(folder.ledger(), random.bytes())
    };
    let checkpoint =
        index.checkpoint().map(|known| embedded::Checkpoint { at: known.offset, crc: known.crc });
    let log = Embedded::open(log_config, checkpoint).context("open the ledger")?;
    let start = log.start();
    if let Some(torn) = start.torn_at {
        tracing::warn!(at = %torn, "the end of the ledger was torn and is cut; nothing that was answered is lost");
    }
    Ok(log)
}

/// Where the index stands in this ledger; one of another history is thrown away.
fn check_index(index: &Index, log: &Embedded) -> Result<Checkpoint> {
    let ledger = u128::from_be_bytes(log.ledger_id());
    let nothing = Checkpoint { ledger, offset: Offset::NONE, crc: 0 };
    // An index that is built anew, or was when a kill came, must not have rows of removed segments.
    let first = log.sealed().first().map_or(Offset::NONE, |oldest| oldest.first.previous());
    if first > index.floor() {
        index.remove_through(first).context("hide what retention removed")?;
    }
    let Some(known) = index.checkpoint() else { return Ok(nothing) };
    let found = log.start().checkpoint;
    let fits = known.ledger == ledger
        && matches!(found, CheckpointFound::Matches | CheckpointFound::NotGiven);
    if fits {
        return Ok(known);
    }
    tracing::warn!(?found, "the index is of another history and is rebuilt from the ledger");
    index.clear().context("clear the index")?;
    index.remove_through(first).context("hide what retention removed")?;
    Ok(nothing)
}
