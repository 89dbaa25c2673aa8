//! Actions: create, read, update, delete, list, invoke.
//!
//! Source: `rest-api.md` §3; the order of checks: §1.3.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ledger::record::{EntityKey, Expect, Mark, Op, Pin};
use model::action::{Action, Exec};
use model::id::{Digest, Offset};
use model::identity::Identity;
use model::json::Json;
use model::limits::MAX_SEQUENCE;
use model::name::QualifiedName;

use super::body::{self, Incoming};
use super::packages::home;
use super::put::{Invalid, Put, PutExec};
use super::respond::{Answer, Refusal};
use super::route::Verb;
use super::{Api, Asked};
use crate::entitlement::packages::{self, Astray, Reached};
use crate::entitlement::rate::{Counted, has_room};
use crate::entitlement::{self, Denied};
use crate::invoke::key::{self, Key, Seen as KeySeen};
use crate::invoke::resolve::MAX_DEPTH;
use crate::invoke::{Call, Error as InvokeError};
use crate::read::KnownAction;
use crate::read::documents::{Seen, Stop, View};
use crate::read::stored::{self, Named};
use crate::runtimes::Artefact;
use crate::write::{self, Failed, TRIES};

/// An action as one look at the fold found it.
struct Stored {
    revision: Offset,
    action: Arc<KnownAction>,
}

/// Code that was inspected and is stored: its concrete kind, and its blob.
type Found = (String, Option<Digest>);

