//! What the contract says of actions, packages, triggers and rules, as a program without a server.
//!
//! [`World`] is pure: it takes a request ([`ask`]) and says what the answer must be, from
//! `rest-api.md` §§1.3, 2, 3, 5 and 6, not from the code of the server. [`make`] draws requests over
//! few names, [`drive`] sends them to a real server and compares.
//!
//! Readings of the contract where it leaves room:
//!
//! - Whether the target of a binding exists, and is a package, is asked with the rights to it
//!   (§1.3), so before whether the name is free; whether it is a binding itself, behind that. A binding
//!   whose provider is gone may be told as either.
//! - Nested components are asked for as those of the sequence itself are (§3.4): a missing action is
//!   refused at any depth; what is missing with its whole package only at the top.
//! - A PUT of a rule attaches it anew, so it is the last of its trigger.

pub mod ask;
pub mod drive;
pub mod ledger;
pub mod make;
mod shown;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use ask::{Exec, FOREIGN, Fault, Flag, Kind, OWN, One, Put, State, What};

const NOT_FOUND: &str = "The requested resource does not exist.";
const OTHER_KIND: &str = "Resource by this name exists but is not in this collection.";
const NO_PROVIDER: &str = "Binding references a package that does not exist.";
const NO_COMPONENT: &str = "Sequence component does not exist.";
const RECURSIVE: &str = "Sequence may not refer to itself.";
const TOO_MANY: &str = "Too many actions in the sequence.";
/// Components, nested ones expanded.
const MOST: usize = 50;

/// All that exists in one namespace.
#[derive(Clone, Debug, Default)]
pub struct World {
    entities: BTreeMap<String, Entity>,
    writes: u64,
}

#[derive(Clone, Debug)]
struct Entity {
    version: [u64; 3],
    publish: bool,
    annotations: Vec<One>,
    parameters: Vec<One>,
    /// Counts up: lists are in the order of the last PUT.
    written: u64,
    /// As the answer to that PUT had it.
    updated: Option<i64>,
    is: Is,
}

#[derive(Clone, Debug)]
enum Is {
    Action {
        exec: Exec,
        timeout: u64,
        memory: u64,
        logs: u64,
    },
    /// What it points at, if it is a binding: `ns/name`.
    Package(Option<String>),
    /// The rules by name, in the order in which they are started; `None`: never had one.
    Trigger(Option<Vec<(String, Hanging)>>),
    Rule {
        trigger: String,
        action: String,
    },
}

/// A rule as its trigger knows it.
#[derive(Clone, Debug)]
struct Hanging {
    action: String,
    active: bool,
}

/// A refusal: status, and the text with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No(pub u16, pub String);

/// What an answer must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// 200 with this; texts in it may be wildcards.
    Json(Value),
    /// 200 with this text.
    Text(&'static str),
    /// 204.
    Nothing,
    /// 202 with the id of an activation, whose record must be this.
    Fired(Record),
    /// One of these.
    Refused(Vec<No>),
}

/// The record of a fire.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// All but the lines.
    pub record: Value,
    /// Its lines: what each may be.
    pub lines: Vec<Vec<Value>>,
}

type Answer = Result<Value, Vec<No>>;

fn no<T>(status: u16, text: impl Into<String>) -> Result<T, Vec<No>> {
    Err(vec![No(status, text.into())])
}

fn malformed<T>(reason: &str) -> Result<T, Vec<No>> {
    no(400, format!("The request content was malformed:\n{reason}"))
}

fn denied<T>(resource: &str) -> Result<T, Vec<No>> {
    let told = "The supplied authentication is not authorized to access";
    no(403, format!("{told} '{resource}'."))
}

impl Entity {
    fn kind(&self) -> Kind {
        match &self.is {
            Is::Action { .. } => Kind::Action,
            Is::Package(_) => Kind::Package,
            Is::Trigger(_) => Kind::Trigger,
            Is::Rule { .. } => Kind::Rule,
        }
    }
}

