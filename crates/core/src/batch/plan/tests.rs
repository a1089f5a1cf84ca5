use chrono::DateTime;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::*;
use crate::batch::{
    input::{Work, parse_batch},
    operation::OperationKind,
};

fn operation(operation: &Value) -> Option<Operation> {
    let body = json!({"operations": [operation]}).to_string();
    match parse_batch(body.as_bytes(), DateTime::UNIX_EPOCH).ok()?.work {
        Work::Atomic(mut operations) => operations.pop(),
        Work::Independent(_) => None,
    }
}

fn valid(sent: &Value) -> Operation {
    operation(sent).unwrap_or_else(|| panic!("{sent} is valid"))
}

fn create() -> Operation {
    valid(&json!({"op": "create", "config": {"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs"}}))
}

fn upsert(fields: &Value) -> Operation {
    let mut config = json!({"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs"});
    for (name, value) in fields.as_object().unwrap() {
        config[name] = value.clone();
    }
    valid(&json!({"op": "upsert", "config": config}))
}

fn update(if_match: Option<EntityTag>) -> Operation {
    valid(&json!({
        "op": "update", "tenant_id": "acme", "type": "s3", "changes": {"enabled": false},
        "if_match": if_match.map(|tag| format!("\"{tag}\"")),
    }))
}

fn delete(allow_missing: bool, if_match: Option<EntityTag>) -> Operation {
    valid(&json!({
        "op": "delete", "tenant_id": "acme", "type": "s3", "allow_missing": allow_missing,
        "if_match": if_match.map(|tag| format!("\"{tag}\"")),
    }))
}

fn tag(number: u8) -> EntityTag {
    EntityTag::from_sha256(&[number; 32])
}

fn found(attributes: &Value) -> Found {
    Found {
        config: StoredConfig::from_attributes(attributes.as_object().unwrap().clone()),
        tag: tag(1),
        is_expired: false,
    }
}

fn stored() -> Found {
    found(&json!({
        "tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "bucket_prefix": "logs/", "enabled": true,
        "created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:30:00Z", "version": "v",
    }))
}

fn expired() -> Found {
    Found {
        is_expired: true,
        ..stored()
    }
}

#[test]
fn existence_decides() {
    let (stored, expired) = (stored(), expired());
    let is_create = |plan: Result<Plan<'_>, _>| matches!(plan, Ok(Plan::Create(_)));
    for missing in [None, Some(&expired)] {
        assert!(is_create(create().plan(missing)));
        assert!(is_create(upsert(&json!({})).plan(missing)));
        assert_eq!(update(None).plan(missing), Err(Obstacle::NotFound));
    }
    assert_eq!(create().plan(Some(&stored)), Err(Obstacle::AlreadyExists));
    assert!(matches!(update(None).plan(Some(&stored)), Ok(Plan::Update(_))));
    assert_eq!(delete(false, None).plan(None), Err(Obstacle::NotFound));
    assert_eq!(delete(true, None).plan(None), Ok(Plan::Nothing));
    for found in [&stored, &expired] {
        assert_eq!(delete(false, None).plan(Some(found)), Ok(Plan::Delete));
    }
}

#[test]
fn expected_content_decides() {
    let stored = stored();
    let failed = Obstacle::PreconditionFailed;
    assert!(update(Some(tag(1))).plan(Some(&stored)).is_ok());
    assert_eq!(update(Some(tag(2))).plan(Some(&stored)), Err(failed.clone()));
    assert_eq!(update(Some(tag(2))).plan(None), Err(Obstacle::NotFound));
    assert_eq!(delete(true, Some(tag(1))).plan(Some(&stored)), Ok(Plan::Delete));
    assert_eq!(delete(true, Some(tag(2))).plan(Some(&stored)), Err(failed.clone()));
    assert_eq!(delete(true, Some(tag(2))).plan(None), Ok(Plan::Nothing));
    let foreign = valid(&json!({
        "op": "update", "tenant_id": "acme", "type": "s3", "changes": {"enabled": false}, "if_match": "\"7\"",
    }));
    assert_eq!(foreign.plan(Some(&stored)), Err(failed));
}

