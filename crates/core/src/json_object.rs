//! A JSON object whose member names are unique.
//!
//! `serde_json::Map` keeps the last of two members with one name (RFC 8259, section 4 leaves the choice open). In a
//! configuration that would drop data which the client sent, so a repeated name is an error here.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::Value;

/// Members in the order in which they were sent. The values are parsed, or are texts that the caller parses one by one.
#[derive(Debug, PartialEq)]
pub(crate) struct JsonObject<V = Value>(pub(crate) Vec<(String, V)>);

/// Why a text is not such an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JsonObjectError {
    /// Not JSON. The position is where parsing stopped.
    Syntax { line: usize, column: usize },
    /// JSON, but not an object.
    NotAnObject,
    /// A member name is repeated.
    Repeated(String),
}

/// Marks the one error of this module among serde's, which carry only text. serde's own messages never contain NUL.
const REPEATED: &str = "\0repeated\0";

impl<'de, V: Deserialize<'de>> JsonObject<V> {
    pub(crate) fn parse(text: &'de [u8]) -> Result<Self, JsonObjectError> {
        serde_json::from_slice(text).map_err(|error| {
            let message = error.to_string();
            if let Some(rest) = message.strip_prefix(REPEATED) {
                let name = rest.split_once(REPEATED).map_or(rest, |(name, _position)| name);
                return JsonObjectError::Repeated(name.to_owned());
            }
            match error.classify() {
                // The visitor accepts only an object, so a data error is a value of another kind.
                serde_json::error::Category::Data => JsonObjectError::NotAnObject,
                _ => JsonObjectError::Syntax {
                    line: error.line(),
                    column: error.column(),
                },
            }
        })
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for JsonObject<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = JsonObject<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject<V>, A::Error> {
                let mut members = Vec::new();
                let mut names = std::collections::HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, V>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("{REPEATED}{name}{REPEATED}")));
                    }
                    members.push((name, value));
                }
                Ok(JsonObject(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_keep_their_order() {
        let object = JsonObject::<Value>::parse(br#" {"b":1,"a":[true]} "#).unwrap();
        assert_eq!(object.0, [("b".to_owned(), json!(1)), ("a".to_owned(), json!([true]))]);
    }

    #[test]
    fn repeated_name_is_reported() {
        assert_eq!(
            JsonObject::<Value>::parse(br#"{"a":1,"\u0061":2}"#),
            Err(JsonObjectError::Repeated("a".to_owned()))
        );
    }

    #[test]
    fn json_other_than_an_object_is_rejected() {
        for text in ["null", "1", "\"a\"", "[]", "true"] {
            assert_eq!(
                JsonObject::<Value>::parse(text.as_bytes()),
                Err(JsonObjectError::NotAnObject),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_json_is_reported_with_its_position() {
        for text in ["", "{", "{\"a\":1}x", "{'a':1}", "\u{0}", "{\"a\":\"\u{1}\"}"] {
            assert!(
                matches!(JsonObject::<Value>::parse(text.as_bytes()), Err(JsonObjectError::Syntax { .. })),
                "{text:?}"
            );
        }
        assert!(matches!(
            JsonObject::<Value>::parse(b"{\"a\":\"\xff\"}"),
            Err(JsonObjectError::Syntax { .. })
        ));
    }

    #[test]
    fn nesting_beyond_the_parser_limit_is_an_error() {
        let text = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(matches!(
            JsonObject::<Value>::parse(text.as_bytes()),
            Err(JsonObjectError::Syntax { .. })
        ));
    }
}
