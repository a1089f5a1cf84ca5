//! The body of an event: JSON that is a CloudEvent as well as an event of Standard Webhooks.
//!
//! Sources: CloudEvents 1.0.2, section "JSON Event Format"; "Standard Webhooks", section "Payload structure".

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{endpoint::Webhook, event_id::EventId, event_type::EventType, health::DisabledReason};
use crate::{
    config::StoredConfig,
    history::{ActorSummary, Entry, FieldChange, Images},
};

/// The version of CloudEvents.
const SPEC_VERSION: &str = "1.0";
const JSON: &str = "application/json";
/// A larger event has the names of the fields that changed, and no values: many receivers read no more.
const MAX_BYTES: usize = 256 * 1024;

/// An event as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookEvent<D> {
    /// The version of CloudEvents.
    #[cfg_attr(feature = "openapi", schema(example = "1.0"))]
    pub specversion: &'static str,
    /// The name of the event, as in the header `webhook-id`. A repetition has the same one.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "evt_1f9gg2s0ma00021123456789012345678901001iqa298")
    )]
    pub id: String,
    /// What it is about, as a path of this API.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/api/v1/tenants/acme-corp/delivery-configs/s3")
    )]
    pub source: String,
    /// The type of the event.
    #[serde(rename = "type")]
    pub event: EventType,
    /// When it happened, in whole seconds.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, example = "2024-01-15T10:30:00Z"))]
    pub time: String,
    /// The same, under the name that Standard Webhooks gives it.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, example = "2024-01-15T10:30:00Z"))]
    pub timestamp: String,
    /// The media type of `data`.
    #[cfg_attr(feature = "openapi", schema(example = "application/json"))]
    pub datacontenttype: &'static str,
    /// Of two events of one configuration, the later one has the greater text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub sequence: Option<String>,
    /// What happened.
    pub data: D,
}

/// A change of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigEventData {
    /// The tenant.
    #[cfg_attr(feature = "openapi", schema(example = "acme-corp"))]
    pub tenant_id: String,
    /// The delivery type.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "s3"))]
    pub delivery_type: String,
    /// The version that the change assigned; of a deletion, that of the deleted configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub version: Option<String>,
    /// The fields that changed.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    pub changed: Vec<FieldChange>,
    /// The configuration before the change. Absent where there was none or where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub previous: Option<StoredConfig>,
    /// The configuration after the change. Absent after a deletion and where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub configuration: Option<StoredConfig>,
    /// Who made the change.
    pub actor: ActorSummary,
    /// The name of the revision in the history.
    pub revision: String,
    /// The path of the revision in this API.
    pub revision_path: String,
    /// Whether values are missing because they are too large, or because the change could not be read.
    pub truncated: bool,
}

/// What happened to an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndpointEventData {
    /// The endpoint.
    pub webhook_id: String,
    /// The tenant whose changes it gets; null if it gets those of all.
    pub tenant_id: Option<String>,
    /// Where its events are sent.
    pub url: String,
    /// Why it was disabled. Absent for the other types of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, schema_with = reason_schema))]
    pub reason: Option<DisabledReason>,
}

/// A test.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestEventData {
    /// The endpoint that is tested.
    pub webhook_id: String,
    /// A sentence for people.
    #[cfg_attr(feature = "openapi", schema(example = "This is a test of the webhook."))]
    pub message: &'static str,
}

