//! What is wrong with a stored configuration, for who wrote it by hand or must find out why nothing is delivered.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tenant_core::{Check, check_stored};

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
pub(crate) async fn validate(State(state): State<AppState>, now: Now, target: Target) -> Result<Response, ApiError> {
    let stored = find(&state, &target, now).await?;
    Ok(Success::new(now, Validation::new(&target, check_stored(&stored))).into_response())
}
