//! The rows of scripts: issue 4, and how each is measured.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::load::{Load, Until};
use super::proc::{self, Watch};
use super::rows::{Ground, Row, WARM, clear};
use super::server::{Durability, Hello, Invoker, Server, Wait};
use super::stats::{self, float, quantile_us};
use crate::wire::Answer;

/// Scripts that mean harm, in `samples/javascript/hostile`; all run at a time.
///
/// Source: issue 4, "limits".
const HOSTILE: [&str; 8] =
    ["loop", "regex", "memory", "strings", "microtasks", "timers", "recursion", "logs"];
/// So long they may do harm before anything is measured.
const HARM: Duration = Duration::from_secs(1);
/// What a server does after a start, or after much was asked of it, is over after this.
const REST: Duration = Duration::from_secs(2);
/// So long images and snapshots may take to be written.
const WRITTEN: Duration = Duration::from_secs(60);

/// What scripts may take of memory.
///
/// Source: issue 4, "speed": 200 MiB for 100,000 that are known, and 300 KiB for each that is called.
const KIB_PER_KNOWN: f64 = 200.0 * 1024.0 / 100_000.0;
const KIB_PER_CALLED: f64 = 300.0;

/// Calls of the actions that are held against Node.js.
const CALLS: usize = 20;

/// Runs a sample in Node.js: argument 1 is its path, 2 how often; arguments of `main` come from
/// stdin. Tells its result, and how long parsing, calling and writing took, milliseconds.
const NODE: &str = "\
const fs = require('fs');
const main = new Function(fs.readFileSync(process.argv[1], 'utf8') + '\\nreturn main;')();
const text = fs.readFileSync(0, 'utf8');
const took = [];
let written;
for (let at = 0; at < Number(process.argv[2]); at++) {
  const begun = performance.now();
  written = JSON.stringify(main(JSON.parse(text)));
  took.push(performance.now() - begun);
}
took.sort((a, b) => a - b);
const result = JSON.parse(written);
console.log(JSON.stringify({ version: process.version, ms: took[took.length >> 1], inner: result.ms }));
";

impl Ground {
    /// A script of the samples.
    pub(super) fn script(&self, name: &str) -> Result<String> {
        let path = self.samples.join(format!("javascript/{name}.js"));
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    }

    /// One round of the rows that have servers of their own.
    pub(super) fn scripts(&mut self) -> Result<()> {
        if self.wants(&[Row::ScriptCold]) {
            self.script_cold()?;
        }
        // It takes long, and differs little.
        let is_first = self.figures.get("scripts.mib").values().is_empty();
        if self.wants(&[Row::ScriptMemory]) && is_first {
            self.script_memory()?;
        }
        if self.wants(&[Row::ScriptNode]) {
            self.script_beside_node()?;
        }
        if self.wants(&[Row::ScriptHostile]) {
            self.script_beside_hostile()?;
        }
        Ok(())
    }

    /// The empty module was measured just before.
    pub(super) fn script_at_64(&mut self, server: &Server) -> Result<()> {
        good(server.call("hello", b"{}")?)?;
        let target = (server.address, server.pid());
        let request = server.invocation("hello", Wait::Blocking);
        self.measure("js64", Some(Row::Script64), target, 64, &request)?;
        let last = |name: &str| self.figures.last(name).with_context(|| format!("no {name}"));
        let part = last("js64.cpu")? - last("sync64.cpu")? + last("i.cpu")?;
        self.figures.push("js64.part", part);
        self.remark(
            "the script's part of a call: server CPU of the hello script - server CPU of the \
             empty module (sync64.cpu) + I's CPU, which is the empty module's own part; held \
             against J's CPU"
                .to_owned(),
        );
        Ok(())
    }

    fn script_cold(&mut self) -> Result<()> {
        let setup = self.setup("scripts", Durability::Os, Invoker::Runs);
        let hello = self.script("hello")?;
        let scripts = self.amounts.scripts;
        let server = setup.start()?;
        server.put_script("hello", &hello)?;
        server.put_scripts(&hello, scripts)?;
        self.call_each(&server, "jsnew", scripts)?;
        // They are written behind the calls' backs.
        let images = proc::wait_for("all images are written", WRITTEN, || {
            let images = files(&setup.data, "img");
            (images > scripts).then_some(images)
        });
        if images.is_err() {
            let images = files(&setup.data, "img");
            self.remark(format!("of {scripts} scripts, only {images} images were written"));
        }
        server.kill()?;
        let server = setup.start()?;
        self.call_each(&server, "jsknown", scripts)?;
        server.kill()?;
        clear(&setup)
    }

