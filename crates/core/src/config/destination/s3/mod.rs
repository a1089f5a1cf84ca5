//! Delivery into the tenant's S3 bucket.

mod bucket_name;
mod bucket_prefix;

pub use bucket_name::BucketName;
pub use bucket_prefix::BucketPrefix;

use crate::{
    config::{
        names::{DeliveryType, ExternalCheck, Field},
        spec::{Absent, DestinationSpec, FieldRole, FieldSpec, FieldTypes, REQUIRED, Shape, parse_text},
    },
    violation::ErrorCode,
};

pub(super) static DESTINATION: DestinationSpec = DestinationSpec {
    identifier: "S3",
    description: "Delivery into a bucket of the tenant.",
    external_checks: &[
        ExternalCheck::CentralRole,
        ExternalCheck::Bucket,
        ExternalCheck::BucketRegion,
        ExternalCheck::BucketAccess,
        ExternalCheck::BucketPolicy,
        ExternalCheck::BucketWrites,
    ],
};

pub(super) static BUCKET_NAME: FieldSpec = FieldSpec {
    field: Field::BucketName,
    types: FieldTypes::Only(&[DeliveryType::S3]),
    role: FieldRole::Writable,
    is_required: true,
    tolerated: &[],
    absent: REQUIRED,
    description: "The bucket, named by the rules of S3 for general purpose buckets, or the alias of an access point.",
    example: Some(r#""acme-corp-logs""#),
    shape: Shape::Text {
        pattern: BucketName::PATTERN,
        max_chars: None,
    },
    default: None,
    parse: |value, _| parse_text::<BucketName>(value),
};

pub(super) static BUCKET_PREFIX: FieldSpec = FieldSpec {
    field: Field::BucketPrefix,
    types: FieldTypes::Only(&[DeliveryType::S3]),
    role: FieldRole::Writable,
    is_required: false,
    tolerated: &[ErrorCode::Empty],
    absent: Absent::Unset("the default ROSA/cluster-logs/ applies"),
    description: "The prefix of every object key: up to 512 bytes of UTF-8 without `.` and `..` segments, stored with one slash at its \
        end.",
    example: Some(r#""ROSA/cluster-logs/""#),
    shape: Shape::Text {
        pattern: BucketPrefix::PATTERN,
        // With the trailing slash.
        max_chars: Some(BucketPrefix::MAX_BYTES + 1),
    },
    default: Some(|| BucketPrefix::default().into()),
    parse: |value, _| parse_text::<BucketPrefix>(value),
};
