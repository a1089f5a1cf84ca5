//! The response of an authorizer: an IAM policy for one request.
//!
//! API Gateway rejects a response with a member that it does not know or an unexpected `null`. So the writer always has
//! an effect and omits what is absent, and [`evaluate`] rejects what API Gateway rejects.

mod evaluate;

use serde::{Deserialize, Serialize};

pub use self::evaluate::{Decision, PolicyError, evaluate};
use crate::MethodArn;

/// The one action that a client of a REST API performs.
const INVOKE: &str = "execute-api:Invoke";
/// The current version of IAM's policy language.
const VERSION: &str = "2012-10-17";

/// A response that allows or denies one request. `C` is the context that API Gateway passes on to the integration; its
/// members must serialise as strings, numbers or booleans.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy<'a, C> {
    principal_id: &'static str,
    #[serde(rename = "policyDocument")]
    document: Document<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<C>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    action: &'static str,
    effect: Effect,
    resource: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

impl<'a, C: Serialize> Policy<'a, C> {
    /// Allows this method and nothing else.
    #[must_use]
    pub const fn allow(principal_id: &'static str, resource: MethodArn<'a>, context: C) -> Self {
        Self::new(principal_id, Effect::Allow, resource, Some(context))
    }

    /// Denies this method, without a context.
    #[must_use]
    pub const fn deny(principal_id: &'static str, resource: MethodArn<'a>) -> Self {
        Self::new(principal_id, Effect::Deny, resource, None)
    }

    const fn new(principal_id: &'static str, effect: Effect, resource: MethodArn<'a>, context: Option<C>) -> Self {
        let statement = Statement {
            action: INVOKE,
            effect,
            resource: resource.as_str(),
        };
        Self {
            principal_id,
            document: Document {
                version: VERSION,
                statement: [statement],
            },
            context,
        }
    }

    /// The response as JSON.
    ///
    /// # Panics
    ///
    /// If the context does not serialise.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and a context of strings are always JSON")
    }
}
