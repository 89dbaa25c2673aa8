//! Several clients send slices, the server is killed among them, and nobody loses an answer.
//!
//! Each request carries an `Idempotency-Key`. A client that got no answer does what clients should
//! do: it sends the same request with the same key, until it gets one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use api::Client;
use api::client::{Error, Fired, Invocation, Invoke, Name};
use model::json::Json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::pipeline::{Pipeline, child_of};
use super::place::shortened;
use super::screen::say;
use super::slices::Slice;
use crate::platform::{Server, metrics, was_killed};

/// Clients at once.
const CLIENTS: usize = 12;
/// As many sequences should be open when the server is killed.
const SEVERAL: f64 = 6.0;
/// A request is not sent more often.
const SENDS: u32 = 100;
/// How long a client waits before it sends again.
const PAUSE: Duration = Duration::from_millis(20);
/// So long the moment of the kill is waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// What was sent and told.
#[derive(Clone, Debug)]
pub struct Fed {
    /// The kill.
    pub kill: Kill,
    /// What was told of each slice, in order.
    pub told: Vec<Told>,
}

impl Fed {
    /// What was told of the slices of one pipeline, in order.
    pub fn of(&self, pipeline: Pipeline) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(move |told| told.pipeline == pipeline)
    }
}

/// The end of the first server.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    /// When it was dead, and the next not yet started: milliseconds since the epoch.
    pub at: i64,
}

/// What a client knows about a slice in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it was fed to.
    pub pipeline: Pipeline,
    /// Its activation.
    pub id: String,
    /// The fire that started it, if it was not invoked.
    pub fired: Option<String>,
    /// The record that was the answer, if the client waited for the end.
    pub answer: Option<Json>,
    /// How often it was sent.
    pub sends: u32,
    /// Whether the last answer was about an activation that an earlier request had made.
    pub replayed: bool,
    /// When: milliseconds since the epoch.
    pub at: i64,
}

/// What the clients share.
struct Feed {
    client: Client,
    slices: Vec<Slice>,
    next: AtomicUsize,
    is_up: watch::Receiver<bool>,
}

/// Feeds all slices and kills the server in the middle.
///
/// # Errors
/// A client gets an answer that is none, or the server does not start again.
pub async fn feed(server: &mut Server, slices: Vec<Slice>) -> Result<Fed> {
    let count = slices.len();
    say(&format!(
        "  {count} slices, each an invocation of its own, by {CLIENTS} clients at once; every other"
    ));
    say("  one waits for the end, the rest fires a trigger; all carry an Idempotency-Key");
    for pipeline in Pipeline::ALL {
        let own = slices.iter().filter(|slice| slice.pipeline == pipeline).count();
        say(&format!("  {own} of them to {}: {}", pipeline.name(), pipeline.slice_words()));
    }
    let before = Seen::now(server).await?;
    let (up, is_up) = watch::channel(true);
    let client = server.client()?;
    let feed = Arc::new(Feed { client, slices, next: AtomicUsize::new(0), is_up });
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(Arc::clone(&feed).work());
    }
    let kill = kill(server, before.accepted, count).await?;
    up.send_replace(false);
    start_again(server).await?;
    up.send_replace(true);
    let mut told = Vec::new();
    while let Some(part) = clients.join_next().await {
        told.extend(part.context("a client panicked")??);
    }
    told.sort_by_key(|(slice, _)| *slice);
    ensure!(told.len() == count, "{} of {count} slices were told of", told.len());
    let client = server.client()?;
    let mut all = Vec::with_capacity(count);
    for (_, mut told) in told {
        if let Some(fired) = &told.fired {
            told.id = child_of(&client, fired).await?;
        }
        all.push(told);
    }
    Ok(Fed { kill, told: all })
}

/// What the server counts.
#[derive(Clone, Copy, Debug)]
struct Seen {
    accepted: f64,
    open: f64,
}

impl Seen {
    async fn now(server: &Server) -> Result<Self> {
        let all = metrics(&server.address).await?;
        let figure = |name: &str| {
            let found = all.iter().find(|(series, _)| series == name);
            found.map(|(_, value)| *value).with_context(|| format!("no figure {name}"))
        };
        Ok(Self {
            // Of a fire both the trigger's and its rule's are counted; one of them for each slice.
            accepted: figure("quirl_activations_accepted_total{cause=\"invoke\"}")?,
            open: figure("quirl_activations_open{state=\"parent\"}")?,
        })
    }
}

