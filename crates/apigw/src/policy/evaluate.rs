//! The response of an authorizer, evaluated as API Gateway does: a policy that either allows this very call or not.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Effect, INVOKE, VERSION};

/// Why the response is not a decision; on AWS an `AUTHORIZER_CONFIGURATION_ERROR`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is not JSON, or a member is missing, unknown or has another type.
    #[error("the authorizer's response is not a policy")]
    Malformed(#[from] serde_json::Error),
    /// The principal is empty.
    #[error("the authorizer's response has an empty principalId")]
    NoPrincipal,
    /// IAM has no such version of its policy language.
    #[error("the authorizer's policy has a version that IAM does not know")]
    UnknownVersion,
    /// The policy has a condition.
    #[error("the authorizer's policy has a condition, which this gateway cannot evaluate")]
    Condition,
    /// The context has a list, an object or a `null`.
    #[error("the authorizer's context contains {0:?}, which is not a string, a number or a boolean")]
    NestedContext(String),
}

/// The policy's decision about one call.
#[derive(Debug, PartialEq)]
pub enum Decision {
    /// The call is allowed, and takes these strings with it as `requestContext.authorizer`.
    Allow(Map<String, Value>),
    /// The call is denied.
    Deny,
}

// Unknown members are rejected throughout, as API Gateway's own parser rejects them: a misspelt one must not be found in
// production only.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuthorizerResponse {
    principal_id: String,
    policy_document: Document,
    #[serde(default)]
    context: Map<String, Value>,
    #[serde(default, rename = "usageIdentifierKey")]
    _usage_identifier_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    #[serde(default, rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default, rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: OneOrMany<String>,
    resource: OneOrMany<String>,
    #[serde(default, deserialize_with = "present")]
    condition: bool,
}

/// IAM takes one value wherever it takes a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::Many(values) => values,
            Self::One(value) => std::slice::from_ref(value),
        }
    }
}

/// True for a member that is there, whatever its value, `null` included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Decides whether the response of an authorizer allows the call of `method_arn`.
///
/// A statement that denies it wins over any that allows it, and without one that allows it, it is denied.
pub fn evaluate(response: &[u8], method_arn: &str) -> Result<Decision, PolicyError> {
    let response: AuthorizerResponse = serde_json::from_slice(response)?;
    if response.principal_id.is_empty() {
        return Err(PolicyError::NoPrincipal);
    }
    let policy = &response.policy_document;
    if ![VERSION, "2008-10-17"].contains(&policy.version.as_str()) {
        return Err(PolicyError::UnknownVersion);
    }
    let statements = policy.statement.as_slice();
    if statements.iter().any(|statement| statement.condition) {
        return Err(PolicyError::Condition);
    }
    let context = stringify(response.context, response.principal_id)?;

    let applies = |effect: Effect| {
        statements
            .iter()
            .any(|statement| statement.effect == effect && statement.applies_to(method_arn))
    };
    if applies(Effect::Allow) && !applies(Effect::Deny) {
        Ok(Decision::Allow(context))
    } else {
        Ok(Decision::Deny)
    }
}

impl Statement {
    fn applies_to(&self, method_arn: &str) -> bool {
        // Action names match in any case; ARNs do not.
        let action = INVOKE.to_ascii_lowercase();
        self.action
            .as_slice()
            .iter()
            .any(|pattern| matches(&pattern.to_ascii_lowercase(), &action))
            && self
                .resource
                .as_slice()
                .iter()
                .any(|pattern| matches(pattern, method_arn))
    }
}

/// Functions behind the gateway receive every value of the context as a string.
fn stringify(context: Map<String, Value>, principal_id: String) -> Result<Map<String, Value>, PolicyError> {
    let mut strings = Map::new();
    for (name, value) in context {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return Err(PolicyError::NestedContext(name)),
        };
        strings.insert(name, Value::String(value));
    }
    strings.insert("principalId".to_owned(), Value::String(principal_id));
    Ok(strings)
}

