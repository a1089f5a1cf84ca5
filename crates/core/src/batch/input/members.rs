//! The members of an object whose values are parsed one by one, and the rules that they break.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    batch::operation::OperationKind,
    config::InputError,
    json_object::{JsonObject, JsonObjectError},
    unknown_name::{nearest_name, shorten_name},
    violation::{ErrorCode, FieldError, Violation},
};

/// The members, and the rules that were found to be broken so far.
pub(super) struct Members<'a> {
    members: Vec<(String, &'a RawValue)>,
    pub(super) errors: Vec<FieldError>,
}

/// A part of a body that has the form of JSON, and a text or a number in it that JSON does not allow, or too many levels.
#[derive(Debug)]
pub(super) struct Unreadable<'a> {
    part: &'a RawValue,
    line: usize,
    column: usize,
}

impl<'a> Unreadable<'a> {
    /// The position is counted from 1 within the part.
    pub(super) fn new(part: &'a RawValue, line: usize, column: usize) -> Self {
        Self { part, line, column }
    }

    /// Line and column in the whole body, which contains the part.
    pub(super) fn position_in(&self, body: &[u8]) -> (usize, usize) {
        let offset = self.part.get().as_ptr().addr().saturating_sub(body.as_ptr().addr());
        let before = body.get(..offset).unwrap_or_default();
        let lines = before.split(|byte| *byte == b'\n').count() - 1;
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let column = if self.line == 1 {
            before.len() - line_start + self.column
        } else {
            self.column
        };
        (lines + self.line, column)
    }
}

/// The value, or `None` if it has another type.
fn read<'a, T: Deserialize<'a>>(part: &'a RawValue) -> Result<Option<T>, Unreadable<'a>> {
    match serde_json::from_str(part.get()) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_data() => Ok(None),
        Err(error) => Err(Unreadable::new(part, error.line(), error.column())),
    }
}

/// That the value has another type than the expected one.
pub(super) fn wrong_type(expected: &str, found: &RawValue) -> Violation {
    // The type without the content, which may be large.
    let found = match found.get().as_bytes().first() {
        Some(b'{') => Value::Object(Map::new()),
        Some(b'[') => Value::Array(Vec::new()),
        Some(b'"') => Value::String(String::new()),
        Some(b't' | b'f') => Value::Bool(true),
        Some(b'n') => Value::Null,
        _ => Value::from(0),
    };
    Violation::wrong_type(expected, &found)
}

/// That a name is repeated in an object.
pub(super) fn repeated() -> Violation {
    Violation::new(ErrorCode::Duplicate, "is sent more than once (send it once)")
}

impl<'a> Members<'a> {
    pub(super) fn new(members: Vec<(String, &'a RawValue)>) -> Self {
        Self {
            members,
            errors: Vec::new(),
        }
    }

    /// The first member with another name than these, and what was probably meant.
    pub(super) fn unknown(&self, known: &[&'static str]) -> Option<(String, Option<&'static str>)> {
        let (name, _) = self.members.iter().find(|(name, _)| !known.contains(&name.as_str()))?;
        Some((shorten_name(name), nearest_name(name, known.iter().copied())))
    }

    /// Reports every member that an operation of this kind does not have.
    pub(super) fn report_unknown(&mut self, known: &[&'static str], kind: Option<OperationKind>) {
        let operation = kind.map_or_else(|| "an operation".to_owned(), |kind| format!("the operation {kind}"));
        let unknown = self.members.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let errors = unknown.map(|(name, _)| {
            let suggestion = nearest_name(name, known.iter().copied())
                .map_or_else(|| "omit it".to_owned(), |nearest| format!("did you mean {nearest}?"));
            let message = format!("is not a member of {operation} ({suggestion})");
            Violation::new(ErrorCode::UnknownField, message).for_field(shorten_name(name))
        });
        self.errors.extend(errors);
    }

    pub(super) fn report(&mut self, name: &str, violation: Violation) {
        self.errors.push(violation.for_field(name));
    }

    /// The value, or its violation reported.
    pub(super) fn valid<T>(&mut self, name: &str, value: Result<T, Violation>) -> Option<T> {
        value.map_err(|violation| self.report(name, violation)).ok()
    }

    /// A member with a value of this type. Null counts as absent.
    pub(super) fn optional<T: Deserialize<'a>>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Unreadable<'a>> {
        let Some(part) = self.get(name) else { return Ok(None) };
        let value = read(part)?;
        if value.is_none() {
            self.report(name, wrong_type(expected, part));
        }
        Ok(value)
    }

    /// The same of a member that must be there.
    pub(super) fn required<T: Deserialize<'a>>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Unreadable<'a>> {
        if self.get(name).is_none() {
            self.report(name, Violation::new(ErrorCode::Required, "is required"));
        }
        self.optional(name, expected)
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Unreadable<'a>> {
        self.optional(name, "true or false")
    }

    /// The members of a configuration or of its changes, whose text is not larger than this.
    pub(super) fn object(
        &mut self,
        name: &str,
        max_bytes: usize,
    ) -> Result<Option<Vec<(String, Value)>>, Unreadable<'a>> {
        let Some(part) = self.get(name) else {
            self.report(name, Violation::new(ErrorCode::Required, "is required"));
            return Ok(None);
        };
        if part.get().len() > max_bytes {
            let message = format!("must not be larger than {} KiB", max_bytes / 1024);
            self.report(name, Violation::new(ErrorCode::TooLong, message));
            return Ok(None);
        }
        match JsonObject::parse(part.get().as_bytes()) {
            Ok(members) => Ok(Some(members.0)),
            Err(JsonObjectError::Syntax { line, column }) => Err(Unreadable::new(part, line, column)),
            Err(JsonObjectError::NotAnObject) => {
                self.report(name, wrong_type("an object", part));
                Ok(None)
            }
            Err(JsonObjectError::Repeated(repeated_name)) => {
                self.report(&shorten_name(&repeated_name), repeated());
                Ok(None)
            }
        }
    }

    /// The configuration or the changes that the member of this name contains, or the rules that they break reported.
    pub(super) fn accept<T>(&mut self, name: &str, parsed: Result<T, InputError>) -> Option<T> {
        match parsed {
            Ok(parsed) => return Some(parsed),
            Err(InputError::BrokenRules(errors)) => self.errors.extend(errors),
            Err(InputError::NamesAnother { field, expected, .. }) => {
                let message = format!("must be {expected:?}, as the operation names it, or be omitted");
                self.report(field.name(), Violation::new(ErrorCode::Conflict, message));
            }
            Err(InputError::NothingToUpdate) => {
                let message = "must contain at least one field other than tenant_id, type, created_at and updated_at";
                self.report(name, Violation::new(ErrorCode::Empty, message));
            }
            // These are about the bytes of a body, and the members were read from theirs before.
            Err(error) => self.report(name, Violation::new(ErrorCode::InvalidFormat, error.to_string())),
        }
        None
    }

    /// Null is as good as absent.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let member = self.members.iter().find(|(member, _)| member == name);
        member.map(|(_, part)| *part).filter(|part| part.get() != "null")
    }
}
