//! The names of events.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::{
    config::ConfigKey,
    history::{Entry, Revision},
    violation::{ErrorCode, Violation},
};

/// The name of an event, which subscribers recognize a repetition by. That of a change is the name of its revision, so
/// a change has one name however often it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventId {
    revision: Revision,
    /// The configuration, where the revision does not tell it from others of the same second.
    key_digits: Option<String>,
}

const PREFIX: &str = "evt_";
const SEPARATOR: char = '-';
const KEY_DIGITS: usize = 16;
/// Events that are not of a record are before every record.
const NO_STREAM: &str = "1970-01-01T00:00:00";

impl EventId {
    /// The event of a change.
    #[must_use]
    pub fn for_entry(entry: &Entry) -> Self {
        Self::for_revision(&entry.key, entry.revision.clone())
    }

    /// The same by its configuration and its revision.
    #[must_use]
    pub fn for_revision(key: &ConfigKey, revision: Revision) -> Self {
        let key_digits = revision.is_baseline().then(|| {
            let digest = Sha256::new()
                .chain_update(key.tenant_id())
                // In no tenant's identifier, and in no valid UTF-8.
                .chain_update([0xff])
                .chain_update(key.delivery_type());
            let mut digits = hex::encode(digest.finalize());
            digits.truncate(KEY_DIGITS);
            digits
        });
        Self { revision, key_digits }
    }

    /// An event of its own, such as a test.
    #[must_use]
    pub fn random(random: [u8; 16], now: DateTime<Utc>) -> Self {
        // Never a baseline: there is at least one digit.
        let number = (u128::from_be_bytes(random) | 1).to_string();
        let revision = Revision::from_record(NO_STREAM, &number, now);
        Self {
            revision: revision.unwrap_or_else(|_| Revision::observed_after(None, now)),
            key_digits: None,
        }
    }

    /// Its revision, or what is like one.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }

    /// When it happened, in whole seconds.
    #[must_use]
    pub fn time(&self) -> DateTime<Utc> {
        self.revision.changed_at()
    }

    /// Its place among the deliveries of an endpoint: the order is that of time.
    #[must_use]
    pub fn position(&self) -> String {
        let mut position = self.revision.by_time();
        if let Some(digits) = &self.key_digits {
            position.push(SEPARATOR);
            position.push_str(digits);
        }
        position
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.revision)?;
        match &self.key_digits {
            Some(digits) => write!(f, "{SEPARATOR}{digits}"),
            None => Ok(()),
        }
    }
}

impl FromStr for EventId {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        let parsed = text.strip_prefix(PREFIX).and_then(|rest| {
            let (revision, key_digits) = match rest.split_once(SEPARATOR) {
                Some((revision, digits)) => (revision, Some(digits)),
                None => (rest, None),
            };
            let revision: Revision = revision.parse().ok()?;
            let is_valid = match key_digits {
                Some(digits) => revision.is_baseline() && digits.len() == KEY_DIGITS && digits.bytes().all(is_digit),
                None => !revision.is_baseline(),
            };
            is_valid.then(|| Self {
                revision,
                key_digits: key_digits.map(str::to_owned),
            })
        });
        parsed.ok_or_else(|| Violation::new(ErrorCode::InvalidFormat, "must be the id of an event"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn key(tenant_id: &str, delivery_type: &str) -> ConfigKey {
        ConfigKey::new(tenant_id, delivery_type).unwrap()
    }

    #[test]
    fn id_is_read_from_its_text() {
        let revision = Revision::from_record("2023-11-01T00:00:00.000", "123456789012345678901", now()).unwrap();
        let change = EventId::for_revision(&key("acme", "s3"), revision.clone());
        assert_eq!(change.to_string(), format!("evt_{revision}"));
        let baseline = Entry::observed(key("acme", "s3"), None, None, now());
        for id in [
            change,
            EventId::random([255; 16], now()),
            EventId::random([0; 16], now()),
            EventId::for_entry(&baseline),
        ] {
            assert_eq!(id.to_string().parse(), Ok(id.clone()));
            assert_eq!(id.time(), now());
            assert!(id.position().starts_with(&Revision::time_text(now())));
        }
        assert_ne!(EventId::random([1; 16], now()), EventId::random([3; 16], now()));
        for text in [
            "",
            "evt_",
            "1f9gg2s0ma000",
            "evt_#",
            &format!("evt_{revision}-0123456789abcdef"),
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
        assert!(format!("evt_{}", baseline.revision).parse::<EventId>().is_err());
    }

    #[test]
    fn configurations_that_were_found_in_one_second_are_different_events() {
        let ids = [("acme", "s3"), ("acme", "cloudwatch"), ("acmes", "3"), ("acme2", "s3")].map(
            |(tenant_id, delivery_type)| {
                EventId::for_entry(&Entry::observed(key(tenant_id, delivery_type), None, None, now()))
            },
        );
        let mut positions: Vec<_> = ids.iter().map(EventId::position).collect();
        positions.sort();
        positions.dedup();
        assert_eq!(positions.len(), 4);
    }
}
