//! The metrics of the api function. `docs/operations.md` lists them for operators, and a test compares the list with this module.

use std::{borrow::Cow, collections::BTreeMap};

use lambda::metrics::{FUNCTION_NAME, Measurements, Metric, Unit};
use tenant_core::{Cause, ConfigChanged, DeliveryType, ErrorCode, Field, FieldError};

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
const SCANNED_ITEMS: Metric = Metric::count("scanned_items", BY_FUNCTION);
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
        SCANNED_ITEMS,
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
    let changes = changes_by_type(request.changes);
    let own = changes.first_key_value().filter(|_| changes.len() == 1);
    if let Some(delivery_type) = request.delivery_type.or(own.map(|(delivery_type, _)| *delivery_type)) {
        measured.dimension(TYPE, delivery_type);
    }
    if let Some((_, changes)) = own {
        count_changes(&mut measured, changes);
    }
    if let Some(items) = request.scanned {
        measured.count(SCANNED_ITEMS, u32::try_from(items).unwrap_or(u32::MAX));
    }
    let broken_rules = request.failure.and_then(|failure| failure.broken_rules());
    for (metric, times) in broken_rules.map(failures).unwrap_or_default() {
        measured.count(metric, times);
    }
    measured
}

/// The changes of a batch by type: a line has one value for a dimension, so each type has a line. If there is only one, the
/// request's own line has them.
pub(crate) fn measure_types(changes: &[ConfigChanged]) -> impl Iterator<Item = Measurements<'static>> {
    let changes = Some(changes_by_type(changes)).filter(|changes| changes.len() > 1);
    changes.into_iter().flatten().map(|(delivery_type, changes)| {
        let mut measured = Measurements::default();
        measured.dimension(TYPE, delivery_type);
        count_changes(&mut measured, &changes);
        measured
    })
}

/// How many configurations were created, updated and deleted.
#[derive(Default)]
struct Changes {
    created: u32,
    updated: u32,
    deleted: u32,
}

fn changes_by_type(changes: &[ConfigChanged]) -> BTreeMap<&'static str, Changes> {
    let mut by_type = BTreeMap::<_, Changes>::new();
    for change in changes {
        let delivery_type = DeliveryType::from_name(change.key.delivery_type());
        let changes = by_type
            .entry(delivery_type.map_or(OTHER_TYPE, DeliveryType::as_str))
            .or_default();
        match change.cause {
            Cause::Create => changes.created += 1,
            Cause::Restore if change.before.is_none() => changes.created += 1,
            Cause::Update | Cause::Restore => changes.updated += 1,
            Cause::Delete => changes.deleted += 1,
        }
    }
    by_type
}

fn count_changes(measured: &mut Measurements<'_>, changes: &Changes) {
    measured.count_some(CONFIGS_CREATED, changes.created);
    measured.count_some(CONFIGS_UPDATED, changes.updated);
    measured.count_some(CONFIGS_DELETED, changes.deleted);
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
        let unknown = (error.code == ErrorCode::UnknownField).then_some(UNKNOWN_FIELD);
        // What is neither is a member of a batch.
        if let Some(field) = Field::of_error(error).map(Field::name).or(unknown) {
            *fields.entry(field).or_default() += 1;
        }
    }
    let all = (VALIDATION_FAILURES, u32::try_from(errors.len()).unwrap_or(u32::MAX));
    let by_field = fields
        .into_iter()
        .map(|(field, times)| (failures_for_field(field), times));
    [all].into_iter().chain(by_field).collect()
}
