//! From the fire of a trigger to activations.
//!
//! The trigger and its rules are read at one state; each rule that is in force is admitted, or refused
//! with the text of that refusal; then one `Accept` has all of it, and that state in its expectations.
//! Nothing is decided later.
//!
//! Source: `rest-api.md` §5.2; `exactly-once.md` §9, "Rules".

use std::collections::HashMap;
use std::sync::Arc;

use ledger::fold::Ledger;
use ledger::record::{Birth, Caller, Came, Cause, EntityKey, Expect, Mark, Named, Ruled, Target};
use model::id::{ActivationId, Offset};
use model::identity::Identity;
use model::json::Json;
use model::name::{EntityName, QualifiedName};
use model::outcome::Class;
use model::rule::Link;
use model::time::{Millis, WallTime};
use model::trigger::Trigger;

use crate::Controller;
use crate::entitlement::rate::Counted;
use crate::http::query::Waiting;
use crate::http::respond::Refusal;
use crate::invoke::key::Key;
use crate::invoke::{Error, Reply};
use crate::owner::Waited;
use crate::owner::proposal::{Invocation, Start};
use crate::read::documents::{Seen, Stop, Unreadable, View};
use crate::read::stored;
use crate::write;

/// What all rules of a fire may take of a record, which is at most 1 MiB, payloads apart.
const MOST: usize = 900 << 10;
/// More rules in force never fit into [`MOST`].
const MOST_RULES: usize = 10_000;

/// A request to fire a trigger.
#[derive(Debug)]
pub struct Fire<'a> {
    /// Who asks.
    pub caller: &'a Identity,
    /// Which trigger.
    pub trigger: &'a QualifiedName,
    /// With which payload.
    pub payload: Json,
    /// The headers of the request, as an object.
    pub headers: Json,
    /// The request's idempotency key.
    pub key: Option<&'a Key>,
    /// The request.
    pub transaction: &'a str,
    /// When it came.
    pub received: WallTime,
    /// Whether the record is shown afterwards.
    pub store: bool,
}

/// A trigger with its rules at one look at the fold.
struct Loaded {
    seen: Seen,
    trigger: Arc<Trigger>,
    rules: Vec<Aimed>,
}

/// A rule, and what it would start.
struct Aimed {
    rule: EntityName,
    action: QualifiedName,
    /// `None`: it is not in force.
    target: Option<Result<Target, Error>>,
}

/// What a trigger knows of its rules, in the order in which they are started: that in which they
/// were attached or last switched. `born` is that of the trigger.
///
/// # Errors
/// [`Unreadable::Corrupted`].
pub fn links(
    ledger: &Ledger,
    trigger: &QualifiedName,
    born: Offset,
) -> Result<Vec<(EntityName, Link)>, Unreadable> {
    let prefix = EntityKey::prefix_of_links(&trigger.namespace, &trigger.path.name);
    let mut found = Vec::new();
    for (key, entity) in ledger.entities_under(&prefix) {
        let link: Link = stored::small(key, entity)?;
        if let (true, Some(Named::Link(_, _, rule))) = (link.born == born, key.parse()) {
            found.push((entity.revision, rule, link));
        }
    }
    found.sort_by_key(|(revision, ..)| *revision);
    Ok(found.into_iter().map(|(_, rule, link)| (rule, link)).collect())
}

impl Controller {
    /// Fires a trigger. `None`: no rule of it is in force, so nothing was started and nothing is
    /// recorded.
    ///
    /// # Errors
    /// After every [`Error`] but [`Error::Unknown`] no activation exists and none will appear.
    pub async fn fire(&self, fire: &Fire<'_>) -> Result<Option<Reply>, Error> {
        // Each rule is counted once, however often the whole is tried.
        let mut counted = HashMap::new();
        for _ in 0..write::TRIES {
            match self.try_fire(fire, &mut counted).await {
                Err(Error::Changed) => {}
                told => return told,
            }
        }
        Err(Error::Changed)
    }

