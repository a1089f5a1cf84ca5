//! The shapes of bodies, with every rule that JSON Schema can say. What it cannot say stands in a description.

use serde_json::{Map, Value, json};
use tenant_core::{CheckStatus, DeliveryType, ErrorCode, Field, MAX_DESIRED_LOGS, PageLimit, TenantId};
use utoipa::{PartialSchema, ToSchema, openapi};

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

/// Seconds: what is not below is taken for milliseconds.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;
const ROLE_ARN: &str = concat!(
    "^arn:aws(?:-cn|-us-gov|-eusc|-iso|-iso-b|-iso-e|-iso-f)?:iam::[0-9]{12}:role/",
    // The path, which counts 512 characters with a slash at both ends.
    "(?:(?=[!-~]{1,510}/[^/]+$)(?:[!-.0-~]+/)+)?",
    "[A-Za-z0-9+=,.@_-]{1,64}$",
);
const LOG_GROUP_NAME: &str = "^(?!aws/)[A-Za-z0-9_/.#-]{1,512}$";
const BUCKET_NAME: &str = concat!(
    r"^(?!xn--|sthree-|amzn-s3-demo-)(?![0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$)(?!.*\.\.)",
    r"(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)",
    "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
);
const BUCKET_PREFIX: &str = r"^[^/\u0000-\u001f\u007f-\u009f\ufffd][^\u0000-\u001f\u007f-\u009f\ufffd]*$";
const REGION: &str = concat!(
    "^(?:af|ap|ca|eu|il|me|mx|sa|us|cn|us-gov|eusc-de|us-iso|us-isob|eu-isoe|us-isof|eu-isof)",
    "-(?:central|north|northeast|east|southeast|south|southwest|west|northwest)-[1-9][0-9]?$",
);
const LOG_NAME: &str = r"^[^\s\u0000-\u001f\u007f-\u009f\ufffd](?:[^\u0000-\u001f\u007f-\u009f\ufffd]*[^\s\u0000-\u001f\u007f-\u009f\ufffd])?$";

pub(super) fn pattern_of_tenant_id() -> String {
    format!("^[A-Za-z0-9_-]{{1,{}}}$", TenantId::MAX_CHARS)
}

pub(super) fn types() -> [&'static str; 2] {
    DeliveryType::ALL.map(DeliveryType::as_str)
}

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

/// The rules of a field, for whoever writes one.
fn rules(field: Field, delivery_type: DeliveryType) -> Value {
    match field {
        Field::TenantId => json!({
            "type": "string",
            "pattern": pattern_of_tenant_id(),
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
            "pattern": ROLE_ARN,
            "description": "The customer's IAM role that the log processor assumes.",
            "example": "arn:aws:iam::123456789012:role/LogDistributionRole",
        }),
        Field::LogGroupName => json!({
            "type": "string",
            "pattern": LOG_GROUP_NAME,
            "description": "The log group. Names that begin with `aws/` are reserved.",
            "example": "/aws/logs/acme-corp",
        }),
        Field::BucketName => json!({
            "type": "string",
            "pattern": BUCKET_NAME,
            "description": "The bucket, by the rules of S3 for general purpose buckets.",
            "example": "acme-corp-logs",
        }),
        Field::BucketPrefix => json!({
            "type": "string",
            "pattern": BUCKET_PREFIX,
            "maxLength": 513,
            "default": "ROSA/cluster-logs/",
            "description": "What every object key begins with: up to 512 bytes of UTF-8, stored with one slash at its end.",
            "example": "ROSA/cluster-logs/",
        }),
        Field::TargetRegion => json!({
            "type": "string",
            "pattern": REGION,
            "description": "The region of the destination; left out for the log processor's own.",
            "example": "us-east-1",
        }),
        Field::Enabled => json!({ "type": "boolean", "default": true, "description": "Whether logs are delivered." }),
        Field::DesiredLogs => json!({
            "type": "array",
            "items": { "type": "string", "minLength": 1, "maxLength": 256, "pattern": LOG_NAME },
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

fn fields(delivery_type: DeliveryType) -> impl Iterator<Item = Field> {
    Field::ALL
        .into_iter()
        .filter(move |field| field.applies_to(delivery_type))
}

fn required_of(delivery_type: DeliveryType) -> Vec<&'static str> {
    fields(delivery_type)
        .filter(|field| field.is_required())
        .map(Field::name)
        .collect()
}

fn new_config(delivery_type: DeliveryType, description: &str) -> Value {
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
        .collect();
    json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required_of(delivery_type),
        "additionalProperties": false,
    })
}

fn changes(delivery_type: DeliveryType, description: &str) -> Value {
    let properties: Map<_, _> = fields(delivery_type)
        .map(|field| {
            let rules = match field {
                Field::CreatedAt | Field::UpdatedAt => ignored(field),
                Field::TenantId => json!({
                    "type": ["string", "null"],
                    "pattern": format!("^[A-Za-z0-9_-]{{0,{}}}$", TenantId::MAX_CHARS),
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
fn stored_config(delivery_type: DeliveryType, description: &str) -> Value {
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
                json!({ "type": "string", "description": "The field, or what a field names." }),
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
