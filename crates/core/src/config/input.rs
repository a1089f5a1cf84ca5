//! From the bytes of a request body to what they mean.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    delivery_type::DeliveryType,
    field::Field,
    field_value::{Change, ConfigUpdate, Destination, FieldValue, NewConfig},
    values::BucketPrefix,
};
use crate::{
    json_object::{JsonObject, JsonObjectError},
    tenant_id::TenantId,
    violation::{ErrorCode, FieldError, Violation},
};

/// Why a body is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// No body at all.
    #[error("the request body is empty (send a JSON object with the configuration's fields)")]
    Empty,
    /// Bytes that are not JSON in UTF-8.
    #[error("the request body is not valid JSON: parsing stopped at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("the request body must be a JSON object, such as {{\"enabled\": false}}")]
    NotAnObject,
    /// A name is repeated, so that its value is ambiguous.
    #[error("the request body contains {name:?} more than once (send each field once)")]
    DuplicateKey {
        /// The repeated name.
        name: String,
    },
    /// The body is about another configuration than the request.
    #[error("the request body contains the {field} {body:?}, but the request is for {expected:?}")]
    NamesAnother {
        /// `tenant_id` or `type`.
        field: Field,
        /// The value in the body.
        body: String,
        /// The value of the request.
        expected: String,
    },
    /// An update without a change.
    #[error(
        "the request body contains nothing to update (send at least one field other than tenant_id, type, created_at and updated_at)"
    )]
    NothingToUpdate,
    /// Well-formed, but these rules are broken: all of them, in the order in which the fields were sent, missing ones
    /// last.
    #[error("the configuration is not valid: {}", summarize(.0))]
    BrokenRules(Vec<FieldError>),
}

fn summarize(errors: &[FieldError]) -> String {
    /// The summary is for people. Programs read every error in `details.errors`.
    const LISTED: usize = 3;
    let mut listed: Vec<String> = errors.iter().take(LISTED).map(ToString::to_string).collect();
    if errors.len() > LISTED {
        listed.push(format!("and {} more", errors.len() - LISTED));
    }
    listed.join("; ")
}

/// Reads the body of a create for the tenant of the URL.
pub fn parse_create(body: &[u8], tenant: &TenantId, now: DateTime<Utc>) -> Result<NewConfig, InputError> {
    let members = parse_members(body)?;
    let mut errors = Vec::new();
    check_tenant(&members, tenant, &mut errors)?;
    require_text(&members, Field::TenantId, &mut errors);
    let delivery_type = parse_type(&members, &mut errors);

    let changes = read_fields(&members, delivery_type, now, &mut errors);
    let mut draft = Draft::default();
    for change in changes {
        // On a create null and absent are one: a removal has nothing to remove.
        if let Change::Set(value) = change {
            draft.put(value);
        }
    }
    if let Some(delivery_type) = delivery_type {
        report_missing(&members, delivery_type, &mut errors);
    }
    match delivery_type.and_then(|delivery_type| draft.finish(tenant, delivery_type)) {
        Some(config) if errors.is_empty() => Ok(config),
        _ => Err(InputError::BrokenRules(errors)),
    }
}

/// Reads the body of a PUT or PATCH of the configuration that the URL names. Both merge: a field left out keeps its
/// value, null removes an optional field or returns it to its default.
pub fn parse_update(
    body: &[u8],
    tenant: &TenantId,
    delivery_type: DeliveryType,
    now: DateTime<Utc>,
) -> Result<ConfigUpdate, InputError> {
    let members = parse_members(body)?;
    let mut errors = Vec::new();
    check_key_field(&members, Field::TenantId, tenant.as_str())?;
    check_key_field(&members, Field::Type, delivery_type.as_str())?;
    for (name, value) in &members {
        if let Some(field) = Field::from_name(name)
            && value.is_null()
            && field.is_required()
            && field.applies_to(delivery_type)
            && !matches!(field, Field::TenantId | Field::Type)
        {
            errors.push(
                Violation::new(
                    ErrorCode::Required,
                    "is required and cannot be removed (send a value or omit the field)",
                )
                .for_field(field.name()),
            );
        }
    }
    let changes = read_fields(&members, Some(delivery_type), now, &mut errors);
    if !errors.is_empty() {
        return Err(InputError::BrokenRules(errors));
    }
    ConfigUpdate::new(changes).ok_or(InputError::NothingToUpdate)
}

fn parse_members(body: &[u8]) -> Result<Vec<(String, Value)>, InputError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(InputError::Empty);
    }
    JsonObject::parse(body)
        .map(|object| object.0)
        .map_err(|error| match error {
            JsonObjectError::Syntax { line, column } => InputError::NotJson { line, column },
            JsonObjectError::NotAnObject => InputError::NotAnObject,
            JsonObjectError::Repeated(name) => InputError::DuplicateKey { name },
        })
}

fn member(members: &[(String, Value)], field: Field) -> Option<&Value> {
    members
        .iter()
        .find(|(name, _)| name == field.name())
        .map(|(_, value)| value)
}

/// Holds a key field of an update's body against the URL. Absent, null and empty (typed clients send `""`) say nothing;
/// what is no text is another tenant or type than any URL names.
fn check_key_field(members: &[(String, Value)], field: Field, expected: &str) -> Result<(), InputError> {
    let body = match member(members, field) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(body)) if body.is_empty() || body == expected => return Ok(()),
        Some(Value::String(body)) => body.clone(),
        Some(other) => other.to_string(),
    };
    Err(InputError::NamesAnother {
        field,
        body,
        expected: expected.to_owned(),
    })
}

