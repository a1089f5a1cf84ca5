//! The answer: an IAM policy for one request, as API Gateway reads it.
//!
//! The gateway refuses an answer with a member it does not know or a `null` where it wants none, so the effect is always
//! there and what is absent is left out.

use serde::Serialize;

use crate::method_arn::MethodArn;

/// The principal of every verified request: there is one key, and who holds it is not told apart.
const KEY_HOLDER: &str = "psk";
/// The principal of a request that was not verified.
const NOBODY: &str = "unauthenticated";
/// What [`Context::auth_method`] says.
const AUTH_METHOD: &str = "HMAC-SHA256";

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    principal_id: &'static str,
    policy_document: PolicyDocument<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDocument<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    action: &'static str,
    effect: Effect,
    resource: &'a str,
}

#[derive(Serialize)]
enum Effect {
    Allow,
    Deny,
}

/// What the api function learns, in `requestContext.authorizer`. The gateway takes strings only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    auth_method: &'static str,
    key_version: &'a str,
    /// In lower case, so that it can be compared as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_sha256: Option<String>,
}

impl<'a> Answer<'a> {
    /// Allows this method and nothing else.
    pub(crate) fn allow(resource: MethodArn<'a>, key_version: &'a str, body_sha256: Option<String>) -> Self {
        let context = Context {
            auth_method: AUTH_METHOD,
            key_version,
            body_sha256,
        };
        Self::new(KEY_HOLDER, Effect::Allow, resource, Some(context))
    }

    /// Denies this method, without a word about why.
    pub(crate) fn deny(resource: MethodArn<'a>) -> Self {
        Self::new(NOBODY, Effect::Deny, resource, None)
    }

    fn new(principal_id: &'static str, effect: Effect, resource: MethodArn<'a>, context: Option<Context<'a>>) -> Self {
        let statement = Statement {
            action: "execute-api:Invoke",
            effect,
            resource: resource.as_str(),
        };
        Self {
            principal_id,
            policy_document: PolicyDocument {
                version: "2012-10-17",
                statement: [statement],
            },
            context,
        }
    }

    /// The answer's bytes.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("structs of strings are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:abc123/development/GET/api/v1/delivery-configs";

    fn json(answer: &Answer<'_>) -> String {
        String::from_utf8(answer.to_json()).unwrap()
    }

    #[test]
    fn allow_holds_exactly_what_the_gateway_knows() {
        let arn = MethodArn::parse(ARN).unwrap();
        assert_eq!(
            json(&Answer::allow(arn, "current:3", Some("e3b0".to_owned()))),
            format!(
                r#"{{"principalId":"psk","policyDocument":{{"Version":"2012-10-17","Statement":[{{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"{ARN}"}}]}},"context":{{"authMethod":"HMAC-SHA256","keyVersion":"current:3","bodySha256":"e3b0"}}}}"#
            )
        );
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let arn = MethodArn::parse(ARN).unwrap();
        assert!(json(&Answer::allow(arn, "current", None)).ends_with(r#""keyVersion":"current"}}"#));
        assert!(!json(&Answer::deny(arn)).contains("null"));
    }

    #[test]
    fn deny_tells_nothing() {
        assert_eq!(
            json(&Answer::deny(MethodArn::parse(ARN).unwrap())),
            format!(
                r#"{{"principalId":"unauthenticated","policyDocument":{{"Version":"2012-10-17","Statement":[{{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"{ARN}"}}]}}}}"#
            )
        );
    }
}
