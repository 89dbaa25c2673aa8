//! Subjects.

use api::admin;
use ledger::fold::Ledger;
use ledger::record::{EntityKey, Expect, Mark};
use model::identity::{AccessKey, Key, Subject, check_subject};
use model::name::Namespace;
use model::time::WallTime;

use super::change::{Plan, entities};
use super::{Api, Asked, Error, key, shown};
use crate::http::body::Incoming;
use crate::http::respond::Answer;
use crate::read::identities::{self, Found};

impl Api {
    pub(super) fn list_subjects(&self, asked: &Asked<'_>) -> Result<Answer, Error> {
        let page = asked.query.page("subjects")?;
        let (skip, limit) = (page.skip, usize::try_from(page.limit).unwrap_or(usize::MAX));
        let listed = self.controller.partition.read(|ledger| {
            let passed = usize::try_from(skip).unwrap_or(usize::MAX);
            let all = identities::subjects(ledger).skip(passed).take(limit);
            let all = all.map(|found| found.map(|found| found.value));
            let subjects = all.collect::<Result<Vec<Subject>, _>>()?;
            let wanted = |name: &str| subjects.iter().any(|subject| subject.name == name);
            let keys = shown::keys(ledger, wanted);
            let shown = subjects.iter().map(|subject| shown::subject(subject, &keys));
            Ok::<_, Error>(shown.collect::<Vec<_>>())
        })?;
        Ok(Answer::admin(&listed))
    }

    pub(super) fn get_subject(&self, name: &str) -> Result<Answer, Error> {
        check_subject(name)?;
        let found = self.controller.partition.read(|ledger| {
            let found = subject(ledger, name)?;
            Ok::<_, Error>(shown::subject(&found.value, &shown::keys(ledger, |it| it == name)))
        })?;
        Ok(Answer::admin(&found))
    }

    pub(super) async fn put_subject(
        &self,
        name: &str,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Error> {
        check_subject(name)?;
        let namespace = Namespace::new(name)?;
        let imported = self.imported(asked, body).await?;
        let key = imported.unwrap_or_else(|| key::make(&self.controller.random));
        let now = self.controller.clock.wall();
        self.clear_leftovers(&namespace, asked.transaction).await?;
        let made = self.change(asked.transaction, |ledger| {
            if identities::subject(ledger, name)?.is_some() {
                return Err(Error::Exists);
            }
            let namespaces = Vec::new();
            let created = Some(now);
            let subject = Subject { name: name.to_owned(), blocked: false, created, namespaces };
            let mut plan = Plan::default();
            plan.absent(EntityKey::subject(name));
            let shown = plan.give_namespace(ledger, subject, &namespace, &key, now)?;
            Ok((plan, shown))
        });
        Ok(Answer::admin_created(&made.await?))
    }

    /// Blocks or unblocks. What waits for an assignment is ended by the owner, when it reads this.
    pub(super) async fn block_subject(
        &self,
        name: &str,
        blocked: bool,
        asked: &Asked<'_>,
    ) -> Result<Answer, Error> {
        check_subject(name)?;
        let changed = self.change(asked.transaction, |ledger| {
            let mut found = subject(ledger, name)?;
            found.value.blocked = blocked;
            let mut plan = Plan::default();
            plan.unchanged(EntityKey::subject(name), &found);
            plan.ops.push(identities::put_subject(&found.value));
            let keys = shown::keys(ledger, |it| it == name);
            Ok((plan, shown::subject(&found.value, &keys)))
        });
        Ok(Answer::admin(&changed.await?))
    }

    pub(super) async fn delete_subject(
        &self,
        name: &str,
        asked: &Asked<'_>,
    ) -> Result<Answer, Error> {
        check_subject(name)?;
        let force = asked.query.flag("force", false)?;
        let (before, namespaces) = self.controller.partition.read(|ledger| {
            let found = subject(ledger, name)?;
            let shown = shown::subject(&found.value, &shown::keys(ledger, |it| it == name));
            for namespace in &found.value.namespaces {
                may_delete(ledger, namespace, force)?;
            }
            Ok::<_, Error>((shown, found.value.namespaces))
        })?;
        for namespace in &namespaces {
            self.empty(name, namespace, asked.transaction).await?;
        }
        self.change(asked.transaction, |ledger| {
            let found = subject(ledger, name)?;
            let mut plan = Plan::default();
            plan.unchanged(EntityKey::subject(name), &found);
            for namespace in &found.value.namespaces {
                may_delete(ledger, namespace, false)?;
                plan.take_namespace(ledger, namespace)?;
            }
            plan.delete(EntityKey::subject(name));
            Ok((plan, ()))
        })
        .await?;
        Ok(Answer::admin(&before))
    }

    /// Takes all keys of a namespace and then deletes its entities, if it has any: whoever has no key
    /// makes nothing new.
    pub(super) async fn empty(
        &self,
        name: &str,
        namespace: &Namespace,
        by: &str,
    ) -> Result<(), Error> {
        if self.controller.partition.read(|ledger| entities(ledger, namespace) == 0) {
            return Ok(());
        }
        self.change(by, |ledger| {
            let owned = owned(ledger, name, namespace)?;
            let mut plan = Plan::default();
            plan.keys_change(namespace, &owned);
            plan.take_keys(ledger, namespace);
            Ok((plan, ()))
        })
        .await?;
        let born = self.controller.partition.read(|ledger| {
            ledger.entity(&EntityKey::namespace(namespace)).map(|entity| entity.born)
        });
        let mark = Mark::Born(born.ok_or(Error::NotFound)?);
        self.erase(namespace, &Expect { key: EntityKey::namespace(namespace), mark }, by).await
    }

    /// A request that was under way when a namespace was deleted may have left something in it: that is
    /// not for whoever has the namespace next.
    pub(super) async fn clear_leftovers(
        &self,
        namespace: &Namespace,
        by: &str,
    ) -> Result<(), Error> {
        let key = EntityKey::namespace(namespace);
        if self.controller.partition.read(|ledger| ledger.entity(&key).is_some()) {
            return Ok(()); // somebody's: whoever asks is told so
        }
        self.erase(namespace, &Expect { key, mark: Mark::Absent }, by).await
    }
}

impl Plan {
    /// Gives a subject a namespace that nobody has, with its first key; and shows the subject then.
    pub(super) fn give_namespace(
        &mut self,
        ledger: &Ledger,
        mut subject: Subject,
        namespace: &Namespace,
        key: &Key,
        now: WallTime,
    ) -> Result<admin::Subject, Error> {
        match identities::owner(ledger, namespace)? {
            Some(owner) if owner.value == subject.name => return Err(Error::Exists),
            Some(_) => return Err(Error::Foreign(namespace.clone())),
            None => {}
        }
        subject.namespaces.push(namespace.clone());
        self.absent(EntityKey::namespace(namespace));
        self.ops.push(identities::put_subject(&subject));
        self.ops.push(identities::put_owner(namespace, &subject.name));
        // What was once set for somebody else's.
        self.delete(EntityKey::limits(namespace));
        self.give_key(ledger, &subject, namespace, key, now)
    }

