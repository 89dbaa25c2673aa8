//! Words that must not stand in the repository, or only with a reason beside them.

use anyhow::Result;

use super::Finding;
use crate::source::{Source, Token, tokens};
use crate::workspace::Workspace;

/// Host names of registries, in parts, since they may not stand here either: people and CI reach
/// registries through mirrors that their tools are told about.
const REGISTRIES: &[&[&str]] = &[
    &["crates", "io"],
    &["pypi", "org"],
    &["pythonhosted", "org"],
    &["npmjs", "org"],
    &["npmjs", "com"],
    &["deb", "debian", "org"],
    &["security", "debian", "org"],
    &["archive", "ubuntu", "com"],
    &["repo", "maven", "apache", "org"],
    &["repo1", "maven", "org"],
    &["proxy", "golang", "org"],
    &["sum", "golang", "org"],
];

/// Macros that stand for code that somebody still has to write.
const UNWRITTEN: &[&str] = &["todo", "unimplemented"];

/// Judges all files of text, and the Rust among them more closely.
pub(super) fn check(workspace: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    let hosts: Vec<String> = REGISTRIES.iter().map(|parts| parts.join(".")).collect();
    let mut findings: Vec<_> = sources.iter().flat_map(judge).collect();
    for path in workspace.files()? {
        if path.ends_with("Cargo.lock") {
            continue; // cargo writes it, and names the registry in its own way
        }
        let bytes = std::fs::read(workspace.root.join(&path))?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let lines = text.lines().zip(1..).filter(|(line, _)| names_one_of(line, &hosts));
        let at = |line| format!("{}:{line}", path.display());
        findings.extend(lines.map(|(_, line)| Finding::new(at(line), "host name of a registry")));
    }
    Ok(findings)
}

fn names_one_of(line: &str, hosts: &[String]) -> bool {
    let line = line.to_ascii_lowercase();
    hosts.iter().any(|host| line.contains(host.as_str()))
}

fn judge(source: &Source) -> Vec<Finding> {
    let tokens = tokens(&source.code);
    let unwritten = tokens.windows(2).filter(|two| UNWRITTEN.contains(&two[0].text));
    let unwritten = unwritten.filter(|two| two[1].text == "!");
    let unwritten = unwritten.map(|two| (two[0].line, "still has to be written"));
    let attributes = attributes(&tokens).into_iter().filter_map(judge_attribute);
    let found = unwritten.chain(attributes).chain(nameless_todos(&source.comments));
    found.map(|(line, says)| Finding::new(source.at(line), says)).collect()
}

/// The insides of `#[…]` and `#![…]`.
fn attributes<'a>(tokens: &'a [Token<'a>]) -> Vec<&'a [Token<'a>]> {
    let is_start = |at: &usize| {
        let before = at.checked_sub(1).map_or("", |at| tokens[at].text);
        let before_that = at.checked_sub(2).map_or("", |at| tokens[at].text);
        tokens[*at].text == "[" && (before == "#" || (before == "!" && before_that == "#"))
    };
    let starts = (0..tokens.len()).filter(is_start);
    starts.map(|at| &tokens[at..at + closing(&tokens[at..])]).collect()
}

/// How many tokens there are up to the bracket that closes the first.
fn closing(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    let closes = |token: &Token<'_>| {
        depth += usize::from(token.text == "[");
        depth -= usize::from(token.text == "]");
        depth == 0
    };
    tokens.iter().position(closes).unwrap_or(tokens.len())
}

fn judge_attribute(attribute: &[Token<'_>]) -> Option<(usize, &'static str)> {
    let line = attribute.first()?.line;
    let followed_by = |name: &str, sign: &str| {
        attribute.windows(2).any(|two| two[0].text == name && two[1].text == sign)
    };
    let ignored = attribute.last().is_some_and(|token| token.text == "ignore");
    let excepted = followed_by("allow", "(") || followed_by("expect", "(");
    match () {
        () if ignored => Some((line, "`#[ignore]` without a reason: `#[ignore = \"…\"]`")),
        () if excepted && !followed_by("reason", "=") => {
            Some((line, "an exception from a lint without `reason = \"…\"`"))
        }
        () => None,
    }
}

fn nameless_todos(comments: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let lines = comments.lines().zip(1..);
    let names_issue = |line: &str| {
        let after = line.split('#').skip(1);
        after.into_iter().any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let nameless = lines.filter(move |(line, _)| line.contains("TODO") && !names_issue(line));
    nameless.map(|(_, line)| (line, "a TODO that does not name its issue (#3)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, lines: &[&str]) {
        let found: Vec<_> = judge(&Source::new("a.rs", text)).into_iter().map(|it| it.at).collect();
        assert_eq!(found, lines);
    }

    #[test]
    fn unwritten_code_is_found() {
        check_text("fn f() { todo!() }\nfn g() { unimplemented!() }", &["a.rs:1", "a.rs:2"]);
        check_text("fn f() { g(\"todo!\", todo) } // todo!()", &[]);
    }

    #[test]
    fn exceptions_without_reasons_are_found() {
        check_text("#[ignore]\nfn f() {}", &["a.rs:1"]);
        check_text("#[ignore = \"needs a disk\"]\nfn f() {}", &[]);
        check_text("#![allow(dead_code)]", &["a.rs:1"]);
        check_text("#[cfg_attr(test, allow(x, reason = \"y\"))]\n#[expect(z)]", &["a.rs:2"]);
        check_text("fn f() { x.expect(\"why\"); vec![allow(1)] }", &[]);
    }

    #[test]
    fn a_todo_names_its_issue() {
        check_text("// TODO(#12): later\n// TODO: some day\nlet todo = \"TODO\";", &["a.rs:2"]);
    }

    #[test]
    fn hosts_are_found_in_any_case() {
        let hosts = ["registry.example".to_owned()];
        assert!(names_one_of("see https://Registry.Example/x", &hosts));
        assert!(!names_one_of("see registry, example", &hosts));
    }
}
