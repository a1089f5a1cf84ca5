//! What each write says about itself on the item.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tenant_core::{
    DeliveryType::S3,
    EntityTag,
    history::{ChangeKind, LastChange},
};
use tenant_store::{Precondition, configs::ConfigStore};
use testing::{Fault, FaultProxy};

use crate::harness::{Harness, TABLE, item, key, now, request, request_with, s3, text, unchanged, update, wire};

/// The attribute of a change.
fn attribute(change: &LastChange) -> AttributeValue {
    let members = change.members().into_iter();
    AttributeValue::M(members.map(|(name, value)| (name.to_owned(), text(&value))).collect())
}

async fn last_change(harness: &Harness) -> Option<AttributeValue> {
    harness.item("acme", "s3").await.unwrap().remove("last_change")
}

/// A change with every member.
fn full(kind: ChangeKind) -> LastChange {
    LastChange {
        note: Some("see CHG-1".parse().unwrap()),
        cause: Some("rollout:7".to_owned()),
        ..request_with("r-1", kind)
    }
}

#[tokio::test]
async fn write_names_its_request_on_the_item() {
    let harness = Harness::start().await;
    let by = full(ChangeKind::Create);
    harness.store.create(&s3("acme"), &by, now()).await.unwrap();
    assert_eq!(last_change(&harness).await, Some(attribute(&by)));
    let members = attribute(&by);
    let names: std::collections::BTreeSet<_> = members.as_m().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["at", "cause", "key", "kind", "note", "request_id"].into());

    let change = update(S3, &json!({"enabled": false}));
    for kind in [ChangeKind::Update, ChangeKind::Rollout] {
        for conditional in [false, true] {
            let precondition = match harness.get("acme", S3).await {
                Some(read) if conditional => unchanged(&read),
                _ => Precondition::None,
            };
            let by = LastChange { kind, ..request() };
            harness
                .store
                .update(&key("acme", S3), &change, &precondition, &by, now())
                .await
                .unwrap();
            assert_eq!(last_change(&harness).await, Some(attribute(&by)));
        }
    }
}

/// Log processors, clients and preconditions know nothing of it.
#[tokio::test]
async fn configuration_does_not_contain_the_name_of_its_request() {
    let harness = Harness::start().await;
    let created = harness.store.create(&s3("acme"), &request(), now()).await.unwrap();
    assert!(!wire(&created).to_string().contains("request"));
    let mut edited = harness.item("acme", "s3").await.unwrap();
    for value in [None, Some(text("me")), Some(AttributeValue::Null(true))] {
        match value {
            Some(value) => drop(edited.insert("last_change".to_owned(), value)),
            None => drop(edited.remove("last_change")),
        }
        harness.put(edited.clone()).await;
        assert_eq!(harness.get("acme", S3).await.as_ref(), Some(&created));
        let change = update(S3, &json!({"enabled": true}));
        harness
            .store
            .update(&key("acme", S3), &change, &unchanged(&created), &request(), now())
            .await
            .expect("the content is the one that was read");
        harness.put(edited.clone()).await;
    }
}

#[tokio::test]
async fn only_the_own_request_proves_a_lost_response() {
    let harness = Harness::start().await;
    let lost = [Fault::LoseResponse, Fault::Pass];
    let store = |proxy: &FaultProxy| ConfigStore::new(proxy.client(), TABLE);
    let by = request_with("r-1", ChangeKind::Create);
    let proxy = FaultProxy::start(harness.address, &lost).await;
    let created = store(&proxy).create(&s3("acme"), &by, now()).await.unwrap();
    assert_eq!(harness.get("acme", S3).await, Some(created));
    // Another request that creates the same.
    let proxy = FaultProxy::start(harness.address, &lost).await;
    let other = request_with("r-2", ChangeKind::Create);
    store(&proxy).create(&s3("acme"), &other, now()).await.unwrap_err();
    // The same request once more, as if its event were sent again: without a lost response nothing is proven.
    harness.store.create(&s3("acme"), &by, now()).await.unwrap_err();
    assert_eq!(last_change(&harness).await, Some(attribute(&by)));
}

#[tokio::test]
async fn rejected_write_leaves_the_name_of_the_last_one() {
    let harness = Harness::start().await;
    let by = request_with("r-1", ChangeKind::Create);
    harness.store.create(&s3("acme"), &by, now()).await.unwrap();
    let stale = Precondition::Tags(vec![EntityTag::from_sha256(&[7; 32])]);
    let change = update(S3, &json!({"enabled": false}));
    let other = request();
    harness.store.create(&s3("acme"), &other, now()).await.unwrap_err();
    let acme = key("acme", S3);
    let updated = harness.store.update(&acme, &change, &stale, &other, now()).await;
    updated.unwrap_err();
    harness.store.delete(&acme, &stale, &other).await.unwrap_err();
    assert_eq!(last_change(&harness).await, Some(attribute(&by)));
}

#[tokio::test]
async fn update_replaces_whatever_a_person_wrote_there() {
    let harness = Harness::start().await;
    let change = update(S3, &json!({"enabled": false}));
    for value in [
        text("me"),
        AttributeValue::N("1".to_owned()),
        AttributeValue::L(vec![]),
        AttributeValue::M(item([("request_id", AttributeValue::Null(true))])),
    ] {
        harness
            .put(item([
                ("tenant_id", text("acme")),
                ("type", text("s3")),
                ("last_change", value),
            ]))
            .await;
        let by = request();
        harness
            .store
            .update(&key("acme", S3), &change, &Precondition::None, &by, now())
            .await
            .unwrap();
        assert_eq!(last_change(&harness).await, Some(attribute(&by)));
    }
}
