//! What a client did with an endpoint, as one fact: the audit line reads it here.

use super::{
    endpoint::Webhook,
    id::{Scope, WebhookId},
    input::Name,
    settings::{Settings, SettingsUpdate},
};

named_enum! {
    /// What a client did.
    pub enum WebhookAction -> as_str {
        /// A creation.
        Create = "create",
        /// A change of settings.
        Update = "update",
        /// A deletion.
        Delete = "delete",
        /// A new secret.
        RotateSecret = "rotate_secret",
        /// Reading the secret. It changes nothing, but who knows the secret can sign events.
        ReadSecret = "read_secret",
        /// An event that is sent again.
        Redeliver = "redeliver",
        /// Events of a time that are sent again.
        Replay = "replay",
        /// A test event.
        Test = "test",
    }
}

/// Something that was done with an endpoint. No URL, header or secret is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookChanged {
    /// What was done.
    pub action: WebhookAction,
    /// The endpoint.
    pub webhook: WebhookId,
    /// Whose endpoint it is.
    pub scope: Scope,
    /// The names of the settings that the request set.
    pub fields: Vec<&'static str>,
    /// Whether events are sent afterwards. `None` for a deletion.
    pub enabled: Option<bool>,
}

impl WebhookChanged {
    /// Something that was done with this endpoint, as it is afterwards.
    #[must_use]
    pub fn new(action: WebhookAction, webhook: &Webhook) -> Self {
        Self {
            action,
            webhook: webhook.id.clone(),
            scope: webhook.scope.clone(),
            fields: Vec::new(),
            enabled: Some(webhook.settings.enabled),
        }
    }

    /// The same with the settings that the request set.
    #[must_use]
    pub fn with_fields(self, fields: Vec<&'static str>) -> Self {
        Self { fields, ..self }
    }
}

impl Settings {
    /// The names of the settings that a creation sets. Those without a value are not among them.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let Self {
            url: _,
            events,
            types,
            enabled: _,
            description,
            headers,
        } = self;
        names([
            (Name::URL, true),
            (Name::EVENTS, !events.is_empty()),
            (Name::TYPES, !types.is_empty()),
            (Name::ENABLED, true),
            (Name::DESCRIPTION, description.is_some()),
            (Name::HEADERS, !headers.is_empty()),
        ])
    }
}

impl SettingsUpdate {
    /// The names of the settings that the update sets or resets.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let Self {
            url,
            events,
            types,
            enabled,
            description,
            headers,
        } = self;
        names([
            (Name::URL, url.is_some()),
            (Name::EVENTS, events.is_some()),
            (Name::TYPES, types.is_some()),
            (Name::ENABLED, enabled.is_some()),
            (Name::DESCRIPTION, description.is_some()),
            (Name::HEADERS, headers.is_some()),
        ])
    }
}

fn names(fields: [(&'static str, bool); Name::WRITABLE.len()]) -> Vec<&'static str> {
    let set = fields.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{Networks, parse_webhook, parse_webhook_update};

    #[test]
    fn fields_are_those_that_are_set() {
        let networks = Networks::default();
        let created = |body: &[u8]| parse_webhook(body, &Scope::Global, &networks).unwrap().fields();
        let updated = |body: &[u8]| parse_webhook_update(body, &Scope::Global, &networks).unwrap().fields();
        let all = br#"{"url":"https://example.com","events":["delivery_config.created"],"types":["s3"],"enabled":true,
            "description":"a","headers":{"x-a":"b"}}"#;
        assert_eq!(created(all), Name::WRITABLE);
        assert_eq!(updated(all), Name::WRITABLE);
        assert_eq!(
            created(br#"{"url":"https://example.com","events":[],"description":null}"#),
            ["url", "enabled"]
        );
        assert_eq!(
            updated(br#"{"description":null,"headers":{},"events":null,"id":"x"}"#),
            ["events", "description", "headers"]
        );
    }
}
