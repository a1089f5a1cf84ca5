//! Items of any table: keys, values and time to live.

use std::{collections::HashMap, fmt::Display};

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, SecondsFormat, Utc};

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

/// Whether DynamoDB may delete the item because the number in `ttl_attribute` has passed. Only a number expires an item;
/// a fraction of a second is cut off.
pub(crate) fn is_expired(item: &Item, ttl_attribute: &str, now: DateTime<Utc>) -> bool {
    item.get(ttl_attribute)
        .and_then(|ttl| ttl.as_n().ok())
        .and_then(|seconds| seconds.parse::<f64>().ok())
        // Seconds since 1970 fit a double without loss.
        .is_some_and(|seconds| seconds < expiry_bound(now))
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay far below 2^52")]
fn expiry_bound(now: DateTime<Utc>) -> f64 {
    (now.timestamp() + 1) as f64
}
