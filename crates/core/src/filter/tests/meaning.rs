//! What a filter matches.

use serde_json::json;

use super::*;

#[test]
fn comparison_with_a_missing_field_is_false_and_not_negates_it() {
    for filter in [
        "bucket_name = a",
        "bucket_name != a",
        "bucket_name < a",
        "bucket_name >= a",
        "bucket_name = \"*\"",
        "bucket_name:*",
        "ttl > 0",
        "ttl != 0",
        "created_at < 2024-01-15T10:30:00Z",
        "created_at != 2024-01-15T10:30:00Z",
        "desired_logs:a",
        "desired_logs:\"*\"",
        "account:*",
        "account = 123456789012",
        "labels.env = a",
        "labels.env != a",
        "labels.env:*",
        "labels:*",
        "enabled = true",
        "enabled:*",
        "delivers(a)",
        "a",
    ] {
        for missing in [
            json!({}),
            json!({
                "bucket_name": null, "ttl": null, "created_at": null, "desired_logs": null, "enabled": null, "labels": null,
                "log_distribution_role_arn": null
            }),
        ] {
            assert!(!matches(filter, missing.clone()), "{filter} {missing}");
            assert!(matches(&format!("NOT {filter}"), missing), "NOT {filter}");
        }
    }
}

#[test]
fn value_of_another_type_is_present_but_compares_with_nothing() {
    let odd = json!({
        "bucket_name": 7, "ttl": {"N": "1E+100"}, "created_at": 7, "desired_logs": "a", "enabled": "true",
        "log_distribution_role_arn": ["arn:aws:iam::123456789012:role/a"], "target_region": {"B": "AQI="}
    });
    for filter in [
        "bucket_name = \"7\"",
        "bucket_name != \"7\"",
        "bucket_name < \"8\"",
        "ttl > 0",
        "ttl != 0",
        "created_at != 2024-01-15T10:30:00Z",
        "desired_logs:a",
        "enabled = true",
        "enabled != true",
        "enabled = false",
        "account:*",
        "target_region = \"*\"",
        "a",
        "arn",
        "delivers(a)",
    ] {
        assert!(!matches(filter, odd.clone()), "{filter}");
    }
    for field in ["bucket_name", "ttl", "created_at", "desired_logs", "enabled"] {
        assert!(matches(&format!("{field}:*"), odd.clone()), "{field}");
    }
}

