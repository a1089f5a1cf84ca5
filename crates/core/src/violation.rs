//! A broken rule: the error of a value constructor, and the form in which a client receives it.

use std::fmt;

use serde::Serialize;

use crate::unknown_name::shorten_name;

named_enum! {
    /// The kind of a broken rule: a stable word for programs.
    pub enum ErrorCode -> as_str {
        /// A required field is absent, null or empty, or an update tries to remove it.
        Required = "required",
        /// No field has this name.
        UnknownField = "unknown_field",
        /// The field belongs to another delivery type.
        WrongDeliveryType = "wrong_delivery_type",
        /// The value has another JSON type than the field.
        WrongType = "wrong_type",
        /// The value is empty.
        Empty = "empty",
        /// More characters, bytes or entries than allowed.
        TooLong = "too_long",
        /// Fewer characters than allowed.
        TooShort = "too_short",
        /// A character or a form that the field does not allow.
        InvalidFormat = "invalid_format",
        /// A name that AWS reserves.
        Reserved = "reserved",
        /// The same entry twice.
        Duplicate = "duplicate",
        /// A number outside its range.
        OutOfRange = "out_of_range",
        /// A time in the past.
        InThePast = "in_the_past",
        /// Two fields that contradict each other.
        Conflict = "conflict",
    }
}

/// Why a value is not valid. The message continues a sentence that begins with the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Violation {
    /// The kind of rule.
    pub code: ErrorCode,
    /// The key of the one entry that breaks the rule, where the field is a map. The subject of the sentence is that entry.
    pub entry: Option<String>,
    /// "must be ...": the rest of a sentence whose subject is the field.
    pub message: String,
}

impl Violation {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            entry: None,
            message: message.into(),
        }
    }

    /// The same of one entry of a map.
    pub(crate) fn of_entry(self, key: &str) -> Self {
        Self {
            entry: Some(key.to_owned()),
            ..self
        }
    }

    pub(crate) fn wrong_type(expected: &str, found: &serde_json::Value) -> Self {
        let found = match found {
            serde_json::Value::Null => "null",
            serde_json::Value::Bool(_) => "a boolean",
            serde_json::Value::Number(_) => "a number",
            serde_json::Value::String(_) => "a string",
            serde_json::Value::Array(_) => "an array",
            serde_json::Value::Object(_) => "an object",
        };
        Self::new(ErrorCode::WrongType, format!("must be {expected}, not {found}"))
    }

    /// Adds what the client probably meant: a valid value.
    pub(crate) fn suggesting(mut self, meant: impl fmt::Display) -> Self {
        self.message = format!("{} (did you mean {meant}?)", self.message);
        self
    }

    /// Attributes the violation to `field`, or to the entry of it that breaks the rule: `labels.Team`.
    pub(crate) fn for_field(self, field: impl Into<String>) -> FieldError {
        let field = field.into();
        FieldError {
            index: None,
            field: match &self.entry {
                Some(key) => format!("{field}.{}", shorten_name(key)),
                None => field,
            },
            code: self.code,
            message: self.message,
        }
    }
}

/// One broken rule of a body: an entry of `details.errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The position in a batch of the operation whose field it is, from 0. Only an atomic batch has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 0, maximum = 99))]
    pub index: Option<usize>,
    /// The field's name as the client wrote it, and the key of a label after it: `labels.Team`.
    pub field: String,
    /// The kind of rule.
    pub code: ErrorCode,
    /// The rest of a sentence whose subject is the field.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{} of operation {index} {}", self.field, self.message),
            None => write!(f, "{} {}", self.field, self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_code_serializes_as_its_word() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