impl World {
    /// How many entities there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Everything there is, as reads and lists.
    #[must_use]
    pub fn audit(&self) -> Vec<What> {
        let lists = Kind::ALL.map(|kind| What::List {
            kind,
            within: None,
            skip: None,
            limit: Some(0),
            count: false,
        });
        let reads = self
            .entities
            .iter()
            .map(|(name, entity)| What::Get(entity.kind(), name.clone(), Flag::Absent));
        lists.into_iter().chain(reads).collect()
    }

    /// Takes from the answer to a PUT when it was.
    pub fn learn(&mut self, asked: &What, answer: &Value) {
        if let What::Put(_, name, ..) = asked
            && let Some(entity) = self.entities.get_mut(name)
        {
            entity.updated = answer.get("updated").and_then(Value::as_i64);
        }
    }

    /// What the answer to a request must be; afterwards the world is as it leaves it.
    pub fn apply(&mut self, asked: &What) -> Expected {
        let answer = match asked {
            What::Put(kind, name, put, overwrite) => self.put(*kind, name, put, *overwrite),
            What::Get(kind, name, code) => self.get(*kind, name, *code),
            What::Delete(kind, name, force) => self.delete(*kind, name, *force),
            What::Switch(name, state) => {
                return match self.switch(name, state) {
                    Ok(()) => Expected::Text("OK"),
                    Err(no) => Expected::Refused(no),
                };
            }
            What::List { kind, within, skip, limit, count } => {
                self.list(*kind, within.as_deref(), *skip, *limit, *count)
            }
            What::Fire(name, payload) => {
                return match self.fire(name, payload.as_ref()) {
                    Ok(None) => Expected::Nothing,
                    Ok(Some(record)) => Expected::Fired(record),
                    Err(no) => Expected::Refused(no),
                };
            }
            What::Foreign(method, kind, name) => foreign(method, *kind, name.as_deref()),
        };
        match answer {
            Ok(answer) => Expected::Json(answer),
            Err(no) => Expected::Refused(no),
        }
    }

    /// An entity of this kind.
    fn find(&self, kind: Kind, name: &str) -> Result<&Entity, Vec<No>> {
        match self.entities.get(name) {
            None => no(404, NOT_FOUND),
            Some(entity) if entity.kind() != kind => no(409, OTHER_KIND),
            Some(entity) => Ok(entity),
        }
    }

    /// §3.3: the package that an action is written into must be there, and no binding.
    fn home(&self, name: &str) -> Result<(), Vec<No>> {
        let Some((package, _)) = name.split_once('/') else { return Ok(()) };
        match self.find(Kind::Package, package)?.is {
            Is::Package(Some(_)) => no(400, "Operation not permitted on package binding."),
            _ => Ok(()),
        }
    }

    /// §§1.3, 6.3: the package behind a name, if the owner may use it.
    fn provider(&self, package: &str) -> Result<&str, Vec<No>> {
        let (name, found) = match self.entities.get_key_value(package) {
            None => return no(404, NOT_FOUND),
            Some(found) => found,
        };
        match &found.is {
            Is::Package(None) => Ok(name),
            Is::Package(Some(target)) => {
                let Some(target) = target.strip_prefix(OWN).and_then(|it| it.strip_prefix('/'))
                else {
                    return denied(target);
                };
                match self.entities.get_key_value(target) {
                    Some((name, Entity { is: Is::Package(None), .. })) => Ok(name),
                    _ => no(404, NOT_FOUND),
                }
            }
            _ => no(409, OTHER_KIND),
        }
    }

    /// Where the action of a full name is; whether it is there is not asked.
    fn reach(&self, full: &str) -> Result<String, Vec<No>> {
        let (namespace, name) = full.split_once('/').unwrap_or(("", full));
        match name.split_once('/') {
            None if namespace == OWN => Ok(name.to_owned()),
            None => denied(full),
            Some((package, _)) if namespace != OWN => denied(&format!("{namespace}/{package}")),
            Some((package, name)) => Ok(format!("{}/{name}", self.provider(package)?)),
        }
    }

