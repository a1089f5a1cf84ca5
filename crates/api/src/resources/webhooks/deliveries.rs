//! What was delivered to an endpoint, and sending it again.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use tenant_core::webhook::{
    Attempt, Delivery, DeliveryOrigin, DeliveryStatus, DeliveryView, EventId, WebhookAction, WebhookChanged,
};
use tenant_store::{
    StoreError,
    webhooks::{DeliveryQuery, WakeUp},
};

use super::{
    no_such_delivery, require_enabled,
    target::{DeliveryTarget, Endpoint},
};
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        context::Now,
        envelope::Success,
        error::ApiError,
        query::{Pairs, Parameters, Query},
        rejection::QueryError,
    },
    state::AppState,
};

/// A page of the deliveries to a webhook.
#[derive(Debug, Default)]
pub(crate) struct DeliveriesQuery(DeliveryQuery);

impl Parameters for DeliveriesQuery {
    const NAMES: &'static [&'static str] = &["cursor", "limit", "status"];

    fn parse(pairs: &Pairs) -> Result<Self, QueryError> {
        let cursor = pairs.single("cursor")?.filter(|cursor| !cursor.is_empty());
        let before = cursor.map(|cursor| cursor.parse::<EventId>().map_err(|_| QueryError::Cursor));
        let status = pairs.single("status")?;
        let status = status.map(|name| DeliveryStatus::from_name(name).ok_or(QueryError::Status));
        Ok(Self(DeliveryQuery {
            status: status.transpose()?,
            before: before.transpose()?,
            limit: pairs.single("limit")?.map(str::parse).transpose()?.unwrap_or_default(),
            ..DeliveryQuery::default()
        }))
    }
}

/// Deliveries to a webhook.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct DeliveryPage {
    /// The latest event first.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    deliveries: Vec<DeliveryView>,
    /// The length of `deliveries`.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    count: usize,
    /// The largest number of deliveries that this page can contain.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    limit: u16,
    /// Where the next page begins. The last page has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    cursor: Option<String>,
}

/// A delivery with its attempts.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The last attempts, the earliest first.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    last_attempts: Vec<Attempt>,
}

/// A delivery that was queued.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct QueuedDelivery {
    /// The event. Its delivery shows what becomes of it.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "evt_1f9gg2s0ma00021123456789012345678901001iqa298")
    )]
    event_id: String,
}

impl QueuedDelivery {
    pub(crate) fn new(delivery: &Delivery) -> Self {
        Self {
            event_id: delivery.event.to_string(),
        }
    }
}

/// `GET /webhooks/{webhook_id}/deliveries`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook_id}/deliveries",
    operation_id = "listWebhookDeliveries",
    tag = "Webhooks",
    summary = "List what was delivered to a webhook",
    description = "The latest event first. A page can contain fewer than `limit` deliveries, even none. They are kept for 30 days.",
    params(("webhook_id" = String, Path), ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query), ("status" = Option<String>, Query)),
    responses(
        (status = 200, body = Success<DeliveryPage>, description = "A page of the deliveries."),
        failures::Signed,
    ),
))]
pub(crate) async fn list(
    State(state): State<AppState>,
    now: Now,
    Query(DeliveriesQuery(query)): Query<DeliveriesQuery>,
    endpoint: Endpoint,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    endpoint.find(webhooks).await?;
    let page = webhooks.deliveries.page(&endpoint.id, &query).await?;
    let deliveries: Vec<_> = page.deliveries.iter().map(Delivery::view).collect();
    let page = DeliveryPage {
        count: deliveries.len(),
        deliveries,
        limit: query.limit.get(),
        cursor: page.next.map(|event| event.to_string()),
    };
    Ok(Success::new(now, page).into_response())
}

/// `GET /webhooks/{webhook_id}/deliveries/{event_id}`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/webhooks/{webhook_id}/deliveries/{event_id}",
    operation_id = "getWebhookDelivery",
    tag = "Webhooks",
    summary = "Read a delivery",
    description = "How far it is, and what its attempts had for a response.",
    params(("webhook_id" = String, Path), ("event_id" = String, Path)),
    responses(
        (status = 200, body = Success<DeliveryDetail>, description = "The delivery."),
        failures::Signed,
    ),
))]
pub(crate) async fn read(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    target: DeliveryTarget,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let id = &target.endpoint.id;
    target.endpoint.find(webhooks).await?;
    let found = webhooks
        .deliveries
        .get(id, &target.event)
        .await
        .map_err(delivery_error)?;
    let detail = DeliveryDetail {
        delivery: found.view(),
        last_attempts: found.attempts,
    };
    Ok(Success::new(now, detail).into_response())
}

/// `POST /webhooks/{webhook_id}/deliveries/{event_id}/redeliver`
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/webhooks/{webhook_id}/deliveries/{event_id}/redeliver",
    operation_id = "redeliverWebhookEvent",
    tag = "Webhooks",
    summary = "Deliver an event again",
    description = "At once, with all attempts of the schedule before it, whatever became of it before. An attempt that is under way is not repeated.",
    params(("webhook_id" = String, Path), ("event_id" = String, Path)),
    responses(
        (status = 202, body = Success<QueuedDelivery>, description = "Queued."),
        failures::Signed, failures::WebhookDisabled,
    ),
))]
pub(crate) async fn redeliver(
    State(state): State<AppState>,
    now: Now,
    _: Query<()>,
    target: DeliveryTarget,
) -> Result<Response, ApiError> {
    let webhooks = state.webhooks()?;
    let id = &target.endpoint.id;
    let webhook = target.endpoint.find(webhooks).await?.value;
    require_enabled(&webhook)?;
    let origin = DeliveryOrigin::Redelivery;
    let delivery = webhooks.deliveries.restart(id, &target.event, origin, now.0).await;
    let delivery = delivery.map_err(delivery_error)?;
    webhooks.wake(WakeUp::for_delivery(&delivery)).await;
    let change = WebhookChanged::new(WebhookAction::Redeliver, &webhook);
    let queued = QueuedDelivery::new(&delivery);
    Ok((StatusCode::ACCEPTED, Extension(change), Success::new(now, queued)).into_response())
}

fn delivery_error(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => no_such_delivery(),
        error => error.into(),
    }
}
