//! Examples of bodies. A test checks each of them against the schema beside it.

use serde_json::{Map, Value, json};
use tenant_core::{DeliveryType, Field, FieldRole, Shape};

use crate::{
    names::{WEBHOOK, revision_example},
    webhooks,
};

/// An example of a body with this schema, as this operation sends it.
pub(crate) fn success(schema: &str, operation_id: &str) -> Option<Value> {
    let done = match operation_id {
        "createDeliveryConfig" => Some("Created"),
        "putDeliveryConfig" => Some("Updated"),
        "deleteDeliveryConfig" => Some("Deleted"),
        "restoreDeliveryConfig" => Some("Restored"),
        _ => None,
    };
    let message = done.map(|done| format!("{done} the cloudwatch delivery configuration of tenant acme-corp."));
    let message = message.or_else(|| match operation_id {
        "createWebhook" => Some(format!("Created the webhook {WEBHOOK}.")),
        "patchWebhook" => Some(format!("Updated the webhook {WEBHOOK}.")),
        "deleteWebhook" => Some(format!("Deleted the webhook {WEBHOOK}.")),
        _ => None,
    });
    let data = match schema.strip_prefix("#/components/schemas/")? {
        "DeliveryConfigResponse" => Some(configuration()),
        "DeliveryConfigListResponse" => Some(json!({ "configurations": [configuration()], "count": 1 })),
        "DeliveryConfigPageResponse" => Some(page(operation_id == "searchDeliveryConfigs")),
        "ValidationReportResponse" => Some(validation()),
        "HealthReportResponse" => Some(health()),
        "BatchReportResponse" => Some(batch_report()),
        "RevisionPageResponse" => Some(revisions()),
        "RevisionDetailResponse" => Some(revision_detail()),
        "RevisionFeedResponse" => Some(feed()),
        "RestorationResponse" => Some(restoration()),
        "Confirmation" => None,
        other => Some(webhooks::example(other).unwrap_or_else(|| panic!("{other} has no example"))),
    };
    let mut envelope = json!({ "timestamp": "2024-01-15T10:30:00Z", "status": "success" });
    if let Some(data) = data {
        envelope["data"] = data;
    }
    if let Some(message) = message {
        envelope["message"] = message.into();
    }
    Some(envelope)
}

fn page(is_filtered: bool) -> Value {
    let mut page = json!({
        "configurations": [configuration()],
        "count": 1,
        "limit": 1,
        "last_key": "acme-corp#cloudwatch",
    });
    if is_filtered {
        page["filter"] = "account = \"123456789012\"".into();
        page["scanned"] = 2.into();
    }
    page
}

/// Bodies of a search.
pub(crate) fn searches() -> Value {
    json!({
        "account": { "summary": "Who delivers to an account", "value": { "filter": "account = 123456789012", "limit": 1 } },
        "bucket": { "summary": "Who delivers to a bucket", "value": { "filter": "bucket_name = \"acme-corp-logs\" AND enabled = true" } },
        "cluster": { "summary": "The tenant of a cluster, by a part of its ID", "value": { "filter": "2k5v9q" } },
        "application": { "summary": "Who receives the logs of an application", "value": { "filter": "delivers(\"payment-service\")" } },
        "broken": { "summary": "What does not work", "value": { "filter": "broken AND enabled = true", "last_key": "acme-corp#s3" } },
    })
}

/// Bodies of a create, one for each type.
pub(crate) fn creates() -> Value {
    DeliveryType::ALL
        .into_iter()
        .map(|delivery_type| {
            let spec = delivery_type.spec();
            let example = json!({ "summary": spec.description, "value": create(delivery_type) });
            (delivery_type.as_str().to_owned(), example)
        })
        .collect::<Map<_, _>>()
        .into()
}

/// A configuration with every field that a client can set, except for the expiry: most configurations have none.
fn create(delivery_type: DeliveryType) -> Value {
    delivery_type
        .fields()
        .map(Field::spec)
        .filter(|spec| spec.role != FieldRole::Managed)
        .filter_map(|spec| {
            let value = match (spec.shape, spec.example) {
                (Shape::UnixSeconds { .. }, _) => None,
                (Shape::DeliveryType, _) => Some(json!(delivery_type)),
                (_, Some(example)) => Some(serde_json::from_str(example).unwrap()),
                (_, None) => spec.default_value().map(|default| json!(default.data())),
            };
            Some((spec.field.name().to_owned(), value?))
        })
        .collect::<Map<_, _>>()
        .into()
}

