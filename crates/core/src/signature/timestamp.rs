//! The time at which a client signed, according to the client.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::{SignatureError, WINDOW};

/// The value of `X-API-Timestamp`: `YYYY-MM-DDThh:mm:ss`, optionally a fraction of one to nine digits, then `Z` or
/// `+00:00`. The message contains the text as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    text: String,
    instant: DateTime<Utc>,
}

impl Timestamp {
    /// Parses the value of the header. It does not check the time, which
    /// [`check_window`](Self::check_window) does.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let local = text
            .strip_suffix('Z')
            .or_else(|| text.strip_suffix("+00:00"))
            .and_then(Fields::parse)
            .ok_or(SignatureError::TimestampMalformed)?
            .to_date_time()
            .ok_or(SignatureError::TimestampNotADate)?;
        Ok(Self {
            text: text.to_owned(),
            instant: local.and_utc(),
        })
    }

    /// The text as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Checks the timestamp against the [`WINDOW`] around `now`.
    pub fn check_window(&self, now: DateTime<Utc>) -> Result<(), SignatureError> {
        let age = now.signed_duration_since(self.instant);
        if age > WINDOW {
            Err(SignatureError::TimestampExpired)
        } else if age < -WINDOW {
            Err(SignatureError::TimestampInFuture)
        } else {
            Ok(())
        }
    }
}

/// The numbers of a timestamp, not yet checked to be a date.
struct Fields {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
}

impl Fields {
    /// Parses `YYYY-MM-DDThh:mm:ss[.fraction]`.
    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if separators
            .iter()
            .any(|&(at, separator)| bytes.get(at) != Some(&separator))
        {
            return None;
        }
        let nanosecond = match bytes.get(19..)? {
            [] => 0,
            [b'.', fraction @ ..] if (1..=9).contains(&fraction.len()) => {
                let places = u32::try_from(fraction.len()).ok()?;
                number(fraction)? * 10_u32.pow(9 - places)
            }
            _ => return None,
        };
        Some(Self {
            year: number(&bytes[0..4])?,
            month: number(&bytes[5..7])?,
            day: number(&bytes[8..10])?,
            hour: number(&bytes[11..13])?,
            minute: number(&bytes[14..16])?,
            second: number(&bytes[17..19])?,
            nanosecond,
        })
    }

    /// The time, if it exists. A leap second does not.
    fn to_date_time(&self) -> Option<NaiveDateTime> {
        let date = NaiveDate::from_ymd_opt(i32::try_from(self.year).ok()?, self.month, self.day)?;
        let time = NaiveTime::from_hms_nano_opt(self.hour, self.minute, self.second, self.nanosecond)?;
        Some(date.and_time(time))
    }
}

