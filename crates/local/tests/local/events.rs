//! The events that the functions receive, and what happens to their responses.

use api::config::AllowedOrigins;
use serde_json::{Value, json};

use crate::gateway_harness::{Act, Response, Running, allow, ok, policy, start, start_with};

const CONFIGS: &str = "/api/v1/tenants/acme/delivery-configs";

#[tokio::test]
async fn authorizer_event_matches_a_rest_api() {
    let running = start().await;
    let response = running
        .send_signed("GET", &format!("/development{CONFIGS}?limit=5"), b"")
        .await;
    assert_eq!(response.status, 200);

    let events = running.authorizer_events();
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(
        event["methodArn"],
        "arn:aws:execute-api:eu-west-1:123456789012:local00000/development/GET/api/v1/tenants/acme/delivery-configs"
    );
    assert_eq!(event["resource"], "/{proxy+}");
    assert_eq!(event["path"], CONFIGS);
    assert_eq!(event["httpMethod"], "GET");
    assert_eq!(event["headers"]["Authorization"], "HMAC-SHA256 00");
    assert_eq!(event["headers"]["X-Api-Timestamp"], "now");
    assert_eq!(event["multiValueHeaders"]["Authorization"], json!(["HMAC-SHA256 00"]));
    assert_eq!(event["queryStringParameters"], json!({"limit": "5"}));
    assert_eq!(event["multiValueQueryStringParameters"], json!({"limit": ["5"]}));
    assert_eq!(
        event["pathParameters"],
        json!({"proxy": "api/v1/tenants/acme/delivery-configs"})
    );
    assert_eq!(event["stageVariables"], Value::Null);
    assert_eq!(event.get("body"), None, "the body never reaches an authorizer");

    let context = &event["requestContext"];
    assert_eq!(context["path"], format!("/development{CONFIGS}"));
    assert_eq!(context["stage"], "development");
    assert_eq!(context["httpMethod"], "GET");
    assert_eq!(context["resourcePath"], "/{proxy+}");
    assert_eq!(context["apiId"], "local00000");
    assert_eq!(context["accountId"], "123456789012");
    assert_eq!(context["domainName"], "api.test");
    assert_eq!(context["protocol"], "HTTP/1.1");
    assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["requestId"].as_str().unwrap().len(), 36);
    assert!(context["extendedRequestId"].is_string());
    assert!(context["requestTime"].as_str().unwrap().ends_with(" +0000"));
    assert!(context["requestTimeEpoch"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!(context.get("authorizer"), None);
}

#[tokio::test]
async fn api_event_adds_body_and_context() {
    let running = start().await;
    let response = running.send_signed("POST", CONFIGS, br#"{"type":"s3"}"#).await;
    assert_eq!(response.status, 200);

    let event = running.api_event();
    assert_eq!(event["body"], r#"{"type":"s3"}"#);
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["path"], CONFIGS);
    assert_eq!(
        event["requestContext"]["path"], CONFIGS,
        "a custom domain has no stage in its paths"
    );
    assert_eq!(event.get("methodArn"), None);
    assert_eq!(
        event["requestContext"]["authorizer"],
        json!({"principalId": "client", "authMethod": "HMAC-SHA256", "keyVersion": "7"})
    );
    let authorizer_event = &running.authorizer_events()[0];
    assert_eq!(
        event["requestContext"]["requestId"],
        authorizer_event["requestContext"]["requestId"]
    );
}

#[tokio::test]
async fn open_routes_bypass_the_authorizer() {
    let running = start().await;
    for request_line in [
        "GET /health",
        "HEAD /development/health",
        "GET /api/v1/health",
        "GET /api/v1/openapi.json",
    ] {
        let response = running
            .send(&[&format!("{request_line} HTTP/1.1"), "host: x"], b"")
            .await;
        assert_eq!(response.status, 200, "{request_line}");
    }
    assert_eq!(running.authorizer_events(), Vec::<Value>::new());
    let events = running.api_events();
    assert_eq!(events.len(), 4);
    assert!(
        events
            .iter()
            .all(|event| event["requestContext"].get("authorizer").is_none())
    );
    assert_eq!(events[0]["resource"], "/health");
    assert_eq!(events[0]["pathParameters"], Value::Null);
}

async fn preflight(running: &Running, path: &str) -> Response {
    let request_line = format!("OPTIONS {path} HTTP/1.1");
    running
        .send(&[&request_line, "host: x", "origin: https://a.example"], b"")
        .await
}

#[tokio::test]
async fn gateway_responds_to_preflights_without_a_function() {
    let origins = [
        AllowedOrigins::None,
        AllowedOrigins::Any,
        AllowedOrigins::parse("https://a.example").unwrap(),
    ];
    for (origins, allowed) in origins.into_iter().zip([None, Some("*"), Some("https://a.example")]) {
        let running = start_with(allow, ok, |settings| settings.allowed_origins = origins).await;
        for path in [CONFIGS, "/development/health", "/nothing"] {
            let response = preflight(&running, path).await;
            assert_eq!(response.status, 204, "{path}");
            assert_eq!(response.body, b"");
            assert_eq!(response.header("access-control-allow-origin"), allowed);
            assert_eq!(
                response.header("access-control-allow-methods").is_some(),
                allowed.is_some()
            );
            assert_eq!(response.header("access-control-max-age").is_some(), allowed.is_some());
        }
        assert_eq!(preflight(&running, "/").await.status, 401, "the root has no preflights");
        assert_eq!(running.authorizer_events(), Vec::<Value>::new());
        assert_eq!(running.api_events(), Vec::<Value>::new());
    }
}

#[tokio::test]
async fn preflight_reaches_the_function_where_several_origins_are_allowed() {
    let running = start_with(allow, ok, |settings| {
        settings.allowed_origins = AllowedOrigins::parse("https://a.example,https://b.example").unwrap();
    })
    .await;
    assert_eq!(preflight(&running, CONFIGS).await.status, 200);
    assert_eq!(running.authorizer_events(), Vec::<Value>::new());
    let event = running.api_event();
    assert_eq!(event["httpMethod"], "OPTIONS");
    assert_eq!(event["resource"], "/{proxy+}");
}

#[tokio::test]
async fn query_maps_are_null_without_a_query() {
    for target in [CONFIGS.to_owned(), format!("{CONFIGS}?")] {
        let running = start().await;
        running.send_signed("GET", &target, b"").await;
        for event in [running.authorizer_events().remove(0), running.api_event()] {
            assert_eq!(event["queryStringParameters"], Value::Null, "{target}");
            assert_eq!(event["multiValueQueryStringParameters"], Value::Null, "{target}");
        }
    }
}

#[tokio::test]
async fn query_values_are_decoded_and_the_last_one_wins() {
    let running = start().await;
    running
        .send_signed("GET", "/api/v1/x?a=1&last_key=acme%23s3&a=2+3&flag&%C3%BC=%FF&&=e", b"")
        .await;
    let event = running.api_event();
    assert_eq!(
        event["multiValueQueryStringParameters"],
        json!({"a": ["1", "2 3"], "last_key": ["acme#s3"], "flag": [""], "ü": ["\u{fffd}"], "": ["e"]})
    );
    assert_eq!(
        event["queryStringParameters"],
        json!({"a": "2 3", "last_key": "acme#s3", "flag": "", "ü": "\u{fffd}", "": "e"})
    );
}

#[tokio::test]
async fn maps_keep_no_order() {
    let names: Vec<String> = (0..20).map(|number| format!("p{number:02}")).collect();
    let pairs: Vec<String> = names.iter().map(|name| format!("{name}=1")).collect();
    let target = format!("/api/v1/x?{}", pairs.join("&"));
    let running = start().await;
    for _ in 0..2 {
        assert_eq!(running.send_signed("GET", &target, b"").await.status, 200);
    }
    let orders: Vec<Vec<&String>> = running
        .api_event_texts()
        .iter()
        .map(|text| {
            let mut order: Vec<&String> = names.iter().collect();
            order.sort_by_key(|name| text.find(&format!("\"{name}\"")));
            order
        })
        .collect();
    // By chance it happens once in 20! requests.
    assert_ne!(orders[0], names.iter().collect::<Vec<_>>());
    assert_ne!(orders[0], orders[1]);
}

#[tokio::test]
async fn path_keeps_its_percent_encoding() {
    for path in [
        "/api/v1/tenants/a%2Fb/%41",
        "/api/v1//x/../y/%2e%2e/",
        "/api/v1/a;b,c=d@e:f'(g)*!$~",
    ] {
        let running = start().await;
        running.send_signed("GET", path, b"").await;
        let event = running.api_event();
        assert_eq!(event["path"], path);
        assert_eq!(event["requestContext"]["path"], path);
        assert!(
            running.authorizer_events()[0]["methodArn"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/GET{path}"))
        );
    }
}

#[tokio::test]
async fn repeated_header_is_complete_only_in_the_multi_value_map() {
    let running = start().await;
    running
        .send(
            &[
                "GET /api/v1/x HTTP/1.1",
                "authorization: one",
                "AUTHORIZATION: two",
                "x-api-timestamp: now",
                "host: x",
            ],
            b"",
        )
        .await;
    let event = &running.authorizer_events()[0];
    assert_eq!(event["headers"]["Authorization"], "two");
    assert_eq!(event["multiValueHeaders"]["Authorization"], json!(["one", "two"]));
}

#[tokio::test]
async fn forwarding_headers_are_added_and_hop_by_hop_headers_removed() {
    let running = start().await;
    running
        .send(
            &[
                "GET /health HTTP/1.1",
                "host: x",
                "x-forwarded-for: 203.0.113.7",
                "connection: x-secret-hop",
                "x-secret-hop: 1",
                "te: trailers",
                "keep-alive: timeout=5",
                "x-kept: yes",
            ],
            b"",
        )
        .await;
    let event = running.api_event();
    let headers = event["headers"].as_object().unwrap();
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Host",
            "X-Amzn-Trace-Id",
            "X-Forwarded-For",
            "X-Forwarded-Port",
            "X-Forwarded-Proto",
            "X-Kept"
        ]
    );
    assert_eq!(headers["X-Forwarded-For"], "203.0.113.7, 127.0.0.1");
    assert_eq!(headers["X-Forwarded-Port"], running.address.port().to_string());
    assert!(headers["X-Amzn-Trace-Id"].as_str().unwrap().starts_with("Root=1-"));
}

#[tokio::test]
async fn binary_body_arrives_as_base64() {
    let running = start().await;
    running.send_signed("POST", CONFIGS, b"\xff\x00").await;
    let event = running.api_event();
    assert_eq!(event["body"], "/wA=");
    assert_eq!(event["isBase64Encoded"], true);
}

#[tokio::test]
async fn chunked_body_is_joined_and_missing_body_is_null() {
    let running = start().await;
    let request =
        b"PUT /api/v1/x HTTP/1.1\r\nhost: x\r\nauthorization: a\r\nx-api-timestamp: now\r\nconnection: close\r\n\
        transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n1;ext=1\r\n \r\n0\r\ntrailer: dropped\r\n\r\n";
    running.exchange(request).await;
    assert_eq!(running.api_event()["body"], "{} ");

    let running = start().await;
    running.send_signed("GET", CONFIGS, b"").await;
    assert_eq!(running.api_event()["body"], Value::Null);
}

#[tokio::test]
async fn non_ascii_header_arrives_as_latin_1() {
    let running = start().await;
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\nx-name: \xfc\xff\r\nconnection: close\r\n\r\n";
    running.exchange(request).await;
    assert_eq!(running.api_event()["headers"]["X-Name"], "üÿ");
}

#[tokio::test]
async fn api_response_reaches_the_client_unchanged() {
    let running = start_with(
        allow,
        |_| {
            Act::Respond(json!({
                "statusCode": 201,
                "headers": {"Location": "/x"},
                "multiValueHeaders": {"ETag": ["\"1\""], "X-Twice": ["a", "b"]},
                "body": "{\"ü\":1}",
            }))
        },
        |_| {},
    )
    .await;
    let response = running.send_signed("POST", CONFIGS, b"{}").await;
    assert_eq!(response.status, 201);
    assert_eq!(response.header("location"), Some("/x"));
    assert_eq!(response.header("etag"), Some("\"1\""));
    assert_eq!(response.headers.iter().filter(|(name, _)| name == "x-twice").count(), 2);
    assert_eq!(response.body, "{\"ü\":1}".as_bytes());
}

#[tokio::test]
async fn head_response_has_a_length_and_no_body() {
    let running = start().await;
    let response = running.send(&["HEAD /health HTTP/1.1", "host: x"], b"").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-length"), Some("10"));
    assert_eq!(response.body, b"");
    let response = running.send(&["HEAD /nowhere HTTP/1.1", "host: x"], b"").await;
    assert_eq!(response.status, 401);
    assert_eq!(response.body, b"");
}

#[tokio::test]
async fn not_modified_response_has_no_body() {
    let running = start_with(
        allow,
        |_| Act::Respond(json!({"statusCode": 304, "headers": {"ETag": "\"1\""}})),
        |_| {},
    )
    .await;
    let response = running.send_signed("GET", CONFIGS, b"").await;
    assert_eq!((response.status, response.body.len()), (304, 0));
}

#[tokio::test]
async fn policy_for_another_call_is_forbidden() {
    let running = start_with(
        |event| {
            let arn = event["methodArn"].as_str().unwrap().replace("/GET/", "/PUT/");
            Act::Respond(policy("Allow", &json!(arn)))
        },
        ok,
        |_| {},
    )
    .await;
    running
        .send_signed("GET", CONFIGS, b"")
        .await
        .assert_gateway_response(403);
    assert_eq!(running.api_events().len(), 0);
}
