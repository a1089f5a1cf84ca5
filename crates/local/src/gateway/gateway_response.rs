//! The responses of the gateway itself: the contract's envelope with static text.

use chrono::{DateTime, SecondsFormat, Utc};
use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;
use tenant_core::signature::SCHEME;

use super::methods;

/// Why a request did not reach the api function, or its response did not reach the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GatewayResponse {
    HostNotNamedOnce,
    BodyIncomplete,
    BodyTimeout,
    BodyTooLarge,
    UriTooLong,
    HeadersTooLarge,
    NotFound,
    MethodNotAllowed,
    Unauthorized,
    Forbidden,
    AuthorizerFailed,
    IntegrationFailed,
    IntegrationTimeout,
}

#[derive(Serialize)]
struct Envelope<'a> {
    timestamp: &'a str,
    status: &'a str,
    error: &'a str,
}

impl GatewayResponse {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::HostNotNamedOnce | Self::BodyIncomplete => StatusCode::BAD_REQUEST,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::AuthorizerFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::IntegrationFailed => StatusCode::BAD_GATEWAY,
            Self::IntegrationTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn client_message(self) -> &'static str {
        match self {
            Self::HostNotNamedOnce => "The request must have exactly one Host header.",
            Self::BodyIncomplete => "The body is incomplete or malformed.",
            Self::BodyTimeout => "The body did not arrive in time. Send the request again.",
            Self::BodyTooLarge => "The body is too large.",
            Self::UriTooLong => "The URL is too long.",
            Self::HeadersTooLarge => "The headers are too large.",
            Self::NotFound => "Not found: the routes are /health, /openapi.json and those below /api/v1.",
            Self::MethodNotAllowed => "Method not allowed: the Allow header lists the methods of this API.",
            Self::Unauthorized => "The headers Authorization and X-API-Timestamp are required.",
            // One sentence for every cause: it must not reveal which check failed.
            Self::Forbidden => "The request's signature or timestamp was rejected.",
            Self::AuthorizerFailed => "The request could not be authorized because of a service failure. Try again.",
            Self::IntegrationFailed => "The service failed to respond. Try again.",
            Self::IntegrationTimeout => "The service did not respond in time. Try again.",
        }
    }

    /// The HTTP response to the request with this ID.
    pub(super) fn into_response(self, request_id: &str, now: DateTime<Utc>) -> Response<Full<Bytes>> {
        let timestamp = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let envelope = Envelope {
            timestamp: &timestamp,
            status: "error",
            error: self.client_message(),
        };
        let body = serde_json::to_vec(&envelope).expect("three strings are always JSON");
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let request_id = HeaderValue::from_str(request_id).expect("a request ID is hexadecimal digits and dashes");
        headers.insert("x-request-id", request_id);
        match self {
            Self::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(SCHEME));
            }
            Self::MethodNotAllowed => {
                let methods = HeaderValue::from_str(&methods::allow_header()).expect("method names are header text");
                headers.insert(ALLOW, methods);
            }
            _ => {}
        }
        response
    }
}
