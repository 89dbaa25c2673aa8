//! `quirld` as the bench needs it: limits lifted, killed rather than stopped, measured by `/proc`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use api::admin::{Admin, Limits};

use super::load::{Load, Measured, Until};
use super::proc;
use crate::wire;

/// So long a start, or the end of all activations, may take.
const LIMIT: Duration = Duration::from_secs(120);

/// When a 2xx is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is on disk.
    Sync,
    /// When the system has it.
    Os,
}

/// Whether activations run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invoker {
    /// As they come.
    Runs,
    /// None does: they are accepted and stay open.
    Held,
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program.
    pub quirld: PathBuf,
    /// Its data folder.
    pub data: PathBuf,
    /// When it says 2xx.
    pub durability: Durability,
    /// Whether it runs anything.
    pub invoker: Invoker,
    /// The port; the system chooses at 0.
    pub port: u16,
    /// A snapshot after so many bytes of ledger; the usual number unless given.
    pub snapshot: Option<u64>,
}

/// A server that runs.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    key: String,
    /// Its data folder.
    data: PathBuf,
}

impl Setup {
    /// Starts it, and waits until it takes work.
    ///
    /// # Errors
    /// It ended, or is not ready in time; with what it said.
    pub fn start(&self) -> Result<Server> {
        let mut child = self.spawn()?;
        let lock = self.data.join("LOCK");
        let mine = format!("pid={}", child.id());
        let mut ended = None;
        let address = proc::wait_for("quirld says its address", LIMIT, || {
            ended = child.try_wait().ok().flatten();
            let text = std::fs::read_to_string(&lock).ok()?;
            let found = text.lines().any(|line| line == mine).then(|| address_in(&text)).flatten();
            found.map(Some).or_else(|| ended.map(|_| None))
        })?;
        let Some(address) = address else { bail!("quirld ended:\n{}", self.log()) };
        let data = self.data.clone();
        let mut server = Server { child, address, key: String::new(), data };
        let secret = self.data.join("secrets/guest.auth");
        // Ready is said before the first key counts, so it is the key that is asked for.
        let ready = proc::wait_for("quirld is ready", LIMIT, || {
            server.key = std::fs::read_to_string(&secret).ok()?.trim().to_owned();
            let answer = server.exchange("GET", "/api/v1/namespaces", b"").ok()?;
            (answer.status == 200).then_some(())
        });
        ready.with_context(|| self.log())?;
        Ok(server)
    }

