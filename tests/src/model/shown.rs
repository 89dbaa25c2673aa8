//! Entities as answers show them.

use serde_json::{Value, json};

use super::ask::{Exec, Kind, OWN, One, shown};
use super::{Answer, Entity, Is, World, find, merge, no, one};

/// The kind that is stored.
pub(super) fn kind(exec: &Exec) -> String {
    match exec {
        Exec::Sequence(_) => "sequence".to_owned(),
        Exec::Blackbox { .. } => "blackbox".to_owned(),
        Exec::Code { kind, .. } => kind.trim().to_lowercase().replace(":default", ":20"),
    }
}

pub(super) fn version([major, minor, patch]: [u64; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// `ns` or `ns/package`, and the name.
fn place(name: &str) -> (String, &str) {
    match name.rsplit_once('/') {
        Some((package, name)) => (format!("{OWN}/{package}"), name),
        None => (OWN.to_owned(), name),
    }
}

fn reference(full: &str) -> Value {
    let (path, name) = full.rsplit_once('/').unwrap_or(("", full));
    json!({ "path": path, "name": name })
}

/// Code that could be base64 is taken for it: of ours only this text.
fn is_binary(code: &str) -> bool {
    code == "test"
}

fn exec_of(exec: &Exec, with_code: bool) -> Value {
    let mut shown = json!({ "kind": kind(exec) });
    let (code, main) = match exec {
        Exec::Sequence(components) => {
            let names = components.iter().map(|name| json!(format!("/{name}")));
            shown["components"] = names.collect();
            return shown;
        }
        Exec::Code { code, main, .. } => (Some(*code), *main),
        Exec::Blackbox { image, code } => {
            shown["image"] = json!(image);
            (code.filter(|code| !code.trim().is_empty()), None)
        }
    };
    shown["binary"] = json!(code.is_some_and(is_binary));
    if let Some(code) = code.filter(|_| with_code) {
        shown["code"] = json!(code);
    }
    if let Some(main) = main {
        shown["main"] = json!(main);
    }
    shown
}

fn limits_of(is: &Is) -> Value {
    match is {
        Is::Action { timeout, memory, logs, .. } => {
            json!({ "concurrency": 1, "logs": logs, "memory": memory, "timeout": timeout })
        }
        Is::Package(_) | Is::Trigger(_) | Is::Rule { .. } => json!({}),
    }
}

/// What all kinds show, in whole and in lists.
fn common(name: &str, entity: &Entity) -> Value {
    let (namespace, name) = place(name);
    let updated = entity.updated.map_or_else(|| json!("<int>"), |updated| json!(updated));
    json!({
        "namespace": namespace, "name": name, "version": version(entity.version),
        "publish": entity.publish, "annotations": shown(&annotations(entity)), "updated": updated,
    })
}

/// Those of a binding say what it points at.
fn annotations(entity: &Entity) -> Vec<One> {
    match &entity.is {
        Is::Package(Some(target)) => {
            let bound = one("binding", binding(Some(target)).unwrap_or_default());
            merge(&entity.annotations, &[bound])
        }
        _ => entity.annotations.clone(),
    }
}

fn binding(target: Option<&String>) -> Option<Value> {
    let (namespace, name) = target?.split_once('/')?;
    Some(json!({ "namespace": namespace, "name": name }))
}

/// An entity as lists show it.
pub(super) fn line(name: &str, entity: &Entity) -> Value {
    let mut line = common(name, entity);
    match &entity.is {
        Is::Action { exec, .. } => {
            line["limits"] = limits_of(&entity.is);
            let binary = exec_of(exec, false).get("binary").cloned().unwrap_or(json!(false));
            line["exec"] = json!({ "binary": binary });
        }
        Is::Package(target) => {
            line["binding"] = binding(target.as_ref()).unwrap_or(json!(false));
        }
        Is::Rule { trigger, action } => {
            line["trigger"] = reference(trigger);
            line["action"] = reference(action);
        }
        Is::Trigger(_) => {}
    }
    line
}

impl World {
    /// An entity as the answers to PUT and DELETE show it, and those to GET of triggers and rules.
    pub(super) fn document(&self, name: &str, deleted: bool) -> Answer {
        let Some(entity) = self.entities.get(name) else { return no(404, super::NOT_FOUND) };
        let mut document = common(name, entity);
        match &entity.is {
            Is::Action { exec, .. } => {
                document["parameters"] = shown(&entity.parameters);
                document["exec"] = exec_of(exec, true);
                document["limits"] = limits_of(&entity.is);
            }
            Is::Package(target) => {
                document["parameters"] = shown(&entity.parameters);
                document["binding"] = binding(target.as_ref()).unwrap_or(json!({}));
            }
            Is::Trigger(rules) => {
                document["parameters"] = shown(&entity.parameters);
                document["limits"] = json!({});
                if let Some(rules) = rules {
                    let rules = rules.iter().map(|(rule, link)| {
                        let hanging = json!({
                            "action": reference(&link.action), "status": status(link.active),
                        });
                        (format!("{OWN}/{rule}"), hanging)
                    });
                    document["rules"] = Value::Object(rules.collect());
                }
            }
            Is::Rule { trigger, action } => {
                let active = self.is_active(name, entity) && !deleted;
                document["status"] = json!(status(active));
                document["trigger"] = reference(trigger);
                document["action"] = reference(action);
            }
        }
        Ok(document)
    }

    /// §3.1: what lies beneath its own parameters is shown with them.
    pub(super) fn action_as_read(&self, asked: &str, reached: &str, without_code: bool) -> Answer {
        let mut document = self.document(reached, false)?;
        let entity = self.find(Kind::Action, reached)?;
        let mut parameters = Vec::new();
        let mut through = None;
        if let (Some((by, _)), Some((provider, _))) =
            (asked.split_once('/'), reached.split_once('/'))
        {
            through = Some(by).filter(|by| *by != provider);
            for package in std::iter::once(provider).chain(through) {
                parameters = merge(&parameters, &self.find(Kind::Package, package)?.parameters);
            }
        }
        document["parameters"] = shown(&merge(&parameters, &entity.parameters));
        if without_code {
            if let Some(exec) = document["exec"].as_object_mut() {
                exec.shift_remove("code");
            }
            if let Some(binding) = through {
                document["binding"] = json!(format!("{OWN}/{binding}"));
            }
        }
        Ok(document)
    }

    /// §6.2.
    pub(super) fn package_with_contents(&self, name: &str) -> Answer {
        let mut document = self.document(name, false)?;
        let provider = self.provider(name)?;
        let beneath = &self.find(Kind::Package, provider)?.parameters;
        let own = &self.find(Kind::Package, name)?.parameters;
        document["parameters"] = shown(&merge(beneath, own));
        let (mut actions, mut feeds) = (Vec::new(), Vec::new());
        for name in self.within(provider) {
            let action = self.find(Kind::Action, &name)?;
            let content = json!({
                "name": place(&name).1, "version": version(action.version),
                "annotations": shown(&action.annotations),
            });
            let is_feed = find(&action.annotations, "feed").is_some();
            if is_feed { feeds.push(content) } else { actions.push(content) }
        }
        document["actions"] = json!(actions);
        document["feeds"] = json!(feeds);
        Ok(document)
    }
}

fn status(active: bool) -> &'static str {
    if active { "active" } else { "inactive" }
}
