//! The line that a change leaves in the log: enough to find out who switched a delivery off, or who knows the secret of a
//! webhook, and since when.

use serde::Serialize;
use serde_json::Value;
use tenant_core::{ConfigChanged, Field, StoredConfig, TenantId, webhook::WebhookChanged};

use crate::facts::RequestFacts;

/// Writes the line of a change of a configuration.
pub(crate) fn write(change: &ConfigChanged) {
    let fields: Vec<_> = change.fields.iter().map(|field| field.name()).collect();
    let after = change.after.as_ref();
    lambda::logging::write_audit(
        "configuration changed",
        &AuditLine {
            event: "config_changed",
            action: change.cause.as_str(),
            tenant_id: change.key.tenant_id(),
            delivery_type: change.key.delivery_type(),
            fields: (!fields.is_empty()).then(|| fields.join(",")),
            enabled: after
                .and_then(|after| after.get(Field::Enabled))
                .and_then(Value::as_bool),
            old_version: change.before.as_ref().and_then(StoredConfig::version),
            new_version: after.and_then(StoredConfig::version),
            key_version: change.actor.key_version.as_deref(),
            source_ip: change.actor.source_ip.as_deref(),
            request_id: &change.request_id,
            batch_id: change.batch_id.as_deref(),
        },
    );
}

/// Writes the line of what a request did with a webhook.
pub(crate) fn write_webhook(change: &WebhookChanged, request: &RequestFacts<'_>) {
    lambda::logging::write_audit(
        "webhook changed",
        &WebhookLine {
            event: "webhook_changed",
            action: change.action.as_str(),
            tenant_id: change.scope.tenant().map(TenantId::as_str),
            webhook_id: change.webhook.as_str(),
            fields: (!change.fields.is_empty()).then(|| change.fields.join(",")),
            enabled: change.enabled,
            key_version: request.key_version,
            source_ip: request.source_ip,
            request_id: request.request_id,
        },
    );
}

/// The only value of a configuration in the line is `enabled`.
#[derive(Serialize)]
struct AuditLine<'a> {
    event: &'static str,
    action: &'static str,
    tenant_id: &'a str,
    #[serde(rename = "type")]
    delivery_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<&'a str>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<&'a str>,
}

/// The only setting of a webhook whose value is in the line is `enabled`: URL and headers may contain secrets.
#[derive(Serialize)]
struct WebhookLine<'a> {
    event: &'static str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    webhook_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<&'a str>,
    request_id: &'a str,
}