#[test]
fn texts_compare_byte_by_byte() {
    let config = || json!({"tenant_id": "Acme", "bucket_name": "acme-logs", "bucket_prefix": "a*b"});
    for (filter, expected) in [
        ("tenant_id = Acme", true),
        ("tenant_id = acme", false),
        ("tenant_id < acme", true),
        ("tenant_id > \"Acmd~\"", true),
        ("tenant_id >= Acme AND tenant_id <= Acme", true),
        ("tenant_id < é", true),
        ("bucket_name = \"acme-*\"", true),
        ("bucket_name = \"*-logs\"", true),
        ("bucket_name = \"*me-lo*\"", true),
        ("bucket_name = \"*acme\"", false),
        ("bucket_name = \"logs*\"", false),
        ("bucket_name = \"*\"", true),
        ("bucket_name != \"acme-*\"", false),
        ("bucket_name != \"*acme\"", true),
        (r#"bucket_prefix = "a\*b""#, true),
        (r#"bucket_prefix = "a\*""#, false),
        (r#"bucket_prefix = "a\**""#, true),
        ("cme-l", true),
        ("CME-L", false),
    ] {
        assert_eq!(matches(filter, config()), expected, "{filter}");
    }
}

#[test]
fn enabled_that_is_missing_is_false() {
    for (enabled, is_false) in [(json!(null), true), (json!(false), true), (json!(true), false)] {
        assert_eq!(matches("enabled = false", json!({ "enabled": enabled })), is_false);
        assert_eq!(matches("enabled = true", json!({ "enabled": enabled })), !is_false);
        assert_eq!(matches("enabled != false", json!({ "enabled": enabled })), !is_false);
    }
    assert!(matches("enabled = false AND NOT enabled:*", json!({})));
}

#[test]
fn times_compare_as_instants_and_numbers_by_value() {
    let config =
        || json!({"updated_at": "2024-01-15T11:30:00+01:00", "created_at": "yesterday", "ttl": 1_800_000_000.5});
    for (filter, expected) in [
        ("updated_at = 2024-01-15T10:30:00Z", true),
        ("updated_at = 2024-01-15T10:30:00.000Z", true),
        ("updated_at > 2024-01-15T10:29:59.999Z", true),
        ("updated_at < 2024-01-15T10:30:00-00:01", true),
        ("updated_at != 2024-01-15T11:30:00+01:00", false),
        ("created_at:*", true),
        ("created_at != 2024-01-15T11:30:00Z", false),
        ("ttl > 1800000000", true),
        ("ttl <= 1800000001", true),
        ("ttl = 1800000000", false),
        ("ttl > -9007199254740992", true),
    ] {
        assert_eq!(matches(filter, config()), expected, "{filter}");
    }
    assert!(matches("ttl = 1800000000", json!({"ttl": 1_800_000_000})));
    assert!(matches("ttl >= 1800000000", json!({"ttl": i64::MAX})));
}

#[test]
fn application_is_delivered_by_an_enabled_configuration_that_names_it_or_none() {
    for (config, expected) in [
        (json!({"enabled": true}), true),
        (json!({"enabled": true, "desired_logs": null}), true),
        (json!({"enabled": true, "desired_logs": ["a", "payments"]}), true),
        (json!({"enabled": true, "desired_logs": ["a", "Payments"]}), false),
        // Log processors take them for every application.
        (json!({"enabled": true, "desired_logs": []}), true),
        (json!({"enabled": true, "desired_logs": [""]}), true),
        (json!({"enabled": true, "desired_logs": ["", "a"]}), false),
        (json!({"enabled": true, "desired_logs": [7]}), false),
        (json!({"enabled": true, "desired_logs": "payments"}), false),
        (json!({"enabled": false, "desired_logs": ["payments"]}), false),
        (json!({"enabled": "true"}), false),
        (json!({}), false),
    ] {
        assert_eq!(matches("delivers(payments)", config.clone()), expected, "{config}");
        let (listed, names) = (
            matches("desired_logs:payments", config.clone()),
            &config["desired_logs"],
        );
        let is_listed = names.as_array().is_some_and(|names| names.contains(&json!("payments")));
        assert_eq!(listed, is_listed, "{config}");
    }
}

#[test]
fn account_is_that_of_the_role_even_in_a_role_that_is_not_valid() {
    let with_role = |role: &str| json!({ "log_distribution_role_arn": role });
    for (role, expected) in [
        ("arn:aws:iam::123456789012:role/a", true),
        ("arn:aws-cn:iam::123456789012:role/team*/a", true),
        ("arn:aws:iam::123456789012", true),
        ("arn:aws:iam::1234567890123:role/a", false),
        ("arn:aws:iam:123456789012:role/a", false),
        ("arn:aws:iam::999999999999:role/:123456789012:", false),
        ("role/123456789012", false),
        ("", false),
    ] {
        assert_eq!(matches("account = 123456789012", with_role(role)), expected, "{role}");
    }
    let role = "arn:aws:iam::123456789012:role/a";
    for (filter, expected) in [
        ("account = \"1234*\"", true),
        ("account = \"*9012\"", true),
        ("account = \"*5678*\"", true),
        ("account != \"1234*\"", false),
        ("account < 200000000000", true),
        ("account:*", true),
    ] {
        assert_eq!(matches(filter, with_role(role)), expected, "{filter}");
    }
}

#[test]
fn word_finds_a_part_of_tenant_bucket_group_or_role() {
    for field in [
        "tenant_id",
        "bucket_name",
        "log_group_name",
        "log_distribution_role_arn",
    ] {
        assert!(matches("c1u5ter", json!({ field: "ocm-c1u5ter-prod" })), "{field}");
    }
    for field in ["bucket_prefix", "target_region", "type", "created_at"] {
        assert!(!matches("c1u5ter", json!({ field: "ocm-c1u5ter-prod" })), "{field}");
    }
}

#[test]
fn broken_finds_what_a_check_finds() {
    let s3 = || json!({"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "enabled": true});
    assert!(!matches("broken", s3()));
    assert!(matches("-broken", s3()));
    // A warning is not a failure.
    for (field, value, expected) in [
        ("bucket_name", json!("NO_BUCKET"), true),
        ("bucket_name", json!(null), true),
        ("type", json!("splunk"), true),
        ("enabled", json!("yes"), true),
        ("ttl", json!("soon"), false),
        ("desired_logs", json!([]), false),
    ] {
        let mut config = s3();
        config[field] = value.clone();
        assert_eq!(matches("broken", config), expected, "{field} {value}");
    }
}

#[test]
fn or_binds_tighter_than_and() {
    let config = || json!({"tenant_id": "b"});
    assert!(!matches("a AND b OR b", config()));
    assert!(matches("(a AND b) OR b", config()));
    assert!(matches("b OR a -a", config()));
}
