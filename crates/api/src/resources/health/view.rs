//! The health of the service, as clients read it.

use std::time::Duration;

use serde::Serialize;

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
    #[cfg_attr(feature = "openapi", schema(maximum = 60_000))]
    latency_ms: u64,
}

/// Whether a service works.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum HealthStatus {
    Healthy,
    Unhealthy,
}

impl HealthReport {
    /// The report of a probe of the store that took this long.
    pub(crate) fn new(status: HealthStatus, latency: Duration) -> Self {
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        Self {
            status,
            service: SERVICE,
            version: env!("CARGO_PKG_VERSION"),
            checks: Checks {
                dynamodb: DependencyCheck { status, latency_ms },
            },
        }
    }
}
