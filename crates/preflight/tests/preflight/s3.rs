//! Delivery to S3: each check in each of its states.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::{
    aws::{Aws, BucketPolicy, Fault},
    harness::{s3, sdk, settings, validate, validate_with, with, working},
};

#[tokio::test]
async fn working_delivery_passes_and_reports_what_cannot_be_proved() {
    let result = validate(working(), s3()).await;
    assert!(result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn central_role_without_trust_blocks_the_other_checks() {
    let mut world = working();
    world.roles.clear();
    let result = validate(world, s3()).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn absent_bucket_is_missing() {
    let mut world = working();
    world.buckets.clear();
    let result = validate(world, s3()).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn bucket_in_another_region_is_reported_with_its_region() {
    let result = validate(working(), with(s3(), json!({"target_region": "us-west-2"}))).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

/// S3 sends each of these for a bucket in another region, depending on its age, its region and the endpoint.
#[tokio::test]
async fn bucket_in_another_region_is_recognized_by_every_status() {
    for status in [301, 307, 400, 403] {
        let mut world = working();
        world.elsewhere_status = status;
        let result = validate(world, with(s3(), json!({"target_region": "us-west-2"}))).await;
        assert!(
            result.external().contains(&"bucket_region:wrong_region".to_owned()),
            "{status} {result:?}"
        );
    }
}

#[tokio::test]
async fn missing_target_region_defaults_to_the_services_region() {
    let mut world = working();
    world.buckets[0].region = "us-east-1".to_owned();
    let result = validate(world, with(s3(), json!({"target_region": null}))).await;
    assert!(result.valid, "{result:?}");
}

#[tokio::test]
async fn bucket_that_denies_the_central_role_is_reported_with_what_to_allow() {
    let mut world = working();
    world.buckets[0].allowed_roles.clear();
    let result = validate(world, s3()).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn hidden_bucket_region_is_skipped() {
    let mut world = working();
    world.buckets[0].shows_its_region = false;
    let result = validate(world, s3()).await;
    assert!(result.valid);
    assert!(
        result.external().contains(&"bucket_region:not_visible".to_owned()),
        "{result:?}"
    );
}

#[tokio::test]
async fn bucket_policy_is_reported_as_far_as_it_is_visible() {
    for (name, policy) in [
        ("public", BucketPolicy::Public),
        ("hidden", BucketPolicy::Hidden),
        ("none", BucketPolicy::None),
    ] {
        let mut world = working();
        world.buckets[0].policy = policy;
        let result = validate(world, s3()).await;
        assert_eq!(result.valid, name != "public");
        assert_json_snapshot!(format!("policy_{name}"), result);
    }
}

#[tokio::test]
async fn region_in_another_partition_is_invalid_without_a_call() {
    let result = validate(working(), with(s3(), json!({"target_region": "cn-north-1"}))).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn well_formed_fields_of_handwritten_items_are_checked() {
    for (name, changes, expected) in [
        ("bucket", json!({"bucket_name": "NO_BUCKET"}), "bucket:blocked"),
        ("no_bucket", json!({"bucket_name": null}), "bucket:blocked"),
        ("region", json!({"target_region": "moon-1"}), "bucket:blocked"),
        ("prefix", json!({"bucket_prefix": "/logs"}), "bucket_access:ok"),
    ] {
        let result = validate(working(), with(s3(), changes)).await;
        assert!(!result.valid);
        assert!(result.external().contains(&expected.to_owned()), "{result:?}");
        assert_json_snapshot!(format!("hand_written_{name}"), result);
    }
}

#[tokio::test]
async fn unknown_region_is_a_warning_and_blocks_what_needs_it() {
    let result = validate(working(), with(s3(), json!({"target_region": "moon-east-1"}))).await;
    assert!(result.valid, "{result:?}");
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn delivery_ignores_the_role_of_an_s3_item() {
    let role = "arn:aws-cn:iam::444455556666:role/LogDistribution";
    let result = validate(working(), with(s3(), json!({"log_distribution_role_arn": role}))).await;
    assert!(result.valid, "{result:?}");
    assert!(result.external().contains(&"bucket_access:ok".to_owned()), "{result:?}");
}

#[tokio::test]
async fn service_without_a_region_reports_the_missing_region() {
    let aws = Aws::start(working()).await;
    let sdk = sdk(&aws.endpoint).into_builder().region(None).build();
    let result = validate_with(sdk, settings(), with(s3(), json!({"target_region": null}))).await;
    assert!(result.external().contains(&"bucket:blocked".to_owned()), "{result:?}");
    assert!(
        result
            .checks
            .iter()
            .any(|check| check.message.contains("has no default region")),
        "{result:?}"
    );
}

#[tokio::test]
async fn s3_error_without_a_code_is_reported_by_its_status() {
    let mut world = working();
    world.faults = vec![("s3:ListBucket", Fault::Error(400, ""))];
    let result = validate(world, s3()).await;
    assert!(result.valid);
    assert!(
        result
            .checks
            .iter()
            .any(|check| check.message.ends_with("with HTTP 400")),
        "{result:?}"
    );
}
