//! Items that a person wrote into the table: shown, listed, fixed and deleted like any other.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde_json::json;
use tenant_core::{DeliveryType::S3, Field, PageLimit};
use tenant_store::{Precondition, StoreError};

use crate::harness::{Harness, NOW, at, item, key, now, number, request, text, unchanged, update, wire};

#[tokio::test]
async fn string_set_reads_as_a_list_and_missing_enabled_as_off() {
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
    assert_eq!(config.value.version(), None);
}

#[tokio::test]
async fn invalid_fields_are_shown_unchanged() {
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
    assert_eq!(shown["target_region"], json!({"B": "AQI="}));
    assert!(shown["created_at"]["N"].is_string(), "{shown}");
    let page = harness
        .store
        .list_page(PageLimit::default(), None, now())
        .await
        .unwrap();
    assert_eq!(page.configs.len(), 1);
}

#[tokio::test]
async fn invalid_item_is_fixed_field_by_field_and_gets_a_version() {
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
    let as_read = unchanged(&harness.get("acme", S3).await.unwrap());
    let fixed = harness
        .store
        .update(&key("acme", S3), &change, &as_read, &request(), now())
        .await
        .unwrap()
        .after;
    assert_eq!(wire(&fixed)["bucket_name"], json!("acme-logs"));
    assert_eq!(
        wire(&fixed)["ttl"],
        json!("x"),
        "other fields keep their values, valid or not"
    );
    assert_eq!(
        harness.item("acme", "s3").await.unwrap()["enabled"],
        AttributeValue::Bool(false),
        "what read as off is stored as off"
    );
    assert!(fixed.value.version().is_some());
    let again = harness
        .store
        .update(&key("acme", S3), &change, &as_read, &request(), now())
        .await;
    assert!(matches!(again, Err(StoreError::PreconditionFailed)), "{again:?}");
}

/// Versions that a person may have written.
fn hand_written_versions() -> [Option<AttributeValue>; 11] {
    [
        None,
        Some(text("three")),
        Some(text("")),
        Some(AttributeValue::L(vec![])),
        Some(AttributeValue::Null(true)),
        Some(AttributeValue::B(Blob::new([1]))),
        Some(number(0)),
        Some(number(7)),
        Some(number(-7)),
        Some(AttributeValue::N("1.5".to_owned())),
        Some(AttributeValue::N("1".to_owned() + &"0".repeat(30))),
    ]
}

fn with_version(version: Option<AttributeValue>) -> HashMap<String, AttributeValue> {
    let mut item = item([
        ("tenant_id", text("acme")),
        ("type", text("s3")),
        ("bucket_name", text("acme-logs")),
    ]);
    item.extend(version.map(|version| ("version".to_owned(), version)));
    item
}

#[tokio::test]
async fn update_assigns_a_version_whatever_was_there() {
    let harness = Harness::start().await;
    for version in hand_written_versions() {
        harness.put(with_version(version.clone())).await;
        let change = update(S3, &json!({"enabled": true}));
        let fixed = harness
            .store
            .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
            .await;
        let assigned = harness.item("acme", "s3").await.unwrap()["version"].clone();
        assert!(
            assigned.as_s().is_ok_and(|version| version.len() == 32),
            "{version:?}: {fixed:?}"
        );
        assert_eq!(fixed.unwrap().after, harness.get("acme", S3).await.unwrap());
    }
}

#[tokio::test]
async fn item_with_a_hand_written_version_is_changed_and_deleted_by_the_tag_that_was_read() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"enabled": true}));
    for version in hand_written_versions() {
        harness.put(with_version(version.clone())).await;
        let as_read = unchanged(&harness.get("acme", S3).await.unwrap());
        let fixed = harness
            .store
            .update(&key("acme", S3), &change, &as_read, &request(), now())
            .await;
        assert!(
            fixed.as_ref().is_ok_and(|fixed| fixed.after.value.version().is_some()),
            "{version:?}: {fixed:?}"
        );
        let again = harness
            .store
            .update(&key("acme", S3), &change, &as_read, &request(), now())
            .await;
        assert!(
            matches!(again, Err(StoreError::PreconditionFailed)),
            "{version:?}: {again:?}"
        );
        let deleted = harness.store.delete(&key("acme", S3), &as_read, &request()).await;
        assert!(
            matches!(deleted, Err(StoreError::PreconditionFailed)),
            "{version:?}: {deleted:?}"
        );

        harness.put(with_version(version.clone())).await;
        let deleted = harness.store.delete(&key("acme", S3), &as_read, &request()).await;
        assert!(deleted.as_ref().is_ok_and(Option::is_some), "{version:?}: {deleted:?}");
        assert_eq!(harness.item("acme", "s3").await, None);
    }
}

