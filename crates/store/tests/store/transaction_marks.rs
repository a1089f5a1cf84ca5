//! What an atomic batch deletes is marked before its transaction, and the marks are taken back if that is not made.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tenant_aws::usage::measure;
use tenant_core::{
    DeliveryType::S3,
    EntityTag, Obstacle, Operation, Work,
    history::{Actor, ChangeKind, Event, LastChange},
    parse_batch,
};
use tenant_store::{
    StoreError,
    configs::{ConfigStore, Effect, Transacted},
};
use testing::Fault;
use tokio::time::Instant;

use crate::harness::{Harness, item, key, now, request, request_with, s3, store_with, text, update, with_edit_before};

fn by() -> LastChange {
    request_with("batch", ChangeKind::Batch)
}

fn operations(sent: &Value) -> Vec<Operation> {
    let body = json!({"operations": sent}).to_string();
    match parse_batch(body.as_bytes(), now()).unwrap().work {
        Work::Atomic(operations) => operations,
        Work::Independent(_) => unreachable!("batches are atomic unless they say otherwise"),
    }
}

fn delete(tenant_id: &str, if_match: Option<EntityTag>) -> Value {
    let tag = if_match.map(|tag| format!("\"{tag}\""));
    json!({"op": "delete", "tenant_id": tenant_id, "type": "s3", "if_match": tag})
}

fn create(tenant_id: &str) -> Value {
    json!({"op": "create", "config": {"tenant_id": tenant_id, "type": "s3", "bucket_name": "acme-corp-logs"}})
}

async fn transact(store: &ConfigStore, sent: &Value) -> Result<Transacted, StoreError> {
    let until = Instant::now() + Duration::from_mins(1);
    store.apply_atomically(&operations(sent), &by(), now(), until).await
}

/// A table with these configurations.
async fn start_with(tenants: &[&str]) -> Harness {
    let harness = Harness::start().await;
    harness.enable_stream();
    for tenant_id in tenants {
        harness.store.create(&s3(tenant_id), &request(), now()).await.unwrap();
    }
    harness
}

fn kind(item: &std::collections::HashMap<String, AttributeValue>) -> &str {
    item["last_change"].as_m().unwrap()["kind"].as_s().unwrap()
}

/// Runs `edit` before the request with this number, counted from 0, of a batch.
async fn transact_around<T>(
    harness: &Harness,
    batch: &Value,
    before: usize,
    edit: impl Future<Output = T>,
) -> (Result<Transacted, StoreError>, T) {
    Box::pin(with_edit_before(
        harness,
        before,
        async |store| transact(&store, batch).await,
        edit,
    ))
    .await
}

#[tokio::test]
async fn each_change_of_a_transaction_is_recorded_under_its_request() {
    let harness = start_with(&["a", "b", "c"]).await;
    let update = json!({"op": "update", "tenant_id": "c", "type": "s3", "changes": {"enabled": false}});
    let batch = json!([delete("a", None), create("d"), delete("b", None), update]);
    let (transacted, usage) = measure(Box::pin(transact(&harness.store, &batch))).await;
    assert!(matches!(transacted.unwrap(), Transacted::Applied(_)));
    assert_eq!(usage.calls, 4, "a read, two marks and the transaction");
    let history = harness.history();
    let mut recorded: Vec<_> = history[3..]
        .iter()
        .map(|entry| match &entry.actor {
            Actor::Api(change) => (entry.key.tenant_id(), entry.event, change.kind, &*change.request_id),
            other => panic!("{other:?}"),
        })
        .collect();
    recorded.sort_unstable_by_key(|(tenant_id, ..)| *tenant_id);
    assert_eq!(
        recorded,
        [
            ("a", Event::Deleted, ChangeKind::Delete, "batch"),
            ("b", Event::Deleted, ChangeKind::Delete, "batch"),
            ("c", Event::Updated, ChangeKind::Batch, "batch"),
            ("d", Event::Created, ChangeKind::Batch, "batch"),
        ]
    );
}

#[tokio::test]
async fn transaction_that_is_not_made_takes_its_marks_back() {
    let harness = start_with(&["a", "b"]).await;
    let before = [harness.item("a", "s3").await, harness.item("b", "s3").await];
    let batch = json!([delete("a", None), create("new"), delete("b", None)]);
    // Somebody creates the configuration after the items are marked.
    let create = async {
        assert_eq!(kind(&harness.item("a", "s3").await.unwrap()), "delete");
        harness.store.create(&s3("new"), &request(), now()).await.unwrap();
    };
    let (transacted, ()) = transact_around(&harness, &batch, 3, create).await;
    let Ok(Transacted::Rejected(obstacles)) = transacted else {
        panic!("{transacted:?}")
    };
    assert_eq!(obstacles, [None, Some(Obstacle::AlreadyExists), None]);
    let after = [harness.item("a", "s3").await, harness.item("b", "s3").await];
    assert_eq!(after, before);
    assert_eq!(harness.history().len(), 3, "three creations and nothing else");
}

