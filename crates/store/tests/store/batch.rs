//! The operations of a batch: one by one, planned, and in one transaction.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tenant_aws::usage::measure;
use tenant_core::{DeliveryType::S3, EntityTag, Obstacle, Operation, Work, parse_batch};
use tenant_store::{
    StoreError,
    configs::{ConfigStore, Effect, Transacted},
};
use testing::Fault;
use tokio::{sync::Notify, time::Instant};

use crate::harness::{Harness, TABLE, item, now, number, request, store_with, text};

fn operations(sent: &Value) -> Vec<Operation> {
    let body = json!({"operations": sent}).to_string();
    match parse_batch(body.as_bytes(), now()).unwrap().work {
        Work::Atomic(operations) => operations,
        Work::Independent(_) => unreachable!("batches are atomic unless they say otherwise"),
    }
}

fn operation(sent: &Value) -> Operation {
    operations(&json!([sent])).remove(0)
}

fn s3(tenant_id: &str) -> Value {
    json!({"tenant_id": tenant_id, "type": "s3", "bucket_name": "acme-corp-logs"})
}

fn create(tenant_id: &str) -> Value {
    json!({"op": "create", "config": s3(tenant_id)})
}

fn upsert(tenant_id: &str) -> Value {
    json!({"op": "upsert", "config": s3(tenant_id)})
}

fn switch_off(tenant_id: &str, if_match: Option<EntityTag>) -> Value {
    let tag = if_match.map(|tag| format!("\"{tag}\""));
    json!({"op": "update", "tenant_id": tenant_id, "type": "s3", "changes": {"enabled": false}, "if_match": tag})
}

fn delete(tenant_id: &str) -> Value {
    json!({"op": "delete", "tenant_id": tenant_id, "type": "s3"})
}

fn in_time() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

async fn apply(store: &ConfigStore, sent: &Value) -> Result<Effect, StoreError> {
    store.apply(&operation(sent), &request(), now()).await
}

async fn transact(store: &ConfigStore, sent: &Value) -> Result<Transacted, StoreError> {
    store
        .apply_atomically(&operations(sent), &request(), now(), in_time())
        .await
}

fn rejected(transacted: Transacted) -> Vec<Option<Obstacle>> {
    match transacted {
        Transacted::Rejected(obstacles) => obstacles,
        Transacted::Applied(effects) => panic!("{effects:?}"),
    }
}

fn applied(transacted: Transacted) -> Vec<Effect> {
    match transacted {
        Transacted::Applied(effects) => effects,
        Transacted::Rejected(obstacles) => panic!("{obstacles:?}"),
    }
}

#[tokio::test]
async fn upsert_reads_only_what_its_creation_found() {
    let harness = Harness::start().await;
    let mut off = upsert("acme");
    off["config"]["enabled"] = json!(false);
    for (sent, calls) in [(upsert("acme"), 1), (upsert("acme"), 1), (off.clone(), 2), (off, 1)] {
        let (effect, usage) = measure(Box::pin(apply(&harness.store, &sent))).await;
        assert_eq!(usage.calls, calls, "{sent}: {effect:?}");
        let stored = harness.get("acme", S3).await.unwrap();
        let after = match effect.unwrap() {
            Effect::Created(after) | Effect::Unchanged(Some(after)) => after,
            Effect::Updated(updated) => updated.after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after, stored);
    }
}

#[tokio::test]
async fn upsert_replaces_an_expired_item() {
    let harness = Harness::start().await;
    let mut expired = item([("tenant_id", text("acme")), ("type", text("s3")), ("note", text("old"))]);
    expired.insert("ttl".to_owned(), number(crate::harness::NOW - 1));
    harness.put(expired).await;
    let effect = apply(&harness.store, &upsert("acme")).await.unwrap();
    assert!(matches!(effect, Effect::Created(_)), "{effect:?}");
    assert!(!harness.item("acme", "s3").await.unwrap().contains_key("note"));
}

