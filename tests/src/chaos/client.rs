//! A client that writes down what it is about to do, does it, and writes down what came of it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use daemon::random::Random;
use http::Method;
use tokio::net::TcpStream;

use super::actions::{Taste, Wishes};
use crate::journal::{Answer, Entry, Expect, How, Told, Wish, Writer};

/// What the lanes of each client do.
const LANES: [Taste; 6] = [
    Taste::Blocking,
    Taste::Blocking,
    Taste::NonBlocking,
    Taste::NonBlocking,
    Taste::Sequences,
    Taste::Sequences,
];
/// No wish may take longer to be settled, however often the server dies.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two tries, and between two looks at a closed port.
const PAUSE: Duration = Duration::from_millis(15);

/// One client: one journal, several requests at a time.
#[derive(Debug)]
pub struct Client {
    name: String,
    address: String,
    api: api::Client,
    journal: Mutex<Writer>,
    wishes: AtomicU64,
}

/// Whether clients go on wishing.
pub type GoOn = Arc<AtomicBool>;

impl Client {
    /// Number `number`, which keeps its journal in `folder`.
    ///
    /// # Errors
    /// It cannot be kept.
    pub fn new(number: usize, folder: &Path, address: &str, key: &str) -> Result<Self> {
        let name = format!("c{number}");
        let journal = Writer::create(&folder.join(format!("{name}.journal")))?;
        Ok(Self {
            api: api::Client::new(address)?.with_key(key)?.with_patience(PATIENCE),
            address: address.trim_start_matches("http://").to_owned(),
            journal: Mutex::new(journal),
            wishes: AtomicU64::new(0),
            name,
        })
    }

    /// Wishes one thing after the other in every lane, until it is told to stop and all is settled.
    ///
    /// # Errors
    /// A wish was not settled, or the journal could not be kept.
    pub async fn run(self: Arc<Self>, go_on: GoOn, random: Random) -> Result<()> {
        let mut lanes = tokio::task::JoinSet::new();
        for taste in LANES {
            let wishes = Wishes::new(taste, Random::seeded(random.u64()));
            let random = Random::seeded(random.u64());
            let lane = Lane { client: Arc::clone(&self), taste, wishes, random };
            lanes.spawn(lane.run(Arc::clone(&go_on)));
        }
        while let Some(lane) = lanes.join_next().await {
            lane??;
        }
        Ok(())
    }

    fn keep(&self, entries: &[Entry]) -> Result<()> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::task::block_in_place(|| journal.keep(entries))
    }

    /// Waits until somebody listens, so that journals are not full of requests that never left.
    async fn somebody_listens(&self, until: Instant) -> Result<()> {
        while TcpStream::connect(&self.address).await.is_err() {
            if Instant::now() > until {
                bail!("nobody listens at {}", self.address);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Sends the same request until an answer settles it.
    async fn settle(&self, wish: &Wish) -> Result<Answer> {
        let until = Instant::now() + PATIENCE;
        let mut entries = vec![Entry::Wish(wish.clone())];
        for number in 1_u64.. {
            self.somebody_listens(until).await?;
            let transaction = format!("{}-{number}", wish.name);
            entries.push(Entry::Sent { wish: wish.name.clone(), transaction: transaction.clone() });
            self.keep(&entries)?;
            entries.clear();
            let told = self.send(wish, &transaction).await;
            let settled = match &told {
                Told::Answer(answer) if answer.is_definite() => Some(answer.clone()),
                Told::Answer(_) | Told::Cut(_) => None,
            };
            let last = format!("{told:?}");
            self.keep(&[Entry::Told { transaction, told }])?;
            if let Some(answer) = settled {
                return Ok(answer);
            }
            if Instant::now() > until {
                bail!("{wish:?} is not settled after {number} tries; the last brought {last}");
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("no more tries")
    }

    async fn send(&self, wish: &Wish, transaction: &str) -> Told {
        let how = match wish.how {
            How::Record => "blocking=true",
            How::Result => "blocking=true&result=true",
            How::Id => "blocking=false",
        };
        let path = format!("/api/v1/namespaces/_/actions/{}?{how}", wish.action);
        let client = self.api.clone().with_header("idempotency-key", &wish.key);
        let client = client.and_then(|client| client.with_header("x-request-id", transaction));
        let client = match client {
            Ok(client) => client,
            Err(error) => return Told::Cut(error.to_string()),
        };
        match client.send(Method::POST, &path, Some(wish.payload.clone().into())).await {
            Ok(answer) => Told::Answer(Answer {
                status: answer.status,
                id: answer.activation_id().map(str::to_owned),
                accepted: answer.header("x-openwhisk-accepted").map(str::to_owned),
                replayed: answer.is_replayed(),
                body: String::from_utf8_lossy(&answer.body).into_owned(),
            }),
            Err(error) => Told::Cut(format!("{:#}", anyhow::Error::from(error))),
        }
    }

    /// Reads the record of an activation whose end was told.
    async fn read(&self, id: &str) -> Result<()> {
        let path = format!("/api/v1/namespaces/_/activations/{id}");
        let until = Instant::now() + PATIENCE;
        loop {
            self.somebody_listens(until).await?;
            if let Ok(answer) = self.api.send(Method::GET, &path, None).await
                && answer.status != 503
            {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                let id = id.to_owned();
                return self.keep(&[Entry::Read { id, status: answer.status, body }]);
            }
            if Instant::now() > until {
                bail!("the record of {id} could not be read");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// One request of a client after the other.
struct Lane {
    client: Arc<Client>,
    taste: Taste,
    wishes: Wishes,
    random: Random,
}

impl Lane {
    async fn run(mut self, go_on: GoOn) -> Result<()> {
        while go_on.load(Ordering::Relaxed) {
            let number = self.client.wishes.fetch_add(1, Ordering::Relaxed);
            let wish = self.wishes.next(&format!("{}-{number}", self.client.name));
            let answer = self.client.settle(&wish).await.context("a client gave up")?;
            if let Some(id) = &answer.id
                && answer.is_end()
                && self.random.below(4) == 0
            {
                self.client.read(id).await?;
            }
            if !matches!(wish.expect, Expect::Refusal(_)) {
                self.wishes.granted(wish);
            }
            if self.taste == Taste::NonBlocking {
                tokio::time::sleep(Duration::from_millis(10 + self.random.below(60))).await;
            }
        }
        Ok(())
    }
}
