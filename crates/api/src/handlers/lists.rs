//! Lists of delivery configurations.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tenant_core::StoredConfig;

#[cfg(test)]
use crate::openapi;
use crate::{context::Now, envelope::Success, error::ApiError, path::Tenant, query::PageQuery, state::AppState};

/// Every configuration of one tenant.
#[derive(Serialize)]
struct TenantList {
    configurations: Vec<StoredConfig>,
    count: usize,
}

/// A page of the configurations of all tenants.
#[derive(Serialize)]
struct PageList {
    configurations: Vec<StoredConfig>,
    count: usize,
    limit: u16,
    /// Present while there are more pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_key: Option<String>,
}

/// `GET /tenants/{tenant_id}/delivery-configs`
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs",
    operation_id = "listTenantDeliveryConfigs",
    tag = "Lists",
    summary = "List the configurations of a tenant",
    description = "All of them in one response. An unknown tenant has none.",
    params(("tenant_id" = String, Path)),
    responses(openapi::answers::ListTenant),
))]
pub(crate) async fn list_for_tenant(
    State(state): State<AppState>,
    now: Now,
    Tenant(tenant_id): Tenant,
) -> Result<Response, ApiError> {
    let configurations = state.stores.configs.list_tenant(&tenant_id, now.0).await?;
    let count = configurations.len();
    Ok(Success::new(now, TenantList { configurations, count }).into_response())
}

/// `GET /delivery-configs`
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/delivery-configs",
    operation_id = "listDeliveryConfigs",
    tag = "Lists",
    summary = "List the configurations of all tenants",
    description = "Page by page. A page may contain fewer than `limit` configurations, or none, although there are more pages: `last_key` is absent on the last page only.",
    params(("limit" = Option<u16>, Query), ("last_key" = Option<String>, Query)),
    responses(openapi::answers::ListAll),
))]
pub(crate) async fn list_all(State(state): State<AppState>, now: Now, query: PageQuery) -> Result<Response, ApiError> {
    let page = state
        .stores
        .configs
        .list_page(query.limit, query.last_key.as_ref(), now.0)
        .await?;
    let list = PageList {
        count: page.configs.len(),
        configurations: page.configs,
        limit: query.limit.get(),
        last_key: page.last_key.map(|cursor| cursor.to_string()),
    };
    Ok(Success::new(now, list).into_response())
}
