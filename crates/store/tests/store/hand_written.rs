//! Items that a person put into the table: shown, listed, mended and deleted like any other.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde_json::json;
use tenant_core::{DeliveryType::S3, PageLimit};
use tenant_store::{Precondition, StoreError};

use crate::harness::{Harness, NOW, at, item, now, number, tenant, text, update, wire};

#[tokio::test]
async fn a_string_set_reads_as_a_list_and_a_missing_enabled_as_off() {
    let harness = Harness::start().await;
    harness
        .put(item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("bucket_name", text("acme-logs")),
            ("desired_logs", AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()])),
        ]))
        .await;
    let config = harness.get("acme", S3).await.unwrap();
    assert_eq!(
        wire(&config),
        json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "enabled": false, "desired_logs": ["a", "b"]
        })
    );
    assert_eq!(config.version(), 0);
}

#[tokio::test]
async fn broken_fields_are_shown_as_they_stand() {
    let harness = Harness::start().await;
    harness
        .put(item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("bucket_name", number(7)),
            ("enabled", text("yes")),
            ("ttl", text("soon")),
            (
                "desired_logs",
                AttributeValue::M(item([("a", AttributeValue::Null(true))])),
            ),
            ("target_region", AttributeValue::B(Blob::new([1, 2]))),
            ("created_at", AttributeValue::N("1e100".to_owned())),
        ]))
        .await;
    let shown = wire(&harness.get("acme", S3).await.unwrap());
    assert_eq!(shown["bucket_name"], json!(7));
    assert_eq!(shown["enabled"], json!("yes"));
    assert_eq!(shown["ttl"], json!("soon"));
    assert_eq!(shown["desired_logs"], json!({"a": null}));
    assert_eq!(shown["target_region"], json!("(binary)"));
    assert!(shown["created_at"].is_number());
    let page = harness
        .store
        .list_page(PageLimit::default(), None, now())
        .await
        .unwrap();
    assert_eq!(page.configs.len(), 1);
}

#[tokio::test]
async fn a_broken_item_is_mended_field_by_field_and_gets_a_version() {
    let harness = Harness::start().await;
    harness
        .put(item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("bucket_name", number(7)),
            ("ttl", text("x")),
        ]))
        .await;
    let change = update(S3, &json!({"bucket_name": "acme-logs"}));
    let zero = Precondition::Versions(vec![0]);
    let mended = harness
        .store
        .update(&tenant("acme"), S3, &change, &zero, now())
        .await
        .unwrap();
    assert_eq!(wire(&mended)["bucket_name"], json!("acme-logs"));
    assert_eq!(
        wire(&mended)["ttl"],
        json!("x"),
        "what is not named stays, broken or not"
    );
    assert_eq!(
        harness.item("acme", "s3").await.unwrap()["enabled"],
        AttributeValue::Bool(false),
        "what read as off is stored as off"
    );
    assert!(mended.version() > 0);
    let again = harness.store.update(&tenant("acme"), S3, &change, &zero, now()).await;
    assert!(matches!(again, Err(StoreError::VersionMismatch)), "{again:?}");
}

/// Versions that a hand may have left, none of which can be counted on from.
fn unusable_versions() -> [AttributeValue; 8] {
    [
        text("three"),
        AttributeValue::L(vec![]),
        AttributeValue::Null(true),
        AttributeValue::B(Blob::new([1])),
        number(0),
        number(-7),
        AttributeValue::N("1.5".to_owned()),
        AttributeValue::N("1".to_owned() + &"0".repeat(30)),
    ]
}

fn with_version(version: AttributeValue) -> HashMap<String, AttributeValue> {
    item([("tenant_id", text("acme")), ("type", text("s3")), ("version", version)])
}

#[tokio::test]
async fn a_version_that_is_no_number_starts_anew() {
    let harness = Harness::start().await;
    for version in unusable_versions().into_iter().filter(|version| !version.is_n()) {
        harness.put(with_version(version.clone())).await;
        assert_eq!(harness.get("acme", S3).await.unwrap().version(), 0);
        let change = update(S3, &json!({"enabled": true}));
        let mended = harness
            .store
            .update(&tenant("acme"), S3, &change, &Precondition::None, now())
            .await;
        assert!(
            mended.as_ref().is_ok_and(|config| config.version() > 0),
            "{version:?}: {mended:?}"
        );
    }
}

#[tokio::test]
async fn whatever_version_reads_as_0_is_changed_and_deleted_by_that_name() {
    let harness = Harness::start().await;
    let (change, zero) = (update(S3, &json!({"enabled": true})), Precondition::Versions(vec![0]));
    for version in unusable_versions() {
        harness.put(with_version(version.clone())).await;
        assert_eq!(harness.get("acme", S3).await.unwrap().version(), 0, "{version:?}");
        let mended = harness.store.update(&tenant("acme"), S3, &change, &zero, now()).await;
        assert!(
            mended.as_ref().is_ok_and(|config| config.version() > 0),
            "{version:?}: {mended:?}"
        );
        let again = harness.store.update(&tenant("acme"), S3, &change, &zero, now()).await;
        assert!(
            matches!(again, Err(StoreError::VersionMismatch)),
            "{version:?}: {again:?}"
        );
        let deleted = harness.store.delete(&tenant("acme"), S3, &zero, now()).await;
        assert!(
            matches!(deleted, Err(StoreError::VersionMismatch)),
            "{version:?}: {deleted:?}"
        );

        harness.put(with_version(version.clone())).await;
        let deleted = harness.store.delete(&tenant("acme"), S3, &zero, now()).await;
        assert!(deleted.as_ref().is_ok_and(Option::is_some), "{version:?}: {deleted:?}");
        assert_eq!(harness.item("acme", "s3").await, None);
    }
}

#[tokio::test]
async fn a_broken_item_can_be_deleted() {
    let harness = Harness::start().await;
    harness
        .put(item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("ttl", text("x")),
        ]))
        .await;
    harness
        .store
        .delete(&tenant("acme"), S3, &Precondition::None, now())
        .await
        .unwrap();
    assert_eq!(harness.item("acme", "s3").await, None);
}

#[tokio::test]
async fn a_fraction_of_a_second_in_a_ttl_counts_as_the_second() {
    let harness = Harness::start().await;
    let ttl = AttributeValue::N(format!("{NOW}.5"));
    harness
        .put(item([("tenant_id", text("acme")), ("type", text("s3")), ("ttl", ttl)]))
        .await;
    assert!(
        harness
            .store
            .get(&tenant("acme"), S3, at(NOW - 1))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(harness.get("acme", S3).await, None);
    assert_eq!(harness.store.list_tenant(&tenant("acme"), now()).await.unwrap(), []);
}
