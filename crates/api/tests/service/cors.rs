use api::config::{AllowedOrigins, Settings};

use crate::harness::{Call, LIST, Response, Service, config_path};

const PAGE: &str = "https://console.example.com";

async fn allowing(origins: &str) -> Service {
    Service::start_with(Settings {
        allowed_origins: AllowedOrigins::parse(origins).unwrap(),
        ..Settings::default()
    })
    .await
}

fn preflight(path: &str, origin: &str) -> Call {
    Call::new("OPTIONS", path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "PATCH")
        .header(
            "Access-Control-Request-Headers",
            "authorization,content-type,if-match,x-api-timestamp,x-body-sha256,x-change-note",
        )
}

fn names_cors(response: &Response) -> bool {
    response.headers.keys().any(|name| name.starts_with("access-control-"))
}

#[tokio::test]
async fn no_origin_is_allowed_by_default() {
    let service = Service::start().await;
    for path in ["/health", LIST, &config_path("acme", "s3")] {
        let response = service.send(preflight(path, PAGE)).await.expect(405);
        assert!(!names_cors(&response));
        let response = service.send(Call::get(path).header("Origin", PAGE)).await;
        assert!(!names_cors(&response) && response.header("vary").is_none());
    }
}

#[tokio::test]
async fn preflight_from_allowed_origin_lists_methods_and_headers() {
    let service = allowing(&format!("http://localhost:3000,{PAGE}")).await;
    let response = service
        .send(preflight(&config_path("acme", "s3"), PAGE))
        .await
        .expect(200);
    assert_eq!(response.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(
        response.header("access-control-allow-methods"),
        Some("GET,HEAD,POST,PUT,PATCH,DELETE")
    );
    assert_eq!(
        response.header("access-control-allow-headers"),
        Some("authorization,content-type,if-match,if-none-match,x-api-timestamp,x-body-sha256,x-change-note")
    );
    assert_eq!(response.header("access-control-max-age"), Some("7200"));
    assert!(response.header("vary").unwrap().contains("origin"));
}

#[tokio::test]
async fn allowed_origin_can_read_response_and_exposed_headers() {
    let service = allowing(PAGE).await;
    for path in [
        "/health",
        LIST,
        &config_path("acme", "s3"),
        &config_path("acme", "x"),
        "/nothing",
    ] {
        let response = service.send(Call::get(path).header("Origin", PAGE)).await;
        assert_eq!(response.header("access-control-allow-origin"), Some(PAGE), "{path}");
        assert_eq!(
            response.header("access-control-expose-headers"),
            Some("etag,location,retry-after,x-request-id")
        );
    }
}

#[tokio::test]
async fn other_origin_is_not_allowed() {
    let service = allowing(PAGE).await;
    for origin in [
        "https://evil.example",
        "http://console.example.com",
        "https://console.example.com:8443",
        "null",
        "",
    ] {
        let response = service.send(Call::get(LIST).header("Origin", origin)).await.expect(200);
        assert_eq!(response.header("access-control-allow-origin"), None, "{origin}");
        let response = service.send(preflight(LIST, origin)).await;
        assert_eq!(response.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test]
async fn asterisk_allows_every_origin_without_credentials() {
    let service = allowing("*").await;
    let response = service.send(Call::get(LIST).header("Origin", PAGE)).await.expect(200);
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(response.header("access-control-allow-credentials"), None);
}
