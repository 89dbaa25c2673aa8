//! From a request to an activation, and from its end to an answer.
//!
//! Resolve (with every definition pinned) → is it allowed to run here → accept → wait. Throttles and
//! keys come before, in `controller::http::actions`, where the order of checks is the contract's.
//!
//! Source: `rest-api.md` §§3.8, 3.9; `exactly-once.md` §§2, 5.

pub mod key;
pub mod resolve;

use std::sync::Arc;

use bytes::Bytes;
use ledger::record::{Caller, Cause, Payload, Target};
use model::activation::Row;
use model::id::ActivationId;
use model::identity::Identity;
use model::json::{Json, Kind};
use model::name::QualifiedName;
use model::outcome::Class;
use model::time::{Millis, WallTime};

use crate::Controller;
use crate::entitlement::Denied;
use crate::entitlement::packages::Astray;
use crate::entitlement::rate::TooMany;
use crate::http::query::Waiting;
use crate::owner::Waited;
use crate::owner::proposal::{Bound, Invocation, Proposal, Rejected, Start};
use crate::read::activation::{Activations, Failed as ReadFailed};
use crate::read::documents::Unreadable;
use crate::write;
use key::Key;

/// A payload larger than this travels as a blob.
const INLINE: usize = 32 << 10;

/// A request for an activation.
#[derive(Debug)]
pub struct Call<'a> {
    /// Who asks.
    pub caller: &'a Identity,
    /// What for.
    pub target: &'a QualifiedName,
    /// With which arguments.
    pub arguments: Json,
    /// How it is to be answered.
    pub waiting: Waiting,
    /// The request's idempotency key.
    pub key: Option<&'a Key>,
    /// The request.
    pub transaction: &'a str,
    /// When it came.
    pub received: WallTime,
    /// Whether the record is shown afterwards.
    pub store: bool,
}

/// What a caller is told.
#[derive(Debug)]
pub struct Reply {
    /// The activation.
    pub id: ActivationId,
    /// How it ended, and the body that shows it; `None`: it is accepted, and no more is said.
    pub ended: Option<(Class, Bytes)>,
    /// Set if the request had been accepted before.
    pub replayed: bool,
    /// When the key of the request ends.
    pub key_expires: Option<WallTime>,
}

