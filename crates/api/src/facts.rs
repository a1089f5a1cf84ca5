//! What is known about a request when its response is ready. The log, the metrics and the audit line read it here.

use std::time::Duration;

use http::StatusCode;
use lambda::Invocation;
use tenant_aws::usage::Usage;
use tenant_core::{ConfigChanged, webhook::WebhookChanged};

use crate::http::error::ApiError;

/// The facts of one request. No header's value and no part of a body is among them, except for the fields of a change.
pub(crate) struct RequestFacts<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) extended_request_id: Option<&'a str>,
    pub(crate) invocation: Option<&'a Invocation>,
    pub(crate) source_ip: Option<&'a str>,
    pub(crate) key_version: Option<&'a str>,
    pub(crate) method: &'a str,
    /// The template, not the path: few values, which no client chooses.
    pub(crate) route: Option<&'a str>,
    pub(crate) tenant_id: Option<&'a str>,
    pub(crate) delivery_type: Option<&'a str>,
    pub(crate) status: StatusCode,
    pub(crate) duration: Duration,
    pub(crate) usage: Usage,
    /// What the request changed; only a batch makes more than one change.
    pub(crate) changes: &'a [ConfigChanged],
    /// What it did with a webhook.
    pub(crate) webhook_change: Option<&'a WebhookChanged>,
    /// The number of items that a filter was evaluated on. The filter itself is the client's text.
    pub(crate) scanned: Option<usize>,
    pub(crate) failure: Option<&'a ApiError>,
}

/// How many items a search has read, as an extension of its response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanned(pub(crate) usize);
