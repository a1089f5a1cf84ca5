//! What the gateway itself answers: the contract's envelope, with static text.

use chrono::{DateTime, SecondsFormat, Utc};
use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;
use tenant_core::signature::SCHEME;

use super::route;

/// Why a request never reached the api function, or its answer never reached the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    BodyIncomplete,
    BodyTimeout,
    BodyTooLarge,
    UriTooLong,
    HeadTooLarge,
    NoRoute,
    UnknownMethod,
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

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::BodyIncomplete => StatusCode::BAD_REQUEST,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::AuthorizerFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::IntegrationFailed => StatusCode::BAD_GATEWAY,
            Self::IntegrationTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn client_message(self) -> &'static str {
        match self {
            Self::BodyIncomplete => "The body did not arrive as its headers announce it.",
            Self::BodyTimeout => "The body did not arrive in time; send the request again.",
            Self::BodyTooLarge => "The body is too large.",
            Self::UriTooLong => "The URL is too long.",
            Self::HeadTooLarge => "The headers are too large.",
            Self::NoRoute => "There is no such route; the routes are /health, /openapi.json and those below /api/v1.",
            Self::UnknownMethod => "The method is not one that this API knows.",
            Self::Unauthorized => "The headers Authorization and X-API-Timestamp are required.",
            // One sentence for every cause: it must not tell which check failed.
            Self::Forbidden => "The request's signature or timestamp was refused.",
            Self::AuthorizerFailed => "The request could not be authorized for a reason of the service; try again.",
            Self::IntegrationFailed => "The service failed to answer; try again.",
            Self::IntegrationTimeout => "The service did not answer in time; try again.",
        }
    }

    /// The answer to the request of this id.
    pub(super) fn response(self, request_id: &str, now: DateTime<Utc>) -> Response<Full<Bytes>> {
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
        let request_id = HeaderValue::from_str(request_id).expect("an id is hexadecimal digits and dashes");
        headers.insert("x-request-id", request_id);
        match self {
            Self::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(SCHEME));
            }
            Self::UnknownMethod => {
                let methods = HeaderValue::from_str(&route::allowed_methods()).expect("method names are header text");
                headers.insert(ALLOW, methods);
            }
            _ => {}
        }
        response
    }
}
