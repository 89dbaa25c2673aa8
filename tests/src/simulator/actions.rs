//! The code that clients call, modelled: what it computes is a function of its input and of the
//! revision that was pinned, and nothing else.

use std::sync::Arc;

use ledger::fold::Ledger;
use ledger::record::{Document, EntityKey, Payload, Pin, Sequence, Step, Target};
use model::json::Json;
use model::limits::ActionLimits;
use model::outcome::Class;
use model::time::Millis;

/// How long code may run, milliseconds.
pub const TIMEOUT: u64 = 8_000;
/// How long a sequence of kind `seq!` may run as a whole, milliseconds.
const WHOLE: u64 = 20_000;

/// Everything that exists at the beginning: name, and document. A document is `code <increment>`,
/// `seq <names>`, `seq! <names>` (with a deadline) or `package`.
pub const FIRST: &[(&str, &str)] = &[
    ("add", "code 1"),
    ("slow", "code 2"),
    ("fail", "code 3"),
    ("touch", "code 4"),
    ("twice", "code 5"),
    ("flaky", "code 6"),
    ("bare", "code 7"),
    ("big", "code 8"),
    ("one", "code 9"),
    ("p", "package"),
    ("p/x", "code 10"),
    ("s2", "seq add,touch"),
    ("s3", "seq! slow,add,slow"),
    ("s4", "seq add,p/x,fail,add"),
    ("nest", "seq add,s2,one"),
    ("deep", "seq nest,flaky"),
];

/// What a piece of code does beside computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Requests that it sends.
    pub requests: u64,
    /// Whether it takes seconds.
    pub slow: bool,
    /// Whether it wants more memory than there is, as a rule.
    pub greedy: bool,
}

/// How the code of a name behaves.
#[must_use]
pub fn manners(name: &str) -> Manners {
    Manners {
        requests: match name {
            "touch" | "flaky" => 1,
            "twice" => 3,
            _ => 0,
        },
        slow: name == "slow",
        greedy: name == "big",
    }
}

/// The key of a name in the namespace of all that is called here.
#[must_use]
pub fn key_of(name: &str) -> EntityKey {
    EntityKey(format!("n/guest/{name}").into())
}

/// The text of a document.
#[must_use]
pub fn text(document: &Document) -> &str {
    match document {
        Document::Inline(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
        Document::Blob { .. } => "",
    }
}

/// What a document that is code adds.
#[must_use]
pub fn increment(text: &str) -> i64 {
    text.strip_prefix("code ").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What code answers: its class and the result.
#[must_use]
pub fn answer(path: &str, increment: i64, x: i64) -> (Class, Json) {
    let sum = x.wrapping_add(increment);
    if path == "guest/fail" && x.rem_euclid(3) == 0 {
        return (Class::ApplicationError, Json::error("three"));
    }
    (Class::Success, number(sum))
}

/// `{"x": n}`
#[must_use]
pub fn number(x: i64) -> Json {
    Json::object([("x", Json::of(&x))])
}

/// The number in an input.
#[must_use]
pub fn x_of(payload: &Payload) -> i64 {
    let Payload::Inline(json) = payload else { return 0 };
    json.member("x").and_then(|x| x.as_str().parse().ok()).unwrap_or(0)
}

/// A name with all its definitions pinned, as a handler resolves it. `None`: 404.
#[must_use]
pub fn resolve(ledger: &Ledger, name: &str) -> Option<Target> {
    let entity = ledger.entity(&key_of(name))?;
    let document = text(&entity.document);
    let (rest, deadline) = match document.strip_prefix("seq! ") {
        Some(rest) => (Some(rest), Some(Millis(WHOLE))),
        None => (document.strip_prefix("seq "), None),
    };
    let kind = if rest.is_some() { "sequence" } else { "wasm:command" };
    let step = Step {
        action: Pin { key: key_of(name), revision: entity.revision },
        born: entity.born,
        beneath: Vec::new(),
        path: format!("guest/{name}"),
        binding: None,
        version: "0.0.1".to_owned(),
        kind: kind.to_owned(),
        limits: ActionLimits {
            timeout: Millis(TIMEOUT),
            instances: (name == "one").then_some(1),
            ..ActionLimits::default()
        },
        retry: (name == "flaky").then_some(4),
        guarded: name != "bare",
    };
    let Some(names) = rest else { return Some(Target::Action(Arc::new(step))) };
    let steps: Option<Vec<Target>> = names.split(',').map(|name| resolve(ledger, name)).collect();
    Some(Target::Sequence(Arc::new(Sequence { step, steps: steps?, deadline })))
}
