//! What a client reads about each operation of a batch, and what the batch changed.

use http::StatusCode;
use serde::Serialize;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use tenant_core::{
    Cause, ConfigChanged, EntityTag, Field, FieldDiff, FieldError, Operation, OperationKind, StoredConfig, Subject,
    diff,
};
use tenant_store::{
    Tagged,
    configs::{Effect, Planned, Updated},
};

use crate::http::{
    context::Origin,
    error::{ApiError, FailedOperations},
};

/// The results of a batch.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct BatchReport {
    /// One for each operation, in the order of the request.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    results: Vec<OperationResult>,
    summary: BatchSummary,
}

/// How many operations had which result. The total is the sum of the others.
#[derive(Serialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct BatchSummary {
    /// The operations of the batch.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    total: usize,
    /// Those that changed something or, in a dry run, would.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    succeeded: usize,
    /// Those that had nothing to change.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    unchanged: usize,
    /// Those that were not made, and those whose outcome is unknown.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    failed: usize,
    /// Those that were not tried: there was no more time, or another operation of an atomic batch failed.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    not_attempted: usize,
}

/// The result of one operation.
#[derive(Serialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct OperationResult {
    /// The position of the operation in the request, from 0.
    #[cfg_attr(feature = "openapi", schema(maximum = 999))]
    index: usize,
    /// What the operation was to do. Absent if that is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    op: Option<OperationKind>,
    /// The tenant. Absent if the operation names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, example = "acme-corp"))]
    tenant_id: Option<String>,
    /// The delivery type. Absent if the operation names none.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, example = "cloudwatch"))]
    delivery_type: Option<String>,
    /// The status that a request for this operation alone would have: 201 for a creation, 200 for any other success. 424 if another
    /// operation of an atomic batch failed.
    #[cfg_attr(feature = "openapi", schema(minimum = 200, maximum = 599))]
    status: u16,
    /// Whether the operation changed anything or, in a dry run, would. Absent if that is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    changed: Option<bool>,
    /// The entity tag of the configuration, in double quotes. Absent after a deletion; in a dry run only that of a configuration
    /// which would not change is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, example = "\"5d41402abc4b2a76b9719d911017c592\"")
    )]
    etag: Option<String>,
    /// Why the operation failed, in a sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    error: Option<String>,
    /// Why the operation failed, as a stable word for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, nullable = false, example = "version_mismatch"))]
    code: Option<&'static str>,
    /// The broken rules of an invalid operation: `errors`, as in the response to a single request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<OperationDetails>, nullable = false))]
    details: Option<Value>,
    /// The fields that the operation changed or would change. Only in a dry run and with `return=full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<FieldDiff>>, nullable = false, max_items = 20))]
    diff: Option<Box<RawValue>>,
    /// The stored configuration. Only with `return=full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<StoredConfig>, nullable = false))]
    configuration: Option<Box<RawValue>>,
    /// Whether `diff` or `configuration` is left out because the response would be too large. Read the configuration instead.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// What is wrong with an invalid operation.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "only its schema is used: `ApiError` makes the details of every response"
)]
struct OperationDetails {
    /// Every broken rule, up to twenty.
    #[schema(min_items = 1, max_items = 20)]
    errors: Vec<FieldError>,
}

/// `diff`s and `configuration`s of one response at most, together. The response of a function may have 6 MB; this one is
/// quoted into it as a string, which can double its length, and the rest of the results comes on top.
const MAX_DETAIL_BYTES: usize = 2_000_000;

/// Collects the results while operations end, in whatever order.
pub(super) struct Recorder {
    results: Vec<OperationResult>,
    changes: Vec<ConfigChanged>,
    broken_rules: Vec<FieldError>,
    worst: Option<Box<ApiError>>,
    summary: BatchSummary,
    origin: Origin,
    /// Whether the client wants configurations and differences of what was written.
    full: bool,
    detail_bytes: usize,
}

impl Recorder {
    pub(super) fn new(total: usize, origin: Origin, full: bool) -> Self {
        Self {
            results: Vec::with_capacity(total),
            changes: Vec::new(),
            broken_rules: Vec::new(),
            worst: None,
            summary: BatchSummary {
                total,
                ..BatchSummary::default()
            },
            origin,
            full,
            detail_bytes: 0,
        }
    }

