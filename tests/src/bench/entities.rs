//! The rows of issue 5 §9: fires, entities written and read, many tenants.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::group;
use super::load::{Load, Until, answered};
use super::proc::{self, Watch};
use super::rows::{Ground, Row, clear};
use super::server::{Durability, Hello, Invoker, Server, Wait};
use super::stats::{float, quantile_us};

/// How many rules the triggers have.
///
/// Source: issue 5 §9.
const RULES: [u64; 3] = [1, 10, 100];
/// Fires of each, one after the other, when all that the one before started has ended.
const FIRES: u64 = 200;
/// So long that takes, at most.
const PAUSE: Duration = Duration::from_millis(20);
/// Fires for the rate of children, on this many connections.
const MANY: (u64, usize) = (200, 8);
/// Until what follows a start, or much work, is over.
const REST: Duration = Duration::from_secs(2);
/// So long a snapshot may take.
const WRITTEN: Duration = Duration::from_secs(60);
/// Connections on which the other tenant calls, and how long each pauses before a call: about a
/// thousand calls a second together, which is what `guest` may.
const NOISY: usize = 2;
const NOISE: Duration = Duration::from_micros(1_300);
/// How often both are measured in a round.
const SLICES: usize = 3;
/// Connections that write and read entities.
const CONNECTIONS: usize = 64;

impl Ground {
    /// One round of these rows.
    pub(super) fn entities(&mut self) -> Result<()> {
        if self.wants(&[Row::Fire]) {
            self.fire()?;
        }
        if self.wants(&[Row::Entities]) {
            self.put_and_get()?;
        }
        if self.wants(&[Row::Tenants]) {
            self.tenants()?;
        }
        if self.wants(&[Row::Neighbours]) {
            self.neighbours()?;
        }
        Ok(())
    }

    /// Hello of one tenant: alone, beside another with the usual limits that sends far more than it
    /// may, and beside one that calls as often as `guest` may; with both records synced, and with syncs
    /// left to the system. In slices, so that all meet the same disk.
    fn neighbours(&mut self) -> Result<()> {
        for (durability, quiet, limited, noisy) in [
            (Durability::Sync, "quiet", "limited", "noisy"),
            (Durability::Os, "quiet_os", "limited_os", "noisy_os"),
        ] {
            let setup = self.setup(noisy, durability, Invoker::Runs);
            let server = setup.start()?;
            let hello = self.module("hello")?;
            server.put_module("hello", &hello)?;
            let neighbour = server.make_neighbour(&Hello::Module(&hello))?;
            let usual = server.make_usual_tenant(&Hello::Module(&hello))?;
            let target = (server.address, server.pid());
            let request = server.invocation_of(&neighbour, "hello");
            proc::idle(server.pid())?;
            for _ in 0..SLICES {
                self.measure(quiet, None, target, 1, &request)?;
                for (name, row, noise) in [
                    (limited, None, server.invocation_of(&usual, "hello")),
                    (noisy, Some(Row::Neighbours), server.invocation("hello", Wait::Blocking)),
                ] {
                    let begun = Instant::now();
                    let (sent, measured) = beside_noise(target.0, &noise, || {
                        self.measure(name, row, target, 1, &request)
                    });
                    measured?;
                    let rate = float(sent?) / begun.elapsed().as_secs_f64();
                    self.figures.push(&format!("{name}.noise"), rate);
                }
            }
            server.kill()?;
            clear(&setup)?;
        }
        for _ in 0..SLICES {
            let alone = group::beside(&self.folder, self.amounts.time, None)?;
            let beside = group::beside(&self.folder, self.amounts.time, Some((NOISY, NOISE)))?;
            self.figures.push("disk_quiet.p99", quantile_us(&alone, 0.99));
            self.figures.push("disk_noisy.p99", quantile_us(&beside, 0.99));
        }
        self.remark(
            "neighbours: requests a second of the other are limited.noise, noisy.noise".to_owned(),
        );
        Ok(())
    }

