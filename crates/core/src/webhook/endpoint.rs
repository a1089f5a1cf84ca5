//! An endpoint: where the events of a scope are sent.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{
    event_type::EventType,
    health::{DisabledReason, Health},
    id::{Scope, WebhookId},
    secret::{MasterKey, WebhookSecret},
    settings::Settings,
};
use crate::{config::DeliveryType, history::Entry};

/// An endpoint as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name.
    pub id: WebhookId,
    /// Whose changes it gets.
    pub scope: Scope,
    /// What a client chose.
    pub settings: Settings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its settings were changed last.
    pub updated_at: DateTime<Utc>,
    /// Which of its secrets is the current one, from 1.
    pub epoch: u32,
    /// Until when the secret of the epoch before signs as well.
    pub previous_until: Option<DateTime<Utc>>,
    /// What its attempts have shown.
    pub health: Health,
    /// Why and when the service disabled it.
    pub disabled: Option<(DisabledReason, DateTime<Utc>)>,
}

named_enum! {
    /// The state of an endpoint.
    pub enum WebhookStatus -> as_str {
        /// Events are sent.
        Enabled = "enabled",
        /// Events are sent less often, because it fails.
        Failing = "failing",
        /// No events are sent.
        Disabled = "disabled",
    }
}

/// An endpoint as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Webhook))]
pub struct WebhookView {
    /// Its name.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^wh_[0-9a-f]{32}$", example = "wh_6f1c0d9ab3e84f5d8a6e2b7c9d0e1f23")
    )]
    pub id: String,
    /// The tenant whose changes it gets. Absent if it gets those of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, example = "acme-corp"))]
    pub tenant_id: Option<String>,
    /// Where events are sent.
    #[cfg_attr(
        feature = "openapi",
        schema(max_length = 2048, example = "https://hooks.example.com/delivery-configs")
    )]
    pub url: String,
    /// The types of events that it gets. Empty for every type.
    #[cfg_attr(feature = "openapi", schema(max_items = 8))]
    pub events: Vec<EventType>,
    /// The delivery types whose configurations it follows. Empty for all.
    #[cfg_attr(feature = "openapi", schema(max_items = 2))]
    pub types: Vec<DeliveryType>,
    /// Whether events are sent.
    pub enabled: bool,
    /// A text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 256))]
    pub description: Option<String>,
    /// The names of the headers that are sent with each event. Their values are not shown.
    #[cfg_attr(feature = "openapi", schema(max_items = 10))]
    pub header_names: Vec<String>,
    /// Whether events arrive.
    #[cfg_attr(feature = "openapi", schema(required = true, schema_with = status_schema))]
    pub status: WebhookStatus,
    /// Why the service disabled it: `failures` after five days of nothing but failures, `gone` after a 410.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, schema_with = reason_schema))]
    pub disabled_reason: Option<DisabledReason>,
    /// When the service disabled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, format = DateTime))]
    pub disabled_at: Option<String>,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When its settings were changed last.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub updated_at: String,
}

impl Webhook {
    /// A new endpoint.
    #[must_use]
    pub fn new(id: WebhookId, scope: Scope, settings: Settings, now: DateTime<Utc>) -> Self {
        Self {
            id,
            scope,
            settings,
            created_at: now,
            updated_at: now,
            epoch: 1,
            previous_until: None,
            health: Health::default(),
            disabled: None,
        }
    }

    /// Whether it gets this event of this change.
    #[must_use]
    pub fn wants(&self, event: EventType, entry: &Entry) -> bool {
        let Settings { types, .. } = &self.settings;
        let is_of_type = types.is_empty() || types.iter().any(|name| name.as_str() == entry.key.delivery_type());
        let is_in_scope = match &self.scope {
            Scope::Global => true,
            Scope::Tenant(tenant) => tenant.as_str() == entry.key.tenant_id(),
        };
        is_in_scope && is_of_type && self.wants_type(event)
    }

    /// Whether it gets operational events of this type.
    #[must_use]
    pub fn wants_operational(&self, event: EventType) -> bool {
        event.is_operational() && self.scope == Scope::Global && self.wants_type(event)
    }

    fn wants_type(&self, event: EventType) -> bool {
        let Settings { enabled, events, .. } = &self.settings;
        *enabled && (events.is_empty() || events.contains(&event))
    }

    /// The secrets that sign now, the current one first.
    #[must_use]
    pub fn secrets(&self, key: &MasterKey, now: DateTime<Utc>) -> Vec<WebhookSecret> {
        let previous = self.previous_until.filter(|until| *until > now);
        let epochs = [Some(self.epoch), previous.map(|_| self.epoch.saturating_sub(1))];
        let epochs = epochs.into_iter().flatten();
        epochs.map(|epoch| key.secret(&self.id, epoch)).collect()
    }

