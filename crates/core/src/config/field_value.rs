//! A valid value of a field.

use std::collections::BTreeMap;

use serde::Serialize;

use super::names::Field;

/// A field and a value that its rules allow. Only the field's spec makes one, from a value type that is the validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    field: Field,
    data: FieldData,
}

/// The value as JSON and the table contain it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FieldData {
    /// A string.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// A whole number.
    Number(i64),
    /// A list of strings.
    List(Vec<String>),
    /// Strings by their keys.
    Map(BTreeMap<String, String>),
}

impl FieldData {
    /// The size of the value in the table, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Boolean(_) => 1,
            Self::Number(_) => 8,
            Self::List(texts) => texts.iter().map(|text| text.len() + 1).sum(),
            Self::Map(texts) => texts.iter().map(|(key, text)| key.len() + text.len() + 1).sum(),
        }
    }
}

impl FieldValue {
    pub(super) const fn new(field: Field, data: FieldData) -> Self {
        Self { field, data }
    }

    /// The field whose value this is.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// The value.
    #[must_use]
    pub const fn data(&self) -> &FieldData {
        &self.data
    }

    /// The value without its field.
    #[must_use]
    pub fn into_data(self) -> FieldData {
        self.data
    }
}
