//! Rules: create, read, update, switch, delete.
//!
//! A rule is stored under its name, and what its trigger has to know of it beside the trigger: the
//! link. Whatever changes a link moves the trigger's `contents`, on which fires rest.
//!
//! Source: `rest-api.md` §§5.3, 5.4; `exactly-once.md` §4, "Write".

use std::sync::Arc;

use api::entity;
use api::entity::rule::Status;
use ledger::record::{EntityKey, Expect, Mark, Op};
use model::identity::Identity;
use model::json::Json;
use model::name::QualifiedName;
use model::rule::{Link, Rule};

use super::body::{self, Incoming};
use super::put::{Invalid, PutRule, wanted_state};
use super::respond::{Answer, Refusal};
use super::route::Verb;
use super::{Api, Asked};
use crate::entitlement::packages::{self, Astray};
use crate::entitlement::{self, Denied};
use crate::read::documents::{Seen, Stop, Unreadable, View};
use crate::read::stored::{self, Named};
use crate::write::{self, Failed, TRIES};

/// A rule, its trigger, and what the trigger knows of it, at one look at the fold.
struct Stored {
    seen: Seen,
    rule: Arc<Rule>,
    trigger: Option<Seen>,
    /// `None`: the trigger does not know it.
    link: Option<Link>,
    /// The mark of the link, whatever it says.
    linked: Expect,
}

impl Stored {
    fn status(&self) -> Status {
        Status::of(self.link.as_ref().is_some_and(|link| link.active))
    }
}