    fn put(&mut self, kind: Kind, name: &str, put: &Put, overwrite: Flag) -> Answer {
        if kind == Kind::Action {
            self.home(name)?;
        }
        check_body(put)?;
        let overwrite = match overwrite {
            Flag::Absent | Flag::No(_) => false,
            Flag::Yes(_) => true,
            Flag::Bad(text) => {
                return no(
                    400,
                    format!(
                        "The query parameter 'overwrite' was malformed:\n'{text}' is not a valid \
                         Boolean value"
                    ),
                );
            }
        };
        if let Some(Fault::Bound(_, _, text)) = &put.fault {
            return no(400, *text);
        }
        let target = self.check_references(put)?;
        let stored = match self.entities.get(name) {
            Some(stored) if stored.kind() != kind => return taken(target, OTHER_KIND),
            Some(_) if !overwrite => return taken(target, "resource already exists"),
            stored => stored.cloned(),
        };
        let is = match kind {
            Kind::Action => self.put_action(name, put, stored.as_ref())?,
            Kind::Package => {
                let before = stored.as_ref().map(|stored| match &stored.is {
                    Is::Package(binding) => binding.clone(),
                    _ => None,
                });
                let mut refused = Vec::new();
                if put.binding.is_some() && before == Some(None) {
                    let text = "Resource is a package and cannot be converted into a binding.";
                    refused.push(No(409, text.to_owned()));
                }
                if target != Target::Usable {
                    let text = "Cannot bind to another package binding.";
                    refused.push(No(400, text.to_owned()));
                }
                if target == Target::Broken {
                    refused.push(No(400, NO_PROVIDER.to_owned()));
                }
                if !refused.is_empty() {
                    return Err(refused);
                }
                Is::Package(put.binding.clone().or(before.flatten()))
            }
            Kind::Trigger => match stored.as_ref().map(|stored| stored.is.clone()) {
                Some(is) => is,
                None => {
                    let feed = find(put.annotations.as_deref().unwrap_or_default(), "feed");
                    if feed.is_some_and(|feed| !is_path(feed)) {
                        return no(400, "Feed name is not valid");
                    }
                    Is::Trigger(None)
                }
            },
            Kind::Rule => self.put_rule(put, stored.as_ref())?,
        };
        let entity = self.merged(kind, put, stored.as_ref(), is);
        if let Is::Rule { trigger, action } = &entity.is {
            // A new one is in force; its status is kept when it changes or moves.
            let active = stored.as_ref().is_none_or(|stored| self.is_active(name, stored));
            if let Some(stored) = &stored {
                self.detach(name, stored);
            }
            self.attach(name, trigger, action, active);
        }
        self.entities.insert(name.to_owned(), entity);
        self.document(name, false)
    }

    /// §1.3, "entitlement to referenced entities". Returns what a binding is to point at.
    fn check_references(&self, put: &Put) -> Result<Target, Vec<No>> {
        let components = match &put.exec {
            Some(Exec::Sequence(components)) => components.as_slice(),
            _ => &[],
        };
        // Which of several is told is not said.
        let refused = components.iter().filter_map(|name| self.reach(name).err());
        let refused: Vec<No> = refused.flatten().collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        if let Some(trigger) = &put.trigger
            && !trigger.starts_with(&format!("{OWN}/"))
        {
            return denied(trigger);
        }
        if let Some(action) = &put.action {
            self.reach(action)?;
        }
        let Some(target) = &put.binding else { return Ok(Target::Usable) };
        let Some(name) = target.strip_prefix(&format!("{OWN}/")) else { return denied(target) };
        match self.entities.get(name).map(|found| &found.is) {
            None => no(400, NO_PROVIDER),
            Some(Is::Package(None)) => Ok(Target::Usable),
            Some(Is::Package(Some(_))) if self.provider(name).is_ok() => Ok(Target::Binding),
            Some(Is::Package(Some(_))) => Ok(Target::Broken),
            Some(_) => no(409, "Cannot bind to a resource that is not a package."),
        }
    }

