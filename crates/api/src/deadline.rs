//! The time in which every request is answered, whatever the store does.
//!
//! One call to the store ends by itself (`tenant_store::client` has its time-outs), but a request may take several: a list
//! walks over what has expired, and an update may have to look first. An answer that API Gateway or Lambda gives instead of
//! this service has no envelope and says nothing of a write.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use axum::{
    extract::{FromRequestParts, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::request::Parts;
use lambda::Invocation;
use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;

/// Room for two calls that take as long as they may, 2 x 4 s; Lambda gives the function 10 s, API Gateway 29.
pub(crate) const BUDGET: Duration = Duration::from_secs(8);
/// What remains for the answer itself where the platform's deadline is nearer than that.
const RESERVE: Duration = Duration::from_millis(500);

/// When the request that it is taken from is ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(pub(crate) Instant);

impl<S: Sync> FromRequestParts<S> for Deadline {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // A router without the layer below ends nothing; who asks is held to the same time.
        Ok(parts
            .extensions
            .get()
            .copied()
            .unwrap_or_else(|| Self(Instant::now() + BUDGET)))
    }
}

/// Ends a request whose time is up.
pub(crate) async fn enforce(mut request: Request, next: Next) -> Response {
    let platforms = request
        .extensions()
        .get::<Invocation>()
        .and_then(|invocation| invocation.deadline);
    let deadline = Instant::now() + budget(platforms, SystemTime::now());
    request.extensions_mut().insert(Deadline(deadline));
    let writes = !request.method().is_safe();
    timeout_at(deadline, next.run(request))
        .await
        .unwrap_or_else(|_| ApiError::OutOfTime { writes }.into_response())
}

fn budget(deadline: Option<SystemTime>, now: SystemTime) -> Duration {
    deadline.map_or(BUDGET, |deadline| {
        let left = deadline.duration_since(now).unwrap_or_default();
        left.saturating_sub(RESERVE).min(BUDGET)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_comes_before_the_platforms_deadline() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let in_seconds = |seconds| Some(now + Duration::from_secs(seconds));
        assert_eq!(budget(None, now), BUDGET);
        assert_eq!(budget(in_seconds(10), now), BUDGET);
        assert_eq!(budget(in_seconds(3), now), Duration::from_millis(2_500));
        assert_eq!(budget(in_seconds(0), now), Duration::ZERO);
        assert_eq!(budget(Some(now - Duration::from_secs(1)), now), Duration::ZERO);
    }
}