/// Holds a create's tenant against the URL. That it is there and a text is a rule among others.
fn check_tenant(
    members: &[(String, Value)],
    tenant: &TenantId,
    errors: &mut Vec<FieldError>,
) -> Result<(), InputError> {
    match member(members, Field::TenantId) {
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            errors.push(Violation::wrong_type("a string", other).for_field(Field::TenantId.name()));
            Ok(())
        }
        _ => check_key_field(members, Field::TenantId, tenant.as_str()),
    }
}

fn require_text(members: &[(String, Value)], field: Field, errors: &mut Vec<FieldError>) {
    match member(members, field) {
        None | Some(Value::Null) => {
            errors.push(Violation::new(ErrorCode::Required, "is required").for_field(field.name()))
        }
        Some(Value::String(text)) if text.is_empty() => {
            errors
                .push(Violation::new(ErrorCode::Required, "is required and must not be empty").for_field(field.name()));
        }
        Some(_) => {}
    }
}

fn parse_type(members: &[(String, Value)], errors: &mut Vec<FieldError>) -> Option<DeliveryType> {
    require_text(members, Field::Type, errors);
    match member(members, Field::Type) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => text
            .parse()
            .map_err(|violation: Violation| errors.push(violation.for_field(Field::Type.name())))
            .ok(),
        Some(other) => {
            errors.push(Violation::wrong_type("a string", other).for_field(Field::Type.name()));
            None
        }
    }
}

/// Reads every member that is neither key nor time, and collects what is wrong. Without a delivery type (a create whose
/// type is wrong) no field can belong to the other one.
fn read_fields(
    members: &[(String, Value)],
    delivery_type: Option<DeliveryType>,
    now: DateTime<Utc>,
    errors: &mut Vec<FieldError>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, value) in members {
        let Some(field) = Field::from_name(name) else {
            errors.push(unknown_field(name));
            continue;
        };
        if matches!(
            field,
            Field::TenantId | Field::Type | Field::CreatedAt | Field::UpdatedAt
        ) {
            continue;
        }
        if let (Some(only), Some(delivery_type)) = (field.only_for(), delivery_type)
            && only != delivery_type
        {
            if value.is_null() {
                // Clients that write out every field send null here. It also takes away what a hand left behind.
                changes.push(Change::Remove(field));
            } else {
                let message =
                    format!("belongs to type {only} but this configuration has type {delivery_type} (omit the field)");
                errors.push(Violation::new(ErrorCode::WrongDeliveryType, message).for_field(name));
            }
            continue;
        }
        if value.is_null() {
            match FieldValue::default_of(field) {
                Some(default) => changes.push(Change::Set(default)),
                // The callers report null in a required field, each in its own words.
                None if field.is_required() => {}
                None => changes.push(Change::Remove(field)),
            }
            continue;
        }
        match FieldValue::parse(field, value, Some(now)) {
            Some(Ok(value)) => changes.push(Change::Set(value)),
            Some(Err(violations)) => errors.extend(violations.into_iter().map(|violation| violation.for_field(name))),
            None => {}
        }
    }
    changes
}

fn unknown_field(name: &str) -> FieldError {
    /// A name is quoted whole up to here; it is the client's own, but an answer need not repeat 60 kB of it.
    const QUOTED_CHARS: usize = 64;
    let message = Field::nearest(name).map_or_else(
        || "is not a field of a delivery configuration (omit it)".to_owned(),
        |nearest| format!("is not a field of a delivery configuration (did you mean {nearest}?)"),
    );
    let mut quoted: String = name.chars().take(QUOTED_CHARS).collect();
    if quoted.len() < name.len() {
        quoted.push('…');
    }
    Violation::new(ErrorCode::UnknownField, message).for_field(quoted)
}

fn report_missing(members: &[(String, Value)], delivery_type: DeliveryType, errors: &mut Vec<FieldError>) {
    for field in Field::ALL {
        if field.only_for() == Some(delivery_type)
            && field.is_required()
            && member(members, field).is_none_or(Value::is_null)
        {
            let message = format!("is required for a configuration of type {delivery_type}");
            errors.push(Violation::new(ErrorCode::Required, message).for_field(field.name()));
        }
    }
}

/// The values of a create while they are gathered.
#[derive(Default)]
struct Draft {
    values: Vec<FieldValue>,
}

impl Draft {
    fn put(&mut self, value: FieldValue) {
        self.values.push(value);
    }

    /// `None` when a required value is missing.
    fn finish(self, tenant: &TenantId, delivery_type: DeliveryType) -> Option<NewConfig> {
        let (mut role, mut group, mut bucket, mut prefix) = (None, None, None, None);
        let (mut target_region, mut enabled, mut desired_logs, mut ttl) = (None, true, None, None);
        for value in self.values {
            match value {
                FieldValue::LogDistributionRoleArn(value) => role = Some(value),
                FieldValue::LogGroupName(value) => group = Some(value),
                FieldValue::BucketName(value) => bucket = Some(value),
                FieldValue::BucketPrefix(value) => prefix = Some(value),
                FieldValue::TargetRegion(value) => target_region = Some(value),
                FieldValue::Enabled(value) => enabled = value,
                FieldValue::DesiredLogs(value) => desired_logs = Some(value),
                FieldValue::Ttl(value) => ttl = Some(value),
            }
        }
        let destination = match delivery_type {
            DeliveryType::CloudWatch => Destination::CloudWatch {
                log_distribution_role_arn: role?,
                log_group_name: group?,
            },
            DeliveryType::S3 => Destination::S3 {
                bucket_name: bucket?,
                bucket_prefix: prefix.unwrap_or_else(BucketPrefix::default),
            },
        };
        Some(NewConfig {
            tenant_id: tenant.clone(),
            destination,
            target_region,
            enabled,
            desired_logs,
            ttl,
        })
    }
}

#[cfg(test)]
mod tests;
