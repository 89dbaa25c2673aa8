//! Limits of a namespace: what is set, not what is in force.
//!
//! Source: `rest-api.md` §8.2.

use api::admin;
use ledger::fold::Ledger;
use ledger::record::{EntityKey, Expect, Mark};
use model::json::{Json, Kind};
use model::limits::Overrides;
use model::name::Namespace;

use super::body::unknown;
use super::change::Plan;
use super::{Api, Asked, Error};
use crate::http::body::{Incoming, malformed};
use crate::http::respond::Answer;
use crate::read::identities;

/// Where a number goes.
type Number = fn(&mut Overrides) -> &mut Option<u64>;

/// All that are numbers.
const NUMBERS: &[(&str, Number)] = &[
    ("invocationsPerMinute", |it| &mut it.invocations_per_minute),
    ("firesPerMinute", |it| &mut it.fires_per_minute),
    ("concurrentInvocations", |it| &mut it.concurrent_invocations),
    ("minActionMemory", |it| &mut it.min_action_memory),
    ("maxActionMemory", |it| &mut it.max_action_memory),
    ("minActionLogs", |it| &mut it.min_action_logs),
    ("maxActionLogs", |it| &mut it.max_action_logs),
    ("minActionTimeout", |it| &mut it.min_action_timeout),
    ("maxActionTimeout", |it| &mut it.max_action_timeout),
    ("minActionConcurrency", |it| &mut it.min_action_concurrency),
    ("maxActionConcurrency", |it| &mut it.max_action_concurrency),
    ("maxParameterSize", |it| &mut it.max_parameter_size),
    ("maxPayloadSize", |it| &mut it.max_payload_size),
    ("truncationSize", |it| &mut it.truncation_size),
];
const KINDS: &str = "allowedKinds";
const STORE: &str = "storeActivations";

impl Api {
    pub(super) fn get_limits(&self, namespace: &str) -> Result<Answer, Error> {
        let namespace = Namespace::new(namespace)?;
        let set = self.controller.partition.read(|ledger| {
            expect_namespace(ledger, &namespace)?;
            let found = identities::overrides(ledger, &namespace)?;
            Ok::<_, Error>(found.map(|found| found.value).unwrap_or_default())
        })?;
        Ok(Answer::admin(&admin::Limits::from(set)))
    }

    pub(super) async fn put_limits(
        &self,
        namespace: &str,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Error> {
        let namespace = Namespace::new(namespace)?;
        let set = parse(&self.object(asked, body).await?)?;
        self.change(asked.transaction, |ledger| {
            let mut plan = Plan::default();
            plan.expect.push(expect_namespace(ledger, &namespace)?);
            match identities::overrides(ledger, &namespace)? {
                Some(found) => plan.unchanged(EntityKey::limits(&namespace), &found),
                None => plan.absent(EntityKey::limits(&namespace)),
            }
            plan.ops.push(identities::put_overrides(&namespace, &set));
            Ok((plan, ()))
        })
        .await?;
        Ok(Answer::admin(&admin::Limits::from(set)))
    }

    pub(super) async fn delete_limits(
        &self,
        namespace: &str,
        asked: &Asked<'_>,
    ) -> Result<Answer, Error> {
        let namespace = Namespace::new(namespace)?;
        let were = self.change(asked.transaction, |ledger| {
            let mut plan = Plan::default();
            plan.expect.push(expect_namespace(ledger, &namespace)?);
            let key = EntityKey::limits(&namespace);
            let found = identities::overrides(ledger, &namespace)?;
            match &found {
                Some(found) => plan.unchanged(key.clone(), found),
                None => plan.absent(key.clone()),
            }
            plan.delete(key);
            Ok((plan, found.map(|found| found.value).unwrap_or_default()))
        });
        Ok(Answer::admin(&admin::Limits::from(were.await?)))
    }
}

/// That the namespace is there, and stays the one that it is.
fn expect_namespace(ledger: &Ledger, namespace: &Namespace) -> Result<Expect, Error> {
    let key = EntityKey::namespace(namespace);
    let entity = ledger.entity(&key).ok_or(Error::NotFound)?;
    let mark = Mark::Born(entity.born);
    Ok(Expect { key, mark })
}

fn parse(body: &Json) -> Result<Overrides, Error> {
    let mut set = Overrides::default();
    for (name, value) in body.members().unwrap_or_default() {
        let is_number = NUMBERS.iter().find(|(known, _)| *known == name);
        match (name.as_str(), is_number) {
            _ if value.kind() == Kind::Null => known(&name)?,
            (_, Some((_, place))) => *place(&mut set) = Some(number(&name, &value)?),
            (KINDS, None) => set.allowed_kinds = Some(texts(&name, &value)?),
            (STORE, None) => set.store_activations = Some(flag(&name, &value)?),
            (_, None) => known(&name)?,
        }
    }
    for (least, most, min, max) in [
        ("minActionMemory", "maxActionMemory", set.min_action_memory, set.max_action_memory),
        ("minActionLogs", "maxActionLogs", set.min_action_logs, set.max_action_logs),
        ("minActionTimeout", "maxActionTimeout", set.min_action_timeout, set.max_action_timeout),
        (
            "minActionConcurrency",
            "maxActionConcurrency",
            set.min_action_concurrency,
            set.max_action_concurrency,
        ),
    ] {
        if min.zip(max).is_some_and(|(min, max)| min > max) {
            return Err(Error::Order(least, most));
        }
    }
    Ok(set)
}

fn known(name: &str) -> Result<(), Error> {
    let mut all = NUMBERS.iter().map(|(known, _)| *known).chain([KINDS, STORE]);
    if all.clone().any(|known| known == name) {
        return Ok(());
    }
    Err(unknown(name, all.by_ref()).into())
}

fn is_no(name: &str, what: &str) -> Error {
    malformed(format!("'{name}' must be {what}.")).into()
}

fn number(name: &str, value: &Json) -> Result<u64, Error> {
    let number: i128 = value.as_str().parse().map_err(|_| is_no(name, "a whole number"))?;
    if number < 0 {
        return Err(Error::Negative(name.to_owned()));
    }
    u64::try_from(number).map_err(|_| is_no(name, "a whole number"))
}

fn flag(name: &str, value: &Json) -> Result<bool, Error> {
    match value.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(is_no(name, "true or false")),
    }
}

