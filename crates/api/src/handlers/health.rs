//! Whether the service can do its work. Open to everybody, so it names no table, no account and no ARN.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tenant_store::{Store, StoreError};

#[cfg(feature = "openapi")]
use crate::openapi::failures;
use crate::{context::Now, envelope::Success, error::ApiError, state::AppState};

/// A probe waits no longer: load balancers give up after a few seconds.
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// How long a probe's result serves once it is there: anybody may ask, and asking must not become load, least of all on a
/// store that is ill.
const PROBE_LIFETIME: TimeDelta = TimeDelta::seconds(1);
const SERVICE: &str = "tenant-management-api";

/// The state of the service.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct HealthReport {
    status: HealthStatus,
    /// The name of the service.
    #[cfg_attr(feature = "openapi", schema(example = "tenant-management-api"))]
    service: &'static str,
    /// The version of the service.
    #[cfg_attr(feature = "openapi", schema(example = "0.1.0"))]
    version: &'static str,
    checks: Checks,
}

/// The services that this one depends on.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DependencyChecks))]
struct Checks {
    dynamodb: DependencyCheck,
}

/// The state of a service that this one depends on.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct DependencyCheck {
    status: HealthStatus,
    /// How long the last probe took, in milliseconds.
    latency_ms: u64,
}

/// Whether a service works.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
enum HealthStatus {
    Healthy,
    Unhealthy,
}

/// The report of a service that cannot do its work, and why.
#[derive(Debug, thiserror::Error)]
#[error("DynamoDB is unhealthy")]
pub(crate) struct Unhealthy {
    pub(crate) report: HealthReport,
    #[source]
    cause: Arc<ProbeError>,
}

#[cfg(any(test, feature = "openapi"))]
impl Unhealthy {
    /// An example, for tests and for the API's description.
    pub(crate) fn timed_out() -> Self {
        Self {
            report: report(HealthStatus::Unhealthy, PROBE_LIMIT),
            cause: Arc::new(ProbeError::TimedOut),
        }
    }
}

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The store answered with an error, or its own time was up.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// No answer within the limit.
    #[error("the store did not answer within {} seconds", PROBE_LIMIT.as_secs())]
    TimedOut,
}

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
    let Probed { latency, outcome, .. } = state.last_probe.get(&state.store).await;
    match outcome {
        Ok(()) => Ok(Success::new(now, report(HealthStatus::Healthy, latency)).into_response()),
        Err(cause) => Err(ApiError::Unhealthy(Unhealthy {
            report: report(HealthStatus::Unhealthy, latency),
            cause,
        })),
    }
}

/// The last probe of the store. Whoever asks while one is under way waits for that one, and has its result.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastProbe(Arc<tokio::sync::Mutex<Option<Probed>>>);

#[derive(Debug, Clone)]
struct Probed {
    ended_at: DateTime<Utc>,
    latency: Duration,
    outcome: Result<(), Arc<ProbeError>>,
}

impl LastProbe {
    /// Age is told by the wall clock: another one may stand still while Lambda keeps the process frozen. It is that of the
    /// result at the time it is used, not at the time the request came: a probe that fails may take longer than its result
    /// serves, and so may the wait for it.
    async fn get(&self, store: &Store) -> Probed {
        let mut last = self.0.lock().await;
        if let Some(probed) = last
            .as_ref()
            .filter(|probed| (Utc::now() - probed.ended_at).abs() < PROBE_LIFETIME)
        {
            return probed.clone();
        }
        let started = Instant::now();
        let outcome = probe(store).await.map_err(Arc::new);
        let probed = Probed {
            ended_at: Utc::now(),
            latency: started.elapsed(),
            outcome,
        };
        last.insert(probed).clone()
    }
}

/// Asks the store for a sign of life.
pub(crate) async fn probe(store: &Store) -> Result<(), ProbeError> {
    tokio::time::timeout(PROBE_LIMIT, store.ping())
        .await
        .map_err(|_| ProbeError::TimedOut)??;
    Ok(())
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
