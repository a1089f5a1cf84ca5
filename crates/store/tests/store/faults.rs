//! What the embedded DynamoDB cannot do by itself: responses that are lost, late or failures. A proxy in front of it
//! produces them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tenant_aws::usage::measure;
use tenant_core::DeliveryType::S3;
use tenant_store::{Precondition, StoreError, client, configs::ConfigStore};
use testing::{Fault, FaultProxy};
use tokio::sync::Notify;

use crate::harness::{Harness, TABLE, item, key, now, number, request, s3, text, unchanged, update};

/// A store behind a proxy with these faults.
async fn store_with(harness: &Harness, faults: &[Fault]) -> (ConfigStore, FaultProxy) {
    let proxy = FaultProxy::start(harness.address, faults).await;
    let client = client::connect_embedded(&proxy.endpoint());
    (ConfigStore::new(client, TABLE), proxy)
}

#[tokio::test]
async fn create_whose_response_was_lost_succeeds_on_its_retry() {
    let harness = Harness::start().await;
    let (store, proxy) = store_with(&harness, &[Fault::LoseResponse, Fault::Pass]).await;
    let created = store.create(&s3("acme"), &request(), now()).await.unwrap();
    assert_eq!(proxy.requests(), 2);
    assert_eq!(harness.get("acme", S3).await, Some(created));
}

#[tokio::test]
async fn retried_create_of_what_another_client_created_is_rejected() {
    let harness = Harness::start().await;
    harness
        .store
        .create(&s3("acme"), &request(), crate::harness::at(crate::harness::NOW - 5))
        .await
        .unwrap();
    let (store, _) = store_with(&harness, &[Fault::LoseResponse, Fault::Pass]).await;
    let created = store.create(&s3("acme"), &request(), now()).await;
    assert!(matches!(created, Err(StoreError::AlreadyExists)), "{created:?}");
}

#[tokio::test]
async fn conditional_update_whose_response_was_lost_succeeds_once() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let (store, proxy) = store_with(&harness, &[Fault::Pass, Fault::LoseResponse, Fault::Pass]).await;
    let change = update(S3, &json!({"enabled": false}));
    let store = store.with_versions(|| Ok("assigned".to_owned()));
    let updated = store
        .update(&key("acme", S3), &change, &unchanged(&created), &request(), now())
        .await
        .unwrap();
    assert_eq!(proxy.requests(), 3, "a read, a write and its retry");
    assert_eq!(updated.before, Some(created.value));
    assert_eq!(updated.after.value.version(), Some("assigned"));
    assert_eq!(harness.get("acme", S3).await, Some(updated.after));
}

#[tokio::test]
async fn late_conditional_update_is_rejected_without_a_lost_response() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let change = update(S3, &json!({"enabled": false}));
    let precondition = unchanged(&created);
    harness
        .store
        .update(&key("acme", S3), &change, &precondition, &request(), now())
        .await
        .unwrap();
    let same_again = harness
        .store
        .update(&key("acme", S3), &change, &precondition, &request(), now())
        .await;
    assert!(
        matches!(same_again, Err(StoreError::PreconditionFailed)),
        "{same_again:?}"
    );
}

#[tokio::test]
async fn delete_whose_response_was_lost_succeeds_on_its_retry() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let (store, _) = store_with(&harness, &[Fault::LoseResponse, Fault::Pass]).await;
    store
        .delete(&key("acme", S3), &Precondition::None, &request())
        .await
        .unwrap();
    assert_eq!(harness.get("acme", S3).await, None);
}

