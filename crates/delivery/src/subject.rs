//! What is checked, and how an outcome is told.

use tenant_core::{Check, DeliveryType};

use crate::{
    Reason,
    call::{Failure, FailureKind},
};

/// One thing outside the table. A check of it never has a stored field's name, so an entry tells which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
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

/// Why a check did not pass: the stable words of `docs/validation.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// AWS refuses.
    AccessDenied,
    /// There is none.
    NotFound,
    /// Found in an account that is not the role's.
    OtherAccount,
    /// Named in another partition than the central role's.
    OtherPartition,
    /// The customer's account does not use this region.
    RegionNotEnabled,
    /// In another region than `target_region`.
    WrongRegion,
    /// Open to everybody.
    Public,
    /// Depends on something that did not pass.
    Blocked,
    /// No call that only looks could tell.
    NotProvable,
    /// AWS does not show it to the central role, and delivery does not need it.
    NotVisible,
    /// Optional, and not there.
    NotSet,
    /// `?live=false`.
    NotRequested,
    /// The service has no central role.
    NotConfigured,
    /// No answer in time.
    TimedOut,
    /// No connection.
    Unreachable,
    /// Too many calls.
    Throttled,
    /// Anything else that AWS answers.
    AwsError,
}

impl Code {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::NotFound => "not_found",
            Self::OtherAccount => "other_account",
            Self::OtherPartition => "other_partition",
            Self::RegionNotEnabled => "region_not_enabled",
            Self::WrongRegion => "wrong_region",
            Self::Public => "public",
            Self::Blocked => "blocked",
            Self::NotProvable => "not_provable",
            Self::NotVisible => "not_visible",
            Self::NotSet => "not_set",
            Self::NotRequested => "not_requested",
            Self::NotConfigured => "not_configured",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::AwsError => "aws_error",
        }
    }
}

impl Subject {
    /// Everything that is checked for a delivery type, in the order of a delivery.
    pub(crate) const fn of(delivery_type: DeliveryType) -> &'static [Self] {
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

    pub(crate) const fn name(self) -> &'static str {
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

    pub(crate) fn passed(self, message: impl Into<String>) -> Check {
        Check::passed(self.name(), message)
    }

    pub(crate) fn missing(self, message: impl Into<String>) -> Check {
        Check::missing(self.name(), Code::NotFound.as_str(), message)
    }

    pub(crate) fn invalid(self, code: Code, message: impl Into<String>) -> Check {
        Check::invalid(self.name(), code.as_str(), message)
    }

    pub(crate) fn skipped(self, code: Code, message: impl Into<String>) -> Check {
        Check::skipped(self.name(), code.as_str(), message)
    }

    pub(crate) fn not_asked(self, reason: Reason) -> Check {
        match reason {
            Reason::NotRequested => self.skipped(Code::NotRequested, "not checked: the request says live=false"),
            Reason::NoCentralRole => self.skipped(
                Code::NotConfigured,
                "not checked: the service has no central role; its operator sets CENTRAL_ROLE_ARN",
            ),
        }
    }

    /// A call that failed for a reason which says nothing of the subject.
    pub(crate) fn not_answered(self, failure: &Failure) -> Check {
        let action = failure.action;
        match &failure.kind {
            FailureKind::TimedOut => self.skipped(
                Code::TimedOut,
                format!("not checked: AWS did not answer {action} in time; try again"),
            ),
            FailureKind::Unreachable => self.skipped(
                Code::Unreachable,
                format!("not checked: no connection for {action}; try again, and if it stays so, see that the region exists"),
            ),
            FailureKind::Throttled => self.skipped(
                Code::Throttled,
                format!("not checked: AWS throttles {action}; try again later"),
            ),
            _ => self.skipped(
                Code::AwsError,
                match &failure.code {
                    Some(code) => format!("not checked: AWS answered {action} with {code}"),
                    None => format!(
                        "not checked: {action} could not be sent, or its answer not be read; the service's log has the cause"
                    ),
                },
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use tenant_core::Field;

    use super::*;

    #[test]
    fn no_subject_has_the_name_of_a_stored_field() {
        for delivery_type in DeliveryType::ALL {
            for subject in Subject::of(delivery_type) {
                assert_eq!(Field::from_name(subject.name()), None);
            }
        }
    }
}
