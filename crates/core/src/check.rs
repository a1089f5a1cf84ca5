//! Says what is right and what is wrong with a stored configuration.

use serde::Serialize;
use serde_json::Value;

use crate::{
    config::FieldValue,
    delivery_type::DeliveryType,
    field::Field,
    stored::StoredConfig,
    tenant_id::TenantId,
    values::{Region, RoleArn},
    violation::{ErrorCode, Violation},
};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// As it must be.
    Ok,
    /// A required field is not there.
    Missing,
    /// There, but it breaks a rule.
    Invalid,
    /// Nothing to check, or the check could not be made; the message says why.
    Skipped,
}

/// One entry of a validation's `checks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// What was looked at: a field, or something outside the table that fields name.
    pub field: &'static str,
    /// How it came out.
    pub status: CheckStatus,
    /// A stable word: `ok` where the status is [`CheckStatus::Ok`] and nowhere else; otherwise why it is not.
    pub code: &'static str,
    /// What was found, and what to do about it.
    pub message: String,
}

const OK: &str = "ok";

impl Check {
    /// The subject is as it must be.
    pub(crate) fn passed(subject: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: subject,
            status: CheckStatus::Ok,
            code: OK,
            message: message.into(),
        }
    }

    /// The subject must be there and is not.
    pub(crate) fn missing(subject: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::not_passed(subject, CheckStatus::Missing, code, message.into())
    }

    /// The subject is there and not as it must be.
    pub(crate) fn invalid(subject: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::not_passed(subject, CheckStatus::Invalid, code, message.into())
    }

    /// Nothing is said of the subject; the message says why.
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

/// Checks each field of a stored item (there, and well-formed) and then the fields against each other.
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
    let outcome = match field {
        Field::TenantId => parse_key::<TenantId>(value),
        Field::Type => parse_key::<DeliveryType>(value),
        Field::CreatedAt | Field::UpdatedAt => parse_time(value),
        _ => FieldValue::parse(field, value, None).map_or(Ok(()), |parsed| parsed.map(drop)),
    };
    match outcome {
        Ok(()) => vec![Check::well_formed(field)],
        Err(violations) => violations
            .iter()
            .map(|violation| Check::broken(field, CheckStatus::Invalid, violation))
            .collect(),
    }
}

fn foreign_field(field: Field, delivery_type: DeliveryType) -> Check {
    let message = format!("belongs to another type than {delivery_type}; PATCH it to null to take it away");
    Check::broken(
        field,
        CheckStatus::Invalid,
        &Violation::new(ErrorCode::WrongDeliveryType, message),
    )
}

/// A field that is not there. Without a known delivery type nothing can be said of a field that only one has.
fn absent_field(field: Field, delivery_type: Option<DeliveryType>) -> Option<Check> {
    let missing = |message: &str| {
        Some(Check::broken(
            field,
            CheckStatus::Missing,
            &Violation::new(ErrorCode::Required, message),
        ))
    };
    match field {
        _ if delivery_type.is_none() && field.only_for().is_some() => None,
        Field::Enabled => missing("is not stored, which the log processor reads as off; PATCH it to true or false"),
        _ if field.is_required() => missing("is required; PATCH the configuration with a value"),
        Field::BucketPrefix => Some(Check::unset(field, "the default ROSA/cluster-logs/ applies")),
        Field::TargetRegion => Some(Check::unset(field, "logs go to the log processor's own region")),
        Field::DesiredLogs => Some(Check::unset(field, "the logs of every application are delivered")),
        Field::Ttl => Some(Check::unset(field, "the configuration does not expire")),
        _ => Some(Check::unset(field, "the item was not written by this service")),
    }
}

fn parse_key<T: std::str::FromStr<Err = Violation>>(value: &Value) -> Result<(), Vec<Violation>> {
    let text = value
        .as_str()
        .ok_or_else(|| vec![Violation::wrong_type("a string", value)])?;
    text.parse::<T>().map(drop).map_err(|violation| vec![violation])
}

fn parse_time(value: &Value) -> Result<(), Vec<Violation>> {
    value
        .as_str()
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
        .map(drop)
        .ok_or_else(|| {
            vec![Violation::new(
                ErrorCode::InvalidFormat,
                "must be an RFC 3339 time, such as 2024-01-15T10:30:00Z",
            )]
        })
}

/// A role can be assumed only inside its own partition.
fn check_partitions(config: &StoredConfig) -> Option<Check> {
    let role: RoleArn = config.get(Field::LogDistributionRoleArn)?.as_str()?.parse().ok()?;
    let region: Region = config.get(Field::TargetRegion)?.as_str()?.parse().ok()?;
    let (role, region_name, region) = (role.partition(), region.as_str(), region.partition());
    (role != region).then(|| {
        let message = format!("is {region_name} of partition {region}, but log_distribution_role_arn is of partition {role}; a role works only in its own partition");
        Check::broken(Field::TargetRegion, CheckStatus::Invalid, &Violation::new(ErrorCode::Conflict, message))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    fn a_well_formed_item_has_no_failure_and_each_field_is_told() {
        let found = checks(s3());
        assert_eq!(found.len(), 10, "{found:?}");
        assert!(
            found
                .iter()
                .all(|(_, status, _)| matches!(status, CheckStatus::Ok | CheckStatus::Skipped))
        );
    }

    #[test]
    fn each_broken_field_is_told_with_its_rule() {
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
    fn required_fields_that_are_absent_or_null_are_missing() {
        let found = checks(json!({"tenant_id": "acme", "type": "cloudwatch", "log_group_name": null, "enabled": true}));
        assert!(found.contains(&("log_distribution_role_arn", CheckStatus::Missing, "required")));
        assert!(found.contains(&("log_group_name", CheckStatus::Missing, "required")));
    }

    #[test]
    fn an_unknown_type_is_invalid_and_says_nothing_of_fields_that_only_one_type_has() {
        let found = checks(json!({"tenant_id": "a b", "type": "splunk", "enabled": true}));
        assert!(found.contains(&("tenant_id", CheckStatus::Invalid, "invalid_format")));
        assert!(found.contains(&("type", CheckStatus::Invalid, "invalid_format")));
        assert!(!found.iter().any(|(field, ..)| *field == "bucket_name"));
    }

    #[test]
    fn a_role_and_a_region_of_different_partitions_conflict() {
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
