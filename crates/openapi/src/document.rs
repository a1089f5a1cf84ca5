//! The parts of the document, put together.

use serde_json::{Value, json};
use tenant_core::DeliveryType;

use crate::{operations, parameters, responses, schemas, security, webhooks};

/// The whole document.
///
/// # Panics
/// If the attributes of a handler name a parameter that `parameters` does not describe, or a body without an example.
#[must_use]
pub fn document() -> Value {
    let derived = serde_json::to_value(api::description::operations()).unwrap();
    let derived = schemas::rename(derived);
    json!({
        "openapi": derived["openapi"],
        "info": info(),
        "servers": servers(),
        "tags": tags(),
        "security": security::requirement(),
        "paths": operations::paths(&derived["paths"]),
        "webhooks": webhooks::requests(),
        "components": {
            "schemas": schemas::schemas(&derived["components"]["schemas"]),
            "parameters": parameters::parameters(),
            "headers": parameters::headers(),
            "responses": responses::failures(),
            "securitySchemes": security::schemes(),
        },
    })
}

fn info() -> Value {
    let types = DeliveryType::ALL
        .map(|delivery_type| format!("`{delivery_type}`"))
        .join(", ");
    json!({
        "title": "Tenant Management API",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Where the logs of each tenant are delivered.",
        "description": format!("Log delivery configurations: a tenant has at most one of each type ({types}).\n\
            \n\
            Every response is JSON in one envelope, except for a 304, the response to a `HEAD` and this description. `HEAD` works wherever `GET` does. \
            A write can be made conditional on the version that was read: send the `ETag` of the response as `If-Match`. \
            After a 429, a 500, a 502, a 503 or a 504, repeat the request after `Retry-After` seconds, or after a second."),
        "contact": { "name": "The operators of this service" },
        "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
    })
}

fn servers() -> Value {
    json!([
        { "url": "/", "description": "The host of this document: a custom domain, or the local server" },
        {
            "url": "https://{api_id}.execute-api.{region}.amazonaws.com/{stage}",
            "description": "The host name that API Gateway assigns. The stage is part of the path, and of the URI that is signed.",
            "variables": {
                "api_id": { "default": "abc123" },
                "region": { "default": "us-east-1" },
                "stage": { "default": "development" },
            },
        },
    ])
}

fn tags() -> Value {
    json!([
        { "name": "Delivery configurations", "description": "Create, read, change and delete one configuration." },
        { "name": "Batches", "description": "Change many configurations in one request." },
        { "name": "Lists", "description": "Read many configurations." },
        { "name": "History", "description": "What changed, who changed it, and back again." },
        { "name": "Webhooks", "description": "Send each change to a URL, and see what arrived." },
        { "name": "Service", "description": "Operations that need no signature." },
    ])
}
