//! The health of the service. Open to everybody, so it names no table, no account and no ARN.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;

#[cfg(test)]
use crate::openapi;
use crate::{
    context::Now,
    envelope::Success,
    error::ApiError,
    probe::{Probed, Unhealthy},
    state::AppState,
};

const SERVICE: &str = "tenant-management-api";

/// The health of the service.
#[derive(Debug, Serialize)]
pub(crate) struct HealthReport {
    status: HealthStatus,
    service: &'static str,
    version: &'static str,
    checks: Checks,
}

#[derive(Debug, Serialize)]
struct Checks {
    dynamodb: DependencyCheck,
}

#[derive(Debug, Serialize)]
struct DependencyCheck {
    status: HealthStatus,
    latency_ms: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    Healthy,
    Unhealthy,
}

/// `GET /health`
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "getHealth",
    tag = "Service",
    summary = "Check the health of the service",
    description = "Needs no signature.",
    security(()),
    responses(openapi::answers::Health),
))]
pub(crate) async fn check(State(state): State<AppState>, now: Now) -> Result<Response, ApiError> {
    let Probed { latency, outcome, .. } = state.last_probe.get(&state.stores.configs).await;
    match outcome {
        Ok(()) => Ok(Success::new(now, report(HealthStatus::Healthy, latency)).into_response()),
        Err(cause) => Err(ApiError::Unhealthy(Unhealthy {
            report: serde_json::to_value(report(HealthStatus::Unhealthy, latency)).map_err(ApiError::Unserializable)?,
            cause,
        })),
    }
}

fn report(status: HealthStatus, latency: Duration) -> HealthReport {
    let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    HealthReport {
        status,
        service: SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        checks: Checks {
            dynamodb: DependencyCheck { status, latency_ms },
        },
    }
}
