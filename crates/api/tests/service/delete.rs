use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3};

#[tokio::test]
async fn delete_returns_200_and_names_the_deleted_configuration() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let response = service.send(Call::delete(&config_path("acme", "s3"))).await.expect(200);
    assert!(response.message().contains("acme") && response.message().contains("s3"));
    assert_envelope!(response);
    service.send(Call::get(&config_path("acme", "s3"))).await.expect(404);
    service.send(Call::delete(&config_path("acme", "s3"))).await.expect(404);
}

#[tokio::test]
async fn delete_keeps_the_other_type_of_the_tenant() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    service.create(cloudwatch("acme")).await;
    service.send(Call::delete(&config_path("acme", "s3"))).await.expect(200);
    service
        .send(Call::get(&config_path("acme", "cloudwatch")))
        .await
        .expect(200);
}

#[tokio::test]
async fn recreated_configuration_has_another_version() {
    let service = Service::start().await;
    let old = service.create(s3("acme")).await;
    service.send(Call::delete(&config_path("acme", "s3"))).await.expect(200);
    let new = service.create(s3("acme")).await;
    assert_ne!(old.etag(), new.etag());
    let stale = Call::delete(&config_path("acme", "s3")).header("If-Match", old.etag());
    service.send(stale).await.expect(412);
}

#[tokio::test]
async fn delete_ignores_its_body() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let call = Call::delete(&config_path("acme", "s3"))
        .header("Content-Type", "text/plain")
        .body("why");
    service.send(call).await.expect(200);
}
