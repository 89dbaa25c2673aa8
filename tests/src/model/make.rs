//! Random requests over few names, so that they often meet.

use serde_json::{Value, json};

use super::ask::{Exec, FOREIGN, Fault, Flag, Kind, OWN, One, Put, State, What};
use crate::simulator::faults::Chance;

/// Names of packages, for the most part.
const PACKAGES: &[&str] = &["p", "q", "b"];
/// Names of actions.
const ACTIONS: &[&str] = &["f", "g", "p/f", "p/g", "q/f", "b/f"];
/// Names of triggers.
const TRIGGERS: &[&str] = &["t", "u"];
/// Names of rules.
const RULES: &[&str] = &["r", "s", "v"];
/// Names that all kinds fight for.
const CONTESTED: &[&str] = &["p", "f", "t", "r"];

/// One request.
#[must_use]
pub fn what(chance: &mut Chance) -> What {
    let kind = *pick(chance, &Kind::ALL);
    let name = name(chance, kind);
    match chance.below(1000) {
        0..=479 => {
            let put = Box::new(put(chance, kind));
            What::Put(kind, name, put, flag(chance, 55))
        }
        480..=629 => {
            let code = if kind == Kind::Action { good_flag(chance, 60) } else { Flag::Absent };
            What::Get(kind, name, code)
        }
        // What starts other things has to live a while.
        630..=769 if kind == Kind::Trigger && chance.percent(60) => fire(chance),
        630..=769 => {
            let force = if kind == Kind::Package { good_flag(chance, 40) } else { Flag::Absent };
            What::Delete(kind, name, force)
        }
        770..=849 => What::Switch(self::name(chance, Kind::Rule), state(chance)),
        850..=929 => list(chance, kind),
        930..=974 => fire(chance),
        _ => foreign(chance, kind),
    }
}

fn fire(chance: &mut Chance) -> What {
    let payload = [None, Some(json!({})), Some(json!({ "n": 1.5, "s": "ü" }))];
    What::Fire(name(chance, Kind::Trigger), pick(chance, &payload).clone())
}

fn pick<'a, T>(chance: &mut Chance, from: &'a [T]) -> &'a T {
    let index = usize::try_from(chance.below(from.len() as u64)).unwrap_or(0);
    &from[index]
}

fn name(chance: &mut Chance, kind: Kind) -> String {
    let from = match kind {
        _ if chance.percent(10) => CONTESTED,
        Kind::Action => ACTIONS,
        Kind::Package => PACKAGES,
        Kind::Trigger => TRIGGERS,
        Kind::Rule => RULES,
    };
    (*pick(chance, from)).to_owned()
}

/// A name as bodies have it.
fn full(chance: &mut Chance, kind: Kind) -> String {
    let namespace = if chance.percent(3) { FOREIGN } else { OWN };
    format!("{namespace}/{}", name(chance, kind))
}

/// True so many times in a hundred.
fn good_flag(chance: &mut Chance, percent: u64) -> Flag {
    if chance.percent(percent) {
        *pick(chance, &[Flag::Yes("true"), Flag::Yes("1"), Flag::Yes("ON")])
    } else {
        *pick(chance, &[Flag::Absent, Flag::No("false"), Flag::No("")])
    }
}

fn flag(chance: &mut Chance, percent: u64) -> Flag {
    if chance.percent(2) { Flag::Bad("maybe") } else { good_flag(chance, percent) }
}

fn state(chance: &mut Chance) -> State {
    match chance.below(12) {
        0 => State::Absent,
        1 => State::Word("activating"),
        2..=6 => State::Set(true),
        _ => State::Set(false),
    }
}

