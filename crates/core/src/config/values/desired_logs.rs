//! The applications whose logs a tenant wants.

use std::collections::HashSet;

use serde_json::Value;

use super::lost_bytes;
use crate::violation::{ErrorCode, Violation};

/// 1 to 200 different names of 1 to 256 characters without surrounding blanks. No list at all means every application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredLogs(Vec<String>);

/// Names in a list at most.
pub const MAX_DESIRED_LOGS: usize = 200;
const MAX_NAME_CHARS: usize = 256;

impl DesiredLogs {
    /// Takes a JSON array, or says everything that is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, Vec<Violation>> {
        let Value::Array(entries) = value else {
            return Err(vec![Violation::wrong_type("an array of strings", value)]);
        };
        if entries.is_empty() {
            return Err(vec![Violation::new(
                ErrorCode::Empty,
                "must not be an empty list; leave it out or send null to deliver the logs of every application",
            )]);
        }
        if entries.len() > MAX_DESIRED_LOGS {
            return Err(vec![Violation::new(ErrorCode::TooLong, "must hold at most 200 names")]);
        }
        let mut names = Vec::with_capacity(entries.len());
        let mut seen = HashSet::with_capacity(entries.len());
        let mut violations = Vec::new();
        for (position, entry) in (1..).zip(entries) {
            match parse_name(entry) {
                Ok(name) if seen.insert(name) => names.push(name.to_owned()),
                Ok(_) => violations.push(Violation::new(
                    ErrorCode::Duplicate,
                    format!("must hold each name once; entry {position} repeats an earlier one"),
                )),
                Err(Violation { code, message }) => {
                    violations.push(Violation::new(
                        code,
                        format!("must hold names only; entry {position} {message}"),
                    ));
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

fn parse_name(entry: &Value) -> Result<&str, Violation> {
    let Value::String(name) = entry else {
        return Err(Violation::wrong_type("a string", entry));
    };
    if name.is_empty() {
        Err(Violation::new(ErrorCode::Empty, "is empty"))
    } else if name.trim() != name {
        Err(Violation::new(ErrorCode::InvalidFormat, "begins or ends with a blank"))
    } else if name.chars().count() > MAX_NAME_CHARS {
        Err(Violation::new(ErrorCode::TooLong, "is longer than 256 characters"))
    } else if name.chars().any(char::is_control) {
        Err(Violation::new(ErrorCode::InvalidFormat, "holds a control character"))
    } else if lost_bytes(name) {
        Err(Violation::new(
            ErrorCode::InvalidFormat,
            "holds U+FFFD, which stands where bytes were lost",
        ))
    } else {
        Ok(name)
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
    fn a_list_of_names_is_taken_in_its_order() {
        let names = DesiredLogs::parse(&json!(["user-service", "payment service", "\u{e9}"])).unwrap();
        assert_eq!(names.names(), ["user-service", "payment service", "\u{e9}"]);
    }

    #[test]
    fn two_hundred_names_of_256_characters_are_the_most() {
        let names = |count: usize| json!((0..count).map(|n| format!("{n:0>256}")).collect::<Vec<_>>());
        assert!(DesiredLogs::parse(&names(200)).is_ok());
        assert_eq!(codes(&names(201)), [ErrorCode::TooLong]);
        assert_eq!(codes(&json!(["n".repeat(257)])), [ErrorCode::TooLong]);
    }

    #[test]
    fn an_empty_list_is_refused_and_told_what_to_send() {
        let violation = DesiredLogs::parse(&json!([])).unwrap_err().remove(0);
        assert!(violation.message.contains("leave it out or send null"), "{violation}");
    }

    #[test]
    fn every_broken_entry_is_told() {
        assert_eq!(
            codes(&json!(["a", 1, "", " b", "a", "c\n", "d\u{0}e", "f\u{fffd}"])),
            [
                ErrorCode::WrongType,
                ErrorCode::Empty,
                ErrorCode::InvalidFormat,
                ErrorCode::Duplicate,
                ErrorCode::InvalidFormat,
                ErrorCode::InvalidFormat,
                ErrorCode::InvalidFormat
            ]
        );
    }

    #[test]
    fn anything_but_an_array_is_refused() {
        for value in [json!("a"), json!({"a": 1}), json!(1), json!(true)] {
            assert_eq!(codes(&value), [ErrorCode::WrongType], "{value}");
        }
    }
}
