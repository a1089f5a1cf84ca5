//! The fields of a configuration in a create, in an update and in a response, with every rule that JSON Schema can
//! express. The descriptions have the rest.

use serde_json::{Map, Value, json};
use tenant_core::{BucketPrefix, DeliveryType, Field, MAX_DESIRED_LOGS};

use crate::patterns;

/// In seconds: a larger number is milliseconds.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// The body of a create.
pub(crate) fn new_config(delivery_type: DeliveryType) -> Value {
    let properties: Map<_, _> = fields(delivery_type)
        .map(|field| {
            let rules = rules(field, delivery_type);
            let rules = match field {
                Field::CreatedAt | Field::UpdatedAt => ignored(field),
                _ if field.is_required() => rules,
                _ => nullable(rules),
            };
            (field.name().to_owned(), rules)
        })
        .chain(foreign_fields(
            delivery_type,
            "Belongs to another type: `null` is ignored.",
        ))
        .collect();
    json!({
        "type": "object",
        "description": format!("A configuration of type `{delivery_type}` to create."),
        "properties": properties,
        "required": required_fields(delivery_type),
        "additionalProperties": false,
    })
}

/// The body of an update.
pub(crate) fn changes(delivery_type: DeliveryType) -> Value {
    let properties: Map<_, _> = fields(delivery_type)
        .map(|field| {
            let rules = match field {
                Field::CreatedAt | Field::UpdatedAt => ignored(field),
                Field::TenantId => json!({
                    "type": ["string", "null"],
                    "pattern": patterns::tenant_id_or_empty(),
                    "description": "Left out, empty, or the tenant of the URL.",
                }),
                Field::Type => json!({
                    "type": ["string", "null"],
                    "enum": [delivery_type.as_str(), "", null],
                    "description": "Left out, empty, or the type of the URL.",
                }),
                _ if field.is_required() => rules(field, delivery_type),
                _ => without_default(nullable(rules(field, delivery_type))),
            };
            (field.name().to_owned(), rules)
        })
        .chain(foreign_fields(
            delivery_type,
            "Belongs to another type: `null` removes it from a configuration that was written by hand.",
        ))
        .collect();
    json!({
        "type": "object",
        "description": format!("Changes of a configuration of type `{delivery_type}`."),
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": false,
    })
}

/// A configuration in a response. It can break the rules of a create, so the schema has the types alone.
pub(crate) fn stored_config(delivery_type: DeliveryType) -> Value {
    let keywords = ["type", "format", "const", "description", "example", "readOnly"];
    let properties: Map<_, _> = fields(delivery_type)
        .map(|field| {
            let mut rules = rules(field, delivery_type);
            if let Some(rules) = rules.as_object_mut() {
                rules.retain(|keyword, _| keywords.contains(&keyword.as_str()));
                if field == Field::DesiredLogs {
                    rules.insert("items".to_owned(), json!({ "type": "string" }));
                }
            }
            (field.name().to_owned(), rules)
        })
        .collect();
    let mut required = required_fields(delivery_type);
    required.push(Field::Enabled.name());
    json!({
        "type": "object",
        "description": format!("A configuration of type `{delivery_type}`."),
        "properties": properties,
        "required": required,
    })
}

fn fields(delivery_type: DeliveryType) -> impl Iterator<Item = Field> {
    Field::ALL
        .into_iter()
        .filter(move |field| field.applies_to(delivery_type))
}

/// Clients that write every field they know also send those of the other types, without a value.
fn foreign_fields(delivery_type: DeliveryType, description: &'static str) -> impl Iterator<Item = (String, Value)> {
    Field::ALL
        .into_iter()
        .filter(move |field| !field.applies_to(delivery_type))
        .map(move |field| {
            (
                field.name().to_owned(),
                json!({ "type": "null", "description": description }),
            )
        })
}

fn required_fields(delivery_type: DeliveryType) -> Vec<&'static str> {
    fields(delivery_type)
        .filter(|field| field.is_required())
        .map(Field::name)
        .collect()
}

/// The rules of a field in a request.
fn rules(field: Field, delivery_type: DeliveryType) -> Value {
    match field {
        Field::TenantId => json!({
            "type": "string",
            "pattern": patterns::tenant_id(),
            "description": "The tenant, as in the URL.",
            "example": "acme-corp",
        }),
        Field::Type => json!({
            "type": "string",
            "const": delivery_type.as_str(),
            "description": "The delivery type.",
        }),
        Field::LogDistributionRoleArn => json!({
            "type": "string",
            "pattern": patterns::role_arn(),
            "description": "The customer's IAM role that the log processor assumes.",
            "example": "arn:aws:iam::123456789012:role/LogDistributionRole",
        }),
        Field::LogGroupName => json!({
            "type": "string",
            "pattern": patterns::LOG_GROUP_NAME,
            "description": "The log group. Names that begin with `aws/` are reserved.",
            "example": "/aws/logs/acme-corp",
        }),
        Field::BucketName => json!({
            "type": "string",
            "pattern": patterns::bucket_name(),
            "description": "The bucket, by the rules of S3 for general purpose buckets.",
            "example": "acme-corp-logs",
        }),
        Field::BucketPrefix => json!({
            "type": "string",
            "pattern": patterns::BUCKET_PREFIX,
            "maxLength": 513,
            "default": BucketPrefix::default().as_str(),
            "description": "The beginning of every object key: up to 512 bytes of UTF-8, stored with one slash at its end.",
            "example": "ROSA/cluster-logs/",
        }),
        Field::TargetRegion => json!({
            "type": "string",
            "pattern": patterns::region(),
            "description": "The region of the destination; left out for the region of the log processor.",
            "example": "us-east-1",
        }),
        Field::Enabled => json!({ "type": "boolean", "default": true, "description": "Whether logs are delivered." }),
        Field::DesiredLogs => json!({
            "type": "array",
            "items": { "type": "string", "minLength": 1, "maxLength": 256, "pattern": patterns::LOG_NAME },
            "minItems": 1,
            "maxItems": MAX_DESIRED_LOGS,
            "uniqueItems": true,
            "description": "The applications whose logs are delivered, without white space around a name; left out for all of them.",
            "example": ["payment-service", "user-service"],
        }),
        Field::Ttl => json!({
            "type": "integer",
            "format": "int64",
            "exclusiveMaximum": FIRST_MILLISECONDS,
            "description": "When the configuration expires, in Unix seconds; in the future. A larger value is rejected because it is in milliseconds.",
            "example": 4_102_444_800_u64,
        }),
        Field::CreatedAt | Field::UpdatedAt => json!({
            "type": "string",
            "format": "date-time",
            "readOnly": true,
            "description": if field == Field::CreatedAt { "When it was created." } else { "When it was last changed." },
            "example": "2024-01-15T10:30:00Z",
        }),
    }
}

fn nullable(mut rules: Value) -> Value {
    if let Some(kind) = rules.get_mut("type") {
        *kind = json!([*kind, "null"]);
    }
    rules
}

/// A default belongs to a create; an update that leaves the field out keeps its value.
fn without_default(mut rules: Value) -> Value {
    rules.as_object_mut().and_then(|rules| rules.remove("default"));
    rules
}

/// A client may send back what it read.
fn ignored(field: Field) -> Value {
    json!({
        "readOnly": true,
        "description": format!("`{field}` is set by the service; a value in a request is ignored."),
    })
}
