//! Keys of a namespace.

use ledger::record::EntityKey;

use super::change::Plan;
use super::namespaces::names;
use super::subjects::{owned, subject};
use super::{Api, Asked, Error, key, shown};
use crate::http::body::Incoming;
use crate::http::respond::Answer;
use crate::read::identities;

impl Api {
    pub(super) async fn add_key(
        &self,
        name: &str,
        namespace: &str,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Error> {
        let namespace = names(name, namespace)?;
        let imported = self.imported(asked, body).await?;
        let key = imported.unwrap_or_else(|| key::make(&self.controller.random));
        let now = self.controller.clock.wall();
        let made = self.change(asked.transaction, |ledger| {
            let found = subject(ledger, name)?;
            let owned = owned(ledger, name, &namespace)?;
            let mut plan = Plan::default();
            plan.unchanged(EntityKey::subject(name), &found);
            plan.keys_change(&namespace, &owned);
            let shown = plan.give_key(ledger, &found.value, &namespace, &key, now)?;
            Ok((plan, shown))
        });
        Ok(Answer::admin_created(&made.await?))
    }

    pub(super) async fn revoke_key(
        &self,
        name: &str,
        namespace: &str,
        user: &str,
        asked: &Asked<'_>,
    ) -> Result<Answer, Error> {
        let namespace = names(name, namespace)?;
        let left = self.change(asked.transaction, |ledger| {
            let found = subject(ledger, name)?;
            let owned = owned(ledger, name, &namespace)?;
            let key = identities::access_key(ledger, user)?;
            let is_it = |key: &identities::Found<model::identity::AccessKey>| {
                key.value.subject == name && key.value.namespace == namespace
            };
            let key = key.filter(is_it).ok_or(Error::NotFound)?;
            let mut plan = Plan::default();
            plan.keys_change(&namespace, &owned);
            plan.unchanged(EntityKey::access_key(user), &key);
            plan.delete(EntityKey::access_key(user));
            let mut keys = shown::keys(ledger, |it| it == name);
            keys.entry(namespace.clone()).or_default().retain(|key| key.uuid != user);
            Ok((plan, shown::subject(&found.value, &keys)))
        });
        Ok(Answer::admin(&left.await?))
    }
}