    /// Calls each of the first scripts once, when another one has run.
    fn call_each(&mut self, server: &Server, name: &str, count: u64) -> Result<()> {
        let load = Load { address: server.address, connections: 1, until: Until::Time(WARM) };
        load.repeat(&server.invocation("hello", Wait::Blocking)).context("warm up")?;
        let recording = self.record(Some(Row::ScriptCold), server.pid());
        let watch = Watch::start(server.pid())?;
        let load = Load { until: Until::Count(count), ..load };
        let measured = load.run(|number, out| {
            let name = format!("js{number}");
            out.extend_from_slice(&server.invocation(&name, Wait::Blocking));
        });
        let cpu = watch.end()?;
        let measured = measured.with_context(|| format!("measure {name}"))?;
        self.figures.push(&format!("{name}.p99ms"), measured.p99() / 1e3);
        self.note(name, &measured, cpu, recording)
    }

    fn script_memory(&mut self) -> Result<()> {
        let (known, called) = self.amounts.known;
        let mut setup = self.setup("known", Durability::Os, Invoker::Runs);
        // The second fold shall have worked when nearly all are known; a PUT takes some 400 bytes.
        setup.snapshot = Some(known * 40);
        let hello = self.script("hello")?;
        let begun = Instant::now();
        // The engine is compiled at the first start, which is another matter.
        let server = setup.start()?;
        server.put_script("hello", &hello)?;
        good(server.call("hello", b"{}")?)?;
        server.kill()?;
        let server = setup.start()?;
        std::thread::sleep(REST);
        let pid = server.pid();
        let (rest, _) = proc::resident_mib(pid)?;
        server.put_scripts(&hello, known)?;
        std::thread::sleep(REST);
        let (all_known, _) = proc::resident_mib(pid)?;
        self.call_each(&server, "jsmany", called)?;
        proc::wait_for("a snapshot is written", WRITTEN, || {
            (files(&setup.data, "snap") > 0).then_some(())
        })?;
        std::thread::sleep(REST);
        let (resident, anonymous) = proc::resident_mib(pid)?;
        let peak = proc::peak_mib(pid)?;
        let allowed = (float(known) * KIB_PER_KNOWN + float(called) * KIB_PER_CALLED) / 1024.0;
        for (name, value) in [
            ("scripts.rest_mib", rest),
            ("scripts.known_mib", all_known - rest),
            ("scripts.called_kib", (resident - all_known) * 1024.0 / float(called)),
            ("scripts.anonymous_mib", anonymous),
            ("scripts.mib", resident - rest),
            ("scripts.peak_mib", peak - rest),
            ("scripts.allowed_mib", allowed),
        ] {
            self.figures.push(name, value);
        }
        let took = begun.elapsed().as_secs_f64();
        self.remark(format!(
            "scripts in memory: {known} known, {called} called, once, in {took:.0} s; at rest the \
             server took {rest:.1} MiB; scripts.allowed_mib is the bar of the issue for so many, and its \
             half the aim"
        ));
        server.kill()?;
        clear(&setup)
    }