impl Api {
    /// One rule.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn rule(
        &self,
        verb: Verb,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        match verb {
            Verb::Get => self.get_rule(caller, name).await,
            Verb::Put => self.put_rule(caller, name, asked, body).await,
            Verb::Delete => self.delete_rule(caller, name, asked).await,
            Verb::Post => self.switch_rule(caller, name, asked, body).await,
        }
    }

    async fn get_rule(&self, caller: &Identity, name: &QualifiedName) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let stored = self.stored_rule(name).await?;
        Ok(shown(name, &stored.rule, stored.status()))
    }

    async fn put_rule(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let own = caller.namespace.clone();
        let parse = move |body: &Json| PutRule::parse(body, &own);
        let put = body::entity(asked.headers, body, &self.in_flight, parse).await?;
        put.check_sizes()?;
        let overwrite = asked.query.flag("overwrite", false)?;
        for _ in 0..TRIES {
            if let Some(answer) = self.try_put_rule(caller, name, &put, overwrite, asked).await? {
                return Ok(answer);
            }
        }
        Err(Refusal::lost_race())
    }

    /// One try on the newest state. `None`: that state had changed before the write was applied.
    async fn try_put_rule(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        put: &PutRule,
        overwrite: bool,
        asked: &Asked<'_>,
    ) -> Result<Option<Answer>, Refusal> {
        let controller = &self.controller;
        let now = controller.clock.wall();
        let looked = controller.documents.look(&controller.partition, |view| {
            may_refer(view, caller, put)?;
            let stored = of_rule(view, name)?;
            if stored.is_some() && !overwrite {
                return Err(Refusal::from(Invalid::Exists).into());
            }
            let before = stored.as_ref().map(|stored| &*stored.rule);
            let rule = put.merged(before, now).map_err(Refusal::from)?;
            let trigger = trigger_of(view, &rule.trigger)?;
            let action = action_of(view, caller, &rule.action)?;
            Ok::<_, Stop<Refusal>>((stored, rule, trigger, action))
        });
        let (stored, rule, trigger, action) = looked.await?;
        let key = EntityKey::named(&name.namespace, &name.path);
        let born = |seen: &Seen| Expect { key: seen.pin.key.clone(), mark: Mark::Born(seen.born) };
        let revision = stored.as_ref().map(|stored| stored.seen.pin.revision);
        let mut expect = vec![write::unchanged(&key, revision), born(&trigger), born(&action)];
        // That it is kept rests on what the link says.
        expect.extend(stored.as_ref().map(|stored| stored.linked.clone()));
        let active = stored.as_ref().is_none_or(|stored| stored.status() == Status::Active);
        let link = Link { born: trigger.born, action: rule.action.clone(), active };
        let mut ops = Vec::new();
        // Its former trigger, if that is another one, forgets it.
        if let Some(stored) = stored.filter(|stored| stored.rule.trigger != rule.trigger) {
            ops.push(Op::Delete(link_of(name, &stored.rule)));
            // One of the same name that never had a rule must not look as if it had.
            if let (Some(former), Some(_)) = (&stored.trigger, &stored.link) {
                expect.push(born(former));
                ops.push(Op::Touch(former.pin.key.clone()));
            }
        }
        ops.push(stored::put_small(link_of(name, &rule), &link));
        ops.push(Op::Touch(trigger.pin.key.clone()));
        let answer = shown(name, &rule, Status::of(active));
        ops.push(stored::put(&controller.blobs, key, &Named::Rule(rule)).await?);
        match controller.change_as(caller, ops, expect, asked.transaction).await {
            Ok(_) => Ok(Some(answer)),
            Err(Failed::Changed) => Ok(None),
            Err(failed) => Err(failed.into()),
        }
    }

    async fn delete_rule(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        for _ in 0..TRIES {
            let stored = self.stored_rule(name).await?;
            let key = stored.seen.pin.key.clone();
            let revision = stored.seen.pin.revision;
            let mut expect = vec![write::unchanged(&key, Some(revision)), stored.linked];
            let mut ops = vec![Op::Delete(key), Op::Delete(link_of(name, &stored.rule))];
            if let (Some(trigger), Some(_)) = (&stored.trigger, &stored.link) {
                let key = trigger.pin.key.clone();
                expect.push(Expect { key: key.clone(), mark: Mark::Born(trigger.born) });
                ops.push(Op::Touch(key));
            }
            match self.controller.change_as(caller, ops, expect, asked.transaction).await {
                Ok(_) => return Ok(shown(name, &stored.rule, Status::Inactive)),
                Err(Failed::Changed) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Refusal::lost_race())
    }

    async fn switch_rule(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let wanted = body::small_entity(asked.headers, body, &self.in_flight, wanted_state).await?;
        for _ in 0..TRIES {
            let stored = self.stored_rule(name).await?;
            if stored.status() == Status::of(wanted) {
                return Ok(Answer::ok());
            }
            // Only what has a trigger can be in force, so what is to be changed has to have one.
            let trigger = stored.trigger.ok_or_else(Refusal::no_trigger)?;
            let action = stored.rule.action.clone();
            let link = Link { born: trigger.born, action, active: wanted };
            let key = trigger.pin.key.clone();
            let expect = vec![
                write::unchanged(&stored.seen.pin.key, Some(stored.seen.pin.revision)),
                Expect { key: key.clone(), mark: Mark::Born(trigger.born) },
                stored.linked,
            ];
            let ops = vec![stored::put_small(link_of(name, &stored.rule), &link), Op::Touch(key)];
            match self.controller.change_as(caller, ops, expect, asked.transaction).await {
                Ok(_) => return Ok(Answer::ok()),
                Err(Failed::Changed) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Refusal::lost_race())
    }

    async fn stored_rule(&self, name: &QualifiedName) -> Result<Stored, Refusal> {
        let controller = &self.controller;
        let found = controller.documents.look(&controller.partition, |view| of_rule(view, name));
        found.await?.ok_or_else(Refusal::not_found)
    }
}

fn of_rule(view: &mut View<'_>, name: &QualifiedName) -> Result<Option<Stored>, Stop<Refusal>> {
    let key = EntityKey::named(&name.namespace, &name.path);
    let Some(seen) = view.get::<Refusal>(&key)? else { return Ok(None) };
    let rule = seen.known.rule().cloned().ok_or_else(Refusal::other_kind)?;
    let by = EntityKey::named(&rule.trigger.namespace, &rule.trigger.path);
    let trigger = view.get::<Refusal>(&by)?.filter(|seen| seen.known.trigger().is_some());
    let key = link_of(name, &rule);
    let entity = view.ledger.entity(&key);
    let link = entity.map(|entity| stored::small::<Link>(&key, entity));
    let link = link.transpose().map_err(Refusal::from)?;
    let linked = write::unchanged(&key, entity.map(|entity| entity.revision));
    // What another life of the trigger knew is forgotten.
    let born = trigger.as_ref().map(|trigger| trigger.born);
    let link = link.filter(|link| Some(link.born) == born);
    Ok(Some(Stored { seen, rule, trigger, link, linked }))
}

/// Whether the caller may refer to what the PUT names.
fn may_refer(view: &mut View<'_>, caller: &Identity, put: &PutRule) -> Result<(), Stop<Refusal>> {
    let mut denied = Vec::new();
    if let Some(trigger) = &put.trigger
        && let Err(Denied::Resources(resources)) = entitlement::may_own(caller, trigger)
    {
        denied.extend(resources);
    }
    if let Some(action) = &put.action {
        match packages::reach(view, &caller.namespace, action) {
            Ok(_) => {}
            Err(Stop::No(Astray::Denied(resource))) => denied.push(resource),
            Err(stop) => return Err(stop.widen()),
        }
    }
    Denied::all(denied).map_or(Ok(()), |denied| Err(Refusal::from(denied).into()))
}

fn trigger_of(view: &mut View<'_>, name: &QualifiedName) -> Result<Seen, Stop<Refusal>> {
    let key = EntityKey::named(&name.namespace, &name.path);
    let seen = told("trigger", name, view.get::<Unreadable>(&key))?;
    let seen = seen.ok_or_else(|| Refusal::from(Invalid::NoTrigger(name.clone())))?;
    if seen.known.trigger().is_none() {
        return Err(Refusal::from(Invalid::NotA(name.clone(), "a trigger")).into());
    }
    Ok(seen)
}

fn action_of(
    view: &mut View<'_>,
    caller: &Identity,
    name: &QualifiedName,
) -> Result<Seen, Stop<Refusal>> {
    let reached = packages::reach(view, &caller.namespace, name).map_err(Stop::widen::<Refusal>)?;
    let seen = told("action", name, view.get::<Unreadable>(&reached.key()))?;
    let seen = seen.ok_or_else(|| Refusal::from(Invalid::NoAction(name.clone())))?;
    if seen.known.action().is_none() {
        return Err(Refusal::from(Invalid::NotA(name.clone(), "an action")).into());
    }
    Ok(seen)
}

/// That a document cannot be read is told as the rule's matter.
fn told<T>(
    what: &'static str,
    name: &QualifiedName,
    read: Result<T, Stop<Unreadable>>,
) -> Result<T, Stop<Refusal>> {
    read.map_err(|stop| match stop {
        Stop::Read => Stop::Read,
        Stop::No(Unreadable::Corrupted(_) | Unreadable::Blob { .. }) => {
            Stop::No(Invalid::Corrupted(what, name.clone()).into())
        }
        Stop::No(error) => Stop::No(error.into()),
    })
}

/// The key of what the trigger of a rule knows of it.
fn link_of(name: &QualifiedName, rule: &Rule) -> EntityKey {
    EntityKey::link(&rule.trigger.namespace, &rule.trigger.path.name, &name.path.name)
}

fn shown(name: &QualifiedName, rule: &Rule, status: Status) -> Answer {
    let (namespace, name) = (&name.namespace, &name.path.name);
    let document = entity::rule::Rule::new(namespace, name, rule, Some(status));
    Answer::json(entity::bytes(&document))
}
