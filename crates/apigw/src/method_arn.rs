//! The ARN of a method of a deployed API: what a policy allows or denies.

use std::fmt;

/// `arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{METHOD}/{path}`.
///
/// Source: "Resource format of permissions for executing API in API Gateway" in the Amazon API Gateway Developer Guide.
#[derive(Debug, Clone, Copy)]
pub struct MethodArn<'a>(&'a str);

/// A text that is not the ARN of an `execute-api` method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event's methodArn is not the ARN of an execute-api method")]
pub struct InvalidMethodArn;

/// What the ARN of a method in the partition `aws` is made of; [`Display`](fmt::Display) writes it.
#[derive(Debug, Clone, Copy)]
pub struct MethodArnParts<'a> {
    /// Such as `us-east-1`.
    pub region: &'a str,
    /// 12 digits.
    pub account: &'a str,
    /// The id of the API.
    pub api: &'a str,
    /// The deployed stage.
    pub stage: &'a str,
    /// In upper case.
    pub method: &'a str,
    /// The path without the stage, with or without its first slash.
    pub path: &'a str,
}

impl<'a> MethodArn<'a> {
    /// Reads an ARN. Its path comes from the client and may contain anything.
    pub fn parse(arn: &'a str) -> Result<Self, InvalidMethodArn> {
        let mut parts = arn.splitn(6, ':');
        let mut part = || parts.next().unwrap_or_default();
        let (prefix, partition, service, region, account, resource) = (part(), part(), part(), part(), part(), part());
        let mut segments = resource.splitn(4, '/');
        let mut segment = || segments.next().unwrap_or_default();
        let (api, stage, method) = (segment(), segment(), segment());

        let is_execute_api = prefix == "arn"
            && (partition == "aws" || partition.starts_with("aws-"))
            && service == "execute-api"
            && is_name(region)
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && is_name(api)
            && is_name(stage)
            && is_name(method);
        if is_execute_api {
            Ok(Self(arn))
        } else {
            Err(InvalidMethodArn)
        }
    }

    /// The ARN as it was read.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether a policy would read the ARN as a pattern: `*` and `?` match other text there, and `${` begins a variable.
    #[must_use]
    pub fn is_pattern(self) -> bool {
        self.0.contains(['*', '?']) || self.0.contains("${")
    }
}

impl fmt::Display for MethodArnParts<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            region,
            account,
            api,
            stage,
            method,
            path,
        } = self;
        let path = path.trim_start_matches('/');
        write!(
            formatter,
            "arn:aws:execute-api:{region}:{account}:{api}/{stage}/{method}/{path}"
        )
    }
}

/// Whether `text` has only the characters of the names of regions, APIs, stages and methods.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn execute_api_arn_of_every_partition_is_read() {
        for arn in [
            "arn:aws:execute-api:us-east-1:123456789012:abc123/development/GET/api/v1/delivery-configs",
            "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123/prod/DELETE/a/b:c",
            "arn:aws-cn:execute-api:cn-north-1:123456789012:abc123/test-invoke-stage/GET/",
            "arn:aws:execute-api:us-east-1:000000000000:abc123/dev_1/PATCH",
        ] {
            assert_eq!(MethodArn::parse(arn).unwrap().as_str(), arn);
        }
    }

    #[test]
    fn any_other_arn_is_rejected() {
        for arn in [
            "",
            "*",
            "arn:aws:execute-api:*:*:*",
            "arn:aws:execute-api:us-east-1:123456789012:*/*/*/*",
            "arn:aws:execute-api:us-east-1:123456789012:abc123/*/GET/",
            "arn:aws:execute-api:us-east-1:123456789012:abc123/development/*/api",
            "arn:aws:execute-api:us-east-1:123456789012:abc123/development",
            "arn:aws:execute-api:us-east-1:123456789012:abc123//GET/",
            "arn:aws:execute-api:us-east-1:12345678901:abc123/development/GET/",
            "arn:aws:execute-api:us-east-1::abc123/development/GET/",
            "arn:aws:execute-api::123456789012:abc123/development/GET/",
            "arn:aws:lambda:us-east-1:123456789012:function/authorizer/GET/",
            "arn:awsx:execute-api:us-east-1:123456789012:abc123/development/GET/",
            "urn:aws:execute-api:us-east-1:123456789012:abc123/development/GET/",
            "arn:aws:execute-api:us-east-1:123456789012:abc123/$default/GET/",
        ] {
            assert!(MethodArn::parse(arn).is_err(), "{arn}");
        }
    }

    #[test]
    fn path_with_policy_pattern_characters_is_a_pattern() {
        let is_pattern = |path: &str| {
            let arn = format!("arn:aws:execute-api:us-east-1:123456789012:abc123/development/GET/{path}");
            MethodArn::parse(&arn).unwrap().is_pattern()
        };
        for path in ["tenants/*", "a?b", "${aws:username}"] {
            assert!(is_pattern(path), "{path}");
        }
        for path in ["tenants/acme", "a$b", "a%2Ab", "{a}"] {
            assert!(!is_pattern(path), "{path}");
        }
    }
    #[test]
    fn parts_make_an_arn_that_is_read() {
        let parts = MethodArnParts {
            region: "us-east-1",
            account: "123456789012",
            api: "abc123",
            stage: "development",
            method: "GET",
            path: "/api/v1",
        };
        let arn = parts.to_string();
        assert_eq!(
            arn,
            "arn:aws:execute-api:us-east-1:123456789012:abc123/development/GET/api/v1"
        );
        assert_eq!(MethodArn::parse(&arn).unwrap().as_str(), arn);
    }
}
