//! The shapes of bodies.

use serde_json::{Map, Value, json};
use tenant_core::{CheckStatus, DeliveryType, ErrorCode, Field, PageLimit};
use utoipa::{PartialSchema, ToSchema, openapi};

use super::fields::{changes, new_config, stored_config, types};

/// The body of a create.
pub(crate) struct NewDeliveryConfig;

/// The body of an update.
pub(crate) struct DeliveryConfigChanges;

impl PartialSchema for NewDeliveryConfig {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        openapi::Ref::from_schema_name("NewDeliveryConfig").into()
    }
}

impl ToSchema for NewDeliveryConfig {}

impl PartialSchema for DeliveryConfigChanges {
    fn schema() -> openapi::RefOr<openapi::Schema> {
        openapi::Ref::from_schema_name("DeliveryConfigChanges").into()
    }
}

impl ToSchema for DeliveryConfigChanges {}

/// Every schema, by name.
pub(super) fn schemas() -> Value {
    let mut schemas = Map::new();
    for (name, schema) in [inputs(), outputs(), envelopes()].into_iter().flatten() {
        schemas.insert(name.to_owned(), schema);
    }
    schemas.into()
}

fn inputs() -> Vec<(&'static str, Value)> {
    let [cloudwatch, s3] = DeliveryType::ALL;
    vec![
        (
            "NewDeliveryConfig",
            union(
                ["NewCloudWatchDeliveryConfig", "NewS3DeliveryConfig"],
                "A configuration to create.",
            ),
        ),
        (
            "NewCloudWatchDeliveryConfig",
            new_config(cloudwatch, "Delivery into a log group of the tenant's CloudWatch Logs."),
        ),
        (
            "NewS3DeliveryConfig",
            new_config(s3, "Delivery into a bucket of the tenant's."),
        ),
        (
            "DeliveryConfigChanges",
            json!({
                "description": "What to change: a field left out keeps its value, `null` takes an optional field away or \
                    returns it to its default. At least one field must change something. The URL says which of the two shapes applies.",
                "anyOf": [reference("CloudWatchChanges"), reference("S3Changes")],
            }),
        ),
        (
            "CloudWatchChanges",
            changes(cloudwatch, "Changes of a configuration of type `cloudwatch`."),
        ),
        ("S3Changes", changes(s3, "Changes of a configuration of type `s3`.")),
    ]
}

fn outputs() -> Vec<(&'static str, Value)> {
    let [cloudwatch, s3] = DeliveryType::ALL;
    vec![
        (
            "DeliveryConfig",
            union(
                ["CloudWatchDeliveryConfig", "S3DeliveryConfig"],
                "A configuration as it is stored. One that was written into the table by hand is shown as it stands, even \
                 where it breaks these rules; `validate` says where it does.",
            ),
        ),
        (
            "CloudWatchDeliveryConfig",
            stored_config(cloudwatch, "Delivery into a log group of the tenant's CloudWatch Logs."),
        ),
        (
            "S3DeliveryConfig",
            stored_config(s3, "Delivery into a bucket of the tenant's."),
        ),
        (
            "DeliveryConfigList",
            object(
                "Every configuration of a tenant.",
                &[("configurations", configurations()), ("count", count())],
                &[],
            ),
        ),
        (
            "DeliveryConfigPage",
            object(
                "Some of the configurations of all tenants.",
                &[
                    ("configurations", configurations()),
                    ("count", count()),
                    (
                        "limit",
                        json!({ "type": "integer", "minimum": 1, "maximum": PageLimit::MAX }),
                    ),
                ],
                &[(
                    "last_key",
                    json!({
                        "type": "string",
                        "description": "Where the next page begins; left out on the last page.",
                        "example": "acme-corp#s3",
                    }),
                )],
            ),
        ),
        (
            "ValidationReport",
            object(
                "What is right and what is wrong with a configuration.",
                &[
                    ("tenant_id", json!({ "type": "string" })),
                    ("type", json!({ "type": "string" })),
                    (
                        "valid",
                        json!({ "type": "boolean", "description": "Whether no check came out `missing` or `invalid`." }),
                    ),
                    ("checks", json!({ "type": "array", "items": reference("Check") })),
                ],
                &[],
            ),
        ),
        ("Check", check()),
        ("HealthReport", health_report()),
    ]
}

