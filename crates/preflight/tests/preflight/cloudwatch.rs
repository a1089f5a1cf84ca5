//! Delivery into CloudWatch Logs: each check in each of its states.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::{
    aws::{Aws, Fault, SERVICE_ROLE},
    harness::{CUSTOMER, GROUP, cloudwatch, sdk, settings, sound, validate, validate_with, with},
};

#[tokio::test]
async fn a_sound_delivery_passes_and_says_what_cannot_be_proved() {
    let answer = validate(sound(), cloudwatch()).await;
    assert!(answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_central_role_that_does_not_trust_the_service_is_the_operators_to_mend() {
    let mut world = sound();
    world.roles[0].trusts = "arn:aws:iam::999988887777:role/another".to_owned();
    let answer = validate(world, cloudwatch()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

/// AWS gives one and the same answer to all three, and so the check does.
#[tokio::test]
async fn a_customer_role_that_is_missing_or_refuses_is_told_with_what_it_must_trust() {
    let mut missing = sound();
    missing.roles.truncate(1);
    let mut untrusting = sound();
    untrusting.roles[1].trusts = SERVICE_ROLE.to_owned();
    let mut other_id = sound();
    other_id.roles[1].external_id = Some("123456789012".to_owned());
    let answers = [
        validate(missing, cloudwatch()).await,
        validate(untrusting, cloudwatch()).await,
        validate(other_id, cloudwatch()).await,
    ];
    assert!(
        answers
            .iter()
            .all(|answer| !answer.valid && answer.checks == answers[0].checks)
    );
    assert_json_snapshot!(answers[0]);
}

#[tokio::test]
async fn an_external_id_of_the_operators_own_is_shown_in_place_of_the_account() {
    let mut world = sound();
    world.roles[1].external_id = Some("our-platform".to_owned());
    let aws = Aws::start(world).await;
    let mut settings = settings();
    settings.external_id = Some("our-platform".parse().unwrap());
    let answer = validate_with(sdk(&aws.endpoint), settings.clone(), cloudwatch()).await;
    assert!(answer.valid, "{answer:?}");
    settings.external_id = Some("their-platform".parse().unwrap());
    let answer = validate_with(sdk(&aws.endpoint), settings, cloudwatch()).await;
    assert!(
        answer
            .checks
            .iter()
            .any(|check| check.message.contains("asks for their-platform")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_log_group_that_is_not_there_is_missing() {
    let mut world = sound();
    world.log_groups.clear();
    let answer = validate(world, cloudwatch()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_log_group_of_a_longer_name_is_another_one() {
    let mut world = sound();
    world.log_groups[0].name = format!("{GROUP}-old");
    let answer = validate(world, cloudwatch()).await;
    assert!(answer.live().contains(&"log_group:not_found".to_owned()), "{answer:?}");
}

#[tokio::test]
async fn a_log_group_in_another_region_is_missing_where_logs_would_go() {
    let answer = validate(sound(), with(cloudwatch(), json!({"target_region": "us-west-2"}))).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn without_a_target_region_the_services_own_is_meant() {
    let mut world = sound();
    world.log_groups[0].region = "us-east-1".to_owned();
    let answer = validate(world, with(cloudwatch(), json!({"target_region": null}))).await;
    assert!(answer.valid, "{answer:?}");
}

#[tokio::test]
async fn a_log_group_that_another_account_shares_is_told() {
    let mut world = sound();
    // A monitoring account sees the groups of the accounts that are linked to it.
    world.log_group_account = Some("777788889999");
    let answer = validate(world, cloudwatch()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn either_way_to_see_the_log_group_is_enough() {
    for denied in ["logs:DescribeLogGroups", "logs:DescribeLogStreams"] {
        let mut world = sound();
        world.denied = vec![denied];
        let answer = validate(world, cloudwatch()).await;
        assert!(answer.valid, "{answer:?}");
        assert!(answer.live().contains(&"log_group:ok".to_owned()), "{answer:?}");
    }
    let mut world = sound();
    world.denied = vec!["logs:DescribeLogGroups"];
    world.log_groups.clear();
    let answer = validate(world, cloudwatch()).await;
    assert!(answer.live().contains(&"log_group:not_found".to_owned()), "{answer:?}");
}

#[tokio::test]
async fn a_customer_role_that_may_not_look_is_told_what_to_allow() {
    let mut world = sound();
    world.denied = vec!["logs:DescribeLogGroups", "logs:DescribeLogStreams"];
    let answer = validate(world, cloudwatch()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn a_region_that_the_account_has_not_enabled_is_told() {
    let mut world = sound();
    world.faults = ["logs:DescribeLogGroups", "logs:DescribeLogStreams"]
        .map(|action| (action, Fault::Answer(400, "UnrecognizedClientException")))
        .into();
    let answer = validate(world, cloudwatch()).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn what_the_streams_show_is_told() {
    for (streams, told) in [
        (json!([]), "has no stream yet"),
        (json!([{"logStreamName": "a"}]), "has streams, but nothing in them"),
        (
            json!([{"logStreamName": "a", "lastIngestionTime": 1_705_314_600_123_u64}]),
            "last wrote to log group /aws/logs/acme at 2024-01-15T10:30:00Z",
        ),
    ] {
        let mut world = sound();
        world.log_groups[0].streams = streams.as_array().unwrap().clone();
        let answer = validate(world, cloudwatch()).await;
        let streams = answer.checks.last().unwrap();
        assert!(streams.message.contains(told), "{streams:?}");
    }
}

#[tokio::test]
async fn a_role_of_another_partition_is_told_without_asking_for_it() {
    let role = CUSTOMER.replace("arn:aws:", "arn:aws-us-gov:");
    let config = with(
        cloudwatch(),
        json!({"log_distribution_role_arn": role, "target_region": "us-gov-west-1"}),
    );
    let answer = validate(sound(), config).await;
    assert!(!answer.valid);
    assert_json_snapshot!(answer);
}

#[tokio::test]
async fn items_written_by_hand_are_checked_as_far_as_they_are_well_formed() {
    let broken = [
        (
            "role",
            json!({"log_distribution_role_arn": "LogDistribution"}),
            "customer_role:blocked",
        ),
        (
            "no_role",
            json!({"log_distribution_role_arn": null}),
            "customer_role:blocked",
        ),
        ("group", json!({"log_group_name": "a group"}), "log_group:blocked"),
        ("region", json!({"target_region": "moon-1"}), "log_group:blocked"),
        ("number", json!({"target_region": 7}), "log_group:blocked"),
        ("partition", json!({"target_region": "cn-north-1"}), "log_group:blocked"),
    ];
    for (name, changes, blocked) in broken {
        let answer = validate(sound(), with(cloudwatch(), changes)).await;
        assert!(!answer.valid);
        assert!(answer.live().contains(&"central_role:ok".to_owned()), "{answer:?}");
        assert!(answer.live().contains(&blocked.to_owned()), "{answer:?}");
        assert_json_snapshot!(format!("hand_written_{name}"), answer);
    }
}

#[tokio::test]
async fn an_item_of_an_unknown_type_has_nothing_to_ask_for() {
    let config = json!({"tenant_id": "acme", "type": "splunk", "enabled": true});
    assert_eq!(validate(sound(), config).await.live(), Vec::<String>::new());
}

#[tokio::test]
async fn a_tenant_id_that_fits_no_session_name_does_not_stand_in_the_way() {
    let answer = validate(sound(), with(cloudwatch(), json!({"tenant_id": "a b/ü"}))).await;
    assert!(answer.live().contains(&"customer_role:ok".to_owned()), "{answer:?}");
}

#[tokio::test]
async fn a_path_of_a_role_that_means_something_in_json_is_taken_as_it_stands() {
    let role = r#"arn:aws:iam::444455556666:role/a"b\/*/LogDistribution"#;
    let mut world = sound();
    role.clone_into(&mut world.roles[1].arn);
    let config = with(cloudwatch(), json!({"log_distribution_role_arn": role}));
    let answer = validate(world, config).await;
    assert!(answer.live().contains(&"customer_role:ok".to_owned()), "{answer:?}");
}
