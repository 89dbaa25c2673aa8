//! What can be configured about the edge.

use model::size::ByteSize;
use serde::{Deserialize, Serialize};

/// Bounds of connections and requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Connections that may be open at a time.
    pub connections: u32,
    /// The longest path with its query, characters.
    pub uri_length: u32,
    /// The largest head of a request.
    pub head_bytes: ByteSize,
    /// The largest body of a request.
    pub body_bytes: ByteSize,
    /// How long a connection may take to send the head of a request, idle time included, seconds.
    pub head_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections: 4096,
            uri_length: 8192,
            head_bytes: ByteSize::kib(64),
            body_bytes: ByteSize::mib(50),
            head_seconds: 70,
        }
    }
}
