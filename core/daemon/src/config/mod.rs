//! Configuration: defaults < file < environment < flags, every problem at once, each with its origin.
//!
//! A process has one struct, made of one per section, all with `#[serde(default,
//! deny_unknown_fields, rename_all = "kebab-case")]`. [`load`] merges the sources into it and says
//! where each value came from. The sources are values: [`environment`] and [`File::read`] are the
//! only places that look outside, so tests need neither.
//!
//! Keys are written with dots, `invoker.wasm-memory`; in the environment that is
//! `QUIRL_INVOKER__WASM_MEMORY`. A variable without `__` is not a key (`QUIRL_DATA`). Values in the
//! environment and in flags are TOML if that fits the key, else text: `8`, `true`, `["a"]`, `64 MiB`.
//!
//! What to do with [`Problems`] is the caller's: a server prints them, exits 78 (`EX_CONFIG`) and
//! binds no port.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::de::DeTable;
use toml::{Table, Value};

mod schema;

use schema::Schema;

/// Names of variables begin so.
pub const PREFIX: &str = "QUIRL_";

/// Where values come from, besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configuration file, if there is one.
    pub file: Option<File>,
    /// Variables of the environment; those that are not ours are passed over.
    pub environment: Vec<(String, String)>,
    /// Flags of the command line.
    pub flags: Vec<Flag>,
}

/// A configuration file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As problems name it.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// A flag that sets a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// As it was written: `--listen`.
    pub name: String,
    /// What it sets: `server.listen`.
    pub key: String,
    /// To what.
    pub value: String,
}

/// A configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The configuration.
    pub value: T,
    /// By key; a key that is not here has its default.
    pub origins: BTreeMap<String, Origin>,
    keys: Vec<String>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// A line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: usize,
    },
    /// A variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// A flag of the command line.
    Flag {
        /// As it was written.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } | Self::Flag { name } => f.write_str(name),
        }
    }
}

/// One thing that is wrong, shown as `quirld.toml:14: invoker.wasm-memry: no such key; …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// Which key; `None` if it is about the whole file.
    pub key: Option<String>,
    /// What is wrong, and what would be right. Never holds the value of a [`Secret`].
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// Everything that is wrong with a configuration, one per line. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// A text that is never shown: `Debug`, `Display` and `config show` hide it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text is a secret from now on.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for whoever must send or compare it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of a string would show what stands in its place.
        let why = || serde::de::Error::custom("a secret is written as a string, in quotes");
        String::deserialize(deserializer).map(Self).map_err(|_| why())
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { HIDDEN })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

const HIDDEN: &str = "(hidden)";

