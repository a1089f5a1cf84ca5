//! The names of the model: delivery types, fields and external checks. Nothing but names: what they mean is in
//! [`fields`](super::fields) and [`destination`](super::destination).

use std::str::FromStr;

use crate::{
    unknown_name::nearest_name,
    violation::{ErrorCode, FieldError, Violation},
};

named_enum! {
    /// The kind of destination, and with the tenant the key of a configuration: the value of `type` and of the path
    /// segment.
    pub enum DeliveryType -> as_str {
        /// The tenant's CloudWatch Logs.
        CloudWatch = "cloudwatch",
        /// The tenant's S3 bucket.
        S3 = "s3",
    }
}

named_enum! {
    /// A field of a configuration, in the order in which a configuration is written out. A field has one name in JSON and
    /// in the table, because others read the table.
    pub enum Field -> name {
        /// The tenant: partition key.
        TenantId = "tenant_id",
        /// The delivery type: sort key.
        Type = "type",
        /// The customer's IAM role.
        LogDistributionRoleArn = "log_distribution_role_arn",
        /// The log group.
        LogGroupName = "log_group_name",
        /// The bucket.
        BucketName = "bucket_name",
        /// The prefix of every object key.
        BucketPrefix = "bucket_prefix",
        /// The region of the destination.
        TargetRegion = "target_region",
        /// Whether logs are delivered.
        Enabled = "enabled",
        /// The applications whose logs are delivered.
        DesiredLogs = "desired_logs",
        /// Texts of operators about the configuration.
        Labels = "labels",
        /// When the table drops the item, Unix seconds.
        Ttl = "ttl",
        /// When the configuration was created. Set by the service.
        CreatedAt = "created_at",
        /// When the configuration was last changed. Set by the service.
        UpdatedAt = "updated_at",
    }
}

named_enum! {
    /// A check of something outside the table. None has the name of a field, so the name of a check is unambiguous.
    pub enum ExternalCheck -> name {
        /// Can the service assume the central role?
        CentralRole = "central_role",
        /// Can the central role assume the customer's role?
        CustomerRole = "customer_role",
        /// Does the log group exist in the configured region?
        LogGroup = "log_group",
        /// Can log streams be created in it?
        LogStreams = "log_streams",
        /// Does the bucket exist?
        Bucket = "bucket",
        /// Is it in the configured region?
        BucketRegion = "bucket_region",
        /// Does it allow access to the central role?
        BucketAccess = "bucket_access",
        /// Which other principals does its policy allow?
        BucketPolicy = "bucket_policy",
        /// Can objects be put under the prefix?
        BucketWrites = "bucket_writes",
    }
}

impl FromStr for DeliveryType {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        Self::from_name(text).ok_or_else(|| {
            let names = Self::ALL
                .map(|delivery_type| format!("\"{delivery_type}\""))
                .join(" or ");
            Violation::new(ErrorCode::InvalidFormat, format!("must be {names} in lowercase"))
        })
    }
}

/// Fields of the service before this one that mean nothing any more. Its clients still send them: they are ignored.
pub const RETIRED_FIELDS: [&str; 1] = ["groups"];

impl Field {
    /// The field that the author of `name` most likely meant.
    #[must_use]
    pub fn nearest(name: &str) -> Option<Self> {
        nearest_name(name, Self::ALL.map(Self::name)).and_then(Self::from_name)
    }

    /// The field whose rule is broken. `None` if the rule is that no field has such a name.
    #[must_use]
    pub fn of_error(error: &FieldError) -> Option<Self> {
        if error.code == ErrorCode::UnknownField {
            return None;
        }
        let name = error.field.split_once('.').map_or(&*error.field, |(field, _)| field);
        Self::from_name(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lowercase_names_are_delivery_types() {
        for delivery_type in DeliveryType::ALL {
            assert_eq!(delivery_type.as_str().parse(), Ok(delivery_type));
            assert_eq!(serde_json::to_value(delivery_type).unwrap(), delivery_type.as_str());
        }
        for text in ["", "S3", "CloudWatch", "s3 ", "splunk"] {
            assert!(text.parse::<DeliveryType>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn field_is_found_by_its_exact_name() {
        for field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(field));
        }
        assert_eq!(Field::from_name("Enabled"), None);
    }

    #[test]
    fn typo_suggests_the_intended_field() {
        for (typo, meant) in [
            ("enable", Field::Enabled),
            ("Enabled", Field::Enabled),
            ("desired_log", Field::DesiredLogs),
            ("desiredLogs", Field::DesiredLogs),
            ("bucketName", Field::BucketName),
            ("region", Field::TargetRegion),
            ("log_group", Field::LogGroupName),
            ("log_distribution_role", Field::LogDistributionRoleArn),
            ("tenantId", Field::TenantId),
        ] {
            assert_eq!(Field::nearest(typo), Some(meant), "{typo}");
        }
    }

    #[test]
    fn broken_rule_of_an_entry_belongs_to_its_field() {
        let error = |field: &str, code| Violation::new(code, "is wrong").for_field(field);
        let of_label = Violation::new(ErrorCode::TooLong, "is wrong").of_entry("a.b");
        for (error, field) in [
            (error("ttl", ErrorCode::WrongType), Some(Field::Ttl)),
            (of_label.for_field("labels"), Some(Field::Labels)),
            (error("labels.a", ErrorCode::UnknownField), None),
            (error("ttl", ErrorCode::UnknownField), None),
        ] {
            assert_eq!(Field::of_error(&error), field, "{error}");
        }
    }

    #[test]
    fn unrelated_name_has_no_suggestion() {
        for name in ["", "xyzzy", "\u{0}", &"enabled".repeat(100)] {
            assert_eq!(Field::nearest(name), None, "{name}");
        }
    }
}