    fn put_action(&self, name: &str, put: &Put, stored: Option<&Entity>) -> Result<Is, Vec<No>> {
        let (before, mut timeout, mut memory, mut logs) = match stored.map(|stored| &stored.is) {
            Some(Is::Action { exec, timeout, memory, logs }) => {
                (Some(exec), *timeout, *memory, *logs)
            }
            _ => (None, 60_000, 256, 10),
        };
        let Some(exec) = put.exec.as_ref().or(before) else { return no(400, "exec undefined") };
        for (limit, value) in &put.limits {
            match *limit {
                "timeout" => timeout = *value,
                "memory" => memory = *value,
                _ => logs = *value,
            }
        }
        if let Exec::Sequence(components) = exec {
            // (ours) What a sequence cannot have is refused unless it is the default.
            if put.limits.iter().any(|(name, value)| *name == "memory" && *value != 256) {
                let text = "A sequence has no memory limit of its own; set it on its components.";
                return no(400, text);
            }
            memory = 256;
            if put.exec.is_some() {
                self.check_sequence(name, components)?;
            }
        }
        Ok(Is::Action { exec: exec.clone(), timeout, memory, logs })
    }

    /// §3.4, from the second point on.
    fn check_sequence(&self, of: &str, components: &[String]) -> Result<(), Vec<No>> {
        if components.len() > MOST {
            return no(400, TOO_MANY);
        }
        if components.is_empty() {
            return no(400, "No component specified for the sequence.");
        }
        let mut found = Found::default();
        self.expand(of, components, 0, &mut found);
        let mut refused = Vec::new();
        let mut add = |is: bool, text: &str| {
            if is {
                refused.push(No(400, text.to_owned()));
            }
        };
        add(found.missing, NO_COMPONENT);
        add(found.recursive, RECURSIVE);
        add(found.atoms > MOST, TOO_MANY);
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }

    fn expand(&self, of: &str, components: &[String], depth: usize, found: &mut Found) {
        if found.atoms > MOST || depth > MOST {
            found.atoms = MOST + 1;
            return;
        }
        for component in components {
            found.recursive |= component == &format!("{OWN}/{of}");
            // What is nested may have lost its package: that is not the writer's matter.
            let Ok(name) = self.reach(component) else {
                found.atoms += 1;
                continue;
            };
            if name == of {
                found.recursive = true;
                continue;
            }
            match self.entities.get(&name).map(|found| &found.is) {
                Some(Is::Action { exec: Exec::Sequence(nested), .. }) => {
                    self.expand(of, nested, depth + 1, found);
                }
                Some(Is::Action { .. }) => found.atoms += 1,
                _ => found.missing = true,
            }
        }
    }

