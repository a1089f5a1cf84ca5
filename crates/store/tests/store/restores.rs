//! Making a configuration what it was.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tenant_aws::usage::measure;
use tenant_core::{DeliveryType::S3, EntityTag, history::ChangeKind};
use tenant_store::{Precondition, StoreError, configs::Effect};
use testing::{Fault, FaultProxy};

use crate::harness::{
    Harness, NOW, TABLE, at, item, key, new_config, now, number, request_with, s3, text, unchanged, wire,
};

/// An item with every field that an earlier state lacks, and an attribute that no field is.
fn by_hand() -> HashMap<String, AttributeValue> {
    item([
        ("tenant_id", text("acme")),
        ("type", text("s3")),
        ("bucket_name", number(7)),
        ("bucket_prefix", AttributeValue::Null(true)),
        ("log_group_name", text("/of/another/type")),
        ("labels", AttributeValue::M(item([("env", text("prod"))]))),
        ("desired_logs", AttributeValue::Ss(vec!["a".to_owned()])),
        ("ttl", number(NOW + 60)),
        ("created_at", text("2020-01-01T00:00:00Z")),
        ("last_change", text("me")),
        ("cost_center", text("42")),
    ])
}

#[tokio::test]
async fn restore_sets_exactly_the_fields_and_keeps_other_attributes() {
    let harness = Harness::start().await;
    harness.put(by_hand()).await;
    let by = request_with("r-1", ChangeKind::Restore);
    let config = s3("acme");
    let restore = harness.store.restore(&config, &Precondition::None, &by, at(NOW + 1));
    let (restored, usage) = measure(Box::pin(restore)).await;
    assert_eq!(usage.calls, 1);
    let Effect::Updated(updated) = restored.unwrap() else {
        panic!("the configuration exists")
    };
    assert_eq!(
        wire(&updated.after),
        json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "ROSA/cluster-logs/",
            "enabled": true, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2023-11-14T22:13:21Z"
        })
    );
    assert_eq!(
        updated.before.unwrap().get(tenant_core::Field::Ttl),
        Some(&json!(NOW + 60))
    );
    assert_eq!(harness.get("acme", S3).await, Some(updated.after));
    let stored = harness.item("acme", "s3").await.unwrap();
    assert_eq!(stored["cost_center"], text("42"));
    assert_eq!(stored["last_change"].as_m().unwrap()["kind"], text("restore"));
}

#[tokio::test]
async fn restore_creates_what_does_not_exist_or_has_expired() {
    let harness = Harness::start().await;
    let by = request_with("r-1", ChangeKind::Restore);
    let mut expired = by_hand();
    expired.insert("ttl".to_owned(), number(NOW - 1));
    for before in [None, Some(expired)] {
        if let Some(item) = before {
            harness.put(item).await;
        }
        let restored = harness
            .store
            .restore(&s3("acme"), &Precondition::None, &by, now())
            .await
            .unwrap();
        let Effect::Created(created) = restored else {
            panic!("{restored:?}")
        };
        assert_eq!(harness.get("acme", S3).await, Some(created));
        let stored = harness.item("acme", "s3").await.unwrap();
        assert!(!stored.contains_key("cost_center") && !stored.contains_key("ttl"));
        assert_eq!(stored["last_change"].as_m().unwrap()["request_id"], text("r-1"));
        harness
            .store
            .delete(&key("acme", S3), &Precondition::None, &by)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn precondition_of_a_restore_is_evaluated() {
    let harness = Harness::start().await;
    let by = request_with("r-1", ChangeKind::Restore);
    let foreign = Precondition::Tags(vec![EntityTag::from_sha256(&[7; 32])]);
    let missing = harness.store.restore(&s3("acme"), &foreign, &by, now()).await;
    assert!(matches!(missing, Err(StoreError::PreconditionFailed)), "{missing:?}");
    assert_eq!(harness.item("acme", "s3").await, None);
    harness.put(by_hand()).await;
    let stale = harness.store.restore(&s3("acme"), &foreign, &by, now()).await;
    assert!(matches!(stale, Err(StoreError::PreconditionFailed)), "{stale:?}");
    assert_eq!(harness.item("acme", "s3").await, Some(by_hand()));
    let read = harness.get("acme", S3).await.unwrap();
    let restored = harness.store.restore(&s3("acme"), &unchanged(&read), &by, now()).await;
    assert!(matches!(restored, Ok(Effect::Updated(_))), "{restored:?}");
}

#[tokio::test]
async fn restore_whose_response_was_lost_succeeds_once() {
    let harness = Harness::start().await;
    let by = request_with("r-1", ChangeKind::Restore);
    for exists in [false, true] {
        let lost = [Fault::Pass, Fault::LoseResponse, Fault::Pass];
        let proxy = FaultProxy::start(harness.address, &lost).await;
        let store = tenant_store::configs::ConfigStore::new(proxy.client(), TABLE);
        // The first call is the read of the tag, or finds that there is nothing to replace.
        let precondition = match harness.get("acme", S3).await {
            Some(read) => unchanged(&read),
            None => Precondition::None,
        };
        let restored = store.restore(&s3("acme"), &precondition, &by, now()).await.unwrap();
        assert_eq!(proxy.requests(), 3);
        let after = match restored {
            Effect::Created(after) if !exists => after,
            Effect::Updated(updated) if exists => updated.after,
            other => panic!("{other:?}"),
        };
        assert_eq!(harness.get("acme", S3).await, Some(after));
    }
}

#[tokio::test]
async fn restore_that_makes_the_item_too_large_breaks_a_rule() {
    let harness = Harness::start().await;
    let mut large = by_hand();
    large.insert("note".to_owned(), text(&"x".repeat(409_000)));
    harness.put(large.clone()).await;
    let names: Vec<_> = (0..20).map(|number| format!("{number}-{}", "a".repeat(200))).collect();
    let config = new_config(&json!({
        "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "desired_logs": names
    }));
    let by = request_with("r-1", ChangeKind::Restore);
    let restored = harness.store.restore(&config, &Precondition::None, &by, now()).await;
    assert!(
        matches!(&restored, Err(StoreError::BrokenRules(errors)) if errors[0].field == "desired_logs"),
        "{restored:?}"
    );
    assert_eq!(harness.item("acme", "s3").await, Some(large));
}
