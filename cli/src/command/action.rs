//! `quirl action …`

use std::path::{Path, PathBuf};

use api::client::{self, Invocation, Invoke, Name, Page};
use api::entity::{Action, Exec, Parameter, Put, PutExec, PutLimits, Summary};
use model::json::Json;

use crate::archive;
use crate::args::Connection;
use crate::args::action::{self as args, Define, Verb, Web};
use crate::args::pairs::{as_list, set};
use crate::error::{About, Error, Kind as Entity, code_of};
use crate::output::{Output, bold};

use super::entities::summarise;
use super::{Context, field};

impl Verb {
    /// Where the verb is to be done.
    pub(super) fn connection(&self) -> &Connection {
        match self {
            Self::Create(define) | Self::Update(define) => &define.connection,
            Self::Invoke(invoke) => &invoke.connection,
            Self::Get(get) => &get.connection,
            Self::Delete { connection, .. } => connection,
            Self::List(list) => &list.connection,
        }
    }
}

/// Does it.
pub(super) async fn run(verb: &Verb, context: Context<'_>) -> Result<u8, Error> {
    match verb {
        Verb::Create(define) => create(define, context).await,
        Verb::Update(define) => update(define, context).await,
        Verb::Invoke(invoke) => self::invoke(invoke, context).await,
        Verb::Get(get) => self::get(get, context).await,
        Verb::Delete { name, .. } => delete(name, context).await,
        Verb::List(list) => self::list(list, context).await,
    }
}

async fn create(define: &Define, context: Context<'_>) -> Result<u8, Error> {
    let name = context.name(&define.name)?;
    let put = put(define, &name, None, &context).await?;
    if put.exec.is_none() {
        let next = format!("quirl action create {} FILE", name.local());
        return Err(Error::usage(CREATE, "An action name and code artifact are required.", next));
    }
    let done = context.client.put_action(&name, &put, false).await;
    let about = About::Create(Entity::Action, name.local());
    let what = format!("Unable to create action '{}'", name.local());
    done.map_err(|error| Error::call(what, about, error))?;
    context.output.ok(format_args!("created action {}", bold(&name.local())));
    Ok(0)
}

async fn update(define: &Define, context: Context<'_>) -> Result<u8, Error> {
    let name = context.name(&define.name)?;
    let existing = match context.client.action(&name, false).await {
        Ok(action) => Some(action),
        Err(error) if error.status() == Some(404) => None,
        Err(error) => return Err(unable("get", &name, error)),
    };
    let put = put(define, &name, existing.as_ref(), &context).await?;
    let done = context.client.put_action(&name, &put, true).await;
    done.map_err(|error| unable("update", &name, error))?;
    context.output.ok(format_args!("updated action {}", bold(&name.local())));
    Ok(0)
}

async fn invoke(invoke: &args::Invoke, mut context: Context<'_>) -> Result<u8, Error> {
    let name = context.name(&invoke.name)?;
    let payload = invoke.parameters.read()?;
    let payload = Json::object(payload.iter().map(|(key, value)| (key.as_str(), value.clone())));
    let blocking = invoke.blocking || invoke.result;
    let how = Invoke { blocking, result: invoke.result, timeout_ms: None };
    if let Some(key) = &invoke.idempotency_key {
        context.client = context.keyed(key)?;
    }
    let done = context.client.invoke(&name, &payload, how).await;
    Ok(match done.map_err(|error| unable("invoke", &name, error))? {
        Invocation::Accepted { id, .. } => accepted(&name, &id, blocking, context.output),
        Invocation::Ended { id, status, body, .. } => {
            let id = id.or_else(|| body.member("activationId")?.text()).unwrap_or_default();
            ended(&name, &id, (status, &body), invoke.result, context.output)
        }
    })
}

