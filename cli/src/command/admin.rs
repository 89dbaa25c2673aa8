//! `quirl admin …`
//!
//! Source: `own-api.md` §9.

use api::admin::{Admin, Key as KeyOf, Limits as LimitsOf, Subject};
use api::client::Page;
use model::json::Json;
use serde::Serialize;

use crate::args::Connection;
use crate::args::admin::{self as args, Door, Key, Limits, Namespace, Noun, User};
use crate::error::{About, Error};
use crate::output::Output;
use crate::profile::Environment;
use crate::profile::folder::Folder;

use super::{PATIENCE, observer};

/// Does it.
pub(super) async fn run(
    asked: &args::Admin,
    connection: &Connection,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Error> {
    let admin = connect(&asked.door, connection, environment)?;
    match &asked.noun {
        Noun::User(verb) => user(verb, &admin, output).await,
        Noun::Key(verb) => key(verb, &admin, output).await,
        Noun::Namespace(verb) => namespace(verb, &admin, output).await,
        Noun::Limits(verb) => limits(verb, &admin, output).await,
    }
}

/// A client of the admin API that is meant.
pub(super) fn connect(
    door: &Door,
    connection: &Connection,
    environment: &Environment,
) -> Result<Admin, Error> {
    let admin = reach(door, environment)?.with_patience(PATIENCE);
    Ok(match observer(connection) {
        Some(observer) => admin.with_observer(observer),
        None => admin,
    })
}

/// The admin API that is meant.
fn reach(door: &Door, environment: &Environment) -> Result<Admin, Error> {
    let (Some(host), Some(file)) = (&door.admin_host, &door.token) else {
        let folder = door.data.as_deref().map(Folder::at);
        let folder = folder.unwrap_or_else(|| Folder::default_of(environment));
        return Ok(Admin::at_socket(&folder.admin_socket()));
    };
    let what = "Unable to talk to the server as its administrator";
    let token = std::fs::read_to_string(file).map_err(|error| {
        let why = format!("the token cannot be read from '{}': {error}", file.display());
        Error::usage(what, why, "name the file secrets/admin.token of the server's data folder")
    })?;
    Admin::at(host, &token).map_err(|error| {
        Error::usage(what, error.to_string(), "write it like --admin-host http://127.0.0.1:3234")
    })
}

async fn user(verb: &User, admin: &Admin, output: &mut Output) -> Result<u8, Error> {
    let failed = |what: &str, name: &str| {
        let (what, about) = (format!("Unable to {what} user '{name}'"), About::User(name.into()));
        move |error| Error::call(what, about, error)
    };
    match verb {
        User::Create { name, key } => {
            let made = admin.create_subject(name, key.as_deref()).await;
            let made = made.map_err(failed("create", name))?;
            output.ok(format_args!("created user {name} with namespace {name}"));
            show_key(&made, output);
        }
        User::Get { name } => {
            let found = admin.subject(name).await.map_err(failed("get", name))?;
            output.ok(format_args!("got user {name}"));
            show(&found, output);
        }
        User::Delete { name, force } => {
            admin.delete_subject(name, *force).await.map_err(failed("delete", name))?;
            output.ok(format_args!("deleted user {name}"));
        }
        User::List { limit, skip } => {
            let page = Page { limit: *limit, skip: *skip };
            let found = admin.subjects(page).await.map_err(|error| {
                Error::call("Unable to obtain the list of users", About::Admin, error)
            })?;
            output.heading("users");
            output.table(&[], &[40, 8, 0], &found.iter().map(row).collect::<Vec<_>>());
        }
        User::Block { name } => {
            admin.block(name, true).await.map_err(failed("block", name))?;
            output.ok(format_args!("blocked user {name}: its keys are refused"));
        }
        User::Unblock { name } => {
            admin.block(name, false).await.map_err(failed("unblock", name))?;
            output.ok(format_args!("unblocked user {name}"));
        }
    }
    Ok(0)
}

async fn key(verb: &Key, admin: &Admin, output: &mut Output) -> Result<u8, Error> {
    let failed = |what: &'static str, user: &str| {
        let about = About::User(user.to_owned());
        move |error| Error::call(what, about, error)
    };
    match verb {
        Key::Add { user, namespace, key } => {
            let namespace = namespace.as_ref().unwrap_or(user);
            let made = admin.add_key(user, namespace, key.as_deref()).await;
            let made = made.map_err(failed("Unable to add a key", user))?;
            output.ok(format_args!("added a key to namespace {namespace}"));
            show_key(&made, output);
        }
        Key::Revoke { user, uuid, namespace } => {
            let namespace = namespace.as_ref().unwrap_or(user);
            let left = admin.revoke_key(user, namespace, uuid).await;
            let left = left.map_err(failed("Unable to revoke the key", user))?;
            let of = left.namespaces.iter().find(|it| it.namespace == *namespace);
            let count = of.map_or(0, |it| it.keys.len());
            output.ok(format_args!("revoked key {uuid}; namespace {namespace} has {count} left"));
        }
    }
    Ok(0)
}

