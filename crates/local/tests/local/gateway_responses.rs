//! What the gateway answers by itself.

use std::time::Duration;

use api::config::AllowedOrigins;
use serde_json::{Value, json};

use crate::gateway_harness::{Act, Answer, Behaviour, allow, ok, policy, start, start_with};

const CONFIGS: &str = "/api/v1/tenants/acme/delivery-configs";

#[tokio::test]
async fn missing_or_empty_identity_header_is_401_without_asking_anyone() {
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
        running.send(&lines, b"").await.assert_refusal(401);
    }
    assert_eq!(running.authorizer_events().len(), 0);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn health_is_open_to_read_and_guarded_otherwise() {
    let running = start().await;
    for path in ["/health", "/development/health", "/api/v1/health"] {
        for method in ["DELETE", "PATCH", "POST", "PUT"] {
            let request_line = format!("{method} {path} HTTP/1.1");
            running.send(&[&request_line, "host: x"], b"").await.assert_refusal(401);
        }
    }
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn hop_header_that_names_an_identity_header_takes_it_away_for_both_functions() {
    let running = start().await;
    let head = format!("GET {CONFIGS} HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\n");
    let request = format!("{head}connection: close, authorization\r\n\r\n");
    Answer::parse(&running.exchange(request.as_bytes()).await).assert_refusal(401);
}

#[tokio::test]
async fn denied_call_is_403() {
    let running = start_with(|event| Act::Answer(policy("Deny", &event["methodArn"])), ok, |_| {}).await;
    running.send_signed("GET", CONFIGS, b"").await.assert_refusal(403);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn authorizer_that_fails_in_any_way_is_500_and_never_an_answer() {
    let malformed = |event: &Value| {
        let mut answer = policy("Allow", &event["methodArn"]);
        answer["policyDocument"]["Statement"][0]["Condition"] = json!(null);
        Act::Answer(answer)
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
        running.send_signed("GET", CONFIGS, b"").await.assert_refusal(500);
        assert_eq!(running.api_events().len(), 0);
    }
}

#[tokio::test]
async fn api_that_fails_in_any_way_is_502() {
    let behaviours: [Behaviour; 5] = [
        Box::new(|_| Act::Fail),
        Box::new(|_| Act::Panic),
        Box::new(|_| Act::Bytes(b"not JSON")),
        Box::new(|_| Act::Answer(json!({"status": 200}))),
        Box::new(|_| Act::Wait(Duration::from_secs(2), json!({"statusCode": 200}))),
    ];
    for behaviour in behaviours {
        let running = start_with(allow, behaviour, |settings| {
            settings.limits.api = Duration::from_millis(100);
        })
        .await;
        running.send_signed("GET", CONFIGS, b"").await.assert_refusal(502);
    }
}

#[tokio::test]
async fn panic_costs_one_request_only() {
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
        .assert_refusal(502);
    assert_eq!(running.send_signed("GET", CONFIGS, b"").await.status, 200);
}

#[tokio::test]
async fn integration_beyond_the_gateways_limit_is_504() {
    let running = start_with(
        allow,
        |_| Act::Wait(Duration::from_secs(2), json!({"statusCode": 200})),
        |settings| settings.limits.integration = Duration::from_millis(100),
    )
    .await;
    running.send_signed("GET", CONFIGS, b"").await.assert_refusal(504);
}

#[tokio::test]
async fn path_outside_the_routes_is_404_signed_or_not() {
    let running = start().await;
    for target in ["/", "/api", "/api/v2/x", "/production/health", "/favicon.ico", "*"] {
        running
            .send(&[&format!("OPTIONS {target} HTTP/1.1"), "host: x"], b"")
            .await
            .assert_refusal(404);
    }
    running.send_signed("GET", "/nowhere", b"").await.assert_refusal(404);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn method_that_the_gateway_does_not_know_is_405_with_the_others() {
    let running = start().await;
    for method in ["TRACE", "BREW", "get"] {
        let answer = running.send_signed(method, CONFIGS, b"").await;
        answer.assert_refusal(405);
        assert_eq!(
            answer.header("allow"),
            Some("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
        );
    }
}

#[tokio::test]
async fn body_over_ten_megabytes_is_413_and_a_smaller_one_the_functions_affair() {
    const MEGABYTE: usize = 1024 * 1024;
    let running = start().await;
    running
        .send_signed("POST", CONFIGS, &vec![b' '; 10 * MEGABYTE + 1])
        .await
        .assert_refusal(413);
    // A function takes 6 MB: what is larger never reaches it.
    running
        .send_signed("POST", CONFIGS, &vec![b' '; 10 * MEGABYTE])
        .await
        .assert_refusal(413);
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
async fn client_that_asks_before_it_sends_too_much_is_refused_at_once() {
    let running = start().await;
    let request = format!(
        "POST {CONFIGS} HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\n\
        content-length: 20000000\r\nexpect: 100-continue\r\n\r\n"
    );
    Answer::parse(&running.exchange(request.as_bytes()).await).assert_refusal(413);
}

#[tokio::test]
async fn url_or_headers_over_ten_kilobytes_are_refused() {
    let running = start().await;
    let query = "a=1&".repeat(2_600);
    running
        .send_signed("GET", &format!("/api/v1/x?{query}"), b"")
        .await
        .assert_refusal(414);
    let header = format!("x-long: {}", "a".repeat(10_240));
    running
        .send(&["GET /health HTTP/1.1", "host: x", &header], b"")
        .await
        .assert_refusal(431);
    assert_eq!(running.api_events().len(), 0);
}

#[tokio::test]
async fn refusal_is_readable_by_a_page_of_an_allowed_origin_only() {
    let running = start_with(allow, ok, |settings| {
        settings.allowed_origins = AllowedOrigins::parse("https://console.example").unwrap();
    })
    .await;
    let request_line = format!("GET {CONFIGS} HTTP/1.1");
    let answer = running
        .send(&[&request_line, "host: x", "origin: https://console.example"], b"")
        .await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://console.example")
    );
    assert_eq!(
        answer.header("access-control-expose-headers"),
        Some("retry-after,x-request-id")
    );
    assert_eq!(answer.header("vary"), Some("origin"));
    let answer = running
        .send(&[&request_line, "host: x", "origin: https://evil.example"], b"")
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
