//! What each operation answers: every status, its headers, its body and an example of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use tenant_core::{InputError, TenantId, parse_create};
use tenant_store::StoreError;
use utoipa::{IntoResponses, openapi};

use crate::{
    body::MediaTypeError, context::Now, envelope::Failure, error::ApiError, handlers::configs, query::QueryError,
};

/// What every operation that needs a signature may answer beside its own.
const OF_ALL: [(&str, &str); 11] = [
    ("400", "InvalidRequest"),
    ("401", "Unauthorized"),
    ("403", "Forbidden"),
    ("404", "NotFound"),
    ("405", "MethodNotAllowed"),
    ("413", "BodyTooLarge"),
    ("429", "TooManyRequests"),
    ("500", "ServiceFailed"),
    ("502", "BadAnswer"),
    ("503", "Unavailable"),
    ("504", "AnswerTimeout"),
];

/// Names the answers of an operation: its own beside those of all, or its own alone.
macro_rules! answers {
    ($($name:ident: $own:expr;)*) => {$(
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, openapi::RefOr<openapi::Response>> {
                let own: &[(&str, &str)] = &$own;
                let is_open = own.iter().any(|(status, _)| *status == "401");
                let of_all = OF_ALL.iter().filter(|_| !is_open);
                // The last entry of a status counts, and so its own come last.
                of_all
                    .chain(own)
                    .filter(|(_, response)| !response.is_empty())
                    .map(|(status, response)| ((*status).to_owned(), openapi::Ref::from_response_name(*response).into()))
                    .collect()
            }
        }
    )*};
}

answers! {
    Create: [
        ("201", "Created"),
        ("409", "AlreadyExists"),
        ("412", "PreconditionFailed"),
        ("415", "UnsupportedMediaType"),
        ("422", "BrokenRules"),
    ];
    Read: [("200", "Configuration"), ("304", "NotModified"), ("412", "PreconditionFailed")];
    Update: [
        ("200", "Updated"),
        ("412", "PreconditionFailed"),
        ("415", "UnsupportedMediaType"),
        ("422", "BrokenRules"),
    ];
    Delete: [("200", "Deleted"), ("412", "PreconditionFailed")];
    ListTenant: [("200", "TenantList")];
    ListAll: [("200", "Page")];
    Validate: [("200", "Validated")];
    Health: OPEN_HEALTH;
    Description: OPEN_DESCRIPTION;
}

/// An open operation has no 401: the empty name takes it away.
const OPEN_HEALTH: [(&str, &str); 9] = [
    ("200", "Healthy"),
    ("400", "InvalidRequest"),
    ("401", ""),
    ("405", "MethodNotAllowed"),
    ("413", "BodyTooLarge"),
    ("429", "TooManyRequests"),
    ("500", "ServiceFailed"),
    ("503", "Unhealthy"),
    ("504", "AnswerTimeout"),
];
const OPEN_DESCRIPTION: [(&str, &str); 8] = [
    ("200", "Description"),
    ("400", "InvalidRequest"),
    ("401", ""),
    ("405", "MethodNotAllowed"),
    ("413", "BodyTooLarge"),
    ("429", "TooManyRequests"),
    ("500", "ServiceFailed"),
    ("504", "AnswerTimeout"),
];

/// The responses, by the names that the operations refer to.
pub(super) fn responses() -> Value {
    let responses: Map<_, _> = successes()
        .into_iter()
        .chain(failures())
        .chain(gateway_failures())
        .collect();
    responses.into()
}