    /// Starts it, and waits for nothing.
    ///
    /// # Errors
    /// It does not start.
    pub fn spawn(&self) -> Result<Child> {
        std::fs::create_dir_all(&self.data)?;
        let config = self.beside("toml");
        std::fs::write(&config, self.config())?;
        // What is left of the last one says nothing about this one.
        let _ = std::fs::remove_file(self.data.join("LOCK"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.beside("log"))?;
        let mut command = Command::new(&self.quirld);
        command.arg("--data").arg(&self.data).arg("--config").arg(config);
        command.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command.args([
            "--durability",
            match self.durability {
                Durability::Sync => "sync",
                Durability::Os => "os",
            },
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.spawn().with_context(|| format!("start {}", self.quirld.display()))
    }

    fn beside(&self, extension: &str) -> PathBuf {
        self.data.with_extension(extension)
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.beside("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Limits lifted, and an hour for what waits.
    fn config(&self) -> String {
        let mut text = String::from(
            "[guest.limits]\ninvocations-per-minute = 1000000000\n\
             fires-per-minute = 1000000000\nconcurrent-invocations = 1000000\n\
             [controller]\nopen-activations = 200000\nopen-bytes = \"2 GiB\"\n\
             queue-ms = 3600000\n",
        );
        if self.invoker == Invoker::Held {
            text.push_str("slots = 0\n");
        }
        if let Some(bytes) = self.snapshot {
            let _ = writeln!(text, "snapshot-bytes = {bytes}");
        }
        text
    }
}

fn address_in(lock: &str) -> Option<SocketAddr> {
    let line = lock.lines().find_map(|line| line.strip_prefix("address="))?;
    line.trim_start_matches("http://").parse().ok()
}

/// What an invocation is to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The result.
    Blocking,
    /// That it was accepted.
    Accepted,
}

impl Server {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The bytes of an invocation of an action in `guest`.
    #[must_use]
    pub fn invocation(&self, action: &str, wait: Wait) -> Vec<u8> {
        let query = if wait == Wait::Blocking { "?blocking=true" } else { "" };
        self.post(&format!("/api/v1/namespaces/_/actions/{action}{query}"), b"{}")
    }

    fn post(&self, target: &str, body: &[u8]) -> Vec<u8> {
        self.request("POST", target, body)
    }

    /// The bytes of a fire of a trigger in `guest`.
    #[must_use]
    pub fn fire(&self, trigger: &str) -> Vec<u8> {
        self.post(&format!("/api/v1/namespaces/_/triggers/{trigger}"), b"{}")
    }

    /// The bytes of a request on behalf of `guest`.
    #[must_use]
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        self.request_of(&self.key, method, target, body)
    }

    /// The bytes of an invocation of an action of whoever has this key; it waits for the result.
    #[must_use]
    pub fn invocation_of(&self, key: &str, action: &str) -> Vec<u8> {
        let target = format!("/api/v1/namespaces/_/actions/{action}?blocking=true");
        self.request_of(key, "POST", &target, b"{}")
    }

    /// Makes subjects with a namespace each, their limits lifted; their keys.
    ///
    /// # Errors
    /// One is refused.
    pub fn make_tenants(&self, count: u64) -> Result<Vec<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let admin = Admin::at_socket(&self.data.join("admin.sock"));
        let lifted = Limits {
            invocations_per_minute: Some(1_000_000_000),
            concurrent_invocations: Some(1_000_000),
            ..Limits::default()
        };
        runtime.block_on(async {
            let mut keys = Vec::new();
            for number in 0..count {
                let name = format!("tenant{number}");
                let made = admin.create_subject(&name, None).await?;
                admin.set_limits(&name, &lifted).await?;
                keys.push(made.key.context("a new subject without a key")?.0);
            }
            Ok(keys)
        })
    }

    /// Makes so many actions for each key, named `a0`, `a1`, …
    ///
    /// # Errors
    /// One is refused.
    pub fn put_for_tenants(&self, keys: &[String], each: u64, code: &[u8]) -> Result<()> {
        let body = module(code);
        let tenants = keys.len() as u64;
        let count = Until::Count(tenants * each);
        let load = Load { address: self.address, connections: 64, until: count };
        let made = load.run(|number, out| {
            let key = &keys[usize::try_from(number % tenants).unwrap_or(0)];
            let target = target_of(&format!("a{}", number / tenants));
            out.extend_from_slice(&self.request_of(key, "PUT", &target, body.as_bytes()));
        });
        made.with_context(|| format!("make {each} actions for each of {tenants}")).map(|_| ())
    }

    fn request_of(&self, key: &str, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        let key = BASE64.encode(key);
        let _ = write!(head, "Host: {}\r\nAuthorization: Basic {key}\r\n", self.address);
        let _ = write!(
            head,
            "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    /// Makes or replaces an action of kind `wasm:command`.
    ///
    /// # Errors
    /// It is refused.
    pub fn put_module(&self, name: &str, code: &[u8]) -> Result<()> {
        self.put(name, &module(code))
    }

    /// Makes a subject with a namespace, its limits lifted, and `hello` in it; its key.
    ///
    /// # Errors
    /// It, or the action, is refused.
    pub fn make_neighbour(&self, hello: &Hello<'_>) -> Result<String> {
        let key = self.make_tenants(1)?.pop().context("one key")?;
        self.put_hello(&key, hello)?;
        Ok(key)
    }

    /// The same with the usual limits.
    ///
    /// # Errors
    /// It, or the action, is refused.
    pub fn make_usual_tenant(&self, hello: &Hello<'_>) -> Result<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let admin = Admin::at_socket(&self.data.join("admin.sock"));
        let made = runtime.block_on(admin.create_subject("usual", None))?;
        let key = made.key.context("a new subject without a key")?.0;
        self.put_hello(&key, hello)?;
        Ok(key)
    }

    fn put_hello(&self, key: &str, hello: &Hello<'_>) -> Result<()> {
        let body = match hello {
            Hello::Module(code) => module(code),
            Hello::Script(code) => script(code),
        };
        let answer = self.exchange_of(key, "PUT", &target_of("hello"), body.as_bytes())?;
        ensure!(answer.status == 200, "PUT hello: {} {}", answer.status, answer.text());
        Ok(())
    }

    /// Makes or replaces an action of kind `nodejs:20`.
    ///
    /// # Errors
    /// It is refused.
    pub fn put_script(&self, name: &str, code: &str) -> Result<()> {
        self.put(name, &script(code))
    }

    /// Makes `count` scripts that differ, named `js0`, `js1`, …
    ///
    /// # Errors
    /// One is refused.
    pub fn put_scripts(&self, code: &str, count: u64) -> Result<Measured> {
        let load = Load { address: self.address, connections: 64, until: Until::Count(count) };
        let made = load.run(|number, out| {
            let body = script(&format!("{code}// {number}\n"));
            out.extend_from_slice(&self.request(
                "PUT",
                &target_of(&format!("js{number}")),
                body.as_bytes(),
            ));
        });
        made.with_context(|| format!("make {count} scripts"))
    }

    /// Invokes, waits, and gives back the answer whatever it is.
    ///
    /// # Errors
    /// There is none.
    pub fn call(&self, action: &str, arguments: &[u8]) -> Result<wire::Answer> {
        let query = "?blocking=true&result=true";
        self.exchange("POST", &format!("/api/v1/namespaces/_/actions/{action}{query}"), arguments)
    }

    /// Makes or replaces a sequence of `length` times the same action.
    ///
    /// # Errors
    /// It is refused.
    pub fn put_sequence(&self, name: &str, action: &str, length: usize) -> Result<()> {
        let component = format!(r#""/_/{action}""#);
        let components = vec![component; length].join(",");
        self.put(name, &format!(r#"{{"exec":{{"kind":"sequence","components":[{components}]}}}}"#))
    }

    fn put(&self, name: &str, body: &str) -> Result<()> {
        self.put_entity(&format!("actions/{name}"), body)
    }

    /// Makes or replaces an entity in `guest`, such as `rules/r`.
    ///
    /// # Errors
    /// It is refused.
    pub fn put_entity(&self, path: &str, body: &str) -> Result<()> {
        let target = format!("/api/v1/namespaces/_/{path}?overwrite=true");
        let answer = self.exchange("PUT", &target, body.as_bytes())?;
        ensure!(answer.status == 200, "PUT {path}: {} {}", answer.status, answer.text());
        Ok(())
    }

    fn exchange(&self, method: &str, target: &str, body: &[u8]) -> Result<wire::Answer> {
        self.exchange_of(&self.key, method, target, body)
    }

    fn exchange_of(
        &self,
        key: &str,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> Result<wire::Answer> {
        let headers = [("Authorization", format!("Basic {}", BASE64.encode(key)))];
        let json = [("Content-Type", "application/json".to_owned())];
        let headers = headers.into_iter().chain(json).map(|(name, value)| (name.to_owned(), value));
        let request = wire::Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.collect(),
            body: body.to_vec(),
            length: wire::Length::Right,
        };
        wire::exchange(&format!("http://{}", self.address), &request)
    }

    /// Makes `count` modules that differ, named `m0`, `m1`, …
    ///
    /// # Errors
    /// One is refused.
    pub fn put_distinct(&self, module: &[u8], count: u64) -> Result<()> {
        let load = Load { address: self.address, connections: 8, until: Until::Count(count) };
        let made = load.run(|number, out| {
            let body = self::module(&distinct(module, number));
            out.extend_from_slice(&self.request(
                "PUT",
                &target_of(&format!("m{number}")),
                body.as_bytes(),
            ));
        });
        made.with_context(|| format!("make {count} modules")).map(|_| ())
    }

    /// Activations that are open now, by the metrics of the server.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(&self) -> Result<u64> {
        let answer = self.exchange("GET", "/metrics", b"")?;
        let text = answer.text();
        // One line for each state: queued, running, sequences.
        let lines = text.lines().filter_map(|line| line.strip_prefix(OPEN));
        let values: Vec<u64> =
            lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        ensure!(!values.is_empty(), "no {OPEN} in /metrics: {} {text}", answer.status);
        Ok(values.iter().sum())
    }

    /// Waits until nothing is open, and says how long that took.
    ///
    /// # Errors
    /// Something still is.
    pub fn all_end(&self) -> Result<Duration> {
        let begun = Instant::now();
        let mut failed = None;
        let ended = proc::wait_for("all activations end", LIMIT, || {
            std::thread::sleep(Duration::from_millis(5));
            match self.open() {
                Ok(0) => Some(()),
                Ok(_) => None,
                Err(error) => {
                    failed = Some(error);
                    Some(())
                }
            }
        });
        match failed {
            Some(error) => Err(error),
            None => ended.map(|()| begun.elapsed()),
        }
    }
}

fn target_of(action: &str) -> String {
    format!("/api/v1/namespaces/_/actions/{action}?overwrite=true")
}

/// What a neighbour calls.
#[derive(Clone, Copy, Debug)]
pub enum Hello<'a> {
    /// Of kind `wasm:command`.
    Module(&'a [u8]),
    /// Of kind `nodejs:20`.
    Script(&'a str),
}

/// What is PUT to make a module.
fn module(code: &[u8]) -> String {
    let code = BASE64.encode(code);
    format!(r#"{{"exec":{{"kind":"wasm:command","code":"{code}","binary":true}}}}"#)
}

/// What is PUT to make a script.
fn script(code: &str) -> String {
    serde_json::json!({ "exec": { "kind": "nodejs:20", "code": code } }).to_string()
}

/// The gauge of activations that are open.
const OPEN: &str = "quirl_activations_open";

impl Drop for Server {
    fn drop(&mut self) {
        // After `kill` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A module that does the same and is another one: it has a section of its own at the end.
#[must_use]
pub fn distinct(module: &[u8], number: u64) -> Vec<u8> {
    // Custom section (0) of 13 bytes: a name of four bytes, and the number.
    let number = number.to_le_bytes();
    [module, &[0, 13, 4], b"same", &number].concat()
}

/// Reads a sample.
///
/// # Errors
/// There is none of that name.
pub fn sample(samples: &Path, name: &str) -> Result<Vec<u8>> {
    let path = samples.join(format!("built/{name}.wasm"));
    std::fs::read(&path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_differ_and_are_valid() {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
        let module = sample(&samples, "empty").unwrap();
        let (a, b) = (distinct(&module, 1), distinct(&module, 2));
        assert_ne!(a, b);
        let engine = wasmtime::Engine::default();
        for module in [a, b] {
            wasmtime::Module::validate(&engine, &module).unwrap();
        }
    }

    #[test]
    fn the_lock_names_the_address() {
        let lock = "pid=7\naddress=http://127.0.0.1:3233\n";
        assert_eq!(address_in(lock), Some("127.0.0.1:3233".parse().unwrap()));
        assert_eq!(address_in("pid=7\n"), None);
    }
}