#[tokio::test]
async fn write_without_response_has_an_unknown_outcome_and_read_is_unavailable() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::LoseResponse]).await;
    let created = store.create(&s3("acme"), &request(), now()).await;
    assert!(matches!(created, Err(StoreError::OutcomeUnknown(_))), "{created:?}");
    let read = store.get(&key("acme", S3), now()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn lost_response_counts_although_the_retry_is_rejected() {
    let harness = Harness::start().await;
    for (status, code) in [
        (400, "ThrottlingException"),
        (400, "AccessDeniedException"),
        (500, "InternalServerError"),
    ] {
        let (store, _) = store_with(&harness, &[Fault::LoseResponse, Fault::Reject(status, code)]).await;
        let created = store.create(&s3(code), &request(), now()).await;
        assert!(
            matches!(created, Err(StoreError::OutcomeUnknown(_))),
            "{code}: {created:?}"
        );
        assert!(harness.get(code, S3).await.is_some(), "{code}: it was applied");
    }
}

#[tokio::test]
async fn rejected_attempt_does_not_make_a_deletion_of_nothing_succeed() {
    let harness = Harness::start().await;
    let throttled = &[Fault::Reject(400, "ThrottlingException"), Fault::Pass];
    let foreign = tenant_core::EntityTag::from_sha256(&[7; 32]);
    for precondition in [Precondition::None, Precondition::Tags(vec![foreign])] {
        let (store, proxy) = store_with(&harness, throttled).await;
        let deleted = store.delete(&key("acme", S3), &precondition, &request()).await;
        assert_eq!(proxy.requests(), 2);
        assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    }
}

#[tokio::test]
async fn update_of_a_hand_written_item_whose_response_was_lost_succeeds() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"enabled": false}));
    for version in [None, Some(text("three")), Some(number(0))] {
        let mut by_hand = item([("tenant_id", text("acme")), ("type", text("s3"))]);
        by_hand.extend(version.clone().map(|version| ("version".to_owned(), version)));
        harness.put(by_hand).await;
        let read = harness.get("acme", S3).await.unwrap();
        // The unconditional write is repeated as it is. The conditional one, after its read, is recognised.
        let unconditional = (&Precondition::None, &[Fault::LoseResponse, Fault::Pass][..]);
        let lost_second = &[Fault::Pass, Fault::LoseResponse, Fault::Pass][..];
        let conditional = (&unchanged(&read), lost_second);
        for (precondition, faults) in [conditional, unconditional] {
            let (store, proxy) = store_with(&harness, faults).await;
            let updated = store
                .update(&key("acme", S3), &change, precondition, &request(), now())
                .await;
            assert_eq!(proxy.requests(), faults.len(), "{version:?}");
            let stored = harness.get("acme", S3).await.unwrap();
            assert_eq!(updated.unwrap().after, stored, "{version:?}");
        }
    }
}

/// Makes `edit` by hand between the read and the write of a conditional call.
async fn write_around_a_hand_edit<T: Send + 'static>(
    harness: &Harness,
    edit: HashMap<String, AttributeValue>,
    write: impl AsyncFnOnce(ConfigStore) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let gate = Arc::new(Notify::new());
    let faults = [Fault::Pass, Fault::Hold(Arc::clone(&gate)), Fault::Pass];
    let (store, proxy) = store_with(harness, &faults).await;
    let edit = async {
        while proxy.requests() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        harness.put(edit).await;
        gate.notify_one();
    };
    tokio::join!(write(store), edit).0
}

