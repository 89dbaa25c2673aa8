//! HTTP for guests: the host's client, and the policy about whom it may reach.
//!
//! A guest has no sockets; what it asks for is checked ([`Egress::judge`]) and then sent
//! ([`Egress::send`]). Between the two the caller writes down that the attempt touches the outside,
//! so whatever is refused without sending is refused in the first step.
//!
//! Promised: connections go only to addresses that the policy saw, redirects included. Nothing is
//! ever sent twice: each hop has a connection of its own, and no answer is an answer. Time, bytes and
//! requests in flight are bounded.
//!
//! Left to others: what a script sees of it, and who runs these futures.
//!
//! Source: Fetch standard; Node's undici where the standard is about browsers.

mod client;
mod coding;
mod hop;
mod lookup;
mod policy;
mod redirect;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use model::name::Namespace;
use model::size::ByteSize;
use serde::{Deserialize, Serialize};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::client::{Answer, Client};
use self::hop::Hop;
use self::lookup::Lookups;
use self::policy::Policy;
use self::redirect::Trail;
use crate::executor::lock;

/// Whom actions in Wasm sandboxes may reach over HTTP, and how much of it they get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Hosts that are reached although their addresses are not public: `example.com`,
    /// `*.example.com`, `10.1.2.3`, `10.0.0.0/8`, each also with a `:port`. Public addresses and
    /// this server's own API need no entry.
    pub allow: Vec<String>,
    /// A file of certificates (PEM) that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// The largest body of a response, decompressed.
    pub max_response: ByteSize,
    /// How long a request may take, from its start to the last byte of the response. The lookup
    /// of its host comes before and may take as long.
    pub timeout_seconds: u64,
    /// Redirects that are followed; one more is an error.
    pub max_redirects: u32,
    /// Requests on their way at a time, of which one namespace gets a quarter; more of them wait.
    pub max_requests: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            ca_file: None,
            max_response: ByteSize::mib(8),
            timeout_seconds: 60,
            max_redirects: 20,
            max_requests: 128,
        }
    }
}

/// What a guest asks for.
pub(crate) struct Request {
    /// As the script wrote it.
    pub(crate) method: String,
    /// Absolute.
    pub(crate) url: String,
    /// Names and values; characters of values stand for bytes (ISO 8859-1).
    pub(crate) headers: Vec<(String, String)>,
    /// Empty if there is none.
    pub(crate) body: Bytes,
    /// What to do with redirects.
    pub(crate) redirect: Redirect,
}

/// What to do with an answer that points elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// Go there.
    Follow,
    /// Fail.
    Error,
    /// Hand it out.
    Manual,
}

/// What came back.
pub(crate) struct Response {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// The words beside it; may be empty.
    pub(crate) status_text: String,
    /// Where it came from at last, without the fragment.
    pub(crate) url: String,
    /// Whether that was not the first address asked.
    pub(crate) redirected: bool,
    /// Names in small letters, and values; characters of values stand for bytes (ISO 8859-1).
    pub(crate) headers: Vec<(String, String)>,
    /// Decompressed.
    pub(crate) body: Bytes,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The operator's policy does not allow it.
    #[error("{0}")]
    Refused(String),
    /// The script asked for something that cannot be asked for: a `TypeError`.
    #[error("{0}")]
    Invalid(String),
    /// The network or the other side failed.
    #[error("{0}")]
    Failed(String),
    /// The response exceeds its bound.
    #[error("{0}")]
    TooLarge(String),
    /// Not done in time. The request may have arrived.
    #[error("{0}")]
    TimedOut(String),
}

impl Error {
    /// What the script is told.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Refused(text)
            | Self::Invalid(text)
            | Self::Failed(text)
            | Self::TooLarge(text)
            | Self::TimedOut(text) => text,
        }
    }
}

/// A request that the policy allows, and the addresses that it allows for it. Nothing was sent.
#[must_use = "a judged request was not sent yet"]
pub(crate) struct Judged {
    hop: Hop,
    redirect: Redirect,
    /// Not empty.
    addresses: Vec<SocketAddr>,
}

/// Of the requests on their way one namespace gets this part.
const SHARE: usize = 4;
/// Namespaces that are remembered before those without requests are forgotten.
const MOST_ROOMS: usize = 1_024;