/// Kills the server as soon as half of the slices are accepted and several are open.
#[expect(clippy::cast_precision_loss, reason = "a few hundred slices")]
async fn kill(server: &mut Server, before: f64, count: usize) -> Result<Kill> {
    let count = count as f64;
    let start = Instant::now();
    loop {
        let seen = Seen::now(server).await?;
        let accepted = seen.accepted - before;
        // If they end faster than they come, a few will have to do.
        let is_late = accepted > 0.8 * count;
        if accepted >= count / 2.0 && (seen.open >= SEVERAL || is_late) {
            let pid = server.pid();
            let status = server.kill()?;
            let at = now();
            ensure!(was_killed(status), "process {pid} was to be killed and ended with {status}");
            say(&format!("  {accepted} accepted, {} of them open: now", seen.open));
            say(&format!("  $ kill -9 {pid}"));
            return Ok(Kill { at });
        }
        ensure!(start.elapsed() < LIMIT, "only {accepted} accepted within {LIMIT:?}");
    }
}

async fn start_again(server: &mut Server) -> Result<()> {
    let start = Instant::now();
    let address = server.address.trim_start_matches("http://");
    say(&format!("  $ quirld --data {} --listen {address}", shortened(&server.data)));
    server.restart().await?;
    let took = start.elapsed().as_millis();
    say(&format!("  it takes work again, as process {}, after {took} ms", server.pid()));
    Ok(())
}

impl Feed {
    /// One client: takes slices until none is left.
    async fn work(self: Arc<Self>) -> Result<Vec<(usize, Told)>> {
        let mut told = Vec::new();
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(slice) = self.slices.get(at) else { return Ok(told) };
            told.push((at, self.send(slice).await?));
        }
    }

    /// Sends a slice until it is answered.
    async fn send(&self, slice: &Slice) -> Result<Told> {
        let client = self.client.clone().with_header("Idempotency-Key", &slice.key)?;
        let pipeline = slice.pipeline;
        let name = format!("{}/{}", pipeline.name(), pipeline.sequence());
        let name = Name::parse(&name, "_")?;
        let trigger = Name::parse_unpackaged(pipeline.triggers().0, "_")?;
        let how = Invoke { blocking: true, ..Invoke::default() };
        let mut sends = 0;
        loop {
            sends += 1;
            let answer = if slice.blocking {
                client.invoke(&name, &slice.args, how).await.map(Asked::Invoked)
            } else {
                client.fire(&trigger, &slice.args).await.map(Asked::Fired)
            };
            match answer {
                Ok(Asked::Invoked(invocation)) => return told(pipeline, invocation, sends),
                Ok(Asked::Fired(fired)) => return told_of_fire(pipeline, fired, sends),
                Err(error) => self.bear(&error, sends).with_context(|| slice.key.clone())?,
            }
            tokio::time::sleep(PAUSE).await;
            self.is_up.clone().wait_for(|is_up| *is_up).await.context("the demo is over")?;
        }
    }

    /// Whether the same request may be sent once more.
    fn bear(&self, error: &Error, sends: u32) -> Result<()> {
        ensure!(error.is_transient(), "refused: {error}");
        ensure!(sends < SENDS, "no answer to {sends} requests, the last one: {error}");
        Ok(())
    }
}

/// What was answered.
enum Asked {
    Invoked(Invocation),
    Fired(Fired),
}

fn told_of_fire(pipeline: Pipeline, fired: Fired, sends: u32) -> Result<Told> {
    let at = now();
    match fired {
        Fired::Nothing => bail!("a fire of {} started nothing", pipeline.triggers().0),
        Fired::Accepted { id, replayed } => {
            let (id, fired) = (String::new(), Some(id));
            Ok(Told { pipeline, id, fired, answer: None, sends, replayed, at })
        }
    }
}

fn told(pipeline: Pipeline, invocation: Invocation, sends: u32) -> Result<Told> {
    let at = now();
    match invocation {
        Invocation::Accepted { id, replayed } => {
            Ok(Told { pipeline, id, fired: None, answer: None, sends, replayed, at })
        }
        Invocation::Ended { id, status, body, replayed } => {
            ensure!(status == 200, "an invocation ended with {status}: {}", body.as_str());
            let id = id.context("an answer without X-OpenWhisk-Activation-Id")?;
            Ok(Told { pipeline, id, fired: None, answer: Some(body), sends, replayed, at })
        }
    }
}

/// Milliseconds since the epoch, as the server writes them into histories.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
