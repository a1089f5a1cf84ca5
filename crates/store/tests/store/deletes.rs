//! A deletion is two calls: a mark with the name of the request, and the deletion on that mark.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tenant_core::{
    DeliveryType::S3,
    StoredConfig,
    history::{ChangeKind, LastChange},
};
use tenant_store::{Precondition, StoreError, configs::ConfigStore};
use testing::Fault;
use tokio::sync::Notify;

use crate::harness::{
    Harness, item, key, now, request, request_with, s3, store_with, text, unchanged, update, with_edit_before,
};

type Item = HashMap<String, AttributeValue>;
type Deleted = Result<Option<StoredConfig>, StoreError>;

fn by() -> LastChange {
    request_with("deletes", ChangeKind::Delete)
}

async fn delete(store: &ConfigStore, precondition: &Precondition) -> Deleted {
    store.delete(&key("acme", S3), precondition, &by()).await
}

/// Runs `edit` before the request with this number, counted from 0, of a deletion.
async fn delete_around<T>(
    harness: &Harness,
    precondition: &Precondition,
    before: usize,
    edit: impl Future<Output = T>,
) -> (Deleted, T) {
    Box::pin(with_edit_before(
        harness,
        before,
        async |store| delete(&store, precondition).await,
        edit,
    ))
    .await
}

async fn stored(harness: &Harness) -> Item {
    harness.item("acme", "s3").await.unwrap()
}

fn request_id(item: &Item) -> &str {
    item["last_change"].as_m().unwrap()["request_id"].as_s().unwrap()
}

/// The attribute with the mark of [`by`].
fn mark() -> AttributeValue {
    let members = by().members().into_iter();
    AttributeValue::M(members.map(|(name, value)| (name.to_owned(), text(&value))).collect())
}

#[tokio::test]
async fn item_is_marked_and_nothing_else_of_it_changes_before_it_is_deleted() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let before = stored(&harness).await;
    for precondition in [Precondition::None, unchanged(&created)] {
        harness.put(before.clone()).await;
        let calls = 1 + usize::from(precondition != Precondition::None);
        let (deleted, (marked, read)) = delete_around(&harness, &precondition, calls, async {
            (stored(&harness).await, harness.get("acme", S3).await)
        })
        .await;
        let mut expected = before.clone();
        expected.insert("last_change".to_owned(), mark());
        assert_eq!(marked, expected);
        assert_eq!(read.as_ref(), Some(&created), "the item is alive until it is deleted");
        assert_eq!(deleted.unwrap(), Some(created.value.clone()));
        assert_eq!(harness.item("acme", "s3").await, None);
    }
}

#[tokio::test]
async fn mark_has_the_note_of_the_request_and_is_always_that_of_a_deletion() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let by = LastChange {
        note: Some("see CHG-1".parse().unwrap()),
        ..request_with("r-9", ChangeKind::Batch)
    };
    let (store, _) = store_with(&harness, &[Fault::Pass, Fault::Hang]).await;
    // As a function that ends between the two calls.
    let acme = key("acme", S3);
    let deletion = store.delete(&acme, &Precondition::None, &by);
    let ended = tokio::time::timeout(Duration::from_millis(500), deletion).await;
    ended.unwrap_err();
    let item = stored(&harness).await;
    let mark = item["last_change"].as_m().unwrap();
    assert_eq!((&mark["kind"], &mark["note"]), (&text("delete"), &text("see CHG-1")));
    assert!(harness.get("acme", S3).await.is_some(), "nothing was acknowledged");
    // Any later write replaces the mark, and any later deletion.
    let other = request();
    let change = update(S3, &json!({"enabled": false}));
    harness
        .store
        .update(&key("acme", S3), &change, &Precondition::None, &other, now())
        .await
        .unwrap();
    assert_eq!(request_id(&stored(&harness).await), other.request_id);
    harness.put(item).await;
    delete(&harness.store, &Precondition::None).await.unwrap();
    assert_eq!(harness.item("acme", "s3").await, None);
}

#[tokio::test]
async fn update_between_the_calls_is_deleted_too_without_a_precondition() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let change = update(S3, &json!({"bucket_name": "other-bucket"}));
    let acme = key("acme", S3);
    let other = request();
    let edit = harness.store.update(&acme, &change, &Precondition::None, &other, now());
    let (deleted, updated) = delete_around(&harness, &Precondition::None, 1, edit).await;
    assert_eq!(deleted.unwrap(), Some(updated.unwrap().after.value));
    assert_eq!(harness.item("acme", "s3").await, None);
}

