//! Which bodies open activations still need: bookkeeping by offset, never the bytes.

use std::collections::BTreeMap;

use ledger::record::{Body, Payload, Root};
use model::id::{ActivationId, Offset};

/// Which activation needs the body at which offset, and how much that is.
#[derive(Debug, Default)]
pub struct Bodies {
    needed: BTreeMap<ActivationId, Offset>,
    held: BTreeMap<Offset, Held>,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Held {
    users: u64,
    bytes: u64,
}

impl Bodies {
    /// An activation was born by `body` and takes its input from `offset`. True if the body is to
    /// be kept from now on.
    pub fn use_for(&mut self, id: ActivationId, offset: Offset, body: &Body) -> bool {
        let bytes = match body {
            Body::Accept(accept) => {
                let beneath = match &accept.root {
                    Root::Invoke(_) => 0,
                    Root::Fire(fire) => inline(&fire.beneath),
                };
                inline(&accept.payload) + beneath
            }
            Body::Finish(finish) => finish.result.as_ref().map_or(0, inline),
            _ => 0,
        };
        self.needed.insert(id, offset);
        let held = self.held.entry(offset).or_default();
        held.users += 1;
        let is_new = held.users == 1;
        if is_new {
            held.bytes = bytes;
            self.bytes += bytes;
        }
        is_new
    }

    /// An activation that was open before this process began: its body is not in memory.
    pub fn note(&mut self, id: ActivationId, offset: Offset) {
        self.needed.insert(id, offset);
        self.held.entry(offset).or_default().users += 1;
    }

    /// An activation ended. The offset whose body nobody needs any more, if it was the last.
    pub fn done_with(&mut self, id: ActivationId) -> Option<Offset> {
        let offset = self.needed.remove(&id)?;
        let held = self.held.get_mut(&offset)?;
        held.users -= 1;
        if held.users > 0 {
            return None;
        }
        self.bytes -= held.bytes;
        self.held.remove(&offset);
        Some(offset)
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Bytes of a payload that the record holds itself.
#[must_use]
pub fn inline(payload: &Payload) -> u64 {
    match payload {
        Payload::Inline(json) => json.as_bytes().len() as u64,
        Payload::Blob { .. } => 0,
    }
}
