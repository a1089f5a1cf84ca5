use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    harness::{Call, Service, assert_envelope},
    logs::{capture_log, request_lines},
};

const PATHS: [&str; 2] = ["/health", "/api/v1/health"];

#[tokio::test]
async fn healthy_service_returns_200_without_authorizer() {
    let service = Service::start().await;
    for path in PATHS {
        let mut event = Call::get(path).into_event();
        event["requestContext"]["authorizer"] = Value::Null;
        let response = service.invoke(&serde_json::to_vec(&event).unwrap()).await.unwrap();
        let response: Value = serde_json::from_slice(&response).unwrap();
        assert_eq!(response["statusCode"], 200);
        let response = service.send(Call::get(path)).await.expect(200);
        assert!(response.data()["checks"]["dynamodb"]["latency_ms"].is_u64());
    }
    assert_envelope!(service.send(Call::get("/health")).await);
}

#[tokio::test]
async fn unreachable_store_returns_503_with_the_unhealthy_part() {
    let service = Service::with_store_at(testing::closed_port());
    for path in PATHS {
        let response = service.send(Call::get(path)).await.expect(503);
        assert_eq!(response.header("retry-after"), Some("1"));
        assert_eq!(response.data()["status"], "unhealthy");
    }
    assert_envelope!(service.send(Call::get("/health")).await);
}

#[tokio::test]
async fn hanging_store_is_unhealthy_after_two_seconds() {
    // The system accepts connections, but no response ever comes.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::with_store_at(listener.local_addr().unwrap());
    let started = Instant::now();
    service.send(Call::get("/health")).await.expect(503);
    assert!(
        started.elapsed() < Duration::from_millis(2500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn requests_during_and_after_a_hanging_probe_share_its_result() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = &Service::with_store_at(listener.local_addr().unwrap());
    let log = capture_log();
    let started = Instant::now();
    let check_after = async |milliseconds| {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        service.send(Call::get("/health")).await.expect(503)
    };
    // The first probe takes two seconds, which is longer than the lifetime of a result.
    tokio::join!(
        check_after(0),
        check_after(300),
        check_after(1000),
        check_after(1300),
        check_after(1800),
        check_after(2300)
    );
    assert!(
        started.elapsed() < Duration::from_millis(2800),
        "{:?}",
        started.elapsed()
    );
    let probes = request_lines(&log)
        .iter()
        .filter(|line| line["dynamodb_attempts"] != 0)
        .count();
    assert_eq!(probes, 1, "{}", log.text());
}

#[tokio::test]
async fn health_contains_no_table_account_or_host() {
    for service in [Service::start().await, Service::start_without_table().await] {
        let response = service.send(Call::get("/health")).await;
        let body = response.body.to_string();
        for secret in ["arn:", "configs", "127.0.0.1", "embedded", "ResourceNotFound"] {
            assert!(!body.contains(secret), "{body}");
        }
    }
}

#[tokio::test]
async fn health_ignores_body_and_query() {
    let service = Service::start().await;
    let call = Call::get("/health")
        .query("limit", "x")
        .json(&json!({"a": 1}))
        .header("If-None-Match", "x");
    service.send(call).await.expect(200);
}

#[tokio::test]
async fn health_calls_the_store_once_a_second() {
    let service = Service::start().await;
    let log = capture_log();
    for _ in 0..20 {
        service.send(Call::get("/health")).await.expect(200);
    }
    let probes = || {
        request_lines(&log)
            .iter()
            .filter(|line| line["dynamodb_attempts"] == 1)
            .count()
    };
    // A second may end during the twenty requests.
    assert!((1..=2).contains(&probes()), "{}", log.text());
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let before = probes();
    service.send(Call::get("/health")).await.expect(200);
    assert_eq!(probes(), before + 1);
}
