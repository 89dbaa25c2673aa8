//! Packages, triggers and rules.
//!
//! Source: `rest-api.md` §§2.3, 2.5, 5, 6.

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use model::json::Json;

use super::answer::Answer;
use super::{Client, Error, Name, Page, name};
use crate::activation::read;
use crate::entity;
use crate::entity::package::{self, Package};
use crate::entity::rule::{self, Rule, Status};
use crate::entity::trigger::{self, Trigger};

/// What became of a fire that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fired {
    /// It was accepted: at least one rule was active.
    Accepted {
        /// The id of the trigger's own activation.
        id: String,
        /// Whether an earlier request with the same key had made it.
        replayed: bool,
    },
    /// No rule was active: nothing was started and nothing is kept, the request's key neither.
    Nothing,
}

impl Fired {
    /// The id of the trigger's activation, if there is one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Accepted { id, .. } => Some(id),
            Self::Nothing => None,
        }
    }
}

impl TryFrom<Answer> for Fired {
    type Error = Error;

    fn try_from(answer: Answer) -> Result<Self, Error> {
        if answer.status == 204 {
            return Ok(Self::Nothing);
        }
        let replayed = answer.is_replayed();
        let id = answer.decoded::<read::Accepted>()?.activation_id;
        Ok(Self::Accepted { id, replayed })
    }
}

impl Client {
    /// Creates a package or a binding, or with `overwrite` changes it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_package(
        &self,
        name: &Name,
        package: &package::Put,
        overwrite: bool,
    ) -> Result<Package, Error> {
        self.put(&name.path("packages"), package, overwrite).await
    }

    /// Reads a package with what is in it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn package(&self, name: &Name) -> Result<Package, Error> {
        self.get(&name.path("packages")).await
    }

    /// Deletes a package, with `force` also the actions in it; returns what it was.
    ///
    /// # Errors
    /// [`Error`]; 409 for a package that is not empty, without `force`.
    pub async fn delete_package(&self, name: &Name, force: bool) -> Result<Package, Error> {
        let query = if force { "?force=true" } else { "" };
        self.delete(&format!("{}{query}", name.path("packages"))).await
    }

    /// Lists the packages and bindings of a namespace; of another one those that are shared.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn packages(
        &self,
        namespace: &str,
        page: Page,
    ) -> Result<Vec<package::Summary>, Error> {
        self.list("packages", namespace, page).await
    }

    /// Asks for bindings to be made anew from the packages that others share; returns what changed.
    /// Ours has no such route, nor has the reference: bindings follow their package by themselves.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn refresh_packages(&self, namespace: &str) -> Result<Json, Error> {
        let path = format!("/api/v1/namespaces/{}/packages/refresh", name::segment(namespace));
        self.send(Method::POST, &path, None).await?.decoded()
    }

    /// Creates a trigger, or with `overwrite` changes it. A feed is not told: that is for whoever
    /// calls this.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_trigger(
        &self,
        name: &Name,
        trigger: &trigger::Put,
        overwrite: bool,
    ) -> Result<Trigger, Error> {
        self.put(&name.path("triggers"), trigger, overwrite).await
    }

    /// Reads a trigger with its rules.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn trigger(&self, name: &Name) -> Result<Trigger, Error> {
        self.get(&name.path("triggers")).await
    }

    /// Deletes a trigger; returns what it was. Its rules stay and are inactive.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_trigger(&self, name: &Name) -> Result<Trigger, Error> {
        self.delete(&name.path("triggers")).await
    }

    /// Lists the triggers of a namespace.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn triggers(
        &self,
        namespace: &str,
        page: Page,
    ) -> Result<Vec<trigger::Summary>, Error> {
        self.list("triggers", namespace, page).await
    }

    /// Fires a trigger. That it has no active rule is no error here; it is a [`Fired`] that says so.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn fire(&self, name: &Name, payload: &Json) -> Result<Fired, Error> {
        let body = Some(payload.as_bytes().clone());
        let answer = self.send(Method::POST, &name.path("triggers"), body).await?;
        Fired::try_from(answer)
    }

    /// Creates a rule, or with `overwrite` changes it. A new one is active.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn put_rule(
        &self,
        name: &Name,
        rule: &rule::Put,
        overwrite: bool,
    ) -> Result<Rule, Error> {
        self.put(&name.path("rules"), rule, overwrite).await
    }

    /// Reads a rule with its status.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rule(&self, name: &Name) -> Result<Rule, Error> {
        self.get(&name.path("rules")).await
    }

    /// Deletes a rule, active or not; returns what it was.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_rule(&self, name: &Name) -> Result<Rule, Error> {
        self.delete(&name.path("rules")).await
    }

    /// Lists the rules of a namespace, without their status.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rules(&self, namespace: &str, page: Page) -> Result<Vec<Rule>, Error> {
        self.list("rules", namespace, page).await
    }

    /// Puts a rule in force or out of it. Nothing happens if it was so.
    ///
    /// # Errors
    /// [`Error`]; 404 also for a rule whose trigger is gone.
    pub async fn set_rule(&self, name: &Name, status: Status) -> Result<(), Error> {
        let body = Json::object([("status", Json::string(status.as_str()))]);
        let path = name.path("rules");
        // Its body is `OK`, which is no JSON.
        let answer = self.send(Method::POST, &path, Some(body.as_bytes().clone())).await?;
        if answer.is_success() { Ok(()) } else { Err(answer.refused()) }
    }

    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        document: &impl Serialize,
        overwrite: bool,
    ) -> Result<T, Error> {
        let path = format!("{path}?overwrite={overwrite}");
        let body = Bytes::from(entity::bytes(document));
        self.send(Method::PUT, &path, Some(body)).await?.decoded()
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.send(Method::DELETE, path, None).await?.decoded()
    }

    async fn list<T: DeserializeOwned>(
        &self,
        collection: &str,
        namespace: &str,
        page: Page,
    ) -> Result<Vec<T>, Error> {
        let namespace = name::segment(namespace);
        let Page { limit, skip } = page;
        let path = format!("/api/v1/namespaces/{namespace}/{collection}?limit={limit}&skip={skip}");
        self.get(&path).await
    }
}
