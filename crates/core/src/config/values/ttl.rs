//! When a configuration expires.

use chrono::{DateTime, Utc};
use serde_json::{Number, Value};

use crate::{
    config::field_value::FieldData,
    violation::{ErrorCode, Violation},
};

/// Unix seconds, as in DynamoDB's time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl(i64);

impl Ttl {
    /// The first value that is interpreted as milliseconds: as seconds, the year 5138; as milliseconds, 1973.
    pub const FIRST_MILLISECONDS: i64 = 100_000_000_000;

    /// Parses a JSON number that is a time after `now`.
    pub fn parse(value: &Value, now: DateTime<Utc>) -> Result<Self, Violation> {
        let ttl = Self::parse_shape(value)?;
        if ttl.0 <= now.timestamp() {
            return Err(Violation::new(
                ErrorCode::InThePast,
                format!("must be in the future, later than {} (Unix seconds)", now.timestamp()),
            ));
        }
        Ok(ttl)
    }

    /// Parses a JSON number of Unix seconds, past or future.
    pub fn parse_shape(value: &Value) -> Result<Self, Violation> {
        let Value::Number(number) = value else {
            return Err(Violation::wrong_type("a whole number of Unix seconds", value));
        };
        match whole(number) {
            Some(seconds) if seconds < i128::from(Self::FIRST_MILLISECONDS) => {
                i64::try_from(seconds).map(Self).map_err(|_| {
                    Violation::new(
                        ErrorCode::OutOfRange,
                        "must be Unix seconds in the future, but the value is smaller than any time that can be represented",
                    )
                })
            }
            Some(_) => Err(Violation::new(
                ErrorCode::OutOfRange,
                "must be Unix seconds below 100000000000 (a larger value is in milliseconds: divide it by 1000)",
            )),
            None => Err(Violation::new(
                ErrorCode::WrongType,
                "must be a whole number of Unix seconds, without a fraction",
            )),
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl From<Ttl> for FieldData {
    fn from(ttl: Ttl) -> Self {
        Self::Number(ttl.seconds())
    }
}

/// The number if it is an integer as JSON Schema defines it, which includes `1700000000.0` and `1.7e9`.
fn whole(number: &Number) -> Option<i128> {
    let integer = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float without a fraction is an integer, and saturates far beyond what is in range"
    )]
    integer.or_else(|| {
        number
            .as_f64()
            .filter(|value| value.fract() == 0.0)
            .map(|value| value as i128)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_time_after_now_is_in_the_future() {
        let now = DateTime::from_timestamp(1_700_000_000, 999_999_999).unwrap();
        assert_eq!(Ttl::parse(&json!(1_700_000_001), now).unwrap().seconds(), 1_700_000_001);
        for past in [json!(1_700_000_000), json!(0), json!(-1)] {
            assert_eq!(Ttl::parse(&past, now).unwrap_err().code, ErrorCode::InThePast, "{past}");
        }
    }

    #[test]
    fn milliseconds_are_detected_and_named_in_the_message() {
        assert!(Ttl::parse_shape(&json!(99_999_999_999_i64)).is_ok());
        for value in [
            json!(100_000_000_000_i64),
            json!(1_700_000_000_000_i64),
            json!(u64::MAX),
            json!(1e300),
        ] {
            let violation = Ttl::parse_shape(&value).unwrap_err();
            assert_eq!(violation.code, ErrorCode::OutOfRange);
            assert!(violation.message.contains("milliseconds"), "{violation}");
        }
    }

    #[test]
    fn whole_number_with_a_point_or_an_exponent_is_accepted() {
        for text in ["1700000000", "1700000000.0", "1.7e9", "17E8"] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(Ttl::parse_shape(&value).unwrap().seconds(), 1_700_000_000, "{text}");
        }
        assert_eq!(
            Ttl::parse_shape(&json!(-1e300)).unwrap_err().code,
            ErrorCode::OutOfRange
        );
    }

    #[test]
    fn value_other_than_a_whole_number_is_rejected() {
        for value in [json!("1700000000"), json!(1_700_000_000.5), json!(true), json!([1])] {
            assert_eq!(
                Ttl::parse_shape(&value).unwrap_err().code,
                ErrorCode::WrongType,
                "{value}"
            );
        }
    }
}