/// Why there is no answer about an activation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such action.
    #[error("the action does not exist")]
    NotFound,
    /// Something else has the name.
    #[error("the name is that of another kind of entity")]
    OtherKind,
    /// A stored document cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Parameters that may not be overridden are.
    #[error("the payload overrides a final parameter")]
    Final,
    /// The kind may only be read and deleted.
    #[error("the kind {0} is deprecated")]
    Deprecated(String),
    /// The kind is known and cannot run here.
    #[error("the kind {kind} cannot run here: {reason}")]
    CannotRun {
        /// Which.
        kind: String,
        /// Why.
        reason: String,
    },
    /// Too often, or too many at a time.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// A bound of the server.
    #[error(transparent)]
    Bound(#[from] Bound),
    /// The definitions changed each time that it was tried.
    #[error("the action changed while the request was being accepted")]
    Changed,
    /// It was handed to the log and has not come back.
    #[error("it is not known whether activation {0} was accepted")]
    Unknown(ActivationId),
    /// A large part could not be stored.
    #[error("store the payload")]
    Blob(#[from] store::blobs::Error),
    /// A trigger has more rules in force than one record can hold.
    #[error("{active} rules of {trigger} do not fit into one record")]
    TooManyRules {
        /// Which.
        trigger: QualifiedName,
        /// How many.
        active: usize,
    },
    /// The key was used by another request.
    #[error("the idempotency key was used by another request")]
    KeyReused,
    /// The record that answered this key is gone.
    #[error("the record of activation {0} is gone")]
    RecordGone(ActivationId),
    /// The record that is to be answered with cannot be read.
    #[error(transparent)]
    Read(#[from] ReadFailed),
}

/// Why an activation of this id was not accepted.
fn rejected(why: Rejected, id: ActivationId) -> Error {
    match why {
        Rejected::Unknown => Error::Unknown(id),
        Rejected::Changed | Rejected::NotOpen => Error::Changed,
        Rejected::Bound(bound) => bound.into(),
        Rejected::Concurrency { count, allowed } => TooMany::Concurrent { count, allowed }.into(),
    }
}

impl From<Astray> for Error {
    fn from(astray: Astray) -> Self {
        match astray {
            Astray::NotFound => Self::NotFound,
            Astray::OtherKind => Self::OtherKind,
            Astray::Denied(resource) => Self::Denied(Denied::Resources(vec![resource])),
            Astray::Unreadable(error) => Self::Unreadable(error),
        }
    }
}

impl Controller {
    /// Invokes an action and waits for its end no longer than the call says.
    ///
    /// # Errors
    /// After every [`Error`] but [`Error::Unknown`] and [`Error::Read`] no activation exists and none
    /// will appear.
    pub async fn invoke(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let mut result = Err(Error::Changed);
        for _ in 0..write::TRIES {
            result = self.try_invoke(call).await;
            if !matches!(result, Err(Error::Changed)) {
                break;
            }
        }
        result
    }

    async fn try_invoke(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let target = self.resolve(call.caller, call.target, &call.arguments).await?;
        let id = self.partition.new_id(&call.caller.namespace);
        tracing::trace!(activation_id = %id, "found and pinned");
        // Only now: what is refused leaves no blob.
        let payload = self.payload(&call.arguments).await?;
        let invocation = self.invocation(call, id, target, payload);
        let waited = if call.waiting.blocking {
            let end = call.waiting.patience;
            self.partition.propose_and_wait(invocation, end).await
        } else {
            let proposal = Proposal::Accept(Box::new(invocation));
            self.partition.propose(proposal).await.map(Waited::from)
        };
        let told = match waited {
            Ok(Waited::Accepted(told)) => told,
            Ok(Waited::Known { same: false, .. }) => return Err(Error::KeyReused),
            Ok(Waited::Known { first, same: true }) => {
                return Box::pin(self.replay(call, first)).await;
            }
            Err(why) => return Err(rejected(why, id)),
        };
        let key_expires = call.key.map(|_| self.key_expires(call.received));
        let ended = match told {
            None => None,
            Some(told) => {
                Some(self.body(&told.ended.row, &told.record, call.waiting.result).await?)
            }
        };
        Ok(Reply { id, ended, replayed: false, key_expires })
    }

    /// Proposes an invocation and waits until it is certain what became of it.
    ///
    /// # Errors
    /// As [`Controller::invoke`].
    pub(crate) async fn accepted(&self, invocation: Invocation) -> Result<Waited, Error> {
        let id = invocation.id;
        let proposed = self.partition.propose(Proposal::Accept(Box::new(invocation))).await;
        proposed.map(Waited::from).map_err(|why| rejected(why, id))
    }

    fn invocation(
        &self,
        call: &Call<'_>,
        id: ActivationId,
        target: Target,
        payload: Payload,
    ) -> Invocation {
        let Identity { subject, namespace, limits, .. } = call.caller;
        Invocation {
            id,
            by: Arc::new(Caller {
                subject: subject.clone(),
                namespace: namespace.clone(),
                transaction: call.transaction.to_owned(),
                store: call.store,
            }),
            cause: Cause::Invoke,
            received: call.received,
            start: Start::Invoke { target, queue: Millis(self.config.queue_ms) },
            payload,
            key: call.key.map(|key| self.key_use(key)),
            fire: None,
            expect: vec![write::same_namespace(call.caller)],
            limits: Arc::clone(limits),
        }
    }

    pub(crate) async fn payload(&self, arguments: &Json) -> Result<Payload, store::blobs::Error> {
        let bytes = arguments.as_bytes();
        if bytes.len() <= INLINE {
            return Ok(Payload::Inline(arguments.clone()));
        }
        let length = bytes.len() as u64;
        Ok(Payload::Blob { digest: self.blobs.put_async(bytes.clone()).await?, length })
    }

    /// Where activations are read from.
    #[must_use]
    pub fn activations(&self) -> Activations<'_> {
        Activations { partition: &self.partition, index: &self.index, blobs: &self.blobs }
    }

    /// The answer that an end makes: the record without logs, or the result alone; an array is always
    /// alone.
    async fn body(
        &self,
        row: &Row,
        terminal: &ledger::record::Record,
        only_result: bool,
    ) -> Result<(Class, Bytes), Error> {
        tracing::trace!(activation_id = %row.id, "the end is read");
        let (result, size) = self.activations().result(row, terminal).await?;
        let is_array = result.as_ref().is_some_and(|result| result.kind() == Kind::Array);
        let body = if only_result || is_array {
            result.unwrap_or_else(Json::empty_object).as_bytes().clone()
        } else {
            api::activation::record(row, result.as_ref(), size, &[]).into()
        };
        Ok((row.class, body))
    }
}
