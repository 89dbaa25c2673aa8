//! From an applied assignment to a run: fetches what the run needs and hands it to the invoker.
//!
//! The right to start is in the ledger; this only brings the bytes. What is in memory goes at
//! once; what has to be read first goes a moment later, numbered when it goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ledger::fold::{Ledger, Open};
use ledger::hint::Run;
use ledger::record::{Attempt, Body, EntityKey, Payload, Record, Root};
use model::action::{Action, Exec};
use model::id::{ActivationId, Digest};
use model::identity::Key;
use model::json::Json;
use model::ordered::set_all;
use model::outcome::Fault;
use model::parameters::Parameters;

use crate::minted::{Minter, Purpose};
use crate::owner::Partition;
use crate::owner::step::AttemptVerdict;
use crate::read::Documents;

/// A run whose assignment was applied, with its body if that is in memory.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The order.
    pub run: Run,
    /// The record that holds its payload.
    pub body: Option<Arc<Record>>,
    /// Whether another attempt may follow this one.
    pub rerunnable: bool,
}

/// What a run is given, parameters still apart from the payload.
#[derive(Clone, Debug)]
pub struct Input {
    /// The blob with the code.
    pub code: Digest,
    /// The export to call.
    pub main: Option<String>,
    /// Further words on the command line (annotation `wasm-args`).
    pub words: Vec<String>,
    /// Parameters of package, binding and action.
    pub parameters: Parameters,
    /// What the caller sent, or the result of the step before.
    pub payload: Json,
    /// Whether the action asks for a key.
    pub wants_key: bool,
    /// The key that was minted for it.
    pub api_key: Option<Key>,
}

/// The invoker, as the controller sees it.
pub trait Invoker: Send + Sync {
    /// This attempt may be started.
    fn run(&self, run: Run, input: Input, rerunnable: bool);
    /// What became of an attempt.
    fn verdict(&self, of: Attempt, verdict: AttemptVerdict);
}

/// Brings assigned attempts to the invoker.
pub struct Dispatcher {
    invoker: Arc<dyn Invoker>,
    documents: Documents,
    blobs: store::blobs::Blobs,
    minter: Option<Arc<Minter>>,
    dseq: AtomicU64,
    sending: Mutex<()>,
    runtime: tokio::runtime::Handle,
}

impl Dispatcher {
    /// A dispatcher for one invoker.
    #[must_use]
    pub fn new(
        invoker: Arc<dyn Invoker>,
        documents: Documents,
        blobs: store::blobs::Blobs,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self {
            invoker,
            documents,
            blobs,
            minter: None,
            dseq: AtomicU64::new(0),
            sending: Mutex::new(()),
            runtime,
        }
    }

    /// The same; actions that ask for a key are given one by `minter`.
    #[must_use]
    pub fn with_minter(mut self, minter: Arc<Minter>) -> Self {
        self.minter = Some(minter);
        self
    }

    /// Starts a run: at once if all it needs is in memory.
    pub fn run(self: &Arc<Self>, partition: &Partition, ready: Ready) {
        match self.at_once(partition, &ready) {
            Some(mut input) => {
                let id = ready.run.of.id;
                if input.wants_key
                    && partition.read(|ledger| {
                        self.give_key(ledger, &ready.run, &mut input) && ledger.open(&id).is_none()
                    })
                {
                    // It was ended before it was given the key: nobody else will take it back.
                    self.ended(id);
                }
                self.send(ready, input);
            }
            None => {
                let (me, partition) = (Arc::clone(self), partition.clone());
                self.runtime.spawn(async move {
                    let of = ready.run.of;
                    match me.fetch(&partition, &ready).await {
                        Ok(input) => me.send_if_assigned(&partition, ready, input),
                        Err((fault, cause)) => {
                            tracing::error!(activation_id = %of.id, cause, "a run lacks its input");
                            partition.unreadable(of.id, fault);
                        }
                    }
                });
            }
        }
    }

    /// What became of an attempt.
    pub fn verdict(&self, of: Attempt, verdict: AttemptVerdict) {
        self.invoker.verdict(of, verdict);
    }

    /// An activation is over: a key that it was given opens nothing any more, unless another holds it.
    pub fn ended(&self, id: ActivationId) {
        if let Some(minter) = &self.minter {
            minter.ended(id);
        }
    }

    /// Mints the key that an action asks for, before anybody else hears of the run. A namespace that
    /// was deleted since opens to nobody, nor does another one of its name.
    fn give_key(&self, ledger: &Ledger, run: &Run, input: &mut Input) -> bool {
        let Some(minter) = self.minter.as_ref().filter(|_| input.wants_key) else { return false };
        let caller = &run.tree.caller;
        let namespace = ledger.entity(&EntityKey::namespace(&caller.namespace));
        let Some(since) = namespace.map(|it| it.born).filter(|born| *born < run.tree.accepted)
        else {
            return false;
        };
        let purpose = Purpose {
            subject: &caller.subject,
            namespace: &caller.namespace,
            since,
            action: &run.step.action.key,
            born: run.step.born,
        };
        input.api_key = Some(minter.give(run.of.id, purpose));
        true
    }

