//! Create, update and delete, one writer at a time.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tenant_core::{
    DeliveryType::{CloudWatch, S3},
    EntityTag, PageLimit,
};
use tenant_store::{Precondition, StoreError, configs::Updated};

use crate::harness::{
    Harness, NOW, at, cloudwatch, item, key, new_config, now, number, request, s3, text, unchanged, update, wire,
};

#[tokio::test]
async fn created_configuration_is_stored_with_its_defaults() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    assert_eq!(
        wire(&created),
        json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "ROSA/cluster-logs/",
            "enabled": true, "created_at": "2023-11-14T22:13:20Z", "updated_at": "2023-11-14T22:13:20Z"
        })
    );
    assert_eq!(harness.get("acme", S3).await, Some(created));
    let stored = harness.item("acme", "s3").await.unwrap();
    assert_eq!(
        stored["enabled"],
        AttributeValue::Bool(true),
        "the log processor reads it"
    );
}

#[tokio::test]
async fn desired_logs_are_written_as_a_list_of_strings() {
    let harness = Harness::start().await;
    let config = new_config(&json!({
        "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "desired_logs": ["b", "a"],
        "ttl": NOW + 1, "target_region": "eu-west-1", "enabled": false
    }));
    harness.store.create(&config, &request(), now()).await.unwrap();
    let stored = harness.item("acme", "s3").await.unwrap();
    assert_eq!(stored["desired_logs"], AttributeValue::L(vec![text("b"), text("a")]));
    assert_eq!(stored["ttl"], number(NOW + 1));
}

#[tokio::test]
async fn second_create_is_rejected_and_changes_nothing() {
    let harness = Harness::start().await;
    let first = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let second = harness.store.create(&s3("acme"), &request(), at(NOW + 60)).await;
    assert!(matches!(second, Err(StoreError::AlreadyExists)), "{second:?}");
    assert_eq!(harness.get("acme", S3).await, Some(first));
    harness
        .store
        .create(&cloudwatch("acme"), &request(), now())
        .await
        .expect("the other type is another configuration");
}

#[tokio::test]
async fn update_changes_only_the_fields_that_it_names() {
    let harness = Harness::start().await;
    let created = harness
        .store
        .create(&cloudwatch("acme"), &request(), now())
        .await
        .unwrap();
    let change = update(
        CloudWatch,
        &json!({"enabled": false, "target_region": "us-west-2", "desired_logs": ["a"]}),
    );
    let Updated { before, after: updated } = harness
        .store
        .update(
            &key("acme", CloudWatch),
            &change,
            &Precondition::None,
            &request(),
            at(NOW + 60),
        )
        .await
        .unwrap();
    assert_eq!(before.as_ref(), Some(&created.value));
    let mut expected = wire(&created);
    expected["enabled"] = json!(false);
    expected["target_region"] = json!("us-west-2");
    expected["desired_logs"] = json!(["a"]);
    expected["updated_at"] = json!("2023-11-14T22:14:20Z");
    assert_eq!(wire(&updated), expected);
    assert_ne!(updated.value.version(), created.value.version());
    assert_ne!(updated.tag, created.tag);
    assert_eq!(harness.get("acme", CloudWatch).await, Some(updated));
}

#[tokio::test]
async fn update_without_enabled_leaves_it_off() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    for body in [json!({"enabled": false}), json!({"bucket_name": "other-bucket"})] {
        let change = update(S3, &body);
        harness
            .store
            .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
            .await
            .unwrap();
    }
    assert_eq!(wire(&harness.get("acme", S3).await.unwrap())["enabled"], json!(false));
}

#[tokio::test]
async fn null_removes_an_optional_field_or_resets_it_to_its_default() {
    let harness = Harness::start().await;
    let config = new_config(&json!({
        "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "p", "ttl": NOW + 99,
        "target_region": "us-east-1", "enabled": false, "desired_logs": ["a"]
    }));
    let created = harness.store.create(&config, &request(), now()).await.unwrap();
    let change = update(
        S3,
        &json!({"bucket_prefix": null, "target_region": null, "enabled": null, "desired_logs": null, "ttl": null}),
    );
    let updated = harness
        .store
        .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
        .await
        .unwrap();
    let updated = updated.after;
    assert_eq!(
        wire(&updated),
        json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "ROSA/cluster-logs/",
            "enabled": true, "created_at": wire(&created)["created_at"], "updated_at": wire(&created)["updated_at"]
        })
    );
}