/// Whether `text` matches an IAM pattern, in which `*` matches any characters and `?` any one.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to continue after a mismatch: after the last star, which then matches one byte more.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            retry = Some((p, t));
        } else if pattern.get(p).is_some_and(|&byte| byte == b'?' || byte == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((after_star, taken)) = retry {
            (p, t) = (after_star, taken + 1);
            retry = Some((p, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str =
        "arn:aws:execute-api:us-east-1:123456789012:api/development/GET/api/v1/tenants/a/delivery-configs";

    fn response(statements: &Value) -> Value {
        json!({"principalId": "client", "policyDocument": {"Version": "2012-10-17", "Statement": statements}})
    }

    fn decide(response: &Value) -> Result<Decision, PolicyError> {
        evaluate(response.to_string().as_bytes(), ARN)
    }

    fn is_allowed(statements: &Value) -> bool {
        matches!(decide(&response(statements)), Ok(Decision::Allow(_)))
    }

    fn statement(effect: &str, action: &str, resource: &str) -> Value {
        json!({"Effect": effect, "Action": action, "Resource": resource})
    }

    #[test]
    fn exact_arn_allows_only_this_call() {
        assert!(is_allowed(&json!([statement("Allow", "execute-api:Invoke", ARN)])));
        assert!(is_allowed(&statement("Allow", "execute-api:Invoke", ARN)));
        assert!(is_allowed(
            &json!([{"Effect": "Allow", "Action": ["execute-api:Invoke"], "Resource": ["x", ARN]}])
        ));
        for other in [
            &ARN[..ARN.len() - 1],
            &format!("{ARN}/"),
            &ARN.replace("GET", "PUT"),
            &ARN.to_uppercase(),
            "",
        ] {
            assert!(
                !is_allowed(&json!([statement("Allow", "execute-api:Invoke", other)])),
                "{other}"
            );
        }
    }

    #[test]
    fn patterns_match_as_in_iam() {
        for pattern in [
            "*",
            "arn:aws:execute-api:*",
            "arn:*:api/development/*/api/v?/*",
            "*configs",
            "**",
        ] {
            assert!(
                is_allowed(&json!([statement("Allow", "execute-api:Invoke", pattern)])),
                "{pattern}"
            );
        }
        for pattern in ["arn:*:api/production/*", "?", "*configs?", "*zz*"] {
            assert!(
                !is_allowed(&json!([statement("Allow", "execute-api:Invoke", pattern)])),
                "{pattern}"
            );
        }
    }

    #[test]
    fn action_matches_in_any_case_and_by_pattern() {
        for action in ["execute-api:*", "EXECUTE-API:invoke", "*"] {
            assert!(is_allowed(&json!([statement("Allow", action, ARN)])), "{action}");
        }
        assert!(!is_allowed(&json!([statement(
            "Allow",
            "execute-api:ManageConnections",
            ARN
        )])));
    }

    #[test]
    fn deny_wins_and_no_statement_denies() {
        let allow = statement("Allow", "execute-api:Invoke", "*");
        let deny = statement("Deny", "execute-api:Invoke", ARN);
        assert_eq!(decide(&response(&json!([allow, deny]))).unwrap(), Decision::Deny);
        assert_eq!(decide(&response(&json!([deny]))).unwrap(), Decision::Deny);
        assert_eq!(decide(&response(&json!([]))).unwrap(), Decision::Deny);
    }

    #[test]
    fn context_reaches_the_function_as_strings_with_the_principal() {
        let mut response = response(&json!([statement("Allow", "execute-api:Invoke", ARN)]));
        response["context"] = json!({"authMethod": "hmac", "keyVersion": 3, "fresh": true});
        let Decision::Allow(context) = decide(&response).unwrap() else {
            panic!("expected Allow")
        };
        let expected = json!({"authMethod": "hmac", "keyVersion": "3", "fresh": "true", "principalId": "client"});
        assert_eq!(Value::Object(context), expected);
    }

    #[test]
    fn malformed_response_is_an_error_and_never_a_decision() {
        let allow = json!([statement("Allow", "execute-api:Invoke", ARN)]);
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut response = response(&allow);
            change(&mut response);
            response
        };
        let statement_with = |name: &str, value: Value| {
            changed(&|response| response["policyDocument"]["Statement"][0][name] = value.clone())
        };
        for malformed in [
            json!(null),
            json!("Unauthorized"),
            json!({}),
            changed(&|response| response["principalId"] = json!("")),
            changed(&|response| response["principalId"] = json!(1)),
            changed(&|response| response["policyDocument"] = json!(null)),
            changed(&|response| response["policyDocument"]["Version"] = json!("2024-01-01")),
            changed(&|response| response["context"] = json!({"roles": ["a"]})),
            changed(&|response| response["context"] = json!({"nothing": null})),
            changed(&|response| response["isAuthorized"] = json!(true)),
            statement_with("Effect", json!("allow")),
            statement_with("Effect", json!(null)),
            statement_with("Condition", json!(null)),
            statement_with("Condition", json!({"IpAddress": {}})),
            statement_with("NotAction", json!("s3:*")),
            statement_with("Resource", json!(7)),
        ] {
            assert!(decide(&malformed).is_err(), "{malformed}");
        }
        assert!(evaluate(b"", ARN).is_err());
        assert!(evaluate(b"{\"principalId\"", ARN).is_err());
    }
}
