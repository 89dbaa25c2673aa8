//! Features that only some builds turn on: they make cargo compile a crate, and all above it, twice.
//!
//! Everything that is built here should see the same features: the programs alone (`cargo xtask
//! demo`), and the workspace with its tests. Source: crates.md, "Build speed".

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::Finding;
use crate::shell::Run;

/// What `cargo xtask test` builds.
const ALL: &str = "cargo tree --locked --prefix none -f {p}|{f} --workspace -e normal,build,dev";
/// The same without what only tests ask for.
const SHIPPED: &str = "cargo tree --locked --prefix none -f {p}|{f} --workspace -e normal,build";
/// What `cargo xtask demo` builds.
const DEMO: &str = "cargo tree --locked --prefix none -f {p}|{f} -e normal,build \
                    -p quirl-quirld -p quirl-cli -p quirl-tests";

/// A package and its version, with each set of features that it is built with.
type Features = BTreeMap<String, BTreeSet<String>>;

/// Compares the features that cargo resolves for the builds that share a target folder.
pub(super) fn check() -> Result<Vec<Finding>> {
    let all = features(&Run::line(ALL).read()?);
    let shipped = features(&Run::line(SHIPPED).read()?);
    let demo = features(&Run::line(DEMO).read()?);
    let tests = compare(&shipped, &all, "only a dev-dependency");
    let programs = compare(&demo, &shipped, "only a crate that `cargo xtask demo` does not build");
    Ok(tests.into_iter().chain(programs).collect())
}

fn features(tree: &str) -> Features {
    let mut features = Features::new();
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    for (package, set) in lines.filter_map(|line| line.split_once('|')) {
        features.entry(package.to_owned()).or_default().insert(set.to_owned());
    }
    features
}

/// Packages of `fewer` that have other features in `more`.
fn compare(fewer: &Features, more: &Features, who: &str) -> Vec<Finding> {
    let differs = |(package, sets): &(&String, &BTreeSet<String>)| {
        more.get(*package).is_some_and(|other| other != *sets)
    };
    let says = |package: &String, sets: &BTreeSet<String>| {
        let (small, large) = (names(sets), names(&more[package]));
        let extra: Vec<_> = large.difference(&small).copied().collect();
        let extra = extra.join(", ");
        format!(
            "{who} turns on {extra}: it is compiled twice. Name the \
                 feature in [workspace.dependencies], or let crate `tests` use it outside of tests"
        )
    };
    let found = fewer.iter().filter(differs);
    found.map(|(package, sets)| Finding::new(package, says(package, sets))).collect()
}

fn names(sets: &BTreeSet<String>) -> BTreeSet<&str> {
    sets.iter().flat_map(|set| set.split(',')).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_only_tests_turn_on_is_found() {
        let shipped = features("fnv v1.0.7|\nserde v1.0.0|std (*)\n");
        let all = features("fnv v1.0.7|default,std\nserde v1.0.0|std\nproptest v1.0.0|std\n");
        let found = compare(&shipped, &all, "x");
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("fnv v1.0.7: x turns on default, std"));
    }
}