fn texts(name: &str, value: &Json) -> Result<Vec<String>, Error> {
    let is_no = || is_no(name, "an array of strings");
    value.elements().ok_or_else(is_no)?.iter().map(|it| it.text().ok_or_else(is_no)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_or_refused_in_the_words_of_the_contract() {
        let read = |text: &str| {
            let read = parse(&Json::parse(text.as_bytes()).unwrap());
            read.map(|set| Json::of(&admin::Limits::from(set)).as_str().to_owned())
                .map_err(|error| error.to_string())
        };
        let malformed = |text: &str| Err(format!("The request content was malformed:\n{text}"));
        for (sent, expected) in [
            ("{}", Ok("{}".to_owned())),
            (r#"{"firesPerMinute":null}"#, Ok("{}".to_owned())),
            (
                r#"{"storeActivations":false,"allowedKinds":["a"],"invocationsPerMinute":0}"#,
                Ok(r#"{"allowedKinds":["a"],"invocationsPerMinute":0,"storeActivations":false}"#
                    .to_owned()),
            ),
            (
                r#"{"invocationPerMinute":1}"#,
                malformed(
                    "unknown field 'invocationPerMinute'; did you mean 'invocationsPerMinute'?",
                ),
            ),
            (
                r#"{"allowedkinds":null}"#,
                malformed("unknown field 'allowedkinds'; did you mean 'allowedKinds'?"),
            ),
            (r#"{"maxActionLogs":"1"}"#, malformed("'maxActionLogs' must be a whole number.")),
            (r#"{"maxActionLogs":1.5}"#, malformed("'maxActionLogs' must be a whole number.")),
            (r#"{"storeActivations":1}"#, malformed("'storeActivations' must be true or false.")),
            (r#"{"allowedKinds":"a"}"#, malformed("'allowedKinds' must be an array of strings.")),
            (r#"{"allowedKinds":[1]}"#, malformed("'allowedKinds' must be an array of strings.")),
            (r#"{"firesPerMinute":-1}"#, Err("'firesPerMinute' must be 0 or more.".to_owned())),
            (
                r#"{"maxActionMemory":128,"minActionMemory":256}"#,
                Err("'minActionMemory' must not be greater than 'maxActionMemory'.".to_owned()),
            ),
        ] {
            assert_eq!(read(sent), expected, "{sent}");
        }
    }
}