/// Bodies of an update.
pub(crate) fn updates() -> Value {
    json!({
        "pause": { "summary": "Pause the delivery", "value": { "enabled": false } },
        "label": { "summary": "Set a label and remove another one", "value": { "labels": { "env": "production", "team": null } } },
        "everything": { "summary": "Deliver the logs of every application again", "value": { "enabled": true, "desired_logs": null } },
    })
}

/// Bodies of a batch.
pub(crate) fn batches() -> Value {
    let s3 = |tenant: &str| json!({ "tenant_id": tenant, "type": "s3", "bucket_name": format!("{tenant}-logs") });
    let tag = "\"5d41402abc4b2a76b9719d911017c592\"";
    json!({
        "atomic": {
            "summary": "Move a tenant to another destination, all at once",
            "value": { "operations": [
                { "op": "create", "config": s3("acme-corp") },
                { "op": "update", "tenant_id": "acme-corp", "type": "cloudwatch", "changes": { "enabled": false }, "if_match": tag },
                { "op": "delete", "tenant_id": "acme-old", "type": "s3", "allow_missing": true },
            ] },
        },
        "rollout": {
            "summary": "Configure many tenants, each by itself. The same batch can be sent again",
            "value": { "atomic": false, "operations": [
                { "op": "upsert", "config": s3("acme-corp") },
                { "op": "upsert", "config": s3("globex") },
            ] },
        },
        "preview": {
            "summary": "What would a change do?",
            "value": { "atomic": false, "dry_run": true, "operations": [
                { "op": "update", "tenant_id": "acme-corp", "type": "s3", "changes": { "target_region": "eu-west-1" } },
            ] },
        },
    })
}

fn batch_report() -> Value {
    let diff = json!([{ "field": "target_region", "from": null, "to": "eu-west-1" }]);
    json!({
        "results": [
            { "index": 0, "op": "update", "tenant_id": "acme-corp", "type": "s3", "status": 200, "changed": true, "diff": diff },
        ],
        "summary": { "total": 1, "succeeded": 1, "unchanged": 0, "failed": 0, "not_attempted": 0 },
    })
}

fn configuration() -> Value {
    json!({
        "tenant_id": "acme-corp",
        "type": "cloudwatch",
        "log_distribution_role_arn": "arn:aws:iam::123456789012:role/LogDistributionRole",
        "log_group_name": "/aws/logs/acme-corp",
        "target_region": "us-east-1",
        "enabled": true,
        "desired_logs": ["payment-service", "user-service"],
        "labels": { "env": "production", "team": "payments" },
        "created_at": "2024-01-15T10:30:00Z",
        "updated_at": "2024-01-15T10:30:00Z",
    })
}

/// A change of the example's configuration.
fn revision() -> Value {
    json!({
        "revision": revision_example(),
        "tenant_id": "acme-corp",
        "type": "cloudwatch",
        "event": "updated",
        "changed_at": "2024-01-15T10:30:00Z",
        "recorded_at": "2024-01-15T10:30:00.250Z",
        "actor": { "type": "api", "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "kind": "update", "key": "current:1", "note": "CHG-1234: pause" },
        "version": "7831d9963df07eb53cdc2572d7e79a3a",
        "changes": [{ "field": "enabled", "from": false, "to": true }],
    })
}

fn revisions() -> Value {
    json!({
        "revisions": [revision()],
        "count": 1,
        "limit": 1,
        "cursor": revision_example(),
        "recording_since": "2024-01-01T00:00:00Z",
    })
}

fn revision_detail() -> Value {
    let mut detail = revision();
    detail["configuration"] = configuration();
    detail["previous"] = configuration();
    detail["previous"]["enabled"] = false.into();
    detail
}

fn feed() -> Value {
    let mut feed = revisions();
    feed["has_more"] = false.into();
    feed
}

fn restoration() -> Value {
    let diff = json!([{ "field": "enabled", "from": false, "to": true }]);
    json!({ "created": false, "diff": diff, "configuration": configuration() })
}

fn validation() -> Value {
    let checks = json!([{ "field": "tenant_id", "status": "ok", "code": "ok", "message": "tenant_id is well-formed" }]);
    json!({ "tenant_id": "acme-corp", "type": "cloudwatch", "valid": true, "checks": checks })
}

fn health() -> Value {
    json!({
        "status": "healthy",
        "service": "tenant-management-api",
        "version": env!("CARGO_PKG_VERSION"),
        "checks": { "dynamodb": { "status": "healthy", "latency_ms": 4 } },
    })
}
