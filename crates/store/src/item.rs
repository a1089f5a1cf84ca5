//! Items of any table: keys, values and time to live.

use std::{collections::HashMap, fmt::Display, str::FromStr};

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

/// A text attribute.
pub(crate) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A time in a text attribute.
pub(crate) fn time_of(item: &Item, name: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text_of(item, name)?).ok()?;
    Some(time.to_utc())
}

/// A number attribute.
pub(crate) fn number_of<N: FromStr>(item: &Item, name: &str) -> Option<N> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// A time as text, to the millisecond: its order as text is that of time.
pub(crate) fn millisecond_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