#[tokio::test]
async fn attributes_outside_the_model_survive_an_update() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let mut stored = harness.item("acme", "s3").await.unwrap();
    stored.insert("cost_center".to_owned(), text("42"));
    harness.put(stored).await;
    let change = update(S3, &json!({"enabled": false}));
    let updated = harness
        .store
        .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
        .await
        .unwrap();
    assert!(wire(&updated.after).get("cost_center").is_none());
    assert_eq!(harness.item("acme", "s3").await.unwrap()["cost_center"], text("42"));
}

/// A tag that no content has.
fn foreign_tag() -> EntityTag {
    EntityTag::from_sha256(&[7; 32])
}

#[tokio::test]
async fn precondition_on_another_tag_is_rejected() {
    let harness = Harness::start().await;
    let first = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let change = update(S3, &json!({"enabled": true}));
    let unconditional = &Precondition::None;
    let second = harness
        .store
        .update(&key("acme", S3), &change, unconditional, &request(), now())
        .await
        .unwrap()
        .after;
    let change = update(S3, &json!({"enabled": false}));
    for tags in [vec![], vec![first.tag], vec![foreign_tag(), first.tag]] {
        let precondition = Precondition::Tags(tags);
        let updated = harness
            .store
            .update(&key("acme", S3), &change, &precondition, &request(), now())
            .await;
        assert!(
            matches!(updated, Err(StoreError::PreconditionFailed)),
            "{precondition:?}: {updated:?}"
        );
        let deleted = harness.store.delete(&key("acme", S3), &precondition, &request()).await;
        assert!(
            matches!(deleted, Err(StoreError::PreconditionFailed)),
            "{precondition:?}: {deleted:?}"
        );
    }
    assert_eq!(harness.get("acme", S3).await, Some(second));
}

#[tokio::test]
async fn write_whose_precondition_is_met_happens() {
    let harness = Harness::start().await;
    let mut config = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    for enabled in [false, true] {
        let change = update(S3, &json!({"enabled": enabled}));
        let tags = (0..150).map(|_| foreign_tag()).chain([config.tag]).collect();
        let updated = harness
            .store
            .update(&key("acme", S3), &change, &Precondition::Tags(tags), &request(), now())
            .await
            .unwrap();
        assert_eq!(updated.before, Some(config.value));
        assert_ne!(updated.after.tag, config.tag);
        assert_eq!(harness.get("acme", S3).await.as_ref(), Some(&updated.after));
        config = updated.after;
    }
    let deleted = harness
        .store
        .delete(&key("acme", S3), &unchanged(&config), &request())
        .await;
    assert_eq!(deleted.unwrap(), Some(config.value));
    assert_eq!(harness.get("acme", S3).await, None);
}

#[tokio::test]
async fn missing_configuration_cannot_be_changed_or_deleted() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"enabled": false}));
    for precondition in [Precondition::None, Precondition::Tags(vec![foreign_tag()])] {
        let updated = harness
            .store
            .update(&key("acme", S3), &change, &precondition, &request(), now())
            .await;
        assert!(matches!(updated, Err(StoreError::NotFound)), "{updated:?}");
        let deleted = harness.store.delete(&key("acme", S3), &precondition, &request()).await;
        assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    }
    assert_eq!(harness.item("acme", "s3").await, None, "an update must not create");
}

/// Deletes, creates again and changes with the clock of `later`: no tag or version may come back.
async fn recreate_at(later: i64) {
    let harness = Harness::start().await;
    let first = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let change = update(S3, &json!({"enabled": true}));
    let second = harness
        .store
        .update(&key("acme", S3), &change, &unchanged(&first), &request(), now())
        .await
        .unwrap()
        .after;
    harness
        .store
        .delete(&key("acme", S3), &Precondition::None, &request())
        .await
        .unwrap();
    let third = harness.store.create(&s3("acme"), &request(), at(later)).await.unwrap();
    for old in [&first, &second] {
        assert_ne!(old.tag, third.tag);
        assert_ne!(old.value.version(), third.value.version());
        let updated = harness
            .store
            .update(&key("acme", S3), &change, &unchanged(old), &request(), at(later))
            .await;
        assert!(matches!(updated, Err(StoreError::PreconditionFailed)), "{updated:?}");
    }
}

