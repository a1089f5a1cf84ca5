//! The names of the sessions, and the policies that limit them to the calls of the checks, whatever their roles allow.

use serde_json::{Value, json};
use tenant_core::{BucketName, LogGroupName, Partition, Region, RoleArn};

/// Precedes the tenant's ID in the session name that the customer sees in `CloudTrail`.
const SESSION_PREFIX: &str = "tenant-api-validate-";
/// Source: `AssumeRole` in the AWS STS API Reference: 2 to 64 of `A-Za-z0-9_+=,.@-`.
const MAX_SESSION_NAME: usize = 64;

/// Names the tenant. A tenant ID in an item written by hand may contain characters that STS does not allow.
pub(crate) fn session_name(tenant_id: &str) -> String {
    let is_allowed = |letter: &char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(*letter);
    SESSION_PREFIX
        .chars()
        .chain(tenant_id.chars().filter(is_allowed))
        .take(MAX_SESSION_NAME)
        .collect()
}

/// For the central role: allows only assuming this role.
pub(crate) fn assume_role_policy(role: &RoleArn) -> Value {
    policy(&json!([allow(&json!("sts:AssumeRole"), &json!(role.as_str()))]))
}

/// For the customer's role: allows only describing log groups, and the streams of this one.
pub(crate) fn describe_log_group_policy(group: &LogGroupArn) -> Value {
    policy(&json!([
        allow(&json!("logs:DescribeLogGroups"), &json!(group.any_log_group())),
        allow(
            &json!("logs:DescribeLogStreams"),
            &json!([group.to_string(), group.streams()])
        ),
    ]))
}

/// For the central role: allows only reading the state of this bucket.
pub(crate) fn inspect_bucket_policy(bucket: &BucketName, partition: Partition) -> Value {
    let mut resources = vec![bucket_arn(bucket, partition)];
    if bucket.is_access_point_alias() {
        // A request by the alias is authorized for the access point, whose ARN cannot be derived from it.
        resources.push(format!("arn:{}:s3:*:*:accesspoint/*", partition.as_str()));
    }
    policy(&json!([allow(
        &json!(["s3:ListBucket", "s3:GetBucketPolicyStatus"]),
        &json!(resources),
    )]))
}

/// Allows nothing, for a session that only proves that the role can be assumed.
pub(crate) fn deny_all_policy() -> Value {
    policy(&json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}]))
}

pub(crate) fn bucket_arn(bucket: &BucketName, partition: Partition) -> String {
    format!("arn:{}:s3:::{bucket}", partition.as_str())
}

/// A log group with its account and region.
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

    /// Every log group of the account in the region: the resource of `DescribeLogGroups`, which accepts no name.
    pub(crate) fn any_log_group(&self) -> String {
        format!(
            "arn:{}:logs:{}:{}:log-group:*",
            self.partition.as_str(),
            self.region,
            self.account
        )
    }

    /// The streams of the group.
    pub(crate) fn streams(&self) -> String {
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
    fn session_name_is_valid_for_any_tenant_id() {
        assert_eq!(session_name("acme-corp"), "tenant-api-validate-acme-corp");
        assert_eq!(session_name("a b/é:c\n"), "tenant-api-validate-abc");
        assert_eq!(session_name(&"x".repeat(128)).len(), MAX_SESSION_NAME);
        assert_eq!(session_name(""), SESSION_PREFIX);
    }

    #[test]
    fn session_for_an_access_point_alias_includes_access_points() {
        let resources = |bucket: &str| {
            inspect_bucket_policy(&bucket.parse().unwrap(), Partition::Aws)["Statement"][0]["Resource"].clone()
        };
        assert_eq!(resources("acme-logs"), json!(["arn:aws:s3:::acme-logs"]));
        assert_eq!(
            resources("logs-abc123-s3alias"),
            json!(["arn:aws:s3:::logs-abc123-s3alias", "arn:aws:s3:*:*:accesspoint/*"])
        );
    }

    #[test]
    fn longest_policy_fits_the_session_limit() {
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
            assume_role_policy(&role),
            describe_log_group_policy(&group),
            inspect_bucket_policy(&bucket, role.partition()),
        ] {
            assert!(policy.to_string().len() <= 2048, "{policy}");
        }
    }
}
