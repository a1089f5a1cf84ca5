//! A broken rule: what a value constructor refuses with, and how it is told to a client.

use std::fmt;

use serde::Serialize;

/// The kind of a broken rule: a stable word for programs, `snake_case` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A required field is absent, null or empty, or an update tries to remove it.
    Required,
    /// No field has this name.
    UnknownField,
    /// The field belongs to the other delivery type.
    WrongDeliveryType,
    /// The JSON type is not the field's.
    WrongType,
    /// Nothing is left where something must be.
    Empty,
    /// More characters, bytes or entries than allowed.
    TooLong,
    /// Fewer characters than allowed.
    TooShort,
    /// A character or a shape that the field does not allow.
    InvalidFormat,
    /// A name that AWS keeps for itself.
    Reserved,
    /// The same entry twice.
    Duplicate,
    /// A number outside its range.
    OutOfRange,
    /// A moment that has passed.
    InThePast,
    /// Two fields that cannot both be right.
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

/// Why a value is not valid. The message continues a sentence that begins with the field's name, and says what to do.
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

    /// Tells the violation of `field`.
    pub(crate) fn of(self, field: impl Into<String>) -> FieldError {
        FieldError {
            field: field.into(),
            code: self.code,
            message: self.message,
        }
    }
}

/// One broken rule of a body, as it stands in `details.errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    fn every_code_is_the_same_word_in_rust_and_on_the_wire() {
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
