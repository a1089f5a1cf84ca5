//! The health probe of the store, and its last result.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tenant_store::{StoreError, configs::ConfigStore};

use crate::resources::health::view::HealthReport;
#[cfg(any(test, feature = "openapi"))]
use crate::resources::health::view::HealthStatus;

/// A probe waits no longer: load balancers give up after a few seconds.
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// How long a result is reused: anybody may ask, and asking must not become load, least of all on an unhealthy store.
const PROBE_LIFETIME: TimeDelta = TimeDelta::seconds(1);

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The store returned an error, or its own time was up.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// No response within the limit.
    #[error("the store did not respond within {} seconds", PROBE_LIMIT.as_secs())]
    TimedOut,
}

/// A service that cannot do its work, and why.
#[derive(Debug, thiserror::Error)]
#[error("DynamoDB is unhealthy")]
pub(crate) struct Unhealthy {
    /// What the client reads about it.
    pub(crate) report: HealthReport,
    #[source]
    pub(crate) cause: Arc<ProbeError>,
}

#[cfg(any(test, feature = "openapi"))]
impl Unhealthy {
    /// An example, for tests and for the API's description.
    pub(crate) fn timed_out() -> Self {
        Self {
            report: HealthReport::new(HealthStatus::Unhealthy, PROBE_LIMIT),
            cause: Arc::new(ProbeError::TimedOut),
        }
    }
}

/// The last probe of the store. A request that comes while one is under way waits for it and has its result.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastProbe(Arc<tokio::sync::Mutex<Option<Probed>>>);

/// The result of a probe.
#[derive(Debug, Clone)]
pub(crate) struct Probed {
    ended_at: DateTime<Utc>,
    pub(crate) latency: Duration,
    pub(crate) outcome: Result<(), Arc<ProbeError>>,
}

impl LastProbe {
    /// The result of a probe that is at most one second old.
    ///
    /// Age is measured by the wall clock: a monotonic one may stop while Lambda keeps the process frozen. It is the age at
    /// the time of use, not at the time the request came: a probe that fails may take longer than its result lives, and so
    /// may the wait for it.
    pub(crate) async fn get(&self, store: &ConfigStore) -> Probed {
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

/// Checks that the store responds.
pub(crate) async fn probe(store: &ConfigStore) -> Result<(), ProbeError> {
    tokio::time::timeout(PROBE_LIMIT, store.ping())
        .await
        .map_err(|_| ProbeError::TimedOut)??;
    Ok(())
}
