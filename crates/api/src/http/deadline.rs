//! The time within which every request gets a response, whatever the store does.
//!
//! A single call of the store has time-outs (see `tenant_store::client`), but a request may need several: a list skips
//! expired items, and an update may have to read first. A response that API Gateway or Lambda sends instead of this service
//! has no envelope and does not report whether a write was applied.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::request::Parts;
use lambda::Invocation;
use tokio::time::{Instant, timeout_at};

use super::rejection::OutOfTime;

/// Two calls of the longest duration, 2 x 4 s. Lambda gives the function 10 s, API Gateway 29 s.
pub(crate) const BUDGET: Duration = Duration::from_secs(8);
/// The time that remains for the response if the platform's deadline is sooner.
const RESERVE: Duration = Duration::from_millis(500);

/// The time that remains for the response after the last call of a loop.
const RESPONSE_TIME: Duration = Duration::from_millis(250);

/// When the service ends this request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Instant);

impl Deadline {
    /// When a loop of calls that began now must have ended: after this time, or sooner if the request ends sooner.
    pub(crate) fn end_of_loop(self, at_most: Duration) -> Instant {
        let last = self.0.checked_sub(RESPONSE_TIME).unwrap_or(self.0);
        last.min(Instant::now() + at_most)
    }
}

impl<S: Sync> FromRequestParts<S> for Deadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Without the layer below, handlers get the same budget from now on.
        Ok(parts
            .extensions
            .get()
            .copied()
            .unwrap_or_else(|| Self(Instant::now() + BUDGET)))
    }
}

impl Deadline {
    /// When a part of the request must end, so that the response can be made in time.
    pub(crate) fn before(self, reserve: Duration) -> Instant {
        self.0.checked_sub(reserve).unwrap_or(self.0)
    }
}

/// Ends a request at its deadline.
pub(crate) async fn enforce(
    State(limit): State<Duration>,
    mut request: Request,
    next: Next,
) -> Result<Response, OutOfTime> {
    let platform_deadline = request
        .extensions()
        .get::<Invocation>()
        .and_then(|invocation| invocation.deadline);
    let deadline = Instant::now() + budget(limit, platform_deadline, SystemTime::now());
    request.extensions_mut().insert(Deadline(deadline));
    let writes = !request.method().is_safe();
    timeout_at(deadline, next.run(request))
        .await
        .map_err(|_| OutOfTime { writes })
}

fn budget(limit: Duration, deadline: Option<SystemTime>, now: SystemTime) -> Duration {
    deadline.map_or(limit, |deadline| {
        let left = deadline.duration_since(now).unwrap_or_default();
        left.saturating_sub(RESERVE).min(limit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loop_ends_before_the_request() {
        let second = Duration::from_secs(1);
        let deadline = Deadline(Instant::now() + 8 * second);
        assert!(deadline.end_of_loop(5 * second) <= Instant::now() + 5 * second);
        assert_eq!(deadline.end_of_loop(60 * second), deadline.0 - RESPONSE_TIME);
    }

    #[test]
    fn budget_ends_before_the_platform_deadline() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let in_seconds = |seconds| Some(now + Duration::from_secs(seconds));
        assert_eq!(budget(BUDGET, None, now), BUDGET);
        assert_eq!(budget(BUDGET, in_seconds(10), now), BUDGET);
        assert_eq!(budget(BUDGET, in_seconds(3), now), Duration::from_millis(2_500));
        assert_eq!(budget(BUDGET, in_seconds(0), now), Duration::ZERO);
        assert_eq!(budget(BUDGET, Some(now - Duration::from_secs(1)), now), Duration::ZERO);
    }
}
