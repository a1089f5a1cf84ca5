//! The log lines of an invocation: its own, and one of each delivery.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lambda::{Invocation, chain, logging, metrics::Measurements};
use serde::Serialize;
use tenant_aws::usage::Usage;
use tracing::Level;

use crate::{
    Handled, Report, Swept,
    fault::{Fault, Unfinished},
    metrics,
};

/// The members of the line of an invocation; the measurements are the others.
#[derive(Serialize)]
struct Members<'a> {
    work: &'static str,
    lambda_request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    cold_start: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The members of the line of a delivery. Never a URL, a header or a part of what was sent: any of them may hold a secret.
#[derive(Serialize)]
struct DeliveryMembers<'a> {
    outcome: &'static str,
    webhook_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'a str>,
    event_id: String,
    event_type: &'static str,
    origin: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// The line of an invocation.
pub(crate) struct Line<'a> {
    level: Level,
    members: Members<'a>,
    measured: Measurements<'a>,
}

impl<'a> Line<'a> {
    /// The line of a batch, with the messages of it that could not be worked on.
    pub(crate) fn for_messages(unfinished: &[Unfinished], invocation: &'a Invocation) -> Self {
        let faults = || unfinished.iter().map(|unfinished| &unfinished.fault);
        let level = match unfinished {
            [] => Level::INFO,
            _ if faults().all(Fault::is_transient) => Level::WARN,
            _ => Level::ERROR,
        };
        Self {
            level,
            members: Members {
                unfinished: faults().next().map(|_| unfinished.len()),
                error: faults().next().map(|fault| chain(fault)),
                ..Members::new("messages", invocation)
            },
            measured: Measurements::default(),
        }
    }

    pub(crate) fn for_sweep(swept: &Swept, oldest: Option<Duration>, invocation: &'a Invocation) -> Self {
        Self {
            level: Level::INFO,
            members: Members::new("sweep", invocation),
            measured: metrics::for_sweep(swept, oldest),
        }
    }

    pub(crate) fn write(mut self, duration: Duration, usage: Usage, invocation: &Invocation) {
        metrics::add_invocation(&mut self.measured, duration, usage, invocation);
        logging::write(self.level, &self.members, &self.measured);
    }
}

impl<'a> Members<'a> {
    fn new(work: &'static str, invocation: &'a Invocation) -> Self {
        Self {
            work,
            lambda_request_id: &invocation.request_id,
            trace_id: invocation.trace_root(),
            cold_start: invocation.cold_start,
            unfinished: None,
            error: None,
        }
    }
}

/// Writes the line of a delivery that was worked on.
pub(crate) fn write_delivery(report: &Report, now: DateTime<Utc>) {
    let measured = metrics::for_report(report, now);
    let Some(delivery) = &report.delivery else {
        // A second message, or a part of a replay.
        if report.unsent > 0 {
            logging::write_metrics(&measured);
        }
        return;
    };
    let attempt = report.attempt();
    let members = DeliveryMembers {
        outcome: outcome(report),
        webhook_id: delivery.webhook.as_str(),
        tenant_id: delivery.scope.tenant().map(tenant_core::TenantId::as_str),
        event_id: delivery.event.to_string(),
        event_type: delivery.event_type.as_str(),
        origin: delivery.origin.as_str(),
        status: delivery.progress.status().as_str(),
        attempt: attempt.map(|attempt| attempt.number),
        response_status: attempt.and_then(|attempt| attempt.status),
        error: attempt.and_then(|attempt| attempt.error.as_deref()),
    };
    let level = match members.error {
        None => Level::INFO,
        Some(_) => Level::WARN,
    };
    logging::write_delivery(level, &members, &measured);
}

fn outcome(report: &Report) -> &'static str {
    match report.handled {
        Handled::Attempted(_) => "attempted",
        Handled::Postponed => "postponed",
        Handled::GivenUp(_) => "given_up",
        Handled::Nothing | Handled::Replayed => "none",
    }
}
