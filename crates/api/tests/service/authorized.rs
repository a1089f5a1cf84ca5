//! Requests that no authorizer has allowed, which means that a method was deployed without one.

use api::config::{AllowedOrigins, Settings};
use serde_json::{Value, json};

use crate::{
    harness::{Call, Response, Service, s3},
    logs::{capture_log, request_lines},
};

const ROUTES: [&str; 4] = [
    "/api/v1/delivery-configs",
    "/api/v1/tenants/acme/delivery-configs",
    "/api/v1/tenants/acme/delivery-configs/s3",
    "/api/v1/tenants/acme/delivery-configs/s3/validate",
];
/// The routes without an authorizer in the template, and paths that look like them.
const OPEN_ROUTES: [&str; 4] = ["/health", "/api/v1/health", "/openapi.json", "/api/v1/openapi.json"];
const NEARLY_OPEN_ROUTES: [&str; 5] = [
    "/api/v1/health/",
    "/api/v1//health",
    "/api/v1/%68ealth",
    "/api/v1/openapi.json/x",
    "/api/v1/HEALTH",
];

/// Contexts that this service's authorizer does not make.
fn other_contexts() -> Vec<Value> {
    vec![
        Value::Null,
        json!({}),
        json!({"principalId": "user"}),
        json!({"principalId": "user", "claims": {"sub": "user"}, "integrationLatency": 3}),
        json!({"principalId": "psk", "keyVersion": null}),
        json!({"principalId": "psk", "keyVersion": ""}),
    ]
}

/// The response to the request with this context of an authorizer.
async fn respond_to(service: &Service, call: Call, authorizer: &Value) -> (u64, Value) {
    let mut event = call.into_event();
    event["requestContext"]["authorizer"] = authorizer.clone();
    let response: Value = serde_json::from_slice(&service.invoke(event.to_string().as_bytes()).await.unwrap()).unwrap();
    (response["statusCode"].as_u64().unwrap(), response)
}

#[tokio::test]
async fn request_without_an_authorizer_is_rejected_before_anything_is_read() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let log = capture_log();
    let mut rejected = 0;
    let every_method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"];
    let cases = ROUTES
        .iter()
        .chain(&NEARLY_OPEN_ROUTES)
        .chain(&["/nowhere"])
        .flat_map(|path| every_method.iter().map(move |method| (*method, *path)));
    let writes = OPEN_ROUTES
        .iter()
        .flat_map(|path| every_method[2..].iter().map(move |method| (*method, *path)));
    for (method, path) in cases.chain(writes) {
        for context in other_contexts() {
            let call = Call::new(method, path).json(&s3("acme"));
            let (status, response) = respond_to(&service, call, &context).await;
            assert_eq!(status, 500, "{method} {path} {context}");
            let body = response["body"].as_str().unwrap();
            assert!(!body.contains("acme") && !body.contains("authoriz"), "{body}");
            rejected += 1;
        }
    }
    let lines = request_lines(&log);
    assert_eq!(lines.len(), rejected);
    for line in lines {
        assert_eq!(
            (&line["level"], &line["code"]),
            (&"ERROR".into(), &"no_authorizer".into()),
            "{line}"
        );
        assert_eq!(line["dynamodb_attempts"], 0, "{line}");
        assert!(
            line["error"].as_str().unwrap().contains("without an authorizer"),
            "{line}"
        );
    }
    // Nothing was changed or deleted.
    let read = service.send(Call::get(ROUTES[2])).await.expect(200);
    assert_eq!(read.data()["created_at"], read.data()["updated_at"]);
}

#[tokio::test]
async fn open_routes_are_served_without_an_authorizer() {
    let service = Service::start().await;
    for path in OPEN_ROUTES {
        for method in ["GET", "HEAD"] {
            for context in other_contexts() {
                let (status, _) = respond_to(&service, Call::new(method, path), &context).await;
                assert_eq!(status, 200, "{method} {path} {context}");
            }
        }
    }
}

#[tokio::test]
async fn preflight_is_served_without_an_authorizer() {
    let settings = Settings {
        allowed_origins: AllowedOrigins::parse("https://console.example").unwrap(),
        ..Settings::default()
    };
    let with_cors = Service::start_with(settings).await;
    let without_cors = Service::start().await;
    for path in ROUTES.iter().chain(&OPEN_ROUTES) {
        let preflight = Call::new("OPTIONS", path)
            .header("Origin", "https://console.example")
            .header("Access-Control-Request-Method", "DELETE");
        let (status, response) = respond_to(&with_cors, preflight.clone(), &Value::Null).await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(
            response["headers"]["access-control-allow-origin"],
            "https://console.example"
        );
        assert_eq!(
            respond_to(&without_cors, preflight, &Value::Null).await.0,
            405,
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_responses_of_custom_domains_over_tls_demand_tls() {
    let service = Service::start().await;
    for (domain, protocol, expected) in [
        (json!("api.example.com"), "https", Some("max-age=31536000")),
        (json!("api.example.com"), "http", None),
        (json!("abc123.execute-api.us-east-1.amazonaws.com"), "https", None),
        (json!("abc123.execute-api.cn-north-1.amazonaws.com.cn"), "https", None),
        (
            json!("abc123-vpce-1.execute-api.eu-west-1.vpce.amazonaws.com"),
            "https",
            None,
        ),
        (json!(""), "https", None),
        (Value::Null, "https", None),
    ] {
        for call in [
            Call::get("/health"),
            Call::get(ROUTES[0]),
            Call::get("/nowhere"),
            Call::new("HEAD", ROUTES[0]),
        ] {
            let mut event = call.header("X-Forwarded-Proto", protocol).into_event();
            event["requestContext"]["domainName"] = domain.clone();
            let method = event["httpMethod"].as_str().unwrap().to_owned();
            let response = Response::check(&method, &service.invoke(event.to_string().as_bytes()).await.unwrap());
            assert_eq!(
                response.header("strict-transport-security"),
                expected,
                "{domain} {protocol}"
            );
        }
    }
}
