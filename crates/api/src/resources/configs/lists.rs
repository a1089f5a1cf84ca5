//! Lists of delivery configurations.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tenant_core::{Search, StoredConfig};

#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        context::Now,
        deadline::Deadline,
        envelope::Success,
        error::ApiError,
        path::AnyTenant,
        query::{PageQuery, Query},
    },
    resources::configs::{page_list::PageList, search::respond_with_matches},
    state::AppState,
};

/// Every configuration of one tenant.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DeliveryConfigList))]
struct TenantList {
    #[cfg_attr(feature = "openapi", schema(max_items = 150_000))]
    configurations: Vec<StoredConfig>,
    /// The length of `configurations`. More than this maximum do not fit into a response of Lambda, which has at most 6 MB.
    #[cfg_attr(feature = "openapi", schema(maximum = 150_000))]
    count: usize,
}

/// `GET /tenants/{tenant_id}/delivery-configs`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs",
    operation_id = "listTenantDeliveryConfigs",
    tag = "Lists",
    summary = "List the configurations of a tenant",
    description = "All of them at once. An unknown tenant has none.",
    params(("tenant_id" = String, Path)),
    responses(
        (status = 200, body = Success<TenantList>, description = "The configurations of the tenant; none for an unknown tenant."),
        failures::Signed,
    ),
))]
pub(crate) async fn list_for_tenant(
    State(state): State<AppState>,
    now: Now,
    tenant: AnyTenant,
    _: Query<()>,
) -> Result<Response, ApiError> {
    let configurations = state.stores.configs.list_tenant(tenant.as_str(), now.0).await?;
    let count = configurations.len();
    if count == 0 {
        tenant.check()?;
    }
    Ok(Success::new(now, TenantList { configurations, count }).into_response())
}

/// `GET /delivery-configs`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/delivery-configs",
    operation_id = "listDeliveryConfigs",
    tag = "Lists",
    summary = "List the configurations of all tenants",
    description = "Page by page. A page can contain fewer than `limit` configurations, even none, and still not be the last one: only the last page has no `last_key`. \
        With a `filter`, the list has the configurations that match.",
    params(("limit" = Option<u16>, Query), ("last_key" = Option<String>, Query), ("filter" = Option<String>, Query)),
    responses(
        (status = 200, body = Success<PageList>, description = "A page. There are more pages while it has a `last_key`."),
        failures::Signed,
    ),
))]
pub(crate) async fn list_all(
    State(state): State<AppState>,
    now: Now,
    deadline: Deadline,
    Query(PageQuery {
        filter,
        limit,
        last_key,
    }): Query<PageQuery>,
) -> Result<Response, ApiError> {
    if let Some(filter) = filter {
        let search = Search {
            filter,
            limit,
            last_key,
        };
        return respond_with_matches(&state, &search, now, deadline).await;
    }
    let page = state.stores.configs.list_page(limit, last_key.as_ref(), now.0).await?;
    Ok(Success::new(now, PageList::new(page, limit)).into_response())
}
