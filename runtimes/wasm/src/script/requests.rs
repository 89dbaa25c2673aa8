//! Requests of one script, from its `fetch` to the answer: what the host does with each.
//!
//! A request is judged, then leave is asked to act on the outside, then it is sent: in this order, so
//! that nothing leaves before the ledger says so, and what the policy refuses costs no record. All
//! that happens on the server's own runtime; the script is told when it waits.
//!
//! Source: `exactly-once.md` §4, "`Touched`, case by case".

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::task::AtomicWaker;
use invoker::driver::{Closed, WayOut};
use model::name::Namespace;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::budget::{Budget, Charge};
use crate::egress::{Egress, Error, Redirect, Request, Response};
use crate::executor::{Sleep, Turn, lock};
use crate::host::Cut;

/// Requests of one instance that are under way or whose answer was not looked at; more are refused.
const MOST: usize = 32;
/// How large the head of a request may be, bytes.
const MOST_HEAD: usize = 256 << 10;
/// How much of a failure is told, bytes.
const MOST_TEXT: usize = 1 << 10;
/// How long the end of a script waits for a request that is being sent.
const GRACE: Duration = Duration::from_secs(1);

/// How scripts reach the outside.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) egress: Egress,
    pub(crate) runtime: Handle,
    /// Time since some start.
    pub(crate) now: fn() -> Duration,
}

/// The requests of one instance. Dropping it drops those that are under way.
pub(crate) struct Requests {
    /// `None`: nothing leaves.
    outgoing: Option<Outgoing>,
    way_out: WayOut,
    namespace: Namespace,
    budget: Arc<Budget>,
    next: i32,
    tasks: BTreeMap<i32, AbortHandle>,
    shared: Arc<Shared>,
    /// What the script was told to look at.
    current: Option<Reply>,
}

/// Between an instance and its requests.
#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Inner {
    stages: BTreeMap<i32, Stage>,
    /// Those that have arrived, the first one first.
    arrived: VecDeque<i32>,
    /// This attempt may not act on the outside any more.
    is_closed: bool,
}

/// How far a request has come.
enum Stage {
    /// It is judged, or waits for leave.
    Asking,
    /// It is being sent, since then.
    Sending(Duration),
    Arrived(Reply),
}

/// How a request ended.
struct Reply {
    result: Result<Response, Failed>,
    /// The memory that its body takes.
    _charge: Option<Charge>,
}

/// Why there is no response: as the script throws it.
#[derive(Clone, Debug, Serialize)]
struct Failed {
    /// `invalid`: it is to blame itself. `refused`: the policy. `failed`, `timeout`: the network.
    kind: &'static str,
    text: String,
}

/// A request, as the library writes it.
#[derive(Deserialize)]
struct Head {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    redirect: Mode,
}

/// What to do with redirects.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Follow,
    Error,
    Manual,
}

/// A response or a failure, as the library reads it.
#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    #[serde(rename_all = "camelCase")]
    Response {
        status: u16,
        status_text: &'a str,
        url: &'a str,
        redirected: bool,
        headers: &'a [(String, String)],
    },
    Failed {
        error: &'a Failed,
    },
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Unless it was given up meanwhile.
    fn tell(&self, number: i32, reply: Reply) {
        let mut inner = self.lock();
        if let Some(stage) = inner.stages.get_mut(&number) {
            *stage = Stage::Arrived(reply);
            inner.arrived.push_back(number);
        }
        drop(inner);
        self.waker.wake();
    }

    fn note_sending(&self, number: i32, now: Duration) {
        if let Some(stage) = self.lock().stages.get_mut(&number) {
            *stage = Stage::Sending(now);
        }
        self.waker.wake();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.waker.wake();
    }
}

/// Tells that a request broke off, unless it was told otherwise.
struct Teller {
    shared: Arc<Shared>,
    number: i32,
    is_told: bool,
}

