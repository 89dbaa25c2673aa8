//! Where the demo's server lives: its data folder, its port, its end.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use log::lock::{LOCK, Lock, LockError};

use super::screen::say;
use crate::platform::{Programs, Server, Setup};

/// Where a server listens that nobody told otherwise.
const PORT: u16 = 3233;
/// So long a server may take that the same Ctrl-C has reached.
const SAME_SIGNAL: Duration = Duration::from_secs(2);
/// How often it is looked whether the server still runs.
const LOOK: Duration = Duration::from_millis(200);

/// Empties the data folder and starts the server on it.
///
/// # Errors
/// A server runs on the folder, the folder is somebody else's, or the server does not start.
pub async fn open(programs: Programs, data: Option<PathBuf>) -> Result<Server> {
    let data = data.map_or_else(|| beside(&programs.quirld), Ok)?;
    let data = std::path::absolute(&data).with_context(|| data.display().to_string())?;
    empty(&data)?;
    let port = free_port();
    say(&format!("  $ quirld --data {} --listen 127.0.0.1:{port}", shortened(&data)));
    let start = Instant::now();
    let setup = Setup { programs: Some(programs), port, plain: true, ..Setup::new() };
    // Warnings are shown at the end; errors fail the demo.
    let server = setup.data(data).announce(" WARN ").start().await?;
    let took = start.elapsed().as_millis();
    say(&format!("  it listens on {}, process {}, after {took} ms", server.address, server.pid()));
    Ok(server)
}

/// `target/debug/quirld` → `target/demo`.
fn beside(program: &Path) -> Result<PathBuf> {
    let folder = program.parent().and_then(Path::parent);
    Ok(folder.context("where quirld is")?.join("demo"))
}

/// Removes what an earlier demo left; refuses what is held by a server, or is no data folder.
fn empty(data: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(data) {
        Ok(entries) => entries.count(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("read {}", data.display())),
    };
    if entries == 0 {
        return Ok(());
    }
    let shown = shortened(data);
    ensure!(data.join(LOCK).is_file(), "{shown} is no data folder of Quirl: it stays as it is");
    match Lock::acquire(data, "emptied by the demo") {
        Ok(_lock) => {}
        Err(LockError::Held { pid, address, .. }) => bail!(
            "a server runs on {shown} already: process {pid} ({address}), most likely of an \
             earlier demo. End it with `kill {pid}` or choose another folder: \
             cargo xtask demo -- --data target/demo2"
        ),
        Err(error) => return Err(error).context("look whether a server runs on the folder"),
    }
    say(&format!("  emptying {shown}, which an earlier demo left"));
    std::fs::remove_dir_all(data).with_context(|| format!("empty {shown}"))
}

/// Where the demo keeps files of its own: beside the data folder, which is the server's alone.
#[must_use]
pub fn files(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push("-files");
    data.with_file_name(name)
}

/// The usual port if nobody has it, else 0: the system chooses.
fn free_port() -> u16 {
    let is_free = TcpListener::bind(("127.0.0.1", PORT)).is_ok();
    if !is_free {
        say(&format!("  port {PORT} is taken: the system chooses another"));
    }
    if is_free { PORT } else { 0 }
}

/// A path as somebody here would type it.
#[must_use]
pub fn shortened(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

/// What the server warned of, if it did.
pub fn warnings(server: &Server) {
    let log = server.log();
    let warnings: Vec<_> = log.iter().filter(|line| line.contains(" WARN ")).collect();
    if !warnings.is_empty() {
        say("\nThe server warned:");
        warnings.iter().for_each(|line| say(&format!("  {line}")));
    }
}

/// How to go on from here, in another terminal; `example` is an activation worth a look.
///
/// # Errors
/// The programs are nowhere.
pub fn say_how_to_look(server: &Server, example: &str) -> Result<()> {
    let quirl = std::path::absolute(&server.programs.quirl)?;
    let (quirl, data) = (quirl.display(), server.data.display());
    let address = &server.address;
    // Without it a properties file would win over the data folder.
    let props = if has_properties() { " WSK_CONFIG_FILE=/dev/null" } else { "" };
    say(&format!("\nThe server stays: {address}, process {}. In another terminal:", server.pid()));
    say(&format!("  export QUIRL_DATA={data}{props}"));
    say(&format!("  {quirl} activation list"));
    say(&format!("  {quirl} activation history {example}"));
    say(&format!(
        "  {quirl} action invoke weather/months -r -p csv \"$(head -32 samples/data/seattle-weather.csv)\""
    ));
    say(&format!(
        "  curl -u \"$(cat {data}/secrets/guest.auth)\" {address}/api/v1/namespaces/_/activations/{example}"
    ));
    Ok(())
}

fn has_properties() -> bool {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".wskprops"));
    std::env::var_os("WSK_CONFIG_FILE").is_some() || home.is_some_and(|path| path.exists())
}

/// Waits until the server has ended, by whomever.
pub async fn until_gone(server: &Server) {
    while !server.is_gone() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Ends the server gracefully. A Ctrl-C of the terminal has reached it as well, and a second
/// signal would cut its stop short: it is given a moment to end by itself.
///
/// # Errors
/// It does not end well.
pub async fn close(server: &mut Server, at_once: bool) -> Result<()> {
    if !at_once && let Ok(status) = server.end(SAME_SIGNAL).await {
        ensure!(status.success(), "the server stopped with {status}");
        server.judge()?;
    } else {
        server.stop().await?;
    }
    say(&format!("The server has stopped; its data stays in {}.", shortened(&server.data)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_free_data_folder_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("demo");
        empty(&data).unwrap();
        std::fs::create_dir(&data).unwrap();
        empty(&data).unwrap();
        std::fs::write(data.join("thesis"), "years").unwrap();
        let foreign = empty(&data).unwrap_err().to_string();
        assert!(foreign.contains("no data folder"), "{foreign}");

        let lock = Lock::acquire(&data, "http://127.0.0.1:1").unwrap();
        let held = empty(&data).unwrap_err().to_string();
        let kill = format!("kill {}", std::process::id());
        assert!(held.contains(&kill) && held.contains("http://127.0.0.1:1"), "{held}");
        drop(lock);
        empty(&data).unwrap();
        assert!(!data.exists());
    }
}
