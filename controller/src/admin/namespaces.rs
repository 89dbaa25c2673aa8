//! Namespaces of a subject.

use ledger::record::EntityKey;
use model::identity::check_subject;
use model::name::{BadName, Namespace};

use super::change::Plan;
use super::subjects::{may_delete, owned, subject};
use super::{Api, Asked, Error, key, shown};
use crate::http::body::Incoming;
use crate::http::respond::Answer;
use crate::read::identities;

impl Api {
    pub(super) fn get_namespace(&self, name: &str, namespace: &str) -> Result<Answer, Error> {
        let namespace = names(name, namespace)?;
        let found = self.controller.partition.read(|ledger| {
            owned(ledger, name, &namespace)?;
            let keys = shown::keys(ledger, |it| it == name);
            Ok::<_, Error>(shown::namespace(&namespace, &keys))
        })?;
        Ok(Answer::admin(&found))
    }

    pub(super) async fn put_namespace(
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
        self.controller.partition.read(|ledger| subject(ledger, name).map(drop))?;
        self.clear_leftovers(&namespace, asked.transaction).await?;
        let made = self.change(asked.transaction, |ledger| {
            let found = subject(ledger, name)?;
            let mut plan = Plan::default();
            plan.unchanged(EntityKey::subject(name), &found);
            let shown = plan.give_namespace(ledger, found.value, &namespace, &key, now)?;
            Ok((plan, shown))
        });
        Ok(Answer::admin_created(&made.await?))
    }

    pub(super) async fn delete_namespace(
        &self,
        name: &str,
        namespace: &str,
        asked: &Asked<'_>,
    ) -> Result<Answer, Error> {
        let namespace = names(name, namespace)?;
        let force = asked.query.flag("force", false)?;
        let before = self.controller.partition.read(|ledger| {
            owned(ledger, name, &namespace)?;
            may_delete(ledger, &namespace, force)?;
            Ok::<_, Error>(shown::namespace(&namespace, &shown::keys(ledger, |it| it == name)))
        })?;
        self.empty(name, &namespace, asked.transaction).await?;
        self.change(asked.transaction, |ledger| {
            owned(ledger, name, &namespace)?;
            may_delete(ledger, &namespace, false)?;
            let mut found = subject(ledger, name)?;
            let mut plan = Plan::default();
            plan.unchanged(EntityKey::subject(name), &found);
            found.value.namespaces.retain(|it| *it != namespace);
            plan.ops.push(identities::put_subject(&found.value));
            plan.take_namespace(ledger, &namespace)?;
            Ok((plan, ()))
        })
        .await?;
        Ok(Answer::admin(&before))
    }
}

/// Checks the names of a path, that of the subject first.
pub(super) fn names(subject: &str, namespace: &str) -> Result<Namespace, Error> {
    check_subject(subject)?;
    // `_` stands for the namespace of whoever asks: nobody can have it.
    if namespace == "_" {
        return Err(BadName::NamespaceCharacters.into());
    }
    Ok(Namespace::new(namespace)?)
}