#[tokio::test]
async fn update_between_the_calls_fails_the_precondition() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let change = update(S3, &json!({"bucket_name": "other-bucket"}));
    let acme = key("acme", S3);
    let (other, precondition) = (request(), unchanged(&created));
    // The other writer has read the same content. It wins.
    let edit = harness.store.update(&acme, &change, &precondition, &other, now());
    let (deleted, updated) = delete_around(&harness, &precondition, 2, edit).await;
    assert!(matches!(deleted, Err(StoreError::PreconditionFailed)), "{deleted:?}");
    assert_eq!(harness.get("acme", S3).await, Some(updated.unwrap().after));
    assert_eq!(request_id(&stored(&harness).await), other.request_id);
}

#[tokio::test]
async fn hand_that_keeps_the_mark_fails_the_precondition_and_the_mark_is_taken_back() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let before = stored(&harness).await;
    let edit = async {
        let mut edited = stored(&harness).await;
        edited.insert("enabled".to_owned(), AttributeValue::Bool(false));
        harness.put(edited).await;
    };
    let (deleted, ()) = delete_around(&harness, &unchanged(&created), 2, edit).await;
    assert!(matches!(deleted, Err(StoreError::PreconditionFailed)), "{deleted:?}");
    let mut expected = before;
    expected.insert("enabled".to_owned(), AttributeValue::Bool(false));
    assert_eq!(stored(&harness).await, expected);
}

#[tokio::test]
async fn deletion_by_another_between_the_calls_is_not_this_one() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let (other, acme) = (request(), key("acme", S3));
    let edit = harness.store.delete(&acme, &Precondition::None, &other);
    let (deleted, others) = delete_around(&harness, &Precondition::None, 1, edit).await;
    assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    assert!(others.unwrap().is_some());
}

/// Deletes an item that another deletion marks between the two calls, and runs `then` once this one has tried again. Returns
/// also the number of calls.
async fn delete_overtaken(harness: &Harness, then: impl Future<Output = ()>) -> (Deleted, usize) {
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let gate = Arc::new(Notify::new());
    let (store, proxy) = store_with(harness, &[Fault::Pass, Fault::Hold(Arc::clone(&gate)), Fault::Pass]).await;
    let has_sent = async |requests| {
        while proxy.requests() < requests {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let other = async {
        has_sent(2).await;
        let mut marked = stored(harness).await;
        let members = request_with("other", ChangeKind::Delete).members().into_iter();
        let members = members.map(|(name, value)| (name.to_owned(), text(&value))).collect();
        marked.insert("last_change".to_owned(), AttributeValue::M(members));
        harness.put(marked).await;
        gate.notify_one();
        has_sent(3).await;
        then.await;
    };
    let (deleted, ()) = tokio::join!(Box::pin(delete(&store, &Precondition::None)), other);
    (deleted, proxy.requests())
}

#[tokio::test]
async fn deletion_that_another_overtakes_leaves_the_others_mark_and_lets_it_end() {
    let harness = Harness::start().await;
    let (deleted, calls) = delete_overtaken(&harness, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(request_id(&stored(&harness).await), "other");
        let (acme, other) = (key("acme", S3), request());
        let ended = harness.store.delete(&acme, &Precondition::None, &other).await;
        ended.unwrap();
    })
    .await;
    assert!(matches!(deleted, Err(StoreError::NotFound)), "{deleted:?}");
    assert!((3..=7).contains(&calls), "{calls}");
}

#[tokio::test]
async fn deletion_that_another_overtakes_ends_although_the_other_does_not() {
    let harness = Harness::start().await;
    let (deleted, calls) = delete_overtaken(&harness, async {}).await;
    assert!(deleted.unwrap().is_some());
    assert_eq!(harness.item("acme", "s3").await, None);
    assert_eq!(
        calls, 9,
        "two calls in the first and last round, one in the five between them"
    );
}

#[tokio::test]
async fn configuration_that_was_created_between_the_calls_survives_a_precondition() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let acme = key("acme", S3);
    let edit = async {
        harness
            .store
            .delete(&acme, &Precondition::None, &request())
            .await
            .unwrap();
        harness.store.create(&s3("acme"), &request(), now()).await.unwrap()
    };
    let (deleted, created_again) = delete_around(&harness, &unchanged(&created), 2, edit).await;
    assert!(matches!(deleted, Err(StoreError::PreconditionFailed)), "{deleted:?}");
    assert_eq!(harness.get("acme", S3).await, Some(created_again));
}

