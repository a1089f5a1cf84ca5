//! What the key of every delivered S3 object begins with.

use std::str::FromStr;

use super::{lost_bytes, text_value};
use crate::violation::{ErrorCode, Violation};

/// A key prefix without a leading slash and with exactly one trailing slash.
///
/// Source: "Naming Amazon S3 objects" in the Amazon S3 User Guide (a key is UTF-8 of up to 1,024 bytes); half of that
/// is left for what the log processor appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPrefix(String);

text_value!(BucketPrefix);

/// Bytes at most, the trailing slash apart: a prefix that was read can be sent back.
const MAX_BYTES: usize = 512;

impl Default for BucketPrefix {
    /// Where the platform's logs have always gone.
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
                "must not be empty; leave it out or send null for the default ROSA/cluster-logs/",
            ));
        }
        if text.starts_with('/') {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must not begin with /, which would make a folder without a name",
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must not hold control characters",
            ));
        }
        if lost_bytes(text) {
            return Err(Violation::new(
                ErrorCode::InvalidFormat,
                "must be UTF-8; it holds U+FFFD, which stands where bytes were lost",
            ));
        }
        let name = text.trim_end_matches('/');
        if name.len() > MAX_BYTES {
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
    fn a_prefix_is_stored_with_one_trailing_slash() {
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
    fn the_longest_prefix_can_be_read_and_sent_back() {
        let stored = "p".repeat(512).parse::<BucketPrefix>().unwrap();
        assert_eq!(stored.as_str().parse(), Ok(stored));
    }

    #[test]
    fn prefixes_that_break_a_rule_are_refused_with_it() {
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
