//! What the name tables of a ledger went through, held against I27: no package deleted with
//! contents, no name twice, no put into a package or rule on a trigger that is gone.

use std::collections::BTreeSet;

use ledger::record::{EntityKey, Named, Op};

/// Follows the writes of a ledger, in order; what was broken by which.
#[must_use]
pub fn broken<'a>(writes: impl Iterator<Item = &'a [Op]>) -> Vec<String> {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    let mut broken = Vec::new();
    for (number, ops) in writes.enumerate() {
        for op in ops {
            match op {
                Op::Put { key, .. } => {
                    keys.insert(key.as_str().to_owned());
                }
                Op::Delete(key) => {
                    keys.remove(key.as_str());
                }
                Op::Touch(_) => {}
            }
        }
        let found = ops.iter().filter_map(|op| wrong(op, &keys));
        broken.extend(found.map(|what| format!("write {number}: {what}")));
    }
    broken
}

/// What an operation should not have done, seen behind the whole write.
fn wrong(op: &Op, keys: &BTreeSet<String>) -> Option<String> {
    match op {
        Op::Put { key, .. } => match key.parse()? {
            Named::Entity(namespace, path) => {
                let package = path.package?;
                let is_gone = !keys.contains(&format!("n/{namespace}/{package}"));
                is_gone.then(|| format!("{} was put into a package that is gone", key.as_str()))
            }
            Named::Link(namespace, trigger, rule) => {
                let is_gone = |name| !keys.contains(&format!("n/{namespace}/{name}"));
                if is_gone(trigger) {
                    return Some(format!("{} has a trigger that is gone", key.as_str()));
                }
                is_gone(rule).then(|| format!("{} has a rule that is gone", key.as_str()))
            }
            Named::Subject(_) | Named::Namespace(_) | Named::AccessKey(_) | Named::Limits(_) => {
                None
            }
        },
        Op::Delete(key) => {
            let left = || keys.iter().any(|known| known.starts_with(&within(key)));
            let is_gone = !keys.contains(key.as_str());
            (is_gone && left()).then(|| format!("{} was deleted with contents", key.as_str()))
        }
        Op::Touch(_) => None,
    }
}

fn within(key: &EntityKey) -> String {
    format!("{}/", key.as_str())
}

#[cfg(test)]
mod tests {
    use ledger::record::Document;

    use super::*;

    fn key(text: &str) -> EntityKey {
        EntityKey(text.into())
    }

    fn put(text: &str) -> Op {
        Op::Put { key: key(text), document: Document::Inline(Vec::new().into()), blobs: vec![] }
    }

    #[test]
    fn i27_what_must_not_happen_is_found() {
        let delete = |text| Op::Delete(key(text));
        for (writes, expected) in [
            (vec![vec![put("n/g/p")], vec![put("n/g/p/a")]], 0),
            (vec![vec![put("n/g/p/a")]], 1),
            (vec![vec![put("n/g/p")], vec![put("n/g/p/a")], vec![delete("n/g/p")]], 1),
            (
                vec![
                    vec![put("n/g/p")],
                    vec![put("n/g/p/a")],
                    vec![delete("n/g/p/a"), delete("n/g/p")],
                ],
                0,
            ),
            (vec![vec![put("n/g/t")], vec![put("n/g/r"), put("r/g/t/r")]], 0),
            (vec![vec![put("n/g/r"), put("r/g/t/r")]], 1),
            (vec![vec![put("n/g/t"), put("r/g/t/r")]], 1),
        ] {
            let found = broken(writes.iter().map(Vec::as_slice));
            assert_eq!(found.len(), expected, "{found:?}");
        }
    }
}