async fn namespace(verb: &Namespace, admin: &Admin, output: &mut Output) -> Result<u8, Error> {
    let failed = |what: &str, namespace: &str, user: &str| {
        let what = format!("Unable to {what} namespace '{namespace}'");
        let about = About::User(user.to_owned());
        move |error| Error::call(what, about, error)
    };
    match verb {
        Namespace::Add { user, namespace, key } => {
            let made = admin.add_namespace(user, namespace, key.as_deref()).await;
            let made = made.map_err(failed("add", namespace, user))?;
            output.ok(format_args!("added namespace {namespace} to user {user}"));
            show_key(&made, output);
        }
        Namespace::Get { user, namespace } => {
            let found = admin.namespace(user, namespace).await;
            let found = found.map_err(failed("get", namespace, user))?;
            output.ok(format_args!("got namespace {namespace}"));
            show(&found, output);
        }
        Namespace::Delete { user, namespace, force } => {
            let deleted = admin.delete_namespace(user, namespace, *force).await;
            deleted.map_err(failed("delete", namespace, user))?;
            output.ok(format_args!("deleted namespace {namespace}"));
        }
    }
    Ok(0)
}

async fn limits(verb: &Limits, admin: &Admin, output: &mut Output) -> Result<u8, Error> {
    let failed = |what: &str, namespace: &str| {
        let what = format!("Unable to {what} the limits of namespace '{namespace}'");
        move |error| Error::call(what, About::Admin, error)
    };
    match verb {
        Limits::Set(set) => {
            let namespace = &set.namespace;
            let stored = admin.limits(namespace).await.map_err(failed("set", namespace))?;
            let limits = LimitsOf::from(&set.limits).over(stored);
            let now = admin.set_limits(namespace, &limits).await;
            let now = now.map_err(failed("set", namespace))?;
            output.ok(format_args!("set limits of namespace {namespace}"));
            show(&now, output);
        }
        Limits::Get { namespace } => {
            let found = admin.limits(namespace).await.map_err(failed("get", namespace))?;
            output.ok(format_args!("got limits of namespace {namespace}"));
            show(&found, output);
        }
        Limits::Delete { namespace } => {
            admin.delete_limits(namespace).await.map_err(failed("delete", namespace))?;
            output.ok(format_args!("deleted limits of namespace {namespace}"));
        }
    }
    Ok(0)
}

/// The key goes where a program can take it; what people should know of it does not.
fn show_key(made: &Subject, output: &mut Output) {
    let Some(key) = &made.key else { return };
    output.line(&key.0);
    output.aside("This key is not shown again. Use it with: quirl property set --auth KEY");
}

fn show(document: &impl Serialize, output: &mut Output) {
    output.json(&Json::of(document));
}

fn row(subject: &Subject) -> Vec<String> {
    let keys = |keys: &[KeyOf]| match keys.len() {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    let namespaces = subject.namespaces.iter();
    let namespaces = namespaces.map(|it| format!("{} ({})", it.namespace, keys(&it.keys)));
    let state = if subject.blocked { "blocked" } else { "" };
    let namespaces = namespaces.collect::<Vec<_>>().join(", ");
    vec![subject.subject.clone(), state.to_owned(), namespaces]
}
