//! Bodies of requests of administrators.

use model::identity::Key;
use model::json::{Json, Kind};
use model::limits::MAX_PAYLOAD;

use super::{Api, Asked, Error};
use crate::http::body::{self, BadBody, Incoming, malformed};

impl Api {
    /// The key that is to be imported, if the body has one. There need not be a body.
    pub(super) async fn imported(
        &self,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Option<Key>, Error> {
        let read = body::payload(asked.headers, body, &self.in_flight, MAX_PAYLOAD).await?;
        key(&body::arguments(asked.headers, &read)?)
    }

    /// The object that there has to be.
    pub(super) async fn object(&self, asked: &Asked<'_>, body: Incoming) -> Result<Json, Error> {
        let object = |json: &Json| match json.kind() {
            Kind::Object => Ok(json.clone()),
            _ => Err(malformed("JSON object expected")),
        };
        Ok(body::small_entity(asked.headers, body, &self.in_flight, object).await?)
    }
}

fn key(body: &Json) -> Result<Option<Key>, Error> {
    let mut key = None;
    for (name, value) in body.members().unwrap_or_default() {
        if name != "key" {
            return Err(unknown(&name, ["key"]).into());
        }
        if value.kind() != Kind::Null {
            key = Some(Key::parse(&value.text().unwrap_or_default())?);
        }
    }
    Ok(key)
}

/// A field that there is not, with the one that is most like it.
pub(super) fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> BadBody {
    let nearest = known.into_iter().min_by_key(|known| strsim::damerau_levenshtein(name, known));
    let nearest = nearest.unwrap_or_default();
    malformed(format!("unknown field '{name}'; did you mean '{nearest}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_or_refused_in_the_words_of_the_contract() {
        let read = |text: &str| {
            let read = key(&Json::parse(text.as_bytes()).unwrap());
            read.map(|key| key.map(|key| key.reveal())).map_err(|error| error.to_string())
        };
        let good = format!("23bc46b1-71f6-4ed5-8c54-816aa4f8c502:{}", "s".repeat(64));
        assert_eq!(read("{}"), Ok(None));
        assert_eq!(read(r#"{"key":null}"#), Ok(None));
        assert_eq!(read(&format!(r#"{{"key":"{good}"}}"#)), Ok(Some(good)));
        let bad = "A key is '<uuid>:<secret>' with a secret of exactly 64 characters.";
        assert_eq!(read(r#"{"key":"a:b"}"#), Err(bad.to_owned()));
        assert_eq!(read(r#"{"key":7}"#), Err(bad.to_owned()));
        let unknown =
            "The request content was malformed:\nunknown field 'kye'; did you mean 'key'?";
        assert_eq!(read(r#"{"kye":"x"}"#), Err(unknown.to_owned()));
    }
}
