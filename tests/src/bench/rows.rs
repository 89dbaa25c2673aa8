//! The rows of issue 3 §7, and how each is measured. Those of scripts are in `scripts.rs`.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::figures::Figures;
use super::group;
use super::load::{Load, Measured, Until};
use super::proc::{self, Cpu, Watch};
use super::profile::{self, Recording};
use super::sandbox::Sandbox;
use super::script::Script;
use super::server::{self, Durability, Hello, Invoker, Server, Setup, Wait};
use super::stats::{float, quantile_us};
use super::yardstick::{Which, Yardstick};

/// A row, or those that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Row {
    /// Blocking, both records synced, 16 connections
    Sync16,
    /// Blocking, both records synced, 64 connections
    Sync64,
    /// Blocking, both records synced, 1 connection
    Sync1,
    /// Blocking, durability `os`, 64 connections
    Os64,
    /// Non-blocking, with an invoker that runs nothing
    Accept,
    /// Modules that are known and not loaded
    Cold,
    /// Sequences of 2, 5 and 20
    Sequence,
    /// A start with much that is open and more that is stored
    Restart,
    /// Resident memory of an empty server
    Memory,
    /// Another's hello beside endless loops
    Loops,
    /// JavaScript: hello from its image, blocking, both records synced, 64 connections
    Script64,
    /// JavaScript: a bare start from an image and a call, without a server
    ScriptBare,
    /// JavaScript: first calls of new code, and of known code that is not loaded
    ScriptCold,
    /// JavaScript: resident memory with many scripts known and some called
    ScriptMemory,
    /// JavaScript: JSON and CSV beside Node.js
    ScriptNode,
    /// JavaScript: another's hello beside scripts that mean harm
    ScriptHostile,
    /// Fires of triggers with 1, 10 and 100 rules
    Fire,
    /// Entities written and read, 64 connections
    Entities,
    /// The first row on a server with many actions of many tenants, and its memory
    Tenants,
    /// Hello of one tenant beside another that calls as often as it may
    Neighbours,
}

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// How long each load runs.
    pub time: Duration,
    /// Bursts of 50,000 per round.
    pub bursts: u64,
    /// Distinct modules.
    pub modules: u64,
    /// Distinct scripts of which each is called.
    pub scripts: u64,
    /// Scripts that are known, and those of them that are called, for their memory.
    pub known: (u64, u64),
    /// Tenants, and the actions of each.
    pub tenants: (u64, u64),
}

/// Activations per burst.
///
/// Source: issue 3 §7, as the next three.
const BURST: u64 = 50_000;
/// Open at a restart.
const OPEN: u64 = 10_000;
/// Stored at a restart.
const STORED: u64 = 100_000;
/// Endless loops.
const LOOPS: u64 = 8;
/// Requests that are sent before anything is measured.
pub(super) const WARM: Duration = Duration::from_millis(200);

/// What all rows share.
pub struct Ground {
    /// The server program.
    pub quirld: PathBuf,
    /// The folder `samples`.
    pub samples: PathBuf,
    /// Where everything is kept.
    pub folder: PathBuf,
    /// How much.
    pub amounts: Amounts,
    /// What is measured at all.
    pub rows: Vec<Row>,
    /// The row to be profiled, in this round.
    pub profiled: Option<Row>,
    /// What was measured so far.
    pub figures: Figures,
    /// What else is worth knowing.
    pub remarks: Vec<String>,
    /// What profiles said.
    pub profiles: Vec<String>,
}

/// Yardsticks that run through all rounds.
pub struct Yardsticks {
    h: Yardstick,
    y: Yardstick,
    sandbox: Sandbox,
    script: Option<Script>,
}

impl Yardsticks {
    /// Starts them.
    ///
    /// # Errors
    /// One does not start.
    pub fn start(ground: &Ground) -> Result<Self> {
        let start = |which| Yardstick::start(which, &ground.folder, &ground.samples);
        // It is slow to make, since the engine is compiled for it.
        let is_wanted = ground.wants(&[Row::Script64, Row::ScriptBare]);
        let hello = || Script::new(&ground.script("hello")?);
        Ok(Self {
            h: start(Which::H)?,
            y: start(Which::Y)?,
            sandbox: Sandbox::new(&ground.samples)?,
            script: is_wanted.then(hello).transpose()?,
        })
    }
}

