//! Delivery into S3: each check in each of its states.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::{
    aws::{Aws, BucketPolicy, Fault},
    harness::{s3, sdk, settings, sound, validate, validate_with, with},
};

#[tokio::test]
async fn a_sound_delivery_passes_and_says_what_cannot_be_proved() {
    let answer = validate(sound(), s3()).await;
    assert!(answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_central_role_that_does_not_trust_the_service_blocks_the_rest() {
    let mut world = sound();
    world.roles.clear();
    let answer = validate(world, s3()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_missing() {
    let mut world = sound();
    world.buckets.clear();
    let answer = validate(world, s3()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_bucket_in_another_region_is_told_with_its_region() {
    let answer = validate(sound(), with(s3(), json!({"target_region": "us-west-2"}))).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

/// Each of these is what S3 sends when a bucket is elsewhere: by its age, its region and its endpoint.
#[tokio::test]
async fn a_bucket_elsewhere_is_told_whatever_the_status() {
    for status in [301, 307, 400, 403] {
        let mut world = sound();
        world.elsewhere_status = status;
        let answer = validate(world, with(s3(), json!({"target_region": "us-west-2"}))).await;
        assert!(
            answer.live().contains(&"bucket_region:wrong_region".to_owned()),
            "{status} {answer:?}"
        );
    }
}

#[tokio::test]
async fn without_a_target_region_the_services_own_is_meant() {
    let mut world = sound();
    world.buckets[0].region = "us-east-1".to_owned();
    let answer = validate(world, with(s3(), json!({"target_region": null}))).await;
    assert!(answer.valid, "{answer:?}");
}

#[tokio::test]
async fn a_bucket_that_refuses_the_central_role_is_told_what_to_allow() {
    let mut world = sound();
    world.buckets[0].lets_in.clear();
    let answer = validate(world, s3()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_bucket_whose_region_is_not_told_is_skipped_there() {
    let mut world = sound();
    world.buckets[0].names_its_region = false;
    let answer = validate(world, s3()).await;
    assert!(answer.valid);
    assert!(
        answer.live().contains(&"bucket_region:not_visible".to_owned()),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_policy_is_told_as_far_as_it_can_be_seen() {
    for (name, policy) in [
        ("public", BucketPolicy::Public),
        ("hidden", BucketPolicy::Hidden),
        ("none", BucketPolicy::None),
    ] {
        let mut world = sound();
        world.buckets[0].policy = policy;
        let answer = validate(world, s3()).await;
        assert_eq!(answer.valid, name != "public");
        assert_json_snapshot!(format!("policy_{name}"), answer);
    }
}

#[tokio::test]
async fn a_region_of_another_partition_is_told_without_asking_it() {
    let answer = validate(sound(), with(s3(), json!({"target_region": "cn-north-1"}))).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn items_written_by_hand_are_checked_as_far_as_they_are_well_formed() {
    for (name, changes, told) in [
        ("bucket", json!({"bucket_name": "NO_BUCKET"}), "bucket:blocked"),
        ("no_bucket", json!({"bucket_name": null}), "bucket:blocked"),
        ("region", json!({"target_region": "moon-1"}), "bucket:blocked"),
        ("prefix", json!({"bucket_prefix": "/logs"}), "bucket_access:ok"),
    ] {
        let answer = validate(sound(), with(s3(), changes)).await;
        assert!(!answer.valid);
        assert!(answer.live().contains(&told.to_owned()), "{answer:?}");
        assert_json_snapshot!(format!("hand_written_{name}"), answer);
    }
}

#[tokio::test]
async fn a_service_without_a_region_says_that_it_needs_one() {
    let aws = Aws::start(sound()).await;
    let sdk = sdk(&aws.endpoint).into_builder().region(None).build();
    let answer = validate_with(sdk, settings(), with(s3(), json!({"target_region": null}))).await;
    assert!(answer.live().contains(&"bucket:blocked".to_owned()), "{answer:?}");
    assert!(
        answer
            .checks
            .iter()
            .any(|check| check.message.contains("knows no region")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_answer_of_s3_that_says_nothing_is_told_by_its_status() {
    let mut world = sound();
    world.faults = vec![("s3:ListBucket", Fault::Answer(400, ""))];
    let answer = validate(world, s3()).await;
    assert!(answer.valid);
    assert!(
        answer
            .checks
            .iter()
            .any(|check| check.message.ends_with("with HTTP 400")),
        "{answer:?}"
    );
}
