//! Labels on the wire: how they merge, what is rejected, and what a person may have written instead.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3, tenant_path, text};

const METHODS: [&str; 2] = ["PUT", "PATCH"];

fn update(method: &str, labels: &Value) -> Call {
    Call::new(method, &config_path("acme", "s3")).json(&json!({ "labels": labels }))
}

/// A map as a person may write it.
fn map(labels: &[(&str, AttributeValue)]) -> AttributeValue {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    AttributeValue::M(labels.collect())
}

async fn put_with_labels(service: &Service, labels: AttributeValue) {
    let item = [
        ("tenant_id", text("acme")),
        ("type", text("s3")),
        ("bucket_name", text("acme-corp-logs")),
        ("enabled", AttributeValue::Bool(true)),
        ("labels", labels),
    ];
    service.put_item(item).await;
}

async fn stored_labels(service: &Service) -> Option<AttributeValue> {
    service.get_item("acme", "s3").await.unwrap().remove("labels")
}

#[tokio::test]
async fn configuration_of_each_type_is_created_with_labels_as_a_map() {
    let service = Service::start().await;
    for mut config in [s3("acme"), cloudwatch("acme")] {
        config["labels"] = json!({"team/owner": "payments", "env": "prod", "canary": "", "old": null});
        let created = service.create(config).await;
        assert_eq!(
            created.data()["labels"],
            json!({"canary": "", "env": "prod", "team/owner": "payments"})
        );
    }
    let expected = map(&[
        ("canary", text("")),
        ("env", text("prod")),
        ("team/owner", text("payments")),
    ]);
    assert_eq!(stored_labels(&service).await, Some(expected));
}

#[tokio::test]
async fn put_and_patch_merge_labels_by_key() {
    for method in METHODS {
        let service = Service::start().await;
        service.create(s3("acme")).await;
        for (sent, after) in [
            (json!({"env": "prod", "team": "a"}), json!({"env": "prod", "team": "a"})),
            (json!({"team": "b"}), json!({"env": "prod", "team": "b"})),
            (json!({"team": null, "tier": ""}), json!({"env": "prod", "tier": ""})),
            (json!({}), json!({"env": "prod", "tier": ""})),
            (json!({"env": null, "tier": null}), Value::Null),
            (json!({"env": "test"}), json!({"env": "test"})),
            (json!(null), Value::Null),
        ] {
            let response = service.send(update(method, &sent)).await.expect(200);
            assert_eq!(response.data()["labels"], after, "{sent}");
            let read = service.send(Call::get(&config_path("acme", "s3"))).await.expect(200);
            assert_eq!((read.data(), read.etag()), (response.data(), response.etag()));
            assert_eq!(stored_labels(&service).await.is_none(), after.is_null(), "{sent}");
        }
    }
}

#[tokio::test]
async fn every_broken_label_is_reported_with_its_key() {
    let service = Service::start().await;
    let mut config = s3("acme");
    config["labels"] = json!({"Team": "x", "env": "a b", "n": 7, "ok": "1", "": "x"});
    config["enabled"] = json!("no");
    let rejected = service
        .send(Call::post(&tenant_path("acme")).json(&config))
        .await
        .expect(422);
    assert_envelope!(rejected);
    service.create(s3("acme")).await;
    let before = service.get_item("acme", "s3").await;
    for method in METHODS {
        let labels = json!({"Team": "x", "env": "a b", "ok": "1"});
        let rejected = service.send(update(method, &labels)).await.expect(422);
        assert_eq!(
            rejected.broken_rules(),
            [("labels.Team", "invalid_format"), ("labels.env", "invalid_format")]
        );
    }
    assert_eq!(service.get_item("acme", "s3").await, before);
}

