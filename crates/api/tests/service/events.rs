//! Events as API Gateway, its console and emulators send them, one file each.

use base64::{Engine, prelude::BASE64_STANDARD};
use lambda::Handler;
use serde_json::{Value, json};

use crate::harness::{Call, LIST, Service, assert_envelope, config_path, invocation, s3};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/", $name, ".json"))
    };
}

/// The status and the envelope of the response.
async fn respond_to(service: &Service, event: &[u8]) -> (u64, Value) {
    let response: Value = serde_json::from_slice(&service.invoke(event).await.unwrap()).unwrap();
    (
        response["statusCode"].as_u64().unwrap(),
        serde_json::from_str(response["body"].as_str().unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn health_is_served_without_authorizer_context() {
    let service = Service::start().await;
    assert_eq!(respond_to(&service, fixture!("health")).await.0, 200);
}

#[tokio::test]
async fn create_and_read_events_are_served() {
    let service = Service::start().await;
    let (status, created) = respond_to(&service, fixture!("create")).await;
    assert_eq!((status, &created["data"]["bucket_prefix"]), (201, &json!("logs/é/")));
    for event in [
        &fixture!("get")[..],
        fixture!("get-percent-encoded"),
        fixture!("get-base-path"),
    ] {
        let (status, read) = respond_to(&service, event).await;
        assert_eq!((status, &read["data"]), (200, &created["data"]));
    }
}

#[tokio::test]
async fn base64_body_is_decoded() {
    let service = Service::start().await;
    let (status, created) = respond_to(&service, fixture!("create-base64")).await;
    assert_eq!((status, &created["data"]["bucket_prefix"]), (201, &json!("logs/é/")));
}

#[tokio::test]
async fn decoded_query_reaches_the_list() {
    let service = Service::start().await;
    service.create(s3("acme-corp")).await;
    let (status, list) = respond_to(&service, fixture!("list-with-query")).await;
    assert_eq!(
        (status, &list["data"]["count"], &list["data"]["limit"]),
        (200, &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn every_value_of_repeated_if_match_is_used() {
    let service = Service::start().await;
    let created = service.create(s3("acme-corp")).await;
    // Only the first of the two values is the current tag.
    let event = String::from_utf8_lossy(fixture!("patch-repeated-if-match"));
    let event = event.replace(r#"\"0\""#, &created.etag().replace('"', r#"\""#));
    assert_eq!(respond_to(&service, event.as_bytes()).await.0, 200);
}

#[tokio::test]
async fn event_without_headers_is_served() {
    let service = Service::start().await;
    let mut event: Value = serde_json::from_slice(fixture!("console-test")).unwrap();
    event["requestContext"]["authorizer"] = json!({"principalId": "psk", "keyVersion": "current:3"});
    let (status, list) = respond_to(&service, event.to_string().as_bytes()).await;
    assert_eq!((status, &list["data"]["count"]), (200, &json!(0)));
}

#[tokio::test]
async fn test_of_the_console_is_rejected_since_it_runs_no_authorizer() {
    let service = Service::start().await;
    assert_eq!(respond_to(&service, fixture!("console-test")).await.0, 500);
}

#[tokio::test]
async fn decoded_path_of_an_emulator_is_served() {
    let service = Service::start().await;
    assert_eq!(respond_to(&service, fixture!("emulator-decoded-path")).await.0, 400);
}

#[tokio::test]
async fn missing_request_id_is_replaced_by_the_lambda_request_id() {
    let service = Service::start().await;
    let mut event = Call::get("/health").into_event();
    event["requestContext"] = json!({});
    let response: Value = serde_json::from_slice(&service.invoke(event.to_string().as_bytes()).await.unwrap()).unwrap();
    assert_eq!(response["headers"]["x-request-id"], "lambda-request");
}

#[tokio::test]
async fn invalid_header_returns_400_and_is_never_dropped() {
    let service = Service::start().await;
    let created = service.create(s3("acme")).await;
    let patch = || Call::patch(&config_path("acme", "s3")).json(&json!({"enabled": false}));
    for (name, value) in [
        ("If-Match", "\"7\"\r\n"),
        ("If-Match ", "\"7\""),
        ("If-Match", "\u{0}"),
        ("", "x"),
        ("é", "x"),
    ] {
        service.send(patch().header(name, value)).await.expect(400);
    }
    let read = service.send(Call::get(&config_path("acme", "s3"))).await;
    assert_eq!(read.etag(), created.etag());
    assert_envelope!(service.send(patch().header("If-Match", "\n")).await);
}

#[tokio::test]
async fn too_many_headers_return_400() {
    let service = Service::start().await;
    let many = (0..40_000).fold(Call::get(LIST), |call, number| call.header(&format!("x-{number}"), "x"));
    service.send(many).await.expect(400);
}

#[tokio::test]
async fn malformed_base64_body_returns_400() {
    let service = Service::start().await;
    let mut event = Call::post("/api/v1/tenants/acme/delivery-configs")
        .body("{}")
        .into_event();
    event["isBase64Encoded"] = true.into();
    assert_eq!(respond_to(&service, event.to_string().as_bytes()).await.0, 400);
}

#[tokio::test]
async fn body_that_is_not_utf_8_returns_400() {
    let service = Service::start().await;
    let mut event = Call::post("/api/v1/tenants/acme/delivery-configs").into_event();
    event["isBase64Encoded"] = true.into();
    event["body"] = BASE64_STANDARD.encode(b"{\"type\":\"\xff\"}").into();
    assert_eq!(respond_to(&service, event.to_string().as_bytes()).await.0, 400);
}

#[tokio::test]
async fn event_of_another_kind_fails_the_invocation() {
    let service = Service::start().await;
    let http_api = json!({"version": "2.0", "rawPath": "/health", "requestContext": {"http": {"method": "GET"}}});
    for event in ["", "x", "{}", r#"{"Records":[]}"#, &http_api.to_string()] {
        let error = service.api.invoke(event.as_bytes(), &invocation()).await.unwrap_err();
        assert_eq!(error.kind, "InvalidEvent");
    }
}
