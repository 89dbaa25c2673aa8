//! A file of Rust, seen as the checks need it: code without comments and literals, comments without
//! code, and the part of the code that ships.
//!
//! This is a reader of house style, not a compiler: it knows enough of the language not to be fooled
//! by strings, comments and test modules.

mod functions;
mod mask;
mod paths;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub(crate) use functions::functions;
pub(crate) use paths::{Token, UsedPath, paths, tokens};

/// One file of ours.
pub(crate) struct Source {
    /// Where it lies, from the root of the repository.
    pub(crate) path: PathBuf,
    /// As it stands on disk.
    pub(crate) text: String,
    /// Its code: comments and the insides of literals are blanks; lines are where they were.
    pub(crate) code: String,
    /// Its comments, with blanks for everything else.
    pub(crate) comments: String,
    /// Its code without what only tests compile.
    pub(crate) shipped: String,
}

impl Source {
    /// Takes `text` apart.
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let (code, comments) = mask::split(&text);
        let is_test = is_test(&path) || code.contains("#![cfg(test)]");
        let shipped = if is_test { String::new() } else { mask::without_tests(&code) };
        Self { path, text, code, comments, shipped }
    }

    /// `path:line`, as editors open it.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// Whether it lies in `folder` (from the root), or is that file.
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

/// Empties what ships of files that other files declare as `#[cfg(test)] mod name;`.
pub(crate) fn mark_test_modules(sources: &mut [Source]) {
    let modules: Vec<PathBuf> = sources.iter().flat_map(test_modules).collect();
    let is_in = |source: &Source, module: &PathBuf| {
        source.path.starts_with(module) || source.path == module.with_extension("rs")
    };
    for source in sources {
        if modules.iter().any(|module| is_in(source, module)) {
            source.shipped.clear();
        }
    }
}

/// The modules in other files that this file declares for tests, as paths without extension.
fn test_modules(source: &Source) -> Vec<PathBuf> {
    let (all, shipped) = (tokens(&source.code), tokens(&source.shipped));
    let shipped = declared(&shipped);
    let for_tests = declared(&all).into_iter().filter(|name| !shipped.contains(name));
    let folder = match source.path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => source.path.with_file_name(""),
        _ => source.path.with_extension(""),
    };
    for_tests.map(|name| folder.join(name)).collect()
}

/// The names in `mod name;`.
fn declared<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let declarations = tokens.windows(3).filter(|it| it[0].text == "mod" && it[2].text == ";");
    declarations.map(|it| it[1].text).collect()
}

/// Whether a whole file does not ship: crate `tests`, a folder `tests`, `examples`, `benches`, a file
/// `tests.rs`.
fn is_test(path: &Path) -> bool {
    let folders = ["tests", "examples", "benches"];
    let is_folder = |part: &OsStr| folders.iter().any(|folder| part == *folder);
    path.iter().any(is_folder) || path.ends_with("tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_files_of_tests_ship_nothing() {
        for path in ["tests/src/lib.rs", "core/log/tests/all.rs", "core/log/src/writer/tests.rs"] {
            assert_eq!(Source::new(path, "fn f() {}").shipped, "", "{path}");
        }
        assert_eq!(Source::new("core/log/src/lib.rs", "fn f() {}").shipped, "fn f() {}");
        assert_eq!(Source::new("core/log/src/a.rs", "#![cfg(test)]\nfn f() {}").shipped, "");
    }

    #[test]
    fn modules_that_are_declared_for_tests_ship_nothing() {
        let declares = "mod b;\n#[cfg(test)]\nmod c;\n";
        let source = |path: &str, text: &str| Source::new(path, text);
        let mut sources = [
            source("a/mod.rs", declares),
            source("a/b.rs", declares),
            source("a/c.rs", "x"),
            source("a/c/d.rs", "x"),
            source("a/b/c.rs", "x"),
            source("a/b/b.rs", "x"),
        ];
        mark_test_modules(&mut sources);
        let shipped = sources.iter().map(|source| !source.shipped.is_empty());
        assert_eq!(shipped.collect::<Vec<_>>(), [true, true, false, false, false, true]);
    }
}
