//! The fields that a configuration of every type has.

use chrono::DateTime;
use serde_json::Value;

use super::{
    field_value::FieldData,
    names::{DeliveryType, Field},
    spec::{Absent, FieldRole, FieldSpec, FieldTypes, REQUIRED, Shape, parse_text},
    values::{DesiredLogs, Labels, Region, Ttl},
};
use crate::{
    tenant_id::TenantId,
    violation::{ErrorCode, Violation},
};

pub(super) static TENANT_ID: FieldSpec = FieldSpec {
    field: Field::TenantId,
    types: FieldTypes::All,
    role: FieldRole::Key,
    is_required: true,
    tolerated: &ErrorCode::ALL,
    absent: REQUIRED,
    description: "The tenant, as in the URL.",
    example: Some(r#""acme-corp""#),
    shape: Shape::Text {
        pattern: TenantId::PATTERN,
        max_chars: None,
    },
    default: None,
    parse: |value, _| parse_text::<TenantId>(value),
};

pub(super) static TYPE: FieldSpec = FieldSpec {
    field: Field::Type,
    types: FieldTypes::All,
    role: FieldRole::Key,
    is_required: true,
    tolerated: &[],
    absent: REQUIRED,
    description: "The delivery type.",
    example: None,
    shape: Shape::DeliveryType,
    default: None,
    parse: |value, _| parse_text::<DeliveryType>(value),
};

pub(super) static TARGET_REGION: FieldSpec = FieldSpec {
    field: Field::TargetRegion,
    types: FieldTypes::All,
    role: FieldRole::Writable,
    is_required: false,
    tolerated: &[ErrorCode::Empty],
    absent: Absent::Unset("logs go to the log processor's own region"),
    description: "The region of the destination, in the partition of the role. If absent, the log processor's own region.",
    example: Some(r#""us-east-1""#),
    shape: Shape::Text {
        pattern: Region::PATTERN,
        max_chars: None,
    },
    default: None,
    parse: |value, _| parse_text::<Region>(value),
};

pub(super) static ENABLED: FieldSpec = FieldSpec {
    field: Field::Enabled,
    types: FieldTypes::All,
    role: FieldRole::Writable,
    is_required: false,
    tolerated: &[],
    absent: Absent::Missing("is not stored, so the log processor treats it as false (PATCH it to true or false)"),
    description: "Whether logs are delivered.",
    example: None,
    shape: Shape::Boolean,
    default: Some(|| FieldData::Boolean(true)),
    parse: |value, _| match value {
        Value::Bool(enabled) => Ok(FieldData::Boolean(*enabled)),
        other => Err(vec![Violation::wrong_type("true or false", other)]),
    },
};

pub(super) static DESIRED_LOGS: FieldSpec = FieldSpec {
    field: Field::DesiredLogs,
    types: FieldTypes::All,
    role: FieldRole::Writable,
    is_required: false,
    tolerated: &[ErrorCode::Empty, ErrorCode::Duplicate, ErrorCode::TooLong],
    absent: Absent::Unset("the logs of every application are delivered"),
    description: "The applications whose logs are delivered, without whitespace around a name. If absent, all of them.",
    example: Some(r#"["payment-service","user-service"]"#),
    shape: Shape::Names {
        pattern: DesiredLogs::NAME_PATTERN,
        max_chars: DesiredLogs::MAX_NAME_CHARS,
        max_names: DesiredLogs::MAX_NAMES,
    },
    default: None,
    parse: |value, _| DesiredLogs::parse(value).map(Into::into),
};

pub(super) static LABELS: FieldSpec = FieldSpec {
    field: Field::Labels,
    types: FieldTypes::All,
    role: FieldRole::Writable,
    is_required: false,
    tolerated: &ErrorCode::ALL,
    absent: Absent::Unset("the configuration has no labels"),
    description: "Texts to find and group configurations by, which log processors ignore: up to 16. An update merges them \
        key by key: a label that is left out keeps its value, `null` removes one.",
    example: Some(r#"{"env":"production","team":"payments"}"#),
    shape: Shape::Map {
        key_pattern: Labels::KEY_PATTERN,
        pattern: Labels::TEXT_PATTERN,
        max_members: Labels::MAX_LABELS,
    },
    default: None,
    parse: |value, _| Labels::parse(value).map(Into::into),
};

pub(super) static TTL: FieldSpec = FieldSpec {
    field: Field::Ttl,
    types: FieldTypes::All,
    role: FieldRole::Writable,
    is_required: false,
    tolerated: &ErrorCode::ALL,
    absent: Absent::Unset("the configuration does not expire"),
    description: "When the configuration expires, in Unix seconds. Must be in the future. A value that is too large is \
        in milliseconds.",
    example: Some("4102444800"),
    shape: Shape::UnixSeconds {
        below: Ttl::FIRST_MILLISECONDS,
    },
    default: None,
    parse: |value, now| {
        now.map_or_else(|| Ttl::parse_shape(value), |now| Ttl::parse(value, now))
            .map(Into::into)
            .map_err(|violation| vec![violation])
    },
};

pub(super) static CREATED_AT: FieldSpec = managed_time(Field::CreatedAt, "When it was created.");
pub(super) static UPDATED_AT: FieldSpec = managed_time(Field::UpdatedAt, "When it was last changed.");

const fn managed_time(field: Field, description: &'static str) -> FieldSpec {
    FieldSpec {
        field,
        types: FieldTypes::All,
        role: FieldRole::Managed,
        is_required: false,
        tolerated: &ErrorCode::ALL,
        absent: Absent::Unset("the item was not written by this service"),
        description,
        example: Some(r#""2024-01-15T10:30:00Z""#),
        shape: Shape::Time,
        default: None,
        parse: |value, _| {
            value
                .as_str()
                .filter(|text| DateTime::parse_from_rfc3339(text).is_ok())
                .map(|text| FieldData::Text(text.to_owned()))
                .ok_or_else(|| {
                    vec![Violation::new(
                        ErrorCode::InvalidFormat,
                        "must be an RFC 3339 time, such as 2024-01-15T10:30:00Z",
                    )]
                })
        },
    }
}

impl From<TenantId> for FieldData {
    fn from(tenant_id: TenantId) -> Self {
        Self::Text(tenant_id.as_str().to_owned())
    }
}

impl From<DeliveryType> for FieldData {
    fn from(delivery_type: DeliveryType) -> Self {
        Self::Text(delivery_type.as_str().to_owned())
    }
}
