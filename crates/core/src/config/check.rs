//! Checks a stored configuration.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    destination::RoleArn,
    field_value::{FieldData, FieldValue},
    names::{DeliveryType, Field},
    partitions::conflict,
    spec::{Absent, FieldRole, FieldTypes},
    stored::StoredConfig,
    values::Region,
};
use crate::violation::{ErrorCode, Violation};

named_enum! {
    /// The result of a check.
    pub enum CheckStatus -> as_str {
        /// As required.
        Ok = "ok",
        /// A required field is absent.
        Missing = "missing",
        /// Present, but it breaks a rule.
        Invalid = "invalid",
        /// Unusual, but the delivery works as it should.
        Warning = "warning",
        /// Nothing to check, or the check could not be made. The message is the reason.
        Skipped = "skipped",
    }
}

/// One entry of a validation's `checks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// What was checked: a field, `siblings`, or the name of an external check.
    pub field: &'static str,
    /// The result.
    pub status: CheckStatus,
    /// A stable word: `ok` if and only if the status is [`CheckStatus::Ok`], otherwise the reason.
    pub code: &'static str,
    /// What was found, and how to fix it.
    pub message: String,
}

const OK: &str = "ok";
const UNKNOWN_REGION: &str = "unknown_region";
/// The subject of what other items of the tenant cause. No field and no external check has this name.
const SIBLINGS: &str = "siblings";

impl Check {
    /// The subject is as required.
    pub(crate) fn passed(subject: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: subject,
            status: CheckStatus::Ok,
            code: OK,
            message: message.into(),
        }
    }

    /// The subject is required but absent.
    pub(crate) fn missing(subject: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::not_passed(subject, CheckStatus::Missing, code, message.into())
    }

    /// The subject is present but not as required.
    pub(crate) fn invalid(subject: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::not_passed(subject, CheckStatus::Invalid, code, message.into())
    }

    /// The subject is unusual, but the delivery works as it should.
    pub(crate) fn warning(subject: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::not_passed(subject, CheckStatus::Warning, code, message.into())
    }

    /// The subject was not checked. The message is the reason.
    pub(crate) fn skipped(subject: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::not_passed(subject, CheckStatus::Skipped, code, message.into())
    }

    fn not_passed(subject: &'static str, status: CheckStatus, code: &'static str, message: String) -> Self {
        debug_assert_ne!(code, OK, "{subject}: {message}");
        Self {
            field: subject,
            status,
            code,
            message,
        }
    }

    fn well_formed(field: Field) -> Self {
        Self::passed(field.name(), format!("{field} is well-formed"))
    }

    fn unset(field: Field, message: &str) -> Self {
        Self::skipped(field.name(), "not_set", format!("{field} is not set: {message}"))
    }

    fn broken(field: Field, status: CheckStatus, violation: &Violation) -> Self {
        Self::not_passed(
            field.name(),
            status,
            violation.code.as_str(),
            violation.clone().for_field(field.name()).to_string(),
        )
    }

    /// Whether the configuration is invalid because of this check.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self.status, CheckStatus::Missing | CheckStatus::Invalid)
    }
}

/// Checks that each field of a stored item is present and well-formed, and then the fields against each other. The item is
/// one that has not expired at `now`.
#[must_use]
pub fn check_stored(config: &StoredConfig, now: DateTime<Utc>) -> Vec<Check> {
    let delivery_type = config.delivery_type().parse::<DeliveryType>();
    let mut checks: Vec<Check> = Field::ALL
        .into_iter()
        .flat_map(|field| check_field(config, field, delivery_type.as_ref().ok().copied(), now))
        .collect();
    checks.extend(check_partitions(config));
    checks
}

fn check_field(
    config: &StoredConfig,
    field: Field,
    delivery_type: Option<DeliveryType>,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let value = config.get(field).filter(|value| !value.is_null());
    if let Some(delivery_type) = delivery_type
        && !field.applies_to(delivery_type)
    {
        return value
            .map(|value| foreign_field(field, value, delivery_type))
            .into_iter()
            .collect();
    }
    let is_blank = |value: &&Value| is_required_value(field) && is_missing(Some(*value));
    let Some(value) = value.filter(|value| !is_blank(value)) else {
        return absent_field(field, delivery_type).into_iter().collect();
    };
    if field == Field::TargetRegion && value.as_str().is_some_and(Region::is_unknown) {
        return vec![unknown_region()];
    }
    let violations = match field.spec().parse(value, None) {
        Ok(value) if is_never_swept(&value, now) => return vec![never_swept()],
        Ok(_) => return vec![Check::well_formed(field)],
        Err(violations) => violations,
    };
    let status = |violation: &Violation| {
        if field.spec().tolerated.contains(&violation.code) {
            CheckStatus::Warning
        } else {
            CheckStatus::Invalid
        }
    };
    violations
        .iter()
        .map(|violation| Check::broken(field, status(violation), violation))
        .collect()
}

