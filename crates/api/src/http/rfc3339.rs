//! Times on the wire: RFC 3339.

use chrono::{DateTime, SecondsFormat, Utc};

/// The time in whole seconds, as in `2024-01-15T10:30:00Z`.
pub(crate) fn to_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads a time with any time zone. `None` for any other text. A space in place of the `T` is one: in a query it is
/// probably a plus that nobody encoded.
pub(crate) fn from_text(text: &str) -> Option<DateTime<Utc>> {
    let has_separator = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    let time = DateTime::parse_from_rfc3339(text).ok().filter(|_| has_separator)?;
    Some(time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zone_is_required_and_converted() {
        let expected = DateTime::from_timestamp(1_705_314_600, 0);
        for text in [
            "2024-01-15T10:30:00Z",
            "2024-01-15t10:30:00z",
            "2024-01-15T11:30:00.000+01:00",
        ] {
            assert_eq!(from_text(text), expected, "{text}");
        }
        assert_eq!(to_text(expected.unwrap()), "2024-01-15T10:30:00Z");
        for text in [
            "",
            "now",
            "1705314600",
            "2024-01-15",
            "2024-01-15T10:30:00",
            "2024-01-15 10:30:00Z",
            "2024-01-15T11:30:00 01:00",
            "2024-13-15T10:30:00Z",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
