//! Arrows between our crates: exactly those of the table, and no long chains.
//!
//! Source: style.md §1.

use std::collections::BTreeMap;

use super::Finding;
use crate::workspace::{Package, Workspace};

/// What each crate may use. A new crate is a new row, here and in style.md §1.
const MAY_USE: &[(&str, &[&str])] = &[
    ("quirl-model", &[]),
    ("quirl-ledger", &["model"]),
    ("quirl-log", &["model"]),
    ("quirl-store", &["model"]),
    ("quirl-api", &["model"]),
    ("quirl-daemon", &["model"]),
    ("quirl-controller", &["model", "ledger", "log", "store", "api", "daemon"]),
    ("quirl-invoker", &["model", "ledger"]),
    ("quirl-wasm", &["invoker", "model", "daemon"]),
    ("quirl-gateway", &["api", "daemon", "model"]),
    ("quirl-cli", &["api", "model"]),
    (
        "quirl-quirld",
        &[
            "model",
            "ledger",
            "log",
            "store",
            "api",
            "daemon",
            "controller",
            "invoker",
            "gateway",
            "wasm",
        ],
    ),
    ("quirl-tests", &["model", "ledger", "log", "store", "api", "controller", "invoker", "daemon"]),
    ("xtask", &[]),
];

/// How many crates the longest chain may have.
const LONGEST_CHAIN: usize = 5;

/// Names of our crates, each with what it uses of ours outside of tests.
type Arrows<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// Judges the manifests of our crates.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let arrows = arrows(workspace.members());
    let mut findings: Vec<_> = arrows.iter().flat_map(|(from, to)| beyond(from, to)).collect();
    findings.extend(too_long(&arrows));
    findings
}

fn arrows<'a>(members: &'a [Package]) -> Arrows<'a> {
    let is_ours = |name: &str| members.iter().any(|member| member.name == name);
    let row = |member: &'a Package| {
        let shipped = member.dependencies.iter().filter(|it| it.kind.as_deref() != Some("dev"));
        let used = shipped.map(|it| it.name.as_str()).filter(|name| is_ours(name)).collect();
        (member.name.as_str(), used)
    };
    members.iter().map(row).collect()
}

/// Arrows of `from` that the table does not have.
fn beyond(from: &str, to: &[&str]) -> Vec<Finding> {
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == from) else {
        return vec![Finding::new(from, "no row in MAY_USE (xtask/src/check/arrows.rs); add it")];
    };
    let is_allowed = |name: &str| allowed.contains(&name.trim_start_matches("quirl-"));
    let wrong = to.iter().filter(|name| !is_allowed(name));
    wrong.map(|name| Finding::new(from, format!("must not use `{name}` (style.md §1)"))).collect()
}

fn too_long(arrows: &Arrows<'_>) -> Option<Finding> {
    let chains = arrows.keys().map(|name| longest_chain(arrows, name));
    let chain = chains.max_by_key(Vec::len)?;
    let says = || format!("a chain of more than {LONGEST_CHAIN} crates: {}", chain.join(" → "));
    (chain.len() > LONGEST_CHAIN).then(|| Finding::new(chain[0], says()))
}

/// The longest chain from `name` on. Cargo has refused circles before this runs.
fn longest_chain<'a>(arrows: &Arrows<'a>, name: &'a str) -> Vec<&'a str> {
    let next = arrows.get(name).into_iter().flatten();
    let longest = next.map(|name| longest_chain(arrows, name)).max_by_key(Vec::len);
    [vec![name], longest.unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, uses: &[(&str, Option<&str>)]) -> Package {
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
        };
        let dependencies = uses.iter().map(dependency).collect();
        Package { name: name.to_owned(), dependencies, ..Package::default() }
    }

    #[test]
    fn an_arrow_beyond_the_table_is_found() {
        let says: Vec<_> = beyond("quirl-log", &["quirl-model", "quirl-ledger"]);
        assert_eq!(says, [Finding::new("quirl-log", "must not use `quirl-ledger` (style.md §1)")]);
        assert!(beyond("quirl-new", &[])[0].says.contains("no row"));
    }

    #[test]
    fn only_tests_may_use_what_the_table_has_not() {
        let log = package("quirl-log", &[("quirl-ledger", Some("dev")), ("bytes", None)]);
        let ledger = package("quirl-ledger", &[]);
        assert_eq!(arrows(&[log, ledger])["quirl-log"], Vec::<&str>::new());
    }

    #[test]
    fn a_chain_of_six_is_found() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut arrows: Arrows<'_> = names.windows(2).map(|two| (two[0], vec![two[1]])).collect();
        assert_eq!(too_long(&arrows).unwrap().at, "a");
        arrows.remove("a");
        assert_eq!(too_long(&arrows), None);
    }
}
