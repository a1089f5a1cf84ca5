//! Parameters of requests and headers of responses.

use serde_json::{Value, json};
use tenant_core::{
    DeliveryType, Filter, PageLimit, TenantId,
    history::ChangeNote,
    webhook::{DeliveryStatus, ReplayId, WebhookId},
};

use crate::{
    config_fields::without_anchors,
    names::{REPLAY, WEBHOOK, event_example, revision_example},
};

const ENTITY_TAGS: &str = r#"^(?:\*|(?:W/)?"[!#-~]*"(?:[ \t]*,[ \t]*(?:W/)?"[!#-~]*"){0,99})$"#;

/// A text without control characters.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// A part of a paging key that is not a valid tenant id or delivery type.
const RAW: &str = r"(?:[A-Za-z0-9_-]|\.[0-9A-F]{2})+";

pub(crate) const FILTER: &str = "What the configurations must be like, in a subset of AIP-160: comparisons such as `type = s3`, \
    `bucket_name = \"acme-*\"`, `updated_at > 2024-01-15T10:30:00Z` and `desired_logs:\"payment-service\"`, `field:*` for a field that is present, \
    `labels.KEY`, `account` for the account of the role, `delivers(\"NAME\")`, `broken`, and words alone, which are found anywhere in the tenant, the bucket, the log group \
    or the role. They are joined by `AND` (which can be left out), `OR` (which binds tighter) and `NOT`. Up to 20 of them.";
pub(crate) const FILTER_EXAMPLE: &str = "type = s3 AND enabled = true";
pub(crate) const LIMIT: &str = "The largest number of configurations on a page.";

/// What the name of a revision looks like: its parts have fixed lengths, except for a sequence number of up to 40 digits.
const REVISION: &str = "^[0-9a-v]{24,64}$";

/// What a paging key looks like. An empty one is that of the first page.
pub(crate) fn last_key_pattern() -> String {
    format!(r"^(?:{}|\.{RAW}#\.{RAW})?$", plain_key())
}

