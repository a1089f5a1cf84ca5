//! The time in which every request is answered, whatever the store does.
//!
//! One call to the store ends by itself (`tenant_store::client` has its time-outs), but a request may take several: a list
//! walks over what has expired, and an update may have to look first. An answer that API Gateway or Lambda gives instead of
//! this service has no envelope and says nothing of a write.

use std::time::{Duration, SystemTime};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use function::Invocation;
use tokio::time::timeout;

use crate::error::ApiError;

/// Room for two calls that take as long as they may, 2 x 4 s; Lambda gives the function 10 s, API Gateway 29.
pub(crate) const BUDGET: Duration = Duration::from_secs(8);
/// What remains for the answer itself where the platform's deadline is nearer than that.
const RESERVE: Duration = Duration::from_millis(500);

/// Ends a request whose time is up.
pub(crate) async fn keep(request: Request, next: Next) -> Response {
    let deadline = request
        .extensions()
        .get::<Invocation>()
        .and_then(|invocation| invocation.deadline);
    let writes = !request.method().is_safe();
    timeout(budget(deadline, SystemTime::now()), next.run(request))
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
