//! The ARN of what a policy allows or denies.

use crate::event::EventError;

/// `arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{METHOD}/{path}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MethodArn<'a>(&'a str);

impl<'a> MethodArn<'a> {
    /// Reads an ARN. Its path is the client's and may hold anything.
    pub(crate) fn parse(arn: &'a str) -> Result<Self, EventError> {
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
            Err(EventError::MethodArn)
        }
    }

    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether a policy would take the ARN for a pattern: `*` and `?` stand for other text there, and `${` begins a
    /// variable.
    pub(crate) fn is_pattern(self) -> bool {
        self.0.contains(['*', '?']) || self.0.contains("${")
    }
}

/// What regions, APIs, stages and methods are named with.
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
    fn execute_api_arns_of_every_partition_are_read() {
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
    fn anything_else_is_refused() {
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
    fn path_that_a_policy_would_read_as_a_pattern_is_seen() {
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
}