#[tokio::test]
async fn lost_response_of_either_call_is_repeated() {
    let harness = Harness::start().await;
    let (lose, pass) = (Fault::LoseResponse, Fault::Pass);
    for (conditional, faults) in [
        (false, vec![lose.clone(), pass.clone()]),
        (false, vec![pass.clone(), lose.clone(), pass.clone()]),
        (false, vec![lose.clone(), pass.clone(), lose.clone(), pass.clone()]),
        (true, vec![pass.clone(), lose.clone(), pass.clone()]),
        (true, vec![pass.clone(), pass.clone(), lose, pass]),
    ] {
        let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
        let precondition = if conditional {
            unchanged(&created)
        } else {
            Precondition::None
        };
        let (store, _) = store_with(&harness, &faults).await;
        let deleted = delete(&store, &precondition).await;
        assert_eq!(deleted.unwrap(), Some(created.value), "{faults:?}");
        assert_eq!(harness.item("acme", "s3").await, None);
    }
}

#[tokio::test]
async fn deletion_that_fails_takes_its_mark_back() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let created = stored(&harness).await;
    let mut by_hand = created.clone();
    by_hand.insert("last_change".to_owned(), text("me"));
    let mut unnamed = created.clone();
    unnamed.remove("last_change");
    let reject = |code| [Fault::Pass, Fault::Reject(400, code), Fault::Pass];
    for before in [created, by_hand, unnamed] {
        harness.put(before.clone()).await;
        let (store, _) = store_with(&harness, &reject("AccessDeniedException")).await;
        let deleted = delete(&store, &Precondition::None).await;
        assert!(matches!(deleted, Err(StoreError::AccessDenied(_))), "{deleted:?}");
        assert_eq!(stored(&harness).await, before);
    }
}

#[tokio::test]
async fn mark_without_any_response_deletes_nothing_and_is_taken_back() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    // The client attempts a call three times.
    let lost = [
        Fault::LoseResponse,
        Fault::LoseResponse,
        Fault::LoseResponse,
        Fault::Pass,
    ];
    let (store, _) = store_with(&harness, &lost).await;
    let deleted = delete(&store, &Precondition::None).await;
    assert!(matches!(deleted, Err(StoreError::Unavailable(_))), "{deleted:?}");
    assert_eq!(harness.get("acme", S3).await.as_ref(), Some(&created));
    // What the mark replaced is not known, as nothing was read.
    assert!(!stored(&harness).await.contains_key("last_change"));

    harness
        .store
        .delete(&key("acme", S3), &Precondition::None, &request())
        .await
        .unwrap();
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let before = stored(&harness).await;
    let faults: Vec<_> = [Fault::Pass].into_iter().chain(lost).collect();
    let (store, _) = store_with(&harness, &faults).await;
    let deleted = delete(&store, &unchanged(&created)).await;
    assert!(matches!(deleted, Err(StoreError::Unavailable(_))), "{deleted:?}");
    assert_eq!(stored(&harness).await, before);
}

#[tokio::test]
async fn deletion_without_any_response_has_an_unknown_outcome() {
    let harness = Harness::start().await;
    harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    let (store, _) = store_with(&harness, &[Fault::Pass, Fault::LoseResponse]).await;
    let deleted = delete(&store, &Precondition::None).await;
    assert!(matches!(deleted, Err(StoreError::OutcomeUnknown(_))), "{deleted:?}");
    assert_eq!(harness.item("acme", "s3").await, None);
}

#[tokio::test]
async fn item_without_room_for_a_mark_is_deleted() {
    const MAX_ITEM_BYTES: usize = 409_600;
    let harness = Harness::start().await;
    let mut large = item([("tenant_id", text("acme")), ("type", text("s3"))]);
    let key_bytes = "tenant_id".len() + "acme".len() + "type".len() + "s3".len();
    for (room, is_marked) in [(0, false), (20, false), (1000, true)] {
        let bytes = MAX_ITEM_BYTES - key_bytes - "note".len() - room;
        large.insert("note".to_owned(), text(&"x".repeat(bytes)));
        for conditional in [false, true] {
            harness.put(large.clone()).await;
            let read = harness.get("acme", S3).await.unwrap();
            let precondition = if conditional {
                unchanged(&read)
            } else {
                Precondition::None
            };
            let last_call = 1 + usize::from(conditional);
            let (deleted, item) =
                delete_around(&harness, &precondition, last_call, async { stored(&harness).await }).await;
            assert_eq!(item.contains_key("last_change"), is_marked, "{room}");
            assert_eq!(deleted.unwrap(), Some(read.value));
            assert_eq!(harness.item("acme", "s3").await, None);
        }
    }
}
