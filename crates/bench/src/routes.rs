//! The measured requests, and the checks of their responses.

use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{error::BenchError, events::Call, runtime_api::Reply};

/// The tenant whose configurations are read; both are there throughout.
pub(crate) const READ_TENANT: &str = "acme-corp";
/// The tenant whose configuration comes and goes.
const WRITE_TENANT: &str = "bench-writer";

/// A repeated request, and its expected response.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    call: Call,
    target: Target,
}

/// The function that is invoked, and the expected response.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// Any function, for any response.
    Echo,
    /// The floor of a route, by its index.
    Floor(usize),
    /// The api function, for a response with this status.
    Api(u16),
    /// The authorizer, which allows the request.
    AuthorizerAllow,
    /// The authorizer, which denies the request, since its signature is forged.
    AuthorizerDeny,
}

/// The one that all functions can be compared by: it is one `GetItem`.
pub(crate) fn get_one() -> Route {
    Route::for_api("GET one", Call::new("GET", config_path(READ_TENANT, "s3")), 200)
}

/// Every route that leaves the table as it is.
pub(crate) fn reads() -> Vec<Route> {
    vec![
        get_one(),
        Route::for_api("GET health", Call::new("GET", "/api/v1/health"), 200),
        Route::for_api("GET of tenant", Call::new("GET", tenant_path(READ_TENANT)), 200),
        Route::for_api("GET page of 50", Call::new("GET", "/api/v1/delivery-configs"), 200),
        Route::for_api(
            "GET validate",
            Call::new("GET", config_path(READ_TENANT, "s3") + "/validate"),
            200,
        ),
    ]
}

/// Every other one. Together, and in this order, they leave the table as it was.
pub(crate) fn writes() -> Vec<Route> {
    let config = config_path(WRITE_TENANT, "s3");
    vec![
        Route::for_api(
            "POST",
            Call::new("POST", tenant_path(WRITE_TENANT)).with_body(s3_config(WRITE_TENANT)),
            201,
        ),
        Route::for_api("PUT", Call::new("PUT", config.clone()).with_body(s3_update()), 200),
        Route::for_api(
            "PATCH",
            Call::new("PATCH", config.clone()).with_body(json!({"enabled": false})),
            200,
        ),
        Route::for_api("DELETE", Call::new("DELETE", config), 200),
    ]
}

/// A deletion of a configuration that does not exist: a single call, whose condition is not met.
pub(crate) fn delete_nothing() -> Route {
    let nobody = config_path("nobody", "s3");
    Route::for_api("DELETE of nothing", Call::new("DELETE", nobody), 404)
}

/// A change of a configuration that is there throughout, which leaves its fields as they are.
pub(crate) fn patch() -> Route {
    Route::for_api("PATCH alone", patch_call(), 200)
}

/// The same on the condition that the configuration has this entity tag.
pub(crate) fn patch_if_match(tag: &str) -> Route {
    Route::for_api("PATCH with If-Match", patch_call().with_header("If-Match", tag), 200)
}

fn patch_call() -> Call {
    Call::new("PATCH", config_path(READ_TENANT, "s3")).with_body(json!({"enabled": true}))
}

/// The authorizer's decision on [`get_one`].
pub(crate) fn authorize() -> Route {
    Route::allowed("authorize", Call::new("GET", config_path(READ_TENANT, "s3")))
}

/// The event of [`get_one`], handed back unread.
pub(crate) fn echo() -> Route {
    Route {
        name: "echo",
        target: Target::Echo,
        ..get_one()
    }
}

impl Route {
    pub(crate) fn for_api(name: &'static str, call: Call, status: u16) -> Self {
        Self {
            name,
            call,
            target: Target::Api(status),
        }
    }

    pub(crate) fn for_floor(name: &'static str, place: usize) -> Self {
        Self {
            name,
            target: Target::Floor(place),
            ..get_one()
        }
    }

