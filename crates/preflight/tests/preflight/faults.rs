//! AWS down, slow, throttling or senseless: no check is an error, and each says why it could not be made.

use std::time::{Duration, Instant};

use insta::assert_json_snapshot;
use tenant_core::CheckStatus;
use tenant_preflight::Settings;

use crate::{
    aws::{Aws, Fault},
    capture::Capture,
    harness::{cloudwatch, s3, sdk, settings, sound, validate, validate_until, validate_with},
};

#[tokio::test]
async fn aws_that_cannot_be_reached_is_skipped() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for (name, config) in [("cloudwatch", cloudwatch()), ("s3", s3())] {
        let answer = validate_with(sdk(&endpoint), settings(), config).await;
        assert!(answer.valid);
        assert_json_snapshot!(format!("down_{name}"), answer);
    }
}

/// The deadline holds for all calls together, wherever in the chain one hangs.
#[tokio::test]
async fn a_call_that_hangs_is_skipped_at_the_deadline_and_what_is_known_is_told() {
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
        let mut world = sound();
        world.faults = vec![(action, Fault::Hang)];
        let aws = Aws::start(world).await;
        let settings = Settings { deadline, ..settings() };
        let delivery_type = config["type"].as_str().unwrap().to_owned();
        let began = Instant::now();
        let answer = validate_with(sdk(&aws.endpoint), settings, config).await;
        assert!(
            began.elapsed() < deadline + Duration::from_millis(800),
            "{:?}",
            began.elapsed()
        );
        assert!(answer.valid, "{answer:?}");
        let name = format!("slow_{delivery_type}_{}", action.replace(':', "_"));
        assert_json_snapshot!(name, answer);
    }
}

/// A call that the deadline ends is a failure like any other to whoever reads the log.
#[tokio::test]
async fn a_call_that_hangs_leaves_a_line_as_one_that_fails_does() {
    let mut world = sound();
    world.faults = vec![
        ("logs:DescribeLogGroups", Fault::Hang),
        ("logs:DescribeLogStreams", Fault::Answer(400, "ThrottlingException")),
    ];
    let aws = Aws::start(world).await;
    let deadline = Duration::from_millis(1200);
    let (log, _guard) = Capture::of_this_test();
    validate_with(sdk(&aws.endpoint), Settings { deadline, ..settings() }, cloudwatch()).await;
    let text = log.text();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains("a call of the validation failed"))
        .collect();
    for (action, cause) in [
        ("logs:DescribeLogGroups", "causes=deadline has elapsed"),
        ("logs:DescribeLogStreams", "ThrottlingException"),
    ] {
        let of_action = |line: &&&str| line.contains(&format!("action=\"{action}\"")) && line.contains(cause);
        assert_eq!(lines.iter().filter(of_action).count(), 1, "{action} in {lines:#?}");
    }
}

/// The checks have what the request has left, if that is less.
#[tokio::test]
async fn a_call_that_hangs_is_skipped_at_the_end_of_the_request() {
    let mut world = sound();
    world.faults = vec![("s3:ListBucket", Fault::Hang)];
    let aws = Aws::start(world).await;
    let left = Duration::from_millis(700);
    let began = Instant::now();
    let answer = validate_until((began + left).into(), sdk(&aws.endpoint), settings(), s3()).await;
    assert!(
        began.elapsed() < left + Duration::from_millis(800),
        "{:?}",
        began.elapsed()
    );
    assert!(answer.live().contains(&"bucket:timed_out".to_owned()), "{answer:?}");
}

#[tokio::test]
async fn a_throttled_call_is_skipped() {
    let mut world = sound();
    world.faults = vec![("logs:DescribeLogGroups", Fault::Answer(400, "ThrottlingException"))];
    world.denied = vec!["logs:DescribeLogStreams"];
    let answer = validate(world, cloudwatch()).await;
    assert!(answer.valid);
    assert!(answer.live().contains(&"log_group:throttled".to_owned()), "{answer:?}");
}

#[tokio::test]
async fn any_other_answer_is_skipped_with_its_code() {
    for (action, status, code) in [
        ("sts:AssumeRole", 403, "RegionDisabledException"),
        ("sts:AssumeRole", 403, "ExpiredTokenException"),
        ("sts:AssumeRole", 500, "InternalFailure"),
    ] {
        let mut world = sound();
        world.faults = vec![(action, Fault::Answer(status, code))];
        let answer = validate(world, s3()).await;
        assert!(answer.valid);
        let central = answer
            .checks
            .iter()
            .find(|check| check.field == "central_role")
            .unwrap();
        assert_eq!((central.status, central.code), (CheckStatus::Skipped, "aws_error"));
        assert!(central.message.contains(code), "{central:?}");
    }
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_skipped() {
    for action in [
        "sts:AssumeRole",
        "sts:GetCallerIdentity",
        "logs:DescribeLogGroups",
        "logs:DescribeLogStreams",
    ] {
        let mut world = sound();
        world.faults = vec![(action, Fault::NoSense)];
        let answer = validate(world, cloudwatch()).await;
        assert!(answer.valid, "{action} {answer:?}");
    }
    for action in ["s3:ListBucket", "s3:GetBucketPolicyStatus"] {
        let mut world = sound();
        world.faults = vec![(action, Fault::NoSense)];
        let answer = validate(world, s3()).await;
        assert!(answer.valid, "{action} {answer:?}");
    }
}

#[tokio::test]
async fn a_service_without_credentials_says_so() {
    let sdk = sdk("http://127.0.0.1:9").into_builder();
    let mut sdk = sdk;
    sdk.set_credentials_provider(None);
    let answer = validate_with(sdk.build(), settings(), s3()).await;
    assert!(answer.valid);
    assert_json_snapshot!(answer);
}
