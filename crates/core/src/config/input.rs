//! From the bytes of a request body to their meaning.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    field_change::{Change, ForeignField},
    field_value::FieldValue,
    merge::parse_labels,
    names::{DeliveryType, Field, RETIRED_FIELDS},
    new_config::NewConfig,
    partitions,
    spec::{FieldRole, FieldTypes},
    update::ConfigUpdate,
};
use crate::{
    json_object::{JsonObject, JsonObjectError},
    tenant_id::TenantId,
    unknown_name::shorten_name,
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

pub(crate) fn summarize(errors: &[FieldError]) -> String {
    /// The summary is for people. Programs read every error in `details.errors`.
    const LISTED: usize = 3;
    let mut listed: Vec<String> = errors.iter().take(LISTED).map(ToString::to_string).collect();
    if errors.len() > LISTED {
        listed.push(format!("and {} more", errors.len() - LISTED));
    }
    listed.join("; ")
}

/// Parses the body of a create for this tenant.
pub fn parse_create(body: &[u8], tenant: &TenantId, now: DateTime<Utc>) -> Result<NewConfig, InputError> {
    let members = parse_members(body)?;
    let mut errors = Vec::new();
    check_tenant(&members, tenant, &mut errors)?;
    require_text(&members, Field::TenantId, &mut errors);
    create_for(Some(tenant.clone()), &members, now, errors)
}

/// The same of members whose tenant nothing but themselves determines.
pub(crate) fn create_from_members(members: &[(String, Value)], now: DateTime<Utc>) -> Result<NewConfig, InputError> {
    let mut errors = Vec::new();
    let tenant = parse_key_field(members, Field::TenantId, &mut errors);
    create_for(tenant, members, now, errors)
}

/// `errors` are those of the tenant, at least one where there is none.
fn create_for(
    tenant: Option<TenantId>,
    members: &[(String, Value)],
    now: DateTime<Utc>,
    mut errors: Vec<FieldError>,
) -> Result<NewConfig, InputError> {
    let delivery_type = parse_key_field(members, Field::Type, &mut errors);
    let (changes, _) = parse_fields(members, delivery_type, now, &mut errors);
    if let Some(delivery_type) = delivery_type {
        report_missing(members, delivery_type, &mut errors);
    }
    match (tenant, delivery_type) {
        (Some(tenant), Some(delivery_type)) if errors.is_empty() => {
            let values = with_defaults(changes, delivery_type);
            Ok(NewConfig::new(tenant, delivery_type, values))
        }
        _ => Err(broken_rules(errors)),
    }
}

/// Parses the body of a PUT or PATCH of this configuration. Both merge: an absent field keeps its value, null removes an
/// optional field or resets it to its default.
pub fn parse_update(
    body: &[u8],
    tenant: &TenantId,
    delivery_type: DeliveryType,
    now: DateTime<Utc>,
) -> Result<ConfigUpdate, InputError> {
    update_from_members(parse_members(body)?, tenant, delivery_type, now)
}

/// The same of members that have been read already.
pub(crate) fn update_from_members(
    members: Vec<(String, Value)>,
    tenant: &TenantId,
    delivery_type: DeliveryType,
    now: DateTime<Utc>,
) -> Result<ConfigUpdate, InputError> {
    let mut errors = Vec::new();
    check_key_field(&members, Field::TenantId, tenant.as_str())?;
    check_key_field(&members, Field::Type, delivery_type.as_str())?;
    for (name, value) in &members {
        if let Some(field) = Field::from_name(name)
            && value.is_null()
            && is_required_value(field, delivery_type)
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
    let (changes, foreign) = parse_fields(&members, Some(delivery_type), now, &mut errors);
    // Each foreign field is one of the errors. The item decides about them, if the update is valid otherwise.
    let depends_on_the_item = errors.len() == foreign.len() && !changes.is_empty();
    if !errors.is_empty() && !depends_on_the_item {
        return Err(broken_rules(errors));
    }
    let sent = members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(name, value)| Field::from_name(&name).map(|field| (field, value)))
        .collect();
    ConfigUpdate::new(delivery_type, changes, sent, foreign).ok_or(InputError::NothingToUpdate)
}

/// The members of a body in their order. A byte order mark in front is skipped: RFC 8259, section 8.1 allows that, and some
/// editors and shells write one.
pub(crate) fn parse_members(body: &[u8]) -> Result<Vec<(String, Value)>, InputError> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
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

/// Checks a key field of the body against the request. Absent, null and empty (typed clients send `""`) match. A value
/// that is not a string never matches.
pub(crate) fn check_key_field(members: &[(String, Value)], field: Field, expected: &str) -> Result<(), InputError> {
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

/// Checks the tenant of a create against the request. That it is present and a string is a rule among others.
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
    let message = match member(members, field) {
        None | Some(Value::Null) => "is required",
        Some(Value::String(text)) if text.is_empty() => "is required and must not be empty",
        Some(_) => return,
    };
    errors.push(Violation::new(ErrorCode::Required, message).for_field(field.name()));
}

/// A part of the key of a create, if it is valid.
fn parse_key_field<T: FromStr<Err = Violation>>(
    members: &[(String, Value)],
    field: Field,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    require_text(members, field, errors);
    match member(members, field) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => text
            .parse()
            .map_err(|violation: Violation| errors.push(violation.for_field(field.name())))
            .ok(),
        Some(other) => {
            errors.push(Violation::wrong_type("a string", other).for_field(field.name()));
            None
        }
    }
}

