//! Delivery into the tenant's CloudWatch Logs.

mod log_group_name;
mod role_arn;

pub use log_group_name::LogGroupName;
pub use role_arn::RoleArn;

use crate::config::{
    names::{DeliveryType, ExternalCheck, Field},
    spec::{DestinationSpec, FieldRole, FieldSpec, FieldTypes, REQUIRED, Shape, parse_text},
};

pub(super) static DESTINATION: DestinationSpec = DestinationSpec {
    identifier: "CloudWatch",
    description: "Delivery into a log group of the tenant's CloudWatch Logs.",
    external_checks: &[
        ExternalCheck::CentralRole,
        ExternalCheck::CustomerRole,
        ExternalCheck::LogGroup,
        ExternalCheck::LogStreams,
    ],
};

pub(super) static LOG_DISTRIBUTION_ROLE_ARN: FieldSpec = FieldSpec {
    field: Field::LogDistributionRoleArn,
    types: FieldTypes::Only(&[DeliveryType::CloudWatch]),
    role: FieldRole::Writable,
    is_required: true,
    tolerated: &[],
    absent: REQUIRED,
    description: "The customer's IAM role that the log processor assumes.",
    example: Some(r#""arn:aws:iam::123456789012:role/LogDistributionRole""#),
    shape: Shape::Text {
        pattern: RoleArn::PATTERN,
        max_chars: None,
    },
    default: None,
    parse: |value, _| parse_text::<RoleArn>(value),
};

pub(super) static LOG_GROUP_NAME: FieldSpec = FieldSpec {
    field: Field::LogGroupName,
    types: FieldTypes::Only(&[DeliveryType::CloudWatch]),
    role: FieldRole::Writable,
    is_required: true,
    tolerated: &[],
    absent: REQUIRED,
    description: "The log group. Names that begin with `aws/` are reserved.",
    example: Some(r#""/aws/logs/acme-corp""#),
    shape: Shape::Text {
        pattern: LogGroupName::PATTERN,
        max_chars: None,
    },
    default: None,
    parse: |value, _| parse_text::<LogGroupName>(value),
};