fn successes() -> Vec<(String, Value)> {
    let told = |done: &str| format!("{done} the cloudwatch delivery configuration of tenant acme-corp.");
    let mut created = body(
        "DeliveryConfigAnswer",
        &success(Some(&configuration()), Some(&told("Created"))),
    );
    let mut updated = body(
        "DeliveryConfigAnswer",
        &success(Some(&configuration()), Some(&told("Updated"))),
    );
    let mut read = body("DeliveryConfigAnswer", &success(Some(&configuration()), None));
    for response in [&mut created, &mut updated, &mut read] {
        response["links"] = links();
    }
    let list = json!({ "configurations": [configuration()], "count": 1 });
    let page =
        json!({ "configurations": [configuration()], "count": 1, "limit": 1, "last_key": "acme-corp#cloudwatch" });
    let checks = json!([{ "field": "tenant_id", "status": "ok", "code": "ok", "message": "tenant_id is well-formed" }]);
    let report = json!({ "tenant_id": "acme-corp", "type": "cloudwatch", "valid": true, "checks": checks });
    let description = json!({ "content": { "application/json": { "schema": { "type": "object" } } } });
    let etag: &[&str] = &["ETag"];
    vec![
        respond(
            "Created",
            "Created, with what is stored: defaults are filled in.",
            &["ETag", "Location"],
            created,
        ),
        respond("Configuration", "The configuration.", etag, read),
        respond("Updated", "Changed, with what is stored now.", etag, updated),
        respond(
            "NotModified",
            "The client has this version already. No body.",
            etag,
            json!({}),
        ),
        respond(
            "Deleted",
            "Deleted.",
            &[],
            body("DeletionAnswer", &success(None, Some(&told("Deleted")))),
        ),
        respond(
            "TenantList",
            "The tenant's configurations; an unknown tenant has none.",
            &[],
            body("DeliveryConfigListAnswer", &success(Some(&list), None)),
        ),
        respond(
            "Page",
            "A page. There is more while it has a `last_key`.",
            &[],
            body("DeliveryConfigPageAnswer", &success(Some(&page), None)),
        ),
        respond(
            "Validated",
            "Whether the configuration is valid, check by check.",
            &[],
            body("ValidationAnswer", &success(Some(&report), None)),
        ),
        respond(
            "Healthy",
            "The service can do its work.",
            &[],
            body("HealthAnswer", &success(Some(&health("healthy")), None)),
        ),
        respond("Description", "The OpenAPI document.", &[], description),
    ]
}

/// What the function itself answers; the sentences are its own.
fn failures() -> Vec<(String, Value)> {
    let retry: &[&str] = &["Retry-After"];
    let failed = |error: ApiError| body("Failure", &failure(&error));
    let unhealthy = {
        let mut example = failure(&ApiError::Store(StoreError::Unavailable("unreachable".into())));
        example["data"] = health("unhealthy");
        body("UnhealthyAnswer", &example)
    };
    let throttled = failed(StoreError::Throttled("busy".into()).into());
    vec![
        respond(
            "InvalidRequest",
            "The URL, a header or the body is malformed: it is not JSON, is empty, names another tenant or type than the \
             URL, changes nothing, or is not what `X-Body-SHA256` says.",
            &[],
            failed(QueryError::Repeated("limit").into()),
        ),
        respond(
            "NotFound",
            "No such configuration, or no such route.",
            &[],
            failed(configs::not_found()),
        ),
        respond(
            "MethodNotAllowed",
            "The URL does not take the method. `HEAD` works wherever `GET` does.",
            &["Allow"],
            failed(ApiError::MethodNotAllowed),
        ),
        respond(
            "AlreadyExists",
            "The tenant has a configuration of this type.",
            &[],
            failed(configs::already_exists()),
        ),
        respond(
            "PreconditionFailed",
            "`If-Match` or `If-None-Match` does not hold.",
            &[],
            failed(ApiError::VersionMismatch),
        ),
        respond(
            "BodyTooLarge",
            "The body is larger than 64 KiB.",
            &[],
            failed(ApiError::BodyTooLarge),
        ),
        respond(
            "UnsupportedMediaType",
            "The body is said to be something else than JSON.",
            &[],
            failed(MediaTypeError::NotJson.into()),
        ),
        respond(
            "BrokenRules",
            "The body breaks rules; each of them is told.",
            &[],
            body("BrokenRules", &failure(&broken_rules())),
        ),
        respond(
            "ServiceFailed",
            "A defect, or a request that could not be authorized for a reason of the service.",
            &[],
            failed(ApiError::Panicked),
        ),
        respond(
            "Unavailable",
            "The store is busy or cannot be reached.",
            retry,
            throttled,
        ),
        respond("Unhealthy", "The service cannot do its work.", retry, unhealthy),
    ]
}

