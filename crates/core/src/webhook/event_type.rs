//! The events that subscribers get.

use crate::history::{Entry, Event};

named_enum! {
    /// The type of an event.
    pub enum EventType -> as_str {
        /// A configuration was created.
        ConfigCreated = "delivery_config.created",
        /// A configuration was changed.
        ConfigUpdated = "delivery_config.updated",
        /// A configuration was deleted.
        ConfigDeleted = "delivery_config.deleted",
        /// A configuration was deleted after its time to live.
        ConfigExpired = "delivery_config.expired",
        /// A configuration was found as it is, because no record of its change could be read.
        ConfigObserved = "delivery_config.observed",
        /// An endpoint was disabled, because it failed for days or asked for it.
        EndpointDisabled = "endpoint.disabled",
        /// An endpoint fails again and again.
        EndpointFailing = "endpoint.failing",
        /// An endpoint that was failing succeeded.
        EndpointRecovered = "endpoint.recovered",
        /// A test that somebody asked for.
        WebhookTest = "webhook.test",
    }
}

impl EventType {
    /// The event of a change. `None` if it changed nothing that a subscriber sees: such changes are in the history only.
    #[must_use]
    pub fn for_entry(entry: &Entry) -> Option<Self> {
        match entry.event {
            Event::Created => Some(Self::ConfigCreated),
            Event::Updated if entry.is_unchanged() => None,
            Event::Updated => Some(Self::ConfigUpdated),
            Event::Deleted => Some(Self::ConfigDeleted),
            Event::Expired => Some(Self::ConfigExpired),
            Event::Observed => Some(Self::ConfigObserved),
        }
    }

    /// Whether it is about the delivery of events and not about a configuration. Only global subscribers get those.
    #[must_use]
    pub const fn is_operational(self) -> bool {
        matches!(
            self,
            Self::EndpointDisabled | Self::EndpointFailing | Self::EndpointRecovered
        )
    }

    /// Whether endpoints choose it. A test goes to the endpoint that is tested.
    #[must_use]
    pub const fn can_be_subscribed(self) -> bool {
        !matches!(self, Self::WebhookTest)
    }

    /// What it is about, in one sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::ConfigCreated => "A configuration was created.",
            Self::ConfigUpdated => "A configuration was changed.",
            Self::ConfigDeleted => "A configuration was deleted.",
            Self::ConfigExpired => "A configuration was deleted after its time to live.",
            Self::ConfigObserved => {
                "A configuration was found as it is, because no record of its change could be read."
            }
            Self::EndpointDisabled => "An endpoint was disabled, because it failed for days or asked for it.",
            Self::EndpointFailing => "An endpoint fails again and again.",
            Self::EndpointRecovered => "An endpoint that was failing succeeded.",
            Self::WebhookTest => "A test that somebody asked for.",
        }
    }
}
