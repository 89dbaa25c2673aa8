//! `quirl package …`

use api::entity::package::{self, Binding, Content, Package, Put};
use model::json::{Json, Kind};

use crate::args::package::{Bind, Define, Delete, Refresh, Shared, Verb};
use crate::args::pairs::as_list;
use crate::args::{Connection, Entities, Get};
use crate::error::{About, Error, Kind as Entity};
use crate::output::{Output, bold};

use super::Context;
use super::entities::{self, Row, no_list, scope, summarise, unable};

impl Verb {
    /// Where the verb is to be done.
    pub(super) fn connection(&self) -> &Connection {
        match self {
            Self::Create(define) | Self::Update(define) => &define.connection,
            Self::Bind(bind) => &bind.connection,
            Self::Get(get) => &get.one.connection,
            Self::Delete(delete) => &delete.one.connection,
            Self::List(list) => &list.connection,
            Self::Refresh(refresh) => &refresh.connection,
        }
    }
}

/// Does it.
pub(super) async fn run(verb: &Verb, context: Context<'_>) -> Result<u8, Error> {
    match verb {
        Verb::Create(one) => define(one, false, context).await?,
        Verb::Update(one) => define(one, true, context).await?,
        Verb::Bind(bind) => self::bind(bind, context).await?,
        Verb::Get(get) => self::get(get, context).await?,
        Verb::Delete(delete) => self::delete(delete, context).await?,
        Verb::List(list) => self::list(list, context).await?,
        Verb::Refresh(refresh) => self::refresh(refresh, context).await?,
    }
    Ok(0)
}

async fn define(define: &Define, overwrite: bool, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&define.name)?;
    let put = Put {
        namespace: name.namespace.clone(),
        name: name.local(),
        binding: None,
        publish: define.shared.map(|shared| shared == Shared::Yes),
        annotations: as_list(&define.annotations.read()?),
        parameters: as_list(&define.parameters.read()?),
    };
    let verb = if overwrite { "update" } else { "create" };
    let done = context.client.put_package(&name, &put, overwrite).await;
    done.map_err(|error| unable(verb, Entity::Package, &name, error))?;
    context.output.ok(format_args!("{verb}d package {}", bold(&name.local())));
    Ok(())
}

async fn bind(bind: &Bind, context: Context<'_>) -> Result<(), Error> {
    let provider = context.unpackaged(&bind.package)?;
    let name = context.unpackaged(&bind.name)?;
    let put = Put {
        namespace: name.namespace.clone(),
        name: name.local(),
        binding: Some(Binding { name: Some(provider.entity), namespace: Some(provider.namespace) }),
        publish: None,
        annotations: as_list(&bind.annotations.read()?),
        parameters: as_list(&bind.parameters.read()?),
    };
    let done = context.client.put_package(&name, &put, bind.overwrite).await;
    done.map_err(|error| {
        let about = About::Create(Entity::Package, name.local());
        Error::call(format!("Unable to create binding '{}'", name.local()), about, error)
    })?;
    context.output.ok(format_args!("created binding {}", bold(&name.local())));
    Ok(())
}

async fn get(get: &Get, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&get.one.name)?;
    let package = context.client.package(&name).await;
    let package = package.map_err(|error| unable("get", Entity::Package, &name, error))?;
    if get.summary {
        summary(&package, context.output);
        return Ok(());
    }
    entities::show(Entity::Package, &name, get, &Json::of(&package), context.output)
}

/// The package, then its actions, then its feeds.
fn summary(package: &Package, output: &mut Output) {
    let name = format!("/{}/{}", package.namespace, package.name);
    summarise("package", &name, (&package.annotations, &package.parameters), output);
    let contents = |all: &Option<Vec<Content>>| all.clone().unwrap_or_default();
    let actions = contents(&package.actions).into_iter().map(|one| (" action", one));
    let feeds = contents(&package.feeds).into_iter().map(|one| (" feed  ", one));
    for (kind, one) in actions.chain(feeds) {
        // What the package binds is bound in all of them.
        summarise(kind, &format!("{name}/{}", one.name), (&one.annotations, &[]), output);
    }
}

async fn delete(delete: &Delete, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&delete.one.name)?;
    let done = context.client.delete_package(&name, delete.force).await;
    done.map_err(|error| unable("delete", Entity::Package, &name, error))?;
    context.output.ok(format_args!("deleted package {}", bold(&name.local())));
    Ok(())
}

async fn list(list: &Entities, context: Context<'_>) -> Result<(), Error> {
    let namespace = entities::namespace(list.namespace.as_deref(), &context);
    let found = context.client.packages(&namespace, entities::page(list)).await;
    let found = found.map_err(|error| no_list(Entity::Package, &namespace, error))?;
    show_list(&found, list.name_sort, context.output);
    Ok(())
}

/// A list of packages as `wsk` prints it.
pub(super) fn show_list(packages: &[package::Summary], name_sort: bool, output: &mut Output) {
    let row =
        |one: &package::Summary| Row::new(&one.namespace, &one.name, vec![scope(one.publish)]);
    let rows = packages.iter().map(row).collect();
    entities::show_list("packages", rows, &[0], name_sort, output);
}

/// As `wsk` does; the reference answers 404, and so do we.
async fn refresh(refresh: &Refresh, context: Context<'_>) -> Result<(), Error> {
    let namespace = entities::namespace(refresh.namespace.as_deref(), &context);
    let what = format!("Package refresh for namespace '{namespace}' failed");
    let done = context.client.refresh_packages(&namespace).await;
    let changed = done.map_err(|error| match error.status() {
        Some(404 | 501) => {
            let why = "The package refresh feature is not implemented in the target deployment.";
            let next = "nothing need be done: bindings follow their package by themselves";
            let code = error.status().map_or(1, crate::error::code_of);
            Error::Absent { what: what.clone(), why: why.to_owned(), next: next.to_owned(), code }
        }
        _ => Error::call(what.clone(), About::Other, error),
    })?;
    context.output.line(format_args!("'{namespace}' refreshed successfully"));
    for (member, verb) in [("added", "created"), ("updated", "updated"), ("deleted", "deleted")] {
        match changed.member(member).filter(|names| names.kind() == Kind::Array) {
            Some(names) if names.as_str() != "[]" => {
                context.output.line(format_args!("{verb} bindings:"));
                context.output.json(&names);
            }
            Some(_) | None => context.output.line(format_args!("no bindings {verb}")),
        }
    }
    Ok(())
}
