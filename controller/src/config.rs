//! What can be configured about the controller.

use std::time::Duration;

use model::size::ByteSize;
use serde::{Deserialize, Serialize};

/// Bounds and deadlines of the controller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Activations that may be open at a time.
    pub open_activations: u64,
    /// Bytes of arguments and results that open activations may keep in memory.
    pub open_bytes: ByteSize,
    /// Proposals that may wait for the ledger.
    pub proposals: u64,
    /// Bytes of request bodies that may be on their way in.
    pub request_bytes: ByteSize,
    /// How long an activation may wait for a slot, milliseconds.
    pub queue_ms: u64,
    /// How long a request waits for the ledger before it is answered `unknown`, milliseconds.
    pub append_ms: u64,
    /// How long a key sent by a client lives, minutes (at most 1440).
    pub idempotency_minutes: u64,
    /// Keys of clients that a namespace may have in use.
    pub idempotency_keys: u64,
    /// Slots for activations on this invoker.
    pub slots: u64,
    /// A snapshot after so many bytes of ledger.
    pub snapshot_bytes: ByteSize,
    /// A snapshot after so many minutes with writes.
    pub snapshot_minutes: u64,
    /// `GET /metrics` also on addresses that are not loopback.
    pub public_metrics: bool,
    /// Packages of others may be used, and not read.
    pub shared_packages_execute_only: bool,
    /// The address of the API as actions see it (`__OW_API_HOST`); empty: where it listens.
    pub api_host: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            open_activations: 100_000,
            open_bytes: ByteSize::mib(256),
            proposals: 4096,
            request_bytes: ByteSize::mib(256),
            queue_ms: 60_000,
            append_ms: 30_000,
            idempotency_minutes: 60,
            idempotency_keys: 100_000,
            slots: 1000,
            snapshot_bytes: ByteSize::mib(256),
            snapshot_minutes: 10,
            public_metrics: false,
            shared_packages_execute_only: false,
            api_host: String::new(),
        }
    }
}

impl Config {
    /// How long a handler waits for the ledger.
    #[must_use]
    pub fn append_patience(&self) -> Duration {
        Duration::from_millis(self.append_ms)
    }
}
