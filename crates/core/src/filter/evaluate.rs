//! Whether a configuration matches.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::expression::{Expression, Subject, Term, TextTest};
use crate::config::{Check, Field, StoredConfig, check_stored};

impl Expression {
    pub(super) fn matches(&self, config: &StoredConfig, now: DateTime<Utc>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(config, now)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(config, now)),
            Self::Not(opposite) => !opposite.matches(config, now),
            Self::Term(term) => term.matches(config, now),
        }
    }
}

impl Term {
    fn matches(&self, config: &StoredConfig, now: DateTime<Utc>) -> bool {
        match self {
            Self::Present(subject) => is_present(subject, config),
            Self::Text { subject, test } => text_of(subject, config).is_some_and(|text| test.matches(text)),
            Self::Boolean { field, value } => boolean_of(*field, config) == Some(*value),
            Self::Number {
                field,
                comparator,
                value,
            } => {
                let ordering = config.get(*field).and_then(|stored| compare_number(stored, *value));
                ordering.is_some_and(|ordering| comparator.holds(ordering))
            }
            Self::Time {
                field,
                comparator,
                value,
            } => time_of(*field, config).is_some_and(|time| comparator.holds(time.cmp(value))),
            Self::Contains { field, name } => {
                names_of(*field, config).is_some_and(|mut names| names.any(|found| name.matches(found)))
            }
            Self::Delivers(name) => {
                boolean_of(Field::Enabled, config) == Some(true) && wants_logs_of(config, name.as_str())
            }
            Self::Broken => check_stored(config, now).iter().any(Check::is_failure),
            Self::Word(word) => Self::WORD_FIELDS
                .into_iter()
                .filter_map(|field| field_text(field, config))
                .any(|text| text.contains(word.as_str())),
        }
    }
}

impl TextTest {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Is(pattern) => pattern.matches(text),
            Self::IsNot(pattern) => !pattern.matches(text),
            Self::Ordered(inequality, other) => inequality.holds(text.cmp(other.as_str())),
        }
    }
}

fn is_present(subject: &Subject, config: &StoredConfig) -> bool {
    let value = match subject {
        Subject::Field(field) => config.get(*field),
        Subject::Account => return text_of(subject, config).is_some(),
        Subject::Label(key) => labels(config).and_then(|labels| labels.get(key)),
    };
    value.is_some_and(|value| !value.is_null())
}

fn text_of<'a>(subject: &Subject, config: &'a StoredConfig) -> Option<&'a str> {
    match subject {
        Subject::Field(field) => field_text(*field, config),
        Subject::Account => account_in(field_text(Field::LogDistributionRoleArn, config)?),
        Subject::Label(key) => labels(config)?.get(key)?.as_str(),
    }
}

fn field_text(field: Field, config: &StoredConfig) -> Option<&str> {
    config.get(field)?.as_str()
}

/// The account in an ARN, even in one that breaks another rule of a role.
fn account_in(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let account = parts.next().filter(|scheme| *scheme == "arn").and(parts.nth(3))?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

/// The labels, if they are an object.
fn labels(config: &StoredConfig) -> Option<&Map<String, Value>> {
    config.get(Field::Labels)?.as_object()
}

/// A missing `enabled` is off, as log processors read it.
fn boolean_of(field: Field, config: &StoredConfig) -> Option<bool> {
    match config.get(field) {
        Some(Value::Bool(value)) => Some(*value),
        None | Some(Value::Null) => (field == Field::Enabled).then_some(false),
        Some(_) => None,
    }
}

/// A number that JSON cannot show exactly is not shown as one, and does not compare either.
fn compare_number(stored: &Value, value: i64) -> Option<Ordering> {
    let stored = stored.as_number()?;
    if let Some(whole) = stored.as_i64() {
        return Some(whole.cmp(&value));
    }
    #[expect(clippy::cast_precision_loss, reason = "the value of a term is exact as a double")]
    stored.as_f64()?.partial_cmp(&(value as f64))
}

fn time_of(field: Field, config: &StoredConfig) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(field_text(field, config)?).ok()?;
    Some(time.to_utc())
}

fn names_of(field: Field, config: &StoredConfig) -> Option<impl Iterator<Item = &str>> {
    Some(config.get(field)?.as_array()?.iter().filter_map(Value::as_str))
}

/// Without a list, or with one that names nothing, log processors deliver the logs of every application.
fn wants_logs_of(config: &StoredConfig, name: &str) -> bool {
    match config.get(Field::DesiredLogs) {
        None | Some(Value::Null) => true,
        Some(Value::Array(names)) => names.iter().all(|entry| entry == "") || names.iter().any(|entry| entry == name),
        Some(_) => false,
    }
}