    async fn try_fire(
        &self,
        fire: &Fire<'_>,
        counted: &mut HashMap<EntityName, Option<String>>,
    ) -> Result<Option<Reply>, Error> {
        let Loaded { seen, trigger, rules } =
            self.documents.look(&self.partition, |view| self.aim(view, fire)).await?;
        let active = rules.iter().filter(|rule| rule.target.is_some()).count();
        if active == 0 {
            return Ok(None);
        }
        let namespace = &fire.trigger.namespace;
        let id = self.partition.new_id(&fire.caller.namespace);
        let mut ruled = Vec::with_capacity(rules.len());
        for Aimed { rule, action, target } in rules {
            let full = format!("{namespace}/{rule}");
            let came = match target {
                None => Came::Refused {
                    class: Class::ApplicationError,
                    text: format!(
                        "Rule '{full}' is inactive, action '{action}' was not activated."
                    ),
                },
                Some(target) => {
                    let refused = counted.entry(rule).or_insert_with(|| self.refused(fire));
                    match (refused, target) {
                        (Some(text), _) => {
                            Came::Refused { class: Class::ApplicationError, text: text.clone() }
                        }
                        (None, Ok(target)) => Came::Started(self.birth(fire.caller, target)),
                        (None, Err(error)) => refusal(error)?,
                    }
                }
            };
            ruled.push(Ruled { rule: full, action: action.to_string(), came });
        }
        let payload = self.payload(&fire.payload).await?;
        let beneath = self.payload(&beneath(&trigger, &fire.headers)).await?;
        let invocation = Invocation {
            id,
            by: Arc::new(Caller {
                subject: fire.caller.subject.clone(),
                namespace: fire.caller.namespace.clone(),
                transaction: fire.transaction.to_owned(),
                store: fire.store,
            }),
            cause: Cause::Invoke,
            received: fire.received,
            start: Start::Fire {
                name: fire.trigger.path.name.to_string(),
                version: trigger.version.to_string(),
                beneath,
                rules: ruled,
            },
            payload,
            key: fire.key.map(|key| self.key_use(key)),
            fire: None,
            expect: vec![
                write::same_namespace(fire.caller),
                Expect { key: seen.pin.key.clone(), mark: Mark::Revision(seen.pin.revision) },
                Expect { key: seen.pin.key.clone(), mark: Mark::Contents(seen.contents) },
            ],
            limits: Arc::clone(&fire.caller.limits),
        };
        if invocation.start.size() > MOST {
            return Err(Error::TooManyRules { trigger: fire.trigger.clone(), active });
        }
        match self.accepted(invocation).await? {
            Waited::Accepted(_) => {
                let key_expires = fire.key.map(|_| self.key_expires(fire.received));
                Ok(Some(Reply { id, ended: None, replayed: false, key_expires }))
            }
            Waited::Known { same: false, .. } => Err(Error::KeyReused),
            Waited::Known { first, same: true } => match fire.key {
                Some(key) => self.fired_again(fire.caller, key, first).await.map(Some),
                None => Err(Error::Changed),
            },
        }
    }

    /// The answer to a fire that was accepted before as `first`.
    ///
    /// # Errors
    /// [`Error::RecordGone`], [`Error::Read`].
    pub async fn fired_again(
        &self,
        caller: &Identity,
        key: &Key,
        first: ActivationId,
    ) -> Result<Reply, Error> {
        self.answer_again(caller, Waiting::default(), Some(key), first).await
    }

    /// One look at the trigger, its rules, and what each would start.
    fn aim(&self, view: &mut View<'_>, fire: &Fire<'_>) -> Result<Loaded, Stop<Error>> {
        let key = EntityKey::named(&fire.trigger.namespace, &fire.trigger.path);
        let seen = view.get::<Error>(&key)?.ok_or(Error::NotFound)?;
        let trigger = seen.known.trigger().cloned().ok_or(Error::OtherKind)?;
        let arguments = given(&trigger, &fire.headers, &fire.payload);
        let links = links(view.ledger, fire.trigger, seen.born).map_err(Error::from)?;
        let active = links.iter().filter(|(_, link)| link.active).count();
        let too_many = || Error::TooManyRules { trigger: fire.trigger.clone(), active };
        if active > MOST_RULES {
            return Err(too_many().into());
        }
        let mut rules = Vec::with_capacity(links.len());
        let (mut unread, mut size) = (false, 0);
        for (rule, Link { action, active: is_active, .. }) in links {
            let aim = |action: &QualifiedName, view: &mut View<'_>| match self.target(
                view,
                fire.caller,
                action,
                &arguments,
            ) {
                Ok(target) => Ok(Ok(target)),
                Err(Stop::No(error)) => Ok(Err(error)),
                Err(Stop::Read) => Err(()),
            };
            let target = is_active.then(|| aim(&action, view)).transpose();
            unread |= target.is_err();
            if let Ok(Some(Ok(target))) = &target {
                size += ledger::record::size(target);
            }
            if size > MOST {
                return Err(too_many().into());
            }
            rules.push(Aimed { rule, action, target: target.unwrap_or_default() });
        }
        if unread { Err(Stop::Read) } else { Ok(Loaded { seen, trigger, rules }) }
    }

    /// The text of the refusal, if the caller has invoked too often in this minute.
    fn refused(&self, fire: &Fire<'_>) -> Option<String> {
        let Identity { namespace, limits, .. } = fire.caller;
        let (counted, allowed) = (Counted::Invocations, limits.invocations_per_minute);
        let admitted = self.rates.admit(fire.received, namespace, counted, allowed);
        admitted.err().map(|too_many| too_many.to_string())
    }

    fn birth(&self, caller: &Identity, target: Target) -> Birth {
        let id = self.partition.new_id(&caller.namespace);
        Birth { id, target, queue: Millis(self.config.queue_ms), assign: None }
    }
}

/// What comes of a rule whose action cannot be invoked: as the answer to that invocation would say.
fn refusal(error: Error) -> Result<Came, Error> {
    if matches!(error, Error::Changed | Error::Bound(_)) {
        return Err(error);
    }
    let (class, text) = Refusal::from(error).of_rule();
    Ok(Came::Refused { class, text })
}

/// What lies beneath the payload: the parameters of the trigger, and over them the headers.
fn beneath(trigger: &Trigger, headers: &Json) -> Json {
    let mut all = trigger.parameters.clone();
    all.set_value("__ow_headers", headers.clone());
    Json::object(all.as_slice().iter().map(|one| (one.key.as_str(), one.value.clone())))
}

/// All that the actions of the rules are given.
fn given(trigger: &Trigger, headers: &Json, payload: &Json) -> Json {
    crate::dispatch::over(&beneath(trigger, headers), payload)
}
