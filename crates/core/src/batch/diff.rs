//! What a change makes of the fields of a configuration.

use serde::Serialize;
use serde_json::Value;

use crate::config::{Field, FieldRole, StoredConfig};

/// A field whose value a change replaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldDiff {
    /// The field.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "enabled"))]
    pub field: Field,
    /// The value before, as a response shows it. Null if the field is not set.
    #[cfg_attr(feature = "openapi", schema(example = true))]
    pub from: Value,
    /// The value afterwards, likewise.
    #[cfg_attr(feature = "openapi", schema(example = false))]
    pub to: Value,
}

/// The fields that clients can write and that differ, as clients see them. `None` is a configuration that does not exist.
#[must_use]
pub fn diff(before: Option<&StoredConfig>, after: Option<&StoredConfig>) -> Vec<FieldDiff> {
    let shown = |config: Option<&StoredConfig>, field| {
        let value = config.and_then(|config| config.shown(field));
        value.cloned().unwrap_or_default()
    };
    Field::ALL
        .into_iter()
        .filter(|field| field.spec().role == FieldRole::Writable)
        .map(|field| FieldDiff {
            field,
            from: shown(before, field),
            to: shown(after, field),
        })
        .filter(|diff| diff.from != diff.to)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(attributes: &Value) -> StoredConfig {
        StoredConfig::from_attributes(attributes.as_object().unwrap().clone())
    }

    #[test]
    fn only_writable_fields_that_differ_are_listed() {
        let before =
            stored(&json!({"tenant_id": "a", "enabled": true, "ttl": 1, "updated_at": "x", "bucket_name": "b"}));
        let after = stored(&json!({"tenant_id": "a", "enabled": false, "updated_at": "y", "bucket_name": "b"}));
        assert_eq!(
            json!(diff(Some(&before), Some(&after))),
            json!([{"field": "enabled", "from": true, "to": false}, {"field": "ttl", "from": 1, "to": null}])
        );
    }

    #[test]
    fn what_a_client_sees_as_the_same_does_not_differ() {
        let (absent, null) = (stored(&json!({})), stored(&json!({"enabled": null, "ttl": null})));
        assert_eq!(diff(Some(&absent), Some(&null)), []);
        assert_eq!(diff(Some(&absent), Some(&stored(&json!({"enabled": false})))), []);
    }

    #[test]
    fn configuration_that_does_not_exist_has_no_values() {
        let config = stored(&json!({"tenant_id": "a", "enabled": false}));
        assert_eq!(
            json!(diff(None, Some(&config))),
            json!([{"field": "enabled", "from": null, "to": false}])
        );
        assert_eq!(
            json!(diff(Some(&config), None)),
            json!([{"field": "enabled", "from": false, "to": null}])
        );
    }
}