/// Of a call that was to wait, an activation that still runs is not what was asked for.
pub(super) fn accepted(name: &Name, id: &str, blocking: bool, output: &mut Output) -> u8 {
    let invoked = format!("invoked {}", bold(&name.to_string()));
    let id = format!("with id {}", bold(id));
    if blocking {
        let text = format!("{invoked}, but the request has not yet finished, {id}");
        output.ok_aside(text);
        return 202;
    }
    output.ok(format_args!("{invoked} {id}"));
    0
}

/// An error goes to standard error, with the exit code that says whose it is.
pub(super) fn ended(
    name: &Name,
    id: &str,
    (status, body): (u16, &Json),
    only_result: bool,
    output: &mut Output,
) -> u8 {
    let says_no = || Some(body.member("response")?.member("success")?.as_str() == "false");
    let failed = status != 200 || (!only_result && says_no() == Some(true));
    let header = format!("invoked {} with id {}", bold(&name.to_string()), bold(id));
    if failed {
        if !only_result {
            output.ok_aside(header);
        }
        output.json_aside(body);
        return if status == 200 { code_of(502) } else { code_of(status) };
    }
    if !only_result {
        output.ok(header);
    }
    output.json(body);
    0
}

async fn get(get: &args::Get, context: Context<'_>) -> Result<u8, Error> {
    let name = context.name(&get.name)?;
    let save = get.save || get.save_as.is_some();
    let action = context.client.described_action(&name, save).await;
    let (action, start) = action.map_err(|error| unable("get", &name, error))?;
    let shown = bold(&name.local());
    if save {
        let path = self::save(&action, get.save_as.as_deref())?;
        context.output.ok(format_args!("saved action code to {}", bold(&path.to_string_lossy())));
    } else if get.url {
        context.output.ok(format_args!("got action {shown}"));
        context.output.line(url(context.client.address(), &action));
    } else if get.summary {
        summary(&action, context.output);
    } else if let Some(name) = &get.field {
        let value = field(&Json::of(&action), name)?;
        context.output.ok(format_args!("got action {shown}, displaying field {}", bold(name)));
        context.output.json(&value);
    } else {
        let start = start.as_deref().map(starts).unwrap_or_default();
        context.output.ok(format_args!("got action {shown}{start}"));
        context.output.json(&Json::of(&action));
    }
    Ok(0)
}

/// What `image` and `eval` mean, to end a sentence about a script.
fn starts(from: &str) -> String {
    match from {
        "image" => ", each call begins from its image".to_owned(),
        "eval" => ", its script is evaluated in each call".to_owned(),
        other => format!(", each call begins from: {other}"),
    }
}

async fn delete(name: &str, context: Context<'_>) -> Result<u8, Error> {
    let name = context.name(name)?;
    let done = context.client.delete_action(&name).await;
    done.map_err(|error| unable("delete", &name, error))?;
    context.output.ok(format_args!("deleted action {}", bold(&name.local())));
    Ok(0)
}

async fn list(list: &args::List, context: Context<'_>) -> Result<u8, Error> {
    let (namespace, package) = place(list.place.as_deref(), &context.namespace);
    let page = Page { limit: list.limit, skip: list.skip };
    let found = context.client.actions(&namespace, package.as_deref(), page).await;
    let what = format!("Unable to obtain the list of actions for namespace '{namespace}'");
    let found = found.map_err(|error| Error::call(what, About::Other, error))?;
    show_list(found, list.name_sort, context.output);
    Ok(0)
}

/// A list of actions as `wsk` prints it.
pub(super) fn show_list(mut actions: Vec<Summary>, name_sort: bool, output: &mut Output) {
    let name = |action: &Summary| format!("/{}/{}", action.namespace, action.name);
    if name_sort {
        actions.sort_by_key(|action| name(action).to_lowercase());
    }
    let kind = |action: &Summary| action.annotation("exec").and_then(Json::text);
    let row = |action: &Summary| {
        vec![name(action), "private".to_owned(), kind(action).unwrap_or_default()]
    };
    output.heading("actions");
    output.table(&[], &[70, 7, 0], &actions.iter().map(row).collect::<Vec<_>>());
}

