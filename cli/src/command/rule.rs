//! `quirl rule …`

use api::client;
use api::entity::rule::{Put, Rule, Status};
use model::json::Json;

use crate::args::rule::{Define, Delete, Verb};
use crate::args::{Connection, Entities, Get, One};
use crate::error::{Error, Kind as Entity};
use crate::output::{Output, bold};

use super::Context;
use super::entities::{self, Row, no_list, unable};

impl Verb {
    /// Where the verb is to be done.
    pub(super) fn connection(&self) -> &Connection {
        match self {
            Self::Create(define) | Self::Update(define) => &define.connection,
            Self::Enable(one) | Self::Disable(one) | Self::Status(one) => &one.connection,
            Self::Get(get) => &get.one.connection,
            Self::Delete(delete) => &delete.one.connection,
            Self::List(list) => &list.connection,
        }
    }
}

/// Does it.
pub(super) async fn run(verb: &Verb, context: Context<'_>) -> Result<u8, Error> {
    match verb {
        Verb::Create(one) => define(one, false, context).await?,
        Verb::Update(one) => define(one, true, context).await?,
        Verb::Enable(one) => switch(one, Status::Active, context).await?,
        Verb::Disable(one) => switch(one, Status::Inactive, context).await?,
        Verb::Status(one) => status(one, context).await?,
        Verb::Get(get) => self::get(get, context).await?,
        Verb::Delete(delete) => self::delete(delete, context).await?,
        Verb::List(list) => self::list(list, context).await?,
    }
    Ok(0)
}

async fn define(define: &Define, overwrite: bool, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&define.name)?;
    let put = Put {
        name: name.local(),
        trigger: Some(context.unpackaged(&define.trigger)?.to_string()),
        action: Some(context.name(&define.action)?.to_string()),
        annotations: None,
    };
    let verb = if overwrite { "update" } else { "create" };
    let done = context.client.put_rule(&name, &put, overwrite).await;
    done.map_err(|error| unable(verb, Entity::Rule, &name, error))?;
    context.output.ok(format_args!("{verb}d rule {}", bold(&name.local())));
    Ok(())
}

async fn switch(one: &One, status: Status, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&one.name)?;
    let verb = match status {
        Status::Active => "enable",
        Status::Inactive => "disable",
    };
    let done = context.client.set_rule(&name, status).await;
    done.map_err(|error| unable(verb, Entity::Rule, &name, error))?;
    context.output.ok(format_args!("{verb}d rule {}", bold(&name.local())));
    Ok(())
}

async fn status(one: &One, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&one.name)?;
    let rule = context.client.rule(&name).await;
    let rule = rule.map_err(|error| unable("get status of", Entity::Rule, &name, error))?;
    let status = bold(word(&rule));
    context.output.ok(format_args!("rule {} is {status}", bold(&name.local())));
    Ok(())
}

fn word(rule: &Rule) -> &'static str {
    rule.status.map_or("", Status::as_str)
}

async fn get(get: &Get, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&get.one.name)?;
    let rule = context.client.rule(&name).await;
    let rule = rule.map_err(|error| unable("get", Entity::Rule, &name, error))?;
    if !get.summary {
        return entities::show(Entity::Rule, &name, get, &Json::of(&rule), context.output);
    }
    let output = context.output;
    output.line(format_args!("{} /{}/{}", bold("rule"), rule.namespace, rule.name));
    output.line(format_args!("   ({}: {})", bold("status"), word(&rule)));
    Ok(())
}

async fn delete(delete: &Delete, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&delete.one.name)?;
    if delete.disable {
        let done = context.client.set_rule(&name, Status::Inactive).await;
        done.map_err(|error| unable("disable", Entity::Rule, &name, error))?;
    }
    let done = context.client.delete_rule(&name).await;
    done.map_err(|error| unable("delete", Entity::Rule, &name, error))?;
    context.output.ok(format_args!("deleted rule {}", bold(&name.local())));
    Ok(())
}

async fn list(list: &Entities, context: Context<'_>) -> Result<(), Error> {
    let namespace = entities::namespace(list.namespace.as_deref(), &context);
    let found = context.client.rules(&namespace, entities::page(list)).await;
    let fault = |error| no_list(Entity::Rule, &namespace, error);
    let found = with_status(found.map_err(fault)?, &namespace, &context).await.map_err(fault)?;
    show_list(&found, list.name_sort, context.output);
    Ok(())
}

/// The rules of a list as they are by themselves: a list does not say which are active. One that
/// is gone meanwhile is left out.
pub(super) async fn with_status(
    listed: Vec<Rule>,
    namespace: &str,
    context: &Context<'_>,
) -> Result<Vec<Rule>, client::Error> {
    let mut rules = Vec::with_capacity(listed.len());
    for Rule { name: entity, .. } in listed {
        let name = client::Name { namespace: namespace.to_owned(), package: None, entity };
        match context.client.rule(&name).await {
            Ok(rule) => rules.push(rule),
            Err(error) if error.status() == Some(404) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(rules)
}

/// A list of rules as `wsk` prints it.
pub(super) fn show_list(rules: &[Rule], name_sort: bool, output: &mut Output) {
    // The scope of a rule has no meaning; `wsk` prints it all the same.
    let more = |rule: &Rule| vec![entities::scope(false), word(rule).to_owned()];
    let rows = rules.iter().map(|rule| Row::new(&rule.namespace, &rule.name, more(rule)));
    entities::show_list("rules", rows.collect(), &[20, 0], name_sort, output);
}
