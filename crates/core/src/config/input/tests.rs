//! Each rule of a body, one by one. The rules of single values are tested beside their types.

use serde_json::json;

use super::*;
use crate::config::{field_value::FieldData, stored::StoredConfig};

const NOW: i64 = 1_700_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn tenant() -> TenantId {
    "acme-corp".parse().unwrap()
}

fn create(body: &Value) -> Result<NewConfig, InputError> {
    parse_create(body.to_string().as_bytes(), &tenant(), now())
}

fn update(delivery_type: DeliveryType, body: &Value) -> Result<ConfigUpdate, InputError> {
    parse_update(body.to_string().as_bytes(), &tenant(), delivery_type, now())
}

/// The broken rules as `(field, code)`.
fn broken<T: std::fmt::Debug>(outcome: Result<T, InputError>) -> Vec<(String, ErrorCode)> {
    match outcome {
        Err(InputError::BrokenRules(errors)) => errors.into_iter().map(|error| (error.field, error.code)).collect(),
        other => panic!("expected broken rules, got {other:?}"),
    }
}

fn rule(field: &str, code: ErrorCode) -> (String, ErrorCode) {
    (field.to_owned(), code)
}

fn cloudwatch() -> Value {
    json!({
        "tenant_id": "acme-corp",
        "type": "cloudwatch",
        "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole",
        "log_group_name": "/aws/logs/acme-corp"
    })
}

