//! Actions: create, read, update, delete, list, invoke.
//!
//! Source: `rest-api.md` §3; the order of checks: §1.3.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ledger::fold::Ledger;
use ledger::record::{EntityKey, Expect, Mark, Op, Pin};
use model::action::{Action, Exec};
use model::id::{Digest, Offset};
use model::identity::Identity;
use model::json::Json;
use model::limits::MAX_SEQUENCE;
use model::name::{EntityName, EntityPath, Namespace, QualifiedName};

use super::body::{self, Incoming};
use super::put::{Invalid, Put, PutExec};
use super::query::Page;
use super::respond::{Answer, Refusal};
use super::route::Verb;
use super::{Api, Asked};
use crate::entitlement::rate::{Counted, has_room};
use crate::entitlement::{self, Wish};
use crate::invoke::key::{self, Key, Seen};
use crate::invoke::{Call, Error as InvokeError};
use crate::read::Known;
use crate::read::documents::Unreadable;
use crate::runtimes::Artefact;
use crate::write::{self, Failed, TRIES};

/// An entity as one look at the fold found it.
struct Stored {
    revision: Offset,
    action: Arc<Known>,
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
        entitlement::may(caller, Wish::Use, name)?;
        self.enclosing(name)?;
        let with_code = asked.query.flag("code", true)?;
        let stored = self.stored(name).await?.ok_or_else(Refusal::not_found)?;
        self.shown(name, &stored.action, with_code).await
    }

    async fn delete_action(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        entitlement::may(caller, Wish::Change, name)?;
        self.enclosing(name)?;
        let key = EntityKey::named(&name.namespace, &name.path);
        for _ in 0..TRIES {
            let stored = self.stored(name).await?.ok_or_else(Refusal::not_found)?;
            let answer = self.shown(name, &stored.action, true).await?;
            let expect = write::unchanged(&key, Some(stored.revision));
            let ops = vec![Op::Delete(key.clone())];
            match self.controller.change(ops, vec![expect], asked.transaction).await {
                Ok(_) => return Ok(answer),
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
        entitlement::may(caller, Wish::Change, name)?;
        self.enclosing(name)?;
        let (own, runtimes) = (caller.namespace.clone(), Arc::clone(&self.controller.runtimes));
        let parse = move |body: &Json| Put::parse(body, &own, &runtimes);
        let put = body::entity(asked.headers, body, &self.in_flight, parse).await?;
        put.check_sizes(&caller.limits)?;
        let overwrite = asked.query.flag("overwrite", false)?;
        put.check_values(&caller.limits)?;
        self.may_store(caller, &put)?;
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
        let stored = self.stored(name).await?;
        if stored.is_some() && !overwrite {
            return Err(Invalid::Exists.into());
        }
        let revision = stored.as_ref().map(|stored| stored.revision);
        let before = stored.as_ref().map(|stored| &**stored.action);
        let mut expect = vec![write::unchanged(&key, revision)];
        self.check_exec(name, put, before, &mut expect).await?;
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
        let op = write::put_action(&controller.blobs, key, action).await?;
        match controller.change(vec![op], expect, asked.transaction).await {
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
    fn may_store(&self, caller: &Identity, put: &Put) -> Result<(), Refusal> {
        match &put.exec {
            None => Ok(()),
            Some(PutExec::Code { kind, .. }) => {
                let kind = self.controller.runtimes.resolve(kind).map_or(kind, |known| &known.kind);
                Ok(entitlement::may_store(caller, kind)?)
            }
            Some(PutExec::Sequence(components)) => {
                entitlement::may_use_all(caller, components)?;
                components.iter().try_for_each(|component| self.enclosing(component))
            }
        }
    }

    /// Checks on `exec` that need the state: is there one, may it still be written, do the
    /// components of a sequence exist. What they rested on goes to `expect`.
    async fn check_exec(
        &self,
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
            self.check_components(name, components, expect).await?;
        }
        Ok(())
    }

    async fn check_components(
        &self,
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
        loop {
            let mut expansion = Expansion { of: name, seen: BTreeMap::new(), unread: Vec::new() };
            let count = self
                .controller
                .partition
                .read(|ledger| expansion.count(ledger, &self.controller.documents, components, 0));
            // Large documents are read first, then all is looked at again.
            if expansion.unread.is_empty() {
                if count? > MAX_SEQUENCE {
                    return Err(Invalid::TooManyComponents.into());
                }
                let seen = expansion.seen.into_iter();
                expect.extend(seen.map(|(key, mark)| Expect { key, mark }));
                return Ok(());
            }
            for pin in expansion.unread {
                let read = self.controller.documents.action_at(&self.controller.partition, &pin);
                match read.await {
                    Ok(_) | Err(Unreadable::Gone(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    /// Whether the package of a packaged name exists in the caller's own namespace. None can be
    /// stored yet: what has its name is something else.
    fn enclosing(&self, name: &QualifiedName) -> Result<(), Refusal> {
        let Some(package) = &name.path.package else { return Ok(()) };
        self.package(&name.namespace, package)
    }

    fn package(&self, namespace: &Namespace, package: &EntityName) -> Result<(), Refusal> {
        let path = EntityPath { package: None, name: package.clone() };
        let key = EntityKey::named(namespace, &path);
        if self.controller.partition.read(|ledger| ledger.entity(&key).is_some()) {
            return Err(Refusal::other_kind());
        }
        Err(Refusal::not_found())
    }

    async fn stored(&self, name: &QualifiedName) -> Result<Option<Stored>, Refusal> {
        let key = EntityKey::named(&name.namespace, &name.path);
        for _ in 0..TRIES {
            let revision = self
                .controller
                .partition
                .read(|ledger| ledger.entity(&key).map(|entity| entity.revision));
            let Some(revision) = revision else { return Ok(None) };
            let pin = Pin { key: key.clone(), revision };
            match self.controller.documents.action_at(&self.controller.partition, &pin).await {
                Ok(action) => return Ok(Some(Stored { revision, action })),
                Err(Unreadable::Gone(_)) => {} // written over between two looks
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::lost_race())
    }

    /// The text of an action's code.
    async fn code(&self, action: &Action) -> Result<Option<String>, Refusal> {
        let Exec::Code { code: Some(code), .. } = &action.exec else { return Ok(None) };
        let bytes = self.controller.blobs.get_async(code.digest).await?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn shown(
        &self,
        name: &QualifiedName,
        action: &Action,
        with_code: bool,
    ) -> Result<Answer, Refusal> {
        let code = if with_code { self.code(action).await? } else { None };
        let document = api::entity::Action::new(&name.namespace, &name.path, action, code);
        let answer = Answer::json(api::entity::bytes(&document));
        let Exec::Code { kind, code: Some(code), main, .. } = &action.exec else {
            return Ok(answer);
        };
        let begins = self.controller.inspector.begins(kind, &code.digest, main.as_deref());
        Ok(answer.starting_from(begins))
    }

    /// The actions of a namespace, the newest first.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn list_actions(
        &self,
        caller: &Identity,
        namespace: &Namespace,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        entitlement::may_list(caller, namespace)?;
        let Page { skip, limit, count } = asked.query.page("actions")?;
        let prefix = EntityKey::prefix_of(namespace);
        let mut all: Vec<Pin> = self.controller.partition.read(|ledger| {
            let found = ledger.entities_under(&prefix);
            found.map(|(key, entity)| Pin { key: key.clone(), revision: entity.revision }).collect()
        });
        if count {
            let count = (all.len() as u64).saturating_sub(skip);
            return Ok(Answer::json(api::entity::count("actions", count)));
        }
        // Written later, updated later.
        all.sort_unstable_by_key(|pin| std::cmp::Reverse(pin.revision));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut summaries = Vec::new();
        for pin in all.into_iter().skip(skip).take(limit) {
            let read = self.controller.documents.action_at(&self.controller.partition, &pin).await;
            let action = match read {
                Ok(action) => action,
                Err(Unreadable::Gone(_)) => continue, // deleted while the list was made
                Err(error) => return Err(error.into()),
            };
            if let Some(ledger::record::Named::Entity(namespace, path)) = pin.key.parse() {
                let summary = api::entity::Summary::new(&namespace, &path, &action);
                summaries.push(api::entity::bytes(&summary));
            }
        }
        Ok(Answer::json(api::activation::list(summaries)))
    }

    /// The actions of a package.
    ///
    /// # Errors
    /// [`Refusal`]: there are no packages yet.
    pub(super) fn list_package(
        &self,
        caller: &Identity,
        namespace: &Namespace,
        package: EntityName,
    ) -> Result<Answer, Refusal> {
        let path = EntityPath { package: None, name: package };
        let name = QualifiedName { namespace: namespace.clone(), path };
        entitlement::may(caller, Wish::Use, &name)?;
        self.package(namespace, &name.path.name).map(|()| Answer::json(Bytes::from_static(b"[]")))
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
            let read =
                body::payload(asked.headers, body.take().unwrap_or_default(), &self.in_flight);
            let bytes = payload.insert(read.await?);
            let seen = Key::new(&caller.namespace, text, "POST", asked.target, bytes);
            match controller.key_seen(&seen) {
                Seen::Never => {}
                Seen::Otherwise => return Err(InvokeError::KeyReused.into()),
                Seen::Before(first) => {
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
        entitlement::may(caller, Wish::Use, name)?;
        self.enclosing(name)?;
        let payload = match payload {
            Some(payload) => payload,
            None => {
                let body = body.take().unwrap_or_default();
                body::payload(asked.headers, body, &self.in_flight).await?
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

/// The components of a sequence, nested ones expanded.
struct Expansion<'a> {
    of: &'a QualifiedName,
    seen: BTreeMap<EntityKey, Mark>,
    unread: Vec<Pin>,
}

impl Expansion<'_> {
    /// How many actions would run; more than enough is not counted to the end.
    fn count(
        &mut self,
        ledger: &Ledger,
        documents: &crate::read::Documents,
        components: &[QualifiedName],
        depth: usize,
    ) -> Result<usize, Refusal> {
        if depth > crate::invoke::resolve::MAX_DEPTH {
            return Err(Invalid::TooManyComponents.into());
        }
        let mut count = 0;
        for component in components {
            if component == self.of {
                return Err(Invalid::Recursive.into());
            }
            let key = EntityKey::named(&component.namespace, &component.path);
            let entity = ledger.entity(&key);
            let Some(entity) = entity else { return Err(Invalid::NoSuchComponent.into()) };
            let pin = Pin { key: key.clone(), revision: entity.revision };
            let Some(action) = documents.now(ledger, &pin)? else {
                self.unread.push(pin);
                continue;
            };
            let Exec::Sequence(nested) = &action.exec else {
                self.seen.insert(key, Mark::Born(entity.born));
                count += 1;
                continue;
            };
            self.seen.insert(key, Mark::Revision(entity.revision));
            let nested: Vec<_> = nested
                .iter()
                .filter_map(|name| QualifiedName::parse(name, &component.namespace).ok())
                .collect();
            count += self.count(ledger, documents, &nested, depth + 1)?;
            if count > MAX_SEQUENCE {
                break;
            }
        }
        Ok(count)
    }
}
