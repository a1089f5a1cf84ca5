//! Labels of streams.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::position::Position;

/// The label of a stream: when it was enabled. A table whose stream is disabled and enabled again has another stream, with
/// another label.
///
/// The database writes seconds since 1970 with nine decimals, DynamoDB a date and a time with three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Label(String);

impl Label {
    /// The label as the database writes it.
    pub(super) fn new(label: String) -> Self {
        Self(label)
    }

    /// All records of the stream are here or later, and all records of the table's earlier streams are before.
    pub(super) fn start(&self) -> Position {
        self.enabled_at()
            .map_or(Position::START, |time| Position::at(time.into()))
    }

    fn enabled_at(&self) -> Option<DateTime<Utc>> {
        let (seconds, nanoseconds) = self.0.split_once('.')?;
        DateTime::from_timestamp(seconds.parse().ok()?, nanoseconds.parse().ok()?)
    }
}

/// As DynamoDB writes it.
impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.enabled_at() {
            Some(time) => time.format("%Y-%m-%dT%H:%M:%S%.3f").fmt(formatter),
            None => formatter.write_str(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn label_is_shown_as_dynamodb_shows_it() {
        let label = Label::new("1790000000.123456716".to_owned());
        assert_eq!(label.to_string(), "2026-09-21T14:13:20.123");
        let enabled = UNIX_EPOCH + Duration::from_nanos(1_790_000_000_123_456_716);
        assert_eq!(label.start(), Position::at(enabled));
    }

    #[test]
    fn label_of_another_form_is_shown_as_it_is() {
        let label = Label::new("2026-09-21T14:13:20.123".to_owned());
        assert_eq!(label.to_string(), "2026-09-21T14:13:20.123");
        assert_eq!(label.start(), Position::START);
    }
}
