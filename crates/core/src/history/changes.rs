//! A change, field by field, as clients see it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{entry::Entry, images::Images};
use crate::config::{Field, FieldRole, StoredConfig};

/// A field that a change set, changed or removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// The field.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "enabled"))]
    pub field: Field,
    /// The value before the change; null if the field was not set. Absent if the value is too large for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = true))]
    pub from: Option<Value>,
    /// The value after the change; null if the field is not set. Absent if the value is too large for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = false))]
    pub to: Option<Value>,
    /// Of a list: the entries that it did not contain before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_items = 400_000))]
    pub added: Option<Vec<Value>>,
    /// Of a list: the entries that it does not contain any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_items = 400_000))]
    pub removed: Option<Vec<Value>>,
}

impl Entry {
    /// The changed fields in model order, with their values as clients see them. Key and `updated_at` are not among
    /// them. Empty where only other attributes changed, and where the change is not known.
    #[must_use]
    pub fn changes(&self) -> Vec<FieldChange> {
        if let Images::Names(names) = &self.images {
            let fields = reported_fields().filter(|field| names.iter().any(|name| name == field.name()));
            return fields.map(FieldChange::without_values).collect();
        }
        if self.images.before().is_none() {
            return Vec::new();
        }
        let (before, after) = (wire(self.previous()), wire(self.configuration()));
        reported_fields()
            .filter_map(|field| FieldChange::between(field, before.get(field.name()), after.get(field.name())))
            .collect()
    }
}

impl FieldChange {
    fn between(field: Field, from: Option<&Value>, to: Option<&Value>) -> Option<Self> {
        if from == to {
            return None;
        }
        let list = |value: Option<&Value>| match value {
            Some(Value::Array(entries)) => Some(entries.clone()),
            _ => None,
        };
        let (before, after) = (list(from), list(to));
        let is_list = before.is_some() || after.is_some();
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        Some(Self {
            field,
            from: Some(from.cloned().unwrap_or_default()),
            to: Some(to.cloned().unwrap_or_default()),
            added: is_list.then(|| missing_in(&before, &after)),
            removed: is_list.then(|| missing_in(&after, &before)),
        })
    }

    fn without_values(field: Field) -> Self {
        Self {
            field,
            from: None,
            to: None,
            added: None,
            removed: None,
        }
    }
}

/// The entries that are not in `list`.
fn missing_in(list: &[Value], entries: &[Value]) -> Vec<Value> {
    entries.iter().filter(|entry| !list.contains(entry)).cloned().collect()
}

fn reported_fields() -> impl Iterator<Item = Field> {
    let is_reported = |field: &Field| field.spec().role != FieldRole::Key && *field != Field::UpdatedAt;
    Field::ALL.into_iter().filter(is_reported)
}

/// The members that a client sees.
fn wire(config: Option<StoredConfig>) -> Map<String, Value> {
    match config.map(serde_json::to_value) {
        Some(Ok(Value::Object(members))) => members,
        _ => Map::new(),
    }
}
