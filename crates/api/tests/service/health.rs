use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    harness::{Call, Service, assert_envelope},
    logs::Log,
};

const PATHS: [&str; 2] = ["/health", "/api/v1/health"];

#[tokio::test]
async fn a_healthy_service_answers_200_without_an_authorizer() {
    let service = Service::start().await;
    for path in PATHS {
        let mut event = Call::get(path).into_event();
        event["requestContext"]["authorizer"] = Value::Null;
        let answer = service.invoke(&serde_json::to_vec(&event).unwrap()).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["statusCode"], 200);
        let answer = service.send(Call::get(path)).await.expect(200);
        assert!(answer.data()["checks"]["dynamodb"]["latency_ms"].is_u64());
    }
    assert_envelope!(service.send(Call::get("/health")).await);
}

#[tokio::test]
async fn a_service_without_its_store_answers_503_and_says_which_part_is_ill() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let service = Service::with_store_at(address);
    for path in PATHS {
        let answer = service.send(Call::get(path)).await.expect(503);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.data()["status"], "unhealthy");
    }
    assert_envelope!(service.send(Call::get("/health")).await);
}

#[tokio::test]
async fn a_store_that_hangs_is_unhealthy_after_two_seconds() {
    // Connections are accepted by the system, and nobody ever answers.
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
async fn whoever_asks_while_a_probe_hangs_or_right_after_has_its_result() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = &Service::with_store_at(listener.local_addr().unwrap());
    let (log, _guard) = Log::capture();
    let started = Instant::now();
    let ask_after = async |milliseconds| {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        service.send(Call::get("/health")).await.expect(503)
    };
    // The probe of the first takes two seconds, which is longer than a result serves.
    tokio::join!(
        ask_after(0),
        ask_after(300),
        ask_after(1000),
        ask_after(1300),
        ask_after(1800),
        ask_after(2300)
    );
    assert!(
        started.elapsed() < Duration::from_millis(2800),
        "{:?}",
        started.elapsed()
    );
    let probes = log.lines().iter().filter(|line| line["dynamodb_attempts"] != 0).count();
    assert_eq!(probes, 1, "{}", log.text());
}

#[tokio::test]
async fn health_names_no_table_account_or_host() {
    for service in [Service::start().await, Service::start_without_table().await] {
        let answer = service.send(Call::get("/health")).await;
        let body = answer.body.to_string();
        for secret in ["arn:", "configs", "127.0.0.1", "embedded", "ResourceNotFound"] {
            assert!(!body.contains(secret), "{body}");
        }
    }
}

#[tokio::test]
async fn a_body_or_a_query_does_not_matter_to_health() {
    let service = Service::start().await;
    let call = Call::get("/health")
        .query("limit", "x")
        .json(&json!({"a": 1}))
        .header("If-None-Match", "x");
    service.send(call).await.expect(200);
}

#[tokio::test]
async fn a_second_of_health_is_one_call_of_the_store() {
    let service = Service::start().await;
    let (log, _guard) = Log::capture();
    for _ in 0..20 {
        service.send(Call::get("/health")).await.expect(200);
    }
    let probes = || log.lines().iter().filter(|line| line["dynamodb_attempts"] == 1).count();
    // A second may end among the twenty.
    assert!((1..=2).contains(&probes()), "{}", log.text());
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let before = probes();
    service.send(Call::get("/health")).await.expect(200);
    assert_eq!(probes(), before + 1);
}