/// The value of up to nine ASCII digits.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        Timestamp::parse(text).unwrap().instant
    }

    fn error_of(text: &str) -> Option<SignatureError> {
        Timestamp::parse(text).err()
    }

    #[test]
    fn z_and_zero_offset_are_the_same_time() {
        let time = DateTime::from_timestamp(1_705_314_600, 0).unwrap();
        assert_eq!(instant("2024-01-15T10:30:00Z"), time);
        assert_eq!(instant("2024-01-15T10:30:00+00:00"), time);
    }

    #[test]
    fn fraction_of_one_to_nine_digits_is_parsed() {
        let time = instant("2024-01-15T10:30:00Z");
        assert_eq!(instant("2024-01-15T10:30:00.5Z"), time + TimeDelta::milliseconds(500));
        assert_eq!(
            instant("2024-01-15T10:30:00.123456+00:00"),
            time + TimeDelta::microseconds(123_456)
        );
        assert_eq!(
            instant("2024-01-15T10:30:00.000000001Z"),
            time + TimeDelta::nanoseconds(1)
        );
        assert_eq!(
            instant("2024-01-15T10:30:00.999999999Z"),
            time + TimeDelta::nanoseconds(999_999_999)
        );
    }

    #[test]
    fn leap_day_exists_in_a_leap_year_only() {
        assert_eq!(error_of("2024-02-29T00:00:00Z"), None);
        assert_eq!(
            error_of("2023-02-29T00:00:00Z"),
            Some(SignatureError::TimestampNotADate)
        );
    }

    #[test]
    fn time_that_does_not_exist_is_rejected() {
        for text in [
            "2024-00-15T10:30:00Z",
            "2024-13-15T10:30:00Z",
            "2024-01-00T10:30:00Z",
            "2024-04-31T10:30:00Z",
            "2024-01-15T24:00:00Z",
            "2024-01-15T10:60:00Z",
            "2024-01-15T10:30:60Z",
            "2024-06-30T23:59:60Z",
            "2024-01-15T10:30:99.5Z",
        ] {
            assert_eq!(error_of(text), Some(SignatureError::TimestampNotADate), "{text}");
        }
    }

    #[test]
    fn malformed_timestamp_is_rejected() {
        for text in [
            "",
            "Z",
            "+00:00",
            "1705314600",
            "2024-01-15",
            "2024-01-15T10:30Z",
            "2024-01-15T10:30:00",
            "2024-01-15T10:30:00z",
            "2024-01-15t10:30:00Z",
            "2024-01-15 10:30:00Z",
            "2024-01-15T10:30:00-00:00",
            "2024-01-15T10:30:00+01:00",
            "2024-01-15T10:30:00+0000",
            "2024-01-15T10:30:00ZZ",
            "2024-01-15T10:30:00Z+00:00",
            "2024-01-15T10:30:00.Z",
            "2024-01-15T10:30:00.0123456789Z",
            "2024-01-15T10:30:00,5Z",
            "2024-01-15T10:30:00.5.5Z",
            "2024-01-15T10:30:0Z",
            "2024-01-15T10:30:000Z",
            "24-01-15T10:30:00Z",
            "+2024-01-15T10:30:00Z",
            "-024-01-15T10:30:00Z",
            "2024-1-15T10:30:00Z",
            "2024/01/15T10:30:00Z",
            "2024-01-15T10-30-00Z",
            " 2024-01-15T10:30:00Z",
            "2024-01-15T10:30:00Z ",
            "2024-01-15T10:30:00Z\n",
            "2024-01-15T10:30:0\u{0660}Z",
            "２０２４-01-15T10:30:00Z",
        ] {
            assert_eq!(error_of(text), Some(SignatureError::TimestampMalformed), "{text:?}");
        }
    }

    #[test]
    fn both_edges_of_the_window_are_inside() {
        let timestamp = Timestamp::parse("2024-01-15T10:30:00.5Z").unwrap();
        let signed_at = timestamp.instant;
        let nanosecond = TimeDelta::nanoseconds(1);
        for (now, expected) in [
            (signed_at, Ok(())),
            (signed_at + TimeDelta::seconds(300), Ok(())),
            (signed_at - TimeDelta::seconds(300), Ok(())),
            (
                signed_at + TimeDelta::seconds(300) + nanosecond,
                Err(SignatureError::TimestampExpired),
            ),
            (
                signed_at - TimeDelta::seconds(300) - nanosecond,
                Err(SignatureError::TimestampInFuture),
            ),
        ] {
            assert_eq!(timestamp.check_window(now), expected, "{now}");
        }
    }

    #[test]
    fn extreme_timestamps_are_outside_the_window() {
        for (text, expected) in [
            ("0000-01-01T00:00:00Z", SignatureError::TimestampExpired),
            ("9999-12-31T23:59:59.999999999Z", SignatureError::TimestampInFuture),
        ] {
            assert_eq!(
                Timestamp::parse(text)
                    .unwrap()
                    .check_window(instant("2024-01-15T10:30:00Z")),
                Err(expected)
            );
        }
    }
}
