//! The metrics of the api function. `docs/operations.md` lists them for operators, and a test compares the list with this module.

use std::{borrow::Cow, collections::BTreeMap};

use lambda::metrics::{FUNCTION_NAME, Measurements, Metric, Unit};
use tenant_core::{Cause, Field, FieldError};

use crate::facts::RequestFacts;

const ROUTE: &str = "route";
const STATUS_CLASS: &str = "status_class";
const TYPE: &str = "type";
/// The route of a request that matches none: dimensions have no empty values.
const UNMATCHED: &str = "unmatched";
/// The type of a change of an item that was written by hand with a type that the service does not know.
const OTHER_TYPE: &str = "other";
/// The field of the rule that a field is unknown.
const UNKNOWN_FIELD: &str = "unknown_field";

const BY_FUNCTION: &[&[&str]] = &[&[FUNCTION_NAME]];
const BY_ROUTE: &[&[&str]] = &[&[FUNCTION_NAME], &[FUNCTION_NAME, ROUTE, STATUS_CLASS]];
const BY_TYPE: &[&[&str]] = &[&[FUNCTION_NAME, TYPE]];

const REQUESTS: Metric = Metric::count("requests", BY_ROUTE);
const DURATION: Metric = Metric::milliseconds("duration_ms", BY_ROUTE);
const COLD_STARTS: Metric = Metric::count("cold_starts", BY_FUNCTION);
const DYNAMODB_TIME: Metric = Metric::milliseconds("dynamodb_ms", BY_FUNCTION);
const DYNAMODB_RETRIES: Metric = Metric::count("dynamodb_retries", BY_FUNCTION);
const DYNAMODB_THROTTLES: Metric = Metric::count("dynamodb_throttles", BY_FUNCTION);
const CONFIGS_CREATED: Metric = Metric::count("configs_created", BY_TYPE);
const CONFIGS_UPDATED: Metric = Metric::count("configs_updated", BY_TYPE);
const CONFIGS_DELETED: Metric = Metric::count("configs_deleted", BY_TYPE);
const VALIDATION_FAILURES: Metric = Metric::count("validation_failures", BY_FUNCTION);

/// Every metric that the function can write.
#[must_use]
pub fn catalogue() -> Vec<Metric> {
    let all = [
        REQUESTS,
        DURATION,
        COLD_STARTS,
        DYNAMODB_TIME,
        DYNAMODB_RETRIES,
        DYNAMODB_THROTTLES,
        CONFIGS_CREATED,
        CONFIGS_UPDATED,
        CONFIGS_DELETED,
        VALIDATION_FAILURES,
    ];
    let fields = Field::ALL.map(Field::name).into_iter().chain([UNKNOWN_FIELD]);
    all.into_iter().chain(fields.map(failures_for_field)).collect()
}

/// The measurements of a request. The values are members of its line as well.
pub(crate) fn measure<'a>(request: &RequestFacts<'a>) -> Measurements<'a> {
    let mut measured = Measurements::default();
    measured.dimension(ROUTE, request.route.unwrap_or(UNMATCHED));
    measured.dimension(STATUS_CLASS, status_class(request.status.as_u16()));
    measured.count(REQUESTS, 1);
    measured.time(DURATION, request.duration);
    let is_cold_start = request.invocation.is_some_and(|invocation| invocation.cold_start);
    measured.count_some(COLD_STARTS, is_cold_start.into());
    if request.usage.calls > 0 {
        measured.time(DYNAMODB_TIME, request.usage.time);
    }
    measured.count_some(DYNAMODB_RETRIES, request.usage.retries());
    measured.count_some(DYNAMODB_THROTTLES, request.usage.throttles);
    if let Some(delivery_type) = request.delivery_type.or(request.change.map(|_| OTHER_TYPE)) {
        measured.dimension(TYPE, delivery_type);
    }
    if let Some(change) = request.change {
        let metric = match change.cause {
            Cause::Create => CONFIGS_CREATED,
            Cause::Update => CONFIGS_UPDATED,
            Cause::Delete => CONFIGS_DELETED,
        };
        measured.count(metric, 1);
    }
    let broken_rules = request.failure.and_then(|failure| failure.broken_rules());
    for (metric, times) in broken_rules.map(failures).unwrap_or_default() {
        measured.count(metric, times);
    }
    measured
}

fn status_class(status: u16) -> &'static str {
    match status / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// A line has one value for a dimension, and a body may break rules of many fields, so each field has its own metric.
fn failures_for_field(field: &str) -> Metric {
    Metric {
        name: Cow::Owned(format!("{}_{field}", VALIDATION_FAILURES.name)),
        unit: Unit::Count,
        dimensions: BY_FUNCTION,
    }
}

/// The broken rules, counted all together and field by field.
fn failures(errors: &[FieldError]) -> Vec<(Metric, u32)> {
    let mut fields = BTreeMap::<_, u32>::new();
    for error in errors {
        let field = Field::of_error(error).map_or(UNKNOWN_FIELD, Field::name);
        *fields.entry(field).or_default() += 1;
    }
    let all = (VALIDATION_FAILURES, fields.values().sum());
    let by_field = fields
        .into_iter()
        .map(|(field, times)| (failures_for_field(field), times));
    [all].into_iter().chain(by_field).collect()
}
