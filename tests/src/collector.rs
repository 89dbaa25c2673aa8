//! A stranger on the network: what reached it is in a file, synced before it answers.
//!
//! Paths say how it answers: `/redirect?<url>` sends elsewhere, `/large?<bytes>` answers with so
//! many, `/bytes` with each byte once, `/never` not at all, everything else with JSON. All of them
//! are noted first.

use std::convert::Infallible;
use std::fs::File;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::eventually::eventually;

/// So long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request that arrived whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its headers, names in small letters, in their order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Arrival {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A running collector. It ends when it is dropped.
#[derive(Debug)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
    folder: TempDir,
}

#[derive(Debug)]
struct Shared {
    file: Mutex<File>,
    holds: AtomicBool,
}

impl Collector {
    /// Listens at a free port of `ip`.
    ///
    /// # Errors
    /// There is none, or no file can be made.
    pub async fn at(ip: impl Into<IpAddr>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("quirl-collector-").tempdir()?;
        let file = File::create(Self::path(&folder)).context("create the file of arrivals")?;
        let shared = Arc::new(Shared { file: Mutex::new(file), holds: AtomicBool::new(false) });
        let listener = TcpListener::bind((ip.into(), 0)).await.context("listen")?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, task, folder })
    }

    fn path(folder: &TempDir) -> PathBuf {
        folder.path().join("arrivals")
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on everything is noted and nothing answered, or the other way round.
    pub fn hold(&self, holds: bool) {
        self.shared.holds.store(holds, Ordering::SeqCst);
    }

    /// What arrived so far at any path that begins like this, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn arrivals(&self, path: &str) -> Result<Vec<Arrival>> {
        let text = std::fs::read_to_string(Self::path(&self.folder)).context("read arrivals")?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let all = whole.lines().map(serde_json::from_str).collect::<Result<Vec<Arrival>, _>>();
        Ok(all?.into_iter().filter(|it| it.path.starts_with(path)).collect())
    }

    /// Waits until so many have arrived there.
    ///
    /// # Errors
    /// They do not in time.
    pub async fn wait_for(&self, path: &str, count: usize) -> Result<()> {
        eventually(PATIENCE, &format!("{count} arrivals at {path}"), || async {
            let seen = self.arrivals(path).map_err(|error| format!("{error:#}"))?.len();
            if seen >= count { Ok(()) } else { Err(format!("{seen} arrivals")) }
        })
        .await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, &shared));
            // The other side may be killed at any moment.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = head.headers.iter();
    let arrival = Arrival {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers: headers.map(|(name, it)| (name.to_string(), text(it.as_bytes()))).collect(),
        body: text(&body),
    };
    note(shared, &arrival);
    if arrival.path == "/never" || shared.holds.load(Ordering::SeqCst) {
        std::future::pending::<Infallible>().await;
    }
    let query = head.uri.query().unwrap_or_default();
    let (response, body) = match arrival.path.as_str() {
        "/redirect" => (Response::builder().status(302).header("location", query), Vec::new()),
        "/large" => (Response::builder(), vec![b'x'; query.parse().unwrap_or(0)]),
        "/bytes" => (Response::builder(), (0..=255).collect()),
        path => {
            let response =
                Response::builder().status(203).header("content-type", "application/json");
            let told = serde_json::json!({ "path": path, "length": body.len(), "text": "grüße" });
            (response.header("x-seen", "one").header("x-seen", "two"), told.to_string().into())
        }
    };
    // Everything in it is a constant but the place of a redirect.
    Ok(response.body(Full::new(body.into())).unwrap_or_default())
}

fn note(shared: &Shared, arrival: &Arrival) {
    let mut line = serde_json::to_vec(arrival).expect("it is made of texts");
    line.push(b'\n');
    let mut file = shared.file.lock().unwrap_or_else(PoisonError::into_inner);
    let noted = file.write_all(&line).and_then(|()| file.sync_data());
    noted.expect("arrivals can be written");
}