    pub(crate) fn allowed(name: &'static str, call: Call) -> Self {
        Self {
            name,
            call,
            target: Target::AuthorizerAllow,
        }
    }

    pub(crate) fn forged(name: &'static str, call: Call) -> Self {
        Self {
            name,
            call,
            target: Target::AuthorizerDeny,
        }
    }

    /// The event as it is now: a signature holds for five minutes.
    pub(crate) fn event(&self) -> Bytes {
        match self.target {
            Target::Echo | Target::Api(_) => self.call.api_event(),
            Target::Floor(place) => Bytes::from(place.to_string()),
            Target::AuthorizerAllow => self.call.authorizer_event(),
            Target::AuthorizerDeny => self.call.forged_authorizer_event(),
        }
    }

    /// Checks the response: an incorrect response may be faster.
    pub(crate) fn check(&self, reply: &Reply) -> Result<(), BenchError> {
        let (expected, got) = match (self.target, &reply.body) {
            (Target::Echo | Target::Floor(_), Ok(_)) => return Ok(()),
            (Target::Api(status), Ok(body)) => (status.to_string(), status_of(body)?.to_string()),
            (Target::AuthorizerAllow, Ok(body)) => ("Allow".to_owned(), effect_of(body)?),
            (Target::AuthorizerDeny, Ok(body)) => ("Deny".to_owned(), effect_of(body)?),
            (_, Err(error)) => ("a response".to_owned(), String::from_utf8_lossy(error).into_owned()),
        };
        if expected == got {
            return Ok(());
        }
        Err(BenchError::UnexpectedReply {
            route: self.name,
            expected,
            got,
        })
    }
}

pub(crate) fn tenant_path(tenant: &str) -> String {
    format!("/api/v1/tenants/{tenant}/delivery-configs")
}

pub(crate) fn config_path(tenant: &str, delivery_type: &str) -> String {
    format!("/api/v1/tenants/{tenant}/delivery-configs/{delivery_type}")
}

/// The configurations of the API's first description.
pub(crate) fn s3_config(tenant: &str) -> Value {
    json!({
        "tenant_id": tenant, "type": "s3", "bucket_name": "acme-corp-logs", "bucket_prefix": "ROSA/cluster-logs/",
        "target_region": "us-east-1", "enabled": true, "desired_logs": ["payment-service", "user-service"],
    })
}

pub(crate) fn cloudwatch_config(tenant: &str) -> Value {
    json!({
        "tenant_id": tenant, "type": "cloudwatch", "log_group_name": "/aws/logs/acme-corp",
        "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole",
        "target_region": "us-east-1", "enabled": true, "desired_logs": ["payment-service", "user-service"],
    })
}

fn s3_update() -> Value {
    json!({
        "bucket_name": "acme-corp-logs-west", "target_region": "us-west-2", "enabled": true,
        "desired_logs": ["payment-service", "user-service", "api-gateway"],
    })
}

/// The status of a response of the api function.
pub(crate) fn status_of(body: &[u8]) -> Result<u16, BenchError> {
    #[derive(Deserialize)]
    struct ProxyResponse {
        #[serde(rename = "statusCode")]
        status_code: u16,
    }
    Ok(serde_json::from_slice::<ProxyResponse>(body)?.status_code)
}

/// The entity tag in a response of the api function.
pub(crate) fn tag_of(reply: &Reply) -> Result<String, BenchError> {
    let body = reply.body.as_deref().unwrap_or_default();
    let response: Value = serde_json::from_slice(body)?;
    Ok(response["headers"]["etag"].as_str().unwrap_or_default().to_owned())
}

fn effect_of(body: &[u8]) -> Result<String, BenchError> {
    let reply: Value = serde_json::from_slice(body)?;
    let effect = &reply["policyDocument"]["Statement"][0]["Effect"];
    Ok(effect.as_str().unwrap_or_default().to_owned())
}