    /// While its input was read, the attempt may have been ended or given away. Under the lock, so
    /// that an end that is applied behind this look is told behind this order.
    fn send_if_assigned(&self, partition: &Partition, ready: Ready, mut input: Input) {
        let of = ready.run.of;
        partition.read(|ledger| {
            let assigned = ledger.open(&of.id).and_then(Open::assigned);
            if assigned.is_some_and(|(now, _)| now == of) {
                self.give_key(ledger, &ready.run, &mut input);
                self.send(ready, input);
            }
        });
    }

    /// Numbers the order as it goes: the invoker takes none that is older than its last.
    fn send(&self, ready: Ready, input: Input) {
        let _in_order = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let dseq = self.dseq.fetch_add(1, Ordering::Relaxed) + 1;
        let run = Run { dseq, ..ready.run };
        tracing::trace!(activation_id = %run.of.id, "sent to the invoker");
        self.invoker.run(run, input, ready.rerunnable);
    }

    fn at_once(&self, partition: &Partition, ready: &Ready) -> Option<Input> {
        let given = given(ready.body.as_deref()?);
        let payload = inline(given.payload)?;
        let payload = match given.beneath {
            Some(beneath) => over(&inline(Some(beneath))?, &payload),
            None => payload,
        };
        let step = &ready.run.step;
        let known = self.documents.cached(partition, &step.action)?;
        let action = known.action()?;
        let mut parameters = Parameters::default();
        for pin in &step.beneath {
            let known = self.documents.cached(partition, pin)?;
            parameters = parameters.merged_with(known.parameters()?);
        }
        input(action, parameters.merged_with(&action.parameters), payload)
    }

    async fn fetch(&self, partition: &Partition, ready: &Ready) -> Result<Input, (Fault, String)> {
        let lost = |cause: String| (Fault::Parameters, cause);
        let record = match &ready.body {
            Some(record) => Arc::clone(record),
            None => {
                let at = ready.run.input.offset();
                partition.record(at).await.map_err(|error| lost(error.to_string()))?
            }
        };
        let given = given(&record);
        let mut payload = self.read(given.payload).await.map_err(lost)?;
        if given.beneath.is_some() {
            let beneath = self.read(given.beneath).await.map_err(lost)?;
            payload = over(&beneath, &payload);
        }
        let no_code = |cause: String| (Fault::Code, cause);
        let known = self.documents.at(partition, &ready.run.step.action).await;
        let known = known.map_err(|error| no_code(error.to_string()))?;
        let mut parameters = Parameters::default();
        for pin in &ready.run.step.beneath {
            let beneath = self.documents.at(partition, pin).await;
            let beneath = beneath.map_err(|error| lost(error.to_string()))?;
            parameters =
                parameters.merged_with(beneath.parameters().unwrap_or(&Parameters::default()));
        }
        let input = known
            .action()
            .and_then(|action| input(action, parameters.merged_with(&action.parameters), payload));
        input.ok_or_else(|| no_code("the action has no code".to_owned()))
    }

    async fn read(&self, payload: Option<&Payload>) -> Result<Json, String> {
        match payload {
            Some(Payload::Inline(json)) => Ok(json.clone()),
            Some(Payload::Blob { digest, .. }) => {
                let bytes = self.blobs.get_async(*digest).await;
                let bytes = bytes.map_err(|error| error.to_string())?;
                Json::parse(&bytes).map_err(|error| error.to_string())
            }
            None => Ok(Json::empty_object()),
        }
    }
}

/// What a record gives to the run that takes its input from it.
struct Given<'a> {
    /// Of a fire: what lies beneath the payload.
    beneath: Option<&'a Payload>,
    payload: Option<&'a Payload>,
}

fn given(record: &Record) -> Given<'_> {
    match &record.body {
        Body::Accept(accept) => {
            let beneath = match &accept.root {
                Root::Invoke(_) => None,
                Root::Fire(fire) => Some(&fire.beneath),
            };
            Given { beneath, payload: Some(&accept.payload) }
        }
        Body::Finish(finish) => Given { beneath: None, payload: finish.result.as_ref() },
        _ => Given { beneath: None, payload: None },
    }
}

fn inline(payload: Option<&Payload>) -> Option<Json> {
    match payload {
        Some(Payload::Inline(json)) => Some(json.clone()),
        Some(Payload::Blob { .. }) | None => None,
    }
}

/// The members of one object over those of another.
#[must_use]
pub fn over(beneath: &Json, payload: &Json) -> Json {
    let mut all = beneath.members().unwrap_or_default();
    set_all(&mut all, payload.members().unwrap_or_default(), |(name, _)| name);
    Json::object(all.iter().map(|(name, value)| (name.as_str(), value.clone())))
}

fn input(action: &Action, parameters: Parameters, payload: Json) -> Option<Input> {
    let Exec::Code { code: Some(code), main, .. } = &action.exec else { return None };
    let words = action.annotations.get("wasm-args").and_then(Json::elements).unwrap_or_default();
    let words = words.iter().filter_map(Json::text).collect();
    // What was made before it was asked for has no such annotation, and is given one.
    let wants_key = action.annotations.get("provide-api-key").is_none_or(Json::is_truthy);
    let (code, main) = (code.digest, main.clone());
    Some(Input { code, main, words, parameters, payload, wants_key, api_key: None })
}
