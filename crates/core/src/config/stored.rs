//! A configuration as it is in the table, whether this service or a person wrote it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::names::Field;

/// The attribute whose value each write of this service replaces by a new one.
pub const VERSION_ATTRIBUTE: &str = "version";

/// What clients see of an `enabled` that is not stored, or stored as null.
static OFF: Value = Value::Bool(false);

/// The result of a read. People write items by hand, so the values may break any rule: an invalid one is here as it is in
/// the table, to be shown, fixed or deleted.
///
/// Its JSON is the wire form: the known fields in model order, without absent and null ones and without attributes that the
/// model does not know. A null is left out because it means in the table that the field is not set, and in a request that
/// it is to be reset. `enabled` is always present: the log processor reads a missing value and a null as off, so the wire
/// form has `false`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConfig {
    fields: BTreeMap<Field, Value>,
    version: Option<String>,
}

impl StoredConfig {
    /// Takes an item's attributes as JSON, a string set as an array. Attributes that are not in the model are ignored,
    /// and so is a version that is neither a text nor a number.
    pub fn from_attributes(attributes: impl IntoIterator<Item = (impl AsRef<str>, Value)>) -> Self {
        let mut fields = BTreeMap::new();
        let mut version = None;
        for (name, value) in attributes {
            if let Some(field) = Field::from_name(name.as_ref()) {
                fields.insert(field, value);
            } else if name.as_ref() == VERSION_ATTRIBUTE {
                version = match value {
                    Value::String(text) => Some(text),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                };
            }
        }
        Self { fields, version }
    }

    /// The partition key. Empty only if the item has none, which the table does not allow.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        self.text(Field::TenantId)
    }

    /// The sort key; not necessarily a delivery type that this service knows.
    #[must_use]
    pub fn delivery_type(&self) -> &str {
        self.text(Field::Type)
    }

    /// The version that the last write of this service assigned, or the value that an operator wrote by hand. `None` for an item that
    /// this service has never written.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The stored value of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.fields.get(&field)
    }

    /// The value of a field as clients see it.
    #[must_use]
    pub fn shown(&self, field: Field) -> Option<&Value> {
        let value = self.get(field).filter(|value| !value.is_null());
        value.or((field == Field::Enabled).then_some(&OFF))
    }

    /// The same configuration with another value of a field, or without it.
    #[must_use]
    pub fn with(mut self, field: Field, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.fields.insert(field, value),
            None => self.fields.remove(&field),
        };
        self
    }

    /// The same configuration with no other fields than these.
    #[must_use]
    pub fn only(mut self, fields: &[Field]) -> Self {
        self.fields.retain(|field, _| fields.contains(field));
        self
    }

    /// Whether the field has a text that is not blank. Log processors take any other value of a required field as missing.
    #[must_use]
    pub fn has_text(&self, field: Field) -> bool {
        !self.text(field).trim().is_empty()
    }

    fn text(&self, field: Field) -> &str {
        self.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Serialize for StoredConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in Field::ALL {
            if let Some(value) = self.shown(field) {
                map.serialize_entry(field.name(), value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(attributes: Value) -> StoredConfig {
        let Value::Object(attributes) = attributes else {
            unreachable!("the tests pass objects")
        };
        StoredConfig::from_attributes(attributes)
    }

    #[test]
    fn wire_form_has_model_order_and_no_unknown_attribute() {
        let config = stored(json!({
            "updated_at": "b", "created_at": "a", "version": "v7", "note": "by hand", "enabled": true,
            "bucket_prefix": "p/", "bucket_name": "acme", "type": "s3", "tenant_id": "t"
        }));
        assert_eq!(config.version(), Some("v7"));
        assert_eq!(
            serde_json::to_string(&config).unwrap(),
            r#"{"tenant_id":"t","type":"s3","bucket_name":"acme","bucket_prefix":"p/","enabled":true,"created_at":"a","updated_at":"b"}"#
        );
    }

    #[test]
    fn null_is_shown_as_not_set_and_as_off_in_enabled() {
        let config = stored(json!({
            "tenant_id": "t", "type": "s3", "enabled": null, "bucket_prefix": null, "ttl": null, "desired_logs": [null]
        }));
        assert_eq!(
            serde_json::to_value(&config).unwrap(),
            json!({"tenant_id": "t", "type": "s3", "enabled": false, "desired_logs": [null]})
        );
    }

    #[test]
    fn missing_enabled_reads_as_off_and_invalid_values_are_unchanged() {
        let config = stored(json!({"tenant_id": "t", "type": "cloudwatch", "ttl": "soon", "version": []}));
        assert_eq!(config.version(), None);
        assert_eq!(
            serde_json::to_value(&config).unwrap(),
            json!({"tenant_id": "t", "type": "cloudwatch", "enabled": false, "ttl": "soon"})
        );
    }

    #[test]
    fn hand_written_version_reads_as_its_text() {
        for (version, text) in [
            (json!("three"), Some("three")),
            (json!(7), Some("7")),
            (json!(-1.5), Some("-1.5")),
            (json!(null), None),
        ] {
            assert_eq!(stored(json!({"version": version})).version(), text);
        }
    }
}
