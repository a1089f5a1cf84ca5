//! Updates that depend on the stored item: what is sent as it is stored keeps its form, and a rule may need a stored value.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde_json::{Value, json};
use tenant_aws::usage::measure;
use tenant_core::{
    DeliveryType::{CloudWatch, S3},
    ErrorCode,
};
use tenant_store::{Precondition, StoreError, client, configs::ConfigStore};
use testing::{Fault, FaultProxy};
use tokio::sync::Notify;

use crate::harness::{Harness, TABLE, item, key, now, number, request, text, unchanged, update};

const ROLE: &str = "arn:aws:iam::123456789012:role/LogDistributionRole";

fn set(names: &[&str]) -> AttributeValue {
    AttributeValue::Ss(names.iter().map(|name| (*name).to_owned()).collect())
}

fn stub() -> [(&'static str, AttributeValue); 2] {
    [("tenant_id", text("acme")), ("type", text("s3"))]
}

fn labels(labels: &[(&str, AttributeValue)]) -> AttributeValue {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    AttributeValue::M(labels.collect())
}

/// Labels that no client could send.
fn odd_labels() -> AttributeValue {
    labels(&[("Team", text("a b")), ("hosts", set(&["a", "b"]))])
}

/// Puts an S3 item with this attribute.
async fn put_with(harness: &Harness, name: &'static str, value: AttributeValue) {
    let mut attributes = item(stub());
    attributes.extend(item([
        ("bucket_name", text("acme-logs")),
        ("enabled", AttributeValue::Bool(true)),
    ]));
    attributes.insert(name.to_owned(), value);
    harness.put(attributes).await;
}

/// The preconditions of a write that should happen.
async fn met(harness: &Harness) -> [Precondition; 2] {
    [Precondition::None, unchanged(&harness.get("acme", S3).await.unwrap())]
}

#[tokio::test]
async fn value_sent_as_it_is_shown_keeps_its_stored_form() {
    let harness = Harness::start().await;
    for (field, stored, sent) in [
        ("desired_logs", set(&["b", "a"]), json!(["a", "b"])),
        ("bucket_prefix", text("logs"), json!("logs")),
        ("bucket_prefix", text("logs//"), json!("logs//")),
        ("log_distribution_role_arn", text(ROLE), json!(ROLE)),
        ("ttl", number(1_900_000_000), json!(1_900_000_000)),
        ("target_region", text("eu-west-1"), json!("eu-west-1")),
        ("labels", odd_labels(), json!({"Team": "a b", "hosts": ["a", "b"]})),
        ("labels", text("env=prod"), json!("env=prod")),
        ("labels", labels(&[]), json!({})),
    ] {
        for conditional in [false, true] {
            put_with(&harness, field, stored.clone()).await;
            let before = harness.item("acme", "s3").await.unwrap();
            let change = update(S3, &json!({field: sent, "bucket_name": "acme-logs", "enabled": true}));
            let precondition = &met(&harness).await[usize::from(conditional)];
            let updated = harness
                .store
                .update(&key("acme", S3), &change, precondition, &request(), now())
                .await
                .unwrap();
            assert_eq!(harness.get("acme", S3).await, Some(updated.after));
            let mut after = harness.item("acme", "s3").await.unwrap();
            for assigned in ["version", "updated_at", "last_change"] {
                assert!(after.remove(assigned).is_some());
            }
            assert_eq!(after, before, "{field}");
        }
    }
}

#[tokio::test]
async fn other_value_replaces_the_stored_form() {
    let harness = Harness::start().await;
    for (field, stored, sent, expected) in [
        (
            "desired_logs",
            set(&["b", "a"]),
            json!(["a"]),
            AttributeValue::L(vec![text("a")]),
        ),
        ("bucket_prefix", text("logs"), json!("logs/"), text("logs/")),
        ("bucket_prefix", text("other"), json!("logs"), text("logs/")),
        (
            "labels",
            text("env=prod"),
            json!({"env": "prod"}),
            labels(&[("env", text("prod"))]),
        ),
        (
            "labels",
            odd_labels(),
            json!({"Team": null, "env": "prod"}),
            labels(&[("hosts", set(&["a", "b"])), ("env", text("prod"))]),
        ),
        (
            "labels",
            labels(&[("env", text("prod"))]),
            json!({"env": "test", "team": ""}),
            labels(&[("env", text("test")), ("team", text(""))]),
        ),
    ] {
        put_with(&harness, field, stored).await;
        let change = update(S3, &json!({field: sent}));
        harness
            .store
            .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
            .await
            .unwrap();
        assert_eq!(harness.item("acme", "s3").await.unwrap()[field], expected);
    }
}

#[tokio::test]
async fn labels_without_a_label_are_removed() {
    let harness = Harness::start().await;
    for (stored, sent) in [
        (labels(&[("env", text("prod"))]), json!({"env": null})),
        (odd_labels(), json!({"Team": null, "hosts": null, "gone": null})),
        (odd_labels(), json!(null)),
        (text("env=prod"), json!({})),
        (AttributeValue::B(Blob::new([1])), json!({"B": null})),
    ] {
        for conditional in [false, true] {
            put_with(&harness, "labels", stored.clone()).await;
            let change = update(S3, &json!({"labels": sent}));
            let precondition = &met(&harness).await[usize::from(conditional)];
            harness
                .store
                .update(&key("acme", S3), &change, precondition, &request(), now())
                .await
                .unwrap();
            let after = harness.item("acme", "s3").await.unwrap();
            assert_eq!(after.get("labels"), None, "{sent}");
        }
    }
}

#[tokio::test]
async fn broken_label_is_rejected_unless_it_is_stored() {
    let harness = Harness::start().await;
    let rule = |field: &str, code| (field.to_owned(), code);
    for stored in [odd_labels(), labels(&[("env", text("prod"))]), text("odd")] {
        put_with(&harness, "labels", stored).await;
        assert_eq!(
            broken_rules(&harness, &json!({"labels": {"env": "a b", "hosts": ["c"]}})).await,
            [
                rule("labels.env", ErrorCode::InvalidFormat),
                rule("labels.hosts", ErrorCode::WrongType)
            ]
        );
    }
    assert_eq!(
        broken_rules(&harness, &json!({"labels": "other"})).await,
        [rule("labels", ErrorCode::WrongType)]
    );
}

#[tokio::test]
async fn null_in_enabled_is_stored_as_false_by_the_next_update() {
    let harness = Harness::start().await;
    for conditional in [false, true] {
        put_with(&harness, "enabled", AttributeValue::Null(true)).await;
        let change = update(S3, &json!({"target_region": "eu-west-1"}));
        let precondition = &met(&harness).await[usize::from(conditional)];
        harness
            .store
            .update(&key("acme", S3), &change, precondition, &request(), now())
            .await
            .unwrap();
        let enabled = &harness.item("acme", "s3").await.unwrap()["enabled"];
        assert_eq!(enabled, &AttributeValue::Bool(false));
    }
}

/// The broken rules of an update of the item, with and without a precondition. Nothing may change.
async fn broken_rules(harness: &Harness, change: &Value) -> Vec<(String, ErrorCode)> {
    let before = harness.item("acme", "s3").await;
    let change = update(S3, change);
    let mut found = Vec::new();
    for precondition in met(harness).await {
        let updated = harness
            .store
            .update(&key("acme", S3), &change, &precondition, &request(), now())
            .await;
        let Err(StoreError::BrokenRules(errors)) = updated else {
            panic!("{updated:?}")
        };
        found.push(errors.into_iter().map(|error| (error.field, error.code)).collect());
    }
    assert_eq!(harness.item("acme", "s3").await, before);
    assert_eq!(found[0], found[1]);
    found.remove(0)
}

#[tokio::test]
async fn field_of_another_type_is_rejected_unless_it_is_stored() {
    let harness = Harness::start().await;
    put_with(&harness, "log_distribution_role_arn", text(ROLE)).await;
    let other = ROLE.replace("Role", "Other");
    for change in [
        json!({"log_distribution_role_arn": other, "enabled": false}),
        json!({"log_distribution_role_arn": "", "enabled": false}),
    ] {
        let expected = ("log_distribution_role_arn".to_owned(), ErrorCode::WrongDeliveryType);
        assert_eq!(broken_rules(&harness, &change).await, [expected]);
    }
    let expected = ("log_group_name".to_owned(), ErrorCode::WrongDeliveryType);
    let change = json!({"log_distribution_role_arn": ROLE, "log_group_name": "g", "enabled": false});
    assert_eq!(broken_rules(&harness, &change).await, [expected]);
}

#[tokio::test]
async fn stub_is_not_switched_on_without_its_required_fields() {
    let harness = Harness::start().await;
    let missing = ("bucket_name".to_owned(), ErrorCode::Required);
    for enabled in [
        None,
        Some(AttributeValue::Bool(false)),
        Some(AttributeValue::Null(true)),
        Some(text("yes")),
    ] {
        for bucket in [
            None,
            Some(AttributeValue::Null(true)),
            Some(text("")),
            Some(text(" \t")),
            Some(text("\u{a0}")),
            Some(number(7)),
        ] {
            let mut attributes = item(stub());
            attributes.extend(enabled.clone().map(|enabled| ("enabled".to_owned(), enabled)));
            attributes.extend(bucket.clone().map(|bucket| ("bucket_name".to_owned(), bucket)));
            harness.put(attributes).await;
            for change in [
                json!({"enabled": true}),
                json!({"enabled": null, "target_region": "eu-west-1"}),
            ] {
                assert_eq!(
                    broken_rules(&harness, &change).await,
                    std::slice::from_ref(&missing),
                    "{enabled:?} {bucket:?}"
                );
            }
        }
    }
    for change in [
        json!({"target_region": "eu-west-1"}),
        json!({"enabled": false}),
        json!({"enabled": true, "bucket_name": "acme-logs"}),
        json!({"enabled": true}),
    ] {
        let change = update(S3, &change);
        harness
            .store
            .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
            .await
            .unwrap();
    }
    assert_eq!(
        harness.item("acme", "s3").await.unwrap()["enabled"],
        AttributeValue::Bool(true)
    );
}

#[tokio::test]
async fn every_required_field_that_a_stub_lacks_is_reported() {
    let harness = Harness::start().await;
    harness
        .put(item([("tenant_id", text("acme")), ("type", text("cloudwatch"))]))
        .await;
    let change = update(CloudWatch, &json!({"enabled": true}));
    let updated = harness
        .store
        .update(
            &key("acme", CloudWatch),
            &change,
            &Precondition::None,
            &request(),
            now(),
        )
        .await;
    let Err(StoreError::BrokenRules(errors)) = updated else {
        panic!("{updated:?}")
    };
    let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["log_distribution_role_arn", "log_group_name"]);
}

