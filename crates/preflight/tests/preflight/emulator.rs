//! The same checks against an emulator that other people wrote. It judges no trust policy and no policy at all, so the roles
//! always pass; accounts, regions, log groups and buckets are real to it.

use aws_config::SdkConfig;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_sts::config::{Credentials, Region, SharedCredentialsProvider};
use serde_json::{Value, json};

use crate::harness::{Answer, BUCKET, CUSTOMER, GROUP, cloudwatch, s3, sdk, settings, validate_with, with};

/// The service itself, at the emulator that `tests/validation/run.sh` has started.
fn service() -> SdkConfig {
    sdk(&std::env::var("AWS_EMULATOR_URL").expect("AWS_EMULATOR_URL names the emulator"))
}

/// The customer's account in the region of the configurations, with every right.
async fn customer() -> SdkConfig {
    let sts = aws_sdk_sts::Client::new(&service());
    let answer = sts
        .assume_role()
        .role_arn(CUSTOMER)
        .role_session_name("set-up")
        .send()
        .await
        .unwrap();
    let session = answer.credentials.unwrap();
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

async fn validate(config: Value) -> Answer {
    validate_with(service(), settings(), config).await
}

#[tokio::test]
#[ignore = "needs an emulator; tests/run.sh validation starts one"]
async fn a_log_group_is_found_where_it_is_and_nowhere_else() {
    let logs = aws_sdk_cloudwatchlogs::Client::new(&customer().await);
    logs.create_log_group().log_group_name(GROUP).send().await.unwrap();
    let passed = ["central_role:ok", "customer_role:ok"];

    let answer = validate(cloudwatch()).await;
    assert!(answer.valid);
    assert_eq!(
        answer.live(),
        [&passed[..], &["log_group:ok", "log_streams:not_provable"]].concat()
    );
    let streams = &answer.checks.last().unwrap().message;
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
        let answer = validate(with(cloudwatch(), elsewhere)).await;
        assert!(!answer.valid);
        assert_eq!(
            answer.live(),
            [&passed[..], &["log_group:not_found", "log_streams:blocked"]].concat()
        );
    }

    logs.create_log_stream()
        .log_group_name(GROUP)
        .log_stream_name("app/1")
        .send()
        .await
        .unwrap();
    let answer = validate(cloudwatch()).await;
    let streams = &answer.checks.last().unwrap().message;
    assert!(streams.contains("has streams, but nothing in them"), "{streams}");
}

#[tokio::test]
#[ignore = "needs an emulator; tests/run.sh validation starts one"]
async fn a_bucket_is_found_and_its_region_told() {
    let buckets = aws_sdk_s3::Client::new(&customer().await);
    let here = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::EuWest1)
        .build();
    let create = buckets.create_bucket().bucket(BUCKET).create_bucket_configuration(here);
    create.send().await.unwrap();

    let answer = validate(s3()).await;
    assert!(answer.valid);
    assert_eq!(
        answer.live(),
        [
            "central_role:ok",
            "bucket:ok",
            "bucket_region:ok",
            "bucket_access:ok",
            "bucket_policy:not_set",
            "bucket_writes:not_provable"
        ]
    );

    let answer = validate(with(s3(), json!({"target_region": "us-west-2"}))).await;
    assert!(!answer.valid);
    assert_eq!(answer.live()[2], "bucket_region:wrong_region");

    let answer = validate(with(s3(), json!({"bucket_name": "nobody-has-this-bucket"}))).await;
    assert!(!answer.valid);
    assert_eq!(answer.live()[1], "bucket:not_found");
}