fn envelopes() -> Vec<(&'static str, Value)> {
    let timestamp = json!({ "type": "string", "format": "date-time", "example": "2024-01-15T10:30:00Z" });
    let success = |data: &str, description: &str| {
        object(
            description,
            &[
                ("timestamp", timestamp.clone()),
                ("status", json!({ "type": "string", "const": "success" })),
                ("data", reference(data)),
            ],
            &[(
                "message",
                json!({ "type": "string", "description": "A sentence for people." }),
            )],
        )
    };
    let failure = [
        ("timestamp", timestamp.clone()),
        ("status", json!({ "type": "string", "const": "error" })),
        (
            "error",
            json!({ "type": "string", "description": "A sentence that says what to do." }),
        ),
    ];
    let mut gateway_failure = failure.clone();
    gateway_failure[0].1 = json!({
        "type": "string",
        "description": "The time; API Gateway writes it as `15/Jan/2024:10:30:00 +0000`.",
    });
    vec![
        ("DeliveryConfigAnswer", success("DeliveryConfig", "One configuration.")),
        (
            "DeliveryConfigListAnswer",
            success("DeliveryConfigList", "A tenant's configurations."),
        ),
        (
            "DeliveryConfigPageAnswer",
            success("DeliveryConfigPage", "A page of configurations."),
        ),
        (
            "ValidationAnswer",
            success("ValidationReport", "The result of a validation."),
        ),
        ("HealthAnswer", success("HealthReport", "A healthy service.")),
        (
            "DeletionAnswer",
            object(
                "What was deleted, in a sentence.",
                &[
                    ("timestamp", timestamp.clone()),
                    ("status", json!({ "type": "string", "const": "success" })),
                    ("message", json!({ "type": "string" })),
                ],
                &[],
            ),
        ),
        ("Failure", object("A request that failed.", &failure, &[])),
        (
            "GatewayFailure",
            object("A request that the gateway refused.", &gateway_failure, &[]),
        ),
        (
            "UnhealthyAnswer",
            object(
                "A service that cannot do its work.",
                &failure,
                &[("data", reference("HealthReport"))],
            ),
        ),
        ("BrokenRules", {
            let mut required = failure.to_vec();
            let errors = json!({ "type": "array", "minItems": 1, "items": reference("FieldError") });
            required.push(("details", object("Every broken rule.", &[("errors", errors)], &[])));
            object("A body that breaks rules.", &required, &[])
        }),
        (
            "FieldError",
            object(
                "A broken rule.",
                &[
                    (
                        "field",
                        json!({ "type": "string", "description": "The field's name as it was sent.", "example": "ttl" }),
                    ),
                    ("code", json!({ "type": "string", "enum": error_codes() })),
                    (
                        "message",
                        json!({ "type": "string", "description": "The rest of a sentence whose subject is the field." }),
                    ),
                ],
                &[],
            ),
        ),
    ]
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn union(names: [&str; 2], description: &str) -> Value {
    let [cloudwatch, s3] = types();
    json!({
        "description": description,
        "oneOf": names.map(reference),
        "discriminator": {
            "propertyName": Field::Type.name(),
            "mapping": {
                cloudwatch: format!("#/components/schemas/{}", names[0]),
                s3: format!("#/components/schemas/{}", names[1]),
            },
        },
    })
}

fn object(description: &str, required: &[(&str, Value)], optional: &[(&str, Value)]) -> Value {
    let properties: Map<_, _> = required
        .iter()
        .chain(optional)
        .map(|(name, schema)| ((*name).to_owned(), schema.clone()))
        .collect();
    let required: Vec<_> = required.iter().map(|(name, _)| *name).collect();
    json!({ "type": "object", "description": description, "properties": properties, "required": required })
}

fn configurations() -> Value {
    json!({ "type": "array", "items": reference("DeliveryConfig") })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0, "description": "The length of `configurations`." })
}

fn check() -> Value {
    let statuses = [
        CheckStatus::Ok,
        CheckStatus::Missing,
        CheckStatus::Invalid,
        CheckStatus::Skipped,
    ];
    object(
        "One check.",
        &[
            (
                "field",
                json!({ "type": "string", "description": "The field, or what fields name outside the table, such as `log_group` or `bucket`." }),
            ),
            ("status", json!({ "type": "string", "enum": statuses })),
            (
                "code",
                json!({ "type": "string", "description": "A stable word: `ok`, or why not." }),
            ),
            (
                "message",
                json!({ "type": "string", "description": "What was found, and what to do about it." }),
            ),
        ],
        &[],
    )
}

fn health_report() -> Value {
    let status = json!({ "type": "string", "enum": ["healthy", "unhealthy"] });
    let dynamodb = object(
        "The store.",
        &[
            ("status", status.clone()),
            ("latency_ms", json!({ "type": "integer", "minimum": 0 })),
        ],
        &[],
    );
    object(
        "The state of the service.",
        &[
            ("status", status),
            (
                "service",
                json!({ "type": "string", "example": "tenant-management-api" }),
            ),
            (
                "version",
                json!({ "type": "string", "example": env!("CARGO_PKG_VERSION") }),
            ),
            (
                "checks",
                object("What the service depends on.", &[("dynamodb", dynamodb)], &[]),
            ),
        ],
        &[],
    )
}

fn error_codes() -> Vec<&'static str> {
    let codes = [
        ErrorCode::Required,
        ErrorCode::UnknownField,
        ErrorCode::WrongDeliveryType,
        ErrorCode::WrongType,
        ErrorCode::Empty,
        ErrorCode::TooLong,
        ErrorCode::TooShort,
        ErrorCode::InvalidFormat,
        ErrorCode::Reserved,
        ErrorCode::Duplicate,
        ErrorCode::OutOfRange,
        ErrorCode::InThePast,
        ErrorCode::Conflict,
    ];
    codes.map(ErrorCode::as_str).to_vec()
}
