//! What a client chooses about an endpoint.

use std::collections::BTreeMap;

use super::{event_type::EventType, url::WebhookUrl};
use crate::config::DeliveryType;

/// The settings of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where events are sent.
    pub url: WebhookUrl,
    /// The types of events that it gets; every type of its scope if there are none.
    pub events: Vec<EventType>,
    /// The delivery types whose configurations it follows; all if there are none.
    pub types: Vec<DeliveryType>,
    /// Whether events are sent.
    pub enabled: bool,
    /// A text for people.
    pub description: Option<String>,
    /// Headers that are sent with each event. They may be secret: no response contains their values.
    pub headers: BTreeMap<String, String>,
}

/// A change of some settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsUpdate {
    /// A new URL.
    pub url: Option<WebhookUrl>,
    /// New types of events.
    pub events: Option<Vec<EventType>>,
    /// New delivery types.
    pub types: Option<Vec<DeliveryType>>,
    /// Whether events are sent.
    pub enabled: Option<bool>,
    /// A new text, or none.
    pub description: Option<Option<String>>,
    /// New headers in place of all former ones.
    pub headers: Option<BTreeMap<String, String>>,
}

impl SettingsUpdate {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The settings after the change.
    #[must_use]
    pub fn apply(self, settings: Settings) -> Settings {
        Settings {
            url: self.url.unwrap_or(settings.url),
            events: self.events.unwrap_or(settings.events),
            types: self.types.unwrap_or(settings.types),
            enabled: self.enabled.unwrap_or(settings.enabled),
            description: self.description.unwrap_or(settings.description),
            headers: self.headers.unwrap_or(settings.headers),
        }
    }
}