#[tokio::test]
async fn upsert_whose_response_was_lost_succeeds() {
    let harness = Harness::start().await;
    let (store, proxy) = store_with(&harness, &[Fault::LoseResponse, Fault::Pass]).await;
    let effect = apply(&store, &upsert("acme")).await.unwrap();
    assert!(matches!(effect, Effect::Created(_)), "{effect:?}");
    assert_eq!(proxy.requests(), 2);
}

#[tokio::test]
async fn transaction_makes_what_its_effects_report() {
    let harness = Harness::start().await;
    for tenant_id in ["changed", "same", "old"] {
        apply(&harness.store, &create(tenant_id)).await.unwrap();
    }
    let old = harness.get("old", S3).await.unwrap().value;
    let batch = json!([
        create("new"),
        switch_off("changed", None),
        upsert("same"),
        delete("old")
    ]);
    let (transacted, usage) = measure(Box::pin(transact(&harness.store, &batch))).await;
    assert_eq!(usage.calls, 3, "one read of all, one mark, and one write of all");
    let effects = applied(transacted.unwrap());
    let [
        Effect::Created(created),
        Effect::Updated(updated),
        Effect::Unchanged(Some(same)),
        Effect::Deleted(Some(deleted)),
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    let stored = async |tenant_id| harness.get(tenant_id, S3).await;
    assert_eq!(stored("new").await.as_ref(), Some(created));
    assert_eq!(stored("changed").await.as_ref(), Some(&updated.after));
    assert_eq!(stored("same").await.as_ref(), Some(same));
    assert_eq!((stored("old").await, deleted), (None, &old));
}

#[tokio::test]
async fn transaction_that_would_change_nothing_is_one_read() {
    let harness = Harness::start().await;
    apply(&harness.store, &create("acme")).await.unwrap();
    let (transacted, usage) = measure(Box::pin(transact(&harness.store, &json!([upsert("acme")])))).await;
    assert!(matches!(applied(transacted.unwrap())[..], [Effect::Unchanged(Some(_))]));
    assert_eq!(usage.calls, 1);
}

#[tokio::test]
async fn every_obstacle_of_a_transaction_is_reported() {
    let harness = Harness::start().await;
    apply(&harness.store, &create("acme")).await.unwrap();
    let stale = EntityTag::from_sha256(&[7; 32]);
    let batch = json!([
        create("acme"),
        switch_off("nobody", None),
        create("new"),
        delete("gone")
    ]);
    let obstacles = rejected(transact(&harness.store, &batch).await.unwrap());
    assert_eq!(
        obstacles,
        [
            Some(Obstacle::AlreadyExists),
            Some(Obstacle::NotFound),
            None,
            Some(Obstacle::NotFound)
        ]
    );
    let batch = json!([create("new"), switch_off("acme", Some(stale))]);
    let obstacles = rejected(transact(&harness.store, &batch).await.unwrap());
    assert_eq!(obstacles, [None, Some(Obstacle::PreconditionFailed)]);
    assert_eq!(harness.item("new", "s3").await, None);
}

/// Makes an edit by hand between the read of a transaction and its write.
async fn transact_around<T>(harness: &Harness, batch: &Value, edit: impl Future<Output = T>) -> (Transacted, usize) {
    let edit = Box::pin(edit);
    let gate = Arc::new(Notify::new());
    let faults = [Fault::Pass, Fault::Hold(Arc::clone(&gate)), Fault::Pass];
    let (store, proxy) = store_with(harness, &faults).await;
    let edit = async {
        while proxy.requests() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        edit.await;
        gate.notify_one();
    };
    let (transacted, ()) = tokio::join!(Box::pin(transact(&store, batch)), edit);
    (transacted.unwrap(), proxy.requests())
}

#[tokio::test]
async fn cancellation_is_mapped_to_the_operation_whose_condition_failed() {
    let harness = Harness::start().await;
    for tenant_id in ["a", "b"] {
        apply(&harness.store, &create(tenant_id)).await.unwrap();
    }
    let tag = harness.get("a", S3).await.unwrap().tag;
    let batch = json!([create("new"), switch_off("a", Some(tag)), delete("b")]);
    let taken = async { apply(&harness.store, &create("new")).await.unwrap() };
    let (transacted, _) = transact_around(&harness, &batch, taken).await;
    assert_eq!(rejected(transacted), [Some(Obstacle::AlreadyExists), None, None]);

    let batch = json!([create("other"), switch_off("a", Some(tag)), delete("b")]);
    let changed = async { apply(&harness.store, &switch_off("a", None)).await.unwrap() };
    let (transacted, _) = transact_around(&harness, &batch, changed).await;
    assert_eq!(rejected(transacted), [None, Some(Obstacle::PreconditionFailed), None]);

    let batch = json!([create("other"), switch_off("a", None), delete("b")]);
    let gone = async { apply(&harness.store, &delete("b")).await.unwrap() };
    let (transacted, _) = transact_around(&harness, &batch, gone).await;
    assert_eq!(rejected(transacted), [None, None, Some(Obstacle::NotFound)]);
    assert_eq!(harness.item("other", "s3").await, None);
}

#[tokio::test]
async fn update_without_a_tag_is_made_to_what_somebody_wrote_in_between() {
    let harness = Harness::start().await;
    apply(&harness.store, &create("a")).await.unwrap();
    let edit = async {
        let mut edited = harness.item("a", "s3").await.unwrap();
        edited.insert("bucket_prefix".to_owned(), text("by-hand/"));
        harness.put(edited).await;
    };
    let (transacted, requests) = transact_around(&harness, &json!([switch_off("a", None)]), edit).await;
    assert_eq!(requests, 3, "what the cancellation reports is not read again");
    let [Effect::Updated(updated)] = &applied(transacted)[..] else {
        panic!("one update")
    };
    let item = harness.item("a", "s3").await.unwrap();
    assert_eq!(
        (&item["bucket_prefix"], &item["enabled"]),
        (&text("by-hand/"), &AttributeValue::Bool(false))
    );
    assert_eq!(harness.get("a", S3).await.as_ref(), Some(&updated.after));
}

/// A transaction of one write that is cancelled for this reason.
fn cancelled(code: &str) -> Fault {
    let body = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"cancelled",
            "CancellationReasons":[{{"Code":"{code}","Message":"planned"}}]}}"#
    );
    Fault::Respond(400, body)
}

