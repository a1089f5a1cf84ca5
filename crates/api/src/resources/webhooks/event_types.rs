//! Which events there are.

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tenant_core::webhook::EventType;

#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::http::{context::Now, envelope::Success, error::ApiError, query::Query};

/// The types of events that webhooks can choose.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct EventTypeList {
    /// Each type.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    event_types: Vec<EventTypeView>,
}

/// A type of events.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EventTypeInfo))]
struct EventTypeView {
    /// Its name.
    name: EventType,
    /// What such an event reports.
    description: &'static str,
    /// Whether only webhooks of all tenants get it.
    global_only: bool,
}

/// `GET /event-types`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/event-types",
    operation_id = "listEventTypes",
    tag = "Webhooks",
    summary = "List the types of events",
    description = "Those that `events` of a webhook can name.",
    responses(
        (status = 200, body = Success<EventTypeList>, description = "All of them."),
        failures::Signed,
    ),
))]
pub(crate) async fn list(now: Now, _: Query<()>) -> Result<Response, ApiError> {
    let subscribed = EventType::ALL.into_iter().filter(|event| event.can_be_subscribed());
    let event_types = subscribed.map(|event| EventTypeView {
        name: event,
        description: event.description(),
        global_only: event.is_operational(),
    });
    let list = EventTypeList {
        event_types: event_types.collect(),
    };
    Ok(Success::new(now, list).into_response())
}