/// Log processors read no field of another type. But one that is not a text keeps a processor with typed fields from reading
/// the item.
fn foreign_field(field: Field, value: &Value, delivery_type: DeliveryType) -> Check {
    let status = if value.is_string() {
        CheckStatus::Warning
    } else {
        CheckStatus::Invalid
    };
    let message = format!("does not belong to type {delivery_type} (PATCH it to null to remove it)");
    Check::broken(field, status, &Violation::new(ErrorCode::WrongDeliveryType, message))
}

/// An absent field. If the delivery type is unknown, fields of specific types are not checked.
fn absent_field(field: Field, delivery_type: Option<DeliveryType>) -> Option<Check> {
    let spec = field.spec();
    if delivery_type.is_none() && spec.types != FieldTypes::All {
        return None;
    }
    Some(match spec.absent {
        Absent::Missing(message) => Check::broken(
            field,
            CheckStatus::Missing,
            &Violation::new(ErrorCode::Required, message),
        ),
        Absent::Unset(consequence) => Check::unset(field, consequence),
    })
}

/// Whether this is the expiry of an item that has not expired although that time has passed.
fn is_never_swept(value: &FieldValue, now: DateTime<Utc>) -> bool {
    value.field() == Field::Ttl && matches!(value.data(), FieldData::Number(seconds) if *seconds <= now.timestamp())
}

fn never_swept() -> Check {
    let message = "is more than five years in the past, and such an item never expires (PATCH it to null, or to a time in the future)";
    Check::broken(
        Field::Ttl,
        CheckStatus::Warning,
        &Violation::new(ErrorCode::InThePast, message),
    )
}

fn unknown_region() -> Check {
    Check::warning(
        Field::TargetRegion.name(),
        UNKNOWN_REGION,
        "target_region is not a region that this service knows, so check its spelling: a new region works, but nothing about it \
         can be checked",
    )
}

/// Reports the other items of the tenant because of which a log processor delivers nothing at all for it. Log processors
/// ignore expiry, so `siblings` include expired items.
pub fn check_siblings<'a>(siblings: impl IntoIterator<Item = &'a StoredConfig>) -> Vec<Check> {
    siblings.into_iter().filter_map(check_sibling).collect()
}

fn check_sibling(sibling: &StoredConfig) -> Option<Check> {
    let is_off = |value: &&Value| value.is_null() || *value == &Value::Bool(false);
    sibling.get(Field::Enabled).filter(|value| !is_off(value))?;
    let problem = match sibling.delivery_type().parse::<DeliveryType>() {
        Err(_) => "is not a type that log processors know".to_owned(),
        Ok(delivery_type) => {
            let mut required = delivery_type.required_fields();
            let missing = required.find(|field| is_missing(sibling.get(*field)))?;
            format!("has no {missing}")
        }
    };
    let message = format!(
        "nothing is delivered for this tenant, because its configuration of type {:?} is enabled and {problem} (fix it, \
         switch it off or delete it)",
        sibling.delivery_type()
    );
    Some(Check::invalid(SIBLINGS, "blocked_by_sibling", message))
}

/// Whether an item of a type that has the field must have a value for it, beside its key.
fn is_required_value(field: Field) -> bool {
    field.is_required() && field.spec().role == FieldRole::Writable
}

/// Whether a log processor takes a required field for missing.
fn is_missing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|text| text.trim().is_empty()),
    }
}

/// A role can be assumed only within its partition.
fn check_partitions(config: &StoredConfig) -> Option<Check> {
    let delivery_type: DeliveryType = config.delivery_type().parse().ok()?;
    if !Field::LogDistributionRoleArn.applies_to(delivery_type) {
        return None;
    }
    let role: RoleArn = config.get(Field::LogDistributionRoleArn)?.as_str()?.parse().ok()?;
    let region: Region = config.get(Field::TargetRegion)?.as_str()?.parse().ok()?;
    let violation = conflict(&role, &region)?;
    Some(Check::broken(Field::TargetRegion, CheckStatus::Invalid, &violation))
}

#[cfg(test)]
mod tests;