#[tokio::test]
async fn value_that_does_not_begin_visibly_counts_as_present() {
    let harness = Harness::start().await;
    for bucket in [" acme", "\u{e9}", "\u{7f}"] {
        put_with(&harness, "bucket_name", text(bucket)).await;
        let change = update(S3, &json!({"enabled": null}));
        harness
            .store
            .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn only_an_update_that_depends_on_the_item_needs_a_second_call() {
    let harness = Harness::start().await;
    let whole = json!({
        "bucket_name": "acme-logs", "bucket_prefix": "logs", "desired_logs": ["a"], "enabled": true, "labels": {"env": "prod"}
    });
    for (field, stored, calls) in [
        ("bucket_name", text("acme-logs"), 1),
        ("desired_logs", AttributeValue::L(vec![text("a")]), 1),
        ("desired_logs", set(&["a"]), 2),
        ("bucket_prefix", text("logs"), 2),
        ("labels", labels(&[("env", text("prod"))]), 1),
        ("labels", labels(&[("env", text("prod")), ("team", text("a"))]), 2),
    ] {
        put_with(&harness, field, stored).await;
        let change = update(S3, &whole);
        let key = key("acme", S3);
        let by = request();
        let update = harness.store.update(&key, &change, &Precondition::None, &by, now());
        let (updated, usage) = measure(Box::pin(update)).await;
        updated.unwrap();
        assert_eq!(usage.calls, calls, "{field}");
    }
}

/// Makes each edit by hand before the write of that number reaches the table, beginning with the second write.
async fn update_around_edits(harness: &Harness, edits: Vec<AttributeValue>) -> Result<(), StoreError> {
    let gates: Vec<_> = edits.iter().map(|_| Arc::new(Notify::new())).collect();
    let holds = gates.iter().map(|gate| Fault::Hold(Arc::clone(gate)));
    let faults: Vec<_> = [Fault::Pass].into_iter().chain(holds).chain([Fault::Pass]).collect();
    let proxy = FaultProxy::start(harness.address, &faults).await;
    let store = ConfigStore::new(client::connect_embedded(&proxy.endpoint()), TABLE);
    let edit = async {
        for (number, (edit, gate)) in edits.into_iter().zip(gates).enumerate() {
            while proxy.requests() < number + 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            put_with(harness, "desired_logs", edit).await;
            gate.notify_one();
        }
    };
    let change = update(S3, &json!({"desired_logs": ["a"], "target_region": "eu-west-1"}));
    let key = key("acme", S3);
    let by = request();
    let update = store.update(&key, &change, &Precondition::None, &by, now());
    tokio::join!(update, edit).0.map(drop)
}

#[tokio::test]
async fn hand_edit_between_two_calls_of_an_update_is_not_lost() {
    let harness = Harness::start().await;
    for (edit, expected) in [
        (set(&["a", "b"]), AttributeValue::L(vec![text("a")])),
        (text("odd"), AttributeValue::L(vec![text("a")])),
    ] {
        put_with(&harness, "desired_logs", set(&["a"])).await;
        update_around_edits(&harness, vec![edit]).await.unwrap();
        let stored = harness.item("acme", "s3").await.unwrap();
        assert_eq!(stored["desired_logs"], expected);
        assert_eq!(stored["target_region"], text("eu-west-1"));
    }
}

#[tokio::test]
async fn update_gives_up_while_others_keep_changing_the_item() {
    let harness = Harness::start().await;
    put_with(&harness, "desired_logs", set(&["a"])).await;
    let edits = (0..4).map(|number| set(&["a", &format!("edit-{number}")])).collect();
    let updated = update_around_edits(&harness, edits).await;
    assert!(matches!(updated, Err(StoreError::Throttled(_))), "{updated:?}");
}

/// What an item may have in bytes, names included.
const MAX_ITEM_BYTES: usize = 400 * 1024;

#[tokio::test]
async fn item_that_would_become_too_large_is_a_broken_rule_of_the_largest_value() {
    let harness = Harness::start().await;
    // The rest is for the other attributes, without those that the update adds.
    put_with(&harness, "note", text(&"n".repeat(MAX_ITEM_BYTES - 100))).await;
    let logs: Vec<_> = (0..4).map(|number| format!("application-{number}")).collect();
    for change in [
        json!({"desired_logs": logs, "bucket_prefix": "p/"}),
        json!({"desired_logs": logs, "bucket_prefix": "p/", "target_region": null}),
    ] {
        let expected = ("desired_logs".to_owned(), ErrorCode::TooLong);
        assert_eq!(broken_rules(&harness, &change).await, [expected]);
    }
    let expected = ("target_region".to_owned(), ErrorCode::TooLong);
    assert_eq!(
        broken_rules(&harness, &json!({"target_region": null})).await,
        [expected]
    );
}