    /// The operation has had this effect.
    pub(super) fn made(&mut self, index: usize, operation: &Operation, effect: Effect) {
        let (cause, before, after, diff) = match effect {
            Effect::Unchanged(found) => {
                let mut result = OperationResult {
                    status: success(false),
                    changed: Some(false),
                    etag: found.as_ref().map(|found| quoted(found.tag)),
                    ..OperationResult::default()
                };
                if self.full {
                    self.add_details(&mut result, Some(&[]), found.as_ref().map(|found| &found.value));
                }
                return self.succeeded(index, operation.subject(), result);
            }
            Effect::Created(created) => {
                let diff = self.full.then(|| diff(None, Some(&created.value)));
                (Cause::Create, None, Some(created), diff)
            }
            Effect::Updated(Updated { before, after }) => {
                let known = before.as_ref().filter(|_| self.full);
                let diff = known.map(|before| diff(Some(before), Some(&after.value)));
                (Cause::Update, before, Some(after), diff)
            }
            Effect::Deleted(before) => {
                let known = before.as_ref().filter(|_| self.full);
                let diff = known.map(|before| diff(Some(before), None));
                (Cause::Delete, before, None, diff)
            }
        };
        let (after, tag) = after.map_or((None, None), |Tagged { value, tag }| (Some(value), Some(tag)));
        let mut result = OperationResult {
            status: success(cause == Cause::Create),
            changed: Some(true),
            etag: tag.map(quoted),
            ..OperationResult::default()
        };
        if self.full {
            self.add_details(&mut result, diff.as_deref(), after.as_ref());
        }
        self.changes.push(ConfigChanged {
            key: operation.key(),
            before: before.map(for_log),
            after: after.map(for_log),
            fields: operation.fields(cause == Cause::Create),
            actor: self.origin.actor.clone(),
            request_id: self.origin.request_id.clone(),
            batch_id: Some(self.origin.request_id.clone()),
            cause,
        });
        self.succeeded(index, operation.subject(), result);
    }

    /// The operation would do this.
    pub(super) fn planned(&mut self, index: usize, subject: Subject, planned: &Planned) {
        let mut result = OperationResult {
            status: success(planned.creates),
            changed: Some(planned.changes),
            etag: planned.tag.map(quoted),
            ..OperationResult::default()
        };
        self.add_details(&mut result, Some(&planned.diff), None);
        self.succeeded(index, subject, result);
    }

    /// The operation was not made, or its outcome is unknown.
    pub(super) fn failed(&mut self, index: usize, subject: Subject, error: ApiError) {
        let result = OperationResult {
            status: error.status().as_u16(),
            changed: (!error.may_be_applied()).then_some(false),
            error: Some(error.client_message().into_owned()),
            code: Some(error.client_code()),
            details: error.details(),
            ..OperationResult::default()
        };
        match &error {
            ApiError::NotApplied | ApiError::NotAttempted => self.summary.not_attempted += 1,
            _ => self.summary.failed += 1,
        }
        let broken_rules = error.broken_rules().unwrap_or_default();
        self.broken_rules.extend(broken_rules.iter().cloned());
        // A defect is worse than a fault that passes.
        let is_worse = self
            .worst
            .as_ref()
            .is_none_or(|worst| worst.is_transient() && !error.is_transient());
        if error.status().is_server_error() && is_worse {
            self.worst = Some(Box::new(error));
        }
        self.push(index, subject, result);
    }

    /// The report, if every operation succeeded, and what was changed either way.
    pub(super) fn finish(mut self) -> (Result<BatchReport, ApiError>, Vec<ConfigChanged>) {
        self.results.sort_unstable_by_key(|result| result.index);
        let (failed, not_attempted) = (self.summary.failed, self.summary.not_attempted);
        let total = self.summary.total;
        let report = BatchReport {
            results: self.results,
            summary: self.summary,
        };
        if failed + not_attempted == 0 {
            return (Ok(report), self.changes);
        }
        let error = match to_raw_value(&report) {
            Ok(report) => ApiError::OperationsFailed(FailedOperations {
                total,
                failed,
                not_attempted,
                report,
                broken_rules: self.broken_rules,
                worst: self.worst,
            }),
            Err(error) => ApiError::Unserializable(error),
        };
        (Err(error), self.changes)
    }

    /// Adds what was asked for, unless the response would become too large.
    fn add_details(
        &mut self,
        result: &mut OperationResult,
        diff: Option<&[FieldDiff]>,
        configuration: Option<&StoredConfig>,
    ) {
        let diff = diff.and_then(|diff| to_raw_value(diff).ok());
        let configuration = configuration.and_then(|configuration| to_raw_value(configuration).ok());
        let parts = [&diff, &configuration].into_iter().flatten();
        let bytes = self.detail_bytes + parts.map(|part| part.get().len()).sum::<usize>();
        if bytes > MAX_DETAIL_BYTES {
            result.truncated = true;
            return;
        }
        self.detail_bytes = bytes;
        result.diff = diff;
        result.configuration = configuration;
    }

    fn succeeded(&mut self, index: usize, subject: Subject, result: OperationResult) {
        if result.changed == Some(false) {
            self.summary.unchanged += 1;
        } else {
            self.summary.succeeded += 1;
        }
        self.push(index, subject, result);
    }

    fn push(&mut self, index: usize, subject: Subject, result: OperationResult) {
        self.results.push(OperationResult {
            index,
            op: subject.kind,
            tenant_id: subject.tenant_id,
            delivery_type: subject.delivery_type,
            ..result
        });
    }
}

/// The status of a success.
fn success(creates: bool) -> u16 {
    if creates { StatusCode::CREATED } else { StatusCode::OK }.as_u16()
}

fn quoted(tag: EntityTag) -> String {
    format!("\"{tag}\"")
}

/// What the log shows of a configuration. A thousand whole ones could be more than the function has memory for.
fn for_log(config: StoredConfig) -> StoredConfig {
    config.only(&[Field::Enabled])
}
