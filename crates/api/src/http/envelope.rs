//! The one shape of every JSON response.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, header};
use serde::Serialize;

use super::{context::Now, error::ApiError};

/// What a request gave that went well. Handlers put status and headers around it.
#[derive(Serialize)]
pub(crate) struct Success<T> {
    timestamp: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl<T> Success<T> {
    pub(crate) fn new(now: Now, data: T) -> Self {
        Self {
            timestamp: timestamp(now.0),
            status: "success",
            data: Some(data),
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

impl Success<()> {
    /// A success that is told in a sentence alone.
    pub(crate) fn message(now: Now, message: String) -> Self {
        Self {
            timestamp: timestamp(now.0),
            status: "success",
            data: None,
            message: Some(message),
        }
    }
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self) {
            Ok(body) => json_response(body),
            Err(error) => ApiError::Unserializable(error).into_response(),
        }
    }
}

/// What a client reads of a request that failed.
#[derive(Serialize)]
pub(crate) struct Failure<'a> {
    timestamp: String,
    status: &'static str,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<serde_json::Value>,
    /// Only an unhealthy service has something to show beside the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
}

impl<'a> Failure<'a> {
    pub(crate) fn new(now: Now, error: &'a str) -> Self {
        Self {
            timestamp: timestamp(now.0),
            status: "error",
            error,
            details: None,
            data: None,
        }
    }

    pub(crate) fn with_details(self, details: Option<serde_json::Value>) -> Self {
        Self { details, ..self }
    }

    pub(crate) fn with_data(self, data: Option<serde_json::Value>) -> Self {
        Self { data, ..self }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("strings and JSON values have a JSON form")
    }
}

fn timestamp(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn json_response(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, APPLICATION_JSON);
    response
}

/// The content type of every envelope.
pub(crate) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");