/// What API Gateway answers by itself.
fn gateway_failures() -> Vec<(String, Value)> {
    let refused = |sentence: &str| {
        body(
            "GatewayFailure",
            &json!({ "timestamp": "15/Jan/2024:10:30:00 +0000", "status": "error", "error": sentence }),
        )
    };
    vec![
        respond(
            "Unauthorized",
            "A header of the signature is missing.",
            &["WWW-Authenticate"],
            refused("The headers Authorization and X-API-Timestamp are required."),
        ),
        respond(
            "Forbidden",
            "The signature or its time is refused.",
            &[],
            refused("The request's signature or timestamp was refused."),
        ),
        respond(
            "TooManyRequests",
            "More requests than the service takes.",
            &["Retry-After"],
            refused("Too many requests; wait a moment, then try again."),
        ),
        respond(
            "BadAnswer",
            "The service broke off.",
            &[],
            refused("The service failed to answer; try again."),
        ),
        respond(
            "AnswerTimeout",
            "The service took too long.",
            &[],
            refused("The service did not answer in time; try again."),
        ),
    ]
}

fn respond(name: &str, description: &str, headers: &[&str], mut response: Value) -> (String, Value) {
    let headers: Map<_, _> = ["X-Request-Id", "Cache-Control"]
        .iter()
        .chain(headers)
        .map(|header| {
            (
                (*header).to_owned(),
                json!({ "$ref": format!("#/components/headers/{header}") }),
            )
        })
        .collect();
    response["description"] = description.into();
    response["headers"] = headers.into();
    (name.to_owned(), response)
}

fn body(schema: &str, example: &Value) -> Value {
    let schema = format!("#/components/schemas/{schema}");
    json!({ "content": { "application/json": { "schema": { "$ref": schema }, "example": example } } })
}

/// What can be done with a configuration that was answered.
fn links() -> Value {
    let whole = json!({ "tenant_id": "$response.body#/data/tenant_id", "type": "$response.body#/data/type" });
    let mut guarded = whole.clone();
    guarded["If-Match"] = "$response.header.ETag".into();
    json!({
        "read": { "operationId": "getDeliveryConfig", "parameters": whole, "description": "Read it." },
        "validate": { "operationId": "validateDeliveryConfig", "parameters": whole, "description": "Check it." },
        "put": { "operationId": "putDeliveryConfig", "parameters": guarded, "description": "Change it, if nobody else has." },
        "patch": { "operationId": "patchDeliveryConfig", "parameters": whole, "description": "Change it." },
        "delete": { "operationId": "deleteDeliveryConfig", "parameters": whole, "description": "Delete it." },
        "list": {
            "operationId": "listTenantDeliveryConfigs",
            "parameters": { "tenant_id": "$response.body#/data/tenant_id" },
            "description": "Read it among the others of its tenant.",
        },
    })
}

/// The configuration of the examples.
pub(super) fn configuration() -> Value {
    json!({
        "tenant_id": "acme-corp",
        "type": "cloudwatch",
        "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole",
        "log_group_name": "/aws/logs/acme-corp",
        "target_region": "us-east-1",
        "enabled": true,
        "desired_logs": ["payment-service", "user-service"],
        "created_at": "2024-01-15T10:30:00Z",
        "updated_at": "2024-01-15T10:30:00Z",
    })
}

fn health(status: &str) -> Value {
    json!({
        "status": status,
        "service": "tenant-management-api",
        "version": env!("CARGO_PKG_VERSION"),
        "checks": { "dynamodb": { "status": status, "latency_ms": 4 } },
    })
}

fn success(data: Option<&Value>, message: Option<&str>) -> Value {
    let mut envelope = json!({ "timestamp": "2024-01-15T10:30:00Z", "status": "success" });
    if let Some(data) = data {
        envelope["data"] = data.clone();
    }
    if let Some(message) = message {
        envelope["message"] = message.into();
    }
    envelope
}

fn failure(error: &ApiError) -> Value {
    let sentence = error.client_message();
    let failure = Failure::new(Now(moment()), &sentence).with_details(error.details());
    serde_json::from_slice(&failure.into_bytes()).unwrap()
}

fn broken_rules() -> ApiError {
    let tenant: TenantId = "acme-corp".parse().unwrap();
    let body = br#"{"tenant_id": "acme-corp", "type": "s3", "bucket_name": "Logs", "enable": true}"#;
    match parse_create(body, &tenant, moment()) {
        Err(error @ InputError::BrokenRules(_)) => error.into(),
        other => panic!("the example breaks rules: {other:?}"),
    }
}

fn moment() -> DateTime<Utc> {
    "2024-01-15T10:30:00Z".parse().unwrap()
}
