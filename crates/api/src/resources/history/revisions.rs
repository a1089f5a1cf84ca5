//! The revisions of one configuration.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::future::try_join;
use serde::Serialize;
use tenant_core::{StoredConfig, history::RevisionSummary};

use super::query::RevisionQuery;
#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        context::Now,
        envelope::Success,
        error::ApiError,
        path::{RevisionTarget, Target},
        query::Query,
        rfc3339,
    },
    state::AppState,
};

/// A page of the revisions of a configuration.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct RevisionPage {
    /// In the order of the changes.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    revisions: Vec<RevisionSummary>,
    /// The length of `revisions`.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    count: usize,
    /// The largest number of revisions that this page can contain.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    limit: u16,
    /// Where the next page begins. The last page has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    cursor: Option<String>,
    /// The time since which every change is in the history. Absent if nothing was recorded yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, format = DateTime, example = "2024-01-15T10:30:00Z")
    )]
    recording_since: Option<String>,
}

/// A revision with the whole configuration.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct RevisionDetail {
    #[serde(flatten)]
    summary: RevisionSummary,
    /// The configuration after the change. Absent after a deletion, and if it is too large for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    configuration: Option<StoredConfig>,
    /// The configuration before the change. Absent where there was none, and if it is too large for the history or not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    previous: Option<StoredConfig>,
}

/// `GET /tenants/{tenant_id}/delivery-configs/{type}/history`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/history",
    operation_id = "listDeliveryConfigRevisions",
    tag = "History",
    summary = "List the revisions of a configuration",
    description = "Every change: of this service, of a person or program that wrote the table, and of DynamoDB, which deletes what has \
        expired. Also of a configuration that is deleted. A change is in the list a moment after it was made. A page can contain fewer than `limit` \
        revisions and still not be the last one: only the last page has no `cursor`.",
    params(("tenant_id" = String, Path), ("type" = String, Path), ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query),
        ("since" = Option<String>, Query), ("until" = Option<String>, Query), ("order" = Option<String>, Query)),
    responses(
        (status = 200, body = Success<RevisionPage>, description = "A page; without revisions for a configuration that never existed."),
        failures::Signed,
    ),
))]
pub(crate) async fn list(
    State(state): State<AppState>,
    now: Now,
    target: Target,
    Query(RevisionQuery(query)): Query<RevisionQuery>,
) -> Result<Response, ApiError> {
    let history = state.history()?;
    let (page, recording) = try_join(history.page(&target.0, &query, now.0), history.recording()).await?;
    if page.entries.is_empty() {
        target.0.parse()?;
    }
    let revisions: Vec<_> = page.entries.iter().map(tenant_core::history::Entry::summary).collect();
    let page = RevisionPage {
        count: revisions.len(),
        revisions,
        limit: query.limit.get(),
        cursor: page.next.map(|revision| revision.to_string()),
        recording_since: recording.map(|recording| rfc3339::to_text(recording.since(now.0))),
    };
    Ok(Success::new(now, page).into_response())
}

/// `GET /tenants/{tenant_id}/delivery-configs/{type}/history/{revision}`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/history/{revision}",
    operation_id = "getDeliveryConfigRevision",
    tag = "History",
    summary = "Read a revision",
    description = "One change, with the whole configuration before and after it.",
    params(("tenant_id" = String, Path), ("type" = String, Path), ("revision" = String, Path)),
    responses(
        (status = 200, body = Success<RevisionDetail>, description = "The revision."),
        failures::Signed,
    ),
))]
pub(crate) async fn read(
    State(state): State<AppState>,
    now: Now,
    RevisionTarget { target, revision }: RevisionTarget,
    _: Query<()>,
) -> Result<Response, ApiError> {
    let entry = state.history()?.get(&target.0, &revision, now.0).await?;
    let entry = entry.ok_or_else(no_such_revision)?;
    let detail = RevisionDetail {
        summary: entry.summary(),
        configuration: entry.configuration(),
        previous: entry.previous(),
    };
    Ok(Success::new(now, detail).into_response())
}

pub(crate) fn no_such_revision() -> ApiError {
    ApiError::NotFound("The configuration has no such revision, or it is older than the history.")
}