impl File {
    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    /// What the system says if it is there and cannot be read.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(Self { path: path.to_owned(), text })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The environment of this process: `main` asks once and passes it on. What is not UTF-8 is left
/// out.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
pub fn environment() -> Vec<(String, String)> {
    let all = std::env::vars_os();
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Merges the sources over the defaults of `T`.
///
/// # Errors
/// [`Problems`]: all that are found.
pub fn load<T>(sources: &Sources) -> Result<Loaded<T>, Problems>
where
    T: DeserializeOwned + Default,
{
    let mut merge = Merge::<T>::new();
    if let Some(file) = &sources.file {
        merge.file(file);
    }
    for (name, value) in &sources.environment {
        if let Some(key) = key_of_variable(name) {
            merge.text(&key, value, &Origin::Environment { name: name.clone() });
        }
    }
    for Flag { name, key, value } in &sources.flags {
        merge.text(key, value, &Origin::Flag { name: name.clone() });
    }
    merge.finish()
}

impl<T> Loaded<T> {
    /// Where the value of this key came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// What is wrong with the value of `key`, for checks that only the caller can make.
    #[must_use]
    pub fn problem(&self, key: &str, what: impl Into<String>) -> Problem {
        Problem { origin: self.origin(key), key: Some(key.to_owned()), what: what.into() }
    }
}

impl<T: Serialize> Loaded<T> {
    /// What is in force, one key per line as the file would say it, with where it came from behind a
    /// `#`. Secrets are hidden; a key that is unset stands in a comment.
    #[must_use]
    pub fn show(&self) -> String {
        let values = Value::try_from(&self.value).unwrap_or(Value::Table(Table::new()));
        let mut all = BTreeMap::new();
        leaves(&values, &mut Vec::new(), &mut |key, value| {
            all.insert(key, value.to_string());
        });
        for key in &self.keys {
            all.entry(key.clone()).or_insert_with(String::new);
        }
        // A key that is unset has no value; one that holds a table of its own stands below.
        let set: Vec<String> = all.keys().cloned().collect();
        let has_parts = |key: &str| set.iter().any(|it| it.starts_with(&format!("{key}.")));
        all.retain(|key, value| !value.is_empty() || !has_parts(key));
        let lines: Vec<(String, String)> = all
            .into_iter()
            .map(|(key, value)| match value.as_str() {
                "" => (format!("# {key} is not set"), key),
                value => (format!("{key} = {value}"), key),
            })
            .collect();
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0).min(60);
        let mut text = String::new();
        for (line, key) in lines {
            let origin = self.origin_of_part(&key);
            text.push_str(&format!("{line:width$}  # {origin}\n"));
        }
        text
    }

    /// Of the key, or of what it is a part of.
    fn origin_of_part(&self, key: &str) -> Origin {
        let mut whole = key;
        loop {
            match (self.origins.get(whole), whole.rsplit_once('.')) {
                (Some(origin), _) => return origin.clone(),
                (None, Some((above, _))) => whole = above,
                (None, None) => return Origin::Default,
            }
        }
    }
}

/// `QUIRL_INVOKER__WASM_MEMORY` → `invoker.wasm-memory`.
fn key_of_variable(name: &str) -> Option<String> {
    let key = name.strip_prefix(PREFIX)?;
    key.contains("__").then(|| key.to_lowercase().replace("__", ".").replace('_', "-"))
}

/// The merge under way.
struct Merge<T> {
    schema: Schema,
    merged: Table,
    origins: BTreeMap<String, Origin>,
    problems: Vec<Problem>,
    is: std::marker::PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Default> Merge<T> {
    fn new() -> Self {
        Self {
            schema: Schema::of::<T>(),
            merged: Table::new(),
            origins: BTreeMap::new(),
            problems: Vec::new(),
            is: std::marker::PhantomData,
        }
    }

    fn file(&mut self, file: &File) {
        let at = |offset: usize| {
            let before = file.text.as_bytes().iter().take(offset);
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            Origin::File { path: file.path.clone(), line }
        };
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        for error in &errors {
            let origin = at(error.span().map_or(0, |span| span.start));
            let what = format!("this is not TOML: {}", error.message());
            self.problems.push(Problem { origin, key: None, what });
        }
        if !errors.is_empty() {
            return;
        }
        // The same text again, as values that own what they hold.
        let Ok(values) = file.text.parse::<Table>() else { return };
        let mut found = Vec::new();
        self.walk(table.get_ref(), &values, &mut Vec::new(), &mut found);
        found.sort_by_key(|(offset, ..)| *offset);
        for (offset, key, value) in found {
            self.set(&key, &[value], &at(offset));
        }
    }

    /// Collects what a file sets, with the place of each key: a section is entered, all else is a
    /// value.
    fn walk(
        &self,
        spans: &DeTable<'_>,
        values: &Table,
        path: &mut Vec<String>,
        found: &mut Vec<(usize, Vec<String>, Value)>,
    ) {
        for (key, spanned) in spans {
            let name = key.get_ref().to_string();
            let Some(value) = values.get(&name) else { continue };
            path.push(name);
            match (spanned.get_ref().as_table(), value) {
                (Some(spans), Value::Table(values)) if self.schema.section(path) => {
                    self.walk(spans, values, path, found);
                }
                _ => found.push((key.span().start, path.clone(), value.clone())),
            }
            path.pop();
        }
    }

    /// A value from a source that has only text.
    fn text(&mut self, key: &str, text: &str, origin: &Origin) {
        let mut candidates = Vec::new();
        if let Ok(mut table) = format!("value = {text}").parse::<Table>()
            && table.len() == 1
            && let Some(value) = table.remove("value")
        {
            candidates.push(value);
        }
        candidates.push(Value::String(text.to_owned()));
        self.set(&key.split('.').map(str::to_owned).collect::<Vec<_>>(), &candidates, origin);
    }

    /// Sets the key to the first candidate that fits.
    fn set(&mut self, path: &[String], candidates: &[Value], origin: &Origin) {
        let key = path.join(".");
        let problem = |what| Problem { origin: origin.clone(), key: Some(key.clone()), what };
        if let Err(unknown) = self.schema.find(path) {
            self.problems.push(problem(unknown.tell()));
            return;
        }
        let mut why = String::new();
        for value in candidates {
            let mut alone = Table::new();
            insert(&mut alone, path, value.clone());
            match T::deserialize(alone) {
                Ok(_) => {
                    insert(&mut self.merged, path, value.clone());
                    // Whoever set parts of it before has no say any more.
                    self.origins.retain(|set, _| !set.starts_with(&format!("{key}.")));
                    self.origins.insert(key, origin.clone());
                    return;
                }
                // The first is what was most likely meant.
                Err(error) if why.is_empty() => why = told(&error),
                Err(_) => {}
            }
        }
        self.problems.push(problem(why));
    }

    fn finish(mut self) -> Result<Loaded<T>, Problems> {
        if self.problems.is_empty() {
            match T::deserialize(self.merged) {
                Ok(value) => {
                    let keys = self.schema.leaves();
                    return Ok(Loaded { value, origins: self.origins, keys });
                }
                // Each fits alone and they do not fit together.
                Err(error) => {
                    let what = told(&error);
                    self.problems.push(Problem { origin: Origin::Default, key: None, what });
                }
            }
        }
        let mut seen = BTreeSet::new();
        self.problems.retain(|problem| seen.insert(problem.to_string()));
        Err(Problems(self.problems))
    }
}

/// The message without the place: that stands before it.
fn told(error: &toml::de::Error) -> String {
    error.message().trim().to_owned()
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            // A value that stood in the place of a section gives way.
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn leaves(value: &Value, path: &mut Vec<String>, leaf: &mut dyn FnMut(String, &Value)) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                path.push(key.clone());
                leaves(value, path, leaf);
                path.pop();
            }
        }
        other => leaf(path.join("."), other),
    }
}

#[cfg(test)]
mod tests;
