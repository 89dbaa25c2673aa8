//! Yardsticks **H** and **Y**: bare hyper servers, in a process of their own so that their CPU can
//! be told from that of the load.
//!
//! H sends back what it got. Y waits for a round of G, runs an instance, waits for another round,
//! and answers: everything that must be done for an invocation, without a platform.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::group::Group;
use super::sandbox::Sandbox;

/// Threads of the server.
const WORKERS: usize = 2;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// Echo.
    H,
    /// Two rounds of G and one I for each request.
    Y,
}

/// What a request has to go through.
enum Work {
    Echo,
    All { group: Arc<Group>, sandbox: Sandbox },
}

/// The life of the child process: tells its address, ends with its parent.
///
/// # Errors
/// It cannot be set up.
pub fn serve(which: Which, folder: &Path, samples: &Path) -> Result<()> {
    let work = Arc::new(match which {
        Which::H => Work::Echo,
        Which::Y => {
            let group = Arc::new(Group::create(folder)?);
            // It ends with the process.
            drop(group.serve()?);
            Work::All { group, sandbox: Sandbox::new(samples)? }
        }
    });
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{address}")?;
        out.flush()?;
        tokio::spawn(accept(listener, work));
        // The parent holds the other end of our input for as long as it lives.
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        Ok(())
    })
}

async fn accept(listener: TcpListener, work: Arc<Work>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it answers wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        let work = Arc::clone(&work);
        tokio::spawn(async move {
            let answer = |request| {
                let work = Arc::clone(&work);
                async move { answer(request, &work).await }
            };
            let io = TokioIo::new(stream);
            // How a connection ends does not matter to a yardstick.
            let _ = http1::Builder::new().serve_connection(io, service_fn(answer)).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    work: &Work,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if let Work::All { group, sandbox } = work {
        group.commit().await;
        sandbox.run().expect("the empty sample does not trap");
        group.commit().await;
    }
    Ok(Response::new(Full::new(body)))
}

/// A yardstick that runs.
pub struct Yardstick {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Yardstick {
    /// Starts this program once more, as a yardstick.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(which: Which, folder: &Path, samples: &Path) -> Result<Self> {
        let this = std::env::current_exe().context("where this program is")?;
        let name = match which {
            Which::H => "h",
            Which::Y => "y",
        };
        let folder: PathBuf = folder.to_owned();
        let mut command = Command::new(this);
        command.args(["--yardstick", name]).arg("--folder").arg(folder);
        command.arg("--samples").arg(samples).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("start a yardstick")?;
        let mut line = String::new();
        let out = child.stdout.take().context("it has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.with_context(|| format!("yardstick {name} says '{line}'"))?;
        Ok(Self { child, address })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        // It may be gone; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
