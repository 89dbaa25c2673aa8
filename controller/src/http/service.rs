//! Endpoints that need no authentication, and the list of kinds.
//!
//! Source: `rest-api.md` §1.8; `own-api.md` §§6–8.

use std::net::SocketAddr;

use daemon::metrics::CONTENT_TYPE;
use model::limits::{Bounds, MAX_SEQUENCE, NamespaceLimits};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Api;
use super::respond::{Answer, HTML, JSON, Refusal, TEXT};
use super::route::Open;
use crate::owner::proposal::Phase;
use crate::runtimes::Runtimes;

/// The API as a document of Swagger 2.0.
const API_DOCS: &str = include_str!("docs/api.json");
/// The endpoints that need no key as another.
const ROOT_DOCS: &str = include_str!("docs/root.json");
/// A page that shows either.
const DOCS_PAGE: &str = include_str!("docs/index.html");
/// The invoker inside this process.
const INVOKER: &str = "invoker0/0";
const MB: u64 = 1 << 20;

impl Api {
    /// An endpoint that needs no authentication. `local` is the address that the request came to.
    ///
    /// # Errors
    /// [`Refusal`]: metrics are shown on loopback addresses, elsewhere only if they are public.
    pub(super) fn open(&self, open: Open, local: Option<&SocketAddr>) -> Result<Answer, Refusal> {
        let is_up = self.controller.partition.phase() == Phase::Open;
        Ok(match open {
            Open::Root => Answer::open(JSON, self.root.clone()),
            Open::ApiInfo => Answer::open(JSON, api_info()),
            Open::ApiDocs => Answer::open(JSON, API_DOCS),
            Open::RootDocs => Answer::open(JSON, ROOT_DOCS),
            Open::DocsPage => Answer::open(HTML, DOCS_PAGE),
            Open::Docs => Answer::moved("docs/index.html?url=/api-docs"),
            Open::Ping => Answer::open(TEXT, "pong"),
            Open::Ready => self.ready(),
            Open::Metrics => {
                let is_local = local.is_none_or(|address| address.ip().is_loopback());
                if !is_local && !self.controller.config.public_metrics {
                    return Err(Refusal::no_route());
                }
                Answer::open(CONTENT_TYPE, self.controller.metrics.encode())
            }
            Open::Invokers => {
                let state = if is_up { "up" } else { "down" };
                Answer::open(JSON, api::entity::bytes(&json!({ INVOKER: state })))
            }
            Open::InvokersHealthy => Answer::open(JSON, if is_up { "1" } else { "0" }),
            Open::InvokersReady if is_up => {
                Answer::open(JSON, api::entity::bytes(&json!({ "healthy": "1/1" })))
            }
            Open::Activation => Answer::open(JSON, self.in_use()),
            Open::ActivationCount => {
                let open = self.controller.partition.inspect(|owner| owner.in_use().open);
                Answer::open(JSON, open.to_string())
            }
            Open::InvokersReady => {
                Answer::invokers_not_ready(api::entity::bytes(&json!({ "unhealthy": "1/1" })))
            }
        })
    }

    /// How many activations are open, of all namespaces together: whose they are is not for everybody.
    fn in_use(&self) -> Vec<u8> {
        let partition = &self.controller.partition;
        let (used, (waiting, running)) =
            partition.inspect(|owner| (owner.in_use(), owner.placement()));
        let (open, bytes) = (used.open, used.open_bytes);
        api::entity::bytes(&json!({
            "open": open, "waiting": waiting, "running": running, "bytes": bytes,
        }))
    }

    fn ready(&self) -> Answer {
        let phase = self.controller.partition.phase();
        let disk_is_full = self.controller.partition.inspect(|owner| owner.disk_is_full());
        let ledger = match &phase {
            Phase::Open => "ok".to_owned(),
            Phase::Starting { percent } => format!("starting, {percent} % read"),
            Phase::Stopping => "stopping".to_owned(),
        };
        let disk = if disk_is_full { "full" } else { "ok" };
        let sandboxes = if self.sandboxes { "ok" } else { "no driver is installed" };
        // Before the first write of a ledger nobody has a key that counts.
        let has_keys = self.controller.partition.read(ledger::fold::Ledger::has_written);
        let ready = phase == Phase::Open && has_keys && !disk_is_full && self.sandboxes;
        let checks = json!({
            "ledger": ledger,
            "index": self.index_state(),
            "disk": disk,
            "sandboxes": sandboxes,
        });
        let body = api::entity::bytes(&json!({ "ready": ready, "checks": checks }));
        if ready { Answer::open(JSON, body) } else { Answer::not_ready(body) }
    }

    fn index_state(&self) -> String {
        match self.controller.index.building() {
            Some(percent) => format!("being built, {percent} % done"),
            None => "ok".to_owned(),
        }
    }

