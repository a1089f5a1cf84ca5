//! The description of this API, as OpenAPI 3.1.
//!
//! It is made from the handlers' attributes and from the rules of the domain by the tests, which hold the copies in the
//! repository against it: the function itself carries bytes and no generator, and starts as fast as without them.

#[cfg(test)]
pub(crate) mod answers;
#[cfg(test)]
mod document;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod patterns;
#[cfg(test)]
pub(crate) mod schemas;
#[cfg(test)]
mod security;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use crate::http::envelope::APPLICATION_JSON;

/// `docs/openapi.json` without its blanks. It stands inside the crate, since only that goes into an image.
const DOCUMENT: &str = include_str!("openapi/openapi.min.json");
/// It changes with a deployment only.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /openapi.json`
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "getOpenApi",
    tag = "Service",
    summary = "Read this description",
    description = "The OpenAPI document of this API. Needs no signature, and may be cached for five minutes.",
    security(()),
    responses(answers::Description),
))]
pub(crate) async fn document() -> Response {
    let headers = [
        (header::CONTENT_TYPE, APPLICATION_JSON),
        (header::CACHE_CONTROL, CACHE_CONTROL),
    ];
    (headers, DOCUMENT).into_response()
}
