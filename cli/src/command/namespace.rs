//! `quirl namespace list`, `quirl namespace get` and its short form `quirl list`.

use api::client::Page;

use crate::args::List;
use crate::error::{About, Error};
use crate::output::bold;

use super::{Context, action, entities, package, rule, trigger};

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
    let namespace = entities::namespace(list.namespace.as_deref(), &context);
    let fault = |error| {
        let what = format!("Unable to obtain the list of entities for namespace '{namespace}'");
        Error::call(what, About::Other, error)
    };
    let page = Page { limit: 0, skip: 0 };
    let actions = context.client.actions(&namespace, None, page).await.map_err(fault)?;
    let packages = context.client.packages(&namespace, page).await.map_err(fault)?;
    let triggers = context.client.triggers(&namespace, page).await.map_err(fault)?;
    let rules = context.client.rules(&namespace, page).await.map_err(fault)?;
    let rules = rule::with_status(rules, &namespace, &context).await.map_err(fault)?;
    let output = context.output;
    output.line(bold(&format!("Entities in namespace: {}", shown(&namespace))));
    package::show_list(&packages, list.name_sort, output);
    action::show_list(actions, list.name_sort, output);
    trigger::show_list(&triggers, list.name_sort, output);
    rule::show_list(&rules, list.name_sort, output);
    Ok(0)
}

/// `wsk` calls the namespace of the key the default one.
fn shown(namespace: &str) -> &str {
    if namespace == "_" { "default" } else { namespace }
}
