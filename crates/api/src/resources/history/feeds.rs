//! The changes of many configurations, for readers that follow.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tenant_core::history::{Entry, FeedCursor, RevisionSummary};
use tenant_store::history::Scope;

use super::query::FeedQuery;
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{context::Now, envelope::Success, error::ApiError, path::AnyTenant, query::Query, rfc3339},
    state::AppState,
};

/// A page of a feed.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct RevisionFeed {
    /// In the order of recording, at least once each.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    revisions: Vec<RevisionSummary>,
    /// The length of `revisions`.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    count: usize,
    /// The largest number of revisions that this page can contain.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    limit: u16,
    /// Where the next page begins, now or later. Absent if nothing was recorded yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    cursor: Option<String>,
    /// Whether there may be more already. Otherwise this page is the end of what was recorded.
    has_more: bool,
    /// The time since which every change is in the history. Absent if nothing was recorded yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, format = DateTime, example = "2024-01-15T10:30:00Z")
    )]
    recording_since: Option<String>,
}

/// `GET /history`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/history",
    operation_id = "followHistory",
    tag = "History",
    summary = "Follow the changes of all tenants",
    description = "Every change in the order in which it was recorded, at least once, five seconds after its recording. Pass the `cursor` of \
        each response to the next request, at once while `has_more` is true, later otherwise. Without a `cursor` and without `since`, the feed begins where the history does. \
        A page can contain fewer than `limit` revisions, even none.",
    params(("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query), ("since" = Option<String>, Query), ("event" = Option<String>, Query)),
    responses(
        (status = 200, body = Success<RevisionFeed>, description = "A page of the feed."),
        failures::Signed, failures::CursorExpired,
    ),
))]
pub(crate) async fn follow_all(
    State(state): State<AppState>,
    now: Now,
    Query(query): Query<FeedQuery>,
) -> Result<Response, ApiError> {
    let feed = follow(&state, Scope::All, query, now).await?;
    Ok(Success::new(now, feed).into_response())
}

/// `GET /tenants/{tenant_id}/history`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/history",
    operation_id = "followTenantHistory",
    tag = "History",
    summary = "Follow the changes of a tenant",
    description = "The same as the feed of all tenants, with the changes of one.",
    params(("tenant_id" = String, Path), ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query), ("since" = Option<String>, Query),
        ("event" = Option<String>, Query)),
    responses(
        (status = 200, body = Success<RevisionFeed>, description = "A page of the feed; without revisions for an unknown tenant."),
        failures::Signed, failures::CursorExpired,
    ),
))]
pub(crate) async fn follow_tenant(
    State(state): State<AppState>,
    now: Now,
    tenant: AnyTenant,
    Query(query): Query<FeedQuery>,
) -> Result<Response, ApiError> {
    let feed = follow(&state, Scope::Tenant(tenant.as_str()), query, now).await?;
    if feed.count == 0 {
        tenant.check()?;
    }
    Ok(Success::new(now, feed).into_response())
}

async fn follow(state: &AppState, scope: Scope<'_>, query: FeedQuery, now: Now) -> Result<RevisionFeed, ApiError> {
    let history = state.history()?;
    let limit = query.limit.get();
    let Some(recording) = history.recording().await? else {
        return Ok(RevisionFeed {
            revisions: Vec::new(),
            count: 0,
            limit,
            cursor: None,
            has_more: false,
            recording_since: None,
        });
    };
    let since = recording.since(now.0);
    let start = match query.cursor {
        Some(cursor) if cursor.time() < since => return Err(ApiError::CursorExpired { since }),
        Some(cursor) => cursor,
        None => FeedCursor::at(query.since.map_or(since, |start| start.max(since))),
    };
    let page = history.feed(scope, &start, query.event, query.limit, now.0).await?;
    let revisions: Vec<_> = page.entries.iter().map(Entry::summary).collect();
    Ok(RevisionFeed {
        count: revisions.len(),
        revisions,
        limit,
        cursor: Some(page.next.to_string()),
        has_more: page.has_more,
        recording_since: Some(rfc3339::to_text(since)),
    })
}
