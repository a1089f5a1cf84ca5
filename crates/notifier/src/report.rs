//! What was done for a message, and what a sweep found.

use tenant_core::webhook::{Attempt, Delivery, DeliveryStatus, HealthChange};
use tenant_store::webhooks::Due;

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// There was nothing due: it was done already, or is due later, or somebody else does it.
    Nothing,
    /// An attempt was made, and this is the state now.
    Attempted(DeliveryStatus),
    /// The endpoint is left alone for a while.
    Postponed,
    /// No attempt is possible any more.
    GivenUp(DeliveryStatus),
    /// A part of a replay was queued.
    Replayed,
}

/// What was done for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What came of it.
    pub handled: Handled,
    /// The delivery as it is now, if there was one to work on.
    pub delivery: Option<Delivery>,
    /// What the attempt meant for its endpoint.
    pub endpoint: Option<HealthChange>,
    /// Messages that were not sent.
    pub unsent: u32,
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The rows that are due, the one that waits longest first.
    pub due: Vec<Due>,
    /// Messages that were not sent.
    pub unsent: u32,
}

impl Report {
    /// There was nothing to do.
    pub(crate) const NOTHING: Self = Self {
        handled: Handled::Nothing,
        delivery: None,
        endpoint: None,
        unsent: 0,
    };

    pub(crate) const fn new(handled: Handled, delivery: Delivery) -> Self {
        Self {
            handled,
            delivery: Some(delivery),
            endpoint: None,
            unsent: 0,
        }
    }

    /// The attempt that was made.
    #[must_use]
    pub fn attempt(&self) -> Option<&Attempt> {
        match (self.handled, &self.delivery) {
            (Handled::Attempted(_), Some(delivery)) => delivery.attempts.last(),
            _ => None,
        }
    }
}
