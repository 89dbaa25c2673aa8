//! `quirl trigger …`, and what feeds are told.
//!
//! A feed is an action like any other; that it hears of its triggers is the work of the client.
//! Source: `rest-api.md` §§5.5, 10.2.

use api::client::{self, Fired, Invocation, Invoke, Name};
use api::entity::trigger::{self, Put, Trigger};
use model::json::{Json, Kind};

use crate::args::pairs::{as_list, of_flags, set};
use crate::args::trigger::{Define, Fire, Verb};
use crate::args::{Connection, Entities, Get, One};
use crate::error::{Error, Kind as Entity, code_of};
use crate::output::{Output, bold};

use super::entities::{self, Row, no_list, summarise, unable};
use super::{Context, action};

/// The annotation that names the feed of a trigger.
const FEED: &str = "feed";

/// What a feed is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Create,
    Read,
    Update,
    Delete,
}

/// What the flags say of a trigger, sorted by whom it is for.
struct Given {
    /// Parameters of the trigger.
    own: Vec<(String, Json)>,
    /// Parameters of its feed.
    feed: Vec<(String, Json)>,
    annotations: Vec<(String, Json)>,
}

impl Verb {
    /// Where the verb is to be done.
    pub(super) fn connection(&self) -> &Connection {
        match self {
            Self::Create(define) | Self::Update(define) => &define.connection,
            Self::Get(get) => &get.one.connection,
            Self::Delete(one) => &one.connection,
            Self::Fire(fire) => &fire.connection,
            Self::List(list) => &list.connection,
        }
    }
}

/// Does it.
pub(super) async fn run(verb: &Verb, context: Context<'_>) -> Result<u8, Error> {
    match verb {
        Verb::Create(define) => create(define, context).await?,
        Verb::Update(define) => update(define, context).await?,
        Verb::Get(get) => return self::get(get, context).await,
        Verb::Delete(one) => delete(one, context).await?,
        Verb::Fire(fire) => self::fire(fire, context).await?,
        Verb::List(list) => self::list(list, context).await?,
    }
    Ok(0)
}

async fn create(define: &Define, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&define.name)?;
    let feed = define.feed.as_deref().map(|feed| context.name(feed)).transpose()?;
    let mut given = Given::read(define, feed.is_some())?;
    if let Some(feed) = &feed {
        set(&mut given.annotations, FEED, Json::string(&feed.to_string()));
    }
    let done = context.client.put_trigger(&name, &given.put(&name), false).await;
    done.map_err(|error| unable("create", Entity::Trigger, &name, error))?;
    if let Some(feed) = &feed {
        match tell(feed, Event::Create, &name, given.feed, &context).await {
            Ok((id, record)) => show_told(feed, &id, &record, context.output),
            Err(error) => {
                undo(feed, &name, context).await;
                return Err(error);
            }
        }
    }
    context.output.ok(format_args!("created trigger {}", bold(&name.local())));
    Ok(())
}

/// Removes a trigger that its feed did not take. The feed may have taken it without our knowing, so
/// it hears of the end as well; what it says to that changes nothing.
async fn undo(feed: &Name, name: &Name, context: Context<'_>) {
    let is_there = context.client.trigger(name).await;
    let _ = tell(feed, Event::Delete, name, Vec::new(), &context).await;
    if is_there.is_err_and(|error| error.status() == Some(404)) {
        return;
    }
    if let Err(error) = context.client.delete_trigger(name).await {
        let name = name.local();
        context.output.aside(format_args!(
            "trigger '{name}' was made and could not be removed ({error}): quirl trigger delete {name}"
        ));
    }
}

async fn update(define: &Define, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&define.name)?;
    let fault = |error| unable("update", Entity::Trigger, &name, error);
    let stored = match context.client.trigger(&name).await {
        Ok(stored) => stored,
        Err(error) if error.status() == Some(404) => return create(define, context).await,
        Err(error) => return Err(unable("get", Entity::Trigger, &name, error)),
    };
    let feed = feed_of(&stored, &context)?;
    if let Some(asked) = &define.feed {
        same_feed(asked, feed.as_ref(), &name, &context)?;
    }
    let mut given = Given::read(define, feed.is_some())?;
    let Some(feed) = feed else {
        let done = context.client.put_trigger(&name, &given.put(&name), true).await;
        done.map_err(fault)?;
        context.output.ok(format_args!("updated trigger {}", bold(&name.local())));
        return Ok(());
    };
    let split = !define.feed_param.is_empty() || !define.trigger_param.is_empty();
    if split || !given.annotations.is_empty() {
        if !given.annotations.is_empty() {
            // Annotations are replaced as a whole; a trigger that forgot its feed would be orphaned.
            let kept = stored.annotation(FEED).cloned().unwrap_or_else(Json::null);
            set(&mut given.annotations, FEED, kept);
        }
        let done = context.client.put_trigger(&name, &given.put(&name), true).await;
        done.map_err(fault)?;
    }
    let (id, record) = tell(&feed, Event::Update, &name, given.feed, &context).await?;
    show_told(&feed, &id, &record, context.output);
    context.output.ok(format_args!("updated trigger {}", bold(&name.local())));
    Ok(())
}

