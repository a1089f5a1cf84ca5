//! The line that an invocation leaves in the log.

use std::time::Duration;

use lambda::{Invocation, logging};
use serde::Serialize;
use tracing::Level;

use crate::{
    event::Event,
    keys::KeyEvents,
    metrics::{self, Outcome},
};

/// What the line says. Never a header's value, a signature or a key.
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

/// What became of a request, and how.
pub(crate) struct Verdict<'a> {
    pub(crate) outcome: Outcome,
    /// A stable word.
    pub(crate) reason: &'static str,
    pub(crate) key_version: Option<&'a str>,
    pub(crate) duration: Duration,
    pub(crate) key_events: KeyEvents,
}

impl Verdict<'_> {
    pub(crate) fn write(&self, event: &Event<'_>, invocation: &Invocation) {
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
        let measured = metrics::of(self.outcome, self.reason, self.duration, self.key_events, invocation);
        logging::write(level, &members, &measured);
    }
}
