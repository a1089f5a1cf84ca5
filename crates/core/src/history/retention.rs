//! How far the history goes back.

use std::{num::NonZeroU32, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

/// How long an entry is kept, in days. 0 is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention(Option<NonZeroU32>);

/// The text is not a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of days from 0, which is for ever, to 36500")]
pub struct RetentionError;

/// What the history contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// When the recording began; nothing before that is known.
    pub started_at: DateTime<Utc>,
    /// How long entries are kept.
    pub retention: Retention,
}

/// Seven years with their leap days.
const DEFAULT_DAYS: u32 = 2557;
const MAX_DAYS: u32 = 36_500;
const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

impl Retention {
    /// Nothing is ever removed.
    pub const FOR_EVER: Self = Self(None);

    /// The number of days; 0 is for ever.
    #[must_use]
    pub fn days(self) -> u32 {
        self.0.map_or(0, NonZeroU32::get)
    }

    /// When an entry is removed, in seconds since 1970.
    #[must_use]
    pub fn expires_at(self, changed_at: DateTime<Utc>) -> Option<i64> {
        self.seconds().map(|seconds| changed_at.timestamp() + seconds)
    }

    fn seconds(self) -> Option<i64> {
        self.0.map(|days| i64::from(days.get()) * SECONDS_OF_A_DAY)
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self(NonZeroU32::new(DEFAULT_DAYS))
    }
}

impl FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, RetentionError> {
        // `parse` alone would accept "+5".
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RetentionError);
        }
        let days = text
            .parse::<u32>()
            .ok()
            .filter(|days| *days <= MAX_DAYS)
            .ok_or(RetentionError)?;
        Ok(Self(NonZeroU32::new(days)))
    }
}

impl Recording {
    /// The time since which every change is in the history: a later one is neither missing nor removed.
    #[must_use]
    pub fn since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let kept = self.retention.seconds().and_then(TimeDelta::try_seconds);
        let oldest = kept.and_then(|kept| now.checked_sub_signed(kept));
        oldest.map_or(self.started_at, |oldest| oldest.max(self.started_at))
    }

    /// The same history with entries that are kept for another time from now on. What has been removed stays removed.
    #[must_use]
    pub fn with_retention(&self, retention: Retention, now: DateTime<Utc>) -> Self {
        Self {
            started_at: self.since(now),
            retention,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + days * SECONDS_OF_A_DAY, 0).unwrap()
    }

    fn days(text: &str) -> Retention {
        text.parse().unwrap()
    }

    #[test]
    fn retention_is_a_number_of_days_and_0_is_for_ever() {
        assert_eq!(Retention::default().days(), 2557);
        assert_eq!(days("0"), Retention::FOR_EVER);
        assert_eq!(days("36500").days(), 36_500);
        assert_eq!(days("1").expires_at(at(3)), Some(at(4).timestamp()));
        assert_eq!(Retention::FOR_EVER.expires_at(at(3)), None);
        for text in ["", "-1", "+1", "1.5", "36501", "99999999999", "one", " 1"] {
            assert_eq!(text.parse::<Retention>(), Err(RetentionError), "{text:?}");
        }
    }

    #[test]
    fn history_begins_with_the_recording_or_with_what_is_not_removed() {
        let recording = |retention| Recording {
            started_at: at(0),
            retention,
        };
        assert_eq!(recording(days("10")).since(at(3)), at(0));
        assert_eq!(recording(days("10")).since(at(30)), at(20));
        assert_eq!(recording(Retention::FOR_EVER).since(at(30)), at(0));
    }

    #[test]
    fn longer_retention_brings_nothing_back() {
        let recording = Recording {
            started_at: at(0),
            retention: days("10"),
        };
        let longer = recording.with_retention(days("100"), at(30));
        assert_eq!((longer.since(at(30)), longer.since(at(50))), (at(20), at(20)));
        let shorter = recording.with_retention(days("1"), at(5));
        assert_eq!(shorter.since(at(5)), at(4));
    }
}
