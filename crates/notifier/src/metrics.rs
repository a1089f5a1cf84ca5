//! The metrics of the notifier. `docs/operations.md` lists them for operators, and a test compares the list with this
//! module.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lambda::{
    Invocation,
    metrics::{FUNCTION_NAME, Measurements, Metric},
};
use tenant_aws::usage::Usage;
use tenant_core::webhook::{Delivery, DeliveryOrigin, DeliveryStatus, HealthChange};

use crate::{Handled, Report, Swept};

const BY_FUNCTION: &[&[&str]] = &[&[FUNCTION_NAME]];

const ATTEMPTED: Metric = Metric::count("deliveries_attempted", BY_FUNCTION);
const SUCCEEDED: Metric = Metric::count("deliveries_succeeded", BY_FUNCTION);
const FAILED: Metric = Metric::count("deliveries_failed", BY_FUNCTION);
const POSTPONED: Metric = Metric::count("deliveries_postponed", BY_FUNCTION);
const CANCELLED: Metric = Metric::count("deliveries_cancelled", BY_FUNCTION);
const ATTEMPT_TIME: Metric = Metric::milliseconds("attempt_ms", BY_FUNCTION);
const DELIVERY_LAG: Metric = Metric::milliseconds("delivery_lag_ms", BY_FUNCTION);
const BREAKERS_OPENED: Metric = Metric::count("breakers_opened", BY_FUNCTION);
const ENDPOINTS_DISABLED: Metric = Metric::count("endpoints_disabled", BY_FUNCTION);
const FAILED_WAKE_UPS: Metric = Metric::count("failed_wakeups", BY_FUNCTION);
const DUE_DELIVERIES: Metric = Metric::count("due_deliveries", BY_FUNCTION);
const OLDEST_DUE: Metric = Metric::milliseconds("oldest_due_ms", BY_FUNCTION);
const DURATION: Metric = Metric::milliseconds("duration_ms", BY_FUNCTION);
const COLD_STARTS: Metric = Metric::count("cold_starts", BY_FUNCTION);
const DYNAMODB_TIME: Metric = Metric::milliseconds("dynamodb_ms", BY_FUNCTION);
const DYNAMODB_RETRIES: Metric = Metric::count("dynamodb_retries", BY_FUNCTION);
const DYNAMODB_THROTTLES: Metric = Metric::count("dynamodb_throttles", BY_FUNCTION);

/// Every metric that the function can write.
#[must_use]
pub fn catalogue() -> Vec<Metric> {
    vec![
        ATTEMPTED,
        SUCCEEDED,
        FAILED,
        POSTPONED,
        CANCELLED,
        ATTEMPT_TIME,
        DELIVERY_LAG,
        BREAKERS_OPENED,
        ENDPOINTS_DISABLED,
        FAILED_WAKE_UPS,
        DUE_DELIVERIES,
        OLDEST_DUE,
        DURATION,
        COLD_STARTS,
        DYNAMODB_TIME,
        DYNAMODB_RETRIES,
        DYNAMODB_THROTTLES,
    ]
}

/// The measurements of one message, which are members of the line of its delivery as well.
pub(crate) fn for_report(report: &Report, now: DateTime<Utc>) -> Measurements<'static> {
    let mut measured = Measurements::default();
    if let Some(attempt) = report.attempt() {
        let has_succeeded = attempt.error.is_none();
        measured.count(ATTEMPTED, 1);
        measured.count_some(SUCCEEDED, has_succeeded.into());
        measured.count_some(FAILED, (!has_succeeded).into());
        measured.time(ATTEMPT_TIME, Duration::from_millis(attempt.duration_ms.into()));
    }
    if let Some(lag) = report.delivery.as_ref().and_then(|delivery| lag(delivery, now)) {
        measured.time(DELIVERY_LAG, lag);
    }
    measured.count_some(POSTPONED, (report.handled == Handled::Postponed).into());
    let is_cancelled = report.handled == Handled::GivenUp(DeliveryStatus::Cancelled);
    measured.count_some(CANCELLED, is_cancelled.into());
    measured.count_some(BREAKERS_OPENED, (report.endpoint == Some(HealthChange::Failing)).into());
    let is_disabled = matches!(report.endpoint, Some(HealthChange::Disabled(_)));
    measured.count_some(ENDPOINTS_DISABLED, is_disabled.into());
    measured.count_some(FAILED_WAKE_UPS, report.unsent);
    measured
}

/// The measurements of a sweep.
pub(crate) fn for_sweep(swept: &Swept, oldest: Option<Duration>) -> Measurements<'static> {
    let mut measured = Measurements::default();
    measured.count(DUE_DELIVERIES, u32::try_from(swept.due.len()).unwrap_or(u32::MAX));
    if let Some(oldest) = oldest {
        measured.time(OLDEST_DUE, oldest);
    }
    measured.count_some(FAILED_WAKE_UPS, swept.unsent);
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

/// From a change to its arrival. What is sent again has arrived late for another reason.
fn lag(delivery: &Delivery, now: DateTime<Utc>) -> Option<Duration> {
    let is_news = delivery.origin == DeliveryOrigin::Event && delivery.progress.status() == DeliveryStatus::Succeeded;
    is_news.then(|| (now - delivery.event.time()).to_std().unwrap_or_default())
}
