//! What may stand in one place only: heavy crates, status codes, `unsafe`.
//!
//! The environment, the clock and random have their place too; clippy keeps it, see `clippy.toml`.
//! Source: style.md §1.

use super::Finding;
use crate::source::{Source, paths, tokens};
use crate::workspace::{Package, Workspace};

/// Crates that one of ours may name, and which.
const ONE_USER: &[(&str, &str)] = &[
    ("bollard", "quirl-docker"),
    ("fjall", "quirl-store"),
    ("rdkafka", "quirl-log"),
    ("wasmtime", "quirl-wasm"),
];

/// Exceptions to [`ONE_USER`], with reasons.
const ALSO: &[(&str, &str, &str)] =
    &[("wasmtime", "quirl-tests", "yardstick I of the bench measures bare wasmtime beside ours")];

/// Where HTTP status codes may be named: who serves REST, who speaks it, and tests.
const STATUS_CODES: &[&str] = &["controller/src/http", "gateway", "core/api", "cli", "tests"];

/// Where `unsafe` may stand.
const UNSAFE: &[&str] = &["runtimes/wasm/src/engine/load.rs"];

/// Judges manifests and sources.
pub(super) fn check(workspace: &Workspace, sources: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<_> = workspace.members().iter().flat_map(heavy).collect();
    findings.extend(sources.iter().flat_map(|source| {
        let status =
            misplaced(source, "StatusCode", STATUS_CODES, "make it an error of the module");
        let unsafety = misplaced(source, "unsafe", UNSAFE, "there is a safe crate for it: rustix");
        [status, unsafety].concat()
    }));
    findings
}

/// Heavy crates that `package` must not name, tests included: they would be built for it.
fn heavy(package: &Package) -> Vec<Finding> {
    let named = package.dependencies.iter().map(|dependency| dependency.name.as_str());
    let wrong = named.filter_map(|name| {
        let (_, user) = ONE_USER.iter().find(|(heavy, _)| *heavy == name)?;
        let excepted = ALSO.iter().any(|(heavy, also, _)| (*heavy, *also) == (name, &package.name));
        (package.name != *user && !excepted).then_some((name, user))
    });
    let says = |(name, user)| format!("names `{name}`, which only `{user}` may (style.md §1)");
    wrong.map(|found| Finding::new(&package.name, says(found))).collect()
}

/// Uses of `name` in what ships of a file outside of `places`.
fn misplaced(source: &Source, name: &str, places: &[&str], instead: &str) -> Vec<Finding> {
    if places.iter().any(|place| source.is_in(place)) {
        return Vec::new();
    }
    let tokens = tokens(&source.shipped);
    let paths = paths(&tokens);
    let found = paths.iter().filter(|path| path.has(name));
    let says = format!("`{name}` outside of {}: {instead} (style.md §1)", places.join(", "));
    found.map(|path| Finding::new(source.at(path.line), says.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    #[test]
    fn a_second_user_of_a_heavy_crate_is_found() {
        let package = |name: &str| {
            let wasmtime = Dependency { name: "wasmtime".into(), kind: Some("dev".into()) };
            Package { name: name.into(), dependencies: vec![wasmtime], ..Package::default() }
        };
        assert_eq!(heavy(&package("quirl-invoker")).len(), 1);
        assert_eq!(heavy(&package("quirl-wasm")), []);
        assert_eq!(heavy(&package("quirl-tests")), []);
    }

    #[test]
    fn a_status_code_in_the_heart_is_found() {
        let text = "fn f() -> http::StatusCode { StatusCode::OK }";
        let found =
            |path: &str| misplaced(&Source::new(path, text), "StatusCode", STATUS_CODES, "").len();
        assert_eq!(found("controller/src/invoke/mod.rs"), 2);
        assert_eq!(found("controller/src/http/respond.rs"), 0);
    }

    #[test]
    fn unsafe_in_another_module_is_found() {
        let source = Source::new("core/log/src/lib.rs", "unsafe { f() } // unsafe");
        assert_eq!(misplaced(&source, "unsafe", UNSAFE, "").len(), 1);
    }
}