/// The event of a change, a pure function of its entry: each attempt sends the same bytes.
#[must_use]
pub fn config_event(entry: &Entry, event: EventType) -> WebhookEvent<ConfigEventData> {
    let (tenant_id, delivery_type) = (entry.key.tenant_id(), entry.key.delivery_type());
    let source = format!(
        "/api/v1/tenants/{}/delivery-configs/{}",
        escape(tenant_id),
        escape(delivery_type)
    );
    let id = EventId::for_entry(entry);
    let revision = entry.revision.to_string();
    let data = ConfigEventData {
        tenant_id: tenant_id.to_owned(),
        delivery_type: delivery_type.to_owned(),
        version: entry.version.clone(),
        changed: entry.changes(),
        previous: entry.previous(),
        configuration: entry.configuration(),
        actor: entry.actor.summary(),
        revision_path: format!("{source}/history/{revision}"),
        revision: revision.clone(),
        truncated: matches!(entry.images, Images::Names(_) | Images::Truncated),
    };
    let whole = WebhookEvent::new(&id, source, event, Some(revision), data);
    if whole.to_json().len() <= MAX_BYTES {
        return whole;
    }
    let without_values = |change: FieldChange| FieldChange {
        from: None,
        to: None,
        added: None,
        removed: None,
        ..change
    };
    let data = ConfigEventData {
        changed: whole.data.changed.into_iter().map(without_values).collect(),
        previous: None,
        configuration: None,
        truncated: true,
        ..whole.data
    };
    WebhookEvent { data, ..whole }
}

/// The event of what happened to an endpoint.
#[must_use]
pub fn endpoint_event(
    id: &EventId,
    event: EventType,
    webhook: &Webhook,
    reason: Option<DisabledReason>,
) -> WebhookEvent<EndpointEventData> {
    let data = EndpointEventData {
        webhook_id: webhook.id.to_string(),
        tenant_id: webhook.scope.tenant().map(ToString::to_string),
        url: webhook.settings.url.to_string(),
        reason,
    };
    WebhookEvent::new(id, endpoint_path(webhook), event, None, data)
}

/// The event of a test.
#[must_use]
pub fn test_event(id: &EventId, webhook: &Webhook) -> WebhookEvent<TestEventData> {
    let data = TestEventData {
        webhook_id: webhook.id.to_string(),
        message: "This is a test of the webhook.",
    };
    WebhookEvent::new(id, endpoint_path(webhook), EventType::WebhookTest, None, data)
}

impl<D> WebhookEvent<D> {
    fn new(id: &EventId, source: String, event: EventType, sequence: Option<String>, data: D) -> Self {
        let time = rfc3339(id.time());
        Self {
            specversion: SPEC_VERSION,
            id: id.to_string(),
            source,
            event,
            timestamp: time.clone(),
            time,
            datacontenttype: JSON,
            sequence,
            data,
        }
    }
}

impl<D: Serialize> WebhookEvent<D> {
    /// The bytes that are signed and sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, lists and maps by strings are always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn endpoint_path(webhook: &Webhook) -> String {
    match webhook.scope.tenant() {
        Some(tenant) => format!("/api/v1/tenants/{tenant}/webhooks/{}", webhook.id),
        None => format!("/api/v1/webhooks/{}", webhook.id),
    }
}

