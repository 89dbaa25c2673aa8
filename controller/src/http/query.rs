//! Query parameters: of a repeated one the first counts, others than those asked for are ignored.
//!
//! Source: `rest-api.md` §§1.6, 2.5, 3.8, 7.3.

use std::borrow::Cow;
use std::time::Duration;

use model::name::EntityName;
use model::time::WallTime;

use super::route::decode_query;

/// The longest, and the default, wait of a blocking invoke.
const MAX_WAIT_MS: u64 = 60_000;
/// What `limit=0` means, and the most it may be.
const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 30;

/// A parameter that does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The query parameter '{name}' was malformed:\n{reason}")]
pub struct BadQuery {
    /// Which.
    pub name: &'static str,
    /// Why.
    pub reason: String,
}

/// The query of a request.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a>(&'a str);

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// So many are passed over.
    pub skip: u64,
    /// At most so many.
    pub limit: u64,
    /// Only how many there are.
    pub count: bool,
}

/// How an invoke is to be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Wait for the end.
    pub blocking: bool,
    /// Show the result alone.
    pub result: bool,
    /// No longer than this.
    pub patience: Duration,
}

impl<'a> Query<'a> {
    /// The query as it stands behind the `?`.
    #[must_use]
    pub fn new(raw: Option<&'a str>) -> Self {
        Self(raw.unwrap_or(""))
    }

