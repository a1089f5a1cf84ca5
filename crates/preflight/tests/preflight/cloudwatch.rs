//! Delivery to CloudWatch Logs: each check in each of its states.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::{
    aws::{Aws, Fault, SERVICE_ROLE},
    harness::{CUSTOMER, GROUP, cloudwatch, sdk, settings, validate, validate_at, validate_with, with, working},
};

#[tokio::test]
async fn working_delivery_passes_and_reports_what_cannot_be_proved() {
    let result = validate(working(), cloudwatch()).await;
    assert!(result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn central_role_without_trust_is_reported_to_the_operator() {
    let mut world = working();
    world.roles[0].trusts = "arn:aws:iam::999988887777:role/another".to_owned();
    let result = validate(world, cloudwatch()).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

/// AWS returns the same error for all three, and so the check reports the same.
#[tokio::test]
async fn customer_role_that_cannot_be_assumed_is_reported_with_the_required_trust() {
    let mut missing = working();
    missing.roles.truncate(1);
    let mut untrusting = working();
    untrusting.roles[1].trusts = SERVICE_ROLE.to_owned();
    let mut other_id = working();
    other_id.roles[1].external_id = Some("123456789012".to_owned());
    let results = [
        validate(missing, cloudwatch()).await,
        validate(untrusting, cloudwatch()).await,
        validate(other_id, cloudwatch()).await,
    ];
    assert!(
        results
            .iter()
            .all(|result| !result.valid && result.checks == results[0].checks)
    );
    assert_json_snapshot!(results[0]);
}

#[tokio::test]
async fn configured_external_id_replaces_the_account_id() {
    let mut world = working();
    world.roles[1].external_id = Some("our-platform".to_owned());
    let aws = Aws::start(world).await;
    let mut settings = settings();
    settings.external_id = Some("our-platform".parse().unwrap());
    let result = validate_with(sdk(&aws.endpoint), settings.clone(), cloudwatch()).await;
    assert!(result.valid, "{result:?}");
    settings.external_id = Some("their-platform".parse().unwrap());
    let result = validate_with(sdk(&aws.endpoint), settings, cloudwatch()).await;
    assert!(
        result
            .checks
            .iter()
            .any(|check| check.message.contains("requires their-platform")),
        "{result:?}"
    );
}

#[tokio::test]
async fn external_id_can_contain_the_tenant() {
    let mut world = working();
    world.roles[1].external_id = Some("ours/acme".to_owned());
    let aws = Aws::start(world).await;
    let mut settings = settings();
    settings.external_id = Some("ours/{tenant_id}".parse().unwrap());
    let result = validate_with(sdk(&aws.endpoint), settings.clone(), cloudwatch()).await;
    assert!(result.valid, "{result:?}");

    // Another tenant with the role of the first one: the role does not trust that.
    let other = |tenant: &str| {
        let mut config = cloudwatch();
        config["tenant_id"] = json!(tenant);
        config
    };
    let result = validate_with(sdk(&aws.endpoint), settings.clone(), other("evil")).await;
    assert!(
        result.external().contains(&"customer_role:access_denied".to_owned()),
        "{result:?}"
    );
    let asked = aws.calls().len();
    // An ID that was written by hand, and that STS does not accept.
    let result = validate_with(sdk(&aws.endpoint), settings, other("O'Neil")).await;
    assert!(
        result
            .external()
            .contains(&"customer_role:invalid_external_id".to_owned()),
        "{result:?}"
    );
    assert!(
        aws.calls()[asked..]
            .iter()
            .all(|call| call.parameter("ExternalId").is_none())
    );
}

#[tokio::test]
async fn absent_log_group_is_a_warning() {
    let mut world = working();
    world.log_groups.clear();
    let result = validate(world, cloudwatch()).await;
    assert!(result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn log_group_with_a_longer_name_does_not_match() {
    let mut world = working();
    world.log_groups[0].name = format!("{GROUP}-old");
    let result = validate(world, cloudwatch()).await;
    assert!(
        result.external().contains(&"log_group:not_found".to_owned()),
        "{result:?}"
    );
}

#[tokio::test]
async fn log_group_in_another_region_is_absent_in_the_target_region() {
    let result = validate(working(), with(cloudwatch(), json!({"target_region": "us-west-2"}))).await;
    assert!(result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn missing_target_region_defaults_to_the_services_region() {
    let mut world = working();
    world.log_groups[0].region = "us-east-1".to_owned();
    let aws = Aws::start(world).await;
    for region in [json!(null), json!("")] {
        let result = validate_at(&aws, with(cloudwatch(), json!({"target_region": region}))).await;
        assert!(result.valid, "{result:?}");
        assert!(result.external().contains(&"log_group:ok".to_owned()), "{result:?}");
    }
}

#[tokio::test]
async fn unknown_region_is_a_warning_and_blocks_what_needs_it() {
    let result = validate(working(), with(cloudwatch(), json!({"target_region": "moon-east-1"}))).await;
    assert!(result.valid, "{result:?}");
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn log_group_shared_by_another_account_is_invalid() {
    let mut world = working();
    // A monitoring account lists the groups of the accounts that are linked to it.
    world.log_group_account = Some("777788889999");
    let result = validate(world, cloudwatch()).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn one_of_two_permissions_suffices_to_find_the_log_group() {
    for denied in ["logs:DescribeLogGroups", "logs:DescribeLogStreams"] {
        let mut world = working();
        world.denied = vec![denied];
        let result = validate(world, cloudwatch()).await;
        assert!(result.valid, "{result:?}");
        assert!(result.external().contains(&"log_group:ok".to_owned()), "{result:?}");
    }
    let mut world = working();
    world.denied = vec!["logs:DescribeLogGroups"];
    world.log_groups.clear();
    let result = validate(world, cloudwatch()).await;
    assert!(
        result.external().contains(&"log_group:not_found".to_owned()),
        "{result:?}"
    );
}

#[tokio::test]
async fn customer_role_without_read_permissions_is_reported_with_what_to_allow() {
    let mut world = working();
    world.denied = vec!["logs:DescribeLogGroups", "logs:DescribeLogStreams"];
    let result = validate(world, cloudwatch()).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn region_that_is_not_enabled_is_reported() {
    let mut world = working();
    world.faults = ["logs:DescribeLogGroups", "logs:DescribeLogStreams"]
        .map(|action| (action, Fault::Error(400, "UnrecognizedClientException")))
        .into();
    let result = validate(world, cloudwatch()).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn state_of_the_streams_is_reported() {
    for (streams, expected) in [
        (json!([]), "has no stream yet"),
        (json!([{"logStreamName": "a"}]), "has streams, but they are empty"),
        (
            json!([{"logStreamName": "a", "lastIngestionTime": 1_705_314_600_123_u64}]),
            "the last write to log group /aws/logs/acme was at 2024-01-15T10:30:00Z",
        ),
    ] {
        let mut world = working();
        world.log_groups[0].streams = streams.as_array().unwrap().clone();
        let result = validate(world, cloudwatch()).await;
        let streams = result.checks.last().unwrap();
        assert!(streams.message.contains(expected), "{streams:?}");
    }
}

#[tokio::test]
async fn role_in_another_partition_is_invalid_without_a_call() {
    let role = CUSTOMER.replace("arn:aws:", "arn:aws-us-gov:");
    let config = with(
        cloudwatch(),
        json!({"log_distribution_role_arn": role, "target_region": "us-gov-west-1"}),
    );
    let result = validate(working(), config).await;
    assert!(!result.valid);
    assert_json_snapshot!(result);
}

#[tokio::test]
async fn well_formed_fields_of_handwritten_items_are_checked() {
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
        let result = validate(working(), with(cloudwatch(), changes)).await;
        assert!(!result.valid);
        assert!(result.external().contains(&"central_role:ok".to_owned()), "{result:?}");
        assert!(result.external().contains(&blocked.to_owned()), "{result:?}");
        assert_json_snapshot!(format!("hand_written_{name}"), result);
    }
}

#[tokio::test]
async fn item_of_an_unknown_type_has_no_external_checks() {
    let config = json!({"tenant_id": "acme", "type": "splunk", "enabled": true});
    assert_eq!(validate(working(), config).await.external(), Vec::<String>::new());
}

#[tokio::test]
async fn tenant_id_that_is_not_a_valid_session_name_does_not_block_checks() {
    let result = validate(working(), with(cloudwatch(), json!({"tenant_id": "a b/ü"}))).await;
    assert!(result.external().contains(&"customer_role:ok".to_owned()), "{result:?}");
}

#[tokio::test]
async fn role_path_with_syntax_of_json_or_policies_is_never_assumed() {
    let role = r#"arn:aws:iam::444455556666:role/a"b\/*/LogDistribution"#;
    let mut world = working();
    role.clone_into(&mut world.roles[1].arn);
    let aws = Aws::start(world).await;
    let config = with(cloudwatch(), json!({"log_distribution_role_arn": role}));
    let result = validate_with(sdk(&aws.endpoint), settings(), config).await;
    assert!(!result.valid, "{result:?}");
    assert!(
        !result.external().contains(&"customer_role:ok".to_owned()),
        "{result:?}"
    );
    assert!(
        aws.calls()
            .iter()
            .all(|call| call.parameter("RoleArn").is_none_or(|asked| asked != role))
    );
}