    /// Every kind that is known, with what could run it.
    pub(super) fn runtimes(&self) -> Answer {
        let kinds: Vec<_> = self.controller.runtimes.kinds().iter().map(Kind::from).collect();
        Answer::json(api::entity::bytes(&json!({ "runtimes": kinds })))
    }
}

/// A kind as `GET /api/v1/runtimes` shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kind<'a> {
    kind: &'a str,
    family: &'a str,
    default: bool,
    deprecated: bool,
    require_main: bool,
    available: bool,
    drivers: Vec<Driver<'a>>,
}

#[derive(Serialize)]
struct Driver<'a> {
    driver: &'a str,
    available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serves: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> From<&'a crate::runtimes::Kind> for Kind<'a> {
    fn from(kind: &'a crate::runtimes::Kind) -> Self {
        let drivers = kind.drivers.iter().map(|driver| Driver {
            driver: &driver.name,
            available: driver.missing.is_none(),
            engine: driver.engine.as_deref(),
            image: driver.engine.is_none().then_some(driver.image.as_str()),
            serves: driver.serves.as_deref(),
            reason: driver.missing.as_deref(),
        });
        Self {
            kind: &kind.kind,
            family: &kind.family,
            default: kind.default,
            deprecated: kind.deprecated,
            require_main: kind.require_main,
            available: kind.drivers.iter().any(|driver| driver.missing.is_none()),
            drivers: drivers.collect(),
        }
    }
}

fn api_info() -> Vec<u8> {
    api::entity::bytes(&json!({
        "description": "OpenWhisk API",
        "api_version": "1.0.0",
        "api_version_path": "v1",
        "build": concat!("quirl ", env!("CARGO_PKG_VERSION")),
        "buildno": env!("CARGO_PKG_VERSION"),
        "swagger_paths": { "ui": "/docs", "api-docs": "/api-docs" },
    }))
}

/// `GET /`: never changes while the server runs.
pub(super) fn root(runtimes: &Runtimes) -> Vec<u8> {
    let limits = NamespaceLimits::default();
    let NamespaceLimits { memory, logs, timeout, .. } = &limits;
    let megabytes = |bounds: &Bounds| (bounds.min * MB, bounds.max * MB);
    let ((least_memory, most_memory), (least_logs, most_logs)) =
        (megabytes(memory), megabytes(logs));
    let mut families: Map<String, Value> = Map::new();
    for kind in runtimes.kinds() {
        let Some(driver) = kind.drivers.iter().find(|driver| driver.missing.is_none()) else {
            continue;
        };
        let entry = json!({
            "kind": kind.kind,
            "image": driver.image,
            "deprecated": kind.deprecated,
            "default": kind.default,
            "attached": true,
            "requireMain": kind.require_main,
        });
        let family = families.entry(kind.family.clone()).or_insert_with(|| json!([]));
        if let Value::Array(kinds) = family {
            kinds.push(entry);
        }
    }
    api::entity::bytes(&json!({
        "description": "OpenWhisk",
        "support": {
            "github": "https://github.com/apache/openwhisk/issues",
            "slack": "http://slack.openwhisk.org",
        },
        "api_paths": ["/api/v1"],
        "limits": {
            "actions_per_minute": limits.invocations_per_minute,
            "triggers_per_minute": limits.fires_per_minute,
            "concurrent_actions": limits.concurrent_invocations,
            "sequence_length": MAX_SEQUENCE,
            "default_min_action_duration": timeout.min,
            "default_max_action_duration": timeout.max,
            "default_min_action_memory": least_memory,
            "default_max_action_memory": most_memory,
            "default_min_action_logs": least_logs,
            "default_max_action_logs": most_logs,
            "min_action_duration": timeout.min,
            "max_action_duration": timeout.max,
            "min_action_memory": least_memory,
            "max_action_memory": most_memory,
            "min_action_logs": least_logs,
            "max_action_logs": most_logs,
        },
        "runtimes": families,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_whole() {
        for text in [API_DOCS, ROOT_DOCS] {
            let document: Value = serde_json::from_str(text).unwrap();
            assert_eq!(document["swagger"], "2.0");
            for reference in text.split("\"$ref\": \"#").skip(1) {
                let to = reference.split('"').next().unwrap_or_default();
                assert!(document.pointer(to).is_some(), "nothing is at {to}");
            }
        }
    }

    #[test]
    fn what_is_documented_is_routed() {
        let document: Value = serde_json::from_str(API_DOCS).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let path = path.replace(['{', '}'], "x");
            for method in methods.as_object().unwrap().keys() {
                let method = http::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let target = format!("/api/v1{path}");
                let route = crate::http::route::find(&method, &target);
                assert!(matches!(route, crate::http::route::Route::Api(_)), "{method} {path}");
            }
        }
    }
}
