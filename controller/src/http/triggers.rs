//! Triggers: create, read, update, delete, fire.
//!
//! Source: `rest-api.md` §§5.1, 5.2; the order of checks: §1.3.

use std::sync::Arc;

use api::entity;
use api::entity::rule::{Reference, Status};
use api::entity::trigger::{Hanging, Rules};
use ledger::record::{EntityKey, Op};
use model::identity::Identity;
use model::json::Json;
use model::name::QualifiedName;
use model::trigger::Trigger;

use super::body::{self, Incoming};
use super::put::{Invalid, PutTrigger};
use super::respond::{Answer, Refusal};
use super::route::Verb;
use super::{Api, Asked};
use crate::entitlement;
use crate::entitlement::rate::Counted;
use crate::fire::{Fire, links};
use crate::invoke::Error as InvokeError;
use crate::invoke::key::{self, Key, Seen as KeySeen};
use crate::read::documents::{Seen, Stop, View};
use crate::read::stored::{self, Named};
use crate::write::{self, Failed, TRIES};

/// A trigger as one look at the fold found it; its rules, if it ever had one.
struct Stored {
    seen: Seen,
    trigger: Arc<Trigger>,
    rules: Option<Rules>,
}

impl Api {
    /// One trigger.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn trigger(
        &self,
        verb: Verb,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        match verb {
            Verb::Get => self.get_trigger(caller, name).await,
            Verb::Put => self.put_trigger(caller, name, asked, body).await,
            Verb::Delete => self.delete_trigger(caller, name, asked).await,
            Verb::Post => self.fire_trigger(caller, name, asked, body).await,
        }
    }

    async fn get_trigger(
        &self,
        caller: &Identity,
        name: &QualifiedName,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let stored = self.stored_trigger(name).await?;
        Ok(shown(name, &stored.trigger, stored.rules))
    }

    async fn put_trigger(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let parse = |body: &Json| PutTrigger::parse(body);
        let put = body::entity(asked.headers, body, &self.in_flight, parse).await?;
        put.check_sizes(&caller.limits)?;
        let overwrite = asked.query.flag("overwrite", false)?;
        let controller = &self.controller;
        let key = EntityKey::named(&name.namespace, &name.path);
        for _ in 0..TRIES {
            let found = controller.documents.look(&controller.partition, |view| {
                let found = of_trigger(view, name)?;
                Ok::<_, Stop<Refusal>>(found)
            });
            let stored = found.await?;
            if stored.is_some() && !overwrite {
                return Err(Invalid::Exists.into());
            }
            let before = stored.as_ref().map(|stored| &*stored.trigger);
            let trigger = put.merged(before, controller.clock.wall())?;
            let revision = stored.as_ref().map(|stored| stored.seen.pin.revision);
            let expect = vec![write::unchanged(&key, revision)];
            let rules = stored.and_then(|stored| stored.rules);
            let answer = shown(name, &trigger, rules);
            let op = stored::put(&controller.blobs, key.clone(), &Named::Trigger(trigger)).await?;
            match controller.change_as(caller, vec![op], expect, asked.transaction).await {
                Ok(_) => return Ok(answer),
                Err(Failed::Changed) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Refusal::lost_race())
    }

    /// Its rules stay behind: of what each left with the trigger nothing holds any more.
    async fn delete_trigger(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let key = EntityKey::named(&name.namespace, &name.path);
        for _ in 0..TRIES {
            let Stored { seen, trigger, rules } = self.stored_trigger(name).await?;
            let expect = vec![write::unchanged(&key, Some(seen.pin.revision))];
            let ops = vec![Op::Delete(key.clone())];
            match self.controller.change_as(caller, ops, expect, asked.transaction).await {
                Ok(_) => return Ok(shown(name, &trigger, rules)),
                Err(Failed::Changed) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Refusal::lost_race())
    }

    async fn stored_trigger(&self, name: &QualifiedName) -> Result<Stored, Refusal> {
        let controller = &self.controller;
        let found = controller.documents.look(&controller.partition, |view| of_trigger(view, name));
        found.await?.ok_or_else(Refusal::not_found)
    }

    async fn fire_trigger(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        let controller = &self.controller;
        let mut body = Some(body);
        let mut payload = None;
        let mut key = None;
        if let Some(text) = key::sent(asked.headers)? {
            // The same request is that with the same bytes, so they are needed before all else.
            let (sent, most) = (body.take().unwrap_or_default(), caller.limits.max_payload);
            let read = body::payload(asked.headers, sent, &self.in_flight, most);
            let bytes = payload.insert(read.await?);
            let seen = Key::new(caller, text, "POST", asked.target, bytes);
            match controller.key_seen(&seen) {
                KeySeen::Never => {}
                KeySeen::Otherwise => return Err(InvokeError::KeyReused.into()),
                KeySeen::Before(first) => {
                    controller.metrics.idempotent_replays.inc();
                    let again = controller.fired_again(caller, &seen, first).await?;
                    return Ok(Answer::invoked(again));
                }
            }
            key = Some(seen);
        }
        let (namespace, allowed) = (&caller.namespace, caller.limits.fires_per_minute);
        controller.rates.admit(asked.received, namespace, Counted::Fires, allowed)?;
        if key.is_some() {
            controller.key_has_room(caller)?;
        }
        entitlement::may_own(caller, name)?;
        let payload = match payload {
            Some(payload) => payload,
            None => {
                let body = body.take().unwrap_or_default();
                let most = caller.limits.max_payload;
                body::payload(asked.headers, body, &self.in_flight, most).await?
            }
        };
        let payload = body::arguments(asked.headers, &payload)?;
        let fired = controller
            .fire(&Fire {
                caller,
                trigger: name,
                payload,
                headers: headers(asked),
                key: key.as_ref(),
                transaction: asked.transaction,
                received: asked.received,
                store: caller.limits.store_activations.unwrap_or(true) || asked.extra_logging(),
            })
            .await?;
        Ok(fired.map_or_else(Answer::nothing_fired, Answer::invoked))
    }
}

/// A trigger with its rules, at one look at the fold.
fn of_trigger(view: &mut View<'_>, name: &QualifiedName) -> Result<Option<Stored>, Stop<Refusal>> {
    let key = EntityKey::named(&name.namespace, &name.path);
    let Some(seen) = view.get::<Refusal>(&key)? else { return Ok(None) };
    let trigger = seen.known.trigger().cloned().ok_or_else(Refusal::other_kind)?;
    // Only rules move the mark, so one that never moved never had any.
    let had_rules = seen.contents != seen.born;
    let links = links(view.ledger, name, seen.born).map_err(Refusal::from)?;
    let hanging = links.into_iter().map(|(rule, link)| {
        let action = Reference::from(&link.action);
        let rule = format!("{}/{rule}", name.namespace);
        (rule, Hanging { action, status: Status::of(link.active) })
    });
    let rules = had_rules.then(|| Rules(hanging.collect()));
    Ok(Some(Stored { seen, trigger, rules }))
}

fn shown(name: &QualifiedName, trigger: &Trigger, rules: Option<Rules>) -> Answer {
    let (namespace, name) = (&name.namespace, &name.path.name);
    let document = entity::trigger::Trigger::new(namespace, name, trigger, rules);
    Answer::json(entity::bytes(&document))
}

/// The headers of a request as an object; of several of one name the last.
fn headers(asked: &Asked<'_>) -> Json {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let last = |name: &http::HeaderName| asked.headers.get_all(name).iter().next_back().map(text);
    let all = asked.headers.keys();
    Json::object(all.filter_map(|name| Some((name.as_str(), Json::string(&last(name)?)))))
}
