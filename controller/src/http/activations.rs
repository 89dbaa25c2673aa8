//! Activations: records, results, logs, histories, lists, figures, cancel.
//!
//! Source: `rest-api.md` §7; `own-api.md` §§3–5.

use api::stats::Stats;
use model::id::ActivationId;
use model::identity::Identity;
use model::name::Namespace;
use model::time::WallTime;
use store::index::Query as Rows;

use super::query::{BadQuery, Page};
use super::respond::{Answer, Refusal};
use super::route::Part;
use super::{Api, Asked};
use crate::entitlement::Denied;
use crate::entitlement::may_list;
use crate::owner::proposal::{Answer as Told, Proposal, Rejected};
use crate::read::activation::{Failed, is_open};
use crate::read::history::About;

/// So far back statistics go, unless it is said.
const DAY_MS: i64 = 24 * 3_600_000;

impl Api {
    /// A part of one activation.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn activation(
        &self,
        part: Part,
        caller: &Identity,
        namespace: &Namespace,
        id: &str,
    ) -> Result<Answer, Refusal> {
        let id = owned(caller, namespace, id)?;
        if part == Part::History {
            return self.history(namespace, id).await;
        }
        let activations = self.controller.activations();
        let row = activations.row(namespace, id).await?;
        if !row.stored {
            return Err(Refusal::not_found());
        }
        let body = match part {
            Part::Record => activations.record(&row).await?,
            Part::Result => {
                let terminal = activations.terminal(&row).await?;
                let (result, size) = activations.result(&row, &terminal).await?;
                api::activation::response(row.class, result.as_ref(), size)
            }
            Part::Logs | Part::History => {
                let terminal = activations.terminal(&row).await?;
                api::activation::logs(&row, &activations.lines(&row, &terminal).await?)
            }
        };
        Ok(Answer::json(body))
    }

    /// The activations of a namespace, the newest first.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn list_activations(
        &self,
        caller: &Identity,
        namespace: &Namespace,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        may_list(caller, namespace)?;
        let Page { skip, limit, count } = asked.query.page("activations")?;
        let docs = asked.query.flag("docs", false)?;
        let rows = Rows {
            namespace: namespace.clone(),
            after: self.controller.activations().begun(namespace),
            name: asked.query.name_filter("name")?,
            since: asked.query.time("since")?,
            upto: asked.query.time("upto")?,
            skip: usize::try_from(skip).unwrap_or(usize::MAX),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        };
        if count && docs {
            return Err(Refusal::docs_with_count());
        }
        if count {
            let all = self.controller.index.count(rows).await.map_err(Failed::from)?;
            let count = all.saturating_sub(skip);
            return Ok(Answer::json(api::entity::count("activations", count)));
        }
        let found = self.controller.index.list(rows).await.map_err(Failed::from)?;
        let activations = self.controller.activations();
        let mut documents = Vec::with_capacity(found.len());
        for row in &found {
            if !docs {
                documents.push(api::activation::summary(row));
                continue;
            }
            match activations.record(row).await {
                Ok(record) => documents.push(record),
                Err(Failed::Gone) => {} // retention came between
                Err(failed) => return Err(failed.into()),
            }
        }
        Ok(Answer::json(api::activation::list(documents)))
    }

    /// Figures of what ran in a namespace.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn stats(
        &self,
        caller: &Identity,
        namespace: &Namespace,
        asked: &Asked<'_>,
    ) -> Result<Answer, Refusal> {
        may_list(caller, namespace)?;
        let (since, upto) = (asked.query.time("since")?, asked.query.time("upto")?);
        let until = upto.unwrap_or(asked.received);
        let from = since.unwrap_or(WallTime(until.0.saturating_sub(DAY_MS)));
        if from > until {
            let reason = format!("The value '{}' is later than 'upto'.", from.0);
            return Err(BadQuery { name: "since", reason }.into());
        }
        let rows = Rows {
            namespace: namespace.clone(),
            after: self.controller.activations().begun(namespace),
            name: asked.query.name_filter("action")?,
            since: Some(from),
            upto: Some(until),
            skip: 0,
            limit: usize::MAX,
        };
        let actions = self.controller.index.tally(rows).await.map_err(Failed::from)?;
        let stats = Stats {
            namespace: namespace.to_string(),
            since: from.0,
            upto: until.0,
            actions: actions.into_actions(),
        };
        Ok(Answer::json(api::entity::bytes(&stats)))
    }

    async fn history(&self, namespace: &Namespace, id: ActivationId) -> Result<Answer, Refusal> {
        let partition = &self.controller.partition;
        let open = partition.read(|ledger| {
            is_open(ledger, namespace, &id).then(|| About::open(ledger, id)).flatten()
        });
        let about = match open {
            Some(about) => about,
            None => About::ended(&*self.controller.activations().row(namespace, id).await?),
        };
        let mut records = Vec::with_capacity(about.records.len());
        for at in &about.records {
            let record = partition.record(*at).await.map_err(|error| match error {
                crate::owner::ReadError::Gone(_) => Failed::Gone,
                crate::owner::ReadError::Damaged { .. } => {
                    Failed::Corrupted { id, source: error.into() }
                }
            })?;
            records.push((*at, record));
        }
        Ok(Answer::json(api::entity::bytes(&about.history(&records))))
    }

    /// Ends an open activation.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn cancel(
        &self,
        caller: &Identity,
        namespace: &Namespace,
        id: &str,
    ) -> Result<Answer, Refusal> {
        let id = owned(caller, namespace, id)?;
        let controller = &self.controller;
        if controller.partition.read(|ledger| is_open(ledger, namespace, &id)) {
            match controller.partition.propose(Proposal::Cancel(id)).await {
                Ok(Told::Applied(_)) => return Ok(Answer::cancelled(id)),
                // It ended by itself before: the record says how.
                Ok(Told::Known { .. })
                | Err(Rejected::NotOpen | Rejected::Changed | Rejected::Concurrency { .. }) => {}
                Err(Rejected::Bound(bound)) => return Err(bound.into()),
                Err(Rejected::Unknown) => return Err(crate::write::Failed::Unknown.into()),
            }
        }
        let activations = controller.activations();
        let row = activations.row(namespace, id).await?;
        Ok(Answer::json(activations.record(&row).await?))
    }
}

/// The id, if it is one and the namespace is the caller's.
fn owned(caller: &Identity, namespace: &Namespace, id: &str) -> Result<ActivationId, Refusal> {
    let id: ActivationId = id.parse()?;
    if caller.namespace != *namespace {
        return Err(Denied::Resources(vec![format!("{namespace}/{id}")]).into());
    }
    Ok(id)
}
