use serde_json::json;

use super::*;
use crate::config::names::ExternalCheck;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

fn stored(attributes: Value) -> StoredConfig {
    let Value::Object(attributes) = attributes else {
        unreachable!("the tests pass objects")
    };
    StoredConfig::from_attributes(attributes)
}

fn checks(attributes: Value) -> Vec<(&'static str, CheckStatus, &'static str)> {
    check_stored(&stored(attributes), NOW)
        .into_iter()
        .map(|check| (check.field, check.status, check.code))
        .collect()
}

/// The checks of a configuration with this field that are not as usual.
fn reported(mut item: Value, field: &str, value: Value) -> Vec<(&'static str, CheckStatus, &'static str)> {
    item[field] = value;
    let is_usual = |status| matches!(status, CheckStatus::Ok | CheckStatus::Skipped);
    checks(item)
        .into_iter()
        .filter(|(_, status, _)| !is_usual(*status))
        .collect()
}

fn s3() -> Value {
    json!({
        "tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "bucket_prefix": "p/", "enabled": true,
        "created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:30:00Z"
    })
}

#[test]
fn well_formed_item_has_no_failure_and_a_check_for_each_field() {
    let found = checks(s3());
    assert_eq!(found.len(), 11, "{found:?}");
    assert!(
        found
            .iter()
            .all(|(_, status, _)| matches!(status, CheckStatus::Ok | CheckStatus::Skipped))
    );
}

#[test]
fn each_invalid_field_is_reported_with_its_rule() {
    let mut item = s3();
    item["bucket_name"] = json!("NO_BUCKET");
    item["bucket_prefix"] = json!("/logs");
    item["target_region"] = json!("moon-1");
    item["desired_logs"] = json!(["a", 7]);
    item["log_group_name"] = json!(7);
    item.as_object_mut().unwrap().remove("enabled");
    let found = checks(item);
    for failure in [
        ("bucket_name", CheckStatus::Invalid, "invalid_format"),
        ("bucket_prefix", CheckStatus::Invalid, "invalid_format"),
        ("target_region", CheckStatus::Invalid, "invalid_format"),
        ("desired_logs", CheckStatus::Invalid, "wrong_type"),
        ("log_group_name", CheckStatus::Invalid, "wrong_delivery_type"),
        ("enabled", CheckStatus::Missing, "required"),
    ] {
        assert!(found.contains(&failure), "{failure:?} in {found:?}");
    }
}

#[test]
fn what_is_unusual_but_delivered_is_a_warning() {
    for (field, value, code) in [
        ("tenant_id", json!("acme.corp"), "invalid_format"),
        ("tenant_id", json!(" "), "invalid_format"),
        ("created_at", json!("yesterday"), "invalid_format"),
        ("created_at", json!(7), "invalid_format"),
        ("updated_at", json!(""), "invalid_format"),
        ("desired_logs", json!([]), "empty"),
        ("desired_logs", json!([""]), "empty"),
        ("desired_logs", json!(["a", "a"]), "duplicate"),
        ("desired_logs", json!(["n".repeat(257)]), "too_long"),
        ("labels", json!("env=prod"), "wrong_type"),
        ("labels", json!({"env": 7}), "wrong_type"),
        ("labels", json!({"Team": "x"}), "invalid_format"),
        ("labels", json!({"env": "a b"}), "invalid_format"),
        ("bucket_prefix", json!(""), "empty"),
        ("target_region", json!(""), "empty"),
        ("target_region", json!("moon-east-1"), "unknown_region"),
        (
            "log_distribution_role_arn",
            json!("arn:aws:iam::123456789012:role/a"),
            "wrong_delivery_type",
        ),
        (
            "log_distribution_role_arn",
            json!("arn:aws-cn:iam::123456789012:role/a"),
            "wrong_delivery_type",
        ),
        ("ttl", json!("soon"), "wrong_type"),
        ("ttl", json!(0), "in_the_past"),
        ("ttl", json!(-1), "in_the_past"),
        ("ttl", json!(1_500_000_000), "in_the_past"),
        ("ttl", json!(1_800_000_000_000_i64), "out_of_range"),
    ] {
        let found = reported(s3(), field, value.clone());
        assert_eq!(found, [(field, CheckStatus::Warning, code)], "{value}");
    }
}

