use aws_sdk_dynamodb::types::AttributeValue;
use chrono::Utc;
use serde_json::{Value, json};

use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3, tenant_path, text};

#[tokio::test]
async fn create_returns_201_with_configuration_location_and_tag() {
    let service = Service::start().await;
    let response = service.create(cloudwatch("acme")).await;
    assert_eq!(
        response.header("location"),
        Some("/api/v1/tenants/acme/delivery-configs/cloudwatch")
    );
    assert_eq!(response.data()["created_at"], response.data()["updated_at"]);
    assert_envelope!(response);

    let read = service
        .send(Call::get(response.header("location").unwrap()))
        .await
        .expect(200);
    assert_eq!(read.data(), response.data());
    assert_eq!(read.etag(), response.etag());
}

#[tokio::test]
async fn envelope_and_configuration_have_the_documented_order() {
    let service = Service::start().await;
    let event = Call::post(&tenant_path("acme"))
        .json(&s3("acme"))
        .into_event()
        .to_string();
    let response: Value = serde_json::from_slice(&service.invoke(event.as_bytes()).await.unwrap()).unwrap();
    let body = response["body"].as_str().unwrap();
    let names = [
        "timestamp",
        "status",
        "data",
        "tenant_id",
        "type",
        "bucket_name",
        "bucket_prefix",
        "enabled",
    ]
    .into_iter()
    .chain(["created_at", "updated_at", "message"]);
    let places: Vec<_> = names.map(|name| body.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{body}");
}

#[tokio::test]
async fn omitted_fields_get_their_defaults() {
    let service = Service::start().await;
    assert_envelope!(service.create(s3("acme")).await);
    let stored = service.get_item("acme", "s3").await.unwrap();
    assert_eq!(stored["enabled"], AttributeValue::Bool(true));
    assert_eq!(stored["bucket_prefix"], text("ROSA/cluster-logs/"));
}

#[tokio::test]
async fn every_field_is_stored_as_sent() {
    let service = Service::start().await;
    let mut sent = s3("acme");
    sent["bucket_prefix"] = "logs/é/".into();
    sent["target_region"] = "us-gov-west-1".into();
    sent["enabled"] = false.into();
    sent["desired_logs"] = json!(["payment-service", "user-service"]);
    sent["ttl"] = (Utc::now().timestamp() + 3600).into();
    let mut stored = service.create(sent.clone()).await.data().clone();
    stored.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_at"));
    assert_eq!(stored, sent);
}

#[tokio::test]
async fn create_of_what_exists_returns_409_and_changes_nothing() {
    let service = Service::start().await;
    let first = service.create(s3("acme")).await;
    let mut other = s3("acme");
    other["bucket_name"] = "another-bucket".into();
    assert_envelope!(
        service
            .send(Call::post(&tenant_path("acme")).json(&other))
            .await
            .expect(409)
    );
    let read = service.send(Call::get(&config_path("acme", "s3"))).await;
    assert_eq!(read.data(), first.data());
}

#[tokio::test]
async fn tenant_can_have_both_types() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service.create(cloudwatch("acme")).await;
}

#[tokio::test]
async fn create_replaces_an_expired_configuration() {
    let service = Service::start().await;
    let past = AttributeValue::N((Utc::now().timestamp() - 5).to_string());
    service
        .put_item([
            ("tenant_id", text("acme")),
            ("type", text("s3")),
            ("ttl", past),
            ("left", text("over")),
        ])
        .await;
    service.create(s3("acme")).await;
    let stored = service.get_item("acme", "s3").await.unwrap();
    assert!(!stored.contains_key("left") && !stored.contains_key("ttl"));
}

#[tokio::test]
async fn every_broken_rule_is_reported_at_once() {
    let service = Service::start().await;
    let body = json!({
        "type": "s3",
        "bucket_name": "UPPER",
        "enable": true,
        "log_group_name": "/aws/logs/acme",
        "target_region": "mars-1",
        "desired_logs": [],
    });
    let response = service
        .send(Call::post(&tenant_path("acme")).json(&body))
        .await
        .expect(422);
    let mut rules = response.broken_rules();
    rules.sort_unstable();
    assert_eq!(
        rules,
        [
            ("bucket_name", "invalid_format"),
            ("desired_logs", "empty"),
            ("enable", "unknown_field"),
            ("log_group_name", "wrong_delivery_type"),
            ("target_region", "invalid_format"),
            ("tenant_id", "required"),
        ]
    );
    assert_envelope!(response);
}

#[tokio::test]
async fn time_to_live_in_the_past_or_in_milliseconds_returns_422() {
    let service = Service::start().await;
    for (ttl, code) in [
        (1, "in_the_past"),
        (Utc::now().timestamp_millis() + 60_000, "out_of_range"),
    ] {
        let mut body = s3("acme");
        body["ttl"] = ttl.into();
        let response = service
            .send(Call::post(&tenant_path("acme")).json(&body))
            .await
            .expect(422);
        assert_eq!(response.broken_rules(), [("ttl", code)]);
    }
}

#[tokio::test]
async fn another_tenant_in_the_body_returns_400() {
    let service = Service::start().await;
    assert_envelope!(
        service
            .send(Call::post(&tenant_path("acme")).json(&s3("other")))
            .await
            .expect(400)
    );
    assert_eq!(service.get_item("other", "s3").await, None);
}

#[tokio::test]
async fn timestamps_of_the_client_are_ignored() {
    let service = Service::start().await;
    let mut body = s3("acme");
    body["created_at"] = "1999-01-01T00:00:00Z".into();
    body["updated_at"] = json!({"no": "time"});
    let stored = service.create(body).await;
    assert_eq!(stored.data()["created_at"], stored.body["timestamp"]);
}
