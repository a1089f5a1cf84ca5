//! The metrics of the recorder. `docs/operations.md` lists them for operators, and a test compares the list with this
//! module.

use std::time::Duration;

use lambda::{
    Invocation,
    metrics::{FUNCTION_NAME, Measurements, Metric},
};
use tenant_aws::usage::Usage;

use crate::facts::{BatchFacts, ComparisonFacts};

const BY_FUNCTION: &[&[&str]] = &[&[FUNCTION_NAME]];

const RECORDS: Metric = Metric::count("records", BY_FUNCTION);
const RECORD_LAG: Metric = Metric::milliseconds("record_lag_ms", BY_FUNCTION);
const ENTRIES: Metric = Metric::count("history_entries", BY_FUNCTION);
const DELETE_MARKS: Metric = Metric::count("delete_marks", BY_FUNCTION);
const UNREADABLE_RECORDS: Metric = Metric::count("unreadable_records", BY_FUNCTION);
const TRUNCATED_ENTRIES: Metric = Metric::count("truncated_entries", BY_FUNCTION);
const UNFINISHED_BATCHES: Metric = Metric::count("unfinished_batches", BY_FUNCTION);
const CONFIGS_COMPARED: Metric = Metric::count("configs_compared", BY_FUNCTION);
const CHANGES_OBSERVED: Metric = Metric::count("changes_observed", BY_FUNCTION);
const STREAM_MISMATCHES: Metric = Metric::count("stream_mismatches", BY_FUNCTION);
const DURATION: Metric = Metric::milliseconds("duration_ms", BY_FUNCTION);
const COLD_STARTS: Metric = Metric::count("cold_starts", BY_FUNCTION);
const DYNAMODB_TIME: Metric = Metric::milliseconds("dynamodb_ms", BY_FUNCTION);
const DYNAMODB_RETRIES: Metric = Metric::count("dynamodb_retries", BY_FUNCTION);
const DYNAMODB_THROTTLES: Metric = Metric::count("dynamodb_throttles", BY_FUNCTION);

/// Every metric that the function can write.
#[must_use]
pub fn catalogue() -> Vec<Metric> {
    vec![
        RECORDS,
        RECORD_LAG,
        ENTRIES,
        DELETE_MARKS,
        UNREADABLE_RECORDS,
        TRUNCATED_ENTRIES,
        UNFINISHED_BATCHES,
        CONFIGS_COMPARED,
        CHANGES_OBSERVED,
        STREAM_MISMATCHES,
        DURATION,
        COLD_STARTS,
        DYNAMODB_TIME,
        DYNAMODB_RETRIES,
        DYNAMODB_THROTTLES,
    ]
}

/// The measurements of a batch. The values are members of its line as well.
pub(crate) fn for_batch(facts: &BatchFacts) -> Measurements<'static> {
    let mut measured = Measurements::default();
    measured.count(RECORDS, facts.records);
    if let Some(lag) = facts.lag {
        measured.time(RECORD_LAG, lag);
    }
    measured.count(ENTRIES, facts.entries);
    measured.count_some(DELETE_MARKS, facts.marks);
    measured.count_some(UNREADABLE_RECORDS, facts.unreadable);
    measured.count_some(TRUNCATED_ENTRIES, facts.truncated);
    measured.count_some(UNFINISHED_BATCHES, facts.unfinished.is_some().into());
    measured
}

/// The measurements of a comparison.
pub(crate) fn for_comparison(facts: &ComparisonFacts) -> Measurements<'static> {
    let mut measured = Measurements::default();
    measured.count(CONFIGS_COMPARED, facts.compared);
    measured.count_some(CHANGES_OBSERVED, facts.observed);
    measured.count_some(STREAM_MISMATCHES, facts.is_stream_stale.into());
    measured
}

/// The measurements of every invocation.
pub(crate) fn add_invocation(
    measured: &mut Measurements<'_>,
    duration: Duration,
    usage: Usage,
    invocation: &Invocation,
) {
    measured.time(DURATION, duration);
    measured.count_some(COLD_STARTS, invocation.cold_start.into());
    if usage.calls > 0 {
        measured.time(DYNAMODB_TIME, usage.time);
    }
    measured.count_some(DYNAMODB_RETRIES, usage.retries());
    measured.count_some(DYNAMODB_THROTTLES, usage.throttles);
}