#[test]
fn broken_label_is_reported_with_its_key() {
    let mut item = s3();
    item["labels"] = json!({"Team": "x", "env": "prod", "n": 7, "old": null});
    let labels: Vec<_> = check_stored(&stored(item), NOW)
        .into_iter()
        .filter(|check| check.field == "labels")
        .map(|check| check.message.split(' ').next().map(str::to_owned))
        .collect();
    assert_eq!(labels, [Some("labels.Team".to_owned()), Some("labels.n".to_owned())]);
}

#[test]
fn absent_null_or_blank_required_fields_are_missing() {
    let found = checks(json!({"tenant_id": "acme", "type": "cloudwatch", "log_group_name": null, "enabled": null}));
    for field in ["log_distribution_role_arn", "log_group_name", "enabled"] {
        assert!(found.contains(&(field, CheckStatus::Missing, "required")), "{field}");
    }
    for blank in ["", " \t"] {
        let found = reported(s3(), "bucket_name", json!(blank));
        assert_eq!(found, [("bucket_name", CheckStatus::Missing, "required")]);
    }
}

#[test]
fn enabled_sibling_that_stops_the_tenant_is_reported() {
    assert_eq!(Field::from_name(SIBLINGS), None);
    assert_eq!(ExternalCheck::from_name(SIBLINGS), None);
    let blocks = |sibling: Value| check_siblings([&stored(sibling)]).len() == 1;
    for sibling in [
        json!({"type": "splunk", "enabled": true}),
        json!({"type": "CloudWatch", "enabled": "yes"}),
        json!({"type": "s3", "enabled": true}),
        json!({"type": "s3", "enabled": true, "bucket_name": null}),
        json!({"type": "s3", "enabled": true, "bucket_name": " "}),
        json!({"type": "cloudwatch", "enabled": true, "log_group_name": "g"}),
        json!({"type": "s3", "enabled": true, "ttl": 1_699_999_999}),
    ] {
        assert!(blocks(sibling.clone()), "{sibling}");
    }
    for sibling in [
        s3(),
        json!({"type": "splunk"}),
        json!({"type": "splunk", "enabled": false}),
        json!({"type": "splunk", "enabled": null}),
        // Not delivered either, but without harm to others.
        json!({"type": "s3", "enabled": true, "bucket_name": "NO_BUCKET"}),
        json!({"type": "s3", "enabled": true, "bucket_name": 7}),
    ] {
        assert!(!blocks(sibling.clone()), "{sibling}");
    }
    let found = check_siblings([&stored(json!({"type": "splunk", "enabled": true}))]);
    assert_eq!((found[0].field, found[0].code), ("siblings", "blocked_by_sibling"));
    assert!(found[0].is_failure());
}

#[test]
fn unknown_type_is_invalid_and_skips_fields_of_specific_types() {
    let found = checks(json!({"tenant_id": "a b", "type": "splunk", "enabled": true}));
    assert!(found.contains(&("type", CheckStatus::Invalid, "invalid_format")));
    assert!(!found.iter().any(|(field, ..)| *field == "bucket_name"));
}

#[test]
fn role_and_region_of_different_partitions_conflict() {
    let mut item = json!({
        "tenant_id": "acme", "type": "cloudwatch", "log_group_name": "g", "enabled": true,
        "log_distribution_role_arn": "arn:aws-us-gov:iam::123456789012:role/a", "target_region": "us-east-1"
    });
    let conflict = ("target_region", CheckStatus::Invalid, "conflict");
    assert!(checks(item.clone()).contains(&conflict));
    item["target_region"] = json!("us-gov-west-1");
    assert!(!checks(item).contains(&conflict));
}
