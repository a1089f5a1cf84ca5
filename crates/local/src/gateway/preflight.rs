//! Preflights, which API Gateway responds to itself unless the response depends on the origin.

use api::config::AllowedOrigins;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL,
    },
};
use http_body_util::Full;
use hyper::body::Bytes;

// As in cloudformation/api.yaml. A test of the templates compares both with the list of the api function.
const METHODS: &str = "GET,HEAD,POST,PUT,PATCH,DELETE";
const HEADERS: &str = "authorization,content-type,if-match,if-none-match,x-api-timestamp,x-body-sha256,x-change-note";
const MAX_AGE: &str = "7200";

/// The response to every preflight; none if the api function has to compare the origin with several.
pub(super) fn response(origins: &AllowedOrigins) -> Option<Response<Full<Bytes>>> {
    let origin = match origins {
        AllowedOrigins::None => None,
        AllowedOrigins::Any => Some(HeaderValue::from_static("*")),
        AllowedOrigins::List(origins) => match &origins[..] {
            [origin] => Some(origin.clone()),
            _ => return None,
        },
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.headers_mut() = headers(origin);
    Some(response)
}

fn headers(origin: Option<HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(origin) = origin {
        headers.extend([
            (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
            (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS)),
            (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS)),
            (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE)),
        ]);
    }
    headers
}