#[tokio::test]
async fn hand_edit_of_any_modelled_attribute_changes_the_tag() {
    let harness = Harness::start().await;
    let created = harness
        .store
        .create(&crate::harness::s3("acme"), &request(), now())
        .await
        .unwrap();
    let original = harness.item("acme", "s3").await.unwrap();
    let attributes = Field::ALL.into_iter().map(Field::name).chain(["version"]);
    for name in attributes.filter(|name| !["tenant_id", "type"].contains(name)) {
        let values = [
            AttributeValue::Bool(false),
            AttributeValue::Null(true),
            text("by hand"),
            number(NOW + 99),
            AttributeValue::B(Blob::new([1])),
            AttributeValue::Ns(vec!["1".to_owned(), "2".to_owned()]),
        ];
        for value in values {
            let mut edited = original.clone();
            edited.insert(name.to_owned(), value.clone());
            harness.put(edited).await;
            let read = harness.get("acme", S3).await.unwrap();
            assert_ne!(read.tag, created.tag, "{name}: {value:?}");
        }
        let mut edited = original.clone();
        if edited.remove(name).is_some() {
            harness.put(edited).await;
            let read = harness.get("acme", S3).await.unwrap();
            assert_ne!(read.tag, created.tag, "{name} removed");
        }
    }
    let mut annotated = original.clone();
    annotated.insert("note".to_owned(), text("outside the model"));
    harness.put(annotated).await;
    assert_eq!(harness.get("acme", S3).await, Some(created));
}

#[tokio::test]
async fn every_type_of_attribute_can_be_bound_to_a_conditional_write() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"enabled": true}));
    for value in [
        AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()]),
        AttributeValue::Ns(vec!["2".to_owned(), "1".to_owned()]),
        AttributeValue::Bs(vec![Blob::new([2]), Blob::new([1])]),
        AttributeValue::B(Blob::new([1, 2])),
        AttributeValue::Null(true),
        AttributeValue::N("1e100".to_owned()),
        AttributeValue::L(vec![text("a"), number(1), AttributeValue::Null(true)]),
        AttributeValue::M(item([("a", AttributeValue::L(vec![])), ("b", number(2))])),
    ] {
        harness
            .put(item([
                ("tenant_id", text("acme")),
                ("type", text("s3")),
                ("bucket_name", text("acme-logs")),
                ("desired_logs", value.clone()),
            ]))
            .await;
        let read = harness.get("acme", S3).await.unwrap();
        let updated = harness
            .store
            .update(&key("acme", S3), &change, &unchanged(&read), &request(), now())
            .await;
        let updated = updated.map(|updated| updated.after);
        assert_eq!(
            updated.as_ref().ok(),
            harness.get("acme", S3).await.as_ref(),
            "{value:?}: {updated:?}"
        );
    }
}

#[tokio::test]
async fn invalid_item_can_be_deleted() {
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
        .delete(&key("acme", S3), &Precondition::None, &request())
        .await
        .unwrap();
    assert_eq!(harness.item("acme", "s3").await, None);
}

#[tokio::test]
async fn fraction_of_a_second_in_a_ttl_counts_as_the_second() {
    let harness = Harness::start().await;
    let ttl = AttributeValue::N(format!("{NOW}.5"));
    harness
        .put(item([("tenant_id", text("acme")), ("type", text("s3")), ("ttl", ttl)]))
        .await;
    assert!(
        harness
            .store
            .get(&key("acme", S3), at(NOW - 1))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(harness.get("acme", S3).await, None);
    assert_eq!(harness.store.list_tenant("acme", now()).await.unwrap(), []);
}