fn list(chance: &mut Chance, kind: Kind) -> What {
    let kind = if chance.percent(30) { Kind::Action } else { kind };
    let within = (kind == Kind::Action && chance.percent(50)).then(|| name(chance, Kind::Package));
    let number =
        |chance: &mut Chance, from: &[i64]| chance.percent(30).then(|| *pick(chance, from));
    let skip = number(chance, &[0, 1, 2, 100, -1]);
    let limit = number(chance, &[0, 1, 2, 200, 201]);
    What::List { kind, within, skip, limit, count: chance.percent(30) }
}

fn foreign(chance: &mut Chance, kind: Kind) -> What {
    let method = *pick(chance, &["GET", "PUT", "DELETE", "POST"]);
    // Of a package there is no POST at all.
    let method = if kind == Kind::Package && method == "POST" { "GET" } else { method };
    let listed = method == "GET" && chance.percent(30);
    What::Foreign(method, kind, (!listed).then(|| name(chance, kind)))
}

fn ones(chance: &mut Chance, keys: &[&str]) -> Vec<One> {
    let values = [json!("x"), json!(1.0), json!(null), json!({ "z": [1, "ö"], "a": false })];
    let count = chance.below(4);
    let one = |chance: &mut Chance| One {
        key: (*pick(chance, keys)).to_owned(),
        value: pick(chance, &values).clone(),
        init: chance.percent(10),
    };
    (0..count).map(|_| one(chance)).collect()
}

fn put(chance: &mut Chance, kind: Kind) -> Put {
    let mut put = Put::default();
    if chance.percent(10) {
        let versions =
            [("1", [1, 0, 0]), ("0.3", [0, 3, 0]), ("1.2.3.4", [1, 2, 3]), ("0.0.1", [0, 0, 1])];
        put.version = Some(*pick(chance, &versions));
    }
    if chance.percent(25) {
        put.publish = Some(chance.percent(50));
    }
    if chance.percent(40) {
        let mut annotations = ones(chance, &["k", "feed", "binding", "about"]);
        // The meaning of this one is checked when a trigger is made.
        let feeds = [json!("/_/p/f"), json!("no way!"), json!(7)];
        for one in annotations.iter_mut().filter(|one| one.key == "feed") {
            one.value = pick(chance, &feeds).clone();
        }
        annotations.iter_mut().for_each(|one| one.init = false);
        put.annotations = Some(annotations);
    }
    match kind {
        Kind::Action => put_action(chance, &mut put),
        Kind::Package => {
            put.parameters = chance.percent(40).then(|| ones(chance, &["k", "l", "m"]));
            put.binding = chance.percent(45).then(|| full(chance, Kind::Package));
        }
        Kind::Trigger => {
            put.parameters = chance.percent(40).then(|| ones(chance, &["k", "l", "m"]));
        }
        Kind::Rule => {
            put.trigger = chance.percent(85).then(|| full(chance, Kind::Trigger));
            put.action = chance.percent(85).then(|| full(chance, Kind::Action));
            // Who may not is asked of each alone: what of several is told first is not said.
            let foreign = format!("{FOREIGN}/");
            if put.trigger.as_ref().is_some_and(|name| name.starts_with(&foreign)) {
                put.action = None;
            }
        }
    }
    if chance.percent(8) {
        put.fault = Some(fault(chance, kind));
    }
    put
}

fn put_action(chance: &mut Chance, put: &mut Put) {
    put.parameters = chance.percent(40).then(|| ones(chance, &["k", "l", "m"]));
    if chance.percent(15) {
        put.remove = vec!["about", "k"];
    }
    if chance.percent(20) {
        let limits = [("timeout", 5000), ("memory", 128), ("logs", 0), ("logs", 1)];
        put.limits = vec![*pick(chance, &limits)];
    }
    put.exec = match chance.below(10) {
        0 => None,
        1 => Some(Exec::Blackbox {
            image: "org/image:1",
            code: *pick(chance, &[None, Some(" "), Some("x")]),
        }),
        2..=5 => Some(Exec::Code {
            kind: pick::<&str>(
                chance,
                &["nodejs:default", "nodejs:20", " NodeJS:20", "python:3.11"],
            ),
            code: pick::<&str>(chance, &["function main(a) { return a }", "test", "const x = 1;"]),
            main: *pick(chance, &[None, Some("main")]),
        }),
        _ => {
            let count = if chance.percent(5) { 51 } else { chance.below(4) };
            Some(Exec::Sequence(components(chance, count)))
        }
    };
}