impl Teller {
    fn tell(mut self, reply: Reply) {
        self.is_told = true;
        self.shared.tell(self.number, reply);
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if !self.is_told {
            let text = "fetch failed: the request broke off".to_owned();
            self.shared.tell(self.number, Failed { kind: "failed", text }.into());
        }
    }
}

impl From<Failed> for Reply {
    fn from(failed: Failed) -> Self {
        Self { result: Err(failed), _charge: None }
    }
}

impl Requests {
    pub(crate) fn new(
        outgoing: Option<Outgoing>,
        way_out: WayOut,
        namespace: Namespace,
        budget: Arc<Budget>,
    ) -> Self {
        Self {
            outgoing,
            way_out,
            namespace,
            budget,
            next: 0,
            tasks: BTreeMap::new(),
            shared: Arc::default(),
            current: None,
        }
    }

    /// Begins a request and gives its number; 0 if there are too many.
    pub(crate) fn send(&mut self, head: &[u8], body: &[u8]) -> i32 {
        if self.shared.lock().stages.len() >= MOST {
            return 0;
        }
        self.next += 1;
        let number = self.next;
        self.shared.lock().stages.insert(number, Stage::Asking);
        match self.request(head, body) {
            Ok((outgoing, request, charge)) => self.spawn(number, outgoing, request, charge),
            Err(failed) => self.shared.tell(number, failed.into()),
        }
        number
    }

    fn request(&self, head: &[u8], body: &[u8]) -> Result<(Outgoing, Request, Charge), Failed> {
        let outgoing = self.outgoing.clone().ok_or_else(|| Failed {
            kind: "refused",
            text: "This server lets no requests out of actions.".to_owned(),
        })?;
        let invalid = |text| Failed { kind: "invalid", text };
        if head.len() > MOST_HEAD {
            let text =
                format!("The URL and headers of a request are larger than {MOST_HEAD} bytes.");
            return Err(invalid(text));
        }
        let head: Head =
            serde_json::from_slice(head).map_err(|error| invalid(error.to_string()))?;
        let charge = self.budget.charge(body.len() as u64).ok_or_else(no_memory)?;
        let redirect = match head.redirect {
            Mode::Follow => Redirect::Follow,
            Mode::Error => Redirect::Error,
            Mode::Manual => Redirect::Manual,
        };
        let Head { method, url, headers, .. } = head;
        let body = Bytes::copy_from_slice(body);
        Ok((outgoing, Request { method, url, headers, body, redirect }, charge))
    }

    fn spawn(&mut self, number: i32, outgoing: Outgoing, request: Request, charge: Charge) {
        let shared = Arc::clone(&self.shared);
        let teller = Teller { shared: Arc::clone(&shared), number, is_told: false };
        let (way_out, budget) = (self.way_out.clone(), Arc::clone(&self.budget));
        let namespace = self.namespace.clone();
        let Outgoing { egress, runtime, now } = outgoing;
        let task = runtime.spawn(async move {
            let leaving = async {
                // The room is taken first: what waits for it has not acted yet.
                let room = egress.room(&namespace).await.map_err(Some)?;
                let judged = egress.judge(&request).await.map_err(Some)?;
                (way_out.0)().await.map_err(|Closed| None)?;
                shared.note_sending(number, now());
                egress.send(judged, room).await.map_err(Some)
            };
            let left = leaving.await;
            drop(charge);
            match left {
                Ok(response) => teller.tell(charged(response, &budget)),
                Err(Some(error)) => teller.tell(Failed::from(error).into()),
                Err(None) => shared.close(),
            }
        });
        self.tasks.insert(number, task.abort_handle());
    }

    /// Gives a request up.
    pub(crate) fn cancel(&mut self, number: i32) {
        self.forget(number);
    }

    /// Forgets a request, and what came of it.
    fn forget(&mut self, number: i32) -> Option<Stage> {
        if let Some(task) = self.tasks.remove(&number) {
            task.abort();
        }
        let mut inner = self.shared.lock();
        inner.arrived.retain(|arrived| *arrived != number);
        inner.stages.remove(&number)
    }

