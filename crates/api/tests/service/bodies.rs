use sha2::{Digest, Sha256};

use crate::harness::{Call, LIST, Service, assert_envelope, config_path, s3, tenant_path};

const MAX_BODY_BYTES: usize = 64 * 1024;

fn create() -> Call {
    Call::post(&tenant_path("acme"))
}

fn body() -> String {
    s3("acme").to_string()
}

fn digest(body: &str) -> String {
    hex::encode(Sha256::digest(body))
}

/// The service with a configuration that the tests below do not change.
async fn with_config() -> Service {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service
}

#[tokio::test]
async fn body_over_64_kib_returns_413() {
    let service = Service::start().await;
    let full = body() + &" ".repeat(MAX_BODY_BYTES - body().len());
    assert_envelope!(service.send(create().body(&format!("{full} "))).await.expect(413));
    service.send(create().body(&full)).await.expect(201);
}

#[tokio::test]
async fn large_body_returns_413_on_every_route_and_method() {
    let service = with_config().await;
    let large = " ".repeat(MAX_BODY_BYTES + 1);
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        service
            .send(Call::new(method, &config_path("acme", "s3")).body(&large))
            .await
            .expect(413);
    }
    service.send(Call::get(LIST).body(&large)).await.expect(413);
    // The most that API Gateway lets through.
    service
        .send(create().body(&" ".repeat(10 * 1024 * 1024)))
        .await
        .expect(413);
    service.send(Call::post("/nothing").body(&large)).await.expect(413);
}