/// A rule that two fields break together is in the list once for each of them.
fn broken_rules(mut errors: Vec<FieldError>) -> InputError {
    errors.dedup();
    InputError::BrokenRules(errors)
}

/// Parses every member that clients may write, and collects the broken rules. Without a delivery type (a create whose
/// type is invalid) no field is reported as one of another type. What is reported although some item may have it is returned
/// as well.
fn parse_fields(
    members: &[(String, Value)],
    delivery_type: Option<DeliveryType>,
    now: DateTime<Utc>,
    errors: &mut Vec<FieldError>,
) -> (Vec<Change>, Vec<ForeignField>) {
    let mut changes = Vec::new();
    let mut foreign = Vec::new();
    for (name, value) in members {
        let Some(field) = Field::from_name(name) else {
            if !RETIRED_FIELDS.contains(&name.as_str()) {
                errors.push(unknown_field(name));
            }
            continue;
        };
        let spec = field.spec();
        match spec.role {
            // The callers compare the key with the request. Clients may send back what they read of the service's fields.
            FieldRole::Key | FieldRole::Managed => continue,
            FieldRole::Writable => {}
        }
        if let (FieldTypes::Only(types), Some(delivery_type)) = (spec.types, delivery_type)
            && !types.contains(&delivery_type)
        {
            if value.is_null() {
                // Clients that write out every field send null here. It also removes a field that was added by hand.
                changes.push(Change::Remove(field));
            } else {
                let error = field_of_another_type(types, delivery_type).for_field(name);
                errors.push(error.clone());
                foreign.extend(value.is_string().then(|| ForeignField {
                    field,
                    entry: None,
                    value: value.clone(),
                    error,
                }));
            }
            continue;
        }
        if value.is_null() {
            match spec.default_value() {
                Some(default) => changes.push(Change::Set(default)),
                // The callers report null in a required field, each with its own message.
                None if spec.is_required => {}
                None => changes.push(Change::Remove(field)),
            }
            continue;
        }
        if field == Field::Labels {
            let (change, broken) = parse_labels(value);
            changes.push(change);
            errors.extend(broken.iter().map(|label| label.error.clone()));
            foreign.extend(broken);
            continue;
        }
        match spec.parse(value, Some(now)) {
            Ok(value) => changes.push(Change::Set(value)),
            Err(violations) => errors.extend(violations.into_iter().map(|violation| violation.for_field(name))),
        }
    }
    if let Some((error, fields)) = partitions::conflict_in(&changes) {
        foreign.extend(fields);
        errors.extend([error.clone(), error]);
    }
    (changes, foreign)
}

fn field_of_another_type(types: &[DeliveryType], delivery_type: DeliveryType) -> Violation {
    let types: Vec<&str> = types.iter().map(|delivery_type| delivery_type.as_str()).collect();
    let message = format!(
        "belongs to type {} but this configuration has type {delivery_type} (omit the field)",
        types.join(" or ")
    );
    Violation::new(ErrorCode::WrongDeliveryType, message)
}

fn unknown_field(name: &str) -> FieldError {
    let message = Field::nearest(name).map_or_else(
        || "is not a field of a delivery configuration (omit it)".to_owned(),
        |nearest| format!("is not a field of a delivery configuration (did you mean {nearest}?)"),
    );
    Violation::new(ErrorCode::UnknownField, message).for_field(shorten_name(name))
}

/// Whether clients must send a value of this field for a configuration of this type.
fn is_required_value(field: Field, delivery_type: DeliveryType) -> bool {
    field.is_required() && field.spec().role == FieldRole::Writable && field.applies_to(delivery_type)
}

fn report_missing(members: &[(String, Value)], delivery_type: DeliveryType, errors: &mut Vec<FieldError>) {
    for field in Field::ALL {
        if is_required_value(field, delivery_type) && member(members, field).is_none_or(Value::is_null) {
            let message = format!("is required for a configuration of type {delivery_type}");
            errors.push(Violation::new(ErrorCode::Required, message).for_field(field.name()));
        }
    }
}

/// The values of a create in model order. A removal has nothing to remove: in a create, null means absent.
fn with_defaults(changes: Vec<Change>, delivery_type: DeliveryType) -> Vec<FieldValue> {
    let mut sent: Vec<FieldValue> = changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Set(value) => Some(value),
            Change::Remove(_) | Change::MergeLabels(_) => None,
        })
        .collect();
    delivery_type
        .fields()
        .filter_map(|field| {
            let position = sent.iter().position(|value| value.field() == field);
            position
                .map(|position| sent.swap_remove(position))
                .or_else(|| field.spec().default_value())
        })
        .collect()
}

#[cfg(test)]
mod tests;
