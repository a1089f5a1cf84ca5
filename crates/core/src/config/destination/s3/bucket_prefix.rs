//! The prefix of the key of every delivered S3 object.

use std::str::FromStr;

use crate::{
    config::values::text::{lost_bytes, text_value},
    violation::{ErrorCode, Violation},
};

/// A key prefix without a leading slash and with exactly one trailing slash.
///
/// Source: "Naming Amazon S3 objects" in the Amazon S3 User Guide (a key is UTF-8 of up to 1,024 bytes); half of that
/// remains for the part that the log processor appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPrefix(String);

text_value!(BucketPrefix);

impl BucketPrefix {
    /// The maximum number of bytes without the trailing slash, so that a prefix that was read can be sent back.
    pub const MAX_BYTES: usize = 512;
    /// The rules as an ECMAScript pattern, except for the length, which counts bytes.
    pub const PATTERN: &str = r"^[^/\u0000-\u001f\u007f-\u009f\ufffd][^\u0000-\u001f\u007f-\u009f\ufffd]*$";
}

impl Default for BucketPrefix {
    /// The platform's established prefix.
    fn default() -> Self {
        Self("ROSA/cluster-logs/".to_owned())
    }
}

impl FromStr for BucketPrefix {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new(
                ErrorCode::Empty,
                "must not be empty (omit the field or send null to use the default ROSA/cluster-logs/)",
            ));
        }
        if text.starts_with('/') {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must not begin with /, which creates a folder with an empty name",
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must not contain control characters",
            ));
        }
        if lost_bytes(text) {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must not contain U+FFFD, which replaces bytes that are not valid UTF-8",
            ));
        }
        let name = text.trim_end_matches('/');
        if name.len() > Self::MAX_BYTES {
            return Err(Violation::new(
                ErrorCode::TooLong,
                "must be at most 512 bytes of UTF-8 long",
            ));
        }
        Ok(Self(format!("{name}/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_stored_with_one_trailing_slash() {
        for (sent, stored) in [
            ("logs", "logs/"),
            ("logs/", "logs/"),
            ("logs//", "logs/"),
            ("ROSA/cluster-logs/", "ROSA/cluster-logs/"),
            ("a b/\u{e9}", "a b/\u{e9}/"),
        ] {
            assert_eq!(sent.parse::<BucketPrefix>().unwrap().as_str(), stored);
        }
        assert_eq!(BucketPrefix::default().as_str().parse(), Ok(BucketPrefix::default()));
    }

    #[test]
    fn longest_prefix_round_trips() {
        let stored = "p".repeat(512).parse::<BucketPrefix>().unwrap();
        assert_eq!(stored.as_str().parse(), Ok(stored));
    }

    #[test]
    fn invalid_prefixes_are_rejected_with_the_broken_rule() {
        let too_long = "p".repeat(513);
        let too_many_bytes = "\u{e9}".repeat(257);
        for (text, code) in [
            ("", ErrorCode::Empty),
            ("/", ErrorCode::InvalidFormat),
            ("/logs", ErrorCode::InvalidFormat),
            ("lo\ngs", ErrorCode::InvalidFormat),
            ("lo\0gs", ErrorCode::InvalidFormat),
            ("lo\u{85}gs", ErrorCode::InvalidFormat),
            ("lo\u{fffd}gs", ErrorCode::InvalidFormat),
            (too_long.as_str(), ErrorCode::TooLong),
            (too_many_bytes.as_str(), ErrorCode::TooLong),
        ] {
            assert_eq!(text.parse::<BucketPrefix>().unwrap_err().code, code, "{text:?}");
        }
    }
}