/// A trigger keeps its feed for life: no event would tell the old one that it is over.
fn same_feed(
    asked: &str,
    feed: Option<&Name>,
    name: &Name,
    context: &Context<'_>,
) -> Result<(), Error> {
    if feed == Some(&context.name(asked)?) {
        return Ok(());
    }
    let why = match feed {
        Some(feed) => format!("its feed is {feed}, and a trigger keeps its feed"),
        None => "it has no feed, and a trigger gets one only when it is created".to_owned(),
    };
    let name = name.local();
    let what = format!("Unable to update trigger '{name}'");
    Err(Error::usage(&what, why, format!("quirl trigger delete {name}, and create it anew")))
}

async fn get(get: &Get, context: Context<'_>) -> Result<u8, Error> {
    let name = context.unpackaged(&get.one.name)?;
    let found = context.client.trigger(&name).await;
    let found = found.map_err(|error| unable("get", Entity::Trigger, &name, error))?;
    if get.summary {
        let full = format!("/{}/{}", found.namespace, found.name);
        summarise("trigger", &full, (&found.annotations, &found.parameters), context.output);
        return Ok(0);
    }
    let feed = feed_of(&found, &context)?.filter(|_| get.field.is_none());
    let Some(feed) = feed else {
        entities::show(Entity::Trigger, &name, get, &Json::of(&found), context.output)?;
        return Ok(0);
    };
    let done = invoke(&feed, Event::Read, &name, Vec::new(), &context).await;
    Ok(match done.map_err(|error| unable("get", Entity::Trigger, &name, error))? {
        Invocation::Accepted { id, .. } => action::accepted(&feed, &id, true, context.output),
        Invocation::Ended { id, status, body, .. } => {
            let id = id_in(id, &body);
            action::ended(&feed, &id, (status, &body), false, context.output)
        }
    })
}

async fn delete(one: &One, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&one.name)?;
    let fault = |error| unable("delete", Entity::Trigger, &name, error);
    let found = context.client.trigger(&name).await.map_err(fault)?;
    // A feed that is gone or fails must not keep a trigger alive.
    let told = match feed_of(&found, &context) {
        Ok(None) => Ok(()),
        Ok(Some(feed)) => {
            let told = tell(&feed, Event::Delete, &name, Vec::new(), &context).await;
            told.map(|(id, record)| show_told(&feed, &id, &record, context.output))
        }
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        let why = error.told().why;
        context.output.aside(format_args!("its feed did not take the end of it: {why}"));
    }
    context.client.delete_trigger(&name).await.map_err(fault)?;
    context.output.ok(format_args!("deleted trigger {}", bold(&name.local())));
    Ok(())
}