impl Api {
    /// One action.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn action(
        &self,
        verb: Verb,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        match verb {
            Verb::Get => Box::pin(self.get_action(caller, name, asked)).await,
            Verb::Put => Box::pin(self.put_action(caller, name, asked, body)).await,
            Verb::Delete => Box::pin(self.delete_action(caller, name, asked)).await,
            Verb::Post => self.invoke_action(caller, name, asked, body).await,
        }
    }

    async fn get_action(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        let controller = &self.controller;
        let (reached, seen) = controller
            .documents
            .look(&controller.partition, |view| {
                let reached = packages::reach(view, &caller.namespace, name);
                let reached = reached.map_err(Stop::widen::<Refusal>)?;
                let seen = view.get::<Refusal>(&reached.key())?;
                Ok::<_, Stop<Refusal>>((reached, seen))
            })
            .await?;
        if controller.config.shared_packages_execute_only
            && let Some(provider) = &reached.provider
        {
            provider.may_read_action(&caller.namespace, name)?;
        }
        let with_code = asked.query.flag("code", true)?;
        let seen = seen.ok_or_else(Refusal::not_found)?;
        let action = seen.known.action().ok_or_else(Refusal::other_kind)?;
        let code = if with_code { self.code(action).await? } else { None };
        let Reached { name, provider } = &reached;
        let mut document = api::entity::Action::new(&name.namespace, &name.path, action, code);
        if let Some(provider) = provider {
            let all = provider.parameters().merged_with(&action.parameters);
            document.parameters = api::entity::parameters(&all);
        }
        if !with_code {
            document.binding = reached.binding().map(ToString::to_string);
        }
        let answer = Answer::json(api::entity::bytes(&document));
        let Exec::Code { kind, code: Some(code), main, .. } = &action.exec else {
            return Ok(answer);
        };
        let begins = controller.inspector.begins(kind, &code.digest, main.as_deref());
        Ok(answer.starting_from(begins))
    }

    async fn delete_action(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let key = EntityKey::named(&name.namespace, &name.path);
        for _ in 0..TRIES {
            let (home, stored) = self.own_action(name).await?;
            let stored = stored.ok_or_else(Refusal::not_found)?;
            let code = self.code(&stored.action).await?;
            let (namespace, path) = (&name.namespace, &name.path);
            let document = api::entity::Action::new(namespace, path, &stored.action, code);
            let mut expect = vec![write::unchanged(&key, Some(stored.revision))];
            let mut ops = vec![Op::Delete(key.clone())];
            moves(home.as_ref(), &mut ops, &mut expect);
            match self.controller.change_as(caller, ops, expect, asked.transaction).await {
                Ok(_) => return Ok(Answer::json(api::entity::bytes(&document))),
                Err(Failed::Changed) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Refusal::lost_race())
    }

    async fn put_action(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        // The package comes before the body; whether the name is free, behind it (`try_put`).
        let controller = &self.controller;
        controller.documents.look(&controller.partition, |view| home(view, name)).await?;
        let (own, runtimes) = (caller.namespace.clone(), Arc::clone(&self.controller.runtimes));
        let parse = move |body: &Json| Put::parse(body, &own, &runtimes);
        let put = body::entity(asked.headers, body, &self.in_flight, parse).await?;
        put.check_sizes(&caller.limits)?;
        let overwrite = asked.query.flag("overwrite", false)?;
        put.check_values(&caller.limits)?;
        self.may_store(caller, &put).await?;
        let mut found = None;
        for _ in 0..TRIES {
            let tried = self.try_put(caller, name, &put, overwrite, &mut found, asked).await;
            if let Some(answer) = tried? {
                return Ok(answer);
            }
        }
        Err(Refusal::lost_race())
    }

    /// One try on the newest state. `None`: that state had changed before the write was applied.
    async fn try_put(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        put: &Put,
        overwrite: bool,
        found: &mut Option<Found>,
        asked: &Asked<'_>,
    ) -> Result<Option<Answer>, Refusal> {
        let controller = &self.controller;
        let key = EntityKey::named(&name.namespace, &name.path);
        let (home, stored) = self.own_action(name).await?;
        if stored.is_some() && !overwrite {
            return Err(Invalid::Exists.into());
        }
        let revision = stored.as_ref().map(|stored| stored.revision);
        let before = stored.as_ref().map(|stored| &**stored.action);
        let mut expect = vec![write::unchanged(&key, revision)];
        self.check_exec(caller, name, put, before, &mut expect).await?;
        if let Some(PutExec::Code { kind, inspected, code: Some(code), main, .. }) = &put.exec
            && found.is_none()
        {
            let code = Bytes::from(code.clone());
            let memory_mb = put.merged(before, None, controller.clock.wall())?.limits.memory;
            let artefact = (kind.clone(), main.clone(), memory_mb);
            *found = Some(self.take_code(caller, *inspected, code, artefact).await?);
        }
        let taken = found.as_ref().map(|(kind, digest)| (kind.as_str(), *digest));
        let action = put.merged(before, taken, controller.clock.wall())?;
        let code = match &put.exec {
            Some(PutExec::Code { code, .. }) => code.clone(),
            Some(PutExec::Sequence(_)) => None,
            None => self.code(&action).await?,
        };
        let document = api::entity::Action::new(&name.namespace, &name.path, &action, code);
        let mut ops = vec![stored::put(&controller.blobs, key, &Named::Action(action)).await?];
        moves(home.as_ref(), &mut ops, &mut expect);
        match controller.change_as(caller, ops, expect, asked.transaction).await {
            Ok(_) => Ok(Some(Answer::json(api::entity::bytes(&document)))),
            Err(Failed::Changed) => Ok(None),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Looks into code that has to be looked into, then stores it: nothing is kept of what is refused.
    async fn take_code(
        &self,
        caller: &Identity,
        inspected: bool,
        code: Bytes,
        (mut kind, main, memory_mb): (String, Option<String>, u32),
    ) -> Result<Found, Refusal> {
        if inspected {
            let digest = store::blobs::digest_of_async(code.clone()).await?;
            let code = code.clone();
            let artefact = Artefact { kind, digest, code, main, memory_mb };
            let inspected = self.controller.inspector.inspect(artefact).await;
            kind = inspected.map_err(Invalid::Code)?.kind;
            entitlement::may_store(caller, &kind)?;
        }
        let digest = self.controller.blobs.put_async(code).await?;
        Ok((kind, Some(digest)))
    }

    /// Whether the caller may store an action that runs, or refers to, this.
    async fn may_store(&self, caller: &Identity, put: &Put) -> Result<(), Refusal> {
        let controller = &self.controller;
        match &put.exec {
            None => Ok(()),
            Some(PutExec::Code { kind, .. }) => {
                let kind = self.controller.runtimes.resolve(kind).map_or(kind, |known| &known.kind);
                Ok(entitlement::may_store(caller, kind)?)
            }
            Some(PutExec::Sequence(components)) => {
                let looked = controller.documents.look(&controller.partition, |view| {
                    let mut denied = Vec::new();
                    for component in components {
                        match packages::reach(view, &caller.namespace, component) {
                            Ok(_) => {}
                            Err(Stop::No(Astray::Denied(resource))) => denied.push(resource),
                            Err(stop) => return Err(stop.widen::<Refusal>()),
                        }
                    }
                    Denied::all(denied).map_or(Ok(()), |denied| Err(Refusal::from(denied).into()))
                });
                looked.await
            }
        }
    }

    /// Checks on `exec` that need the state: is there one, may it still be written, do the
    /// components of a sequence exist. What they rested on goes to `expect`.
    async fn check_exec(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        put: &Put,
        before: Option<&Action>,
        expect: &mut Vec<Expect>,
    ) -> Result<(), Refusal> {
        let kind = match (&put.exec, before) {
            (Some(exec), _) => exec.kind(),
            (None, Some(before)) => before.exec.kind(),
            (None, None) => return Err(Invalid::NoExec.into()),
        };
        if self.controller.runtimes.resolve(kind).is_some_and(|kind| kind.deprecated) {
            return Err(Invalid::Deprecated(kind.to_owned()).into());
        }
        if kind == "sequence" {
            put.check_sequence_limits()?;
        }
        if let Some(PutExec::Sequence(components)) = &put.exec {
            self.check_components(caller, name, components, expect).await?;
        }
        Ok(())
    }

    async fn check_components(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        components: &[QualifiedName],
        expect: &mut Vec<Expect>,
    ) -> Result<(), Refusal> {
        if components.len() > MAX_SEQUENCE {
            return Err(Invalid::TooManyComponents.into());
        }
        if components.is_empty() {
            return Err(Invalid::NoComponents.into());
        }
        let controller = &self.controller;
        let looked = controller.documents.look(&controller.partition, |view| {
            let mut expansion =
                Expansion { of: name, caller, seen: BTreeMap::new(), unread: false };
            let count = expansion.count(view, components, 0)?;
            if expansion.unread {
                return Err(Stop::Read);
            }
            if count > MAX_SEQUENCE {
                return Err(Refusal::from(Invalid::TooManyComponents).into());
            }
            Ok(expansion.seen)
        });
        expect.extend(looked.await?.into_iter().map(|(key, mark)| Expect { key, mark }));
        Ok(())
    }

    /// An action of the caller's own, and the package that it is in or would be.
    async fn own_action(
        &self,
        name: &QualifiedName,
    ) -> Result<(Option<Seen>, Option<Stored>), Refusal> {
        let controller = &self.controller;
        let key = EntityKey::named(&name.namespace, &name.path);
        let looked = controller.documents.look(&controller.partition, |view| {
            let home = home(view, name)?;
            let Some(seen) = view.get::<Refusal>(&key)? else { return Ok((home, None)) };
            let action = seen.known.action().cloned().ok_or_else(Refusal::other_kind)?;
            Ok::<_, Stop<Refusal>>((home, Some(Stored { revision: seen.pin.revision, action })))
        });
        looked.await
    }

    /// The text of an action's code.
    async fn code(&self, action: &Action) -> Result<Option<String>, Refusal> {
        let Exec::Code { code: Some(code), .. } = &action.exec else { return Ok(None) };
        let bytes = self.controller.blobs.get_async(code.digest).await?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn invoke_action(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        tracing::trace!("an invocation is asked for");
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
                    let waiting = asked.query.waiting()?;
                    controller.metrics.idempotent_replays.inc();
                    let again = controller.answer_again(caller, waiting, Some(&seen), first);
                    let again = Box::pin(again).await;
                    return Ok(Answer::invoked(again?));
                }
            }
            key = Some(seen);
        }
        self.admit(caller, asked)?;
        if key.is_some() {
            controller.key_has_room(caller)?;
        }
        self.may_invoke(caller, name).await?;
        let payload = match payload {
            Some(payload) => payload,
            None => {
                let body = body.take().unwrap_or_default();
                let most = caller.limits.max_payload;
                body::payload(asked.headers, body, &self.in_flight, most).await?
            }
        };
        let arguments = body::arguments(asked.headers, &payload)?;
        let waiting = asked.query.waiting()?;
        let reply = controller
            .invoke(&Call {
                caller,
                target: name,
                arguments,
                waiting,
                key: key.as_ref(),
                transaction: asked.transaction,
                received: asked.received,
                store: caller.limits.store_activations.unwrap_or(true) || asked.extra_logging(),
            })
            .await?;
        Ok(Answer::invoked(reply))
    }

    /// Whether the caller may use the place where the action is.
    async fn may_invoke(&self, caller: &Identity, name: &QualifiedName) -> Result<(), Refusal> {
        if name.path.package.is_none() {
            return Ok(entitlement::may_own(caller, name)?);
        }
        let controller = &self.controller;
        let looked = controller
            .documents
            .look(&controller.partition, |view| packages::reach(view, &caller.namespace, name));
        Ok(looked.await.map(drop)?)
    }

    /// The throttles of an invoke: first how often, then how many at a time.
    fn admit(&self, caller: &Identity, asked: &Asked<'_>) -> Result<(), Refusal> {
        let (namespace, limits) = (&caller.namespace, &caller.limits);
        let allowed = limits.invocations_per_minute;
        self.controller.rates.admit(asked.received, namespace, Counted::Invocations, allowed)?;
        let count = self.controller.partition.inspect(|owner| owner.in_flight(namespace));
        has_room(count, limits.concurrent_invocations)?;
        Ok(())
    }
}

