//! The checks of what a configuration depends on outside the table. Another crate makes them. Their names and order are
//! defined here, so that a report contains the same checks whether or not they were made.

use super::{
    check::Check,
    names::{DeliveryType, ExternalCheck},
    stored::StoredConfig,
};

/// Why the external checks were not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The client disabled them.
    NotRequested,
    /// The service has no role to deliver with.
    NoCentralRole,
}

impl ExternalCheck {
    /// Everything that a delivery of this type depends on, in the order of the dependencies.
    #[must_use]
    pub const fn for_type(delivery_type: DeliveryType) -> &'static [Self] {
        delivery_type.spec().external_checks
    }

    /// The check passed.
    #[must_use]
    pub fn passed(self, message: impl Into<String>) -> Check {
        Check::passed(self.name(), message)
    }

    /// What is checked does not exist.
    #[must_use]
    pub fn missing(self, code: &'static str, message: impl Into<String>) -> Check {
        Check::missing(self.name(), code, message)
    }

    /// What is checked exists, but is not as required.
    #[must_use]
    pub fn invalid(self, code: &'static str, message: impl Into<String>) -> Check {
        Check::invalid(self.name(), code, message)
    }

    /// What is checked is unusual, but the delivery works as it should.
    #[must_use]
    pub fn warning(self, code: &'static str, message: impl Into<String>) -> Check {
        Check::warning(self.name(), code, message)
    }

    /// The check was not made. The message is the reason.
    #[must_use]
    pub fn skipped(self, code: &'static str, message: impl Into<String>) -> Check {
        Check::skipped(self.name(), code, message)
    }
}

/// The external checks of a stored item, all skipped. An item of an unknown type has none.
#[must_use]
pub fn skipped_checks(config: &StoredConfig, reason: SkipReason) -> Vec<Check> {
    let (code, message) = match reason {
        SkipReason::NotRequested => ("not_requested", "not checked: the request contains live=false"),
        SkipReason::NoCentralRole => (
            "not_configured",
            "not checked: the service has no central role (the operator sets CENTRAL_ROLE_ARN)",
        ),
    };
    let checks = config.delivery_type().parse().map_or(&[][..], ExternalCheck::for_type);
    checks.iter().map(|check| check.skipped(code, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::names::Field;

    #[test]
    fn external_checks_never_share_a_name_with_a_field() {
        for check in ExternalCheck::ALL {
            assert_eq!(Field::from_name(check.name()), None);
        }
    }

    #[test]
    fn every_external_check_of_the_type_is_skipped_with_the_reason() {
        for (delivery_type, count) in [("cloudwatch", 4), ("s3", 6), ("splunk", 0)] {
            let config = StoredConfig::from_attributes([("type", delivery_type.into())]);
            for (reason, code) in [
                (SkipReason::NotRequested, "not_requested"),
                (SkipReason::NoCentralRole, "not_configured"),
            ] {
                let checks = skipped_checks(&config, reason);
                assert_eq!(checks.len(), count);
                assert!(checks.iter().all(|check| check.code == code && !check.is_failure()));
            }
        }
    }
}
