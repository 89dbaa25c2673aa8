//! The body of every refusal: a code, which is the transaction id, and a text.
//!
//! Source: `rest-api.md` §1.5. An application error has no such body: it is the result itself.

use serde::{Deserialize, Serialize};

/// The body of an error answer: exactly these two members, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// The transaction id: equal to the header `X-Request-ID` of the answer.
    #[serde(deserialize_with = "text_or_number")]
    pub code: String,
    /// What is wrong, in a sentence.
    pub error: String,
}

/// The bytes of an error body.
#[must_use]
pub fn body(code: &str, error: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(code.len() + error.len() + 24);
    out.extend_from_slice(br#"{"code":"#);
    crate::activation::write_text(&mut out, code);
    out.extend_from_slice(br#","error":"#);
    crate::activation::write_text(&mut out, error);
    out.push(b'}');
    out
}

/// Old servers sent a number; a client that refuses it would hide the text beside it.
fn text_or_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code {
        Text(String),
        Number(i64),
    }
    Ok(match Code::deserialize(deserializer)? {
        Code::Text(text) => text,
        Code::Number(number) => number.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_that_of_the_contract() {
        let bytes =
            body("R4mGMXQXHxZeCV8AfwBBTCLPSlMDGSCC", "The requested resource does not exist.");
        let text = concat!(
            r#"{"code":"R4mGMXQXHxZeCV8AfwBBTCLPSlMDGSCC","#,
            r#""error":"The requested resource does not exist."}"#
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
        let read: Error = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(body("a\"b", "x\ny"), br#"{"code":"a\"b","error":"x\ny"}"#);
    }

    #[test]
    fn a_numeric_code_is_tolerated() {
        let read: Error = serde_json::from_str(r#"{"error":"x","code":-7}"#).unwrap();
        assert_eq!(read.code, "-7");
    }
}
