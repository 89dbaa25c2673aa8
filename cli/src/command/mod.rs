//! What each verb does: which requests, in which order, and what is printed.
//!
//! Source: `rest-api.md` §10.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use api::Client;
use api::client::{Exchange, Name, Observer};
use model::json::Json;

use crate::args::{Args, Connection, NamespaceVerb, Noun};
use crate::error::Error;
use crate::output::Output;
use crate::profile::{Environment, Profile};

mod action;
mod activation;
mod admin;
mod backup;
mod entities;
mod namespace;
mod package;
mod property;
mod rule;
pub(crate) mod server;
mod trigger;
pub(crate) mod watch;

/// The longest wait for an answer: a blocking call is answered within a minute, and 48 MB of code
/// need a while on a slow line.
const PATIENCE: Duration = Duration::from_secs(300);

/// Does what the command line says; returns the exit code.
///
/// # Errors
/// [`Error`], not yet printed.
pub(crate) fn run(args: Args, environment: Environment, output: &mut Output) -> Result<u8, Error> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().map_err(Error::Runtime)?;
    let code = runtime.block_on(Box::pin(dispatch(args, environment, output)));
    // A name that is still being looked up must not hold up the end.
    runtime.shutdown_background();
    code
}

async fn dispatch(args: Args, environment: Environment, output: &mut Output) -> Result<u8, Error> {
    let Args { connection: before, noun } = args;
    let online = |connection: &Connection, output| {
        Context::new(&connection.clone().or(before.clone()), &environment, output)
    };
    match &noun {
        Noun::Action(verb) => action::run(verb, online(verb.connection(), output)?).await,
        Noun::Activation(verb) => activation::run(verb, online(verb.connection(), output)?).await,
        Noun::Package(verb) => package::run(verb, online(verb.connection(), output)?).await,
        Noun::Trigger(verb) => trigger::run(verb, online(verb.connection(), output)?).await,
        Noun::Rule(verb) => rule::run(verb, online(verb.connection(), output)?).await,
        Noun::Watch(watch) => watch::run(watch, online(&watch.connection, output)?).await,
        Noun::Namespace(NamespaceVerb::List { connection }) => {
            namespace::list(online(connection, output)?).await
        }
        Noun::Namespace(NamespaceVerb::Get(list)) | Noun::List(list) => {
            namespace::get(list, online(&list.connection, output)?).await
        }
        Noun::Property(verb) => property::run(verb, &before, &environment, output).await,
        Noun::Admin(asked) => Box::pin(admin::run(asked, &before, &environment, output)).await,
        Noun::Backup(asked) => backup::run(asked, &before, &environment, output).await,
        Noun::Up(up) => server::up(up, &environment, output).await,
        Noun::Down(down) => server::down(down, &environment, output).await,
    }
}

/// What a verb that talks to the server works with.
pub(crate) struct Context<'a> {
    client: Client,
    /// The key, for those who are to act on the caller's behalf: feeds.
    key: Option<String>,
    namespace: String,
    output: &'a mut Output,
    zone: TimeZone,
}

impl<'a> Context<'a> {
    fn new(
        connection: &Connection,
        environment: &Environment,
        output: &'a mut Output,
    ) -> Result<Self, Error> {
        let profile = Profile::find(connection, environment)?;
        let client = observed(profile.client()?, connection).with_patience(PATIENCE);
        let zone = environment.zone.clone().unwrap_or(TimeZone::UTC);
        Ok(Self { client, key: profile.key, namespace: profile.namespace, output, zone })
    }

    /// A name as it was written, in the namespace of the profile.
    fn name(&self, text: &str) -> Result<Name, Error> {
        Ok(Name::parse(text, &self.namespace)?)
    }

    /// The same of what is in no package: a package itself, a trigger, a rule.
    fn unpackaged(&self, text: &str) -> Result<Name, Error> {
        Ok(Name::parse_unpackaged(text, &self.namespace)?)
    }

    /// The same with a name for each request, so that a repeated one is not done again.
    fn keyed(&self, key: &str) -> Result<Client, Error> {
        let keyed = self.client.clone().with_header("Idempotency-Key", key);
        Ok(keyed.map_err(crate::profile::Error::from)?)
    }
}

/// With `-v` and `-d` each exchange is shown.
fn observed(client: Client, connection: &Connection) -> Client {
    match observer(connection) {
        Some(observer) => client.with_observer(observer),
        None => client,
    }
}

fn observer(connection: &Connection) -> Option<Observer> {
    let bodies = connection.debug;
    (connection.verbose || bodies)
        .then(|| Arc::new(move |exchange: &Exchange<'_>| show(exchange, bodies)) as Observer)
}

fn show(exchange: &Exchange<'_>, bodies: bool) {
    let mut output = Output::of_process();
    output.aside(format_args!("> {} {}", exchange.method, exchange.url));
    if let Some(body) = exchange.body.filter(|_| bodies) {
        output.aside(String::from_utf8_lossy(body));
    }
    match exchange.outcome {
        Ok(answer) => {
            output.aside(format_args!("< {}", answer.status));
            for (name, value) in &answer.headers {
                let value = String::from_utf8_lossy(value.as_bytes());
                output.aside(format_args!("< {name}: {value}"));
            }
            if bodies {
                output.aside(String::from_utf8_lossy(&answer.body));
            }
        }
        Err(error) => output.aside(format_args!("< {error}")),
    }
}

/// One member of a document, or what is wrong with its name.
fn field(document: &Json, name: &str) -> Result<Json, Error> {
    document.member(name).ok_or_else(|| {
        let names: Vec<_> = document.members().unwrap_or_default();
        let names: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
        let why = format!("Invalid field filter '{name}'.");
        Error::usage("Unable to show the field", why, format!("one of: {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests;
