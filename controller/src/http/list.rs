//! Lists of entities, the newest first.
//!
//! Source: `rest-api.md` §§1.3, 2.5, 3.7.

use api::entity;
use ledger::record::{EntityKey, Named, Pin};
use model::identity::Identity;
use model::name::{EntityName, EntityPath, Namespace};
use model::package::Bound;

use super::query::Page;
use super::respond::{Answer, Refusal};
use super::{Api, Asked};
use crate::Controller;
use crate::entitlement::{self, packages};
use crate::read::Known;
use crate::read::documents::Stop;
use crate::read::stored::{self, Collection};

impl Api {
    /// The actions, packages, triggers or rules of a namespace.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn list(
        &self,
        of: Collection,
        caller: &Identity,
        namespace: &Namespace,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        let all = |_: &Known| true;
        // Of a foreign namespace there is only what it shares.
        let shared = |known: &Known| {
            known.package().is_some_and(|package| package.publish && package.binding.is_none())
        };
        let shows: Option<&(dyn Fn(&Known) -> bool + Sync)> = match of {
            Collection::Packages if caller.namespace != *namespace => Some(&shared),
            Collection::Packages => None,
            Collection::Actions | Collection::Triggers | Collection::Rules => {
                entitlement::may_list(caller, namespace)?;
                None
            }
        };
        let prefix = EntityKey::prefix_of(namespace);
        match shows {
            Some(shows) => self.list_under(of, &prefix, asked, true, shows).await,
            None => self.list_under(of, &prefix, asked, false, &all).await,
        }
    }

    /// The actions of a package, or of the provider of a binding.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn list_package(
        &self,
        caller: &Identity,
        namespace: Namespace,
        package: EntityName,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        let name = Bound { namespace, name: package };
        let controller = &self.controller;
        let found = controller.documents.look(&controller.partition, |view| {
            let found = packages::provider(view, &caller.namespace, &name);
            found.map_err(Stop::widen::<Refusal>)
        });
        let provider = found.await?;
        if controller.config.shared_packages_execute_only {
            provider.may_read(&caller.namespace)?;
        }
        let provider = provider.name;
        let prefix = EntityKey::prefix_within(&provider.namespace, &provider.name);
        self.list_under(Collection::Actions, &prefix, asked, false, &|_| true).await
    }

    /// What is of this kind and stands under `prefix`; if `filtered`, only what `shows` says.
    async fn list_under(
        &self,
        of: Collection,
        prefix: &str,
        asked: &Asked<'_>,
        filtered: bool,
        shows: &(dyn Fn(&Known) -> bool + Sync),
    ) -> Result<Answer, Refusal> {
        let Page { skip, limit, count } = asked.query.page(of.as_str())?;
        let mut all: Vec<Pin> = self.controller.partition.read(|ledger| {
            let found = ledger.entities_under(prefix);
            let found = found.filter(|(_, it)| stored::collection(&it.document) == Some(of));
            found.map(|(key, entity)| Pin { key: key.clone(), revision: entity.revision }).collect()
        });
        // Written later, updated later.
        all.sort_unstable_by_key(|pin| std::cmp::Reverse(pin.revision));
        if count && !filtered {
            let count = (all.len() as u64).saturating_sub(skip);
            return Ok(Answer::json(entity::count(of.as_str(), count)));
        }
        let (mut skipped, mut counted) = (0, 0);
        let mut lines = Vec::new();
        for pin in all {
            if !filtered && skipped < skip {
                skipped += 1;
                continue;
            }
            if !count && lines.len() as u64 >= limit {
                break;
            }
            let Controller { documents, partition, .. } = &*self.controller;
            let known = documents.latest(partition, pin.clone()).await?;
            // What has the name by now may be of another kind.
            let shown = known.filter(|known| known.collection() == of && shows(known));
            let Some(known) = shown else { continue };
            if skipped < skip {
                skipped += 1;
                continue;
            }
            counted += 1;
            if !count && let Some(Named::Entity(namespace, path)) = pin.key.parse() {
                lines.push(line(&namespace, &path, &known));
            }
        }
        if count {
            return Ok(Answer::json(entity::count(of.as_str(), counted)));
        }
        Ok(Answer::json(api::activation::list(lines)))
    }
}

/// An entity as lists show it.
fn line(namespace: &Namespace, path: &EntityPath, known: &Known) -> Vec<u8> {
    let name = &path.name;
    match known {
        Known::Action(action) => entity::bytes(&entity::Summary::new(namespace, path, action)),
        Known::Package(package) => {
            entity::bytes(&entity::package::Summary::new(namespace, name, package))
        }
        Known::Trigger(trigger) => {
            entity::bytes(&entity::trigger::Summary::new(namespace, name, trigger))
        }
        Known::Rule(rule) => entity::bytes(&entity::rule::Rule::new(namespace, name, rule, None)),
    }
}
