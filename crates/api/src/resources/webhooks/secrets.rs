//! The secret of an endpoint, its rotation, and a test of the endpoint.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use tenant_core::webhook::{
    Content, Delivery, DeliveryOrigin, EventId, EventType, MasterKey, Webhook, WebhookAction, WebhookChanged,
    WebhookSecret, parse_rotation, test_event,
};
use tenant_store::webhooks::WakeUp;

use super::{client_error, deliveries::QueuedDelivery, random_bits, target::Endpoint};
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{body::JsonBody, context::Now, envelope::Success, error::ApiError, query::Query, rfc3339},
    state::AppState,
};

/// The secrets that sign the events of a webhook now.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct WebhookSecrets {
    /// The current secret, for the libraries of Standard Webhooks.
    #[cfg_attr(feature = "openapi", schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$"))]
    secret: String,
    /// The secret before the last rotation, while it signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, pattern = "^whsec_[A-Za-z0-9+/]{43}=$")
    )]
    previous_secret: Option<String>,
    /// Until when the previous secret signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, format = DateTime))]
    previous_until: Option<String>,
}

/// `GET /webhooks/{webhook_id}/secret`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook_id}/secret",
    operation_id = "getWebhookSecret",
    tag = "Webhooks",
    summary = "Read the secret of a webhook",
    description = "With it, the receiver verifies that an event comes from this service.",
    params(("webhook_id" = String, Path)),
    responses(
        (status = 200, body = Success<WebhookSecrets>, description = "The secret, and the one before while it signs."),
        failures::Signed,
    ),
))]
pub(crate) async fn read(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    endpoint: Endpoint,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let found = endpoint.find(webhooks).await?;
    let key = webhooks.key.get().await?;
    let change = WebhookChanged::new(WebhookAction::ReadSecret, &found.value);
    let response = Success::new(now, secrets(key, &found.value, now));
    Ok((Extension(change), response).into_response())
}

/// `POST /webhooks/{webhook_id}/secret/rotate`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/webhooks/{webhook_id}/secret/rotate",
    operation_id = "rotateWebhookSecret",
    tag = "Webhooks",
    summary = "Give a webhook a new secret",
    description = "Until `grace_seconds` have passed, each event has two signatures, so the receiver can change over in that time. By default that is a day.",
    params(("webhook_id" = String, Path), ("X-Body-SHA256" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/WebhookRotation")),
    responses(
        (status = 200, body = Success<WebhookSecrets>, description = "The new secret, and the one before."),
        failures::Signed, failures::JsonBody,
    ),
))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    endpoint: Endpoint,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let grace = parse_rotation(&body)?;
    // First: a secret that nobody gets is of no use.
    let key = webhooks.key.get().await?;
    let rotated = webhooks
        .endpoints
        .rotate(&endpoint.scope, &endpoint.id, grace, now.0)
        .await;
    let rotated = rotated.map_err(client_error)?;
    let change = WebhookChanged::new(WebhookAction::RotateSecret, &rotated.value);
    let response = Success::new(now, secrets(key, &rotated.value, now));
    Ok((Extension(change), response).into_response())
}

/// `POST /webhooks/{webhook_id}/test`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/webhooks/{webhook_id}/test",
    operation_id = "testWebhook",
    tag = "Webhooks",
    summary = "Send a test event",
    description = "An event of type `webhook.test` is sent, also to a webhook that is disabled. Its delivery shows what the receiver responded.",
    params(("webhook_id" = String, Path)),
    responses(
        (status = 202, body = Success<QueuedDelivery>, description = "Queued."),
        failures::Signed,
    ),
))]
pub(crate) async fn test(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    endpoint: Endpoint,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let webhook = endpoint.find(webhooks).await?.value;
    let event = EventId::random(random_bits()?, now.0);
    let body = test_event(&event, &webhook).to_json();
    let change = WebhookChanged::new(WebhookAction::Test, &webhook);
    let content = (event, EventType::WebhookTest, Content::Body(body));
    let delivery = Delivery::new((webhook.scope, webhook.id), content, DeliveryOrigin::Test, now.0);
    webhooks.deliveries.insert(&delivery).await?;
    webhooks.wake(WakeUp::for_delivery(&delivery)).await;
    let queued = QueuedDelivery::new(&delivery);
    Ok((StatusCode::ACCEPTED, Extension(change), Success::new(now, queued)).into_response())
}

fn secrets(key: &MasterKey, webhook: &Webhook, now: Now) -> WebhookSecrets {
    let mut texts = webhook
        .secrets(key, now.0)
        .into_iter()
        .map(|secret| WebhookSecret::to_text(&secret));
    let secret = texts.next().unwrap_or_default();
    let previous_secret = texts.next();
    let until = webhook.previous_until.filter(|_| previous_secret.is_some());
    WebhookSecrets {
        secret,
        previous_secret,
        previous_until: until.map(rfc3339::to_text),
    }
}
