//! The order of a delivery: a check that does not pass stands in the way of those after it.

use tenant_core::{Check, DeliveryType, ExternalCheck, Field};

use crate::code;

/// What must be mended before a check can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocker {
    Subject(ExternalCheck),
    Field(Field),
    /// The configuration names no region, and the service runs in none that it could stand for.
    NoRegion,
}

/// The checks of one configuration, filled in the order in which a delivery depends on them.
#[derive(Debug)]
pub(crate) struct Way {
    subjects: &'static [ExternalCheck],
    checks: Vec<Check>,
}

impl Way {
    pub(crate) const fn of(delivery_type: DeliveryType) -> Self {
        Self {
            subjects: ExternalCheck::for_type(delivery_type),
            checks: Vec::new(),
        }
    }

    /// Tells of the next subject.
    pub(crate) fn add(&mut self, check: Check) {
        let next = self.subjects.get(self.checks.len()).map(|subject| subject.name());
        debug_assert_eq!(next, Some(check.field));
        self.checks.push(check);
    }

    /// Ends the way here: what comes after could not be checked.
    pub(crate) fn blocked_by(mut self, blocker: Blocker) -> Vec<Check> {
        let rest = &self.subjects[self.checks.len()..];
        self.checks.extend(rest.iter().map(|subject| blocker.blocks(*subject)));
        self.checks
    }

    /// Ends the way where it leads.
    pub(crate) fn end(self) -> Vec<Check> {
        debug_assert_eq!(self.checks.len(), self.subjects.len());
        self.checks
    }
}

impl Blocker {
    pub(crate) fn blocks(self, subject: ExternalCheck) -> Check {
        let message = match self {
            Self::Subject(blocker) => format!("not checked: {} has to pass first", blocker.name()),
            Self::Field(field) => format!("not checked: {field} has to be put right first"),
            Self::NoRegion => {
                "not checked: the configuration has no target_region and the service knows no region of its own"
                    .to_owned()
            }
        };
        subject.skipped(code::BLOCKED, message)
    }
}
