//! Sending an endpoint what it missed.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
#[cfg(feature = "openapi")]
use tenant_core::webhook::ReplayView;
use tenant_core::webhook::{Replay, ReplayId, ReplayState, WebhookAction, WebhookChanged, parse_replay};
use tenant_store::{StoreError, webhooks::WakeUp};

use super::{
    no_such_replay, random_bits, require_enabled,
    target::{Endpoint, ReplayTarget},
};
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{body::JsonBody, context::Now, envelope::Success, error::ApiError, query::Query},
    state::AppState,
};

/// `POST /webhooks/{webhook_id}/replay`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/webhooks/{webhook_id}/replay",
    operation_id = "replayWebhook",
    tag = "Webhooks",
    summary = "Send events again",
    description = "Those between `since` and `until`: with `failed`, deliveries that failed or were cancelled; with `missing`, events of the history that there is no delivery of, \
        such as those of a time when the webhook was disabled; with `all`, all of them.",
    params(("webhook_id" = String, Path), ("X-Body-SHA256" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/WebhookReplay")),
    responses(
        (status = 202, body = Success<ReplayView>, description = "Begun. The replay shows how far it is."),
        failures::Signed, failures::JsonBody, failures::WebhookDisabled,
    ),
))]
pub(crate) async fn start(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    endpoint: Endpoint,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let request = parse_replay(&body, now.0)?;
    let webhook = endpoint.find(webhooks).await?.value;
    require_enabled(&webhook)?;
    let replay = Replay {
        id: ReplayId::new(random_bits()?),
        webhook: endpoint.id,
        scope: endpoint.scope,
        request,
        state: ReplayState::Running,
        cursor: None,
        examined: 0,
        queued: 0,
        created_at: now.0,
    };
    webhooks.deliveries.start_replay(&replay).await?;
    webhooks.wake(WakeUp::for_replay(&replay)).await;
    let change = WebhookChanged::new(WebhookAction::Replay, &webhook);
    let response = Success::new(now, replay.view());
    Ok((StatusCode::ACCEPTED, Extension(change), response).into_response())
}

/// `GET /webhooks/{webhook_id}/replays/{replay_id}`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook_id}/replays/{replay_id}",
    operation_id = "getWebhookReplay",
    tag = "Webhooks",
    summary = "Read a replay",
    description = "How far it is. Replays are kept for 30 days.",
    params(("webhook_id" = String, Path), ("replay_id" = String, Path)),
    responses(
        (status = 200, body = Success<ReplayView>, description = "The replay."),
        failures::Signed,
    ),
))]
pub(crate) async fn read(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    target: ReplayTarget,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let id = &target.endpoint.id;
    target.endpoint.find(webhooks).await?;
    let found = webhooks.deliveries.replay(id, &target.id).await;
    let replay = found.map_err(|error| match error {
        StoreError::NotFound => no_such_replay(),
        error => error.into(),
    })?;
    Ok(Success::new(now, replay.view()).into_response())
}
