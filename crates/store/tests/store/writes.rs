//! Create, update and delete, one writer at a time.

use serde_json::json;
use tenant_core::DeliveryType::{CloudWatch, S3};
use tenant_store::{Precondition, StoreError};

use crate::harness::{Harness, NOW, at, cloudwatch, item, new_config, now, number, s3, tenant, text, update, wire};

#[tokio::test]
async fn a_created_configuration_is_stored_whole_with_its_defaults() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), now()).await.unwrap();
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
        aws_sdk_dynamodb::types::AttributeValue::Bool(true),
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
    harness.store.create(&config, now()).await.unwrap();
    let stored = harness.item("acme", "s3").await.unwrap();
    assert_eq!(
        stored["desired_logs"],
        aws_sdk_dynamodb::types::AttributeValue::L(vec![text("b"), text("a")])
    );
    assert_eq!(stored["ttl"], number(NOW + 1));
}

#[tokio::test]
async fn a_second_create_is_refused_and_changes_nothing() {
    let harness = Harness::start().await;
    let first = harness.store.create(&s3("acme"), now()).await.unwrap();
    let second = harness.store.create(&s3("acme"), at(NOW + 60)).await;
    assert!(matches!(second, Err(StoreError::AlreadyExists)), "{second:?}");
    assert_eq!(harness.get("acme", S3).await, Some(first));
    harness
        .store
        .create(&cloudwatch("acme"), now())
        .await
        .expect("the other type is another configuration");
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let harness = Harness::start().await;
    let created = harness.store.create(&cloudwatch("acme"), now()).await.unwrap();
    let change = update(
        CloudWatch,
        &json!({"enabled": false, "target_region": "us-west-2", "desired_logs": ["a"]}),
    );
    let updated = harness
        .store
        .update(&tenant("acme"), CloudWatch, &change, &Precondition::None, at(NOW + 60))
        .await
        .unwrap();
    let mut expected = wire(&created);
    expected["enabled"] = json!(false);
    expected["target_region"] = json!("us-west-2");
    expected["desired_logs"] = json!(["a"]);
    expected["updated_at"] = json!("2023-11-14T22:14:20Z");
    assert_eq!(wire(&updated), expected);
    assert_eq!(updated.version(), created.version() + 1);
    assert_eq!(harness.get("acme", CloudWatch).await, Some(updated));
}

#[tokio::test]
async fn an_update_that_does_not_name_enabled_leaves_it_off() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), now()).await.unwrap();
    for body in [json!({"enabled": false}), json!({"bucket_name": "other-bucket"})] {
        let change = update(S3, &body);
        harness
            .store
            .update(&tenant("acme"), S3, &change, &Precondition::None, now())
            .await
            .unwrap();
    }
    assert_eq!(wire(&harness.get("acme", S3).await.unwrap())["enabled"], json!(false));
}

#[tokio::test]
async fn null_removes_an_optional_field_and_returns_a_default() {
    let harness = Harness::start().await;
    let config = new_config(&json!({
        "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "p", "ttl": NOW + 99,
        "target_region": "us-east-1", "enabled": false, "desired_logs": ["a"]
    }));
    let created = harness.store.create(&config, now()).await.unwrap();
    let change = update(
        S3,
        &json!({"bucket_prefix": null, "target_region": null, "enabled": null, "desired_logs": null, "ttl": null}),
    );
    let updated = harness
        .store
        .update(&tenant("acme"), S3, &change, &Precondition::None, now())
        .await
        .unwrap();
    assert_eq!(
        wire(&updated),
        json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "ROSA/cluster-logs/",
            "enabled": true, "created_at": wire(&created)["created_at"], "updated_at": wire(&created)["updated_at"]
        })
    );
}

#[tokio::test]
async fn attributes_that_the_model_does_not_know_survive_an_update() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), now()).await.unwrap();
    let mut stored = harness.item("acme", "s3").await.unwrap();
    stored.insert("cost_center".to_owned(), text("42"));
    harness.put(stored).await;
    let change = update(S3, &json!({"enabled": false}));
    let updated = harness
        .store
        .update(&tenant("acme"), S3, &change, &Precondition::None, now())
        .await
        .unwrap();
    assert!(wire(&updated).get("cost_center").is_none());
    assert_eq!(harness.item("acme", "s3").await.unwrap()["cost_center"], text("42"));
}