#[tokio::test]
async fn conflict_is_retried_three_times() {
    let harness = Harness::start().await;
    for code in [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ] {
        let faults = [
            Fault::Pass,
            cancelled(code),
            cancelled(code),
            cancelled(code),
            Fault::Pass,
        ];
        let (store, proxy) = store_with(&harness, &faults).await;
        applied(transact(&store, &json!([create(code)])).await.unwrap());
        assert_eq!(proxy.requests(), 5);
    }
    let (store, proxy) = store_with(&harness, &[Fault::Pass, cancelled("TransactionConflict")]).await;
    let transacted = transact(&store, &json!([create("acme")])).await;
    assert!(matches!(transacted, Err(StoreError::Throttled(_))), "{transacted:?}");
    assert_eq!(proxy.requests(), 5, "a read, a write and three retries");
    assert_eq!(harness.item("acme", "s3").await, None);
}

#[tokio::test]
async fn conflict_is_not_retried_after_the_deadline() {
    let harness = Harness::start().await;
    let (store, proxy) = store_with(&harness, &[Fault::Pass, cancelled("TransactionConflict")]).await;
    let operations = operations(&json!([create("acme")]));
    let transacted = store
        .apply_atomically(&operations, &request(), now(), Instant::now())
        .await;
    assert!(matches!(transacted, Err(StoreError::Throttled(_))), "{transacted:?}");
    assert_eq!(proxy.requests(), 2);
}

#[tokio::test]
async fn unknown_reason_is_a_defect() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Pass, cancelled("SomethingNew")]).await;
    let transacted = transact(&store, &json!([create("acme")])).await;
    assert!(matches!(transacted, Err(StoreError::Unexpected(_))), "{transacted:?}");
}