    fn script_beside_node(&mut self) -> Result<()> {
        let document = br#"{"bytes":1000000}"#;
        let json = format!(r#"{{"bytes":1000000,"times":{CALLS}}}"#);
        let csv = format!(r#"{{"rows":10000,"times":{CALLS}}}"#);
        let setup = self.setup("node", Durability::Os, Invoker::Runs);
        let server = setup.start()?;
        for name in ["hello", "json", "csv"] {
            server.put_script(name, &self.script(name)?)?;
        }
        let document = good(server.call("json", document)?)?;
        let hello = timed(&server, "hello", b"{}")?;
        let whole = timed(&server, "json", &document)?;
        self.figures.push("js.whole_ms", (whole - hello) / 1e3);
        for (name, arguments) in [("json", &json), ("csv", &csv)] {
            let answer = good(server.call(name, arguments.as_bytes())?)?;
            let told: serde_json::Value = serde_json::from_slice(&answer)?;
            let ms = told["ms"].as_f64().with_context(|| format!("{name} told {told}"))?;
            self.figures.push(&format!("js.{name}_ms"), ms);
        }
        server.kill()?;
        clear(&setup)?;
        for (name, times, arguments) in [
            ("json", CALLS, &document[..]),
            ("json", 1, json.as_bytes()),
            ("csv", 1, csv.as_bytes()),
        ] {
            let path = self.samples.join(format!("javascript/{name}.js"));
            let Some(told) = node(&path, times, arguments)? else {
                self.remark("JSON and CSV stand alone: `node` is not installed".to_owned());
                return Ok(());
            };
            let version = told["version"].as_str().unwrap_or("?");
            self.remark(format!(
                "beside Node.js {version}: medians of {CALLS} in one process or one activation; a \
                 whole call is the time of a blocking one over hello's, os, against parsing, \
                 calling and writing in a process that runs"
            ));
            let (name, ms) = match told["inner"].as_f64() {
                Some(inner) => (name, inner),
                None => ("whole", told["ms"].as_f64().context("node told nothing")?),
            };
            self.figures.push(&format!("node.{name}_ms"), ms);
        }
        Ok(())
    }

    fn script_beside_hostile(&mut self) -> Result<()> {
        let setup = self.setup("hostile", Durability::Sync, Invoker::Runs);
        let server = setup.start()?;
        let neighbour = server.make_neighbour(&Hello::Script(&self.script("hello")?))?;
        for name in HOSTILE {
            server.put_script(name, &self.script(&format!("hostile/{name}"))?)?;
        }
        let target = (server.address, server.pid());
        let request = server.invocation_of(&neighbour, "hello");
        self.measure("js1", None, target, 1, &request)?;
        let is_over = AtomicBool::new(false);
        let ended: Vec<AtomicU64> = HOSTILE.iter().map(|_| AtomicU64::new(0)).collect();
        let measured = std::thread::scope(|scope| -> Result<_> {
            for (name, ended) in HOSTILE.iter().zip(&ended) {
                let (server, is_over) = (&server, &is_over);
                // Whatever ends is begun again.
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        if server.call(name, b"{}").is_ok() {
                            ended.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            std::thread::sleep(HARM);
            let row = Some(Row::ScriptHostile);
            let measured = self.measure("hostile", row, target, 1, &request);
            is_over.store(true, Ordering::Relaxed);
            kill(target.1)?;
            measured
        })?;
        self.figures.push("hostile.p99ms", measured.p99() / 1e3);
        for (name, ended) in HOSTILE.iter().zip(ended) {
            self.figures.push(&format!("hostile.ended.{name}"), float(ended.into_inner()));
        }
        self.remark(
            "hostile scripts: whichever ends is begun again (hostile.ended); hello is another tenant's"
                .to_owned(),
        );
        drop(server);
        clear(&setup)
    }
}

/// Median of single blocking calls, microseconds.
fn timed(server: &Server, action: &str, arguments: &[u8]) -> Result<f64> {
    let mut latency = stats::latencies();
    for _ in 0..CALLS {
        let sent = Instant::now();
        good(server.call(action, arguments)?)?;
        stats::note(&mut latency, sent.elapsed());
    }
    Ok(quantile_us(&latency, 0.5))
}

fn good(answer: Answer) -> Result<Vec<u8>> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    Ok(answer.body)
}

/// What [`NODE`] tells; `None` where there is no Node.js.
fn node(script: &Path, times: usize, arguments: &[u8]) -> Result<Option<serde_json::Value>> {
    let mut command = Command::new("node");
    command.args(["-e", NODE]).arg(script).arg(times.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return Ok(None) };
    let mut input = child.stdin.take().context("node has no input")?;
    input.write_all(arguments).context("write to node")?;
    drop(input);
    let told = child.wait_with_output().context("wait for node")?;
    ensure!(told.status.success(), "node ended: {}", told.status);
    Ok(Some(serde_json::from_slice(&told.stdout).context("understand node")?))
}

fn kill(pid: u32) -> Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("no pid")?;
    kill_process(pid, Signal::KILL).context("kill the server")
}

/// How many files below `folder` have this extension.
fn files(folder: &Path, extension: &str) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let counts = paths.map(|path| match path.is_dir() {
        true => files(&path, extension),
        false => u64::from(path.extension().is_some_and(|its| its == extension)),
    });
    counts.sum()
}