#[tokio::test]
async fn hand_edit_between_read_and_write_fails_the_precondition() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"bucket_prefix": "other/"}));
    // A new value, an absent value, a new attribute of the model, and the version.
    let edits: [fn(&mut HashMap<String, AttributeValue>); 4] = [
        |item| drop(item.insert("enabled".to_owned(), AttributeValue::Bool(false))),
        |item| drop(item.remove("bucket_name")),
        |item| drop(item.insert("target_region".to_owned(), AttributeValue::Null(true))),
        |item| drop(item.insert("version".to_owned(), number(1))),
    ];
    for edit in edits {
        let _ = harness
            .store
            .delete(&key("acme", S3), &Precondition::None, &request())
            .await;
        let read = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
        let mut edited = harness.item("acme", "s3").await.unwrap();
        edit(&mut edited);
        let updated = write_around_a_hand_edit(&harness, edited.clone(), async |store: ConfigStore| {
            let precondition = unchanged(&read);
            store
                .update(&key("acme", S3), &change, &precondition, &request(), now())
                .await
        })
        .await;
        assert!(matches!(updated, Err(StoreError::PreconditionFailed)), "{updated:?}");
        assert_eq!(harness.item("acme", "s3").await.as_ref(), Some(&edited));

        let read = harness.get("acme", S3).await.unwrap();
        edited.insert("updated_at".to_owned(), text("by hand"));
        let deleted = write_around_a_hand_edit(&harness, edited.clone(), async |store: ConfigStore| {
            store.delete(&key("acme", S3), &unchanged(&read), &request()).await
        })
        .await;
        assert!(matches!(deleted, Err(StoreError::PreconditionFailed)), "{deleted:?}");
        assert_eq!(harness.item("acme", "s3").await, Some(edited));
    }
}

#[tokio::test]
async fn expiry_between_read_and_write_is_not_found() {
    let harness = Harness::start().await;
    let read = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let mut expired = harness.item("acme", "s3").await.unwrap();
    expired.insert("ttl".to_owned(), number(crate::harness::NOW - 1));
    let change = update(S3, &json!({"enabled": false}));
    let updated = write_around_a_hand_edit(&harness, expired, async |store: ConfigStore| {
        let precondition = unchanged(&read);
        store
            .update(&key("acme", S3), &change, &precondition, &request(), now())
            .await
    })
    .await;
    assert!(matches!(updated, Err(StoreError::NotFound)), "{updated:?}");
}

#[tokio::test]
async fn unconditional_write_is_one_call_and_conditional_write_two() {
    let harness = Harness::start().await;
    let (acme, change) = (key("acme", S3), update(S3, &json!({"enabled": false})));
    let mut config = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    for conditional in [false, true] {
        let precondition = if conditional {
            unchanged(&config)
        } else {
            Precondition::None
        };
        let calls = 1 + u32::from(conditional);
        let by = request();
        let update = harness.store.update(&acme, &change, &precondition, &by, now());
        let (updated, usage) = measure(Box::pin(update)).await;
        assert_eq!(usage.calls, calls);
        let precondition = if conditional {
            unchanged(&updated.unwrap().after)
        } else {
            Precondition::None
        };
        let delete = harness.store.delete(&acme, &precondition, &by);
        let (deleted, usage) = measure(Box::pin(delete)).await;
        assert!(deleted.unwrap().is_some());
        assert_eq!(usage.calls, calls + 1, "a deletion marks the item first");
        config = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    }
}