    fn put_rule(&self, put: &Put, stored: Option<&Entity>) -> Result<Is, Vec<No>> {
        let (old_trigger, old_action) = match stored.map(|stored| &stored.is) {
            Some(Is::Rule { trigger, action }) => (Some(trigger), Some(action)),
            _ => (None, None),
        };
        let (trigger, action) =
            (put.trigger.as_ref().or(old_trigger), put.action.as_ref().or(old_action));
        let (Some(trigger), Some(action)) = (trigger, action) else {
            return no(400, "rule requires a valid trigger and a valid action");
        };
        let mut refused = Vec::new();
        let other = |full: &str| No(400, format!("<any>{full}<any>"));
        match self.entities.get(bare(trigger)).map(Entity::kind) {
            Some(Kind::Trigger) => {}
            Some(_) => refused.push(other(trigger)),
            None => refused.push(No(400, format!("trigger /{trigger} does not exist"))),
        }
        match self.reach(action) {
            // It was there when the rule was made.
            Err(no) => refused.extend(no),
            Ok(name) => match self.entities.get(&name).map(Entity::kind) {
                Some(Kind::Action) => {}
                Some(_) => refused.push(other(action)),
                None => refused.push(No(400, format!("action /{action} does not exist"))),
            },
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        Ok(Is::Rule { trigger: trigger.clone(), action: action.clone() })
    }

    /// §§2.2, 2.3: what comes of a PUT.
    fn merged(&mut self, kind: Kind, put: &Put, stored: Option<&Entity>, is: Is) -> Entity {
        self.writes += 1;
        let version = match (put.version, stored) {
            (Some((_, version)), _) => version,
            (None, Some(stored)) => {
                let [major, minor, patch] = stored.version;
                [major, minor, patch + 1]
            }
            (None, None) => [0, 0, 1],
        };
        let given = |given: &Option<Vec<One>>| given.as_deref().map(|given| merge(&[], given));
        let mut annotations = match (kind, stored) {
            (Kind::Action, Some(stored)) => {
                let mut kept = stored.annotations.clone();
                kept.retain(|one| !put.remove.contains(&one.key.as_str()));
                merge(&kept, put.annotations.as_deref().unwrap_or_default())
            }
            (_, Some(stored)) => {
                given(&put.annotations).unwrap_or_else(|| stored.annotations.clone())
            }
            (_, None) => given(&put.annotations).unwrap_or_default(),
        };
        let mut parameters = given(&put.parameters)
            .or_else(|| stored.map(|stored| stored.parameters.clone()))
            .unwrap_or_default();
        match &is {
            Is::Action { exec, .. } => {
                if stored.is_none() && find(&annotations, "provide-api-key").is_none() {
                    annotations = merge(&annotations, &[one("provide-api-key", json!(false))]);
                }
                annotations = merge(&annotations, &[one("exec", json!(shown::kind(exec)))]);
                let was_sequence = stored.is_some_and(|stored| {
                    matches!(&stored.is, Is::Action { exec: Exec::Sequence(_), .. })
                });
                if let Exec::Sequence(components) = exec {
                    let names = components.iter().map(|name| json!(format!("/{name}")));
                    parameters = vec![one("_actions", names.collect())];
                } else if was_sequence && put.parameters.is_none() {
                    parameters.clear();
                }
            }
            Is::Package(_) => annotations.retain(|one| one.key != "binding"),
            Is::Trigger(_) | Is::Rule { .. } => {}
        }
        let publish = put.publish.unwrap_or_else(|| stored.is_some_and(|stored| stored.publish));
        let written = self.writes;
        Entity { version, publish, annotations, parameters, written, updated: None, is }
    }

    fn get(&self, kind: Kind, name: &str, code: Flag) -> Answer {
        match kind {
            Kind::Package => {
                let missing = format!("The requested resource '{OWN}/{name}' does not exist.");
                if let Err(refused) = self.provider(name) {
                    let named = |no: No| if no.0 == 404 { No(404, missing.clone()) } else { no };
                    return Err(refused.into_iter().map(named).collect());
                }
                self.package_with_contents(name)
            }
            Kind::Action => {
                let reached = self.reach(&format!("{OWN}/{name}"))?;
                self.find(Kind::Action, &reached)?;
                self.action_as_read(name, &reached, matches!(code, Flag::No(_)))
            }
            Kind::Trigger | Kind::Rule => {
                self.find(kind, name)?;
                self.document(name, false)
            }
        }
    }

    fn delete(&mut self, kind: Kind, name: &str, force: Flag) -> Answer {
        if kind == Kind::Action {
            self.home(name)?;
        }
        let entity = self.find(kind, name)?.clone();
        if kind == Kind::Package {
            let within = self.within(name);
            if !within.is_empty() && !matches!(force, Flag::Yes(_)) {
                let entities = if within.len() == 1 { "entity" } else { "entities" };
                let text = format!(
                    "Package not empty (contains {} {entities}). Set force param or delete \
                     package contents.",
                    within.len()
                );
                return no(409, text);
            }
            within.iter().for_each(|name| {
                self.entities.remove(name);
            });
        }
        let document = self.document(name, true);
        if kind == Kind::Rule {
            self.detach(name, &entity);
        }
        self.entities.remove(name);
        document
    }

    fn switch(&mut self, name: &str, state: &State) -> Result<(), Vec<No>> {
        let wanted = match state {
            State::Set(wanted) => *wanted,
            State::Word(word) => {
                return malformed(&format!(
                    "requirement failed: {word} is not a recognized rule state"
                ));
            }
            State::Absent => return malformed("key not found: status"),
        };
        let rule = self.find(Kind::Rule, name)?.clone();
        if self.is_active(name, &rule) == wanted {
            return Ok(());
        }
        let Is::Rule { trigger, action } = &rule.is else { return Ok(()) };
        if self.find(Kind::Trigger, bare(trigger)).is_err() {
            return no(404, "Only rules with existing triggers can be activated");
        }
        self.detach(name, &rule);
        self.attach(name, trigger, action, wanted);
        Ok(())
    }

    /// What the trigger of a rule says of it.
    fn is_active(&self, name: &str, rule: &Entity) -> bool {
        let Is::Rule { trigger, .. } = &rule.is else { return false };
        let trigger = self.entities.get(bare(trigger)).map(|trigger| &trigger.is);
        let Some(Is::Trigger(Some(rules))) = trigger else { return false };
        rules.iter().any(|(rule, link)| rule == name && link.active)
    }

    fn detach(&mut self, name: &str, rule: &Entity) {
        if let Is::Rule { trigger, .. } = &rule.is
            && let Some(Entity { is: Is::Trigger(Some(rules)), .. }) =
                self.entities.get_mut(bare(trigger))
        {
            rules.retain(|(rule, _)| rule != name);
        }
    }

    fn attach(&mut self, name: &str, trigger: &str, action: &str, active: bool) {
        if let Some(Entity { is: Is::Trigger(rules), .. }) = self.entities.get_mut(bare(trigger)) {
            let link = Hanging { action: action.to_owned(), active };
            rules.get_or_insert_default().push((name.to_owned(), link));
        }
    }

    /// The names of the actions in a package.
    fn within(&self, package: &str) -> Vec<String> {
        let prefix = format!("{package}/");
        self.entities.keys().filter(|name| name.starts_with(&prefix)).cloned().collect()
    }

    fn list(
        &self,
        kind: Kind,
        within: Option<&str>,
        skip: Option<i64>,
        limit: Option<i64>,
        count: bool,
    ) -> Answer {
        let provider = within.map(|package| self.provider(package)).transpose()?;
        let collection = kind.collection();
        let bad = |name: &str, reason: String| {
            no(400, format!("The query parameter '{name}' was malformed:\n{reason}"))
        };
        let skip = match skip.map(usize::try_from) {
            None => 0,
            Some(Ok(skip)) => skip,
            Some(Err(_)) => {
                let skip = skip.unwrap_or_default();
                let text = "is not greater than or equal to 0 for";
                return bad("skip", format!("The value '{skip}' {text} {collection}."));
            }
        };
        let limit = match limit.unwrap_or(30) {
            0 => 200,
            limit if limit > 200 => {
                let text = "is not in the range of 0 to 200 for";
                return bad("limit", format!("The value '{limit}' {text} {collection}."));
            }
            limit => usize::try_from(limit).unwrap_or_default(),
        };
        let is_within = |name: &str| match provider {
            None => true,
            Some(package) => name.strip_prefix(package).is_some_and(|rest| rest.starts_with('/')),
        };
        let mut all: Vec<(&String, &Entity)> = self
            .entities
            .iter()
            .filter(|(name, entity)| entity.kind() == kind && is_within(name))
            .collect();
        if count {
            return Ok(json!({ collection: all.len().saturating_sub(skip) }));
        }
        all.sort_by_key(|(_, entity)| std::cmp::Reverse(entity.written));
        let page = all.into_iter().skip(skip).take(limit);
        Ok(page.map(|(name, entity)| shown::line(name, entity)).collect())
    }

    /// §5.2.
    fn fire(&self, name: &str, payload: Option<&Value>) -> Result<Option<Record>, Vec<No>> {
        let trigger = self.find(Kind::Trigger, name)?;
        let Is::Trigger(rules) = &trigger.is else { return Ok(None) };
        let rules = rules.as_deref().unwrap_or_default();
        if !rules.iter().any(|(_, link)| link.active) {
            return Ok(None);
        }
        let record = json!({
            "activationId": "<id>", "annotations": [], "logs": "<any>", "name": name,
            "namespace": OWN, "publish": false,
            "response": {
                "result": payload.cloned().unwrap_or_else(|| json!({})), "status": "success",
                "success": true,
            },
            "start": "<int>", "subject": OWN, "version": shown::version(trigger.version),
        });
        let lines = rules.iter().map(|(rule, link)| self.lines(rule, link)).collect();
        Ok(Some(Record { record, lines }))
    }

    /// What the line of a rule may be.
    fn lines(&self, rule: &str, link: &Hanging) -> Vec<Value> {
        let (rule, action) = (format!("{OWN}/{rule}"), &link.action);
        let refused = |text: String| {
            json!({
                "statusCode": 1, "success": false, "rule": rule, "error": text, "action": action,
            })
        };
        let started = json!({
            "statusCode": 0, "success": true, "activationId": "<id>", "rule": rule,
            "action": action,
        });
        if !link.active {
            let text = format!("Rule '{rule}' is inactive, action '{action}' was not activated.");
            return vec![refused(text)];
        }
        let reached = self.reach(action).and_then(|name| self.find(Kind::Action, &name));
        let cannot =
            |kind: &str| refused(format!("The '{kind}' runtime cannot run on this server: <any>."));
        match reached.map(|action| &action.is) {
            Err(no) => no.into_iter().map(|No(_, text)| refused(text)).collect(),
            Ok(Is::Action { exec: Exec::Sequence(_), .. }) => {
                // Its components decide, which may be missing or not to be run here.
                vec![started, cannot("<any>"), refused(NOT_FOUND.to_owned())]
            }
            Ok(Is::Action { exec, .. }) => match shown::kind(exec).as_str() {
                "nodejs:20" => vec![started],
                other => vec![cannot(other)],
            },
            Ok(_) => Vec::new(),
        }
    }
}

/// What a binding is to point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// A package, or nothing.
    Usable,
    /// A binding.
    Binding,
    /// One whose provider is gone.
    Broken,
}