fn s3() -> Value {
    json!({"tenant_id": "acme-corp", "type": "s3", "bucket_name": "acme-corp-logs"})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[test]
fn minimal_create_of_each_type_gets_the_defaults() {
    let values = |body: &Value| -> Vec<(Field, FieldData)> {
        let values = create(body).unwrap().into_values();
        values
            .into_iter()
            .map(|value| (value.field(), value.into_data()))
            .collect()
    };
    let text = |text: &str| FieldData::Text(text.to_owned());
    assert_eq!(
        values(&cloudwatch()),
        [
            (
                Field::LogDistributionRoleArn,
                text("arn:aws:iam::123456789012:role/LogDistributionRole")
            ),
            (Field::LogGroupName, text("/aws/logs/acme-corp")),
            (Field::Enabled, FieldData::Boolean(true)),
        ]
    );
    assert_eq!(create(&cloudwatch()).unwrap().delivery_type(), DeliveryType::CloudWatch);
    assert_eq!(
        values(&s3()),
        [
            (Field::BucketName, text("acme-corp-logs")),
            (Field::BucketPrefix, text("ROSA/cluster-logs/")),
            (Field::Enabled, FieldData::Boolean(true)),
        ]
    );
}

#[test]
fn create_with_every_field_keeps_every_field() {
    let body = json!({
        "tenant_id": "acme-corp", "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "p",
        "target_region": "eu-west-1", "enabled": false, "desired_logs": ["b", "a"], "ttl": NOW + 1,
        "labels": {"env": "prod", "team": null},
        "created_at": "2024-01-15T10:30:00Z", "updated_at": 7
    });
    let values = create(&body).unwrap().into_values();
    let names: Vec<Field> = values.iter().map(FieldValue::field).collect();
    assert_eq!(
        names,
        [
            Field::BucketName,
            Field::BucketPrefix,
            Field::TargetRegion,
            Field::Enabled,
            Field::DesiredLogs,
            Field::Labels,
            Field::Ttl
        ]
    );
}

#[test]
fn null_in_an_optional_field_of_a_create_means_absent() {
    let mut body = s3();
    for field in [
        "bucket_prefix",
        "target_region",
        "enabled",
        "desired_logs",
        "labels",
        "ttl",
        "log_group_name",
    ] {
        body = with(body, field, Value::Null);
    }
    assert_eq!(create(&body), create(&s3()));
}

#[test]
fn create_requires_tenant_and_type() {
    for absent in [Value::Null, json!("")] {
        assert_eq!(
            broken(create(&with(s3(), "tenant_id", absent.clone()))),
            [rule("tenant_id", ErrorCode::Required)]
        );
        assert_eq!(
            broken(create(&with(s3(), "type", absent)))[0],
            rule("type", ErrorCode::Required)
        );
    }
    assert_eq!(broken(create(&json!({"bucket_name": "acme-corp-logs"}))).len(), 2);
    assert_eq!(
        broken(create(&with(s3(), "type", json!("S3")))),
        [rule("type", ErrorCode::InvalidFormat)]
    );
    assert_eq!(
        broken(create(&with(s3(), "type", json!(1)))),
        [rule("type", ErrorCode::WrongType)]
    );
    assert_eq!(
        broken(create(&with(s3(), "tenant_id", json!(1)))),
        [rule("tenant_id", ErrorCode::WrongType)]
    );
}

#[test]
fn each_missing_required_field_is_reported() {
    for absent in [None, Some(Value::Null)] {
        let mut body = json!({"tenant_id": "acme-corp", "type": "cloudwatch"});
        if let Some(value) = absent {
            body["log_distribution_role_arn"] = value.clone();
            body["log_group_name"] = value;
        }
        assert_eq!(
            broken(create(&body)),
            [
                rule("log_distribution_role_arn", ErrorCode::Required),
                rule("log_group_name", ErrorCode::Required)
            ]
        );
    }
    assert_eq!(
        broken(create(&json!({"tenant_id": "acme-corp", "type": "s3"}))),
        [rule("bucket_name", ErrorCode::Required)]
    );
    assert_eq!(
        broken(create(&with(s3(), "bucket_name", json!("")))),
        [rule("bucket_name", ErrorCode::Empty)]
    );
}

#[test]
fn all_broken_rules_are_reported_together_even_without_a_type() {
    let body = json!({
        "tenant_id": "acme-corp", "enable": true, "enabled": "yes", "target_region": "moon-1", "ttl": 1,
        "desired_logs": [], "bucket_name": "NO"
    });
    assert_eq!(
        broken(create(&body)),
        [
            rule("type", ErrorCode::Required),
            rule("bucket_name", ErrorCode::TooShort),
            rule("desired_logs", ErrorCode::Empty),
            rule("enable", ErrorCode::UnknownField),
            rule("enabled", ErrorCode::WrongType),
            rule("target_region", ErrorCode::InvalidFormat),
            rule("ttl", ErrorCode::InThePast),
        ]
    );
}

#[test]
fn unknown_field_is_reported_with_the_nearest_known_field() {
    let Err(InputError::BrokenRules(errors)) = update(DeliveryType::S3, &json!({"enable": false})) else {
        panic!("an unknown field must be rejected");
    };
    assert!(errors[0].message.contains("did you mean enabled?)"), "{}", errors[0]);
    let Err(InputError::BrokenRules(errors)) = update(DeliveryType::S3, &json!({"x".repeat(50_000): 1})) else {
        panic!("an unknown field must be rejected");
    };
    assert!(errors[0].field.len() < 100, "a huge name is not repeated whole");
}

#[test]
fn field_of_another_type_is_rejected_and_null_removes_it() {
    let role = json!("arn:aws:iam::123456789012:role/a");
    let body = with(s3(), "log_distribution_role_arn", role.clone());
    assert_eq!(
        broken(create(&body)),
        [rule("log_distribution_role_arn", ErrorCode::WrongDeliveryType)]
    );
    assert_eq!(
        broken(update(DeliveryType::CloudWatch, &json!({"bucket_prefix": "p"}))),
        [rule("bucket_prefix", ErrorCode::WrongDeliveryType)]
    );
    assert_eq!(
        update(DeliveryType::S3, &json!({"log_group_name": null}))
            .unwrap()
            .changes(),
        [Change::Remove(Field::LogGroupName)]
    );
}

#[test]
fn body_for_another_tenant_or_type_is_rejected_before_any_rule() {
    let body = json!({"tenant_id": "other", "type": "s3", "bogus": 1});
    assert!(matches!(
        create(&body),
        Err(InputError::NamesAnother {
            field: Field::TenantId,
            ..
        })
    ));
    assert!(matches!(
        update(DeliveryType::S3, &body),
        Err(InputError::NamesAnother {
            field: Field::TenantId,
            ..
        })
    ));
    for delivery_type in [json!("cloudwatch"), json!(3), json!(["s3"])] {
        let body = json!({"type": delivery_type, "enabled": true, "bogus": 1});
        assert!(matches!(
            update(DeliveryType::S3, &body),
            Err(InputError::NamesAnother { field: Field::Type, .. })
        ));
    }
}

#[test]
fn create_with_a_tenant_that_is_not_a_string_reports_it_with_the_other_broken_rules() {
    let Err(InputError::BrokenRules(errors)) = create(&json!({"tenant_id": 7, "type": "s3", "bogus": 1})) else {
        panic!("expected broken rules")
    };
    let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["tenant_id", "bogus", "bucket_name"]);
}

#[test]
fn update_accepts_a_matching_or_empty_tenant_and_type() {
    for (tenant, delivery_type) in [
        (json!("acme-corp"), json!("s3")),
        (json!(""), json!("")),
        (Value::Null, Value::Null),
    ] {
        let body = json!({"tenant_id": tenant, "type": delivery_type, "enabled": false});
        assert_eq!(
            update(DeliveryType::S3, &body).unwrap().changes(),
            [Change::Set(FieldValue::new(Field::Enabled, FieldData::Boolean(false)))]
        );
    }
}

#[test]
fn update_distinguishes_absent_null_and_value() {
    let body =
        json!({"enabled": null, "bucket_prefix": null, "target_region": null, "desired_logs": null, "ttl": null});
    let changes = update(DeliveryType::S3, &body).unwrap();
    for change in [
        Change::Set(FieldValue::new(Field::Enabled, FieldData::Boolean(true))),
        Change::Set(FieldValue::new(
            Field::BucketPrefix,
            FieldData::Text("ROSA/cluster-logs/".to_owned()),
        )),
        Change::Remove(Field::TargetRegion),
        Change::Remove(Field::DesiredLogs),
        Change::Remove(Field::Ttl),
    ] {
        assert!(changes.changes().contains(&change), "{change:?}");
    }
    assert_eq!(changes.changes().len(), 5, "what is absent is not changed");
}