#[tokio::test]
async fn tags_of_a_deleted_configuration_are_not_valid_for_a_new_one() {
    recreate_at(NOW + 1).await;
}

#[tokio::test]
async fn clock_that_goes_back_does_not_make_an_old_tag_valid() {
    recreate_at(NOW).await;
    recreate_at(NOW - 1).await;
    recreate_at(NOW - 3600).await;
}

#[tokio::test]
async fn expired_configuration_does_not_exist_and_is_replaced_by_a_create() {
    let harness = Harness::start().await;
    harness.put(expired()).await;
    assert_eq!(harness.get("acme", S3).await, None);
    let change = update(S3, &json!({"ttl": NOW + 60}));
    let updated = harness
        .store
        .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
        .await;
    assert!(matches!(updated, Err(StoreError::NotFound)), "{updated:?}");
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    assert_eq!(wire(&created)["bucket_name"], json!("acme-corp-logs"));
    assert!(
        !harness.item("acme", "s3").await.unwrap().contains_key("note"),
        "nothing of the old item is left"
    );
}

/// An item that has expired and that DynamoDB has not deleted yet.
fn expired() -> HashMap<String, AttributeValue> {
    item([
        ("tenant_id", text("acme")),
        ("type", text("s3")),
        ("bucket_name", text("old-bucket")),
        ("note", text("old")),
        ("ttl", number(NOW)),
    ])
}

#[tokio::test]
async fn expired_item_that_is_not_swept_is_deleted() {
    let harness = Harness::start().await;
    let acme = key("acme", S3);
    harness.put(expired()).await;
    let unswept = harness.store.get_unswept(&acme).await.unwrap().unwrap();
    for precondition in [Precondition::None, unchanged(&unswept)] {
        harness.put(expired()).await;
        let deleted = harness.store.delete(&acme, &precondition, &request()).await.unwrap();
        assert_eq!(deleted, Some(unswept.value.clone()));
        assert_eq!(harness.item("acme", "s3").await, None);
    }
    harness.put(expired()).await;
    let foreign = Precondition::Tags(vec![EntityTag::from_sha256(&[7; 32])]);
    let deleted = harness.store.delete(&acme, &foreign, &request()).await;
    assert!(matches!(deleted, Err(StoreError::PreconditionFailed)), "{deleted:?}");
}

#[tokio::test]
async fn item_that_is_never_swept_is_alive() {
    /// 2018-11-14T22:13:20Z, five years before the tests' time.
    const FIVE_YEARS_AGO: i64 = 1_542_233_600;
    let harness = Harness::start().await;
    for (ttl, is_alive) in [
        (i64::MIN, true),
        (-1, true),
        (0, true),
        (FIVE_YEARS_AGO - 1, true),
        (FIVE_YEARS_AGO, false),
        (NOW, false),
    ] {
        let mut never_swept = expired();
        never_swept.insert("ttl".to_owned(), number(ttl));
        harness.put(never_swept).await;
        assert_eq!(harness.get("acme", S3).await.is_some(), is_alive, "{ttl}");
        let listed = harness.store.list_tenant("acme", now()).await.unwrap();
        assert_eq!(listed.len(), usize::from(is_alive), "{ttl}");
        let page = harness
            .store
            .list_page(PageLimit::default(), None, now())
            .await
            .unwrap();
        assert_eq!(page.configs.len(), usize::from(is_alive), "{ttl}");
        let change = update(S3, &json!({"enabled": false}));
        let updated = harness
            .store
            .update(&key("acme", S3), &change, &Precondition::None, &request(), now())
            .await;
        assert_eq!(updated.is_ok(), is_alive, "{ttl}");
        let created = harness.store.create(&s3("acme"), &request(), now()).await;
        assert_eq!(created.is_err(), is_alive, "{ttl}");
    }
}

#[tokio::test]
async fn configuration_with_a_ttl_in_the_next_second_is_alive() {
    let harness = Harness::start().await;
    harness
        .put(item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("ttl", number(NOW + 1)),
        ]))
        .await;
    assert!(harness.get("acme", S3).await.is_some());
    let created = harness.store.create(&s3("acme"), &request(), now()).await;
    assert!(matches!(created, Err(StoreError::AlreadyExists)), "{created:?}");
}