/// Servers that run through all rounds, and the folders of the others.
pub struct Servers {
    sync: Option<Server>,
    os: Option<Server>,
    cold: Option<Setup>,
    restart: Option<Setup>,
}

impl Ground {
    pub(super) fn wants(&self, rows: &[Row]) -> bool {
        rows.iter().any(|row| self.rows.contains(row))
    }

    pub(super) fn setup(&self, name: &str, durability: Durability, invoker: Invoker) -> Setup {
        let data = self.folder.join(name);
        Setup { quirld: self.quirld.clone(), data, durability, invoker, port: 0, snapshot: None }
    }

    pub(super) fn module(&self, name: &str) -> Result<Vec<u8>> {
        server::sample(&self.samples, name)
    }

    pub(super) fn remark(&mut self, text: String) {
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    /// Warms up, then measures and notes everything under `name`.
    pub(super) fn measure(
        &mut self,
        name: &str,
        row: Option<Row>,
        server: (SocketAddr, u32),
        connections: usize,
        request: &[u8],
    ) -> Result<Measured> {
        let (address, pid) = server;
        let load = |time| Load { address, connections, until: Until::Time(time) };
        load(WARM).repeat(request).with_context(|| format!("warm up for {name}"))?;
        let recording = self.record(row, pid);
        let watch = Watch::start(pid)?;
        let measured = load(self.amounts.time).repeat(request);
        let cpu = watch.end()?;
        let measured = measured.with_context(|| format!("measure {name}"))?;
        self.note(name, &measured, cpu, recording)?;
        Ok(measured)
    }

    pub(super) fn note(
        &mut self,
        name: &str,
        measured: &Measured,
        cpu: Cpu,
        recording: Option<Recording>,
    ) -> Result<()> {
        self.figures.push_load(name, measured, cpu);
        if let Some(recording) = recording {
            let text = recording.end()?;
            self.profiles.push(format!(
                "== {name}: {:.1} µs of CPU a call\n{text}",
                cpu.per_call(measured.calls)
            ));
        }
        Ok(())
    }

    /// A profile slows its round down: its figures are those of the other rounds.
    pub(super) fn record(&mut self, row: Option<Row>, pid: u32) -> Option<Recording> {
        if row.is_none() || row != self.profiled {
            return None;
        }
        let file = self.folder.join("perf.data");
        let recording = profile::record(pid, &file);
        if recording.is_none() {
            self.remark("no profile: `perf` is not installed".to_owned());
        }
        recording
    }

    /// Yardsticks, as far as the wanted rows need them.
    ///
    /// # Errors
    /// One fails.
    pub fn yardsticks(&mut self, yardsticks: &Yardsticks) -> Result<()> {
        let (folder, time) = (self.folder.clone(), self.amounts.time);
        let third = time / 3;
        let bare = group::bare(&folder, third)?;
        self.figures.push("bare.p50", quantile_us(&bare, 0.5));
        self.figures.push("bare.p99", quantile_us(&bare, 0.99));
        let alone = group::measure(&folder, 1, third)?;
        self.figures.push("g1.p50", quantile_us(&alone.latency, 0.5));
        self.figures.push("g1.rate", alone.rate);
        let many = group::measure(&folder, 64, time)?;
        self.figures.push("g64.rate", many.rate);
        self.figures.push("g64.p50", quantile_us(&many.latency, 0.5));
        let each = yardsticks.sandbox.measure(third)?;
        self.figures.push("i.us", each.time);
        self.figures.push("i.cpu", each.cpu);
        if let Some(script) = &yardsticks.script {
            let each = script.measure(third)?;
            self.figures.push("j.us", each.time);
            self.figures.push("j.cpu", each.cpu);
            let each = script.measure_on_fibers(third)?;
            self.figures.push("jf.us", each.time);
            self.figures.push("jf.cpu", each.cpu);
            let latency = script.latency(third)?;
            self.figures.push("j.p50", quantile_us(&latency, 0.5));
            self.figures.push("j.p99", quantile_us(&latency, 0.99));
            self.figures.push("j.image_kib", float(script.image_bytes() as u64) / 1024.0);
        }
        let h = (yardsticks.h.address, yardsticks.h.pid());
        let y = (yardsticks.y.address, yardsticks.y.pid());
        let request = like_an_invocation(h.0);
        self.measure("h64", None, h, 64, &request)?;
        self.measure("h1", None, h, 1, &request)?;
        for (row, name, connections) in
            [(Row::Sync16, "y16", 16), (Row::Sync64, "y64", 64), (Row::Sync1, "y1", 1)]
        {
            if self.wants(&[row]) {
                self.measure(name, None, y, connections, &request)?;
            }
        }
        Ok(())
    }

    /// Starts what rows share, and fills it.
    ///
    /// # Errors
    /// A server does not start or refuses something.
    pub fn servers(&mut self) -> Result<Servers> {
        let empty = self.module("empty")?;
        let mut servers = Servers { sync: None, os: None, cold: None, restart: None };
        let shared =
            [Row::Sync16, Row::Sync64, Row::Sync1, Row::Sequence, Row::Script64, Row::Tenants];
        if self.wants(&shared) {
            let server = self.setup("sync", Durability::Sync, Invoker::Runs).start()?;
            server.put_module("empty", &empty)?;
            server.put_script("hello", &self.script("hello")?)?;
            for length in [2, 5, 20] {
                server.put_sequence(&format!("seq{length}"), "empty", length)?;
            }
            servers.sync = Some(server);
        }
        if self.wants(&[Row::Os64]) {
            let server = self.setup("os", Durability::Os, Invoker::Runs).start()?;
            server.put_module("empty", &empty)?;
            servers.os = Some(server);
        }
        if self.wants(&[Row::Cold]) {
            let setup = self.setup("cold", Durability::Os, Invoker::Runs);
            let begun = Instant::now();
            let server = setup.start()?;
            server.put_distinct(&empty, self.amounts.modules)?;
            server.kill()?;
            let took = begun.elapsed().as_secs_f64();
            self.remark(format!("{} modules were made in {took:.1} s", self.amounts.modules));
            servers.cold = Some(setup);
        }
        if self.wants(&[Row::Restart]) {
            let mut setup = self.setup("restart", Durability::Os, Invoker::Runs);
            let server = setup.start()?;
            server.put_module("empty", &empty)?;
            setup.port = server.address.port();
            send(&server, Wait::Blocking, STORED).context("store activations")?;
            server.kill()?;
            setup.durability = Durability::Sync;
            servers.restart = Some(setup);
        }
        Ok(servers)
    }

    /// One round of all rows.
    ///
    /// # Errors
    /// A row fails.
    pub fn round(&mut self, servers: &Servers) -> Result<()> {
        if let Some(server) = &servers.sync {
            let target = (server.address, server.pid());
            let request = server.invocation("empty", Wait::Blocking);
            for (row, name, connections) in
                [(Row::Sync16, "sync16", 16), (Row::Sync64, "sync64", 64), (Row::Sync1, "sync1", 1)]
            {
                // What sequences, scripts and tenants are compared with.
                let is_needed = row == Row::Sync16 && self.wants(&[Row::Tenants])
                    || row == Row::Sync1 && self.wants(&[Row::Sequence])
                    || row == Row::Sync64 && self.wants(&[Row::Script64]);
                if self.wants(&[row]) || is_needed {
                    self.measure(name, Some(row), target, connections, &request)?;
                }
            }
            if self.wants(&[Row::Script64]) {
                self.script_at_64(server)?;
            }
            if self.wants(&[Row::Sequence]) {
                self.sequences(server)?;
            }
        }
        if let Some(server) = &servers.os {
            let request = server.invocation("empty", Wait::Blocking);
            let target = (server.address, server.pid());
            self.measure("os64", Some(Row::Os64), target, 64, &request)?;
        }
        if self.wants(&[Row::Accept]) {
            self.accepts()?;
        }
        if let Some(setup) = &servers.cold {
            self.cold(setup)?;
        }
        if let Some(setup) = &servers.restart {
            self.restart(setup)?;
        }
        if self.wants(&[Row::Memory]) {
            self.memory()?;
        }
        if self.wants(&[Row::Loops]) {
            self.loops()?;
        }
        self.scripts()?;
        self.entities()?;
        Ok(())
    }

    fn sequences(&mut self, server: &Server) -> Result<()> {
        let one = self.figures.last("sync1.p50").context("one action was not measured")?;
        let target = (server.address, server.pid());
        for (length, steps) in [(2, 1.0), (5, 4.0), (20, 19.0)] {
            let name = format!("seq{length}");
            let request = server.invocation(&name, Wait::Blocking);
            // One of them is profiled: the longest.
            let row = (length == 20).then_some(Row::Sequence);
            let measured = self.measure(&name, row, target, 1, &request)?;
            self.figures.push(&format!("{name}.step"), (measured.p50() - one) / steps);
        }
        Ok(())
    }

    fn accepts(&mut self) -> Result<()> {
        let setup = self.setup("accept", Durability::Sync, Invoker::Held);
        let server = setup.start()?;
        server.put_module("empty", &self.module("empty")?)?;
        let recording = self.record(Some(Row::Accept), server.pid());
        let (before, _) = proc::resident_mib(server.pid())?;
        let watch = Watch::start(server.pid())?;
        let mut all: Option<Measured> = None;
        for _ in 0..self.amounts.bursts {
            let burst = send(&server, Wait::Accepted, BURST).context("a burst")?;
            match &mut all {
                None => all = Some(burst),
                Some(all) => {
                    all.calls += burst.calls;
                    all.elapsed += burst.elapsed;
                    all.latency.add(burst.latency)?;
                }
            }
        }
        let cpu = watch.end()?;
        let all = all.context("no burst was wanted")?;
        self.note("accept", &all, cpu, recording)?;
        let (after, _) = proc::resident_mib(server.pid())?;
        let each = (after - before) * 1024.0 / float(all.calls.max(1));
        self.figures.push("accept.kib_per_open", each);
        server.kill()?;
        let begun = Instant::now();
        let server = Setup { invoker: Invoker::Runs, ..setup.clone() }.start()?;
        server.all_end()?;
        self.figures.push("accept.ended_s", begun.elapsed().as_secs_f64());
        let accepted = all.calls;
        self.remark(format!(
            "accepts: {accepted} were open at a kill -9; all ended after the next start \
             (accept.ended_s)"
        ));
        server.kill()?;
        clear(&setup)
    }

    fn cold(&mut self, setup: &Setup) -> Result<()> {
        let modules = self.amounts.modules;
        let alone = modules / 5;
        let server = setup.start()?;
        let invocations: Vec<Vec<u8>> =
            (0..modules).map(|it| server.invocation(&format!("m{it}"), Wait::Blocking)).collect();
        // Something has run: what is cold is the module, not the server.
        server.put_module("empty", &self.module("empty")?)?;
        let target = Load { address: server.address, connections: 1, until: Until::Time(WARM) };
        target.repeat(&server.invocation("empty", Wait::Blocking))?;
        for (name, from, count) in [("cold", 0, alone), ("warm", alone - alone / 4, alone / 4)] {
            let watch = Watch::start(server.pid())?;
            let load = Load { until: Until::Count(count), ..target };
            let measured = load.run(|number, out| {
                let at = usize::try_from(from + number).unwrap_or(0);
                out.extend_from_slice(&invocations[at]);
            });
            let cpu = watch.end()?;
            self.note(name, &measured.with_context(|| format!("measure {name}"))?, cpu, None)?;
        }
        server.kill()?;
        let server = setup.start()?;
        let invocations: Vec<Vec<u8>> =
            (0..modules).map(|it| server.invocation(&format!("m{it}"), Wait::Blocking)).collect();
        let recording = self.record(Some(Row::Cold), server.pid());
        let watch = Watch::start(server.pid())?;
        let load = Load { address: server.address, connections: 64, until: Until::Count(modules) };
        let measured = load.run(|number, out| {
            out.extend_from_slice(&invocations[usize::try_from(number).unwrap_or(0)]);
        });
        let cpu = watch.end()?;
        self.note("cold64", &measured.context("measure cold64")?, cpu, recording)?;
        server.kill()
    }

    fn restart(&mut self, setup: &Setup) -> Result<()> {
        let held = Setup { invoker: Invoker::Held, ..setup.clone() }.start()?;
        send(&held, Wait::Accepted, OPEN).context("open activations")?;
        let request = held.invocation("empty", Wait::Accepted);
        let address = held.address;
        held.kill()?;
        let begun = Instant::now();
        let mut child = setup.spawn()?;
        let recording = self.record(Some(Row::Restart), child.id());
        let answered = proc::wait_for("the first 2xx", Duration::from_secs(120), || {
            // Refused until it listens; answered 503 until it has read its ledger.
            TcpStream::connect(address).ok()?;
            let load = Load { address, connections: 1, until: Until::Count(1) };
            load.repeat(&request).ok()
        });
        let took = begun.elapsed();
        if let Some(recording) = recording {
            let text = recording.end()?;
            self.profiles.push(format!("== restart: {took:?}\n{text}"));
        }
        child.kill()?;
        child.wait()?;
        answered?;
        self.figures.push("restart.ms", took.as_secs_f64() * 1e3);
        let server = setup.start()?;
        server.all_end()?;
        server.kill()
    }

    fn memory(&mut self) -> Result<()> {
        let setup = self.setup("memory", Durability::Sync, Invoker::Runs);
        let server = setup.start()?;
        // What it does after a start is over soon.
        std::thread::sleep(Duration::from_secs(2));
        let (resident, anonymous) = proc::resident_mib(server.pid())?;
        self.figures.push("memory.mib", resident);
        self.figures.push("memory.anonymous_mib", anonymous);
        self.remark("memory: of an empty server, 2 s after its start".to_owned());
        server.kill()?;
        clear(&setup)
    }

    fn loops(&mut self) -> Result<()> {
        let setup = self.setup("loops", Durability::Sync, Invoker::Runs);
        let server = setup.start()?;
        server.put_module("spin", &self.module("spin")?)?;
        let neighbour = server.make_neighbour(&Hello::Module(&self.module("hello")?))?;
        let target = (server.address, server.pid());
        let request = server.invocation_of(&neighbour, "hello");
        self.measure("hello", None, target, 1, &request)?;
        let load = Load { address: server.address, connections: 1, until: Until::Count(LOOPS) };
        load.repeat(&server.invocation("spin", Wait::Accepted))?;
        std::thread::sleep(Duration::from_millis(300));
        let measured = self.measure("loops", Some(Row::Loops), target, 1, &request)?;
        self.figures.push("loops.p99ms", measured.p99() / 1e3);
        self.remark("loops: hello is another tenant's".to_owned());
        server.kill()?;
        clear(&setup)
    }
}

/// So many invocations on 64 connections.
fn send(server: &Server, wait: Wait, count: u64) -> Result<Measured> {
    let load = Load { address: server.address, connections: 64, until: Until::Count(count) };
    load.repeat(&server.invocation("empty", wait))
}

pub(super) fn clear(setup: &Setup) -> Result<()> {
    std::fs::remove_dir_all(&setup.data).context("remove the data of a row")
}

/// As long as a real one.
fn like_an_invocation(address: SocketAddr) -> Vec<u8> {
    let key = "x".repeat(136);
    format!(
        "POST /api/v1/namespaces/_/actions/empty?blocking=true HTTP/1.1\r\nHost: {address}\r\n\
         Authorization: Basic {key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}

/// The share of the machine that others used, at most, in percent.
#[must_use]
pub fn company(figures: &Figures) -> f64 {
    let all = figures.iter().filter(|(name, _)| name.ends_with(".others"));
    let medians = all.filter_map(|(_, rounds)| rounds.median());
    medians.fold(0.0, f64::max) * 100.0
}