/// A key by hand may have any characters.
fn escape(segment: &str) -> percent_encoding::PercentEncode<'_> {
    const UNRESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(segment, UNRESERVED)
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(feature = "openapi")]
fn reason_schema() -> utoipa::openapi::Object {
    crate::openapi::one_of(
        &DisabledReason::ALL.map(DisabledReason::as_str),
        "Why it was disabled. Absent for the other types of events.",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        config::ConfigKey,
        history::{Image, Record, Revision},
        webhook::{Networks, Scope, WebhookId, parse_webhook},
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn image(bucket: &str) -> Image {
        let item = json!({"tenant_id": {"S": "acme"}, "type": {"S": "s3"}, "bucket_name": {"S": bucket}, "version": {"S": bucket}});
        Image::from_json(item).unwrap()
    }

    fn entry(old: Option<Image>, new: Option<Image>) -> Entry {
        let record = Record {
            key: ConfigKey::new("acme", "s3").unwrap(),
            revision: Revision::from_record("2023-11-01T00:00:00.000", "123456789012345678901", at(0)).unwrap(),
            old,
            new,
            identity: None,
        };
        record.into_entry(at(1)).unwrap()
    }

    #[test]
    fn change_is_a_cloud_event_with_both_configurations() {
        let entry = entry(Some(image("one")), Some(image("two")));
        let event = EventType::for_entry(&entry).unwrap();
        let body: Value = serde_json::from_str(&config_event(&entry, event).to_json()).unwrap();
        let revision = entry.revision.to_string();
        assert_eq!(
            body,
            json!({
                "specversion": "1.0", "id": format!("evt_{revision}"), "source": "/api/v1/tenants/acme/delivery-configs/s3",
                "type": "delivery_config.updated", "time": "2023-11-14T22:13:20Z", "timestamp": "2023-11-14T22:13:20Z",
                "datacontenttype": "application/json", "sequence": revision,
                "data": {
                    "tenant_id": "acme", "type": "s3", "version": "two",
                    "changed": [{"field": "bucket_name", "from": "one", "to": "two"}],
                    "previous": {"tenant_id": "acme", "type": "s3", "enabled": false, "bucket_name": "one"},
                    "configuration": {"tenant_id": "acme", "type": "s3", "enabled": false, "bucket_name": "two"},
                    "actor": {"type": "direct"}, "revision": revision,
                    "revision_path": format!("/api/v1/tenants/acme/delivery-configs/s3/history/{revision}"), "truncated": false
                }
            })
        );
    }

    #[test]
    fn event_that_is_too_large_has_the_names_of_the_fields_only() {
        let huge = |text: &str| image(&text.repeat(150_000));
        let entry = entry(Some(huge("a")), Some(huge("b")));
        let event = config_event(&entry, EventType::ConfigUpdated);
        assert!(event.to_json().len() < 2000 && event.data.truncated);
        assert_eq!((event.data.previous, event.data.configuration), (None, None));
        assert_eq!(event.data.changed[0].field.name(), "bucket_name");
        assert_eq!(event.data.changed[0].from, None);
    }

    #[test]
    fn every_change_but_one_of_bookkeeping_is_an_event() {
        let event = |old, new| EventType::for_entry(&entry(old, new));
        let (one, two) = (image("one"), image("two"));
        let mut same: serde_json::Map<_, _> = one.clone().into();
        same.insert("version".to_owned(), json!({"S": "next"}));
        same.insert("updated_at".to_owned(), json!({"S": "now"}));
        let same = Image::from_json(same.clone().into()).unwrap();
        assert_eq!(event(None, Some(one.clone())), Some(EventType::ConfigCreated));
        assert_eq!(event(Some(one.clone()), Some(two)), Some(EventType::ConfigUpdated));
        assert_eq!(event(Some(one.clone()), Some(same)), None);
        assert_eq!(event(Some(one), None), Some(EventType::ConfigDeleted));
        assert_eq!(event(None, None), Some(EventType::ConfigObserved));
        let huge = |text: &str| image(&text.repeat(400_000));
        assert_eq!(event(Some(huge("a")), Some(huge("b"))), Some(EventType::ConfigUpdated));
    }

    #[test]
    fn events_of_endpoints_name_them() {
        let scope = Scope::Tenant("acme".parse().unwrap());
        let settings = parse_webhook(br#"{"url":"https://example.com"}"#, &scope, &Networks::default()).unwrap();
        let webhook = Webhook::new(WebhookId::new([1; 16]), scope, settings, at(0));
        let id = EventId::random([1; 16], at(5));
        let disabled = endpoint_event(&id, EventType::EndpointDisabled, &webhook, Some(DisabledReason::Gone));
        assert_eq!(disabled.source, format!("/api/v1/tenants/acme/webhooks/{}", webhook.id));
        let body: Value = serde_json::from_str(&disabled.to_json()).unwrap();
        assert_eq!(body["data"]["reason"], "gone");
        assert_eq!(body["time"], "2023-11-14T22:13:25Z");
        let test: Value = serde_json::from_str(&test_event(&id, &webhook).to_json()).unwrap();
        assert_eq!(
            (&test["type"], &test["id"]),
            (&json!("webhook.test"), &json!(id.to_string()))
        );
        assert_eq!(test.get("sequence"), None);
    }

    #[test]
    fn key_by_hand_is_escaped_in_paths() {
        let key = ConfigKey::new("a/b", "s 3").unwrap();
        let event = config_event(&Entry::observed(key, None, None, at(0)), EventType::ConfigObserved);
        assert_eq!(event.source, "/api/v1/tenants/a%2Fb/delivery-configs/s%203");
    }
}
