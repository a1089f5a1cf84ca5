//! A change of a configuration.

use super::{field_value::FieldValue, names::Field};

/// The changes that a PUT or PATCH makes: a field that is not named keeps its value. At least one change, each field
/// once, and every rule holds for the new values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigUpdate(Vec<Change>);

/// One change of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets a field to this value.
    Set(FieldValue),
    /// Removes an optional field.
    Remove(Field),
}

impl ConfigUpdate {
    /// `None` if there is nothing to change.
    pub(super) fn new(changes: Vec<Change>) -> Option<Self> {
        (!changes.is_empty()).then_some(Self(changes))
    }

    /// The changes, each of another field.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0
    }
}