/// `/ns`, `/ns/pkg` or `pkg`.
fn place(text: Option<&str>, namespace: &str) -> (String, Option<String>) {
    let package = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match text {
        None => (namespace.to_owned(), None),
        Some(text) => match text.strip_prefix('/') {
            None => (namespace.to_owned(), package(text.trim_end_matches('/'))),
            Some(absolute) => {
                let (namespace, rest) = absolute.split_once('/').unwrap_or((absolute, ""));
                (namespace.to_owned(), package(rest.trim_end_matches('/')))
            }
        },
    }
}

/// The body of the PUT that the flags ask for. Without `exec` if no code is named.
async fn put(
    define: &Define,
    name: &Name,
    existing: Option<&Action>,
    context: &Context<'_>,
) -> Result<Put, Error> {
    let mut put = Put { namespace: name.namespace.clone(), name: name.local(), ..Put::default() };
    let mut parameters = define.parameters.read()?;
    let mut annotations = define.annotations.read()?;
    let mut limits = PutLimits {
        concurrency: define.concurrency,
        logs: define.logsize,
        memory: define.memory,
        timeout: define.timeout,
    };
    put.del_annotations.clone_from(&define.del_annotation);
    if define.copy {
        let from = context.name(artifact(define)?)?;
        let source = context.client.action(&from, true).await;
        let source = source.map_err(|error| unable("get", &from, error))?;
        parameters = over(source.parameters, parameters);
        annotations = over(source.annotations, annotations);
        limits.concurrency = limits.concurrency.or(Some(source.limits.concurrency.into()));
        limits.logs = limits.logs.or(Some(source.limits.logs.into()));
        limits.memory = limits.memory.or(Some(source.limits.memory.into()));
        limits.timeout = limits.timeout.or(i64::try_from(source.limits.timeout).ok());
        put.exec = Some(copied(source.exec));
    } else if define.sequence {
        put.exec = Some(sequence(artifact(define)?, context)?);
    } else if define.artifact.is_some() || define.docker.is_some() || define.native {
        put.exec = Some(exec(define)?);
    }
    if let Some(web) = define.web {
        annotations = with_web(web, annotations, existing);
    }
    put.parameters = as_list(&parameters);
    put.annotations = as_list(&annotations);
    put.limits = Some(limits).filter(|limits| *limits != PutLimits::default());
    Ok(put)
}

/// With what the web needs. Those that the action has are sent back if no others are given, as
/// `wsk` does.
fn with_web(
    web: Web,
    mut annotations: Vec<(String, Json)>,
    existing: Option<&Action>,
) -> Vec<(String, Json)> {
    if annotations.is_empty()
        && let Some(existing) = existing
    {
        annotations = over(existing.annotations.clone(), Vec::new());
    }
    for (key, value) in web.annotations() {
        set(&mut annotations, key, Json::of(&value));
    }
    annotations
}

/// The code that a file and flags describe.
fn exec(define: &Define) -> Result<PutExec, Error> {
    let artefact = define.artifact.as_deref().map(|path| archive::read(Path::new(path)));
    let artefact = artefact.transpose()?;
    let image = if define.native {
        Some("openwhisk/dockerskeleton".to_owned())
    } else {
        define.docker.clone()
    };
    let of_file = artefact.as_ref().and_then(|artefact| artefact.kind);
    let kind = match (&define.kind, &image, of_file) {
        (Some(kind), _, _) => kind.clone(),
        (None, Some(_), _) => "blackbox".to_owned(),
        (None, None, Some(kind)) => kind.to_owned(),
        (None, None, None) => return Err(no_kind(define.artifact.as_deref().unwrap_or_default())),
    };
    let code = artefact.map(|artefact| artefact.code);
    Ok(PutExec { kind, image, code, main: define.main.clone(), components: None })
}

