//! The line that an accepted change leaves in the log: enough to answer who switched a delivery off, and when.

use serde::Serialize;
use tenant_core::{Change, ConfigUpdate, Field, NewConfig, StoredConfig};
use tenant_store::version_before;

use crate::{http::context::Now, log::RequestLine};

/// What happened to a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}

/// A change that the store has made. A handler leaves it in its response, for the edge to log.
#[derive(Debug, Clone)]
pub(crate) struct ConfigChanged {
    pub(crate) action: Action,
    /// The fields that the request set or took away; of values only this one is logged.
    fields: Vec<&'static str>,
    /// Whether logs are delivered from now on, as far as that is a question.
    enabled: Option<bool>,
    old_version: Option<u64>,
    new_version: Option<u64>,
}

impl ConfigChanged {
    pub(crate) fn created(config: &NewConfig, stored: &StoredConfig) -> Self {
        let values = config.clone().into_values();
        Self {
            action: Action::Create,
            fields: values.iter().map(|value| value.field().name()).collect(),
            enabled: is_enabled(stored),
            old_version: None,
            new_version: Some(stored.version()),
        }
    }

    pub(crate) fn updated(update: &ConfigUpdate, stored: &StoredConfig, now: Now) -> Self {
        let field = |change: &Change| match change {
            Change::Set(value) => value.field().name(),
            Change::Remove(field) => field.name(),
        };
        Self {
            action: Action::Update,
            fields: update.changes().iter().map(field).collect(),
            enabled: is_enabled(stored),
            old_version: version_before(stored.version(), now.0),
            new_version: Some(stored.version()),
        }
    }

    /// `deleted` is none where the store did not see the configuration go.
    pub(crate) fn deleted(deleted: Option<&StoredConfig>) -> Self {
        Self {
            action: Action::Delete,
            fields: Vec::new(),
            enabled: None,
            old_version: deleted.map(StoredConfig::version),
            new_version: None,
        }
    }

    /// Writes the line of the change that `request` made.
    pub(crate) fn write(&self, request: &RequestLine<'_>) {
        lambda::logging::write_audit(&AuditLine {
            event: "config_changed",
            action: self.action,
            tenant_id: request.tenant_id,
            delivery_type: request.delivery_type,
            fields: (!self.fields.is_empty()).then(|| self.fields.join(",")),
            enabled: self.enabled,
            old_version: self.old_version,
            new_version: self.new_version,
            key_version: request.key_version,
            source_ip: request.source_ip,
            request_id: request.request_id,
        });
    }
}

fn is_enabled(stored: &StoredConfig) -> Option<bool> {
    stored.get(Field::Enabled).and_then(serde_json::Value::as_bool)
}

#[derive(Serialize)]
struct AuditLine<'a> {
    event: &'static str,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    delivery_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<&'a str>,
    request_id: &'a str,
}