#[tokio::test]
async fn empty_body_returns_400() {
    let service = with_config().await;
    assert_envelope!(service.send(create()).await.expect(400));
    for body in ["", "  \r\n\t"] {
        service
            .send(create().header("Content-Type", "text/plain").body(body))
            .await
            .expect(if body.is_empty() { 400 } else { 415 });
        service.send(create().body(body)).await.expect(400);
        service
            .send(Call::put(&config_path("acme", "s3")).body(body))
            .await
            .expect(400);
        service
            .send(Call::patch(&config_path("acme", "s3")).body(body))
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn body_other_than_json_object_returns_400() {
    let service = with_config().await;
    for body in [
        "{",
        "null",
        "[]",
        "\"x\"",
        "1",
        "{'a':1}",
        "{\"a\":1}x",
        "\0",
        "{\"a\":NaN}",
        "\u{feff}\u{feff}{}",
        "{\"a\":1,}",
    ] {
        service.send(create().body(body)).await.expect(400);
        service
            .send(Call::put(&config_path("acme", "s3")).body(body))
            .await
            .expect(400);
        service
            .send(Call::patch(&config_path("acme", "s3")).body(body))
            .await
            .expect(400);
    }
    assert_envelope!(service.send(create().body("{\"a\":\n tru}")).await);
    assert_envelope!(service.send(create().body("[]")).await);
}

#[tokio::test]
async fn repeated_key_returns_400() {
    let service = Service::start().await;
    for body in [
        r#"{"type":"s3","type":"s3"}"#,
        r#"{"type":"s3","\u0074ype":"cloudwatch"}"#,
        r#"{"tenant_id":"acme","type":"s3","bucket_name":"a-bucket","bucket_name":"b-bucket"}"#,
    ] {
        service.send(create().body(body)).await.expect(400);
    }
    assert_envelope!(service.send(create().body(r#"{"ttl":1,"ttl":2}"#)).await);
}

#[tokio::test]
async fn content_type_other_than_json_returns_415() {
    let service = with_config().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/xml",
        "application/json; charset=latin1",
        "application/json-patch+json",
        "x",
        "",
    ] {
        service
            .send(create().header("Content-Type", content_type).body(&body()))
            .await
            .expect(415);
        for method in ["PUT", "PATCH"] {
            let call = Call::new(method, &config_path("acme", "s3")).header("Content-Type", content_type);
            service.send(call.body(r#"{"enabled":false}"#)).await.expect(415);
        }
    }
    let twice = create()
        .header("Content-Type", "application/json")
        .header("Content-Type", "text/plain");
    service.send(twice.body(&body())).await.expect(415);
    assert_envelope!(
        service
            .send(create().header("Content-Type", "text/plain").body(&body()))
            .await
    );
    assert_envelope!(
        service
            .send(
                Call::patch(&config_path("acme", "s3"))
                    .header("Content-Type", "x")
                    .body("{}")
            )
            .await
    );
}

#[tokio::test]
async fn json_without_content_type_is_accepted() {
    let service = Service::start().await;
    service.send(create().body(&body())).await.expect(201);
}

#[tokio::test]
async fn compressed_body_returns_415_and_identity_is_accepted() {
    let service = Service::start().await;
    for encoding in ["gzip", "br", "identity, gzip", "x"] {
        let response = service
            .send(create().header("Content-Encoding", encoding).body(&body()))
            .await
            .expect(415);
        assert!(response.error().contains("Content-Encoding"));
    }
    service
        .send(create().header("Content-Encoding", "Identity").body(&body()))
        .await
        .expect(201);
}

#[tokio::test]
async fn matching_digest_is_accepted() {
    let service = Service::start().await;
    let digest = digest(&body());
    let call = create()
        .header("X-Body-SHA256", &digest.to_uppercase())
        .signed_digest(&digest)
        .body(&body());
    service.send(call).await.expect(201);
}

#[tokio::test]
async fn mismatching_digest_returns_400_for_every_method() {
    let service = with_config().await;
    let wrong = digest("something else");
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let call = Call::new(method, &config_path("acme", "s3")).body(r#"{"enabled":false}"#);
        service
            .send(call.clone().header("X-Body-SHA256", &wrong))
            .await
            .expect(400);
        service.send(call.clone().signed_digest(&wrong)).await.expect(400);
        // And where the body was taken away.
        service
            .send(Call::new(method, &config_path("acme", "s3")).signed_digest(&wrong))
            .await
            .expect(400);
    }
    assert_envelope!(
        service
            .send(create().header("X-Body-SHA256", &wrong).body(&body()))
            .await
            .expect(400)
    );
    assert_eq!(
        service.send(Call::get(&config_path("acme", "s3"))).await.data()["enabled"],
        true
    );
}

#[tokio::test]
async fn empty_digest_counts_as_absent() {
    let service = Service::start().await;
    let call = create().header("X-Body-SHA256", "").body(&body());
    service.send(call).await.expect(201);
    let read = Call::get(&config_path("acme", "s3")).header("X-Body-SHA256", "");
    service.send(read).await.expect(200);
}

#[tokio::test]
async fn byte_order_mark_is_skipped_and_covered_by_the_digest() {
    let service = Service::start().await;
    let marked = format!("\u{feff}{}", body());
    let call = create().body(&marked);
    service
        .send(call.clone().signed_digest(&digest(&body())))
        .await
        .expect(400);
    service.send(call.signed_digest(&digest(&marked))).await.expect(201);
}

#[tokio::test]
async fn malformed_digest_returns_400() {
    let service = Service::start().await;
    let right = digest(&body());
    for digest in [
        " ",
        "x",
        &right[1..],
        &format!("{right}00"),
        &format!("0x{}", &right[2..]),
        &format!(" {right}"),
    ] {
        service
            .send(create().header("X-Body-SHA256", digest).body(&body()))
            .await
            .expect(400);
    }
    let repeated = create()
        .header("X-Body-SHA256", &right)
        .header("X-Body-SHA256", &digest("x"))
        .body(&body());
    service.send(repeated).await.expect(400);
    assert_envelope!(service.send(create().header("X-Body-SHA256", "x").body(&body())).await);
}

#[tokio::test]
async fn digest_of_empty_body_is_accepted_without_body() {
    let service = with_config().await;
    let call = Call::get(&config_path("acme", "s3"))
        .header("X-Body-SHA256", &digest(""))
        .signed_digest(&digest(""));
    service.send(call).await.expect(200);
}
