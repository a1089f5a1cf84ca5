//! Checks of the AWS resources that a configuration names, in processes that can make them.

use std::{pin::Pin, time::Duration};

use tenant_core::{Check, SkipReason, StoredConfig, skipped_checks};
use tokio::time::Instant;

use crate::http::deadline::Deadline;

/// Checks the AWS resources that a stored configuration names. That needs large dependencies which no other route uses, so
/// the implementation comes from outside this crate, and not every process that serves the API has one.
pub trait ExternalChecks: Send + Sync {
    /// One check for each [`tenant_core::ExternalCheck`] of the configuration's type, completed before `deadline`. A check that
    /// fails, or has no result by then, reports that.
    fn check<'a>(&'a self, config: &'a StoredConfig, deadline: Instant) -> Checking<'a>;
}

/// The future of [`ExternalChecks::check`].
pub type Checking<'a> = Pin<Box<dyn Future<Output = Vec<Check>> + Send + 'a>>;

/// The time that remains after the checks, to write the response.
const RESERVE: Duration = Duration::from_millis(250);

/// Makes the checks, if the client wants them and the process can make them.
pub(crate) async fn check(
    external_checks: Option<&dyn ExternalChecks>,
    config: &StoredConfig,
    is_wanted: bool,
    deadline: Deadline,
) -> Vec<Check> {
    match external_checks {
        _ if !is_wanted => skipped_checks(config, SkipReason::NotRequested),
        Some(external_checks) => external_checks.check(config, deadline.before(RESERVE)).await,
        None => skipped_checks(config, SkipReason::NoCentralRole),
    }
}