    /// The value of a parameter; empty if it has none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.0.split('&').filter(|part| !part.is_empty()).find_map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode_query(key) == name).then(|| decode_query(value))
        })
    }

    /// A boolean; `default` if it is absent, false if it is empty.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn flag(&self, name: &'static str, default: bool) -> Result<bool, BadQuery> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let is = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
        if is(&["true", "yes", "on", "1"]) {
            Ok(true)
        } else if is(&["false", "no", "off", "0", ""]) {
            Ok(false)
        } else {
            let reason = format!("'{value}' is not a valid Boolean value");
            Err(BadQuery { name, reason })
        }
    }

    /// Which part of `collection` is asked for.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn page(&self, collection: &str) -> Result<Page, BadQuery> {
        let number = |name: &'static str| {
            let Some(value) = self.get(name) else { return Ok(None) };
            value.trim().parse::<i64>().map(Some).map_err(|_| BadQuery {
                name,
                reason: format!("The value '{value}' is not an integer for {collection}."),
            })
        };
        let skip = number("skip")?.unwrap_or(0);
        let skip = u64::try_from(skip).map_err(|_| BadQuery {
            name: "skip",
            reason: format!(
                "The value '{skip}' is not greater than or equal to 0 for {collection}."
            ),
        })?;
        let limit = match number("limit")? {
            None => DEFAULT_LIMIT,
            Some(0) => MAX_LIMIT,
            Some(limit) => u64::try_from(limit)
                .ok()
                .filter(|limit| *limit <= MAX_LIMIT)
                .ok_or_else(|| BadQuery {
                    name: "limit",
                    reason: format!(
                        "The value '{limit}' is not in the range of 0 to {MAX_LIMIT} for \
                         {collection}."
                    ),
                })?,
        };
        Ok(Page { skip, limit, count: self.flag("count", false)? })
    }

    /// How an invoke is to be answered.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn waiting(&self) -> Result<Waiting, BadQuery> {
        let blocking = self.flag("blocking", false)?;
        let result = self.flag("result", false)?;
        let ms = match self.get("timeout") {
            None => MAX_WAIT_MS,
            Some(value) => value
                .parse::<u64>()
                .ok()
                .filter(|ms| (1..=MAX_WAIT_MS).contains(ms))
                .ok_or_else(|| BadQuery {
                    name: "timeout",
                    reason: format!("Timeout must be number of milliseconds up to {MAX_WAIT_MS}."),
                })?,
        };
        Ok(Waiting { blocking, result, patience: Duration::from_millis(ms) })
    }

    /// A bound on the start of activations.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn time(&self, name: &'static str) -> Result<Option<WallTime>, BadQuery> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.parse().map(|ms| Some(WallTime(ms))).map_err(|_| BadQuery {
            name,
            reason: format!("Parameter is not a valid value for epoch seconds: {value}"),
        })
    }

    /// A filter of activations by name; empty is none.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn name_filter(&self, name: &'static str) -> Result<Option<String>, BadQuery> {
        let Some(value) = self.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let mut segments = value.split('/');
        let good = segments.by_ref().take(2).all(|segment| EntityName::new(segment).is_ok())
            && segments.next().is_none();
        if good {
            return Ok(Some(value.into_owned()));
        }
        Err(BadQuery {
            name,
            reason: format!(
                "Parameter may be a 'simple' name or 'package-name/simple' name: {value}"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_in_all_their_forms() {
        for (query, value) in [
            ("", Ok(true)),
            ("x", Ok(false)),
            ("x=", Ok(false)),
            ("x=TRUE", Ok(true)),
            ("x=1&x=false", Ok(true)),
            ("y=1&x=off", Ok(false)),
            (
                "x=maybe",
                Err("The query parameter 'x' was malformed:\n'maybe' is not a valid Boolean value"),
            ),
        ] {
            let read = Query::new(Some(query)).flag("x", true).map_err(|bad| bad.to_string());
            assert_eq!(read, value.map_err(str::to_owned), "{query}");
        }
    }

    #[test]
    fn pages_have_bounds_and_say_so() {
        let page = |query| Query::new(Some(query)).page("actions").map_err(|bad| bad.reason);
        assert_eq!(page(""), Ok(Page { skip: 0, limit: 30, count: false }));
        assert_eq!(page("limit=0&skip=7&count=yes"), Ok(Page { skip: 7, limit: 200, count: true }));
        for (query, reason) in [
            ("limit=201", "The value '201' is not in the range of 0 to 200 for actions."),
            ("limit=-1", "The value '-1' is not in the range of 0 to 200 for actions."),
            ("limit=x", "The value 'x' is not an integer for actions."),
            ("skip=-1", "The value '-1' is not greater than or equal to 0 for actions."),
            ("skip=1.5", "The value '1.5' is not an integer for actions."),
        ] {
            assert_eq!(page(query).unwrap_err(), reason, "{query}");
        }
    }

    #[test]
    fn a_wait_is_at_most_a_minute() {
        let waiting = |query| Query::new(Some(query)).waiting();
        let ms = Duration::from_millis;
        let expected = Waiting { blocking: true, result: false, patience: ms(60_000) };
        assert_eq!(waiting("blocking=true"), Ok(expected));
        assert_eq!(waiting("timeout=1").unwrap().patience, ms(1));
        for bad in ["timeout=0", "timeout=60001", "timeout=x", "timeout="] {
            assert_eq!(
                waiting(bad).unwrap_err().to_string(),
                "The query parameter 'timeout' was malformed:\nTimeout must be number of \
                 milliseconds up to 60000."
            );
        }
    }

    #[test]
    fn filters_of_activations_are_checked() {
        let name = |query| Query::new(Some(query)).name_filter("name");
        assert_eq!(name("name="), Ok(None));
        assert_eq!(name("name=a%20b"), Ok(Some("a b".to_owned())));
        assert_eq!(name("name=p/a"), Ok(Some("p/a".to_owned())));
        for bad in ["name=a/b/c", "name=$x", "name=a/", "name=/"] {
            assert!(name(bad).is_err(), "{bad}");
        }
        let query = Query::new(Some("since=1704067200000&upto=x"));
        assert_eq!(query.time("since"), Ok(Some(WallTime(1_704_067_200_000))));
        assert_eq!(
            query.time("upto").unwrap_err().reason,
            "Parameter is not a valid value for epoch seconds: x"
        );
    }
}
