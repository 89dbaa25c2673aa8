//! Packages and bindings: create, read, update, bind, share, delete.
//!
//! Source: `rest-api.md` §6; the order of checks: §1.3.

use std::sync::Arc;

use api::entity;
use ledger::record::{EntityKey, Expect, Mark, Named as Key, Op, Pin};
use model::identity::Identity;
use model::name::{EntityName, EntityPath, Namespace, QualifiedName};
use model::package::{Bound, Package};

use super::body::{self, Incoming};
use super::put::{Invalid, PutPackage};
use super::respond::{Answer, Refusal};
use super::route::Verb;
use super::{Api, Asked};
use crate::Controller;
use crate::entitlement::packages::{self, Astray, Provider};
use crate::entitlement::{self, Denied};
use crate::read::documents::{Seen, Stop, View};
use crate::read::stored::{self, Named};
use crate::write::{self, Failed, TRIES};

/// The name of no package: `default` stands for actions that are in none.
const DEFAULT: &str = "default";
/// So many actions are deleted at a time.
const DELETED_TOGETHER: usize = 1000;

impl Api {
    /// One package.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn package(
        &self,
        verb: Verb,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        match verb {
            Verb::Get => self.get_package(caller, name).await,
            Verb::Put => self.put_package(caller, name, asked, body).await,
            Verb::Delete => self.delete_package(caller, name, asked).await,
            Verb::Post => Err(Refusal::no_route()),
        }
    }

    async fn get_package(
        &self,
        caller: &Identity,
        name: &QualifiedName,
    ) -> Result<Answer, Refusal> {
        let controller = &self.controller;
        let bound = bound(name);
        let found = controller.documents.look(&controller.partition, |view| {
            packages::provider(view, &caller.namespace, &bound)
        });
        let provider = found.await.map_err(|astray| match astray {
            Astray::NotFound => Refusal::not_found_named(name),
            astray => astray.into(),
        })?;
        if controller.config.shared_packages_execute_only {
            provider.may_read(&caller.namespace)?;
        }
        let (actions, feeds) = self.contents(&provider).await?;
        let all = provider.parameters();
        let shown = provider.through.as_ref().map_or(&provider.package, |it| &it.binding);
        let document = entity::package::Package::new(&name.namespace, &name.path.name, shown);
        Ok(Answer::json(entity::bytes(&document.with(actions, feeds, &all))))
    }

    /// Its actions, and its feeds.
    async fn contents(
        &self,
        provider: &Provider,
    ) -> Result<(Vec<entity::package::Content>, Vec<entity::package::Content>), Refusal> {
        let Bound { namespace, name } = &provider.name;
        let (mut actions, mut feeds) = (Vec::new(), Vec::new());
        for pin in self.within(namespace, name) {
            let Controller { documents, partition, .. } = &*self.controller;
            let known = documents.latest(partition, pin.clone()).await?;
            let Some(known) = known else { continue };
            if let (Some(action), Some(Key::Entity(_, path))) = (known.action(), pin.key.parse()) {
                let (content, is_feed) = entity::package::Content::new(&path.name, action);
                if is_feed { feeds.push(content) } else { actions.push(content) }
            }
        }
        Ok((actions, feeds))
    }

    /// The actions in a package, in the order of their names.
    fn within(&self, namespace: &Namespace, package: &EntityName) -> Vec<Pin> {
        let prefix = EntityKey::prefix_within(namespace, package);
        self.controller.partition.read(|ledger| {
            let found = ledger.entities_under(&prefix);
            found.map(|(key, entity)| Pin { key: key.clone(), revision: entity.revision }).collect()
        })
    }

    async fn put_package(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        if name.path.name.as_str() == DEFAULT {
            return Err(Invalid::Reserved.into());
        }
        let own = caller.namespace.clone();
        let parse = move |body: &model::json::Json| PutPackage::parse(body, &own);
        let put = body::entity(asked.headers, body, &self.in_flight, parse).await?;
        put.check_sizes(&caller.limits)?;
        let overwrite = asked.query.flag("overwrite", false)?;
        let controller = &self.controller;
        let key = EntityKey::named(&name.namespace, &name.path);
        for _ in 0..TRIES {
            let (stored, provider) = controller
                .documents
                .look(&controller.partition, |view| {
                    let provider = put.binding.as_ref();
                    let provider = provider.map(|bound| target(view, caller, bound)).transpose()?;
                    let stored = stored_package(view, &key)?;
                    Ok::<_, Stop<Refusal>>((stored, provider))
                })
                .await?;
            if stored.is_some() && !overwrite {
                return Err(Invalid::Exists.into());
            }
            let mut expect =
                vec![write::unchanged(&key, stored.as_ref().map(|(seen, _)| seen.pin.revision))];
            if let Some((seen, found)) = provider {
                if stored.as_ref().is_some_and(|(_, package)| package.binding.is_none()) {
                    return Err(Invalid::IsPackage.into());
                }
                if found.binding.is_some() {
                    return Err(Invalid::BoundToBinding.into());
                }
                let Pin { key, revision } = seen.pin;
                expect.push(Expect { key, mark: Mark::Revision(revision) });
            }
            let before = stored.as_ref().map(|(_, package)| &**package);
            let package = put.merged(before, controller.clock.wall());
            let document =
                entity::package::Package::new(&name.namespace, &name.path.name, &package);
            let op = stored::put(&controller.blobs, key.clone(), &Named::Package(package)).await?;
            match controller.change_as(caller, vec![op], expect, asked.transaction).await {
                Ok(_) => return Ok(Answer::json(entity::bytes(&document))),
                Err(Failed::Changed) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Refusal::lost_race())
    }

    async fn delete_package(
        &self,
        caller: &Identity,
        name: &QualifiedName,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        entitlement::may_own(caller, name)?;
        let force = asked.query.flag("force", false)?;
        let controller = &self.controller;
        let key = EntityKey::named(&name.namespace, &name.path);
        let mut tries = 0;
        while tries < TRIES {
            let (seen, package, contents) = controller
                .documents
                .look(&controller.partition, |view| {
                    let (seen, package) =
                        stored_package(view, &key)?.ok_or_else(Refusal::not_found)?;
                    let prefix = EntityKey::prefix_within(&name.namespace, &name.path.name);
                    let within = view.ledger.entities_under(&prefix);
                    let contents: Vec<EntityKey> = within.map(|(key, _)| key.clone()).collect();
                    Ok::<_, Stop<Refusal>>((seen, package, contents))
                })
                .await?;
            if !contents.is_empty() && !force {
                return Err(Invalid::NotEmpty(contents.len()).into());
            }
            // Each write into the package moves its contents, so this sees every one.
            let expect = vec![
                write::unchanged(&key, Some(seen.pin.revision)),
                Expect { key: key.clone(), mark: Mark::Contents(seen.contents) },
            ];
            let is_last = contents.len() <= DELETED_TOGETHER;
            let deleted = contents.into_iter().take(DELETED_TOGETHER);
            let mut ops: Vec<Op> = deleted.map(Op::Delete).collect();
            ops.push(if is_last { Op::Delete(key.clone()) } else { Op::Touch(key.clone()) });
            match controller.change_as(caller, ops, expect, asked.transaction).await {
                Ok(_) if is_last => {
                    let (namespace, name) = (&name.namespace, &name.path.name);
                    let document = entity::package::Package::new(namespace, name, &package);
                    return Ok(Answer::json(entity::bytes(&document)));
                }
                Ok(_) => {}
                Err(Failed::Changed) => tries += 1,
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(Refusal::lost_race())
    }
}

/// A package of the caller's own that is named `key`.
fn stored_package(
    view: &mut View<'_>,
    key: &EntityKey,
) -> Result<Option<(Seen, Arc<Package>)>, Stop<Refusal>> {
    let Some(seen) = view.get::<Refusal>(key)? else { return Ok(None) };
    let package = seen.known.package().cloned().ok_or_else(Refusal::other_kind)?;
    Ok(Some((seen, package)))
}

/// What a binding is to point at, if the caller may use it.
fn target(
    view: &mut View<'_>,
    caller: &Identity,
    name: &Bound,
) -> Result<(Seen, Arc<Package>), Stop<Refusal>> {
    match packages::provider(view, &caller.namespace, name) {
        Ok(Provider { through: None, seen, package, .. }) => Ok((seen, package)),
        // A binding: told as such, once it is known whether the name is free.
        Ok(Provider { through: Some(through), .. }) => Ok((through.seen, through.binding)),
        Err(Stop::Read) => Err(Stop::Read),
        Err(Stop::No(Astray::NotFound)) => Err(Refusal::from(Invalid::NoProvider).into()),
        Err(Stop::No(Astray::OtherKind)) => Err(Refusal::from(Invalid::BoundToOther).into()),
        Err(Stop::No(Astray::Denied(resource))) => {
            Err(Refusal::from(Denied::Resources(vec![resource])).into())
        }
        Err(Stop::No(Astray::Unreadable(error))) => Err(Refusal::from(error).into()),
    }
}

/// The package that an action of this name would be written into; `None`: it is in none.
pub(super) fn home(
    view: &mut View<'_>,
    name: &QualifiedName,
) -> Result<Option<Seen>, Stop<Refusal>> {
    let Some(package) = &name.path.package else { return Ok(None) };
    let path = EntityPath { package: None, name: package.clone() };
    let key = EntityKey::named(&name.namespace, &path);
    let (seen, package) = stored_package(view, &key)?.ok_or_else(Refusal::not_found)?;
    if package.binding.is_some() {
        return Err(Refusal::from(Invalid::ThroughBinding).into());
    }
    Ok(Some(seen))
}

fn bound(name: &QualifiedName) -> Bound {
    Bound { namespace: name.namespace.clone(), name: name.path.name.clone() }
}
