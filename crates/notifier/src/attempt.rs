//! One attempt: what is sent, and what its end means.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat, Utc};
use tenant_core::webhook::{
    Attempt, Content, Delivery, EventId, MasterKey, Outcome, Webhook, config_event, signature_header,
};
use tenant_store::StoreError;

use crate::{
    Notifier,
    http::{Response, SendError},
};

/// How an attempt ended.
pub(crate) struct Attempted {
    pub(crate) outcome: Outcome,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) attempt: Attempt,
}

impl Notifier {
    /// The bytes of the event. `None` if the history does not have it any more.
    pub(crate) async fn body(&self, delivery: &Delivery, now: DateTime<Utc>) -> Result<Option<String>, StoreError> {
        match &delivery.content {
            Content::Body(body) => Ok(Some(body.clone())),
            Content::Change(key) => {
                let entry = self.stores.history.get(key, delivery.event.revision(), now).await?;
                Ok(entry.map(|entry| config_event(&entry, delivery.event_type).to_json()))
            }
        }
    }

    /// Sends the event once.
    pub(crate) async fn attempt(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
        body: String,
        key: &MasterKey,
    ) -> Attempted {
        let (at, started) = (self.now(), Instant::now());
        let headers = headers(webhook, &delivery.event, at, &body, key);
        let sent = self.sender.post(&webhook.settings.url, &headers, body).await;
        let (outcome, error) = match &sent {
            Ok(response) => outcome(response),
            Err(error) => (Outcome::Failed, Some(describe(error))),
        };
        let response = sent.ok();
        let attempt = Attempt {
            number: delivery.next_number(),
            at: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            duration_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
            status: response.as_ref().map(|response| response.status.as_u16()),
            error,
            response: response
                .as_ref()
                .map(|response| response.beginning.clone())
                .filter(|beginning| !beginning.is_empty()),
        };
        Attempted {
            outcome,
            retry_after: response.and_then(|response| response.retry_after),
            attempt,
        }
    }
}

/// Source: "Standard Webhooks", section "Webhook Headers".
fn headers(
    webhook: &Webhook,
    event: &EventId,
    now: DateTime<Utc>,
    body: &str,
    key: &MasterKey,
) -> Vec<(String, String)> {
    let timestamp = now.timestamp();
    let signature = signature_header(&webhook.secrets(key, now), event, timestamp, body);
    let chosen = webhook.settings.headers.clone().into_iter();
    let set = [
        ("webhook-id", event.to_string()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signature),
    ];
    chosen
        .chain(set.map(|(name, value)| (name.to_owned(), value)))
        .collect()
}

/// What the response means, and what the subscriber reads about it.
fn outcome(response: &Response) -> (Outcome, Option<String>) {
    let status = response.status;
    if status.is_success() {
        (Outcome::Succeeded, None)
    } else if status == http::StatusCode::GONE {
        (Outcome::Gone, Some("the status 410 disables the webhook".to_owned()))
    } else if status.is_redirection() {
        let error = format!("the status {} is a redirect, which is not followed", status.as_u16());
        (Outcome::Failed, Some(error))
    } else {
        (
            Outcome::Failed,
            Some(format!("the status {} is not 2xx", status.as_u16())),
        )
    }
}

/// With the cause, where the operating system or TLS says more.
fn describe(error: &SendError) -> String {
    match (error, error.source()) {
        (SendError::Unreachable(_) | SendError::Tls(_), Some(cause)) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}
