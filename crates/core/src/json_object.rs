//! A JSON object whose member names are unique.
//!
//! `serde_json::Map` keeps the last of two members with one name (RFC 8259, section 4 leaves the choice open). In a
//! configuration that would drop data which the client sent, so a repeated name is an error here, at any depth.

use std::{collections::HashSet, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

/// Members in the order in which they were sent.
#[derive(Debug, PartialEq)]
pub(crate) struct JsonObject(pub(crate) Vec<(String, Value)>);

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

impl JsonObject {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, JsonObjectError> {
        read_object::<JsonValue>(text).map(|members| Self(values(members).collect()))
    }
}

/// The members of an object, each value as its text. Only the names in the object itself are unique, and a text need not be
/// valid Unicode when its escapes are resolved.
pub(crate) fn parse_texts(text: &[u8]) -> Result<Vec<(String, &RawValue)>, JsonObjectError> {
    read_object(text)
}

fn values(members: Vec<(String, JsonValue)>) -> impl Iterator<Item = (String, Value)> {
    members.into_iter().map(|(name, JsonValue(value))| (name, value))
}

fn read_object<'de, V: Deserialize<'de>>(text: &'de [u8]) -> Result<Vec<(String, V)>, JsonObjectError> {
    let object = serde_json::from_slice(text);
    object.map(|Members(members)| members).map_err(|error| {
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

struct Members<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyMembers<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for AnyMembers<V> {
            type Value = Members<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Members<V>, A::Error> {
                read_members(map).map(Members)
            }
        }

        deserializer.deserialize_map(AnyMembers(PhantomData))
    }
}

fn read_members<'de, V: Deserialize<'de>, A: MapAccess<'de>>(mut map: A) -> Result<Vec<(String, V)>, A::Error> {
    let mut members = Vec::new();
    let mut names = HashSet::new();
    while let Some((name, value)) = map.next_entry::<String, V>()? {
        if !names.insert(name.clone()) {
            return Err(A::Error::custom(format!("{REPEATED}{name}{REPEATED}")));
        }
        members.push((name, value));
    }
    Ok(members)
}

/// A value whose objects have unique names.
struct JsonValue(Value);

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;

        impl<'de> Visitor<'de> for AnyValue {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(JsonValue(value)) = entries.next_element()? {
                    values.push(value);
                }
                Ok(values.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                Ok(values(read_members(map)?).collect())
            }
        }

        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_keep_their_order() {
        let object = JsonObject::parse(br#" {"b":1,"a":[true]} "#).unwrap();
        assert_eq!(object.0, [("b".to_owned(), json!(1)), ("a".to_owned(), json!([true]))]);
    }

    #[test]
    fn repeated_name_is_reported() {
        assert_eq!(
            JsonObject::parse(br#"{"a":1,"\u0061":2}"#),
            Err(JsonObjectError::Repeated("a".to_owned()))
        );
    }

    #[test]
    fn repeated_name_is_reported_at_any_depth() {
        for text in [
            r#"{"labels":{"a":"1","a":"2"}}"#,
            r#"{"x":[[{"y":{"a":1,"b":2,"a":1}}]]}"#,
        ] {
            assert_eq!(
                JsonObject::parse(text.as_bytes()),
                Err(JsonObjectError::Repeated("a".to_owned())),
                "{text}"
            );
        }
        assert!(JsonObject::parse(br#"{"a":{"a":{"a":[{"a":1},{"a":2}]}}}"#).is_ok());
    }

    #[test]
    fn values_are_those_of_serde_json() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,1e300,"\u00e9",{"b":[]},{}]}"#;
        let JsonObject(members) = JsonObject::parse(text.as_bytes()).unwrap();
        let whole: Value = members.into_iter().collect();
        assert_eq!(whole, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn json_other_than_an_object_is_rejected() {
        for text in ["null", "1", "\"a\"", "[]", "true"] {
            assert_eq!(
                JsonObject::parse(text.as_bytes()),
                Err(JsonObjectError::NotAnObject),
                "{text}"
            );
        }
    }

    #[test]
    fn malformed_json_is_reported_with_its_position() {
        for text in ["", "{", "{\"a\":1}x", "{'a':1}", "\u{0}", "{\"a\":\"\u{1}\"}"] {
            assert!(
                matches!(JsonObject::parse(text.as_bytes()), Err(JsonObjectError::Syntax { .. })),
                "{text:?}"
            );
        }
        assert!(matches!(
            JsonObject::parse(b"{\"a\":\"\xff\"}"),
            Err(JsonObjectError::Syntax { .. })
        ));
    }

    #[test]
    fn nesting_beyond_the_parser_limit_is_an_error() {
        let text = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(matches!(
            JsonObject::parse(text.as_bytes()),
            Err(JsonObjectError::Syntax { .. })
        ));
    }
}