fn no_kind(path: &str) -> Error {
    let extension = Path::new(path).extension().unwrap_or_default().to_string_lossy().into_owned();
    let why = if extension.eq_ignore_ascii_case("zip") {
        "creating an action from a .zip artifact requires specifying the action kind explicitly"
            .to_owned()
    } else {
        format!("'.{extension}' is not a supported action runtime")
    };
    Error::usage("Unable to tell the kind of the action", why, "name it: --kind nodejs:default")
}

fn sequence(list: &str, context: &Context<'_>) -> Result<PutExec, Error> {
    let names = list.split(',').map(str::trim);
    let names: Result<Vec<_>, _> =
        names.map(|name| context.name(name).map(|name| name.to_string())).collect();
    let kind = "sequence".to_owned();
    Ok(PutExec { kind, components: Some(names?), ..PutExec::default() })
}

fn copied(exec: Exec) -> PutExec {
    match exec {
        Exec::Sequence { kind, components } => {
            PutExec { kind, components: Some(components), ..PutExec::default() }
        }
        Exec::Code { kind, image, code, main, .. } => {
            PutExec { kind, image, code, main, components: None }
        }
    }
}

fn artifact(define: &Define) -> Result<&str, Error> {
    let why = "An action name and code artifact are required.";
    let next = "--sequence takes a list of actions, --copy the name of one";
    define.artifact.as_deref().ok_or_else(|| Error::usage(CREATE, why, next))
}

const CREATE: &str = "Unable to create the action";

impl Web {
    /// Source: `rest-api.md` §10.2, "Web flags".
    fn annotations(self) -> [(&'static str, bool); 3] {
        let (export, raw, last) = match self {
            Self::True => (true, false, true),
            Self::Raw => (true, true, true),
            Self::False => (false, false, false),
        };
        [("web-export", export), ("raw-http", raw), ("final", last)]
    }
}

/// Pairs of an entity with others on top.
fn over(below: Vec<Parameter>, above: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let mut pairs: Vec<_> = below.into_iter().map(|one| (one.key, one.value)).collect();
    for (key, value) in above {
        set(&mut pairs, &key, value);
    }
    pairs
}

/// Writes the code to a new file.
fn save(action: &Action, path: Option<&Path>) -> Result<PathBuf, Error> {
    let what = "Unable to save the code";
    let Exec::Code { kind, code, binary, .. } = &action.exec else {
        return Err(Error::usage(what, "Cannot save action sequences", "see its components"));
    };
    let Some(code) = code else {
        return Err(Error::usage(what, "Cannot save Docker images", "pull the image"));
    };
    let named = || PathBuf::from(archive::file_name(&action.name, kind, *binary));
    let path = path.map_or_else(named, Path::to_owned);
    let fault = |source| Error::Save { path: path.clone(), source };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let written = file.and_then(|mut file| {
        std::io::Write::write_all(&mut file, &archive::content(code, *binary))
    });
    written.map_err(fault)?;
    Ok(std::path::absolute(&path).unwrap_or(path))
}

/// Where an action is served: on the web if it is a web action, else where it is invoked.
fn url(address: &str, action: &Action) -> String {
    let is_web = action.annotation("web-export").is_some_and(Json::is_truthy);
    let (namespace, package) = match action.namespace.split_once('/') {
        Some((namespace, package)) => (namespace, Some(package)),
        None => (action.namespace.as_str(), None),
    };
    let entity = action.name.clone();
    if is_web {
        let package = Some(package.unwrap_or("default").to_owned());
        let name = Name { namespace: namespace.to_owned(), package, entity };
        return format!("{address}{}", name.web_path());
    }
    let package = package.map(str::to_owned);
    let name = Name { namespace: namespace.to_owned(), package, entity };
    format!("{address}{}", name.path("actions"))
}

fn summary(action: &Action, output: &mut Output) {
    let name = format!("/{}/{}", action.namespace, action.name);
    summarise("action", &name, (&action.annotations, &action.parameters), output);
}

fn unable(verb: &str, name: &Name, error: client::Error) -> Error {
    let what = format!("Unable to {verb} action '{}'", name.local());
    Error::call(what, About::Entity(Entity::Action, name.local()), error)
}
