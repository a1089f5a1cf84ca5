//! The response: an IAM policy for one request.

use apigw::{MethodArn, policy::Policy};
use serde::Serialize;

/// The principal of every verified request: there is one key, and its holders are indistinguishable.
const KEY_HOLDER: &str = "psk";
/// The principal of a request that was not verified.
const NOBODY: &str = "unauthenticated";
/// The value of [`Context::auth_method`].
const AUTH_METHOD: &str = "HMAC-SHA256";

/// What the api function reads in `requestContext.authorizer`. API Gateway takes strings only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    auth_method: &'static str,
    key_version: &'a str,
    /// In lower case, so that it can be compared as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_sha256: Option<String>,
}

/// Allows this method and nothing else.
pub(crate) fn allow(resource: MethodArn<'_>, key_version: &str, body_sha256: Option<String>) -> Vec<u8> {
    let context = Context {
        auth_method: AUTH_METHOD,
        key_version,
        body_sha256,
    };
    Policy::allow(KEY_HOLDER, resource, context).to_json()
}

/// Denies this method, without a reason.
pub(crate) fn deny(resource: MethodArn<'_>) -> Vec<u8> {
    Policy::<Context<'_>>::deny(NOBODY, resource).to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:abc123/development/GET/api/v1/delivery-configs";

    fn text(policy: Vec<u8>) -> String {
        String::from_utf8(policy).unwrap()
    }

    #[test]
    fn allow_has_only_members_that_api_gateway_knows() {
        let arn = MethodArn::parse(ARN).unwrap();
        assert_eq!(
            text(allow(arn, "current:3", Some("e3b0".to_owned()))),
            format!(
                r#"{{"principalId":"psk","policyDocument":{{"Version":"2012-10-17","Statement":[{{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"{ARN}"}}]}},"context":{{"authMethod":"HMAC-SHA256","keyVersion":"current:3","bodySha256":"e3b0"}}}}"#
            )
        );
    }

    #[test]
    fn absent_members_are_omitted() {
        let arn = MethodArn::parse(ARN).unwrap();
        assert!(text(allow(arn, "current", None)).ends_with(r#""keyVersion":"current"}}"#));
        assert!(!text(deny(arn)).contains("null"));
    }

    #[test]
    fn deny_has_no_reason() {
        assert_eq!(
            text(deny(MethodArn::parse(ARN).unwrap())),
            format!(
                r#"{{"principalId":"unauthenticated","policyDocument":{{"Version":"2012-10-17","Statement":[{{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"{ARN}"}}]}}}}"#
            )
        );
    }
}
