//! Items of any table: keys, values and time to live.

use std::{collections::HashMap, fmt::Display};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Months, SecondsFormat, Utc};

/// An item, or a key, in the SDK's form.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A time as it is stored: RFC 3339, UTC, whole seconds.
pub(crate) fn time(now: DateTime<Utc>) -> AttributeValue {
    AttributeValue::S(now.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The times to live of the items that DynamoDB may delete: those from the first up to but without the second, in seconds.
///
/// Source: "Using time to live (TTL) in DynamoDB" in the Amazon DynamoDB Developer Guide: a time that is more than five years
/// in the past expires no item.
pub(crate) fn expired_ttls(now: DateTime<Utc>) -> (i64, i64) {
    let five_years_ago = now
        .checked_sub_months(Months::new(5 * 12))
        .unwrap_or(DateTime::UNIX_EPOCH);
    // "Before the next second" equals "up to this second" and includes fractions.
    (five_years_ago.timestamp(), now.timestamp() + 1)
}

/// Whether DynamoDB may delete the item because the number in `ttl_attribute` has passed. Only a number expires an item;
/// a fraction of a second is cut off.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay far below 2^52")]
pub(crate) fn is_expired(item: &Item, ttl_attribute: &str, now: DateTime<Utc>) -> bool {
    let (from, below) = expired_ttls(now);
    item.get(ttl_attribute)
        .and_then(|ttl| ttl.as_n().ok())
        .and_then(|seconds| seconds.parse::<f64>().ok())
        .is_some_and(|seconds| (from as f64..below as f64).contains(&seconds))
}