    /// Many actions of many tenants: what they take of memory, and of the speed of the rest.
    fn tenants(&mut self) -> Result<()> {
        let (tenants, each) = self.amounts.tenants;
        let actions = tenants * each;
        let mut setup = self.setup("tenants", Durability::Sync, Invoker::Runs);
        // The second fold shall have worked when nearly all are known.
        setup.snapshot = Some(actions * 200);
        let begun = Instant::now();
        let server = setup.start()?;
        let empty = self.module("empty")?;
        server.put_module("empty", &empty)?;
        std::thread::sleep(REST);
        let pid = server.pid();
        let (rest, _) = proc::resident_mib(pid)?;
        let keys = server.make_tenants(tenants)?;
        server.put_for_tenants(&keys, each, &empty)?;
        proc::wait_for("a snapshot is written", WRITTEN, || {
            let files = std::fs::read_dir(setup.data.join("ledger/00")).ok()?;
            let is_snapshot = |path: PathBuf| path.extension().is_some_and(|it| it == "snap");
            files.flatten().any(|entry| is_snapshot(entry.path())).then_some(())
        })?;
        std::thread::sleep(REST);
        let (resident, _) = proc::resident_mib(pid)?;
        let peak = proc::peak_mib(pid)?;
        let took = begun.elapsed().as_secs_f64();
        // Called by all tenants in turn, a few of its actions each.
        let calls: Vec<Vec<u8>> = (0..tenants * each.min(10))
            .map(|number| {
                let key = &keys[usize::try_from(number % tenants).unwrap_or(0)];
                server.invocation_of(key, &format!("a{}", number / tenants))
            })
            .collect();
        let load = |until| Load { address: server.address, connections: 16, until };
        let own = server.invocation("empty", Wait::Blocking);
        self.measure("loaded16", None, (server.address, pid), 16, &own)?;
        let mut turn = 0;
        let mut next = |out: &mut Vec<u8>| {
            out.extend_from_slice(&calls[turn % calls.len()]);
            turn += 1;
        };
        load(Until::Count(actions.min(2_000))).run(|_, out| next(out)).context("warm up")?;
        let recording = self.record(Some(Row::Tenants), pid);
        let watch = Watch::start(pid)?;
        let measured = load(Until::Time(self.amounts.time)).run(|_, out| next(out));
        let cpu = watch.end()?;
        self.note("tenants16", &measured.context("measure tenants16")?, cpu, recording)?;
        self.figures.push("tenants.mib", resident - rest);
        self.figures.push("tenants.peak_mib", peak - rest);
        self.figures.push("tenants.made_s", took);
        self.figures.push("tenants.rest_mib", rest);
        self.remark(format!(
            "tenants: {actions} actions in {tenants} namespaces (tenants.made_s, tenants.rest_mib)"
        ));
        server.kill()?;
        clear(&setup)
    }

