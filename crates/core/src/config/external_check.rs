//! What a validation looks at outside the table. Who looks is another crate; what there is to see, and in which order a
//! delivery depends on it, is settled here, so that an answer names the same things whether or not anybody looked.

use super::{check::Check, delivery_type::DeliveryType, stored::StoredConfig};

/// One thing outside the table. None has the name of a field, so an entry tells which of the two it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalCheck {
    /// Can the service assume the central role?
    CentralRole,
    /// Can the central role assume the customer's?
    CustomerRole,
    /// Is the log group where the configuration says?
    LogGroup,
    /// Can streams be made in it?
    LogStreams,
    /// Is there such a bucket?
    Bucket,
    /// Is it where the configuration says?
    BucketRegion,
    /// Does it let the central role in?
    BucketAccess,
    /// Whom else does it let in?
    BucketPolicy,
    /// Can objects be put under the prefix?
    BucketWrites,
}

/// Why nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The client does not want it.
    NotRequested,
    /// The service has no role to deliver with.
    NoCentralRole,
}

impl ExternalCheck {
    /// Everything that a delivery of this type depends on, in the order in which it does.
    #[must_use]
    pub const fn for_type(delivery_type: DeliveryType) -> &'static [Self] {
        match delivery_type {
            DeliveryType::CloudWatch => &[Self::CentralRole, Self::CustomerRole, Self::LogGroup, Self::LogStreams],
            DeliveryType::S3 => &[
                Self::CentralRole,
                Self::Bucket,
                Self::BucketRegion,
                Self::BucketAccess,
                Self::BucketPolicy,
                Self::BucketWrites,
            ],
        }
    }

    /// The `field` of its check.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CentralRole => "central_role",
            Self::CustomerRole => "customer_role",
            Self::LogGroup => "log_group",
            Self::LogStreams => "log_streams",
            Self::Bucket => "bucket",
            Self::BucketRegion => "bucket_region",
            Self::BucketAccess => "bucket_access",
            Self::BucketPolicy => "bucket_policy",
            Self::BucketWrites => "bucket_writes",
        }
    }

    /// It is as it must be.
    #[must_use]
    pub fn passed(self, message: impl Into<String>) -> Check {
        Check::passed(self.name(), message)
    }

    /// It must be there and is not.
    #[must_use]
    pub fn missing(self, code: &'static str, message: impl Into<String>) -> Check {
        Check::missing(self.name(), code, message)
    }

    /// It is there, and not as it must be.
    #[must_use]
    pub fn invalid(self, code: &'static str, message: impl Into<String>) -> Check {
        Check::invalid(self.name(), code, message)
    }

    /// Nothing is said of it; the message says why.
    #[must_use]
    pub fn skipped(self, code: &'static str, message: impl Into<String>) -> Check {
        Check::skipped(self.name(), code, message)
    }
}

/// The checks of a stored item's surroundings where nobody looks. An item of an unknown type has none.
#[must_use]
pub fn skipped_checks(config: &StoredConfig, reason: SkipReason) -> Vec<Check> {
    let (code, message) = match reason {
        SkipReason::NotRequested => ("not_requested", "not checked: the request contains live=false"),
        SkipReason::NoCentralRole => (
            "not_configured",
            "not checked: the service has no central role (the operator sets CENTRAL_ROLE_ARN)",
        ),
    };
    let subjects = config.delivery_type().parse().map_or(&[][..], ExternalCheck::for_type);
    subjects.iter().map(|subject| subject.skipped(code, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::field::Field;

    #[test]
    fn external_checks_never_share_a_name_with_a_field() {
        for delivery_type in DeliveryType::ALL {
            for subject in ExternalCheck::for_type(delivery_type) {
                assert_eq!(Field::from_name(subject.name()), None);
            }
        }
    }

    #[test]
    fn every_external_check_of_the_type_is_skipped_with_the_reason() {
        for (delivery_type, subjects) in [("cloudwatch", 4), ("s3", 6), ("splunk", 0)] {
            let config = StoredConfig::from_attributes([("type", delivery_type.into())]);
            for (reason, code) in [
                (SkipReason::NotRequested, "not_requested"),
                (SkipReason::NoCentralRole, "not_configured"),
            ] {
                let checks = skipped_checks(&config, reason);
                assert_eq!(checks.len(), subjects);
                assert!(checks.iter().all(|check| check.code == code && !check.is_failure()));
            }
        }
    }
}
