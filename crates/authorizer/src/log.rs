//! The log line of an invocation.

use std::time::Duration;

use apigw::authorizer_event::AuthorizerEvent;
use lambda::{Invocation, logging};
use serde::Serialize;
use tracing::Level;

use crate::{
    keys::KeyEvents,
    metrics::{self, Outcome},
};

/// The members of the line. Never a header's value, a signature or a key.
#[derive(Serialize)]
struct Members<'a> {
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_request_id: Option<&'a str>,
    lambda_request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    cold_start: bool,
}

/// The outcome of a request, and how it came about.
pub(crate) struct RequestLine<'a> {
    pub(crate) outcome: Outcome,
    /// A stable word, for programs.
    pub(crate) reason: &'static str,
    pub(crate) key_version: Option<&'a str>,
    pub(crate) duration: Duration,
    pub(crate) key_events: KeyEvents,
}

impl RequestLine<'_> {
    pub(crate) fn write(&self, event: &AuthorizerEvent<'_>, invocation: &Invocation) {
        let (level, decision) = match self.outcome {
            Outcome::Allowed { .. } => (Level::INFO, "allow"),
            Outcome::Denied => (Level::WARN, "deny"),
            Outcome::Failed => (Level::ERROR, "none"),
        };
        let members = Members {
            decision,
            key_version: self.key_version,
            request_id: event.request_id(),
            extended_request_id: event.extended_request_id(),
            lambda_request_id: &invocation.request_id,
            trace_id: invocation.trace_root(),
            cold_start: invocation.cold_start,
        };
        let measured = metrics::for_request(self.outcome, self.reason, self.duration, self.key_events, invocation);
        logging::write(level, &members, &measured);
    }
}