#[test]
fn labels_without_a_label_are_absent_from_a_create() {
    for labels in [json!({}), json!({"env": null}), json!({"Team": null})] {
        assert_eq!(create(&with(s3(), "labels", labels)), create(&s3()));
    }
    assert_eq!(
        broken(create(&with(
            s3(),
            "labels",
            json!({"Team": "x", "env": "a b", "n": 1})
        ))),
        [
            rule("labels.Team", ErrorCode::InvalidFormat),
            rule("labels.env", ErrorCode::InvalidFormat),
            rule("labels.n", ErrorCode::WrongType)
        ]
    );
}

#[test]
fn required_field_cannot_be_removed() {
    for (delivery_type, field) in [
        (DeliveryType::CloudWatch, "log_distribution_role_arn"),
        (DeliveryType::CloudWatch, "log_group_name"),
        (DeliveryType::S3, "bucket_name"),
    ] {
        assert_eq!(
            broken(update(delivery_type, &json!({field: null}))),
            [rule(field, ErrorCode::Required)]
        );
    }
}

#[test]
fn update_without_a_change_is_rejected() {
    for body in [
        json!({}),
        json!({"tenant_id": "acme-corp", "type": "s3", "created_at": "x", "updated_at": null}),
    ] {
        assert_eq!(update(DeliveryType::S3, &body), Err(InputError::NothingToUpdate));
    }
}

#[test]
fn body_that_is_not_a_json_object_is_rejected() {
    let parse = |body: &[u8]| parse_create(body, &tenant(), now()).unwrap_err();
    assert_eq!(parse(b""), InputError::Empty);
    assert_eq!(parse(b" \r\n\t"), InputError::Empty);
    assert_eq!(parse(b"{\"a\":"), InputError::NotJson { line: 1, column: 5 });
    assert_eq!(parse(b"[]"), InputError::NotAnObject);
    assert_eq!(parse(b"null"), InputError::NotAnObject);
    assert_eq!(
        parse(br#"{"ttl":1,"ttl":2}"#),
        InputError::DuplicateKey { name: "ttl".to_owned() }
    );
}

#[test]
fn byte_order_mark_before_json_is_skipped() {
    let marked = |text: &str| format!("\u{feff}{text}");
    assert_eq!(
        parse_create(marked(&s3().to_string()).as_bytes(), &tenant(), now()),
        create(&s3())
    );
    let parse = |body: &str| parse_create(body.as_bytes(), &tenant(), now()).unwrap_err();
    assert_eq!(parse("\u{feff}"), InputError::Empty);
    assert!(matches!(parse(&marked(&marked("{}"))), InputError::NotJson { .. }));
    assert!(matches!(
        parse(&format!(" {}", marked("{}"))),
        InputError::NotJson { .. }
    ));
}

#[test]
fn retired_field_is_ignored() {
    for groups in [json!(["a"]), Value::Null, json!({"x": 1}), json!("a")] {
        assert_eq!(create(&with(s3(), "groups", groups.clone())), create(&s3()));
        assert_eq!(
            update(DeliveryType::S3, &json!({"enabled": false, "groups": groups})),
            update(DeliveryType::S3, &json!({"enabled": false}))
        );
        assert_eq!(
            update(DeliveryType::S3, &json!({"groups": groups})),
            Err(InputError::NothingToUpdate)
        );
    }
}

#[test]
fn role_and_region_of_different_partitions_conflict() {
    let elsewhere = with(cloudwatch(), "target_region", json!("us-gov-west-1"));
    assert_eq!(broken(create(&elsewhere)), [rule("target_region", ErrorCode::Conflict)]);
    let both =
        json!({"log_distribution_role_arn": "arn:aws-cn:iam::123456789012:role/a", "target_region": "us-east-1"});
    let errors = update(DeliveryType::CloudWatch, &both)
        .unwrap()
        .resolve(&StoredConfig::from_attributes([("type", json!("cloudwatch"))]));
    assert_eq!(errors.unwrap_err()[0].code, ErrorCode::Conflict);
    assert!(
        create(&with(cloudwatch(), "target_region", json!("mars-north-1"))).is_ok(),
        "an unknown region"
    );
    assert!(
        create(&with(s3(), "target_region", json!("us-gov-west-1"))).is_ok(),
        "no role"
    );
}

#[test]
fn message_for_many_broken_rules_stays_short() {
    let body: serde_json::Map<String, Value> = (0..500).map(|n| (format!("field{n}"), Value::Null)).collect();
    let error = update(DeliveryType::S3, &Value::Object(body)).unwrap_err();
    assert!(error.to_string().len() < 500, "{error}");
    assert!(error.to_string().ends_with("and 497 more"), "{error}");
}

proptest::proptest! {
    #[test]
    fn parsers_never_panic(body: Vec<u8>) {
        let _ = parse_create(&body, &tenant(), now());
        let _ = parse_update(&body, &tenant(), DeliveryType::S3, now());
    }
}