    /// Gives a namespace a key; and shows the subject then, the key with it.
    pub(super) fn give_key(
        &mut self,
        ledger: &Ledger,
        subject: &Subject,
        namespace: &Namespace,
        key: &Key,
        now: WallTime,
    ) -> Result<admin::Subject, Error> {
        if ledger.entity(&EntityKey::access_key(key.user())).is_some() {
            return Err(Error::KeyInUse);
        }
        self.absent(EntityKey::access_key(key.user()));
        let stored = AccessKey {
            secret: store::blobs::digest_of(key.secret().as_bytes()),
            subject: subject.name.clone(),
            namespace: namespace.clone(),
            created: Some(now),
        };
        self.ops.push(identities::put_access_key(key.user(), &stored));
        let mut keys = shown::keys(ledger, |it| it == subject.name);
        let of_namespace = keys.entry(namespace.clone()).or_default();
        of_namespace.push(shown::shown_key(key.user(), Some(now)));
        shown::sort(of_namespace);
        let mut shown = shown::subject(subject, &keys);
        shown.key = Some(admin::Secret(key.reveal()));
        Ok(shown)
    }

    /// Deletes all keys of a namespace.
    pub(super) fn take_keys(&mut self, ledger: &Ledger, namespace: &Namespace) {
        for (user, found) in identities::access_keys(ledger) {
            if found.value.namespace == *namespace {
                self.unchanged(EntityKey::access_key(user), &found);
                self.delete(EntityKey::access_key(user));
            }
        }
    }

    /// Deletes a namespace with its keys and limits, itself last.
    pub(super) fn take_namespace(
        &mut self,
        ledger: &Ledger,
        namespace: &Namespace,
    ) -> Result<(), Error> {
        let found = identities::owner(ledger, namespace)?.ok_or(Error::NotFound)?;
        self.keys_unchanged(namespace, found.contents);
        self.take_keys(ledger, namespace);
        self.delete(EntityKey::limits(namespace));
        self.delete(EntityKey::namespace(namespace));
        Ok(())
    }
}

/// The subject of this name.
pub(super) fn subject(ledger: &Ledger, name: &str) -> Result<Found<Subject>, Error> {
    identities::subject(ledger, name)?.ok_or(Error::NotFound)
}

/// The namespace, if it is this subject's.
pub(super) fn owned(
    ledger: &Ledger,
    name: &str,
    namespace: &Namespace,
) -> Result<Found<String>, Error> {
    let found = identities::owner(ledger, namespace)?.filter(|found| found.value == name);
    found.ok_or(Error::NotFound)
}

/// Whether a namespace may be deleted as it is.
pub(super) fn may_delete(ledger: &Ledger, namespace: &Namespace, force: bool) -> Result<(), Error> {
    match entities(ledger, namespace) {
        0 => Ok(()),
        _ if force => Ok(()),
        count => Err(Error::NotEmpty { namespace: namespace.clone(), count }),
    }
}
