//! The same checks against a third-party emulator. It evaluates neither trust policies nor other policies, so the roles
//! always pass, but it knows accounts, regions, log groups and buckets.

use aws_config::SdkConfig;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_sts::config::{Credentials, Region, SharedCredentialsProvider};
use serde_json::{Value, json};

use crate::harness::{BUCKET, CUSTOMER, GROUP, Validation, cloudwatch, s3, sdk, settings, validate_with, with};

/// The service's own identity, at the emulator that `tests/validation/run.sh` has started.
fn service() -> SdkConfig {
    sdk(&std::env::var("AWS_EMULATOR_URL").expect("AWS_EMULATOR_URL names the emulator"))
}

/// The customer's account in the region of the configurations, with every permission.
async fn customer() -> SdkConfig {
    let sts = aws_sdk_sts::Client::new(&service());
    let response = sts
        .assume_role()
        .role_arn(CUSTOMER)
        .role_session_name("set-up")
        .send()
        .await
        .unwrap();
    let session = response.credentials.unwrap();
    let credentials = Credentials::new(
        session.access_key_id,
        session.secret_access_key,
        Some(session.session_token),
        None,
        "set-up",
    );
    service()
        .into_builder()
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn validate(config: Value) -> Validation {
    validate_with(service(), settings(), config).await
}

#[tokio::test]
#[ignore = "needs an emulator; tests/run.sh validation starts one"]
async fn log_group_is_found_only_in_its_account_and_region() {
    let logs = aws_sdk_cloudwatchlogs::Client::new(&customer().await);
    logs.create_log_group().log_group_name(GROUP).send().await.unwrap();
    let passed = ["central_role:ok", "customer_role:ok"];

    let result = validate(cloudwatch()).await;
    assert!(result.valid);
    assert_eq!(
        result.external(),
        [&passed[..], &["log_group:ok", "log_streams:not_provable"]].concat()
    );
    let streams = &result.checks.last().unwrap().message;
    assert!(
        streams.starts_with("log group /aws/logs/acme has no stream yet"),
        "{streams}"
    );

    for elsewhere in [
        json!({"target_region": "us-west-2"}),
        json!({"target_region": null}),
        json!({"log_group_name": "/aws/logs"}),
        json!({"log_group_name": "/aws/logs/acme-2"}),
        json!({"log_distribution_role_arn": "arn:aws:iam::777788889999:role/LogDistribution"}),
    ] {
        let result = validate(with(cloudwatch(), elsewhere)).await;
        // A log processor creates the log group.
        assert!(result.valid);
        assert_eq!(
            result.external(),
            [&passed[..], &["log_group:not_found", "log_streams:not_provable"]].concat()
        );
    }

    logs.create_log_stream()
        .log_group_name(GROUP)
        .log_stream_name("app/1")
        .send()
        .await
        .unwrap();
    let result = validate(cloudwatch()).await;
    let streams = &result.checks.last().unwrap().message;
    assert!(streams.contains("has streams, but they are empty"), "{streams}");
}

#[tokio::test]
#[ignore = "needs an emulator; tests/run.sh validation starts one"]
async fn bucket_is_found_with_its_region() {
    let buckets = aws_sdk_s3::Client::new(&customer().await);
    let here = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::EuWest1)
        .build();
    let create = buckets.create_bucket().bucket(BUCKET).create_bucket_configuration(here);
    create.send().await.unwrap();

    let result = validate(s3()).await;
    assert!(result.valid);
    assert_eq!(
        result.external(),
        [
            "central_role:ok",
            "bucket:ok",
            "bucket_region:ok",
            "bucket_access:ok",
            "bucket_policy:not_set",
            "bucket_writes:not_provable"
        ]
    );

    let result = validate(with(s3(), json!({"target_region": "us-west-2"}))).await;
    assert!(!result.valid);
    assert_eq!(result.external()[2], "bucket_region:wrong_region");

    let result = validate(with(s3(), json!({"bucket_name": "nobody-has-this-bucket"}))).await;
    assert!(!result.valid);
    assert_eq!(result.external()[1], "bucket:not_found");
}
