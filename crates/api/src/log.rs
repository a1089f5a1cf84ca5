//! The line that a request leaves in the log.

use std::{error::Error, fmt::Write, time::Duration};

use function::Invocation;
use http::StatusCode;
use tenant_core::{ErrorCode, FieldError};

use crate::error::ApiError;

/// What the line says. Never a header's value, never anything of a body.
pub(crate) struct RequestLine<'a> {
    pub(crate) request_id: &'a str,
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
    pub(crate) failure: Option<&'a ApiError>,
}

impl RequestLine<'_> {
    pub(crate) fn write(&self) {
        macro_rules! write {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id,
                    lambda_request_id = self.invocation.map(|invocation| invocation.request_id.as_str()),
                    trace_id = self
                        .invocation
                        .and_then(|invocation| invocation.trace_id.as_deref()),
                    cold_start = self.invocation.map(|invocation| invocation.cold_start),
                    source_ip = self.source_ip,
                    key_version = self.key_version,
                    method = self.method,
                    route = self.route,
                    tenant_id = self.tenant_id,
                    "type" = self.delivery_type,
                    status = self.status.as_u16(),
                    duration_ms = self.duration.as_secs_f64() * 1000.0,
                    code = self.failure.map(ApiError::code),
                    fields = self.failure.and_then(ApiError::broken_rules).map(list),
                    error = self
                        .failure
                        .filter(|failure| is_ours(failure))
                        .map(|failure| chain(failure)),
                    "request"
                )
            };
        }
        match self.failure {
            Some(failure) if failure.passes() => write!(warn),
            Some(failure) if is_ours(failure) => write!(error),
            _ => write!(info),
        }
    }
}

/// An error and its causes, outermost first, as it stands in a line of the log.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string does not fail.
        let _ = write!(chain, ": {error}");
        cause = error.source();
    }
    chain
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
