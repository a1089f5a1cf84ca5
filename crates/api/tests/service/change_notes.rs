//! What a request leaves on the items that it writes, and what its client may say about the change.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::harness::{Call, REQUEST_ID, Service, config_path, s3, tenant_path, text};

/// The attribute `last_change` of an item, which has only texts.
async fn last_change(service: &Service, tenant_id: &str) -> BTreeMap<String, String> {
    let item = service.get_item(tenant_id, "s3").await.unwrap();
    let members = item["last_change"].as_m().unwrap().iter();
    members
        .map(|(name, value)| (name.clone(), value.as_s().unwrap().clone()))
        .collect()
}

fn members<const N: usize>(members: [(&str, &str); N]) -> BTreeMap<String, String> {
    let members = members.into_iter();
    members.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

#[tokio::test]
async fn write_stores_who_made_it() {
    let service = Service::start().await;
    let path = config_path("acme", "s3");
    let operations = json!({"operations": [
        {"op": "update", "tenant_id": "acme", "type": "s3", "changes": {"enabled": true}}
    ]});
    let independent = json!({"atomic": false, "operations": operations["operations"]});
    for (call, kind) in [
        (Call::post(&tenant_path("acme")).json(&s3("acme")), "create"),
        (Call::put(&path).json(&json!({"enabled": false})), "update"),
        (Call::patch(&path).json(&json!({"enabled": false})), "update"),
        (Call::batch(&operations), "batch"),
        (Call::batch(&independent), "batch"),
    ] {
        let began = Utc::now();
        let response = service.send(call.clone()).await;
        assert!(response.status < 300, "{response:?}");
        let mut stored = last_change(&service, "acme").await;
        let at: DateTime<Utc> = stored.remove("at").unwrap().parse().unwrap();
        assert!((began - chrono::TimeDelta::milliseconds(1)..=Utc::now()).contains(&at));
        let expected = members([("request_id", REQUEST_ID), ("kind", kind), ("key", "3")]);
        assert_eq!(stored, expected);
        if kind == "create" {
            service.send(Call::delete(&path)).await.expect(200);
        }
        // The same with a note.
        let response = service.send(call.header("X-Change-Note", "see CHG-1: für acme")).await;
        assert!(response.status < 300, "{response:?}");
        assert!(
            !format!("{response:?}").contains("CHG-1"),
            "no response contains the note"
        );
        assert_eq!(last_change(&service, "acme").await["note"], "see CHG-1: für acme");
    }
    let shown = service.send(Call::get(&path)).await.expect(200);
    assert!(!shown.data().to_string().contains("last_change"), "{shown:?}");
    let validated = service.send(Call::get(&format!("{path}/validate"))).await.expect(200);
    assert_eq!(validated.data()["valid"], true);
}

#[tokio::test]
async fn rejected_note_changes_nothing() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let before = service.scan().await;
    let path = config_path("acme", "s3");
    let batch = json!({"operations": [{"op": "delete", "tenant_id": "acme", "type": "s3"}]});
    for call in [
        Call::post(&tenant_path("other")).json(&s3("other")),
        Call::put(&path).json(&json!({"enabled": false})),
        Call::patch(&path).json(&json!({"enabled": false})),
        Call::delete(&path),
        Call::batch(&batch),
    ] {
        for (note, reason) in [
            ("n".repeat(257), "at most 256 characters"),
            ("a\tb".to_owned(), "control characters"),
        ] {
            let response = service
                .send(call.clone().header("X-Change-Note", &note))
                .await
                .expect(400);
            let error = response.error();
            assert!(
                error.starts_with("X-Change-Note must") && error.contains(reason),
                "{error}"
            );
            assert!(error.contains("omit the header"), "{error}");
        }
        let twice = call.header("X-Change-Note", "one").header("X-Change-Note", "two");
        let response = service.send(twice).await.expect(400);
        assert!(response.error().contains("more than once"), "{response:?}");
    }
    assert_eq!(service.scan().await, before);
    // Reads ignore it.
    service
        .send(Call::get(&path).header("X-Change-Note", "\t"))
        .await
        .expect(200);
    let longest = "ü".repeat(256);
    for note in ["", &longest] {
        service
            .send(
                Call::patch(&path)
                    .json(&json!({"enabled": false}))
                    .header("X-Change-Note", note),
            )
            .await
            .expect(200);
        let stored = last_change(&service, "acme").await.remove("note");
        assert_eq!(stored, (!note.is_empty()).then(|| note.to_owned()));
    }
}

#[tokio::test]
async fn item_with_any_last_change_can_be_changed_and_deleted() {
    let service = Service::start().await;
    let path = config_path("acme", "s3");
    for value in [
        text("me"),
        AttributeValue::N("7".to_owned()),
        AttributeValue::M([("kind".to_owned(), text("delete"))].into()),
    ] {
        let put = async || {
            service
                .put_item([
                    ("tenant_id", text("acme")),
                    ("type", text("s3")),
                    ("bucket_name", text("acme-corp-logs")),
                    ("last_change", value.clone()),
                ])
                .await;
        };
        put().await;
        let update = Call::patch(&path).json(&json!({"enabled": true}));
        service.send(update).await.expect(200);
        assert_eq!(last_change(&service, "acme").await["kind"], "update");
        put().await;
        service.send(Call::delete(&path)).await.expect(200);
        assert_eq!(service.get_item("acme", "s3").await, None);
    }
}
