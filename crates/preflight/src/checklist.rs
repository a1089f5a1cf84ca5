//! The checks of a configuration in the order in which delivery depends on them: a check that does not pass blocks those
//! after it.

use tenant_core::{Check, DeliveryType, ExternalCheck, Field};

use crate::code;

/// What must be fixed before a check can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocker {
    Check(ExternalCheck),
    Field(Field),
    /// The configuration names no region, and the service has none to fall back to.
    NoRegion,
    /// The configuration names a region that this service does not know, and so neither its partition nor its endpoints.
    UnknownRegion,
}

/// The checks of one configuration, filled in order.
#[derive(Debug)]
pub(crate) struct Checklist {
    expected: &'static [ExternalCheck],
    checks: Vec<Check>,
}

impl Checklist {
    pub(crate) const fn for_type(delivery_type: DeliveryType) -> Self {
        Self {
            expected: ExternalCheck::for_type(delivery_type),
            checks: Vec::new(),
        }
    }

    /// Adds the result of the next check.
    pub(crate) fn push(&mut self, check: Check) {
        let next = self.expected.get(self.checks.len()).map(|check| check.name());
        debug_assert_eq!(next, Some(check.field));
        self.checks.push(check);
    }

    /// Ends the list early: the remaining checks could not be made.
    pub(crate) fn blocked_by(mut self, blocker: Blocker) -> Vec<Check> {
        let rest = &self.expected[self.checks.len()..];
        self.checks.extend(rest.iter().map(|check| blocker.skip(*check)));
        self.checks
    }

    /// Ends the complete list.
    pub(crate) fn finish(self) -> Vec<Check> {
        debug_assert_eq!(self.checks.len(), self.expected.len());
        self.checks
    }
}

impl Blocker {
    /// The result of a check that this blocks. Nothing is wrong with a region that is newer than this service.
    pub(crate) fn skip(self, check: ExternalCheck) -> Check {
        let message = match self {
            Self::Check(blocker) => format!("not checked: {} must pass first", blocker.name()),
            Self::Field(field) => format!("not checked: {field} must be fixed first"),
            Self::UnknownRegion => {
                let message =
                    "not checked: target_region is not a region that this service knows, so check its spelling";
                return check.warning(code::UNKNOWN_REGION, message);
            }
            Self::NoRegion => {
                "not checked: the configuration has no target_region and the service has no default region".to_owned()
            }
        };
        check.skipped(code::BLOCKED, message)
    }
}
