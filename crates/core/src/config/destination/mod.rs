//! Where logs go: one module for each delivery type, with the fields that only some types have, the rules of their
//! values and the external checks. Registers each module's specs under their names.

mod cloudwatch;
mod s3;

use super::{
    fields,
    names::{DeliveryType, Field},
    spec::{DestinationSpec, FieldSpec, FieldTypes},
};

pub use cloudwatch::{LogGroupName, RoleArn};
pub use s3::{BucketName, BucketPrefix};

impl DeliveryType {
    /// Everything that is specific to this type.
    #[must_use]
    pub const fn spec(self) -> &'static DestinationSpec {
        match self {
            Self::CloudWatch => &cloudwatch::DESTINATION,
            Self::S3 => &s3::DESTINATION,
        }
    }

    /// The fields of a configuration of this type, in model order.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| field.applies_to(self))
    }
}

impl Field {
    /// Everything about this field.
    #[must_use]
    pub const fn spec(self) -> &'static FieldSpec {
        match self {
            Self::TenantId => &fields::TENANT_ID,
            Self::Type => &fields::TYPE,
            Self::LogDistributionRoleArn => &cloudwatch::LOG_DISTRIBUTION_ROLE_ARN,
            Self::LogGroupName => &cloudwatch::LOG_GROUP_NAME,
            Self::BucketName => &s3::BUCKET_NAME,
            Self::BucketPrefix => &s3::BUCKET_PREFIX,
            Self::TargetRegion => &fields::TARGET_REGION,
            Self::Enabled => &fields::ENABLED,
            Self::DesiredLogs => &fields::DESIRED_LOGS,
            Self::Labels => &fields::LABELS,
            Self::Ttl => &fields::TTL,
            Self::CreatedAt => &fields::CREATED_AT,
            Self::UpdatedAt => &fields::UPDATED_AT,
        }
    }

    /// Whether a configuration of this delivery type has the field.
    #[must_use]
    pub fn applies_to(self, delivery_type: DeliveryType) -> bool {
        match self.spec().types {
            FieldTypes::All => true,
            FieldTypes::Only(types) => types.contains(&delivery_type),
        }
    }

    /// Whether every configuration with this field must have a value for it, which a client must send.
    #[must_use]
    pub const fn is_required(self) -> bool {
        self.spec().is_required
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::spec::{Absent, FieldRole};

    #[test]
    fn every_field_is_registered_under_its_own_name() {
        for field in Field::ALL {
            assert_eq!(field.spec().field, field);
        }
    }

    #[test]
    fn required_field_is_missing_when_absent_and_has_no_default() {
        for spec in Field::ALL.map(Field::spec).into_iter().filter(|spec| spec.is_required) {
            assert!(matches!(spec.absent, Absent::Missing(_)), "{}", spec.field);
            assert_eq!(spec.default_value(), None, "{}", spec.field);
        }
    }

    #[test]
    fn examples_are_valid_json_and_valid_values() {
        for spec in Field::ALL.map(Field::spec) {
            let example = spec.example.map(|example| serde_json::from_str(example).unwrap());
            if let Some(example) = example {
                assert!(spec.parse(&example, None).is_ok(), "{}", spec.field);
            }
        }
    }

    #[test]
    fn fields_of_specific_types_are_writable() {
        for spec in Field::ALL.map(Field::spec) {
            if matches!(spec.types, FieldTypes::Only(_)) {
                assert_eq!(spec.role, FieldRole::Writable, "{}", spec.field);
            }
        }
    }
}
