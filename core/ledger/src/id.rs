//! Shards of namespaces, and ids of children.
//!
//! Both are derived by hash alone, so that every follower and every later version finds the same.

use model::id::{ActivationId, Shard};
use model::name::Namespace;
use sha2::{Digest as _, Sha256};

/// The shard of everything that a namespace owns: the first twelve bits of SHA-256 of its name.
#[must_use]
pub fn shard_of(namespace: &Namespace) -> Shard {
    shard_of_name(namespace.as_str())
}

pub(crate) fn shard_of_name(namespace: &str) -> Shard {
    let hash = Sha256::digest(namespace.as_bytes());
    Shard::new((u16::from(hash[0]) << 4) | (u16::from(hash[1]) >> 4))
}

/// The id of the child number `index` of the sequence at `path` in the tree of `root`: the
/// first 16 bytes of SHA-256(root ‖ path ‖ index), numbers as 4 bytes, most significant first, and
/// the shard of the root. The path of the root is empty; that of its child 2 is `[2]`.
#[must_use]
pub fn child(root: ActivationId, path: &[u32], index: u32) -> ActivationId {
    let mut hash = Sha256::new();
    hash.update(root.as_bytes());
    for part in path {
        hash.update(part.to_be_bytes());
    }
    hash.update(index.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    ActivationId::new(root.shard(), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_stays_in_its_shard_for_ever() {
        assert_eq!(shard_of(&Namespace::new("guest").unwrap()).number(), 0x849);
    }

    #[test]
    fn i09_ids_of_children_are_derived_and_keep_the_shard() {
        let root = ActivationId::new(Shard::new(0xabc), [7; 16]);
        let first = child(root, &[], 0);
        assert_eq!(first, child(root, &[], 0));
        assert_eq!(first.shard(), root.shard());
        let others = [child(root, &[], 1), child(root, &[0], 0), child(first, &[], 0)];
        assert!(others.iter().all(|other| *other != first));
    }
}
