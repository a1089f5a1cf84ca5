//! Validation of a stored configuration: for operators who wrote it by hand or want to know why nothing is delivered.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tenant_core::{Check, check_stored};

#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        context::Now, deadline::Deadline, envelope::Success, error::ApiError, path::Target, query::ValidationQuery,
    },
    resources::configs::{external_checks, handlers::find},
    state::AppState,
};

/// What is valid and what is invalid in a configuration.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ValidationReport))]
struct Validation {
    tenant_id: String,
    r#type: &'static str,
    /// Whether no check is `missing` or `invalid`.
    valid: bool,
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
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
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/delivery-configs/{type}/validate",
    operation_id = "validateDeliveryConfig",
    tag = "Delivery configurations",
    summary = "Check a configuration",
    description = "Checks the stored configuration against every rule, and then whether logs can be delivered: assumes the roles, and finds the \
        log group or the bucket. That takes at most five seconds and writes nothing. A check that could not be made is `skipped`, with the reason.",
    params(("tenant_id" = String, Path), ("type" = String, Path), ("live" = bool, Query)),
    responses(
        (status = 200, body = Success<Validation>, description = "Whether the configuration is valid, check by check."),
        failures::Signed,
    ),
))]
pub(crate) async fn validate(
    State(state): State<AppState>,
    now: Now,
    deadline: Deadline,
    target: Target,
    query: ValidationQuery,
) -> Result<Response, ApiError> {
    let stored = find(&state, &target, now).await?.value;
    let mut checks = check_stored(&stored);
    checks.extend(external_checks::check(state.external_checks.as_deref(), &stored, query.live, deadline).await);
    Ok(Success::new(now, Validation::new(&target, checks)).into_response())
}
