use aws_sdk_dynamodb::types::AttributeValue;
use chrono::Utc;

use crate::harness::{Call, Service, assert_envelope, cloudwatch, config_path, s3, tenant_path, text};

#[tokio::test]
async fn read_returns_200_with_the_version() {
    let service = Service::start().await;
    let created = service.create(cloudwatch("acme")).await;
    let read = service
        .send(Call::get(&config_path("acme", "cloudwatch")))
        .await
        .expect(200);
    assert_eq!(read.etag(), created.etag());
    let tag = read.etag().trim_matches('"');
    assert_eq!(read.etag(), format!("\"{tag}\""));
    assert!(
        tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{tag}"
    );
    assert_envelope!(read);
}

#[tokio::test]
async fn missing_configuration_returns_404() {
    let service = Service::start().await;
    service.create(s3("acme")).await;
    assert_envelope!(
        service
            .send(Call::get(&config_path("acme", "cloudwatch")))
            .await
            .expect(404)
    );
    service.send(Call::get(&config_path("other", "s3"))).await.expect(404);
}

#[tokio::test]
async fn expired_configuration_returns_404() {
    let service = Service::start().await;
    let past = AttributeValue::N((Utc::now().timestamp() - 5).to_string());
    service
        .put_item([("tenant_id", text("acme")), ("type", text("s3")), ("ttl", past)])
        .await;
    let path = config_path("acme", "s3");
    for call in [
        Call::get(&path),
        Call::get(&format!("{path}/validate")),
        Call::patch(&path).body(r#"{"enabled":true}"#),
        Call::put(&path).body(r#"{"enabled":true}"#),
    ] {
        service.send(call).await.expect(404);
    }
    assert_eq!(service.send(Call::get(&tenant_path("acme"))).await.data()["count"], 0);
    // Log processors would still deliver it.
    service.send(Call::delete(&path)).await.expect(200);
    service.send(Call::delete(&path)).await.expect(404);
}

#[tokio::test]
async fn invalid_handwritten_item_is_readable() {
    let service = Service::start().await;
    let logs = AttributeValue::Ss(vec!["payment-service".to_owned()]);
    let region = AttributeValue::N("7".to_owned());
    service
        .put_item([
            ("tenant_id", text("acme")),
            ("type", text("cloudwatch")),
            ("log_group_name", text("aws/reserved")),
            ("desired_logs", logs),
            ("target_region", region),
            ("note", text("not of the model")),
        ])
        .await;
    let read = service
        .send(Call::get(&config_path("acme", "cloudwatch")))
        .await
        .expect(200);
    assert_eq!(read.etag().len(), 34);
    assert_envelope!(read);
}
