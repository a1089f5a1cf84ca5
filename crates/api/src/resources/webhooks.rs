//! Webhooks: endpoints of a tenant or of all, and what was delivered to them.
//!
//! Each handler serves two routes, one of them below a tenant: [`target`] reads the scope from the path.

pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod event_types;
pub(crate) mod replays;
pub(crate) mod secrets;
mod target;

use std::{sync::Arc, time::Duration};

use tenant_core::webhook::{MasterKey, Networks, Webhook};
use tenant_store::{
    StoreError,
    webhooks::{DeliveryStore, WakeUp, WakeUps, WebhookStore},
};

use crate::http::error::ApiError;

/// What the webhooks of a deployment consist of. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    /// The endpoints.
    pub endpoints: WebhookStore,
    /// The deliveries to them.
    pub deliveries: DeliveryStore,
    /// Where the notifier is woken.
    pub wake_ups: Arc<dyn WakeUps>,
    /// What the secrets are derived from.
    pub key: MasterKey,
    /// Networks that endpoints may be in although they are not public.
    pub networks: Networks,
}

impl Webhooks {
    /// Messages are hints: what is not sent is found by the sweep of the notifier.
    async fn wake(&self, wake_up: WakeUp) {
        if let Err(error) = self.wake_ups.send(vec![wake_up], Duration::ZERO).await {
            tracing::warn!(
                error = error.0.to_string(),
                "a delivery waits for the sweep: its message was not sent"
            );
        }
    }
}

fn no_such_webhook() -> ApiError {
    ApiError::NotFound("There is no webhook of this ID.")
}

fn no_such_delivery() -> ApiError {
    ApiError::NotFound("The webhook has no delivery of this event.")
}

fn no_such_replay() -> ApiError {
    ApiError::NotFound("The webhook has no replay of this ID.")
}

/// The store names no resource, so this names it where the client reads about it.
fn client_error(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => no_such_webhook(),
        StoreError::LimitReached => ApiError::TooManyWebhooks,
        error => error.into(),
    }
}

/// What is sent again goes to an endpoint that gets events.
fn require_enabled(webhook: &Webhook) -> Result<(), ApiError> {
    if webhook.settings.enabled {
        Ok(())
    } else {
        Err(ApiError::WebhookDisabled)
    }
}

fn random_bits() -> Result<[u8; 16], ApiError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| StoreError::Unexpected(error.to_string().into()))?;
    Ok(bits)
}
