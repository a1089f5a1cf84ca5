//! A broken rule: the error of a value constructor, and the form in which a client receives it.

use std::fmt;

use serde::Serialize;

/// The kind of a broken rule: a stable word for programs, `snake_case` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A required field is absent, null or empty, or an update tries to remove it.
    Required,
    /// No field has this name.
    UnknownField,
    /// The field belongs to another delivery type.
    WrongDeliveryType,
    /// The value has another JSON type than the field.
    WrongType,
    /// The value is empty.
    Empty,
    /// More characters, bytes or entries than allowed.
    TooLong,
    /// Fewer characters than allowed.
    TooShort,
    /// A character or a form that the field does not allow.
    InvalidFormat,
    /// A name that AWS reserves.
    Reserved,
    /// The same entry twice.
    Duplicate,
    /// A number outside its range.
    OutOfRange,
    /// A time in the past.
    InThePast,
    /// Two fields that contradict each other.
    Conflict,
}

impl ErrorCode {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::UnknownField => "unknown_field",
            Self::WrongDeliveryType => "wrong_delivery_type",
            Self::WrongType => "wrong_type",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::TooShort => "too_short",
            Self::InvalidFormat => "invalid_format",
            Self::Reserved => "reserved",
            Self::Duplicate => "duplicate",
            Self::OutOfRange => "out_of_range",
            Self::InThePast => "in_the_past",
            Self::Conflict => "conflict",
        }
    }
}

/// Why a value is not valid. The message continues a sentence that begins with the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Violation {
    /// The kind of rule.
    pub code: ErrorCode,
    /// "must be ...": the rest of a sentence whose subject is the field.
    pub message: String,
}

impl Violation {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
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

    /// Attributes the violation to `field`.
    pub(crate) fn for_field(self, field: impl Into<String>) -> FieldError {
        FieldError {
            field: field.into(),
            code: self.code,
            message: self.message,
        }
    }
}

/// One broken rule of a body: an entry of `details.errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name as the client wrote it.
    pub field: String,
    /// The kind of rule.
    pub code: ErrorCode,
    /// The rest of a sentence whose subject is the field.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_code_serializes_as_its_word() {
        for code in [
            ErrorCode::Required,
            ErrorCode::UnknownField,
            ErrorCode::WrongDeliveryType,
            ErrorCode::WrongType,
            ErrorCode::Empty,
            ErrorCode::TooLong,
            ErrorCode::TooShort,
            ErrorCode::InvalidFormat,
            ErrorCode::Reserved,
            ErrorCode::Duplicate,
            ErrorCode::OutOfRange,
            ErrorCode::InThePast,
            ErrorCode::Conflict,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
