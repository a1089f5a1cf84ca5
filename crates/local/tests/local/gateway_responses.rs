//! The responses of the gateway itself.

use std::time::Duration;

use api::config::AllowedOrigins;
use serde_json::{Value, json};

use crate::gateway_harness::{Act, Behaviour, Response, allow, ok, policy, start, start_with};

const CONFIGS: &str = "/api/v1/tenants/acme/delivery-configs";

#[tokio::test]
async fn missing_or_empty_identity_header_returns_401_without_an_invocation() {
    let running = start().await;
    let request_line = format!("GET {CONFIGS} HTTP/1.1");
    for headers in [
        vec!["host: x"],
        vec!["host: x", "authorization: a"],
        vec!["host: x", "x-api-timestamp: now"],
        vec!["host: x", "authorization:", "x-api-timestamp: now"],
        vec!["host: x", "authorization: a", "x-api-timestamp:  "],
    ] {
        let lines: Vec<&str> = std::iter::once(request_line.as_str()).chain(headers).collect();
        running.send(&lines, b"").await.assert_gateway_response(401);
    }
    assert_eq!(running.authorizer_events().len(), 0);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn health_is_open_for_reads_only() {
    let running = start().await;
    for path in ["/health", "/development/health", "/api/v1/health"] {
        for method in ["DELETE", "PATCH", "POST", "PUT"] {
            let request_line = format!("{method} {path} HTTP/1.1");
            running
                .send(&[&request_line, "host: x"], b"")
                .await
                .assert_gateway_response(401);
        }
    }
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn identity_header_named_by_connection_is_removed_for_both_functions() {
    let running = start().await;
    let head = format!("GET {CONFIGS} HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\n");
    let request = format!("{head}connection: close, authorization\r\n\r\n");
    Response::parse(&running.exchange(request.as_bytes()).await).assert_gateway_response(401);
}

#[tokio::test]
async fn denied_call_returns_403() {
    let running = start_with(|event| Act::Respond(policy("Deny", &event["methodArn"])), ok, |_| {}).await;
    running
        .send_signed("GET", CONFIGS, b"")
        .await
        .assert_gateway_response(403);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn failed_authorizer_returns_500_and_never_invokes_the_api() {
    let malformed = |event: &Value| {
        let mut response = policy("Allow", &event["methodArn"]);
        response["policyDocument"]["Statement"][0]["Condition"] = json!(null);
        Act::Respond(response)
    };
    let slow = |event: &Value| Act::Wait(Duration::from_secs(2), policy("Allow", &event["methodArn"]));
    let behaviours: [Behaviour; 5] = [
        Box::new(|_| Act::Fail),
        Box::new(|_| Act::Panic),
        Box::new(|_| Act::Bytes(b"Unauthorized")),
        Box::new(malformed),
        Box::new(slow),
    ];
    for behaviour in behaviours {
        let running = start_with(behaviour, ok, |settings| {
            settings.limits.authorizer = Duration::from_millis(100);
        })
        .await;
        running
            .send_signed("GET", CONFIGS, b"")
            .await
            .assert_gateway_response(500);
        assert_eq!(running.api_events().len(), 0);
    }
}

#[tokio::test]
async fn failed_api_returns_502() {
    let behaviours: [Behaviour; 5] = [
        Box::new(|_| Act::Fail),
        Box::new(|_| Act::Panic),
        Box::new(|_| Act::Bytes(b"not JSON")),
        Box::new(|_| Act::Respond(json!({"status": 200}))),
        Box::new(|_| Act::Wait(Duration::from_secs(2), json!({"statusCode": 200}))),
    ];
    for behaviour in behaviours {
        let running = start_with(allow, behaviour, |settings| {
            settings.limits.api = Duration::from_millis(100);
        })
        .await;
        running
            .send_signed("GET", CONFIGS, b"")
            .await
            .assert_gateway_response(502);
    }
}

#[tokio::test]
async fn panic_fails_one_request_only() {
    let running = start_with(
        allow,
        |event| {
            if event["path"] == "/api/v1/panic" {
                Act::Panic
            } else {
                ok(event)
            }
        },
        |_| {},
    )
    .await;
    running
        .send_signed("GET", "/api/v1/panic", b"")
        .await
        .assert_gateway_response(502);
    assert_eq!(running.send_signed("GET", CONFIGS, b"").await.status, 200);
}

#[tokio::test]
async fn integration_over_the_gateway_time_limit_returns_504() {
    let running = start_with(
        allow,
        |_| Act::Wait(Duration::from_secs(2), json!({"statusCode": 200})),
        |settings| settings.limits.integration = Duration::from_millis(100),
    )
    .await;
    running
        .send_signed("GET", CONFIGS, b"")
        .await
        .assert_gateway_response(504);
}

#[tokio::test]
async fn unknown_path_is_not_found_only_by_the_function() {
    let running = start().await;
    for target in ["/", "/api", "/api/v2/x", "/production/health", "/favicon.ico"] {
        running
            .send(&[&format!("GET {target} HTTP/1.1"), "host: x"], b"")
            .await
            .assert_gateway_response(401);
    }
    assert_eq!(running.api_events().len(), 0);
    assert_eq!(running.send_signed("GET", "/nowhere", b"").await.status, 200);
    assert_eq!(running.api_event()["path"], "/nowhere");
}

#[tokio::test]
async fn unsupported_method_returns_405_with_the_allowed_ones() {
    let running = start().await;
    for method in ["TRACE", "BREW", "get"] {
        let response = running.send_signed(method, CONFIGS, b"").await;
        response.assert_gateway_response(405);
        assert_eq!(
            response.header("allow"),
            Some("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
        );
    }
}

#[tokio::test]
async fn body_over_the_payload_limit_returns_413() {
    const MEGABYTE: usize = 1024 * 1024;
    let running = start().await;
    running
        .send_signed("POST", CONFIGS, &vec![b' '; 10 * MEGABYTE + 1])
        .await
        .assert_gateway_response(413);
    // A function takes 6 MB: what is larger never reaches it.
    running
        .send_signed("POST", CONFIGS, &vec![b' '; 10 * MEGABYTE])
        .await
        .assert_gateway_response(413);
    assert_eq!(running.api_events().len(), 0);
    assert_eq!(
        running
            .send_signed("POST", CONFIGS, &vec![b' '; 5 * MEGABYTE])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn expect_continue_with_an_oversized_body_returns_413_at_once() {
    let running = start().await;
    let request = format!(
        "POST {CONFIGS} HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\n\
        content-length: 20000000\r\nexpect: 100-continue\r\n\r\n"
    );
    Response::parse(&running.exchange(request.as_bytes()).await).assert_gateway_response(413);
}

#[tokio::test]
async fn url_or_headers_over_ten_kilobytes_are_rejected() {
    let running = start().await;
    let query = "a=1&".repeat(2_600);
    running
        .send_signed("GET", &format!("/api/v1/x?{query}"), b"")
        .await
        .assert_gateway_response(414);
    let header = format!("x-long: {}", "a".repeat(10_240));
    running
        .send(&["GET /health HTTP/1.1", "host: x", &header], b"")
        .await
        .assert_gateway_response(431);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn gateway_response_is_readable_by_allowed_origins_only() {
    let running = start_with(allow, ok, |settings| {
        settings.allowed_origins = AllowedOrigins::parse("https://console.example").unwrap();
    })
    .await;
    let request_line = format!("GET {CONFIGS} HTTP/1.1");
    let response = running
        .send(&[&request_line, "host: x", "origin: https://console.example"], b"")
        .await;
    assert_eq!(response.status, 401);
    assert_eq!(
        response.header("access-control-allow-origin"),
        Some("https://console.example")
    );
    assert_eq!(
        response.header("access-control-expose-headers"),
        Some("retry-after,x-request-id")
    );
    assert_eq!(response.header("vary"), Some("origin"));
    let response = running
        .send(&[&request_line, "host: x", "origin: https://evil.example"], b"")
        .await;
    assert_eq!(response.header("access-control-allow-origin"), None);
}
