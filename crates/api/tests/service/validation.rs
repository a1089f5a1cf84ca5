use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use api::{Checking, ExternalChecks};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use tenant_core::{ExternalCheck, StoredConfig};
use tokio::time::{Instant, sleep_until};

use crate::harness::{Call, Response, Service, assert_envelope, cloudwatch, config_path, s3, text};

async fn validate(service: &Service, tenant_id: &str, delivery_type: &str) -> Response {
    service
        .send(Call::get(&format!(
            "{}/validate",
            config_path(tenant_id, delivery_type)
        )))
        .await
}

fn status_of<'a>(response: &'a Response, field: &str) -> &'a Value {
    let checks = response.data()["checks"].as_array().unwrap();
    &checks.iter().find(|check| check["field"] == field).unwrap()["status"]
}

#[tokio::test]
async fn stored_configuration_is_valid() {
    let service = Service::start().await;
    service.create(cloudwatch("acme")).await;
    service.create(s3("acme")).await;
    for delivery_type in ["cloudwatch", "s3"] {
        let response = validate(&service, "acme", delivery_type).await.expect(200);
        assert_eq!(response.data()["valid"], true);
        assert_envelope!(response);
    }
}

#[tokio::test]
async fn invalid_item_is_reported_field_by_field() {
    let service = Service::start().await;
    service
        .put_item([
            ("tenant_id", text("acme")),
            ("type", text("cloudwatch")),
            ("log_distribution_role_arn", text("arn:aws:iam::1:role/x")),
            ("enabled", AttributeValue::S("yes".to_owned())),
        ])
        .await;
    let response = validate(&service, "acme", "cloudwatch").await.expect(200);
    assert_eq!(response.data()["valid"], false);
    assert_eq!(status_of(&response, "log_distribution_role_arn"), "invalid");
    assert_eq!(status_of(&response, "log_group_name"), "missing");
    assert_eq!(status_of(&response, "enabled"), "invalid");
    assert_eq!(status_of(&response, "target_region"), "skipped");
    assert_envelope!(response);
}

/// Checks that report a missing bucket, and count how often they were made.
#[derive(Default)]
struct Missing(AtomicUsize);

impl ExternalChecks for Missing {
    fn check<'a>(&'a self, config: &'a StoredConfig, _: Instant) -> Checking<'a> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let check = ExternalCheck::Bucket.missing("not_found", format!("for {}", config.tenant_id()));
        Box::pin(async { vec![check] })
    }
}

#[tokio::test]
async fn external_checks_decide_validity() {
    let external_checks = Arc::new(Missing::default());
    let service = Service::start_with_external_checks(external_checks.clone()).await;
    service.create(s3("acme")).await;
    let response = validate(&service, "acme", "s3").await.expect(200);
    assert_eq!(response.data()["valid"], false);
    assert_eq!(status_of(&response, "bucket_name"), "ok");
    assert_eq!(status_of(&response, "bucket"), "missing");
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 1);
}

/// Checks that end at their deadline.
struct Slow;

impl ExternalChecks for Slow {
    fn check<'a>(&'a self, _: &'a StoredConfig, deadline: Instant) -> Checking<'a> {
        Box::pin(async move {
            sleep_until(deadline).await;
            vec![ExternalCheck::Bucket.skipped("timed_out", "no response in time")]
        })
    }
}

#[tokio::test]
async fn checks_end_before_the_request_deadline() {
    let service = Service::start_with_external_checks(Arc::new(Slow)).await;
    service.create(s3("acme")).await;
    // The service reserves the last half second before the deadline of Lambda, and ends the request then.
    let path = format!("{}/validate", config_path("acme", "s3"));
    let deadline = SystemTime::now() + Duration::from_millis(1_500);
    let response = service.send_before(deadline, Call::get(&path)).await.expect(200);
    assert_eq!(status_of(&response, "bucket"), "skipped");
}

#[tokio::test]
async fn live_false_skips_external_checks() {
    let external_checks = Arc::new(Missing::default());
    let service = Service::start_with_external_checks(external_checks.clone()).await;
    service.create(s3("acme")).await;
    let path = format!("{}/validate", config_path("acme", "s3"));
    let response = service.send(Call::get(&path).query("live", "false")).await.expect(200);
    assert_eq!(response.data()["valid"], true);
    assert_eq!(status_of(&response, "bucket"), "skipped");
    assert!(response.data().to_string().contains("live=false"));
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 0);

    service.send(Call::get(&path).query("live", "true")).await.expect(200);
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 1);
    for invalid in ["", "no", "0", "False"] {
        service.send(Call::get(&path).query("live", invalid)).await.expect(400);
    }
    let twice = Call::get(&path).query("live", "false").query("live", "true");
    service.send(twice).await.expect(400);
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn missing_configuration_returns_404() {
    let service = Service::start().await;
    validate(&service, "acme", "s3").await.expect(404);
}
