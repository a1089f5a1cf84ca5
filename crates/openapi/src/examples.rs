//! Examples of bodies. A test checks each of them against the schema beside it.

use serde_json::{Map, Value, json};
use tenant_core::{DeliveryType, Field, FieldRole, Shape};

/// An example of a body with this schema, as this operation sends it.
pub(crate) fn success(schema: &str, operation_id: &str) -> Option<Value> {
    let done = match operation_id {
        "createDeliveryConfig" => Some("Created"),
        "putDeliveryConfig" => Some("Updated"),
        "deleteDeliveryConfig" => Some("Deleted"),
        _ => None,
    };
    let message = done.map(|done| format!("{done} the cloudwatch delivery configuration of tenant acme-corp."));
    let data = match schema.strip_prefix("#/components/schemas/")? {
        "DeliveryConfigResponse" => Some(configuration()),
        "DeliveryConfigListResponse" => Some(json!({ "configurations": [configuration()], "count": 1 })),
        "DeliveryConfigPageResponse" => Some(json!({
            "configurations": [configuration()],
            "count": 1,
            "limit": 1,
            "last_key": "acme-corp#cloudwatch",
        })),
        "ValidationReportResponse" => Some(validation()),
        "HealthReportResponse" => Some(health()),
        "Confirmation" => None,
        other => panic!("{other} has no example"),
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
