//! A file of Rust, seen as the checks need it: code without comments and literals, comments without
//! code, and the part of the code that ships.
//!
//! This is a reader of house style, not a compiler: it knows enough of the language not to be fooled
//! by strings, comments and test modules.

mod functions;
mod mask;
mod paths;

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
        let shipped = if is_test(&path) { String::new() } else { mask::without_tests(&code) };
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

/// Whether a whole file is tests: crate `tests`, a folder `tests`, a file `tests.rs`.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
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
    }
}
