//! Documents: a head on every module, and no path that leads nowhere.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::Finding;
use crate::source::Source;
use crate::workspace::Workspace;

/// Documents that send the reader to files.
const DOCUMENTS: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs"];

/// Every file opens by saying what it is for.
pub(super) fn heads(sources: &[Source]) -> Vec<Finding> {
    let has_head = |source: &&Source| {
        let mut lines = source.text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.next().is_some_and(|line| line.starts_with("//! "))
    };
    let without = sources.iter().filter(|source| !has_head(source));
    without
        .map(|source| Finding::new(source.at(1), "opens without `//!`: what is it for?"))
        .collect()
}

/// Paths in our documents lead somewhere.
pub(super) fn paths(workspace: &Workspace) -> Result<Vec<Finding>> {
    let files = workspace.files()?;
    let tops: BTreeSet<&str> = files.iter().filter_map(|path| top(path)).collect();
    let mut findings = Vec::new();
    for document in files.iter().filter(|path| is_document(path)) {
        let text = workspace.text(document)?;
        for (line, path) in paths_in(&text, &tops) {
            if !leads_somewhere(&workspace.root.join(path)) {
                let at = format!("{}:{line}", document.display());
                findings.push(Finding::new(at, format!("leads to `{path}`, which is not there")));
            }
        }
    }
    Ok(findings)
}

/// Whether there is such a file or folder, or such a module, which may be either.
fn leads_somewhere(path: &Path) -> bool {
    path.exists() || path.with_extension("rs").exists()
}

/// The folder at the root in which a file lies.
fn top(path: &Path) -> Option<&str> {
    let folder = path.parent()?.iter().next()?;
    folder.to_str()
}

fn is_document(path: &Path) -> bool {
    let is_markdown = path.extension().is_some_and(|extension| extension == "md");
    is_markdown && DOCUMENTS.iter().any(|document| path.starts_with(document))
}

/// Words of a document that begin with a folder at the root, with their lines. One with a
/// placeholder (`runtimes/<kind>`, `core/…`) is a pattern and not a path.
fn paths_in<'a>(text: &'a str, tops: &BTreeSet<&str>) -> Vec<(usize, &'a str)> {
    let in_path = |c: char| c.is_ascii_alphanumeric() || "_-./<>…*{}$".contains(c);
    let lines = text.lines().zip(1..);
    let words = lines.flat_map(|(line, number)| {
        line.split(move |c| !in_path(c))
            .map(move |word| (number, word.trim_end_matches(['.', '/'])))
    });
    let is_path = |word: &str| {
        let first = word.split_once('/').map(|(first, _)| first);
        first.is_some_and(|first| tops.contains(first))
            && !word.contains(['<', '>', '…', '*', '{', '}', '$'])
            && !word.starts_with("target/")
    };
    words.filter(|(_, word)| is_path(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_head_is_found() {
        let good = Source::new("a.rs", "\n//! What it is for.\nfn f() {}");
        let bad = Source::new("b.rs", "// a comment\n//! Too late.\nfn f() {}");
        assert_eq!(heads(&[good, bad])[0].at, "b.rs:1");
    }

    #[test]
    fn paths_are_told_from_prose() {
        let text = "See `core/log/src/lib.rs`, and/or (docs/recipes/).\n1 core/<crate>/x core/…";
        let found = paths_in(text, &["core", "docs"].into());
        assert_eq!(found, [(1, "core/log/src/lib.rs"), (1, "docs/recipes")]);
    }
}
