//! The time at which a client signed, according to the client.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::{SignatureError, WINDOW};

/// The value of `X-API-Timestamp`: `YYYY-MM-DDThh:mm:ss`, optionally a fraction of one to nine digits, then `Z`, a numeric
/// offset (`+01:00`, `+0100` or `+01`) or nothing, which means UTC. The message contains the text as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    text: String,
    instant: DateTime<Utc>,
}

impl Timestamp {
    /// Parses the value of the header. It does not check the time, which
    /// [`check_window`](Self::check_window) does.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let (local, offset) = split_offset(text).ok_or(SignatureError::TimestampMalformed)?;
        let instant = Fields::parse(local)
            .ok_or(SignatureError::TimestampMalformed)?
            .to_date_time()
            .and_then(|local| local.checked_sub_signed(offset))
            .ok_or(SignatureError::TimestampNotADate)?;
        Ok(Self {
            text: text.to_owned(),
            instant: instant.and_utc(),
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

/// Splits a timestamp into the local time and its offset from UTC, which is less than a day. Without one it is in UTC.
fn split_offset(text: &str) -> Option<(&str, TimeDelta)> {
    /// The length of `YYYY-MM-DDThh:mm:ss`, which contains hyphens of its own.
    const SECONDS: usize = 19;
    if let Some(local) = text.strip_suffix('Z') {
        return Some((local, TimeDelta::zero()));
    }
    let after_seconds = text.get(SECONDS..)?;
    let Some(at) = after_seconds.find(['+', '-']) else {
        return Some((text, TimeDelta::zero()));
    };
    let (local, offset) = text.split_at(SECONDS + at);
    let minutes = match *offset.as_bytes() {
        [_, h, o] => number(&[h, o])? * 60,
        [_, h, o, b':', m, i] | [_, h, o, m, i] => {
            let minutes = number(&[m, i]).filter(|minutes| *minutes < 60)?;
            number(&[h, o])? * 60 + minutes
        }
        _ => return None,
    };
    let minutes = i64::from(minutes);
    let minutes = if offset.starts_with('-') { -minutes } else { minutes };
    (minutes.abs() < 24 * 60).then(|| (local, TimeDelta::minutes(minutes)))
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
    fn any_numeric_offset_is_applied() {
        let time = DateTime::from_timestamp(1_705_314_600, 0).unwrap();
        for text in [
            "2024-01-15T11:30:00+01:00",
            "2024-01-15T11:30:00+0100",
            "2024-01-15T11:30:00+01",
            "2024-01-15T05:00:00-05:30",
            "2024-01-15T05:00:00.000-0530",
            "2024-01-15T10:30:00-00:00",
            "2024-01-15T10:30:00+0000",
            "2024-01-16T10:29:00+23:59",
            "2024-01-14T10:31:00-23:59",
        ] {
            assert_eq!(instant(text), time, "{text}");
        }
    }

    #[test]
    fn time_without_an_offset_is_in_utc() {
        assert_eq!(instant("2024-01-15T10:30:00"), instant("2024-01-15T10:30:00Z"));
        assert_eq!(instant("2024-01-15T10:30:00.25"), instant("2024-01-15T10:30:00.25Z"));
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
            "2024-01-15T10:30:00z",
            "2024-01-15t10:30:00Z",
            "2024-01-15 10:30:00Z",
            "2024-01-15T10:30:00+",
            "2024-01-15T10:30:00+1",
            "2024-01-15T10:30:00+1:00",
            "2024-01-15T10:30:00+010",
            "2024-01-15T10:30:00+01:0",
            "2024-01-15T10:30:00+01:000",
            "2024-01-15T10:30:00+01:60",
            "2024-01-15T10:30:00+24:00",
            "2024-01-15T10:30:00-2400",
            "2024-01-15T10:30:00+99",
            "2024-01-15T10:30:00+ab:cd",
            "2024-01-15T10:30:00+01:00+01:00",
            "2024-01-15T10:30:00+01:00:00",
            "2024-01-15T10:30:00+01:00Z",
            "2024-01-15T10:30:00 +01:00",
            "2024-01-15T10:30:00\u{2212}01:00",
            "2024-01-15T10:30:00UTC",
            "2024-01-15T10:30:00.",
            "2024-01-15T10:30:00.0123456789",
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
            ("0000-01-01T00:00:00+23:59", SignatureError::TimestampExpired),
            ("9999-12-31T23:59:59-23:59", SignatureError::TimestampInFuture),
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
