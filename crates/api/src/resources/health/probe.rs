//! The probe of the store that the health check and the initialization of the function share.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tenant_store::{Store, StoreError};

/// The longest time that a probe waits: load balancers give up after a few seconds.
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// How long the result of a probe is used. Health checks need no signature, so they must not become load, least of all on
/// an unhealthy store.
const PROBE_LIFETIME: TimeDelta = TimeDelta::seconds(1);

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The store returned an error, or reached its own time-out.
    #[error("DynamoDB is unhealthy: the store failed")]
    Store(#[from] StoreError),
    /// No response within the limit.
    #[error("DynamoDB is unhealthy: no response within {} seconds", PROBE_LIMIT.as_secs())]
    TimedOut,
}

/// The last probe of the store. Requests that arrive during a probe wait for it and share its result.
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
    /// The age of a result is measured by the wall clock, since a monotonic clock may stop while Lambda freezes the process.
    /// It is the age when the result is used, not when the request arrived: a failing probe, and the wait for it, may take
    /// longer than the lifetime of a result.
    pub(crate) async fn get(&self, store: &Store) -> Probed {
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

/// Sends the store the cheapest request that proves that it works.
pub(crate) async fn probe(store: &Store) -> Result<(), ProbeError> {
    tokio::time::timeout(PROBE_LIMIT, store.ping())
        .await
        .map_err(|_| ProbeError::TimedOut)??;
    Ok(())
}
