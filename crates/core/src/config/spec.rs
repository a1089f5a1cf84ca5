//! What a field and a destination are, as data. Input, checks, the table and the description of the API derive from it.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    field_value::{FieldData, FieldValue},
    names::{DeliveryType, ExternalCheck, Field},
};
use crate::violation::{ErrorCode, Violation};

/// Everything about one field.
#[derive(Debug)]
pub struct FieldSpec {
    /// Its name.
    pub field: Field,
    /// The delivery types that have it.
    pub types: FieldTypes,
    /// Its writer and its purpose.
    pub role: FieldRole,
    /// Whether a client must send it in a create and cannot remove it.
    pub is_required: bool,
    /// How a check reports a stored item without it.
    pub absent: Absent,
    /// The rules that a stored value may break although the delivery works as it should: a check reports a warning.
    pub tolerated: &'static [ErrorCode],
    /// Its purpose, in one or two sentences.
    pub description: &'static str,
    /// A valid value, as JSON.
    pub example: Option<&'static str>,
    /// The form of its values, as far as JSON Schema can express it.
    pub shape: Shape,
    /// The value that it has when it is absent from a create or set to null.
    pub(super) default: Option<fn() -> FieldData>,
    pub(super) parse: Parse,
}

/// Parses a JSON value, or reports everything that is wrong with it. The time is `None` for a value that is stored
/// already, which may be in the past.
pub(super) type Parse = fn(&Value, Option<DateTime<Utc>>) -> Result<FieldData, Vec<Violation>>;

/// The delivery types that have a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldTypes {
    /// Every type, future ones included.
    All,
    /// These types.
    Only(&'static [DeliveryType]),
}

/// Who writes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRole {
    /// Part of the key: set once, by the request that creates the configuration.
    Key,
    /// Set by the service. A value that a client sends is ignored.
    Managed,
    /// Set by clients.
    Writable,
}

/// How a check reports a stored item without the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// As a failure. The text continues a sentence whose subject is the field.
    Missing(&'static str),
    /// As skipped. The text is the consequence.
    Unset(&'static str),
}

/// The form of a field's values, as far as JSON Schema can express it. Patterns are ECMAScript regular expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text {
        /// Its pattern.
        pattern: &'static str,
        /// Its maximum length in characters, where the pattern does not limit it.
        max_chars: Option<usize>,
    },
    /// The name of a delivery type.
    DeliveryType,
    /// `true` or `false`.
    Boolean,
    /// An array of different strings, at least one.
    Names {
        /// The pattern of an entry.
        pattern: &'static str,
        /// The maximum length of an entry in characters. The minimum is 1.
        max_chars: usize,
        /// The maximum number of entries.
        max_names: usize,
    },
    /// An object whose members are strings.
    Map {
        /// The pattern of a key.
        key_pattern: &'static str,
        /// The pattern of a value.
        pattern: &'static str,
        /// The maximum number of members.
        max_members: usize,
    },
    /// Unix seconds.
    UnixSeconds {
        /// The first value that is too large.
        below: i64,
    },
    /// An RFC 3339 time.
    Time,
}

/// Everything about one delivery type besides its fields.
#[derive(Debug)]
pub struct DestinationSpec {
    /// The name in identifiers of the API's description, such as `S3Creation`.
    pub identifier: &'static str,
    /// Where the logs go, in one sentence.
    pub description: &'static str,
    /// What a delivery depends on outside the table, in the order of the dependencies.
    pub external_checks: &'static [ExternalCheck],
}

/// [`Absent::Missing`] of a field that clients must send.
pub(super) const REQUIRED: Absent = Absent::Missing("is required (PATCH the configuration with a value)");

impl FieldSpec {
    /// Parses the JSON value of this field, or reports everything that is wrong with it. `now` is `None` for a value
    /// that is stored already, which may be in the past.
    pub(super) fn parse(&self, value: &Value, now: Option<DateTime<Utc>>) -> Result<FieldValue, Vec<Violation>> {
        (self.parse)(value, now).map(|data| FieldValue::new(self.field, data))
    }

    /// The value that the field has when it is absent from a create or set to null. `None` if the configuration then
    /// has no such field.
    #[must_use]
    pub fn default_value(&self) -> Option<FieldValue> {
        self.default.map(|default| FieldValue::new(self.field, default()))
    }
}

/// Parses a string.
pub(super) fn parse_text<T>(value: &Value) -> Result<FieldData, Vec<Violation>>
where
    T: FromStr<Err = Violation> + Into<FieldData>,
{
    let text = value
        .as_str()
        .ok_or_else(|| vec![Violation::wrong_type("a string", value)])?;
    text.parse::<T>().map(Into::into).map_err(|mut violation| {
        // Otherwise the code of an empty value would depend on the type, whose first rule may be about length or form.
        if text.is_empty() {
            violation.code = ErrorCode::Empty;
        }
        vec![violation]
    })
}
