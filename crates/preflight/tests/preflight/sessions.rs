//! The sessions that are requested from AWS, and their policies.

use std::collections::BTreeSet;

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::{
    aws::{Aws, SERVICE_KEY},
    harness::{CENTRAL, CUSTOMER, cloudwatch, s3, validate_at, working},
};

#[tokio::test]
async fn sessions_are_short_named_after_the_tenant_and_read_only() {
    for (name, config) in [("cloudwatch", cloudwatch()), ("s3", s3())] {
        let aws = Aws::start(working()).await;
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
async fn roles_are_assumed_in_turn_and_only_read_calls_are_made() {
    let aws = Aws::start(working()).await;
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
    let call = |action: &str, by: &str| (action.to_owned(), by.to_owned());
    let assume = |role: &str, by: &str| call(&format!("sts:AssumeRole {role}"), by);
    assert_eq!(
        calls,
        BTreeSet::from([
            call("sts:GetCallerIdentity ", SERVICE_KEY),
            assume(CENTRAL, SERVICE_KEY),
            assume(CUSTOMER, "ASIASESSION1"),
            call("logs:DescribeLogGroups ", "ASIASESSION2"),
            call("logs:DescribeLogStreams ", "ASIASESSION2"),
            call("s3:ListBucket ", "ASIASESSION3"),
            call("s3:GetBucketPolicyStatus ", "ASIASESSION3"),
        ])
    );
}

#[tokio::test]
async fn destination_is_called_in_its_region_and_sts_in_the_services() {
    let aws = Aws::start(working()).await;
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
