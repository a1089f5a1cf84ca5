//! The body of a batch.

use serde_json::{Value, json};
use tenant_core::{ConfigKey, MAX_ATOMIC_OPERATIONS, MAX_OPERATIONS, OperationKind, TenantId};

/// One entity tag in double quotes.
const ENTITY_TAG: &str = r#"^(?:W/)?"[!#-~]*"$"#;

/// The schemas of the body and of each operation, by name.
pub(crate) fn schemas() -> Vec<(String, Value)> {
    let operations = OperationKind::ALL.map(|kind| (name(kind), operation(kind)));
    let references: Vec<_> = OperationKind::ALL.map(|kind| refer(&name(kind))).into();
    let any = json!({ "description": "One change. No two of a batch can be of the same configuration.", "oneOf": references });
    [("BatchRequest".to_owned(), batch()), ("BatchOperation".to_owned(), any)]
        .into_iter()
        .chain(operations)
        .collect()
}

fn name(kind: OperationKind) -> String {
    let prefix = match kind {
        OperationKind::Create => "Create",
        OperationKind::Update => "Update",
        OperationKind::Upsert => "Upsert",
        OperationKind::Delete => "Delete",
    };
    format!("{prefix}Operation")
}

fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn batch() -> Value {
    json!({
        "type": "object",
        "description": "A batch of changes.",
        "properties": {
            "atomic": flag(true, "Whether to make all of the operations or none. If any of them is invalid, the response is a 422 that lists every broken rule."),
            "dry_run": flag(false, "Whether to report what would happen, and write nothing."),
            "operations": {
                "type": "array",
                "description": format!("The changes: up to {MAX_ATOMIC_OPERATIONS} in an atomic batch, up to {MAX_OPERATIONS} in any other."),
                "items": refer("BatchOperation"),
                "minItems": 1,
                "maxItems": MAX_OPERATIONS,
            },
        },
        "required": ["operations"],
        "additionalProperties": false,
    })
}

fn operation(kind: OperationKind) -> Value {
    let (description, members, required): (_, Value, &[&str]) = match kind {
        OperationKind::Create => (
            "Creates a configuration. One that exists is a 409.",
            json!({ "config": config() }),
            &["op", "config"],
        ),
        OperationKind::Upsert => (
            "Creates a configuration or, if it exists, changes the fields that are sent, as a PUT does. If all of them are stored \
             already, nothing is written.",
            json!({ "config": config() }),
            &["op", "config"],
        ),
        OperationKind::Update => (
            "Changes fields of a configuration, as a PUT does.",
            json!({
                "tenant_id": { "type": "string", "description": "The tenant.", "pattern": TenantId::PATTERN, "example": "acme-corp" },
                "type": refer("DeliveryType"),
                "changes": refer("DeliveryConfigChanges"),
                "if_match": if_match(),
            }),
            &["op", "tenant_id", "type", "changes"],
        ),
        OperationKind::Delete => (
            "Deletes a configuration, even one that was written into the table by hand under any key.",
            json!({
                "tenant_id": key("The tenant.", ConfigKey::MAX_TENANT_ID_BYTES, "acme-corp"),
                "type": key("The delivery type.", ConfigKey::MAX_TYPE_BYTES, "s3"),
                "if_match": if_match(),
                "allow_missing": flag(false, "Whether it is a success if there is no such configuration."),
            }),
            &["op", "tenant_id", "type"],
        ),
    };
    let mut schema = json!({
        "type": "object",
        "description": description,
        "properties": { "op": { "type": "string", "description": "What to do.", "const": kind } },
        "required": required,
        "additionalProperties": false,
    });
    for (name, member) in members.as_object().unwrap() {
        schema["properties"][name] = member.clone();
    }
    schema
}

fn config() -> Value {
    refer("DeliveryConfigCreation")
}

fn key(description: &str, max_length: usize, example: &str) -> Value {
    json!({ "type": "string", "description": description, "minLength": 1, "maxLength": max_length, "example": example })
}

fn if_match() -> Value {
    json!({
        "type": ["string", "null"],
        "description": "The entity tag that the configuration must have, in double quotes, as `ETag` or the `etag` of a result contains it. Otherwise \
            the operation is a 412.",
        "pattern": ENTITY_TAG,
        "example": "\"5d41402abc4b2a76b9719d911017c592\"",
    })
}

/// Null counts as absent.
fn flag(default: bool, description: &str) -> Value {
    json!({ "type": ["boolean", "null"], "description": description, "default": default })
}