fn components(chance: &mut Chance, count: u64) -> Vec<String> {
    if chance.percent(3) {
        return vec![format!("{FOREIGN}/f")];
    }
    if count == 51 {
        return vec![format!("{OWN}/f"); 51];
    }
    (0..count).map(|_| format!("{OWN}/{}", name(chance, Kind::Action))).collect()
}

fn fault(chance: &mut Chance, kind: Kind) -> Fault {
    let general = [
        Fault::NotJson,
        Fault::Absent,
        Fault::Type,
        Fault::NoObject,
        Fault::Member("version", json!("0.0.0"), "semantic version malformed"),
        Fault::Member("version", json!(1), "semantic version malformed"),
        Fault::Member("publish", json!("yes"), "Expected JsBoolean, but got \"yes\""),
        Fault::Member("annotations", json!({ "k": 1 }), "parameters malformed!"),
        Fault::Member("annotations", json!([{ "key": "k" }]), "parameters malformed!"),
    ];
    let own: &[(&str, Value, &str)] = match kind {
        Kind::Action => &[
            ("parameters", json!([{ "value": 1 }]), "parameters malformed!"),
            ("exec", json!("code"), "JSON object expected"),
            ("exec", json!({ "code": "" }), "'kind' must be a string defined in 'exec'"),
            (
                "exec",
                json!({ "kind": "sequence", "components": "x" }),
                "'components' must be an array",
            ),
            (
                "exec",
                json!({ "kind": "sequence" }),
                "'components' must be defined for sequence kind",
            ),
            (
                "exec",
                json!({ "kind": "nodejs:20", "code": 7 }),
                "Could not deserialize as attachment record: 7",
            ),
            ("limits", json!(5), "Object expected in field 'timeout'"),
            ("limits", json!({ "memory": "1" }), "memory limit malformed"),
            (
                "limits",
                json!({ "timeout": 100.5 }),
                "requirement failed: time limit must be whole number",
            ),
            ("delAnnotations", json!("x"), "Expected Array as JsArray, but got \"x\""),
        ],
        Kind::Package => &[
            ("parameters", json!("x"), "parameters malformed!"),
            ("binding", json!("x"), "Object expected in field 'namespace'"),
            ("binding", json!({ "namespace": "_" }), "Object is missing required member 'name'"),
        ],
        Kind::Trigger => &[("parameters", json!({ "k": "v" }), "parameters malformed!")],
        Kind::Rule => &[
            ("trigger", json!("t"), SINGLE),
            ("action", json!("/f"), SINGLE),
            ("action", json!(7), "fully qualified name malformed"),
        ],
    };
    if chance.percent(50) {
        let (name, value, reason) = pick(chance, own).clone();
        return Fault::Member(name, value, reason);
    }
    if kind == Kind::Action && chance.percent(30) {
        return pick(chance, BOUNDS).clone();
    }
    pick(chance, &general).clone()
}

const SINGLE: &str = "requirement failed: The fully qualified name of the entity must contain at \
                      least the namespace and the name of the entity.";
const BOUNDS: &[Fault] = &[
    Fault::Bound(
        "memory",
        513,
        "requirement failed: memory size 513 MB exceeds allowed threshold of 512 MB",
    ),
    Fault::Bound(
        "timeout",
        99,
        "requirement failed: duration 99 milliseconds below allowed threshold of 100 milliseconds",
    ),
    Fault::Bound(
        "logs",
        11,
        "requirement failed: log size 11 MB exceeds allowed threshold of 10 MB",
    ),
];