async fn fire(fire: &Fire, context: Context<'_>) -> Result<(), Error> {
    let name = context.unpackaged(&fire.name)?;
    let mut payload = fire.parameters.read()?;
    if let Some(text) = &fire.payload {
        let all = of_flags(&["payload".to_owned(), text.clone()]);
        all.into_iter().for_each(|(key, value)| set(&mut payload, &key, value));
    }
    let payload = Json::object(payload.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let client = match &fire.idempotency_key {
        Some(key) => context.keyed(key)?,
        None => context.client.clone(),
    };
    let fired = client.fire(&name, &payload).await;
    let fired = fired.map_err(|error| unable("fire", Entity::Trigger, &name, error))?;
    let id = bold(fired.id().unwrap_or_default());
    context.output.ok(format_args!("triggered {} with id {id}", bold(&name.to_string())));
    if fired == Fired::Nothing {
        context.output.aside("no rule of it is active: nothing was started");
    }
    Ok(())
}

async fn list(list: &Entities, context: Context<'_>) -> Result<(), Error> {
    let namespace = entities::namespace(list.namespace.as_deref(), &context);
    let found = context.client.triggers(&namespace, entities::page(list)).await;
    let found = found.map_err(|error| no_list(Entity::Trigger, &namespace, error))?;
    show_list(&found, list.name_sort, context.output);
    Ok(())
}

/// A list of triggers as `wsk` prints it.
pub(super) fn show_list(triggers: &[trigger::Summary], name_sort: bool, output: &mut Output) {
    // The scope of a trigger has no meaning; `wsk` prints it all the same.
    let row =
        |one: &trigger::Summary| Row::new(&one.namespace, &one.name, vec![entities::scope(false)]);
    entities::show_list("triggers", triggers.iter().map(row).collect(), &[0], name_sort, output);
}

impl Given {
    /// Reads the flags. `-p` is for the feed if there is one; `-F` and `-T` say for whom they are.
    fn read(define: &Define, has_feed: bool) -> Result<Self, Error> {
        let plain = define.parameters.read()?;
        let feed = of_flags(&define.feed_param);
        let own = of_flags(&define.trigger_param);
        let what = "Unable to tell for whom the parameters are";
        let is_split = !feed.is_empty() || !own.is_empty();
        if is_split && !plain.is_empty() {
            let why = "--param goes not together with --feed-param and --trigger-param.";
            let next = "-F KEY VALUE for the feed, -T KEY VALUE for the trigger";
            return Err(Error::usage(what, why, next));
        }
        if !feed.is_empty() && !has_feed {
            let why = "--feed-param is for a trigger with a feed.";
            return Err(Error::usage(what, why, "name the feed with --feed, or use -p"));
        }
        let annotations = define.annotations.read()?;
        let (own, feed) = match (plain.is_empty(), has_feed) {
            (true, _) => (own, feed),
            (false, true) => (Vec::new(), plain),
            (false, false) => (plain, Vec::new()),
        };
        Ok(Self { own, feed, annotations })
    }

    /// The body of the PUT.
    fn put(&self, name: &Name) -> Put {
        Put {
            namespace: name.namespace.clone(),
            name: name.local(),
            annotations: as_list(&self.annotations),
            parameters: as_list(&self.own),
        }
    }
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Read => "READ",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }

    /// What cannot be done if the feed does not take it.
    fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "get",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The feed of a trigger, if it has one.
fn feed_of(trigger: &Trigger, context: &Context<'_>) -> Result<Option<Name>, Error> {
    let named = trigger.annotation(FEED).and_then(Json::text).filter(|text| !text.is_empty());
    named.map(|text| context.name(&text)).transpose()
}

async fn invoke(
    feed: &Name,
    event: Event,
    trigger: &Name,
    mut given: Vec<(String, Json)>,
    context: &Context<'_>,
) -> Result<Invocation, client::Error> {
    let key = context.key.clone().unwrap_or_default();
    for (name, value) in [
        ("lifecycleEvent", event.as_str().to_owned()),
        ("triggerName", trigger.to_string()),
        ("authKey", key),
    ] {
        set(&mut given, name, Json::string(&value));
    }
    let payload = Json::object(given.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let how = Invoke { blocking: true, ..Invoke::default() };
    context.client.invoke(feed, &payload, how).await
}

/// Tells a feed something, and waits until it has taken it; returns the activation with its record.
async fn tell(
    feed: &Name,
    event: Event,
    trigger: &Name,
    given: Vec<(String, Json)>,
    context: &Context<'_>,
) -> Result<(String, Json), Error> {
    let done = invoke(feed, event, trigger, given, context).await;
    let what = format!("Unable to {} trigger '{}'", event.verb(), trigger.local());
    let refused = |why: String, id: Option<String>, code: u8| {
        Err(Error::Feed { what: what.clone(), why, id, code })
    };
    let event = event.as_str();
    match done {
        Ok(Invocation::Ended { id, status, body, .. }) => {
            let id = id_in(id, &body);
            let response = body.member("response");
            let success = response.as_ref().and_then(|response| response.member("success"));
            if status == 200 && success.is_none_or(|success| success.as_str() == "true") {
                return Ok((id, body));
            }
            let result = response.and_then(|response| response.member("result")).unwrap_or(body);
            let said = result.member("error").unwrap_or(result);
            let said = said.text().unwrap_or_else(|| said.as_str().to_owned());
            let code = if status == 200 { code_of(502) } else { code_of(status) };
            refused(format!("its feed {feed} did not take {event}: {said}"), Some(id), code)
        }
        Ok(Invocation::Accepted { id, .. }) => {
            refused(format!("its feed {feed} has not yet answered {event}"), Some(id), 202)
        }
        Err(error @ client::Error::Refused(_)) => {
            let code = error.status().map_or(1, code_of);
            refused(format!("its feed {feed} could not be told {event}: {error}"), None, code)
        }
        Err(error) => Err(Error::call(what, crate::error::About::Other, error)),
    }
}

/// What a feed answered, as an invoke shows it.
fn show_told(feed: &Name, id: &str, record: &Json, output: &mut Output) {
    action::ended(feed, id, (200, record), false, output);
}

/// The id of an activation: from the header, else from the record.
fn id_in(id: Option<String>, body: &Json) -> String {
    let in_body = || body.member("activationId").filter(|id| id.kind() == Kind::String)?.text();
    id.or_else(in_body).unwrap_or_default()
}