    /// Whether events arrive.
    #[must_use]
    pub const fn status(&self) -> WebhookStatus {
        if !self.settings.enabled {
            WebhookStatus::Disabled
        } else if self.health.is_failing() {
            WebhookStatus::Failing
        } else {
            WebhookStatus::Enabled
        }
    }

    /// The endpoint as clients see it.
    #[must_use]
    pub fn view(&self) -> WebhookView {
        let settings = &self.settings;
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        WebhookView {
            id: self.id.to_string(),
            tenant_id: self.scope.tenant().map(ToString::to_string),
            url: settings.url.to_string(),
            events: settings.events.clone(),
            types: settings.types.clone(),
            enabled: settings.enabled,
            description: settings.description.clone(),
            header_names: settings.headers.keys().cloned().collect(),
            status: self.status(),
            disabled_reason: self.disabled.map(|(reason, _)| reason),
            disabled_at: self.disabled.map(|(_, at)| text(at)),
            created_at: text(self.created_at),
            updated_at: text(self.updated_at),
        }
    }
}

#[cfg(feature = "openapi")]
fn status_schema() -> utoipa::openapi::Object {
    crate::openapi::one_of(&WebhookStatus::ALL.map(WebhookStatus::as_str), "Whether events arrive.")
}

#[cfg(feature = "openapi")]
fn reason_schema() -> utoipa::openapi::Object {
    crate::openapi::one_of(
        &DisabledReason::ALL.map(DisabledReason::as_str),
        "Why the service disabled it: `failures` after five days of nothing but failures, `gone` after a 410.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::ConfigKey,
        webhook::{Networks, parse_webhook},
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn webhook(scope: Scope, body: &str) -> Webhook {
        let settings = parse_webhook(body.as_bytes(), &scope, &Networks::default()).unwrap();
        Webhook::new(WebhookId::new([1; 16]), scope, settings, at(0))
    }

    fn entry(tenant: &str, delivery_type: &str) -> Entry {
        Entry::observed(ConfigKey::new(tenant, delivery_type).unwrap(), None, None, at(0))
    }

    #[test]
    fn endpoint_gets_the_events_of_its_scope_its_types_and_its_events() {
        let acme = Scope::Tenant("acme".parse().unwrap());
        let all = r#"{"url":"https://example.com"}"#;
        let s3 = r#"{"url":"https://example.com","types":["s3"]}"#;
        let created = r#"{"url":"https://example.com","events":["delivery_config.created","endpoint.failing"]}"#;
        let disabled = r#"{"url":"https://example.com","enabled":false}"#;
        let (observed, created_event) = (EventType::ConfigObserved, EventType::ConfigCreated);
        for (scope, body, event, tenant, delivery_type, expected) in [
            (&acme, all, observed, "acme", "s3", true),
            (&acme, all, observed, "acme2", "s3", false),
            (&Scope::Global, all, observed, "acme2", "s3", true),
            (&Scope::Global, s3, observed, "acme", "s3", true),
            (&Scope::Global, s3, observed, "acme", "cloudwatch", false),
            (&Scope::Global, created, observed, "acme", "s3", false),
            (&Scope::Global, created, created_event, "acme", "s3", true),
            (&Scope::Global, disabled, observed, "acme", "s3", false),
        ] {
            let wants = webhook(scope.clone(), body).wants(event, &entry(tenant, delivery_type));
            assert_eq!(wants, expected, "{scope:?} {body} {event} {tenant} {delivery_type}");
        }
        let failing = EventType::EndpointFailing;
        assert!(
            webhook(Scope::Global, all).wants_operational(failing)
                && webhook(Scope::Global, created).wants_operational(failing)
        );
        assert!(
            !webhook(acme, all).wants_operational(failing) && !webhook(Scope::Global, s3).wants_operational(observed)
        );
    }

    #[test]
    fn both_secrets_sign_until_the_grace_ends() {
        let key = MasterKey::new(&[7; 32]).unwrap();
        let rotated = Webhook {
            epoch: 2,
            previous_until: Some(at(60)),
            ..webhook(Scope::Global, r#"{"url":"https://example.com"}"#)
        };
        let texts = |now| -> Vec<_> { rotated.secrets(&key, now).iter().map(WebhookSecret::to_text).collect() };
        let [one, two] = [1, 2].map(|epoch| key.secret(&rotated.id, epoch).to_text());
        assert_eq!(texts(at(59)), [two.clone(), one]);
        assert_eq!(texts(at(60)), [two]);
    }

    #[test]
    fn view_shows_no_value_of_a_header() {
        let body = r#"{"url":"https://example.com","headers":{"authorization":"Bearer secret"}}"#;
        let view = serde_json::to_string(&webhook(Scope::Global, body).view()).unwrap();
        assert!(view.contains("authorization") && !view.contains("secret"), "{view}");
    }
}
