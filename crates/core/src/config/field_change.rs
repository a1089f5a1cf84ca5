//! One change of an update, and a value that only some items may have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{field_value::FieldValue, names::Field, stored::StoredConfig};
use crate::violation::FieldError;

/// One change of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets a field to this value.
    Set(FieldValue),
    /// Removes an optional field.
    Remove(Field),
    /// Changes single labels of an item. Only [`ConfigUpdate::resolve`](super::ConfigUpdate::resolve) makes it, and some
    /// label is left.
    MergeLabels(LabelChanges),
}

/// A new text for each of these labels, or `None` to remove it. Any other label keeps its value, valid or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelChanges(BTreeMap<String, Option<String>>);

/// A value that breaks a rule by itself, by its field or beside another one: a field of another delivery type, a role and a
/// region of different partitions, or a label. It is accepted where the item has exactly that value already, and changes
/// nothing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ForeignField {
    pub(super) field: Field,
    /// The key of the one entry that has the value, where the field is a map.
    pub(super) entry: Option<String>,
    pub(super) value: Value,
    /// The broken rule where the item does not have it.
    pub(super) error: FieldError,
}

impl LabelChanges {
    pub(super) const fn new(changes: BTreeMap<String, Option<String>>) -> Self {
        Self(changes)
    }

    /// The changes, by the key of the label.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(key, text)| (key.as_str(), text.as_deref()))
    }
}

impl Change {
    /// The value of the field after the change, where it was `before`.
    #[must_use]
    pub fn after(&self, before: Option<&Value>) -> Option<Value> {
        match self {
            Self::Set(value) => Some(json!(value.data())),
            Self::Remove(_) => None,
            Self::MergeLabels(changes) => {
                let mut labels: Map<_, _> = before.and_then(Value::as_object).cloned().unwrap_or_default();
                for (key, text) in changes.iter() {
                    match text {
                        Some(text) => labels.insert(key.to_owned(), text.into()),
                        None => labels.remove(key),
                    };
                }
                Some(labels.into())
            }
        }
    }
}

impl ForeignField {
    /// Whether the item has the value.
    pub(super) fn is_stored(&self, stored: &StoredConfig) -> bool {
        let found = stored.get(self.field);
        let found = match &self.entry {
            Some(key) => found.and_then(|labels| labels.get(key)),
            None => found,
        };
        found == Some(&self.value)
    }

    /// The value, if it is the text of a whole field.
    pub(super) fn text(&self) -> Option<&str> {
        self.value.as_str().filter(|_| self.entry.is_none())
    }
}