#[tokio::test]
async fn fault_of_a_transaction_takes_its_marks_back() {
    let harness = start_with(&["a"]).await;
    let before = harness.item("a", "s3").await;
    let batch = json!([delete("a", None)]);
    let (pass, reject) = (Fault::Pass, |code| Fault::Reject(400, code));
    for faults in [
        vec![
            pass.clone(),
            pass.clone(),
            reject("AccessDeniedException"),
            pass.clone(),
        ],
        vec![
            pass.clone(),
            pass.clone(),
            reject("SomethingNewException"),
            pass.clone(),
        ],
        // The mark itself, with all three attempts.
        [vec![pass.clone()], vec![Fault::LoseResponse; 3], vec![pass.clone()]].concat(),
    ] {
        let (store, _) = store_with(&harness, &faults).await;
        let transacted = transact(&store, &batch).await;
        assert!(
            matches!(
                transacted,
                Err(StoreError::AccessDenied(_) | StoreError::Unexpected(_) | StoreError::Unavailable(_))
            ),
            "{transacted:?}"
        );
        assert_eq!(harness.item("a", "s3").await, before, "{faults:?}");
    }
}

#[tokio::test]
async fn transaction_whose_every_response_was_lost_leaves_no_mark() {
    let harness = start_with(&["a"]).await;
    let lost = [vec![Fault::Pass; 2], vec![Fault::LoseResponse; 3], vec![Fault::Pass]].concat();
    let (store, _) = store_with(&harness, &lost).await;
    let transacted = transact(&store, &json!([delete("a", None)])).await;
    assert!(
        matches!(transacted, Err(StoreError::OutcomeUnknown(_))),
        "{transacted:?}"
    );
    assert_eq!(harness.item("a", "s3").await, None, "it was applied");
}

#[tokio::test]
async fn item_that_changes_before_its_mark_is_planned_again() {
    let harness = start_with(&["a", "b"]).await;
    let (b, other) = (key("b", S3), request());
    let tag = harness.get("b", S3).await.unwrap().tag;
    let change = update(S3, &json!({"bucket_name": "other-bucket"}));
    let edit = || async {
        let none = tenant_store::Precondition::None;
        harness.store.update(&b, &change, &none, &other, now()).await.unwrap()
    };
    let before = harness.item("a", "s3").await;
    let batch = json!([delete("a", None), delete("b", Some(tag))]);
    let (transacted, updated) = transact_around(&harness, &batch, 1, edit()).await;
    let Ok(Transacted::Rejected(obstacles)) = transacted else {
        panic!("{transacted:?}")
    };
    assert_eq!(obstacles, [None, Some(Obstacle::PreconditionFailed)]);
    assert_eq!(harness.item("a", "s3").await, before, "its mark is taken back");
    assert_eq!(harness.get("b", S3).await, Some(updated.after));

    // Without a tag the changed item is deleted, whether it changes before its mark or afterwards.
    for call in [1, 2] {
        let batch = json!([delete("b", None)]);
        let (transacted, updated) = transact_around(&harness, &batch, call, edit()).await;
        let Ok(Transacted::Applied(effects)) = transacted else {
            panic!("{transacted:?}")
        };
        assert_eq!(effects, [Effect::Deleted(Some(updated.after.value))]);
        assert_eq!(harness.item("b", "s3").await, None);
        harness.store.create(&s3("b"), &request(), now()).await.unwrap();
    }
}

#[tokio::test]
async fn hand_that_keeps_the_mark_of_a_transaction_is_noticed() {
    let harness = start_with(&["a"]).await;
    let before = harness.item("a", "s3").await.unwrap();
    let tag = harness.get("a", S3).await.unwrap().tag;
    let edit = async {
        let mut edited = harness.item("a", "s3").await.unwrap();
        edited.insert("enabled".to_owned(), AttributeValue::Bool(false));
        harness.put(edited).await;
    };
    let (transacted, ()) = transact_around(&harness, &json!([delete("a", Some(tag))]), 2, edit).await;
    let Ok(Transacted::Rejected(obstacles)) = transacted else {
        panic!("{transacted:?}")
    };
    assert_eq!(obstacles, [Some(Obstacle::PreconditionFailed)]);
    let mut expected = before;
    expected.insert("enabled".to_owned(), AttributeValue::Bool(false));
    assert_eq!(harness.item("a", "s3").await, Some(expected));
}

#[tokio::test]
async fn transaction_deletes_an_item_without_room_for_a_mark() {
    let harness = start_with(&["a"]).await;
    let note = text(&"x".repeat(409_550));
    let large = item([("tenant_id", text("large")), ("type", text("s3")), ("note", note)]);
    harness.put(large).await;
    let transacted = transact(&harness.store, &json!([delete("a", None), delete("large", None)])).await;
    assert!(matches!(transacted.unwrap(), Transacted::Applied(_)));
    assert_eq!(harness.item("large", "s3").await, None);
}

#[tokio::test]
async fn operation_by_itself_is_named_as_one_of_a_batch() {
    let harness = start_with(&[]).await;
    let upsert = |bucket: &str| {
        let config = json!({"tenant_id": "a", "type": "s3", "bucket_name": bucket});
        operations(&json!([{"op": "upsert", "config": config}])).remove(0)
    };
    for bucket in ["one-bucket", "two-bucket"] {
        let by = LastChange {
            kind: ChangeKind::Batch,
            ..request()
        };
        harness.store.apply(&upsert(bucket), &by, now()).await.unwrap();
        let item = harness.item("a", "s3").await.unwrap();
        assert_eq!(kind(&item), "batch");
    }
    let deletion = operations(&json!([delete("a", None)])).remove(0);
    harness.store.apply(&deletion, &by(), now()).await.unwrap();
    let history = harness.history();
    let Actor::Api(change) = &history[2].actor else {
        panic!("{history:?}")
    };
    assert_eq!((&*change.request_id, change.kind), ("batch", ChangeKind::Delete));
}
