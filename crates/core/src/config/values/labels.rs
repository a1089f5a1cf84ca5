//! What operators find and group configurations by.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text::suggest;
use crate::{
    config::field_value::FieldData,
    violation::{ErrorCode, Violation},
};

/// Up to 16 texts with a key each. A text may be empty: then the key says all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// The maximum number of labels.
    pub const MAX_LABELS: usize = 16;
    /// The maximum length of a key, and of a text, in characters.
    pub const MAX_CHARS: usize = 63;
    /// The rules of a key as an ECMAScript pattern.
    pub const KEY_PATTERN: &str = "^[a-z0-9][a-z0-9._/-]{0,62}$";
    /// The rules of a text as an ECMAScript pattern.
    pub const TEXT_PATTERN: &str = "^[A-Za-z0-9._-]{0,63}$";

    /// Parses a JSON object, or reports everything that is wrong with it. A null is a label that is not there.
    pub fn parse(value: &Value) -> Result<Self, Vec<Violation>> {
        let Value::Object(members) = value else {
            return Err(vec![Violation::wrong_type("an object of strings", value)]);
        };
        // Sorted, whatever order `serde_json` keeps.
        let members: BTreeMap<_, _> = members.iter().filter(|(_, value)| !value.is_null()).collect();
        if members.len() > Self::MAX_LABELS {
            return Err(vec![too_many_labels()]);
        }
        let mut labels = BTreeMap::new();
        let mut violations = Vec::new();
        for (key, value) in members {
            match parse_label(key, value) {
                Ok(text) => {
                    labels.insert(key.clone(), text.to_owned());
                }
                Err(broken) => violations.extend(broken),
            }
        }
        if violations.is_empty() {
            Ok(Self(labels))
        } else {
            Err(violations)
        }
    }

    /// The texts by their keys.
    #[must_use]
    pub const fn texts(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl From<Labels> for FieldData {
    fn from(labels: Labels) -> Self {
        Self::Map(labels.0)
    }
}

/// The broken rule of a map with more labels than allowed.
pub(in crate::config) fn too_many_labels() -> Violation {
    Violation::new(ErrorCode::TooLong, "must have at most 16 labels")
}

/// The text of a label, or everything that is wrong with the label.
pub(in crate::config) fn parse_label<'a>(key: &str, value: &'a Value) -> Result<&'a str, Vec<Violation>> {
    let key_rule = check_key(key).map_err(|violation| suggest(violation, &key.trim().to_ascii_lowercase(), valid_key));
    let text = parse_text(value);
    match (key_rule, text) {
        (Ok(()), Ok(text)) => Ok(text),
        (key_rule, text) => {
            let broken = key_rule.err().into_iter().chain(text.err());
            Err(broken.map(|violation| violation.of_entry(key)).collect())
        }
    }
}

fn valid_key(key: &str) -> Result<String, Violation> {
    check_key(key).map(|()| key.to_owned())
}

fn check_key(key: &str) -> Result<(), Violation> {
    let is_first = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let is_valid = |character: char| is_first(character) || "._/-".contains(character);
    if key.is_empty() {
        Err(Violation::new(ErrorCode::Empty, "must have a key that is not empty"))
    } else if !key.starts_with(is_first) || !key.chars().all(is_valid) {
        Err(Violation::new(
            ErrorCode::InvalidFormat,
            "must have a key of a-z, 0-9 and the characters . _ / - that begins with a-z or 0-9",
        ))
    } else if key.len() > Labels::MAX_CHARS {
        Err(Violation::new(
            ErrorCode::TooLong,
            "must have a key of at most 63 characters",
        ))
    } else {
        Ok(())
    }
}

fn parse_text(value: &Value) -> Result<&str, Violation> {
    let Value::String(text) = value else {
        return Err(Violation::wrong_type("a string", value));
    };
    if text
        .chars()
        .any(|character| !character.is_ascii_alphanumeric() && !"._-".contains(character))
    {
        Err(Violation::new(
            ErrorCode::InvalidFormat,
            "must contain only letters (A-Z, a-z), digits and the characters . _ -",
        ))
    } else if text.len() > Labels::MAX_CHARS {
        Err(Violation::new(ErrorCode::TooLong, "must be at most 63 characters long"))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn broken(value: &Value) -> Vec<(Option<String>, ErrorCode)> {
        let violations = Labels::parse(value).unwrap_err().into_iter();
        violations.map(|violation| (violation.entry, violation.code)).collect()
    }

    #[test]
    fn maximum_is_16_labels_of_63_characters() {
        let labels = |count: usize| -> Value {
            (0..count)
                .map(|n| (format!("{n:0>63}"), json!("t".repeat(63))))
                .collect()
        };
        assert_eq!(Labels::parse(&labels(16)).unwrap().texts().len(), 16);
        assert_eq!(broken(&labels(17)), [(None, ErrorCode::TooLong)]);
        for too_long in [json!({"k".repeat(64): ""}), json!({"k": "t".repeat(64)})] {
            assert_eq!(broken(&too_long)[0].1, ErrorCode::TooLong, "{too_long}");
        }
    }

    #[test]
    fn null_is_no_label_and_a_text_may_be_empty() {
        let labels = Labels::parse(&json!({"canary": "", "Old": null})).unwrap();
        assert_eq!(labels.texts(), &BTreeMap::from([("canary".to_owned(), String::new())]));
        let mut many: Value = (0..16).map(|n| (n.to_string(), json!("x"))).collect();
        many["old"] = Value::Null;
        assert!(Labels::parse(&many).is_ok());
        assert!(Labels::parse(&json!({})).unwrap().texts().is_empty());
    }

    #[test]
    fn everything_that_is_wrong_is_reported_with_its_key() {
        let found = broken(&json!({"": "x", "Team": "a b", "a": 7, "b": ["x"], "c": "é", "ok": "1", "/d": "x"}));
        let rule = |key: &str, code| (Some(key.to_owned()), code);
        assert_eq!(
            found,
            [
                rule("", ErrorCode::Empty),
                rule("/d", ErrorCode::InvalidFormat),
                rule("Team", ErrorCode::InvalidFormat),
                rule("Team", ErrorCode::InvalidFormat),
                rule("a", ErrorCode::WrongType),
                rule("b", ErrorCode::WrongType),
                rule("c", ErrorCode::InvalidFormat),
            ]
        );
        let error = Labels::parse(&json!({"Team": "x"})).unwrap_err().remove(0);
        let error = error.for_field("labels");
        assert_eq!(error.field, "labels.Team");
        assert!(error.message.ends_with("(did you mean team?)"), "{error}");
    }

    #[test]
    fn value_other_than_an_object_is_rejected() {
        for value in [json!("a"), json!(["a"]), json!(1), json!(true)] {
            assert_eq!(broken(&value), [(None, ErrorCode::WrongType)], "{value}");
        }
    }
}