/// A name that is not free.
fn taken(target: Target, text: &str) -> Answer {
    let mut refused = vec![No(409, text.to_owned())];
    if target == Target::Broken {
        refused.push(No(400, NO_PROVIDER.to_owned()));
    }
    Err(refused)
}

/// What the expansion of a sequence met.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    missing: bool,
    recursive: bool,
    atoms: usize,
}

/// A full name without the own namespace.
fn bare(full: &str) -> &str {
    full.split_once('/').map_or(full, |(_, name)| name)
}

fn check_body(put: &Put) -> Result<(), Vec<No>> {
    match &put.fault {
        None | Some(Fault::Bound(..)) => Ok(()),
        Some(Fault::NotJson) => malformed("<any>"),
        Some(Fault::Absent) => malformed("Unexpected end-of-input <any>"),
        Some(Fault::NoObject) => malformed("Object expected in field '<any>'"),
        Some(Fault::Member(_, _, reason)) => malformed(reason),
        Some(Fault::Type) => {
            let text = "The request's Content-Type [text/plain] is not supported. Expected:\n";
            no(415, format!("{text}application/json"))
        }
    }
}

/// §1.3: what anyone else is told of `ns`, or `ns/name`, or `ns/package/name`.
fn foreign(method: &str, kind: Kind, name: Option<&str>) -> Answer {
    let Some(name) = name else {
        // The public packages of a namespace that does not exist.
        return if kind == Kind::Package { Ok(json!([])) } else { denied(FOREIGN) };
    };
    match name.split_once('/') {
        Some((package, _)) if matches!(method, "GET" | "POST") => {
            denied(&format!("{FOREIGN}/{package}"))
        }
        _ => denied(&format!("{FOREIGN}/{name}")),
    }
}

fn one(key: &str, value: Value) -> One {
    One { key: key.to_owned(), value, init: false }
}

fn find<'a>(all: &'a [One], key: &str) -> Option<&'a Value> {
    all.iter().rev().find(|one| one.key == key).map(|one| &one.value)
}

/// `above` laid over `beneath`; the last of a key wins, at the place of the first.
fn merge(beneath: &[One], above: &[One]) -> Vec<One> {
    let mut all: Vec<One> = Vec::new();
    for one in beneath.iter().chain(above) {
        match all.iter_mut().find(|known| known.key == one.key) {
            Some(known) => *known = one.clone(),
            None => all.push(one.clone()),
        }
    }
    all
}

/// Whether a feed's name is one syntactically; those that are made here.
fn is_path(feed: &Value) -> bool {
    feed.as_str().is_some_and(|feed| !feed.contains('!'))
}