#[test]
fn upsert_of_what_is_stored_writes_nothing_in_whatever_form_it_is_sent() {
    let stored = stored();
    for fields in [
        json!({}),
        json!({"enabled": true}),
        json!({"bucket_prefix": "logs"}),
        json!({"bucket_prefix": "logs/", "enabled": null, "desired_logs": null, "target_region": null}),
        json!({"created_at": "1970-01-01T00:00:00Z"}),
    ] {
        assert_eq!(upsert(&fields).plan(Some(&stored)), Ok(Plan::Nothing), "{fields}");
    }
    let plan = upsert(&json!({"bucket_prefix": null}))
        .plan(Some(&stored))
        .map(|plan| json!(plan.diff(Some(&stored))));
    let expected = json!([{"field": "bucket_prefix", "from": "logs/", "to": "ROSA/cluster-logs/"}]);
    assert_eq!(plan, Ok(expected), "null resets to the default, as in a PUT");
}

#[test]
fn update_of_what_is_stored_is_a_write_without_a_difference() {
    let off = found(&json!({"tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "enabled": false}));
    let operation = update(None);
    let plan = operation.plan(Some(&off)).unwrap();
    assert_eq!(plan, Plan::Update(Vec::new()));
    assert_eq!(plan.diff(Some(&off)), []);
}

#[test]
fn rule_that_depends_on_the_item_is_reported() {
    let stub = found(&json!({"tenant_id": "acme", "type": "s3"}));
    let switch_on = valid(&json!({"op": "update", "tenant_id": "acme", "type": "s3", "changes": {"enabled": true}}));
    let plan = switch_on.plan(Some(&stub));
    assert!(matches!(plan, Err(Obstacle::BrokenRules(errors)) if errors[0].field == "bucket_name"));
}

#[test]
fn difference_of_a_creation_has_the_defaults_and_that_of_a_deletion_everything() {
    let (create, delete, stored, expired) = (create(), delete(false, None), stored(), expired());
    let created = json!([
        {"field": "bucket_name", "from": null, "to": "acme-logs"},
        {"field": "bucket_prefix", "from": null, "to": "ROSA/cluster-logs/"},
        {"field": "enabled", "from": null, "to": true},
    ]);
    for missing in [None, Some(&expired)] {
        assert_eq!(json!(create.plan(missing).unwrap().diff(missing)), created);
    }
    assert_eq!(
        json!(delete.plan(Some(&stored)).unwrap().diff(Some(&stored))),
        json!([
            {"field": "bucket_name", "from": "acme-logs", "to": null},
            {"field": "bucket_prefix", "from": "logs/", "to": null},
            {"field": "enabled", "from": true, "to": null},
        ])
    );
}

fn any_fields() -> impl Strategy<Value = Value> {
    let member = |name: &'static str, values: Vec<Value>| {
        proptest::option::of(select(values).prop_map(move |value| (name.to_owned(), value)))
    };
    let members = [
        member("bucket_prefix", vec![json!(null), json!("logs"), json!("logs/")]),
        member(
            "target_region",
            vec![json!(null), json!("eu-west-1"), json!("us-east-1")],
        ),
        member("enabled", vec![json!(null), json!(true), json!(false)]),
        member("desired_logs", vec![json!(null), json!(["a"]), json!(["a", "b"])]),
        member("ttl", vec![json!(null), json!(4_102_444_800_i64)]),
        member(
            "labels",
            vec![
                json!(null),
                json!({}),
                json!({"env": "prod"}),
                json!({"env": null, "team": "a"}),
            ],
        ),
    ];
    members.prop_map(|members| members.into_iter().flatten().collect::<serde_json::Map<_, _>>().into())
}

proptest! {
    #[test]
    fn upsert_makes_the_same_configuration_of_any_item_and_then_writes_nothing(fields in any_fields(), item in any_fields()) {
        let operation = upsert(&fields);
        prop_assert_eq!(operation.kind(), OperationKind::Upsert);
        let mut item = item;
        item["tenant_id"] = json!("acme");
        item["type"] = json!("s3");
        let before = found(&item);
        let after = match operation.plan(Some(&before)).unwrap() {
            Plan::Update(changes) => apply(&before.config, &changes),
            Plan::Nothing => before.config.clone(),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        let after = Found { config: after, ..before };
        prop_assert_eq!(operation.plan(Some(&after)), Ok(Plan::Nothing));
    }
}