    /// Waits for one to end, until `sleep` is over, and gives its number. It is what the script looks
    /// at from then on. `None`: none has ended.
    ///
    /// # Errors
    /// The attempt may not act on the outside any more.
    pub(crate) async fn arrived(&mut self, sleep: Option<Sleep>) -> Result<Option<i32>, Cut> {
        let shared = Arc::clone(&self.shared);
        let mut sleep = pin!(sleep);
        let arrived = std::future::poll_fn(move |context| {
            shared.waker.register(context.waker());
            let inner = shared.lock();
            if inner.is_closed {
                return Poll::Ready(Err(Cut::Closed));
            }
            if let Some(number) = inner.arrived.front() {
                return Poll::Ready(Ok(Some(*number)));
            }
            drop(inner);
            match sleep.as_mut().as_pin_mut() {
                Some(sleep) => sleep.poll(context).map(|()| Ok(None)),
                None => Poll::Pending,
            }
        });
        let Some(number) = arrived.await? else { return Ok(None) };
        self.current = match self.forget(number) {
            Some(Stage::Arrived(reply)) => Some(reply),
            _ => None,
        };
        Ok(Some(number))
    }

    /// Waits until all that was begun was refused, answered, or is on its way: the script has ended.
    ///
    /// # Errors
    /// The attempt may not act on the outside any more.
    pub(crate) async fn finish(&mut self, turn: &Turn) -> Result<(), Cut> {
        let mut sleep = None;
        std::future::poll_fn(|context| {
            self.shared.waker.register(context.waker());
            let inner = self.shared.lock();
            if inner.is_closed {
                return Poll::Ready(Err(Cut::Closed));
            }
            let Some(until) = inner.all_sent_at() else { return Poll::Pending };
            drop(inner);
            if until <= turn.now() {
                return Poll::Ready(Ok(()));
            }
            // None can come to be asked for now, so this moment only becomes later once.
            let sleep = sleep.insert(Box::pin(turn.sleep_until(until)));
            sleep.as_mut().poll(context).map(Ok)
        })
        .await
    }

    /// The head of the current reply, as JSON.
    pub(crate) fn head(&self) -> Bytes {
        let told = match self.current.as_ref().map(|reply| &reply.result) {
            Some(Ok(response)) => Told::Response {
                status: response.status,
                status_text: &response.status_text,
                url: &response.url,
                redirected: response.redirected,
                headers: &response.headers,
            },
            Some(Err(error)) => Told::Failed { error },
            None => return Bytes::new(),
        };
        serde_json::to_vec(&told).unwrap_or_default().into()
    }

    /// The body of the current reply.
    pub(crate) fn body(&self) -> Option<Bytes> {
        self.current.as_ref()?.result.as_ref().ok().map(|response| response.body.clone())
    }
}

impl Inner {
    /// When those that are under way will have been sent; `None` if some still ask.
    fn all_sent_at(&self) -> Option<Duration> {
        let mut last = Duration::ZERO;
        for stage in self.stages.values() {
            match stage {
                Stage::Asking => return None,
                Stage::Sending(since) => last = last.max(*since + GRACE),
                Stage::Arrived(_) => {}
            }
        }
        Some(last)
    }
}

fn no_memory() -> Failed {
    let text = "fetch failed: the memory of all sandboxes is used up".to_owned();
    Failed { kind: "failed", text }
}

/// A response whose body is paid for.
fn charged(response: Response, budget: &Arc<Budget>) -> Reply {
    match budget.charge(response.body.len() as u64) {
        Some(charge) => Reply { result: Ok(response), _charge: Some(charge) },
        None => no_memory().into(),
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Invalid(_) => "invalid",
            Error::Refused(_) => "refused",
            Error::TimedOut(_) => "timeout",
            Error::Failed(_) | Error::TooLarge(_) => "failed",
        };
        let mut text = error.text().to_owned();
        text.truncate(text.floor_char_boundary(MOST_TEXT));
        Self { kind, text }
    }
}
