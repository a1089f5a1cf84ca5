//! One endpoint: create, read, update, delete; and the list of a scope.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use tenant_core::webhook::{
    Webhook, WebhookAction, WebhookChanged, WebhookId, WebhookView, parse_webhook, parse_webhook_update,
};
use tenant_store::Precondition;

use super::{
    client_error, random_bits,
    target::{Endpoint, Owner},
};
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        body::JsonBody,
        conditions::{Conditions, ETag, Freshness},
        context::Now,
        envelope::{Confirmation, Success},
        error::ApiError,
        query::Query,
    },
    state::AppState,
};

/// A new endpoint, with the secret that its receiver verifies with.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct CreatedWebhook {
    #[serde(flatten)]
    webhook: WebhookView,
    /// The secret that signs its events. It can be read again.
    #[cfg_attr(feature = "openapi", schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$"))]
    secret: String,
}

/// The endpoints of a scope.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct WebhookList {
    /// In the order of their creation.
    #[cfg_attr(feature = "openapi", schema(max_items = 60))]
    webhooks: Vec<WebhookView>,
    /// The length of `webhooks`.
    #[cfg_attr(feature = "openapi", schema(maximum = 60))]
    count: usize,
}

/// `POST /webhooks`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/webhooks",
    operation_id = "createWebhook",
    tag = "Webhooks",
    summary = "Create a webhook",
    description = "Its endpoint gets every event of its scope, or those that `events` and `types` name. All tenants together have at most 50 webhooks, a tenant 20.",
    params(("X-Body-SHA256" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/WebhookCreation")),
    responses(
        (status = 201, body = Success<CreatedWebhook>, headers(("ETag"), ("Location")), description = "Created. `secret` verifies its events."),
        failures::Signed, failures::JsonBody, failures::TooManyWebhooks,
    ),
))]
pub(crate) async fn create(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    Owner(scope): Owner,
    conditions: Conditions,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    if conditions.require_content() {
        return Err(ApiError::CreationHasNoVersion);
    }
    let settings = parse_webhook(&body, &scope, &webhooks.networks)?;
    // First: a webhook whose secret nobody gets is of no use.
    let key = webhooks.key.get().await?;
    let webhook = Webhook::new(WebhookId::new(random_bits()?), scope, settings, now.0);
    let created = webhooks.endpoints.create(&webhook).await.map_err(client_error)?;
    let secret = key.secret(&webhook.id, webhook.epoch).to_text();
    let view = CreatedWebhook {
        webhook: created.value.view(),
        secret,
    };
    let location = [(header::LOCATION, location_of(&webhook))];
    let change = WebhookChanged::new(WebhookAction::Create, &webhook).with_fields(webhook.settings.fields());
    let message = format!("Created the webhook {}.", webhook.id);
    let response = Success::new(now, view).with_message(message);
    Ok((
        StatusCode::CREATED,
        ETag(created.tag),
        location,
        Extension(change),
        response,
    )
        .into_response())
}

/// `GET /webhooks`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/webhooks",
    operation_id = "listWebhooks",
    tag = "Webhooks",
    summary = "List the webhooks",
    description = "Those of this scope, in the order of their creation. A tenant's are not among those of all tenants.",
    responses(
        (status = 200, body = Success<WebhookList>, description = "All of them."),
        failures::Signed,
    ),
))]
pub(crate) async fn list(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    Owner(scope): Owner,
) -> Result<Response, ApiError> {
    let found = state.webhooks()?.endpoints.list(&scope).await?;
    let webhooks: Vec<_> = found.iter().map(|webhook| webhook.value.view()).collect();
    let list = WebhookList {
        count: webhooks.len(),
        webhooks,
    };
    Ok(Success::new(now, list).into_response())
}

