//! The log line of an invocation.

use std::time::Duration;

use lambda::{Invocation, chain, logging, metrics::Measurements};
use serde::Serialize;
use tenant_aws::usage::Usage;
use tenant_store::StoreError;
use tracing::Level;

use crate::{
    facts::{BatchFacts, ComparisonFacts},
    metrics,
};

/// The members of the line; the measurements are the others. Never a part of an item.
#[derive(Serialize)]
struct Members<'a> {
    work: &'static str,
    lambda_request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    cold_start: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The line of an invocation.
pub(crate) struct Line<'a> {
    level: Level,
    members: Members<'a>,
    measured: Measurements<'a>,
}

impl<'a> Line<'a> {
    pub(crate) fn for_batch(facts: &'a BatchFacts, invocation: &'a Invocation) -> Self {
        let level = match &facts.fault {
            Some(fault) => level_of(fault),
            // Somebody should know why: it is a defect, or an attack.
            None if facts.unreadable > 0 => Level::ERROR,
            None => Level::INFO,
        };
        Self {
            level,
            members: Members {
                unfinished: facts.unfinished.as_deref(),
                error: facts.fault.as_ref().map(|fault| chain(fault)),
                ..Members::new("records", invocation)
            },
            measured: metrics::for_batch(facts),
        }
    }

    pub(crate) fn for_comparison(
        facts: &'a ComparisonFacts,
        fault: Option<&StoreError>,
        invocation: &'a Invocation,
    ) -> Self {
        Self {
            level: fault.map_or(Level::INFO, level_of),
            members: Members {
                done: Some(facts.is_done),
                error: fault.map(|fault| chain(fault)),
                ..Members::new("reconcile", invocation)
            },
            measured: metrics::for_comparison(facts),
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
            done: None,
            error: None,
        }
    }
}

/// A fault that passes by itself is a warning.
fn level_of(fault: &StoreError) -> Level {
    match fault {
        StoreError::Throttled(_) | StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => Level::WARN,
        StoreError::NotFound
        | StoreError::AlreadyExists
        | StoreError::PreconditionFailed
        | StoreError::BrokenRules(_)
        | StoreError::TooLarge(_)
        | StoreError::LimitReached
        | StoreError::TransactionTooLarge
        | StoreError::TableMissing(_)
        | StoreError::AccessDenied(_)
        | StoreError::Unexpected(_) => Level::ERROR,
    }
}
