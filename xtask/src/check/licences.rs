//! Licences and origins of all packages in the lock file, on every platform.

use std::collections::VecDeque;

use super::Finding;
use crate::workspace::Package;

/// Licences that ask for no more than to be named. A new one is a decision, not a formality.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0", // of data: the list of authorities in webpki-roots
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Judges every package.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(judge).collect()
}

fn judge(package: &Package) -> Vec<Finding> {
    let found = |says: String| Finding::new(format!("{} {}", package.name, package.version), says);
    let licence = package.license.as_deref().unwrap_or_default();
    let licence = (!is_allowed(licence))
        .then(|| found(format!("licence `{licence}` is not allowed (ALLOWED in {})", file!())));
    let from = package.source.as_deref().unwrap_or("registry+: ours");
    let source = (!from.starts_with("registry+"))
        .then(|| found(format!("comes from {from}; only registries are mirrored and kept")));
    licence.into_iter().chain(source).collect()
}

/// Whether an SPDX expression can be satisfied with allowed licences. What we cannot read is not.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words: VecDeque<&str> = spaced.split_whitespace().collect();
    any_of(&mut words) && words.is_empty()
}

/// `a OR b OR …`
fn any_of(words: &mut VecDeque<&str>) -> bool {
    let mut allowed = all_of(words);
    while take(words, "OR") {
        allowed |= all_of(words);
    }
    allowed
}

/// `a AND b AND …`
fn all_of(words: &mut VecDeque<&str>) -> bool {
    let mut allowed = one(words);
    while take(words, "AND") {
        allowed &= one(words);
    }
    allowed
}

/// A licence, with its exception if it has one, or an expression in parentheses.
fn one(words: &mut VecDeque<&str>) -> bool {
    if take(words, "(") {
        return any_of(words) & take(words, ")");
    }
    let mut name = words.pop_front().unwrap_or_default().to_owned();
    if take(words, "WITH") {
        name = format!("{name} WITH {}", words.pop_front().unwrap_or_default());
    }
    ALLOWED.contains(&name.as_str())
}

fn take(words: &mut VecDeque<&str>, word: &str) -> bool {
    words.pop_front_if(|first| *first == word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_understood() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-2.0-only OR Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
        ] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0 WITH other",
            "(MIT OR GPL-3.0) AND LGPL-2.1",
            "MIT)",
            "(MIT",
            "MIT MIT",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }

    #[test]
    fn a_package_without_a_licence_or_from_elsewhere_is_found() {
        let source = Some("git+https://example.org/x".to_owned());
        let package = Package { name: "x".into(), source, ..Package::default() };
        assert_eq!(check(&[package]).len(), 2);
        let ours = Package { license: Some("Apache-2.0".into()), ..Package::default() };
        assert_eq!(check(&[ours]), []);
    }
}
