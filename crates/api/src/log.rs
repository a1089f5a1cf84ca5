//! The line that a request leaves in the log.

use std::time::Duration;

use http::StatusCode;
use lambda::{Invocation, chain, logging};
use serde::Serialize;
use tenant_core::{ErrorCode, FieldError};
use tenant_store::usage::Usage;
use tracing::Level;

use crate::{audit::ConfigChanged, http::error::ApiError, metrics};

/// What the line says. Never a header's value, never anything of a body.
pub(crate) struct RequestLine<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) extended_request_id: Option<&'a str>,
    pub(crate) invocation: Option<&'a Invocation>,
    pub(crate) source_ip: Option<&'a str>,
    pub(crate) key_version: Option<&'a str>,
    pub(crate) method: &'a str,
    /// The template, not the path: few values, and none that a client chooses.
    pub(crate) route: Option<&'a str>,
    pub(crate) tenant_id: Option<&'a str>,
    pub(crate) delivery_type: Option<&'a str>,
    pub(crate) status: StatusCode,
    pub(crate) duration: Duration,
    pub(crate) usage: Usage,
    pub(crate) change: Option<&'a ConfigChanged>,
    pub(crate) failure: Option<&'a ApiError>,
}

/// The members of the line; [`metrics::of`] gives the others.
#[derive(Serialize)]
struct Members<'a> {
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lambda_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cold_start: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<&'a str>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    status: u16,
    dynamodb_attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl RequestLine<'_> {
    pub(crate) fn write(&self) {
        let level = match self.failure {
            Some(failure) if failure.is_transient() => Level::WARN,
            Some(failure) if is_ours(failure) => Level::ERROR,
            _ => Level::INFO,
        };
        logging::write(level, &self.members(), &metrics::of(self));
    }

    fn members(&self) -> Members<'_> {
        let failure = self.failure;
        Members {
            request_id: self.request_id,
            extended_request_id: self.extended_request_id,
            lambda_request_id: self.invocation.map(|invocation| invocation.request_id.as_str()),
            trace_id: self.invocation.and_then(Invocation::trace_root),
            cold_start: self.invocation.map(|invocation| invocation.cold_start),
            source_ip: self.source_ip,
            key_version: self.key_version,
            method: self.method,
            tenant_id: self.tenant_id,
            status: self.status.as_u16(),
            dynamodb_attempts: self.usage.attempts,
            code: failure.map(ApiError::code),
            fields: failure.and_then(ApiError::broken_rules).map(list),
            error: failure.filter(|failure| is_ours(failure)).map(|failure| chain(failure)),
        }
    }
}

/// The causes of a client's mistakes are in the answer, and may quote the request.
fn is_ours(failure: &ApiError) -> bool {
    failure.status().is_server_error()
}

/// The fields with a broken rule and which kind it is. A field that the model does not know has a name of the client's.
fn list(errors: &[FieldError]) -> String {
    let mut list: Vec<_> = errors
        .iter()
        .map(|error| match error.code {
            ErrorCode::UnknownField => error.code.as_str().to_owned(),
            code => format!("{}:{}", error.field, code.as_str()),
        })
        .collect();
    list.dedup();
    list.join(",")
}
