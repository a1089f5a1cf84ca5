//! The health of the service. Open to everybody, so it names no table, no account and no ARN.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::view::{HealthReport, HealthStatus};
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{context::Now, envelope::Success, error::ApiError},
    probe::{Probed, Unhealthy},
    state::AppState,
};

/// `GET /health`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "getHealth",
    tag = "Service",
    summary = "Check whether the service is healthy",
    description = "Needs no signature.",
    security(()),
    responses(
        (status = 200, body = Success<HealthReport>, description = "The service is healthy."),
        failures::Open, failures::Unhealthy,
    ),
))]
pub(crate) async fn check(State(state): State<AppState>, now: Now) -> Result<Response, ApiError> {
    let Probed { latency, outcome, .. } = state.last_probe.get(&state.stores.configs).await;
    match outcome {
        Ok(()) => Ok(Success::new(now, HealthReport::new(HealthStatus::Healthy, latency)).into_response()),
        Err(cause) => Err(ApiError::Unhealthy(Unhealthy {
            report: HealthReport::new(HealthStatus::Unhealthy, latency),
            cause,
        })),
    }
}
