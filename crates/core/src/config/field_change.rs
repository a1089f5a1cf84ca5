//! One change of an update, and a text that only some items may have.

use super::{field_value::FieldValue, names::Field};
use crate::violation::FieldError;

/// One change of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets a field to this value.
    Set(FieldValue),
    /// Removes an optional field.
    Remove(Field),
}

/// A text that breaks a rule by its field or beside another one: a field of another delivery type, or a role and a region of
/// different partitions. It is accepted where the item has exactly that text already, and changes nothing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ForeignField {
    pub(super) field: Field,
    pub(super) text: String,
    /// The broken rule where the item does not have it.
    pub(super) error: FieldError,
}
