//! Requests of one script, from its `fetch` to the answer: what the host does with each.
//!
//! A request is judged, then leave is asked to act on the outside, then it is sent: in this order, so
//! that nothing leaves before the ledger says so, and what the policy refuses costs no record. All
//! that happens on the server's own runtime; the script is told when it waits.
//!
//! Source: `exactly-once.md` §4, "`Touched`, case by case".

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::task::AtomicWaker;
use invoker::driver::WayOut;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::egress::{Egress, Error, Redirect, Request, Response};
use crate::executor::{Sleep, Turn};
use crate::host::Cut;

/// Requests of one instance at a time; more are refused.
const MOST: usize = 32;
/// How long the end of a script waits for a request that is being sent.
const GRACE: Duration = Duration::from_millis(250);

/// How scripts reach the outside. `None`: they do not.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) egress: Egress,
    pub(crate) runtime: Handle,
    /// Time since some start.
    pub(crate) now: fn() -> Duration,
}

/// The requests of one instance. Dropping it drops those that are under way.
pub(crate) struct Requests {
    outgoing: Option<Outgoing>,
    way_out: WayOut,
    next: i32,
    open: BTreeMap<i32, AbortHandle>,
    shared: Arc<Shared>,
    /// What the script was told to look at.
    current: Option<Result<Response, Failed>>,
}

/// Between an instance and its requests.
#[derive(Default)]
struct Shared {
    arrived: Mutex<VecDeque<Reply>>,
    /// Since when requests are being sent.
    sending: Mutex<BTreeMap<i32, Duration>>,
    /// This attempt may not act on the outside any more.
    is_closed: AtomicBool,
    waker: AtomicWaker,
}

/// How a request ended.
pub(crate) struct Reply {
    number: i32,
    result: Result<Response, Failed>,
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
    fn tell(&self, number: i32, result: Result<Response, Failed>) {
        lock(&self.arrived).push_back(Reply { number, result });
        self.waker.wake();
    }

    fn note_sending(&self, number: i32, now: Duration) {
        lock(&self.sending).insert(number, now);
        self.waker.wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reply {
    /// What it takes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.result.as_ref().map_or(0, |response| response.body.len() as u64)
    }
}

impl Requests {
    pub(crate) fn new(outgoing: Option<Outgoing>, way_out: WayOut) -> Self {
        Self {
            outgoing,
            way_out,
            next: 0,
            open: BTreeMap::new(),
            shared: Arc::default(),
            current: None,
        }
    }

    /// Begins a request and gives its number.
    pub(crate) fn send(&mut self, head: &[u8], body: Bytes) -> i32 {
        self.next += 1;
        let number = self.next;
        match self.request(head, body) {
            Ok((outgoing, request)) => self.spawn(number, outgoing, request),
            Err(failed) => self.shared.tell(number, Err(failed)),
        }
        number
    }

    fn request(&self, head: &[u8], body: Bytes) -> Result<(Outgoing, Request), Failed> {
        let head: Head = serde_json::from_slice(head)
            .map_err(|error| Failed { kind: "invalid", text: error.to_string() })?;
        let outgoing = self.outgoing.clone().ok_or_else(|| Failed {
            kind: "refused",
            text: "This server lets no requests out of actions.".to_owned(),
        })?;
        if self.open.len() >= MOST {
            let text = format!("More than {MOST} requests of one activation are under way.");
            return Err(Failed { kind: "failed", text });
        }
        let redirect = match head.redirect {
            Mode::Follow => Redirect::Follow,
            Mode::Error => Redirect::Error,
            Mode::Manual => Redirect::Manual,
        };
        let Head { method, url, headers, .. } = head;
        Ok((outgoing, Request { method, url, headers, body, redirect }))
    }

    fn spawn(&mut self, number: i32, outgoing: Outgoing, request: Request) {
        let (shared, way_out) = (Arc::clone(&self.shared), self.way_out.clone());
        let Outgoing { egress, runtime, now } = outgoing;
        let task = runtime.spawn(async move {
            let judged = match egress.judge(&request).await {
                Ok(judged) => judged,
                Err(error) => return shared.tell(number, Err(error.into())),
            };
            if (way_out.0)().await.is_err() {
                shared.is_closed.store(true, Ordering::Release);
                return shared.waker.wake();
            }
            shared.note_sending(number, now());
            let response = egress.send(judged).await;
            shared.tell(number, response.map_err(Failed::from));
        });
        self.open.insert(number, task.abort_handle());
    }

    /// Gives a request up.
    pub(crate) fn cancel(&mut self, number: i32) {
        if let Some(task) = self.open.remove(&number) {
            task.abort();
        }
    }

    /// Waits for one to end, until `sleep` is over. Then, `None`.
    pub(crate) async fn arrived(&self, sleep: Option<Sleep>) -> Option<Reply> {
        let shared = Arc::clone(&self.shared);
        let mut sleep = pin!(sleep);
        std::future::poll_fn(move |context| {
            shared.waker.register(context.waker());
            if shared.is_closed.load(Ordering::Acquire) {
                return Poll::Ready(None);
            }
            if let Some(reply) = lock(&shared.arrived).pop_front() {
                return Poll::Ready(Some(reply));
            }
            match sleep.as_mut().as_pin_mut() {
                Some(sleep) => sleep.poll(context).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Puts a reply where the script looks it up, and gives its number.
    pub(crate) fn take(&mut self, reply: Reply) -> i32 {
        self.open.remove(&reply.number);
        self.current = Some(reply.result);
        reply.number
    }

    /// Whether the attempt may go on: it may not once leave was refused.
    pub(crate) fn check(&self) -> Result<(), Cut> {
        let is_closed = self.shared.is_closed.load(Ordering::Acquire);
        if is_closed { Err(Cut::Closed) } else { Ok(()) }
    }

    /// Waits until all that was begun was refused, answered, or is on its way: the script has ended.
    pub(crate) async fn finish(&mut self, turn: &Turn) -> Result<(), Cut> {
        loop {
            self.check()?;
            for reply in std::mem::take(&mut *lock(&self.shared.arrived)) {
                self.open.remove(&reply.number);
            }
            let until = match self.all_sent_at() {
                Some(until) if until <= turn.now() => return Ok(()),
                until => until,
            };
            self.changed(until.map(|until| turn.sleep_until(until))).await;
        }
    }

    /// When those that are under way will have been sent; `None` if some wait for leave.
    fn all_sent_at(&self) -> Option<Duration> {
        let sending = lock(&self.shared.sending);
        let since = self.open.keys().map(|number| sending.get(number).copied());
        since
            .map(|since| Some(since? + GRACE))
            .try_fold(Duration::ZERO, |last, at| Some(last.max(at?)))
    }

    /// Waits until something happens to a request, or `sleep` is over.
    async fn changed(&self, sleep: Option<Sleep>) {
        let mut sleep = pin!(sleep);
        let mut is_woken = false;
        std::future::poll_fn(|context| {
            let is_over = sleep.as_mut().as_pin_mut().is_some_and(|it| it.poll(context).is_ready());
            if is_over || std::mem::replace(&mut is_woken, true) {
                return Poll::Ready(());
            }
            self.shared.waker.register(context.waker());
            Poll::Pending
        })
        .await;
    }

    /// The head of the current reply, as JSON.
    pub(crate) fn head(&self) -> Bytes {
        let told = match &self.current {
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
        self.current.as_ref()?.as_ref().ok().map(|response| response.body.clone())
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.open.values().for_each(AbortHandle::abort);
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
        Self { kind, text: error.text().to_owned() }
    }
}
