//! `quirl property …`

use model::json::Json;

use crate::args::Connection;
use crate::args::property::{Get, Set, Verb, Which};
use crate::error::{About, Error};
use crate::output::{Output, bold};
use crate::profile::props::Props;
use crate::profile::{self, Environment, Origin, Profile};

use super::PATIENCE;

/// Does it.
pub(super) async fn run(
    verb: &Verb,
    connection: &Connection,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Error> {
    match verb {
        Verb::Get(asked) => get(*asked, connection, environment, output).await,
        Verb::Set(values) => set(values, connection, environment, output).await,
        Verb::Unset(which) => unset(*which, environment, output),
    }
}

async fn get(
    Get { which, origin }: Get,
    connection: &Connection,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Error> {
    let profile = Profile::find(connection, environment)?;
    let all = which.all || !which.any();
    let mut line = |asked: bool, name: &str, value: &str| {
        if asked || all {
            output.line(format_args!("{name}{value}"));
        }
    };
    let from = |value: &str, from: &Origin| {
        let from = if origin { format!("\t({})", from.as_str()) } else { String::new() };
        format!("{}{from}", bold(value))
    };
    let key = profile.key.as_deref().unwrap_or_default();
    line(which.auth, "whisk auth\t\t", &from(key, &profile.key_from));
    let address = from(&profile.address, &profile.address_from);
    line(which.apihost, "whisk API host\t\t", &address);
    line(which.apiversion, "whisk API version\t", &bold("v1"));
    let namespace = from(&profile.namespace, &profile.namespace_from);
    line(which.namespace, "whisk namespace\t\t", &namespace);
    line(which.cliversion, "whisk CLI version\t", &bold(env!("CARGO_PKG_VERSION")));
    if !all && !which.apibuild && !which.apibuildno {
        return Ok(0);
    }
    let info = profile.client()?.with_patience(PATIENCE).info().await;
    let text = |name: &str| {
        let known = info.as_ref().ok().and_then(|info: &Json| info.member(name)?.text());
        known.unwrap_or_else(|| "Unknown".to_owned())
    };
    line(which.apibuild, "whisk API build\t\t", &bold(&text("build")));
    line(which.apibuildno, "whisk API build number\t", &bold(&text("buildno")));
    let what = "Unable to obtain API build information";
    info.map(|_| 0).map_err(|error| Error::call(what, About::Other, error))
}

/// A namespace is checked with the server before it is kept.
async fn set(
    values: &Set,
    connection: &Connection,
    environment: &Environment,
    output: &mut Output,
) -> Result<u8, Error> {
    if let Some(version) = values.apiversion.as_deref().filter(|version| *version != "v1") {
        return Err(profile::Error::Version(version.to_owned()).into());
    }
    if let Some(host) = &values.apihost {
        api::Client::new(host).map_err(profile::Error::from)?;
    }
    if let Some(namespace) = values.namespace.as_deref().filter(|name| *name != "_") {
        let said = Connection {
            apihost: values.apihost.clone(),
            auth: values.auth.clone(),
            ..Connection::default()
        };
        check_namespace(namespace, &said.or(connection.clone()), environment).await?;
    }
    let path = environment.props_path();
    let mut props = Props::read(&path).map_err(profile::Error::from)?;
    let mut told = Vec::new();
    let mut keep = |key: &str, value: &Option<String>, text: String| {
        if let Some(value) = value {
            props.set(key, value);
            told.push(text);
        }
    };
    let shown = |value: &Option<String>| bold(value.as_deref().unwrap_or_default());
    let auth = "whisk auth set. Run 'quirl property get --auth' to see the new value.";
    keep("AUTH", &values.auth, auth.to_owned());
    keep("APIHOST", &values.apihost, format!("whisk API host set to {}", shown(&values.apihost)));
    let text = format!("whisk API version set to {}", shown(&values.apiversion));
    keep("APIVERSION", &values.apiversion, text);
    let text = format!("whisk namespace set to {}", shown(&values.namespace));
    keep("NAMESPACE", &values.namespace, text);
    props.write(&path).map_err(profile::Error::from)?;
    told.iter().for_each(|text| output.ok(text));
    Ok(0)
}

async fn check_namespace(
    namespace: &str,
    connection: &Connection,
    environment: &Environment,
) -> Result<(), Error> {
    let client = Profile::find(connection, environment)?.client()?.with_patience(PATIENCE);
    let what = format!("Unable to set the namespace '{namespace}'");
    let known = client.namespaces().await;
    let known = known.map_err(|error| Error::call(&what, About::Other, error))?;
    if known.iter().any(|name| name == namespace) {
        return Ok(());
    }
    let why = format!("Namespace '{namespace}' is not in the list of entitled namespaces");
    Err(Error::usage(&what, why, "see those of your key: quirl namespace list"))
}

fn unset(which: Which, environment: &Environment, output: &mut Output) -> Result<u8, Error> {
    let path = environment.props_path();
    let mut props = Props::read(&path).map_err(profile::Error::from)?;
    let mut told = Vec::new();
    let mut forget = |asked: bool, key: &str, text: &str| {
        if asked || which.all {
            props.unset(key);
            told.push(text.to_owned());
        }
    };
    forget(which.auth, "AUTH", "whisk auth unset.");
    forget(which.apihost, "APIHOST", "whisk API host unset.");
    let text = "whisk API version unset; the default value of v1 will be used.";
    forget(which.apiversion, "APIVERSION", text);
    let text = "whisk namespace unset; the default value of _ will be used.";
    forget(which.namespace, "NAMESPACE", text);
    if told.is_empty() {
        let next = "one or more of --auth --apihost --apiversion --namespace";
        return Err(Error::usage("Unable to unset properties", "none was named", next));
    }
    props.write(&path).map_err(profile::Error::from)?;
    told.iter().for_each(|text| output.ok(text));
    Ok(0)
}

impl Which {
    fn any(self) -> bool {
        let Self { auth, apihost, apiversion, namespace, cliversion, apibuild, apibuildno, all } =
            self;
        [auth, apihost, apiversion, namespace, cliversion, apibuild, apibuildno, all]
            .contains(&true)
    }
}
