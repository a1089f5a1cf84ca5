use http::Method;

use crate::harness::{Call, LIST, REQUEST_ID, Service, assert_envelope, config_path, s3, tenant_path};

const CONFIG: &str = "/api/v1/tenants/acme/delivery-configs/s3";

#[tokio::test]
async fn an_unknown_route_is_a_404() {
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
async fn a_known_route_refuses_other_methods_and_names_its_own() {
    let service = Service::start().await;
    let routes = [
        ("/health", "GET,HEAD"),
        ("/api/v1/health", "GET,HEAD"),
        (LIST, "GET,HEAD"),
        ("/api/v1/tenants/acme/delivery-configs", "GET,HEAD,POST"),
        (CONFIG, "GET,HEAD,PUT,PATCH,DELETE"),
        ("/api/v1/tenants/acme/delivery-configs/s3/validate", "GET,HEAD"),
    ];
    for (path, allow) in routes {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get",
        ] {
            if allow.split(',').any(|allowed| allowed == method) {
                continue;
            }
            let answer = service.send(Call::new(method, path)).await.expect(405);
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
    }
    assert_envelope!(service.send(Call::post(LIST)).await.expect(405));
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    for path in [
        "/health".to_owned(),
        "/api/v1/health".to_owned(),
        LIST.to_owned(),
        tenant_path("acme"),
        config_path("acme", "s3"),
        format!("{}/validate", config_path("acme", "s3")),
        // And as a GET that fails.
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
async fn every_answer_carries_the_gateways_request_id() {
    let service = Service::start().await;
    for method in [Method::GET, Method::POST, Method::OPTIONS] {
        for path in ["/health", LIST, CONFIG, "/nothing"] {
            // The harness holds every answer to this as well.
            let answer = service.send(Call::new(method.as_str(), path)).await;
            assert_eq!(answer.header("x-request-id"), Some(REQUEST_ID));
        }
    }
}

#[tokio::test]
async fn a_request_id_of_the_clients_is_not_taken_over() {
    let service = Service::start().await;
    let answer = service.send(Call::get("/health").header("X-Request-Id", "mine")).await;
    assert_eq!(answer.header("x-request-id"), Some(REQUEST_ID));
}

#[tokio::test]
async fn a_tenant_id_or_delivery_type_that_is_none_is_a_400() {
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
    for delivery_type in ["S3", "CloudWatch", "firehose", "s3x", "%00"] {
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
async fn an_encoded_name_is_the_name() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service
        .send(Call::get(&config_path("%61cme", "%73%33")))
        .await
        .expect(200);
}
