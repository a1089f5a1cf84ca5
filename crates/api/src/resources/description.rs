//! The description of this API, as OpenAPI 3.1.
//!
//! Crate `openapi` makes it from the attributes and types of this crate and from the rules of the domain, and checks that
//! the copies in the repository are up to date. The function itself contains bytes and no generator.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

#[cfg(feature = "openapi")]
use crate::description::failures;
use crate::http::envelope::APPLICATION_JSON;

/// `docs/openapi.json` without its white space. It is inside the crate because an image is built from the crates alone.
const DOCUMENT: &str = include_str!("description/openapi.min.json");
/// It changes with a deployment only.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /openapi.json`
#[cfg_attr(feature = "openapi", utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "getOpenApi",
    tag = "Service",
    summary = "Read this description",
    description = "The OpenAPI document of this API. Needs no signature. Can be cached for five minutes.",
    security(()),
    responses(
        (status = 200, body = Object, description = "The OpenAPI document."),
        failures::Open,
    ),
))]
pub(crate) async fn document() -> Response {
    let headers = [
        (header::CONTENT_TYPE, APPLICATION_JSON),
        (header::CACHE_CONTROL, CACHE_CONTROL),
    ];
    (headers, DOCUMENT).into_response()
}
