//! Validation of a stored configuration: for operators who wrote it by hand or want to know why nothing is delivered.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tenant_core::{Check, StoredConfig, check_siblings, check_stored};
use tenant_store::configs::WithSiblings;

#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::{
    http::{
        context::Now,
        deadline::Deadline,
        envelope::Success,
        error::ApiError,
        path::Target,
        query::{Query, ValidationQuery},
    },
    resources::configs::{external_checks, handlers::not_found},
    state::AppState,
};

/// What is valid and what is invalid in a configuration.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ValidationReport))]
struct Validation {
    tenant_id: String,
    r#type: String,
    /// Whether no check is `missing` or `invalid`.
    valid: bool,
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    checks: Vec<Check>,
}

impl Validation {
    fn new(config: &StoredConfig, checks: Vec<Check>) -> Self {
        Self {
            tenant_id: config.tenant_id().to_owned(),
            r#type: config.delivery_type().to_owned(),
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
        log group or the bucket. That takes at most five seconds and writes nothing. What is unusual but does not keep logs from being delivered is \
        a `warning`. A check that could not be made is `skipped`, with the reason.",
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
    Query(query): Query<ValidationQuery>,
) -> Result<Response, ApiError> {
    let found = state.stores.configs.get_with_siblings(&target.0, now.0).await?;
    let WithSiblings { config, siblings } = found.ok_or_else(|| not_found(&target))?;
    let mut checks = check_stored(&config, now.0);
    checks.extend(check_siblings(&siblings));
    checks.extend(external_checks::check(state.external_checks.as_deref(), &config, query.live, deadline).await);
    Ok(Success::new(now, Validation::new(&config, checks)).into_response())
}