#[tokio::test]
async fn a_precondition_on_another_version_is_refused() {
    let harness = Harness::start().await;
    let version = harness.store.create(&s3("acme"), now()).await.unwrap().version();
    let change = update(S3, &json!({"enabled": false}));
    for versions in [vec![], vec![0], vec![version - 1], vec![version + 1, 0]] {
        let precondition = Precondition::Versions(versions);
        let updated = harness
            .store
            .update(&tenant("acme"), S3, &change, &precondition, now())
            .await;
        assert!(
            matches!(updated, Err(StoreError::VersionMismatch)),
            "{precondition:?}: {updated:?}"
        );
        let deleted = harness.store.delete(&tenant("acme"), S3, &precondition, now()).await;
        assert!(
            matches!(deleted, Err(StoreError::VersionMismatch)),
            "{precondition:?}: {deleted:?}"
        );
    }
    assert_eq!(wire(&harness.get("acme", S3).await.unwrap())["enabled"], json!(true));
}

#[tokio::test]
async fn a_precondition_that_holds_lets_the_write_happen() {
    let harness = Harness::start().await;
    let mut version = harness.store.create(&s3("acme"), now()).await.unwrap().version();
    for enabled in [false, true] {
        let change = update(S3, &json!({"enabled": enabled}));
        let versions: Vec<u64> = (version..version + 150).rev().collect();
        let precondition = Precondition::Versions(versions);
        let updated = harness
            .store
            .update(&tenant("acme"), S3, &change, &precondition, now())
            .await
            .unwrap();
        assert_eq!(updated.version(), version + 1);
        version = updated.version();
    }
    harness
        .store
        .delete(&tenant("acme"), S3, &Precondition::None, now())
        .await
        .unwrap();
    assert_eq!(harness.get("acme", S3).await, None);
}

#[tokio::test]
async fn a_configuration_that_is_not_there_cannot_be_changed_or_deleted() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"enabled": false}));
    for precondition in [Precondition::None, Precondition::Versions(vec![1])] {
        let updated = harness
            .store
            .update(&tenant("acme"), S3, &change, &precondition, now())
            .await;
        assert!(matches!(updated, Err(StoreError::NotFound)), "{updated:?}");
        let deleted = harness.store.delete(&tenant("acme"), S3, &precondition, now()).await;
        assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    }
    assert_eq!(harness.item("acme", "s3").await, None, "an update must not create");
}

#[tokio::test]
async fn a_configuration_created_anew_has_a_version_that_the_old_one_never_had() {
    let harness = Harness::start().await;
    let old = harness.store.create(&s3("acme"), now()).await.unwrap();
    let change = update(S3, &json!({"enabled": false}));
    let old = harness
        .store
        .update(
            &tenant("acme"),
            S3,
            &change,
            &Precondition::Versions(vec![old.version()]),
            now(),
        )
        .await
        .unwrap();
    harness
        .store
        .delete(&tenant("acme"), S3, &Precondition::None, now())
        .await
        .unwrap();
    let new = harness.store.create(&s3("acme"), at(NOW + 1)).await.unwrap();
    assert!(new.version() > old.version());
}

#[tokio::test]
async fn what_is_past_its_ttl_does_not_exist_and_is_replaced_by_a_create() {
    let harness = Harness::start().await;
    harness
        .put(item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("bucket_name", text("old-bucket")),
            ("note", text("old")),
            ("ttl", number(NOW)),
        ]))
        .await;
    assert_eq!(harness.get("acme", S3).await, None);
    let change = update(S3, &json!({"ttl": NOW + 60}));
    let updated = harness
        .store
        .update(&tenant("acme"), S3, &change, &Precondition::None, now())
        .await;
    assert!(matches!(updated, Err(StoreError::NotFound)), "{updated:?}");
    let deleted = harness
        .store
        .delete(&tenant("acme"), S3, &Precondition::None, now())
        .await;
    assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    let created = harness.store.create(&s3("acme"), now()).await.unwrap();
    assert_eq!(wire(&created)["bucket_name"], json!("acme-corp-logs"));
    assert!(
        !harness.item("acme", "s3").await.unwrap().contains_key("note"),
        "nothing of the old item is left"
    );
}

#[tokio::test]
async fn a_ttl_of_the_next_second_is_still_alive() {
    let harness = Harness::start().await;
    harness
        .put(item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("ttl", number(NOW + 1)),
        ]))
        .await;
    assert!(harness.get("acme", S3).await.is_some());
    let created = harness.store.create(&s3("acme"), now()).await;
    assert!(matches!(created, Err(StoreError::AlreadyExists)), "{created:?}");
}
