//! The applications whose logs a tenant wants.

use std::collections::HashSet;

use serde_json::Value;

use super::text::{check_printable, unprintable};
use crate::{
    config::field_value::FieldData,
    violation::{ErrorCode, Violation},
};

/// 1 to 200 different names of 1 to 256 characters without surrounding whitespace. No list means every application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredLogs(Vec<String>);

impl DesiredLogs {
    /// The maximum number of names.
    pub const MAX_NAMES: usize = 200;
    /// The maximum length of a name in characters.
    pub const MAX_NAME_CHARS: usize = 256;
    /// The rules of a name as an ECMAScript pattern, except for the length.
    pub const NAME_PATTERN: &str = concat!(
        r"^[^\s",
        unprintable!(),
        "](?:[^",
        unprintable!(),
        r"]*[^\s",
        unprintable!(),
        "])?$"
    );

    /// Parses a JSON array, or reports everything that is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, Vec<Violation>> {
        let Value::Array(entries) = value else {
            return Err(vec![Violation::wrong_type("an array of strings", value)]);
        };
        if entries.is_empty() {
            return Err(vec![Violation::new(
                ErrorCode::Empty,
                "must not be an empty list (omit the field or send null to deliver the logs of every application)",
            )]);
        }
        if entries.len() > Self::MAX_NAMES {
            return Err(vec![Violation::new(
                ErrorCode::TooLong,
                "must contain at most 200 names",
            )]);
        }
        let mut names = Vec::with_capacity(entries.len());
        let mut seen = HashSet::with_capacity(entries.len());
        let mut violations = Vec::new();
        for (position, entry) in (1..).zip(entries) {
            match parse_name(entry) {
                Ok(name) if seen.insert(name) => names.push(name.to_owned()),
                Ok(_) => violations.push(Violation::new(
                    ErrorCode::Duplicate,
                    format!("entry {position} must not repeat an earlier entry"),
                )),
                Err(Violation { code, message, .. }) => {
                    violations.push(Violation::new(code, format!("entry {position} {message}")));
                }
            }
        }
        if violations.is_empty() {
            Ok(Self(names))
        } else {
            Err(violations)
        }
    }

    /// The names, in the order in which they were sent.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl From<DesiredLogs> for FieldData {
    fn from(logs: DesiredLogs) -> Self {
        Self::List(logs.0)
    }
}

fn parse_name(entry: &Value) -> Result<&str, Violation> {
    let Value::String(name) = entry else {
        return Err(Violation::wrong_type("a string", entry));
    };
    if name.is_empty() {
        Err(Violation::new(ErrorCode::Empty, "must not be empty"))
    } else if name.trim() != name {
        let violation = Violation::new(ErrorCode::InvalidFormat, "must not begin or end with whitespace");
        let trimmed = Value::from(name.trim());
        Err(match parse_name(&trimmed) {
            Ok(meant) => violation.suggesting(meant),
            Err(_) => violation,
        })
    } else if name.chars().count() > DesiredLogs::MAX_NAME_CHARS {
        Err(Violation::new(
            ErrorCode::TooLong,
            "must be at most 256 characters long",
        ))
    } else {
        check_printable(name).map(|()| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codes(value: &Value) -> Vec<ErrorCode> {
        DesiredLogs::parse(value)
            .unwrap_err()
            .into_iter()
            .map(|violation| violation.code)
            .collect()
    }

    #[test]
    fn names_keep_their_order() {
        let names = DesiredLogs::parse(&json!(["user-service", "payment service", "\u{e9}"])).unwrap();
        assert_eq!(names.names(), ["user-service", "payment service", "\u{e9}"]);
    }

    #[test]
    fn maximum_is_200_names_of_256_characters() {
        let names = |count: usize| json!((0..count).map(|n| format!("{n:0>256}")).collect::<Vec<_>>());
        assert!(DesiredLogs::parse(&names(200)).is_ok());
        assert_eq!(codes(&names(201)), [ErrorCode::TooLong]);
        assert_eq!(codes(&json!(["n".repeat(257)])), [ErrorCode::TooLong]);
    }

    #[test]
    fn empty_list_is_rejected_with_the_alternative() {
        let violation = DesiredLogs::parse(&json!([])).unwrap_err().remove(0);
        assert!(violation.message.contains("omit the field or send null"), "{violation}");
    }

    #[test]
    fn every_invalid_entry_is_reported() {
        assert_eq!(
            codes(&json!([
                "a",
                1,
                "",
                " b",
                "a",
                "c\n",
                "d\u{0}e",
                "f\u{fffd}",
                "g\u{200b}",
                "\u{202e}h"
            ])),
            [
                ErrorCode::WrongType,
                ErrorCode::Empty,
                ErrorCode::InvalidFormat,
                ErrorCode::Duplicate,
                ErrorCode::InvalidFormat,
                ErrorCode::InvalidFormat,
                ErrorCode::InvalidFormat,
                ErrorCode::InvalidFormat,
                ErrorCode::InvalidFormat
            ]
        );
    }

    #[test]
    fn name_with_surrounding_whitespace_is_shown_without_it() {
        let violation = DesiredLogs::parse(&json!(["a", " payment-service\u{a0}"]))
            .unwrap_err()
            .remove(0);
        assert!(
            violation.message.ends_with("(did you mean payment-service?)"),
            "{violation}"
        );
    }

    #[test]
    fn value_other_than_an_array_is_rejected() {
        for value in [json!("a"), json!({"a": 1}), json!(1), json!(true)] {
            assert_eq!(codes(&value), [ErrorCode::WrongType], "{value}");
        }
    }
}
