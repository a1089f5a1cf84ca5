//! Places in the feed of all entries.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use sha2::{Digest, Sha256};

use super::{digits, entry::Entry};

/// A place in a feed, which is ordered by the time of recording: an opaque text of digits and lower-case letters, which
/// needs no escape in a URL. Entries that are recorded later are after it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedCursor(String);

/// The text is not a place in a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a cursor that a previous response of the feed contains")]
pub struct FeedCursorError;

/// 45 bits of milliseconds since 1970: until the year 3084.
const TIME_DIGITS: usize = 9;
const MAX_TIME: i64 = (1 << 45) - 1;
/// Two configurations may have revisions of the same name, and be recorded in the same millisecond.
const KEY_DIGITS: usize = 8;
/// Time, revision and key.
const MAX_BYTES: usize = TIME_DIGITS + 64 + KEY_DIGITS;

impl FeedCursor {
    /// The place before everything that is recorded in this millisecond or later.
    #[must_use]
    pub fn at(time: DateTime<Utc>) -> Self {
        let milliseconds = time.timestamp_millis().clamp(0, MAX_TIME);
        let mut text = String::with_capacity(MAX_BYTES);
        digits::push(&mut text, u64::try_from(milliseconds).unwrap_or_default(), TIME_DIGITS);
        Self(text)
    }

    /// The place of an entry.
    #[must_use]
    pub fn for_entry(entry: &Entry) -> Self {
        let Self(mut text) = Self::at(entry.recorded_at);
        text.push_str(&entry.revision.to_string());
        let key = Sha256::new()
            .chain_update(entry.key.tenant_id())
            .chain_update([0])
            .chain_update(entry.key.delivery_type())
            .finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&key[..8]);
        digits::push(&mut text, u64::from_be_bytes(first), KEY_DIGITS);
        Self(text)
    }

    /// The time of recording at this place, to the millisecond.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        let milliseconds = self.0.get(..TIME_DIGITS).and_then(digits::parse);
        milliseconds
            .and_then(|milliseconds| i64::try_from(milliseconds).ok())
            .and_then(DateTime::from_timestamp_millis)
            .unwrap_or_default()
    }

    /// The day of recording at this place, in UTC.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        self.time().date_naive()
    }

    /// The place where the day after this one begins.
    #[must_use]
    pub fn next_day(&self) -> Self {
        let day = self.day().succ_opt().unwrap_or(NaiveDate::MAX);
        Self::at(day.and_time(NaiveTime::MIN).and_utc())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FeedCursor {
    type Err = FeedCursorError;

    fn from_str(text: &str) -> Result<Self, FeedCursorError> {
        let is_place = (TIME_DIGITS..=MAX_BYTES).contains(&text.len()) && digits::are_digits(text);
        if is_place {
            Ok(Self(text.to_owned()))
        } else {
            Err(FeedCursorError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::ConfigKey, history::Revision};

    fn entry(tenant_id: &str, milliseconds: i64) -> Entry {
        let time = DateTime::from_timestamp_millis(milliseconds).unwrap();
        let key = ConfigKey::new(tenant_id, "s3").unwrap();
        Entry::observed(key, None, None, time)
    }

    const NOW: i64 = 1_700_000_000_123;

    #[test]
    fn place_of_an_entry_is_in_the_order_of_recording() {
        let place = |entry: &Entry| FeedCursor::for_entry(entry);
        let (one, later) = (entry("acme", NOW), entry("acme", NOW + 1));
        assert!(place(&one) < place(&later));
        assert!(FeedCursor::at(one.recorded_at) < place(&one));
        assert!(place(&one) < FeedCursor::at(later.recorded_at));
        assert_eq!(place(&one).time(), one.recorded_at);
    }

    #[test]
    fn two_configurations_have_two_places() {
        let (one, other) = (entry("acme", NOW), entry("acme2", NOW));
        assert_eq!(one.revision, other.revision);
        assert_ne!(FeedCursor::for_entry(&one), FeedCursor::for_entry(&other));
    }

    #[test]
    fn longest_place_is_accepted_and_any_other_text_rejected() {
        let revision = Revision::from_record("2026-11-27T09:24:53.123", &"9".repeat(40), DateTime::UNIX_EPOCH).unwrap();
        let long = Entry {
            revision,
            ..entry("acme", NOW)
        };
        for place in [FeedCursor::for_entry(&long), FeedCursor::at(long.recorded_at)] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        let too_long = "0".repeat(MAX_BYTES + 1);
        for text in ["", "00000000", "00000000w", "00000000A", "0000/0000", &too_long] {
            assert_eq!(text.parse::<FeedCursor>(), Err(FeedCursorError), "{text}");
        }
    }

    #[test]
    fn next_day_begins_at_midnight() {
        let place = FeedCursor::for_entry(&entry("acme", NOW));
        assert_eq!(place.day().to_string(), "2023-11-14");
        assert_eq!(place.next_day().time().to_rfc3339(), "2023-11-15T00:00:00+00:00");
        assert!(place < place.next_day());
    }
}
