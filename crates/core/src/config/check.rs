//! Checks a stored configuration.

use serde::Serialize;

use super::{
    destination::RoleArn,
    names::{DeliveryType, Field},
    partitions::conflict,
    spec::{Absent, FieldTypes},
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
        /// Nothing to check, or the check could not be made. The message is the reason.
        Skipped = "skipped",
    }
}

/// One entry of a validation's `checks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// What was checked: a field, or the name of an external check.
    pub field: &'static str,
    /// The result.
    pub status: CheckStatus,
    /// A stable word: `ok` if and only if the status is [`CheckStatus::Ok`], otherwise the reason.
    pub code: &'static str,
    /// What was found, and how to fix it.
    pub message: String,
}

const OK: &str = "ok";

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
            format!("{field} {violation}"),
        )
    }

    /// Whether the configuration is invalid because of this check.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self.status, CheckStatus::Missing | CheckStatus::Invalid)
    }
}

/// Checks that each field of a stored item is present and well-formed, and then the fields against each other.
#[must_use]
pub fn check_stored(config: &StoredConfig) -> Vec<Check> {
    let delivery_type = config.delivery_type().parse::<DeliveryType>();
    let mut checks: Vec<Check> = Field::ALL
        .into_iter()
        .flat_map(|field| check_field(config, field, delivery_type.as_ref().ok().copied()))
        .collect();
    checks.extend(check_partitions(config));
    checks
}

fn check_field(config: &StoredConfig, field: Field, delivery_type: Option<DeliveryType>) -> Vec<Check> {
    let value = config.get(field).filter(|value| !value.is_null());
    if let Some(delivery_type) = delivery_type
        && !field.applies_to(delivery_type)
    {
        return value.map(|_| foreign_field(field, delivery_type)).into_iter().collect();
    }
    let Some(value) = value else {
        return absent_field(field, delivery_type).into_iter().collect();
    };
    match field.spec().parse(value, None) {
        Ok(_) => vec![Check::well_formed(field)],
        Err(violations) => violations
            .iter()
            .map(|violation| Check::broken(field, CheckStatus::Invalid, violation))
            .collect(),
    }
}

fn foreign_field(field: Field, delivery_type: DeliveryType) -> Check {
    let message = format!("does not belong to type {delivery_type} (PATCH it to null to remove it)");
    Check::broken(
        field,
        CheckStatus::Invalid,
        &Violation::new(ErrorCode::WrongDeliveryType, message),
    )
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

/// A role can be assumed only within its partition.
fn check_partitions(config: &StoredConfig) -> Option<Check> {
    let role: RoleArn = config.get(Field::LogDistributionRoleArn)?.as_str()?.parse().ok()?;
    let region: Region = config.get(Field::TargetRegion)?.as_str()?.parse().ok()?;
    let violation = conflict(&role, &region)?;
    Some(Check::broken(Field::TargetRegion, CheckStatus::Invalid, &violation))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checks(attributes: Value) -> Vec<(&'static str, CheckStatus, &'static str)> {
        let Value::Object(attributes) = attributes else {
            unreachable!("the tests pass objects")
        };
        check_stored(&StoredConfig::from_attributes(attributes))
            .into_iter()
            .map(|check| (check.field, check.status, check.code))
            .collect()
    }

    fn s3() -> Value {
        json!({
            "tenant_id": "acme", "type": "s3", "bucket_name": "acme-logs", "bucket_prefix": "p/", "enabled": true,
            "created_at": "2024-01-15T10:30:00Z", "updated_at": "2024-01-15T10:30:00Z"
        })
    }

    #[test]
    fn well_formed_item_has_no_failure_and_a_check_for_each_field() {
        let found = checks(s3());
        assert_eq!(found.len(), 10, "{found:?}");
        assert!(
            found
                .iter()
                .all(|(_, status, _)| matches!(status, CheckStatus::Ok | CheckStatus::Skipped))
        );
    }

    #[test]
    fn each_invalid_field_is_reported_with_its_rule() {
        let mut item = s3();
        item["bucket_name"] = json!("NO_BUCKET");
        item["target_region"] = json!("moon-1");
        item["desired_logs"] = json!([]);
        item["ttl"] = json!("soon");
        item["created_at"] = json!("yesterday");
        item["log_group_name"] = json!("stray");
        item.as_object_mut().unwrap().remove("enabled");
        let found = checks(item);
        for failure in [
            ("bucket_name", CheckStatus::Invalid, "invalid_format"),
            ("target_region", CheckStatus::Invalid, "invalid_format"),
            ("desired_logs", CheckStatus::Invalid, "empty"),
            ("ttl", CheckStatus::Invalid, "wrong_type"),
            ("created_at", CheckStatus::Invalid, "invalid_format"),
            ("log_group_name", CheckStatus::Invalid, "wrong_delivery_type"),
            ("enabled", CheckStatus::Missing, "required"),
        ] {
            assert!(found.contains(&failure), "{failure:?} in {found:?}");
        }
    }

    #[test]
    fn absent_or_null_required_fields_are_missing() {
        let found = checks(json!({"tenant_id": "acme", "type": "cloudwatch", "log_group_name": null, "enabled": true}));
        assert!(found.contains(&("log_distribution_role_arn", CheckStatus::Missing, "required")));
        assert!(found.contains(&("log_group_name", CheckStatus::Missing, "required")));
    }

    #[test]
    fn unknown_type_is_invalid_and_skips_fields_of_specific_types() {
        let found = checks(json!({"tenant_id": "a b", "type": "splunk", "enabled": true}));
        assert!(found.contains(&("tenant_id", CheckStatus::Invalid, "invalid_format")));
        assert!(found.contains(&("type", CheckStatus::Invalid, "invalid_format")));
        assert!(!found.iter().any(|(field, ..)| *field == "bucket_name"));
    }

    #[test]
    fn role_and_region_of_different_partitions_conflict() {
        let mut item = json!({
            "tenant_id": "acme", "type": "cloudwatch", "log_group_name": "g", "enabled": true,
            "log_distribution_role_arn": "arn:aws-us-gov:iam::123456789012:role/a", "target_region": "us-east-1"
        });
        let conflict = ("target_region", CheckStatus::Invalid, "conflict");
        assert!(checks(item.clone()).contains(&conflict));
        item["target_region"] = json!("us-gov-west-1");
        assert!(!checks(item).contains(&conflict));
    }
}
