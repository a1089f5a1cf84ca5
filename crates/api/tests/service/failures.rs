//! What a client and the log are told when the store fails.

use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    harness::{Answer, Call, LIST, Service, assert_envelope, config_path, s3, tenant_path},
    logs::Log,
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

/// A DynamoDB that gives one answer to everything.
async fn always(status: StatusCode, code: &str) -> Service {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "SECRET"}).to_string();
    let answer = move || async move { (status, [("content-type", "application/x-amz-json-1.0")], body) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::with_store_at(listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    service
}

fn assert_passing(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_a_503_with_retry_after() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::with_store_at(listener.local_addr().unwrap());
    drop(listener);
    for call in calls() {
        assert_passing(&service.send(call).await);
    }
    assert_envelope!(service.send(Call::get(LIST)).await);
}

#[tokio::test]
async fn a_store_that_throttles_is_a_503_with_retry_after() {
    for code in [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
    ] {
        let service = always(StatusCode::BAD_REQUEST, code).await;
        for call in calls() {
            assert_passing(&service.send(call).await);
        }
    }
    let service = always(StatusCode::BAD_REQUEST, "ThrottlingException").await;
    assert_envelope!(service.send(Call::get(LIST)).await);
}

#[tokio::test]
async fn a_write_whose_outcome_is_unknown_says_so_within_five_seconds() {
    // Connections are accepted by the system, and nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::with_store_at(listener.local_addr().unwrap());
    let started = Instant::now();
    let answer = service.send(Call::post(&tenant_path("acme")).json(&s3("acme"))).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_passing(&answer);
    assert!(answer.error().contains("may or may not have been applied"));
    assert_envelope!(answer);
}

#[tokio::test]
async fn an_answer_comes_before_the_platforms_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::with_store_at(listener.local_addr().unwrap());
    for (call, open_outcome) in [
        (Call::get(LIST), false),
        (Call::post(&tenant_path("acme")).json(&s3("acme")), true),
    ] {
        let deadline = SystemTime::now() + Duration::from_secs(1);
        let answer = service.send_before(deadline, call).await;
        assert!(SystemTime::now() < deadline);
        assert_passing(&answer);
        assert_eq!(
            answer.error().contains("may or may not have been applied"),
            open_outcome,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_store_that_fails_is_a_503_and_one_line_with_the_cause() {
    let (log, _guard) = Log::capture();
    let service = always(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError").await;
    assert_passing(&service.send(Call::get(LIST)).await);
    let [line] = &log.lines()[..] else {
        panic!("{:?}", log.lines())
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
async fn a_missing_table_is_a_500_whose_fix_is_in_the_log_alone() {
    let (log, _guard) = Log::capture();
    let service = Service::start_without_table().await;
    for call in calls() {
        let answer = service.send(call).await.expect(500);
        assert_eq!(answer.header("retry-after"), None);
        assert!(!answer.body.to_string().contains("able"), "{answer:?}");
    }
    for line in log.lines() {
        assert_eq!(
            (&line["level"], &line["code"]),
            (&"ERROR".into(), &"table_missing".into())
        );
        assert!(
            line["error"].as_str().unwrap().contains("TENANT_CONFIG_TABLE"),
            "{line}"
        );
    }
    assert_eq!(log.lines().len(), calls().len());
    assert_envelope!(service.send(Call::get(LIST)).await);
}

#[tokio::test]
async fn denied_access_is_a_500_whose_fix_is_in_the_log_alone() {
    let (log, _guard) = Log::capture();
    let service = always(StatusCode::BAD_REQUEST, "AccessDeniedException").await;
    for call in calls() {
        let answer = service.send(call).await.expect(500);
        assert!(!answer.body.to_string().contains("SECRET"), "{answer:?}");
    }
    for line in log.lines() {
        assert_eq!(
            (&line["level"], &line["code"]),
            (&"ERROR".into(), &"access_denied".into())
        );
        assert!(line["error"].as_str().unwrap().contains("policy"), "{line}");
    }
}
