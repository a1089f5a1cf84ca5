use http::Method;

use crate::harness::{BATCH, Call, LIST, REQUEST_ID, Service, assert_envelope, config_path, s3, tenant_path};

const CONFIG: &str = "/api/v1/tenants/acme/delivery-configs/s3";

#[tokio::test]
async fn unknown_route_returns_404() {
    let service = Service::start().await;
    for path in [
        "/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/delivery-configs",
        "/api/v1/tenants",
        "/api/v1/tenants/acme",
        "/development/api/v1/health",
        "/api/v1/delivery-configs/",
        "/api/v1/tenants/acme/delivery-configs/s3/",
        "/api/v1/tenants/acme/delivery-configs/s3/validate/x",
    ] {
        service.send(Call::get(path)).await.expect(404);
    }
    assert_envelope!(service.send(Call::post("/nothing")).await.expect(404));
}

#[tokio::test]
async fn unsupported_method_returns_405_with_allow() {
    let service = Service::start().await;
    let routes = [
        ("/health", "GET,HEAD"),
        ("/api/v1/health", "GET,HEAD"),
        (LIST, "GET,HEAD"),
        ("/api/v1/delivery-configs/search", "POST"),
        (BATCH, "POST"),
        ("/api/v1/tenants/acme/delivery-configs", "GET,HEAD,POST"),
        (CONFIG, "GET,HEAD,PUT,PATCH,DELETE"),
        ("/api/v1/tenants/acme/delivery-configs/s3/validate", "GET,HEAD"),
        ("/api/v1/tenants/acme/delivery-configs/s3/history", "GET,HEAD"),
        ("/api/v1/tenants/acme/delivery-configs/s3/history/x", "GET,HEAD"),
        ("/api/v1/tenants/acme/delivery-configs/s3/history/x/restore", "POST"),
        ("/api/v1/tenants/acme/history", "GET,HEAD"),
        ("/api/v1/history", "GET,HEAD"),
    ];
    for (path, allow) in routes {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get",
        ] {
            if allow.split(',').any(|allowed| allowed == method) {
                continue;
            }
            let response = service.send(Call::new(method, path)).await.expect(405);
            assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
        }
    }
    assert_envelope!(service.send(Call::post(LIST)).await.expect(405));
}

#[tokio::test]
async fn head_returns_the_headers_of_get_without_body() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    for path in [
        "/health".to_owned(),
        "/api/v1/health".to_owned(),
        LIST.to_owned(),
        tenant_path("acme"),
        config_path("acme", "s3"),
        format!("{}/validate", config_path("acme", "s3")),
        // And like a GET that fails.
        config_path("acme", "cloudwatch"),
        config_path("acme", "x"),
        format!("{LIST}/nothing"),
    ] {
        let get = service.send(Call::get(&path)).await;
        let head = service.send(Call::new("HEAD", &path)).await;
        assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{path}");
        assert!(head.body.is_null());
    }
}

#[tokio::test]
async fn every_response_has_the_request_id_of_the_gateway() {
    let service = Service::start().await;
    for method in [Method::GET, Method::POST, Method::OPTIONS] {
        for path in ["/health", LIST, CONFIG, "/nothing"] {
            // The harness checks this for every response too.
            let response = service.send(Call::new(method.as_str(), path)).await;
            assert_eq!(response.header("x-request-id"), Some(REQUEST_ID));
        }
    }
}

#[tokio::test]
async fn request_id_of_the_client_is_ignored() {
    let service = Service::start().await;
    let response = service.send(Call::get("/health").header("X-Request-Id", "mine")).await;
    assert_eq!(response.header("x-request-id"), Some(REQUEST_ID));
}

#[tokio::test]
async fn invalid_tenant_id_or_delivery_type_returns_400() {
    let service = Service::start().await;
    let long = "a".repeat(129);
    for tenant_id in [
        "acme.corp",
        "acme%20corp",
        "acme%2Fcorp",
        "acme corp",
        "acm\u{e9}",
        "%ff",
        "..",
        "%2e%2e",
        &long,
    ] {
        service.send(Call::get(&tenant_path(tenant_id))).await.expect(400);
        service
            .send(Call::post(&tenant_path(tenant_id)).json(&s3("acme")))
            .await
            .expect(400);
        service.send(Call::get(&config_path(tenant_id, "s3"))).await.expect(400);
    }
    for delivery_type in ["S3", "CloudWatch", "splunk", "s3x", "%00"] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            service
                .send(Call::new(method, &config_path("acme", delivery_type)))
                .await
                .expect(400);
        }
        service
            .send(Call::get(&format!("{}/validate", config_path("acme", delivery_type))))
            .await
            .expect(400);
    }
    assert_envelope!(service.send(Call::get(&tenant_path("acme.corp"))).await.expect(400));
    assert_envelope!(service.send(Call::get(&config_path("acme", "S3"))).await.expect(400));
}

#[tokio::test]
async fn digest_is_not_checked_where_no_handler_reads_the_body() {
    let service = Service::start().await;
    let wrong = "0".repeat(64);
    for (method, path, status) in [
        ("POST", "/health", 405),
        ("PUT", &*tenant_path("acme"), 405),
        ("POST", &config_path("acme", "s3"), 405),
        ("DELETE", "/api/v1/delivery-configs", 405),
        ("POST", "/api/v1/nothing", 404),
    ] {
        for call in [
            Call::new(method, path).header("X-Body-SHA256", &wrong).body("{}"),
            Call::new(method, path).signed_digest(&wrong).body("{}"),
            Call::new(method, path).header("X-Body-SHA256", "malformed"),
        ] {
            service.send(call).await.expect(status);
        }
    }
}

#[tokio::test]
async fn percent_encoded_path_is_decoded() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service
        .send(Call::get(&config_path("%61cme", "%73%33")))
        .await
        .expect(200);
}