#[tokio::test]
async fn label_beyond_the_sixteenth_is_rejected_whether_stored_or_sent() {
    let service = Service::start().await;
    let labels = |count: usize| -> Value { (0..count).map(|key| (key.to_string(), json!("x"))).collect() };
    let mut config = s3("acme");
    config["labels"] = labels(17);
    let rejected = service
        .send(Call::post(&tenant_path("acme")).json(&config))
        .await
        .expect(422);
    assert_eq!(rejected.broken_rules(), [("labels", "too_long")]);
    config["labels"] = labels(16);
    service.create(config).await;
    let rejected = service.send(update("PATCH", &json!({"new": "x"}))).await.expect(422);
    assert_eq!(rejected.broken_rules(), [("labels", "too_long")]);
    let moved = json!({"new": "x", "0": null});
    service.send(update("PATCH", &moved)).await.expect(200);
}

#[tokio::test]
async fn repeated_key_is_a_400() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let call = Call::patch(&config_path("acme", "s3")).body(r#"{"labels":{"env":"a","env":"b"}}"#);
    assert_envelope!(service.send(call).await.expect(400));
}

#[tokio::test]
async fn labels_written_by_hand_are_shown_reported_kept_and_fixed() {
    let service = Service::start().await;
    let by_hand = map(&[
        ("Team", text("a b")),
        ("numbers", AttributeValue::Ns(vec!["1".to_owned(), "2".to_owned()])),
        ("env", text("prod")),
    ]);
    put_with_labels(&service, by_hand.clone()).await;
    let path = config_path("acme", "s3");
    let read = service.send(Call::get(&path)).await.expect(200);
    let shown = json!({"Team": "a b", "env": "prod", "numbers": [1, 2]});
    assert_eq!(read.data()["labels"], shown);
    let validation = service
        .send(Call::get(&format!("{path}/validate")).query("live", "false"))
        .await
        .expect(200);
    assert_eq!(validation.data()["valid"], true, "log processors ignore labels");
    let checks = validation.data()["checks"].as_array().unwrap().iter();
    let labels: Vec<_> = checks.filter(|check| check["field"] == "labels").collect();
    assert_eq!(labels.len(), 3, "{labels:?}");
    assert!(labels.iter().all(|check| check["status"] == "warning"));

    for method in METHODS {
        let same = service
            .send(Call::new(method, &path).json(read.data()))
            .await
            .expect(200);
        assert_eq!(same.data()["labels"], shown);
        assert_eq!(stored_labels(&service).await.as_ref(), Some(&by_hand));
    }
    service.send(update("PATCH", &json!({"env": "test"}))).await.expect(200);
    let kept = map(&[
        ("Team", text("a b")),
        ("numbers", AttributeValue::Ns(vec!["1".to_owned(), "2".to_owned()])),
        ("env", text("test")),
    ]);
    assert_eq!(
        stored_labels(&service).await,
        Some(kept),
        "what is not named keeps its form"
    );
    let fix = json!({"Team": null, "team": "a", "numbers": null});
    let fixed = service.send(update("PATCH", &fix)).await.expect(200);
    assert_eq!(fixed.data()["labels"], json!({"env": "test", "team": "a"}));
}

#[tokio::test]
async fn labels_that_are_no_map_are_shown_and_replaced() {
    let service = Service::start().await;
    for (by_hand, shown) in [
        (text("env=prod"), json!("env=prod")),
        (AttributeValue::Ss(vec!["env".to_owned()]), json!(["env"])),
        (AttributeValue::Bool(true), json!(true)),
    ] {
        put_with_labels(&service, by_hand.clone()).await;
        let read = service.send(Call::get(&config_path("acme", "s3"))).await.expect(200);
        assert_eq!(read.data()["labels"], shown);
        service.send(update("PUT", &shown)).await.expect(200);
        assert_eq!(stored_labels(&service).await, Some(by_hand));
        let rejected = service.send(update("PATCH", &json!("other"))).await.expect(422);
        assert_eq!(rejected.broken_rules(), [("labels", "wrong_type")]);
        let fixed = service.send(update("PATCH", &json!({"env": "prod"}))).await.expect(200);
        assert_eq!(fixed.data()["labels"], json!({"env": "prod"}));
        put_with_labels(&service, AttributeValue::N("7".to_owned())).await;
        let removed = service.send(update("PATCH", &json!(null))).await.expect(200);
        assert_eq!(removed.data().get("labels"), None);
    }
}
