//! The edge: connections and their bounds, transaction ids.
//!
//! In one process the gateway is a layer around the controller's router: [`serve`] accepts
//! connections, [`edge`] looks at each request before the router does. It promises that every
//! answer carries `X-Request-ID`, that no more connections are open than allowed, and that a slow
//! or idle client holds nothing for ever. What a request means is left to the router.
//!
//! Source: `rest-api.md` §§1.4, 1.7; `own.tsv`, "Bound: connections".

pub mod edge;
mod listen;

use model::size::ByteSize;
use serde::{Deserialize, Serialize};

pub use listen::{Error, serve};

/// Bounds of the edge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Connections open at a time.
    pub connections: u64,
    /// How long a connection may take to send the head of a request, idle time included, seconds.
    pub head_seconds: u64,
    /// The largest head of a request.
    pub head_bytes: ByteSize,
    /// The longest request URI, characters.
    pub uri_length: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections: 4096,
            head_seconds: 70,
            head_bytes: ByteSize::kib(64),
            uri_length: 8192,
        }
    }
}
