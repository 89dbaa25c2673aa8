//! JSON that is passed on, not looked into: checked once, made compact, then spliced.
//!
//! Source of the form of numbers: `rest-api.md` §2.4 (digits and scale are kept, an exponent is
//! printed as in `1.5E+300`, `-0.0` as `0.0`).

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ordered::set_all;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 512;

/// A JSON value as compact text in one canonical form. Cheap to clone; cuts share the buffer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Bytes);

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Why some bytes are not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at line {line}, column {column}")]
pub struct BadJson {
    /// In a few words.
    pub what: &'static str,
    /// Whether the text just ended too early.
    pub at_end: bool,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Json {
    /// Checks `text` and makes it compact. Invalid UTF-8 is read as U+FFFD.
    ///
    /// # Errors
    /// [`BadJson`] with the place of the first fault.
    pub fn parse(text: &[u8]) -> Result<Self, BadJson> {
        match String::from_utf8_lossy(text) {
            std::borrow::Cow::Borrowed(text) => Self::parse_text(text),
            std::borrow::Cow::Owned(text) => Self::parse_text(&text),
        }
    }

    fn parse_text(text: &str) -> Result<Self, BadJson> {
        let mut parser =
            Parser { text: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len()) };
        let parsed = parser.document();
        let at = parser.at;
        parsed.map(|()| Self(parser.out.into())).map_err(|what| fault(text, at, what))
    }

    /// A value made from something that serialises; what cannot be JSON becomes `null`.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        serde_json::to_vec(value)
            .ok()
            .and_then(|text| Self::parse(&text).ok())
            .unwrap_or_else(Self::null)
    }

    /// `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// `{}`.
    #[must_use]
    pub fn empty_object() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    /// A JSON string.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self(quote(text).into())
    }

    /// `{"error": text}`.
    #[must_use]
    pub fn error(text: &str) -> Self {
        Self::object([("error", Self::string(text))])
    }

    /// An object with these members in this order.
    #[must_use]
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let mut out = vec![b'{'];
        for (name, value) in members {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(quote(name).as_bytes());
            out.push(b':');
            out.extend_from_slice(&value.0);
        }
        out.push(b'}');
        Self(out.into())
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0.first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The compact text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("null")
    }

    /// The compact text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The text of a JSON string, unescaped.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        if self.kind() != Kind::String {
            return None;
        }
        serde_json::from_slice(&self.0).ok()
    }

    /// The members of an object, in order; a name that is there twice keeps the first place and
    /// the last value. `None` if it is no object.
    #[must_use]
    pub fn members(&self) -> Option<Vec<(String, Self)>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let mut members: Vec<(String, Self)> = Vec::new();
        let mut at = 1;
        let member = || {
            if self.0[at] == b'}' {
                return None;
            }
            let name_end = end_of_value(&self.0, at);
            let name: String = serde_json::from_slice(&self.0[at..name_end]).unwrap_or_default();
            let end = end_of_value(&self.0, name_end + 1);
            let value = Self(self.0.slice(name_end + 1..end));
            at = if self.0[end] == b',' { end + 1 } else { end };
            Some((name, value))
        };
        set_all(&mut members, std::iter::from_fn(member), |(name, _)| name);
        Some(members)
    }

    /// The elements of an array. `None` if it is no array.
    #[must_use]
    pub fn elements(&self) -> Option<Vec<Self>> {
        if self.kind() != Kind::Array {
            return None;
        }
        let mut elements = Vec::new();
        let mut at = 1;
        while self.0[at] != b']' {
            let end = end_of_value(&self.0, at);
            elements.push(Self(self.0.slice(at..end)));
            at = if self.0[end] == b',' { end + 1 } else { end };
        }
        Some(elements)
    }

    /// A member of an object.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Self> {
        self.members()?.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Truthy as annotations are: `true`, a number but 0, a string but `""`, any array or object.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self.kind() {
            Kind::Null => false,
            Kind::Bool => self.as_str() == "true",
            Kind::Number => self.as_str().parse::<f64>().is_ok_and(|number| number != 0.0),
            Kind::String => self.as_str() != "\"\"",
            Kind::Array | Kind::Object => true,
        }
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments and results may hold secrets: never shown by accident.
        write!(f, "Json({:?}, {} bytes)", self.kind(), self.0.len())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let raw: &serde_json::value::RawValue =
                serde_json::from_slice(&self.0).map_err(serde::ser::Error::custom)?;
            raw.serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
            Self::parse(raw.get().as_bytes()).map_err(serde::de::Error::custom)
        } else {
            let bytes = Bytes::deserialize(deserializer)?;
            // Written by us from a `Json`; behind a CRC. Only the encoding is checked again.
            std::str::from_utf8(&bytes).map_err(serde::de::Error::custom)?;
            Ok(Self(bytes))
        }
    }
}

fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}

fn fault(text: &str, at: usize, what: &'static str) -> BadJson {
    let at = at.min(text.len());
    let before = String::from_utf8_lossy(&text.as_bytes()[..at]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    BadJson { what, at_end: at == text.len(), line, column }
}

/// Where the value that starts at `at` ends, in text that is known to be compact JSON.
fn end_of_value(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    loop {
        match text.get(at) {
            None => return at,
            Some(b'"') => {
                at += 1;
                while text.get(at).is_some_and(|c| *c != b'"') {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            Some(b'{' | b'[') => {
                depth += 1;
                at += 1;
            }
            Some(b'}' | b']') => {
                if depth == 0 {
                    return at;
                }
                depth -= 1;
                at += 1;
            }
            Some(b',' | b':') if depth == 0 => return at,
            Some(_) => at += 1,
        }
        if depth == 0 && matches!(text.get(at), None | Some(b',' | b':' | b'}' | b']')) {
            return at;
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

type Parsed = Result<(), &'static str>;

const ENDED: &str = "Unexpected end-of-input";

impl Parser<'_> {
    fn document(&mut self) -> Parsed {
        self.space();
        self.value()?;
        self.space();
        if self.at < self.text.len() {
            Err("Unexpected character behind the value")
        } else {
            Ok(())
        }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// One value with all inside it; containers are kept on a stack of their closing brackets.
    fn value(&mut self) -> Parsed {
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.text.get(self.at) {
                None => return Err(ENDED),
                Some(b'{') => {
                    self.enter(&mut open, b'}')?;
                    if !self.leaves(&mut open) {
                        self.name()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.enter(&mut open, b']')?;
                    if !self.leaves(&mut open) {
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(_) => return Err("Unexpected character, expected a value"),
            }
            if self.behind_value(&mut open)? {
                return Ok(());
            }
        }
    }

    fn enter(&mut self, open: &mut Vec<u8>, close: u8) -> Parsed {
        if open.len() == MAX_DEPTH {
            return Err("Nested too deeply");
        }
        open.push(close);
        self.out.push(self.text[self.at]);
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Leaves the innermost container if it closes here.
    fn leaves(&mut self, open: &mut Vec<u8>) -> bool {
        match (open.last(), self.text.get(self.at)) {
            (Some(close), Some(here)) if close == here => {
                self.out.push(*here);
                self.at += 1;
                open.pop();
                true
            }
            _ => false,
        }
    }

    /// Goes on behind a value: closes what closes, stops at the next value. True: all is closed.
    fn behind_value(&mut self, open: &mut Vec<u8>) -> Result<bool, &'static str> {
        loop {
            let Some(close) = open.last().copied() else { return Ok(true) };
            self.space();
            if self.leaves(open) {
                continue;
            }
            match self.text.get(self.at) {
                None => return Err(ENDED),
                Some(b',') => {}
                Some(_) if close == b'}' => {
                    return Err("Unexpected character, expected ',' or '}'");
                }
                Some(_) => return Err("Unexpected character, expected ',' or ']'"),
            }
            self.out.push(b',');
            self.at += 1;
            self.space();
            if close == b'}' {
                self.name()?;
            }
            return Ok(false);
        }
    }

    fn name(&mut self) -> Parsed {
        match self.text.get(self.at) {
            None => return Err(ENDED),
            Some(b'"') => self.string()?,
            Some(_) => return Err("Unexpected character, expected a name in quotes"),
        }
        self.space();
        match self.text.get(self.at) {
            None => return Err(ENDED),
            Some(b':') => {}
            Some(_) => return Err("Unexpected character, expected ':'"),
        }
        self.out.push(b':');
        self.at += 1;
        self.space();
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Parsed {
        let rest = &self.text[self.at..];
        if rest.starts_with(word) {
            self.out.extend_from_slice(word);
            self.at += word.len();
            return Ok(());
        }
        if word.starts_with(rest) {
            self.at = self.text.len();
            return Err(ENDED);
        }
        Err("Unexpected character, expected a value")
    }

    /// Plain stretches are copied as they are; escapes are written in one form.
    fn string(&mut self) -> Parsed {
        self.out.push(b'"');
        self.at += 1;
        loop {
            let start = self.at;
            while self.text.get(self.at).is_some_and(|c| !matches!(c, b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            self.out.extend_from_slice(&self.text[start..self.at]);
            match self.text.get(self.at) {
                None => return Err(ENDED),
                Some(b'"') => {
                    self.out.push(b'"');
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err("Unescaped control character in a string"),
            }
        }
    }

    fn escape(&mut self) -> Parsed {
        let Some(c) = self.text.get(self.at + 1) else {
            self.at = self.text.len();
            return Err(ENDED);
        };
        match c {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.out.extend_from_slice(&[b'\\', *c]);
                self.at += 2;
            }
            b'/' => {
                self.out.push(b'/');
                self.at += 2;
            }
            b'u' => return self.unicode(),
            _ => return Err("Unknown escape in a string"),
        }
        Ok(())
    }

    fn unicode(&mut self) -> Parsed {
        let first = self.four_digits(self.at + 2)?;
        self.at += 6;
        let code = match first {
            0xd800..=0xdbff => {
                if self.text.get(self.at) == Some(&b'\\')
                    && self.text.get(self.at + 1) == Some(&b'u')
                {
                    let second = self.four_digits(self.at + 2)?;
                    if (0xdc00..=0xdfff).contains(&second) {
                        self.at += 6;
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    } else {
                        0xfffd
                    }
                } else {
                    0xfffd
                }
            }
            0xdc00..=0xdfff => 0xfffd,
            other => other,
        };
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        let quoted = quote(c.encode_utf8(&mut [0; 4]));
        self.out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
        Ok(())
    }

    fn four_digits(&mut self, from: usize) -> Result<u32, &'static str> {
        let Some(digits) = self.text.get(from..from + 4) else {
            self.at = self.text.len();
            return Err(ENDED);
        };
        std::str::from_utf8(digits)
            .ok()
            .filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or("Unknown escape in a string")
    }

    fn number(&mut self) -> Parsed {
        let start = self.at;
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        let whole = self.at;
        self.digits()?;
        if self.text[whole] == b'0' && self.at > whole + 1 {
            self.at = whole + 1;
            return Err("Leading zero in a number");
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        let mantissa_end = self.at;
        let mut exponent = None;
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            let negative = self.text.get(self.at) == Some(&b'-');
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            let from = self.at;
            self.digits()?;
            exponent = Some((negative, &self.text[from..self.at]));
        }
        let mantissa = &self.text[start..mantissa_end];
        let is_zero = mantissa.iter().all(|c| matches!(c, b'-' | b'.' | b'0'));
        let mantissa =
            if is_zero { mantissa.strip_prefix(b"-").unwrap_or(mantissa) } else { mantissa };
        self.out.extend_from_slice(mantissa);
        if let Some((negative, digits)) = exponent {
            self.out.extend_from_slice(if negative { b"E-" } else { b"E+" });
            self.out.extend_from_slice(digits);
        }
        Ok(())
    }

    fn digits(&mut self) -> Parsed {
        match self.text.get(self.at) {
            None => return Err(ENDED),
            Some(c) if c.is_ascii_digit() => {}
            Some(_) => return Err("Unexpected character in a number"),
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    fn compact(text: &str) -> String {
        Json::parse(text.as_bytes()).unwrap().as_str().to_owned()
    }

    #[test]
    fn values_are_made_compact_and_keep_their_digits() {
        for (text, expected) in [
            (r#" { "a" : [ 1 , 2.0 , { } ] , "b" : "x y" } "#, r#"{"a":[1,2.0,{}],"b":"x y"}"#),
            ("12345678901234567890", "12345678901234567890"),
            ("[1.0,1000.0,1.5e300,1E-7,-0.0,-0]", "[1.0,1000.0,1.5E+300,1E-7,0.0,0]"),
            (r#""\u0041\/\u00e9\ud83d\ude00\ud800\n\u0000""#, "\"A/é😀\u{fffd}\\n\\u0000\""),
            ("[[[]]]", "[[[]]]"),
            ("[ ]", "[]"),
            ("null", "null"),
        ] {
            assert_eq!(compact(text), expected);
        }
    }

    #[test]
    fn faults_are_told_with_line_and_column() {
        for (text, message) in [
            ("", "Unexpected end-of-input at line 1, column 1"),
            ("{\n \"a\": tru", "Unexpected end-of-input at line 2, column 10"),
            ("{\"a\" 1}", "Unexpected character, expected ':' at line 1, column 6"),
            ("[1,]", "Unexpected character, expected a value at line 1, column 4"),
            ("[1] x", "Unexpected character behind the value at line 1, column 5"),
            ("01", "Leading zero in a number at line 1, column 2"),
            ("{,}", "Unexpected character, expected a name in quotes at line 1, column 2"),
            ("{\"a\":1,}", "Unexpected character, expected a name in quotes at line 1, column 8"),
        ] {
            assert_eq!(Json::parse(text.as_bytes()).unwrap_err().to_string(), message, "{text:?}");
        }
        assert!(Json::parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn members_keep_their_order_and_the_last_of_a_name_counts() {
        let json = Json::parse(br#"{"b":{"x":[1,"}"]},"a":"q\"","b":2}"#).unwrap();
        let members = json.members().unwrap();
        let shown: Vec<_> = members.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(shown, [("b", "2"), ("a", "\"q\\\"\"")]);
        let elements = Json::parse(b"[1,[2,3],{\"a\":[]},\"x,]\"]").unwrap().elements().unwrap();
        let shown: Vec<_> = elements.iter().map(Json::as_str).collect();
        assert_eq!(shown, ["1", "[2,3]", "{\"a\":[]}", "\"x,]\""]);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_judged_as_serde_json_does(text in "[\\[\\]{}\",:0-9eE.+ntruefalsl\\\\ -]{0,24}") {
            let ours = Json::parse(text.as_bytes());
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text);
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}: {ours:?} {theirs:?}");
        }

        #[test]
        fn compact_text_is_its_own_compact_form(values in prop::collection::vec(".*", 0..5)) {
            let text = serde_json::to_string_pretty(&values).unwrap();
            let once = Json::parse(text.as_bytes()).unwrap();
            assert_eq!(Json::parse(once.as_bytes()).unwrap(), once);
            assert_eq!(serde_json::from_str::<Vec<String>>(once.as_str()).unwrap(), values);
            assert_eq!(once.elements().unwrap().len(), values.len());
        }
    }
}