/// A place among the requests on their way.
#[must_use = "it is given back when it is dropped"]
pub(crate) struct Room {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// The client and its policy, one for the process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Egress(Arc<Inner>);

struct Inner {
    policy: Policy,
    lookups: Lookups,
    client: Client,
    /// One for each request on its way.
    room: Arc<Semaphore>,
    /// The same, for each namespace that has some.
    rooms: Mutex<HashMap<Namespace, Arc<Semaphore>>>,
    max_of_one: usize,
    patience: Duration,
    max_redirects: u32,
}

impl Egress {
    /// Reads the policy and the certificates. `own` is the address of this server's API
    /// (`host:port` or a URL), which is always allowed.
    ///
    /// # Errors
    /// An entry of `allow` or the file of certificates cannot be used; for the operator.
    #[expect(clippy::needless_pass_by_value, reason = "what starts the driver hands it over")]
    pub(crate) fn new(config: &Config, own: Option<String>) -> Result<Self, String> {
        let patience = Duration::from_secs(config.timeout_seconds.max(1));
        Ok(Self(Arc::new(Inner {
            policy: Policy::new(&config.allow, own.as_deref())?,
            lookups: Lookups::new(),
            client: Client::new(
                tls::trust(config.ca_file.as_deref())?,
                patience,
                config.max_response,
            ),
            room: Arc::new(Semaphore::new(config.max_requests.max(1) as usize)),
            rooms: Mutex::default(),
            max_of_one: (config.max_requests as usize).div_ceil(SHARE).max(1),
            patience,
            max_redirects: config.max_redirects,
        })))
    }

    /// Checks the request, looks up its host and applies the policy. Nothing is sent to that host.
    ///
    /// # Errors
    /// [`Error::Invalid`] and [`Error::Refused`]; [`Error::Failed`] and [`Error::TimedOut`] if the
    /// host cannot be looked up.
    pub(crate) async fn judge(&self, request: &Request) -> Result<Judged, Error> {
        let hop = Hop::from_request(request)?;
        let host = hop.host().to_owned();
        let judging = self.judge_hop(hop, request.redirect);
        self.in_time(&host, judging).await
    }

    /// A place among the requests on their way, of which one namespace gets only a part.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if there is none for too long.
    pub(crate) async fn room(&self, namespace: &Namespace) -> Result<Room, Error> {
        let own = {
            let mut rooms = lock(&self.0.rooms);
            if rooms.len() >= MOST_ROOMS {
                let max = self.0.max_of_one;
                rooms.retain(|_, room| {
                    room.available_permits() < max || Arc::strong_count(room) > 1
                });
            }
            let new = || Arc::new(Semaphore::new(self.0.max_of_one));
            Arc::clone(rooms.entry(namespace.clone()).or_insert_with(new))
        };
        let both = async {
            let own = own.acquire_owned().await;
            let all = Arc::clone(&self.0.room).acquire_owned().await;
            let closed = |error: AcquireError| Error::Failed(format!("fetch failed: {error}"));
            Ok(Room { _own: own.map_err(closed)?, _all: all.map_err(closed)? })
        };
        self.in_time("this server", both).await
    }

    /// Sends the request, follows its redirects, each judged like the first, and reads the body.
    /// Dropping the future closes the connection.
    ///
    /// # Errors
    /// All but [`Error::Invalid`]. Of none of them can be said that the other side did nothing.
    pub(crate) async fn send(&self, judged: Judged, _room: Room) -> Result<Response, Error> {
        let host = judged.hop.host().to_owned();
        self.in_time(&host, self.follow(judged)).await
    }

    async fn in_time<T>(
        &self,
        host: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let patience = self.0.patience;
        timeout(patience, work).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs();
            let told = "took longer than";
            Err(Error::TimedOut(format!(
                "The request to {host} {told} {seconds} s (egress.timeout-seconds)."
            )))
        })
    }

    async fn judge_hop(&self, hop: Hop, redirect: Redirect) -> Result<Judged, Error> {
        let found = self.0.lookups.find(&hop).await?;
        let addresses: Vec<_> = found.iter().map(SocketAddr::ip).collect();
        let allowed = self.0.policy.judge(hop.host(), hop.port(), &addresses);
        let allowed = allowed.map_err(Error::Refused)?;
        let addresses = found.into_iter().filter(|it| allowed.contains(&it.ip())).collect();
        Ok(Judged { hop, redirect, addresses })
    }

    async fn follow(&self, mut judged: Judged) -> Result<Response, Error> {
        let mut trail = Trail { mode: judged.redirect, followed: 0, max: self.0.max_redirects };
        loop {
            match self.0.client.exchange(&judged, trail).await? {
                Answer::Here(response) => return Ok(response),
                Answer::Elsewhere(next) => judged = self.judge_hop(next, judged.redirect).await?,
            }
            trail.followed += 1;
        }
    }
}
