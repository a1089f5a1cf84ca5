//! What the sessions are and may do, as AWS is asked for them.

use std::collections::BTreeSet;

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::{
    aws::{Aws, SERVICE_KEY},
    harness::{CENTRAL, CUSTOMER, cloudwatch, s3, sound, validate_at},
};

#[tokio::test]
async fn a_session_is_short_says_for_whom_it_is_and_may_only_look() {
    for (name, config) in [("cloudwatch", cloudwatch()), ("s3", s3())] {
        let aws = Aws::start(sound()).await;
        validate_at(&aws, config).await;
        let sessions: Vec<Value> = aws
            .calls()
            .iter()
            .filter(|call| call.action == "sts:AssumeRole")
            .map(|call| {
                let policy: Value = serde_json::from_str(call.parameter("Policy").unwrap()).unwrap();
                json!({
                    "role": call.parameter("RoleArn"), "name": call.parameter("RoleSessionName"),
                    "seconds": call.parameter("DurationSeconds"), "external_id": call.parameter("ExternalId"),
                    "policy": policy,
                })
            })
            .collect();
        assert_json_snapshot!(format!("sessions_{name}"), sessions);
    }
}

#[tokio::test]
async fn the_roles_are_assumed_in_turn_and_nothing_but_looking_is_asked_for() {
    let aws = Aws::start(sound()).await;
    assert!(validate_at(&aws, cloudwatch()).await.valid);
    assert!(validate_at(&aws, s3()).await.valid);
    let calls: BTreeSet<(String, String)> = aws
        .calls()
        .into_iter()
        .map(|call| {
            let on = call.parameter("RoleArn").unwrap_or_default().to_owned();
            (format!("{} {on}", call.action), call.by)
        })
        .collect();
    let of = |action: &str, by: &str| (action.to_owned(), by.to_owned());
    let assume = |role: &str, by: &str| of(&format!("sts:AssumeRole {role}"), by);
    assert_eq!(
        calls,
        BTreeSet::from([
            of("sts:GetCallerIdentity ", SERVICE_KEY),
            assume(CENTRAL, SERVICE_KEY),
            assume(CUSTOMER, "ASIASESSION1"),
            of("logs:DescribeLogGroups ", "ASIASESSION2"),
            of("logs:DescribeLogStreams ", "ASIASESSION2"),
            of("s3:ListBucket ", "ASIASESSION3"),
            of("s3:GetBucketPolicyStatus ", "ASIASESSION3"),
        ])
    );
}

#[tokio::test]
async fn the_destination_is_asked_in_its_own_region_and_sts_in_the_services() {
    let aws = Aws::start(sound()).await;
    validate_at(&aws, cloudwatch()).await;
    validate_at(&aws, s3()).await;
    for call in aws.calls() {
        let region = if call.action.starts_with("sts:") {
            "us-east-1"
        } else {
            "eu-west-1"
        };
        assert_eq!(call.region, region, "{call:?}");
    }
}
