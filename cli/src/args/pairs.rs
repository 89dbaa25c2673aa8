//! `-p KEY VALUE`, `-P FILE` and their likes for annotations.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};

use api::entity::Parameter;
use model::json::Json;

/// What goes into an action.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Parameters {
    /// Parameter; may be repeated
    #[arg(
        short = 'p', long = "param", value_names = ["KEY", "VALUE"],
        num_args = 2, action = ArgAction::Append, allow_hyphen_values = true
    )]
    pub param: Vec<String>,
    /// File with parameters, a JSON object; may be repeated
    #[arg(short = 'P', long = "param-file", value_name = "FILE")]
    pub param_file: Vec<PathBuf>,
}

/// What is said about an action.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Annotations {
    /// Annotation; may be repeated
    #[arg(
        short = 'a', long = "annotation", value_names = ["KEY", "VALUE"],
        num_args = 2, action = ArgAction::Append, allow_hyphen_values = true
    )]
    pub annotation: Vec<String>,
    /// File with annotations, a JSON object; may be repeated
    #[arg(short = 'A', long = "annotation-file", value_name = "FILE")]
    pub annotation_file: Vec<PathBuf>,
}

/// Why pairs cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is no JSON.
    #[error("{} is not JSON", .path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Where.
        #[source]
        source: model::json::BadJson,
    },
    /// The file holds another value than an object.
    #[error("{} holds no JSON object", .0.display())]
    NoObject(PathBuf),
}

impl Parameters {
    /// In order of files, then of flags; the last of a key counts.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn read(&self) -> Result<Vec<(String, Json)>, Error> {
        read(&self.param_file, &self.param)
    }
}

impl Annotations {
    /// In order of files, then of flags; the last of a key counts.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn read(&self) -> Result<Vec<(String, Json)>, Error> {
        read(&self.annotation_file, &self.annotation)
    }
}

/// Pairs as parameters of an entity; `None` if there are none.
pub(crate) fn as_list(pairs: &[(String, Json)]) -> Option<Vec<Parameter>> {
    let list = pairs.iter().map(|(key, value)| Parameter::new(key, value.clone()));
    (!pairs.is_empty()).then(|| list.collect())
}

/// Sets a value: in place if the key is known, else at the end.
pub(crate) fn set(pairs: &mut Vec<(String, Json)>, key: &str, value: Json) {
    match pairs.iter_mut().find(|(known, _)| known == key) {
        Some(known) => known.1 = value,
        None => pairs.push((key.to_owned(), value)),
    }
}

/// Pairs of flags alone.
pub(crate) fn of_flags(flags: &[String]) -> Vec<(String, Json)> {
    let mut pairs = Vec::new();
    for pair in flags.chunks_exact(2) {
        set(&mut pairs, &pair[0], value(&pair[1]));
    }
    pairs
}

fn read(files: &[PathBuf], flags: &[String]) -> Result<Vec<(String, Json)>, Error> {
    let mut pairs = Vec::new();
    for path in files {
        for (key, value) in object(path)? {
            set(&mut pairs, &key, value);
        }
    }
    for (key, value) in of_flags(flags) {
        set(&mut pairs, &key, value);
    }
    Ok(pairs)
}

fn object(path: &Path) -> Result<Vec<(String, Json)>, Error> {
    let text =
        std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let json =
        Json::parse(&text).map_err(|source| Error::Json { path: path.to_owned(), source })?;
    json.members().ok_or_else(|| Error::NoObject(path.to_owned()))
}

/// JSON as JSON, all else as text.
fn value(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|_| Json::string(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_if_they_can_be() {
        for (text, expected) in [
            ("Ann", "\"Ann\""),
            ("12", "12"),
            ("1e3", "1E+3"),
            ("true", "true"),
            ("\"12\"", "\"12\""),
            ("{\"a\": 1}", "{\"a\":1}"),
            ("[1", "\"[1\""),
            ("", "\"\""),
        ] {
            assert_eq!(value(text).as_str(), expected);
        }
    }

    #[test]
    fn flags_win_over_files_and_the_last_of_a_key_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        std::fs::write(&path, r#"{"a":1,"b":{"c":2}}"#).unwrap();
        let flags = ["a", "2", "d", "x", "a", "3"].map(str::to_owned).to_vec();
        let pairs = Parameters { param: flags, param_file: vec![path.clone()] }.read().unwrap();
        let shown = Json::object(pairs.iter().map(|(key, value)| (key.as_str(), value.clone())));
        assert_eq!(shown.as_str(), r#"{"a":3,"b":{"c":2},"d":"x"}"#);

        std::fs::write(&path, "[1]").unwrap();
        assert!(matches!(read(&[path], &[]), Err(Error::NoObject(_))));
    }
}
