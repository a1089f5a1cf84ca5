//! Searches: the list of all configurations, reduced by a filter.

use std::time::Duration;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use tenant_core::{Search, parse_search};
use tenant_store::configs::Found;

#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    facts::Scanned,
    http::{
        body::DigestedJsonBody, context::Now, deadline::Deadline, envelope::Success, error::ApiError, query::Query,
    },
    resources::configs::page_list::PageList,
    state::AppState,
};

/// How long a search reads for one response. What is left follows on the next page.
const READING_TIME: Duration = Duration::from_secs(5);

/// `POST /delivery-configs/search`: the list of all configurations with its parameters in the body. It only reads.
#[cfg_attr(feature = "openapi", utoipa::path(
    post,
    path = "/api/v1/delivery-configs/search",
    operation_id = "searchDeliveryConfigs",
    tag = "Lists",
    summary = "Search the configurations of all tenants",
    description = "The same as the list with a `filter`, for filters that do not fit into a signed URL. It changes nothing. It requires `X-Body-SHA256`. A response covers up to 8 MB of the \
        table or five seconds of reading, so that it can contain fewer than `limit` configurations, even none, and still not be the last one: \
        only the last page has no `last_key`.",
    params(("X-Body-SHA256" = Option<String>, Header)),
    request_body(content = ref("#/components/schemas/DeliveryConfigSearch")),
    responses(
        (status = 200, body = Success<PageList>, description = "A page. There are more pages while it has a `last_key`."),
        failures::Signed, failures::OtherJsonBody,
    ),
))]
pub(crate) async fn search(
    State(state): State<AppState>,
    now: Now,
    deadline: Deadline,
    _: Query<()>,
    DigestedJsonBody(body): DigestedJsonBody,
) -> Result<Response, ApiError> {
    respond_with_matches(&state, &parse_search(&body)?, now, deadline).await
}

/// The page of a search.
pub(super) async fn respond_with_matches(
    state: &AppState,
    search: &Search,
    now: Now,
    deadline: Deadline,
) -> Result<Response, ApiError> {
    let until = deadline.end_of_loop(READING_TIME);
    let Found { page, scanned } = state.stores.configs.search(search, now.0, until).await?;
    let list = PageList::new(page, search.limit).with_filter(&search.filter, scanned);
    Ok((Extension(Scanned(scanned)), Success::new(now, list)).into_response())
}