    fn fire(&mut self) -> Result<()> {
        let setup = self.setup("fire", Durability::Sync, Invoker::Runs);
        let server = setup.start()?;
        server.put_module("empty", &self.module("empty")?)?;
        for rules in RULES {
            let trigger = format!("t{rules}");
            server.put_entity(&format!("triggers/{trigger}"), "{}")?;
            for rule in 0..rules {
                let body = format!(r#"{{"trigger":"/_/{trigger}","action":"/_/empty"}}"#);
                server.put_entity(&format!("rules/{trigger}-{rule}"), &body)?;
            }
            let request = server.fire(&trigger);
            let alone = Load { address: server.address, connections: 1, until: Until::Count(20) };
            alone.repeat(&request).with_context(|| format!("warm up for {trigger}"))?;
            server.all_end()?;
            let name = format!("fire{rules}");
            // One of them is profiled: the widest.
            let row = (rules == 100).then_some(Row::Fire);
            let recording = self.record(row, server.pid());
            let watch = Watch::start(server.pid())?;
            let load = Load { until: Until::Count(FIRES), ..alone };
            let measured = load.run(|_, out| {
                std::thread::sleep(PAUSE);
                out.extend_from_slice(&request);
            });
            let cpu = watch.end()?;
            let measured = measured.with_context(|| format!("measure {name}"))?;
            self.note(&name, &measured, cpu, recording)?;
            server.all_end()?;
        }
        let (fires, connections) = MANY;
        let request = server.fire("t100");
        let begun = Instant::now();
        let load = Load { address: server.address, connections, until: Until::Count(fires) };
        let watch = Watch::start(server.pid())?;
        let measured = load.repeat(&request).context("fire many")?;
        server.all_end()?;
        let took = begun.elapsed();
        let cpu = watch.end()?;
        self.note("children", &measured, cpu, None)?;
        self.figures.push("children.per_s", float(fires * 100) / took.as_secs_f64());
        server.kill()?;
        clear(&setup)
    }

    fn put_and_get(&mut self) -> Result<()> {
        let setup = self.setup("entities", Durability::Sync, Invoker::Runs);
        let server = setup.start()?;
        server.put_module("empty", &self.module("empty")?)?;
        // Each another one, so that nobody loses a race.
        let load = Load {
            address: server.address,
            connections: CONNECTIONS,
            until: Until::Time(self.amounts.time),
        };
        let recording = self.record(Some(Row::Entities), server.pid());
        let watch = Watch::start(server.pid())?;
        let measured = load.run(|number, out| put(&server, number, out)).context("put entities")?;
        let cpu = watch.end()?;
        let written = measured.calls.max(1);
        self.note("put64", &measured, cpu, recording)?;
        let watch = Watch::start(server.pid())?;
        let measured = load.run(|number, out| get(&server, number % written, out));
        let cpu = watch.end()?;
        self.note("get64", &measured.context("get entities")?, cpu, None)?;
        server.kill()?;
        clear(&setup)
    }
}

/// Writes a sequence of one action: an entity without code of its own.
fn put(server: &Server, number: u64, out: &mut Vec<u8>) {
    let body = br#"{"exec":{"kind":"sequence","components":["/_/empty"]}}"#;
    let target = format!("/api/v1/namespaces/_/actions/e{number}?overwrite=true");
    out.extend_from_slice(&server.request("PUT", &target, body));
}

fn get(server: &Server, number: u64, out: &mut Vec<u8>) {
    let target = format!("/api/v1/namespaces/_/actions/e{number}?code=false");
    out.extend_from_slice(&server.request("GET", &target, b""));
}

/// Does `work` while another sends `request` again and again, whatever is answered; returns how often
/// it did, and what came of the work.
fn beside_noise<T>(
    address: SocketAddr,
    request: &[u8],
    work: impl FnOnce() -> T,
) -> (Result<u64>, T) {
    let is_over = AtomicBool::new(false);
    let noisy = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (mut answer, mut sent) = (vec![0; 4096], 0);
        while !is_over.load(Ordering::Relaxed) {
            std::thread::sleep(NOISE);
            stream.write_all(request)?;
            let mut filled = 0;
            while answered(&answer[..filled])?.is_none() {
                let read = stream.read(&mut answer[filled..])?;
                ensure!(read > 0, "the server hung up, or answered too much");
                filled += read;
            }
            sent += 1;
        }
        Ok::<u64, anyhow::Error>(sent)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..NOISY).map(|_| scope.spawn(noisy)).collect();
        let worked = work();
        is_over.store(true, Ordering::Relaxed);
        let mut all = Ok(0);
        for thread in threads {
            let sent = thread.join().unwrap_or_else(|_| Err(anyhow!("a noisy thread panicked")));
            all = all.and_then(|all: u64| Ok(all + sent?));
        }
        (all, worked)
    })
}
