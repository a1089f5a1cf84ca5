use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3};

#[tokio::test]
async fn a_delete_names_what_it_deleted() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let answer = service.send(Call::delete(&config_path("acme", "s3"))).await.expect(200);
    assert!(answer.message().contains("acme") && answer.message().contains("s3"));
    assert_envelope!(answer);
    service.send(Call::get(&config_path("acme", "s3"))).await.expect(404);
    service.send(Call::delete(&config_path("acme", "s3"))).await.expect(404);
}

#[tokio::test]
async fn the_other_type_of_the_tenant_stays() {
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
async fn what_was_deleted_may_be_created_again_and_is_another_version() {
    let service = Service::start().await;
    let old = service.create(s3("acme")).await;
    service.send(Call::delete(&config_path("acme", "s3"))).await.expect(200);
    let new = service.create(s3("acme")).await;
    assert_ne!(old.etag(), new.etag());
    let stale = Call::delete(&config_path("acme", "s3")).header("If-Match", old.etag());
    service.send(stale).await.expect(412);
}

#[tokio::test]
async fn a_body_is_passed_over() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    let call = Call::delete(&config_path("acme", "s3"))
        .header("Content-Type", "text/plain")
        .body("why");
    service.send(call).await.expect(200);
}
