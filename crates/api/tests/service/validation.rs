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

use crate::harness::{Answer, Call, Service, assert_envelope, cloudwatch, config_path, s3, text};

async fn validate(service: &Service, tenant_id: &str, delivery_type: &str) -> Answer {
    service
        .send(Call::get(&format!(
            "{}/validate",
            config_path(tenant_id, delivery_type)
        )))
        .await
}

fn status_of<'a>(answer: &'a Answer, field: &str) -> &'a Value {
    let checks = answer.data()["checks"].as_array().unwrap();
    &checks.iter().find(|check| check["field"] == field).unwrap()["status"]
}

#[tokio::test]
async fn what_this_service_stored_is_valid() {
    let service = Service::start().await;
    service.create(cloudwatch("acme")).await;
    service.create(s3("acme")).await;
    for delivery_type in ["cloudwatch", "s3"] {
        let answer = validate(&service, "acme", delivery_type).await.expect(200);
        assert_eq!(answer.data()["valid"], true);
        assert_envelope!(answer);
    }
}

#[tokio::test]
async fn a_broken_item_is_told_field_by_field() {
    let service = Service::start().await;
    service
        .put_item([
            ("tenant_id", text("acme")),
            ("type", text("cloudwatch")),
            ("log_distribution_role_arn", text("arn:aws:iam::1:role/x")),
            ("enabled", AttributeValue::S("yes".to_owned())),
        ])
        .await;
    let answer = validate(&service, "acme", "cloudwatch").await.expect(200);
    assert_eq!(answer.data()["valid"], false);
    assert_eq!(status_of(&answer, "log_distribution_role_arn"), "invalid");
    assert_eq!(status_of(&answer, "log_group_name"), "missing");
    assert_eq!(status_of(&answer, "enabled"), "invalid");
    assert_eq!(status_of(&answer, "target_region"), "skipped");
    assert_envelope!(answer);
}

/// Looks nowhere, but counts how often it was asked.
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
async fn what_is_found_beyond_the_table_counts() {
    let external_checks = Arc::new(Missing::default());
    let service = Service::start_with_live_checks(external_checks.clone()).await;
    service.create(s3("acme")).await;
    let answer = validate(&service, "acme", "s3").await.expect(200);
    assert_eq!(answer.data()["valid"], false);
    assert_eq!(status_of(&answer, "bucket_name"), "ok");
    assert_eq!(status_of(&answer, "bucket"), "missing");
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 1);
}

/// Ends when its time is up, and no sooner.
struct Slow;

impl ExternalChecks for Slow {
    fn check<'a>(&'a self, _: &'a StoredConfig, deadline: Instant) -> Checking<'a> {
        Box::pin(async move {
            sleep_until(deadline).await;
            vec![ExternalCheck::Bucket.skipped("timed_out", "no answer in time")]
        })
    }
}

#[tokio::test]
async fn checks_end_before_the_request_does() {
    let service = Service::start_with_live_checks(Arc::new(Slow)).await;
    service.create(s3("acme")).await;
    // The service keeps half a second of what Lambda gives for itself, and ends the request then.
    let path = format!("{}/validate", config_path("acme", "s3"));
    let deadline = SystemTime::now() + Duration::from_millis(1_500);
    let answer = service.send_before(deadline, Call::get(&path)).await.expect(200);
    assert_eq!(status_of(&answer, "bucket"), "skipped");
}

#[tokio::test]
async fn nobody_looks_beyond_the_table_who_is_asked_not_to() {
    let external_checks = Arc::new(Missing::default());
    let service = Service::start_with_live_checks(external_checks.clone()).await;
    service.create(s3("acme")).await;
    let path = format!("{}/validate", config_path("acme", "s3"));
    let answer = service.send(Call::get(&path).query("live", "false")).await.expect(200);
    assert_eq!(answer.data()["valid"], true);
    assert_eq!(status_of(&answer, "bucket"), "skipped");
    assert!(answer.data().to_string().contains("live=false"));
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 0);

    service.send(Call::get(&path).query("live", "true")).await.expect(200);
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 1);
    for refused in ["", "no", "0", "False"] {
        service.send(Call::get(&path).query("live", refused)).await.expect(400);
    }
    let twice = Call::get(&path).query("live", "false").query("live", "true");
    service.send(twice).await.expect(400);
    assert_eq!(external_checks.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_does_not_exist_is_a_404() {
    let service = Service::start().await;
    validate(&service, "acme", "s3").await.expect(404);
}