#[tokio::test]
async fn unknown_rejection_is_a_defect_and_not_a_transient_fault() {
    let harness = Harness::start().await;
    let (store, proxy) = store_with(&harness, &[Fault::Reject(400, "SomethingNewException")]).await;
    let created = store.create(&s3("acme"), &request(), now()).await;
    assert!(matches!(created, Err(StoreError::Unexpected(_))), "{created:?}");
    assert_eq!(proxy.requests(), 1);
    let (store, _) = store_with(&harness, &[Fault::Reject(503, "SomethingNewException")]).await;
    let read = store.get(&key("acme", S3), now()).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn transient_throttle_is_retried_and_a_lasting_one_reported() {
    let harness = Harness::start().await;
    let throttle = Fault::Reject(400, "ProvisionedThroughputExceededException");
    let (store, proxy) = store_with(
        &harness,
        &[
            Fault::Reject(400, "ThrottlingException"),
            Fault::Reject(500, "InternalServerError"),
            Fault::Pass,
        ],
    )
    .await;
    store.create(&s3("acme"), &request(), now()).await.unwrap();
    assert_eq!(proxy.requests(), 3);
    let (store, proxy) = store_with(&harness, &[throttle]).await;
    let read = store.get(&key("acme", S3), now()).await;
    assert!(matches!(read, Err(StoreError::Throttled(_))), "{read:?}");
    assert_eq!(proxy.requests(), 3, "three attempts, no more");
}

#[tokio::test]
async fn each_rejection_is_reported_by_what_can_be_done_about_it() {
    let harness = Harness::start().await;
    let (store, proxy) = store_with(&harness, &[Fault::Reject(400, "AccessDeniedException")]).await;
    let denied = store.create(&s3("acme"), &request(), now()).await;
    assert!(matches!(denied, Err(StoreError::AccessDenied(_))), "{denied:?}");
    assert_eq!(proxy.requests(), 1, "a rejection is not retried");
    let (store, _) = store_with(&harness, &[Fault::Reject(400, "ResourceNotFoundException")]).await;
    let missing = store.get(&key("acme", S3), now()).await;
    assert!(matches!(missing, Err(StoreError::TableMissing(_))), "{missing:?}");
    let (store, _) = store_with(&harness, &[Fault::Reject(400, "ValidationException")]).await;
    let unexpected = store.get(&key("acme", S3), now()).await;
    assert!(matches!(unexpected, Err(StoreError::Unexpected(_))), "{unexpected:?}");
    let (store, _) = store_with(&harness, &[Fault::Reject(400, "TransactionConflictException")]).await;
    let conflict = store.delete(&key("acme", S3), &Precondition::None, &request()).await;
    assert!(matches!(conflict, Err(StoreError::Throttled(_))), "{conflict:?}");
}

#[tokio::test]
async fn hang_ends_within_the_time_budget() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Hang]).await;
    let budget = Duration::from_secs(6);
    let read = tokio::time::timeout(budget, store.get(&key("acme", S3), now()))
        .await
        .expect("the call must end");
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
}

#[tokio::test]
async fn write_to_a_closed_port_is_known_not_to_have_happened() {
    let closed = format!("http://{}", testing::closed_port());
    let store = ConfigStore::new(client::connect_embedded(&closed), TABLE);
    let created = store.create(&s3("acme"), &request(), now()).await;
    assert!(matches!(created, Err(StoreError::Unavailable(_))), "{created:?}");
}

#[tokio::test]
async fn usage_counts_calls_and_the_time_they_take() {
    let harness = Harness::start().await;
    let began = std::time::Instant::now();
    let (found, usage) = measure(Box::pin(async {
        harness.store.ping().await.unwrap();
        harness.store.get(&key("acme", S3), now()).await.unwrap()
    }))
    .await;
    assert_eq!(found, None);
    assert_eq!(
        (usage.calls, usage.attempts, usage.retries(), usage.throttles),
        (2, 2, 0, 0)
    );
    assert!(
        usage.time > Duration::ZERO && usage.time <= began.elapsed(),
        "{usage:?}"
    );
}

#[tokio::test]
async fn usage_counts_throttles_before_a_successful_retry() {
    let harness = Harness::start().await;
    let faults = &[
        Fault::Reject(400, "ProvisionedThroughputExceededException"),
        Fault::Pass,
    ];
    let (store, _) = store_with(&harness, faults).await;
    let (found, usage) = measure(Box::pin(store.get(&key("acme", S3), now()))).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!((usage.calls, usage.retries(), usage.throttles), (1, 1, 1));
}

#[tokio::test]
async fn usage_does_not_count_other_retries_as_throttles() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Reject(500, "InternalServerError"), Fault::Pass]).await;
    let (_, usage) = measure(Box::pin(store.create(&s3("acme"), &request(), now()))).await;
    assert_eq!((usage.calls, usage.retries(), usage.throttles), (1, 1, 0));
}

#[tokio::test]
async fn usage_includes_the_time_of_an_abandoned_call() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Hang]).await;
    let (outcome, usage) = measure(Box::pin(store.get(&key("acme", S3), now()))).await;
    assert!(outcome.is_err());
    assert!(usage.time > Duration::from_secs(2), "{usage:?}");
}