#[tokio::test]
async fn transaction_whose_response_was_lost_succeeds_once() {
    let harness = Harness::start().await;
    apply(&harness.store, &create("a")).await.unwrap();
    apply(&harness.store, &create("b")).await.unwrap();
    let faults = [Fault::Pass, Fault::Pass, Fault::LoseResponse, Fault::Pass];
    let (store, proxy) = store_with(&harness, &faults).await;
    let effects = applied(
        transact(&store, &json!([create("c"), switch_off("a", None), delete("b")]))
            .await
            .unwrap(),
    );
    assert_eq!(proxy.requests(), 4, "a read, a mark, the transaction and its retry");
    let Effect::Updated(updated) = &effects[1] else {
        panic!("{effects:?}")
    };
    assert_eq!(harness.get("a", S3).await.as_ref(), Some(&updated.after));
    assert_eq!(harness.item("b", "s3").await, None);
}

#[tokio::test]
async fn transaction_without_any_response_has_an_unknown_outcome() {
    let harness = Harness::start().await;
    let (store, _) = store_with(&harness, &[Fault::Pass, Fault::LoseResponse]).await;
    let transacted = transact(&store, &json!([create("acme")])).await;
    assert!(
        matches!(transacted, Err(StoreError::OutcomeUnknown(_))),
        "{transacted:?}"
    );
    assert!(harness.item("acme", "s3").await.is_some(), "it was applied");
}

#[tokio::test]
async fn keys_that_were_not_processed_are_read_again() {
    let harness = Harness::start().await;
    apply(&harness.store, &create("acme")).await.unwrap();
    let key = json!({"tenant_id": {"S": "acme"}, "type": {"S": "s3"}});
    let body = json!({"Responses": {TABLE: []}, "UnprocessedKeys": {TABLE: {"Keys": [key], "ConsistentRead": true}}});
    let unprocessed = Fault::Respond(200, body.to_string());
    let (store, proxy) = store_with(&harness, &[unprocessed.clone(), Fault::Pass]).await;
    let obstacles = rejected(transact(&store, &json!([create("acme")])).await.unwrap());
    assert_eq!(obstacles, [Some(Obstacle::AlreadyExists)]);
    assert_eq!(proxy.requests(), 2);
    let (store, _) = store_with(&harness, &[unprocessed]).await;
    let until = Instant::now() + Duration::from_millis(200);
    let transacted = store
        .apply_atomically(&operations(&json!([create("acme")])), &request(), now(), until)
        .await;
    assert!(matches!(transacted, Err(StoreError::Throttled(_))), "{transacted:?}");
}

#[tokio::test]
async fn update_that_makes_an_item_too_large_is_reported_for_its_operation() {
    let harness = Harness::start().await;
    let note = text(&"x".repeat(409_500));
    harness
        .put(item([
            ("tenant_id", text("large")),
            ("type", text("s3")),
            ("note", note),
        ]))
        .await;
    let mut update = switch_off("large", None);
    update["changes"]["desired_logs"] = json!(["a".repeat(200), "b"]);
    let obstacles = rejected(transact(&harness.store, &json!([create("new"), update])).await.unwrap());
    assert!(
        matches!(&obstacles[..], [None, Some(Obstacle::BrokenRules(errors))] if errors[0].field == "desired_logs"),
        "{obstacles:?}"
    );
}

#[tokio::test]
async fn plan_writes_nothing() {
    let harness = Harness::start().await;
    apply(&harness.store, &create("acme")).await.unwrap();
    let before = harness.item("acme", "s3").await;
    let operations = operations(&json!([create("new"), switch_off("acme", None)]));
    let operations: Vec<_> = operations.iter().collect();
    let plan = harness.store.plan(&operations, now(), in_time());
    let (planned, usage) = measure(Box::pin(plan)).await;
    assert_eq!(usage.calls, 1);
    let planned: Vec<_> = planned.unwrap().into_iter().map(Result::unwrap).collect();
    assert!(planned[0].creates && planned[0].changes && !planned[1].creates && planned[1].changes);
    assert_eq!(
        json!(planned[1].diff),
        json!([{"field": "enabled", "from": true, "to": false}])
    );
    assert_eq!(harness.item("acme", "s3").await, before);
    assert_eq!(harness.item("new", "s3").await, None);
}