/// A write of an action moves the contents of the package that it is in, which has to be there.
fn moves(home: Option<&Seen>, ops: &mut Vec<Op>, expect: &mut Vec<Expect>) {
    if let Some(home) = home {
        let key = home.pin.key.clone();
        expect.push(Expect { key: key.clone(), mark: Mark::Born(home.born) });
        ops.push(Op::Touch(key));
    }
}

/// The components of a sequence, nested ones expanded.
struct Expansion<'a> {
    of: &'a QualifiedName,
    caller: &'a Identity,
    seen: BTreeMap<EntityKey, Mark>,
    unread: bool,
}

impl Expansion<'_> {
    /// How many actions would run; more than enough is not counted to the end.
    fn count(
        &mut self,
        view: &mut View<'_>,
        components: &[QualifiedName],
        depth: usize,
    ) -> Result<usize, Stop<Refusal>> {
        if depth > MAX_DEPTH {
            return Err(Refusal::from(Invalid::TooManyComponents).into());
        }
        let mut count = 0;
        for component in components {
            match self.count_one(view, component, depth) {
                Ok(more) => count += more,
                // It is at least one; what is in it is counted at the next look.
                Err(Stop::Read) => {
                    self.unread = true;
                    count += 1;
                }
                Err(stop) => return Err(stop),
            }
            if count > MAX_SEQUENCE {
                break;
            }
        }
        Ok(count)
    }

    fn count_one(
        &mut self,
        view: &mut View<'_>,
        component: &QualifiedName,
        depth: usize,
    ) -> Result<usize, Stop<Refusal>> {
        let recursive = |name: &QualifiedName| name == self.of;
        if recursive(component) {
            return Err(Refusal::from(Invalid::Recursive).into());
        }
        let reached = match packages::reach(view, &self.caller.namespace, component) {
            Ok(reached) => reached,
            // Nested in a component: what is wrong there is not the writer's matter.
            Err(Stop::No(Astray::NotFound | Astray::Denied(_))) if depth > 0 => return Ok(1),
            Err(stop) => return Err(stop.widen()),
        };
        if recursive(&reached.name) {
            return Err(Refusal::from(Invalid::Recursive).into());
        }
        let Some(seen) = view.get::<Refusal>(&reached.key())? else {
            return Err(Refusal::from(Invalid::NoSuchComponent).into());
        };
        let Some(action) = seen.known.action() else {
            return Err(Refusal::from(Invalid::NoSuchComponent).into());
        };
        let Exec::Sequence(nested) = &action.exec else {
            self.seen.insert(seen.pin.key, Mark::Born(seen.born));
            return Ok(1);
        };
        let parse = |name: &String| QualifiedName::parse(name, &reached.name.namespace).ok();
        let nested: Vec<_> = nested.iter().filter_map(parse).collect();
        let Pin { key, revision } = seen.pin;
        self.seen.insert(key, Mark::Revision(revision));
        self.count(view, &nested, depth + 1)
    }
}
