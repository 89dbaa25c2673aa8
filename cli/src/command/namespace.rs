//! `quirl namespace list`, `quirl namespace get` and its short form `quirl list`.

use api::client::{self, Page};
use http::Method;
use model::json::Json;

use crate::args::List;
use crate::error::{About, Error};
use crate::output::{Output, bold};

use super::{Context, action};

/// Lists the namespaces of the key.
pub(super) async fn list(context: Context<'_>) -> Result<u8, Error> {
    let found = context.client.namespaces().await;
    let what = "Unable to obtain the list of available namespaces";
    let found = found.map_err(|error| Error::call(what, About::Other, error))?;
    context.output.heading("namespaces");
    found.iter().for_each(|name| context.output.line(name));
    Ok(0)
}

/// Lists what is in a namespace: packages, actions, triggers, rules.
pub(super) async fn get(list: &List, context: Context<'_>) -> Result<u8, Error> {
    let asked = list.namespace.as_deref().map(|name| name.trim_matches('/').to_owned());
    let namespace = asked.unwrap_or_else(|| context.namespace.clone());
    let fault = |error| {
        let what = format!("Unable to obtain the list of entities for namespace '{namespace}'");
        Error::call(what, About::Other, error)
    };
    let page = Page { limit: 0, skip: 0 };
    let actions = context.client.actions(&namespace, None, page).await.map_err(fault)?;
    let mut others = Vec::new();
    for collection in ["packages", "triggers", "rules"] {
        others.push(collect(collection, &namespace, &context).await.map_err(fault)?);
    }
    let output = context.output;
    output.line(bold(&format!("Entities in namespace: {}", shown(&namespace))));
    let mut others = others.into_iter();
    let mut next = || others.next().unwrap_or_default();
    show("packages", &next(), list.name_sort, output);
    action::show_list(actions, list.name_sort, output);
    show("triggers", &next(), list.name_sort, output);
    show("rules", &next(), list.name_sort, output);
    Ok(0)
}

/// A collection as raw documents. One that the server does not know yet is empty.
async fn collect(
    collection: &str,
    namespace: &str,
    context: &Context<'_>,
) -> Result<Vec<Json>, client::Error> {
    let path = format!("/api/v1/namespaces/{}?limit=0&skip=0", in_path(namespace, collection));
    let answer = context.client.send(Method::GET, &path, None).await?;
    if answer.status == 404 {
        return Ok(Vec::new());
    }
    let found: Json = answer.decoded()?;
    Ok(found.elements().unwrap_or_default())
}

fn in_path(namespace: &str, collection: &str) -> String {
    let name =
        client::Name { namespace: namespace.to_owned(), package: None, entity: String::new() };
    let path = name.path(collection);
    path.trim_start_matches("/api/v1/namespaces/").trim_end_matches('/').to_owned()
}

fn show(heading: &str, entities: &[Json], name_sort: bool, output: &mut Output) {
    let text = |entity: &Json, key: &str| entity.member(key).and_then(|value| value.text());
    let row = |entity: &Json| {
        let part = |key| text(entity, key).unwrap_or_default();
        let public = entity.member("publish").is_some_and(|publish| publish.is_truthy());
        let publish = if public { "shared" } else { "private" };
        vec![format!("/{}/{}", part("namespace"), part("name")), publish.to_owned()]
    };
    let mut rows: Vec<_> = entities.iter().map(row).collect();
    if name_sort {
        rows.sort_by_key(|row| row.first().map(|name| name.to_lowercase()));
    }
    output.heading(heading);
    output.table(&[], &[70, 0], &rows);
}

/// `wsk` calls the namespace of the key the default one.
fn shown(namespace: &str) -> &str {
    if namespace == "_" { "default" } else { namespace }
}
