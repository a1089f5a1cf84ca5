//! The fields of a configuration. A field, its JSON name and its table attribute are one name: the table is read by
//! others.

use std::fmt;

use super::delivery_type::DeliveryType;

/// A field of a configuration, in the order in which a configuration is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The tenant: partition key.
    TenantId,
    /// The delivery type: sort key.
    Type,
    /// CloudWatch: the customer's IAM role.
    LogDistributionRoleArn,
    /// CloudWatch: the log group.
    LogGroupName,
    /// S3: the bucket.
    BucketName,
    /// S3: what every object key begins with.
    BucketPrefix,
    /// The region of the destination.
    TargetRegion,
    /// Whether logs are delivered.
    Enabled,
    /// The applications whose logs are delivered.
    DesiredLogs,
    /// When the table drops the item, Unix seconds.
    Ttl,
    /// When the configuration was created; the server's.
    CreatedAt,
    /// When the configuration was last changed; the server's.
    UpdatedAt,
}

impl Field {
    /// Every field, in model order.
    pub const ALL: [Self; 12] = [
        Self::TenantId,
        Self::Type,
        Self::LogDistributionRoleArn,
        Self::LogGroupName,
        Self::BucketName,
        Self::BucketPrefix,
        Self::TargetRegion,
        Self::Enabled,
        Self::DesiredLogs,
        Self::Ttl,
        Self::CreatedAt,
        Self::UpdatedAt,
    ];

    /// The name in JSON and in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TenantId => "tenant_id",
            Self::Type => "type",
            Self::LogDistributionRoleArn => "log_distribution_role_arn",
            Self::LogGroupName => "log_group_name",
            Self::BucketName => "bucket_name",
            Self::BucketPrefix => "bucket_prefix",
            Self::TargetRegion => "target_region",
            Self::Enabled => "enabled",
            Self::DesiredLogs => "desired_logs",
            Self::Ttl => "ttl",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
        }
    }

    /// The field of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The one delivery type that has this field; `None` where both have it.
    #[must_use]
    pub const fn only_for(self) -> Option<DeliveryType> {
        match self {
            Self::LogDistributionRoleArn | Self::LogGroupName => Some(DeliveryType::CloudWatch),
            Self::BucketName | Self::BucketPrefix => Some(DeliveryType::S3),
            _ => None,
        }
    }

    /// Whether a configuration of this delivery type has the field.
    #[must_use]
    pub fn applies_to(self, delivery_type: DeliveryType) -> bool {
        self.only_for().is_none_or(|only| only == delivery_type)
    }

    /// Whether a configuration cannot be without the field, default or not.
    #[must_use]
    pub const fn is_required(self) -> bool {
        matches!(
            self,
            Self::TenantId | Self::Type | Self::LogDistributionRoleArn | Self::LogGroupName | Self::BucketName
        )
    }

    /// The field that a person who wrote `name` most likely meant.
    ///
    /// Jaro-Winkler favours a common beginning, which suits names that are mistyped near their end; below 0.8 the
    /// likeness is chance. A name that is part of a field's ("region") comes close to it however it begins.
    #[must_use]
    pub fn nearest(name: &str) -> Option<Self> {
        const LIKENESS_FLOOR: f64 = 0.8;
        const LIKENESS_OF_A_PART: f64 = 0.9;
        const SHORTEST_PART: usize = 4;
        // A name far longer than any field is no typo, and comparing it would cost time that its sender chooses.
        const LONGEST_TYPO: usize = 64;
        if name.len() > LONGEST_TYPO {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let likeness = |field: Self| {
            let is_part = name.len() >= SHORTEST_PART && field.name().contains(&name);
            let likeness = strsim::jaro_winkler(&name, field.name());
            if is_part {
                likeness.max(LIKENESS_OF_A_PART)
            } else {
                likeness
            }
        };
        Self::ALL
            .into_iter()
            .map(|field| (likeness(field), field))
            .filter(|(likeness, _)| *likeness >= LIKENESS_FLOOR)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, field)| field)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn unrelated_name_has_no_suggestion() {
        for name in ["", "xyzzy", "\u{0}", &"enabled".repeat(100)] {
            assert_eq!(Field::nearest(name), None, "{name}");
        }
    }
}
