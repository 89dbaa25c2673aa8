//! What a quiet server shows of itself: every row of the index, every record, every history.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use api::Client;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use model::json::Json;

use crate::checker::Shown;
use crate::eventually::eventually;
use crate::platform::{Server, metrics};

/// Rows on a page of a list: the most that the API gives.
const PAGE: usize = 200;
/// Histories that are asked for at a time.
const AT_ONCE: usize = 8;
/// So long what is open may take to end once nobody asks for more.
const QUIET: Duration = Duration::from_secs(90);

/// Waits until nothing is open, then reads everything.
///
/// # Errors
/// Something stays open, or cannot be read.
pub async fn observe(server: &Server) -> Result<Shown> {
    let look = || async {
        let all = metrics(&server.address).await.map_err(|error| format!("{error:#}"))?;
        let open = all.iter().filter(|(name, _)| name.starts_with("quirl_activations_open"));
        let open: f64 = open.map(|(_, value)| value).sum();
        if open < 0.5 { Ok(()) } else { Err(format!("{open} are open")) }
    };
    eventually(QUIET, "everything has ended", look).await?;
    let client = server.client()?;
    let rows = pages(&client, "").await.context("list activations")?;
    let records = pages(&client, "&docs=true").await.context("list records")?;
    let ids: Vec<String> = rows.iter().filter_map(id_of).collect();
    let histories = stream::iter(ids)
        .map(|id| {
            let client = &client;
            async move {
                let history = client.history(&id).await.with_context(|| format!("history of {id}"));
                history.map(|history| (id, history))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<BTreeMap<_, _>>();
    let histories = histories.await?;
    let metrics = metrics(&server.address).await?;
    Ok(Shown { rows, records, histories, metrics })
}

/// All pages of the list of activations.
async fn pages(client: &Client, more: &str) -> Result<Vec<Json>> {
    let mut all = Vec::new();
    loop {
        let skip = all.len();
        let path = format!("/api/v1/namespaces/_/activations?limit={PAGE}&skip={skip}{more}");
        let answer = client.send(Method::GET, &path, None).await?;
        ensure!(answer.status == 200, "{path} answers {}", answer.status);
        let page = Json::parse(&answer.body)?.elements().context("a list is an array")?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// The id of a row or record.
pub(crate) fn id_of(document: &Json) -> Option<String> {
    document.member("activationId")?.text()
}
