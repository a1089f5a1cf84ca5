//! A configuration as it stands in the table, whoever wrote it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::names::Field;

/// The attribute that counts an item's writes.
pub const VERSION_ATTRIBUTE: &str = "version";

/// What a read gives. People write items by hand, so nothing is promised of the values: a broken one stands here as it
/// stands in the table, to be shown, mended or deleted.
///
/// As JSON it is the wire form: the known fields in model order, absent ones left out, attributes that the model does
/// not know unmentioned. `enabled` is always there: the log processor reads a missing value as off, and so the wire
/// form says `false`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConfig {
    fields: BTreeMap<Field, Value>,
    version: u64,
}

impl StoredConfig {
    /// Takes an item's attributes as JSON, a string set as an array. What is no field of the model is passed over, and
    /// a version that is no whole number counts as none.
    pub fn from_attributes(attributes: impl IntoIterator<Item = (impl AsRef<str>, Value)>) -> Self {
        let mut fields = BTreeMap::new();
        let mut version = 0;
        for (name, value) in attributes {
            if let Some(field) = Field::from_name(name.as_ref()) {
                fields.insert(field, value);
            } else if name.as_ref() == VERSION_ATTRIBUTE {
                version = value.as_u64().unwrap_or(0);
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

    /// Grows with every write by this service; 0 for an item that this service has never written.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The stored value of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.fields.get(&field)
    }

    fn text(&self, field: Field) -> &str {
        self.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Serialize for StoredConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in Field::ALL {
            match self.get(field) {
                Some(value) => map.serialize_entry(field.name(), value)?,
                None if field == Field::Enabled => map.serialize_entry(field.name(), &false)?,
                None => {}
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
    fn the_wire_form_has_the_models_order_and_no_unknown_attribute() {
        let config = stored(json!({
            "updated_at": "b", "created_at": "a", "version": 7, "note": "by hand", "enabled": true,
            "bucket_prefix": "p/", "bucket_name": "acme", "type": "s3", "tenant_id": "t"
        }));
        assert_eq!(config.version(), 7);
        assert_eq!(
            serde_json::to_string(&config).unwrap(),
            r#"{"tenant_id":"t","type":"s3","bucket_name":"acme","bucket_prefix":"p/","enabled":true,"created_at":"a","updated_at":"b"}"#
        );
    }

    #[test]
    fn a_missing_enabled_reads_as_off_and_broken_values_stand_as_they_are() {
        let config = stored(json!({"tenant_id": "t", "type": "cloudwatch", "ttl": "soon", "version": "x"}));
        assert_eq!(config.version(), 0);
        assert_eq!(
            serde_json::to_value(&config).unwrap(),
            json!({"tenant_id": "t", "type": "cloudwatch", "enabled": false, "ttl": "soon"})
        );
    }
}
