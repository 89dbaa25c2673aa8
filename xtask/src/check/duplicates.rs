//! Crates that are compiled in more than one version.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::workspace::Package;

/// Known ones: how many versions, and why.
const KNOWN: &[(&str, usize, &str)] = &[
    ("bit-vec", 2, "named by rcgen's yasna, which does not build it"),
    ("block-buffer", 2, "with sha2"),
    ("cpufeatures", 2, "with sha2"),
    ("crypto-common", 2, "with sha2"),
    ("digest", 2, "with sha2"),
    ("embedded-io", 2, "postcard 1.1 itself asks for 0.4 and 0.6"),
    ("getrandom", 2, "with ring, which rustls-webpki names and does not build"),
    ("hashbrown", 3, "fjall's dashmap has 0.14, gimli and quick_cache 0.16, indexmap 0.17"),
    ("sha2", 2, "wasmtime 48 and cranelift still use 0.10"),
    ("syn", 2, "macros of wasmtime and fjall still use 2"),
    ("synstructure", 2, "with x509-parser, which rcgen names and does not build"),
    ("untrusted", 2, "0.7 is named by aws-lc-rs, which does not build it"),
    ("wasm-encoder", 2, "with wasmparser"),
    ("wasmparser", 2, "`wat`, of tests only, is newer than wasmtime 48"),
];

/// Compares what is compiled with the table, both ways.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    judge(packages, KNOWN)
}

fn judge(packages: &[Package], known: &[(&str, usize, &str)]) -> Vec<Finding> {
    let versions = versions(packages);
    let expected = |name: &str| known.iter().find(|row| row.0 == name).map_or(1, |row| row.1);
    let more = versions.iter().filter(|(name, found)| found.len() > expected(name));
    let more = more.map(|(name, found)| {
        let found = found.iter().copied().collect::<Vec<_>>().join(", ");
        let says =
            format!("is compiled in versions {found}; agree on one, or say why not in KNOWN");
        Finding::new(name, says)
    });
    let fewer = known.iter().filter(|(name, count, _)| {
        versions.get(name).map_or(0, BTreeSet::len) < *count //
    });
    let fewer = fewer.map(|(name, count, _)| {
        Finding::new(
            name,
            format!("is no longer compiled {count} times; correct KNOWN in {}", file!()),
        )
    });
    more.chain(fewer).collect()
}

fn versions(packages: &[Package]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut versions = BTreeMap::<&str, BTreeSet<&str>>::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_duplicate_and_a_stale_row_are_found() {
        let package = |version: &str| Package {
            name: "a".into(),
            version: version.into(),
            ..Package::default()
        };
        let two = [package("1.0.0"), package("2.0.0")];
        assert_eq!(judge(&two, &[("a", 2, "")]), []);
        assert!(judge(&two, &[])[0].says.contains("1.0.0, 2.0.0"));
        assert!(judge(&two[..1], &[("a", 2, "")])[0].says.contains("no longer"));
    }
}
