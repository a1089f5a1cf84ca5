//! A configuration as it was at some time.

use chrono::{DateTime, Months, Utc};
use serde_json::Value;

use super::entry::Entry;
use crate::config::{Field, StoredConfig};

/// A configuration as it was at some time.
#[derive(Debug, Clone, PartialEq)]
pub enum AsOf {
    /// It was this one.
    Config(StoredConfig),
    /// There was none, or one that had expired.
    Absent,
    /// The history does not go back that far, or its entry is too large to have the values.
    Unknown,
}

/// The configuration as it was at the end of the second of `time`, which is not in the future.
///
/// `entries` are those of the configuration in the order of time, at least the first one after `time`, and `current` is
/// what the table contains now. `since` is the start of what is recorded:
/// [`Recording::since`](super::Recording::since).
pub fn as_of<'a>(
    time: DateTime<Utc>,
    since: DateTime<Utc>,
    entries: impl IntoIterator<Item = &'a Entry>,
    current: Option<StoredConfig>,
) -> AsOf {
    if time.timestamp() < since.timestamp() {
        return AsOf::Unknown;
    }
    let next = entries
        .into_iter()
        .find(|entry| entry.changed_at().timestamp() > time.timestamp());
    let config = match next {
        None => current,
        Some(next) => match next.images.before() {
            Some(before) => before.map(|before| before.config()),
            None => return AsOf::Unknown,
        },
    };
    match config.filter(|config| !is_expired(config, time)) {
        Some(config) => AsOf::Config(config),
        None => AsOf::Absent,
    }
}

/// Whether DynamoDB may delete the item because its time to live has passed. Such a configuration does not exist. A
/// time that is more than five years in the past expires no item.
///
/// Source: "Using time to live (TTL) in DynamoDB" in the Amazon DynamoDB Developer Guide.
#[must_use]
pub fn is_expired(config: &StoredConfig, now: DateTime<Utc>) -> bool {
    let seconds = match config.get(Field::Ttl) {
        Some(Value::Number(number)) => number.as_f64(),
        // A number that a double cannot hold.
        Some(Value::Object(number)) => number
            .get("N")
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok()),
        _ => None,
    };
    let five_years_ago = now
        .checked_sub_months(Months::new(5 * 12))
        .unwrap_or(DateTime::UNIX_EPOCH);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 stay far below 2^52")]
    let (from, below) = (five_years_ago.timestamp() as f64, (now.timestamp() + 1) as f64);
    seconds.is_some_and(|seconds: f64| (from..below).contains(&seconds))
}
