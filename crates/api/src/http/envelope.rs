//! The one shape of every JSON response.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{context::Now, error::ApiError, rfc3339};

/// The body of a successful response.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Success<T> {
    /// When the service responded.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, example = "2024-01-15T10:30:00Z"))]
    timestamp: String,
    #[cfg_attr(feature = "openapi", schema(inline))]
    status: SuccessStatus,
    data: T,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    message: Option<String>,
}

/// The body of a successful response that has no data.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Confirmation {
    /// When the service responded.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, example = "2024-01-15T10:30:00Z"))]
    timestamp: String,
    #[cfg_attr(feature = "openapi", schema(inline))]
    status: SuccessStatus,
    /// What was done, in a sentence for people.
    message: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
enum SuccessStatus {
    Success,
}

impl<T> Success<T> {
    pub(crate) fn new(now: Now, data: T) -> Self {
        Self {
            timestamp: rfc3339::to_text(now.0),
            status: SuccessStatus::Success,
            data,
            message: None,
        }
    }

    /// Adds a sentence for people.
    pub(crate) fn with_message(self, message: String) -> Self {
        Self {
            message: Some(message),
            ..self
        }
    }
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        respond(&self)
    }
}

impl Confirmation {
    pub(crate) fn new(now: Now, message: String) -> Self {
        Self {
            timestamp: rfc3339::to_text(now.0),
            status: SuccessStatus::Success,
            message,
        }
    }
}

impl IntoResponse for Confirmation {
    fn into_response(self) -> Response {
        respond(&self)
    }
}

/// The body of a failed request's response.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct Failure<'a> {
    /// When the service responded. API Gateway's own failures have another format: `15/Jan/2024:10:30:00 +0000`.
    #[cfg_attr(feature = "openapi", schema(example = "2024-01-15T10:30:00Z"))]
    timestamp: String,
    #[cfg_attr(feature = "openapi", schema(inline))]
    status: FailureStatus,
    /// What is wrong, and what to do about it, in a sentence for people.
    error: &'a str,
    /// Only a body that breaks rules has details.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    details: Option<serde_json::Value>,
    /// Only a batch with failed operations and an unhealthy service have data beside the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    data: Option<Cow<'a, RawValue>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
enum FailureStatus {
    Error,
}

impl<'a> Failure<'a> {
    pub(crate) fn new(now: Now, error: &'a str) -> Self {
        Self {
            timestamp: rfc3339::to_text(now.0),
            status: FailureStatus::Error,
            error,
            details: None,
            data: None,
        }
    }

    pub(crate) fn with_details(self, details: Option<serde_json::Value>) -> Self {
        Self { details, ..self }
    }

    pub(crate) fn with_data(self, data: Option<Cow<'a, RawValue>>) -> Self {
        Self { data, ..self }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("strings and JSON values have a JSON form")
    }
}

fn respond(body: &impl Serialize) -> Response {
    let body = match serde_json::to_vec(body) {
        Ok(body) => body,
        Err(error) => return ApiError::Unserializable(error).into_response(),
    };
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, APPLICATION_JSON);
    response
}

/// The content type of every envelope.
pub(crate) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");
