//! What the sessions are called and what they may do, whatever the roles behind them may.

use serde_json::{Value, json};
use tenant_core::{BucketName, LogGroupName, Partition, Region, RoleArn};

/// What the customer reads in `CloudTrail`, before the tenant.
const SESSION_PREFIX: &str = "tenant-api-validate-";
/// Source: `AssumeRole` in the AWS STS API Reference: 2 to 64 of `A-Za-z0-9_+=,.@-`.
const MAX_SESSION_NAME: usize = 64;

/// A session that says for whom it is. What an item written by hand has in its key may not fit.
pub(crate) fn session_name(tenant_id: &str) -> String {
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(*letter);
    SESSION_PREFIX
        .chars()
        .chain(tenant_id.chars().filter(is_allowed))
        .take(MAX_SESSION_NAME)
        .collect()
}

/// Of the central role: only to go on to this role.
pub(crate) fn to_assume(role: &RoleArn) -> Value {
    policy(&json!([allow(&json!("sts:AssumeRole"), &json!(role.as_str()))]))
}

/// Of the customer's role: only to look at log groups, and at the streams of this one.
pub(crate) fn to_look_at_log_group(group: &LogGroupArn) -> Value {
    policy(&json!([
        allow(&json!("logs:DescribeLogGroups"), &json!(group.of_any_name())),
        allow(
            &json!("logs:DescribeLogStreams"),
            &json!([group.to_string(), group.with_streams()])
        ),
    ]))
}

/// Of the central role: only to look at this bucket.
pub(crate) fn to_look_at_bucket(bucket: &BucketName, partition: Partition) -> Value {
    policy(&json!([allow(
        &json!(["s3:ListBucket", "s3:GetBucketPolicyStatus"]),
        &json!(bucket_arn(bucket, partition)),
    )]))
}

/// To do nothing, where an identity is all that is asked for.
pub(crate) fn to_do_nothing() -> Value {
    policy(&json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}]))
}

pub(crate) fn bucket_arn(bucket: &BucketName, partition: Partition) -> String {
    format!("arn:{}:s3:::{bucket}", partition.as_str())
}

/// Where a log group is.
#[derive(Debug, Clone)]
pub(crate) struct LogGroupArn {
    partition: Partition,
    region: Region,
    account: String,
    name: LogGroupName,
}

impl LogGroupArn {
    pub(crate) fn new(role: &RoleArn, region: Region, name: LogGroupName) -> Self {
        Self {
            partition: role.partition(),
            region,
            account: role.account().to_owned(),
            name,
        }
    }

    pub(crate) const fn region(&self) -> &Region {
        &self.region
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    pub(crate) const fn name(&self) -> &LogGroupName {
        &self.name
    }

    /// Every log group of the account in the region: what `DescribeLogGroups` needs, which takes no name.
    pub(crate) fn of_any_name(&self) -> String {
        format!(
            "arn:{}:logs:{}:{}:log-group:*",
            self.partition.as_str(),
            self.region,
            self.account
        )
    }

    /// The streams of the group.
    pub(crate) fn with_streams(&self) -> String {
        format!("{self}:*")
    }
}

impl std::fmt::Display for LogGroupArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (partition, region) = (self.partition.as_str(), &self.region);
        write!(
            f,
            "arn:{partition}:logs:{region}:{}:log-group:{}",
            self.account, self.name
        )
    }
}

fn allow(actions: &Value, resources: &Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

fn policy(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_is_one_that_sts_takes_whatever_the_tenant_is_called() {
        assert_eq!(session_name("acme-corp"), "tenant-api-validate-acme-corp");
        assert_eq!(session_name("a b/é:c\n"), "tenant-api-validate-abc");
        assert_eq!(session_name(&"x".repeat(128)).len(), MAX_SESSION_NAME);
        assert_eq!(session_name(""), SESSION_PREFIX);
    }

    #[test]
    fn the_longest_policy_fits_a_session() {
        // Source: "IAM and AWS STS quotas" in the IAM User Guide: 2,048 characters of policy.
        let role: RoleArn = format!(
            "arn:aws-us-gov:iam::123456789012:role/{}/{}",
            "p".repeat(510),
            "n".repeat(64)
        )
        .parse()
        .unwrap();
        let group = LogGroupArn::new(
            &role,
            "us-gov-west-1".parse().unwrap(),
            "g".repeat(512).parse().unwrap(),
        );
        let bucket = "b".repeat(63).parse().unwrap();
        for policy in [
            to_assume(&role),
            to_look_at_log_group(&group),
            to_look_at_bucket(&bucket, role.partition()),
        ] {
            assert!(policy.to_string().len() <= 2048, "{policy}");
        }
    }
}
