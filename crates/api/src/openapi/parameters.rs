//! Parameters of requests and headers of responses.

use serde_json::{Value, json};
use tenant_core::PageLimit;

use super::{fields::types, patterns};

const ENTITY_TAGS: &str = r#"^(?:\*|(?:W/)?"[!#-~]*"(?:[ \t]*,[ \t]*(?:W/)?"[!#-~]*"){0,99})$"#;

/// A part of a paging key that stands for a key which no configuration can have.
const RAW: &str = r#"(?:[!-"$&-~]|%[0-7][0-9A-F])+"#;

/// By name, which is also the key of the component.
pub(super) fn parameters() -> Value {
    json!({
        "tenant_id": {
            "name": "tenant_id",
            "in": "path",
            "required": true,
            "description": "The tenant.",
            "schema": { "type": "string", "pattern": patterns::tenant_id() },
            "example": "acme-corp",
        },
        "type": {
            "name": "type",
            "in": "path",
            "required": true,
            "description": "The delivery type.",
            "schema": { "type": "string", "enum": types() },
            "example": "cloudwatch",
        },
        "limit": {
            "name": "limit",
            "in": "query",
            "description": "How many configurations a page holds at most.",
            "schema": { "type": "integer", "minimum": 1, "maximum": PageLimit::MAX, "default": PageLimit::default().get() },
            "example": 50,
        },
        "last_key": {
            "name": "last_key",
            "in": "query",
            "description": "The `last_key` of the page before, percent-encoded (`#` is `%23`); left out or empty for the first page. \
                It works after the configuration that it names was deleted.",
            "schema": { "type": "string", "pattern": format!("^(?:{}|={RAW}#={RAW})?$", plain_key()) },
            "example": "acme-corp#s3",
        },
        "live": {
            "name": "live",
            "in": "query",
            "description": "Whether to look beyond the table; with `false` what would be looked at is `skipped`.",
            "schema": { "type": "boolean", "default": true },
            "example": false,
        },
        "If-Match": {
            "name": "If-Match",
            "in": "header",
            "description": "`*` or up to 100 entity tags, in double quotes and separated by commas: go on only while the configuration is at \
                one of these versions. Otherwise the answer is a 412, and nothing happens.",
            "schema": { "type": "string", "pattern": ENTITY_TAGS },
            "examples": { "any": { "summary": "Any version", "value": "*" } },
        },
        "If-None-Match": {
            "name": "If-None-Match",
            "in": "header",
            "description": "`*` or up to 100 entity tags: go on only while the configuration is at none of these versions. A read \
                answers 304 otherwise, anything else 412. With `*` a create tells a 412 from the 409 of a client that did not expect one.",
            "schema": { "type": "string", "pattern": ENTITY_TAGS },
            "examples": { "none": { "summary": "A version that this service never gives", "value": "\"0-unknown\"" } },
        },
        "X-Body-SHA256": {
            "name": "X-Body-SHA256",
            "in": "header",
            "description": "The SHA-256 of the body in 64 hex digits. With it the signature covers the body too. An operator can require it \
                for POST, PUT and PATCH; such a service refuses a request without it with a 403.",
            "schema": { "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" },
        },
    })
}

fn plain_key() -> String {
    let tenant_id = patterns::tenant_id();
    let tenant_id = tenant_id.trim_start_matches('^').trim_end_matches('$');
    format!("{tenant_id}#(?:{})", types().join("|"))
}

/// By name, which is also the key of the component.
pub(super) fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "The id of this request, which every line that the service logs of it has.",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
            "example": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        },
        "Cache-Control": {
            "description": "`no-store`, except for this description.",
            "required": true,
            "schema": { "type": "string" },
            "example": "no-store",
        },
        "ETag": {
            "description": "The entity tag of the configuration's content, in double quotes. It is opaque and changes with every change of the content.",
            "required": true,
            "schema": { "type": "string", "pattern": "^\"[0-9a-f]{32}\"$" },
            "example": "\"5d41402abc4b2a76b9719d911017c592\"",
        },
        "Location": {
            "description": "The path of the configuration, without a stage.",
            "required": true,
            "schema": { "type": "string", "pattern": format!("^/api/v1/tenants/[A-Za-z0-9_-]+/delivery-configs/(?:{})$", types().join("|")) },
            "example": "/api/v1/tenants/acme-corp/delivery-configs/cloudwatch",
        },
        "Retry-After": {
            "description": "Seconds after which to repeat the request.",
            "required": true,
            "schema": { "type": "integer", "minimum": 0 },
            "example": 1,
        },
        "Allow": {
            "description": "The methods that the URL takes.",
            "required": true,
            "schema": { "type": "string" },
            "example": "GET,HEAD,POST",
        },
        "WWW-Authenticate": {
            "description": "The scheme's name.",
            "schema": { "type": "string" },
            "example": "HMAC-SHA256",
        },
    })
}
