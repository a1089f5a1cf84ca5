//! AWS unreachable, slow, throttling or sending malformed responses: no check fails with an error, and each reports why it
//! could not be made.

use std::time::{Duration, Instant};

use insta::assert_json_snapshot;
use tenant_core::CheckStatus;
use tenant_preflight::Settings;
use testing::{CapturedLog, closed_port, text_format};

use crate::{
    aws::{Aws, Fault},
    harness::{cloudwatch, s3, sdk, settings, validate, validate_until, validate_with, working},
};

#[tokio::test]
async fn unreachable_aws_skips_the_checks() {
    let endpoint = format!("http://{}", closed_port());
    for (name, config) in [("cloudwatch", cloudwatch()), ("s3", s3())] {
        let result = validate_with(sdk(&endpoint), settings(), config).await;
        assert!(result.valid);
        assert_json_snapshot!(format!("down_{name}"), result);
    }
}

/// The deadline covers all calls together, wherever in the chain one hangs.
#[tokio::test]
async fn hanging_call_is_skipped_at_the_deadline_and_other_results_are_reported() {
    let deadline = Duration::from_millis(1200);
    for (config, action) in [
        (cloudwatch(), "sts:AssumeRole"),
        (cloudwatch(), "sts:GetCallerIdentity"),
        (cloudwatch(), "logs:DescribeLogGroups"),
        (cloudwatch(), "logs:DescribeLogStreams"),
        (s3(), "sts:AssumeRole"),
        (s3(), "s3:ListBucket"),
        (s3(), "s3:GetBucketPolicyStatus"),
    ] {
        let mut world = working();
        world.faults = vec![(action, Fault::Hang)];
        let aws = Aws::start(world).await;
        let settings = Settings { deadline, ..settings() };
        let delivery_type = config["type"].as_str().unwrap().to_owned();
        let began = Instant::now();
        let result = validate_with(sdk(&aws.endpoint), settings, config).await;
        assert!(
            began.elapsed() < deadline + Duration::from_millis(800),
            "{:?}",
            began.elapsed()
        );
        assert!(result.valid, "{result:?}");
        let name = format!("slow_{delivery_type}_{}", action.replace(':', "_"));
        assert_json_snapshot!(name, result);
    }
}

/// A call that the deadline ends is logged like any other failure.
#[tokio::test]
async fn hanging_call_is_logged_like_a_failed_one() {
    let mut world = working();
    world.faults = vec![
        ("logs:DescribeLogGroups", Fault::Hang),
        ("logs:DescribeLogStreams", Fault::Error(400, "ThrottlingException")),
    ];
    let aws = Aws::start(world).await;
    let deadline = Duration::from_millis(1200);
    let log = CapturedLog::of_this_thread(text_format);
    validate_with(sdk(&aws.endpoint), Settings { deadline, ..settings() }, cloudwatch()).await;
    let text = log.text();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("an AWS call failed during validation"))
        .collect();
    for (action, cause) in [
        ("logs:DescribeLogGroups", "causes=deadline has elapsed"),
        ("logs:DescribeLogStreams", "ThrottlingException"),
    ] {
        let of_action = |line: &&&str| line.contains(&format!("action=\"{action}\"")) && line.contains(cause);
        assert_eq!(lines.iter().filter(of_action).count(), 1, "{action} in {lines:#?}");
    }
}

/// The checks end with the request, if that is sooner.
#[tokio::test]
async fn hanging_call_is_skipped_at_the_deadline_of_the_request() {
    let mut world = working();
    world.faults = vec![("s3:ListBucket", Fault::Hang)];
    let aws = Aws::start(world).await;
    let left = Duration::from_millis(700);
    let began = Instant::now();
    let result = validate_until((began + left).into(), sdk(&aws.endpoint), settings(), s3()).await;
    assert!(
        began.elapsed() < left + Duration::from_millis(800),
        "{:?}",
        began.elapsed()
    );
    assert!(result.external().contains(&"bucket:timed_out".to_owned()), "{result:?}");
}

#[tokio::test]
async fn throttled_call_is_skipped() {
    let mut world = working();
    world.faults = vec![("logs:DescribeLogGroups", Fault::Error(400, "ThrottlingException"))];
    world.denied = vec!["logs:DescribeLogStreams"];
    let result = validate(world, cloudwatch()).await;
    assert!(result.valid);
    assert!(
        result.external().contains(&"log_group:throttled".to_owned()),
        "{result:?}"
    );
}

#[tokio::test]
async fn any_other_error_is_skipped_with_its_code() {
    for (action, status, code) in [
        ("sts:AssumeRole", 403, "RegionDisabledException"),
        ("sts:AssumeRole", 403, "ExpiredTokenException"),
        ("sts:AssumeRole", 500, "InternalFailure"),
    ] {
        let mut world = working();
        world.faults = vec![(action, Fault::Error(status, code))];
        let result = validate(world, s3()).await;
        assert!(result.valid);
        let central = result
            .checks
            .iter()
            .find(|check| check.field == "central_role")
            .unwrap();
        assert_eq!((central.status, central.code), (CheckStatus::Skipped, "aws_error"));
        assert!(central.message.contains(code), "{central:?}");
    }
}

#[tokio::test]
async fn malformed_response_is_skipped() {
    for action in [
        "sts:AssumeRole",
        "sts:GetCallerIdentity",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
    ] {
        let mut world = working();
        world.faults = vec![(action, Fault::Malformed)];
        let result = validate(world, cloudwatch()).await;
        assert!(result.valid, "{action} {result:?}");
    }
    for action in ["s3:ListBucket", "s3:GetBucketPolicyStatus"] {
        let mut world = working();
        world.faults = vec![(action, Fault::Malformed)];
        let result = validate(world, s3()).await;
        assert!(result.valid, "{action} {result:?}");
    }
}

#[tokio::test]
async fn missing_credentials_are_reported() {
    let mut sdk = sdk("http://127.0.0.1:9").into_builder();
    sdk.set_credentials_provider(None);
    let result = validate_with(sdk.build(), settings(), s3()).await;
    assert!(result.valid);
    assert_json_snapshot!(result);
}
