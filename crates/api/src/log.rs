//! The line that each request leaves in the log.

use lambda::{Invocation, chain, logging};
use serde::Serialize;
use tenant_core::{Field, FieldError};
use tracing::Level;

use crate::{audit, facts::RequestFacts, http::error::ApiError, metrics};

/// Writes the line of a request, and those of the changes that it made.
pub(crate) fn write(facts: &RequestFacts<'_>) {
    let level = match facts.failure.map(ApiError::worst) {
        Some(failure) if failure.is_transient() => Level::WARN,
        Some(failure) if is_internal(failure) => Level::ERROR,
        _ => Level::INFO,
    };
    logging::write(level, &Members::new(facts), &metrics::measure(facts));
    for measured in metrics::measure_types(facts.changes) {
        logging::write_metrics(&measured);
    }
    for change in facts.changes {
        audit::write(change);
    }
    if let Some(change) = facts.webhook_change {
        audit::write_webhook(change, facts);
    }
}

/// The members of the line; [`metrics::measure`] returns the others.
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

impl<'a> Members<'a> {
    fn new(facts: &RequestFacts<'a>) -> Self {
        let failure = facts.failure;
        Self {
            request_id: facts.request_id,
            extended_request_id: facts.extended_request_id,
            lambda_request_id: facts.invocation.map(|invocation| invocation.request_id.as_str()),
            trace_id: facts.invocation.and_then(Invocation::trace_root),
            cold_start: facts.invocation.map(|invocation| invocation.cold_start),
            source_ip: facts.source_ip,
            key_version: facts.key_version,
            method: facts.method,
            tenant_id: facts.tenant_id,
            status: facts.status.as_u16(),
            dynamodb_attempts: facts.usage.attempts,
            code: failure.map(ApiError::code),
            fields: failure.and_then(ApiError::broken_rules).map(list),
            error: failure
                .map(ApiError::worst)
                .filter(|failure| is_internal(failure))
                .map(|failure| chain(failure)),
        }
    }
}

/// Whether the log has the causes. Those of a client's mistakes are in the response, and may quote the request.
fn is_internal(failure: &ApiError) -> bool {
    failure.status().is_server_error()
}

/// The fields with a broken rule and its kind. The name of an unknown field and the key of a label are the client's text, so
/// they are left out.
fn list(errors: &[FieldError]) -> String {
    let mut list = Vec::<String>::new();
    for error in errors {
        let rule = match Field::of_error(error) {
            Some(field) => format!("{field}:{}", error.code.as_str()),
            None => error.code.as_str().to_owned(),
        };
        // A batch may break the same one a thousand times.
        if !list.contains(&rule) {
            list.push(rule);
        }
    }
    list.join(",")
}
