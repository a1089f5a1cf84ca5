//! Which web pages are allowed to read responses (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use std::time::Duration;

use http::{HeaderName, Method, header};
use tower::layer::util::Identity;
use tower::util::Either;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::AllowedOrigins;

/// How long a browser may cache a preflight response. Chromium limits this to two hours.
const PREFLIGHT_AGE: Duration = Duration::from_hours(2);

/// Without an allowed origin there is no layer: no response has a CORS header, and `OPTIONS` is a method like any other.
pub(crate) fn layer(origins: &AllowedOrigins) -> Either<CorsLayer, Identity> {
    let origins = match origins {
        AllowedOrigins::None => return Either::Right(Identity::new()),
        AllowedOrigins::List(origins) => AllowOrigin::list(origins.iter().cloned()),
        AllowedOrigins::Any => AllowOrigin::any(),
    };
    Either::Left(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                HeaderName::from_static("x-api-timestamp"),
                HeaderName::from_static("x-body-sha256"),
                HeaderName::from_static("x-change-note"),
            ])
            .expose_headers([
                header::ETAG,
                header::LOCATION,
                header::RETRY_AFTER,
                HeaderName::from_static("x-request-id"),
            ])
            .max_age(PREFLIGHT_AGE),
    )
}
