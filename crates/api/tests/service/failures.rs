//! What the response and the log report when the store fails.

use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use testing::REJECTION_MESSAGE;
use tokio::net::TcpListener;

use crate::{
    harness::{Call, LIST, Response, Service, assert_envelope, config_path, s3, tenant_path},
    logs::{capture_log, request_lines},
};

/// A request of every kind that needs the store.
fn calls() -> Vec<Call> {
    let path = config_path("acme", "s3");
    let body = json!({"enabled": false});
    vec![
        Call::get(LIST),
        Call::get(&tenant_path("acme")),
        Call::get(&path),
        Call::get(&format!("{path}/validate")),
        Call::post(&tenant_path("acme")).json(&s3("acme")),
        Call::put(&path).json(&body),
        Call::patch(&path).json(&body),
        Call::delete(&path),
    ]
}

fn assert_transient(response: &Response) {
    assert_eq!(response.status, 503, "{response:?}");
    assert_eq!(response.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn unreachable_store_returns_503_with_retry_after() {
    let service = Service::with_store_at(testing::closed_port());
    for call in calls() {
        assert_transient(&service.send(call).await);
    }
    assert_envelope!(service.send(Call::get(LIST)).await);
}

#[tokio::test]
async fn throttling_store_returns_503_with_retry_after() {
    for code in [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    ] {
        let service = Service::start_with_rejecting_store(400, code).await;
        for call in calls() {
            assert_transient(&service.send(call).await);
        }
    }
    let service = Service::start_with_rejecting_store(400, "ThrottlingException").await;
    assert_envelope!(service.send(Call::get(LIST)).await);
}

#[tokio::test]
async fn unconfirmed_write_is_reported_within_five_seconds() {
    // The system accepts connections, but no response ever comes.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::with_store_at(listener.local_addr().unwrap());
    let started = Instant::now();
    let response = service.send(Call::post(&tenant_path("acme")).json(&s3("acme"))).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_transient(&response);
    assert!(response.error().contains("may or may not have been applied"));
    assert_envelope!(response);
}

#[tokio::test]
async fn response_is_sent_before_the_platform_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::with_store_at(listener.local_addr().unwrap());
    for (call, may_be_applied) in [
        (Call::get(LIST), false),
        (Call::post(&tenant_path("acme")).json(&s3("acme")), true),
    ] {
        let deadline = SystemTime::now() + Duration::from_secs(1);
        let response = service.send_before(deadline, call).await;
        assert!(SystemTime::now() < deadline);
        assert_transient(&response);
        assert_eq!(
            response.error().contains("may or may not have been applied"),
            may_be_applied,
            "{response:?}"
        );
    }
}

#[tokio::test]
async fn failing_store_returns_503_and_logs_the_cause_once() {
    let log = capture_log();
    let service = Service::start_with_rejecting_store(500, "InternalServerError").await;
    assert_transient(&service.send(Call::get(LIST)).await);
    let [line] = &request_lines(&log)[..] else {
        panic!("{:?}", request_lines(&log))
    };
    assert_eq!(
        (&line["level"], &line["code"]),
        (&"WARN".into(), &"store_unavailable".into())
    );
    assert!(
        line["error"].as_str().unwrap().contains("InternalServerError"),
        "{line}"
    );
}

#[tokio::test]
async fn missing_table_returns_500_and_logs_the_fix() {
    let log = capture_log();
    let service = Service::start_without_table().await;
    for call in calls() {
        let response = service.send(call).await.expect(500);
        assert_eq!(response.header("retry-after"), None);
        assert!(!response.body.to_string().contains("able"), "{response:?}");
    }
    for line in request_lines(&log) {
        assert_eq!(
            (&line["level"], &line["code"]),
            (&"ERROR".into(), &"table_missing".into())
        );
        assert!(
            line["error"].as_str().unwrap().contains("TENANT_CONFIG_TABLE"),
            "{line}"
        );
    }
    assert_eq!(request_lines(&log).len(), calls().len());
    assert_envelope!(service.send(Call::get(LIST)).await);
}

#[tokio::test]
async fn denied_access_returns_500_and_logs_the_fix() {
    let log = capture_log();
    let service = Service::start_with_rejecting_store(400, "AccessDeniedException").await;
    for call in calls() {
        let response = service.send(call).await.expect(500);
        assert!(!response.body.to_string().contains(REJECTION_MESSAGE), "{response:?}");
    }
    for line in request_lines(&log) {
        assert_eq!(
            (&line["level"], &line["code"]),
            (&"ERROR".into(), &"access_denied".into())
        );
        assert!(line["error"].as_str().unwrap().contains("policy"), "{line}");
    }
}
