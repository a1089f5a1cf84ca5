//! What is wrong with a stored configuration, for who wrote it by hand or must find out why nothing is delivered.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tenant_core::{Check, check_stored};

#[cfg(test)]
use crate::openapi;
use crate::{context::Now, envelope::Success, error::ApiError, handlers::configs::find, path::Target, state::AppState};

#[derive(Serialize)]
struct Validation {
    tenant_id: String,
    r#type: &'static str,
    valid: bool,
    checks: Vec<Check>,
}

impl Validation {
    fn new(target: &Target, checks: Vec<Check>) -> Self {
        Self {
            tenant_id: target.tenant_id.to_string(),
            r#type: target.delivery_type.as_str(),
            valid: !checks.iter().any(Check::is_failure),
            checks,
        }
    }
}

/// `GET /tenants/{tenant_id}/delivery-configs/{type}/validate`
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/validate",
    operation_id = "validateDeliveryConfig",
    tag = "Delivery configurations",
    summary = "Check a configuration",
    description = "Holds what is stored against every rule. A configuration that this service wrote is valid; one that was written by hand may not be.",
    params(("tenant_id" = String, Path), ("type" = String, Path)),
    responses(openapi::answers::Validate),
))]
pub(crate) async fn validate(State(state): State<AppState>, now: Now, target: Target) -> Result<Response, ApiError> {
    let stored = find(&state, &target, now).await?;
    Ok(Success::new(now, Validation::new(&target, check_stored(&stored))).into_response())
}
