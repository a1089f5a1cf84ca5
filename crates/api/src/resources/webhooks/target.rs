//! What the path of a URL names: a scope, and perhaps one of its endpoints, with or without a tenant in front.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use tenant_core::webhook::{EventId, ReplayId, Scope, Webhook, WebhookId};
use tenant_store::Tagged;

use super::{Webhooks, client_error, no_such_delivery, no_such_replay, no_such_webhook};
use crate::http::{error::ApiError, rejection::PathRejection};

/// `/webhooks` or `/tenants/{tenant_id}/webhooks`
pub(crate) struct Owner(pub(crate) Scope);

/// `…/webhooks/{webhook_id}`
pub(crate) struct Endpoint {
    pub(crate) scope: Scope,
    pub(crate) id: WebhookId,
}

impl Endpoint {
    /// What the store has of it.
    pub(crate) async fn find(&self, webhooks: &Webhooks) -> Result<Tagged<Webhook>, ApiError> {
        let found = webhooks.endpoints.get(&self.scope, &self.id).await;
        found.map_err(client_error)
    }
}

/// `…/webhooks/{webhook_id}/deliveries/{event_id}`
pub(crate) struct DeliveryTarget {
    pub(crate) endpoint: Endpoint,
    pub(crate) event: EventId,
}

/// `…/webhooks/{webhook_id}/replays/{replay_id}`
pub(crate) struct ReplayTarget {
    pub(crate) endpoint: Endpoint,
    pub(crate) id: ReplayId,
}

impl<S: Send + Sync> FromRequestParts<S> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let names = read(parts, state).await?;
        scope(&names).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Endpoint {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        endpoint(&read(parts, state).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DeliveryTarget {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let names = read(parts, state).await?;
        Ok(Self {
            endpoint: endpoint(&names)?,
            // What is not the name of an event is not that of a delivery.
            event: find(&names, "event_id").parse().map_err(|_| no_such_delivery())?,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReplayTarget {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let names = read(parts, state).await?;
        Ok(Self {
            endpoint: endpoint(&names)?,
            id: find(&names, "replay_id").parse().map_err(|_| no_such_replay())?,
        })
    }
}

type Names = Vec<(String, String)>;

async fn read<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Names, ApiError> {
    let names = RawPathParams::from_request_parts(parts, state).await;
    let names = names.map_err(|_| ApiError::UndecodablePath)?;
    Ok(names
        .iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect())
}

fn find<'n>(names: &'n Names, name: &str) -> &'n str {
    let found = names.iter().find(|(found, _)| found == name);
    found.map_or("", |(_, text)| text.as_str())
}

fn scope(names: &Names) -> Result<Scope, ApiError> {
    match names.iter().find(|(name, _)| name == "tenant_id") {
        None => Ok(Scope::Global),
        Some((_, text)) => Ok(Scope::Tenant(text.parse().map_err(PathRejection::TenantId)?)),
    }
}

fn endpoint(names: &Names) -> Result<Endpoint, ApiError> {
    Ok(Endpoint {
        scope: scope(names)?,
        id: find(names, "webhook_id").parse().map_err(|_| no_such_webhook())?,
    })
}