/// `GET /webhooks/{webhook_id}`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook_id}",
    operation_id = "getWebhook",
    tag = "Webhooks",
    summary = "Read a webhook",
    description = "Its settings, and whether events arrive. The `ETag` is that of the settings: it does not change with `status`, so `If-None-Match` is ignored.",
    params(("webhook_id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = Success<WebhookView>, headers(("ETag")), description = "The webhook."),
        failures::Signed, failures::Conditional,
    ),
))]
pub(crate) async fn read(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    endpoint: Endpoint,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let found = endpoint.find(state.webhooks()?).await?;
    // A status may have changed where the tag has not.
    let (Freshness::Modified | Freshness::NotModified) = conditions.check_read(found.tag)?;
    Ok((ETag(found.tag), Success::new(now, found.value.view())).into_response())
}

/// `PATCH /webhooks/{webhook_id}`
#[cfg_attr(feature = "openapi", utoipa::path(
    patch,
    path = "/api/v1/webhooks/{webhook_id}",
    operation_id = "patchWebhook",
    tag = "Webhooks",
    summary = "Change a webhook",
    description = "A field that is left out keeps its value, `null` resets it. `headers` replaces all headers. A webhook that is enabled again begins without failures; \
        a replay sends it what it missed.",
    params(("webhook_id" = String, Path), ("If-Match" = Option<String>, Header), ("X-Body-SHA256" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/WebhookChanges")),
    responses(
        (status = 200, body = Success<WebhookView>, headers(("ETag")), description = "Changed, with what is stored now."),
        failures::Signed, failures::Conditional, failures::JsonBody,
    ),
))]
pub(crate) async fn update(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    endpoint: Endpoint,
    conditions: Conditions,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let update = parse_webhook_update(&body, &endpoint.scope, &webhooks.networks)?;
    let precondition = precondition(&state, &endpoint, &conditions).await?;
    let Endpoint { scope, id } = &endpoint;
    let updated = webhooks
        .endpoints
        .update(scope, id, &update, &precondition, now.0)
        .await;
    let updated = updated.map_err(client_error)?;
    let change = WebhookChanged::new(WebhookAction::Update, &updated.value).with_fields(update.fields());
    let message = format!("Updated the webhook {id}.");
    let response = Success::new(now, updated.value.view()).with_message(message);
    Ok((ETag(updated.tag), Extension(change), response).into_response())
}

/// `DELETE /webhooks/{webhook_id}`
#[cfg_attr(feature = "openapi", utoipa::path(
    delete,
    path = "/api/v1/webhooks/{webhook_id}",
    operation_id = "deleteWebhook",
    tag = "Webhooks",
    summary = "Delete a webhook",
    description = "Deliveries that have not arrived are cancelled.",
    params(("webhook_id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = Confirmation, description = "Deleted."),
        failures::Signed, failures::Conditional,
    ),
))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    endpoint: Endpoint,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let precondition = precondition(&state, &endpoint, &conditions).await?;
    let Endpoint { scope, id } = &endpoint;
    let deleted = state.webhooks()?.endpoints.delete(scope, id, &precondition).await;
    let change = WebhookChanged {
        enabled: None,
        ..WebhookChanged::new(WebhookAction::Delete, &deleted.map_err(client_error)?)
    };
    let response = Confirmation::new(now, format!("Deleted the webhook {id}."));
    Ok((Extension(change), response).into_response())
}

/// The store's precondition. What excludes contents is checked here, and the write is then bound to what was read.
async fn precondition(
    state: &AppState,
    endpoint: &Endpoint,
    conditions: &Conditions,
) -> Result<Precondition, ApiError> {
    if !conditions.exclude_contents() {
        return Ok(conditions.precondition());
    }
    let tag = endpoint.find(state.webhooks()?).await?.tag;
    conditions.check_write(tag)?;
    Ok(Precondition::Tags(vec![tag]))
}

fn location_of(webhook: &Webhook) -> HeaderValue {
    let path = match webhook.scope.tenant() {
        Some(tenant) => format!("/api/v1/tenants/{tenant}/webhooks/{}", webhook.id),
        None => format!("/api/v1/webhooks/{}", webhook.id),
    };
    HeaderValue::try_from(path).expect("tenant ids and ids of webhooks are URL-safe ASCII")
}
