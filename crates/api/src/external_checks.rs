//! How a process looks at what a configuration names outside the table, if it can.

use std::{pin::Pin, time::Duration};

use tenant_core::{Check, SkipReason, StoredConfig, skipped_checks};
use tokio::time::Instant;

use crate::{deadline::Deadline, state::AppState};

/// Looks at what a stored configuration names outside the table. What it needs for that is large and slow, and no other
/// route has a use for it: so it comes from outside this crate, and not every process that serves the API has it.
pub trait ExternalChecks: Send + Sync {
    /// A check of each [`tenant_core::ExternalCheck`] of the configuration's type, made before `deadline`; what goes wrong on
    /// the way, or is not known by then, is told in the checks.
    fn check<'a>(&'a self, config: &'a StoredConfig, deadline: Instant) -> Checking<'a>;
}

/// Checks that are being made.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Vec<Check>> + Send + 'a>>;

/// What the request has left when the checks end: time to write down what they found.
const REST: Duration = Duration::from_millis(250);

/// Looks, if the client wants it and the process can.
pub(crate) async fn check(
    state: &AppState,
    config: &StoredConfig,
    is_wanted: bool,
    Deadline(deadline): Deadline,
) -> Vec<Check> {
    match &state.external_checks {
        _ if !is_wanted => skipped_checks(config, SkipReason::NotRequested),
        Some(external_checks) => {
            external_checks
                .check(config, deadline.checked_sub(REST).unwrap_or(deadline))
                .await
        }
        None => skipped_checks(config, SkipReason::NoCentralRole),
    }
}
