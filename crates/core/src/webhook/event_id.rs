//! The names of events.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

use crate::{
    history::Revision,
    violation::{ErrorCode, Violation},
};

/// The name of an event, which subscribers recognize a repetition by. That of a change is the name of its revision, so
/// a change has one name however often it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventId(Revision);

const PREFIX: &str = "evt_";
/// Events that are no change are before every record.
const NO_STREAM: &str = "1970-01-01T00:00:00";

impl EventId {
    /// The event of a change.
    #[must_use]
    pub const fn for_revision(revision: Revision) -> Self {
        Self(revision)
    }

    /// An event that is no change, such as a test.
    #[must_use]
    pub fn random(random: [u8; 16], now: DateTime<Utc>) -> Self {
        let number = u128::from_be_bytes(random).to_string();
        let revision = Revision::from_record(NO_STREAM, &number, now);
        Self(revision.unwrap_or_else(|_| Revision::observed_after(None, now)))
    }

    /// Its revision, or what is like one.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.0
    }

    /// When it happened, in whole seconds.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        self.0.changed_at()
    }

    /// Its place among the deliveries of an endpoint: the order is that of time.
    #[must_use]
    pub fn position(&self) -> String {
        self.0.by_time()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for EventId {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let revision = text.strip_prefix(PREFIX).and_then(|revision| revision.parse().ok());
        revision
            .map(Self)
            .ok_or_else(|| Violation::new(ErrorCode::InvalidFormat, "must be the id of an event"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_read_from_its_text() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let revision = Revision::from_record("2023-11-01T00:00:00.000", "123456789012345678901", now).unwrap();
        for id in [
            EventId::for_revision(revision),
            EventId::random([255; 16], now),
            EventId::random([0; 16], now),
        ] {
            assert_eq!(id.to_string().parse(), Ok(id.clone()));
            assert_eq!(id.time(), now);
            assert!(id.position().starts_with(&Revision::time_text(now)));
        }
        assert_ne!(EventId::random([1; 16], now), EventId::random([2; 16], now));
        for text in ["", "evt_", "1f9gg2s0ma000", "evt_#"] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }
}
