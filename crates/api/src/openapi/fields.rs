//! The fields of a configuration as a create, an update and an answer have them, with every rule that JSON Schema can
//! say. What it cannot say stands in a description.

use serde_json::{Map, Value, json};
use tenant_core::{BucketPrefix, DeliveryType, Field, MAX_DESIRED_LOGS};

use super::patterns;

/// Seconds: what is not below is taken for milliseconds.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

pub(super) fn types() -> [&'static str; 2] {
    DeliveryType::ALL.map(DeliveryType::as_str)
}

pub(super) fn new_config(delivery_type: DeliveryType, description: &str) -> Value {
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
        .chain(of_the_other_type(
            delivery_type,
            "Of the other type: `null` is passed over.",
        ))
        .collect();
    json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required_of(delivery_type),
        "additionalProperties": false,
    })
}

pub(super) fn changes(delivery_type: DeliveryType, description: &str) -> Value {
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
        .chain(of_the_other_type(
            delivery_type,
            "Of the other type: `null` takes away what is left of it in a configuration that was written by hand.",
        ))
        .collect();
    json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "minProperties": 1,
        "additionalProperties": false,
    })
}

/// What is shown may break the rules of what is written, and so only its types are told.
pub(super) fn stored_config(delivery_type: DeliveryType, description: &str) -> Value {
    let told = ["type", "format", "const", "description", "example", "readOnly"];
    let properties: Map<_, _> = fields(delivery_type)
        .map(|field| {
            let mut rules = rules(field, delivery_type);
            if let Some(rules) = rules.as_object_mut() {
                rules.retain(|keyword, _| told.contains(&keyword.as_str()));
                if field == Field::DesiredLogs {
                    rules.insert("items".to_owned(), json!({ "type": "string" }));
                }
            }
            (field.name().to_owned(), rules)
        })
        .collect();
    let mut required = required_of(delivery_type);
    required.push(Field::Enabled.name());
    json!({ "type": "object", "description": description, "properties": properties, "required": required })
}

fn fields(delivery_type: DeliveryType) -> impl Iterator<Item = Field> {
    Field::ALL
        .into_iter()
        .filter(move |field| field.applies_to(delivery_type))
}

/// Clients that write down every field they know send those of the other type as well, without a value.
fn of_the_other_type(delivery_type: DeliveryType, description: &'static str) -> impl Iterator<Item = (String, Value)> {
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

fn required_of(delivery_type: DeliveryType) -> Vec<&'static str> {
    fields(delivery_type)
        .filter(|field| field.is_required())
        .map(Field::name)
        .collect()
}

/// The rules of a field, for whoever writes one.
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
            "description": "What every object key begins with: up to 512 bytes of UTF-8, stored with one slash at its end.",
            "example": "ROSA/cluster-logs/",
        }),
        Field::TargetRegion => json!({
            "type": "string",
            "pattern": patterns::region(),
            "description": "The region of the destination; left out for the log processor's own.",
            "example": "us-east-1",
        }),
        Field::Enabled => json!({ "type": "boolean", "default": true, "description": "Whether logs are delivered." }),
        Field::DesiredLogs => json!({
            "type": "array",
            "items": { "type": "string", "minLength": 1, "maxLength": 256, "pattern": patterns::LOG_NAME },
            "minItems": 1,
            "maxItems": MAX_DESIRED_LOGS,
            "uniqueItems": true,
            "description": "The applications whose logs are delivered, without blanks around a name; left out for all of them.",
            "example": ["payment-service", "user-service"],
        }),
        Field::Ttl => json!({
            "type": "integer",
            "format": "int64",
            "exclusiveMaximum": FIRST_MILLISECONDS,
            "description": "When the configuration expires, in Unix seconds; in the future. A value that is too large is milliseconds.",
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
        "description": format!("`{field}` is the service's: whatever is sent is passed over."),
    })
}
