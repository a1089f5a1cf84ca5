//! The delivery of one event to one endpoint.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::{
    event_id::EventId,
    event_type::EventType,
    id::{Scope, WebhookId},
};
use crate::config::ConfigKey;

named_enum! {
    /// How far a delivery is.
    pub enum DeliveryStatus -> as_str {
        /// There is an attempt to come.
        Pending = "pending",
        /// The subscriber has it.
        Succeeded = "succeeded",
        /// No attempt is left.
        Failed = "failed",
        /// Its endpoint was disabled or deleted before it arrived.
        Cancelled = "cancelled",
    }
}

named_enum! {
    /// Why there is a delivery, or why it is attempted again.
    pub enum DeliveryOrigin -> as_str {
        /// The event happened.
        Event = "event",
        /// A replay of the endpoint's events.
        Replay = "replay",
        /// Somebody asked for it again.
        Redelivery = "redelivery",
        /// A test.
        Test = "test",
    }
}

/// Where the body of an event comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A change: its entry in the history makes the body.
    Change(ConfigKey),
    /// The body itself.
    Body(String),
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DeliveryAttempt))]
pub struct Attempt {
    /// Counted from 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_147_483_647))]
    pub number: u32,
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub at: String,
    /// How long it took.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_147_483_647))]
    pub duration_ms: u32,
    /// The status of the response. Absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 100, maximum = 999))]
    pub status: Option<u16>,
    /// Why it failed. Absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub error: Option<String>,
    /// The beginning of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 1024))]
    pub response: Option<String>,
}

/// A delivery as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub webhook: WebhookId,
    /// Its scope.
    pub scope: Scope,
    /// The event.
    pub event: EventId,
    /// Its type.
    pub event_type: EventType,
    /// Where its body comes from.
    pub content: Content,
    /// How far it is. Exactly a pending one has a time of its next attempt.
    pub progress: Progress,
    /// Why it is attempted.
    pub origin: DeliveryOrigin,
    /// How many attempts the schedule has counted: all, or those since the last redelivery.
    pub tries: u32,
    /// The last attempts, the oldest first.
    pub attempts: Vec<Attempt>,
    /// When it was queued first.
    pub created_at: DateTime<Utc>,
}

/// How far a delivery is, and when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The next attempt is due then. While an attempt is under way, that is when it is taken to be lost.
    Pending(DateTime<Utc>),
    /// The subscriber has it.
    Succeeded,
    /// No attempt is left.
    Failed,
    /// It was given up with its endpoint.
    Cancelled,
}

/// A delivery as clients see it in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Delivery))]
pub struct DeliveryView {
    /// The event.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "evt_1f9gg2s0ma00021123456789012345678901001iqa298")
    )]
    pub event_id: String,
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The tenant whose configuration changed. Absent for events that are no change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub tenant_id: Option<String>,
    /// How far it is.
    #[cfg_attr(feature = "openapi", schema(required = true, schema_with = status_schema))]
    pub status: DeliveryStatus,
    /// How often it was attempted.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 2_147_483_647))]
    pub attempts: u32,
    /// When the next attempt is due. Absent unless it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, format = DateTime))]
    pub next_attempt_at: Option<String>,
    /// Why it is attempted.
    #[cfg_attr(feature = "openapi", schema(required = true, schema_with = origin_schema))]
    pub origin: DeliveryOrigin,
    /// When the event happened, in whole seconds.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub event_at: String,
    /// When the delivery was queued.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
}

/// How long deliveries are kept after their event.
const RETENTION: TimeDelta = TimeDelta::days(30);

impl Progress {
    /// The word for it.
    #[must_use]
    pub const fn status(self) -> DeliveryStatus {
        match self {
            Self::Pending(_) => DeliveryStatus::Pending,
            Self::Succeeded => DeliveryStatus::Succeeded,
            Self::Failed => DeliveryStatus::Failed,
            Self::Cancelled => DeliveryStatus::Cancelled,
        }
    }

    /// When the next attempt is due.
    #[must_use]
    pub const fn due_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Pending(due_at) => Some(due_at),
            Self::Succeeded | Self::Failed | Self::Cancelled => None,
        }
    }
}

impl Delivery {
    /// So many attempts are kept.
    pub const MAX_ATTEMPTS: usize = 20;

    /// A delivery that is due at once.
    #[must_use]
    pub fn new(
        (scope, webhook): (Scope, WebhookId),
        (event, event_type, content): (EventId, EventType, Content),
        origin: DeliveryOrigin,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            webhook,
            scope,
            event,
            event_type,
            content,
            progress: Progress::Pending(now),
            origin,
            tries: 0,
            attempts: Vec::new(),
            created_at: now,
        }
    }

    /// When it is forgotten, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        let due_at = self.progress.due_at().unwrap_or_default();
        (self.event.time().max(self.created_at).max(due_at) + RETENTION).timestamp()
    }

    /// The number of the next attempt.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        self.attempts.last().map_or(0, |last| last.number) + 1
    }

    /// Whether failures and successes say something about the endpoint. What somebody asks for does not.
    #[must_use]
    pub fn counts_for_health(&self) -> bool {
        self.origin == DeliveryOrigin::Event
    }

    /// The delivery as clients see it in a list.
    #[must_use]
    pub fn view(&self) -> DeliveryView {
        DeliveryView {
            event_id: self.event.to_string(),
            event_type: self.event_type,
            tenant_id: match &self.content {
                Content::Change(key) => Some(key.tenant_id().to_owned()),
                Content::Body(_) => None,
            },
            status: self.progress.status(),
            attempts: self.next_number() - 1,
            next_attempt_at: self.progress.due_at().map(text),
            origin: self.origin,
            event_at: self.event.time().to_rfc3339_opts(SecondsFormat::Secs, true),
            created_at: text(self.created_at),
        }
    }
}

impl Attempt {
    /// The most characters of a response.
    pub const MAX_RESPONSE_CHARS: usize = 1024;
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(feature = "openapi")]
fn status_schema() -> utoipa::openapi::Object {
    crate::openapi::one_of(&DeliveryStatus::ALL.map(DeliveryStatus::as_str), "How far it is.")
}

#[cfg(feature = "openapi")]
fn origin_schema() -> utoipa::openapi::Object {
    crate::openapi::one_of(&DeliveryOrigin::ALL.map(DeliveryOrigin::as_str), "Why it is attempted.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn view_names_what_a_client_can_do_something_with() {
        let event = EventId::random([1; 16], at(0));
        let content = Content::Change(ConfigKey::new("acme", "s3").unwrap());
        let owner = (Scope::Global, WebhookId::new([1; 16]));
        let mut delivery = Delivery::new(
            owner,
            (event, EventType::ConfigCreated, content),
            DeliveryOrigin::Event,
            at(1),
        );
        let view = delivery.view();
        assert_eq!(
            (view.status, view.attempts, view.tenant_id.as_deref()),
            (DeliveryStatus::Pending, 0, Some("acme"))
        );
        assert_eq!(view.next_attempt_at.as_deref(), Some("2023-11-14T22:13:21.000Z"));
        assert_eq!(delivery.expires_at(), at(1).timestamp() + 30 * 86_400);
        delivery.attempts.push(Attempt {
            number: 25,
            at: "2023-11-14T22:13:21.000Z".to_owned(),
            duration_ms: 3,
            status: Some(200),
            error: None,
            response: None,
        });
        delivery.progress = Progress::Succeeded;
        let view = delivery.view();
        assert_eq!(
            (view.attempts, view.next_attempt_at, delivery.next_number()),
            (25, None, 26)
        );
        assert!(delivery.counts_for_health());
    }
}
