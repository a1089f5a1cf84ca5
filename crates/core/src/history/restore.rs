//! The body with which an earlier revision is restored.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{
    config::{
        DeliveryType, Field, FieldRole, InputError, NewConfig, StoredConfig, check_key_field, create_from_members,
        parse_members,
    },
    tenant_id::TenantId,
};

/// Parses the body of a request that restores `target`, a configuration of this tenant and type: nothing, or a JSON Merge
/// Patch with what is to be different. What is restored follows today's rules, and all broken ones are reported.
pub fn parse_restore(
    body: &[u8],
    target: &StoredConfig,
    tenant: &TenantId,
    delivery_type: DeliveryType,
    now: DateTime<Utc>,
) -> Result<NewConfig, InputError> {
    let patch = match parse_members(body) {
        Err(InputError::Empty) => Vec::new(),
        members => members?,
    };
    check_key_field(&patch, Field::TenantId, tenant.as_str())?;
    check_key_field(&patch, Field::Type, delivery_type.as_str())?;
    let is_key = |name: &str| [Field::TenantId, Field::Type].iter().any(|field| field.name() == name);
    let patch = patch.into_iter().filter(|(name, _)| !is_key(name)).collect();
    let members: Vec<_> = restore_body(target, Some(&patch), None).into_iter().collect();
    create_from_members(&members, now)
}

/// The body of the update or create that makes a configuration what it was: parsed like one that a client sends, so
/// that today's rules apply and all broken ones are reported.
///
/// `target` is what is restored, and `patch` what the client wants different (JSON Merge Patch, RFC 7396). `current` is
/// the configuration that exists now: a field that it has and the target does not is reset by a null. Without one the
/// body creates the configuration.
#[must_use]
pub fn restore_body(
    target: &StoredConfig,
    patch: Option<&Map<String, Value>>,
    current: Option<&StoredConfig>,
) -> Map<String, Value> {
    let mut body = members(target);
    if let Some(patch) = patch {
        merge(&mut body, patch);
    }
    for field in Field::ALL {
        let Some(found) = current.and_then(|current| current.get(field)) else {
            continue;
        };
        if field.spec().role != FieldRole::Writable {
            continue;
        }
        match (body.get_mut(field.name()), found) {
            (None, _) => drop(body.insert(field.name().to_owned(), Value::Null)),
            // An update of a map changes only the members that it names.
            (Some(Value::Object(wanted)), Value::Object(found)) => {
                for name in found.keys() {
                    wanted.entry(name.as_str()).or_insert(Value::Null);
                }
            }
            (Some(_), _) => {}
        }
    }
    body
}

fn members(config: &StoredConfig) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// RFC 7396, section 2.
fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.remove(name)),
            Value::Object(patch) => {
                let member = target.entry(name.as_str()).or_insert(Value::Null);
                if !member.is_object() {
                    *member = Map::new().into();
                }
                if let Value::Object(member) = member {
                    merge(member, patch);
                }
            }
            _ => drop(target.insert(name.clone(), value.clone())),
        }
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

    fn object(json: Value) -> Map<String, Value> {
        let Value::Object(members) = json else {
            unreachable!("the tests pass objects")
        };
        members
    }

    #[test]
    fn field_that_the_target_lacks_is_reset_where_it_is_set() {
        let target = stored(json!({"tenant_id": "acme", "type": "s3", "bucket_name": "one", "created_at": "then"}));
        let current = stored(json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "two", "ttl": 7, "desired_logs": null, "enabled": true,
            "created_at": "later", "updated_at": "now"
        }));
        let body = restore_body(&target, None, Some(&current));
        let expected = json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "one", "enabled": false, "created_at": "then",
            "ttl": null, "desired_logs": null
        });
        assert_eq!(Value::from(body), expected);
    }

    #[test]
    fn creation_has_only_the_fields_of_the_target() {
        let target = stored(json!({"tenant_id": "acme", "type": "s3", "bucket_name": "one", "enabled": true}));
        let body = restore_body(&target, None, None);
        let expected = json!({"tenant_id": "acme", "type": "s3", "bucket_name": "one", "enabled": true});
        assert_eq!(Value::from(body), expected);
    }

    #[test]
    fn patch_applies_to_the_target() {
        let target = stored(json!({"tenant_id": "acme", "type": "s3", "ttl": 7, "bucket_name": "one"}));
        let current = stored(json!({"tenant_id": "acme", "type": "s3", "ttl": 9}));
        let patch = object(json!({"ttl": null, "bucket_name": "two", "unknown": 1}));
        let body = restore_body(&target, Some(&patch), Some(&current));
        let expected = json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "two", "enabled": false, "unknown": 1, "ttl": null
        });
        assert_eq!(Value::from(body), expected);
    }

    #[test]
    fn request_to_restore_is_nothing_or_a_patch() {
        let target = stored(json!({"tenant_id": "acme", "type": "s3", "bucket_name": "one-bucket", "enabled": true}));
        let parse = |body: &str| {
            let tenant = "acme".parse().unwrap();
            parse_restore(
                body.as_bytes(),
                &target,
                &tenant,
                DeliveryType::S3,
                DateTime::UNIX_EPOCH,
            )
        };
        let bucket = |body: &str| parse(body).unwrap().as_stored().get(Field::BucketName).cloned();
        for body in ["", " \n", "{}", r#"{"tenant_id":"acme","type":null}"#] {
            assert_eq!(bucket(body), Some(json!("one-bucket")), "{body}");
        }
        assert_eq!(
            bucket(r#"{"bucket_name":"another-bucket"}"#),
            Some(json!("another-bucket"))
        );
        for body in [r#"{"type":"cloudwatch"}"#, r#"{"tenant_id":"globex"}"#] {
            assert!(matches!(parse(body), Err(InputError::NamesAnother { .. })), "{body}");
        }
        assert_eq!(parse("[]"), Err(InputError::NotAnObject));
        let Err(InputError::BrokenRules(rules)) = parse(r#"{"bucket_name":null,"unknown":1}"#) else {
            panic!("two rules are broken");
        };
        assert_eq!(rules.len(), 2, "{rules:?}");
    }

    #[test]
    fn what_is_restored_follows_the_rules_of_today() {
        let target = stored(json!({"tenant_id": "acme", "type": "s3", "bucket_name": "No Bucket", "ttl": 7}));
        let tenant = "acme".parse().unwrap();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let parsed = parse_restore(b"", &target, &tenant, DeliveryType::S3, now);
        let Err(InputError::BrokenRules(rules)) = parsed else {
            panic!("{parsed:?}");
        };
        let fields: Vec<_> = rules.iter().map(|rule| rule.field.as_str()).collect();
        assert_eq!(fields, ["bucket_name", "ttl"]);
    }

    /// The examples of RFC 7396, appendix A, whose documents are objects.
    #[test]
    fn patch_merges_as_the_rfc_says() {
        for (target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut merged = object(target);
            merge(&mut merged, &object(patch.clone()));
            assert_eq!(Value::from(merged), expected, "{patch}");
        }
    }
}