/// By name, which is also the key of the component.
#[expect(clippy::too_many_lines, reason = "it is a table, one entry for each parameter")]
pub(crate) fn parameters() -> Value {
    json!({
        "tenant_id": {
            "name": "tenant_id",
            "in": "path",
            "required": true,
            "description": "The tenant. Items that were written into the table by hand can have any other id, percent-encoded: they can be read, \
                listed, validated and deleted.",
            "schema": { "type": "string", "pattern": TenantId::PATTERN },
            "example": "acme-corp",
        },
        "type": {
            "name": "type",
            "in": "path",
            "required": true,
            "description": "The delivery type. Items that were written into the table by hand can have any other type: they can be read, validated \
                and deleted.",
            "schema": { "$ref": "#/components/schemas/DeliveryType" },
            "example": "cloudwatch",
        },
        "limit": {
            "name": "limit",
            "in": "query",
            "description": LIMIT,
            "schema": { "type": "integer", "minimum": 1, "maximum": PageLimit::MAX, "default": PageLimit::default().get() },
            "example": 50,
        },
        "last_key": {
            "name": "last_key",
            "in": "query",
            "description": "The `last_key` of the previous page, percent-encoded (`#` is `%23`). If absent or empty, the first page. \
                It stays valid when the configuration that it names is deleted.",
            "schema": { "type": "string", "pattern": last_key_pattern() },
            "example": "acme-corp#s3",
        },
        "filter": {
            "name": "filter",
            "in": "query",
            "description": FILTER,
            "schema": { "type": "string", "maxLength": Filter::MAX_CHARS },
            "example": FILTER_EXAMPLE,
        },
        "revision": {
            "name": "revision",
            "in": "path",
            "required": true,
            "description": "The name of a revision, as a response of the history contains it.",
            "schema": { "type": "string", "pattern": REVISION },
            "example": revision_example(),
        },
        "webhook_id": {
            "name": "webhook_id",
            "in": "path",
            "required": true,
            "description": "The webhook.",
            "schema": { "type": "string", "pattern": WebhookId::PATTERN },
            "example": WEBHOOK,
        },
        "replay_id": {
            "name": "replay_id",
            "in": "path",
            "required": true,
            "description": "The replay.",
            "schema": { "type": "string", "pattern": ReplayId::PATTERN },
            "example": REPLAY,
        },
        "event_id": {
            "name": "event_id",
            "in": "path",
            "required": true,
            "description": "The event, as the header `webhook-id` or a delivery names it.",
            "schema": { "type": "string", "pattern": "^evt_[0-9a-v]{24,64}(?:-[0-9a-f]{16})?$" },
            "example": event_example(),
        },
        "status": {
            "name": "status",
            "in": "query",
            "description": "Only deliveries with this status.",
            "schema": { "type": "string", "enum": DeliveryStatus::ALL.map(DeliveryStatus::as_str) },
            "example": "failed",
        },
        "delivery_cursor": {
            "name": "cursor",
            "in": "query",
            "description": "The `cursor` of the previous page. If absent or empty, the first page.",
            "schema": { "type": "string", "pattern": "^(?:evt_[0-9a-v]{24,64}(?:-[0-9a-f]{16})?)?$" },
            "example": event_example(),
        },
        "cursor": {
            "name": "cursor",
            "in": "query",
            "description": "The `cursor` of the previous page. If absent or empty, the first page.",
            "schema": { "type": "string", "pattern": "^(?:[0-9a-v]{9,81})?$" },
            "example": revision_example(),
        },
        "since": {
            "name": "since",
            "in": "query",
            "description": "Only what changed at this time or later, or was recorded since then in a feed. A feed ignores it where there is a `cursor`.",
            "schema": { "type": "string", "format": "date-time" },
            "example": "2024-01-15T10:30:00Z",
        },
        "until": {
            "name": "until",
            "in": "query",
            "description": "Only what changed before this time.",
            "schema": { "type": "string", "format": "date-time" },
            "example": "2024-01-16T10:30:00Z",
        },
        "order": {
            "name": "order",
            "in": "query",
            "description": "`desc` for the latest change first, `asc` for the earliest one.",
            "schema": { "type": "string", "enum": ["desc", "asc"], "default": "desc" },
            "example": "asc",
        },
        "event": {
            "name": "event",
            "in": "query",
            "description": "Only changes of this kind.",
            "schema": { "$ref": "#/components/schemas/Event" },
            "example": "deleted",
        },
        "at": {
            "name": "at",
            "in": "query",
            "description": "A time that has passed: read the configuration as it was at the end of that second.",
            "schema": { "type": "string", "format": "date-time" },
            "example": "2024-01-15T10:30:00Z",
        },
        "dry_run": {
            "name": "dry_run",
            "in": "query",
            "description": "Whether to report what would happen, and write nothing.",
            "schema": { "type": "boolean", "default": false },
            "example": true,
        },
        "live": {
            "name": "live",
            "in": "query",
            "description": "Whether to check the resources that the configuration names. With `false`, those checks are `skipped`.",
            "schema": { "type": "boolean", "default": true },
            "example": false,
        },
        "return": {
            "name": "return",
            "in": "query",
            "description": "With `full`, each result has the stored configuration and what was changed, for up to 200 operations.",
            "schema": { "type": "string", "const": "full" },
            "example": "full",
        },
        "If-Match": {
            "name": "If-Match",
            "in": "header",
            "description": "`*` or up to 100 entity tags, in double quotes and separated by commas: proceed only if the configuration has one \
                of these versions. Otherwise the response is a 412, and nothing changes.",
            "schema": { "type": "string", "pattern": ENTITY_TAGS },
            "examples": { "any": { "summary": "Any version", "value": "*" } },
        },
        "If-None-Match": {
            "name": "If-None-Match",
            "in": "header",
            "description": "`*` or up to 100 entity tags: proceed only if the configuration has none of these versions. Otherwise the \
                response to a read is a 304, and to any other request a 412. With `*`, a create of a configuration that exists is a 412 instead of a 409.",
            "schema": { "type": "string", "pattern": ENTITY_TAGS },
            "examples": { "none": { "summary": "A version that never exists", "value": "\"0-unknown\"" } },
        },
        "X-Body-SHA256": {
            "name": "X-Body-SHA256",
            "in": "header",
            "description": "The SHA-256 of the body in 64 hex digits. With it, the signature covers the body too. An operator can require it \
                for POST, PUT and PATCH. Such a service rejects a request without it with a 403. A search and a batch always require it, and are a 400 without it. \
                An empty value counts as absent.",
            "schema": { "type": "string", "pattern": "^(?:[0-9A-Fa-f]{64})?$" },
        },
        "X-Change-Note": {
            "name": "X-Change-Note",
            "in": "header",
            "description": "What this change is for, such as the number of a ticket: one line of up to 256 characters. It is stored with the \
                change and the history shows it. The signature does not cover it. An empty value counts as absent.",
            "schema": { "type": "string", "maxLength": ChangeNote::MAX_CHARS, "pattern": LINE },
            "examples": { "ticket": { "summary": "A ticket", "value": "CHG-1234: move to the new bucket" } },
        },
    })
}

fn types() -> [&'static str; DeliveryType::ALL.len()] {
    DeliveryType::ALL.map(DeliveryType::as_str)
}

fn plain_key() -> String {
    let tenant_id = without_anchors(TenantId::PATTERN);
    format!("{tenant_id}#(?:{})", types().join("|"))
}

/// By name, which is also the key of the component.
pub(crate) fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "The id of this request. Every log line about it contains the id.",
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
        "OptionalETag": {
            "description": "As `ETag`, of the configuration that is stored now. Absent in the response with an earlier state and in that to a dry run.",
            "schema": { "type": "string", "pattern": "^\"[0-9a-f]{32}\"$" },
            "example": "\"5d41402abc4b2a76b9719d911017c592\"",
        },
        "Location": {
            "description": "The path of what was created, without a stage.",
            "required": true,
            "schema": { "type": "string", "pattern": format!("^/api/v1/(?:tenants/[A-Za-z0-9_-]+/)?(?:delivery-configs/(?:{})|webhooks/wh_[0-9a-f]{{32}})$", types().join("|")) },
            "example": "/api/v1/tenants/acme-corp/delivery-configs/cloudwatch",
        },
        "Retry-After": {
            "description": "The number of seconds after which to repeat the request.",
            "required": true,
            "schema": { "type": "integer", "minimum": 0 },
            "example": 1,
        },
        "Allow": {
            "description": "The methods that the URL supports.",
            "required": true,
            "schema": { "type": "string" },
            "example": "GET,HEAD,POST",
        },
        "WWW-Authenticate": {
            "description": "The name of the signature scheme.",
            "schema": { "type": "string" },
            "example": "HMAC-SHA256",
        },
    })
}
