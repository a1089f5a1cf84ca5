//! Labels in an update: they merge, key by key, with those of the item.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    field_change::{Change, ForeignField, LabelChanges},
    field_value::FieldValue,
    names::Field,
    values::{Labels, parse_label, too_many_labels},
};
use crate::violation::{FieldError, Violation};

/// What sent labels change where the item has none, and those that only an item may have that has them already.
pub(super) fn parse_labels(sent: &Value) -> (Change, Vec<ForeignField>) {
    match Labels::parse(sent) {
        Ok(labels) if !labels.texts().is_empty() => {
            (Change::Set(FieldValue::new(Field::Labels, labels.into())), Vec::new())
        }
        Ok(_) => (Change::Remove(Field::Labels), Vec::new()),
        Err(violations) => {
            let foreign = violations.into_iter().map(|violation| foreign_label(sent, violation));
            (Change::Remove(Field::Labels), foreign.collect())
        }
    }
}

fn foreign_label(sent: &Value, violation: Violation) -> ForeignField {
    let label = violation.entry.as_ref().and_then(|key| sent.get(key));
    ForeignField {
        field: Field::Labels,
        value: label.unwrap_or(sent).clone(),
        entry: violation.entry.clone(),
        error: violation.for_field(Field::Labels.name()),
    }
}

/// What sent labels change of the stored ones, if anything, or the rule that the result would break. Labels that break a
/// rule are foreign fields, and change nothing.
pub(super) fn merge_labels(sent: &Value, stored: Option<&Value>) -> Result<Option<Change>, FieldError> {
    let Value::Object(sent_labels) = sent else {
        return Ok(None);
    };
    if stored == Some(sent) {
        return Ok(None);
    }
    let none = Map::new();
    // Labels of another type are replaced, as RFC 7396 has it.
    let labels = stored.and_then(Value::as_object).unwrap_or(&none);
    let changes: BTreeMap<String, Option<String>> = sent_labels
        .iter()
        .filter(|(key, value)| labels.get(*key).unwrap_or(&Value::Null) != *value)
        .filter_map(|(key, value)| {
            let text = match value {
                Value::Null => None,
                value => Some(parse_label(key, value).ok()?.to_owned()),
            };
            Some((key.clone(), text))
        })
        .collect();
    let is_label = |value: &&Value| !value.is_null();
    let before = labels.values().filter(is_label).count();
    let kept = labels.iter().filter(|(key, _)| !changes.contains_key(*key));
    let after = kept.map(|(_, value)| value).filter(is_label).count() + changes.values().flatten().count();
    if after > before && after > Labels::MAX_LABELS {
        return Err(too_many_labels().for_field(Field::Labels.name()));
    }
    Ok(if after == 0 {
        stored.map(|_| Change::Remove(Field::Labels))
    } else {
        (!changes.is_empty()).then(|| Change::MergeLabels(LabelChanges::new(changes)))
    })
}

#[cfg(test)]
mod tests;
