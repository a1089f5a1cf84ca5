//! The metrics of the authorizer. `docs/operations.md` lists them for operators; a test compares the two.

use std::time::Duration;

use lambda::{
    Invocation,
    metrics::{FUNCTION_NAME, Measurements, Metric},
};

use crate::keys::KeyEvents;

const REASON: &str = "reason";

const BY_FUNCTION: &[&[&str]] = &[&[FUNCTION_NAME]];
const BY_REASON: &[&[&str]] = &[&[FUNCTION_NAME], &[FUNCTION_NAME, REASON]];

const AUTH_ALLOWED: Metric = Metric::count("auth_allowed", BY_FUNCTION);
const AUTH_DENIED: Metric = Metric::count("auth_denied", BY_REASON);
const AUTH_FAILED: Metric = Metric::count("auth_failed", BY_FUNCTION);
const PREVIOUS_KEY_USES: Metric = Metric::count("previous_key_uses", BY_FUNCTION);
const PREVIOUS_KEY_HELD: Metric = Metric::count("previous_key_held", BY_FUNCTION);
const UNBOUND_WRITES: Metric = Metric::count("unbound_writes", BY_FUNCTION);
const DURATION: Metric = Metric::milliseconds("duration_ms", BY_FUNCTION);
const COLD_STARTS: Metric = Metric::count("cold_starts", BY_FUNCTION);
const KEY_REFRESHES: Metric = Metric::count("key_refreshes", BY_FUNCTION);
const KEY_REFRESH_FAILURES: Metric = Metric::count("key_refresh_failures", BY_FUNCTION);
const STALE_KEY_USES: Metric = Metric::count("stale_key_uses", BY_FUNCTION);

/// Every metric that the function can write.
#[must_use]
pub fn catalogue() -> Vec<Metric> {
    vec![
        AUTH_ALLOWED,
        AUTH_DENIED,
        AUTH_FAILED,
        PREVIOUS_KEY_USES,
        PREVIOUS_KEY_HELD,
        UNBOUND_WRITES,
        DURATION,
        COLD_STARTS,
        KEY_REFRESHES,
        KEY_REFRESH_FAILURES,
        STALE_KEY_USES,
    ]
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Allowed {
        by_previous_key: bool,
        is_unbound_write: bool,
    },
    Denied,
    /// There was no key to verify it with.
    Failed,
}

/// The measurements of an invocation. The values are members of its line as well.
pub(crate) fn for_request(
    outcome: Outcome,
    reason: &'static str,
    duration: Duration,
    key_events: KeyEvents,
    invocation: &Invocation,
) -> Measurements<'static> {
    let mut measured = Measurements::default();
    measured.dimension(REASON, reason);
    match outcome {
        Outcome::Allowed {
            by_previous_key,
            is_unbound_write,
        } => {
            measured.count(AUTH_ALLOWED, 1);
            measured.count_some(PREVIOUS_KEY_USES, by_previous_key.into());
            measured.count_some(UNBOUND_WRITES, is_unbound_write.into());
        }
        Outcome::Denied => measured.count(AUTH_DENIED, 1),
        Outcome::Failed => measured.count(AUTH_FAILED, 1),
    }
    measured.time(DURATION, duration);
    measured.count_some(COLD_STARTS, invocation.cold_start.into());
    measured.count_some(KEY_REFRESHES, key_events.refreshes);
    measured.count_some(KEY_REFRESH_FAILURES, key_events.refresh_failures);
    measured.count_some(STALE_KEY_USES, key_events.stale_uses);
    measured.count_some(PREVIOUS_KEY_HELD, key_events.previous_held);
    measured
}
