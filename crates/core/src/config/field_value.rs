//! A configuration that may be written, and a change that may be made to one.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    delivery_type::DeliveryType,
    field::Field,
    values::{BucketName, BucketPrefix, DesiredLogs, LogGroupName, Region, RoleArn, Ttl},
};
use crate::{
    tenant_id::TenantId,
    violation::{ErrorCode, Violation},
};

/// A configuration that may be created: every rule holds, defaults are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConfig {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Where its logs go.
    pub destination: Destination,
    /// The region of the destination; `None` is the log processor's own.
    pub target_region: Option<Region>,
    /// Whether logs are delivered.
    pub enabled: bool,
    /// The applications whose logs are delivered; `None` is all of them.
    pub desired_logs: Option<DesiredLogs>,
    /// When the configuration ends; `None` is never.
    pub ttl: Option<Ttl>,
}

/// The part of a configuration that differs by delivery type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The tenant's CloudWatch Logs.
    CloudWatch {
        /// The role to assume.
        log_distribution_role_arn: RoleArn,
        /// The log group to write to.
        log_group_name: LogGroupName,
    },
    /// The tenant's S3 bucket.
    S3 {
        /// The bucket to write to.
        bucket_name: BucketName,
        /// What every key begins with.
        bucket_prefix: BucketPrefix,
    },
}

impl Destination {
    /// The `type` of a configuration with this destination.
    #[must_use]
    pub const fn delivery_type(&self) -> DeliveryType {
        match self {
            Self::CloudWatch { .. } => DeliveryType::CloudWatch,
            Self::S3 { .. } => DeliveryType::S3,
        }
    }
}

impl NewConfig {
    /// What is to be stored besides key, times and version. `enabled` is always among it: the log processor reads a
    /// missing value as off.
    #[must_use]
    pub fn into_values(self) -> Vec<FieldValue> {
        let mut values = match self.destination {
            Destination::CloudWatch {
                log_distribution_role_arn,
                log_group_name,
            } => vec![
                FieldValue::LogDistributionRoleArn(log_distribution_role_arn),
                FieldValue::LogGroupName(log_group_name),
            ],
            Destination::S3 {
                bucket_name,
                bucket_prefix,
            } => {
                vec![
                    FieldValue::BucketName(bucket_name),
                    FieldValue::BucketPrefix(bucket_prefix),
                ]
            }
        };
        values.push(FieldValue::Enabled(self.enabled));
        values.extend(self.target_region.map(FieldValue::TargetRegion));
        values.extend(self.desired_logs.map(FieldValue::DesiredLogs));
        values.extend(self.ttl.map(FieldValue::Ttl));
        values
    }
}

/// The changes that a PUT or PATCH makes: what is not named keeps its value. At least one, each field once, and every
/// rule holds for what is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigUpdate(Vec<Change>);

/// One change of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Gives a field this value.
    Set(FieldValue),
    /// Takes an optional field away.
    Remove(Field),
}

impl ConfigUpdate {
    /// `None` when there is nothing to change.
    pub(crate) fn new(changes: Vec<Change>) -> Option<Self> {
        (!changes.is_empty()).then_some(Self(changes))
    }

    /// The changes, each of another field.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0
    }
}

/// A valid value of a field that a client may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// [`Field::LogDistributionRoleArn`].
    LogDistributionRoleArn(RoleArn),
    /// [`Field::LogGroupName`].
    LogGroupName(LogGroupName),
    /// [`Field::BucketName`].
    BucketName(BucketName),
    /// [`Field::BucketPrefix`].
    BucketPrefix(BucketPrefix),
    /// [`Field::TargetRegion`].
    TargetRegion(Region),
    /// [`Field::Enabled`].
    Enabled(bool),
    /// [`Field::DesiredLogs`].
    DesiredLogs(DesiredLogs),
    /// [`Field::Ttl`].
    Ttl(Ttl),
}

impl FieldValue {
    /// The field whose value this is.
    #[must_use]
    pub const fn field(&self) -> Field {
        match self {
            Self::LogDistributionRoleArn(_) => Field::LogDistributionRoleArn,
            Self::LogGroupName(_) => Field::LogGroupName,
            Self::BucketName(_) => Field::BucketName,
            Self::BucketPrefix(_) => Field::BucketPrefix,
            Self::TargetRegion(_) => Field::TargetRegion,
            Self::Enabled(_) => Field::Enabled,
            Self::DesiredLogs(_) => Field::DesiredLogs,
            Self::Ttl(_) => Field::Ttl,
        }
    }

    /// Takes the JSON value of a writable field, or says everything that is wrong with it. `now` is `None` for a value
    /// that is stored already, whose time to live may have any value.
    ///
    /// Key and times are no writable fields: for them the answer is `None`.
    pub(crate) fn parse(
        field: Field,
        value: &Value,
        now: Option<DateTime<Utc>>,
    ) -> Option<Result<Self, Vec<Violation>>> {
        Some(match field {
            Field::TenantId | Field::Type | Field::CreatedAt | Field::UpdatedAt => return None,
            Field::LogDistributionRoleArn => parse_text(value).map(Self::LogDistributionRoleArn),
            Field::LogGroupName => parse_text(value).map(Self::LogGroupName),
            Field::BucketName => parse_text(value).map(Self::BucketName),
            Field::BucketPrefix => parse_text(value).map(Self::BucketPrefix),
            Field::TargetRegion => parse_text(value).map(Self::TargetRegion),
            Field::Enabled => match value {
                Value::Bool(enabled) => Ok(Self::Enabled(*enabled)),
                other => Err(vec![Violation::wrong_type("true or false", other)]),
            },
            Field::DesiredLogs => DesiredLogs::parse(value).map(Self::DesiredLogs),
            Field::Ttl => now
                .map_or_else(|| Ttl::parse_shape(value), |now| Ttl::parse(value, now))
                .map(Self::Ttl)
                .map_err(|violation| vec![violation]),
        })
    }

    /// What a field returns to when it is set to null; `None` where the field then goes away.
    pub(crate) fn default_of(field: Field) -> Option<Self> {
        match field {
            Field::Enabled => Some(Self::Enabled(true)),
            Field::BucketPrefix => Some(Self::BucketPrefix(BucketPrefix::default())),
            _ => None,
        }
    }
}

fn parse_text<T: std::str::FromStr<Err = Violation>>(value: &Value) -> Result<T, Vec<Violation>> {
    match value {
        // An empty value of a required field is a missing one; the types' own message would speak of its length.
        Value::String(text) if text.is_empty() => text.parse().map_err(|violation: Violation| {
            vec![Violation {
                code: ErrorCode::Empty,
                ..violation
            }]
        }),
        Value::String(text) => text.parse().map_err(|violation| vec![violation]),
        other => Err(vec![Violation::wrong_type("a string", other)]),
    }
}
