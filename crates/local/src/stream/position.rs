//! Places in a stream.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A place in a stream: the sequence number of a record, as the database stores it.
///
/// The database numbers a record with the microseconds since 1970, or with the number after the last one where that is
/// greater. So the number of a record is never below the time of its change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Position(i64);

impl Position {
    /// Before every record.
    pub(super) const START: Self = Self(0);

    /// The place of a record by its number as clients see it: a 1, and the stored number in 20 digits.
    pub(super) fn parse(sequence_number: &str) -> Option<Self> {
        let digits = sequence_number.strip_prefix('1')?;
        if digits.len() != 20 {
            return None;
        }
        digits.parse().ok().map(Self)
    }

    /// Records of changes from `time` on are at this place or later.
    pub(super) fn at(time: SystemTime) -> Self {
        let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }

    /// The place from which the record at this one is the next.
    pub(super) fn before(self) -> Self {
        Self(self.0 - 1)
    }

    /// The number as the database stores it.
    pub(super) fn stored(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn number_that_the_database_shows_is_a_place() {
        let second = Position::at(UNIX_EPOCH + Duration::from_secs(1_790_000_000));
        assert_eq!(Position::parse("100001790000000000000"), Some(second));
        assert_eq!(second.stored(), 1_790_000_000_000_000);
        assert!(second.before() < second && Position::START < second);
    }

    #[test]
    fn number_of_another_form_is_rejected() {
        for number in [
            "",
            "1790000000000000",
            "200001790000000000000",
            "1000017900000000000000",
            "10000179000000000000x",
            "199999999999999999999",
        ] {
            assert_eq!(Position::parse(number), None, "{number}");
        }
    }
}
